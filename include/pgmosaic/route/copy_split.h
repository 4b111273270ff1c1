/* COPY … FROM STDIN: a stream of bytes → complete rows, each with the shard that owns it.
 *
 * Happy path: copy_splitter_create(); copy_splitter_feed() with every CopyData's bytes, cut
 * anywhere; copy_splitter_finish() at CopyDone; copy_splitter_destroy(). `on_row` is called
 * from inside feed and finish, in the order of the input, with whole rows, line ends
 * included. Only owners of chunks get any: one that has no row still needs its COPY begun and
 * ended, so that what the header line says is checked. What every server needs (the header line,
 * the binary header and trailer) comes with COPY_TO_ALL. The end marker \. is not passed on, nor
 * what follows it. Failure: a row whose key no server could read, or that has too few fields, goes
 * to the home shard (or, when it owns no chunk, to an owner), which raises PostgreSQL's own error.
 * A key the proxy is not sure of is 0A000; line ends of two kinds are 22P04; a row past the limit
 * is STATUS_LIMIT. After an error the splitter takes nothing more. Ownership: the rows handed out
 * live until on_row returns; `finder` (NULL is fine) as long as the splitter. The plan and the map
 * must outlive the splitter. Threads: one at a time. Memory: at most one row and one feed. */
#ifndef PGMOSAIC_ROUTE_COPY_SPLIT_H
#define PGMOSAIC_ROUTE_COPY_SPLIT_H

#include <stddef.h>
#include <stdint.h>
#include "pgmosaic/base/err.h"
#include "pgmosaic/catalog/map.h"
#include "pgmosaic/plan/plan.h"
#include "pgmosaic/route/route.h"

#define COPY_TO_ALL UINT16_MAX

/* Another status than STATUS_OK, with *err set, ends the split with it. */
typedef enum status (*copy_row_fn)(void *ctx, uint16_t shard, const uint8_t *row, size_t n,
				   struct err *err);

struct copy_splitter;

/* `plan` is a PLAN_COPY_IN into a sharded table: its `copy`, `distribution`, and `keys` for
 * key columns that are not copied (KEY_TEXT or KEY_NULL; no sources: all are copied). */
struct copy_splitter *copy_splitter_create(const struct plan *plan, const struct shard_map *map,
					   const struct key_finder *finder, size_t row_limit_bytes,
					   copy_row_fn on_row, void *ctx);
enum status copy_splitter_feed(struct copy_splitter *s, const uint8_t *p, size_t n,
			       struct err *err);
enum status copy_splitter_finish(struct copy_splitter *s, struct err *err);
/* Rows handed out to one shard so far; the header is not one. */
uint64_t copy_splitter_rows(const struct copy_splitter *s);
void copy_splitter_destroy(struct copy_splitter *s);

#endif
