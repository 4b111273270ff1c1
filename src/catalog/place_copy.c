/* Fences and rows: see place.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/log.h"
#include "place.h"
#include "shard_internal.h"

#define FENCE_TRIGGER "mosaic_map_change"
/* Longer would make other writers of the table queue behind us. */
#define FENCE_LOCK_MS "5000"

static const char fence_function[] =
	"CREATE OR REPLACE FUNCTION mosaic.refuse_write() RETURNS trigger LANGUAGE plpgsql AS $$"
	"BEGIN RAISE EXCEPTION 'table \"%\" is changing its place in the shard map', tg_table_name "
	"USING ERRCODE = '40001', HINT = 'Try again in a moment.'; END$$";

void place_fence_init(struct place_fence *f)
{
	*f = (struct place_fence){ .n = 0 };
	arena_init(&f->arena, 0);
	f->items = arena_array(&f->arena, struct place_fence_item, PLACE_MAX_FENCES);
}

static enum status make_fence(struct pq *pq, struct arena *a, const char *table, struct err *err)
{
	enum status st = pq_exec(pq,
				 "BEGIN ISOLATION LEVEL READ COMMITTED;"
				 "SET LOCAL lock_timeout = " FENCE_LOCK_MS ";"
				 "SET LOCAL idle_in_transaction_session_timeout = '10s'",
				 err);

	if (st == STATUS_OK)
		st = pq_exec(pq, fence_function, err);
	if (st == STATUS_OK)
		st = pq_exec(
			pq,
			arena_printf(a,
				     "DROP TRIGGER IF EXISTS " FENCE_TRIGGER " ON %s;"
				     "CREATE TRIGGER " FENCE_TRIGGER
				     " BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s "
				     "FOR EACH STATEMENT EXECUTE FUNCTION mosaic.refuse_write();"
				     "ALTER TABLE %s ENABLE ALWAYS TRIGGER " FENCE_TRIGGER ";"
				     "COMMIT",
				     table, table, table),
			err);
	return st;
}

enum status place_fence_add(struct place_fence *f, const char *dsn, const char *schema,
			    const char *name, struct err *err)
{
	struct pq pq = { .pg = NULL };
	char *table;
	enum status st;

	if (f->n == PLACE_MAX_FENCES)
		return err_set(err, STATUS_LIMIT, "more than %d tables would have to be held",
			       PLACE_MAX_FENCES);
	table = arena_printf(&f->arena, "%s.%s", pq_ident(&f->arena, schema),
			     pq_ident(&f->arena, name));
	st = pq_open(&pq, NULL, dsn, SHARD_CONNECT_TIMEOUT_S, err);
	if (st == STATUS_OK)
		st = make_fence(&pq, &f->arena, table, err);
	pq_close(&pq);
	if (st == STATUS_OK)
		f->items[f->n++] = (struct place_fence_item){ arena_strdup(&f->arena, dsn), table };
	return st;
}

static void lift_one(struct place_fence *f, const struct place_fence_item *item)
{
	struct pq pq = { .pg = NULL };
	struct err err = ERR_INIT;
	const char *sql = arena_printf(&f->arena, "DROP TRIGGER IF EXISTS " FENCE_TRIGGER " ON %s",
				       item->table);
	enum status st = pq_open(&pq, NULL, item->dsn, SHARD_CONNECT_TIMEOUT_S, &err);

	if (st == STATUS_OK)
		st = pq_exec(&pq, sql, &err);
	pq_close(&pq);
	if (st != STATUS_OK)
		log_event(LOG_ERROR, "a table is still closed for writes: run the statement there",
			  LOG_STR("server", pq.who), LOG_STR("statement", sql),
			  LOG_STR("reason", err.message));
}

void place_fence_leave(struct place_fence *f)
{
	for (unsigned i = 0; i < f->n; i++)
		log_event(LOG_ERROR,
			  "a table stays closed for writes: give the command again, or run the "
			  "statement there when every proxy has the present map",
			  LOG_STR("statement",
				  arena_printf(&f->arena, "DROP TRIGGER " FENCE_TRIGGER " ON %s",
					       f->items[i].table)));
	arena_finish(&f->arena);
	f->n = 0;
}

static enum status check_one(const struct place_fence_item *item, struct err *err)
{
	struct pq pq = { .pg = NULL };
	uint64_t n = 0;
	enum status st = pq_open(&pq, NULL, item->dsn, SHARD_CONNECT_TIMEOUT_S, err);

	if (st == STATUS_OK)
		st = pq_u64(&pq, err, &n,
			    "SELECT count(*) FROM pg_catalog.pg_trigger WHERE tgrelid = "
			    "pg_catalog.to_regclass($1) AND tgname = '" FENCE_TRIGGER
			    "' AND tgenabled = 'A'",
			    1, item->table);
	pq_close(&pq);
	if (st != STATUS_OK || n == 1)
		return st;
	err_set(err, STATUS_IN_USE, "table %s was changed meanwhile", item->table);
	err_hint(err, "Other DDL has run on it. Give the command again.");
	return err->status;
}

enum status place_fence_check(struct place_fence *f, struct err *err)
{
	enum status st = STATUS_OK;

	for (unsigned i = 0; i < f->n && st == STATUS_OK; i++)
		st = check_one(&f->items[i], err);
	return st;
}

void place_fence_lift(struct place_fence *f)
{
	for (unsigned i = f->n; i-- > 0;)
		lift_one(f, &f->items[i]);
	arena_finish(&f->arena);
	f->n = 0;
}

enum status place_fence_references(struct place_fence *f, const struct shard_map *map,
				   struct err *err)
{
	enum status st = STATUS_OK;

	for (uint32_t i = 0; i < map->n_tables && st == STATUS_OK; i++)
		if (map->tables[i].kind == MAP_REFERENCE)
			st = place_fence_add(f, map->shards[map->home].dsn, map->tables[i].schema,
					     map->tables[i].name, err);
	return st;
}

enum status place_relkind(struct pq *pq, const char *schema, const char *name, char *kind,
			  struct err *err)
{
	PGresult *res = pq_query(pq, err,
				 "SELECT c.relkind FROM pg_catalog.pg_class c JOIN "
				 "pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
				 "WHERE n.nspname = $1 AND c.relname = $2",
				 2, schema, name);

	if (!res)
		return err->status;
	*kind = PQntuples(res) ? PQgetvalue(res, 0, 0)[0] : '\0';
	PQclear(res);
	return STATUS_OK;
}

/* ---- rows ---- */

/* The columns that COPY may name: not the generated ones. */
static enum status column_list(struct pq *pq, struct arena *a, const char *schema, const char *name,
			       const char **list, struct err *err)
{
	PGresult *res =
		pq_query(pq, err,
			 "SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) "
			 "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON "
			 "c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON "
			 "n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 AND "
			 "a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''",
			 2, schema, name);

	if (!res)
		return err->status;
	*list = arena_strdup(a, PQgetvalue(res, 0, 0));
	PQclear(res);
	return STATUS_OK;
}

static enum status start_copy(struct pq *pq, const char *sql, ExecStatusType wanted,
			      struct err *err)
{
	PGresult *res = PQexec(pq->pg, sql);
	enum status st = PQresultStatus(res) == wanted ? STATUS_OK : pq_fail(pq, res, err);

	PQclear(res);
	return st;
}

/* What a COPY ends with. */
static enum status end_copy(struct pq *pq, struct err *err)
{
	enum status st = STATUS_OK;
	PGresult *res;

	while ((res = PQgetResult(pq->pg)) != NULL) {
		if (PQresultStatus(res) != PGRES_COMMAND_OK && st == STATUS_OK)
			st = pq_fail(pq, res, err);
		PQclear(res);
	}
	return st;
}

static enum status pump(struct pq *from, struct pq *to, struct err *err)
{
	enum status st = STATUS_OK, in;
	char *data;
	int n;

	while (st == STATUS_OK && (n = PQgetCopyData(from->pg, &data, 0)) > 0) {
		if (PQputCopyData(to->pg, data, n) != 1)
			st = pq_fail(to, NULL, err);
		PQfreemem(data);
	}
	if (st == STATUS_OK && n == -2)
		st = pq_fail(from, NULL, err);
	PQputCopyEnd(to->pg, st == STATUS_OK ? NULL : "the source of the copy failed");
	in = end_copy(to, err);
	return st == STATUS_OK ? in : st;
}

static enum status compare_counts(struct pq *from, struct pq *to, struct arena *a,
				  const char *table, struct err *err)
{
	const char *sql = arena_printf(a, "SELECT count(*) FROM %s", table);
	uint64_t n_from, n_to;

	if (pq_u64(from, err, &n_from, sql, 0) || pq_u64(to, err, &n_to, sql, 0))
		return err->status;
	if (n_from == n_to)
		return STATUS_OK;
	return err_set(err, STATUS_CATALOG, "%s has %llu rows on %s and %llu on %s after the copy",
		       table, (unsigned long long)n_from, from->who, (unsigned long long)n_to,
		       to->who);
}

/* session_replication_role: triggers and foreign keys have had their say where the rows come
 * from. */
static enum status copy_open(struct pq *from, struct pq *to, struct arena *a, const char *schema,
			     const char *name, struct err *err)
{
	const char *table = arena_printf(a, "%s.%s", pq_ident(a, schema), pq_ident(a, name));
	const char *columns = NULL;
	enum status st = pq_exec(from, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);

	if (st == STATUS_OK)
		st = pq_exec(to,
			     "BEGIN ISOLATION LEVEL READ COMMITTED;"
			     "SET LOCAL session_replication_role = replica",
			     err);
	if (st == STATUS_OK)
		st = column_list(from, a, schema, name, &columns, err);
	if (st == STATUS_OK)
		st = start_copy(from, arena_printf(a, "COPY %s (%s) TO STDOUT", table, columns),
				PGRES_COPY_OUT, err);
	if (st == STATUS_OK)
		st = start_copy(to, arena_printf(a, "COPY %s (%s) FROM STDIN", table, columns),
				PGRES_COPY_IN, err);
	if (st == STATUS_OK)
		st = pump(from, to, err);
	if (st == STATUS_OK)
		st = end_copy(from, err);
	if (st == STATUS_OK)
		st = compare_counts(from, to, a, table, err);
	return st == STATUS_OK ? pq_exec(to, "COMMIT", err) : st;
}

enum status place_copy_rows(const char *from_dsn, const char *to_dsn, const char *schema,
			    const char *name, struct err *err)
{
	struct pq from = { .pg = NULL }, to = { .pg = NULL };
	struct arena a;
	enum status st = pq_open(&from, NULL, from_dsn, SHARD_CONNECT_TIMEOUT_S, err);

	arena_init(&a, 0);
	if (st == STATUS_OK)
		st = pq_open(&to, NULL, to_dsn, SHARD_CONNECT_TIMEOUT_S, err);
	if (st == STATUS_OK)
		st = copy_open(&from, &to, &a, schema, name, err);
	pq_close(&to);
	pq_close(&from);
	arena_finish(&a);
	return st;
}

enum status place_copy_references(const struct shard_map *map, const char *dsn, struct err *err)
{
	enum status st = STATUS_OK;

	for (uint32_t i = 0; i < map->n_tables && st == STATUS_OK; i++)
		if (map->tables[i].kind == MAP_REFERENCE)
			st = place_copy_rows(map->shards[map->home].dsn, dsn, map->tables[i].schema,
					     map->tables[i].name, err);
	return st;
}
