/* Hashes for in-memory tables (xxHash). Shard keys are hashed in route/. */
#ifndef PGMOSAIC_BASE_HASH_H
#define PGMOSAIC_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash128 {
	uint64_t lo, hi;
};

uint64_t hash_bytes(const void *p, size_t n, uint64_t seed);
struct hash128 hash_bytes128(const void *p, size_t n, uint64_t seed);

static inline bool hash128_eq(struct hash128 a, struct hash128 b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

#endif
