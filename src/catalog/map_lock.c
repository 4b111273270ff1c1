#include "map_lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pgmosaic/base/clock.h"
#include "pgmosaic/base/log.h"
#include "proxy_internal.h"

#define LOCK_KEY "5431768219070144"
#define WAIT_MS	 10000
#define POLL_MS	 100

struct holder {
	char pid[16], what[64];
	uint64_t incarnation;
};

/* application_name is "pgmosaic <incarnation> <what>": nobody but proxies logs in here. */
static enum status read_holder(struct map_lock *l, struct holder *h, struct err *err)
{
	PGresult *res =
		pq_query(&l->pq, err,
			 "SELECT a.pid, a.application_name FROM pg_catalog.pg_locks k JOIN "
			 "pg_catalog.pg_stat_activity a ON a.pid = k.pid WHERE k.locktype = "
			 "'advisory' AND k.granted AND k.objsubid = 1 AND (k.classid::bigint "
			 "<< 32 | k.objid::bigint) = " LOCK_KEY " AND k.database = (SELECT oid "
			 "FROM pg_catalog.pg_database WHERE datname = current_database())",
			 0);
	int at = 0;

	*h = (struct holder){ .incarnation = 0 };
	if (!res)
		return err->status;
	if (PQntuples(res)) {
		const char *name = PQgetvalue(res, 0, 1);
		unsigned long long incarnation = 0;

		snprintf(h->pid, sizeof(h->pid), "%s", PQgetvalue(res, 0, 0));
		if (sscanf(name, "pgmosaic %llu %n", &incarnation, &at) >= 1)
			snprintf(h->what, sizeof(h->what), "%s", name + at);
		h->incarnation = incarnation;
	}
	PQclear(res);
	return STATUS_OK;
}

static enum status end_dead_holder(struct map_lock *l, struct catalog *c, const struct holder *h,
				   struct err *err)
{
	bool evicted = false;
	enum status st = STATUS_OK;

	if (h->incarnation)
		st = proxy_evict_expired(c, h->incarnation, &evicted, err);
	if (st != STATUS_OK || !evicted)
		return st;
	log_event(LOG_WARNING, "the change of the shard map of an evicted proxy is ended",
		  LOG_STR("command", h->what), LOG_U64("incarnation", h->incarnation));
	return pq_run(&l->pq, err, NULL, "SELECT pg_catalog.pg_terminate_backend($1::int)", 1,
		      h->pid);
}

static enum status name_session(struct map_lock *l, struct catalog *c, const char *what,
				struct err *err)
{
	char name[64]; /* the server cuts it there, too */

	snprintf(name, sizeof(name), "pgmosaic %llu %s",
		 (unsigned long long)atomic_load(&c->incarnation), what);
	return pq_run(&l->pq, err, NULL,
		      "SELECT pg_catalog.set_config('application_name', $1, false)", 1, name);
}

static enum status refuse(const struct holder *h, struct err *err)
{
	err_set(err, STATUS_IN_USE, "another change of the shard map is under way: %s",
		*h->what ? h->what : "it has just begun");
	err_hint(err,
		 "Proxy incarnation %llu runs it; SHOW PROXIES; tells which that is. Try again "
		 "when it has ended.",
		 (unsigned long long)h->incarnation);
	return err->status;
}

static enum status wait_for_lock(struct map_lock *l, struct catalog *c, struct err *err)
{
	uint64_t deadline = clock_us() + WAIT_MS * 1000ull, got;
	struct timespec nap = { .tv_nsec = POLL_MS * 1000000L };
	struct holder h;

	for (;;) {
		if (pq_u64(&l->pq, err, &got,
			   "SELECT pg_catalog.pg_try_advisory_lock(" LOCK_KEY ")::int", 0))
			return err->status;
		if (got)
			return STATUS_OK;
		if (read_holder(l, &h, err) || end_dead_holder(l, c, &h, err))
			return err->status;
		if (clock_us() >= deadline)
			return refuse(&h, err);
		nanosleep(&nap, NULL);
	}
}

enum status map_lock_take(struct map_lock *l, struct catalog *c, const char *what, struct err *err)
{
	enum status st;

	*l = (struct map_lock){ .pq = { .limit_ms = STORE_STATEMENT_MS } };
	st = pq_open(&l->pq, "the catalog", c->dsn, c->connect_timeout_s, err);
	if (st == STATUS_OK)
		st = name_session(l, c, what, err);
	if (st == STATUS_OK)
		st = wait_for_lock(l, c, err);
	if (st != STATUS_OK)
		map_lock_give(l);
	return st;
}

void map_lock_give(struct map_lock *l)
{
	pq_close(&l->pq);
}
