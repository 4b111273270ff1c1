/* Ending prepared transactions.
 *
 * Happy path, for each prepared part older than the grace time: read its row in the decider's
 * commit log. 'commit': COMMIT PREPARED. No row: look whether any shard shows the part
 * committed; if none does, insert 'abort' and read again, as two statements. The unique index
 * makes the insert wait for a decider in flight, and makes the two outcomes exclude each other.
 * Failure modes:
 * - the decider cannot be asked, or is a standby: nothing is decided, the locks stay.
 * - the decider's transaction is in flight and does not end: the insert's lock_timeout; next
 *   pass.
 * - the decider has failed over once (its timeline is above 1): its log may have lost rows, so
 *   no abort before every shard has been asked for a committed part.
 * - a row with another owner than the prepared transaction's was not written by its session:
 *   such a row is never read.
 * - somebody else ends the part at the same time: 42704, which is fine. */
#include "pgmosaic/txn/recovery.h"

#include <stdio.h>
#include <string.h>

#include "pgmosaic/base/log.h"
#include "recovery_internal.h"

#define CONNECT_TIMEOUT_S 3
#define LOCK_SHARD	  "SELECT pg_catalog.pg_try_advisory_lock(5431768219070143)::int"
#define UNLOCK_SHARD	  "SELECT pg_catalog.pg_advisory_unlock(5431768219070143)"

/* A database's own defaults must not bend the protocol. */
static const char settings[] =
	"SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only = off;"
	"SET statement_timeout = 10000; SET lock_timeout = 2000; SET synchronous_commit = on;"
	"SET search_path = pg_catalog";

/* ---- connections ---- */

void recovery_init(struct recovery *r, const struct shard_map *map, struct recovery_report *report)
{
	*r = (struct recovery){ .map = map, .report = report };
	arena_init(&r->arena, 0);
}

void recovery_finish(struct recovery *r)
{
	for (uint16_t i = 0; i < r->map->n_shards; i++)
		pq_close(&r->conns[i]);
	arena_finish(&r->arena);
}

static enum status open_conn(struct recovery *r, uint16_t shard, struct pq *pq)
{
	const char *who = arena_printf(&r->arena, "shard %s", r->map->shards[shard].name);
	uint64_t in_recovery = 0;
	enum status st = pq_open(pq, who, r->map->shards[shard].dsn, CONNECT_TIMEOUT_S, &r->last);

	if (st == STATUS_OK)
		st = pq_exec(pq, settings, &r->last);
	if (st == STATUS_OK)
		st = pq_u64(pq, &r->last, &in_recovery,
			    "SELECT pg_catalog.pg_is_in_recovery()::int", 0);
	if (st == STATUS_OK && in_recovery)
		st = err_set(&r->last, STATUS_BACKEND, "%s: the server is a standby", who);
	return st;
}

struct pq *recovery_conn(struct recovery *r, uint16_t shard)
{
	struct pq *pq = &r->conns[shard];

	if (!r->tried[shard]) {
		r->tried[shard] = true;
		if (open_conn(r, shard, pq) != STATUS_OK)
			pq_close(pq);
		if (!pq->pg && r->report)
			r->report->n_unreachable++;
	}
	return pq_is_lost(pq) ? NULL : pq;
}

int recovery_shard(const struct shard_map *map, uint32_t id)
{
	for (int i = 0; i < map->n_shards; i++)
		if (map->shards[i].id == id)
			return i;
	return -1;
}

/* ---- the decision ---- */

enum recovery_decision recovery_read(struct pq *decider, const char *gid, const char *owner)
{
	struct err err = ERR_INIT;
	enum recovery_decision d = DECISION_NONE;
	PGresult *res = pq_query(decider, &err,
				 "SELECT decision FROM mosaic.commit_log "
				 "WHERE gid = $1 AND owner = $2 AND decision <> 'part'",
				 2, gid, owner);

	if (!res)
		return DECISION_UNKNOWN;
	if (PQntuples(res))
		d = strcmp(PQgetvalue(res, 0, 0), "commit") == 0 ? DECISION_COMMIT : DECISION_ABORT;
	PQclear(res);
	return d;
}

/* A part's own row can be seen only once the part is committed. COMMIT: one is. NONE: every
 * shard was asked. UNKNOWN: some shard could not be. */
static enum recovery_decision ask_participants(struct recovery *r, const char *gid,
					       const char *owner)
{
	enum recovery_decision d = DECISION_NONE;

	for (uint16_t i = 0; i < r->map->n_shards; i++) {
		struct pq *pq = recovery_conn(r, i);
		uint64_t n = 0;
		struct err err = ERR_INIT;

		if (!pq ||
		    pq_u64(pq, &err, &n,
			   "SELECT count(*) FROM mosaic.commit_log WHERE gid = $1 AND owner = $2 "
			   "AND decision IN ('part', 'commit')",
			   2, gid, owner) != STATUS_OK)
			d = DECISION_UNKNOWN;
		else if (n > 0)
			return DECISION_COMMIT;
	}
	return d;
}

static bool has_failed_over(struct pq *decider)
{
	struct err err = ERR_INIT;
	uint64_t first = 0;
	enum status st =
		pq_u64(decider, &err, &first,
		       "SELECT (substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) = "
		       "'00000001')::int",
		       0);

	return st != STATUS_OK || first == 0;
}

/* UNKNOWN: a decider in flight held us off for lock_timeout, or the server failed. */
static enum recovery_decision insert_abort(struct pq *decider, const char *gid, const char *owner)
{
	struct err err = ERR_INIT;

	if (pq_run(decider, &err, NULL,
		   "INSERT INTO mosaic.commit_log (gid, owner, decision) VALUES ($1, $2, 'abort') "
		   "ON CONFLICT DO NOTHING",
		   2, gid, owner) != STATUS_OK)
		return DECISION_UNKNOWN;
	return recovery_read(decider, gid, owner);
}

static enum recovery_decision decide(struct recovery *r, const struct gid *g, const char *gid,
				     const char *owner)
{
	int shard = recovery_shard(r->map, g->decider);
	struct pq *decider = shard < 0 ? NULL : recovery_conn(r, (uint16_t)shard);
	enum recovery_decision d, others;

	if (!decider)
		return DECISION_UNKNOWN;
	d = recovery_read(decider, gid, owner);
	if (d != DECISION_NONE)
		return d;
	others = ask_participants(r, gid, owner);
	if (others == DECISION_COMMIT)
		return DECISION_COMMIT;
	if (others == DECISION_UNKNOWN && has_failed_over(decider))
		return DECISION_UNKNOWN;
	return insert_abort(decider, gid, owner);
}

/* ---- one part, one shard ---- */

static void end_part(struct recovery *r, struct pq *pq, const char *gid, bool commit)
{
	struct err err = ERR_INIT;
	const char *sql = arena_printf(&r->arena, "%s PREPARED %s", commit ? "COMMIT" : "ROLLBACK",
				       pq_literal(&r->arena, gid));

	if (pq_exec(pq, sql, &err) == STATUS_OK) {
		*(commit ? &r->report->n_committed : &r->report->n_aborted) += 1;
		log_event(LOG_INFO,
			  commit ? "recovery committed a prepared transaction"
				 : "recovery rolled back a prepared transaction",
			  LOG_STR("server", pq->who), LOG_STR("gid", gid));
	} else if (strcmp(err.code, "42704") != 0) {
		r->report->n_waiting++;
		log_event(LOG_WARNING, "recovery could not end a prepared transaction",
			  LOG_STR("server", pq->who), LOG_STR("gid", gid),
			  LOG_STR("reason", err.message));
	}
}

static void note_owner(struct recovery_report *report, uint64_t incarnation)
{
	for (unsigned i = 0; i < report->n_waiting_for; i++)
		if (report->waiting_for[i] == incarnation)
			return;
	if (report->n_waiting_for < RECOVERY_MAX_OWNERS)
		report->waiting_for[report->n_waiting_for++] = incarnation;
}

static void recover_part(struct recovery *r, struct pq *pq, const char *gid, const char *owner)
{
	struct gid g;

	if (!gid_parse(gid, &g) || strcmp(g.cluster, r->map->cluster) != 0)
		return;
	switch (decide(r, &g, gid, owner)) {
	case DECISION_COMMIT: end_part(r, pq, gid, true); break;
	case DECISION_ABORT: end_part(r, pq, gid, false); break;
	case DECISION_NONE:
	case DECISION_UNKNOWN:
		r->report->n_waiting++;
		note_owner(r->report, g.incarnation);
		break;
	}
}

static void recover_parts(struct recovery *r, struct pq *pq, unsigned grace_ms)
{
	struct err err = ERR_INIT;
	const char *prefix = arena_printf(&r->arena, "mosaic:%s:", r->map->cluster);
	const char *grace = arena_printf(&r->arena, "%u ms", grace_ms);
	PGresult *res = pq_query(pq, &err,
				 "SELECT gid, owner FROM pg_catalog.pg_prepared_xacts "
				 "WHERE database = pg_catalog.current_database() "
				 "AND pg_catalog.starts_with(gid, $1) "
				 "AND prepared < pg_catalog.clock_timestamp() - $2::interval "
				 "ORDER BY prepared",
				 2, prefix, grace);

	for (int i = 0; res && i < PQntuples(res); i++)
		recover_part(r, pq, PQgetvalue(res, i, 0), PQgetvalue(res, i, 1));
	PQclear(res);
}

/* One proxy at a time on each shard; the others lose nothing by passing it over. */
static void recover_shard(struct recovery *r, uint16_t shard, unsigned grace_ms)
{
	struct pq *pq = recovery_conn(r, shard);
	struct err err = ERR_INIT;
	uint64_t locked = 0;

	if (!pq || pq_u64(pq, &err, &locked, LOCK_SHARD, 0) != STATUS_OK || !locked)
		return;
	recover_parts(r, pq, grace_ms);
	pq_exec(pq, UNLOCK_SHARD, &err);
}

enum status recovery_pass(const struct shard_map *map, unsigned grace_ms,
			  struct recovery_report *report, struct err *err)
{
	struct recovery r;
	enum status st = STATUS_OK;

	*report = (struct recovery_report){ 0 };
	recovery_init(&r, map, report);
	for (uint16_t i = 0; i < map->n_shards; i++)
		recover_shard(&r, i, grace_ms);
	if (map->n_shards && report->n_unreachable == map->n_shards) {
		*err = r.last;
		st = r.last.status;
	} else {
		recovery_clean(&r);
	}
	recovery_finish(&r);
	return st;
}
