/* A client's session, seen from the files of this module.
 *
 *   STARTING --log-in done--> READY <------------------------+
 *      |                       |  |  fast path: one shard     |  ReadyForQuery sent
 *      |                       |  +-------> RELAYING ---------+
 *      |                       |  everything else             |
 *      |                       +----------> RUNNING ----------+
 *      |                       |        (a fiber)
 *      +----------> CLOSING <--+    from any state: the client left, FATAL
 *                      | no fiber, no leg, stream gone
 *                      v
 *                    (freed)
 *
 *   STARTING and RUNNING own a fiber; in CLOSING one that still runs ends its waits early
 *   (party.is_gone) and cleans up after itself. */
#ifndef SESSION_INTERNAL_H
#define SESSION_INTERNAL_H

#include <pthread.h>

#include "pgmosaic/base/hash.h"
#include "pgmosaic/exec/exec.h"
#include "pgmosaic/loop/fiber.h"
#include "pgmosaic/route/route.h"
#include "pgmosaic/session/host.h"
#include "pgmosaic/session/worker.h"
#include "pgmosaic/txn/commit.h"
#include "pgmosaic/wire/build.h"
#include "pgmosaic/wire/parse.h"

#define SESSION_SCRATCH_BYTES (64u << 10)
/* Read no more from a client that is this far ahead of its answers. */
#define SESSION_INPUT_HIGH (256u << 10)

#define WORKER_MAX_EPOCHS 16

struct session;
struct statement;

/* ---- plan cache (plans.c) ---- */
struct plan_cache {
	struct table by_key;
	struct list recent;
	unsigned n;
};

/* ---- prepared statements (statements.c) ---- */
/* A text that was prepared, shared by all of a worker's clients with the same context. */
struct prepared {
	struct list node; /* of statement_cache.recent */
	uint64_t id;	  /* never reused */
	char name[32];	  /* on servers: "mosaic_<id>" */
	uint64_t hash;
	unsigned refs;
	unsigned n_uses; /* as an unnamed statement: promoted to a server-side name */
	char *text;
	size_t n_text;
	uint32_t *types; /* declared */
	uint16_t n_types;
	uint64_t context; /* search_path, user, settings that change meaning */
	struct plan *plan;
	uint64_t plan_world; /* world version of plan and description */
	/* what the home shard said of it */
	bool is_described;
	uint32_t *param_types;
	uint16_t n_params;
	uint8_t *description; /* RowDescription body; NULL: no rows */
	size_t n_description;
	struct buf notices; /* of its Parse: every Parse brings them */
	bool holds_oids;    /* in binary form, some parameter or column: see backend/translate.c */
	struct scan *scan;
};

struct statement_cache {
	struct table by_hash;
	struct list recent;
	unsigned n;
	size_t n_bytes;
	uint64_t next_id;
};

struct worker {
	unsigned index;
	struct loop *loop;
	struct mailbox *mailbox;
	loop_thread thread;
	struct timer tick;
	const struct session_host *host;
	struct metrics *metrics;
	struct pools pools;
	struct world *world;
	struct plan_cache plans;
	struct statement_cache statements;
	struct list sessions;
	struct list listening; /* sessions that have said LISTEN */
	_Atomic unsigned n_sessions;
	_Atomic unsigned n_logins[2]; /* not yet authenticated: main port, control port */
	struct list turns;	      /* log-ins that wait for a key to be derived */
	bool is_deriving;
	struct session **slots;
	uint32_t *slot_gen;
	uint32_t n_slots, free_hint;
	uint64_t next_session_id;
	struct list reports; /* each set of values once; most clients have been told the same */
	uint8_t *scratch;
	struct scan scan; /* of the message at hand, outside of fibers */
	bool is_draining, is_stopping, pools_closed;
	_Atomic bool is_paused;
	_Atomic unsigned n_control; /* of n_sessions */
	pthread_mutex_t epochs_mutex;
	uint64_t epochs[WORKER_MAX_EPOCHS]; /* in use, ascending */
	unsigned n_epochs;
	struct timer epochs_tick; /* runs while more than one is in use */
};

/* ---- settings (settings.c) ---- */
struct setting {
	struct setting *next;
	char *name; /* lower case */
	char *sql;  /* the statement that puts it in force */
};

struct settings {
	struct setting *first;
	uint64_t hash; /* 0: none */
	bool has_role;
};

/* ---- portals and a client's statement names (extended.c) ---- */
/* The columns that a client was told of a statement: "cached plan must not change result type". */
struct promise {
	bool is_made;
	uint64_t world; /* under which it was last looked at */
	uint64_t shape;
};

struct statement_name {
	struct statement_name *next;
	struct prepared *prepared;
	struct promise promise;
	char name[];
};

struct portal {
	struct portal *next;
	struct prepared *prepared;
	struct plan *plan;
	uint64_t plan_world;
	struct arena arena;  /* the Bind message and its arrays */
	const uint8_t *rest; /* of the Bind, behind the two names */
	size_t n_rest;
	struct param_values params;
	uint16_t *result_formats;
	uint16_t n_result_formats;
	bool is_bound; /* BindComplete was sent */
	bool is_started, is_done;
	bool is_dead;	 /* its transaction is over; freed at the next Sync */
	struct leg *leg; /* one shard: where the server-side portal lives */
	struct buf rows; /* several shards: rows not fetched yet */
	char tag[LEG_TAG_MAX];
	char name[];
};

struct savepoint {
	struct savepoint *next;	  /* newest first */
	struct settings settings; /* to return to */
	struct settings local;	  /* SET LOCAL since, before the next savepoint */
	unsigned listen_mark;
	uint64_t cursor_serial;
	char name[];
};

struct session_txn {
	char status;	  /* I, T, E */
	bool is_implicit; /* ours: one statement over shards, a pipeline, a multi-statement query */
	char begin[256];
	struct savepoint *savepoints;
	struct settings before;	 /* to return to on ROLLBACK */
	struct settings local;	 /* SET LOCAL before any savepoint, for legs that join later */
	bool has_set, has_local; /* a SET, a SET LOCAL was made in it */
	bool uses_clock;
	uint16_t clock_shard;
	bool has_ddl;
	uint64_t shards_mark; /* which shards the map had at the first DDL */
	struct plan_change *changes;
	unsigned n_changes;
	struct arena arena; /* changes */
	struct world *overlay;
	uint64_t started_ms;
};

/* The notices of the running statement that legs have sent (notices.c). */
struct notices {
	struct notice *seen;
	unsigned n;
	struct buf *keep; /* not NULL: what is told is kept here, too */
};

struct cursor;

struct cursors {
	struct cursor *first;
	uint64_t serial; /* of the last one declared */
};

/* The session's temporary relations (temp.c). */
struct temp {
	struct schema *schema; /* NULL: none */
	uint64_t hash;	       /* part of the context */
	bool is_stale;	       /* to be asked for again */
	bool is_changed;       /* in this transaction */
};

enum session_state {
	SESSION_STARTING,
	SESSION_READY,
	SESSION_RELAYING,
	SESSION_RUNNING,
	SESSION_CLOSING
};

/* A relay of one shard's answer to the client (relay.c). */
struct relay {
	struct leg *leg;
	bool is_opening;       /* the answers to our BEGIN come first */
	bool opening_failed;   /* BEGIN was refused: the server skips the statement behind it */
	bool ends_itself;      /* a Sync stands behind the statement */
	unsigned n_skip_parse; /* ParseComplete to swallow */
	bool keeps_ready;      /* do not forward ReadyForQuery: the fiber writes its own */
	bool drops_bind;       /* BindComplete was sent already */
	bool drops_description;
	bool is_active;
	bool failed; /* an ErrorResponse went by */
	bool is_suspended, copy_in;
	struct err *fatal;     /* why the server's connection ends; NULL: it has not said */
	bool holds_exhaustion; /* keep 2200H back: the statement can run again */
	bool is_exhausted, has_rows, has_description;
	struct err exhaustion;
	struct prepared *preparing; /* noted on the connection when its ParseComplete comes */
	char tag[LEG_TAG_MAX];
	uint64_t started_us;
	uint64_t epoch; /* of the map it was planned under */
	const struct plan *plan;
};

struct session {
	struct list node;
	struct worker *w;
	uint64_t id;
	uint32_t slot, gen;
	enum session_state state;
	struct stream stream;
	struct buf in;
	bool is_unix, is_control, stream_gone, input_paused;
	bool has_spoken; /* since its log-in */
	bool is_trimmed; /* nothing was done since session_trim() */
	bool is_application_told;
	bool is_enlisting; /* the proxy's own SET and BEGIN run: no cancel request may meet them */
	bool is_awaiting;  /* a fiber waits for the client's next message */
	const char *canceled_by; /* the configuration key whose time is up; NULL: the client */
	char user[64], database[64], address[64];
	char application_name[64];
	const struct config_user *account; /* NULL: not in the file */
	enum config_pool_mode mode;	   /* since the log-in */
	const struct tls_server *tls;	   /* NULL: plain */
	bool is_secured;		   /* the handshake is done */
	bool is_known;			   /* authenticated: counts in n_logins no more */
	char tls_text[64];		   /* version and cipher */
	uint32_t protocol;
	uint8_t cancel_key[32];
	size_t n_cancel_key;
	uint64_t connected_ms, statement_ms, idle_since_ms;
	uint64_t canceled_ms, merging_since_ms;
	uint64_t counted_bytes; /* of stream.sent_bytes, in the metrics already */

	struct leg_party party;
	struct leg **legs; /* ascending by shard; the conn is NULL when not enlisted */
	unsigned n_legs;
	struct relay relay;
	struct fiber *fiber;

	struct settings settings;
	struct setting *startup; /* what RESET returns to */
	char search_path[256];
	char role[64];	       /* current_user: what "$user" in search_path means */
	char path_before[256]; /* at BEGIN */
	char role_before[64];
	uint64_t context;	     /* hash of search_path and user */
	char *hand_shard, *hand_key; /* SET mosaic.shard, mosaic.shard_key */
	struct reports *reports;     /* what the client has been told of its settings */

	struct world *world; /* held while a fiber runs: what its statement was planned against */
	bool is_between;     /* the fiber waits for the client's next message; nothing is planned */
	struct session_txn txn;
	struct statement_name *names;
	struct prepared *unnamed;
	struct promise unnamed_promise;
	const struct plan *quoted; /* the text at hand stands in another one, for error positions */
	struct str quoted_in;
	struct portal *portals;
	struct arena arena; /* of the statement at hand */
	struct notices notices;
	struct temp temp;
	struct listening *listening; /* NULL: it never said LISTEN */
	struct cursors cursors;
};

/* ---- session.c ---- */
struct session *session_create(struct worker *w, int fd, bool is_unix, bool is_control);
void session_advance(struct session *s);
void session_move(struct session *s, enum session_state next);
void session_close(struct session *s);
/* Take what the client has sent. */
void session_read(struct session *s);
/* The next whole message of the client; false: wait for more, or the session is closing. */
bool session_message(struct session *s, struct wire_msg *m);
void session_consumed(struct session *s, const struct wire_msg *m);
/* In a fiber: wait for the next message; false: the client is gone. */
bool session_await_message(struct session *s, struct wire_msg *m);
/* A fiber for this session; when it ends the session is READY again. */
void session_run(struct session *s, void (*body)(struct session *s));
const struct config *session_config(const struct session *s);
void session_count_bytes(struct session *s);
/* The client has proved who it is, or is going. */
void session_note_known(struct session *s);

/* ---- orders.c ---- */
void worker_set_paused(struct worker *w, bool is_paused);

/* ---- hold.c ---- */
/* PAUSE is in force, and this client must wait for RESUME. */
bool hold_wanted(const struct session *s);
void hold_start(struct session *s);
void hold_await(struct session *s); /* in a fiber */
/* True: the proxy stops, and the client has been told. */
bool drain_ends(struct session *s);

/* ---- cancel.c ---- */
void session_cancel(struct session *s); /* at the client's request */
/* key: the time limit that was passed; NULL: the client's wish. */
void cancel_begin(struct session *s, const char *key);
/* Once more, or for the first time: a cancel request to each busy shard, if one may be sent. */
void cancel_send(struct session *s);
/* The statement that was canceled is over. */
void cancel_forget(struct session *s);
/* Before a statement is sent: has it been canceled meanwhile? Then the leg has failed with 57014.
 */
bool cancel_fails(struct session *s, struct leg *leg);
/* The error to show: 57014 after a time limit names its key. */
const struct err *cancel_explain(const struct session *s, const struct err *err, struct err *own);
void cancel_abandon(struct session *s);
void cancel_tick(struct session *s, const struct config *cfg, uint64_t now);

/* ---- epochs.c ---- */
void epochs_init(struct worker *w);
void epochs_close(struct worker *w);
void epochs_finish(struct worker *w);
/* Look which are in use; go on looking often while there are old ones among them. */
void epochs_note(struct worker *w);
/* The lease in the catalog allows writes. */
bool worker_may_write(const struct worker *w);
/* The statement changes something and the lease has run out: 25006. True: err says so. */
bool lease_refuses(const struct worker *w, const struct plan *plan, struct err *err);

/* ---- reply.c ---- */
void reply_error(struct session *s, const struct err *err);
void reply_failure(struct session *s, const struct exec_failure *f);
/* The error a leg has met; the transaction has failed. Always false. */
bool reply_leg_error(struct session *s, struct leg *leg, struct str text);
void reply_fatal(struct session *s, const struct err *err);
void reply_warning(struct session *s, const char *code, const char *text);
void reply_tag(struct session *s, const char *tag);
void reply_ready(struct session *s);
static inline struct buf *reply_out(struct session *s)
{
	stream_touch(&s->stream);
	return &s->stream.out;
}

/* ---- notices.c ---- */
/* To the client, unless another shard has sent it for the same statement already. */
void notices_forward(struct session *s, uint16_t shard, const uint8_t *body, size_t n);
void notices_forget(struct session *s);

/* ---- listen.c ---- */
/* In a fiber. Inside a transaction they take effect at its end. */
bool listen_local(struct session *s, const struct plan_local *local);
/* In a fiber, before and after a COMMIT (or instead of it). False: told. */
bool listen_before(struct session *s);
void listen_after(struct session *s, bool committed);
/* For savepoints: what has been said so far; forget what was said since. */
unsigned listen_mark(const struct session *s);
void listen_return(struct session *s, unsigned mark);
void listen_end(struct session *s);	/* UNLISTEN *, at once */
void listen_deliver(struct session *s); /* what waits, between transactions */
/* The leg is about to notify. */
void listen_note_sender(struct session *s, struct leg *leg);

/* ---- startup.c ---- */
uint32_t session_pid(const struct session *s); /* in BackendKeyData */
void startup_run(struct session *s);	       /* fiber body */

/* ---- settings.c ---- */
void settings_set(struct settings *set, const char *name, const char *sql);
void settings_remove(struct settings *set, const char *name);
void settings_clear(struct settings *set);
void settings_copy(struct settings *to, const struct settings *from);
/* What brings a connection from any state to these settings. */
void settings_sql(const struct session *s, struct buf *out);
bool settings_apply(struct session *s, struct leg *leg); /* in a fiber */
/* More prepared statements than this on one server connection: they are all dropped. */
#define SETTINGS_MAX_PREPARED 1000
void session_set_path(struct session *s, const char *path, const char *role);
/* In a fiber: ask the server for search_path and current_user. */
bool session_read_path(struct session *s, struct leg *leg);

/* ---- reports.c ---- */
/* Note that the client is told this value; false: it knows. */
bool session_report(struct session *s, const char *name, const char *value);
void reports_drop(struct session *s);

/* ---- trim.c ---- */
/* Give back what an idle session does not need to be one. */
void session_trim(struct session *s);

/* ---- plans.c ---- */
void plans_init(struct plan_cache *c);
void plans_clear(struct plan_cache *c);
/* A plan, held for the caller; made when it is not cached. */
enum status plans_get(struct session *s, struct str text, const struct scan *scan,
		      const uint32_t *types, uint16_t n_types, struct plan **out, struct err *err);
/* The transaction's overlay, what the running fiber holds, or the worker's newest. */
struct world *session_world(const struct session *s);
/* In a fiber: from here on the newest world. Nothing planned before may be used after it. */
void session_pin_world(struct session *s);
void session_unpin_world(struct session *s);

/* ---- statements.c ---- */
void statements_init(struct statement_cache *c);
void statements_finish(struct worker *w);
struct prepared *prepared_get(struct session *s, struct str text, const uint8_t *types,
			      uint16_t n_types);
/* The same text and types in the session's present context. */
struct prepared *prepared_again(struct session *s, const struct prepared *p);
void prepared_drop(struct worker *w, struct prepared *p);
/* Forget plan and description if they were made against another world than this. Others may have
 * changed them while a fiber waited. */
void prepared_renew(struct prepared *p, uint64_t version);
enum status prepared_plan(struct session *s, struct prepared *p, struct err *err);

/* ---- txn.c ---- */
struct leg *session_leg(struct session *s, uint16_t shard); /* made when missing */
struct leg *session_find_leg(struct session *s, uint16_t shard);
/* In a fiber: a connection with the session's settings, in the transaction if there is one. */
bool session_enlist(struct session *s, struct leg *leg);
/* The same for what reads no table: it does not make the transaction one of several shards. */
bool session_look_on(struct session *s, struct leg *leg);
/* The same for several, at the same time. The leg that failed; NULL: none. */
struct leg *session_enlist_all(struct session *s, struct leg **legs, unsigned n);
/* For what any shard can answer: one in the transaction, else home if it has a connection to
 * spare, else one that has. */
uint16_t session_any_shard(struct session *s, uint16_t home);
void txn_open(struct session *s, const char *begin, bool is_implicit);
/* In a fiber. False: it failed, and the client was told. */
bool txn_end(struct session *s, bool commit);
void txn_forget(struct session *s);
void txn_fail(struct session *s);
bool session_is_serializable(const struct session *s);

/* ---- keep.c ---- */
/* Why a connection stays with the session between transactions. */
enum pin {
	PIN_TEMP = 1,	 /* temporary tables */
	PIN_LOCK = 2,	 /* advisory locks of the session */
	PIN_CURSOR = 4,	 /* cursors WITH HOLD */
	PIN_LIBRARY = 8, /* LOAD */
};
void session_pin(struct leg *leg, enum pin why);
/* Before a statement goes to this leg: note what it may leave there. */
void session_tie(struct session *s, const struct plan *plan, struct leg *leg);
/* The end of a transaction for one leg: kept or given back. */
void session_release_leg(struct session *s, struct leg *leg);
void session_release_legs(struct session *s);
/* The session is over: give all back, to be cleaned. */
void session_give_back(struct session *s);
/* A pinned connection is gone, and what it held with it; NULL: none. */
const struct leg *session_lost_leg(const struct session *s);
void session_tell_lost(struct session *s, const struct leg *leg);
/* Shards may have new numbers in a new map. */
void session_renumber_legs(struct session *s);
/* In a fiber: DISCARD ALL where connections are kept; false: told. */
bool session_discard(struct session *s);
/* Pool mode `statement` has no transactions of several statements. True: told. */
bool session_refuses_transaction(struct session *s);
/* For SHOW CLIENTS. */
const char *session_pinned_by(const struct session *s, char *out, size_t size);

/* In a fiber, at the end of a statement: outside of a transaction connections are kept or given
 * back, after a look at what they hold. */
void session_rest(struct session *s);

/* ---- temp.c ---- */
/* Before a statement goes to this leg. */
void temp_begin(struct session *s, const struct plan *plan, struct leg *leg);
/* In a fiber: ask which temporary relations there are, if that may have changed. */
void temp_refresh(struct session *s);
/* The transaction has ended; ROLLBACK TO has undone some of it. */
void temp_end_txn(struct session *s);
void temp_rolled_back(struct session *s);
void temp_forget(struct session *s);

/* ---- cursors.c ---- */
bool cursor_exists(struct session *s, const char *name);
/* Before and after the statement of a plan that may be a DECLARE. False: told. */
bool cursor_allows(struct session *s, const struct plan *plan);
void cursor_begin(const struct plan *plan, struct leg *leg);
void cursor_declared(struct session *s, const struct plan *plan, const struct leg *leg, bool ok);
bool cursor_fetch(struct session *s, struct statement *st);
bool cursor_close(struct session *s, struct statement *st);
bool cursor_describe_portal(struct session *s, const char *name);
bool cursor_describe(struct session *s, const struct prepared *p, const struct portal *portal);
void cursors_end_txn(struct session *s, bool committed);
/* To what there was at this serial number. */
void cursors_rolled_back(struct session *s, uint64_t serial);
void cursors_forget(struct session *s);

/* ---- relay.c ---- */
/* Try the fast path for a planned statement; false: not possible now. */
bool relay_query(struct session *s, const struct wire_msg *m, struct plan *plan, uint16_t shard,
		 bool any);
/* A leg that can be written to now, BEGIN already queued when needed; NULL: not possible. */
struct leg *relay_take(struct session *s, const struct plan *plan, uint16_t shard, bool any,
		       struct relay *how);
void relay_start(struct session *s, struct leg *leg, const struct relay *how);
/* In a fiber: until the relay has ended. */
void relay_await(struct session *s);
void relay_detach(struct session *s);
/* Why the connection will be lost. */
void relay_note_fatal(struct session *s, const struct err *err);

/* ---- run.c ---- */
struct statement {
	struct str text;
	const struct scan *scan;
	struct plan *plan;
	struct portal *portal; /* extended protocol */
	bool wants_description;
	bool is_alone; /* nothing else shares its implicit transaction */
	int32_t max_rows;
};

/* In a fiber: run it and write its answer, without ReadyForQuery. False: it failed, and the
 * client was told. */
bool run_statement(struct session *s, struct statement *st);
/* In a fiber: the statement as it is, on this leg. */
bool run_at(struct session *s, struct statement *st, struct leg *leg);
/* In an aborted transaction all but its end is refused. True: told. plan may be NULL. */
bool refuse_aborted(struct session *s, const struct plan *plan);
bool run_text(struct session *s, struct str text, bool is_alone);

/* limits.statement_length; false: *err says so. */
bool statement_length_allows(const struct session *s, size_t n, struct err *err);

/* ---- set_config.c ---- */
/* False: told. */
bool set_config_allowed(struct session *s, const struct statement *st);
bool set_config_done(struct session *s, const struct statement *st, struct leg *leg);

/* ---- local.c, copy_in.c, ddl.c, simple.c, extended.c, control.c ---- */
bool local_run(struct session *s, struct statement *st);
/* A setting that the proxy cannot let change: told. */
bool setting_refuse(struct session *s, const char *name, const char *value);
/* `leg` has executed `text`, which set it: so do the other legs, and the session remembers. */
bool setting_taken(struct session *s, struct leg *leg, const struct plan_local *l, struct str text);
bool prepare_statement(struct session *s, struct statement *st);
bool execute_statement(struct session *s, struct statement *st);
bool copy_in_run(struct session *s, struct statement *st, struct leg **legs, unsigned n_legs);
/* The distributions that new tables want exist; false: told. */
bool ddl_prepare(struct session *s, const struct plan *plan);
bool ddl_note(struct session *s, struct statement *st);
/* The map has changed since the transaction's overlay was made: make it anew. False: told. */
bool ddl_follow_map(struct session *s);
/* Before the shards commit; false: told. */
bool ddl_begin(struct session *s, int64_t *intent);
void ddl_end(struct session *s, int64_t intent, bool committed);
bool ddl_refresh(struct session *s, struct err *err);
/* In a fiber: the rows of a query of the schema's, over this connection. */
bool ddl_load_rows(struct schema *schema, unsigned query, const char *sql, struct leg *leg,
		   struct err *err);

/* ---- find_key.c ---- */
/* Asks the catalog; in a fiber only. */
struct key_finder session_key_finder(struct session *s);
void simple_query(struct session *s, const struct wire_msg *m);
void extended_message(struct session *s, const struct wire_msg *m);
/* The format that the Bind asked for column i. */
uint16_t portal_format(const struct portal *p, uint16_t i);
/* What was held back: BindComplete, unless it was said, and the RowDescription if wanted. */
void portal_say_bound(struct session *s, struct portal *p, bool describe);
void extended_forget(struct session *s, bool names_too);
void extended_end_portals(struct session *s);
void extended_deallocate(struct session *s, const char *name);
void control_query(struct session *s, const struct wire_msg *m);

#endif
