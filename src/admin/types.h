/* Names of the types a shard key may have, both ways. */
#ifndef ADMIN_TYPES_H
#define ADMIN_TYPES_H

#include <stdint.h>
#include "pgmosaic/base/arena.h"

/* "bigint", "text" …; any other OID as a number. */
const char *type_name(struct arena *a, uint32_t oid);

#endif
