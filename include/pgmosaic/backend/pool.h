/* Ready connections to one shard for one user, in one worker.
 *
 * Happy path: pool_take() gives an idle connection at once, preferring one that has
 * the wanted settings in force. Otherwise pool_wait() queues; `on_lease` is called from
 * a later loop turn, never from inside pool_wait().
 * Waiting:  arrival order; a connection is dialed while the pool is below its size
 * (`reserve` more once a waiter has waited 1 s).
 * Failure:  on_lease gets conn == NULL and an error: STATUS_POOL_FULL after
 * timeouts.queue, STATUS_BACKEND when the server cannot be reached and no connection of
 * this pool lives, STATUS_CANCELED by pool_wait_cancel().
 * Ownership: the caller owns `struct lease` and keeps it in place until on_lease has
 * been called, exactly once.
 * Threads: one worker's. */
#ifndef PGMOSAIC_BACKEND_POOL_H
#define PGMOSAIC_BACKEND_POOL_H

#include "pgmosaic/backend/conn.h"
#include "pgmosaic/backend/login.h"

struct metrics;

struct pool_limits {
	unsigned size, min_size, reserve;
	uint64_t max_lifetime_ms, idle_timeout_ms, queue_timeout_ms, connect_timeout_ms;
	/* TCP; 0: the system's default */
	uint64_t keepalive_idle_ms, keepalive_interval_ms, user_timeout_ms;
	unsigned keepalive_count;
	uint32_t message_bytes; /* largest message accepted from a server */
};

struct lease {
	struct list node;
	void (*on_lease)(struct lease *lease, struct conn *c, const struct err *err);
	void *owner;
	uint64_t since_ms;
	uint64_t settings_hash;
	bool is_queued;
};

/* Who opens the connections: what each says to mosaic.hello() before anything else. */
struct pools_identity {
	char cluster[40];
	uint64_t incarnation, epoch;
};

/* One per worker. */
struct pools {
	struct loop *loop;
	struct list all;
	struct table by_key;
	struct timer tick;
	struct pool_limits limits;
	struct pools_identity identity;
	struct metrics *metrics;
	struct logins logins;
	uint8_t *scratch; /* what the worker's connections read into */
	uint64_t next_conn_id;
	_Atomic unsigned n_conns; /* read by other threads, too */
	unsigned generation;	  /* connections of an older one are closed once they are free */
	bool is_paused;		  /* every connection is closed once it is free */
	bool closing;
	struct oids *oids;	      /* of the newest world */
	void (*on_gone)(void *owner); /* after pools_close(): the last connection has gone */
	void *owner;
};

#define POOL_SCRATCH_BYTES (128u << 10)

struct pool {
	struct list node; /* of pools.all */
	struct pools *pools;
	char user[64];
	char *dsn;
	char shard_name[64];
	uint32_t shard_id;
	uint16_t shard;
	const struct shard_oids *oids; /* NULL: its OIDs are home's */
	struct list idle, leased, cleaning, waiting;
	struct list cancels; /* connections whose cancel request waits for a job thread */
	unsigned n_cancel_jobs;
	unsigned n_idle, n_leased, n_cleaning, n_dialing, n_waiting, n_closing;
	uint64_t retry_at_ms; /* after a failed dial */
	struct err last_error;
	/* learnt from the first connection */
	char search_path[256];
	bool is_known;
	bool is_retired; /* shard dropped or DSN changed: close as it empties */
};

void pools_init(struct pools *ps, struct loop *l, const struct pool_limits *limits,
		struct metrics *metrics);
/* Close every connection; on_gone when the last one has gone. */
void pools_close(struct pools *ps, void (*on_gone)(void *owner), void *owner);
/* Who we are from now on. Another incarnation: every connection of the former one ends at once,
 * and its user is told that it is lost. */
void pools_identify(struct pools *ps, const struct pools_identity *identity);
/* After on_gone: free the pools themselves. */
void pools_finish(struct pools *ps);
/* Close all connections as they become free; those opened from now on stay. */
void pools_renew(struct pools *ps);
/* The pool for this shard and user, made on first use. A changed DSN retires the old one. */
struct pool *pools_get(struct pools *ps, uint32_t shard_id, uint16_t shard, const char *shard_name,
		       const char *dsn, const char *user);
/* A client has logged in as `user` and brought this; pools of that user dial with it from now
 * on, at once even after a failure. */
void pools_put_login(struct pools *ps, const char *user, const struct login *login);
/* What is known of the shards' OIDs from here on; held. */
void pools_set_oids(struct pools *ps, struct oids *oids);
/* A connection is idle, or one more may be dialed at once. */
bool pool_has_room(const struct pool *p);
struct conn *pool_take(struct pool *p, uint64_t settings_hash);
void pool_wait(struct pool *p, struct lease *lease);
/* on_lease is still called, with STATUS_CANCELED, from inside this call. */
void pool_wait_cancel(struct pool *p, struct lease *lease);
const char *conn_state_name(enum conn_state state);

#endif
