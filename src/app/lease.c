/* This proxy among the others: its incarnation, its lease, what it tells them.
 *
 * Happy path: the keeper thread renews the lease a few times in its length, and at once when the
 * set of epochs in use has changed. lease_until is counted from the moment the renewal was sent.
 * Failure modes:
 * - the catalog does not answer: lease_until passes and the workers refuse writes. Once it answers
 *   again the world is read anew, and only then lease_until moves on.
 * - we were evicted meanwhile: a new incarnation is registered. The next world that is published
 *   carries it, and every server connection of the former one is closed.
 * - a shard cannot be reached when we join: its connections fail anyway; the watcher tries again.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pgmosaic/base/clock.h"
#include "pgmosaic/base/hash.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/catalog/proxy.h"
#include "process.h"

#define LOOK_MS	 25
#define RENEW_MS 1000

/* ---- the incarnation ---- */

enum status process_register(struct process *p, struct err *err)
{
	const struct config *cfg = process_config(p);
	struct proxy_start start = { .version = PGMOSAIC_VERSION,
				     .pid = getpid(),
				     .lease_ms = (unsigned)cfg->lease.duration_ms };
	uint64_t sent = clock_us(), incarnation;
	char host[64] = "";
	enum status st;

	gethostname(host, sizeof(host) - 1);
	start.host = host;
	start.name = cfg->name ? cfg->name : cfg->listen.n ? cfg->listen.items[0].text : "";
	st = proxy_register(process_catalog(p), &start, &incarnation, err);
	if (st != STATUS_OK)
		return st;
	atomic_store(&p->host.incarnation, incarnation);
	log_event(LOG_INFO, "registered in the catalog", LOG_U64("incarnation", incarnation));
	if (p->is_ready)
		atomic_fetch_add(&p->reloads_wanted, 1);
	else
		atomic_store(&p->host.lease_until_us, sent + cfg->lease.duration_ms * 1000);
	return STATUS_OK;
}

/* ---- joining shards ---- */

static uint64_t hash_dsn(const struct map_shard *s)
{
	return hash_bytes(s->dsn, strlen(s->dsn), 0);
}

/* Tried already, by this incarnation, on this server? *is_known: and it worked. */
static bool was_tried(struct process *p, const struct map_shard *s, bool *is_known)
{
	bool found = false;

	*is_known = false;
	pthread_mutex_lock(&p->members_mutex);
	for (unsigned i = 0; i < p->n_members && !found; i++) {
		const struct process_member *m = &p->members[i];

		found = m->shard_id == s->id && m->incarnation == p->host.incarnation &&
			m->dsn_hash == hash_dsn(s);
		*is_known = found && m->is_known;
	}
	pthread_mutex_unlock(&p->members_mutex);
	return found;
}

static void note_tried(struct process *p, const struct map_shard *s, uint64_t incarnation,
		       bool is_known)
{
	struct process_member *m = NULL;

	pthread_mutex_lock(&p->members_mutex);
	for (unsigned i = 0; i < p->n_members && !m; i++)
		if (p->members[i].shard_id == s->id)
			m = &p->members[i];
	if (!m && p->n_members == MAP_MAX_SHARDS) /* full of dropped ones: begin anew */
		p->n_members = 0;
	if (!m)
		m = &p->members[p->n_members++];
	*m = (struct process_member){ s->id, incarnation, hash_dsn(s), is_known };
	pthread_mutex_unlock(&p->members_mutex);
}

static void join_one(struct process *p, const struct shard_map *map, uint16_t i)
{
	const struct map_shard *s = &map->shards[i];
	uint64_t me = p->host.incarnation;
	struct err err = ERR_INIT;
	bool ok = proxy_join_shard(s->dsn, map->cluster, me, &err) == STATUS_OK;

	note_tried(p, s, me, ok);
	if (!ok)
		log_event(LOG_WARNING, "a shard is not ready", LOG_STR("shard", s->name),
			  LOG_STR("reason", err.message));
}

/* Looked at after the map was read: see proxy_agree.c. */
static enum status check_member(struct process *p, struct err *err)
{
	bool is_member;
	enum status st = proxy_is_member(process_catalog(p), p->host.incarnation, &is_member, err);

	if (st != STATUS_OK || is_member)
		return st;
	return err_set(err, STATUS_CATALOG, "this proxy was evicted and is about to come back");
}

enum status process_join(struct process *p, const struct shard_map *map, struct err *err)
{
	enum status st = STATUS_OK;
	bool checked = false, known;

	for (uint16_t i = 0; i < map->n_shards && st == STATUS_OK; i++) {
		if (was_tried(p, &map->shards[i], &known))
			continue;
		if (!checked)
			st = check_member(p, err);
		checked = true;
		if (st == STATUS_OK)
			join_one(p, map, i);
	}
	return st;
}

bool process_join_rest(struct process *p, bool anew)
{
	struct world *w = process_world(p);
	struct err err = ERR_INIT;
	bool checked = false, known, all = true;

	for (uint16_t i = 0; w && i < w->map->n_shards && !p->is_stopping; i++) {
		was_tried(p, &w->map->shards[i], &known);
		if (known && !anew)
			continue;
		all = checked || check_member(p, &err) == STATUS_OK;
		if (!all)
			break;
		checked = true;
		join_one(p, w->map, i);
		was_tried(p, &w->map->shards[i], &known);
		all &= known;
	}
	world_drop(w);
	return all;
}

/* ---- the lease ---- */

static void gather_epochs(struct process *p, struct proxy_epochs *all)
{
	uint64_t some[PROXY_MAX_EPOCHS];

	all->n = 0;
	for (unsigned i = 0; i < p->n_workers; i++) {
		unsigned n = worker_epochs(p->workers[i], some, PROXY_MAX_EPOCHS);

		if (n == 0) { /* it has no map yet */
			all->n = 0;
			return;
		}
		for (unsigned k = 0; k < n; k++)
			proxy_epochs_add(all, some[k]);
	}
}

static bool has_lease(const struct process *p)
{
	return clock_us() < atomic_load(&p->host.lease_until_us);
}

static void lease_renewed(struct process *p, uint64_t sent_us, uint64_t lease_ms)
{
	bool was_there = has_lease(p);

	if (!was_there && atomic_load(&p->reloads_wanted) == atomic_load(&p->reloads_done) &&
	    atomic_load(&p->host.lease_until_us) != 0) {
		atomic_store(&p->host.lease_until_us, 0);
		atomic_fetch_add(&p->reloads_wanted, 1);
	}
	if (atomic_load(&p->reloads_wanted) != atomic_load(&p->reloads_done))
		return;
	atomic_store(&p->host.lease_until_us, sent_us + lease_ms * 1000);
	if (!was_there)
		log_event(LOG_WARNING, "the lease is renewed: writes are accepted again");
}

static void come_back(struct process *p)
{
	struct err err = ERR_INIT;

	atomic_store(&p->host.lease_until_us, 0);
	log_event(LOG_WARNING, "this proxy was evicted: it comes back as a new incarnation",
		  LOG_U64("incarnation", p->host.incarnation));
	if (process_register(p, &err) != STATUS_OK)
		log_error(LOG_WARNING, "it could not be registered", &err);
}

static void renew(struct process *p, const struct proxy_epochs *epochs)
{
	uint64_t lease_ms = process_config(p)->lease.duration_ms, sent = clock_us();
	struct err err = ERR_INIT;
	bool evicted, had = has_lease(p);

	if (proxy_renew(process_catalog(p), p->host.incarnation, (unsigned)lease_ms, epochs,
			&evicted, &err) != STATUS_OK)
		log_error(LOG_WARNING, "the lease in the catalog could not be renewed", &err);
	else if (evicted)
		come_back(p);
	else
		lease_renewed(p, sent, lease_ms);
	if (had && !has_lease(p))
		log_event(LOG_ERROR,
			  "the lease has run out: writes are refused until it is renewed");
}

static uint64_t interval_us(const struct process *p)
{
	uint64_t ms = process_config((struct process *)p)->lease.duration_ms / 5;

	return (ms < RENEW_MS ? ms : RENEW_MS) * 1000;
}

static bool same_epochs(const struct proxy_epochs *a, const struct proxy_epochs *b)
{
	return a->n == b->n && memcmp(a->items, b->items, a->n * sizeof(a->items[0])) == 0;
}

void process_keep_lease(void *arg)
{
	struct process *p = arg;
	struct proxy_epochs told = { .n = 0 }, now;
	uint64_t renewed_us = 0;

	for (; !p->has_stopped; usleep(LOOK_MS * 1000)) {
		if (p->host.incarnation == 0)
			continue;
		gather_epochs(p, &now);
		if (same_epochs(&told, &now) && clock_us() - renewed_us < interval_us(p) &&
		    atomic_load(&p->reloads_wanted) == atomic_load(&p->reloads_done))
			continue;
		renewed_us = clock_us();
		told = now;
		renew(p, &now);
	}
}

/* ---- what others must know ---- */

enum status process_agree(struct process *p, uint64_t epoch, struct err *err)
{
	uint64_t others = 0;
	enum status st = proxy_count_others(process_catalog(p), p->host.incarnation, &others, err);

	return st == STATUS_OK && others ? proxy_agree(process_catalog(p), epoch, NULL, err) : st;
}

enum status process_tell_schema(struct process *p, struct err *err)
{
	uint64_t others = 0, epoch = 0;
	enum status st = proxy_count_others(process_catalog(p), p->host.incarnation, &others, err);

	if (st == STATUS_OK && others)
		st = proxy_tell_schema(process_catalog(p), &epoch, err);
	if (st != STATUS_OK)
		p->must_tell_schema = true;
	if (st == STATUS_OK)
		st = process_refresh(p, err);
	return st == STATUS_OK && epoch ? proxy_agree(process_catalog(p), epoch, NULL, err) : st;
}

void process_tell_late(struct process *p)
{
	struct err err = ERR_INIT;
	uint64_t epoch;

	if (p->must_tell_schema && proxy_tell_schema(process_catalog(p), &epoch, &err) == STATUS_OK)
		p->must_tell_schema = false;
}
