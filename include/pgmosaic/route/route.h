/* Plan + literals + parameters → shards. The only place where a shard key is hashed
 * for routing.
 *
 * Happy path: route_bind() fills a set of shards; one member: forward, several: the
 * plan's merge. For MERGE_INSERT route_rows() gives each VALUES row's shard.
 * Failure: a key whose value this code cannot read exactly as PostgreSQL would is an
 * error (0A000 with a hint), never a guess; a parameter count or length that breaks
 * the protocol is STATUS_PROTOCOL. A text that no PostgreSQL version could read as the
 * key's type routes to the home shard, which raises the exact error.
 * Bounds (k >= 5) on a RANGE distribution leave shards out; one that is not understood leaves
 * none out.
 * Pure: no I/O, no clock, no globals; same input, same answer; but for what a key_finder is
 * asked. */
#ifndef PGMOSAIC_ROUTE_ROUTE_H
#define PGMOSAIC_ROUTE_ROUTE_H

#include <stdbool.h>
#include <stdint.h>
#include "pgmosaic/base/err.h"
#include "pgmosaic/catalog/map.h"
#include "pgmosaic/plan/plan.h"

struct shard_set {
	uint64_t bits[MAP_MAX_SHARDS / 64];
	uint16_t n;
};

void shard_set_add(struct shard_set *s, uint16_t shard);
bool shard_set_has(const struct shard_set *s, uint16_t shard);
/* Ascending iteration: start with -1; -1 at the end. */
int shard_set_next(const struct shard_set *s, int after);

/* The parameters of a Bind message, pointing into it. */
struct param_values {
	uint16_t n;
	uint16_t n_formats;	    /* 0: all text; 1: `formats[0]` for all; else n */
	const uint8_t *formats;	    /* big-endian int16 each, in the message */
	const uint8_t *const *data; /* NULL: SQL NULL */
	const int32_t *length;
};

/* Who knows the keys of a directory that the map lacks: the catalog. Asked from within the calls
 * below, and may wait. */
struct key_finder {
	/* *shard: the owner; < 0: no shard has the key, so no row has it. With `places` a key
	 * that has no owner gets one. */
	enum status (*find)(void *ctx, const struct map_distribution *dist, const uint8_t *key,
			    size_t n, bool places, int *shard, struct err *err);
	void *ctx;
};

struct route {
	struct shard_set shards;
	bool any; /* TARGET_ANY: shards holds the home shard, but any one will do */
};

/* finder NULL: a key that the map lacks is STATUS_UNKNOWN_KEY. */
enum status route_bind(const struct plan *plan, struct str text, const struct scan *scan,
		       const struct param_values *params, const struct shard_map *map,
		       const struct key_finder *finder, struct route *out, struct err *err);
/* MERGE_INSERT: shards[i] for row i, plan->keys.n_rows of them. */
enum status route_rows(const struct plan *plan, struct str text, const struct scan *scan,
		       const struct param_values *params, const struct shard_map *map,
		       uint16_t *shards, struct err *err);

/* Every shard that may hold rows of the distribution. */
void route_owners(const struct shard_map *map, const struct map_distribution *dist,
		  struct shard_set *out);

/* One key value as text (COPY text and CSV fields, SET mosaic.shard_key): NULL text: SQL NULL.
 * typmods: VALUE_TYPMOD() of the columns, or NULL: none. */
enum status route_key_text(const struct map_distribution *dist, const struct str *values,
			   const uint32_t *column_types, const int32_t *typmods,
			   const struct key_finder *finder, uint16_t *shard, struct err *err);
/* One key value in binary form (COPY BINARY). */
enum status route_key_binary(const struct map_distribution *dist, const uint8_t *const *values,
			     const int32_t *lengths, const uint32_t *column_types,
			     const int32_t *typmods, const struct key_finder *finder,
			     uint16_t *shard, struct err *err);

#endif
