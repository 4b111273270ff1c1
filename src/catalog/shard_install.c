/* Schema mosaic on a shard. */
#include "pgmosaic/catalog/pq.h"
#include "pgmosaic/catalog/shard.h"
#include "proxy_internal.h"
#include "shard_internal.h"

#define SHARD_VERSION "1"

/* Clients own no right on the tables: rows are written by SECURITY DEFINER functions that
 * stamp session_user, so that nobody can forge another's decision. `owner` must equal
 * pg_prepared_xacts.owner. log_commit() first takes the fence, which readers of a shared
 * snapshot hold in SHARE mode to stop decisions for a moment. */
static const char tables_sql[] =
	"CREATE SCHEMA IF NOT EXISTS mosaic;"
	"CREATE TABLE IF NOT EXISTS mosaic.shard_version (version integer PRIMARY KEY);"
	"CREATE TABLE IF NOT EXISTS mosaic.commit_log ("
	" gid text NOT NULL, owner name NOT NULL,"
	" xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),"
	" shards integer[] NOT NULL DEFAULT '{}',"
	" decision text NOT NULL CHECK (decision IN ('commit', 'abort', 'part')),"
	" at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),"
	" PRIMARY KEY (gid, owner));"
	"CREATE TABLE IF NOT EXISTS mosaic.fence (nothing integer);"
	"REVOKE ALL ON SCHEMA mosaic FROM PUBLIC;"
	"REVOKE ALL ON ALL TABLES IN SCHEMA mosaic FROM PUBLIC;"
	"GRANT USAGE ON SCHEMA mosaic TO PUBLIC;";

static const char functions_sql[] =
	"CREATE OR REPLACE FUNCTION mosaic.log_part(gid text, shards integer[]) RETURNS void "
	"LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS "
	"$$INSERT INTO mosaic.commit_log (gid, owner, shards, decision) "
	"VALUES (gid, session_user, shards, 'part')$$;"
	"CREATE OR REPLACE FUNCTION mosaic.log_commit(gid text, shards integer[]) RETURNS void "
	"LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$"
	"BEGIN "
	"LOCK TABLE mosaic.fence IN ROW EXCLUSIVE MODE; "
	"INSERT INTO mosaic.commit_log (gid, owner, shards, decision) "
	"VALUES (log_commit.gid, session_user, log_commit.shards, 'commit'); "
	"END$$;"
	"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA mosaic FROM PUBLIC;"
	"GRANT EXECUTE ON FUNCTION mosaic.log_part(text, integer[]), "
	"mosaic.log_commit(text, integer[]) TO PUBLIC;"
	"INSERT INTO mosaic.shard_version VALUES (" SHARD_VERSION ") ON CONFLICT DO NOTHING;";

static enum status is_installed(struct pq *pq, bool *installed, struct err *err)
{
	uint64_t n;
	enum status st = pq_u64(pq, err, &n,
				"SELECT count(pg_catalog.to_regclass('mosaic.shard_version'))", 0);

	*installed = false;
	if (st != STATUS_OK || n == 0)
		return st;
	st = pq_u64(pq, err, &n,
		    "SELECT count(*) FROM mosaic.shard_version WHERE version >= " SHARD_VERSION, 0);
	*installed = st == STATUS_OK && n > 0;
	return st;
}

static enum status install_locked(struct pq *pq, struct err *err)
{
	bool installed;
	enum status st = pq_exec(pq,
				 "BEGIN ISOLATION LEVEL READ COMMITTED;"
				 "SET LOCAL synchronous_commit = on;"
				 "SELECT pg_catalog.pg_advisory_xact_lock(5431768219070142)",
				 err);

	if (st == STATUS_OK)
		st = is_installed(pq, &installed, err);
	if (st != STATUS_OK || installed)
		return st;
	st = pq_exec(pq, tables_sql, err);
	if (st == STATUS_OK)
		st = pq_exec(pq, functions_sql, err);
	return st == STATUS_OK ? pq_exec(pq, "COMMIT", err) : st;
}

enum status shard_install(const char *dsn, struct err *err)
{
	struct pq pq = { .pg = NULL };
	bool installed;
	enum status st = pq_open(&pq, NULL, dsn, SHARD_CONNECT_TIMEOUT_S, err);

	if (st != STATUS_OK)
		return st;
	st = is_installed(&pq, &installed, err);
	if (st == STATUS_OK && !installed)
		st = install_locked(&pq, err);
	if (st == STATUS_OK)
		st = proxy_install(&pq, err);
	pq_close(&pq);
	return st;
}
