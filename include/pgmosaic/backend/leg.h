/* A server connection on loan to one client's transaction, seen from a fiber: send, wait,
 * look at the reply.
 *
 * Happy path, in a fiber:
 *	leg_begin(leg, LEG_ROWS_KEEP);
 *	wire_put_query(conn_out(leg->conn), …); conn_sent(leg->conn, 1);
 *	leg_await(leg);
 *	if (leg->failed) … leg->err, leg->error_body …
 * Several legs are sent to first and awaited afterwards: they run at the same time.
 * Rows: kept whole in leg->rows up to the high watermark (then the server is not read
 * until leg_consumed()), dropped, or handed to `sink` as they come.
 * Failure: an ErrorResponse sets `failed` and keeps its body; the loss of the
 * connection sets `lost` and `failed` with 08006 naming the shard. The first error of an
 * exchange is the one kept.
 * Notices and changed settings go to the client through the party's callbacks.
 * Ownership: the session owns legs; the conn inside is a loan.
 * Threads: one worker's. */
#ifndef PGMOSAIC_BACKEND_LEG_H
#define PGMOSAIC_BACKEND_LEG_H

#include "pgmosaic/backend/pool.h"
#include "pgmosaic/loop/fiber.h"

#define LEG_TAG_MAX 80

enum leg_rows { LEG_ROWS_DROP, LEG_ROWS_KEEP, LEG_ROWS_SINK };

struct leg;

/* What the legs of one client have in common. */
struct leg_party {
	struct loop *loop;
	struct fiber *fiber;   /* woken by every event; may be NULL between statements */
	struct stream *client; /* where rows go; its fullness pauses the servers */
	unsigned n_waiting;    /* for server connections */
	bool is_gone;	       /* the client left: finish what must be finished, send nothing */
	bool is_canceled;      /* the client asked to cancel, or its time is up */
	bool is_uncancelable;  /* from the first PREPARE of a commit on */
	uint64_t give_up_ms;   /* loop time after which busy connections are closed; 0: never */
	void *owner;
	void (*on_notice)(void *owner, struct leg *leg, const uint8_t *body, size_t n);
	void (*on_parameter)(void *owner, const char *name, const char *value);
	void (*on_lost)(void *owner, struct leg *leg); /* last: may end the owner */
};

struct leg {
	struct leg_party *party;
	struct conn *conn; /* NULL: lost, or not yet leased */
	uint16_t shard;
	char shard_name[64];
	uint32_t shard_id;
	/* the session's notes: why it keeps the conn between transactions, and what to look at */
	unsigned pins;
	bool may_unpin, is_suspect;

	/* its part of the client's transaction */
	bool in_txn;   /* BEGIN was sent */
	bool looks_on; /* nothing of the client's ran there, only descriptions and settings */
	bool wrote;    /* or may have */
	bool has_xid;  /* a command tag proved that rows were changed */
	bool is_prepared;
	bool no_prepare; /* its part can only be the deciding one: temporary tables, NOTIFY */

	/* the reply to the present exchange */
	enum leg_rows rows_mode;
	bool failed, lost;
	bool is_suspended, is_empty, copy_in, copy_out, copy_done;
	bool has_description, no_data;
	unsigned n_parsed; /* ParseComplete seen */
	struct err err;
	enum { LEG_NOT_FATAL, LEG_FATAL } severity;
	struct buf error_body;	/* the server's ErrorResponse; empty when the error is ours */
	struct buf description; /* body of the RowDescription, or of CopyIn/OutResponse */
	struct buf parameters;	/* body of the ParameterDescription */
	struct buf rows;	/* whole DataRow messages, or whole CopyData messages */
	uint64_t n_rows;
	char tag[LEG_TAG_MAX];
	/* LEG_ROWS_SINK: runs of whole DataRow (CopyData) messages */
	void (*sink)(void *ctx, struct leg *leg, const uint8_t *p, size_t n, unsigned n_rows);
	void *sink_ctx;
};

void leg_init(struct leg *leg, struct leg_party *party, uint16_t shard, uint32_t shard_id,
	      const char *shard_name);
void leg_finish(struct leg *leg); /* the conn must have been given back */
/* Put the conn under this leg's reply handling. */
void leg_attach(struct leg *leg, struct conn *c);
/* Forget the last reply. */
void leg_begin(struct leg *leg, enum leg_rows mode);
bool leg_is_busy(const struct leg *leg);
/* Wait until every ReadyForQuery has come and no cancel request is under way, or the connection is
 * lost. */
void leg_await(struct leg *leg);
void leg_await_all(struct leg **legs, unsigned n);
/* leg_begin, one simple query, leg_await; false when it failed. */
bool leg_query(struct leg *leg, const char *sql, enum leg_rows mode);
/* n bytes of `rows` were used: read on if the server was paused. */
void leg_consumed(struct leg *leg, size_t n);
/* The client's queue has drained: let paused servers go on. */
void leg_resume(struct leg *leg);
/* Why a connection was lost, for the client. */
void leg_loss(const struct leg *leg, const struct conn *c, struct err *err);
/* The transaction is over but the connection stays on loan. It is closed if it is not clean. */
void leg_keep(struct leg *leg);
/* Give the connection back (cleaned by the pool) or close it. */
void leg_release(struct leg *leg);
void leg_drop(struct leg *leg);
/* The error of a leg, prepared for the client. */
void leg_fail(struct leg *leg, const struct err *err);
/* Lease a connection for each leg that has none, all at once, waiting in the fiber. The first leg
 * that got none, its err says why; NULL: all have one. */
struct leg *leg_lease_all(struct leg **legs, struct pool **pools, unsigned n,
			  uint64_t settings_hash);

#endif
