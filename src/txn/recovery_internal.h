/* Connections of one recovery pass: opened at first need, at most one to each shard. */
#ifndef TXN_RECOVERY_INTERNAL_H
#define TXN_RECOVERY_INTERNAL_H

#include <stdbool.h>
#include "pgmosaic/catalog/pq.h"
#include "pgmosaic/txn/gid.h"
#include "pgmosaic/txn/recovery.h"

struct recovery {
	const struct shard_map *map;
	struct recovery_report *report;
	struct arena arena;
	struct pq conns[MAP_MAX_SHARDS];
	bool tried[MAP_MAX_SHARDS];
	struct err last; /* why a shard could not be asked */
};

enum recovery_decision { DECISION_COMMIT, DECISION_ABORT, DECISION_NONE, DECISION_UNKNOWN };

void recovery_init(struct recovery *r, const struct shard_map *map, struct recovery_report *report);
void recovery_finish(struct recovery *r);
/* NULL: cannot be reached, or is a standby; counted once. */
struct pq *recovery_conn(struct recovery *r, uint16_t shard);
/* Index of the shard with this catalog id; -1: not in the map. */
int recovery_shard(const struct shard_map *map, uint32_t id);
/* What the decider's log says now: NONE when it has no row. */
enum recovery_decision recovery_read(struct pq *decider, const char *gid, const char *owner);
/* Delete log rows that nobody can need any more. */
void recovery_clean(struct recovery *r);

#endif
