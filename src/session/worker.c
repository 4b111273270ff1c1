#include "pgmosaic/session/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"

#define TICK_MS 200
#define TRIM_MS 1000

static void on_tick(void *owner);

static struct pool_limits limits_of(const struct config *cfg)
{
	return (struct pool_limits){ .size = cfg->pool.size,
				     .min_size = cfg->pool.min_size,
				     .reserve = cfg->pool.reserve,
				     .max_lifetime_ms = cfg->pool.max_lifetime_ms,
				     .idle_timeout_ms = cfg->pool.idle_timeout_ms,
				     .queue_timeout_ms = cfg->timeouts.queue_ms,
				     .connect_timeout_ms = cfg->timeouts.connect_ms,
				     .keepalive_idle_ms = cfg->tcp.keepalive_idle_ms,
				     .keepalive_interval_ms = cfg->tcp.keepalive_interval_ms,
				     .keepalive_count = cfg->tcp.keepalive_count,
				     .user_timeout_ms = cfg->tcp.user_timeout_ms,
				     .message_bytes =
					     (uint32_t)(cfg->limits.message_bytes < 1u << 30
								? cfg->limits.message_bytes
								: 1u << 30) };
}

struct worker *worker_create(unsigned index, const struct session_host *host,
			     struct metrics *metrics)
{
	struct worker *w = mem_zero(1, sizeof(*w));
	struct pool_limits limits = limits_of(host->book(host->ctx)->config);

	w->index = index;
	w->host = host;
	w->metrics = metrics;
	w->loop = loop_create();
	w->mailbox = mailbox_create(w->loop);
	w->scratch = mem_alloc(SESSION_SCRATCH_BYTES);
	list_init(&w->sessions);
	list_init(&w->reports);
	list_init(&w->turns);
	list_init(&w->listening);
	plans_init(&w->plans);
	statements_init(&w->statements);
	pools_init(&w->pools, w->loop, &limits, metrics);
	epochs_init(w);
	timer_init(&w->tick, w->loop, on_tick, w);
	timer_start(&w->tick, TICK_MS, TICK_MS);
	return w;
}

static void worker_main(void *arg)
{
	struct worker *w = arg;

	loop_thread_batch();
	loop_run(w->loop);
	fiber_release_stacks();
}

void worker_start(struct worker *w)
{
	loop_thread_start(&w->thread, worker_main, w);
}

unsigned worker_n_clients(const struct worker *w)
{
	return w->n_sessions;
}

unsigned worker_n_logins(const struct worker *w, bool is_control)
{
	return w->n_logins[is_control];
}

unsigned worker_n_control(const struct worker *w)
{
	return w->n_control;
}

unsigned worker_n_servers(const struct worker *w)
{
	return w->pools.n_conns;
}

/* ---- letters from other threads ---- */

struct adopt {
	struct worker *w;
	int fd;
	bool is_unix, is_control;
};

static void do_adopt(void *arg)
{
	struct adopt *a = arg;

	if (a->w->is_stopping) {
		a->w->n_logins[a->is_control]--;
		close(a->fd);
	} else {
		session_create(a->w, a->fd, a->is_unix, a->is_control);
	}
	free(a);
}

void worker_adopt(struct worker *w, int fd, bool is_unix, bool is_control)
{
	struct adopt *a = mem_alloc(sizeof(*a));

	*a = (struct adopt){ w, fd, is_unix, is_control };
	w->n_logins[is_control]++; /* until session_note_known() */
	mailbox_post(w->mailbox, do_adopt, a);
}

struct cancel {
	struct worker *w;
	uint32_t pid;
	size_t n_key;
	uint8_t key[256];
	void (*done)(void *arg);
	void *arg;
};

static void do_cancel(void *arg)
{
	struct cancel *c = arg;
	uint32_t slot = c->pid & 0x3fffffu;
	struct session *s = slot < c->w->n_slots ? c->w->slots[slot] : NULL;

	if (s && s->n_cancel_key && s->n_cancel_key == c->n_key &&
	    auth_equal(s->cancel_key, c->key, c->n_key))
		session_cancel(s);
	c->done(c->arg);
	free(c);
}

void worker_cancel(struct worker *w, uint32_t pid, const uint8_t *key, size_t n_key,
		   void (*done)(void *arg), void *arg)
{
	struct cancel *c = mem_zero(1, sizeof(*c));

	c->w = w;
	c->done = done;
	c->arg = arg;
	c->pid = pid;
	c->n_key = n_key < sizeof(c->key) ? n_key : sizeof(c->key);
	memcpy(c->key, key, c->n_key);
	mailbox_post(w->mailbox, do_cancel, c);
}

/* ---- worlds ---- */

struct world_letter {
	struct worker *w;
	struct world *world;
	uint64_t incarnation;
	void (*on_used)(void *);
	void *arg;
};

static void identify(struct worker *w, uint64_t incarnation)
{
	struct pools_identity me = { .incarnation = incarnation, .epoch = w->world->map->epoch };

	snprintf(me.cluster, sizeof(me.cluster), "%s",
		 w->world->map->cluster ? w->world->map->cluster : "");
	pools_identify(&w->pools, &me);
}

static void do_set_world(void *arg)
{
	struct world_letter *l = arg;
	struct worker *w = l->w;
	const struct config *cfg = w->host->book(w->host->ctx)->config;

	world_drop(w->world);
	w->world = l->world;
	pools_set_oids(&w->pools, w->world->oids);
	w->pools.limits = limits_of(cfg);
	plans_clear(&w->plans);
	plans_init(&w->plans);
	identify(w, l->incarnation);
	epochs_note(w);
	if (l->on_used)
		l->on_used(l->arg);
	free(l);
}

static void do_configure(void *arg)
{
	struct worker *w = arg;

	w->pools.limits = limits_of(w->host->book(w->host->ctx)->config);
}

void worker_configure(struct worker *w)
{
	mailbox_post(w->mailbox, do_configure, w);
}

void worker_set_world(struct worker *w, struct world *world, void (*on_used)(void *arg), void *arg)
{
	struct world_letter *l = mem_alloc(sizeof(*l));

	*l = (struct world_letter){ w, world, w->host->incarnation, on_used, arg };
	mailbox_post(w->mailbox, do_set_world, l);
}

/* ---- time ---- */

static void login_timed_out(struct session *s)
{
	struct err err = ERR_INIT;

	err_set_code(&err, STATUS_CANCELED, "57014", "the log-in took longer than timeouts.login");
	err_hint(&err, "Answer the server's requests sooner, or raise timeouts.login.");
	reply_fatal(s, &err);
}

static void idle_timed_out(struct session *s, const char *key, const char *code)
{
	struct err err = ERR_INIT;

	err_set_code(&err, STATUS_SHUTDOWN, code,
		     "terminating connection: idle longer than timeouts.%s", key);
	err_hint(&err, "Connect again. The limit is timeouts.%s in the proxy's configuration.",
		 key);
	reply_fatal(s, &err);
}

/* Within a transaction, or between the messages of a pipeline. */
static bool is_midway(const struct session *s)
{
	if (s->state != SESSION_RUNNING || !s->is_awaiting)
		return s->state == SESSION_READY && s->txn.status != 'I';
	for (unsigned i = 0; i < s->n_legs; i++)
		if (leg_is_busy(s->legs[i])) /* a COPY */
			return false;
	return true;
}

static void check_times(struct session *s, const struct config *cfg, uint64_t now)
{
	const struct config_timeouts *t = &cfg->timeouts;
	uint64_t idle = now - s->idle_since_ms;

	session_count_bytes(s);
	if (s->state == SESSION_STARTING && t->login_ms && now - s->connected_ms > t->login_ms)
		login_timed_out(s);
	else if (s->is_control)
		return;
	else if (is_midway(s) && t->idle_transaction_ms && idle > t->idle_transaction_ms)
		idle_timed_out(s, "idle_transaction", "25P03");
	else if (s->state == SESSION_READY && s->txn.status == 'I' && t->client_idle_ms &&
		 idle > t->client_idle_ms)
		idle_timed_out(s, "client_idle", "57P05");
	else if (!is_midway(s))
		cancel_tick(s, cfg, now);
	if (idle > TRIM_MS)
		session_trim(s);
}

/* What a client has sent already is answered before it goes. */
static void drain_idle(struct worker *w)
{
	struct list *node, *tmp;

	list_for_each_safe(node, tmp, &w->sessions)
	{
		struct session *s = list_entry(node, struct session, node);

		if (s->state == SESSION_READY && !s->is_control)
			session_read(s);
		if (s->state == SESSION_READY && !s->is_control)
			session_advance(s);
	}
}

static void on_tick(void *owner)
{
	struct worker *w = owner;
	const struct config *cfg = w->host->book(w->host->ctx)->config;
	uint64_t now = loop_now_ms(w->loop);
	struct list *node, *tmp;

	epochs_note(w);
	list_for_each_safe(node, tmp, &w->sessions)
		check_times(list_entry(node, struct session, node), cfg, now);
	if (w->is_draining)
		drain_idle(w);
}

/* ---- the end ---- */

static void on_pools_gone(void *owner)
{
	struct worker *w = owner;

	w->pools_closed = true;
	timer_close(&w->tick, NULL);
	epochs_close(w);
	mailbox_close(w->mailbox); /* the last handle: the loop ends */
}

static void close_pools_when_alone(void *owner)
{
	struct worker *w = owner;

	if (!list_is_empty(&w->sessions))
		return;
	timer_stop(&w->tick);
	pools_close(&w->pools, on_pools_gone, w);
}

static void do_stop(void *arg)
{
	struct worker *w = arg;
	struct list *node, *tmp;
	struct err err = ERR_INIT;

	w->is_stopping = true;
	err_set(&err, STATUS_SHUTDOWN, "terminating connection due to administrator command");
	list_for_each_safe(node, tmp, &w->sessions)
	{
		struct session *s = list_entry(node, struct session, node);

		if (s->state != SESSION_CLOSING)
			reply_fatal(s, &err);
	}
	/* Sessions end in later turns; look until the last one has gone. */
	w->tick.on_time = close_pools_when_alone;
	timer_start(&w->tick, 10, 10);
}

static void do_drain(void *arg)
{
	struct worker *w = arg;

	w->is_draining = true;
	worker_set_paused(w, false);
	drain_idle(w);
}

void worker_drain(struct worker *w)
{
	mailbox_post(w->mailbox, do_drain, w);
}

void worker_stop(struct worker *w)
{
	mailbox_post(w->mailbox, do_stop, w);
	loop_thread_join(&w->thread);
}

void worker_destroy(struct worker *w)
{
	plans_clear(&w->plans);
	statements_finish(w);
	world_drop(w->world);
	pools_finish(&w->pools);
	epochs_finish(w);
	free(w->slots);
	free(w->scratch);
	loop_destroy(w->loop);
	free(w);
}
