/* The catalog's insides, shared by store*.c, place*.c and bootstrap.c.
 *
 * A change of the map:
 *	change_begin(&ch, c, user, err)      the mutex is ours, a transaction is open, and the
 *	                                     row with the epoch is locked: changes form a queue
 *	pq_run(ch.pq, …)                     any statements
 *	change_commit(&ch, err, "what …")    epoch + 1, audit row, NOTIFY, COMMIT
 * or change_cancel(&ch). Exactly one of the two ends it. */
#ifndef CATALOG_STORE_INTERNAL_H
#define CATALOG_STORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include "pgmosaic/catalog/pq.h"
#include "pgmosaic/catalog/store.h"

#define STORE_VERSION	   3
#define STORE_STATEMENT_MS 15000 /* a catalog that does not answer for so long is given up */
#define STORE_LOCK	   "SELECT pg_catalog.pg_advisory_xact_lock(5431768219070141)"

struct catalog {
	pthread_mutex_t lock;
	char *dsn;
	unsigned connect_timeout_s;
	struct pq pq;	    /* guarded by `lock` */
	struct pq listener; /* catalog_wait_change()'s own */
	struct pq keeper;   /* proxy_renew()'s own */
	_Atomic uint64_t incarnation;
};

/* Lock and have a live connection; a failure leaves nothing locked. */
enum status catalog_enter(struct catalog *c, struct err *err);
/* Roll back what is open, unlock. */
void catalog_leave(struct catalog *c);

struct change {
	struct catalog *c; /* NULL: on a map lock's own connection */
	struct pq *pq;
	const char *user;
	uint64_t epoch; /* before the change */
};

enum status change_begin(struct change *ch, struct catalog *c, const char *user, struct err *err);
/* The same on a connection of the caller's, without the mutex. */
enum status change_begin_on(struct change *ch, struct pq *pq, const char *user, struct err *err);
/* As change_commit(), but without a row in audit: the map is the same. */
enum status change_publish(struct change *ch, struct err *err);
/* The same, when the map is still the one of this epoch; else 40001: it was read before. */
enum status change_begin_at(struct change *ch, struct catalog *c, const char *user, uint64_t epoch,
			    struct err *err);
/* Cancels the change when the map is not the one of this epoch any more: 40001. */
enum status change_check_epoch(struct change *ch, uint64_t epoch, struct err *err);
enum status change_commit(struct change *ch, struct err *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void change_cancel(struct change *ch);

/* ---- pieces of a change ---- */

/* `types` are d->types as OIDs of their classes (distribution_types()). */
enum status distribution_insert(struct pq *pq, const struct catalog_distribution *d,
				const uint32_t *types, struct err *err);
enum status distribution_types(const struct catalog_distribution *d, uint32_t *out,
			       struct err *err);
/* Keys that split a range, as PostgreSQL prints them: must ascend. */
enum status range_splits_read(struct arena *a, uint32_t type, const char *const *texts, unsigned n,
			      const char **out, struct err *err);
/* Made when missing and named "default_…"; *made (may be NULL) says so. Types must fit. */
enum status distribution_ensure(struct pq *pq, const char *name, const uint32_t *types,
				unsigned n_types, bool *made, struct err *err);
/* "default_bigint_text" */
const char *distribution_default_name(struct arena *a, const uint32_t *types, unsigned n);
enum status shard_insert(struct pq *pq, const char *name, const char *dsn, const char *replicas,
			 uint32_t weight, struct err *err);
/* Upsert: what the map says of a table. */
enum status table_put_sharded(struct pq *pq, const char *schema, const char *name,
			      const char *distribution, const char *const *columns, unsigned n,
			      struct err *err);
enum status table_put_reference(struct pq *pq, const char *schema, const char *name,
				struct err *err);
enum status table_put_single(struct pq *pq, const char *schema, const char *name, const char *shard,
			     struct err *err);
enum status table_drop(struct pq *pq, const char *schema, const char *name, struct err *err);
enum status table_rename(struct pq *pq, const char *schema, const char *name,
			 const char *new_schema, const char *new_name, struct err *err);

#endif
