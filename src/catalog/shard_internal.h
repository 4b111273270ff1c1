/* Shared by shard*.c, hash_sql.c and place*.c. */
#ifndef CATALOG_SHARD_INTERNAL_H
#define CATALOG_SHARD_INTERNAL_H

#define SHARD_CONNECT_TIMEOUT_S 10

#endif
