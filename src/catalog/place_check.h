/* May this table be sharded, or be a reference table? Rules on the home shard's schema. */
#ifndef CATALOG_PLACE_CHECK_H
#define CATALOG_PLACE_CHECK_H

#include "pgmosaic/catalog/map.h"
#include "pgmosaic/catalog/pq.h"
#include "pgmosaic/catalog/schema.h"
#include "pgmosaic/catalog/store.h"

/* An ordinary, permanent table without children, triggers or rules. */
enum status place_check_table(const struct schema *s, const char *schema, const char *name,
			      const struct schema_relation **out, struct err *err);
/* The key's columns exist and have types with a hash; their types. `home`: to ask of
 * collations. */
enum status place_check_keys(struct pq *home, const struct schema_relation *r,
			     const char *const *columns, unsigned n, uint32_t *types,
			     struct err *err);
/* Every unique index and exclusion constraint holds the whole key, or a trusted column. */
enum status place_check_unique(const struct schema_relation *r, const struct catalog_sharding *as,
			       struct err *err);
/* Every foreign key, out and in, is between rows that live together. `as`: the table as it
 * shall be in the map. */
enum status place_check_foreign(struct pq *home, const struct shard_map *map,
				const struct map_table *as, struct err *err);

#endif
