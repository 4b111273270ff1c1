/* One command that changes the placement of tables or shards at a time, in the whole cluster.
 *
 * An advisory lock in the catalog, held by a connection of its own over all steps of the command.
 * The change of the map is made on that very connection: if it is lost, so is the lock, and the
 * change fails. A holder whose proxy has lost its lease is evicted and its connection ended.
 * Failure: 55006 naming the holder, after some seconds. */
#ifndef CATALOG_MAP_LOCK_H
#define CATALOG_MAP_LOCK_H

#include "store_internal.h"

struct map_lock {
	struct pq pq;
};

enum status map_lock_take(struct map_lock *l, struct catalog *c, const char *what, struct err *err);
void map_lock_give(struct map_lock *l); /* one never taken is fine when zeroed */

#endif
