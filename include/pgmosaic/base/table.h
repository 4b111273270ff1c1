/* A hash table from a 64-bit hash to a pointer; the caller compares the keys.
 *
 * Happy path: table_init(); table_put(t, hash, value); walk the entries of one
 * hash with table_find(t, hash, match, key); table_remove(); table_finish().
 * Ownership: values stay the caller's. Threads: one at a time. */
#ifndef PGMOSAIC_BASE_TABLE_H
#define PGMOSAIC_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_slot {
	uint64_t hash;
	void *value; /* NULL: free; TABLE_GONE: removed */
};

struct table {
	struct table_slot *slots;
	size_t size; /* power of two, or 0 */
	size_t n, n_gone;
};

typedef bool (*table_match)(const void *value, const void *key);

void table_init(struct table *t);
void table_finish(struct table *t);
void table_put(struct table *t, uint64_t hash, void *value);
void *table_find(const struct table *t, uint64_t hash, table_match match, const void *key);
/* Remove this very value; false when it is not there. */
bool table_remove(struct table *t, uint64_t hash, const void *value);
/* Iterate: start with *at = 0; NULL at the end. No put during it. */
void *table_next(const struct table *t, size_t *at);

#endif
