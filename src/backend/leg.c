#include "pgmosaic/backend/leg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/check.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/wire/build.h"
#include "pgmosaic/wire/parse.h"

#define BODY_LIMIT (64u << 20)

static void on_messages(void *owner, struct conn *c, const uint8_t *p, size_t n);
static void on_lost(void *owner, struct conn *c);
static void on_drained(void *owner, struct conn *c);

static const struct conn_user leg_user = { .on_messages = on_messages,
					   .on_lost = on_lost,
					   .on_drained = on_drained };

void leg_init(struct leg *leg, struct leg_party *party, uint16_t shard, uint32_t shard_id,
	      const char *shard_name)
{
	memset(leg, 0, sizeof(*leg));
	leg->party = party;
	leg->shard = shard;
	leg->shard_id = shard_id;
	snprintf(leg->shard_name, sizeof(leg->shard_name), "%s", shard_name);
	buf_init(&leg->error_body, BODY_LIMIT);
	buf_init(&leg->description, BODY_LIMIT);
	buf_init(&leg->parameters, BODY_LIMIT);
	buf_init(&leg->rows, (size_t)2 << 30);
}

void leg_finish(struct leg *leg)
{
	PRE(leg->conn == NULL);
	buf_finish(&leg->error_body);
	buf_finish(&leg->description);
	buf_finish(&leg->parameters);
	buf_finish(&leg->rows);
}

void leg_attach(struct leg *leg, struct conn *c)
{
	leg->conn = c;
	leg->lost = false;
	conn_set_user(c, &leg_user, leg);
}

void leg_begin(struct leg *leg, enum leg_rows mode)
{
	leg->rows_mode = mode;
	leg->failed = leg->lost;
	leg->is_suspended = leg->is_empty = false;
	leg->copy_in = leg->copy_out = leg->copy_done = false;
	leg->has_description = leg->no_data = false;
	leg->n_parsed = 0;
	leg->n_rows = 0;
	leg->tag[0] = 0;
	leg->severity = LEG_NOT_FATAL;
	buf_clear(&leg->error_body);
	buf_clear(&leg->description);
	buf_clear(&leg->parameters);
	buf_clear(&leg->rows);
}

/* ---- one message of the reply ---- */

void leg_fail(struct leg *leg, const struct err *err)
{
	if (leg->failed)
		return;
	leg->failed = true;
	leg->err = *err;
}

static void take_error(struct leg *leg, const struct wire_msg *m)
{
	enum wire_severity severity;
	struct err err = ERR_INIT;

	wire_parse_error_fields(m->body, m->length, &err, &severity);
	if (severity == SEVERITY_FATAL) {
		leg->severity = LEG_FATAL;
		leg->conn->is_doomed = true;
	}
	if (leg->failed)
		return;
	if (leg->conn->n_pending == 0) { /* behind the last answer: no statement has failed */
		leg->err = err;
		return;
	}
	leg_fail(leg, &err);
	buf_clear(&leg->error_body);
	if (severity != SEVERITY_FATAL) /* a FATAL is the server's end, not the client's */
		buf_append(&leg->error_body, m->body, m->length);
}

static void take_tag(struct leg *leg, const struct wire_msg *m)
{
	struct wire_tag tag;
	struct err err;
	const char *text;

	if (wire_parse_command_complete(m->body, m->length, &text, &err) != STATUS_OK)
		return;
	snprintf(leg->tag, sizeof(leg->tag), "%s", text);
	tag = wire_parse_command_tag(leg->tag);
	if (wire_tag_proves_xid(&tag))
		leg->has_xid = true;
}

static void take_parameter(struct leg *leg, const struct wire_msg *m)
{
	const char *name, *value;
	struct err err;

	if (wire_parse_parameter_status(m->body, m->length, &name, &value, &err) != STATUS_OK)
		return;
	if (conn_saw_parameter(leg->conn, name, value) && leg->party->on_parameter)
		leg->party->on_parameter(leg->party->owner, name, value);
}

static void keep_body(struct buf *b, const struct wire_msg *m)
{
	buf_clear(b);
	buf_append(b, m->body, m->length);
}

static void take_message(struct leg *leg, const struct wire_msg *m)
{
	switch (m->type) {
	case 'E': take_error(leg, m); break;
	case 'C': take_tag(leg, m); break;
	case 'S': take_parameter(leg, m); break;
	case 'Z': conn_saw_ready(leg->conn, m->length ? (char)m->body[0] : 'I'); break;
	case 'N':
		if (leg->party->on_notice)
			leg->party->on_notice(leg->party->owner, leg, m->body, m->length);
		break;
	case 'T':
		keep_body(&leg->description, m);
		leg->has_description = true;
		break;
	case 't': keep_body(&leg->parameters, m); break;
	case 'n': leg->no_data = true; break;
	case '1': leg->n_parsed++; break;
	case 's': leg->is_suspended = true; break;
	case 'I': leg->is_empty = true; break;
	case 'G':
		keep_body(&leg->description, m);
		leg->copy_in = true;
		break;
	case 'H':
		keep_body(&leg->description, m);
		leg->copy_out = true;
		break;
	case 'c': leg->copy_done = true; break;
	default: break; /* 2, 3, A: nothing to keep */
	}
}

/* ---- rows, in runs of whole messages ---- */

static void take_rows(struct leg *leg, const uint8_t *p, size_t n, unsigned n_rows)
{
	leg->n_rows += n_rows;
	if (leg->rows_mode == LEG_ROWS_SINK) {
		leg->sink(leg->sink_ctx, leg, p, n, n_rows);
		if (leg->conn && leg->party->client && stream_is_full(leg->party->client))
			stream_pause(&leg->conn->stream);
	} else if (leg->rows_mode == LEG_ROWS_KEEP) {
		buf_append(&leg->rows, p, n);
		if (leg->conn && buf_len(&leg->rows) > STREAM_HIGH_BYTES)
			stream_pause(&leg->conn->stream);
	}
}

static void on_messages(void *owner, struct conn *c, const uint8_t *p, size_t n)
{
	struct leg *leg = owner;
	const uint8_t *end = p + n, *run = p;
	unsigned n_rows = 0;
	struct wire_msg m;

	for (; p < end; p += wire_size(&m)) {
		wire_next(p, (size_t)(end - p), UINT32_MAX, &m);
		if (m.type == 'D' || m.type == 'd') {
			n_rows++;
			continue;
		}
		if (n_rows)
			take_rows(leg, run, (size_t)(p - run), n_rows);
		n_rows = 0;
		take_message(leg, &m);
		run = p + wire_size(&m);
	}
	if (n_rows)
		take_rows(leg, run, (size_t)(end - run), n_rows);
	(void)c;
	fiber_wake(leg->party->fiber);
}

void leg_loss(const struct leg *leg, const struct conn *c, struct err *err)
{
	if (c->is_too_long) {
		err_set(err, STATUS_LIMIT,
			"shard %s sent a message longer than limits.message (%u)", leg->shard_name,
			c->pool->pools->limits.message_bytes);
		err_hint(err, "A row is one message: select less of it, or raise limits.message.");
		return;
	}
	err_set(err, STATUS_BACKEND, "the connection to shard %s was lost before it answered",
		leg->shard_name);
	err_hint(err, "Try again once the shard's server is back; SHOW SHARDS tells.");
}

static void on_lost(void *owner, struct conn *c)
{
	struct leg *leg = owner;
	struct err err = ERR_INIT;

	leg->conn = NULL;
	leg->lost = true;
	if (leg->severity == LEG_FATAL) {
		err = leg->err;
		leg->failed = true;
		snprintf(leg->err.message, sizeof(leg->err.message), "shard %s: %.300s",
			 leg->shard_name, err.message);
	} else {
		leg_loss(leg, c, &err);
		leg_fail(leg, &err);
	}
	if (leg->party->fiber)
		fiber_wake(leg->party->fiber);
	else if (leg->party->on_lost)
		leg->party->on_lost(leg->party->owner, leg);
}

static void on_drained(void *owner, struct conn *c)
{
	struct leg *leg = owner;

	(void)c;
	fiber_wake(leg->party->fiber);
}

/* ---- waiting ---- */

bool leg_is_busy(const struct leg *leg)
{
	return leg->conn && leg->conn->n_pending > 0;
}

void leg_await(struct leg *leg)
{
	/* A cancel request that comes late must not meet what is sent next. */
	while (leg_is_busy(leg) || (leg->conn && leg->conn->is_canceling))
		fiber_wait();
}

void leg_await_all(struct leg **legs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		leg_await(legs[i]);
}

bool leg_query(struct leg *leg, const char *sql, enum leg_rows mode)
{
	leg_begin(leg, mode);
	if (!leg->conn)
		return false;
	wire_put_query(conn_out(leg->conn), sql, strlen(sql));
	conn_sent(leg->conn, 1);
	leg_await(leg);
	return !leg->failed;
}

void leg_consumed(struct leg *leg, size_t n)
{
	buf_consume(&leg->rows, n);
	if (leg->conn && leg->conn->stream.paused && buf_len(&leg->rows) < STREAM_LOW_BYTES)
		stream_resume(&leg->conn->stream);
}

void leg_resume(struct leg *leg)
{
	if (leg->conn && leg->conn->stream.paused)
		stream_resume(&leg->conn->stream);
}

/* ---- the loan ---- */

static void leg_end_txn(struct leg *leg)
{
	leg->in_txn = leg->wrote = leg->has_xid = leg->is_prepared = leg->no_prepare = false;
}

void leg_keep(struct leg *leg)
{
	leg_end_txn(leg);
	leg->lost = false;
	if (!leg->conn)
		return;
	if (leg->conn->n_pending || leg->conn->tx_status != 'I' || leg->conn->stream.broken ||
	    leg->conn->is_doomed)
		leg_drop(leg);
	else
		leg_resume(leg);
}

void leg_release(struct leg *leg)
{
	struct conn *c = leg->conn;

	leg->conn = NULL;
	leg_end_txn(leg);
	if (c)
		conn_release(c);
}

void leg_drop(struct leg *leg)
{
	struct conn *c = leg->conn;

	leg->conn = NULL;
	leg_end_txn(leg);
	if (c)
		conn_close(c);
}

struct leg_lease {
	struct lease lease;
	struct pool *pool;
	struct leg *leg;
};

static void on_lease(struct lease *lease, struct conn *c, const struct err *err)
{
	struct leg_lease *wait = lease->owner;

	wait->leg->party->n_waiting--;
	if (c)
		leg_attach(wait->leg, c);
	else
		leg_fail(wait->leg, err);
	fiber_wake(wait->leg->party->fiber);
}

static void lease_begin(struct leg_lease *wait, struct leg *leg, struct pool *pool, uint64_t hash)
{
	struct conn *c;

	*wait = (struct leg_lease){ .leg = leg, .pool = pool };
	if (leg->conn)
		return;
	leg->failed = leg->lost = false;
	c = pool_take(pool, hash);
	if (c) {
		leg_attach(leg, c);
		return;
	}
	wait->lease = (struct lease){ .on_lease = on_lease, .owner = wait, .settings_hash = hash };
	leg->party->n_waiting++;
	pool_wait(pool, &wait->lease);
}

static void lease_await(struct leg_lease *wait)
{
	struct leg_party *party = wait->leg->party;

	while (wait->lease.is_queued) {
		if (party->is_canceled || party->is_gone)
			pool_wait_cancel(wait->pool, &wait->lease);
		else
			fiber_wait();
	}
}

struct leg *leg_lease_all(struct leg **legs, struct pool **pools, unsigned n,
			  uint64_t settings_hash)
{
	struct leg_lease *waits = mem_zero(n, sizeof(*waits));
	struct leg *failed = NULL;

	for (unsigned i = 0; i < n; i++)
		lease_begin(&waits[i], legs[i], pools[i], settings_hash);
	for (unsigned i = 0; i < n; i++) {
		lease_await(&waits[i]);
		if (!legs[i]->conn && !failed)
			failed = legs[i];
	}
	free(waits);
	return failed;
}
