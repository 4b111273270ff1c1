/* Keeping the world up to date: map from the catalog, schema from the home shard.
 *
 * Happy path: the watcher thread makes and fills the catalog once, loads the first world,
 * then waits for NOTIFY; each change is loaded and published to the workers.
 * Failure modes: the catalog or the home shard cannot be reached: the last world goes on
 * serving, as far as the lease allows (lease.c); the watcher tries again each second and says so
 * in the log. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pgmosaic/base/log.h"
#include "pgmosaic/catalog/proxy.h"
#include "pgmosaic/catalog/shard.h"
#include "pgmosaic/txn/recovery.h"
#include "process.h"

#define RETRY_US	  1000000
#define WATCH_MS	  500
#define LOOKS_TO_JOIN	  20 /* between two visits to every shard: 10 s */
#define RECOVER_MS	  2000
#define RECOVER_GRACE_MS  5000
#define CONNECT_TIMEOUT_S 5

/* ---- the catalog: opened once, the store itself reconnects ---- */

struct catalog *process_catalog(struct process *p)
{
	return atomic_load(&p->catalog);
}

static enum status open_catalog(struct process *p, struct err *err)
{
	struct catalog *c = NULL;
	enum status st;

	if (process_catalog(p))
		return STATUS_OK;
	st = catalog_open(process_config(p)->catalog_dsn, CONNECT_TIMEOUT_S, &c, err);
	if (st == STATUS_OK)
		atomic_store(&p->catalog, c);
	return st;
}

/* ---- publishing ---- */

struct world *process_world(struct process *p)
{
	struct world *w;

	pthread_mutex_lock(&p->mutex);
	w = p->world ? world_hold(p->world) : NULL;
	pthread_mutex_unlock(&p->mutex);
	return w;
}

struct publish {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	unsigned n_left;
};

static void on_used(void *arg)
{
	struct publish *pub = arg;

	pthread_mutex_lock(&pub->mutex);
	pub->n_left--;
	pthread_cond_signal(&pub->cond);
	pthread_mutex_unlock(&pub->mutex);
}

/* Returns when every worker plans with the new world. */
static void publish(struct process *p, struct world *w)
{
	struct publish pub = { .n_left = p->n_workers };
	struct world *old;

	pthread_mutex_init(&pub.mutex, NULL);
	pthread_cond_init(&pub.cond, NULL);
	pthread_mutex_lock(&p->mutex);
	old = p->world;
	p->world = w;
	pthread_mutex_unlock(&p->mutex);
	for (unsigned i = 0; i < p->n_workers; i++)
		worker_set_world(p->workers[i], world_hold(w), on_used, &pub);
	pthread_mutex_lock(&pub.mutex);
	while (pub.n_left)
		pthread_cond_wait(&pub.cond, &pub.mutex);
	pthread_mutex_unlock(&pub.mutex);
	pthread_cond_destroy(&pub.cond);
	pthread_mutex_destroy(&pub.mutex);
	world_drop(old);
	metrics_add(p->blocks[p->n_workers], METRIC_WORLD_RELOADS, 1);
}

/* ---- loading ---- */

/* A shard that cannot be read keeps what was known of it. */
static struct oids *load_oids(struct process *p, const struct shard_map *map)
{
	struct oid_names *names[MAP_MAX_SHARDS];
	uint32_t ids[MAP_MAX_SHARDS];
	struct world *before = process_world(p);
	struct err err = ERR_INIT;
	struct oids *oids;
	unsigned n = 0;

	for (uint16_t i = 0; i < map->n_shards; i++) { /* home first */
		uint16_t shard = i == 0 ? map->home : i <= map->home ? i - 1 : i;

		ids[n] = map->shards[shard].id;
		names[n++] =
			map->n_shards > 1 ? oid_names_load(map->shards[shard].dsn, &err) : NULL;
	}
	oids = n > 1 ? oids_create(ids, names, n, before ? before->oids : NULL) : NULL;
	for (unsigned i = 0; i < n; i++)
		oid_names_destroy(names[i]);
	world_drop(before);
	return oids;
}

/* The map is read before the schema, to know the home shard, and after it: a table that the
 * schema shows was in the map, or in an intent, before it could be seen there. */
static enum status load_parts(struct process *p, struct shard_map **map, struct schema **schema,
			      struct err *err)
{
	enum status st = catalog_load_map(process_catalog(p), map, err);

	if (st != STATUS_OK)
		return st;
	if ((*map)->n_shards == 0) {
		*schema = schema_create();
		schema_seal(*schema);
		return STATUS_OK;
	}
	st = shard_load_schema((*map)->shards[(*map)->home].dsn, schema, err);
	if (st != STATUS_OK)
		return st;
	map_destroy(*map);
	*map = NULL;
	return catalog_load_map(process_catalog(p), map, err);
}

static enum status load_world(struct process *p, struct world **out, struct err *err)
{
	struct shard_map *map = NULL;
	struct schema *schema = NULL;
	enum status st = load_parts(p, &map, &schema, err);

	if (st == STATUS_OK)
		st = process_join(p, map, err);
	if (st == STATUS_OK) {
		*out = world_create(map, schema, load_oids(p, map));
		return STATUS_OK;
	}
	if (map)
		map_destroy(map);
	if (schema)
		schema_destroy(schema);
	return st;
}

enum status process_refresh(struct process *p, struct err *err)
{
	struct world *w = NULL;
	uint64_t wanted;
	enum status st;

	pthread_mutex_lock(&p->refresh_mutex);
	wanted = atomic_load(&p->reloads_wanted);
	st = p->is_stopping ? err_set(err, STATUS_SHUTDOWN, "the proxy is shutting down")
			    : load_world(p, &w, err);
	if (st == STATUS_OK && p->workers_end) { /* meanwhile: nobody is there to use it */
		world_drop(w);
		st = err_set(err, STATUS_SHUTDOWN, "the proxy is shutting down");
	}
	if (st == STATUS_OK) {
		publish(p, w);
		atomic_store(&p->reloads_done, wanted);
	}
	pthread_mutex_unlock(&p->refresh_mutex);
	return st;
}

static void say_not_ready(struct process *p, const struct err *err)
{
	log_error(LOG_WARNING, "not ready", err);
	pthread_mutex_lock(&p->mutex);
	snprintf(p->not_ready, sizeof(p->not_ready), "%.250s", err->message);
	pthread_mutex_unlock(&p->mutex);
}

static enum status first_world(struct process *p, struct err *err)
{
	bool applied;
	enum status st = open_catalog(p, err);

	if (st == STATUS_OK)
		st = catalog_prepare(process_catalog(p), err);
	if (st == STATUS_OK)
		st = catalog_bootstrap(process_catalog(p), process_config(p), &applied, err);
	if (st == STATUS_OK && p->host.incarnation == 0)
		st = process_register(p, err);
	return st == STATUS_OK ? process_refresh(p, err) : st;
}

/* ---- the watcher thread ---- */

static bool wait_for_first_world(struct process *p)
{
	struct err err = ERR_INIT;

	while (!p->is_stopping) {
		if (first_world(p, &err) == STATUS_OK)
			return true;
		say_not_ready(p, &err);
		usleep(RETRY_US);
	}
	return false;
}

/* Every shard answers now: read what could not be read before. */
static void complete_oids(struct process *p)
{
	struct world *w = process_world(p);
	struct err err = ERR_INIT;

	if (!oids_is_complete(w->oids) && process_refresh(p, &err) != STATUS_OK && !p->is_stopping)
		log_error(LOG_WARNING, "the shards could not be read again", &err);
	world_drop(w);
}

/* *pending: what was notified could not be read yet; nobody will notify us again. */
static void watch_once(struct process *p, unsigned look, bool *pending)
{
	struct catalog *c = process_catalog(p);
	struct err err = ERR_INIT;
	bool changed = false;
	enum status st = catalog_wait_change(c, WATCH_MS, &changed, &err);

	*pending |= changed || atomic_load(&p->reloads_wanted) != atomic_load(&p->reloads_done);
	if (st != STATUS_OK) {
		log_error(LOG_WARNING, "the catalog cannot be reached", &err);
		usleep(RETRY_US);
		return;
	}
	if (*pending)
		*pending = process_refresh(p, &err) != STATUS_OK;
	if (*pending && !p->is_stopping)
		log_error(LOG_WARNING, "the shard map could not be read again", &err);
	process_tell_late(p);
	if (catalog_resolve_intents(c, NULL, &err) != STATUS_OK)
		log_error(LOG_WARNING, "unfinished DDL could not be resolved", &err);
	if (process_join_rest(p, look % LOOKS_TO_JOIN == 0))
		complete_oids(p);
}

void process_watch(void *arg)
{
	struct process *p = arg;
	struct world *w;
	bool pending = false;

	if (!wait_for_first_world(p))
		return;
	w = process_world(p);
	log_event(LOG_INFO, "ready", LOG_U64("epoch", w->map->epoch),
		  LOG_U64("shards", w->map->n_shards));
	world_drop(w);
	p->is_ready = true;
	process_ready(p);
	for (unsigned look = 1; !p->is_stopping; look++)
		watch_once(p, look, &pending);
}

/* ---- the recovery thread ---- */

/* A decider's transaction that a dead proxy has left open holds up everybody. */
static void evict_waited_for(struct process *p, const struct recovery_report *report)
{
	struct err err = ERR_INIT;

	for (unsigned i = 0; i < report->n_waiting_for; i++)
		if (proxy_evict_expired(process_catalog(p), report->waiting_for[i], NULL, &err) !=
		    STATUS_OK)
			log_error(LOG_WARNING, "a dead proxy could not be evicted", &err);
}

static void recover_once(struct process *p)
{
	struct world *w = process_world(p);
	struct recovery_report report;
	struct err err = ERR_INIT;

	if (w && w->map->n_shards) {
		if (recovery_pass(w->map, RECOVER_GRACE_MS, &report, &err) != STATUS_OK)
			log_error(LOG_WARNING, "recovery of transactions in doubt", &err);
		else if (report.n_committed + report.n_aborted)
			metrics_add(p->blocks[p->n_workers], METRIC_TWO_PHASE_RECOVERED,
				    report.n_committed + report.n_aborted);
		evict_waited_for(p, &report);
	}
	world_drop(w);
}

void process_recover(void *arg)
{
	struct process *p = arg;

	while (!p->is_stopping) {
		if (p->is_ready)
			recover_once(p);
		for (int i = 0; i < RECOVER_MS / 50 && !p->is_stopping; i++)
			usleep(50000);
	}
}
