/* The running process: what its threads share.
 *
 * Main thread: the control loop: listeners, signals, the end. Workers: clients. One thread
 * watches the catalog, one keeps the lease there, one ends transactions in doubt, one listens for
 * notifications; libmicrohttpd
 * has its own. What they share is here: immutable snapshots behind `mutex`, and atomics. */
#ifndef APP_PROCESS_H
#define APP_PROCESS_H

#include <pthread.h>
#include <stdatomic.h>

#include "pgmosaic/admin/admin.h"
#include "pgmosaic/admin/runtime.h"
#include "pgmosaic/catalog/channels.h"
#include "pgmosaic/catalog/sequence.h"
#include "pgmosaic/catalog/store.h"
#include "pgmosaic/config/config.h"
#include "pgmosaic/loop/listener.h"
#include "pgmosaic/monitor/monitor.h"
#include "pgmosaic/session/host.h"
#include "pgmosaic/session/worker.h"

#define PROCESS_MAX_LISTENERS 16

struct takeover; /* takeover.c */

struct process_member {
	uint32_t shard_id;
	uint64_t incarnation, dsn_hash;
	bool is_known; /* false: it could not be reached; the watcher tries again */
};

struct process {
	const char *config_path;
	struct takeover *takeover;
	_Atomic(const struct auth_book *) book;
	struct session_host host;
	struct loop *loop;
	struct listener listeners[2][PROCESS_MAX_LISTENERS]; /* main, control */
	unsigned n_listeners[2];
	struct signal_watch signals[3];
	struct timer stop_timer;
	struct mailbox *mailbox;
	struct worker **workers;
	unsigned n_workers;
	struct metrics **blocks; /* one a worker, the last one the process's own */
	struct lookups *lookups; /* of users that are not in the configuration */
	struct admin *admin;
	struct admin_runtime runtime;
	struct monitor *monitor[4];
	unsigned n_monitors;
	uint64_t started_us;
	struct {
		struct metrics_total total;
		uint64_t at_us; /* 0: not yet */
	} period[2];		/* of statistics: begin and end of the last one; under mutex */
	struct timer period_timer;
	_Atomic uint64_t counter;
	_Atomic bool is_ready, is_stopping, workers_end, is_paused, has_failed;
	_Atomic bool has_stopped; /* the workers have ended: nothing runs on shards any more */
	uint64_t stop_deadline_ms;
	loop_thread watcher, recoverer, notifier, keeper, sequencer;
	struct channels *channels;
	struct sequences *sequences;

	pthread_mutex_t mutex;	       /* world, not_ready */
	pthread_mutex_t refresh_mutex; /* one refresh at a time */
	pthread_mutex_t reload_mutex;  /* one reload of the configuration at a time */
	_Atomic(struct catalog *) catalog;
	struct world *world;
	char not_ready[256];

	/* lease.c: after a lease has run out the world is read again before anything is written */
	_Atomic uint64_t reloads_wanted, reloads_done;
	_Atomic bool must_tell_schema;
	pthread_mutex_t members_mutex; /* where this incarnation is known */
	struct process_member members[MAP_MAX_SHARDS];
	unsigned n_members;
};

/* world.c */
struct world *process_world(struct process *p); /* held; NULL: none yet */
enum status process_refresh(struct process *p, struct err *err);
void process_watch(void *arg);			    /* thread */
void process_recover(void *arg);		    /* thread */
struct catalog *process_catalog(struct process *p); /* NULL: not reached yet */

/* lease.c */
enum status process_register(struct process *p, struct err *err);
void process_keep_lease(void *arg); /* thread */
/* This proxy is known on every shard of the map that can be reached; a shard is tried once. */
enum status process_join(struct process *p, const struct shard_map *map, struct err *err);
/* The same for those that could not be reached; all of them when `anew`. False: some still cannot.
 */
bool process_join_rest(struct process *p, bool anew);
/* Until the other proxies, if there are any, have taken over this epoch. */
enum status process_agree(struct process *p, uint64_t epoch, struct err *err);
/* DDL left the map as it is: every proxy reads the schema again, this one first. */
enum status process_tell_schema(struct process *p, struct err *err);
/* What could not be told at the time. */
void process_tell_late(struct process *p);

/* sequencer.c */
void process_sequence(void *arg); /* thread */
/* Sequences that DDL has made, changed or dropped, then the world. */
enum status process_refresh_all(struct process *p, bool gives, struct err *err);
void process_sync_sequences(struct process *p);
void sequencer_fill(struct process *p);

/* host.c: what sessions, the control port and HTTP ask for */
void host_fill(struct process *p);
void runtime_fill(struct process *p);
void runtime_note_metrics(struct process *p);
enum status process_reload_config(struct process *p, struct err *err);
const struct config *process_config(struct process *p);
void process_shutdown(struct process *p, bool wait);

/* book.c: users and certificates of a configuration. Slow: a key is derived from each password;
 * keys of users that are unchanged since `older` (or NULL) are taken over. */
struct auth_book *book_create(const struct config *cfg, const struct auth_book *older,
			      struct err *err);
/* All of them, newest first; the end of the process. */
void books_destroy(const struct auth_book *book);
/* NULL in *out: TLS is off. */
enum status book_load_tls(const struct config *cfg, struct tls_server **out, struct err *err);

/* takeover.c: another process takes this one's place, or this one takes another's */
enum status takeover_begin(struct process *p, bool wanted, struct err *err);
/* The listening socket that came with the place; -1: none for this address. */
int takeover_socket(struct process *p, int which, const char *address);
/* This process serves: listen for a successor; and the predecessor, if there is one, drains. */
void takeover_ready(struct process *p);
bool takeover_has_predecessor(const struct process *p);
/* A cancel request may be for a client of the predecessor's. Any thread. */
void takeover_cancel(struct process *p, uint32_t pid, const uint8_t *key, size_t n_key);
void takeover_close(struct process *p);	  /* the loop's handles */
void takeover_destroy(struct process *p); /* the memory; after the loop */

/* run.c */
int process_run(const char *config_path, const struct config *cfg, bool takes_over);
void process_drain(struct process *p, bool hands_over);
void process_ready(struct process *p); /* the first world is in force; any thread */
/* check.c */
int check_run(const struct config *cfg);

#endif
