/* Shared sequences, seen from a statement: blocks for the shards it runs on, values that the proxy
 * draws, and giving a sequence back before it is changed.
 *
 * Waiting: all of it in the session's fiber. Failure: what returns false has told the client. */
#ifndef SESSION_DRAW_H
#define SESSION_DRAW_H

#include "internal.h"

/* A shard said 2200H. True: it has another block, run the statement again. `why` is what the client
 * is told otherwise. n_tries counts up. */
bool draw_refill(struct session *s, const struct plan *plan, struct leg **legs, unsigned n,
		 unsigned *n_tries, const struct err *why);
/* Before a COPY, which cannot run again. */
bool draw_ahead(struct session *s, const struct plan *plan, struct leg **legs, unsigned n);

/* The 40001 for a statement that cannot run again. */
void draw_too_long(struct err *err);

/* In the client's transaction: what has failed is undone, the transaction goes on. */
bool draw_mark(struct leg **legs, unsigned n, bool again);
bool draw_unmark(struct leg **legs, unsigned n);
bool draw_undo(struct leg **legs, unsigned n);

/* The statement with its values: planned and run. */
bool draw_run(struct session *s, struct statement *st);

/* Before and after a statement that changes a shared sequence. */
bool draw_release(struct session *s, const struct plan *plan);
void draw_released(struct session *s, const struct plan *plan);

#endif
