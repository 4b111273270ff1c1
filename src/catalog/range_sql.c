/* Whose a row of a RANGE distribution is, as SQL. */
#include <string.h>

#include "pgmosaic/catalog/pq.h"
#include "pgmosaic/catalog/shard.h"
#include "pgmosaic/key/type.h"

const char *range_foreign_sql(struct arena *a, const struct map_distribution *dist, uint16_t shard,
			      const char *column)
{
	const struct key_type *type = key_type_of(dist->key_types[0]);
	const char *owned = "",
		   *collate = strcmp(type->names[0], "text") == 0 ? "COLLATE \"C\"" : "";
	const char **bounds = arena_array(a, const char *, dist->n_chunks);
	unsigned n_foreign = 0;

	for (uint32_t i = 0; i < dist->n_chunks; i++) {
		bool is_foreign = dist->chunks[i].shard != shard;

		n_foreign += is_foreign;
		owned = arena_printf(a, "%s%s%s", owned, i ? "," : "", is_foreign ? "t" : "f");
		if (i > 0)
			bounds[i - 1] = dist->chunks[i].from_text;
	}
	if (n_foreign == 0 || n_foreign == dist->n_chunks)
		return n_foreign ? "true" : "false";
	/* width_bucket() counts the bounds at or below the key; NULL belongs to the first chunk. */
	return arena_printf(
		a,
		"('{%s}'::boolean[])[coalesce(pg_catalog.width_bucket((%s)::%s %s, (%s)::%s[]), 0) + 1]",
		owned, column, type->names[0], collate,
		pq_literal(a, pq_make_array(a, bounds, dist->n_chunks - 1)), type->names[0]);
}
