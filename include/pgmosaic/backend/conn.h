/* One server connection: opened by libpq on a job thread, then driven by our codec.
 *
 *              dial ok                 pool_take / on_lease
 *   DIALING ------------> IDLE ---------------------------> LEASED
 *      |                   ^  ^                                |
 *      |                   |  +--------------------------------+ conn_release, clean
 *      |                   |                                   |
 *      |                   +------- CLEANING <-----------------+ conn_release, in a transaction or
 * with |                  answered     |                         a session's state: ROLLBACK and |
 * |                         DISCARD ALL are sent first
 *      +----------> CLOSING <----------+  any failure, age, conn_close
 *                      | poll handle closed and no cancel under way
 *                      v
 *                    (freed)
 *
 * LEASED never goes straight to IDLE with an open transaction, with temporary tables, locks or
 * cursors of a session (`needs_discard`), with answers outstanding or with a cancel request under
 * way: the next client would meet them.
 *
 * Messages: while LEASED whole messages go to `user->on_messages`; the end of the
 * connection to `user->on_lost`, once, after which the conn is gone for the user.
 * Ownership: the pool owns conns; a lease is a loan.
 * Threads: one worker's. */
#ifndef PGMOSAIC_BACKEND_CONN_H
#define PGMOSAIC_BACKEND_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include "pgmosaic/base/arena.h"
#include "pgmosaic/base/err.h"
#include "pgmosaic/base/table.h"
#include "pgmosaic/catalog/oids.h"
#include "pgmosaic/loop/stream.h"

enum conn_state { CONN_DIALING, CONN_IDLE, CONN_LEASED, CONN_CLEANING, CONN_CLOSING };

struct conn;
struct pool;

struct conn_user {
	/* [p, p+n) is whole messages only. May release or close the conn as its last act. */
	void (*on_messages)(void *owner, struct conn *c, const uint8_t *p, size_t n);
	void (*on_lost)(void *owner, struct conn *c);
	/* Its queue is short again, or no cancel request is under way any more. */
	void (*on_drained)(void *owner, struct conn *c);
};

#define CONN_PARAMETERS 16

struct conn_parameter {
	char name[40];
	char value[128];
};

/* A column whose values hold OIDs (home's type), in binary form. */
struct conn_deep {
	uint16_t column;
	uint32_t type;
};

/* What a Bind carries. Formats are in host order; `types` are home's. */
struct conn_bind {
	const uint32_t *types;
	uint16_t n_types;
	const uint16_t *formats;
	uint16_t n_formats;
	const uint8_t *const *values;
	const int32_t *lengths;
	uint16_t n_values;
	const uint16_t *result_formats;
	uint16_t n_result_formats;
};

struct conn {
	/* read-only to users */
	struct stream stream;
	struct pool *pool;
	enum conn_state state;
	uint16_t shard;
	char tx_status;	    /* of the last ReadyForQuery: I, T, E */
	uint32_t n_pending; /* ReadyForQuery still to come */
	bool is_doomed;	    /* the server has said FATAL: nobody gets this connection again */
	uint64_t opened_ms, used_ms, leased_ms;
	uint64_t id;
	uint64_t incarnation; /* under which it is recorded on the shard */
	int server_pid;
	struct conn_parameter parameters[CONN_PARAMETERS]; /* as the server last reported */
	unsigned n_parameters;
	/* the user's notes, kept over leases */
	uint64_t settings_hash; /* which session settings are in force; 0: the server's own */
	uint64_t world_version; /* when its prepared statements were made */
	struct table prepared;	/* statement ids prepared here */
	bool needs_discard;	/* holds state that only DISCARD ALL ends */
	bool must_close;	/* holds state that nothing ends */
	/* private */
	struct list node;
	struct conn_deep *deep; /* of the rows to come */
	uint16_t n_deep;
	struct buf in;
	const struct conn_user *user;
	void *owner;
	void *pg;		 /* PGconn */
	void *cancel;		 /* PGcancel */
	struct list cancel_node; /* of pool.cancels */
	unsigned generation;	 /* of pools.generation, when it was dialed */
	bool is_canceling;	 /* a cancel request is queued or under way */
	bool release_wanted;
	bool is_too_long; /* lost because of a message over limits.message */
};

/* Queue bytes for the server; `n_ready` ReadyForQuery messages will answer them. */
void conn_send(struct conn *c, const void *p, size_t n, unsigned n_ready);
/* Or build into conn_out() and declare it. */
static inline struct buf *conn_out(struct conn *c)
{
	return &c->stream.out;
}
void conn_sent(struct conn *c, unsigned n_ready);
/* Note a 'Z' or 'S' seen in on_messages (the user scans the bytes anyway). */
void conn_saw_ready(struct conn *c, char tx_status);
/* Returns false when the value is what was known already. */
bool conn_saw_parameter(struct conn *c, const char *name, const char *value);
const char *conn_parameter(const struct conn *c, const char *name); /* NULL: not reported */
void conn_set_user(struct conn *c, const struct conn_user *user, void *owner);
/* Ask the server to cancel what it runs, on a job thread. Until is_canceling ends the conn is lent
 * to nobody else, and its user sends it nothing new. Nothing runs, or one is under way: nothing. */
void conn_cancel(struct conn *c);
/* Give up on a server that does not answer: the user sees the connection lost. */
void conn_abandon(struct conn *c);
/* End of the loan: clean now, cleaned by ROLLBACK and DISCARD ALL, or closed if answers are
 * outstanding. */
void conn_release(struct conn *c);
/* End of loan and connection. */
void conn_close(struct conn *c);
bool conn_has_prepared(const struct conn *c, uint64_t id);
void conn_note_prepared(struct conn *c, uint64_t id, bool prepared);
void conn_forget_prepared(struct conn *c);

/* ---- translate.c: OIDs of user tables and types are home's for everybody but the server ---- */
/* Parse and Bind with the server's own; the arena keeps changed values until they are copied. */
void conn_put_parse(struct conn *c, const char *name, const char *text, size_t n_text,
		    const uint32_t *types, uint16_t n_types);
void conn_put_bind(struct conn *c, struct arena *arena, const char *portal, const char *statement,
		   const struct conn_bind *b);
/* Rows come without a description: their columns one by one, by home's type. Only when
 * c->pool->oids is not NULL. Forgotten at the next RowDescription or ReadyForQuery. */
void conn_expect(struct conn *c, uint16_t column, uint32_t type, uint16_t format);
void conn_expect_none(struct conn *c);
/* DISCARD ALL was answered: it is as new. */
void conn_discarded(struct conn *c);

#endif
