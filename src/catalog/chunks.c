#include "chunks.h"

#include "pgmosaic/base/check.h"
#include "pgmosaic/catalog/map.h"

int64_t chunk_lo(uint32_t i, uint32_t n)
{
	unsigned __int128 all = (unsigned __int128)1 << 64;

	PRE(n > 0 && i <= n);
	return (int64_t)((uint64_t)(all * i / n) ^ (uint64_t)INT64_MIN);
}

int64_t chunk_hi(uint32_t i, uint32_t n)
{
	return i + 1 == n ? INT64_MAX : chunk_lo(i + 1, n) - 1;
}

/* Smooth weighted round robin: everyone's credit grows by its weight, the richest takes the
 * chunk and pays the sum of all weights. */
bool chunks_deal(uint32_t n_chunks, const uint32_t *weights, unsigned n_shards, uint16_t *owners)
{
	int64_t credit[MAP_MAX_SHARDS] = { 0 }, total = 0;

	PRE(n_shards <= MAP_MAX_SHARDS);
	for (unsigned s = 0; s < n_shards; s++)
		total += weights[s];
	if (total == 0)
		return false;
	for (uint32_t i = 0; i < n_chunks; i++) {
		int best = -1;

		for (unsigned s = 0; s < n_shards; s++) {
			credit[s] += weights[s];
			if (weights[s] && (best < 0 || credit[s] > credit[best]))
				best = (int)s;
		}
		credit[best] -= total;
		owners[i] = (uint16_t)best;
	}
	return true;
}
