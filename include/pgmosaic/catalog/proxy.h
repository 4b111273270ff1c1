/* Several proxies on one catalog: leases, acknowledged epochs, eviction.
 *
 * Happy path of a proxy: proxy_register() gives its incarnation; proxy_join_shard() makes it
 * known on each shard; from then on proxy_renew() about once a second. Every server connection
 * says mosaic.hello(cluster, incarnation, epoch) before anything else.
 * Happy path of a change of the map: commit it, then proxy_agree(): when it returns, no proxy
 * acts on an older map any more.
 * What makes it safe is no clock. A proxy counts as agreed when it has acknowledged the epoch
 * (every statement planned under an older one has ended there), or when it has been evicted on
 * every shard: its incarnation is refused there by hello, and its sessions are gone. Leases only
 * say whom to wait for and whom to evict.
 * Failure: 55006 when a live proxy does not follow in time; 08006 when a shard on which somebody
 * must be evicted cannot be reached. The caller then changes the map back and calls
 * proxy_agree_undone().
 * Waiting: every call blocks. Job threads only.
 * docs/internals/catalog.md tells why each detail is as it is. */
#ifndef PGMOSAIC_CATALOG_PROXY_H
#define PGMOSAIC_CATALOG_PROXY_H

#include "pgmosaic/catalog/store.h"

#define PROXY_MAX_EPOCHS 16

/* ---- of this proxy ---- */

struct proxy_start {
	const char *name, *version, *host;
	int pid;
	unsigned lease_ms;
};

/* What a renewal tells: the epochs in use, ascending: those of statements under way and those
 * that new statements are planned under. n == PROXY_MAX_EPOCHS: there may be more. */
struct proxy_epochs {
	uint64_t items[PROXY_MAX_EPOCHS];
	unsigned n;
};

void proxy_epochs_add(struct proxy_epochs *set, uint64_t epoch);

/* The incarnation is unique for every start of every proxy. */
enum status proxy_register(struct catalog *c, const struct proxy_start *start,
			   uint64_t *incarnation, struct err *err);
/* Over a connection of its own, for one thread, so that nothing else holds it up. *evicted: the
 * incarnation is no more; register again. */
enum status proxy_renew(struct catalog *c, uint64_t incarnation, unsigned lease_ms,
			const struct proxy_epochs *epochs, bool *evicted, struct err *err);
/* Whether the catalog still counts this incarnation among the living. */
enum status proxy_is_member(struct catalog *c, uint64_t incarnation, bool *is_member,
			    struct err *err);
/* A clean end: no statement of it runs any more. */
void proxy_forget(struct catalog *c, uint64_t incarnation);
/* Schema mosaic on the shard, and this incarnation known there. Doing it again does no harm. Only
 * for an incarnation that proxy_is_member() after the shard was read from the catalog. */
enum status proxy_join_shard(const char *dsn, const char *cluster, uint64_t incarnation,
			     struct err *err);

/* ---- of all ---- */

/* Evict it everywhere if its lease has run out. *evicted (may be NULL): it is gone. */
enum status proxy_evict_expired(struct catalog *c, uint64_t incarnation, bool *evicted,
				struct err *err);
/* Until every proxy uses `epoch` or a newer one, or is evicted. extra_dsn: a server that is no
 * shard any more and still counts; may be NULL. */
enum status proxy_agree(struct catalog *c, uint64_t epoch, const char *extra_dsn, struct err *err);
/* The map of `bad` was changed back by `undone`: until no proxy uses it, or one in between that was
 * built on it. Those still at older ones do not matter. */
enum status proxy_agree_undone(struct catalog *c, uint64_t bad, uint64_t undone,
			       const char *extra_dsn, struct err *err);
/* All have agreed: from now on shards refuse connections of those that have not. Best effort, it
 * only closes the door a second time. */
void proxy_refuse_older(struct catalog *c, uint64_t epoch);
/* How many other proxies live. */
enum status proxy_count_others(struct catalog *c, uint64_t incarnation, uint64_t *n,
			       struct err *err);
/* The schema changed, the map did not: other proxies are to read it again. *epoch: the new one. */
enum status proxy_tell_schema(struct catalog *c, uint64_t *epoch, struct err *err);

/* One row, as text, for SHOW PROXIES. */
struct proxy_row {
	const char *incarnation, *name, *host, *pid, *version, *started, *epoch, *lease_left_ms;
	const char *state; /* live, expired, evicting, evicted */
};

enum status proxy_list(struct catalog *c, struct arena *a, struct proxy_row **rows, unsigned *n,
		       struct err *err);

#endif
