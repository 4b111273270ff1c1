#include "pgmosaic/catalog/schema.h"

#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/hash.h"
#include "pgmosaic/base/mem.h"
#include "schema_default.h"

enum schema_rows {
	ROWS_SERVER,
	ROWS_SCHEMAS,
	ROWS_FUNCTIONS,
	ROWS_USER_NAMES,
	ROWS_RELATIONS,
	ROWS_COLUMNS,
	ROWS_INDEXES,
	ROWS_SEQUENCES,
};

struct schema *schema_create(void)
{
	struct schema *s = mem_zero(1, sizeof(*s));

	arena_init(&s->arena, 0);
	s->collation_provider = 'c';
	return s;
}

void schema_destroy(struct schema *s)
{
	if (!s)
		return;
	table_finish(&s->relations_by_name);
	table_finish(&s->functions);
	table_finish(&s->user_functions);
	table_finish(&s->user_operators);
	table_finish(&s->user_types);
	table_finish(&s->schemas);
	arena_finish(&s->arena);
	free(s);
}

/* ---- names ---- */

static uint64_t name_hash(const char *name)
{
	return hash_bytes(name, strlen(name), 0);
}

static bool name_matches(const void *value, const void *key)
{
	return strcmp(value, key) == 0;
}

static void add_name(struct schema *s, struct table *t, const char *name)
{
	if (!table_find(t, name_hash(name), name_matches, name))
		table_put(t, name_hash(name), arena_strdup(&s->arena, name));
}

static bool has_name(const struct table *t, const char *name)
{
	return table_find(t, name_hash(name), name_matches, name) != NULL;
}

bool schema_has_schema(const struct schema *s, const char *name)
{
	return has_name(&s->schemas, name);
}

bool schema_has_user_operator(const struct schema *s, const char *name)
{
	return has_name(&s->user_operators, name);
}

bool schema_has_user_type(const struct schema *s, const char *name)
{
	return has_name(&s->user_types, name);
}

static bool function_matches(const void *value, const void *key)
{
	return strcmp(((const struct schema_function *)value)->name, key) == 0;
}

const struct schema_function *schema_find_function(const struct schema *s, const char *name)
{
	return table_find(&s->functions, name_hash(name), function_matches, name);
}

const struct schema_function *schema_find_user_function(const struct schema *s, const char *name)
{
	return table_find(&s->user_functions, name_hash(name), function_matches, name);
}

struct relation_name {
	const char *schema, *name;
};

static uint64_t relation_hash(const char *schema, const char *name)
{
	return hash_bytes(name, strlen(name), name_hash(schema));
}

static bool relation_matches(const void *value, const void *key)
{
	const struct schema_relation *r = value;
	const struct relation_name *wanted = key;

	return strcmp(r->name, wanted->name) == 0 && strcmp(r->schema, wanted->schema) == 0;
}

const struct schema_relation *schema_find(const struct schema *s, const char *schema,
					  const char *name)
{
	struct relation_name key = { schema, name };

	return table_find(&s->relations_by_name, relation_hash(schema, name), relation_matches,
			  &key);
}

const struct schema_column *schema_find_column(const struct schema_relation *r, const char *name)
{
	for (uint16_t i = 0; i < r->n_columns; i++)
		if (strcmp(r->columns[i].name, name) == 0)
			return &r->columns[i];
	return NULL;
}

/* ---- rows ---- */

static bool is_true(const char *value)
{
	return value && value[0] == 't';
}

static uint32_t as_u32(const char *value)
{
	return value ? (uint32_t)strtoul(value, NULL, 10) : 0;
}

static const char *keep(struct schema *s, const char *value)
{
	return value ? arena_strdup(&s->arena, value) : NULL;
}

/* Room for one more: the array doubles whenever n reaches a power of two. */
static void *grow(struct arena *a, void *items, size_t n, size_t size)
{
	void *more;

	if (n != 0 && (n & (n - 1)) != 0)
		return items;
	more = arena_alloc(a, (n ? 2 * n : 1) * size);
	if (n)
		memcpy(more, items, n * size);
	return more;
}

static void add_server(struct schema *s, const char *const *v)
{
	s->server_version_num = (int)as_u32(v[0]);
	if (v[1])
		strncpy(s->server_encoding, v[1], sizeof(s->server_encoding) - 1);
	s->collation_provider = v[2] ? v[2][0] : 'c';
	s->collate = keep(s, v[3]);
	s->collation_version = keep(s, v[4]);
	s->default_search_path = keep(s, v[5]);
}

static void add_function(struct schema *s, struct table *t, const char *const *v)
{
	struct schema_function *f = arena_new(&s->arena, struct schema_function);

	f->name = keep(s, v[0]);
	f->volatility = v[1] ? v[1][0] : 'v';
	f->kind = v[2] ? v[2][0] : '*';
	f->returns_set = is_true(v[3]);
	table_put(t, name_hash(f->name), f);
}

static void add_user_name(struct schema *s, const char *const *v)
{
	switch (v[0][0]) {
	case 'f': add_function(s, &s->user_functions, v + 1); break;
	case 'o': add_name(s, &s->user_operators, v[1]); break;
	default: add_name(s, &s->user_types, v[1]); break;
	}
}

static void add_relation(struct schema *s, const char *const *v)
{
	struct schema_relation *r;

	s->relations = grow(&s->arena, s->relations, s->n_relations, sizeof(*r));
	r = &s->relations[s->n_relations++];
	r->schema = keep(s, v[0]);
	r->name = keep(s, v[1]);
	r->oid = as_u32(v[2]);
	r->kind = v[3][0];
	r->persistence = v[4][0];
	r->has_children = is_true(v[6]);
	r->is_partition = is_true(v[7]);
	r->has_user_triggers = is_true(v[8]);
	r->has_statement_triggers = is_true(v[9]);
	r->has_rules = is_true(v[10]);
	r->row_security = is_true(v[11]);
	r->has_incoming_fk = is_true(v[12]);
	r->index_of = as_u32(v[13]);
}

/* Relations arrive in the order of their oids. */
static struct schema_relation *relation_of(const struct schema *s, uint32_t oid)
{
	uint32_t lo = 0, hi = s->n_relations;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (s->relations[mid].oid < oid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->n_relations && s->relations[lo].oid == oid ? &s->relations[lo] : NULL;
}

static enum schema_default kind_of_default(const struct schema *s, const struct schema_column *c,
					   const char *const *v)
{
	if (is_true(v[8]))
		return DEFAULT_GENERATED;
	if (c->identity)
		return DEFAULT_SEQUENCE;
	return default_classify(s, c->default_text, is_true(v[10]));
}

static void add_column(struct schema *s, const char *const *v)
{
	struct schema_relation *r = relation_of(s, as_u32(v[0]));
	struct schema_column *c;

	if (!r) /* made between the two queries */
		return;
	r->columns = grow(&s->arena, r->columns, r->n_columns, sizeof(*c));
	c = &r->columns[r->n_columns++];
	c->name = keep(s, v[1]);
	c->type_oid = as_u32(v[2]);
	c->typmod = v[3] ? (int32_t)strtol(v[3], NULL, 10) : -1;
	c->collation_oid = as_u32(v[4]);
	c->attnum = (int16_t)as_u32(v[5]);
	c->not_null = is_true(v[6]);
	c->identity = v[7] ? v[7][0] : 0;
	c->default_text = keep(s, v[9]);
	c->default_kind = kind_of_default(s, c, v);
}

static const int16_t *read_attnums(struct arena *a, const char *text, uint16_t n)
{
	int16_t *attnums = arena_array(a, int16_t, n ? n : 1);
	char *end;

	for (uint16_t i = 0; i < n && text && *text; i++, text = end)
		attnums[i] = (int16_t)strtol(text, &end, 10);
	return attnums;
}

static void add_index(struct schema *s, const char *const *v)
{
	struct schema_relation *r = relation_of(s, as_u32(v[0]));
	struct schema_index *i;

	if (!r)
		return;
	r->indexes = grow(&s->arena, r->indexes, r->n_indexes, sizeof(*i));
	i = &r->indexes[r->n_indexes++];
	i->name = keep(s, v[1]);
	i->is_unique = is_true(v[2]);
	i->is_primary = is_true(v[3]);
	i->is_exclusion = is_true(v[4]);
	i->has_expressions = is_true(v[5]);
	i->is_partial = is_true(v[6]);
	i->n_columns = (uint16_t)as_u32(v[7]);
	i->attnums = read_attnums(&s->arena, v[8], i->n_columns);
}

/* A default that names two sequences is nobody's: the name stays empty. */
static void add_sequence(struct schema *s, const char *const *v)
{
	struct schema_relation *r = relation_of(s, as_u32(v[0]));
	int16_t attnum = (int16_t)as_u32(v[1]);

	for (uint16_t i = 0; r && i < r->n_columns; i++) {
		struct schema_column *c = &r->columns[i];

		if (c->attnum != attnum)
			continue;
		c->sequence = c->sequence ? "" : keep(s, v[3]);
		c->sequence_schema = keep(s, v[2]);
	}
}

enum status schema_add_row(struct schema *s, unsigned query, const char *const *values,
			   unsigned n_values, struct err *err)
{
	static const unsigned n_expected[] = { 6, 1, 4, 5, 14, 11, 9, 4 };

	if (query > ROWS_SEQUENCES || n_values != n_expected[query])
		return err_set(err, STATUS_INTERNAL, "a row of schema query %u has %u columns",
			       query, n_values);
	if (!values[0])
		return err_set(err, STATUS_INTERNAL, "a row of schema query %u begins with NULL",
			       query);
	switch ((enum schema_rows)query) {
	case ROWS_SERVER: add_server(s, values); break;
	case ROWS_SCHEMAS: add_name(s, &s->schemas, values[0]); break;
	case ROWS_FUNCTIONS: add_function(s, &s->functions, values); break;
	case ROWS_USER_NAMES: add_user_name(s, values); break;
	case ROWS_RELATIONS: add_relation(s, values); break;
	case ROWS_COLUMNS: add_column(s, values); break;
	case ROWS_INDEXES: add_index(s, values); break;
	case ROWS_SEQUENCES: add_sequence(s, values); break;
	}
	return STATUS_OK;
}

void schema_seal(struct schema *s)
{
	table_finish(&s->relations_by_name);
	for (uint32_t i = 0; i < s->n_relations; i++) {
		struct schema_relation *r = &s->relations[i];

		table_put(&s->relations_by_name, relation_hash(r->schema, r->name), r);
	}
}
