/* HTTP: /metrics (OpenMetrics), /healthz, /readyz and / (a page for people).
 *
 * Happy path: monitor_start(address, &source, &m, &err) opens the port and serves from a
 * thread of its own; monitor_stop(m) ends it, waiting for answers being sent.
 *   /metrics  counters of all blocks summed, histograms, a few gauges of each shard
 *   /healthz  200 while the process serves
 *   /readyz   200 when source.ready() says so, else 503 with its reason
 * Failure: STATUS_CONFIG when the address cannot be bound.
 * Ownership: the source is copied; its blocks and ctx must outlive monitor_stop().
 * Threads: the source's functions are called on the HTTP thread, one at a time; they must
 * not block. Blocks are only read. No log-in: bind it to a private address. */
#ifndef PGMOSAIC_MONITOR_MONITOR_H
#define PGMOSAIC_MONITOR_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include "pgmosaic/base/err.h"
#include "pgmosaic/base/metrics.h"
#include "pgmosaic/config/config.h"

struct monitor;

/* Server connections to one shard, over all workers. */
struct monitor_shard {
	const char *name;
	uint64_t active, idle, connecting; /* connections */
	uint64_t waiting;		   /* clients */
};

typedef void (*monitor_shard_cb)(void *arg, const struct monitor_shard *shard);

struct monitor_source {
	void *ctx;
	struct metrics *const *blocks;
	unsigned n_blocks;
	/* false: write why into reason. */
	bool (*ready)(void *ctx, char *reason, size_t size);
	/* May be NULL: no gauges of shards. Calls add() once a shard. */
	void (*shards)(void *ctx, monitor_shard_cb add, void *arg);
	/* May be NULL. The epoch of the shard map in use; 0: none. */
	uint64_t (*map_epoch)(void *ctx);
	int socket; /* one that listens on the address already; 0: none */
};

enum status monitor_start(const struct config_address *address, const struct monitor_source *source,
			  struct monitor **out, struct err *err);
/* Accept nothing more: another process answers on this address. */
int monitor_socket(const struct monitor *m);
void monitor_quiet(struct monitor *m);
void monitor_stop(struct monitor *m); /* NULL is fine */

#endif
