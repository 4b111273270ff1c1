/* Shared by sequence*.c. */
#ifndef CATALOG_SEQUENCE_INTERNAL_H
#define CATALOG_SEQUENCE_INTERNAL_H

#include "pgmosaic/catalog/pq.h"
#include "pgmosaic/catalog/sequence.h"

#define SEQUENCE_INT64_TEXT 24

/* One sequence object as a server has it. */
struct sequence_object {
	uint32_t oid;
	struct sequence_rule rule; /* of the object: on a shard its bounds are those of its block */
	int64_t last;
	bool is_called;
};

/* The next draw of an object. */
struct sequence_state sequence_state_of(const struct sequence_object *o);
/* How many values it still gives. */
uint64_t sequence_left(const struct sequence_object *o);

/* ---- on a server's connection (sequence_shard.c) ---- */

/* A connection for maintenance: it waits for nothing for long. */
enum status sequence_open(struct pq *pq, const char *dsn, struct err *err);
/* Inside a transaction: nobody else installs a block; and, `hard`, nobody has drawn in a
 * transaction that is still open. *is_there false: no such sequence. */
enum status sequence_lock(struct pq *pq, const char *schema, const char *name, bool hard,
			  bool *is_there, struct err *err);
enum status sequence_read(struct pq *pq, const char *schema, const char *name,
			  struct sequence_object *out, struct err *err);
/* Under the hard lock: bounds and place at once. With is_called the place itself is used up. */
enum status sequence_set(struct pq *pq, const char *schema, const char *name,
			 const struct sequence_rule *rule, int64_t place, bool is_called,
			 struct err *err);
/* Bounds that are one value become two, as PostgreSQL wants it; no more can be drawn. */
void sequence_widen(struct sequence_rule *bounds);
/* A block, under the soft lock, for an object in this state; under the hard one, any. */
enum status sequence_install(struct pq *pq, const char *schema, const char *name,
			     const struct sequence_object *now, const struct sequence_block *block,
			     struct err *err);
/* No value is left in the whole sequence: the object says so as one server would. */
enum status sequence_end(struct pq *pq, const char *schema, const char *name,
			 const struct sequence_object *now, const struct sequence_rule *rule,
			 struct err *err);

#endif
