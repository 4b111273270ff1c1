/* The name of a distributed transaction, as pg_prepared_xacts shows it:
 *	mosaic:<cluster>:<incarnation>:<counter>-<random hex>:<decider shard id>
 * It tells a reader of any shard whose transaction it is and where its outcome is decided. The
 * 64 random bits make it unique even when a restored catalog hands an incarnation out twice.
 *
 * A gid holds no character that needs quoting in SQL. Pure but for the random bits. */
#ifndef PGMOSAIC_TXN_GID_H
#define PGMOSAIC_TXN_GID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GID_MAX 200 /* PostgreSQL's limit, with the terminating zero */

struct gid {
	char cluster[64];
	uint64_t incarnation, counter, random;
	uint32_t decider; /* catalog id of the shard */
};

/* Aborts when the cluster's name is longer than 63 bytes or holds other than [A-Za-z0-9_.-]. */
void gid_format(char *out, size_t size, const char *cluster, uint64_t incarnation, uint64_t counter,
		uint32_t decider);
/* false: not one of ours. Accepts exactly what gid_format() writes. */
bool gid_parse(const char *text, struct gid *out);

#endif
