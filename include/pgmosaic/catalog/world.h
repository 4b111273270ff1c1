/* What a plan is made against: a shard map and a schema snapshot, together, with
 * one number that changes whenever either does.
 *
 * Ownership: reference counted; the holder of a world holds both parts alive.
 * Threads: world_hold() and world_drop() from any thread; the content is read-only. */
#ifndef PGMOSAIC_CATALOG_WORLD_H
#define PGMOSAIC_CATALOG_WORLD_H

#include <stdatomic.h>
#include "pgmosaic/catalog/map.h"
#include "pgmosaic/catalog/oids.h"
#include "pgmosaic/catalog/schema.h"

struct world {
	_Atomic unsigned refs;
	uint64_t version; /* unique in this process, ascending */
	struct shard_map *map;
	struct schema *schema;
	struct oids *oids; /* NULL: every shard's are home's */
};

/* Takes ownership of all; one reference held by the caller. */
struct world *world_create(struct shard_map *map, struct schema *schema, struct oids *oids);
struct world *world_hold(struct world *w);
void world_drop(struct world *w); /* NULL is fine */

#endif
