/* From start to stop.
 *
 * Start: workers, then listeners (an address in use is told at once), then the watcher
 * thread, which loads the first world; until it has, clients are told 57P03.
 * Stop: listeners close, clients leave as their transactions end, at the latest after
 * timeouts.shutdown; then workers, threads and HTTP. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pgmosaic/backend/login.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/base/clock.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/catalog/proxy.h"
#include "pgmosaic/loop/stream.h"
#include "pgmosaic/wire/build.h"
#include "lookup.h"
#include "process.h"

#define JOB_THREADS	16
#define STATS_PERIOD_MS 60000 /* PgBouncer's stats_period */
#define STOP_LOOK_MS	20
#define STOP_GRACE_S	20

/* ---- clients ---- */

static void refuse_client(struct process *p, int fd, const char *why)
{
	struct err err = ERR_INIT;
	struct buf out;
	ssize_t done;

	metrics_add(p->blocks[p->n_workers], METRIC_CLIENTS_REFUSED, 1);
	err_set(&err, STATUS_POOL_FULL, "%s", why);
	err_hint(&err, "Close connections that are not needed, or raise the limit.");
	buf_init(&out, 4096);
	wire_put_error(&out, &err, "FATAL");
	done = write(fd, buf_head(&out), buf_len(&out));
	(void)done;
	buf_finish(&out);
	close(fd);
}

static void tune(struct process *p, int fd)
{
	const struct config_tcp *tcp = &process_config(p)->tcp;
	struct socket_options o = { .keepalive_idle_s =
					    (unsigned)((tcp->keepalive_idle_ms + 999) / 1000),
				    .keepalive_interval_s =
					    (unsigned)((tcp->keepalive_interval_ms + 999) / 1000),
				    .keepalive_count = tcp->keepalive_count,
				    .user_timeout_ms = (unsigned)tcp->user_timeout_ms };

	socket_tune(fd, &o);
}

static void hand_over(struct process *p, int fd, bool is_unix, bool is_control)
{
	struct worker *best = p->workers[0];
	const struct config_limits *limits = &process_config(p)->limits;
	unsigned total = 0, n_logins = 0;

	if (!is_unix)
		tune(p, fd);
	for (unsigned i = 0; i < p->n_workers; i++) {
		total += worker_n_clients(p->workers[i]) - worker_n_control(p->workers[i]);
		n_logins += worker_n_logins(p->workers[i], is_control);
		if (worker_n_clients(p->workers[i]) < worker_n_clients(best))
			best = p->workers[i];
	}
	if (total >= limits->clients && !is_control)
		refuse_client(p, fd, "sorry, too many clients already (limits.clients)");
	else if (n_logins >= limits->logins)
		refuse_client(p, fd, "sorry, too many log-ins under way (limits.logins)");
	else
		worker_adopt(best, fd, is_unix, is_control);
}

static void on_client(void *owner, int fd, bool is_unix)
{
	hand_over(owner, fd, is_unix, false);
}

static void on_control_client(void *owner, int fd, bool is_unix)
{
	hand_over(owner, fd, is_unix, true);
}

static enum status open_listener(struct process *p, struct listener *l, int which,
				 const struct config_address *a,
				 void (*on_accept)(void *, int, bool), struct err *err)
{
	const char *host = a->unix_dir ? NULL : a->host ? a->host : "*";
	int fd = takeover_socket(p, which, a->text);
	char path[112] = "";

	if (fd < 0)
		return listener_open(l, p->loop, host, a->port, a->unix_dir, on_accept, p, err);
	if (a->unix_dir)
		snprintf(path, sizeof(path), "%s/.s.PGSQL.%u", a->unix_dir, a->port);
	listener_adopt(l, p->loop, fd, a->unix_dir ? path : NULL, on_accept, p);
	return STATUS_OK;
}

static enum status open_listeners(struct process *p, int which, const struct config_addresses *all,
				  void (*on_accept)(void *, int, bool), struct err *err)
{
	for (unsigned i = 0; i < all->n && i < PROCESS_MAX_LISTENERS; i++) {
		const struct config_address *a = &all->items[i];
		enum status st =
			open_listener(p, &p->listeners[which][i], which, a, on_accept, err);

		if (st != STATUS_OK)
			return st;
		p->n_listeners[which]++;
		log_event(LOG_INFO, which ? "control port listens" : "main port listens",
			  LOG_STR("address", a->text));
	}
	return STATUS_OK;
}

static void close_listeners(struct process *p, int which)
{
	for (unsigned i = 0; i < p->n_listeners[which]; i++)
		listener_close(&p->listeners[which][i]);
	p->n_listeners[which] = 0;
}

/* ---- HTTP ---- */

static bool monitor_ready(void *ctx, char *reason, size_t size)
{
	struct process *p = ctx;

	return p->host.is_ready(p, reason, size);
}

static uint64_t monitor_epoch(void *ctx)
{
	struct world *w = process_world(ctx);
	uint64_t epoch = w ? w->map->epoch : 0;

	world_drop(w);
	return epoch;
}

static enum status open_monitors(struct process *p, struct err *err)
{
	const struct config_addresses *all = &process_config(p)->http;
	struct monitor_source source = { .ctx = p,
					 .blocks = p->blocks,
					 .n_blocks = p->n_workers + 1,
					 .ready = monitor_ready,
					 .map_epoch = monitor_epoch };

	for (unsigned i = 0; i < all->n && i < 4; i++) {
		int fd = takeover_socket(p, 2, all->items[i].text);
		enum status st;

		source.socket = fd > 0 ? fd : 0;
		st = monitor_start(&all->items[i], &source, &p->monitor[i], err);

		if (st != STATUS_OK)
			return st;
		p->n_monitors++;
	}
	return STATUS_OK;
}

/* ---- stopping ---- */

static unsigned count_clients(const struct process *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n_workers; i++)
		n += worker_n_clients(p->workers[i]) - worker_n_control(p->workers[i]);
	return n;
}

/* Nobody listens any more: one who asks again must not cut the end short. */
static void ignore_signals(void)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		signal(numbers[i], SIG_IGN);
}

static void finish_loop(struct process *p)
{
	close_listeners(p, 0);
	close_listeners(p, 1);
	takeover_close(p);
	for (unsigned i = 0; i < 3; i++)
		signal_watch_close(&p->signals[i]);
	ignore_signals();
	timer_close(&p->stop_timer, NULL);
	timer_close(&p->period_timer, NULL);
	mailbox_close(p->mailbox);
}

static void on_stop_tick(void *owner)
{
	struct process *p = owner;

	if (count_clients(p) && loop_now_ms(p->loop) < p->stop_deadline_ms)
		return;
	timer_stop(&p->stop_timer);
	finish_loop(p);
}

static void begin_stop(struct process *p, uint64_t wait_ms)
{
	uint64_t deadline = loop_now_ms(p->loop) + wait_ms;

	if (p->is_stopping) {
		if (deadline < p->stop_deadline_ms)
			p->stop_deadline_ms = deadline;
		return;
	}
	p->is_stopping = true;
	p->stop_deadline_ms = deadline;
	log_event(LOG_INFO, "stopping", LOG_U64("clients", count_clients(p)));
	close_listeners(p, 0);
	close_listeners(p, 1);
	for (unsigned i = 0; i < p->n_workers; i++)
		worker_drain(p->workers[i]);
	timer_start(&p->stop_timer, 0, STOP_LOOK_MS);
}

void process_drain(struct process *p, bool hands_over)
{
	uint64_t ms = process_config(p)->timeouts.shutdown_ms;

	for (int which = 0; which < 2 && hands_over; which++)
		for (unsigned i = 0; i < p->n_listeners[which]; i++)
			p->listeners[which][i].keeps_path = true;
	for (unsigned i = 0; i < p->n_monitors && hands_over; i++)
		monitor_quiet(p->monitor[i]);
	begin_stop(p, ms ? ms : UINT64_MAX / 2);
}

static void do_shutdown_wait(void *arg)
{
	process_drain(arg, false);
}

static void do_shutdown_now(void *arg)
{
	begin_stop(arg, 0);
}

void process_shutdown(struct process *p, bool wait)
{
	mailbox_post(p->mailbox, wait ? do_shutdown_wait : do_shutdown_now, p);
}

/* Deriving keys from passwords takes milliseconds each: not on the loop that accepts. */
static void reload_work(void *arg)
{
	struct process *p = arg;
	struct err err = ERR_INIT;

	if (process_reload_config(p, &err) != STATUS_OK)
		log_error(LOG_ERROR, "the configuration was not reloaded", &err);
}

static void reload_done(void *arg)
{
	(void)arg;
}

static void on_signal(void *owner, int number)
{
	struct process *p = owner;

	if (number == SIGHUP) {
		job_run(p->loop, reload_work, reload_done, p);
		return;
	}
	if (p->is_stopping)
		do_shutdown_now(p);
	else
		do_shutdown_wait(p);
}

/* ---- start ---- */

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void start_workers(struct process *p)
{
	p->n_workers = process_config(p)->workers;
	p->workers = mem_zero(p->n_workers, sizeof(*p->workers));
	p->blocks = mem_zero(p->n_workers + 1, sizeof(*p->blocks));
	for (unsigned i = 0; i <= p->n_workers; i++)
		p->blocks[i] = metrics_create();
	for (unsigned i = 0; i < p->n_workers; i++) {
		p->workers[i] = worker_create(i, &p->host, p->blocks[i]);
		worker_start(p->workers[i]);
	}
}

static enum status open_all(struct process *p, struct err *err)
{
	const struct config *cfg = process_config(p);
	enum status st = open_listeners(p, 0, &cfg->listen, on_client, err);

	if (st == STATUS_OK)
		st = open_listeners(p, 1, &cfg->admin, on_control_client, err);
	if (st == STATUS_OK && !takeover_has_predecessor(p))
		st = open_monitors(p, err);
	return st;
}

static void do_ready(void *arg)
{
	struct process *p = arg;
	struct err err = ERR_INIT;

	if (p->is_stopping)
		return;
	if (takeover_has_predecessor(p) && open_monitors(p, &err) != STATUS_OK)
		log_error(LOG_ERROR, "no HTTP", &err);
	takeover_ready(p);
}

void process_ready(struct process *p)
{
	mailbox_post(p->mailbox, do_ready, p);
}

static void on_period(void *owner)
{
	runtime_note_metrics(owner);
}

static void process_init(struct process *p, const char *path)
{
	static const int numbers[3] = { SIGTERM, SIGINT, SIGHUP };

	signal(SIGPIPE, SIG_IGN);
	raise_descriptor_limit();
	job_set_threads(JOB_THREADS);
	p->config_path = path;
	p->started_us = clock_us();
	pthread_mutex_init(&p->mutex, NULL);
	pthread_mutex_init(&p->refresh_mutex, NULL);
	pthread_mutex_init(&p->reload_mutex, NULL);
	pthread_mutex_init(&p->members_mutex, NULL);
	snprintf(p->not_ready, sizeof(p->not_ready), "the shard map is not loaded yet");
	p->loop = loop_create();
	p->mailbox = mailbox_create(p->loop);
	timer_init(&p->stop_timer, p->loop, on_stop_tick, p);
	timer_init(&p->period_timer, p->loop, on_period, p);
	timer_start(&p->period_timer, STATS_PERIOD_MS, STATS_PERIOD_MS);
	for (unsigned i = 0; i < 3; i++)
		signal_watch_start(&p->signals[i], p->loop, numbers[i], on_signal, p);
}

static void process_finish(struct process *p)
{
	/* What cannot be interrupted (libpq's cancel request to a frozen server) does not keep the
	 * process: this signal ends it. */
	alarm(STOP_GRACE_S);
	pthread_mutex_lock(
		&p->refresh_mutex); /* a world under way is published; no other follows */
	pthread_mutex_unlock(&p->refresh_mutex);
	p->workers_end = true;
	pthread_mutex_lock(&p->refresh_mutex); /* who publishes a world needs the workers */
	pthread_mutex_unlock(&p->refresh_mutex);
	channels_stop(p->channels); /* no letters from here on */
	loop_thread_join(&p->notifier);
	/* A refresh under way still posts to the workers; no other begins. */
	pthread_mutex_lock(&p->refresh_mutex);
	pthread_mutex_unlock(&p->refresh_mutex);
	for (unsigned i = 0; i < p->n_workers; i++)
		worker_stop(p->workers[i]);
	lookups_stop(p->lookups);
	p->has_stopped = true;
	loop_thread_join(&p->watcher);
	loop_thread_join(&p->recoverer);
	loop_thread_join(&p->keeper);
	if (p->host.incarnation)
		proxy_forget(process_catalog(p), p->host.incarnation);
	loop_thread_join(&p->sequencer);
	for (unsigned i = 0; i < p->n_monitors; i++)
		monitor_stop(p->monitor[i]);
	for (unsigned i = 0; i < p->n_workers; i++)
		worker_destroy(p->workers[i]);
	for (unsigned i = 0; i <= p->n_workers; i++)
		metrics_destroy(p->blocks[i]);
	channels_destroy(p->channels);
	admin_destroy(p->admin);
	world_drop(p->world);
	sequences_destroy(p->sequences);
	catalog_close(process_catalog(p));
	loop_destroy(p->loop);
	takeover_destroy(p);
	books_destroy(p->book);
	free(p->workers);
	free(p->blocks);
	log_event(LOG_INFO, "stopped");
}

int process_run(const char *config_path, const struct config *cfg, bool takes_over)
{
	struct process *p = mem_zero(1, sizeof(*p));
	struct err err = ERR_INIT;
	int code = 0;

	process_init(p, config_path);
	p->book = book_create(cfg, NULL, &err);
	if (!p->book) {
		log_error(LOG_ERROR, "cannot start", &err);
		return 1;
	}
	log_event(LOG_INFO, "pgmosaic starts", LOG_STR("version", PGMOSAIC_VERSION),
		  LOG_STR("config", config_path), LOG_U64("workers", cfg->workers),
		  LOG_STR("libpq_passes_scram_keys", login_can_pass_keys() ? "yes" : "no"));
	host_fill(p);
	runtime_fill(p);
	p->lookups = lookups_start(p);
	start_workers(p);
	if (takeover_begin(p, takes_over, &err) != STATUS_OK || open_all(p, &err) != STATUS_OK) {
		log_error(LOG_ERROR, "cannot start", &err);
		p->is_stopping = true;
		code = 1;
	}
	loop_thread_start(&p->watcher, process_watch, p);
	loop_thread_start(&p->recoverer, process_recover, p);
	loop_thread_start(&p->notifier, channels_run, p->channels);
	loop_thread_start(&p->keeper, process_keep_lease, p);
	loop_thread_start(&p->sequencer, process_sequence, p);
	if (code)
		finish_loop(p);
	loop_run(p->loop);
	process_finish(p);
	free(p);
	return code;
}
