/* The shard map: who owns which rows. One immutable snapshot with an epoch.
 *
 * Happy path: the catalog store builds a map with map_create() and fills it, calls
 * map_seal() once (sorts, indexes, checks) and publishes it inside a world
 * (catalog/world.h). From then on nobody writes to it.
 * Failure: map_seal() refuses a map with a gap or an overlap between chunks, an
 * unknown shard or a table without its distribution: STATUS_CATALOG.
 * Ownership: everything hangs on the map's arena; map_destroy() frees it all.
 * Threads: sealed maps are read by any thread. */
#ifndef PGMOSAIC_CATALOG_MAP_H
#define PGMOSAIC_CATALOG_MAP_H

#include <stdbool.h>
#include <stdint.h>
#include "pgmosaic/base/arena.h"
#include "pgmosaic/base/err.h"
#include "pgmosaic/base/table.h"
#include "pgmosaic/key/hash.h"

#define MAP_MAX_SHARDS 256
#define MAP_MAX_KEYS   4 /* columns of a shard key */

struct map_shard {
	uint32_t id; /* catalog id, stable; the array index is not */
	const char *name;
	const char *dsn; /* libpq connection string of the primary, with the maintenance user */
	const char *replicas;
	const char *dbname; /* taken from the DSN */
	uint32_t weight;
};

enum map_method { MAP_HASH, MAP_RANGE, MAP_DIRECTORY };

struct map_chunk {
	uint32_t id;
	int64_t lo, hi; /* of the hash, both inclusive, signed order */
	uint16_t shard; /* index into shards[] */
};

struct map_distribution {
	uint32_t id;
	const char *name;
	enum map_method method;
	enum key_function function;
	uint16_t n_keys;
	uint32_t key_types[MAP_MAX_KEYS]; /* type OIDs: 20 bigint, 25 text, 2950 uuid, … */
	struct map_chunk *chunks;	  /* ascending by lo, no gap */
	uint32_t n_chunks;
};

enum map_kind { MAP_SHARDED, MAP_REFERENCE, MAP_SINGLE };

struct map_table {
	const char *schema, *name;
	enum map_kind kind;
	uint16_t distribution; /* index, when sharded */
	uint16_t home;	       /* shard index, when single */
	uint16_t n_keys;
	const char *key_columns[MAP_MAX_KEYS];
};

struct shard_map {
	struct arena arena;
	uint64_t epoch;
	const char *cluster; /* random id of the cluster, part of every gid */
	uint16_t home;	     /* index of the home shard: the one with the lowest id */
	struct map_shard *shards;
	uint16_t n_shards;
	struct map_distribution *distributions;
	uint16_t n_distributions;
	struct map_table *tables;
	uint32_t n_tables;
	struct table by_name; /* "schema"."name" → map_table */
};

struct shard_map *map_create(void);
void map_destroy(struct shard_map *map);
enum status map_seal(struct shard_map *map, struct err *err);
/* NULL: not in the map, hence a single table on the home shard. */
const struct map_table *map_find_table(const struct shard_map *map, const char *schema,
				       const char *name);
/* -1: no such one. */
int map_find_shard(const struct shard_map *map, const char *name);
int map_find_distribution(const struct shard_map *map, const char *name);
/* The shard that owns this hash. */
uint16_t map_shard_of_hash(const struct map_distribution *dist, int64_t hash);
/* A copy that may be changed and sealed again: the overlay of a transaction with DDL. */
struct shard_map *map_copy(const struct shard_map *map);

#endif
