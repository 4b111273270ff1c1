#include "pgmosaic/loop/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pgmosaic/base/check.h"
#include "tls_internal.h"

/* Above this a write to an idle stream skips the queue. */
#define DIRECT_BYTES (16u << 10)

static void on_poll(uv_poll_t *poll, int status, int events);

static void tune(int fd, int level, int option, unsigned value)
{
	int v = (int)value;

	if (value) /* Unix sockets refuse these; nothing is lost. */
		setsockopt(fd, level, option, &v, sizeof(v));
}

void socket_tune(int fd, const struct socket_options *o)
{
	tune(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	tune(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	tune(fd, IPPROTO_TCP, TCP_KEEPIDLE, o->keepalive_idle_s);
	tune(fd, IPPROTO_TCP, TCP_KEEPINTVL, o->keepalive_interval_s);
	tune(fd, IPPROTO_TCP, TCP_KEEPCNT, o->keepalive_count);
	tune(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, o->user_timeout_ms);
}

static void stream_arm(struct stream *s)
{
	int events = s->paused && !s->handshaking ? 0 : UV_READABLE;

	if ((buf_len(&s->out) && !s->broken && !s->handshaking) || s->wants_write)
		events |= UV_WRITABLE;
	if (events == s->events)
		return;
	s->events = events;
	if (events)
		uv_poll_start(&s->poll, events, on_poll);
	else
		uv_poll_stop(&s->poll);
}

void stream_open(struct stream *s, struct loop *l, int fd, const struct stream_ops *ops,
		 void *owner, size_t out_limit_bytes)
{
	*s = (struct stream){ .owner = owner, .fd = fd, .loop = l, .ops = ops };
	buf_init(&s->out, out_limit_bytes);
	list_init(&s->dirty_node);
	INVARIANT(uv_poll_init(&l->uv, &s->poll, fd) == 0);
	stream_arm(s);
}

void stream_use_ssl(struct stream *s, struct ssl_st *ssl)
{
	s->ssl = ssl;
	/* A write that is tried again may come from a buffer that has moved. */
	SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

bool stream_accept_tls(struct stream *s, const struct tls_server *t, const void *early, size_t n)
{
	PRE(buf_len(&s->out) == 0 && !s->ssl);
	s->link = tls_link_create(t, s->fd, early, n);
	if (!s->link)
		return false;
	s->ssl = tls_link_ssl(s->link);
	s->handshaking = s->wants_write = true; /* writable: the first step is the next turn's */
	stream_arm(s);
	return true;
}

static ssize_t ssl_result(struct stream *s, int n)
{
	int reason = SSL_get_error(s->ssl, n);

	if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE)
		return 0;
	ERR_clear_error();
	return -1;
}

static ssize_t ssl_read(struct stream *s, void *p, size_t n)
{
	int done;

	if (s->handshaking)
		return 0;
	ERR_clear_error(); /* of others on this thread: SSL_get_error() would take it for ours */
	done = SSL_read(s->ssl, p, n > 1u << 30 ? 1 << 30 : (int)n);
	s->wants_write = done <= 0 && SSL_get_error(s->ssl, done) == SSL_ERROR_WANT_WRITE;
	return done > 0 ? done : ssl_result(s, done);
}

static ssize_t ssl_write(struct stream *s, const void *p, size_t n)
{
	int done;

	if (s->handshaking)
		return 0;
	ERR_clear_error();
	done = SSL_write(s->ssl, p, n > 1u << 30 ? 1 << 30 : (int)n);
	return done > 0 ? done : ssl_result(s, done);
}

ssize_t stream_read(struct stream *s, void *p, size_t n)
{
	ssize_t got;

	if (s->broken)
		return -1;
	if (s->ssl)
		return ssl_read(s, p, n);
	got = recv(s->fd, p, n, 0);
	if (got > 0)
		return got;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return -1;
}

/* Bytes sent, 0 when the socket is full, -1 on failure. */
static ssize_t stream_send(struct stream *s, const void *p, size_t n)
{
	ssize_t sent;

	if (s->ssl) {
		sent = ssl_write(s, p, n);
	} else {
		sent = send(s->fd, p, n, MSG_NOSIGNAL);
		if (sent < 0)
			sent = errno == EAGAIN || errno == EINTR ? 0 : -1;
	}
	if (sent > 0)
		s->sent_bytes += (uint64_t)sent;
	return sent;
}

/* Nothing more goes out; on_readable will find out, even if reading was paused. */
static void stream_break(struct stream *s)
{
	s->broken = true;
	s->paused = s->handshaking = s->wants_write = false;
	buf_finish(&s->out);
	if (!s->closing)
		stream_arm(s);
}

static void tell_drained(struct stream *s)
{
	if (!s->was_full || buf_len(&s->out) >= STREAM_LOW_BYTES)
		return;
	s->was_full = false;
	if (s->ops->on_drained)
		s->ops->on_drained(s);
}

void stream_flush(struct stream *s)
{
	while (!s->closing && !s->broken && buf_len(&s->out)) {
		ssize_t sent = stream_send(s, buf_head(&s->out), buf_len(&s->out));

		if (sent == 0)
			break;
		if (sent < 0) {
			stream_break(s);
			break;
		}
		buf_consume(&s->out, (size_t)sent);
	}
	if (s->closing)
		return;
	if (buf_len(&s->out) == 0)
		buf_shrink(&s->out);
	stream_arm(s);
	tell_drained(s);
}

void stream_touch(struct stream *s)
{
	if (s->dirty_node.next == &s->dirty_node && !s->closing)
		list_push_back(&s->loop->dirty, &s->dirty_node);
}

static void stream_queue(struct stream *s, const void *p, size_t n)
{
	if (n && !buf_append(&s->out, p, n))
		stream_break(s);
	else if (n)
		stream_touch(s);
}

void stream_write_now(struct stream *s, const void *p, size_t n)
{
	ssize_t sent = 0;

	if (s->closing || s->broken)
		return;
	if (buf_len(&s->out) == 0)
		sent = stream_send(s, p, n);
	if (sent < 0)
		stream_break(s);
	else
		stream_queue(s, (const char *)p + sent, n - (size_t)sent);
}

void stream_write(struct stream *s, const void *p, size_t n)
{
	if (n >= DIRECT_BYTES)
		stream_write_now(s, p, n);
	else if (!s->closing && !s->broken)
		stream_queue(s, p, n);
}

void stream_pause(struct stream *s)
{
	s->paused = true;
	if (!s->closing)
		stream_arm(s);
}

void stream_resume(struct stream *s)
{
	s->paused = false;
	if (!s->closing)
		stream_arm(s);
}

/* One step of the handshake. A failure shows as a read that fails. */
static void stream_handshake(struct stream *s)
{
	enum tls_step step = tls_link_handshake(s->link);

	s->wants_write = step == TLS_STEP_WRITE;
	if (step == TLS_STEP_FAILED) {
		stream_break(s);
		s->ops->on_readable(s);
		return;
	}
	s->handshaking = step != TLS_STEP_DONE;
	stream_arm(s);
	if (step == TLS_STEP_DONE)
		s->ops->on_secured(s);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct stream *s = container_of(poll, struct stream, poll);
	struct loop *l = s->loop;

	if (s->closing)
		return;
	if (status < 0) { /* libuv has stopped the handle: the socket has an error */
		s->events = 0;
		stream_break(s);
		events = UV_READABLE;
	}
	if (s->handshaking) {
		stream_handshake(s);
		loop_flush(l);
		return;
	}
	if (s->wants_write)
		events |= UV_READABLE;
	if (events & UV_WRITABLE)
		stream_flush(s);
	if ((events & UV_READABLE) && !s->closing)
		s->ops->on_readable(s); /* may close s; its memory stays until on_gone */
	loop_flush(l);
}

static void on_poll_closed(uv_handle_t *handle)
{
	struct stream *s = container_of((uv_poll_t *)handle, struct stream, poll);

	if (s->ops->on_gone)
		s->ops->on_gone(s);
}

/* Closing a socket with bytes unread resets the connection, and the peer may lose our last words.
 */
static void swallow_input(int fd)
{
	char waste[4096];

	for (int i = 0; i < 16 && recv(fd, waste, sizeof(waste), MSG_DONTWAIT) > 0; i++)
		continue;
}

void stream_close(struct stream *s)
{
	if (s->closing)
		return;
	stream_flush(s); /* last words: an error, a FATAL */
	s->closing = true;
	list_remove(&s->dirty_node);
	uv_poll_stop(&s->poll);
	buf_finish(&s->out);
	if (s->link)
		tls_link_destroy(s->link, !s->broken);
	s->link = NULL;
	s->ssl = NULL;
	if (!s->keep_fd) {
		swallow_input(s->fd);
		close(s->fd);
	}
	uv_close((uv_handle_t *)&s->poll, on_poll_closed);
}
