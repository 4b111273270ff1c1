/* What is done on a shard's own server: the schema `mosaic` there, checks, copies of tables.
 *
 * Happy path of a new shard: shard_check(), shard_install(), shard_copy_schema() from the home
 * shard. shard_load_schema() gives the snapshot that plans are made against.
 * Failure: errors name the server (`who`: "shard s2"); DSNs are never put into messages.
 * Waiting: every call blocks; job threads only. Connections are opened and closed inside.
 * Threads: any. */
#ifndef PGMOSAIC_CATALOG_SHARD_H
#define PGMOSAIC_CATALOG_SHARD_H

#include "pgmosaic/base/arena.h"
#include "pgmosaic/base/err.h"
#include "pgmosaic/catalog/map.h"
#include "pgmosaic/catalog/schema.h"

struct shard_server {
	const char *who, *dsn;
	unsigned connect_timeout_s;
};

/* Schema mosaic with commit log, fence and their functions (docs/internals/
 * two-phase-commit.md). Idempotent, safe when several do it at once, silent when done. */
enum status shard_install(const struct shard_server *s, struct err *err);

enum shard_fault_level { FAULT_WARNING, FAULT_ERROR };

struct shard_fault {
	enum shard_fault_level level;
	const char *text, *fix;
	struct shard_fault *next;
};

struct shard_faults {
	struct arena arena; /* arena_init() and arena_finish() are the caller's */
	struct shard_fault *first, *last;
	unsigned n_errors;
};

/* Everything that would make this server a bad shard. home (may be NULL): the server whose
 * encoding and collation it must share. A server that cannot be reached is one fault. */
void shard_check(const struct shard_server *s, const struct shard_server *home, bool is_one_of_many,
		 struct shard_faults *faults);

enum status shard_load_schema(const struct shard_server *s, struct schema **out, struct err *err);

/* The definition of one table (columns, defaults, constraints, indexes, owner, grants,
 * comments) by pg_dump, without rows. It must not exist on `to`. */
enum status shard_copy_table(const struct shard_server *from, const struct shard_server *to,
			     const char *schema, const char *name, struct err *err);
/* The whole schema of a database, by pg_dump, but for schema mosaic. Roles must exist on both
 * sides: those missing are named in the error. */
enum status shard_copy_schema(const struct shard_server *from, const struct shard_server *to,
			      struct err *err);

/* SQL that computes the hash of a distribution's key from columns (already quoted names or
 * expressions) as route/hash.h does. NULL with `err`: the function or a type is beyond SQL. */
const char *hash_sql(struct arena *a, const struct map_distribution *dist,
		     const uint32_t *column_types, const char *const *columns, struct err *err);
/* A condition that is true for rows whose owner is not shards[shard]. NULL with `err`; the
 * text "false" when the shard owns every chunk. */
const char *hash_foreign_sql(struct arena *a, const struct map_distribution *dist, uint16_t shard,
			     const char *hash);
/* Rows of a sharded table that lie on shards[shard] and belong elsewhere. */
enum status shard_misplaced_rows(const struct shard_server *s, const struct shard_map *map,
				 uint16_t shard, const struct map_table *table, uint64_t *count,
				 struct err *err);

#endif
