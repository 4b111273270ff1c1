/* Cutting the signed 64-bit hashes into equal chunks and dealing them to shards. Pure. */
#ifndef CATALOG_CHUNKS_H
#define CATALOG_CHUNKS_H

#include <stdbool.h>
#include <stdint.h>

/* The bounds of chunk i of n, both inclusive. 0 < n <= 65536. */
int64_t chunk_lo(uint32_t i, uint32_t n);
int64_t chunk_hi(uint32_t i, uint32_t n);
/* owners[i]: index of the shard of chunk i. Each shard's share follows its weight, and its
 * chunks lie as far apart as they can: with equal weights 0 1 2 0 1 2 … Weight 0: none. false:
 * every weight is 0. At most 256 shards. */
bool chunks_deal(uint32_t n_chunks, const uint32_t *weights, unsigned n_shards, uint16_t *owners);

#endif
