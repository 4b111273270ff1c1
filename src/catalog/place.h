/* Placing tables that exist already: the work on the shards behind SHARD TABLE, REFERENCE
 * TABLE, SINGLE TABLE, UNSHARD TABLE and CREATE SHARD.
 *
 * While the map changes, proxies with the old and the new one live side by side. So writes to
 * the table are fenced first: a trigger on each shard that has it raises 40001, "try again".
 * Making a trigger waits for the writers in flight and, from its commit on, no row changes. The
 * fence is lifted when every proxy has acked the new epoch, or when the command has failed and
 * nothing was changed. */
#ifndef CATALOG_PLACE_H
#define CATALOG_PLACE_H

#include "pgmosaic/catalog/map.h"
#include "pgmosaic/catalog/pq.h"

#define PLACE_MAX_FENCES 1024

struct place_fence_item {
	char *dsn, *table; /* the table's quoted, qualified name */
};

struct place_fence {
	struct arena arena;
	struct place_fence_item *items;
	unsigned n;
};

void place_fence_init(struct place_fence *f);
/* A table that is fenced already (a proxy died in the middle) stays so, which is fine. */
enum status place_fence_add(struct place_fence *f, const char *dsn, const char *schema,
			    const char *name, struct err *err);
/* Take all triggers off again. What cannot be reached is logged with the statement to run. */
void place_fence_lift(struct place_fence *f);
/* Leave them, and say so in the log: what the map says is not certain everywhere. */
void place_fence_leave(struct place_fence *f);
/* The fenced tables are still the ones that were fenced: DDL may have replaced them. */
enum status place_fence_check(struct place_fence *f, struct err *err);

/* Every reference table, on the home shard: writes take its lock there first. */
enum status place_fence_references(struct place_fence *f, const struct shard_map *map,
				   struct err *err);
/* Rows of every reference table, home shard → dsn, where the tables are and are empty. */
enum status place_copy_references(const struct shard_map *map, const char *dsn, struct err *err);
/* Rows of one table by COPY, in one transaction each side, counted on both. */
enum status place_copy_rows(const char *from_dsn, const char *to_dsn, const char *schema,
			    const char *name, struct err *err);
/* 'r', 'p', 'v' … or 0 when there is no such relation. */
enum status place_relkind(struct pq *pq, const char *schema, const char *name, char *kind,
			  struct err *err);

#endif
