/* Which line of the client's COPY data a line sent to one shard was, for the errors that tell it.
 */
#ifndef SESSION_COPY_LINES_H
#define SESSION_COPY_LINES_H

#include <stdint.h>
#include "pgmosaic/base/buf.h"

/* The distance to the line before, a byte each (255: the next four bytes hold it). */
struct line_map {
	struct buf deltas;
	uint64_t last;
};

void line_map_init(struct line_map *m); /* bounded: past it, errors tell no line */
void line_map_finish(struct line_map *m);
/* The next line sent was this one. */
void line_map_note(struct line_map *m, uint64_t line);
/* The client's line for a shard's; 0: not known. */
uint64_t line_map_client(const struct line_map *m, uint64_t shard_line);
/* Where a field of an ErrorResponse, "WCOPY t, line 68, column k", tells the line; NULL: it does
 * not. */
const char *line_in_context(const char *field);

#endif
