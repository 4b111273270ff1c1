/* What is done on a shard's own server: the schema `mosaic` there, checks, copies of tables.
 *
 * Happy path of a new shard: shard_check(), shard_install(), shard_copy_schema() from the home
 * shard. shard_load_schema() gives the snapshot that plans are made against.
 * Failure: errors name the server as host:port/database, never with its password.
 * Waiting: every call blocks; job threads only. Connections are opened and closed inside.
 * Threads: any. */
#ifndef PGMOSAIC_CATALOG_SHARD_H
#define PGMOSAIC_CATALOG_SHARD_H

#include "pgmosaic/base/arena.h"
#include "pgmosaic/base/err.h"
#include "pgmosaic/catalog/map.h"
#include "pgmosaic/catalog/schema.h"

/* Schema mosaic with commit log, fence and their functions (docs/internals/
 * two-phase-commit.md). Idempotent, safe when several do it at once, silent when done. */
enum status shard_install(const char *dsn, struct err *err);

#define SHARD_MAX_FAULTS 16

struct shard_faults {
	struct err items[SHARD_MAX_FAULTS]; /* each with a hint that cures it */
	unsigned n;
	struct err warnings[SHARD_MAX_FAULTS]; /* nothing that forbids using the server */
	unsigned n_warnings;
};

/* Everything that would make this server a bad shard. One that cannot be reached is one fault. */
void shard_check(const char *dsn, struct shard_faults *faults);
/* Adds what differs from the home shard and would make answers differ: collation, version. */
void shard_compare(const char *dsn, const char *home_dsn, struct shard_faults *faults);
void shard_faults_finish(struct shard_faults *faults);

enum status shard_load_schema(const char *dsn, struct schema **out, struct err *err);
/* *same: every relation of home is there too, and no other. */
enum status shard_has_same_schema(const char *home_dsn, const char *dsn, bool *same,
				  struct err *err);

/* The definition of one table (columns, defaults, constraints, indexes, owner, grants,
 * comments) by pg_dump, without rows. It must not exist there yet. */
enum status shard_copy_table(const char *from_dsn, const char *to_dsn, const char *schema,
			     const char *name, struct err *err);
/* The whole schema of a database, by pg_dump, but for schema mosaic. Roles must exist on both
 * sides: those missing are named in the error. */
enum status shard_copy_schema(const char *from_dsn, const char *to_dsn, struct err *err);

/* SQL that computes the hash of a distribution's key from columns (already quoted names or
 * expressions) as key/hash.h does. NULL with `err`: the function or a type is beyond SQL. */
const char *hash_sql(struct arena *a, const struct map_distribution *dist,
		     const uint32_t *column_types, const char *const *columns, struct err *err);
/* A condition that is true for rows whose owner is not shards[shard]. NULL with `err`; the
 * text "false" when the shard owns every chunk. */
const char *hash_foreign_sql(struct arena *a, const struct map_distribution *dist, uint16_t shard,
			     const char *hash);
/* The same for a RANGE distribution, of its one key column. */
const char *range_foreign_sql(struct arena *a, const struct map_distribution *dist, uint16_t shard,
			      const char *column);
/* Rows of a sharded table that lie on shards[shard] and belong elsewhere. */
enum status shard_misplaced_rows(const char *dsn, const struct shard_map *map, uint16_t shard,
				 const struct map_table *table, uint64_t *count, struct err *err);

#endif
