/* A small fake world for planner tests: three shards, the tables below, and one call that
 * plans a statement against it.
 *
 *	a, b, c (k bigint, id int, x int, t text, n numeric, d date) sharded by k, PK (k, id)
 *	tt (k text, id int, v int) sharded by k; uu (k uuid, v int); vc (k varchar(5), id int)
 *	two (k1 bigint, k2 bigint, v int) sharded by both
 *	ser (k bigint, id int from a sequence); trg (k bigint, with a trigger); nk (k bigint NULL)
 *	ref, ref2 (id int PK, name text, v int, at timestamptz default now()) reference tables
 *	solo (id int PK, v text, k bigint) single, on the home shard; far on the second shard
 *	later_… in the map, not made yet: reference, by a text i, single, single on the second shard
 *	v a view; seq a sequence; pg_catalog.pg_class
 *	Shared sequences: ser_id_seq, and those behind cust (id serial, name) sharded by id, idk (id
 *	identity always, name) sharded by id, rser (id serial, name) a reference table.
 *	lone (k bigint, id from lone_id_seq) sharded by k: not shared. busy (k, id): being changed
 */
#ifndef PGMOSAIC_TESTS_UNIT_PLAN_WORLD_H
#define PGMOSAIC_TESTS_UNIT_PLAN_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "pgmosaic/plan/plan.h"

struct fake {
	struct world *world;
	unsigned n_shards;
	uint32_t next_oid, table_oid;
	const char *default_keys[2];
	unsigned n_default_keys;
	const char *search_path;
	struct scan scan;
	struct schema *temporary; /* of the session */
	struct plan *plan;
	struct err err;
	enum status status;
};

static inline void fake_row(struct schema *s, unsigned query, unsigned n, ...)
{
	const char *values[16];
	struct err err = ERR_INIT;
	va_list args;
	va_start(args, n);
	for (unsigned i = 0; i < n; i++)
		values[i] = va_arg(args, const char *);
	va_end(args);
	enum status st = schema_add_row(s, query, values, n, &err);
	if (st != STATUS_OK) {
		fprintf(stderr, "%s\n", err.message);
		abort();
	}
}

static inline void fake_functions(struct schema *s)
{
	static const char *const list[] = {
		"count a i",
		"sum a i",
		"min a i",
		"max a i",
		"avg a i",
		"bool_and a i",
		"bool_or a i",
		"every a i",
		"bit_and a i",
		"bit_or a i",
		"bit_xor a i",
		"array_agg a i",
		"string_agg a i",
		"stddev a i",
		"row_number w i",
		"rank * i",
		"lower f i",
		"upper f i",
		"length f i",
		"abs f i",
		"round f i",
		"to_json f s",
		"now f s",
		"age f s",
		"random f v",
		"gen_random_uuid f v",
		"clock_timestamp f v",
		"nextval f v",
		"currval f v",
		"lastval f v",
		"setval f v",
		"version f s",
		"current_database f s",
		"pg_backend_pid f s",
		"pg_notify f v",
		"pg_advisory_lock f v",
		"pg_advisory_unlock f v",
		"pg_advisory_xact_lock f v",
		"set_config f v",
		"pg_sleep f v",
		"timezone f s",
		"generate_series f i set",
		"unnest f i set",
		"current_setting f s",
		"pg_get_expr f s",
		"query_to_xml f v",
		"format_type f s",
		"date_trunc f s",
		"date_part f s",
		"substring f i",
		"like_escape f i",
		"btrim f i",
		"numeric f i",
		"int4 f i",
		"text f i",
		"float8 f i",
	};
	for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		char name[64], kind[4], vol[4], set[8] = "";
		sscanf(list[i], "%63s %3s %3s %7s", name, kind, vol, set);
		fake_row(s, 2, 4, name, vol, kind, *set ? "t" : "f");
	}
	fake_row(s, 3, 5, "f", "my_stable", "s", "f", "f");
	fake_row(s, 3, 5, "f", "my_immutable", "i", "f", "f");
}

struct fake_column {
	const char *name, *type, *typmod, *collation, *not_null, *dflt, *identity, *is_volatile;
};

static inline void fake_table(struct fake *f, struct schema *s, const char *name, const char *kind,
			      const char *triggers, const struct fake_column *columns, unsigned n,
			      const char *pk)
{
	char oid[16], index[80], attnum[12];
	const char *dot = strchr(name, '.');
	char schema[32] = "public";
	if (dot) {
		snprintf(schema, sizeof(schema), "%.*s", (int)(dot - name), name);
		name = dot + 1;
	}
	f->table_oid = ++f->next_oid;
	snprintf(oid, sizeof(oid), "%u", f->table_oid);
	fake_row(s, 4, 14, schema, name, oid, kind, "p", "6", "f", "f", triggers, "f", "f", "f",
		 "f", "0");
	for (unsigned i = 0; i < n; i++) {
		const struct fake_column *c = &columns[i];
		snprintf(attnum, sizeof(attnum), "%u", i + 1);
		fake_row(s, 5, 11, oid, c->name, c->type, c->typmod ? c->typmod : "-1",
			 c->collation ? c->collation : "0", attnum, c->not_null ? "t" : "f",
			 c->identity, "f", c->dflt, c->is_volatile ? "t" : "f");
	}
	snprintf(index, sizeof(index), "%s_pkey", name);
	if (pk)
		fake_row(s, 6, 9, oid, index, "t", "t", "f", "f", "f", strchr(pk, ' ') ? "2" : "1",
			 pk);
	if (pk) {
		char index_oid[16];
		snprintf(index_oid, sizeof(index_oid), "%u", ++f->next_oid);
		fake_row(s, 4, 14, schema, index, index_oid, "i", "p", "1", "f", "f", "f", "f", "f",
			 "f", "f", oid);
	}
}

/* The last table's column draws from a sequence of this name. */
static inline void fake_sequence(struct fake *f, struct schema *s, const char *name,
				 const char *attnum)
{
	char table[16];
	snprintf(table, sizeof(table), "%u", f->table_oid);
	fake_row(s, 7, 4, table, attnum, "public", name);
	fake_table(f, s, name, "S", "f", NULL, 0, NULL);
}

#define FAKE_N(array) (sizeof(array) / sizeof((array)[0]))

static inline struct schema *fake_schema(struct fake *f)
{
	static const struct fake_column wide[] = {
		{ "k", "20", NULL, NULL, "t", NULL, NULL, NULL },
		{ "id", "23", NULL, NULL, "t", NULL, NULL, NULL },
		{ "x", "23", NULL, NULL, NULL, NULL, NULL, NULL },
		{ "t", "25", NULL, "100", NULL, NULL, NULL, NULL },
		{ "n", "1700", NULL, NULL, NULL, NULL, NULL, NULL },
		{ "d", "1082", NULL, NULL, NULL, NULL, NULL, NULL },
	};
	static const struct fake_column tt[] = {
		{ "k", "25", NULL, "100", "t", NULL, NULL, NULL },
		{ "id", "23", NULL, NULL, "t", NULL, NULL, NULL },
		{ "v", "23", NULL, NULL, NULL, "7", NULL, NULL },
	};
	static const struct fake_column uu[] = { { "k", "2950", NULL, NULL, "t", NULL, NULL, NULL },
						 { "v", "23", NULL, NULL, NULL, NULL, NULL,
						   NULL } };
	static const struct fake_column vc[] = { { "k", "1043", "9", "100", "t", NULL, NULL, NULL },
						 { "id", "23", NULL, NULL, NULL, NULL, NULL,
						   NULL } };
	static const struct fake_column two[] = { { "k1", "20", NULL, NULL, "t", NULL, NULL, NULL },
						  { "k2", "20", NULL, NULL, "t", NULL, NULL, NULL },
						  { "v", "23", NULL, NULL, NULL, NULL, NULL,
						    NULL } };
	static const struct fake_column ser[] = {
		{ "k", "20", NULL, NULL, "t", NULL, NULL, NULL },
		{ "id", "23", NULL, NULL, "t", "nextval('ser_id_seq'::regclass)", NULL, "t" }
	};
	static const struct fake_column nk[] = { { "k", "20", NULL, NULL, NULL, NULL, NULL, NULL },
						 { "v", "23", NULL, NULL, NULL, NULL, NULL,
						   NULL } };
	static const struct fake_column ref[] = {
		{ "id", "23", NULL, NULL, "t", NULL, NULL, NULL },
		{ "name", "25", NULL, "100", NULL, NULL, NULL, NULL },
		{ "v", "23", NULL, NULL, NULL, NULL, NULL, NULL },
		{ "at", "1184", NULL, NULL, NULL, "now()", NULL, "t" }
	};
	static const struct fake_column ref2[] = {
		{ "id", "23", NULL, NULL, "t", NULL, NULL, NULL },
		{ "name", "25", NULL, "100", NULL, NULL, NULL, NULL }
	};
	static const struct fake_column solo[] = {
		{ "id", "23", NULL, NULL, "t", NULL, NULL, NULL },
		{ "v", "25", NULL, "100", NULL, NULL, NULL, NULL },
		{ "k", "20", NULL, NULL, NULL, NULL, NULL, NULL }
	};
	static const struct fake_column serial[] = {
		{ "id", "20", NULL, NULL, "t", "nextval('cust_id_seq'::regclass)", NULL, "t" },
		{ "name", "25", NULL, "100", NULL, NULL, NULL, NULL }
	};
	static const struct fake_column identity[] = {
		{ "id", "20", NULL, NULL, "t", NULL, "a", NULL },
		{ "name", "25", NULL, "100", NULL, NULL, NULL, NULL }
	};
	struct schema *s = schema_create();
	f->next_oid = 16384;
	fake_row(s, 0, 6, "150000", "UTF8", "c", "C", NULL, "\"$user\", public");
	fake_row(s, 1, 1, "pg_catalog");
	fake_row(s, 1, 1, "public");
	fake_row(s, 1, 1, "other");
	fake_functions(s);
	static const char *const wides[] = { "a", "b", "c", "other.o" };
	for (unsigned i = 0; i < FAKE_N(wides); i++)
		fake_table(f, s, wides[i], "r", "f", wide, FAKE_N(wide), i < 3 ? "1 2" : "2");
	fake_table(f, s, "tt", "r", "f", tt, FAKE_N(tt), "1 2");
	fake_table(f, s, "uu", "r", "f", uu, FAKE_N(uu), "1");
	fake_table(f, s, "vc", "r", "f", vc, FAKE_N(vc), NULL);
	fake_table(f, s, "two", "r", "f", two, FAKE_N(two), "1 2");
	fake_table(f, s, "ser", "r", "f", ser, FAKE_N(ser), "1 2");
	fake_sequence(f, s, "ser_id_seq", "2");
	fake_table(f, s, "lone", "r", "f", ser, FAKE_N(ser), "1 2");
	fake_sequence(f, s, "lone_id_seq", "2");
	fake_table(f, s, "busy", "r", "f", ser, FAKE_N(ser), "1 2");
	fake_sequence(f, s, "busy_id_seq", "2");
	fake_table(f, s, "cust", "r", "f", serial, FAKE_N(serial), "1");
	fake_sequence(f, s, "cust_id_seq", "1");
	fake_table(f, s, "idk", "r", "f", identity, FAKE_N(identity), "1");
	fake_sequence(f, s, "idk_id_seq", "1");
	fake_table(f, s, "rser", "r", "f", serial, FAKE_N(serial), "1");
	fake_sequence(f, s, "rser_id_seq", "1");
	fake_table(f, s, "trg", "r", "t", nk, FAKE_N(nk), NULL);
	fake_table(f, s, "nk", "r", "f", nk, FAKE_N(nk), NULL);
	fake_table(f, s, "ref", "r", "f", ref, FAKE_N(ref), "1");
	fake_table(f, s, "ref2", "r", "f", ref2, FAKE_N(ref2), "1");
	fake_table(f, s, "solo", "r", "f", solo, FAKE_N(solo), "1");
	fake_table(f, s, "far", "r", "f", solo, FAKE_N(solo), "1");
	fake_table(f, s, "v", "v", "f", wide, FAKE_N(wide), NULL);
	fake_table(f, s, "seq", "S", "f", NULL, 0, NULL);
	fake_table(f, s, "pg_catalog.pg_class", "r", "f", ref2, FAKE_N(ref2), NULL);
	schema_seal(s);
	return s;
}

static inline void fake_distribution(struct shard_map *m, const char *name, unsigned n_keys,
				     uint32_t type)
{
	struct map_distribution *d = &m->distributions[m->n_distributions++];
	uint64_t step = UINT64_C(1) << 62;
	*d = (struct map_distribution){ .id = m->n_distributions,
					.name = name,
					.n_keys = (uint16_t)n_keys };
	d->key_types[0] = d->key_types[1] = type;
	d->n_chunks = 4;
	d->chunks = arena_array(&m->arena, struct map_chunk, 4);
	for (unsigned i = 0; i < 4; i++) {
		d->chunks[i].id = i + 1;
		d->chunks[i].lo = (int64_t)((uint64_t)INT64_MIN + step * i);
		d->chunks[i].hi = (int64_t)((uint64_t)INT64_MIN + step * i + (step - 1));
		d->chunks[i].shard = (uint16_t)(i % m->n_shards);
	}
}

static inline void fake_map_table(struct shard_map *m, const char *name, enum map_kind kind,
				  uint16_t distribution, const char *key)
{
	struct map_table *t = &m->tables[m->n_tables++];
	*t = (struct map_table){
		.schema = "public", .name = name, .kind = kind, .distribution = distribution
	};
	if (strncmp(name, "other.", 6) == 0) {
		t->schema = "other";
		t->name = name + 6;
	}
	if (kind != MAP_SHARDED)
		return;
	t->n_keys = key ? 1 : 2;
	t->key_columns[0] = key ? key : "k1";
	t->key_columns[1] = "k2";
}

static inline struct shard_map *fake_map(unsigned n_shards)
{
	struct shard_map *m = map_create();
	struct err err = ERR_INIT;
	m->epoch = 1;
	m->shards = arena_array(&m->arena, struct map_shard, n_shards);
	m->n_shards = (uint16_t)n_shards;
	for (unsigned i = 0; i < n_shards; i++)
		m->shards[i] = (struct map_shard){ .id = i + 1,
						   .name = arena_printf(&m->arena, "s%u", i + 1),
						   .dsn = "",
						   .dbname = "app" };
	m->distributions = arena_array(&m->arena, struct map_distribution, 4);
	m->tables = arena_array(&m->arena, struct map_table, 32);
	fake_distribution(m, "default_bigint", 1, 20);
	fake_distribution(m, "default_text", 1, 25);
	fake_distribution(m, "default_uuid", 1, 2950);
	fake_distribution(m, "pairs", 2, 20);
	static const char *const by_k[] = { "a",   "b",	 "c",	 "other.o", "ser",
					    "trg", "nk", "lone", "busy" };
	for (unsigned i = 0; i < FAKE_N(by_k); i++)
		fake_map_table(m, by_k[i], MAP_SHARDED, 0, "k");
	fake_map_table(m, "cust", MAP_SHARDED, 0, "id");
	fake_map_table(m, "idk", MAP_SHARDED, 0, "id");
	fake_map_table(m, "rser", MAP_REFERENCE, 0, NULL);
	fake_map_table(m, "tt", MAP_SHARDED, 1, "k");
	fake_map_table(m, "vc", MAP_SHARDED, 1, "k");
	fake_map_table(m, "uu", MAP_SHARDED, 2, "k");
	fake_map_table(m, "two", MAP_SHARDED, 3, NULL);
	fake_map_table(m, "ref", MAP_REFERENCE, 0, NULL);
	fake_map_table(m, "ref2", MAP_REFERENCE, 0, NULL);
	fake_map_table(m, "far", MAP_SINGLE, 0, NULL);
	m->tables[m->n_tables - 1].home = (uint16_t)(n_shards > 1 ? 1 : 0);
	fake_map_table(m, "later_ref", MAP_REFERENCE, 0, NULL);
	fake_map_table(m, "later_text", MAP_SHARDED, 1, "i");
	fake_map_table(m, "later_solo", MAP_SINGLE, 0, NULL);
	fake_map_table(m, "later_far", MAP_SINGLE, 0, NULL);
	m->tables[m->n_tables - 1].home = (uint16_t)(n_shards > 1 ? 1 : 0);
	if (map_seal(m, &err) != STATUS_OK) {
		fprintf(stderr, "%s\n", err.message);
		abort();
	}
	return m;
}

/* The sequences are shared, as they are in this schema. */
static inline void fake_share(struct shard_map *m, const struct schema *s)
{
	static const char *const names[] = { "ser_id_seq", "busy_id_seq", "cust_id_seq",
					     "idk_id_seq", "rser_id_seq" };
	struct err err = ERR_INIT;
	m->sequences = arena_array(&m->arena, struct map_sequence, FAKE_N(names));
	for (unsigned i = 0; i < FAKE_N(names); i++)
		m->sequences[i] = (struct map_sequence){
			.id = i + 1,
			.home_oid = schema_find(s, "public", names[i])->oid,
			.schema = "public",
			.name = names[i],
			.increment = 1,
			.block = 1000,
			.is_ready = strcmp(names[i], "busy_id_seq") != 0,
		};
	m->n_sequences = FAKE_N(names);
	if (map_seal(m, &err) != STATUS_OK)
		abort();
}

static inline int fake_setup(void **state)
{
	struct fake *f = calloc(1, sizeof(*f));
	f->n_shards = 3;
	f->world = world_create(fake_map(3), fake_schema(f), NULL);
	fake_share(f->world->map, f->world->schema);
	f->search_path = "\"$user\", public";
	*state = f;
	return 0;
}

static inline int fake_setup_one(void **state)
{
	struct fake *f = calloc(1, sizeof(*f));
	f->n_shards = 1;
	f->world = world_create(fake_map(1), fake_schema(f), NULL);
	f->search_path = "\"$user\", public";
	*state = f;
	return 0;
}

static inline int fake_teardown(void **state)
{
	struct fake *f = *state;
	plan_drop(f->plan);
	world_drop(f->world);
	schema_destroy(f->temporary);
	free(f);
	return 0;
}

/* Plans `sql` with these declared parameter types; f->plan is NULL after a refusal. */
static inline struct plan *plan_with(struct fake *f, const char *sql, const uint32_t *types,
				     unsigned n)
{
	struct plan_request req = { .text = str_of(sql),
				    .scan = &f->scan,
				    .world = f->world,
				    .search_path = f->search_path,
				    .user = "app",
				    .temporary = f->temporary,
				    .param_types = types,
				    .n_param_types = (uint16_t)n,
				    .default_keys = f->default_keys,
				    .n_default_keys = (uint16_t)f->n_default_keys };
	plan_drop(f->plan);
	f->plan = NULL;
	f->err = (struct err)ERR_INIT;
	scan_text(req.text, &f->scan);
	f->status = plan_build(&req, &f->plan, &f->err);
	return f->plan;
}

static inline struct plan *plan_of(struct fake *f, const char *sql)
{
	struct plan *p = plan_with(f, sql, NULL, 0);
	if (!p)
		print_message("%s\n  %s: %s\n", sql, f->err.code, f->err.message);
	assert_non_null(p);
	return p;
}

/* Refused for several shards: by PostgreSQL's judgement first, or at once. */
static inline bool is_refused(const struct fake *f)
{
	return !f->plan ? strcmp(f->err.code, "0A000") == 0
			: f->plan->judge && strcmp(f->plan->refusal.code, "0A000") == 0;
}

static inline void assert_refused(struct fake *f, const char *sql, const char *clause)
{
	plan_with(f, sql, NULL, 0);
	if (!is_refused(f))
		print_message("not refused: %s\n", sql);
	assert_true(is_refused(f));
	const struct err *e = f->plan ? &f->plan->refusal : &f->err;
	if (!strstr(e->message, clause))
		print_message("%s\n  says: %s\n", sql, e->message);
	assert_non_null(strstr(e->message, clause));
	assert_true(*e->hint != '\0');
}

/* The shards' own answers cannot be merged: its rows are gathered, or it is refused; the reason
 * names the clause either way. */
static inline void assert_not_merged(struct fake *f, const char *sql, const char *clause)
{
	plan_with(f, sql, NULL, 0);
	bool is_gathered = f->plan && !f->plan->judge && f->plan->merge == MERGE_GATHER;
	if (!is_gathered && !is_refused(f))
		print_message("merged: %s\n", sql);
	assert_true(is_gathered || is_refused(f));
	const struct err *e = f->plan ? &f->plan->refusal : &f->err;
	if (!strstr(e->message, clause))
		print_message("%s\n  says: %s\n", sql, e->message);
	assert_non_null(strstr(e->message, clause));
}

static inline void assert_one_key(struct fake *f, const char *sql)
{
	struct plan *p = plan_of(f, sql);
	if (p->judge || p->target != TARGET_KEYS || p->keys.n_rows != 1)
		print_message("not one key: %s\n  %s\n", sql, p->judge ? p->refusal.message : "");
	assert_false(p->judge);
	assert_int_equal(p->target, TARGET_KEYS);
	assert_int_equal(p->keys.n_rows, 1);
}

static inline void assert_scatter(struct fake *f, const char *sql, enum plan_merge merge)
{
	struct plan *p = plan_of(f, sql);
	if (p->judge || p->target != TARGET_OWNERS || p->merge != merge)
		print_message("not so scattered: %s\n  %s\n", sql,
			      p->judge ? p->refusal.message : "");
	assert_false(p->judge);
	assert_int_equal(p->target, TARGET_OWNERS);
	assert_int_equal(p->merge, merge);
}

static inline void assert_target(struct fake *f, const char *sql, enum plan_target target)
{
	struct plan *p = plan_of(f, sql);
	if (p->judge || p->target != target)
		print_message("other target: %s\n  %s\n", sql, p->judge ? p->refusal.message : "");
	assert_false(p->judge);
	assert_int_equal(p->target, target);
}

#endif
