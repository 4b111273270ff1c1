#include <string.h>

#include "internal.h"

void exec_output_init(struct exec_output *o, const struct exec_request *req)
{
	*o = (struct exec_output){ .req = req };
}

uint16_t exec_n_columns(const struct leg *leg)
{
	return buf_len(&leg->description) < 2 ? 0 : wire_get_u16(buf_head(&leg->description));
}

/* The bytes of the first `keep` column descriptions. */
static size_t description_prefix(const uint8_t *body, size_t n, uint16_t keep)
{
	struct wire_reader r = wire_reader_of(body, n);

	wire_u16(&r);
	for (uint16_t i = 0; i < keep && !r.bad; i++) {
		wire_cstr(&r);
		wire_bytes(&r, 18); /* table, attnum, type, length, typmod, format */
	}
	return r.bad ? 0 : n - r.n;
}

static struct buf *row_target(struct exec_output *o)
{
	return o->req->keep_rows;
}

void exec_output_describe(struct exec_output *o, struct leg *leg, unsigned hidden)
{
	struct stream *client = o->req->party->client;
	const uint8_t *body = buf_head(&leg->description);
	size_t n = buf_len(&leg->description), used, mark;
	uint16_t keep;

	if (o->described)
		return;
	o->described = true;
	if (!o->req->wants_description || !leg->has_description || o->req->party->is_gone)
		return;
	keep = (uint16_t)(exec_n_columns(leg) - hidden);
	used = description_prefix(body, n, keep);
	mark = wire_begin(&client->out, 'T');
	buf_put_u16(&client->out, keep);
	if (used > 2)
		buf_append(&client->out, body + 2, used - 2);
	wire_end(&client->out, mark);
	stream_touch(client);
}

static void keep_rows(struct exec_output *o, const uint8_t *p, size_t n)
{
	struct buf *b = row_target(o);

	if (buf_len(b) + n > o->req->memory_bytes || !buf_append(b, p, n)) {
		err_set(&o->err, STATUS_LIMIT,
			"a portal with a row limit would hold more than %llu bytes",
			(unsigned long long)o->req->memory_bytes);
		err_hint(&o->err,
			 "Fetch without a row limit, narrow the query, or raise limits.memory.");
	}
}

void exec_output_rows(struct exec_output *o, const uint8_t *p, size_t n, unsigned n_rows)
{
	o->n_rows += n_rows;
	if (row_target(o))
		keep_rows(o, p, n);
	else if (!o->req->party->is_gone)
		stream_write(o->req->party->client, p, n);
}

void exec_output_prefix(struct exec_output *o, const uint8_t *body, size_t n, uint16_t keep)
{
	struct buf *b = row_target(o) ? row_target(o) : &o->req->party->client->out;

	o->n_rows++;
	if (o->req->party->is_gone && !row_target(o))
		return;
	if (row_target(o) && buf_len(b) + n > o->req->memory_bytes) {
		keep_rows(o, body, n); /* sets the error */
		return;
	}
	wire_put_row_prefix(b, body, n, keep);
	if (!row_target(o))
		stream_touch(o->req->party->client);
}

bool exec_output_wait(struct exec_output *o)
{
	struct leg_party *party = o->req->party;

	if (row_target(o))
		return true;
	if (stream_is_full(party->client))
		stream_flush(party->client);
	while (stream_is_full(party->client) && !party->is_gone && !party->client->broken)
		fiber_wait();
	return !party->is_gone && !party->client->broken;
}

/* A sink for legs: runs of whole DataRow messages straight on to the client. */
void exec_output_sink(void *ctx, struct leg *leg, const uint8_t *p, size_t n, unsigned n_rows)
{
	struct exec_output *o = ctx;

	exec_output_describe(o, leg, 0);
	exec_output_rows(o, p, n, n_rows);
}

static bool should_stream(const struct exec_output *o)
{
	bool busy = false;

	for (unsigned i = 0; i < o->req->n_legs; i++) {
		busy |= leg_is_busy(o->req->legs[i]);
		if (o->req->legs[i]->failed)
			return false;
	}
	return busy && o->err.status == STATUS_OK;
}

/* Servers are paused by their legs when the client's queue is full; let them go on. */
void exec_output_stream(struct exec_output *o)
{
	while (should_stream(o)) {
		fiber_wait();
		if (!exec_output_wait(o))
			return;
		for (unsigned i = 0; i < o->req->n_legs; i++)
			leg_resume(o->req->legs[i]);
	}
}

static bool same_column(const struct wire_column *a, const struct wire_column *b)
{
	bool builtin = a->type_oid < 16384 || b->type_oid < 16384;

	return strcmp(a->name, b->name) == 0 && a->typmod == b->typmod &&
	       (!builtin || a->type_oid == b->type_oid);
}

static enum status compare_legs(const struct exec_request *req, struct leg *a, struct leg *b,
				struct err *err)
{
	struct wire_column *ca, *cb;
	uint16_t na, nb;
	bool same = a->has_description == b->has_description;

	if (same && a->has_description) {
		if (wire_parse_row_description(req->arena, buf_head(&a->description),
					       buf_len(&a->description), &ca, &na,
					       err) != STATUS_OK ||
		    wire_parse_row_description(req->arena, buf_head(&b->description),
					       buf_len(&b->description), &cb, &nb,
					       err) != STATUS_OK)
			return err->status;
		same = na == nb;
		for (uint16_t i = 0; same && i < na; i++)
			same = same_column(&ca[i], &cb[i]);
	}
	if (same)
		return STATUS_OK;
	err_set(err, STATUS_UNROUTED, "shards %s and %s describe the result differently",
		a->shard_name, b->shard_name);
	err_hint(err, "Make the tables equal on all shards: same columns, order and types.");
	return err->status;
}

enum status exec_same_shape(const struct exec_request *req, struct err *err)
{
	for (unsigned i = 1; i < req->n_legs; i++) {
		enum status st = compare_legs(req, req->legs[0], req->legs[i], err);

		if (st != STATUS_OK)
			return st;
	}
	return STATUS_OK;
}
