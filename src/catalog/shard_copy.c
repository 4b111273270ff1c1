/* Copies of definitions between servers: pg_dump here, libpq there. */
#include <string.h>

#include "dump.h"
#include "pgmosaic/catalog/pq.h"
#include "pgmosaic/catalog/shard.h"
#include "shard_internal.h"

/* One transaction: everything or nothing. */
static enum status apply_sql(struct pq *pq, const char *sql, struct err *err)
{
	enum status st = pq_exec(pq, "BEGIN ISOLATION LEVEL READ COMMITTED", err);

	if (st == STATUS_OK)
		st = pq_exec(pq, sql, err);
	return st == STATUS_OK ? pq_exec(pq, "COMMIT", err) : st;
}

static enum status make_table(struct arena *a, const char *from_dsn, struct pq *to,
			      const char *schema, const char *name, struct err *err)
{
	const char *args[] = { "--schema-only",
			       "--no-password",
			       "--no-publications",
			       "--no-subscriptions",
			       "-t",
			       arena_printf(a, "%s.%s", pq_ident(a, schema), pq_ident(a, name)),
			       NULL };
	char *sql;
	enum status st = dump_run(a, from_dsn, args, &sql, err);

	if (st != STATUS_OK)
		return st;
	return apply_sql(
		to, arena_printf(a, "CREATE SCHEMA IF NOT EXISTS %s;%s", pq_ident(a, schema), sql),
		err);
}

enum status shard_copy_table(const char *from_dsn, const char *to_dsn, const char *schema,
			     const char *name, struct err *err)
{
	struct pq to = { .pg = NULL };
	struct arena a;
	enum status st = pq_open(&to, NULL, to_dsn, SHARD_CONNECT_TIMEOUT_S, err);

	if (st != STATUS_OK)
		return st;
	arena_init(&a, 0);
	st = make_table(&a, from_dsn, &to, schema, name, err);
	arena_finish(&a);
	pq_close(&to);
	return st;
}

/* ---- a whole database ---- */

#define USER_RELATIONS                                                                          \
	"SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = " \
	"c.relnamespace WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', " \
	"'mosaic')"

/* Anything at all that a dump would hold. */
#define USER_OBJECTS                                                                         \
	"SELECT (" USER_RELATIONS ") + (SELECT count(*) FROM pg_catalog.pg_proc p JOIN "     \
	"pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname !~ '^pg_' AND " \
	"n.nspname NOT IN ('information_schema', 'mosaic')) + (SELECT count(*) FROM "        \
	"pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN "          \
	"('information_schema', 'mosaic', 'public'))"

/* Log-in names are used on every shard; owners and grants must find their roles. */
static enum status check_roles(struct arena *a, struct pq *from, struct pq *to, struct err *err)
{
	static const char roles_query[] =
		"SELECT coalesce(array_agg(rolname ORDER BY rolname), '{}')::text "
		"FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_'";
	PGresult *res = pq_query(from, err, roles_query, 0), *missing;
	enum status st = STATUS_OK;
	const char *names;

	if (!res)
		return err->status;
	names = arena_strdup(a, PQgetvalue(res, 0, 0));
	PQclear(res);
	missing = pq_query(to, err,
			   "SELECT string_agg(r, ', ' ORDER BY r) FROM unnest($1::text[]) r "
			   "WHERE r NOT IN (SELECT rolname FROM pg_catalog.pg_roles)",
			   1, names);
	if (!missing)
		return err->status;
	if (!PQgetisnull(missing, 0, 0)) {
		st = err_set_code(err, STATUS_UNDEFINED, "42704", "%s lacks roles that %s has: %s",
				  to->who, from->who, PQgetvalue(missing, 0, 0));
		err_hint(
			err,
			"Create them there: pg_dumpall --roles-only on the one, psql on the other.");
	}
	PQclear(missing);
	return st;
}

static enum status copy_all(struct arena *a, const char *from_dsn, struct pq *from, struct pq *to,
			    struct err *err)
{
	static const char *const args[] = { "--schema-only",	       "--no-password",
					    "--no-publications",       "--no-subscriptions",
					    "--exclude-schema=mosaic", NULL };
	uint64_t n_from, n_to;
	char *sql;
	enum status st = check_roles(a, from, to, err);

	if (st != STATUS_OK)
		return st;
	if (pq_u64(from, err, &n_from, USER_OBJECTS, 0) ||
	    pq_u64(to, err, &n_to, USER_RELATIONS, 0))
		return err->status;
	if (n_to) {
		err_set_code(err, STATUS_INVALID, "55000",
			     "%s is not empty: a new shard gets its tables from %s", to->who,
			     from->who);
		err_hint(err, "Give it an empty database.");
		return err->status;
	}
	if (n_from == 0)
		return STATUS_OK;
	st = dump_run(a, from_dsn, args, &sql, err);
	return st == STATUS_OK ? apply_sql(to, sql, err) : st;
}

enum status shard_copy_schema(const char *from_dsn, const char *to_dsn, struct err *err)
{
	struct pq from = { .pg = NULL }, to = { .pg = NULL };
	struct arena a;
	enum status st = pq_open(&from, NULL, from_dsn, SHARD_CONNECT_TIMEOUT_S, err);

	arena_init(&a, 0);
	if (st == STATUS_OK)
		st = pq_open(&to, NULL, to_dsn, SHARD_CONNECT_TIMEOUT_S, err);
	if (st == STATUS_OK)
		st = copy_all(&a, from_dsn, &from, &to, err);
	pq_close(&to);
	pq_close(&from);
	arena_finish(&a);
	return st;
}
