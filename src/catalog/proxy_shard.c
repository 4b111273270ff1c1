/* Proxies on a shard: schema, joining, eviction.
 *
 * Eviction, happy path: the incarnation's row is set to evicted and committed, which waits for a
 * hello in flight (it holds the row FOR SHARE); from then on hello refuses it. Then the sessions
 * it has recorded are read afresh and terminated until none is left.
 * Failure modes:
 * - the row is not there (the proxy never reached this shard): it is made, evicted.
 * - a session does not end in time: the call fails; the row stays, and calling again goes on.
 * - the server crashed: `sessions` is unlogged and empty then, and so are the sessions. */
#include <stdio.h>
#include <time.h>

#include "pgmosaic/base/clock.h"
#include "pgmosaic/catalog/pq.h"
#include "pgmosaic/catalog/shard.h"
#include "proxy_internal.h"
#include "shard_internal.h"

#define TERMINATE_MS 10000
#define LIMIT_MS     15000

static const char tables_sql[] =
	"CREATE TABLE IF NOT EXISTS mosaic.proxies ("
	" cluster text NOT NULL, incarnation bigint NOT NULL,"
	" is_evicted boolean NOT NULL DEFAULT false,"
	" at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),"
	" PRIMARY KEY (cluster, incarnation));"
	"CREATE TABLE IF NOT EXISTS mosaic.epochs ("
	" cluster text PRIMARY KEY, least bigint NOT NULL);"
	"CREATE UNLOGGED TABLE IF NOT EXISTS mosaic.sessions ("
	" pid integer NOT NULL, backend_start timestamptz NOT NULL,"
	" cluster text NOT NULL, incarnation bigint NOT NULL,"
	" PRIMARY KEY (pid, backend_start));"
	"REVOKE ALL ON mosaic.proxies, mosaic.epochs, mosaic.sessions FROM PUBLIC;";

/* The first hello of a back end counts, and is the proxy's: a client cannot take itself off the
 * list. Only incarnations that a superuser has entered are welcome. */
static const char hello_sql[] =
	"CREATE OR REPLACE FUNCTION mosaic.hello(cluster text, incarnation bigint, epoch bigint) "
	"RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER "
	"SET search_path = pg_catalog, pg_temp AS $$"
	"DECLARE gone boolean; oldest bigint; "
	"BEGIN "
	"SELECT p.is_evicted INTO gone FROM mosaic.proxies p WHERE p.cluster = hello.cluster "
	"AND p.incarnation = hello.incarnation FOR SHARE; "
	"IF gone IS NULL THEN "
	"RAISE EXCEPTION 'the shard does not know this proxy (incarnation %) yet', incarnation "
	"USING ERRCODE = '57P03', HINT = 'The proxy makes itself known there; try again.'; "
	"ELSIF gone THEN "
	"RAISE EXCEPTION 'this proxy (incarnation %) was evicted: it has missed a change of the shard "
	"map', incarnation "
	"USING ERRCODE = '57P03', HINT = 'It comes back by itself once it reaches the catalog.'; "
	"END IF; "
	"SELECT e.least INTO oldest FROM mosaic.epochs e WHERE e.cluster = hello.cluster; "
	"IF oldest > epoch THEN "
	"RAISE EXCEPTION 'the proxy''s shard map (epoch %) is older than one that is agreed upon "
	"(epoch %)', epoch, oldest "
	"USING ERRCODE = '57P03', HINT = 'Try again. If it stays so, the catalog was restored from "
	"a backup older than the shards.'; "
	"END IF; "
	"INSERT INTO mosaic.sessions SELECT a.pid, a.backend_start, hello.cluster, "
	"hello.incarnation FROM pg_stat_get_activity(pg_backend_pid()) a; "
	"END$$;"
	"REVOKE ALL ON FUNCTION mosaic.hello(text, bigint, bigint) FROM PUBLIC;"
	"GRANT EXECUTE ON FUNCTION mosaic.hello(text, bigint, bigint) TO PUBLIC;";

enum status proxy_install(struct pq *pq, struct err *err)
{
	uint64_t n;
	enum status st = pq_u64(pq, err, &n,
				"SELECT count(*) FROM pg_catalog.to_regprocedure("
				"'mosaic.hello(text, bigint, bigint)') p WHERE "
				"pg_catalog.has_function_privilege('public', p, 'EXECUTE')",
				0);

	if (st != STATUS_OK || n)
		return st;
	st = pq_exec(pq,
		     "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
		     "SET LOCAL synchronous_commit = on;"
		     "SELECT pg_catalog.pg_advisory_xact_lock(5431768219070142)",
		     err);
	if (st == STATUS_OK)
		st = pq_exec(pq, tables_sql, err);
	if (st == STATUS_OK)
		st = pq_exec(pq, hello_sql, err);
	return st == STATUS_OK ? pq_exec(pq, "COMMIT", err) : st;
}

/* ---- joining ---- */

static void number(char *out, size_t size, uint64_t value)
{
	snprintf(out, size, "%llu", (unsigned long long)value);
}

static enum status open_shard(struct pq *pq, const char *dsn, struct err *err)
{
	*pq = (struct pq){ .limit_ms = LIMIT_MS };
	return pq_open(pq, NULL, dsn, SHARD_CONNECT_TIMEOUT_S, err);
}

/* Rows of the departed, with nobody left of them: an unknown incarnation is refused as well. */
static enum status forget_departed(struct pq *pq, struct err *err)
{
	enum status st = pq_exec(pq,
				 "DELETE FROM mosaic.sessions s WHERE NOT EXISTS (SELECT FROM "
				 "pg_catalog.pg_stat_get_activity(NULL) a WHERE a.pid = s.pid AND "
				 "a.backend_start = s.backend_start)",
				 err);

	if (st != STATUS_OK)
		return st;
	return pq_exec(pq,
		       "DELETE FROM mosaic.proxies p WHERE is_evicted AND "
		       "at < pg_catalog.clock_timestamp() - interval '7 days' AND NOT EXISTS ("
		       "SELECT FROM mosaic.sessions s WHERE s.cluster = p.cluster AND "
		       "s.incarnation = p.incarnation)",
		       err);
}

enum status proxy_join_shard(const char *dsn, const char *cluster, uint64_t incarnation,
			     struct err *err)
{
	struct pq pq;
	char id[24];
	enum status st = shard_install(dsn, err);

	if (st != STATUS_OK)
		return st;
	number(id, sizeof(id), incarnation);
	st = open_shard(&pq, dsn, err);
	if (st == STATUS_OK)
		st = pq_run(&pq, err, NULL,
			    "INSERT INTO mosaic.proxies (cluster, incarnation) VALUES ($1, "
			    "$2::bigint) ON CONFLICT DO NOTHING",
			    2, cluster, id);
	if (st == STATUS_OK)
		st = forget_departed(&pq, err);
	pq_close(&pq);
	return st;
}

/* ---- eviction ---- */

static enum status mark_evicted(struct pq *pq, const char *cluster, const char *id, struct err *err)
{
	return pq_run(pq, err, NULL,
		      "INSERT INTO mosaic.proxies (cluster, incarnation, is_evicted) VALUES ($1, "
		      "$2::bigint, true) ON CONFLICT (cluster, incarnation) DO UPDATE SET "
		      "is_evicted = true, at = pg_catalog.clock_timestamp()",
		      2, cluster, id);
}

/* Each look is a statement of its own: a new snapshot, and a new list of back ends. */
static enum status terminate_sessions(struct pq *pq, const char *cluster, const char *id,
				      struct err *err)
{
	uint64_t deadline = clock_us() + TERMINATE_MS * 1000ull, n = 0;
	struct timespec nap = { .tv_nsec = 20 * 1000000L };

	for (;;) {
		enum status st =
			pq_u64(pq, err, &n,
			       "SELECT count(pg_catalog.pg_terminate_backend(a.pid)) FROM "
			       "mosaic.sessions s JOIN pg_catalog.pg_stat_get_activity(NULL) a ON "
			       "a.pid = s.pid AND a.backend_start = s.backend_start WHERE "
			       "s.cluster = $1 AND s.incarnation = $2::bigint",
			       2, cluster, id);

		if (st != STATUS_OK || n == 0)
			return st;
		if (clock_us() >= deadline)
			break;
		nanosleep(&nap, NULL);
	}
	err_set(err, STATUS_IN_USE, "%s: %llu sessions of proxy incarnation %s do not end", pq->who,
		(unsigned long long)n, id);
	err_hint(err, "Look at them in pg_stat_activity there, then run the statement again.");
	return err->status;
}

enum status proxy_evict_on_shard(const char *dsn, const char *cluster, uint64_t incarnation,
				 struct err *err)
{
	struct pq pq;
	char id[24];
	enum status st = open_shard(&pq, dsn, err);

	number(id, sizeof(id), incarnation);
	if (st == STATUS_OK)
		st = proxy_install(&pq, err);
	if (st == STATUS_OK)
		st = pq_exec(&pq, "SET synchronous_commit = on", err);
	if (st == STATUS_OK)
		st = mark_evicted(&pq, cluster, id, err);
	if (st == STATUS_OK)
		st = terminate_sessions(&pq, cluster, id, err);
	if (st == STATUS_OK)
		st = pq_run(&pq, err, NULL,
			    "DELETE FROM mosaic.sessions WHERE cluster = $1 AND incarnation = "
			    "$2::bigint",
			    2, cluster, id);
	pq_close(&pq);
	return st;
}

enum status proxy_raise_epoch(const char *dsn, const char *cluster, uint64_t epoch, struct err *err)
{
	struct pq pq;
	char text[24];
	enum status st = open_shard(&pq, dsn, err);

	number(text, sizeof(text), epoch);
	if (st == STATUS_OK)
		st = pq_run(&pq, err, NULL,
			    "INSERT INTO mosaic.epochs AS e VALUES ($1, $2::bigint) ON CONFLICT "
			    "(cluster) DO UPDATE SET least = greatest(e.least, excluded.least)",
			    2, cluster, text);
	pq_close(&pq);
	return st;
}
