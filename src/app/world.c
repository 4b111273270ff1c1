/* Keeping the world up to date: map from the catalog, schema from the home shard.
 *
 * Happy path: the watcher thread makes and fills the catalog once, loads the first world,
 * then waits for NOTIFY; each change is loaded and published to the workers.
 * Failure modes: the catalog or the home shard cannot be reached: the last world goes on
 * serving, the watcher tries again each second and says so in the log. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pgmosaic/base/log.h"
#include "pgmosaic/catalog/shard.h"
#include "pgmosaic/txn/recovery.h"
#include "process.h"

#define RETRY_US	  1000000
#define WATCH_MS	  500
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

static enum status load_world(struct process *p, struct world **out, struct err *err)
{
	struct shard_map *map;
	struct schema *schema = NULL;
	enum status st = catalog_load_map(process_catalog(p), &map, err);

	if (st != STATUS_OK)
		return st;
	if (map->n_shards) {
		st = shard_load_schema(map->shards[map->home].dsn, &schema, err);
	} else {
		schema = schema_create();
		schema_seal(schema);
	}
	if (st != STATUS_OK) {
		map_destroy(map);
		return st;
	}
	*out = world_create(map, schema, load_oids(p, map));
	return STATUS_OK;
}

enum status process_refresh(struct process *p, struct err *err)
{
	struct world *w = NULL;
	enum status st;

	pthread_mutex_lock(&p->refresh_mutex);
	st = p->is_stopping ? err_set(err, STATUS_SHUTDOWN, "the proxy is shutting down")
			    : load_world(p, &w, err);
	if (st == STATUS_OK)
		publish(p, w);
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

/* The proxy's own tables on every shard; one that is down is done when it is back. */
static void install_shards(const struct shard_map *map, bool *done)
{
	struct err err = ERR_INIT;

	*done = true;
	for (uint16_t i = 0; i < map->n_shards; i++) {
		if (shard_install(map->shards[i].dsn, &err) == STATUS_OK)
			continue;
		*done = false;
		log_event(LOG_WARNING, "a shard is not ready",
			  LOG_STR("shard", map->shards[i].name), LOG_STR("reason", err.message));
	}
}

/* "host 127.0.0.1:6432": tells people which proxy it is. */
static const char *own_name(struct process *p, char *out, size_t size)
{
	const struct config_addresses *listen = &process_config(p)->listen;
	char host[64] = "";

	gethostname(host, sizeof(host) - 1);
	snprintf(out, size, "%s %s", host, listen->n ? listen->items[0].text : "");
	return out;
}

static enum status first_world(struct process *p, struct err *err)
{
	char name[256];
	bool applied;
	enum status st = open_catalog(p, err);

	if (st == STATUS_OK)
		st = catalog_prepare(process_catalog(p), err);
	if (st == STATUS_OK)
		st = catalog_bootstrap(process_catalog(p), process_config(p), &applied, err);
	if (st == STATUS_OK && p->host.incarnation == 0)
		st = catalog_register_proxy(process_catalog(p), own_name(p, name, sizeof(name)),
					    PGMOSAIC_VERSION, &p->host.incarnation, err);
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

/* An ack means that no statement planned under an older map is still to be sent. */
static uint64_t acked_epoch(struct process *p)
{
	uint64_t oldest = UINT64_MAX;

	for (unsigned i = 0; i < p->n_workers; i++)
		if (worker_oldest_epoch(p->workers[i]) < oldest)
			oldest = worker_oldest_epoch(p->workers[i]);
	return oldest;
}

static void heartbeat(struct process *p)
{
	struct err err = ERR_INIT;

	if (catalog_heartbeat(process_catalog(p), p->host.incarnation, acked_epoch(p), &err) !=
	    STATUS_OK)
		log_error(LOG_WARNING, "the catalog does not take this proxy's heartbeat", &err);
}

/* Every shard answers now: read what could not be read before. */
static void complete_oids(struct process *p, const struct world *w)
{
	struct err err = ERR_INIT;

	if (!oids_is_complete(w->oids) && process_refresh(p, &err) != STATUS_OK && !p->is_stopping)
		log_error(LOG_WARNING, "the shards could not be read again", &err);
}

static void watch_once(struct process *p, bool *installed)
{
	struct catalog *c = process_catalog(p);
	struct err err = ERR_INIT;
	struct world *w;
	bool changed = false;

	if (catalog_wait_change(c, WATCH_MS, &changed, &err) != STATUS_OK) {
		log_error(LOG_WARNING, "the catalog cannot be reached", &err);
		usleep(RETRY_US);
		return;
	}
	if (changed && process_refresh(p, &err) != STATUS_OK && !p->is_stopping)
		log_error(LOG_WARNING, "the shard map could not be read again", &err);
	heartbeat(p);
	if (catalog_resolve_intents(c, NULL, &err) != STATUS_OK)
		log_error(LOG_WARNING, "unfinished DDL could not be resolved", &err);
	w = process_world(p);
	if (!*installed || changed || !oids_is_complete(w->oids)) {
		install_shards(w->map, installed);
		if (*installed)
			complete_oids(p, w);
	}
	world_drop(w);
}

void process_watch(void *arg)
{
	struct process *p = arg;
	bool installed = false;
	struct world *w;

	if (!wait_for_first_world(p))
		return;
	w = process_world(p);
	install_shards(w->map, &installed);
	log_event(LOG_INFO, "ready", LOG_U64("epoch", w->map->epoch),
		  LOG_U64("shards", w->map->n_shards));
	world_drop(w);
	p->is_ready = true;
	process_ready(p);
	while (!p->is_stopping)
		watch_once(p, &installed);
	catalog_forget_proxy(process_catalog(p), p->host.incarnation);
}

/* ---- the recovery thread ---- */

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
