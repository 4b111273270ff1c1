/* One statement over several shards, its answers made one. Runs in the client's fiber.
 *
 * Happy path: the session has enlisted the legs (leased, settings applied, BEGIN sent);
 * exec_run() sends each its part, merges as the plan says, writes RowDescription (when
 * wanted) and DataRows to the client, and gives the command tag. The session then writes
 * CommandComplete, commits what must be committed, and ReadyForQuery.
 * Failure: the first error of any leg, as `failure`: the server's own ErrorResponse body
 * with the position mapped back to the client's text, or our own error. Rows may have
 * been sent by then, as with one PostgreSQL. No leg is busy when exec_run() returns.
 * Back-pressure: a client that does not read stops the reading of all legs; rows held
 * for merging are bounded by the legs' watermarks, and what must be held whole by
 * `memory_bytes`.
 * Ownership: everything in the request is borrowed for the call.
 * Threads: one worker's. */
#ifndef PGMOSAIC_EXEC_EXEC_H
#define PGMOSAIC_EXEC_EXEC_H

#include "pgmosaic/backend/leg.h"
#include "pgmosaic/route/route.h"

struct exec_request {
	const struct plan *plan;
	struct str text; /* the client's statement */
	const struct scan *scan;
	const struct shard_map *map;
	bool is_extended; /* parameters and result formats count */
	bool wants_description;
	const struct param_values *params; /* NULL: none */
	const uint32_t *param_types;	   /* for Parse; 0: let the server infer */
	uint16_t n_param_types;
	const uint16_t *result_formats; /* host order: none, one for all, or one each */
	uint16_t n_result_formats;
	struct leg_party *party;
	struct leg **legs; /* ascending by shard */
	unsigned n_legs;
	struct arena *arena; /* the statement's */
	uint64_t memory_bytes, merge_rows;
	const char *memory_key; /* where memory_bytes is configured */
	struct buf *keep_rows;	/* not NULL: DataRows go here instead of to the client */
};

struct exec_failure {
	struct err err;
	struct buf body; /* an ErrorResponse body to forward as it is; empty: build from err */
};

struct exec_result {
	char tag[LEG_TAG_MAX];
	uint64_t n_rows;
	struct exec_failure failure;
};

void exec_result_init(struct exec_result *r);
void exec_result_finish(struct exec_result *r);
enum status exec_run(const struct exec_request *req, struct exec_result *result);
/* The error a leg has met, position mapped; also for single legs. */
enum status exec_leg_failed(const struct plan *plan, struct str text, struct leg *leg,
			    struct exec_failure *failure);

#endif
