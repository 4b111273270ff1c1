/* Plan + literals + parameters → shards.
 *
 * Happy path: each key source is read into a cell, the tuple is hashed, the chunk that
 * holds the hash names the shard.
 * Failure modes:
 * - a condition nothing can satisfy (NULL, 42.5 = bigint): the tuple names no shard. If none
 *   does, one shard runs the statement all the same, since even an empty answer has a shape.
 * - a value every PostgreSQL refuses: in a condition it names no shard either, since any
 *   shard that gets the statement raises the error; in an INSERT one shard gets it all.
 * - a value we are not sure of: 0A000. */
#include "pgmosaic/route/route.h"

#include "internal.h"
#include "pgmosaic/key/array.h"

void shard_set_add(struct shard_set *s, uint16_t shard)
{
	uint64_t bit = UINT64_C(1) << shard % 64;

	if (s->bits[shard / 64] & bit)
		return;
	s->bits[shard / 64] |= bit;
	s->n++;
}

bool shard_set_has(const struct shard_set *s, uint16_t shard)
{
	return s->bits[shard / 64] >> shard % 64 & 1;
}

int shard_set_next(const struct shard_set *s, int after)
{
	unsigned at = (unsigned)(after + 1), word = at / 64;
	uint64_t bits;

	if (word >= MAP_MAX_SHARDS / 64)
		return -1;
	bits = s->bits[word] & UINT64_MAX << at % 64;
	while (!bits) {
		if (++word == MAP_MAX_SHARDS / 64)
			return -1;
		bits = s->bits[word];
	}
	return (int)word * 64 + __builtin_ctzll(bits);
}

static struct value_spec spec_of(struct binding *b, const struct key_source *source)
{
	uint32_t type = source->type_oid;

	if (type == 0 || type == OID_UNKNOWN)
		type = source->column_type;
	return (struct value_spec){ .type = type,
				    .column_type = source->column_type ? source->column_type : type,
				    .typmod = source->column_typmod,
				    .is_insert = b->plan->keys.is_insert,
				    .err = &b->why };
}

static enum value_outcome broken_protocol(struct binding *b, const char *what)
{
	err_set(&b->why, STATUS_PROTOCOL, "%s", what);
	return VALUE_REFUSED;
}

static enum value_outcome read_quoted(struct binding *b, const struct value_spec *spec,
				      const struct scan_literal *literal, struct cell *cell)
{
	char *room = cell_text_room(cell, literal->length);
	int n = scan_literal_value(b->text, literal, room, literal->length);

	if (n < 0)
		return value_refuse(spec, "is a string in a form the proxy does not read",
				    "Write it as a plain '…' string, or bind it as a parameter.");
	return value_read_text(spec, (struct str){ room, (size_t)n }, cell);
}

/* A '…' without doubled quotes is read where it stands. */
static bool is_plain_string(struct str text, const struct scan_literal *literal)
{
	return literal->kind == LITERAL_STRING && literal->length >= 2 &&
	       !memchr(text.p + literal->at + 1, '\'', literal->length - 2);
}

static enum value_outcome read_literal(struct binding *b, const struct key_source *source,
				       struct cell *cell)
{
	struct value_spec spec = spec_of(b, source);
	const struct scan_literal *literal;
	const char *p;

	if (!b->scan || source->index >= b->scan->n_literals)
		return value_refuse(&spec, "stands behind too many literals",
				    "Bind the values as parameters.");
	literal = &b->scan->literals[source->index];
	p = b->text.p + literal->at;
	if (literal->kind == LITERAL_INTEGER || literal->kind == LITERAL_NUMERIC)
		return value_read_number(&spec, (struct str){ p, literal->length },
					 source->negative, literal->kind == LITERAL_INTEGER, cell);
	if (is_plain_string(b->text, literal))
		return value_read_text(&spec, (struct str){ p + 1, literal->length - 2 }, cell);
	return read_quoted(b, &spec, literal, cell);
}

/* The format of parameter `i`, from 0: 0 text, 1 binary; -1 broken. */
static int param_format(const struct param_values *params, uint16_t i)
{
	const uint8_t *p;

	if (params->n_formats == 0)
		return 0;
	if (params->n_formats != 1 && params->n_formats != params->n)
		return -1;
	p = params->formats + 2 * (params->n_formats == 1 ? 0 : i);
	return p[0] || p[1] > 1 ? -1 : p[1];
}

struct param {
	const uint8_t *p; /* NULL: SQL NULL */
	size_t n;
	bool is_binary;
};

static enum value_outcome find_param(struct binding *b, uint16_t number, struct param *out)
{
	const struct param_values *params = b->params;
	int format;

	if (!params || number == 0 || number > params->n)
		return broken_protocol(b, "bind message supplies too few parameters");
	format = param_format(params, (uint16_t)(number - 1));
	if (format < 0)
		return broken_protocol(b, "bind message has bad parameter formats");
	out->p = params->data[number - 1];
	if (out->p && params->length[number - 1] < 0)
		return broken_protocol(b, "bind message has a bad parameter length");
	out->n = out->p ? (size_t)params->length[number - 1] : 0;
	out->is_binary = format == 1;
	return VALUE_OK;
}

static enum value_outcome read_param(struct binding *b, const struct key_source *source,
				     struct cell *cell)
{
	struct value_spec spec = spec_of(b, source);
	struct param param;
	enum value_outcome outcome = find_param(b, source->index, &param);

	if (outcome != VALUE_OK)
		return outcome;
	if (!param.p) {
		cell_null(cell);
		return VALUE_OK;
	}
	if (param.is_binary)
		return value_read_binary(&spec, param.p, param.n, cell);
	return value_read_text(&spec, (struct str){ (const char *)param.p, param.n }, cell);
}

enum value_outcome binding_read(struct binding *b, const struct key_source *source,
				struct cell *cell)
{
	struct value_spec spec;

	switch (source->kind) {
	case KEY_LITERAL: return read_literal(b, source, cell);
	case KEY_PARAM: return read_param(b, source, cell);
	case KEY_NULL: cell_null(cell); return VALUE_OK;
	case KEY_TEXT: spec = spec_of(b, source); return value_read_text(&spec, source->text, cell);
	case KEY_PARAM_ARRAY:
	default: return broken_protocol(b, "an array stands where one value is needed");
	}
}

static enum value_outcome bind_from(struct binding *b, const struct key_source *tuple, unsigned k);

/* Key k is known: go on with the next one. */
static enum value_outcome bind_value(struct binding *b, const struct key_source *tuple, unsigned k,
				     const struct key_value *value)
{
	if (value->kind == KEY_VALUE_NULL && !b->plan->keys.is_insert)
		return VALUE_NOTHING;
	b->values[k] = *value;
	return bind_from(b, tuple, k + 1);
}

static enum value_outcome bind_element(struct binding *b, const struct key_source *tuple,
				       unsigned k, const struct value_spec *spec, bool is_binary,
				       struct str element)
{
	enum value_outcome outcome;
	struct cell cell;

	cell_init(&cell);
	if (is_binary)
		outcome = value_read_binary(spec, (const uint8_t *)element.p, element.n, &cell);
	else
		outcome = value_read_text(spec, element, &cell);
	if (outcome == VALUE_OK)
		outcome = bind_value(b, tuple, k, &cell.value);
	cell_finish(&cell);
	return outcome;
}

static enum value_outcome bind_elements(struct binding *b, const struct key_source *tuple,
					unsigned k, struct value_spec *spec, struct array_reader *a)
{
	struct str element;

	for (;;) {
		enum array_step step = array_next(a, &element);
		enum value_outcome outcome;

		if (step == ARRAY_END)
			return VALUE_OK;
		if (step == ARRAY_MALFORMED)
			return value_refuse(spec, "is in an array the proxy cannot read",
					    "Write it as {1,2,3}, without bounds.");
		if (step == ARRAY_NULL)
			continue;
		outcome = bind_element(b, tuple, k, spec, a->is_binary, element);
		if (outcome == VALUE_REFUSED)
			return outcome;
	}
}

static enum value_outcome bind_array(struct binding *b, const struct key_source *tuple, unsigned k)
{
	struct value_spec spec = spec_of(b, &tuple[k]);
	struct array_reader a;
	struct param param;
	enum value_outcome outcome = find_param(b, tuple[k].index, &param);

	if (outcome != VALUE_OK)
		return outcome;
	if (!param.p)
		return VALUE_NOTHING;
	spec.type = array_element_type(spec.type);
	if (param.is_binary) {
		array_open_binary(&a, param.p, param.n);
		spec.type = a.element_type;
	} else {
		array_open_text(&a, (struct str){ (const char *)param.p, param.n });
	}
	outcome = bind_elements(b, tuple, k, &spec, &a);
	array_close(&a);
	return outcome;
}

/* Keys 0 to k-1 of the tuple are in b->values. */
static enum value_outcome bind_from(struct binding *b, const struct key_source *tuple, unsigned k)
{
	enum value_outcome outcome;
	struct cell cell;

	if (k == b->plan->keys.n_keys) {
		outcome = place_values(b->dist, b->values, b->finder, b->plan->keys.is_insert,
				       &b->last, &b->why);
		if (b->shards && outcome == VALUE_OK)
			shard_set_add(b->shards, b->last);
		return outcome;
	}
	if (tuple[k].kind == KEY_PARAM_ARRAY)
		return bind_array(b, tuple, k);
	cell_init(&cell);
	outcome = binding_read(b, &tuple[k], &cell);
	if (outcome == VALUE_OK)
		outcome = bind_value(b, tuple, k, &cell.value);
	cell_finish(&cell);
	return outcome;
}

static enum status no_distribution(struct err *err)
{
	return err_set(err, STATUS_INTERNAL, "the plan names a distribution the map does not have");
}

/* `err` gets the SQLSTATE, message and hint of `why`. */
static enum status fail_with(struct err *err, const struct err *why)
{
	*err = *why;
	return why->status;
}

static enum status refuse_placement(const struct plan *plan, struct err *err)
{
	if (plan->refusal.status != STATUS_OK)
		return fail_with(err, &plan->refusal);
	err_set(err, STATUS_UNROUTED,
		"the statement joins a single-shard table with rows of another shard");
	err_hint(err, "Restrict the sharded tables to a key of the single-shard table's own shard, "
		      "or make that table a reference table.");
	return STATUS_UNROUTED;
}

/* The shard that answers when no row can match, or raises the certain error. */
static uint16_t fallback_shard(const struct plan *plan, const struct shard_map *map)
{
	return plan->must_be_shard >= 0 ? (uint16_t)plan->must_be_shard : map->home;
}

static void binding_init(struct binding *b, const struct plan *plan, struct str text,
			 const struct scan *scan, const struct param_values *params,
			 const struct shard_map *map, const struct key_finder *finder)
{
	b->finder = finder;
	b->plan = plan;
	b->text = text;
	b->scan = scan;
	b->params = params;
	b->dist = &map->distributions[plan->distribution];
	b->shards = NULL;
	b->last = 0;
}

static enum status bind_keys(struct binding *b, const struct shard_map *map, struct route *out,
			     struct err *err)
{
	const struct plan *plan = b->plan;
	const struct key_set *keys = &plan->keys;
	bool certain_error = false;

	b->shards = &out->shards;
	for (uint32_t row = 0; row < keys->n_rows; row++) {
		enum value_outcome outcome =
			bind_from(b, keys->sources + (size_t)row * keys->n_keys, 0);

		if (outcome == VALUE_REFUSED)
			return fail_with(err, &b->why);
		certain_error |= outcome == VALUE_BAD && keys->is_insert;
	}
	if (certain_error || out->shards.n == 0) {
		out->shards = (struct shard_set){ .n = 0 };
		shard_set_add(&out->shards, fallback_shard(plan, map));
	} else if (plan->must_be_shard >= 0 &&
		   (out->shards.n > 1 ||
		    !shard_set_has(&out->shards, (uint16_t)plan->must_be_shard))) {
		return refuse_placement(plan, err);
	}
	return STATUS_OK;
}

enum status route_bind(const struct plan *plan, struct str text, const struct scan *scan,
		       const struct param_values *params, const struct shard_map *map,
		       const struct key_finder *finder, struct route *out, struct err *err)
{
	bool has_distribution = plan->target == TARGET_KEYS || plan->target == TARGET_OWNERS;
	struct binding b;

	*out = (struct route){ .any = false };
	if (has_distribution && plan->distribution >= map->n_distributions)
		return no_distribution(err);
	if (has_distribution)
		binding_init(&b, plan, text, scan, params, map, finder);
	switch (plan->target) {
	case TARGET_KEYS: return bind_keys(&b, map, out, err);
	case TARGET_OWNERS:
		if (plan->n_intervals)
			add_intervals(&b, &out->shards);
		else
			route_owners(map, b.dist, &out->shards);
		if (out->shards.n == 0)
			shard_set_add(&out->shards, map->home);
		return STATUS_OK;
	case TARGET_SHARD: shard_set_add(&out->shards, plan->shard); return STATUS_OK;
	case TARGET_ANY:
		out->any = true;
		shard_set_add(&out->shards, map->home);
		return STATUS_OK;
	case TARGET_EVERY:
	default:
		for (uint16_t i = 0; i < map->n_shards; i++)
			shard_set_add(&out->shards, i);
		return STATUS_OK;
	}
}

enum status route_rows(const struct plan *plan, struct str text, const struct scan *scan,
		       const struct param_values *params, const struct shard_map *map,
		       uint16_t *shards, struct err *err)
{
	const struct key_set *keys = &plan->keys;
	bool certain_error = false;
	struct binding b;

	if (plan->distribution >= map->n_distributions)
		return no_distribution(err);
	binding_init(&b, plan, text, scan, params, map, NULL);
	for (uint32_t row = 0; row < keys->n_rows; row++) {
		enum value_outcome outcome =
			bind_from(&b, keys->sources + (size_t)row * keys->n_keys, 0);

		if (outcome == VALUE_REFUSED)
			return fail_with(err, &b.why);
		certain_error |= outcome == VALUE_BAD;
		shards[row] = outcome == VALUE_OK ? b.last : map->home;
	}
	/* The statement fails whatever its other rows are: one shard says how. */
	for (uint32_t row = 0; certain_error && row < keys->n_rows; row++)
		shards[row] = map->home;
	return STATUS_OK;
}

struct key_text {
	const struct key_finder *finder;
	const int32_t *typmods; /* NULL: none */
	const struct str *values;
	const uint8_t *const *bytes;
	const int32_t *lengths;
};

/* One stored key, in text (`values`) or binary form. */
static enum status place_key(const struct map_distribution *dist, const struct key_text *key,
			     const uint32_t *column_types, uint16_t *shard, struct err *err)
{
	struct key_value values[MAP_MAX_KEYS] = { { .kind = KEY_VALUE_NULL } };
	struct cell cells[MAP_MAX_KEYS];
	enum value_outcome outcome = VALUE_OK;
	struct err why;
	unsigned n = 0;

	for (; n < dist->n_keys && outcome == VALUE_OK; n++) {
		struct value_spec spec = { .type = column_types[n],
					   .column_type = column_types[n],
					   .typmod = key->typmods ? key->typmods[n]
								  : VALUE_TYPMOD_NONE,
					   .is_insert = true,
					   .is_certain = true,
					   .err = &why };

		cell_init(&cells[n]);
		if (key->values && key->values[n].p)
			outcome = value_read_text(&spec, key->values[n], &cells[n]);
		else if (key->bytes && key->bytes[n])
			outcome = value_read_binary(&spec, key->bytes[n], (size_t)key->lengths[n],
						    &cells[n]);
		values[n] = cells[n].value;
	}
	if (outcome == VALUE_OK)
		outcome = place_values(dist, values, key->finder, true, shard, &why);
	while (n)
		cell_finish(&cells[--n]);
	return outcome == VALUE_OK ? STATUS_OK : fail_with(err, &why);
}

enum status route_key_text(const struct map_distribution *dist, const struct str *values,
			   const uint32_t *column_types, const int32_t *typmods,
			   const struct key_finder *finder, uint16_t *shard, struct err *err)
{
	struct key_text key = { .values = values, .typmods = typmods, .finder = finder };

	return place_key(dist, &key, column_types, shard, err);
}

enum status route_key_binary(const struct map_distribution *dist, const uint8_t *const *values,
			     const int32_t *lengths, const uint32_t *column_types,
			     const int32_t *typmods, const struct key_finder *finder,
			     uint16_t *shard, struct err *err)
{
	struct key_text key = {
		.bytes = values, .lengths = lengths, .typmods = typmods, .finder = finder
	};

	return place_key(dist, &key, column_types, shard, err);
}
