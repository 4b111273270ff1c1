/* A map of four shards and sixteen chunks, and plans made by hand. */
#ifndef PGMOSAIC_TESTS_UNIT_ROUTE_FIXTURE_H
#define PGMOSAIC_TESTS_UNIT_ROUTE_FIXTURE_H

#include "pgmosaic/key/hash.h"
#include "pgmosaic/route/route.h"
#include "pgmosaic/key/value.h"

#define N_CHUNKS 16

struct fixture {
	struct map_chunk chunks[N_CHUNKS];
	struct map_distribution dist;
	struct map_shard shards[4];
	struct shard_map map;
	struct plan plan;
	struct key_source sources[8];
};

static inline void fixture_map(struct fixture *f, uint16_t n_keys, uint32_t type)
{
	uint64_t step = UINT64_C(1) << 60;

	memset(f, 0, sizeof(*f));
	for (unsigned i = 0; i < N_CHUNKS; i++) {
		f->chunks[i].lo = (int64_t)((uint64_t)INT64_MIN + step * i);
		f->chunks[i].hi = (int64_t)((uint64_t)INT64_MIN + step * i + (step - 1));
		f->chunks[i].shard = (uint16_t)(i % 4);
	}
	f->dist = (struct map_distribution){
		.method = MAP_HASH, .n_keys = n_keys, .chunks = f->chunks, .n_chunks = N_CHUNKS
	};
	for (unsigned i = 0; i < MAP_MAX_KEYS; i++)
		f->dist.key_types[i] = type;
	f->map = (struct shard_map){ .home = 3,
				     .shards = f->shards,
				     .n_shards = 4,
				     .distributions = &f->dist,
				     .n_distributions = 1 };
	f->plan.target = TARGET_KEYS;
	f->plan.must_be_shard = -1;
	f->plan.keys.n_keys = n_keys;
	f->plan.keys.n_rows = 1;
	f->plan.keys.sources = f->sources;
}

static inline uint16_t owner(const struct fixture *f, int64_t hash)
{
	return f->chunks[((uint64_t)hash + (UINT64_C(1) << 63)) >> 60].shard;
}

static inline uint16_t owner_of_int(const struct fixture *f, int64_t v)
{
	return owner(f, hash_pg_number(v));
}

static inline uint16_t owner_of_text(const struct fixture *f, const char *v)
{
	return owner(f, hash_pg_bytes(v, strlen(v)));
}

#endif
