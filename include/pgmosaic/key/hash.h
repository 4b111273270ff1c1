/* The hash of a shard key: PostgreSQL's own, or XXH3-64.
 *
 * KEY_FUNCTION_PG is what stock SQL computes on any shard, so that a shard can check and
 * filter its rows by chunk:
 *	smallint, integer, bigint   hashint8extended(k, 8816678312871386365)
 *	text, varchar               hashtextextended(k, …)
 *	bpchar, uuid                hashbpcharextended, uuid_hash_extended
 *	boolean, date               hashcharextended, hashint4extended (days from 2000-01-01)
 *	timestamp, timestamptz      timestamp_hash_extended
 *	bytea                       hashvarlenaextended, which SQL reaches through an array
 *	numeric, inet and cidr      hash_numeric_extended, hashinetextended
 * One column: that value itself. Several: PostgreSQL's hash_combine64 from 0, column by
 * column, NULLs skipped, as its own hash partitioning does. Only NULLs: 0.
 *
 * KEY_FUNCTION_XXH3 is XXH3-64 (seed 0) of the canonical binary form: what the type's send
 * function gives, with smallint and integer widened to bigint (8 bytes, big-endian) and
 * bpchar without its trailing spaces; inet as family, prefix length, address; numeric in the
 * form that key/value.h tells. Several columns: each preceded by its length as a
 * 4-byte big-endian integer, NULL as length -1, one hash over all. Only NULLs: 0.
 *
 * Hashes are compared as signed 64-bit integers; chunk bounds are inclusive.
 *
 * The order of values (key_compare) is PostgreSQL's for numbers, dates, uuid and bytea, and
 * that of collation "C" for text. NULL is the least.
 * Pure. */
#ifndef PGMOSAIC_KEY_HASH_H
#define PGMOSAIC_KEY_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_PARTITION_SEED UINT64_C(0x7A5B22367996DCFD)

enum key_function { KEY_FUNCTION_PG, KEY_FUNCTION_XXH3 };

enum key_value_kind {
	KEY_VALUE_NULL,
	KEY_VALUE_NUMBER,
	KEY_VALUE_BYTES,
	KEY_VALUE_NUMERIC, /* bytes in the ordered form of numeric.c */
};

struct key_value {
	enum key_value_kind kind;
	uint8_t width; /* NUMBER: bytes of the binary form: 1 boolean, 4 date, 8 the rest */
	int64_t number;
	const void *bytes; /* BYTES, NUMERIC: borrowed */
	size_t n;
};

int64_t hash_pg_number(int64_t value);
int64_t hash_pg_bytes(const void *p, size_t n);
/* PostgreSQL's hash_combine64: `hash` of the columns so far, `next` of the next one. */
int64_t hash_pg_combine(int64_t hash, int64_t next);

int64_t hash_key(enum key_function function, const struct key_value *values, unsigned n);
int key_compare(const struct key_value *a, const struct key_value *b);

/* One key as bytes that are equal exactly when the keys are: each column preceded by its length
 * as a 4-byte big-endian integer (NULL: -1), each in its canonical form. */
size_t key_canonical_size(const struct key_value *values, unsigned n);
void key_canonical(const struct key_value *values, unsigned n, uint8_t *out);

#endif
