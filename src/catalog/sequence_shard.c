/* A shard's own sequence object.
 *
 * Its bounds are those of the block it has, so that drawing past the end is an error (2200H) and
 * never another's value. A later block is put in place without a lock on the sequence: nextval()
 * keeps one until its transaction ends, and the next block must not wait for the slowest client.
 * So the bounds are changed in pg_sequence and the place by setval(), in this order of effects:
 *
 *   setval()  at once: who still has the old bounds finds the place beyond them: 2200H, tries again
 *   COMMIT    the new bounds
 *
 * A place beyond the bounds is safe whoever dies when. A block that lies before the present one
 * (a sequence that has begun anew) is put there by ALTER SEQUENCE, which waits for all. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sequence_internal.h"
#include "shard_internal.h"

#define LOCK_CLASS "543176822"

enum status sequence_open(struct pq *pq, const char *dsn, struct err *err)
{
	enum status st = pq_open(pq, NULL, dsn, SHARD_CONNECT_TIMEOUT_S, err);

	if (st == STATUS_OK)
		st = pq_exec(
			pq,
			"SET lock_timeout = '3s'; SET statement_timeout = '10s'; "
			"SET idle_in_transaction_session_timeout = '15s'; "
			"SET default_transaction_isolation = 'read committed'; "
			"SET default_transaction_read_only = off; SET search_path = pg_catalog",
			err);
	return st;
}

static const char *qualified(struct arena *a, const char *schema, const char *name)
{
	return arena_printf(a, "%s.%s", pq_ident(a, schema), pq_ident(a, name));
}

static bool is_forward(const struct sequence_object *now, const struct sequence_block *b)
{
	return now->rule.increment < 0 ? b->first < now->rule.minimum
				       : b->first > now->rule.maximum;
}

struct sequence_state sequence_state_of(const struct sequence_object *o)
{
	struct sequence_state state = { .next = o->last };

	if (o->is_called)
		sequence_pass(&o->rule, &state, o->last);
	return state;
}

uint64_t sequence_left(const struct sequence_object *o)
{
	struct sequence_state state = sequence_state_of(o);
	int64_t end = o->rule.increment < 0 ? o->rule.minimum : o->rule.maximum;

	return state.is_done ? 0 : sequence_count(o->rule.increment, state.next, end);
}

enum status sequence_lock(struct pq *pq, const char *schema, const char *name, bool hard,
			  bool *is_there, struct err *err)
{
	struct arena a;
	uint64_t n = 0;
	enum status st;

	st = pq_u64(pq, err, &n,
		    "SELECT count(pg_advisory_xact_lock((" LOCK_CLASS "::bigint << 32) | "
		    "c.oid::bigint)::text) FROM pg_class c JOIN pg_namespace n "
		    "ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 "
		    "AND c.relkind = 'S'",
		    2, schema, name);
	*is_there = n == 1;
	if (st != STATUS_OK || n != 1 || !hard)
		return st;
	arena_init(&a, 0);
	st = pq_exec(pq, arena_printf(&a, "ALTER SEQUENCE %s CACHE 1", qualified(&a, schema, name)),
		     err);
	arena_finish(&a);
	return st;
}

static int64_t number(const PGresult *res, int column)
{
	return strtoll(PQgetvalue(res, 0, column), NULL, 10);
}

enum status sequence_read(struct pq *pq, const char *schema, const char *name,
			  struct sequence_object *out, struct err *err)
{
	struct arena a;
	const char *sql;
	PGresult *res;

	arena_init(&a, 0);
	sql = arena_printf(&a,
			   "SELECT q.seqrelid, q.seqstart, q.seqmin, q.seqmax, q.seqincrement, "
			   "q.seqcycle, s.last_value, s.is_called FROM pg_sequence q, %s s "
			   "WHERE q.seqrelid = %s::regclass",
			   qualified(&a, schema, name),
			   pq_literal(&a, qualified(&a, schema, name)));
	res = pq_query(pq, err, sql, 0);
	arena_finish(&a);
	if (!res)
		return err->status;
	if (PQntuples(res) != 1) {
		PQclear(res);
		return err_set(err, STATUS_UNDEFINED, "sequence \"%s\" has gone", name);
	}
	*out = (struct sequence_object){ .oid = (uint32_t)number(res, 0),
					 .rule = { .start = number(res, 1),
						   .minimum = number(res, 2),
						   .maximum = number(res, 3),
						   .increment = number(res, 4),
						   .cycle = PQgetvalue(res, 0, 5)[0] == 't' },
					 .last = number(res, 6),
					 .is_called = PQgetvalue(res, 0, 7)[0] == 't' };
	PQclear(res);
	return STATUS_OK;
}

enum status sequence_set(struct pq *pq, const char *schema, const char *name,
			 const struct sequence_rule *rule, int64_t place, bool is_called,
			 struct err *err)
{
	struct arena a;
	const char *seq;
	enum status st;

	arena_init(&a, 0);
	seq = qualified(&a, schema, name);
	st = pq_exec(pq,
		     arena_printf(&a,
				  "ALTER SEQUENCE %s INCREMENT BY %" PRId64 " MINVALUE %" PRId64
				  " MAXVALUE %" PRId64 " START WITH %" PRId64
				  " RESTART WITH %" PRId64 " %s CACHE 1",
				  seq, rule->increment, rule->minimum, rule->maximum, rule->start,
				  place, rule->cycle ? "CYCLE" : "NO CYCLE"),
		     err);
	if (st == STATUS_OK && is_called)
		st = pq_exec(pq,
			     arena_printf(&a, "SELECT setval(%s, %" PRId64 ", true)",
					  pq_literal(&a, seq), place),
			     err);
	arena_finish(&a);
	return st;
}

/* PostgreSQL wants two values between the bounds: the other one lies behind the place. */
void sequence_widen(struct sequence_rule *bounds)
{
	if (bounds->minimum != bounds->maximum)
		return;
	if (bounds->increment < 0 && bounds->maximum < INT64_MAX)
		bounds->maximum++;
	else if (bounds->increment > 0 && bounds->minimum > INT64_MIN)
		bounds->minimum--;
}

static void bounds_of(const struct sequence_block *b, int64_t increment, struct sequence_rule *out)
{
	*out = (struct sequence_rule){ .start = b->first,
				       .minimum = increment < 0 ? b->last : b->first,
				       .maximum = increment < 0 ? b->first : b->last,
				       .increment = increment };
	sequence_widen(out);
}

/* Without a lock on the sequence; see above. */
static enum status move_on(struct pq *pq, const char *schema, const char *name,
			   const struct sequence_rule *bounds, int64_t place, bool is_called,
			   struct err *err)
{
	struct arena a;
	const char *seq;
	enum status st;

	arena_init(&a, 0);
	seq = pq_literal(&a, qualified(&a, schema, name));
	st = pq_exec(pq,
		     arena_printf(&a,
				  "UPDATE pg_sequence SET seqstart = %" PRId64 ", seqmin = %" PRId64
				  ", seqmax = %" PRId64 " WHERE seqrelid = %s::regclass; "
				  "SELECT setval(%s, %" PRId64 ", %s); COMMIT",
				  bounds->start, bounds->minimum, bounds->maximum, seq, seq, place,
				  is_called ? "true" : "false"),
		     err);
	arena_finish(&a);
	return st;
}

/* The block right behind the present one: only the end moves, no value is lost. */
static enum status extend(struct pq *pq, const char *schema, const char *name,
			  const struct sequence_object *now, int64_t last, struct err *err)
{
	struct arena a;
	enum status st;

	arena_init(&a, 0);
	st = pq_exec(pq,
		     arena_printf(&a,
				  "UPDATE pg_sequence SET %s = %" PRId64
				  " WHERE seqrelid = %s::regclass; COMMIT",
				  now->rule.increment < 0 ? "seqmin" : "seqmax", last,
				  pq_literal(&a, qualified(&a, schema, name))),
		     err);
	arena_finish(&a);
	return st;
}

static bool is_next_to(const struct sequence_object *now, const struct sequence_block *b)
{
	int64_t end = now->rule.increment < 0 ? now->rule.minimum : now->rule.maximum;

	return is_forward(now, b) &&
	       (uint64_t)end + (uint64_t)now->rule.increment == (uint64_t)b->first;
}

enum status sequence_install(struct pq *pq, const char *schema, const char *name,
			     const struct sequence_object *now, const struct sequence_block *block,
			     struct err *err)
{
	struct sequence_rule bounds;
	bool is_there;
	enum status st;

	bounds_of(block, now->rule.increment, &bounds);
	if (is_next_to(now, block))
		return extend(pq, schema, name, now, block->last, err);
	if (is_forward(now, block))
		return move_on(pq, schema, name, &bounds, block->first, false, err);
	st = sequence_lock(pq, schema, name, true, &is_there, err);
	if (st == STATUS_OK)
		st = sequence_set(pq, schema, name, &bounds, block->first, false, err);
	return st == STATUS_OK ? pq_exec(pq, "COMMIT", err) : st;
}

enum status sequence_end(struct pq *pq, const char *schema, const char *name,
			 const struct sequence_object *now, const struct sequence_rule *rule,
			 struct err *err)
{
	int64_t end = rule->increment < 0 ? rule->minimum : rule->maximum;
	struct sequence_rule bounds = now->rule;

	bounds.minimum = bounds.maximum = bounds.start = end;
	sequence_widen(&bounds);
	return move_on(pq, schema, name, &bounds, end, true, err);
}
