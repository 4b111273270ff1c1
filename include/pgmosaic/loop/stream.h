/* One connected socket, plain or TLS, driven by readiness.
 *
 * Happy path: stream_open(s, loop, fd, ops, owner, limit); on_readable is called
 * while bytes wait: read them with stream_read() into the caller's own scratch;
 * queue answers with stream_write() or by building into &s->out and calling
 * stream_touch(). The loop sends at the end of each callback. stream_close(), then
 * on_gone: only then may the memory that holds the stream be freed.
 * Back-pressure: stream_is_full() above 256 KiB queued; after it has said so, on_drained
 * is called once the queue has fallen under 64 KiB. It may come from within
 * stream_flush(): it only notes and wakes. stream_pause() stops on_readable.
 * TLS: stream_use_ssl() for a session that libpq has made; stream_accept_tls() to answer a
 * client's handshake: on_secured when it is done, and until then nothing is read or sent.
 * Failure: stream_read() gives -1 on end of file or error; a failed send or handshake sets
 * `broken` and makes the next on_readable see -1; stream_tls_reason() says why a handshake failed.
 * Ownership: the fd is the stream's unless `keep_fd` (libpq closes its own).
 * Threads: the loop's only. */
#ifndef PGMOSAIC_LOOP_STREAM_H
#define PGMOSAIC_LOOP_STREAM_H

#include <stdbool.h>
#include <sys/types.h>
#include "pgmosaic/base/buf.h"
#include "pgmosaic/loop/loop.h"

#define STREAM_HIGH_BYTES (256u << 10)
#define STREAM_LOW_BYTES  (64u << 10)

struct ssl_st;
struct stream;
struct tls_link;
struct tls_server;

struct stream_ops {
	void (*on_readable)(struct stream *s);
	void (*on_drained)(struct stream *s);
	void (*on_secured)(struct stream *s); /* only after stream_accept_tls() */
	void (*on_gone)(struct stream *s);
};

struct stream {
	/* public */
	struct buf out;
	void *owner;
	/* read-only */
	int fd;
	uint64_t sent_bytes;
	bool closing, broken, keep_fd;
	/* private */
	struct loop *loop;
	const struct stream_ops *ops;
	struct ssl_st *ssl;
	struct tls_link *link; /* behind an `ssl` of our own */
	uv_poll_t poll;
	struct list dirty_node;
	int events;
	bool paused, was_full; /* was_full: somebody waits for on_drained */
	bool handshaking;
	bool wants_write; /* TLS: the handshake, or a read, goes on when the socket takes bytes */
};

void stream_open(struct stream *s, struct loop *l, int fd, const struct stream_ops *ops,
		 void *owner, size_t out_limit_bytes);
/* Use this TLS session (libpq's) for all bytes; not owned. */
void stream_use_ssl(struct stream *s, struct ssl_st *ssl);
/* Answer a TLS handshake, of which the first n bytes were read already; everything queued must
 * have been sent. It goes on by itself, from the next turn. False: no memory. */
bool stream_accept_tls(struct stream *s, const struct tls_server *t, const void *early, size_t n);
/* Of an accepted handshake. Why it failed; "" when it did not. */
const char *stream_tls_reason(const struct stream *s);
/* "TLSv1.3/TLS_AES_256_GCM_SHA384"; "" without TLS. */
void stream_tls_describe(const struct stream *s, char *out, size_t size);
/* The client named the protocol "postgresql" (ALPN). */
bool stream_tls_has_alpn(const struct stream *s);
/* The client's certificate was shown and checked; its common name, "" when it has none that is
 * one text without zero bytes and fits. False: no certificate. */
bool stream_tls_client_name(const struct stream *s, char *out, size_t size);
/* > 0 bytes, 0 nothing now, -1 end of file or error. */
ssize_t stream_read(struct stream *s, void *p, size_t n);
/* Queue, or send at once when it is much and nothing is queued. */
void stream_write(struct stream *s, const void *p, size_t n);
/* The last of a message or an answer: send at once when nothing is queued, else queue. Spares the
 * copy, and costs nothing, since nothing more would have left in the same call. */
void stream_write_now(struct stream *s, const void *p, size_t n);
/* Bytes were put into s->out: send them before the loop waits. */
void stream_touch(struct stream *s);
/* Send now as much as goes. */
void stream_flush(struct stream *s);
void stream_pause(struct stream *s);
void stream_resume(struct stream *s);
void stream_close(struct stream *s);

/* More than 256 KiB queued. Who is told so may wait: on_drained will be called, by whatever
 * send brings the queue under 64 KiB. */
static inline bool stream_is_full(struct stream *s)
{
	if (buf_len(&s->out) <= STREAM_HIGH_BYTES)
		return false;
	s->was_full = true;
	return true;
}

/* Options every TCP connection of ours gets. 0: the system's default. */
struct socket_options {
	unsigned keepalive_idle_s, keepalive_interval_s, keepalive_count, user_timeout_ms;
};
void socket_tune(int fd, const struct socket_options *o);

#endif
