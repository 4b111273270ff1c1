#include "pgmosaic/backend/conn.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/base/metrics.h"
#include "pgmosaic/wire/build.h"
#include "pgmosaic/wire/parse.h"

static void on_readable(struct stream *s);
static void on_drained(struct stream *s);
static void on_gone(struct stream *s);

static const struct stream_ops conn_ops = { .on_readable = on_readable,
					    .on_drained = on_drained,
					    .on_gone = on_gone };

void conn_start(struct conn *c, int fd, void *ssl)
{
	stream_open(&c->stream, c->pool->pools->loop, fd, &conn_ops, c, 1u << 30);
	c->stream.keep_fd = true; /* libpq closes it */
	if (ssl)
		stream_use_ssl(&c->stream, ssl);
	c->tx_status = 'I';
	c->opened_ms = c->used_ms = loop_now_ms(c->pool->pools->loop);
}

/* ---- bytes in ---- */

/* The server went away, spoke nonsense, or is not ours any more. */
void conn_lost(struct conn *c)
{
	const struct conn_user *user = c->user;
	void *owner = c->owner;
	enum conn_state was = c->state;

	c->user = NULL;
	conn_begin_close(c);
	if (was == CONN_LEASED && user)
		user->on_lost(owner, c);
}

void conn_abandon(struct conn *c)
{
	if (c->state != CONN_CLOSING)
		conn_lost(c);
}

/* Between leases the server may only report settings, notices or its own end. */
static void idle_messages(struct conn *c, const uint8_t *p, size_t n)
{
	struct wire_msg m;
	struct err err;

	for (; wire_next(p, n, UINT32_MAX, &m) == WIRE_OK; p += wire_size(&m), n -= wire_size(&m)) {
		const char *name, *value;

		if (m.type == 'Z') {
			conn_saw_ready(c, (char)m.body[0]);
		} else if (m.type == 'S') {
			if (wire_parse_parameter_status(m.body, m.length, &name, &value, &err) ==
			    STATUS_OK)
				conn_saw_parameter(c, name, value);
		} else if (m.type == 'E') {
			conn_begin_close(c); /* 57P01, 57P05, not cleaned: nobody's business */
			return;
		}
	}
	if (c->state == CONN_CLEANING && c->n_pending == 0) {
		if (c->needs_discard)
			conn_discarded(c);
		if (c->tx_status == 'I')
			conn_rest(c);
		else
			conn_begin_close(c);
	}
}

/* What a server may say without being asked. */
static bool is_asynchronous(uint8_t type)
{
	return type == 'N' || type == 'S' || type == 'A' || type == 'E';
}

/* How much of [p, p+n) is whole messages; SIZE_MAX when it is no protocol at all, or answers that
 * nobody has asked for: they could be taken for those of the next statement. */
static size_t whole_messages(struct conn *c, uint8_t *p, size_t n)
{
	uint32_t limit = c->pool->pools->limits.message_bytes;
	uint32_t n_pending = c->n_pending;
	size_t at = 0;
	struct wire_msg m;

	for (;;) {
		enum wire_next next = wire_next(p + at, n - at, limit, &m);

		if (next == WIRE_BAD) {
			c->is_too_long =
				n - at >= WIRE_HEADER_BYTES && wire_get_u32(p + at + 1) > limit;
			return SIZE_MAX;
		}
		if (next == WIRE_MORE)
			return at;
		if (n_pending == 0 && !is_asynchronous(m.type))
			return SIZE_MAX;
		n_pending -= m.type == 'Z';
		if (c->pool->oids)
			conn_translate(c, m.type, p + at + WIRE_HEADER_BYTES, m.length);
		at += wire_size(&m);
	}
}

static void conn_deliver(struct conn *c, const uint8_t *p, size_t n)
{
	if (c->state == CONN_LEASED && c->user)
		c->user->on_messages(c->owner, c, p, n);
	else
		idle_messages(c, p, n);
}

/* Bytes that begin a message stay in `in`; whole ones go straight from the scratch. */
static bool conn_take_bytes(struct conn *c, uint8_t *p, size_t n)
{
	size_t whole;

	if (buf_len(&c->in)) {
		if (!buf_append(&c->in, p, n))
			return false;
		whole = whole_messages(c, buf_head(&c->in), buf_len(&c->in));
		if (whole == SIZE_MAX)
			return false;
		if (whole == 0)
			return true;
		p = buf_head(&c->in);
		buf_consume(&c->in, whole); /* the bytes stay until the next append */
		conn_deliver(c, p, whole);
		buf_shrink(&c->in);
		return true;
	}
	whole = whole_messages(c, p, n);
	if (whole == SIZE_MAX || (whole < n && !buf_append(&c->in, p + whole, n - whole)))
		return false;
	if (whole)
		conn_deliver(c, p, whole);
	return true;
}

static void on_readable(struct stream *s)
{
	struct conn *c = s->owner;
	uint8_t *scratch = c->pool->pools->scratch;

	for (;;) {
		ssize_t n = stream_read(s, scratch, POOL_SCRATCH_BYTES);

		if (n == 0)
			return;
		if (n < 0 || !conn_take_bytes(c, scratch, (size_t)n)) {
			if (c->state != CONN_CLOSING)
				conn_lost(c);
			return;
		}
		metrics_add(c->pool->pools->metrics, METRIC_SERVER_BYTES_IN, (uint64_t)n);
		/* TLS may hold bytes that the socket no longer shows; else wait for the next turn.
		 */
		if (!s->ssl || s->closing || s->paused)
			return;
	}
}

static void on_drained(struct stream *s)
{
	struct conn *c = s->owner;

	if (c->state == CONN_LEASED && c->user && c->user->on_drained)
		c->user->on_drained(c->owner, c);
}

/* ---- bytes out ---- */

void conn_sent(struct conn *c, unsigned n_ready)
{
	c->n_pending += n_ready;
	stream_touch(&c->stream);
}

void conn_send(struct conn *c, const void *p, size_t n, unsigned n_ready)
{
	stream_write_now(&c->stream, p, n);
	metrics_add(c->pool->pools->metrics, METRIC_SERVER_BYTES_OUT, n);
	c->n_pending += n_ready;
}

/* ---- notes ---- */

void conn_saw_ready(struct conn *c, char tx_status)
{
	c->tx_status = tx_status;
	if (c->n_pending)
		c->n_pending--;
}

bool conn_saw_parameter(struct conn *c, const char *name, const char *value)
{
	struct conn_parameter *p = NULL;

	for (unsigned i = 0; i < c->n_parameters && !p; i++)
		if (strcmp(c->parameters[i].name, name) == 0)
			p = &c->parameters[i];
	if (p && strcmp(p->value, value) == 0)
		return false;
	if (!p && c->n_parameters < CONN_PARAMETERS) {
		p = &c->parameters[c->n_parameters++];
		snprintf(p->name, sizeof(p->name), "%s", name);
	}
	if (p)
		snprintf(p->value, sizeof(p->value), "%s", value);
	return true;
}

const char *conn_parameter(const struct conn *c, const char *name)
{
	for (unsigned i = 0; i < c->n_parameters; i++)
		if (strcmp(c->parameters[i].name, name) == 0)
			return c->parameters[i].value;
	return NULL;
}

void conn_set_user(struct conn *c, const struct conn_user *user, void *owner)
{
	PRE(c->state == CONN_LEASED);
	c->user = user;
	c->owner = owner;
}

/* Statement ids are never reused, so the id itself is the entry. */
static bool same_id(const void *value, const void *key)
{
	return value == key;
}

static uint64_t id_hash(uint64_t id)
{
	return id * 0x9E3779B97F4A7C15u >> 7;
}

bool conn_has_prepared(const struct conn *c, uint64_t id)
{
	return table_find(&c->prepared, id_hash(id), same_id, (void *)(uintptr_t)id) != NULL;
}

void conn_note_prepared(struct conn *c, uint64_t id, bool prepared)
{
	if (prepared && !conn_has_prepared(c, id))
		table_put(&c->prepared, id_hash(id), (void *)(uintptr_t)id);
	else if (!prepared)
		table_remove(&c->prepared, id_hash(id), (void *)(uintptr_t)id);
}

void conn_forget_prepared(struct conn *c)
{
	table_finish(&c->prepared);
}

void conn_rest(struct conn *c)
{
	const struct pools *ps = c->pool->pools;

	if (ps->is_paused || c->generation != ps->generation)
		conn_begin_close(c);
	else
		conn_move(c, CONN_IDLE);
}

/* ---- the end of a loan, the end of a connection ---- */

static void conn_clean(struct conn *c)
{
	if (c->tx_status != 'I') {
		wire_put_query(conn_out(c), "ROLLBACK", 8);
		conn_sent(c, 1);
		c->settings_hash = UINT64_MAX; /* a SET or RESET may be undone, and DDL */
		c->world_version = 0;
	}
	if (c->needs_discard) { /* not in one message: it must stand alone */
		wire_put_query(conn_out(c), "DISCARD ALL", 11);
		conn_sent(c, 1);
	}
	conn_move(c, CONN_CLEANING);
}

void conn_discarded(struct conn *c)
{
	conn_forget_prepared(c);
	c->settings_hash = 0;
	c->needs_discard = false;
}

void conn_release(struct conn *c)
{
	if (c->state == CONN_CLOSING)
		return;
	PRE(c->state == CONN_LEASED);
	c->user = NULL;
	c->owner = NULL;
	if (c->is_canceling) { /* it may hit whatever runs next: nobody may run anything */
		c->release_wanted = true;
		return;
	}
	c->release_wanted = false;
	if (c->stream.broken || c->is_doomed || c->must_close || c->n_pending || buf_len(&c->in) ||
	    c->pool->is_retired) {
		conn_begin_close(c);
		return;
	}
	if (c->stream.paused)
		stream_resume(&c->stream);
	c->used_ms = loop_now_ms(c->pool->pools->loop);
	if (c->tx_status == 'I' && !c->needs_discard)
		conn_rest(c);
	else
		conn_clean(c);
}

void conn_begin_close(struct conn *c)
{
	if (c->state != CONN_CLOSING) {
		c->user = NULL;
		conn_move(c, CONN_CLOSING);
	}
	if (!c->is_canceling && !c->stream.closing) {
		wire_put_terminate(&c->stream.out);
		stream_close(&c->stream);
	}
}

void conn_close(struct conn *c)
{
	conn_begin_close(c);
}

static void on_gone(struct stream *s)
{
	pool_on_conn_gone(s->owner);
}
