/* Sequences shared by all shards and proxies: one state in the catalog, disjoint blocks of
 * it in each shard's own sequence object and in proxies. docs/internals/sequences.md.
 *
 * Happy path: sequences_sync() takes the sequences of sharded and reference tables over;
 * sequences_refill() gives a shard its next block before, or when, the present one is used up;
 * sequences_draw() gives values that a proxy needs before it can route.
 * Failure: a lease that is not installed, because somebody died, is a gap. 2200H: the sequence
 * has no value left. 40001: it is being changed, try again.
 * Waiting: every call blocks but sequences_draw_now(). Job threads only.
 * Threads: any number; one refill of a shard at a time. */
#ifndef PGMOSAIC_CATALOG_SEQUENCE_H
#define PGMOSAIC_CATALOG_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>
#include "pgmosaic/base/err.h"
#include "pgmosaic/catalog/map.h"
#include "pgmosaic/catalog/store.h"

/* ---- arithmetic: pure ---- */

struct sequence_rule {
	int64_t start, minimum, maximum, increment;
	bool cycle;
};

/* Values first, first + increment, … last. Descending ones have first above last. */
struct sequence_block {
	int64_t first, last;
};

/* Where the next lease begins. */
struct sequence_state {
	int64_t next;
	bool is_done; /* the last value was leased: nothing more, unless it cycles */
};

/* Up to `wanted` values; false: there is none. */
bool sequence_take(const struct sequence_rule *rule, struct sequence_state *state, uint64_t wanted,
		   struct sequence_block *out);
/* `wanted`, or less towards the end of the sequence, so that no shard sits on its last values; but
 * not less than `floor`. */
uint64_t sequence_fair(const struct sequence_rule *rule, const struct sequence_state *state,
		       uint64_t wanted, uint64_t floor);
/* Values from one to the other, both included; 0 when `to` lies before `from`. */
uint64_t sequence_count(int64_t increment, int64_t from, int64_t to);
/* State behind a value that was used. */
void sequence_pass(const struct sequence_rule *rule, struct sequence_state *state, int64_t used);
/* How many values a block has when nobody said: 1000, fewer of a short sequence. */
uint64_t sequence_default_block(const struct sequence_rule *rule);

/* ---- the catalog's rows ---- */

/* *is_out: the sequence has no value left. 40001: it has another generation, or is being changed.
 */
enum status sequence_lease(struct catalog *c, uint32_t id, uint64_t generation, uint64_t wanted,
			   uint64_t floor, struct sequence_rule *rule, struct sequence_block *out,
			   bool *is_out, struct err *err);
/* Where the next lease begins, for SHOW. */
enum status sequence_place(struct catalog *c, uint32_t id, struct sequence_state *out,
			   struct err *err);
/* Values in a block from the next lease on. */
enum status sequence_set_block(struct catalog *c, const char *schema, const char *name,
			       uint64_t block, const char *user, struct err *err);

/* ---- taking over and giving back ---- */

/* Every sequence that a sharded or reference table draws from, and every one that belongs to no
 * table and is on all shards, is managed afterwards; those that are no longer so are given back,
 * `gives`, which waits until every statement under an older map has ended: not for a statement.
 * *changed: the map has a new epoch. Idempotent. */
enum status sequences_sync(struct catalog *c, const char *user, bool gives, bool *changed,
			   struct err *err);
/* Take the blocks away and give each shard's object its whole range again, so that ALTER
 * SEQUENCE and setval() can run there as on one server; sequences_sync() takes it back. */
enum status sequence_release(struct catalog *c, const char *user, uint64_t incarnation,
			     const char *schema, const char *name, struct err *err);
/* What it was released for is done; while this is not called and the proxy lives, no sync touches
 * it. */
enum status sequence_released(struct catalog *c, const char *schema, const char *name,
			      struct err *err);
/* A server whose objects are copies of another's: none of them may be drawn from. */
enum status sequences_void(struct catalog *c, const char *dsn, struct err *err);

/* ---- blocks while the proxy runs ---- */

struct sequences;

struct sequences *sequences_create(void);
void sequences_destroy(struct sequences *s); /* NULL is fine */
/* Which sequences of a shard get their next block. */
struct sequence_need {
	bool ahead;	   /* those that are in use and low; else those that are used up */
	uint64_t at_least; /* with only: those that have less than this get this much */
	uint64_t floor;	   /* no less than this, however near the end of the sequence is */
	const struct map_sequence *const *only; /* n_only; 0: all */
	unsigned n_only;
};

/* *n: how many changed, or, not ahead, have values by somebody else's doing. */
enum status sequences_refill(struct sequences *s, struct catalog *c, const struct shard_map *map,
			     uint16_t shard, const struct sequence_need *need, unsigned *n,
			     struct err *err);
/* n values out of the proxy's own block; false: it has not that many, see sequences_draw(). */
bool sequences_draw_now(struct sequences *s, const struct map_sequence *seq, unsigned n,
			int64_t *out);
enum status sequences_draw(struct sequences *s, struct catalog *c, const struct map_sequence *seq,
			   unsigned n, int64_t *out, struct err *err);

#endif
