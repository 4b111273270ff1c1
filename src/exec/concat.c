/* Rows of several shards in any order.
 *
 * Happy path, no LIMIT: runs of whole DataRow messages go from the servers' sockets to
 * the client's as they come; the fiber only waits. With LIMIT or OFFSET every shard
 * delivers at most limit + offset rows and the fiber counts them out one by one.
 * Failure modes: one shard fails: the others are canceled, the error follows the rows
 * already sent. The client leaves: the rest is dropped. */
#include <stdio.h>

#include "internal.h"

static bool any_busy(const struct exec_request *req)
{
	for (unsigned i = 0; i < req->n_legs; i++)
		if (leg_is_busy(req->legs[i]))
			return true;
	return false;
}

static bool any_failed(const struct exec_request *req)
{
	for (unsigned i = 0; i < req->n_legs; i++)
		if (req->legs[i]->failed)
			return true;
	return false;
}

/* Take the rows that a leg has, as far as the window reaches. */
static void count_out(struct exec_output *o, struct leg *leg, const struct exec_window *w,
		      uint64_t *seen)
{
	struct wire_msg m;

	while (wire_next(buf_head(&leg->rows), buf_len(&leg->rows), UINT32_MAX, &m) == WIRE_OK) {
		bool wanted = *seen >= (uint64_t)w->offset &&
			      (!w->is_limited || o->n_rows < (uint64_t)w->limit);

		++*seen;
		exec_output_describe(o, leg, 0);
		if (wanted)
			exec_output_rows(o, buf_head(&leg->rows), wire_size(&m), 1);
		leg_consumed(leg, wire_size(&m));
	}
}

static void count_until_done(const struct exec_request *req, struct exec_output *o,
			     const struct exec_window *w)
{
	uint64_t seen = 0;
	bool busy;

	do {
		busy = any_busy(req);
		for (unsigned i = 0; i < req->n_legs; i++)
			count_out(o, req->legs[i], w, &seen);
		if (!exec_output_wait(o) || o->err.status != STATUS_OK || any_failed(req))
			return;
		if (busy && any_busy(req))
			fiber_wait();
	} while (busy);
}

static void set_tag(const struct exec_output *o, struct exec_result *result)
{
	result->n_rows = o->n_rows;
	snprintf(result->tag, sizeof(result->tag), "SELECT %llu", (unsigned long long)o->n_rows);
}

enum status exec_concat(const struct exec_request *req, struct exec_result *result)
{
	struct exec_window w = { .is_limited = false };
	struct exec_output o;
	struct exec_send send;
	enum status st;
	bool counts;

	exec_output_init(&o, req);
	if (exec_window(req, &w, &o.err) != STATUS_OK)
		return exec_fail(result, &o.err);
	counts = w.is_limited || w.offset > 0;
	send = (struct exec_send){ .text = exec_shard_text(req, w.is_limited,
							   exec_window_reach(&w)),
				   .formats = req->result_formats,
				   .n_formats = req->n_result_formats };
	for (unsigned i = 0; i < req->n_legs; i++) {
		leg_begin(req->legs[i], counts ? LEG_ROWS_KEEP : LEG_ROWS_SINK);
		req->legs[i]->sink = exec_output_sink;
		req->legs[i]->sink_ctx = &o;
		exec_send(req, req->legs[i], &send);
	}
	if (counts)
		count_until_done(req, &o, &w);
	else
		exec_output_stream(&o);
	exec_drain(req);
	st = exec_await_all(req, result);
	if (st != STATUS_OK)
		return st;
	if (o.err.status != STATUS_OK || exec_same_shape(req, &o.err) != STATUS_OK)
		return exec_fail(result, &o.err);
	exec_output_describe(&o, req->legs[0], 0);
	set_tag(&o, result);
	return STATUS_OK;
}
