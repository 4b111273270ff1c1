/* The control port's view of the process: rows collected from the workers, and orders. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pgmosaic/base/clock.h"
#include "pgmosaic/base/log.h"
#include "process.h"

#define PAUSE_LOOK_US 10000

/* ---- rows from the workers: each is asked on its own thread, one after the other ---- */

struct collect {
	struct process *p;
	enum runtime_table what;
	struct admin_result *out;
	unsigned worker;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool is_done;
};

static const char *number(char *text, size_t size, uint64_t n)
{
	snprintf(text, size, "%llu", (unsigned long long)n);
	return text;
}

#define NUMBER(n) number((char[24]){ 0 }, 24, (n))

/* Wall clock of something that was so many milliseconds ago. */
static const char *moment(struct admin_result *out, uint64_t ms_ago)
{
	time_t t = (time_t)(clock_wall_us() / 1000000 - ms_ago / 1000);
	struct tm tm;
	char text[40];

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	return arena_strdup(&out->arena, text);
}

static const char *database_name(struct process *p, struct admin_result *out)
{
	struct world *w = process_world(p);
	const char *name = w && w->map->n_shards ? w->map->shards[w->map->home].dbname : "";
	const char *copy = arena_strdup(&out->arena, name);

	world_drop(w);
	return copy;
}

static void on_pool(void *ctx, const struct worker_pool *w)
{
	struct collect *c = ctx;
	struct process *p = c->p;
	const struct config *cfg = process_config(p);

	if (c->what != RUNTIME_POOLS)
		return;
	admin_result_row(
		c->out, database_name(p, c->out), w->user, NUMBER(w->n_leased + w->n_idle_clients),
		NUMBER(w->n_waiting), "0", "0", NUMBER(w->n_leased - w->n_being_canceled),
		NUMBER(w->n_canceling), NUMBER(w->n_being_canceled), NUMBER(w->n_idle), "0",
		NUMBER(w->n_cleaning), NUMBER(w->n_dialing), NUMBER(w->oldest_wait_ms / 1000),
		NUMBER(w->oldest_wait_ms % 1000 * 1000),
		config_mode_name(config_mode_of(cfg, w->user)), NULL, w->shard, NUMBER(c->worker));
}

/* What stands for an address: the kind and the id, which nobody else has. */
static const char *pointer(struct admin_result *out, char kind, uint64_t id)
{
	return id ? arena_printf(&out->arena, "%c%llu", kind, (unsigned long long)id) : "";
}

static void on_client(void *ctx, const struct worker_client *w)
{
	struct collect *c = ctx;

	if (c->what != RUNTIME_CLIENTS)
		return;
	admin_result_row(c->out, "C", w->user, w->database, "none", w->state, w->remote.host,
			 NUMBER(w->remote.port), w->local.host, NUMBER(w->local.port),
			 moment(c->out, w->connected_ms_ago), moment(c->out, w->statement_ms_ago),
			 NUMBER(w->wait_ms / 1000), NUMBER(w->wait_ms % 1000 * 1000), "0",
			 pointer(c->out, 'c', w->id), pointer(c->out, 's', w->server_id), "0",
			 w->tls, w->application_name, NUMBER(w->n_prepared), NUMBER(w->id),
			 NUMBER(c->worker), w->pinned);
}

static void on_server(void *ctx, const struct worker_server *w)
{
	struct collect *c = ctx;

	if (c->what != RUNTIME_SERVERS)
		return;
	admin_result_row(c->out, "S", w->user, database_name(c->p, c->out), "none", w->state,
			 w->remote.host, NUMBER(w->remote.port), w->local.host,
			 NUMBER(w->local.port), moment(c->out, w->opened_ms_ago),
			 moment(c->out, w->used_ms_ago), "0", "0", w->is_old ? "1" : "0",
			 pointer(c->out, 's', w->id), pointer(c->out, 'c', w->client_id),
			 NUMBER((uint64_t)w->server_pid), w->is_tls ? "yes" : "",
			 w->application_name, NUMBER(w->n_prepared), NUMBER(w->id), w->shard,
			 NUMBER(c->worker));
}

static void on_done(void *ctx)
{
	struct collect *c = ctx;

	pthread_mutex_lock(&c->mutex);
	c->is_done = true;
	pthread_cond_signal(&c->cond);
	pthread_mutex_unlock(&c->mutex);
}

static enum status runtime_collect(void *ctx, enum runtime_table what, struct admin_result *out,
				   struct err *err)
{
	struct process *p = ctx;
	struct collect c = { .p = p, .what = what, .out = out };
	struct worker_visitor v = { .ctx = &c,
				    .client = on_client,
				    .server = on_server,
				    .pool = on_pool,
				    .done = on_done };

	(void)err;
	pthread_mutex_init(&c.mutex, NULL);
	pthread_cond_init(&c.cond, NULL);
	for (c.worker = 0; c.worker < p->n_workers; c.worker++) {
		c.is_done = false;
		worker_visit(p->workers[c.worker], &v);
		pthread_mutex_lock(&c.mutex);
		while (!c.is_done)
			pthread_cond_wait(&c.cond, &c.mutex);
		pthread_mutex_unlock(&c.mutex);
	}
	pthread_cond_destroy(&c.cond);
	pthread_mutex_destroy(&c.mutex);
	return STATUS_OK;
}

/* ---- the rest of the vtable ---- */

static struct world *runtime_world(void *ctx)
{
	return process_world(ctx);
}

static enum status runtime_reload_world(void *ctx, struct err *err)
{
	return process_refresh_all(ctx, true, err);
}

static const struct config *runtime_config(void *ctx)
{
	return process_config(ctx);
}

static enum status runtime_reload_config(void *ctx, struct err *err)
{
	enum status st = process_reload_config(ctx, err);

	return st == STATUS_OK ? process_refresh(ctx, err) : st; /* limits reach the workers so */
}

/* Every STATS_PERIOD_MS, on the main loop. */
void runtime_note_metrics(struct process *p)
{
	pthread_mutex_lock(&p->mutex);
	p->period[0] = p->period[1];
	metrics_sum(p->blocks, p->n_workers + 1, &p->period[1].total);
	p->period[1].at_us = clock_us();
	pthread_mutex_unlock(&p->mutex);
}

static void runtime_last_period(void *ctx, struct metrics_total *from, struct metrics_total *to,
				uint64_t *us)
{
	struct process *p = ctx;
	uint64_t begin, end;

	pthread_mutex_lock(&p->mutex);
	*from = p->period[0].total;
	*to = p->period[1].total;
	begin = p->period[0].at_us ? p->period[0].at_us : p->started_us;
	end = p->period[1].at_us;
	pthread_mutex_unlock(&p->mutex);
	if (!end) { /* the first period is not over */
		metrics_sum(p->blocks, p->n_workers + 1, to);
		end = clock_us();
	}
	*us = end - begin;
}

static void runtime_metrics(void *ctx, struct metrics_total *out, uint64_t *uptime_us)
{
	struct process *p = ctx;

	metrics_sum(p->blocks, p->n_workers + 1, out);
	*uptime_us = clock_us() - p->started_us;
}

/* ---- orders ---- */

struct answer {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	unsigned n_left;
	bool found;
};

static void on_obeyed(void *arg)
{
	struct answer *a = arg;

	pthread_mutex_lock(&a->mutex);
	a->n_left--;
	pthread_cond_signal(&a->cond);
	pthread_mutex_unlock(&a->mutex);
}

static void on_killed(void *arg, bool found)
{
	((struct answer *)arg)->found = found;
	on_obeyed(arg);
}

static void answer_init(struct answer *a, unsigned n)
{
	*a = (struct answer){ .n_left = n };
	pthread_mutex_init(&a->mutex, NULL);
	pthread_cond_init(&a->cond, NULL);
}

static void answer_await(struct answer *a)
{
	pthread_mutex_lock(&a->mutex);
	while (a->n_left)
		pthread_cond_wait(&a->cond, &a->mutex);
	pthread_mutex_unlock(&a->mutex);
	pthread_cond_destroy(&a->cond);
	pthread_mutex_destroy(&a->mutex);
}

static void set_paused(struct process *p, bool is_paused)
{
	struct answer a;

	answer_init(&a, p->n_workers);
	p->is_paused = is_paused;
	for (unsigned i = 0; i < p->n_workers; i++)
		worker_pause(p->workers[i], is_paused, on_obeyed, &a);
	answer_await(&a);
	log_event(LOG_INFO, is_paused ? "paused" : "resumed");
}

static unsigned n_servers(const struct process *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n_workers; i++)
		n += worker_n_servers(p->workers[i]);
	return n;
}

static enum status runtime_pause(void *ctx, struct err *err)
{
	struct process *p = ctx;

	if (p->is_paused)
		return err_set(err, STATUS_IN_USE, "the proxy is paused already, or about to be");
	set_paused(p, true);
	while (n_servers(p) && p->is_paused && !p->is_stopping)
		usleep(PAUSE_LOOK_US);
	if (p->is_paused && !p->is_stopping)
		return STATUS_OK;
	return err_set(err, STATUS_CANCELED, "the PAUSE was ended before all transactions had");
}

static void runtime_resume(void *ctx)
{
	set_paused(ctx, false);
}

static bool runtime_is_paused(void *ctx)
{
	return ((struct process *)ctx)->is_paused;
}

static void runtime_renew_servers(void *ctx)
{
	struct process *p = ctx;

	for (unsigned i = 0; i < p->n_workers; i++)
		worker_renew(p->workers[i]);
}

static bool runtime_kill(void *ctx, uint64_t id)
{
	struct process *p = ctx;
	struct answer a;

	if (worker_of_client(id) >= p->n_workers)
		return false;
	answer_init(&a, 1);
	worker_kill(p->workers[worker_of_client(id)], id, on_killed, &a);
	answer_await(&a);
	return a.found;
}

static void runtime_shutdown(void *ctx, bool wait)
{
	process_shutdown(ctx, wait);
}

static uint64_t runtime_incarnation(void *ctx)
{
	return ((struct process *)ctx)->host.incarnation;
}

static struct catalog *runtime_catalog(void *ctx)
{
	return process_catalog(ctx);
}

void runtime_fill(struct process *p)
{
	p->runtime = (struct admin_runtime){ .ctx = p,
					     .world = runtime_world,
					     .reload_world = runtime_reload_world,
					     .catalog = runtime_catalog,
					     .incarnation = runtime_incarnation,
					     .config = runtime_config,
					     .reload_config = runtime_reload_config,
					     .collect = runtime_collect,
					     .metrics = runtime_metrics,
					     .last_period = runtime_last_period,
					     .pause = runtime_pause,
					     .resume = runtime_resume,
					     .is_paused = runtime_is_paused,
					     .renew_servers = runtime_renew_servers,
					     .kill = runtime_kill,
					     .shutdown = runtime_shutdown };
	p->admin = admin_create(&p->runtime);
}
