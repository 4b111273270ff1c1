/* VERIFY TABLE: is every row where the map says, is every copy the same?
 *
 * A sharded table's rows are looked at while others write: a statement sees one instant of each
 * shard, and no row changes its shard. A reference table's copies are locked against writes, the
 * home shard's first as every writer does, so that all are seen at one instant. */
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/catalog/shard.h"
#include "place.h"
#include "shard_internal.h"
#include "store_internal.h"

struct verify {
	struct shard_map *map;
	const struct map_table *table;
	struct arena arena;
	catalog_verified_fn found;
	void *ctx;
	struct err *err;
};

static const char *name_of(struct verify *v)
{
	return arena_printf(&v->arena, "%s.%s", pq_ident(&v->arena, v->table->schema),
			    pq_ident(&v->arena, v->table->name));
}

static enum status open_shard(struct verify *v, uint16_t shard, struct pq *pq)
{
	char kind = 0;
	enum status st =
		pq_open(pq, NULL, v->map->shards[shard].dsn, SHARD_CONNECT_TIMEOUT_S, v->err);

	if (st == STATUS_OK)
		st = place_relkind(pq, v->table->schema, v->table->name, &kind, v->err);
	if (st == STATUS_OK && !kind)
		st = err_set_code(v->err, STATUS_UNDEFINED, "42P01",
				  "table \"%s\" does not exist on shard %s", v->table->name,
				  v->map->shards[shard].name);
	return st;
}

/* ---- sharded and single tables ---- */

static enum status count_rows(struct verify *v, struct pq *pq, uint64_t *n)
{
	return pq_u64(pq, v->err, n,
		      arena_printf(&v->arena, "SELECT count(*) FROM ONLY %s", name_of(v)), 0);
}

static enum status verify_sharded(struct verify *v, uint16_t shard)
{
	struct catalog_verified out = { .shard = v->map->shards[shard].name };
	struct pq pq = { .pg = NULL };
	enum status st = open_shard(v, shard, &pq);

	if (st == STATUS_OK)
		st = count_rows(v, &pq, &out.rows);
	pq_close(&pq);
	if (st == STATUS_OK)
		st = shard_misplaced_rows(v->map->shards[shard].dsn, v->map, shard, v->table,
					  &out.misplaced, v->err);
	if (st != STATUS_OK)
		return st;
	if (out.misplaced)
		out.finding = "rows that belong to other shards";
	v->found(v->ctx, &out);
	return STATUS_OK;
}

static enum status verify_single(struct verify *v, uint16_t shard)
{
	struct catalog_verified out = { .shard = v->map->shards[shard].name };
	struct pq pq = { .pg = NULL };
	char kind = 0;
	enum status st =
		pq_open(&pq, NULL, v->map->shards[shard].dsn, SHARD_CONNECT_TIMEOUT_S, v->err);

	if (st == STATUS_OK)
		st = place_relkind(&pq, v->table->schema, v->table->name, &kind, v->err);
	if (st == STATUS_OK && kind)
		st = count_rows(v, &pq, &out.rows);
	pq_close(&pq);
	if (st == STATUS_OK && !kind && shard == v->table->home)
		return err_set_code(v->err, STATUS_UNDEFINED, "42P01",
				    "table \"%s\" does not exist on shard %s", v->table->name,
				    out.shard);
	if (st != STATUS_OK || !kind)
		return st;
	out.misplaced = shard == v->table->home ? 0 : out.rows;
	if (out.misplaced)
		out.finding = "rows beside the table's own shard";
	v->found(v->ctx, &out);
	return STATUS_OK;
}

/* ---- reference tables ---- */

/* Count and checksum of a copy, its writers held off until the connection ends its transaction. */
static enum status read_copy(struct verify *v, struct pq *pq, uint64_t *rows, const char **sum)
{
	PGresult *res = NULL;
	enum status st = pq_exec(
		pq,
		arena_printf(&v->arena,
			     "BEGIN ISOLATION LEVEL READ COMMITTED;"
			     "SET LOCAL lock_timeout = '5s'; SET LOCAL TimeZone = 'UTC';"
			     "SET LOCAL DateStyle = 'ISO'; SET LOCAL extra_float_digits = 3;"
			     "SET LOCAL IntervalStyle = 'postgres';"
			     "SET LOCAL bytea_output = 'hex';"
			     "LOCK TABLE %s IN SHARE MODE",
			     name_of(v)),
		v->err);

	if (st == STATUS_OK)
		res = pq_query(
			pq, v->err,
			arena_printf(
				&v->arena,
				"SELECT count(*), "
				"coalesce(sum(pg_catalog.hashtextextended(t::text, 0)::numeric), 0) "
				"FROM ONLY %s t",
				name_of(v)),
			0);
	if (!res)
		return v->err->status;
	*rows = strtoull(PQgetvalue(res, 0, 0), NULL, 10);
	*sum = arena_strdup(&v->arena, PQgetvalue(res, 0, 1));
	PQclear(res);
	return STATUS_OK;
}

static enum status verify_reference(struct verify *v)
{
	struct pq *all = arena_array(&v->arena, struct pq, v->map->n_shards);
	uint64_t *rows = arena_array(&v->arena, uint64_t, v->map->n_shards);
	const char **sums = arena_array(&v->arena, const char *, v->map->n_shards);
	uint16_t home = v->map->home;
	enum status st = open_shard(v, home, &all[home]);

	if (st == STATUS_OK)
		st = read_copy(v, &all[home], &rows[home], &sums[home]);
	for (uint16_t i = 0; i < v->map->n_shards && st == STATUS_OK; i++) {
		struct catalog_verified out = { .shard = v->map->shards[i].name };

		if (i != home)
			st = open_shard(v, i, &all[i]);
		if (i != home && st == STATUS_OK)
			st = read_copy(v, &all[i], &rows[i], &sums[i]);
		if (st != STATUS_OK)
			break;
		out.rows = rows[i];
		out.differs = rows[i] != rows[home] || strcmp(sums[i], sums[home]) != 0;
		out.finding = out.differs ? "the copy differs from the home shard's" : NULL;
		v->found(v->ctx, &out);
	}
	for (uint16_t i = 0; i < v->map->n_shards; i++)
		pq_close(&all[i]);
	return st;
}

/* ---- */

static enum status verify_all(struct verify *v)
{
	enum status st = STATUS_OK;

	if (v->table->kind == MAP_REFERENCE)
		return verify_reference(v);
	for (uint16_t i = 0; i < v->map->n_shards && st == STATUS_OK; i++)
		st = v->table->kind == MAP_SHARDED ? verify_sharded(v, i) : verify_single(v, i);
	return st;
}

enum status catalog_verify_table(struct catalog *c, const char *schema, const char *name,
				 catalog_verified_fn found, void *ctx, struct err *err)
{
	struct verify v = { .found = found, .ctx = ctx, .err = err };
	struct map_table single = { .schema = schema, .name = name, .kind = MAP_SINGLE };
	enum status st = catalog_load_map(c, &v.map, err);

	if (st != STATUS_OK)
		return st;
	single.home = v.map->home;
	v.table = map_find_table(v.map, schema, name);
	if (!v.table)
		v.table = &single;
	arena_init(&v.arena, 0);
	if (v.map->n_shards == 0)
		st = err_set_code(err, STATUS_INVALID, "55000", "there is no shard");
	else
		st = verify_all(&v);
	arena_finish(&v.arena);
	map_destroy(v.map);
	return st;
}
