/* One client, from accept to close: its bytes, its state, who acts next. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "internal.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"

static void on_readable(struct stream *st);
static void on_drained(struct stream *st);
static void on_secured(struct stream *st);
static void on_gone(struct stream *st);

static const struct stream_ops session_ops = { .on_readable = on_readable,
					       .on_drained = on_drained,
					       .on_secured = on_secured,
					       .on_gone = on_gone };

const struct config *session_config(const struct session *s)
{
	return s->w->host->book(s->w->host->ctx)->config;
}

/* ---- state ---- */

static const char *const state_names[] = { "starting", "ready", "relaying", "running", "closing" };

void session_note_known(struct session *s)
{
	if (!s->is_known)
		s->w->n_logins[s->is_control]--;
	s->is_known = true;
}

void session_move(struct session *s, enum session_state next)
{
	static const unsigned allowed[] = {
		[SESSION_STARTING] = 1u << SESSION_READY | 1u << SESSION_CLOSING,
		[SESSION_READY] =
			1u << SESSION_RELAYING | 1u << SESSION_RUNNING | 1u << SESSION_CLOSING,
		[SESSION_RELAYING] = 1u << SESSION_READY | 1u << SESSION_CLOSING,
		[SESSION_RUNNING] = 1u << SESSION_READY | 1u << SESSION_CLOSING,
		[SESSION_CLOSING] = 0,
	};

	if (!(allowed[s->state] & 1u << next))
		log_event(LOG_ERROR, "session state", LOG_STR("from", state_names[s->state]),
			  LOG_STR("to", state_names[next]));
	INVARIANT(allowed[s->state] & 1u << next);
	session_note_known(s);
	s->state = next;
	s->is_trimmed = false;
	if (next == SESSION_READY)
		s->idle_since_ms = loop_now_ms(s->w->loop);
}

/* ---- fibers ---- */

static void session_try_free(struct session *s);

struct session_body {
	struct session *s;
	void (*body)(struct session *s);
};

static void session_fiber(void *arg)
{
	struct session_body run = *(struct session_body *)arg;
	struct session *s = run.s;

	free(arg);
	session_pin_world(s);
	leg_await_all(s->legs, s->n_legs); /* a cancel request for the statement before */
	run.body(s);
	session_unpin_world(s);
	s->fiber = s->party.fiber = NULL;
	cancel_forget(s);
	if (s->state == SESSION_RUNNING || s->state == SESSION_STARTING)
		session_move(s, SESSION_READY);
	if (s->state == SESSION_CLOSING)
		session_try_free(s);
	else
		session_advance(s);
}

static void session_start_fiber(struct session *s, void (*body)(struct session *s))
{
	struct session_body *run = mem_alloc(sizeof(*run));

	*run = (struct session_body){ s, body };
	s->fiber = fiber_start(s->w->loop, session_fiber, run);
	s->party.fiber = s->fiber;
}

void session_run(struct session *s, void (*body)(struct session *s))
{
	session_move(s, SESSION_RUNNING);
	s->statement_ms = loop_now_ms(s->w->loop);
	session_start_fiber(s, body);
}

/* ---- birth ---- */

static void give_slot(struct session *s)
{
	struct worker *w = s->w;
	uint32_t i = w->free_hint;

	while (i < w->n_slots && w->slots[i])
		i++;
	if (i == w->n_slots) {
		uint32_t n = w->n_slots ? w->n_slots * 2 : 64;

		w->slots = mem_grow(w->slots, n * sizeof(*w->slots));
		memset(w->slots + w->n_slots, 0, (n - w->n_slots) * sizeof(*w->slots));
		w->n_slots = n;
	}
	w->slots[i] = s;
	w->free_hint = i + 1;
	s->slot = i;
}

static void read_address(struct session *s, int fd)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);
	char host[INET6_ADDRSTRLEN] = "";

	snprintf(s->address, sizeof(s->address), "unix");
	if (s->is_unix || getpeername(fd, (struct sockaddr *)&peer, &n) != 0)
		return;
	if (peer.ss_family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)&peer;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(s->address, sizeof(s->address), "%s:%u", host, ntohs(in->sin_port));
	} else {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)&peer;

		inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof(host));
		snprintf(s->address, sizeof(s->address), "[%s]:%u", host, ntohs(in->sin6_port));
	}
}

static void on_notice(void *owner, struct leg *leg, const uint8_t *body, size_t n)
{
	notices_forward(owner, leg->shard, body, n);
}

static void on_parameter(void *owner, const char *name, const char *value)
{
	struct session *s = owner;

	if (session_report(s, name, value))
		wire_put_parameter_status(reply_out(s), name, value);
}

/* While nothing ran. A statement that loses its connection says so itself. */
static void on_lost(void *owner, struct leg *leg)
{
	struct session *s = owner;

	if (s->state == SESSION_READY && leg->pins)
		session_tell_lost(s, leg);
}

struct session *session_create(struct worker *w, int fd, bool is_unix, bool is_control)
{
	struct session *s = mem_zero(1, sizeof(*s));

	s->w = w;
	s->id = ++w->next_session_id << 8 | w->index;
	s->is_unix = is_unix;
	s->is_control = is_control;
	s->txn.status = 'I';
	s->connected_ms = s->idle_since_ms = loop_now_ms(w->loop);
	read_address(s, fd);
	give_slot(s);
	list_push_back(&w->sessions, &s->node);
	w->n_sessions++;
	w->n_control += is_control;
	metrics_add(w->metrics, METRIC_CLIENTS, 1);
	metrics_add(w->metrics, METRIC_CLIENTS_ACCEPTED, 1);
	buf_init(&s->in, (size_t)session_config(s)->limits.message_bytes + SESSION_INPUT_HIGH);
	arena_init(&s->arena, 0);
	arena_init(&s->txn.arena, 0);
	stream_open(&s->stream, w->loop, fd, &session_ops, s, (size_t)2 << 30);
	s->party = (struct leg_party){ .loop = w->loop,
				       .client = &s->stream,
				       .owner = s,
				       .on_notice = on_notice,
				       .on_parameter = on_parameter,
				       .on_lost = on_lost };
	session_start_fiber(s, startup_run);
	return s;
}

/* ---- death ---- */

void session_count_bytes(struct session *s)
{
	metrics_add(s->w->metrics, METRIC_CLIENT_BYTES_OUT,
		    s->stream.sent_bytes - s->counted_bytes);
	s->counted_bytes = s->stream.sent_bytes;
}

static void session_free(struct session *s)
{
	struct worker *w = s->w;

	session_count_bytes(s);
	w->slots[s->slot] = NULL;
	if (s->slot < w->free_hint)
		w->free_hint = s->slot;
	list_remove(&s->node);
	w->n_sessions--;
	w->n_control -= s->is_control;
	metrics_sub(w->metrics, METRIC_CLIENTS, 1);
	for (unsigned i = 0; i < s->n_legs; i++) {
		leg_finish(s->legs[i]);
		free(s->legs[i]);
	}
	free(s->legs);
	txn_forget(s);
	extended_forget(s, true);
	notices_forget(s);
	listen_end(s);
	settings_clear(&s->settings);
	for (struct setting *next, *x = s->startup; x; x = next) {
		next = x->next;
		free(x->name);
		free(x->sql);
		free(x);
	}
	schema_destroy(s->temp.schema);
	reports_drop(s);
	free(s->relay.fatal);
	free(s->hand_shard);
	free(s->hand_key);
	buf_finish(&s->in);
	buf_finish(&s->stream.out); /* what was said after the end */
	arena_finish(&s->arena);
	arena_finish(&s->txn.arena);
	free(s);
}

/* The last of: the fiber has ended, the relay is detached, the socket is closed. */
static void session_try_free(struct session *s)
{
	if (s->state != SESSION_CLOSING || s->fiber || !s->stream_gone)
		return;
	session_give_back(s);
	session_free(s);
}

void session_close(struct session *s)
{
	if (s->state == SESSION_CLOSING)
		return;
	log_event(LOG_DEBUG, "client left", LOG_U64("client", s->id), LOG_STR("user", s->user));
	s->party.is_gone = true;
	cancel_begin(s, NULL); /* nobody wants the answers any more */
	relay_detach(s);
	session_move(s, SESSION_CLOSING);
	stream_close(&s->stream);
}

static void on_gone(struct stream *st)
{
	struct session *s = st->owner;

	s->stream_gone = true;
	session_try_free(s);
}

/* ---- bytes and messages ---- */

static void on_drained(struct stream *st)
{
	struct session *s = st->owner;

	if (s->relay.is_active && s->relay.leg)
		leg_resume(s->relay.leg);
	fiber_wake(s->fiber);
}

static void limit_input(struct session *s)
{
	bool is_ahead = buf_len(&s->in) > SESSION_INPUT_HIGH && s->state != SESSION_READY;
	struct wire_msg m;

	/* One long message must be let in whole. */
	if (is_ahead && wire_next(buf_head(&s->in), buf_len(&s->in), UINT32_MAX, &m) != WIRE_MORE) {
		s->input_paused = true;
		stream_pause(&s->stream);
	}
}

static void resume_input(struct session *s)
{
	if (!s->input_paused)
		return;
	s->input_paused = false;
	stream_resume(&s->stream);
}

static void on_secured(struct stream *st)
{
	struct session *s = st->owner;

	s->is_secured = true;
	fiber_wake(s->fiber);
}

static void tell_handshake_failed(const struct session *s)
{
	metrics_add(s->w->metrics, METRIC_PROTOCOL_ERRORS, 1);
	log_event(LOG_INFO, "TLS handshake failed", LOG_STR("address", s->address),
		  LOG_STR("reason", stream_tls_reason(&s->stream)));
}

void session_read(struct session *s)
{
	struct worker *w = s->w;
	ssize_t n;

	if (s->state == SESSION_CLOSING)
		return;
	n = stream_read(&s->stream, w->scratch, SESSION_SCRATCH_BYTES);
	if (n == 0)
		return;
	if (n < 0 || !buf_append(&s->in, w->scratch, (size_t)n)) {
		if (s->tls && !s->is_secured)
			tell_handshake_failed(s);
		session_close(s);
		return;
	}
	metrics_add(w->metrics, METRIC_CLIENT_BYTES_IN, (uint64_t)n);
	if (s->state == SESSION_READY)
		session_advance(s);
	else if (s->fiber)
		fiber_wake(s->fiber);
	if (s->state != SESSION_CLOSING) {
		limit_input(s);
		buf_shrink(&s->in);
	}
}

static void on_readable(struct stream *st)
{
	session_read(st->owner);
}

static void message_refused(struct session *s, const struct wire_msg *m, uint32_t limit)
{
	const uint8_t *p = buf_head(&s->in);
	uint32_t length = buf_len(&s->in) >= WIRE_HEADER_BYTES ? wire_get_u32(p + 1) : 0;
	bool is_too_long = limit == session_config(s)->limits.message_bytes && length > limit &&
			   length < 1u << 30;
	struct err err = ERR_INIT;

	metrics_add(s->w->metrics, METRIC_PROTOCOL_ERRORS, 1);
	if (is_too_long) {
		err_set(&err, STATUS_LIMIT,
			"a message of %u bytes is longer than limits.message (%u)", length, limit);
		err_hint(&err, "Send less at once, or raise limits.message in the proxy's "
			       "configuration.");
	} else if (limit == 0)
		err_set(&err, STATUS_PROTOCOL, "invalid frontend message type %u", m->type);
	else
		err_set(&err, STATUS_PROTOCOL, "invalid message length");
	reply_fatal(s, &err);
}

bool session_message(struct session *s, struct wire_msg *m)
{
	const uint8_t *p = buf_head(&s->in);
	size_t n = buf_len(&s->in);
	uint32_t limit;
	enum wire_next next;

	if (s->state == SESSION_CLOSING || n == 0)
		return false;
	limit = wire_frontend_limit(p[0], (uint32_t)session_config(s)->limits.message_bytes);
	m->type = p[0];
	next = limit ? wire_next(p, n, limit, m) : WIRE_BAD;
	if (next == WIRE_BAD)
		message_refused(s, m, limit);
	else if (next == WIRE_MORE)
		resume_input(s); /* however much is there: its rest must come in */
	return next == WIRE_OK;
}

void session_consumed(struct session *s, const struct wire_msg *m)
{
	buf_consume(&s->in, wire_size(m));
	if (buf_len(&s->in) <= SESSION_INPUT_HIGH / 2)
		resume_input(s);
}

bool session_await_message(struct session *s, struct wire_msg *m)
{
	while (!session_message(s, m)) {
		if (s->party.is_gone || s->state == SESSION_CLOSING)
			return false;
		if (!s->is_awaiting)
			s->idle_since_ms = loop_now_ms(s->w->loop);
		s->is_awaiting = true;
		fiber_wait();
	}
	s->is_awaiting = false;
	return true;
}

/* ---- who acts next ---- */

static void take_message(struct session *s, const struct wire_msg *m)
{
	switch (m->type) {
	case 'Q':
		if (s->is_control)
			control_query(s, m);
		else
			simple_query(s, m);
		break;
	case 'P':
	case 'B':
	case 'D':
	case 'E':
	case 'C':
	case 'H':
	case 'S':
	case 'F': extended_message(s, m); break;
	case 'X': session_close(s); break;
	default: session_consumed(s, m); break; /* late CopyData, CopyDone, CopyFail */
	}
}

void session_advance(struct session *s)
{
	struct wire_msg m;

	if (s->listening)
		listen_deliver(s);
	while (s->state == SESSION_READY) {
		const struct leg *lost = session_lost_leg(s);

		if (lost) {
			session_tell_lost(s, lost);
			return;
		}
		if (drain_ends(s))
			return;
		if (!session_message(s, &m))
			return; /* until on_readable */
		s->has_spoken = true;
		if (m.type != 'X' && hold_wanted(s))
			hold_start(s);
		else
			take_message(s, &m);
	}
	/* RELAYING: until relay_end; RUNNING: until session_fiber's end; CLOSING: until on_gone */
}
