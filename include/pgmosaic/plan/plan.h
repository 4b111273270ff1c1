/* A statement's plan: what it is, where it may run, how several answers become one.
 *
 * Happy path: plan_build() analyses one statement against a world and gives a
 * read-only plan, which may serve every later statement with the same fingerprint
 * (or, when `exact_text`, with the very same text). route_bind() (route/route.h)
 * turns plan + literals + parameters into shards. One shard: the client's own bytes
 * go there (unless `text` is set). Several: `merge` says how; MERGE_REFUSED carries
 * the refusal in `refusal`.
 * Failure: a statement that can never run exactly gives a refusal (0A000, the clause, a
 * hint) as the return value of plan_build(). Text that the parser does not know, or a
 * name that the schema lacks, gives a plan with `judge` set: the home shard's Parse
 * gives PostgreSQL's own error.
 * Exact or refuse: the analysis lists what is proven safe and refuses the rest.
 * Ownership: a plan owns its arena; plan_hold()/plan_drop() count users. It points
 * into no text but its own copies.
 * Threads: a plan belongs to one worker. Pure: no I/O, no clock, no globals. */
#ifndef PGMOSAIC_PLAN_PLAN_H
#define PGMOSAIC_PLAN_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include "pgmosaic/base/arena.h"
#include "pgmosaic/base/err.h"
#include "pgmosaic/catalog/world.h"
#include "pgmosaic/sql/scan.h"

enum plan_class {
	PLAN_LOCAL,    /* transaction control, settings: the session's own, see plan->local */
	PLAN_QUERY,    /* SELECT, VALUES, TABLE, INSERT, UPDATE, DELETE, MERGE, EXPLAIN */
	PLAN_COPY_IN,  /* COPY … FROM STDIN */
	PLAN_COPY_OUT, /* COPY … TO STDOUT */
	PLAN_UTILITY,  /* DDL, TRUNCATE, VACUUM …: the same text on every target, one tag */
};

/* Where it may run. */
enum plan_target {
	TARGET_KEYS,   /* the shards that own `keys` */
	TARGET_OWNERS, /* every shard that owns a chunk of `distribution` */
	TARGET_SHARD,  /* `shard` only */
	TARGET_ANY,    /* any one shard, best one already in the transaction; else the home shard */
	TARGET_EVERY,  /* every shard of the map */
};

/* How the answers of more than one shard become one. */
enum plan_merge {
	MERGE_REFUSED,	 /* not at all: `refusal` */
	MERGE_CONCAT,	 /* rows in any order, LIMIT/OFFSET above */
	MERGE_SORT,	 /* k-way by the hidden columns, LIMIT/OFFSET above */
	MERGE_AGGREGATE, /* partial results, finished on one shard by `finish_text` */
	MERGE_WRITE,	 /* counts of the tags summed, atomic over the shards; RETURNING rows in any
			    order */
	MERGE_INSERT,	 /* rows of VALUES split by owner; RETURNING in the order of the VALUES */
	MERGE_GATHER,	 /* the rows of `sources`, brought to one shard, where `finish_text` runs */
};

/* Whose rows a gathered source holds. */
enum plan_source_kind {
	SOURCE_SHARDED, /* every shard's own */
	SOURCE_COPY,	/* a reference table's: any one shard's */
	SOURCE_SINGLE,	/* a single table's, on `shard` */
};

/* One branch of the UNION ALL that each shard is asked. Its rows carry their source's number in the
 * first column and their values in columns [first, first + n_columns) of plan->shipped; the other
 * columns are NULL. So all parts of the statement see one snapshot on each shard. */
struct plan_source {
	enum plan_source_kind kind;
	uint16_t shard;
	const char *branch;
	uint16_t first, n_columns;
};

/* ---- the shard key ---- */
enum key_source_kind {
	KEY_LITERAL,	 /* literal `index` of the scan */
	KEY_PARAM,	 /* parameter `index`, from 1 */
	KEY_PARAM_ARRAY, /* every element of array parameter `index` (= ANY($1)) */
	KEY_NULL,	 /* the NULL constant or a missing column: hash 0 in an INSERT, no row in a
			    condition */
	KEY_TEXT,	 /* `text`: a value known when planning */
};

struct key_source {
	enum key_source_kind kind;
	uint16_t index;
	bool negative;	   /* KEY_LITERAL: a minus sign before an integer literal */
	uint32_t type_oid; /* type the value is read as: 20 for integers, 25 text, 2950 uuid, …; for
			    * KEY_PARAM the parameter's type when declared, else the column's */
	uint32_t column_type;  /* the key column's own type */
	int32_t column_typmod; /* of an INSERT: VALUE_TYPMOD() (key/type.h), rounds or cuts */
	struct str text;
};

/* n_rows tuples of n_keys sources each; the statement concerns the owners of them all. */
struct key_set {
	uint16_t n_keys;
	uint32_t n_rows;
	struct key_source *sources; /* [row * n_keys + key] */
	bool is_insert;		    /* NULL places a row instead of excluding all */
};

/* What comparisons leave of a RANGE distribution for one instance of a sharded table: its rows
 * that matter obey all of the bounds. */
enum plan_bound_op { BOUND_LT, BOUND_LE, BOUND_GE, BOUND_GT };

struct key_bound {
	enum plan_bound_op op; /* key op source */
	struct key_source source;
};

struct key_interval {
	uint16_t n;
	struct key_bound *bounds;
};

/* ---- merging ---- */
struct plan_sort_key {
	uint32_t type_oid; /* the hidden column arrives in this type's binary form */
	bool descending, nulls_first;
	bool is_c_collation; /* text: bytes decide; else strcoll in `collate`, ties by bytes */
	const char *collate; /* libc locale name, when not C */
};

enum plan_count_kind { COUNT_NONE, COUNT_CONST, COUNT_PARAM, COUNT_NULL };

/* A LIMIT or OFFSET. NULL means none. */
struct plan_count {
	enum plan_count_kind kind;
	int64_t value;
	uint16_t param;
	uint16_t width; /* bytes of the integer type it is cast to; 0: no cast */
};

/* What the cast of a count would not refuse with 22003. */
static inline bool plan_count_fits(const struct plan_count *c, int64_t value)
{
	if (c->width == 0 || c->width == 8)
		return true;
	int64_t limit = (int64_t)1 << (c->width * 8 - 1);
	return value >= -limit && value < limit;
}

/* The shard text differs from the client's by these replacements, ascending. */
struct plan_splice {
	uint32_t at, removed; /* bytes of the client's text */
	uint32_t inserted;    /* bytes put in their place */
};

/* One row of a multi-row INSERT: the bytes of its "(…)" in the client's text. */
struct plan_row {
	uint32_t at, length;
};

/* ---- COPY ---- */
enum copy_format { COPY_TEXT, COPY_CSV, COPY_BINARY };

struct plan_copy {
	enum copy_format format;
	char delimiter, quote, escape;
	const char *null_text;
	bool header;
	int key_field[MAP_MAX_KEYS]; /* place of each key column among the fields; -1: not copied
					(its default is constant: see keys) */
	uint32_t key_type[MAP_MAX_KEYS];
	int32_t key_typmod[MAP_MAX_KEYS];
	uint16_t n_fields;
};

/* ---- what the session does itself ---- */
enum local_kind {
	LOCAL_BEGIN,  /* BEGIN, START TRANSACTION; `text`: options as written, e.g. "ISOLATION LEVEL
			 …" */
	LOCAL_COMMIT, /* COMMIT, END; `chain` */
	LOCAL_ROLLBACK,	       /* ROLLBACK, ABORT; `chain` */
	LOCAL_SAVEPOINT,       /* `name` */
	LOCAL_RELEASE,	       /* `name` */
	LOCAL_ROLLBACK_TO,     /* `name` */
	LOCAL_SET_TRANSACTION, /* SET TRANSACTION …; first statements of a transaction only */
	LOCAL_SET, /* SET name …, SET SESSION CHARACTERISTICS, SET ROLE, SET SESSION AUTHORIZATION,
		      and a lone SELECT set_config(const, const, false) */
	LOCAL_SET_LOCAL,
	LOCAL_RESET, /* `name`; RESET ROLE, RESET SESSION AUTHORIZATION, SET x TO DEFAULT as well */
	LOCAL_RESET_ALL,
	LOCAL_SHOW, /* `name`: answered by a server that has the session's settings, or mosaic.* by
		       the session */
	LOCAL_DISCARD_ALL,
	LOCAL_PREPARE,	  /* `name`; `text`: the statement, at `inner_at`; `args`: types */
	LOCAL_EXECUTE,	  /* `name`, at `name_at`; `args`: values */
	LOCAL_LISTEN,	  /* `name` */
	LOCAL_UNLISTEN,	  /* `name`; NULL: all */
	LOCAL_FETCH,	  /* FETCH or MOVE from cursor `name` */
	LOCAL_CLOSE,	  /* cursor `name`; NULL: all */
	LOCAL_DEALLOCATE, /* `name` */
	LOCAL_DEALLOCATE_ALL,
	LOCAL_SET_MOSAIC, /* SET mosaic.shard / mosaic.shard_key / mosaic.read_snapshot … = value;
			     value NULL: DEFAULT or RESET */
};

/* A type of PREPARE or a value of EXECUTE. */
enum plan_argument_kind {
	ARGUMENT_EXPRESSION, /* a server must say what it is */
	ARGUMENT_NULL,
	ARGUMENT_STRING,  /* an untyped literal: `value` is its content */
	ARGUMENT_INTEGER, /* `value`: its digits */
};

struct plan_argument {
	const char *text; /* as written, at byte `at` */
	uint32_t at;
	uint32_t type_oid; /* of a built-in type; 0: a server must say */
	enum plan_argument_kind kind;
	const char *value;
};

struct plan_local {
	enum local_kind kind;
	const char *name;  /* lower-case unless quoted */
	const char *value; /* LOCAL_SET: a single constant argument as text, else NULL */
	const char *text;
	bool chain, local;
	struct plan_argument *args;
	uint16_t n_args;
	uint32_t inner_at, name_at, name_length; /* bytes of the client's text */
};

/* A set_config() of a query that has no FROM. */
struct plan_config {
	const char *name;  /* lower-case */
	const char *value; /* NULL: parameter `param`, from 1 */
	uint16_t param;
	bool local;
	bool as_written; /* repeat the statement itself, which may set nothing */
};

/* ---- changes of the map by DDL ---- */
enum plan_change_kind { CHANGE_ADD_SHARDED, CHANGE_ADD_REFERENCE, CHANGE_DROP, CHANGE_RENAME };

struct plan_change {
	enum plan_change_kind kind;
	const char *schema, *name;
	const char *new_schema, *new_name; /* CHANGE_RENAME */
	const char
		*distribution; /* CHANGE_ADD_SHARDED: name; may not exist yet (default_bigint …) */
	const char *key_columns[MAP_MAX_KEYS];
	uint32_t key_types[MAP_MAX_KEYS];
	uint16_t n_keys;
};

/* ---- values that the proxy draws ---- */
/* pieces[0], value 0, pieces[1], value 1 … pieces[n_slots]: the text to run. */
struct plan_slot {
	const char *schema, *sequence;
};

struct plan_draw {
	uint16_t n_slots;
	struct plan_slot *slots;
	const char **pieces;
};

/* What a statement ties its client to one server connection by, or may. */
enum plan_tie {
	TIE_LOCK = 1,	 /* takes an advisory lock of the session */
	TIE_UNLOCK = 2,	 /* gives one back, or may not have got it */
	TIE_TEMP = 4,	 /* makes, changes or drops a temporary relation */
	TIE_UNSEEN = 8,	 /* calls what may do any of it */
	TIE_CURSOR = 16, /* declares `cursor` */
};

struct plan {
	struct arena arena;
	unsigned refs;
	enum plan_class class;
	bool exact_text; /* valid for the very same text only (scan.full), not for the fingerprint
			  */
	const char *tag; /* "SELECT", "INSERT", "CREATE TABLE" …: for logs and counters */

	enum plan_target target;
	uint16_t distribution; /* TARGET_KEYS, TARGET_OWNERS */
	uint16_t shard;	       /* TARGET_SHARD */
	struct key_set keys;
	struct key_interval *intervals; /* TARGET_OWNERS: only owners of these; none: all owners */
	uint16_t n_intervals;
	int32_t must_be_shard; /* >= 0: TARGET_KEYS must resolve to this shard (joined single
				  table), else refusal */

	bool writes;	   /* changes data, or may */
	bool notifies;	   /* NOTIFY, pg_notify(): cannot be prepared */
	bool locks_rows;   /* FOR UPDATE and kin */
	bool uses_clock;   /* now() and kin: in one transaction all such statements must meet one
			      shard */
	bool no_txn_block; /* VACUUM, CREATE INDEX CONCURRENTLY …: no BEGIN may be put round it */
	bool is_ddl;	   /* the schema snapshot is stale after it */
	bool judge; /* Parse it on the home shard; if that accepts it, refuse with `refusal` */
	bool unknown_relation; /* judge because a table is not in the snapshot: refresh the world
				  first */
	bool returns_rows;
	bool uses_temp; /* names a temporary relation: a transaction with it cannot be prepared */
	struct {	/* DECLARE */
		const char *name;
		bool holds;
	} cursor;
	unsigned ties; /* enum plan_tie: the session must look at it; never on the fast path */
	/* A shard may draw from a sequence while it runs: on 2200H the next block is fetched, and
	 * the statement runs again */
	bool draws;
	struct plan_slot *draws_from; /* n_draws_from; 0: nobody knows, any */
	uint16_t n_draws_from;
	/* This shared sequence must be one server's before the statement runs; NULL: none */
	const char *releases_schema, *releases;
	/* Values are drawn first and put into the text; that is then planned and run instead */
	struct plan_draw *draw;

	/* The text to run instead of the client's; NULL: the client's own bytes. On one shard this
	 * is used only for PLAN_UTILITY (mosaic.* options removed). */
	const char *text;
	struct plan_splice *splices;
	uint16_t n_splices;

	/* more than one shard */
	enum plan_merge merge;
	struct err refusal;
	int n_output;	 /* columns the client sees; -1 unknown */
	uint16_t n_sort; /* hidden columns behind the visible ones, all of them sort keys */
	struct plan_sort_key *sort;
	struct plan_count limit, offset;
	uint32_t limit_at; /* byte of `text` (or of the client's text when NULL) where " LIMIT n" is
			      put for the shards */
	const char *finish_text; /* MERGE_AGGREGATE: reads "unnest($1, $2 …) AS w(p1, p2 …)", one
				    array per partial column */
	uint16_t n_partials;
	struct plan_source *sources; /* MERGE_GATHER: finish_text reads `unnest($n …)` for each */
	uint16_t n_sources;
	uint32_t *shipped; /* base type of each column that travels */
	uint16_t n_shipped;
	uint16_t n_client_params; /* $1 … of finish_text are the client's own */
	struct plan_row *rows;	  /* MERGE_INSERT: as many as keys.n_rows */
	bool lock_reference; /* a write to reference tables: lock them first, home shard first */
	const char *const *lock_tables; /* quoted names, n_lock_tables */
	uint16_t n_lock_tables;

	struct plan_copy copy;
	struct plan_local local;
	struct plan_config *configs; /* to remember once the statement has run */
	uint16_t n_configs;
	struct plan_change *changes;
	uint16_t n_changes;
	uint32_t *param_types; /* what is known of the parameters: declared, or inferred from a key;
				  0 unknown */
	uint16_t n_params;
	bool needs_param_types; /* a key parameter's type cannot be known here: Describe first, then
				   plan again with declared types */
	const char *explanation; /* for EXPLAIN ROUTE: one or a few lines: why this tier, what is
				    pushed */
};

struct plan_request {
	struct str text; /* one statement */
	const struct scan *scan;
	const struct world *world;
	const char *search_path; /* the session's, as SHOW search_path would print it */
	const char *user;
	const struct schema *temporary; /* the session's own temporary relations; NULL: none */
	const uint32_t *param_types;	/* declared in Parse; 0: not */
	uint16_t n_param_types;
	const char *const
		*default_keys; /* default_shard_key of the configuration; n_default_keys */
	uint16_t n_default_keys;
};

/* It may run more than once, or something comes before or behind it: no fast path. */
static inline bool plan_needs_fiber(const struct plan *plan)
{
	return plan->draws || plan->draw || plan->releases || plan->ties;
}

enum status plan_build(const struct plan_request *req, struct plan **out, struct err *err);
void plan_hold(struct plan *plan);
void plan_drop(struct plan *plan); /* NULL is fine */
/* A position (1-based characters) in the shard's text → the same in the client's text. */
int plan_client_position(const struct plan *plan, struct str client_text, int shard_position);

#endif
