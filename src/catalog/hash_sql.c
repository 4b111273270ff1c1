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

static enum status column_types(struct pq *pq, const struct map_table *t, uint32_t *types,
				struct err *err)
{
	for (unsigned i = 0; i < t->n_keys; i++) {
		uint64_t oid;
		enum status st = pq_u64(
			pq, err, &oid,
			"SELECT a.atttypid FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON "
			"c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
			"WHERE n.nspname = $1 AND c.relname = $2 AND a.attname = $3 AND a.attnum > 0 "
			"AND NOT a.attisdropped",
			3, t->schema, t->name, t->key_columns[i]);

		if (st == STATUS_UNDEFINED)
			return err_set_code(err, STATUS_UNDEFINED, "42703",
					    "%s: column \"%s\" of table \"%s\" does not exist",
					    pq->who, t->key_columns[i], t->name);
		if (st != STATUS_OK)
			return st;
		types[i] = (uint32_t)oid;
	}
	return STATUS_OK;
}

static enum status count_foreign(struct pq *pq, struct arena *a, const struct shard_map *map,
				 uint16_t shard, const struct map_table *t, uint64_t *count,
				 struct err *err)
{
	const struct map_distribution *d = &map->distributions[t->distribution];
	const char *columns[MAP_MAX_KEYS], *hash;
	uint32_t types[MAP_MAX_KEYS];
	enum status st = column_types(pq, t, types, err);

	if (st != STATUS_OK)
		return st;
	for (unsigned i = 0; i < t->n_keys; i++)
		columns[i] = pq_ident(a, t->key_columns[i]);
	hash = hash_sql(a, d, types, columns, err);
	if (!hash)
		return err->status;
	return pq_u64(pq, err, count,
		      arena_printf(a, "SELECT count(*) FROM ONLY %s.%s WHERE %s",
				   pq_ident(a, t->schema), pq_ident(a, t->name),
				   hash_foreign_sql(a, d, shard, hash)),
		      0);
}

enum status shard_misplaced_rows(const char *dsn, const struct shard_map *map, uint16_t shard,
				 const struct map_table *table, uint64_t *count, struct err *err)
{
	struct pq pq = { .pg = NULL };
	struct arena a;
	enum status st = pq_open(&pq, NULL, dsn, SHARD_CONNECT_TIMEOUT_S, err);

	if (st != STATUS_OK)
		return st;
	arena_init(&a, 0);
	st = count_foreign(&pq, &a, map, shard, table, count, err);
	arena_finish(&a);
	pq_close(&pq);
	return st;
}
