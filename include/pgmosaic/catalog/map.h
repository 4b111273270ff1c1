/* The shard map: who owns which rows. One immutable snapshot with an epoch.
 *
 * Happy path: the catalog store builds a map with map_create() and fills it, calls
 * map_seal() once (sorts, indexes, checks) and publishes it inside a world
 * (catalog/world.h). From then on nobody writes to it, but for map_learn_key().
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
	int64_t lo, hi; /* HASH: of the hash, both inclusive, signed order */
	uint16_t shard; /* index into shards[] */
	/* RANGE: the least key; the chunk ends where the next one begins. NULL, "": no bound */
	struct key_value from;
	const char *from_text;
};

/* A key with a place of its own: pinned, or in a directory. */
struct map_key {
	const uint8_t *bytes; /* as key_canonical() writes it */
	uint32_t n;
	uint16_t shard;
};

/* Where the first sight of a key in a directory places it. */
enum map_policy { MAP_ROUND_ROBIN, MAP_LEAST_LOADED, MAP_ON_SHARD };

struct map_learned;

struct map_distribution {
	uint32_t id;
	const char *name;
	enum map_method method;
	enum key_function function;
	uint16_t n_keys;
	uint32_t key_types[MAP_MAX_KEYS]; /* type OIDs: 20 bigint, 25 text, 2950 uuid, … */
	struct map_chunk *chunks;	  /* ascending, no gap; DIRECTORY: none */
	uint32_t n_chunks;
	struct map_key *keys;
	uint32_t n_placed;	     /* keys[] */
	struct table by_key;	     /* their hashes → map_key */
	enum map_policy policy;	     /* DIRECTORY */
	uint16_t policy_shard;	     /* MAP_ON_SHARD */
	struct map_learned *learned; /* DIRECTORY: keys seen since the map was read */
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

/* A sequence that all shards and proxies draw from (catalog/sequence.h). */
struct map_sequence {
	uint32_t id;
	uint32_t home_oid; /* of the home shard's object */
	const char *schema, *name;
	uint64_t generation; /* changes whenever blocks leased before are void */
	int64_t increment;
	uint64_t block; /* values leased at once */
	bool is_ready;	/* false: it is being taken over or changed, nobody may draw */
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
	struct map_sequence *sequences; /* ascending by schema and name */
	uint32_t n_sequences;
	struct table by_name; /* "schema"."name" → map_table */
};

struct shard_map *map_create(void);
void map_destroy(struct shard_map *map);
enum status map_seal(struct shard_map *map, struct err *err);
/* NULL: not in the map, hence a single table on the home shard. */
const struct map_table *map_find_table(const struct shard_map *map, const char *schema,
				       const char *name);
/* NULL: every shard's object of that name, if there is any, stands for itself. */
const struct map_sequence *map_find_sequence(const struct shard_map *map, const char *schema,
					     const char *name);
/* -1: no such one. */
int map_find_shard(const struct shard_map *map, const char *name);
int map_find_distribution(const struct shard_map *map, const char *name);
/* The shard that owns this hash. */
uint16_t map_shard_of_hash(const struct map_distribution *dist, int64_t hash);
/* ---- where a key lies (map_place.c) ---- */
/* false: a directory that does not have the key as far as this map knows; ask the catalog. */
bool map_shard_of_key(const struct map_distribution *dist, const struct key_value *values,
		      uint16_t *shard);
/* The same of a placed key alone, in canonical form. */
bool map_find_key(const struct map_distribution *dist, const uint8_t *bytes, size_t n,
		  uint16_t *shard);
/* What the catalog has said of a directory's key. It holds as long as the map: keys that move do
 * so with a new epoch. From any thread. */
void map_learn_key(const struct map_distribution *dist, const uint8_t *bytes, size_t n,
		   uint16_t shard);
/* Which shards may hold rows: owners of chunks and of placed keys; every one for a directory. */
void map_owners(const struct shard_map *map, const struct map_distribution *dist,
		bool owns[MAP_MAX_SHARDS]);
/* The chunk of a key in a RANGE distribution; NULL belongs to the first. */
uint32_t map_range_chunk(const struct map_distribution *dist, const struct key_value *key);

/* A copy that may be changed and sealed again: the overlay of a transaction with DDL. */
struct shard_map *map_copy(const struct shard_map *map);

#endif
