/* COPY … TO STDOUT over several shards: one CopyOutResponse, rows as they come, one
 * CopyDone. The header line (CSV, text) is the first leg's; in binary the signature and
 * the trailer of all others are cut off (PostgreSQL's copyto.c sends the signature in
 * front of the first row's message and the trailer as the last one). */
#include <stdio.h>
#include <string.h>

#include "internal.h"

#define BINARY_HEADER_BYTES 19

struct copy_out {
	const struct exec_request *req;
	struct exec_output out;
	struct leg *first; /* whose header is shown */
	bool started;
	uint64_t seen[MAP_MAX_SHARDS]; /* CopyData messages by leg's shard */
};

static void copy_start(struct copy_out *c, struct leg *leg)
{
	struct stream *client = c->req->party->client;

	if (c->started)
		return;
	c->started = true;
	c->first = leg;
	if (c->req->party->is_gone)
		return;
	wire_put(&client->out, 'H', buf_head(&leg->description), buf_len(&leg->description));
	stream_touch(client);
}

static void put_data(struct copy_out *c, const uint8_t *p, size_t n)
{
	struct stream *client = c->req->party->client;

	if (n == 0 || c->req->party->is_gone)
		return;
	wire_put_copy_data(&client->out, p, n);
	stream_touch(client);
}

static void put_binary(struct copy_out *c, struct leg *leg, const uint8_t *p, size_t n,
		       bool is_first)
{
	if (is_first && leg != c->first) {
		if (n < BINARY_HEADER_BYTES)
			return;
		p += BINARY_HEADER_BYTES;
		n -= BINARY_HEADER_BYTES;
	}
	if (n >= 2 && p[n - 2] == 0xff && p[n - 1] == 0xff &&
	    (n == 2 || (is_first && leg == c->first && n == BINARY_HEADER_BYTES + 2)))
		n -= 2; /* the trailer; ours follows at the end */
	put_data(c, p, n);
}

static void pass_data(void *ctx, struct leg *leg, const uint8_t *p, size_t n, unsigned n_rows)
{
	struct copy_out *c = ctx;
	const struct plan_copy *copy = &c->req->plan->copy;
	struct wire_msg m;

	(void)n_rows;
	copy_start(c, leg);
	if (copy->format != COPY_BINARY && (!copy->header || leg == c->first)) {
		exec_output_rows(&c->out, p, n, 0);
		return;
	}
	for (; wire_next(p, n, UINT32_MAX, &m) == WIRE_OK; p += wire_size(&m), n -= wire_size(&m)) {
		bool is_first = c->seen[leg->shard]++ == 0;

		if (copy->format == COPY_BINARY)
			put_binary(c, leg, m.body, m.length, is_first);
		else if (!is_first)
			put_data(c, m.body, m.length);
	}
}

static void copy_end(struct copy_out *c, struct exec_result *result)
{
	const struct exec_request *req = c->req;
	struct stream *client = req->party->client;
	uint64_t count = 0;

	copy_start(c, req->legs[0]); /* no row anywhere */
	for (unsigned i = 0; i < req->n_legs; i++)
		count += wire_parse_command_tag(req->legs[i]->tag).count;
	if (req->plan->copy.format == COPY_BINARY)
		put_data(c, (const uint8_t *)"\xff\xff", 2);
	if (!req->party->is_gone) {
		wire_put_copy_done(&client->out);
		stream_touch(client);
	}
	snprintf(result->tag, sizeof(result->tag), "COPY %llu", (unsigned long long)count);
	result->n_rows = count;
}

enum status exec_copy_out(const struct exec_request *req, struct exec_result *result)
{
	struct copy_out *c = arena_new(req->arena, struct copy_out);
	struct exec_send send = { .text = exec_shard_text(req, false, 0), .as_query = true };
	enum status st;

	c->req = req;
	exec_output_init(&c->out, req);
	for (unsigned i = 0; i < req->n_legs; i++) {
		leg_begin(req->legs[i], LEG_ROWS_SINK);
		req->legs[i]->sink = pass_data;
		req->legs[i]->sink_ctx = c;
		exec_send(req, req->legs[i], &send);
	}
	exec_output_stream(&c->out);
	exec_drain(req);
	st = exec_await_all(req, result);
	if (st == STATUS_OK)
		copy_end(c, result);
	return st;
}
