/* Clients that must wait, and clients that must go: PAUSE and the drain before a stop.
 *
 * PAUSE: a client that holds no server connection is held at its next message, before anything of
 * it is planned: after RESUME it meets the world as it is then. Who holds one goes on to the end
 * of its transaction. A log-in is held before it opens one. A cancel request ends the wait.
 * Drain: a client is told 57P01 when it is outside of a transaction and nothing of it waits to
 * be read. One that has just come, and was let in, may still run its first statement. */
#include "internal.h"

#define FIRST_STATEMENT_MS 1000

static bool holds_server(const struct session *s)
{
	for (unsigned i = 0; i < s->n_legs; i++)
		if (s->legs[i]->conn)
			return true;
	return false;
}

bool hold_wanted(const struct session *s)
{
	return s->w->is_paused && !s->is_control && !holds_server(s);
}

/* Nothing is planned yet: whoever waits here does not hold up a change of the map. */
void hold_await(struct session *s)
{
	s->party.n_waiting++;
	s->is_between = true;
	while (s->w->is_paused && !s->party.is_canceled && !s->party.is_gone)
		fiber_wait();
	s->is_between = false;
	s->party.n_waiting--;
	session_pin_world(s);
}

/* Everything up to what ends in ReadyForQuery. */
static void drop_messages(struct session *s)
{
	struct wire_msg m;
	uint8_t type = 0;

	while (type != 'Q' && type != 'S' && session_await_message(s, &m)) {
		type = m.type;
		session_consumed(s, &m);
	}
}

static void hold_body(struct session *s)
{
	struct err err = ERR_INIT;

	hold_await(s);
	if (s->party.is_gone || !s->party.is_canceled)
		return;
	err_set(&err, STATUS_CANCELED, "canceling statement due to user request");
	reply_error(s, &err);
	txn_fail(s);
	drop_messages(s);
	if (!s->party.is_gone)
		reply_ready(s);
}

void hold_start(struct session *s)
{
	session_run(s, hold_body);
}

/* ---- the drain ---- */

static bool may_still_speak(struct session *s)
{
	struct wire_msg m;

	if (buf_len(&s->in) && session_message(s, &m))
		return true;
	return !s->has_spoken && loop_now_ms(s->w->loop) - s->idle_since_ms < FIRST_STATEMENT_MS;
}

bool drain_ends(struct session *s)
{
	struct err err = ERR_INIT;

	if (!s->w->is_draining || s->is_control || s->txn.status != 'I' || may_still_speak(s))
		return false;
	if (s->state == SESSION_CLOSING)
		return true;
	err_set(&err, STATUS_SHUTDOWN, "terminating connection due to administrator command");
	reply_fatal(s, &err);
	return true;
}
