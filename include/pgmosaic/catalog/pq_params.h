/* A DSN taken apart, to connect with it as somebody else.
 *
 * Happy path: pq_params_read() takes all of the DSN but its user, its password and what
 * belongs to them; pq_params_put() adds; PQconnectdbParams(p.keys, p.values, 0).
 * Failure: STATUS_INVALID, the DSN cannot be read.
 * Ownership: texts live in the arena, secrets included: keep it short-lived. */
#ifndef PGMOSAIC_CATALOG_PQ_PARAMS_H
#define PGMOSAIC_CATALOG_PQ_PARAMS_H

#include "pgmosaic/base/arena.h"
#include "pgmosaic/base/err.h"

#define PQ_PARAMS_SPARE 20 /* how many may be put */

struct pq_params {
	const char **keys, **values; /* a NULL ends them */
	unsigned n;
};

enum status pq_params_read(struct arena *a, const char *dsn, struct pq_params *out,
			   struct err *err);
/* What is put last counts. The texts must live as long as the params. */
void pq_params_put(struct pq_params *p, const char *key, const char *value);

#endif
