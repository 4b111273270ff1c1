/* Binding a plan's keys, shared by route.c and place.c. */
#ifndef ROUTE_INTERNAL_H
#define ROUTE_INTERNAL_H

#include "pgmosaic/key/value.h"
#include "pgmosaic/route/route.h"

struct binding {
	const struct plan *plan;
	struct str text;
	const struct scan *scan;
	const struct param_values *params;
	const struct key_finder *finder;
	const struct map_distribution *dist;
	struct shard_set *shards;
	uint16_t last; /* the shard added last */
	struct key_value values[MAP_MAX_KEYS];
	struct err why;
};

/* The value of one source that is no array. */
enum value_outcome binding_read(struct binding *b, const struct key_source *source,
				struct cell *cell);
/* The owner of a whole key. VALUE_NOTHING: no shard has it. VALUE_REFUSED with `why`. */
enum value_outcome place_values(const struct map_distribution *dist, const struct key_value *values,
				const struct key_finder *finder, bool places, uint16_t *shard,
				struct err *why);
/* The owners of what plan->intervals leave of a RANGE distribution. */
void add_intervals(struct binding *b, struct shard_set *out);

#endif
