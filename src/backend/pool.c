/* A pool of connections: who has which, who waits, when to dial, when to let go.
 *
 * Happy path: pool_take() pops an idle connection; conn_release() brings it back to the
 * front of the idle list (the warmest is used first, so that the rest can age out).
 * Waiting: pool_wait() appends to `waiting` and dials when the size allows; whatever
 * makes a connection idle calls pool_advance(), which serves the oldest waiter.
 * Failure modes:
 * - the dial fails and nothing of the pool lives: every waiter gets the error at once;
 *   with live connections they go on waiting for those. Dialing rests RETRY_MS.
 * - a waiter's time runs out: the tick answers 53300.
 * - the server closes an idle connection: it leaves the pool without a word. */
#include "pgmosaic/backend/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/base/hash.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/base/metrics.h"

#define TICK_MS	       100
#define RETRY_MS       500
#define RESERVE_MS     1000
#define MAX_DIALING    4
#define SETTINGS_LOOKS 4 /* idle connections looked at for one with the same settings */

static void on_tick(void *owner);

void pools_init(struct pools *ps, struct loop *l, const struct pool_limits *limits,
		struct metrics *metrics)
{
	*ps = (struct pools){ .loop = l, .limits = *limits, .metrics = metrics };
	list_init(&ps->all);
	table_init(&ps->by_key);
	logins_init(&ps->logins);
	ps->scratch = mem_alloc(POOL_SCRATCH_BYTES);
	timer_init(&ps->tick, l, on_tick, ps);
	timer_start(&ps->tick, TICK_MS, TICK_MS);
}

/* ---- pools by shard and user ---- */

struct pool_key {
	uint32_t shard_id;
	const char *user, *dsn;
};

static bool key_matches(const void *value, const void *key)
{
	const struct pool *p = value;
	const struct pool_key *k = key;

	return p->shard_id == k->shard_id && strcmp(p->user, k->user) == 0 && !p->is_retired;
}

static uint64_t key_hash(uint32_t shard_id, const char *user)
{
	return hash_bytes(user, strlen(user), shard_id);
}

static struct pool *pool_create(struct pools *ps, const struct pool_key *k, uint16_t shard,
				const char *shard_name)
{
	struct pool *p = mem_zero(1, sizeof(*p));

	p->pools = ps;
	p->shard = shard;
	p->shard_id = k->shard_id;
	p->oids = oids_of(ps->oids, k->shard_id);
	snprintf(p->user, sizeof(p->user), "%s", k->user);
	snprintf(p->shard_name, sizeof(p->shard_name), "%s", shard_name);
	p->dsn = mem_strdup(k->dsn);
	list_init(&p->idle);
	list_init(&p->leased);
	list_init(&p->cleaning);
	list_init(&p->waiting);
	list_init(&p->cancels);
	list_push_back(&ps->all, &p->node);
	table_put(&ps->by_key, key_hash(k->shard_id, k->user), p);
	return p;
}

static void pool_close_idle(struct pool *p)
{
	while (!list_is_empty(&p->idle))
		conn_begin_close(list_entry(p->idle.next, struct conn, node));
}

void pools_renew(struct pools *ps)
{
	struct list *node;

	ps->generation++;
	list_for_each(node, &ps->all) pool_close_idle(list_entry(node, struct pool, node));
}

static void pool_retire(struct pool *p)
{
	p->is_retired = true;
	table_remove(&p->pools->by_key, key_hash(p->shard_id, p->user), p);
	pool_close_idle(p);
}

struct pool *pools_get(struct pools *ps, uint32_t shard_id, uint16_t shard, const char *shard_name,
		       const char *dsn, const char *user)
{
	struct pool_key k = { shard_id, user, dsn };
	struct pool *p = table_find(&ps->by_key, key_hash(shard_id, user), key_matches, &k);

	if (p && strcmp(p->dsn, dsn) != 0) {
		pool_retire(p);
		p = NULL;
	}
	if (!p)
		p = pool_create(ps, &k, shard, shard_name);
	p->shard = shard; /* the index may change with the map, the id does not */
	return p;
}

void pools_set_oids(struct pools *ps, struct oids *oids)
{
	oids_drop(ps->oids);
	ps->oids = oids_hold(oids);
	for (struct list *node = ps->all.next; node != &ps->all; node = node->next) {
		struct pool *p = list_entry(node, struct pool, node);

		p->oids = oids_of(oids, p->shard_id);
	}
}

void pools_put_login(struct pools *ps, const char *user, const struct login *login)
{
	struct list *node;

	if (!logins_put(&ps->logins, user, login))
		return;
	list_for_each(node, &ps->all)
	{
		struct pool *p = list_entry(node, struct pool, node);

		if (strcmp(p->user, user) != 0)
			continue;
		p->retry_at_ms = 0;
		p->last_error.status = STATUS_OK;
	}
}

/* ---- the one mutator of a connection's state ---- */

const char *conn_state_name(enum conn_state state)
{
	static const char *const names[] = { "dialing", "idle", "leased", "cleaning", "closing" };

	return names[state];
}

static unsigned *counter_of(struct pool *p, enum conn_state state)
{
	switch (state) {
	case CONN_DIALING: return &p->n_dialing;
	case CONN_IDLE: return &p->n_idle;
	case CONN_LEASED: return &p->n_leased;
	case CONN_CLEANING: return &p->n_cleaning;
	case CONN_CLOSING: return &p->n_closing;
	}
	UNREACHABLE("connection state");
}

static bool may_move(enum conn_state from, enum conn_state to)
{
	static const unsigned allowed[] = {
		[CONN_DIALING] = 1u << CONN_IDLE | 1u << CONN_CLOSING,
		[CONN_IDLE] = 1u << CONN_LEASED | 1u << CONN_CLOSING,
		[CONN_LEASED] = 1u << CONN_IDLE | 1u << CONN_CLEANING | 1u << CONN_CLOSING,
		[CONN_CLEANING] = 1u << CONN_IDLE | 1u << CONN_CLOSING,
		[CONN_CLOSING] = 0,
	};

	return allowed[from] & 1u << to;
}

void conn_move(struct conn *c, enum conn_state next)
{
	struct pool *p = c->pool;

	INVARIANT(may_move(c->state, next));
	--*counter_of(p, c->state);
	++*counter_of(p, next);
	c->state = next;
	list_remove(&c->node);
	if (next == CONN_IDLE) {
		INVARIANT(c->n_pending == 0 && c->tx_status == 'I');
		list_push_front(&p->idle, &c->node);
		pool_advance(p);
	} else if (next == CONN_LEASED) {
		c->leased_ms = loop_now_ms(p->pools->loop);
		list_push_back(&p->leased, &c->node);
	} else if (next == CONN_CLEANING) {
		list_push_back(&p->cleaning, &c->node);
	}
}

/* ---- taking and waiting ---- */

static unsigned pool_live(const struct pool *p)
{
	return p->n_idle + p->n_leased + p->n_cleaning + p->n_dialing;
}

bool pool_has_room(const struct pool *p)
{
	bool is_reachable = p->last_error.status == STATUS_OK;

	return p->n_waiting == 0 &&
	       (p->n_idle > 0 || (is_reachable && pool_live(p) < p->pools->limits.size));
}

static struct conn *pool_pick(struct pool *p, uint64_t settings_hash)
{
	struct list *node = p->idle.next;

	if (list_is_empty(&p->idle))
		return NULL;
	for (int i = 0; i < SETTINGS_LOOKS && node != &p->idle; i++, node = node->next) {
		struct conn *c = list_entry(node, struct conn, node);

		if (c->settings_hash == settings_hash)
			return c;
	}
	return list_entry(p->idle.next, struct conn, node);
}

struct conn *pool_take(struct pool *p, uint64_t settings_hash)
{
	struct conn *c;

	if (p->n_waiting) /* first come, first served */
		return NULL;
	c = pool_pick(p, settings_hash);
	if (!c)
		return NULL;
	conn_move(c, CONN_LEASED);
	metrics_add(p->pools->metrics, METRIC_SERVER_ASSIGNMENTS, 1);
	return c;
}

static void lease_end(struct pool *p, struct lease *lease, struct conn *c, const struct err *err)
{
	uint64_t us = (loop_now_ms(p->pools->loop) - lease->since_ms) * 1000;

	list_remove(&lease->node);
	lease->is_queued = false;
	p->n_waiting--;
	metrics_sub(p->pools->metrics, METRIC_POOL_WAITING, 1);
	metrics_add(p->pools->metrics, METRIC_POOL_WAIT_US, us);
	metrics_observe(p->pools->metrics, HIST_POOL_WAIT, us);
	lease->on_lease(lease, c, err);
}

static struct lease *oldest_lease(struct pool *p)
{
	return list_is_empty(&p->waiting) ? NULL : list_entry(p->waiting.next, struct lease, node);
}

static unsigned pool_ceiling(struct pool *p)
{
	struct lease *oldest = oldest_lease(p);
	bool is_slow = oldest && loop_now_ms(p->pools->loop) - oldest->since_ms >= RESERVE_MS;

	return p->pools->limits.size + (is_slow ? p->pools->limits.reserve : 0);
}

static void pool_dial_wanted(struct pool *p)
{
	while (p->n_waiting > p->n_dialing && p->n_dialing < MAX_DIALING &&
	       pool_live(p) < pool_ceiling(p) && !p->pools->closing &&
	       loop_now_ms(p->pools->loop) >= p->retry_at_ms)
		pool_dial(p);
}

void pool_advance(struct pool *p)
{
	while (p->n_waiting && p->n_idle) {
		struct lease *lease = oldest_lease(p);
		struct conn *c = pool_pick(p, lease->settings_hash);

		conn_move(c, CONN_LEASED);
		metrics_add(p->pools->metrics, METRIC_SERVER_ASSIGNMENTS, 1);
		lease_end(p, lease, c, NULL);
	}
	pool_dial_wanted(p);
}

static void fail_waiting(struct pool *p, const struct err *err)
{
	struct err copy = *err;
	struct lease *lease;

	while ((lease = oldest_lease(p)))
		lease_end(p, lease, NULL, &copy);
}

void pool_wait(struct pool *p, struct lease *lease)
{
	lease->since_ms = loop_now_ms(p->pools->loop);
	lease->is_queued = true;
	list_push_back(&p->waiting, &lease->node);
	p->n_waiting++;
	metrics_add(p->pools->metrics, METRIC_POOL_WAITS, 1);
	metrics_add(p->pools->metrics, METRIC_POOL_WAITING, 1);
	pool_dial_wanted(p); /* a server that cannot be reached is told by the next tick */
}

void pool_wait_cancel(struct pool *p, struct lease *lease)
{
	struct err err = ERR_INIT;

	if (!lease->is_queued)
		return;
	err_set(&err, STATUS_CANCELED, "canceling statement due to user request");
	lease_end(p, lease, NULL, &err);
}

/* ---- who we are ---- */

static struct conn *find_former(struct list *conns, uint64_t incarnation)
{
	struct list *node;

	list_for_each(node, conns)
	{
		struct conn *c = list_entry(node, struct conn, node);

		if (c->incarnation != incarnation)
			return c;
	}
	return NULL;
}

/* Whoever loses one may take another at once, so each look begins anew. */
static void close_former(struct pool *p, uint64_t incarnation)
{
	struct conn *c;

	while ((c = find_former(&p->idle, incarnation)) ||
	       (c = find_former(&p->cleaning, incarnation)) ||
	       (c = find_former(&p->leased, incarnation)))
		conn_lost(c);
}

void pools_identify(struct pools *ps, const struct pools_identity *identity)
{
	struct list *node, *tmp;

	ps->identity = *identity;
	list_for_each_safe(node, tmp, &ps->all)
		close_former(list_entry(node, struct pool, node), identity->incarnation);
}

/* ---- outcomes of dials ---- */

void pool_on_dialed(struct pool *p, struct conn *c)
{
	p->last_error.status = STATUS_OK;
	metrics_add(p->pools->metrics, METRIC_SERVERS_OPENED, 1);
	metrics_add(p->pools->metrics, METRIC_SERVERS, 1);
	log_event(LOG_DEBUG, "server connection opened", LOG_STR("shard", p->shard_name),
		  LOG_STR("user", p->user), LOG_U64("server_pid", c->server_pid));
	if (p->is_retired || p->pools->closing || c->incarnation != p->pools->identity.incarnation)
		conn_begin_close(c);
	else if (p->n_waiting && c->generation == p->pools->generation)
		conn_move(c, CONN_IDLE); /* for a transaction that began before a pause */
	else
		conn_rest(c);
}

static void pools_note_gone(struct pools *ps)
{
	ps->n_conns--;
	if (ps->closing && ps->n_conns == 0 && ps->on_gone)
		ps->on_gone(ps->owner);
}

void pool_on_dial_failed(struct pool *p, const struct err *err)
{
	metrics_add(p->pools->metrics, METRIC_SERVERS_FAILED, 1);
	p->n_dialing--;
	p->last_error = *err;
	p->retry_at_ms = loop_now_ms(p->pools->loop) + RETRY_MS;
	log_error(LOG_WARNING, "cannot open a server connection", err);
	if (pool_live(p) == 0)
		fail_waiting(p, err);
	pools_note_gone(p->pools);
}

static void pool_free(struct pool *p)
{
	list_remove(&p->node);
	free(p->dsn);
	free(p);
}

void pool_on_conn_gone(struct conn *c)
{
	struct pool *p = c->pool;
	struct pools *ps = p->pools;

	metrics_add(ps->metrics, METRIC_SERVERS_CLOSED, 1);
	metrics_sub(ps->metrics, METRIC_SERVERS, 1);
	p->n_closing--;
	conn_free(c);
	if (!ps->closing)
		pool_advance(p);
	pools_note_gone(ps);
}

/* ---- the tick: what time alone changes ---- */

static void expire_waiting(struct pool *p, uint64_t now)
{
	uint64_t limit = p->pools->limits.queue_timeout_ms;
	struct lease *lease;
	struct err err = ERR_INIT;

	while (limit && (lease = oldest_lease(p)) && now - lease->since_ms >= limit) {
		err_set(&err, STATUS_POOL_FULL,
			"no connection to shard %s became free within %u ms (pool of user %s: %u in use)",
			p->shard_name, (unsigned)limit, p->user, p->n_leased);
		metrics_add(p->pools->metrics, METRIC_POOL_TIMEOUTS, 1);
		err_hint(&err, "Raise pool.size or timeouts.queue, or end idle transactions "
			       "(SHOW CLIENTS on the control port).");
		if (p->last_error.status != STATUS_OK)
			err_detail(&err, "%s", p->last_error.message);
		lease_end(p, lease, NULL, &err);
	}
}

static void fail_unreachable(struct pool *p, uint64_t now)
{
	if (p->n_waiting && pool_live(p) == 0 && now < p->retry_at_ms &&
	    p->last_error.status != STATUS_OK)
		fail_waiting(p, &p->last_error);
}

static void close_aged(struct pool *p, uint64_t now)
{
	const struct pool_limits *limits = &p->pools->limits;
	struct list *node, *tmp;

	list_for_each_safe(node, tmp, &p->idle)
	{
		struct conn *c = list_entry(node, struct conn, node);
		bool old = limits->max_lifetime_ms && now - c->opened_ms >= limits->max_lifetime_ms;
		bool unused = limits->idle_timeout_ms && p->n_idle > limits->min_size &&
			      now - c->used_ms >= limits->idle_timeout_ms;

		if (old || unused)
			conn_begin_close(c);
	}
}

static void on_tick(void *owner)
{
	struct pools *ps = owner;
	uint64_t now = loop_now_ms(ps->loop);
	struct list *node, *tmp;

	list_for_each_safe(node, tmp, &ps->all)
	{
		struct pool *p = list_entry(node, struct pool, node);

		expire_waiting(p, now);
		fail_unreachable(p, now);
		close_aged(p, now);
		pool_dial_wanted(p);
		if (p->is_retired && pool_live(p) + p->n_closing + p->n_waiting == 0)
			pool_free(p);
	}
}

void pools_close(struct pools *ps, void (*on_gone)(void *owner), void *owner)
{
	struct list *node;

	ps->closing = true;
	ps->on_gone = on_gone;
	ps->owner = owner;
	timer_close(&ps->tick, NULL);
	list_for_each(node, &ps->all)
	{
		struct pool *p = list_entry(node, struct pool, node);
		struct err err = ERR_INIT;

		err_set(&err, STATUS_SHUTDOWN, "the proxy is shutting down");
		fail_waiting(p, &err);
		pool_close_idle(p);
		while (!list_is_empty(&p->leased))
			conn_begin_close(list_entry(p->leased.next, struct conn, node));
		while (!list_is_empty(&p->cleaning))
			conn_begin_close(list_entry(p->cleaning.next, struct conn, node));
	}
	if (ps->n_conns == 0 && on_gone)
		on_gone(owner);
}

void pools_finish(struct pools *ps)
{
	while (!list_is_empty(&ps->all))
		pool_free(list_entry(ps->all.next, struct pool, node));
	table_finish(&ps->by_key);
	logins_finish(&ps->logins);
	free(ps->scratch);
	oids_drop(ps->oids);
}
