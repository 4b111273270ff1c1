/* A worker: one thread, one loop, its clients, its server connections, its plans.
 *
 * Happy path: worker_create(); worker_start(); worker_adopt() hands it accepted sockets;
 * worker_set_world() a new map; worker_drain() lets clients end; worker_stop() ends it.
 * Nothing is shared with other workers but immutable snapshots and atomics.
 * Threads: the functions here may be called from any thread, unless they say otherwise. */
#ifndef PGMOSAIC_SESSION_WORKER_H
#define PGMOSAIC_SESSION_WORKER_H

#include "pgmosaic/base/metrics.h"
#include "pgmosaic/session/host.h"

struct worker;

struct worker *worker_create(unsigned index, const struct session_host *host,
			     struct metrics *metrics);
void worker_start(struct worker *w);
/* A client's socket; is_control: it came in on the control port. */
void worker_adopt(struct worker *w, int fd, bool is_unix, bool is_control);
unsigned worker_n_clients(const struct worker *w);
/* Clients that have not proved who they are yet, on the main or on the control port. */
unsigned worker_n_logins(const struct worker *w, bool is_control);
unsigned worker_n_control(const struct worker *w); /* those of the control port among them */
unsigned worker_n_servers(const struct worker *w);
/* No client takes a server connection any more, and each is closed as it becomes free; or again as
 * ever. `on_done` is called on the worker's thread when that is in force. */
void worker_pause(struct worker *w, bool is_paused, void (*on_done)(void *arg), void *arg);
/* Server connections are replaced as they become free. */
void worker_renew(struct worker *w);
/* Limits and pool sizes of the newest configuration. */
void worker_configure(struct worker *w);
/* End a client's connection; on_done, on the worker's thread, tells whether there was one. */
void worker_kill(struct worker *w, uint64_t id, void (*on_done)(void *arg, bool found), void *arg);
/* Which worker a client id belongs to. */
unsigned worker_of_client(uint64_t id);
/* Takes one reference. `on_used` is called on the worker's thread when no statement planned
 * before uses an older one any more; may be NULL. */
void worker_set_world(struct worker *w, struct world *world, void (*on_used)(void *arg), void *arg);
/* The map epochs that statements of this worker act on or may be planned under, ascending, as
 * they were a moment ago; statements only move to newer ones. Not more than `max`, the newest
 * left out. 0: there is no map yet. */
unsigned worker_epochs(struct worker *w, uint64_t *out, unsigned max);
void worker_cancel(struct worker *w, uint32_t pid, const uint8_t *key, size_t n_key,
		   void (*done)(void *arg), void *arg);
/* No new statements outside of transactions; clients leave as they become idle. */
void worker_drain(struct worker *w);
/* Close everything and end the thread; returns when it has ended. */
void worker_stop(struct worker *w);
void worker_destroy(struct worker *w);
/* To every client that listens to this channel; channel NULL: notifications may have been lost. */
void worker_notify(struct worker *w, const char *channel, const char *payload, uint32_t pid);
/* Which worker a cancel key's pid belongs to. */
unsigned worker_of_pid(uint32_t pid);

/* What SHOW CLIENTS, SERVERS and POOLS list; strings are copied. Called back on the worker's
 * thread, `done` last. */
struct worker_address {
	char host[48];
	unsigned port;
};
struct worker_client {
	uint64_t id;
	const char *user, *database, *state, *application_name, *pinned, *tls;
	struct worker_address remote, local;
	uint64_t server_id; /* one that is lent to it; 0: none */
	unsigned n_prepared;
	uint64_t connected_ms_ago, statement_ms_ago, wait_ms;
	bool is_control;
};
struct worker_server {
	uint64_t id;
	const char *user, *shard, *state, *application_name;
	struct worker_address remote, local;
	uint64_t client_id; /* whom it is lent to; 0: nobody */
	int server_pid;
	bool is_old, is_tls; /* is_old: closed as soon as it is free */
	uint64_t opened_ms_ago, used_ms_ago;
	unsigned n_prepared;
};
struct worker_pool {
	const char *user, *shard;
	unsigned n_idle, n_leased, n_cleaning, n_dialing, n_waiting, n_canceling, n_being_canceled;
	unsigned n_idle_clients;
	uint64_t oldest_wait_ms;
};
struct worker_visitor {
	void *ctx;
	void (*client)(void *ctx, const struct worker_client *c);
	void (*server)(void *ctx, const struct worker_server *s);
	void (*pool)(void *ctx, const struct worker_pool *p);
	void (*done)(void *ctx);
};
/* The visitor must live until `done`. */
void worker_visit(struct worker *w, const struct worker_visitor *v);

#endif
