/* Aggregates over several shards: partial results, finished by PostgreSQL itself.
 *
 * Each shard computes its part (count, sum, min …) for its rows. The parts, a few values
 * a shard, become array parameters of one more statement, the plan's finish_text, which
 * combines them and evaluates the rest of the select list on one of the shards. So every
 * type, scale, overflow and error is the server's own, and the proxy does no arithmetic.
 * Cost: one more round trip with a few hundred bytes.
 * Failure modes: too many partial rows (GROUP BY with a huge result): 54000 past
 * merge_rows or memory_bytes. A partial type without a known array type: 0A000. */
#include <stdio.h>
#include <string.h>

#include "internal.h"

struct partial {
	struct buf array; /* text form of the array so far */
	uint32_t array_oid;
};

struct aggregate {
	const struct exec_request *req;
	struct partial *columns;
	uint16_t n_columns;
	uint64_t n_rows;
	struct err err;
};

/* pg_type.dat: the array type of each base type that a partial result may have. */
static uint32_t array_of(uint32_t type)
{
	static const uint32_t pairs[][2] = {
		{ 16, 1000 },	{ 17, 1001 },	{ 20, 1016 },	{ 21, 1005 },	{ 23, 1007 },
		{ 25, 1009 },	{ 26, 1028 },	{ 700, 1021 },	{ 701, 1022 },	{ 790, 791 },
		{ 1042, 1014 }, { 1043, 1015 }, { 1082, 1182 }, { 1083, 1183 }, { 1114, 1115 },
		{ 1184, 1185 }, { 1186, 1187 }, { 1266, 1270 }, { 1700, 1231 }, { 2950, 2951 },
		{ 869, 1041 },	{ 650, 651 },	{ 1560, 1561 }, { 1562, 1563 }, { 3220, 3221 },
		{ 5069, 271 },	{ 18, 1002 },	{ 19, 1003 },	{ 3802, 3807 }, { 114, 199 },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i][0] == type)
			return pairs[i][1];
	return 0;
}

static enum status aggregate_start(struct aggregate *a)
{
	const struct exec_request *req = a->req;
	struct leg *leg = req->legs[0];
	struct wire_column *columns;
	enum status st;

	st = wire_parse_row_description(req->arena, buf_head(&leg->description),
					buf_len(&leg->description), &columns, &a->n_columns,
					&a->err);
	if (st != STATUS_OK)
		return st;
	a->columns = arena_array(req->arena, struct partial, a->n_columns + 1u);
	for (uint16_t i = 0; i < a->n_columns; i++) {
		a->columns[i].array_oid = array_of(columns[i].type_oid);
		buf_init(&a->columns[i].array, req->memory_bytes);
		buf_put_u8(&a->columns[i].array, '{');
		if (!a->columns[i].array_oid)
			return err_set(&a->err, STATUS_UNROUTED,
				       "partial results of type %u cannot be combined over shards",
				       columns[i].type_oid);
	}
	return STATUS_OK;
}

static void put_element(struct buf *b, const uint8_t *p, int32_t n)
{
	if (buf_len(b) > 1)
		buf_put_u8(b, ',');
	if (!p) {
		buf_append(b, "NULL", 4);
		return;
	}
	buf_put_u8(b, '"');
	for (int32_t i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			buf_put_u8(b, '\\');
		buf_put_u8(b, p[i]);
	}
	buf_put_u8(b, '"');
}

static enum status add_row(struct aggregate *a, const uint8_t *body, size_t n)
{
	struct wire_row row;
	const uint8_t *data;
	size_t n_bytes = 0;
	bool is_full = false;
	int32_t length;

	if (++a->n_rows > a->req->merge_rows) {
		err_set(&a->err, STATUS_LIMIT,
			"more than limits.merge_rows (%llu) partial rows came from the shards",
			(unsigned long long)a->req->merge_rows);
		err_hint(&a->err, "Group by fewer values, or raise limits.merge_rows.");
		return STATUS_LIMIT;
	}
	if (!wire_row_open(&row, body, n) || row.n_fields != a->n_columns)
		return err_set(&a->err, STATUS_BACKEND, "a shard sent a row that cannot be read");
	for (uint16_t i = 0; i < a->n_columns; i++) {
		if (!wire_row_next(&row, &data, &length))
			return err_set(&a->err, STATUS_BACKEND,
				       "a shard sent a row that cannot be read");
		put_element(&a->columns[i].array, data, length);
		n_bytes += buf_len(&a->columns[i].array);
		is_full |= a->columns[i].array.overflow;
	}
	if (is_full || n_bytes > a->req->memory_bytes) {
		err_set(&a->err, STATUS_LIMIT,
			"partial results of the shards are larger than %s (%llu bytes)",
			a->req->memory_key, (unsigned long long)a->req->memory_bytes);
		err_hint(&a->err, "Group by fewer values, or raise %s.", a->req->memory_key);
		return STATUS_LIMIT;
	}
	return STATUS_OK;
}

static enum status add_leg(struct aggregate *a, struct leg *leg)
{
	enum status st = STATUS_OK;
	struct wire_msg m;

	do {
		while (st == STATUS_OK && wire_next(buf_head(&leg->rows), buf_len(&leg->rows),
						    UINT32_MAX, &m) == WIRE_OK) {
			if (!a->columns)
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

static void send_finish(struct aggregate *a, struct leg *leg)
{
	const struct exec_request *req = a->req;
	const uint8_t **values = arena_array(req->arena, const uint8_t *, a->n_columns + 1u);
	int32_t *lengths = arena_array(req->arena, int32_t, a->n_columns + 1u);
	uint32_t *types = arena_array(req->arena, uint32_t, a->n_columns + 1u);
	struct buf *out = conn_out(leg->conn);

	for (uint16_t i = 0; i < a->n_columns; i++) {
		buf_put_u8(&a->columns[i].array, '}');
		values[i] = buf_head(&a->columns[i].array);
		lengths[i] = (int32_t)buf_len(&a->columns[i].array);
		types[i] = a->columns[i].array_oid;
	}
	if (req->wants_description) { /* names, tables and types as the client's own text has them
				       */
		conn_put_parse(leg->conn, "", req->text.p, req->text.n, req->param_types,
			       req->n_param_types);
		wire_put_describe(out, 'S', "");
	}
	conn_put_parse(leg->conn, "", req->plan->finish_text, strlen(req->plan->finish_text), types,
		       a->n_columns);
	wire_put_bind(out, "", "", NULL, 0, values, lengths, a->n_columns, req->result_formats,
		      req->n_result_formats);
	wire_put_execute(out, "", 0);
	wire_put_sync(out);
	conn_sent(leg->conn, 1);
}

static enum status finish(struct aggregate *a, struct exec_result *result)
{
	const struct exec_request *req = a->req;
	struct leg *leg = req->legs[0];
	struct exec_request last = *req;
	struct exec_output o;
	enum status st;

	exec_output_init(&o, req);
	last.n_legs = 1;
	if (!a->columns && (st = aggregate_start(a)) != STATUS_OK)
		return exec_fail(result, &a->err);
	leg_begin(leg, LEG_ROWS_SINK);
	leg->sink = exec_output_sink;
	leg->sink_ctx = &o;
	if (leg->conn)
		send_finish(a, leg);
	while (leg_is_busy(leg)) {
		fiber_wait();
		if (!exec_output_wait(&o))
			leg->rows_mode = LEG_ROWS_DROP;
		leg_resume(leg);
	}
	if (leg->failed) /* positions are those of our own text: tell none */
		buf_clear(&leg->error_body);
	if (leg->failed)
		leg->err.position = 0;
	st = exec_await_all(&last, result);
	if (st != STATUS_OK)
		return st;
	exec_output_describe(&o, leg, 0);
	result->n_rows = o.n_rows;
	snprintf(result->tag, sizeof(result->tag), "SELECT %llu", (unsigned long long)o.n_rows);
	return o.err.status == STATUS_OK ? STATUS_OK : exec_fail(result, &o.err);
}

enum status exec_aggregate(const struct exec_request *req, struct exec_result *result)
{
	struct aggregate a = { .req = req };
	struct exec_send send = { .text = exec_shard_text(req, false, 0) };
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
	for (uint16_t i = 0; a.columns && i < a.n_columns; i++)
		buf_finish(&a.columns[i].array);
	return st;
}
