/* CREATE TABLE: sharded, reference or single, and the text without mosaic.* options. */
#include <limits.h>
#include <string.h>
#include "pgmosaic/key/type.h"
#include "utility.h"

enum { LIKE_INDEXES = 1 << 6 };

struct options {
	const char *keys[MAP_MAX_KEYS];
	unsigned n_keys;
	const char *distribution;
	bool reference, single, any;
};

static const char *option_text(struct build *b, const struct node *arg)
{
	if (!arg)
		return "true";
	if (node_is(arg, NODE_String))
		return node_string(arg);
	if (node_is(arg, NODE_Boolean))
		return node_int(arg, "boolval") ? "true" : "false";
	if (node_is(arg, NODE_Integer))
		return arena_printf(b->a, "%lld", (long long)node_int(arg, "ival"));
	if (node_is(arg, NODE_TypeName)) {
		const struct node_list *names = node_list(arg, "names");
		return names->n ? node_string(names->items[names->n - 1]) : "";
	}
	return "";
}

static bool is_true(const char *text)
{
	return strcasecmp(text, "true") == 0 || strcasecmp(text, "on") == 0 ||
	       strcmp(text, "1") == 0 || strcasecmp(text, "yes") == 0;
}

/* 'a' or 'a, b'; spaces around a name do not count. */
static bool split_keys(struct build *b, const char *text, struct options *o)
{
	char *copy = arena_strdup(b->a, text), *item;
	while ((item = strsep(&copy, ",")) != NULL) {
		while (*item == ' ')
			item++;
		size_t n = strlen(item);
		while (n > 0 && item[n - 1] == ' ')
			item[--n] = '\0';
		if (n == 0 || o->n_keys == MAP_MAX_KEYS)
			return false;
		o->keys[o->n_keys++] = item;
	}
	return o->n_keys > 0;
}

static enum status read_options(struct build *b, const struct node *stmt, struct options *o)
{
	const struct node_list *list = node_list(stmt, "options");
	for (unsigned i = 0; i < list->n; i++) {
		const struct node *d = list->items[i];
		if (strcmp(node_text(d, "defnamespace"), "mosaic") != 0)
			continue;
		const char *name = node_text(d, "defname"),
			   *value = option_text(b, node_child(d, "arg"));
		o->any = true;
		if (strcmp(name, "shard_key") == 0 && split_keys(b, value, o))
			continue;
		if (strcmp(name, "distribution") == 0)
			o->distribution = value;
		else if (strcmp(name, "reference") == 0)
			o->reference = is_true(value);
		else if (strcmp(name, "single") == 0)
			o->single = is_true(value);
		else
			return err_set(b->err, STATUS_INVALID, "mosaic.%s = '%s' is not valid",
				       name, value),
			       err_hint(b->err, "Known: mosaic.shard_key, mosaic.distribution, "
						"mosaic.reference, mosaic.single."),
			       STATUS_INVALID;
	}
	if (o->n_keys && (o->reference || o->single)) {
		err_set(b->err, STATUS_INVALID,
			"a table has a shard key, or is a reference or single table");
		return STATUS_INVALID;
	}
	return STATUS_OK;
}

/* ---- columns ---- */
/* COLLATE "C" and its like: equal texts have equal bytes. */
static bool has_plain_collation(const struct node *clause)
{
	const struct node_list *name = clause ? node_list(clause, "collname") : NULL;
	const char *last = name && name->n ? node_string(name->items[name->n - 1]) : "default";
	const char *schema = name && name->n == 2 ? node_string(name->items[0]) : "pg_catalog";
	return strcmp(schema, "pg_catalog") == 0 &&
	       (strcmp(last, "C") == 0 || strcmp(last, "POSIX") == 0 ||
		strcmp(last, "default") == 0);
}

static bool find_column(struct build *b, const struct node *stmt, const char *name, uint32_t *type)
{
	const struct node_list *elts = node_list(stmt, "table_elts");
	for (unsigned i = 0; i < elts->n; i++) {
		const struct node *e = elts->items[i];
		if (node_is(e, NODE_ColumnDef) && strcmp(node_text(e, "colname"), name) == 0) {
			const struct node *t = node_child(e, "type_name");
			bool plain = has_plain_collation(node_child(e, "coll_clause"));
			*type = !plain || !t	 ? 0
				: serial_type(e) ? serial_type(e)
						 : names_type(b, t, NULL);
			return true;
		}
		if (!node_is(e, NODE_TableLikeClause))
			continue;
		const struct schema_relation *r = names_of(b, node_child(e, "relation"));
		const struct schema_column *c = r ? schema_find_column(r, name) : NULL;
		if (c) {
			*type = c->type_oid;
			return true;
		}
	}
	return false;
}

/* bootstrap.tables may place a table before it is made; options of the statement's own win.
 * One that lives on another shard than home is made everywhere, as its schema is read at home. */
static void declared_place(struct build *b, const struct table_keys *t, struct options *o,
			   bool *every)
{
	const struct map_table *m = map_find_table(b->map, t->schema, t->name);
	if (!m || o->any)
		return;
	o->reference = m->kind == MAP_REFERENCE;
	o->single = m->kind == MAP_SINGLE;
	*every = o->single && m->home != b->map->home;
	if (m->kind != MAP_SHARDED)
		return;
	o->distribution = b->map->distributions[m->distribution].name;
	o->n_keys = m->n_keys;
	for (unsigned i = 0; i < m->n_keys; i++)
		o->keys[i] = m->key_columns[i];
}

static void default_key(struct build *b, const struct node *stmt, struct options *o)
{
	uint32_t type;
	if (o->n_keys || o->reference || o->single)
		return;
	for (unsigned i = 0; i < b->req->n_default_keys; i++) {
		if (!find_column(b, stmt, b->req->default_keys[i], &type))
			continue;
		o->keys[0] = b->req->default_keys[i];
		o->n_keys = 1;
		return;
	}
}

/* As the catalog names default distributions: "timestamp_with_time_zone". */
static const char *class_name(struct build *b, uint32_t type)
{
	char *name = arena_strdup(b->a, key_type_of(type)->names[0]);
	for (char *p = name; *p; p++)
		if (*p == ' ')
			*p = '_';
	return name;
}

static enum status take_keys(struct build *b, const struct node *stmt, const struct options *o,
			     struct plan_change *change)
{
	const char *name = "default";
	for (unsigned i = 0; i < o->n_keys; i++) {
		uint32_t type = 0;
		if (!find_column(b, stmt, o->keys[i], &type)) {
			err_set_code(b->err, STATUS_UNDEFINED, "42703",
				     "column \"%s\" named as shard key does not exist", o->keys[i]);
			err_hint(b->err, "Name columns of the table in mosaic.shard_key.");
			return STATUS_UNDEFINED;
		}
		if (!key_type_class(type))
			return build_refuse(b, KEY_TYPES_HINT, "shard key \"%s\" of this type (%s)",
					    o->keys[i], key_type_refusal(type));
		change->key_columns[i] = o->keys[i];
		change->key_types[i] = key_type_class(type);
		name = arena_printf(b->a, "%s_%s", name, class_name(b, change->key_types[i]));
	}
	change->n_keys = (uint16_t)o->n_keys;
	change->distribution = o->distribution ? o->distribution : name;
	int known = map_find_distribution(b->map, change->distribution);
	if (known < 0 && o->distribution) {
		err_set(b->err, STATUS_UNDEFINED, "distribution \"%s\" does not exist",
			o->distribution);
		err_hint(
			b->err,
			"CREATE DISTRIBUTION on the control port, or leave mosaic.distribution out.");
		return STATUS_UNDEFINED;
	}
	const struct map_distribution *d = known >= 0 ? &b->map->distributions[known] : NULL;
	for (unsigned i = 0; d && i < o->n_keys; i++)
		if (d->n_keys != o->n_keys ||
		    key_type_class(d->key_types[i]) != change->key_types[i])
			return build_refuse(b,
					    "Name a distribution with the types of the shard key.",
					    "distribution \"%s\" has keys of other types", d->name);
	return STATUS_OK;
}

/* ---- checks ---- */
static enum status check_like(struct build *b, const struct table_keys *t, const struct node *e)
{
	const struct schema_relation *r = names_of(b, node_child(e, "relation"));
	struct table_keys from;
	if (!r || t->kind == REL_SINGLE || b->map->n_shards == 1)
		return STATUS_OK;
	table_keys_of(b, r, &from);
	if (from.kind != REL_SHARDED && from.kind != REL_REFERENCE)
		return build_refuse(b, "Write the columns out.",
				    "LIKE of single-shard table \"%s\"", r->name);
	for (unsigned i = 0; t->kind == REL_REFERENCE && i < r->n_columns; i++)
		if (r->columns[i].identity || r->columns[i].default_kind == DEFAULT_SEQUENCE ||
		    r->columns[i].default_kind == DEFAULT_VOLATILE)
			return build_refuse(b, "Write the columns out.",
					    "LIKE of column \"%s\", whose default varies",
					    r->columns[i].name);
	if (t->kind != REL_SHARDED || !(node_int(e, "options") & LIKE_INDEXES))
		return STATUS_OK;
	for (unsigned i = 0; i < r->n_indexes; i++)
		for (unsigned k = 0; r->indexes[i].is_unique && k < t->n_keys; k++) {
			const struct schema_column *c = schema_find_column(r, t->keys[k]);
			bool found = false;
			for (unsigned j = 0; c && j < r->indexes[i].n_columns; j++)
				found |= r->indexes[i].attnums[j] == c->attnum;
			if (!found)
				return build_refuse(
					b, "Leave INCLUDING INDEXES out.",
					"unique index \"%s\" lacks the shard key \"%s\"",
					r->indexes[i].name, t->keys[k]);
		}
	return STATUS_OK;
}

static enum status check_elements(struct build *b, const struct table_keys *t,
				  const struct node *stmt)
{
	const struct node_list *elts = node_list(stmt, "table_elts");
	for (unsigned i = 0; i < elts->n; i++) {
		const struct node *e = elts->items[i];
		enum status st = STATUS_OK;
		if (node_is(e, NODE_ColumnDef))
			st = check_column(b, t, e, NULL, false);
		else if (node_is(e, NODE_Constraint))
			st = check_constraint(b, t, e, NULL, NULL);
		else if (node_is(e, NODE_TableLikeClause))
			st = check_like(b, t, e);
		if (st != STATUS_OK)
			return st;
	}
	return STATUS_OK;
}

static enum status check_form(struct build *b, const struct table_keys *t, const struct node *stmt)
{
	const struct node_list *parents = node_list(stmt, "inh_relations");
	const struct node *part = node_child(stmt, "partspec");
	if (b->map->n_shards == 1 && t->kind == REL_SINGLE)
		return STATUS_OK;
	if (t->kind != REL_SINGLE && (parents->n || part || node_child(stmt, "partbound") ||
				      node_child(stmt, "of_typename")))
		return build_refuse(b, "Shard a plain table.",
				    "a sharded or reference table with PARTITION, INHERITS or OF");
	for (unsigned i = 0; i < parents->n; i++) {
		struct places p = { 0 };
		places_add_var(b, &p, parents->items[i]);
		if (p.n_spread)
			return build_refuse(b, "Shard a plain table.",
					    "a child of a sharded table");
	}
	return STATUS_OK;
}

/* ---- the text ---- */
static unsigned close_of(struct build *b, unsigned open)
{
	for (unsigned i = open + 1; i < b->tokens.n; i++)
		if (b->tokens.items[i].code == TOKEN_CLOSE &&
		    b->tokens.items[i].depth == b->tokens.items[open].depth)
			return i;
	return UINT_MAX;
}

struct item {
	unsigned from, to; /* tokens, inclusive */
	bool mosaic;
};

static unsigned read_items(struct build *b, unsigned open, unsigned close, struct item *items,
			   unsigned max)
{
	unsigned n = 0, start = open + 1, depth = b->tokens.items[open].depth + 1u;
	for (unsigned i = start; i <= close && n < max; i++) {
		const struct token *t = &b->tokens.items[i];
		if (i != close && !(t->code == TOKEN_COMMA && t->depth == depth))
			continue;
		items[n].from = start;
		items[n].to = i - 1;
		items[n].mosaic = token_is(b->req->text, &b->tokens.items[start], "mosaic") &&
				  b->tokens.items[start + 1].code == TOKEN_DOT;
		n++;
		start = i + 1;
	}
	return n;
}

/* Takes mosaic.* out of WITH (…), and WITH itself when nothing is left. */
static bool strip_options(struct build *b)
{
	enum { MAX_ITEMS = 64 };
	struct item items[MAX_ITEMS];
	if (!text_tokens(b))
		return false;
	for (unsigned i = text_find(b, 0, "with"); i != UINT_MAX; i = text_find(b, i + 1, "with")) {
		if (i + 2 >= b->tokens.n || b->tokens.items[i + 1].code != TOKEN_OPEN)
			continue;
		unsigned close = close_of(b, i + 1);
		unsigned n = close == UINT_MAX ? 0 : read_items(b, i + 1, close, items, MAX_ITEMS);
		unsigned n_kept = 0;
		char *kept = arena_strdup(b->a, "WITH (");
		for (unsigned k = 0; k < n; k++) {
			uint32_t from = b->tokens.items[items[k].from].start;
			if (items[k].mosaic)
				continue;
			kept = arena_printf(b->a, "%s%s%.*s", kept, n_kept++ ? ", " : "",
					    (int)(b->tokens.items[items[k].to].end - from),
					    b->req->text.p + from);
		}
		uint32_t at = b->tokens.items[i].start;
		text_splice(b, at, b->tokens.items[close].end - at,
			    n_kept ? arena_printf(b->a, "%s)", kept) : "");
		text_apply(b);
		return n > 0 && n < MAX_ITEMS;
	}
	return false;
}

static const char *new_schema(struct build *b, const struct node *range_var)
{
	const char *given = node_text(range_var, "schemaname");
	if (*given)
		return given;
	for (unsigned i = 0; i < b->n_path; i++)
		if (strcmp(b->path[i], "pg_catalog") != 0 &&
		    schema_has_schema(b->schema, b->path[i]))
			return b->path[i];
	return "public";
}

static enum status existing_table(struct build *b, const struct schema_relation *r,
				  const struct options *o)
{
	struct places p = { 0 };
	places_add(b, &p, r);
	if (o->any && !strip_options(b))
		return build_refuse(b, "Leave the mosaic options out.", "WITH of this form");
	return places_run(b, &p, "CREATE TABLE", true);
}

static void fill_keys(struct table_keys *t, const struct plan_change *c, const struct options *o)
{
	t->n_keys = o->n_keys;
	t->distribution = c->distribution;
	for (unsigned i = 0; i < o->n_keys; i++)
		t->keys[i] = o->keys[i];
}

enum status plan_create_table(struct build *b, const struct node *stmt)
{
	const struct node *relation = node_child(stmt, "relation");
	struct options o = { 0 };
	if (names_is_temp(b, relation))
		return temporary_table(b, stmt);
	b->makes_permanent = true;
	enum status st = read_options(b, stmt, &o);
	if (st != STATUS_OK)
		return st;
	struct table_keys t = { .kind = REL_SINGLE, .home = b->map->home };
	struct plan_change change = { .kind = CHANGE_ADD_REFERENCE };
	change.schema = t.schema = new_schema(b, relation);
	change.name = t.name = node_text(relation, "relname");
	const struct schema_relation *old = schema_find(b->schema, t.schema, t.name);
	if (old)
		return existing_table(b, old, &o);
	bool every = false;
	declared_place(b, &t, &o, &every);
	default_key(b, stmt, &o);
	if (o.n_keys) {
		change.kind = CHANGE_ADD_SHARDED;
		t.kind = REL_SHARDED;
		st = take_keys(b, stmt, &o, &change);
		fill_keys(&t, &change, &o);
	} else if (o.reference) {
		t.kind = REL_REFERENCE;
	}
	if (st == STATUS_OK)
		st = check_form(b, &t, stmt);
	if (st == STATUS_OK)
		st = check_elements(b, &t, stmt);
	if (st != STATUS_OK)
		return st;
	if (o.any && !strip_options(b))
		return build_refuse(b, "Write the options as WITH (…).",
				    "mosaic options of this form");
	if (t.kind != REL_SINGLE)
		change_add(b, change);
	return utility_run(b, "CREATE TABLE", every || t.kind != REL_SINGLE, true);
}
