/* What a worker's sessions ask of the rest of the program. Implemented by src/app.
 *
 * The calls marked (job) block on the catalog or on shards and are made on job threads
 * only; the others are quick and may be made from any worker.
 * Ownership: configs and auth books live until the process ends. */
#ifndef PGMOSAIC_SESSION_HOST_H
#define PGMOSAIC_SESSION_HOST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "pgmosaic/base/buf.h"
#include "pgmosaic/base/err.h"
#include "pgmosaic/catalog/sequence.h"
#include "pgmosaic/catalog/world.h"
#include "pgmosaic/config/config.h"
#include "pgmosaic/loop/loop.h"
#include "pgmosaic/loop/tls.h"
#include "pgmosaic/plan/plan.h"
#include "pgmosaic/wire/auth.h"

/* The users of a configuration with what is needed to check them, and the certificate to show. */
struct auth_book {
	const struct config *config;
	struct tls_server *tls;		 /* NULL: no TLS */
	struct auth_verifier *verifiers; /* as config->users */
	uint8_t mock_secret[32];
	const struct auth_book *older; /* replaced by this one, and still pointed at */
};

enum auth_found { AUTH_UNKNOWN, AUTH_FOUND, AUTH_FAILED };

/* A question for a user that is not in the file. The asker keeps it in place until `done(arg)` has
 * been called on the loop of `reply_to`. */
struct auth_lookup {
	char user[64];
	struct mailbox *reply_to;
	void (*done)(void *arg);
	void *arg;
	/* the answer */
	enum auth_found found;
	struct auth_verifier verifier; /* AUTH_FOUND */
	struct err err;		       /* AUTH_FAILED */
	void *asked;		       /* whom; the host's own */
};

struct session_host {
	void *ctx;
	/* Of this process, given by the catalog before the first world; another one after an
	 * eviction. */
	_Atomic uint64_t incarnation;
	/* Until when this proxy may write, on the monotonic clock: the catalog's lease, counted
	 * from when its last renewal was sent. */
	_Atomic uint64_t lease_until_us;
	const struct auth_book *(*book)(void *ctx); /* the newest */
	void (*find_user)(void *ctx, struct auth_lookup *ask);
	uint64_t (*next_counter)(void *ctx); /* for gids */
	/* Pass a cancel request on to the worker that holds the session; `done` is called there
	 * when the session knows. False: there is no such worker, and done is not called. */
	bool (*cancel)(void *ctx, uint32_t pid, const uint8_t *key, size_t n_key,
		       void (*done)(void *arg), void *arg);
	/* (job) Read map and schema again, publish, wait until every worker uses them. */
	enum status (*refresh)(void *ctx, struct err *err);
	/* (job) The default distribution that a new table wants, made when it is missing. */
	enum status (*ensure_distribution)(void *ctx, const struct plan_change *change,
					   const char *user, struct err *err);
	/* (job) The id of the shard that has this key of a directory; 0: none. `places`: gives it
	 * one. */
	enum status (*find_key)(void *ctx, const struct map_distribution *dist, const uint8_t *key,
				size_t n, bool places, const char *user, uint32_t *shard_id,
				struct err *err);
	/* (job) Changes of the map by DDL: before the shards commit, after, or instead. */
	enum status (*changes_begin)(void *ctx, const struct plan_change *changes, unsigned n,
				     const char *user, int64_t *intent, struct err *err);
	enum status (*changes_finish)(void *ctx, int64_t intent, struct err *err);
	/* (job) The schema changed and the map did not. Both return when every proxy knows. */
	enum status (*schema_changed)(void *ctx, struct err *err);
	void (*changes_abandon)(void *ctx, int64_t intent);
	/* (job) Blocks of shared sequences for a shard; *n: how many it got. */
	enum status (*refill)(void *ctx, const struct shard_map *map, uint16_t shard,
			      const struct sequence_need *need, unsigned *n, struct err *err);
	/* Values for the proxy itself; false: only draw() can tell. */
	bool (*draw_now)(void *ctx, const struct map_sequence *sequence, unsigned n, int64_t *out);
	enum status (*draw)(void *ctx, const struct map_sequence *sequence, unsigned n,
			    int64_t *out, struct err *err); /* (job) */
	/* (job) Before and after a statement that changes a shared sequence. */
	enum status (*release)(void *ctx, const char *schema, const char *name, const char *user,
			       struct err *err);
	enum status (*released)(void *ctx, const char *schema, const char *name, const char *user,
				struct err *err);
	/* (job) A control-port query; the answer's messages are appended to `out`, RowDescription
	 * only when wanted. False: it ended with an error. */
	bool (*admin)(void *ctx, const char *user, struct str sql, bool wants_description,
		      struct buf *out);
	/* (job) RowDescription or NoData of what it would answer. */
	bool (*admin_describe)(void *ctx, struct str sql, struct buf *out);
	/* (job) The process listens to this channel on the home shard; counted. */
	enum status (*listen)(void *ctx, const char *channel, struct err *err);
	void (*unlisten)(void *ctx, const char *channel);
	/* What this server process notifies from here on was sent by this client. */
	void (*note_sender)(void *ctx, int server_pid, uint32_t client_pid);
	bool (*is_ready)(void *ctx, char *reason, size_t size);
};

#endif
