/* Memory by lifetime: everything taken from an arena ends with it.
 *
 * Happy path: arena_init(&a, limit), any number of arena_alloc() and friends,
 * arena_finish(&a), or arena_reset(&a) to use it again (the first block stays).
 * Failure: above limit_bytes, or out of memory, the process aborts only for
 * limit_bytes == 0; with a limit the allocation returns NULL, and the caller
 * answers STATUS_LIMIT.
 * Memory is zeroed and aligned for any type. Threads: one at a time. */
#ifndef PGMOSAIC_BASE_ARENA_H
#define PGMOSAIC_BASE_ARENA_H

#include <stddef.h>
#include "pgmosaic/base/str.h"

struct arena_block;

struct arena {
	struct arena_block *head;
	size_t used_bytes;
	size_t limit_bytes; /* 0: no limit */
};

void arena_init(struct arena *a, size_t limit_bytes);
void arena_finish(struct arena *a);
void arena_reset(struct arena *a);
void *arena_alloc(struct arena *a, size_t size);
#define arena_new(a, type)	((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (n)))
void *arena_copy(struct arena *a, const void *p, size_t size);
/* Terminated copies. */
char *arena_strdup(struct arena *a, const char *text);
char *arena_strndup(struct arena *a, const char *text, size_t n);
struct str arena_str(struct arena *a, struct str s);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
