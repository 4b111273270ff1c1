/* Ending what a client runs: at its own request, or when its time is up.
 *
 * Happy path: the mark is set, a cancel request goes to every shard that is busy with the
 * statement, a wait for a server connection ends at once; the statement fails with 57014 and the
 * session goes on.
 * Exact: nothing is sent to a connection while a cancel request for it is under way (leg_await),
 * so that it can only meet the statement it is meant for. While the proxy's own SET and BEGIN run
 * there, it waits: they end in no time, and then the mark stops the statement before it starts.
 * Never lost: a server ignores a request that overtakes the statement. As long as a shard is busy
 * and has reported no error, the tick asks again.
 * Failure modes: a server that does not react within timeouts.cancel loses its connection, and
 * the statement ends with 57014 all the same. From the first PREPARE of a commit on, nothing of
 * this happens. */
#include "internal.h"
#include "pgmosaic/base/log.h"

static bool has_failed(const struct session *s, const struct leg *leg)
{
	return s->relay.is_active && s->relay.leg == leg ? s->relay.failed : leg->failed;
}

void cancel_send(struct session *s)
{
	bool is_opening = s->relay.is_active && s->relay.is_opening && !s->party.is_gone;

	if (s->party.is_uncancelable || s->is_enlisting || is_opening)
		return;
	for (unsigned i = 0; i < s->n_legs; i++)
		if (leg_is_busy(s->legs[i]) && !has_failed(s, s->legs[i]))
			conn_cancel(s->legs[i]->conn);
}

/* Also for a client that has left: its fiber cleans up. */
static bool is_running(const struct session *s)
{
	return s->state == SESSION_RELAYING || s->state == SESSION_RUNNING ||
	       (s->state == SESSION_CLOSING && s->fiber);
}

void cancel_begin(struct session *s, const char *key)
{
	if (!s->party.is_canceled) {
		s->party.is_canceled = true;
		s->canceled_ms = loop_now_ms(s->w->loop);
		s->canceled_by = key;
	}
	cancel_send(s);
	fiber_wake(s->fiber);
}

void session_cancel(struct session *s)
{
	metrics_add(s->w->metrics, METRIC_CANCELS, 1);
	if (s->state == SESSION_READY) /* the statement it is meant for may wait in the socket */
		session_read(s);
	if (is_running(s))
		cancel_begin(s, NULL);
}

void cancel_forget(struct session *s)
{
	s->party.is_canceled = false;
	s->canceled_by = NULL;
}

bool cancel_fails(struct session *s, struct leg *leg)
{
	struct err err = ERR_INIT;

	if (!s->party.is_canceled || s->party.is_uncancelable)
		return false;
	err_set(&err, STATUS_CANCELED, "canceling statement due to user request");
	leg_begin(leg, LEG_ROWS_DROP);
	leg_fail(leg, &err);
	return true;
}

const struct err *cancel_explain(const struct session *s, const struct err *err, struct err *own)
{
	if (!s->canceled_by || strcmp(err->code, "57014") != 0 ||
	    strstr(err->message, "timeouts.cancel"))
		return err;
	err_set(own, STATUS_CANCELED, "canceling statement due to %s", s->canceled_by);
	err_hint(own,
		 "It took longer than the proxy's configuration allows: make it faster, or "
		 "raise %s.",
		 s->canceled_by);
	return own;
}

/* ---- time ---- */

/* The leg's user sees the connection lost, with this reason. */
static void abandon(struct session *s, struct leg *leg)
{
	struct err err = ERR_INIT;

	err_set(&err, STATUS_CANCELED,
		"canceling statement: shard %s did not react within timeouts.cancel",
		leg->shard_name);
	err_hint(&err, "Its connection was closed. Is the shard's server overloaded or frozen?");
	log_error(LOG_WARNING, "a server connection is given up", &err);
	if (s->relay.is_active && s->relay.leg == leg) {
		relay_note_fatal(s, &err);
	} else {
		leg_fail(leg, &err);
	}
	conn_abandon(leg->conn);
}

void cancel_abandon(struct session *s)
{
	for (unsigned i = 0; i < s->n_legs; i++) {
		bool is_relay = s->relay.is_active && s->relay.leg == s->legs[i];

		if (leg_is_busy(s->legs[i]))
			abandon(s, s->legs[i]);
		if (is_relay) /* the session may be at its next statement already */
			return;
	}
}

static void check_limits(struct session *s, const struct config *cfg, uint64_t now)
{
	uint64_t query_ms = cfg->timeouts.query_ms, merge_ms = cfg->aggregation.timeout_ms;

	if (query_ms && now - s->statement_ms >= query_ms)
		cancel_begin(s, "timeouts.query");
	else if (merge_ms && s->merging_since_ms && now - s->merging_since_ms >= merge_ms)
		cancel_begin(s, "aggregation.timeout");
}

void cancel_tick(struct session *s, const struct config *cfg, uint64_t now)
{
	uint64_t limit = cfg->timeouts.cancel_ms;

	if (!is_running(s) || s->is_control)
		return;
	if (s->party.give_up_ms && now >= s->party.give_up_ms)
		cancel_abandon(s);
	else if (!s->party.is_canceled)
		check_limits(s, cfg, now);
	else if (limit && now - s->canceled_ms >= limit && !s->party.is_uncancelable)
		cancel_abandon(s);
	else
		cancel_send(s);
}
