/* Blocks while the proxy runs: shards are looked at and given their next ones; the proxy has
 * blocks of its own for values that it must know before it can route.
 *
 * A sequence that was refilled a moment ago gets more at once the next time, up to a thousandfold,
 * so that bulk loads do not stop at every block; what is not used up stays the shard's. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/clock.h"
#include "pgmosaic/base/mem.h"
#include "sequence_internal.h"

#define AHEAD_FROM 100	   /* shorter blocks are given on demand only */
#define BUSY_US	   1000000 /* refilled again within this time: a larger block */
#define LONG_BLOCK 1000
#define FACTOR_MAX 1024

/* Of one sequence on one shard. */
struct pace {
	uint32_t sequence;
	uint64_t factor, refilled_us;
};

struct keeper_shard {
	pthread_mutex_t mutex;
	struct pq pq;
	char *dsn;
	struct pace *paces;
	unsigned n_paces;
};

/* The proxy's own. */
struct own_block {
	uint32_t sequence;
	uint64_t generation;
	int64_t increment;
	struct sequence_block block;
	uint64_t left;
};

struct sequences {
	struct keeper_shard shards[MAP_MAX_SHARDS];
	pthread_mutex_t mutex; /* own */
	struct own_block *own;
	unsigned n_own;
};

struct sequences *sequences_create(void)
{
	struct sequences *s = mem_zero(1, sizeof(*s));

	pthread_mutex_init(&s->mutex, NULL);
	for (unsigned i = 0; i < MAP_MAX_SHARDS; i++)
		pthread_mutex_init(&s->shards[i].mutex, NULL);
	return s;
}

void sequences_destroy(struct sequences *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < MAP_MAX_SHARDS; i++) {
		pq_close(&s->shards[i].pq);
		pthread_mutex_destroy(&s->shards[i].mutex);
		free(s->shards[i].dsn);
		free(s->shards[i].paces);
	}
	pthread_mutex_destroy(&s->mutex);
	free(s->own);
	free(s);
}

/* ---- a shard's blocks ---- */

static enum status connect_shard(struct keeper_shard *k, const char *dsn, struct err *err)
{
	bool same = k->dsn && strcmp(k->dsn, dsn) == 0;

	if (same && k->pq.pg && !pq_is_lost(&k->pq))
		return STATUS_OK;
	pq_close(&k->pq);
	if (!same) {
		free(k->dsn);
		k->dsn = mem_strdup(dsn);
	}
	return sequence_open(&k->pq, dsn, err);
}

static struct pace *pace_of(struct keeper_shard *k, uint32_t sequence)
{
	for (unsigned i = 0; i < k->n_paces; i++)
		if (k->paces[i].sequence == sequence)
			return &k->paces[i];
	k->paces = mem_grow(k->paces, (k->n_paces + 1) * sizeof(*k->paces));
	k->paces[k->n_paces] = (struct pace){ .sequence = sequence, .factor = 1 };
	return &k->paces[k->n_paces++];
}

/* A short sequence, or one whose blocks were made short, gives no more than a block. */
static uint64_t least_of(const struct map_sequence *seq, const struct sequence_need *need)
{
	return need->at_least > seq->block && seq->block < LONG_BLOCK ? seq->block : need->at_least;
}

static uint64_t wanted_of(const struct pace *pace, const struct map_sequence *seq,
			  const struct sequence_need *need)
{
	uint64_t wanted = seq->block * pace->factor;

	return wanted < least_of(seq, need) ? least_of(seq, need) : wanted;
}

static void set_pace(struct pace *pace)
{
	uint64_t now = clock_us();

	if (pace->refilled_us && now - pace->refilled_us < BUSY_US)
		pace->factor = pace->factor < FACTOR_MAX ? pace->factor * 4 : FACTOR_MAX;
	else if (pace->factor > 1)
		pace->factor /= 4;
	pace->refilled_us = now;
}

/* Void: taken over, and not yet asked for a value here. */
static bool is_void(const struct sequence_object *o)
{
	return (uint64_t)o->rule.maximum - (uint64_t)o->rule.minimum <= 1;
}

static bool is_low(const struct map_sequence *seq, const struct sequence_object *now,
		   uint64_t wanted, const struct sequence_need *need)
{
	uint64_t left = sequence_left(now);

	if (need->ahead)
		return !is_void(now) && seq->block >= AHEAD_FROM && left < wanted / 3;
	return left == 0 || left < least_of(seq, need);
}

static enum status install(struct pq *pq, struct catalog *c, const struct map_sequence *seq,
			   const struct sequence_object *now, uint64_t wanted, uint64_t floor,
			   bool *changed, struct err *err)
{
	struct sequence_rule rule;
	struct sequence_block block;
	bool is_out = false;
	enum status st = sequence_lease(c, seq->id, seq->generation, wanted, floor, &rule, &block,
					&is_out, err);

	if (st != STATUS_OK)
		return st;
	if (!is_out) {
		st = sequence_install(pq, seq->schema, seq->name, now, &block, err);
	} else if (sequence_left(now) == 0 &&
		   now->last != (rule.increment < 0 ? rule.minimum : rule.maximum)) {
		st = sequence_end(pq, seq->schema, seq->name, now, &rule, err);
		is_out = false;
	}
	*changed = st == STATUS_OK && !is_out;
	return st;
}

/* Looked at again under the lock: somebody else may have been here. */
static enum status refill_one(struct keeper_shard *k, struct catalog *c,
			      const struct map_sequence *seq, const struct sequence_need *need,
			      unsigned *n, struct err *err)
{
	struct pace *pace = pace_of(k, seq->id);
	struct sequence_object now;
	bool is_there = false, changed = false;
	enum status st = pq_exec(&k->pq, "BEGIN; SET LOCAL synchronous_commit = off", err);

	if (st == STATUS_OK)
		st = sequence_lock(&k->pq, seq->schema, seq->name, false, &is_there, err);
	if (st == STATUS_OK && is_there)
		st = sequence_read(&k->pq, seq->schema, seq->name, &now, err);
	if (st == STATUS_OK && is_there && is_low(seq, &now, wanted_of(pace, seq, need), need)) {
		set_pace(pace);
		st = install(&k->pq, c, seq, &now, wanted_of(pace, seq, need), need->floor,
			     &changed, err);
	}
	pq_rollback(&k->pq);
	*n += changed;
	return st;
}

static const char look_query[] =
	"SELECT n.nspname, c.relname, q.seqmin, q.seqmax, pg_sequence_last_value(c.oid) "
	"FROM unnest($1::text[], $2::text[]) w(schema, name) "
	"JOIN pg_namespace n ON n.nspname = w.schema "
	"JOIN pg_class c ON c.relname = w.name AND c.relnamespace = n.oid "
	"JOIN pg_sequence q ON q.seqrelid = c.oid";

static bool is_asked(const struct sequence_need *need, const struct map_sequence *seq)
{
	for (unsigned i = 0; i < need->n_only; i++)
		if (need->only[i]->id == seq->id)
			return seq->is_ready;
	return seq->is_ready && need->n_only == 0;
}

/* One query for all sequences; most of the time none is low. */
static PGresult *look(struct keeper_shard *k, const struct shard_map *map,
		      const struct sequence_need *need, struct err *err)
{
	const char **schemas, **names;
	PGresult *res;
	struct arena a;
	unsigned n = 0;

	arena_init(&a, 0);
	schemas = arena_array(&a, const char *, map->n_sequences);
	names = arena_array(&a, const char *, map->n_sequences);
	for (uint32_t i = 0; i < map->n_sequences; i++) {
		if (!is_asked(need, &map->sequences[i]))
			continue;
		schemas[n] = map->sequences[i].schema;
		names[n++] = map->sequences[i].name;
	}
	res = pq_query(&k->pq, err, look_query, 2, pq_make_array(&a, schemas, n),
		       pq_make_array(&a, names, n));
	arena_finish(&a);
	return res;
}

static struct sequence_object object_of(const PGresult *res, int i, int64_t increment)
{
	struct sequence_object o = { .rule = { .minimum = strtoll(PQgetvalue(res, i, 2), NULL, 10),
					       .maximum = strtoll(PQgetvalue(res, i, 3), NULL, 10),
					       .increment = increment } };

	o.is_called = !PQgetisnull(res, i, 4);
	o.last = o.is_called	 ? strtoll(PQgetvalue(res, i, 4), NULL, 10)
		 : increment < 0 ? o.rule.maximum
				 : o.rule.minimum;
	return o;
}

static enum status refill_all(struct keeper_shard *k, struct catalog *c,
			      const struct shard_map *map, const struct sequence_need *need,
			      unsigned *n, struct err *err)
{
	PGresult *res = look(k, map, need, err);
	enum status st = res ? STATUS_OK : err->status;

	for (int i = 0; res && i < PQntuples(res); i++) {
		const struct map_sequence *seq =
			map_find_sequence(map, PQgetvalue(res, i, 0), PQgetvalue(res, i, 1));
		struct sequence_object now = object_of(res, i, seq->increment);
		struct err one = ERR_INIT;

		if (!is_low(seq, &now, wanted_of(pace_of(k, seq->id), seq, need), need)) {
			*n += !need->ahead; /* somebody else was faster */
			continue;
		}
		if (refill_one(k, c, seq, need, n, &one) == STATUS_OK)
			continue;
		st = one.status;
		*err = one;
	}
	PQclear(res);
	return st;
}

enum status sequences_refill(struct sequences *s, struct catalog *c, const struct shard_map *map,
			     uint16_t shard, const struct sequence_need *need, unsigned *n,
			     struct err *err)
{
	struct keeper_shard *k = &s->shards[shard];
	enum status st;

	*n = 0;
	if (map->n_sequences == 0)
		return STATUS_OK;
	pthread_mutex_lock(&k->mutex);
	st = connect_shard(k, map->shards[shard].dsn, err);
	if (st == STATUS_OK)
		st = refill_all(k, c, map, need, n, err);
	pthread_mutex_unlock(&k->mutex);
	return st;
}

/* ---- the proxy's own values ---- */

static struct own_block *own_of(struct sequences *s, uint32_t sequence)
{
	for (unsigned i = 0; i < s->n_own; i++)
		if (s->own[i].sequence == sequence)
			return &s->own[i];
	s->own = mem_grow(s->own, (s->n_own + 1) * sizeof(*s->own));
	s->own[s->n_own] = (struct own_block){ .sequence = sequence };
	return &s->own[s->n_own++];
}

static void draw_from(struct own_block *b, unsigned n, int64_t *out)
{
	for (unsigned i = 0; i < n; i++) {
		out[i] = b->block.first;
		b->left--;
		if (b->left)
			b->block.first += b->increment;
	}
}

bool sequences_draw_now(struct sequences *s, const struct map_sequence *seq, unsigned n,
			int64_t *out)
{
	struct own_block *b;
	bool ok;

	pthread_mutex_lock(&s->mutex);
	b = own_of(s, seq->id);
	ok = b->generation == seq->generation && b->left >= n;
	if (ok)
		draw_from(b, n, out);
	pthread_mutex_unlock(&s->mutex);
	return ok;
}

/* Blocks end anywhere: what is drawn may come from several. A newer generation's is not replaced.
 */
static unsigned draw_some(struct sequences *s, const struct map_sequence *seq,
			  const struct sequence_block *block, int64_t increment, unsigned n,
			  int64_t *out)
{
	struct own_block fresh = { .sequence = seq->id,
				   .generation = seq->generation,
				   .increment = increment,
				   .block = *block,
				   .left = sequence_count(increment, block->first, block->last) };
	struct own_block *b;

	if (n > fresh.left)
		n = (unsigned)fresh.left;
	draw_from(&fresh, n, out);
	pthread_mutex_lock(&s->mutex);
	b = own_of(s, seq->id);
	if (b->generation <= seq->generation &&
	    (b->generation < seq->generation || b->left < fresh.left))
		*b = fresh;
	pthread_mutex_unlock(&s->mutex);
	return n;
}

static enum status ran_out(const struct map_sequence *seq, const struct sequence_rule *rule,
			   struct err *err)
{
	if (rule->increment < 0)
		return err_set_code(err, STATUS_INVALID, "2200H",
				    "nextval: reached minimum value of sequence \"%s\" (%" PRId64
				    ")",
				    seq->name, rule->minimum);
	return err_set_code(err, STATUS_INVALID, "2200H",
			    "nextval: reached maximum value of sequence \"%s\" (%" PRId64 ")",
			    seq->name, rule->maximum);
}

enum status sequences_draw(struct sequences *s, struct catalog *c, const struct map_sequence *seq,
			   unsigned n, int64_t *out, struct err *err)
{
	struct sequence_rule rule;
	struct sequence_block block;
	unsigned done = 0;

	if (sequences_draw_now(s, seq, n, out))
		return STATUS_OK;
	while (done < n) {
		uint64_t wanted = n - done > seq->block ? n - done : seq->block;
		bool is_out = false;
		enum status st = sequence_lease(c, seq->id, seq->generation, wanted, n - done,
						&rule, &block, &is_out, err);

		if (st != STATUS_OK)
			return st;
		if (is_out)
			return ran_out(seq, &rule, err);
		done += draw_some(s, seq, &block, rule.increment, n - done, out + done);
	}
	return STATUS_OK;
}
