/* The first packets of a connection: who wants what, and whether the rest is encrypted.
 *
 * Happy path: SSLRequest is answered 'S' and a TLS handshake follows, or 'N'; GSSENCRequest is
 * answered 'N'; either order, each once; then the startup packet. Or TLS begins with the very
 * first byte (PostgreSQL 17), on TCP, and must name the protocol "postgresql" (ALPN), so that a
 * browser lured here gets no further.
 * Failure modes: a byte behind SSLRequest that came before our 'S' was said by somebody who did not
 * wait for TLS: whoever may write into the connection. It is closed. A handshake that
 * fails is logged with its reason, once. A cancel request is passed on and never answered. */
#include "internal.h"
#include "login.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/wire/startup.h"

struct greeting {
	struct session *s;
	const struct auth_book *book;
	bool seen_ssl, seen_gss;
};

static bool await_bytes(struct session *s)
{
	size_t had = buf_len(&s->in);

	while (buf_len(&s->in) == had && !s->party.is_gone)
		fiber_wait();
	return !s->party.is_gone;
}

static bool refuse_garbage(struct session *s, const char *why)
{
	metrics_add(s->w->metrics, METRIC_PROTOCOL_ERRORS, 1);
	log_event(LOG_INFO, "connection refused", LOG_STR("address", s->address),
		  LOG_STR("reason", why));
	session_close(s);
	return false;
}

static bool refuse_request(struct session *s, const char *why)
{
	struct err err = ERR_INIT;

	metrics_add(s->w->metrics, METRIC_PROTOCOL_ERRORS, 1);
	err_set(&err, STATUS_PROTOCOL, "unsupported frontend protocol: %s", why);
	return login_fatal(s, &err);
}

/* One byte of plain text, at once: what follows may be TLS. */
static bool answer(struct session *s, const char *byte)
{
	stream_write(&s->stream, byte, 1);
	stream_flush(&s->stream);
	if (buf_len(&s->stream.out) == 0 && !s->stream.broken)
		return true;
	session_close(s);
	return false;
}

/* The handshake, up to its end; what was read of it so far is in s->in. */
static bool secure(struct greeting *g)
{
	struct session *s = g->s;

	s->tls = g->book->tls;
	if (!stream_accept_tls(&s->stream, s->tls, buf_head(&s->in), buf_len(&s->in))) {
		session_close(s);
		return false;
	}
	buf_clear(&s->in);
	while (!s->is_secured && !s->party.is_gone)
		fiber_wait();
	if (!s->party.is_gone)
		stream_tls_describe(&s->stream, s->tls_text, sizeof(s->tls_text));
	return !s->party.is_gone;
}

static bool on_ssl_request(struct greeting *g, size_t size)
{
	struct session *s = g->s;

	if (g->seen_ssl || s->tls)
		return refuse_request(s, s->tls ? "encryption was asked for inside TLS"
						: "the same encryption request was sent twice");
	g->seen_ssl = true;
	if (!g->book->tls || s->is_unix) {
		buf_consume(&s->in, size);
		return answer(s, "N");
	}
	if (buf_len(&s->in) > size)
		return refuse_garbage(s, "unencrypted data behind the SSL request");
	buf_consume(&s->in, size);
	return answer(s, "S") && secure(g);
}

static bool on_gss_request(struct greeting *g, size_t size)
{
	struct session *s = g->s;

	if (g->seen_gss || s->tls)
		return refuse_request(s, s->tls ? "encryption was asked for inside TLS"
						: "the same encryption request was sent twice");
	g->seen_gss = true;
	buf_consume(&s->in, size);
	return answer(s, "N");
}

static bool on_client_hello(struct greeting *g)
{
	struct session *s = g->s;

	if (s->is_unix || s->tls || g->seen_ssl || g->seen_gss)
		return refuse_garbage(s, "TLS where none is expected");
	if (!g->book->tls || !g->book->config->tls.direct)
		return refuse_garbage(s, "TLS without an SSL request; see tls.direct");
	if (!secure(g))
		return false;
	if (!stream_tls_has_alpn(&s->stream))
		return refuse_garbage(s,
				      "TLS without an SSL request must name the protocol by ALPN");
	return true;
}

/* ---- cancel requests ---- */

struct pass_on {
	struct worker *from;
	struct fiber *fiber;
	bool is_done;
};

static void on_told(void *arg)
{
	struct pass_on *p = arg;

	p->is_done = true;
	fiber_wake(p->fiber);
}

static void on_session_knows(void *arg) /* on the other worker's thread */
{
	struct pass_on *p = arg;

	mailbox_post(p->from->mailbox, on_told, p);
}

/* The connection is closed only when the session knows: what the client sends it after that is not
 * what it wanted to cancel. */
static bool on_cancel(struct session *s, const struct wire_startup *packet)
{
	struct pass_on p = { .from = s->w, .fiber = fiber_self() };

	if (s->w->host->cancel(s->w->host->ctx, packet->pid, packet->key, packet->n_key,
			       on_session_knows, &p))
		while (!p.is_done)
			fiber_wait();
	session_close(s);
	return false;
}

static bool on_bad(struct session *s, const struct wire_startup *packet)
{
	metrics_add(s->w->metrics, METRIC_PROTOCOL_ERRORS, 1);
	if (packet->answer)
		return login_fatal(s, &packet->err);
	session_close(s);
	return false;
}

bool greet(struct session *s, struct wire_startup *packet)
{
	struct greeting g = { .s = s, .book = s->w->host->book(s->w->host->ctx) };
	bool go_on = true;

	while (go_on) {
		switch (wire_startup_next(buf_head(&s->in), buf_len(&s->in), packet)) {
		case STARTUP_MORE: go_on = await_bytes(s); break;
		case STARTUP_SSL: go_on = on_ssl_request(&g, packet->size); break;
		case STARTUP_GSSENC: go_on = on_gss_request(&g, packet->size); break;
		case STARTUP_DIRECT_TLS: go_on = on_client_hello(&g); break;
		case STARTUP_CANCEL: return on_cancel(s, packet);
		case STARTUP_BAD: return on_bad(s, packet);
		case STARTUP_SESSION: return true;
		}
	}
	return false;
}
