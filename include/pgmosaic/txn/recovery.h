/* Recovery: ending distributed transactions whose proxy did not.
 *
 * Happy path: recovery_pass() every few seconds on a thread of its own. It asks each shard for
 * prepared transactions of this cluster older than the grace time, finds or makes the decision
 * on their decider, and commits or rolls back; then it deletes log rows nobody can need.
 * Safe with any number of proxies at once, and with an owner that is dead or merely slow.
 * Failure: a shard that cannot be asked is skipped and counted; a decider in flight is left for
 * the next pass. The status is an error only when no shard at all could be asked.
 * Waiting: blocks, with time limits on every statement. Never on a worker.
 * docs/internals/two-phase-commit.md is the protocol. */
#ifndef PGMOSAIC_TXN_RECOVERY_H
#define PGMOSAIC_TXN_RECOVERY_H

#include "pgmosaic/base/arena.h"
#include "pgmosaic/base/err.h"
#include "pgmosaic/catalog/map.h"

#define RECOVERY_MAX_OWNERS 8

struct recovery_report {
	unsigned n_committed, n_aborted; /* prepared parts ended now */
	unsigned n_waiting;		 /* their decider could not be asked, or is in flight */
	unsigned n_unreachable;		 /* shards */
	unsigned n_cleaned;		 /* transactions whose log rows were deleted */
	/* Incarnations of which a part could not be decided because the decider is in flight. */
	uint64_t waiting_for[RECOVERY_MAX_OWNERS];
	unsigned n_waiting_for;
};

enum status recovery_pass(const struct shard_map *map, unsigned grace_ms,
			  struct recovery_report *report, struct err *err);

/* One prepared part, for SHOW TRANSACTIONS. */
struct recovery_item {
	const char *gid, *shard, *owner, *prepared_at; /* text as the server shows it */
	const char *decider;			       /* a shard's name, or "unknown" */
	const char *decision; /* "commit", "abort", "none yet", "unknown" */
};

struct recovery_list {
	struct arena arena;
	struct recovery_item *items;
	unsigned n, n_unreachable;
};

/* All prepared parts of this cluster, young ones too. Ends with recovery_list_finish(). */
enum status recovery_list(const struct shard_map *map, struct recovery_list *out, struct err *err);
void recovery_list_finish(struct recovery_list *list);

#endif
