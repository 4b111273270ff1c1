/* Aggregates over several shards: partial results, finished by PostgreSQL itself.
 *
 * Each shard computes its part (count, sum, min …) for its rows. The parts, a few values
 * a shard, become array parameters (ship.c) of one more statement, the plan's finish_text,
 * which combines them and evaluates the rest of the select list on one of the shards. So
 * every type, scale, overflow and error is the server's own, and the proxy does no
 * arithmetic. Cost: one more round trip with a few hundred bytes.
 * Failure modes: too many partial rows (GROUP BY with a huge result): 54000 past
 * merge_rows or memory_bytes. A partial type without a known array type: 0A000. */
#include "internal.h"

struct aggregate {
	const struct exec_request *req;
	struct ship ship;
	bool is_started;
	uint64_t n_rows;
	struct err err;
};

static enum status aggregate_start(struct aggregate *a)
{
	const struct exec_request *req = a->req;
	struct leg *leg = req->legs[0];
	struct wire_column *columns;
	uint32_t *types;
	uint16_t n;
	enum status st;

	st = wire_parse_row_description(req->arena, buf_head(&leg->description),
					buf_len(&leg->description), &columns, &n, &a->err);
	if (st != STATUS_OK)
		return st;
	types = arena_array(req->arena, uint32_t, n + 1u);
	for (uint16_t i = 0; i < n; i++)
		types[i] = columns[i].type_oid;
	a->is_started = true;
	return ship_init(&a->ship, req, types, n, &a->err);
}

static enum status bad_row(struct aggregate *a)
{
	return err_set(&a->err, STATUS_BACKEND, "a shard sent a row that cannot be read");
}

static enum status add_row(struct aggregate *a, const uint8_t *body, size_t n)
{
	struct wire_row row;
	const uint8_t *data;
	int32_t length;
	enum status st = STATUS_OK;

	if (++a->n_rows > a->req->merge_rows) {
		err_set(&a->err, STATUS_LIMIT,
			"more than limits.merge_rows (%llu) partial rows came from the shards",
			(unsigned long long)a->req->merge_rows);
		err_hint(&a->err, "Group by fewer values, or raise limits.merge_rows.");
		return STATUS_LIMIT;
	}
	if (!wire_row_open(&row, body, n) || row.n_fields != a->ship.n_columns)
		return bad_row(a);
	for (uint16_t i = 0; i < a->ship.n_columns && st == STATUS_OK; i++) {
		if (!wire_row_next(&row, &data, &length))
			return bad_row(a);
		st = ship_add(&a->ship, i, data, length, &a->err);
	}
	return st;
}

static enum status add_leg(struct aggregate *a, struct leg *leg)
{
	enum status st = STATUS_OK;
	struct wire_msg m;

	do {
		while (st == STATUS_OK && wire_next(buf_head(&leg->rows), buf_len(&leg->rows),
						    UINT32_MAX, &m) == WIRE_OK) {
			if (!a->is_started)
				st = aggregate_start(a);
			if (st == STATUS_OK)
				st = add_row(a, m.body, m.length);
			leg_consumed(leg, wire_size(&m));
		}
		if (leg_is_busy(leg) && !buf_len(&leg->rows))
			fiber_wait();
	} while (st == STATUS_OK && (leg_is_busy(leg) || buf_len(&leg->rows)));
	return st;
}

static enum status finish(struct aggregate *a, struct exec_result *result)
{
	const struct exec_request *req = a->req;
	uint16_t n;
	struct finish_params p;
	enum status st = a->is_started ? STATUS_OK : aggregate_start(a);

	if (st != STATUS_OK)
		return exec_fail(result, &a->err);
	n = a->ship.n_columns;
	p = (struct finish_params){ .values = arena_array(req->arena, const uint8_t *, n + 1u),
				    .lengths = arena_array(req->arena, int32_t, n + 1u),
				    .formats = arena_array(req->arena, uint16_t, n + 1u),
				    .types = arena_array(req->arena, uint32_t, n + 1u),
				    .n = n };
	for (uint16_t i = 0; i < n; i++)
		p.formats[i] = 1;
	ship_params(&a->ship, p.values, p.lengths, p.types);
	return exec_finish(req, &p, result);
}

enum status exec_aggregate(const struct exec_request *req, struct exec_result *result)
{
	static const uint16_t binary = 1;
	struct aggregate a = { .req = req };
	struct exec_send send = { .text = exec_shard_text(req, false, 0),
				  .formats = &binary,
				  .n_formats = 1 };
	enum status st = STATUS_OK;

	for (unsigned i = 0; i < req->n_legs; i++) {
		leg_begin(req->legs[i], LEG_ROWS_KEEP);
		exec_send(req, req->legs[i], &send);
	}
	for (unsigned i = 0; i < req->n_legs && st == STATUS_OK; i++)
		st = add_leg(&a, req->legs[i]);
	exec_drain(req);
	if (exec_await_all(req, result) != STATUS_OK)
		st = result->failure.err.status;
	else if (st != STATUS_OK || exec_same_shape(req, &a.err) != STATUS_OK)
		st = exec_fail(result, &a.err);
	else
		st = finish(&a, result);
	ship_finish(&a.ship);
	return st;
}
