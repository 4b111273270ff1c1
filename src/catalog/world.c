#include "pgmosaic/catalog/world.h"

#include <stdlib.h>

#include "pgmosaic/base/check.h"
#include "pgmosaic/base/mem.h"

static _Atomic uint64_t last_version;

struct world *world_create(struct shard_map *map, struct schema *schema, struct oids *oids)
{
	struct world *w = mem_zero(1, sizeof(*w));

	atomic_init(&w->refs, 1);
	w->version = atomic_fetch_add(&last_version, 1) + 1;
	w->map = map;
	w->schema = schema;
	w->oids = oids;
	return w;
}

struct world *world_hold(struct world *w)
{
	atomic_fetch_add_explicit(&w->refs, 1, memory_order_relaxed);
	return w;
}

void world_drop(struct world *w)
{
	unsigned before;

	if (!w)
		return;
	before = atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel);
	PRE(before > 0);
	if (before > 1)
		return;
	map_destroy(w->map);
	schema_destroy(w->schema);
	oids_drop(w->oids);
	free(w);
}
