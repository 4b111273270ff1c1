/* Where a key lies: its own place if it has one, else its chunk's. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "map_internal.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/base/hash.h"
#include "pgmosaic/base/mem.h"

#define SMALL_KEY 256

/* Keys of a directory that the catalog has told since the map was read. */
struct map_learned {
	pthread_rwlock_t lock;
	struct arena arena;
	struct table by_key;
};

/* The last chunk whose lower bound is not above the hash. */
uint16_t map_shard_of_hash(const struct map_distribution *dist, int64_t hash)
{
	uint32_t lo = 0, hi = dist->n_chunks;

	PRE(hi > 0);
	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (dist->chunks[mid].lo <= hash)
			lo = mid;
		else
			hi = mid;
	}
	return dist->chunks[lo].shard;
}

uint32_t map_range_chunk(const struct map_distribution *dist, const struct key_value *key)
{
	uint32_t lo = 0, hi = dist->n_chunks;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (key_compare(&dist->chunks[mid].from, key) <= 0)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* ---- keys with a place of their own ---- */

static bool key_matches(const void *value, const void *key)
{
	const struct map_key *a = value, *b = key;

	return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

static bool find_learned(struct map_learned *l, uint64_t hash, const struct map_key *wanted,
			 uint16_t *shard)
{
	const struct map_key *found;

	pthread_rwlock_rdlock(&l->lock);
	found = table_find(&l->by_key, hash, key_matches, wanted);
	if (found)
		*shard = found->shard;
	pthread_rwlock_unlock(&l->lock);
	return found != NULL;
}

bool map_find_key(const struct map_distribution *dist, const uint8_t *bytes, size_t n,
		  uint16_t *shard)
{
	struct map_key wanted = { bytes, (uint32_t)n, 0 };
	uint64_t hash = hash_bytes(bytes, n, 0);
	const struct map_key *found = table_find(&dist->by_key, hash, key_matches, &wanted);

	if (found)
		*shard = found->shard;
	return found || (dist->learned && find_learned(dist->learned, hash, &wanted, shard));
}

void map_learn_key(const struct map_distribution *dist, const uint8_t *bytes, size_t n,
		   uint16_t shard)
{
	struct map_learned *l = dist->learned;
	uint64_t hash = hash_bytes(bytes, n, 0);
	struct map_key *key;
	uint16_t known;

	if (!l || map_find_key(dist, bytes, n, &known))
		return;
	pthread_rwlock_wrlock(&l->lock);
	key = arena_new(&l->arena, struct map_key);
	*key = (struct map_key){ arena_copy(&l->arena, bytes, n), (uint32_t)n, shard };
	table_put(&l->by_key, hash, key);
	pthread_rwlock_unlock(&l->lock);
}

static bool find_values(const struct map_distribution *dist, const struct key_value *values,
			uint16_t *shard)
{
	size_t n = key_canonical_size(values, dist->n_keys);
	uint8_t small[SMALL_KEY], *bytes = n > sizeof(small) ? mem_alloc(n) : small;
	bool found;

	key_canonical(values, dist->n_keys, bytes);
	found = map_find_key(dist, bytes, n, shard);
	if (bytes != small)
		free(bytes);
	return found;
}

bool map_shard_of_key(const struct map_distribution *dist, const struct key_value *values,
		      uint16_t *shard)
{
	if ((dist->n_placed || dist->learned) && find_values(dist, values, shard))
		return true;
	switch (dist->method) {
	case MAP_HASH:
		*shard = map_shard_of_hash(dist, hash_key(dist->function, values, dist->n_keys));
		return true;
	case MAP_RANGE: *shard = dist->chunks[map_range_chunk(dist, values)].shard; return true;
	case MAP_DIRECTORY:
	default: return false;
	}
}

void map_owners(const struct shard_map *map, const struct map_distribution *dist,
		bool owns[MAP_MAX_SHARDS])
{
	memset(owns, 0, MAP_MAX_SHARDS * sizeof(*owns));
	for (uint16_t i = 0; i < map->n_shards && dist->method == MAP_DIRECTORY; i++)
		owns[i] = true;
	for (uint32_t i = 0; i < dist->n_chunks; i++)
		owns[dist->chunks[i].shard] = true;
	for (uint32_t i = 0; i < dist->n_placed; i++)
		owns[dist->keys[i].shard] = true;
}

/* ---- the map's life ---- */

enum status map_index_keys(const struct shard_map *map, struct map_distribution *d, struct err *err)
{
	table_finish(&d->by_key);
	table_init(&d->by_key);
	for (uint32_t i = 0; i < d->n_placed; i++) {
		if (d->keys[i].shard >= map->n_shards)
			return err_set(err, STATUS_CATALOG,
				       "a key of distribution \"%s\" has no shard", d->name);
		table_put(&d->by_key, hash_bytes(d->keys[i].bytes, d->keys[i].n, 0), &d->keys[i]);
	}
	if (d->method != MAP_DIRECTORY || d->learned)
		return STATUS_OK;
	d->learned = mem_zero(1, sizeof(*d->learned));
	pthread_rwlock_init(&d->learned->lock, NULL);
	arena_init(&d->learned->arena, 0);
	table_init(&d->learned->by_key);
	return STATUS_OK;
}

void map_forget_keys(struct map_distribution *d)
{
	table_finish(&d->by_key);
	if (!d->learned)
		return;
	table_finish(&d->learned->by_key);
	arena_finish(&d->learned->arena);
	pthread_rwlock_destroy(&d->learned->lock);
	free(d->learned);
}

void map_copy_keys(struct arena *a, struct map_distribution *d)
{
	table_init(&d->by_key);
	d->learned = NULL;
	for (uint32_t i = 0; i < d->n_placed; i++)
		d->keys[i].bytes = arena_copy(a, d->keys[i].bytes, d->keys[i].n);
	for (uint32_t i = 0; i < d->n_chunks && d->method == MAP_RANGE; i++) {
		struct map_chunk *c = &d->chunks[i];

		if (c->from.kind == KEY_VALUE_BYTES || c->from.kind == KEY_VALUE_NUMERIC)
			c->from.bytes = arena_copy(a, c->from.bytes, c->from.n);
		c->from_text = arena_strdup(a, c->from_text);
	}
}
