/* INSERT … VALUES of many rows, each row to its owner.
 *
 * Every shard gets the client's text with only its own rows between the parentheses.
 * RETURNING comes back in the order of the VALUES: row i is the next one of the shard
 * that got row i. When a shard returns fewer rows than it got (a trigger, DO NOTHING)
 * that order is not known any more, and the rows follow shard by shard. */
#include <stdio.h>
#include <string.h>

#include "internal.h"

struct split {
	const struct exec_request *req;
	uint16_t *owner;  /* of each row: shard index */
	struct buf *rows; /* per leg: what RETURNING gave */
	size_t *at;	  /* per leg: how much of it was sent */
	uint32_t *n_sent; /* per leg: rows it was given */
};

static struct str leg_text(struct split *s, unsigned leg_index)
{
	const struct exec_request *req = s->req;
	const struct plan *plan = req->plan;
	const struct plan_row *last = &plan->rows[plan->keys.n_rows - 1];
	uint16_t shard = req->legs[leg_index]->shard;
	char *text = arena_alloc(req->arena, req->text.n + 1), *p = text;

	if (!text)
		return (struct str){ NULL, 0 };
	memcpy(p, req->text.p, plan->rows[0].at);
	p += plan->rows[0].at;
	for (uint32_t i = 0; i < plan->keys.n_rows; i++) {
		if (s->owner[i] != shard)
			continue;
		if (s->n_sent[leg_index]++)
			*p++ = ',';
		memcpy(p, req->text.p + plan->rows[i].at, plan->rows[i].length);
		p += plan->rows[i].length;
	}
	memcpy(p, req->text.p + last->at + last->length, req->text.n - last->at - last->length);
	p += req->text.n - last->at - last->length;
	return (struct str){ text, (size_t)(p - text) };
}

static void collect(struct split *s, struct exec_output *o)
{
	const struct exec_request *req = s->req;

	for (unsigned i = 0; i < req->n_legs; i++) {
		struct leg *leg = req->legs[i];

		while (leg_is_busy(leg) || buf_len(&leg->rows)) {
			if (buf_len(&s->rows[i]) + buf_len(&leg->rows) > req->memory_bytes) {
				err_set(&o->err, STATUS_LIMIT,
					"RETURNING holds more than limits.memory (%llu bytes)",
					(unsigned long long)req->memory_bytes);
				err_hint(&o->err, "Insert fewer rows at once, or raise "
						  "limits.memory.");
				leg->rows_mode = LEG_ROWS_DROP;
			} else {
				buf_append(&s->rows[i], buf_head(&leg->rows), buf_len(&leg->rows));
			}
			leg_consumed(leg, buf_len(&leg->rows));
			if (leg_is_busy(leg))
				fiber_wait();
		}
	}
}

static bool is_whole(const struct split *s)
{
	for (unsigned i = 0; i < s->req->n_legs; i++)
		if (s->req->legs[i]->n_rows != s->n_sent[i])
			return false;
	return true;
}

static unsigned leg_of(const struct split *s, uint16_t shard)
{
	unsigned i = 0;

	while (i < s->req->n_legs - 1 && s->req->legs[i]->shard != shard)
		i++;
	return i;
}

static void put_in_order(struct split *s, struct exec_output *o)
{
	for (uint32_t row = 0; row < s->req->plan->keys.n_rows; row++) {
		unsigned i = leg_of(s, s->owner[row]);
		const uint8_t *p = buf_head(&s->rows[i]) + s->at[i];
		struct wire_msg m;

		if (wire_next(p, buf_len(&s->rows[i]) - s->at[i], UINT32_MAX, &m) != WIRE_OK)
			return;
		exec_output_rows(o, p, wire_size(&m), 1);
		s->at[i] += wire_size(&m);
		if (!exec_output_wait(o))
			return;
	}
}

static void put_by_shard(struct split *s, struct exec_output *o)
{
	for (unsigned i = 0; i < s->req->n_legs; i++)
		exec_output_rows(o, buf_head(&s->rows[i]), buf_len(&s->rows[i]),
				 (unsigned)s->req->legs[i]->n_rows);
}

static enum status split_send(struct split *s, struct err *err)
{
	const struct exec_request *req = s->req;

	for (unsigned i = 0; i < req->n_legs; i++) {
		struct exec_send send = { .text = leg_text(s, i),
					  .formats = req->result_formats,
					  .n_formats = req->n_result_formats };

		leg_begin(req->legs[i], LEG_ROWS_KEEP);
		if (!send.text.p || s->n_sent[i] == 0)
			return err_set(err, STATUS_LIMIT, "the INSERT is too long to be split");
		exec_send(req, req->legs[i], &send);
	}
	return STATUS_OK;
}

static enum status split_finish(struct split *s, struct exec_output *o, struct exec_result *result)
{
	const struct exec_request *req = s->req;
	uint64_t count = 0;
	enum status st = exec_await_all(req, result);

	if (st != STATUS_OK)
		return st;
	if (o->err.status != STATUS_OK)
		return exec_fail(result, &o->err);
	exec_output_describe(o, req->legs[0], 0);
	if (is_whole(s))
		put_in_order(s, o);
	else
		put_by_shard(s, o);
	for (unsigned i = 0; i < req->n_legs; i++)
		count += wire_parse_command_tag(req->legs[i]->tag).count;
	snprintf(result->tag, sizeof(result->tag), "INSERT 0 %llu", (unsigned long long)count);
	result->n_rows = o->n_rows;
	return STATUS_OK;
}

enum status exec_insert(const struct exec_request *req, struct exec_result *result)
{
	struct split s = { .req = req };
	struct exec_output o;
	enum status st;

	exec_output_init(&o, req);
	s.owner = arena_array(req->arena, uint16_t, req->plan->keys.n_rows);
	s.rows = arena_array(req->arena, struct buf, req->n_legs);
	s.at = arena_array(req->arena, size_t, req->n_legs);
	s.n_sent = arena_array(req->arena, uint32_t, req->n_legs);
	for (unsigned i = 0; i < req->n_legs; i++)
		buf_init(&s.rows[i], req->memory_bytes);
	st = route_rows(req->plan, req->text, req->scan, req->params, req->map, s.owner, &o.err);
	if (st == STATUS_OK)
		st = split_send(&s, &o.err);
	if (st == STATUS_OK) {
		collect(&s, &o);
		st = split_finish(&s, &o, result);
	} else {
		exec_drain(req);
		exec_fail(result, &o.err);
	}
	for (unsigned i = 0; i < req->n_legs; i++)
		buf_finish(&s.rows[i]);
	return st;
}
