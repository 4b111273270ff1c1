/* Rows on a shard that the map says belong elsewhere.
 *
 * Happy path: SQL on the shard counts them, with PostgreSQL's own hash or order. Where SQL cannot
 * tell (hash xxh3, keys with a place of their own) the keys are streamed as text and placed one by
 * one, as the proxy places them. */
#include <stdio.h>
#include <string.h>

#include "pgmosaic/catalog/pq.h"
#include "pgmosaic/catalog/shard.h"
#include "pgmosaic/key/value.h"
#include "shard_internal.h"

struct misplaced {
	struct pq *pq;
	struct arena *a;
	const struct map_table *table;
	const struct map_distribution *dist;
	uint16_t shard;
	uint32_t types[MAP_MAX_KEYS];
	const char *columns[MAP_MAX_KEYS];
	struct err *err;
};

static enum status read_columns(struct misplaced *m)
{
	const struct map_table *t = m->table;

	for (unsigned i = 0; i < t->n_keys; i++) {
		uint64_t oid;
		enum status st = pq_u64(
			m->pq, m->err, &oid,
			"SELECT a.atttypid FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON "
			"c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
			"WHERE n.nspname = $1 AND c.relname = $2 AND a.attname = $3 AND a.attnum > 0 "
			"AND NOT a.attisdropped",
			3, t->schema, t->name, t->key_columns[i]);

		if (st == STATUS_UNDEFINED)
			return err_set_code(m->err, STATUS_UNDEFINED, "42703",
					    "%s: column \"%s\" of table \"%s\" does not exist",
					    m->pq->who, t->key_columns[i], t->name);
		if (st != STATUS_OK)
			return st;
		m->types[i] = (uint32_t)oid;
		m->columns[i] = pq_ident(m->a, t->key_columns[i]);
	}
	return STATUS_OK;
}

static const char *table_name(struct misplaced *m)
{
	return arena_printf(m->a, "%s.%s", pq_ident(m->a, m->table->schema),
			    pq_ident(m->a, m->table->name));
}

/* ---- by SQL ---- */

static bool sql_can_tell(const struct map_distribution *d)
{
	return d->n_placed == 0 && (d->method == MAP_RANGE ||
				    (d->method == MAP_HASH && d->function == KEY_FUNCTION_PG));
}

static enum status count_by_sql(struct misplaced *m, uint64_t *count)
{
	const char *foreign, *hash;

	if (m->dist->method == MAP_RANGE) {
		foreign = range_foreign_sql(m->a, m->dist, m->shard, m->columns[0]);
	} else {
		hash = hash_sql(m->a, m->dist, m->types, m->columns, m->err);
		if (!hash)
			return m->err->status;
		foreign = hash_foreign_sql(m->a, m->dist, m->shard, hash);
	}
	return pq_u64(
		m->pq, m->err, count,
		arena_printf(m->a, "SELECT count(*) FROM ONLY %s WHERE %s", table_name(m), foreign),
		0);
}

/* ---- by streaming ---- */

static enum status place_row(struct misplaced *m, const PGresult *res, int row, uint64_t *count)
{
	struct key_value values[MAP_MAX_KEYS] = { { .kind = KEY_VALUE_NULL } };
	struct cell cells[MAP_MAX_KEYS];
	enum value_outcome outcome = VALUE_OK;
	struct err why = ERR_INIT;
	uint16_t shard;
	unsigned n = 0;

	for (; n < m->dist->n_keys && outcome == VALUE_OK; n++) {
		struct value_spec spec = { .type = m->types[n],
					   .column_type = m->types[n],
					   .err = &why };
		const char *text = pq_value(res, row, (int)n);

		cell_init(&cells[n]);
		if (text)
			outcome = value_read_text(&spec, str_of(text), &cells[n]);
		values[n] = cells[n].value;
	}
	if (outcome == VALUE_OK)
		*count += !map_shard_of_key(m->dist, values, &shard) || shard != m->shard;
	while (n)
		cell_finish(&cells[--n]);
	if (outcome == VALUE_OK)
		return STATUS_OK;
	*m->err = why;
	return err_set(m->err, STATUS_UNROUTED, "%s: a key of table \"%s\" cannot be read: %s",
		       m->pq->who, m->table->name, why.message);
}

static enum status fetch(struct misplaced *m, uint64_t *count, bool *is_done)
{
	PGresult *res = pq_query(m->pq, m->err, "FETCH 10000 FROM mosaic_keys", 0);
	enum status st = STATUS_OK;

	if (!res)
		return m->err->status;
	*is_done = PQntuples(res) == 0;
	for (int i = 0; i < PQntuples(res) && st == STATUS_OK; i++)
		st = place_row(m, res, i, count);
	PQclear(res);
	return st;
}

static enum status count_by_stream(struct misplaced *m, uint64_t *count)
{
	const char *list = "";
	bool is_done = false;
	enum status st;

	for (unsigned i = 0; i < m->table->n_keys; i++)
		list = arena_printf(m->a, "%s%s%s", list, i ? ", " : "", m->columns[i]);
	st = pq_exec(m->pq,
		     arena_printf(m->a,
				  "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;"
				  "SET LOCAL DateStyle = 'ISO'; SET LOCAL TimeZone = 'UTC';"
				  "SET LOCAL bytea_output = 'hex';"
				  "DECLARE mosaic_keys NO SCROLL CURSOR FOR SELECT %s FROM ONLY %s",
				  list, table_name(m)),
		     m->err);
	*count = 0;
	while (st == STATUS_OK && !is_done)
		st = fetch(m, count, &is_done);
	pq_rollback(m->pq);
	return st;
}

enum status shard_misplaced_rows(const char *dsn, const struct shard_map *map, uint16_t shard,
				 const struct map_table *table, uint64_t *count, struct err *err)
{
	struct pq pq = { .pg = NULL };
	struct arena a;
	struct misplaced m = { .pq = &pq,
			       .a = &a,
			       .table = table,
			       .dist = &map->distributions[table->distribution],
			       .shard = shard,
			       .err = err };
	enum status st = pq_open(&pq, NULL, dsn, SHARD_CONNECT_TIMEOUT_S, err);

	if (st != STATUS_OK)
		return st;
	arena_init(&a, 0);
	st = read_columns(&m);
	if (st == STATUS_OK)
		st = sql_can_tell(m.dist) ? count_by_sql(&m, count) : count_by_stream(&m, count);
	arena_finish(&a);
	pq_close(&pq);
	return st;
}
