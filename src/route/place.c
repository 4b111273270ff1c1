/* From a key, or bounds of keys, to shards. */
#include "internal.h"

#define DIRECTORY_KEY_MAX 1024

/* A key that the map does not have. */
static enum value_outcome find_key(const struct map_distribution *dist,
				   const struct key_value *values, const struct key_finder *finder,
				   bool places, uint16_t *shard, struct err *why)
{
	size_t n = key_canonical_size(values, dist->n_keys);
	uint8_t bytes[DIRECTORY_KEY_MAX];
	int found = -1;

	if (!finder) {
		err_set(why, STATUS_UNKNOWN_KEY,
			"the shard of this key of \"%s\" is not known here", dist->name);
		return VALUE_REFUSED;
	}
	if (n > sizeof(bytes)) {
		err_set(why, STATUS_UNROUTED, "a key of directory \"%s\" is longer than %d bytes",
			dist->name, DIRECTORY_KEY_MAX - 4 * MAP_MAX_KEYS);
		err_hint(why, "Use shorter keys, or a hash distribution.");
		return VALUE_REFUSED;
	}
	key_canonical(values, dist->n_keys, bytes);
	if (finder->find(finder->ctx, dist, bytes, n, places, &found, why) != STATUS_OK)
		return VALUE_REFUSED;
	*shard = (uint16_t)found;
	return found < 0 ? VALUE_NOTHING : VALUE_OK;
}

enum value_outcome place_values(const struct map_distribution *dist, const struct key_value *values,
				const struct key_finder *finder, bool places, uint16_t *shard,
				struct err *why)
{
	if (map_shard_of_key(dist, values, shard))
		return VALUE_OK;
	return find_key(dist, values, finder, places, shard, why);
}

void route_owners(const struct shard_map *map, const struct map_distribution *dist,
		  struct shard_set *out)
{
	bool owns[MAP_MAX_SHARDS];

	map_owners(map, dist, owns);
	for (uint16_t i = 0; i < map->n_shards; i++)
		if (owns[i])
			shard_set_add(out, i);
}

struct chunk_span {
	int64_t first, last;
};

static void cut_span(const struct map_distribution *dist, enum plan_bound_op op,
		     const struct key_value *value, struct chunk_span *span)
{
	int64_t at = map_range_chunk(dist, value);

	if (op == BOUND_GT || op == BOUND_GE) {
		if (at > span->first)
			span->first = at;
		return;
	}
	if (op == BOUND_LT && at > 0 && key_compare(&dist->chunks[at].from, value) == 0)
		at--;
	if (at < span->last)
		span->last = at;
}

/* A bound that cannot be read for sure leaves all in; NULL leaves nothing. */
static void apply_bound(struct binding *b, const struct key_bound *bound, struct chunk_span *span)
{
	enum value_outcome outcome;
	struct cell cell;

	cell_init(&cell);
	outcome = binding_read(b, &bound->source, &cell);
	if (outcome == VALUE_OK && cell.value.kind == KEY_VALUE_NULL)
		span->last = -1;
	else if (outcome == VALUE_OK)
		cut_span(b->dist, bound->op, &cell.value, span);
	cell_finish(&cell);
}

void add_intervals(struct binding *b, struct shard_set *out)
{
	const struct map_distribution *dist = b->dist;

	for (unsigned i = 0; i < b->plan->n_intervals; i++) {
		const struct key_interval *in = &b->plan->intervals[i];
		struct chunk_span span = { 0, (int64_t)dist->n_chunks - 1 };

		for (unsigned k = 0; k < in->n; k++)
			apply_bound(b, &in->bounds[k], &span);
		for (int64_t c = span.first; c <= span.last; c++)
			shard_set_add(out, dist->chunks[c].shard);
	}
	for (uint32_t i = 0; i < dist->n_placed; i++)
		shard_set_add(out, dist->keys[i].shard);
}
