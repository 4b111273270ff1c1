/* The hash of a shard key as SQL, for checks and counts on the shards themselves. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pgmosaic/key/type.h"
#include "pgmosaic/catalog/pq.h"
#include "pgmosaic/catalog/shard.h"
#include "shard_internal.h"

/* A sum of bigints brought back into 64 bits, as unsigned addition in C wraps. */
static const char *wrap(struct arena *a, const char *sum)
{
	return arena_printf(
		a,
		"(pg_catalog.mod(pg_catalog.mod(%s + 9223372036854775808::numeric, "
		"18446744073709551616::numeric) + 18446744073709551616::numeric, "
		"18446744073709551616::numeric) - 9223372036854775808::numeric)::bigint",
		sum);
}

/* hash_combine64: so_far ^ (next + C + (so_far << 54) + (so_far >> 7)), the shift unsigned. */
static const char *combine(struct arena *a, const char *so_far, const char *next)
{
	const char *sum = arena_printf(a,
				       "(%s::numeric + 5305509591434766563 + (%s << 54) + "
				       "((%s >> 7) & 144115188075855871))",
				       next, so_far, so_far);

	return arena_printf(a, "(%s # %s)", so_far, wrap(a, sum));
}

static const char *one_hash(struct arena *a, uint32_t type, const char *column, struct err *err)
{
	const struct key_type *t = key_type_of(type);
	const char *hash = t ? t->hash : NULL, *at;

	if (!hash) {
		err_set(err, STATUS_UNROUTED, "SQL cannot compute the hash of a key of type %s",
			t ? t->names[0] : "unknown");
		return NULL;
	}
	at = strstr(hash, "%s");
	return arena_printf(a, "%.*s(%s)%s", (int)(at - hash), hash, column, at + 2);
}

const char *hash_sql(struct arena *a, const struct map_distribution *dist,
		     const uint32_t *column_types, const char *const *columns, struct err *err)
{
	const char *hash = "0::bigint";

	if (dist->function != KEY_FUNCTION_PG) {
		err_set(err, STATUS_UNROUTED, "SQL cannot compute hash function xxh3");
		return NULL;
	}
	for (unsigned i = 0; i < dist->n_keys; i++) {
		const char *next = one_hash(a, column_types[i], columns[i], err);

		if (!next)
			return NULL;
		if (dist->n_keys == 1)
			return arena_printf(a, "coalesce(%s, 0)", next);
		hash = arena_printf(a, "CASE WHEN %s IS NULL THEN %s ELSE %s END", columns[i], hash,
				    combine(a, hash, next));
	}
	return hash;
}

const char *hash_foreign_sql(struct arena *a, const struct map_distribution *dist, uint16_t shard,
			     const char *hash)
{
	const char *lows = "", *owned = "";
	unsigned n_foreign = 0;

	for (uint32_t i = 0; i < dist->n_chunks; i++)
		n_foreign += dist->chunks[i].shard != shard;
	if (n_foreign == 0)
		return "false";
	/* width_bucket() finds the chunk by its lower bound; its number tells the owner. */
	for (uint32_t i = 0; i < dist->n_chunks; i++) {
		lows = arena_printf(a, "%s%s%" PRId64, lows, i ? "," : "", dist->chunks[i].lo);
		owned = arena_printf(a, "%s%s%s", owned, i ? "," : "",
				     dist->chunks[i].shard == shard ? "f" : "t");
	}
	return arena_printf(a, "('{%s}'::boolean[])[pg_catalog.width_bucket(%s, '{%s}'::bigint[])]",
			    owned, hash, lows);
}
