/* COPY … FROM STDIN over one or more shards.
 *
 * Happy path: every shard gets the COPY statement and answers CopyInResponse; the client
 * gets one; its CopyData is cut into rows, each row goes to its owner; CopyDone ends all.
 * To one shard, or to every copy of a reference table, the bytes go as they are.
 * Back-pressure: when a shard's queue is full no more is taken from the client.
 * Failure modes: a row that a shard refuses: its error, CopyFail to the others, the rest of
 * the client's data is read and dropped. CopyFail or a vanished client: CopyFail to all.
 * Either way the statement's transaction is rolled back on every shard. */
#include <stdio.h>
#include <stdlib.h>

#include "copy_lines.h"
#include "draw.h"
#include "internal.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/route/copy_split.h"

struct copy_in {
	struct session *s;
	struct statement *st;
	struct key_finder finder;
	struct leg **legs;
	unsigned n_legs;
	struct copy_splitter *splitter;
	bool *is_open; /* per leg: a CopyData message is being filled */
	size_t *mark;
	struct line_map *lines; /* per leg */
	uint64_t line;		/* of the client's input: lines handed out so far */
	struct err err;		/* ours: CopyFail, bad data */
	bool client_failed, done;
};

/* The leg's open CopyData message; rows of one feed share it. */
static void open_data(struct copy_in *c, unsigned i)
{
	if (c->is_open[i])
		return;
	c->is_open[i] = true;
	c->mark[i] = wire_begin(conn_out(c->legs[i]->conn), 'd');
}

static void close_data(struct copy_in *c)
{
	for (unsigned i = 0; i < c->n_legs; i++) {
		if (c->is_open[i] && c->legs[i]->conn) {
			wire_end(conn_out(c->legs[i]->conn), c->mark[i]);
			stream_touch(&c->legs[i]->conn->stream);
		}
		c->is_open[i] = false;
	}
}

/* A row may hold quoted line ends: each counts, as PostgreSQL counts them. */
static unsigned count_lines(const uint8_t *row, size_t n)
{
	unsigned lines = 0;

	for (const uint8_t *p = row; p < row + n && (p = memchr(p, '\n', (size_t)(row + n - p)));
	     p++)
		lines++;
	return lines ? lines : 1;
}

static enum status put_row(void *ctx, uint16_t shard, const uint8_t *row, size_t n, struct err *err)
{
	struct copy_in *c = ctx;
	unsigned n_lines =
		c->splitter && c->st->plan->copy.format != COPY_BINARY ? count_lines(row, n) : 0;
	bool found = false;

	for (unsigned i = 0; i < c->n_legs; i++) {
		struct leg *leg = c->legs[i];

		if (shard != COPY_TO_ALL && leg->shard != shard)
			continue;
		found = true;
		if (!leg->conn || leg->failed)
			continue; /* its error ends the COPY */
		open_data(c, i);
		if (!buf_append(conn_out(leg->conn), row, n))
			return err_set(err, STATUS_LIMIT, "a row of the COPY is too long");
		for (unsigned k = 0; k < n_lines; k++)
			line_map_note(&c->lines[i], c->line + k + 1);
	}
	c->line += n_lines;
	if (!found)
		return err_set(err, STATUS_INTERNAL, "a row's shard takes no part in the COPY");
	return STATUS_OK;
}

/* The fiber waits meanwhile, so the messages being filled are ended first. */
static enum status find_key(void *ctx, const struct map_distribution *dist, const uint8_t *key,
			    size_t n, bool places, int *shard, struct err *err)
{
	struct copy_in *c = ctx;
	struct key_finder catalog = session_key_finder(c->s);

	close_data(c);
	return catalog.find(catalog.ctx, dist, key, n, places, shard, err);
}

static bool all_ready(const struct copy_in *c)
{
	for (unsigned i = 0; i < c->n_legs; i++)
		if (leg_is_busy(c->legs[i]) && !c->legs[i]->copy_in)
			return false;
	return true;
}

static bool any_failed(const struct copy_in *c)
{
	for (unsigned i = 0; i < c->n_legs; i++)
		if (c->legs[i]->failed)
			return true;
	return false;
}

static bool start_legs(struct copy_in *c)
{
	struct str text = c->st->plan->text ? str_of(c->st->plan->text) : c->st->text;

	for (unsigned i = 0; i < c->n_legs; i++) {
		leg_begin(c->legs[i], LEG_ROWS_DROP);
		if (!c->legs[i]->conn)
			continue;
		wire_put_query(conn_out(c->legs[i]->conn), text.p, text.n);
		conn_sent(c->legs[i]->conn, 1);
	}
	while (!all_ready(c))
		fiber_wait();
	return !any_failed(c);
}

static void wait_for_room(struct copy_in *c)
{
	for (unsigned i = 0; i < c->n_legs; i++) {
		struct leg *leg = c->legs[i];

		while (leg->conn && !leg->failed && stream_is_full(&leg->conn->stream)) {
			stream_flush(&leg->conn->stream);
			if (leg->conn && stream_is_full(&leg->conn->stream))
				fiber_wait();
		}
	}
}

/* Looking for a directory's key waits, and the client's bytes may move under it: a copy. */
static void feed(struct copy_in *c, const struct wire_msg *m)
{
	const struct map_distribution *d =
		&session_world(c->s)->map->distributions[c->st->plan->distribution];
	uint8_t *copy;

	if (d->method != MAP_DIRECTORY) {
		copy_splitter_feed(c->splitter, m->body, m->length, &c->err);
		return;
	}
	copy = mem_alloc(m->length + 1);
	memcpy(copy, m->body, m->length);
	copy_splitter_feed(c->splitter, copy, m->length, &c->err);
	free(copy);
}

static void take_data(struct copy_in *c, const struct wire_msg *m)
{
	if (any_failed(c) || c->err.status != STATUS_OK)
		return; /* read and dropped */
	if (!c->splitter)
		put_row(c, COPY_TO_ALL, m->body, m->length, &c->err);
	else
		feed(c, m);
	close_data(c);
}

static void take_message(struct copy_in *c, const struct wire_msg *m)
{
	const char *reason;
	struct err err;

	switch (m->type) {
	case 'd': take_data(c, m); break;
	case 'c': c->done = true; break;
	case 'f':
		c->done = true;
		if (wire_parse_text(m->body, m->length, &reason, &err) != STATUS_OK)
			reason = "";
		err_set_code(&c->err, STATUS_CANCELED, "57014", "COPY from stdin failed: %s",
			     reason);
		break;
	case 'H':
	case 'S': break; /* ignored by PostgreSQL too until the copy is over */
	default:
		c->done = true;
		err_set(&c->err, STATUS_PROTOCOL,
			"unexpected message type 0x%02X during COPY from stdin", m->type);
		break;
	}
}

/* Until CopyDone, CopyFail, or a shard's error (PostgreSQL stops listening then, too). */
static void pump(struct copy_in *c)
{
	struct wire_msg m;

	while (!c->done && !any_failed(c)) {
		if (c->s->party.is_canceled) {
			err_set(&c->err, STATUS_CANCELED,
				"canceling statement due to user request");
			return;
		}
		if (!session_message(c->s, &m)) {
			if (c->s->party.is_gone)
				return;
			fiber_wait();
			continue;
		}
		take_message(c, &m);
		session_consumed(c->s, &m);
		wait_for_room(c);
	}
	if (c->err.status == STATUS_OK && c->splitter && c->done && !any_failed(c))
		copy_splitter_finish(c->splitter, &c->err);
	close_data(c);
}

static bool must_fail(const struct copy_in *c)
{
	return c->err.status != STATUS_OK || any_failed(c) || !c->done || c->s->party.is_gone;
}

static void end_legs(struct copy_in *c)
{
	bool fails = must_fail(c);

	for (unsigned i = 0; i < c->n_legs; i++) {
		struct leg *leg = c->legs[i];

		if (!leg->conn || !leg_is_busy(leg))
			continue;
		if (fails)
			wire_put_copy_fail(conn_out(leg->conn), "another part of the COPY failed");
		else
			wire_put_copy_done(conn_out(leg->conn));
		conn_sent(leg->conn, 0);
	}
	leg_await_all(c->legs, c->n_legs);
}

/* The client's line that a shard's error speaks of; UINT64_MAX: of none. */
static uint64_t failed_line(const struct copy_in *c, unsigned i)
{
	const struct buf *body = &c->legs[i]->error_body;
	const char *p = (const char *)buf_head(body), *end = p + buf_len(body), *at;
	uint64_t line;

	for (; p < end && *p; p += strlen(p) + 1) {
		at = line_in_context(p);
		if (!at)
			continue;
		line = strtoull(at, NULL, 10);
		line = c->splitter ? line_map_client(&c->lines[i], line) : line;
		return line ? line : UINT64_MAX;
	}
	return UINT64_MAX;
}

/* Of the errors that we did not cause ourselves by CopyFail the one of the earliest row. */
static struct leg *first_cause(const struct copy_in *c)
{
	struct leg *first = NULL;
	uint64_t first_line = 0, line;

	for (unsigned i = 0; i < c->n_legs; i++) {
		if (!c->legs[i]->failed ||
		    strstr(c->legs[i]->err.message, "another part of the COPY failed"))
			continue;
		line = failed_line(c, i);
		if (!first || line < first_line) {
			first = c->legs[i];
			first_line = line;
		}
	}
	return first;
}

/* "COPY t, line 68, column k" counts the shard's lines: put the client's in its place. */
static void map_context(struct copy_in *c, struct leg *leg)
{
	struct buf in = leg->error_body;
	struct line_map *map = NULL;

	for (unsigned i = 0; i < c->n_legs; i++)
		if (c->legs[i] == leg)
			map = &c->lines[i];
	if (!c->splitter || !map)
		return;
	buf_init(&leg->error_body, in.limit_bytes);
	for (const char *p = (const char *)buf_head(&in), *end = p + buf_len(&in); p < end && *p;
	     p += strlen(p) + 1) {
		const char *at = line_in_context(p);
		char *rest;
		uint64_t line = at ? line_map_client(map, strtoull(at, &rest, 10)) : 0;

		if (line)
			buf_printf(&leg->error_body, "%.*s%llu%s", (int)(at - p), p,
				   (unsigned long long)line, rest);
		else
			buf_append(&leg->error_body, p, strlen(p));
		buf_put_u8(&leg->error_body, 0);
	}
	buf_put_u8(&leg->error_body, 0);
	buf_finish(&in);
}

static bool tell_failure(struct copy_in *c)
{
	struct exec_failure f = { .err = c->err };
	struct leg *leg = first_cause(c);

	buf_init(&f.body, 64u << 20);
	if (leg) { /* of a row that came before what c->err speaks of */
		map_context(c, leg);
		exec_leg_failed(NULL, c->st->text, leg, &f);
	}
	if (c->st->plan->draws && strcmp(f.err.code, "2200H") == 0) {
		buf_clear(&f.body);
		draw_too_long(&f.err);
	}
	if (f.err.status == STATUS_OK)
		err_set(&f.err, STATUS_CANCELED, "COPY from stdin was not finished");
	reply_failure(c->s, &f);
	buf_finish(&f.body);
	return false;
}

static bool tell_success(struct copy_in *c, bool own)
{
	bool once = c->st->plan->target == TARGET_EVERY;
	uint64_t n = 0;
	char tag[LEG_TAG_MAX];

	for (unsigned i = 0; i < (once ? 1 : c->n_legs); i++)
		n += wire_parse_command_tag(c->legs[i]->tag).count;
	metrics_add(c->s->w->metrics, METRIC_COPY_ROWS, n);
	snprintf(tag, sizeof(tag), "COPY %llu", (unsigned long long)n);
	if (own)
		snprintf(c->s->relay.tag, sizeof(c->s->relay.tag), "%s", tag);
	else
		reply_tag(c->s, tag);
	return true;
}

static struct copy_splitter *make_splitter(struct copy_in *c)
{
	const struct plan *plan = c->st->plan;
	const struct shard_map *map = session_world(c->s)->map;
	const struct config *cfg = session_config(c->s);

	if (c->n_legs == 1 || plan->target == TARGET_EVERY)
		return NULL;
	return copy_splitter_create(plan, map, &c->finder, cfg->limits.message_bytes, put_row, c);
}

bool copy_in_run(struct session *s, struct statement *st, struct leg **legs, unsigned n_legs)
{
	struct copy_in *c = arena_new(&s->arena, struct copy_in);
	bool own = s->txn.is_implicit && st->is_alone;
	bool ok;

	c->s = s;
	c->st = st;
	c->finder = (struct key_finder){ .find = find_key, .ctx = c };
	c->legs = legs;
	c->n_legs = n_legs;
	c->is_open = arena_array(&s->arena, bool, n_legs);
	c->mark = arena_array(&s->arena, size_t, n_legs);
	c->lines = arena_array(&s->arena, struct line_map, n_legs);
	for (unsigned i = 0; i < n_legs; i++)
		line_map_init(&c->lines[i]);
	if (!start_legs(c)) {
		end_legs(c);
		return tell_failure(c);
	}
	c->splitter = make_splitter(c);
	wire_put(reply_out(s), 'G', buf_head(&legs[0]->description),
		 buf_len(&legs[0]->description));
	stream_flush(&s->stream);
	pump(c);
	end_legs(c);
	ok = !must_fail(c);
	ok = ok ? tell_success(c, own) : tell_failure(c);
	for (unsigned i = 0; i < n_legs; i++)
		line_map_finish(&c->lines[i]);
	if (c->splitter)
		copy_splitter_destroy(c->splitter);
	return ok;
}
