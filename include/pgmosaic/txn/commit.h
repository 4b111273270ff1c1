/* Ending a transaction over several legs. Runs in the client's fiber.
 *
 * Happy path: at most one leg wrote: COMMIT there, then on the others. More: two-phase
 * commit with a deciding shard (docs/internals/two-phase-commit.md):
 *	decider has an xid          SELECT pg_current_xact_id() unless a tag proved it
 *	participants, in parallel   log row, PREPARE TRANSACTION
 *	decider                     log row 'commit', COMMIT        <- this is the decision
 *	participants, in parallel   COMMIT PREPARED
 *	legs that only read         COMMIT
 * Failure before the decision: everything is rolled back and *failed is the leg whose
 * error the client gets. The decider lost at its COMMIT: STATUS_UNKNOWN_OUTCOME; recovery
 * finds out and ends the others. A participant lost after the decision: success, with
 * `n_left` counting what recovery has still to end.
 * Legs are out of the transaction when this returns; those that are lost have no conn.
 * A client that cancels or leaves changes nothing once PREPARE has begun.
 * Threads: one worker's. */
#ifndef PGMOSAIC_TXN_COMMIT_H
#define PGMOSAIC_TXN_COMMIT_H

#include "pgmosaic/backend/leg.h"
#include "pgmosaic/base/arena.h"

struct commit_request {
	struct leg_party *party;
	struct leg **legs;
	unsigned n_legs;
	const char *cluster;
	uint64_t incarnation;  /* of this proxy process */
	uint64_t counter;      /* unique in this process */
	bool has_role;	       /* SET ROLE is in force: PREPARE must not record it */
	uint64_t phase_two_ms; /* longest wait for COMMIT PREPARED; 0: no limit */
	struct arena *arena;
};

struct commit_outcome {
	struct leg *failed; /* its error is the transaction's; NULL: see err */
	struct err err;
	unsigned n_left;
	bool was_two_phase;
};

enum status txn_commit(const struct commit_request *req, struct commit_outcome *out);
/* ROLLBACK on every leg; what cannot be rolled back is closed. */
void txn_rollback(struct leg **legs, unsigned n);

#endif
