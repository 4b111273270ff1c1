/* Reading the shard map: six queries in one REPEATABLE READ snapshot. */
#include <stdlib.h>
#include <string.h>

#include "key_read.h"
#include "store_internal.h"

struct loader {
	struct pq *pq;
	struct shard_map *map;
	struct arena *a; /* the map's */
	struct err *err;
};

static uint32_t number(const PGresult *res, int row, int column)
{
	return (uint32_t)strtoul(PQgetvalue(res, row, column), NULL, 10);
}

static const char *keep(struct loader *l, const PGresult *res, int row, int column)
{
	const char *value = pq_value(res, row, column);

	return value ? arena_strdup(l->a, value) : NULL;
}

static bool load_cluster(struct loader *l)
{
	PGresult *res = pq_query(l->pq, l->err, "SELECT id, epoch FROM mosaic.cluster", 0);

	if (!res)
		return false;
	if (PQntuples(res) != 1) {
		PQclear(res);
		err_set(l->err, STATUS_CATALOG, "the catalog has no row in mosaic.cluster");
		return false;
	}
	l->map->cluster = keep(l, res, 0, 0);
	l->map->epoch = strtoull(PQgetvalue(res, 0, 1), NULL, 10);
	PQclear(res);
	return true;
}

static bool load_shards(struct loader *l)
{
	PGresult *res = pq_query(
		l->pq, l->err,
		"SELECT id, name, dsn, replicas, weight FROM mosaic.shards ORDER BY id", 0);
	int n = res ? PQntuples(res) : 0;
	bool ok = res != NULL;

	if (n > MAP_MAX_SHARDS) {
		err_set(l->err, STATUS_CATALOG, "the catalog has %d shards; the limit is %d", n,
			MAP_MAX_SHARDS);
		ok = false;
	}
	l->map->shards = arena_array(l->a, struct map_shard, (size_t)n + 1);
	for (int i = 0; i < n && ok; i++) {
		struct map_shard *s = &l->map->shards[i];

		s->id = number(res, i, 0);
		s->name = keep(l, res, i, 1);
		s->dsn = keep(l, res, i, 2);
		s->replicas = keep(l, res, i, 3);
		s->weight = number(res, i, 4);
		s->dbname = pq_dsn_dbname(l->a, s->dsn, l->err);
		ok = s->dbname != NULL;
	}
	l->map->n_shards = (uint16_t)n;
	PQclear(res);
	return ok;
}

static int shard_index(const struct shard_map *map, uint32_t id)
{
	for (int i = 0; i < map->n_shards; i++)
		if (map->shards[i].id == id)
			return i;
	return UINT16_MAX; /* map_seal() refuses it */
}

static int distribution_index(const struct shard_map *map, uint32_t id)
{
	for (int i = 0; i < map->n_distributions; i++)
		if (map->distributions[i].id == id)
			return i;
	return UINT16_MAX;
}

static enum map_method method_of(const char *name)
{
	return strcmp(name, "range") == 0	? MAP_RANGE
	       : strcmp(name, "directory") == 0 ? MAP_DIRECTORY
						: MAP_HASH;
}

static enum map_policy policy_of(const char *name)
{
	return strcmp(name, "least_loaded") == 0 ? MAP_LEAST_LOADED
	       : strcmp(name, "on_shard") == 0	 ? MAP_ON_SHARD
						 : MAP_ROUND_ROBIN;
}

static void read_distribution(struct loader *l, struct map_distribution *d, const PGresult *res,
			      int row)
{
	const char *types[MAP_MAX_KEYS];

	d->id = number(res, row, 0);
	d->name = keep(l, res, row, 1);
	d->method = method_of(PQgetvalue(res, row, 5));
	d->policy = policy_of(PQgetvalue(res, row, 6));
	d->policy_shard = (uint16_t)shard_index(l->map, number(res, row, 7));
	d->function =
		strcmp(PQgetvalue(res, row, 2), "xxh3") == 0 ? KEY_FUNCTION_XXH3 : KEY_FUNCTION_PG;
	d->n_keys = (uint16_t)pq_array(l->a, PQgetvalue(res, row, 3), types, MAP_MAX_KEYS);
	for (unsigned k = 0; k < d->n_keys; k++)
		d->key_types[k] = (uint32_t)strtoul(types[k], NULL, 10);
	d->n_chunks = number(res, row, 4);
	d->chunks = arena_array(l->a, struct map_chunk, d->n_chunks + 1u);
	d->n_chunks = 0; /* counts up as they are read */
	d->keys = arena_array(l->a, struct map_key, number(res, row, 8) + 1u);
}

static bool load_distributions(struct loader *l)
{
	PGresult *res = pq_query(l->pq, l->err,
				 "SELECT d.id, d.name, d.function, d.types, (SELECT count(*) FROM "
				 "mosaic.chunks c WHERE c.distribution = d.id), "
				 "d.method, d.policy, d.policy_shard, (SELECT count(*) FROM "
				 "mosaic.keys k WHERE k.distribution = d.id) "
				 "FROM mosaic.distributions d ORDER BY d.id",
				 0);
	int n = res ? PQntuples(res) : 0;

	if (!res)
		return false;
	if (n > UINT16_MAX - 1) {
		PQclear(res);
		err_set(l->err, STATUS_CATALOG, "the catalog has %d distributions", n);
		return false;
	}
	l->map->distributions = arena_array(l->a, struct map_distribution, (size_t)n + 1);
	for (int i = 0; i < n; i++)
		read_distribution(l, &l->map->distributions[i], res, i);
	l->map->n_distributions = (uint16_t)n;
	PQclear(res);
	return true;
}

/* The chunk read last begins at this key. */
static bool load_bound(struct loader *l, struct map_distribution *d, const char *text)
{
	struct map_chunk *c = &d->chunks[d->n_chunks - 1];

	c->from_text = text ? text : "";
	c->from = (struct key_value){ .kind = KEY_VALUE_NULL };
	return !text || key_read(l->a, d->key_types[0], text, &c->from, l->err) == STATUS_OK;
}

static bool load_chunks(struct loader *l)
{
	PGresult *res = pq_query(l->pq, l->err,
				 "SELECT distribution, id, lo, hi, shard, bound FROM mosaic.chunks "
				 "ORDER BY distribution, lo",
				 0);
	int n = res ? PQntuples(res) : 0;
	bool ok = res != NULL;

	for (int i = 0; i < n && ok; i++) {
		int at = distribution_index(l->map, number(res, i, 0));
		struct map_distribution *d = &l->map->distributions[at];

		d->chunks[d->n_chunks++] = (struct map_chunk){
			.id = number(res, i, 1),
			.lo = strtoll(PQgetvalue(res, i, 2), NULL, 10),
			.hi = strtoll(PQgetvalue(res, i, 3), NULL, 10),
			.shard = (uint16_t)shard_index(l->map, number(res, i, 4)),
		};
		if (d->method == MAP_RANGE)
			ok = load_bound(l, d, keep(l, res, i, 5));
	}
	PQclear(res);
	return ok;
}

static bool load_keys(struct loader *l)
{
	PGresult *res = pq_query(l->pq, l->err,
				 "SELECT distribution, pg_catalog.encode(key, 'hex'), shard FROM "
				 "mosaic.keys ORDER BY distribution",
				 0);
	int n = res ? PQntuples(res) : 0;

	for (int i = 0; i < n; i++) {
		struct map_distribution *d =
			&l->map->distributions[distribution_index(l->map, number(res, i, 0))];
		struct map_key *k = &d->keys[d->n_placed++];

		k->bytes = key_of_hex(l->a, PQgetvalue(res, i, 1), &k->n);
		k->shard = (uint16_t)shard_index(l->map, number(res, i, 2));
	}
	PQclear(res);
	return res != NULL;
}

static void read_table(struct loader *l, struct map_table *t, const PGresult *res, int row)
{
	const char *kind = PQgetvalue(res, row, 2);

	t->schema = keep(l, res, row, 0);
	t->name = keep(l, res, row, 1);
	t->kind = strcmp(kind, "sharded") == 0	   ? MAP_SHARDED
		  : strcmp(kind, "reference") == 0 ? MAP_REFERENCE
						   : MAP_SINGLE;
	if (t->kind == MAP_SHARDED) {
		t->distribution = (uint16_t)distribution_index(l->map, number(res, row, 3));
		t->n_keys = (uint16_t)pq_array(l->a, PQgetvalue(res, row, 4), t->key_columns,
					       MAP_MAX_KEYS);
	}
	if (t->kind == MAP_SINGLE)
		t->home = (uint16_t)shard_index(l->map, number(res, row, 5));
}

/* With those that DDL under way is making or renaming: on the shards they may be there already,
 * and must not be taken for tables of the home shard's own. */
static const char tables_query[] =
	"WITH pending AS (SELECT c.*, d.id AS d FROM mosaic.intent_changes c JOIN mosaic.intents i "
	"ON i.id = c.intent AND NOT i.abandoned LEFT JOIN mosaic.distributions d ON d.name = "
	"c.distribution), known AS (SELECT 0 AS rank, schema, name, kind, distribution, key_columns, "
	"home FROM mosaic.tables UNION ALL SELECT 1, schema, name, kind, d, key_columns, NULL FROM "
	"pending WHERE kind IN ('sharded', 'reference')), renamed AS (SELECT 2, "
	"coalesce(p.new_schema, p.schema), coalesce(p.new_name, p.name), k.kind, k.distribution, "
	"k.key_columns, k.home FROM pending p JOIN known k ON (k.schema, k.name) = (p.schema, "
	"p.name) WHERE p.kind = 'rename') "
	"SELECT DISTINCT ON (schema, name) schema, name, kind, distribution, key_columns, home FROM "
	"(SELECT * FROM known UNION ALL SELECT * FROM renamed) a ORDER BY schema, name, rank";

static bool load_tables(struct loader *l)
{
	PGresult *res = pq_query(l->pq, l->err, tables_query, 0);
	int n = res ? PQntuples(res) : 0;

	l->map->tables = arena_array(l->a, struct map_table, (size_t)n + 1);
	for (int i = 0; i < n; i++)
		read_table(l, &l->map->tables[i], res, i);
	l->map->n_tables = (uint32_t)n;
	PQclear(res);
	return res != NULL;
}

static bool load_sequences(struct loader *l)
{
	PGresult *res = pq_query(l->pq, l->err,
				 "SELECT id, schema, name, generation, increment, block, "
				 "state = 'ready', home_oid FROM mosaic.sequences",
				 0);
	int n = res ? PQntuples(res) : 0;

	l->map->sequences = arena_array(l->a, struct map_sequence, (size_t)n + 1);
	for (int i = 0; i < n; i++)
		l->map->sequences[i] = (struct map_sequence){
			.id = number(res, i, 0),
			.schema = keep(l, res, i, 1),
			.name = keep(l, res, i, 2),
			.generation = strtoull(PQgetvalue(res, i, 3), NULL, 10),
			.increment = strtoll(PQgetvalue(res, i, 4), NULL, 10),
			.block = strtoull(PQgetvalue(res, i, 5), NULL, 10),
			.is_ready = PQgetvalue(res, i, 6)[0] == 't',
			.home_oid = number(res, i, 7),
		};
	l->map->n_sequences = (uint32_t)n;
	PQclear(res);
	return res != NULL;
}

static bool load_all(struct loader *l)
{
	return pq_exec(l->pq, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", l->err) ==
		       STATUS_OK &&
	       load_cluster(l) && load_shards(l) && load_distributions(l) && load_chunks(l) &&
	       load_keys(l) && load_tables(l) && load_sequences(l) &&
	       map_seal(l->map, l->err) == STATUS_OK;
}

enum status catalog_load_map(struct catalog *c, struct shard_map **out, struct err *err)
{
	struct loader l = { .pq = &c->pq, .err = err };
	enum status st = catalog_enter(c, err);
	bool ok;

	if (st != STATUS_OK)
		return st;
	l.map = map_create();
	l.a = &l.map->arena;
	ok = load_all(&l);
	catalog_leave(c);
	if (ok) {
		*out = l.map;
		return STATUS_OK;
	}
	map_destroy(l.map);
	return err->status;
}
