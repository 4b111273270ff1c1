/* The catalog: schema `mosaic` of a PostgreSQL database, where everything durable lives.
 *
 * Happy path: catalog_open(), catalog_prepare(), catalog_bootstrap(); then
 * catalog_load_map() at start and whenever catalog_wait_change() says so. Each change of the
 * map is one transaction: it locks the row that holds the epoch, changes, advances the epoch
 * by compare-and-set, writes the audit row and NOTIFYs `mosaic_map`.
 * Failure: SQLSTATEs as PostgreSQL would give: 42710 duplicate, 42704 undefined, 55006 in use,
 * 22023 invalid; 08006 when the server cannot be reached. A failed change leaves no trace. A
 * lost connection is opened again by the next call.
 * Waiting: every call blocks. Job threads only, never a worker.
 * Threads: any number may share one struct catalog: a mutex lets one in at a time, except that
 * catalog_wait_change() has a connection of its own, for one thread.
 * docs/internals/catalog.md tells the tables; proxies are in catalog/proxy.h. */
#ifndef PGMOSAIC_CATALOG_STORE_H
#define PGMOSAIC_CATALOG_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include "pgmosaic/base/err.h"
#include "pgmosaic/catalog/map.h"

struct catalog;
struct config;

enum status catalog_open(const char *dsn, unsigned connect_timeout_s, struct catalog **out,
			 struct err *err);
void catalog_close(struct catalog *c); /* NULL is fine */
enum status catalog_is_prepared(struct catalog *c, bool *is_made, struct err *err);
/* Make what is missing. Idempotent; two proxies may do it at once. */
enum status catalog_prepare(struct catalog *c, struct err *err);
/* Shards, distributions and tables of the configuration, when the catalog has no shard yet.
 * *applied: it was done now. */
enum status catalog_bootstrap(struct catalog *c, const struct config *cfg, bool *applied,
			      struct err *err);
/* A sealed map, read in one snapshot. The caller destroys it. */
enum status catalog_load_map(struct catalog *c, struct shard_map **out, struct err *err);
enum status catalog_epoch(struct catalog *c, uint64_t *epoch, struct err *err);
/* *changed: the map may have changed since the last call. false after timeout_ms. */
enum status catalog_wait_change(struct catalog *c, unsigned timeout_ms, bool *changed,
				struct err *err);

/* ---- shards and distributions ---- */

/* Checks and prepares the server; when there are shards already it gets their schema and the
 * rows of the reference tables. replicas may be NULL. */
enum status catalog_create_shard(struct catalog *c, const char *user, const char *name,
				 const char *dsn, const char *replicas, uint32_t weight,
				 struct err *err);
/* NULL, and weight < 0: unchanged. */
enum status catalog_alter_shard(struct catalog *c, const char *user, const char *name,
				const char *dsn, const char *replicas, int64_t weight,
				struct err *err);
enum status catalog_drop_shard(struct catalog *c, const char *user, const char *name,
			       struct err *err);
/* HASH: the chunks are equal parts of the signed 64-bit hashes. RANGE: n_splits keys, ascending,
 * make n_splits + 1 chunks. Both are dealt to the shards in turn, by weight. */
struct catalog_distribution {
	const char *name;
	enum map_method method;
	const char *const *types; /* names of built-in types */
	unsigned n_types;
	uint32_t n_chunks;	   /* HASH */
	const char *function;	   /* HASH: "pg" or "xxh3" */
	const char *const *splits; /* RANGE */
	unsigned n_splits;
	enum map_policy policy;	  /* DIRECTORY */
	const char *policy_shard; /* MAP_ON_SHARD */
};

/* *made (may be NULL): false when it was there already and `if_not_exists`. */
enum status catalog_create_distribution(struct catalog *c, const char *user,
					const struct catalog_distribution *d, bool if_not_exists,
					bool *made, struct err *err);
/* 55006 while a table uses it. */
enum status catalog_drop_distribution(struct catalog *c, const char *user, const char *name,
				      bool if_exists, struct err *err);
/* At hashes, or at keys of a RANGE: each begins a new chunk on the same shard. */
enum status catalog_split_chunk(struct catalog *c, const char *user, const char *distribution,
				uint32_t chunk, const char *const *at, unsigned n_at,
				struct err *err);
/* Two neighbours on one shard. */
enum status catalog_merge_chunks(struct catalog *c, const char *user, const char *distribution,
				 uint32_t a, uint32_t b, struct err *err);
/* values[i] NULL: SQL NULL. A key whose rows lie on another shard is refused. */
enum status catalog_place_key(struct catalog *c, const char *user, const char *distribution,
			      const char *const *values, unsigned n_values, const char *shard,
			      struct err *err);
/* A key of a directory, in canonical form: the id of its shard, or 0. With `places` it gets one
 * by the directory's policy; of any number of proxies that place a key at once all get the same
 * answer. No epoch: a map that lacks a key says so, and its holder asks here. */
enum status catalog_find_key(struct catalog *c, const char *user,
			     const struct map_distribution *dist, const uint8_t *key, size_t n,
			     bool places, uint32_t *shard_id, struct err *err);

/* Four values for every placed key: its distribution, its values as one text, its shard, when it
 * was placed. distribution NULL: of all. */
typedef void (*catalog_row_fn)(void *ctx, const char *const values[4]);
enum status catalog_list_keys(struct catalog *c, const char *distribution, catalog_row_fn row,
			      void *ctx, struct err *err);
/* The last changes of placement, newest first: when, who, the epoch made, what. */
enum status catalog_list_audit(struct catalog *c, catalog_row_fn row, void *ctx, struct err *err);

/* ---- existing tables (the control port's commands) ---- */

struct catalog_sharding {
	const char *const *columns; /* the key */
	unsigned n_columns;
	const char *distribution; /* NULL: the default one of the columns' types */
	/* Columns fed by a sequence, and by nothing else: unique over all shards, so that a unique
	 * index that holds one of them need not hold the key */
	const char *const *trusted;
	unsigned n_trusted;
};

enum status catalog_shard_table(struct catalog *c, const char *user, const char *schema,
				const char *name, const struct catalog_sharding *as,
				struct err *err);
enum status catalog_reference_table(struct catalog *c, const char *user, const char *schema,
				    const char *name, struct err *err);
enum status catalog_single_table(struct catalog *c, const char *user, const char *schema,
				 const char *name, const char *shard, struct err *err);
/* What VERIFY TABLE finds on one shard. */
struct catalog_verified {
	const char *shard;
	uint64_t rows, misplaced; /* misplaced: on the wrong shard; of a reference table: 0 */
	bool differs;		  /* a reference table's copy is not the home shard's */
	const char *finding;	  /* NULL: fine */
};
typedef void (*catalog_verified_fn)(void *ctx, const struct catalog_verified *v);
/* Counts rows on the wrong shard with PostgreSQL's own hash there; keys that SQL cannot hash are
 * streamed. Reference tables are held against writes (at most 5 s wait) and compared. */
enum status catalog_verify_table(struct catalog *c, const char *schema, const char *name,
				 catalog_verified_fn found, void *ctx, struct err *err);
enum status catalog_unshard_table(struct catalog *c, const char *user, const char *schema,
				  const char *name, struct err *err);

/* ---- DDL through the main port ---- */

enum catalog_change_kind {
	CATALOG_ADD_SHARDED,
	CATALOG_ADD_REFERENCE,
	CATALOG_DROP,
	CATALOG_RENAME,
};

/* As struct plan_change (plan/plan.h), which this layer may not know. */
struct catalog_change {
	enum catalog_change_kind kind;
	const char *schema, *name;
	const char *new_schema, *new_name; /* CATALOG_RENAME; NULL: as it was */
	const char *distribution; /* CATALOG_ADD_SHARDED; "default_…" is made when missing */
	const char *key_columns[MAP_MAX_KEYS];
	uint32_t key_types[MAP_MAX_KEYS];
	uint16_t n_keys;
};

/* Write down what is about to be committed on the shards; the map does not change yet. */
enum status catalog_changes_begin(struct catalog *c, const struct catalog_change *changes,
				  unsigned n, const char *user, uint64_t incarnation,
				  int64_t *intent, struct err *err);
/* The shards have committed: the changes become the map. Doing it twice does no harm. *epoch (may
 * be NULL): the new one; untouched when somebody else has finished it. */
enum status catalog_changes_finish(struct catalog *c, int64_t intent, uint64_t *epoch,
				   struct err *err);
/* The shards have rolled back. */
enum status catalog_changes_abandon(struct catalog *c, int64_t intent, struct err *err);
/* End the intents whose proxy is gone, or that are older than 60 s, as the home shard's tables
 * tell: call at start and every few seconds. *n_resolved may be NULL. */
enum status catalog_resolve_intents(struct catalog *c, unsigned *n_resolved, struct err *err);
/* The default distribution of a key, or any named "default_…": made when missing. */
enum status catalog_ensure_distribution(struct catalog *c, const char *name,
					const uint32_t *key_types, unsigned n_keys,
					const char *user, struct err *err);

#endif
