/* What a client keeps between transactions: server connections.
 *
 * Pool mode `session` keeps every connection until the client leaves. In the other modes a
 * connection goes back at the end of each transaction, unless it is pinned: it holds something of
 * the client that no other connection has. A kept connection is given to others only after
 * DISCARD ALL. When a pinned connection is lost, so is what it held, and the client is told by the
 * end of its session, as PostgreSQL would. */
#include <stdio.h>

#include "internal.h"

void session_pin(struct leg *leg, enum pin why)
{
	leg->pins |= why;
	if (!leg->conn)
		return;
	leg->conn->needs_discard = true;
	leg->conn->must_close |= why == PIN_LIBRARY;
}

void session_tie(struct session *s, const struct plan *plan, struct leg *leg)
{
	temp_begin(s, plan, leg);
	cursor_begin(plan, leg);
	if (plan->ties & TIE_LOCK)
		session_pin(leg, PIN_LOCK);
	if (plan->ties & TIE_UNLOCK)
		leg->may_unpin = true;
	if (plan->ties & TIE_UNSEEN)
		leg->is_suspect = true;
}

static bool session_keeps(const struct session *s, const struct leg *leg)
{
	return s->mode == POOL_SESSION || leg->pins;
}

void session_release_leg(struct session *s, struct leg *leg)
{
	leg->in_txn = leg->wrote = leg->has_xid = leg->lost = false;
	if (!leg->conn)
		return;
	if (session_keeps(s, leg))
		leg_keep(leg);
	else
		leg_release(leg);
}

void session_release_legs(struct session *s)
{
	for (unsigned i = 0; i < s->n_legs; i++)
		session_release_leg(s, s->legs[i]);
}

void session_give_back(struct session *s)
{
	cursors_forget(s);
	for (unsigned i = 0; i < s->n_legs; i++) {
		struct leg *leg = s->legs[i];

		leg->pins = 0;
		if (!leg->conn)
			continue;
		leg->conn->needs_discard |= s->mode == POOL_SESSION;
		if (leg_is_busy(leg))
			leg_drop(leg);
		else
			leg_release(leg); /* the pool rolls back what is open */
	}
}

/* ---- what is held no more ---- */

static const char locks_sql[] = "SELECT 1 FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND "
				"pid = pg_catalog.pg_backend_pid() LIMIT 1";
static const char temp_sql[] = "SELECT 1 FROM pg_catalog.pg_class WHERE relnamespace = "
			       "pg_catalog.pg_my_temp_schema() LIMIT 1";

/* A function that the proxy cannot see into was called: what did it leave? */
static void look_at(struct session *s, struct leg *leg)
{
	leg->is_suspect = false;
	if (!leg->conn || !leg_query(leg, locks_sql, LEG_ROWS_DROP))
		return;
	if (leg->n_rows)
		session_pin(leg, PIN_LOCK);
	if (!leg_query(leg, temp_sql, LEG_ROWS_DROP) || !leg->n_rows)
		return;
	session_pin(leg, PIN_TEMP);
	s->temp.is_stale = true;
}

static void look_for_locks(struct leg *leg)
{
	leg->may_unpin = false;
	if (!(leg->pins & PIN_LOCK) || !leg->conn)
		return;
	if (leg_query(leg, locks_sql, LEG_ROWS_DROP) && leg->n_rows == 0)
		leg->pins &= ~(unsigned)PIN_LOCK;
}

static void settle(struct session *s)
{
	for (unsigned i = 0; i < s->n_legs; i++) {
		if (s->legs[i]->is_suspect)
			look_at(s, s->legs[i]);
		if (s->legs[i]->may_unpin)
			look_for_locks(s->legs[i]);
	}
	temp_refresh(s);
	for (unsigned i = 0; i < s->n_legs; i++)
		if (s->legs[i]->conn && !s->legs[i]->pins && s->mode != POOL_SESSION)
			s->legs[i]->conn->needs_discard = false;
}

void session_rest(struct session *s)
{
	if (s->txn.status != 'I')
		return;
	if (!s->party.is_gone)
		settle(s);
	session_release_legs(s);
}

/* ---- loss ---- */

const struct leg *session_lost_leg(const struct session *s)
{
	for (unsigned i = 0; i < s->n_legs; i++)
		if (s->legs[i]->pins && !s->legs[i]->conn)
			return s->legs[i];
	return NULL;
}

void session_tell_lost(struct session *s, const struct leg *leg)
{
	struct err err = ERR_INIT;

	err_set_code(&err, STATUS_BACKEND, "57P01",
		     "terminating connection because the connection to shard %s, which held state "
		     "of this session, was lost",
		     leg->shard_name);
	err_hint(&err, "Temporary tables, session locks and cursors are gone. Connect again.");
	reply_fatal(s, &err);
}

/* ---- a new map ---- */

static int shard_of_id(const struct shard_map *map, uint32_t id)
{
	for (uint16_t i = 0; i < map->n_shards; i++)
		if (map->shards[i].id == id)
			return i;
	return -1;
}

static void sort_legs(struct session *s)
{
	for (unsigned i = 1; i < s->n_legs; i++)
		for (unsigned j = i; j > 0 && s->legs[j]->shard < s->legs[j - 1]->shard; j--) {
			struct leg *leg = s->legs[j];

			s->legs[j] = s->legs[j - 1];
			s->legs[j - 1] = leg;
		}
}

void session_renumber_legs(struct session *s)
{
	const struct shard_map *map = session_world(s)->map;

	for (unsigned i = 0; i < s->n_legs; i++) {
		struct leg *leg = s->legs[i], *other;
		int shard = leg->conn ? shard_of_id(map, leg->shard_id) : leg->shard;

		if (shard < 0 || shard == leg->shard)
			continue;
		other = session_find_leg(s, (uint16_t)shard);
		if (other)
			other->shard = leg->shard;
		leg->shard = (uint16_t)shard;
	}
	sort_legs(s);
}

/* ---- DISCARD ALL, pool modes, SHOW ---- */

bool session_discard(struct session *s)
{
	for (unsigned i = 0; i < s->n_legs; i++) {
		struct leg *leg = s->legs[i];

		if (!leg->conn || !session_keeps(s, leg))
			continue;
		if (!leg_query(leg, "DISCARD ALL", LEG_ROWS_DROP))
			return reply_leg_error(s, leg, str_of("DISCARD ALL"));
		conn_discarded(leg->conn);
		leg->pins &= PIN_LIBRARY;
		leg->may_unpin = leg->is_suspect = false;
		if (s->mode != POOL_SESSION && !leg->pins)
			leg_release(leg);
	}
	temp_forget(s);
	cursors_forget(s);
	return true;
}

bool session_refuses_transaction(struct session *s)
{
	struct err err = ERR_INIT;

	if (s->mode != POOL_STATEMENT)
		return false;
	err_set(&err, STATUS_UNROUTED,
		"pool mode \"statement\" allows no transaction over several statements");
	err_hint(&err, "Send each statement by itself, or set pool.mode: transaction.");
	reply_error(s, &err);
	return true;
}

const char *session_pinned_by(const struct session *s, char *out, size_t size)
{
	static const struct {
		enum pin pin;
		const char *name;
	} names[] = { { PIN_TEMP, "temporary table" },
		      { PIN_LOCK, "advisory lock" },
		      { PIN_CURSOR, "cursor" },
		      { PIN_LIBRARY, "library" } };
	unsigned pins = 0;
	size_t n;

	for (unsigned i = 0; i < s->n_legs; i++)
		pins |= s->legs[i]->pins;
	n = (size_t)snprintf(out, size, "%s", s->mode == POOL_SESSION ? "session" : "");
	if (s->txn.status != 'I')
		n += (size_t)snprintf(out + n, size - n, "%stransaction", n ? ", " : "");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (pins & names[i].pin)
			n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "",
					      names[i].name);
	return out;
}
