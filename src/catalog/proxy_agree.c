/* Waiting until no proxy acts on an older map, and evicting those that cannot say so.
 *
 * Happy path: every row of mosaic.proxies reports the new epoch within a fraction of a second.
 * A row whose lease has run out by the catalog's clock: it is marked as evicted in the catalog
 * (which a renewal and this exclude each other about), then evicted on every shard, then marked
 * as gone. Only then does it count as agreed.
 * Failure modes:
 * - a live proxy runs a long statement planned under the old map: 55006 after a while.
 * - a shard cannot be reached: nobody knows whether the evicted proxy still has sessions there.
 *   The error says so; the row stays "evicting", and every later step tries again.
 * - we die in between: the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pgmosaic/base/clock.h"
#include "pgmosaic/base/log.h"
#include "proxy_internal.h"
#include "store_internal.h"

#define POLL_MS	 20
#define WAIT_MS	 20000
#define MAX_LATE 16

/* $1: the epoch to agree upon. Has it begun to use it everywhere, and ended all from before? */
#define LATE "($2::bigint = 0 AND acked_epoch < $1::bigint)"
/* $1 takes back $2 and what was built on it. Does it, or may it, still use one of those? */
#define LATE_UNDONE                                                                           \
	"($2::bigint > 0 AND (cardinality(epochs) IN (0, 16) OR epochs[cardinality(epochs)] " \
	"< $1::bigint OR EXISTS (SELECT FROM unnest(epochs) e WHERE e >= $2::bigint AND e < " \
	"$1::bigint)))"

static const char late_query[] =
	"SELECT incarnation, name, host, is_evicted OR expires_at < clock_timestamp(), "
	"extract(epoch FROM expires_at - clock_timestamp())::int "
	"FROM mosaic.proxies WHERE NOT is_gone AND (is_evicted OR " LATE " OR " LATE_UNDONE
	") ORDER BY incarnation LIMIT 16";

struct late {
	uint64_t incarnation;
	char name[64], host[64];
	bool is_expired;
	int lease_left_s;
};

struct step {
	struct catalog *c;
	uint64_t epoch, bad;
	const char *extra_dsn;
	struct late late[MAX_LATE];
	unsigned n_late;
};

static void number(char *out, size_t size, uint64_t value)
{
	snprintf(out, size, "%llu", (unsigned long long)value);
}

/* ---- evicting ---- */

struct shard_list {
	struct arena arena;
	const char *cluster;
	const char **names, **dsns;
	unsigned n;
};

/* Read after the catalog's row is marked: a proxy that joins a shard looks at its row after it has
 * read the map, so one of the two sees the other. */
static enum status read_shards(struct catalog *c, const char *extra_dsn, struct shard_list *list,
			       struct err *err)
{
	PGresult *res;
	enum status st = catalog_enter(c, err);
	int n;

	if (st != STATUS_OK)
		return st;
	res = pq_query(&c->pq, err,
		       "SELECT c.id, s.name, s.dsn FROM mosaic.cluster c LEFT JOIN mosaic.shards s "
		       "ON true ORDER BY s.id",
		       0);
	n = res ? PQntuples(res) : 0;
	list->names = arena_array(&list->arena, const char *, (size_t)n + 1);
	list->dsns = arena_array(&list->arena, const char *, (size_t)n + 1);
	for (int i = 0; i < n; i++) {
		list->cluster = arena_strdup(&list->arena, PQgetvalue(res, i, 0));
		if (PQgetisnull(res, i, 1))
			continue;
		list->names[list->n] = arena_strdup(&list->arena, PQgetvalue(res, i, 1));
		list->dsns[list->n++] = arena_strdup(&list->arena, PQgetvalue(res, i, 2));
	}
	if (extra_dsn) {
		list->names[list->n] = "(removed)";
		list->dsns[list->n++] = extra_dsn;
	}
	PQclear(res);
	catalog_leave(c);
	return res ? STATUS_OK : err->status;
}

static enum status evict_on_shards(struct catalog *c, uint64_t incarnation, const char *extra_dsn,
				   struct err *err)
{
	struct shard_list list = { .n = 0 };
	struct err why = ERR_INIT;
	enum status st;

	arena_init(&list.arena, 0);
	st = read_shards(c, extra_dsn, &list, err);
	for (unsigned i = 0; i < list.n && st == STATUS_OK; i++) {
		st = proxy_evict_on_shard(list.dsns[i], list.cluster, incarnation, &why);
		if (st == STATUS_OK)
			continue;
		err_set_code(err, st, why.code,
			     "proxy incarnation %llu cannot be evicted on shard %s: %s",
			     (unsigned long long)incarnation, list.names[i], why.message);
		err_hint(err, "It has missed a change and may still have sessions there. Bring the "
			      "shard back, or start that proxy again.");
	}
	arena_finish(&list.arena);
	return st;
}

static enum status set_gone(struct catalog *c, const char *id, struct err *err)
{
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	st = pq_run(&c->pq, err, NULL,
		    "UPDATE mosaic.proxies SET is_gone = true WHERE incarnation = $1::bigint", 1,
		    id);
	catalog_leave(c);
	return st;
}

static enum status mark(struct catalog *c, const char *id, bool *marked, struct err *err)
{
	uint64_t n = 0;
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	st = pq_run(&c->pq, err, &n,
		    "UPDATE mosaic.proxies SET is_evicted = true WHERE incarnation = $1::bigint "
		    "AND (is_evicted OR expires_at < clock_timestamp())",
		    1, id);
	*marked = n == 1;
	catalog_leave(c);
	return st;
}

static enum status evict(struct catalog *c, uint64_t incarnation, const char *extra_dsn,
			 bool *evicted, struct err *err)
{
	char id[24];
	enum status st;

	number(id, sizeof(id), incarnation);
	st = mark(c, id, evicted, err);
	if (st != STATUS_OK || !*evicted)
		return st; /* it has renewed its lease, or is forgotten */
	st = evict_on_shards(c, incarnation, extra_dsn, err);
	if (st == STATUS_OK)
		st = set_gone(c, id, err);
	if (st == STATUS_OK)
		log_event(LOG_WARNING, "a proxy was evicted: its lease had run out",
			  LOG_U64("incarnation", incarnation));
	return st;
}

enum status proxy_evict_expired(struct catalog *c, uint64_t incarnation, bool *evicted,
				struct err *err)
{
	bool done = false;
	enum status st = evict(c, incarnation, NULL, &done, err);

	if (evicted)
		*evicted = done && st == STATUS_OK;
	return st;
}

/* ---- agreeing ---- */

static enum status find_late(struct step *s, struct err *err)
{
	char epoch[24], bad[24];
	PGresult *res;
	enum status st = catalog_enter(s->c, err);

	if (st != STATUS_OK)
		return st;
	number(epoch, sizeof(epoch), s->epoch);
	number(bad, sizeof(bad), s->bad);
	res = pq_query(&s->c->pq, err, late_query, 2, epoch, bad);
	s->n_late = res ? (unsigned)PQntuples(res) : 0;
	for (unsigned i = 0; i < s->n_late; i++) {
		struct late *l = &s->late[i];

		l->incarnation = strtoull(PQgetvalue(res, (int)i, 0), NULL, 10);
		snprintf(l->name, sizeof(l->name), "%s", PQgetvalue(res, (int)i, 1));
		snprintf(l->host, sizeof(l->host), "%s", PQgetvalue(res, (int)i, 2));
		l->is_expired = PQgetvalue(res, (int)i, 3)[0] == 't';
		l->lease_left_s = atoi(PQgetvalue(res, (int)i, 4));
	}
	PQclear(res);
	catalog_leave(s->c);
	return res ? STATUS_OK : err->status;
}

static enum status evict_expired(struct step *s, struct err *err)
{
	enum status st = STATUS_OK;
	bool evicted;

	for (unsigned i = 0; i < s->n_late && st == STATUS_OK; i++)
		if (s->late[i].is_expired)
			st = evict(s->c, s->late[i].incarnation, s->extra_dsn, &evicted, err);
	return st;
}

static enum status too_late(const struct step *s, uint64_t waited_us, struct err *err)
{
	const struct late *l = &s->late[0];

	err_set(err, STATUS_IN_USE,
		"proxy \"%s\" on %s (incarnation %llu) has not taken over the new shard map within "
		"%llu s",
		l->name, l->host, (unsigned long long)l->incarnation,
		(unsigned long long)(waited_us / 1000000));
	err_hint(err,
		 "A statement that began under the old map still runs there, or the proxy cannot "
		 "reach the home shard. SHOW PROXIES; tells more. Try again later.");
	return err->status;
}

/* Longer than any lease that is still running: who has died in it can be evicted behind it. */
static uint64_t deadline_of(const struct step *s, uint64_t started)
{
	int left_s = 0;

	for (unsigned i = 0; i < s->n_late; i++)
		if (s->late[i].lease_left_s > left_s)
			left_s = s->late[i].lease_left_s;
	return started + WAIT_MS * 1000ull + (uint64_t)left_s * 1000000;
}

static enum status wait_for_all(struct step *s, struct err *err)
{
	uint64_t started = clock_us(), deadline = 0;
	struct timespec nap = { .tv_nsec = POLL_MS * 1000000L };

	for (;;) {
		enum status st = find_late(s, err);

		if (st != STATUS_OK || s->n_late == 0)
			return st;
		st = evict_expired(s, err);
		if (st != STATUS_OK)
			return st;
		if (!deadline)
			deadline = deadline_of(s, started);
		if (clock_us() >= deadline)
			return too_late(s, clock_us() - started, err);
		nanosleep(&nap, NULL);
	}
}

enum status proxy_agree(struct catalog *c, uint64_t epoch, const char *extra_dsn, struct err *err)
{
	struct step s = { .c = c, .epoch = epoch, .extra_dsn = extra_dsn };

	return wait_for_all(&s, err);
}

enum status proxy_agree_undone(struct catalog *c, uint64_t bad, uint64_t undone,
			       const char *extra_dsn, struct err *err)
{
	struct step s = { .c = c, .epoch = undone, .bad = bad, .extra_dsn = extra_dsn };

	return wait_for_all(&s, err);
}

/* Best effort: it only closes the door a second time. */
void proxy_refuse_older(struct catalog *c, uint64_t epoch)
{
	struct shard_list list = { .n = 0 };
	struct err err = ERR_INIT;

	arena_init(&list.arena, 0);
	if (read_shards(c, NULL, &list, &err) == STATUS_OK)
		for (unsigned i = 0; i < list.n; i++)
			proxy_raise_epoch(list.dsns[i], list.cluster, epoch, &err);
	arena_finish(&list.arena);
}
