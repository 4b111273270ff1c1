/* libpg_query exports XXH symbols of its own; the inlined form cannot clash. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "pgmosaic/base/hash.h"

uint64_t hash_bytes(const void *p, size_t n, uint64_t seed)
{
	return XXH3_64bits_withSeed(p, n, seed);
}

struct hash128 hash_bytes128(const void *p, size_t n, uint64_t seed)
{
	XXH128_hash_t h = XXH3_128bits_withSeed(p, n, seed);

	return (struct hash128){ h.low64, h.high64 };
}
