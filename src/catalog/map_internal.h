/* The map's own: sealing, copying and destroying the places of keys (map_place.c). */
#ifndef CATALOG_MAP_INTERNAL_H
#define CATALOG_MAP_INTERNAL_H

#include "pgmosaic/catalog/map.h"

/* The table of the placed keys, and room for those a directory learns. */
enum status map_index_keys(const struct shard_map *map, struct map_distribution *d,
			   struct err *err);
/* `d` is a copy of another map's distribution: what it points at becomes its own. */
void map_copy_keys(struct arena *a, struct map_distribution *d);
void map_forget_keys(struct map_distribution *d);

#endif
