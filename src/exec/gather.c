/* Rows of all the statement's tables, brought to one shard and finished there.
 *
 * Happy path: each shard gets one statement, the UNION ALL of the branches whose rows it holds,
 * in one snapshot; its rows are taken apart into columns (ship.c) as they arrive; then the plan's
 * finish_text runs on the first shard with the client's parameters and, behind them, one array
 * for each column.
 * Failure modes: more than memory_bytes or merge_rows come together: 54000, before anything is
 * sent to the client. A shard fails: the others are canceled. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct gather {
	const struct exec_request *req;
	struct ship ship;
	uint64_t n_rows;
	struct err err;
};

/* ---- what a shard is asked ---- */

static bool asks(const struct exec_request *req, const struct plan_source *s, unsigned leg)
{
	switch (s->kind) {
	case SOURCE_SHARDED: return true;
	case SOURCE_COPY: return leg == 0;
	case SOURCE_SINGLE: return req->legs[leg]->shard == s->shard;
	}
	return false;
}

/* NULL: this shard holds nothing of it. */
static const char *leg_text(const struct exec_request *req, unsigned leg)
{
	const struct plan *p = req->plan;
	const char *text = NULL;

	for (uint16_t i = 0; i < p->n_sources; i++) {
		if (!asks(req, &p->sources[i], leg))
			continue;
		text = text ? arena_printf(req->arena, "%s UNION ALL %s", text,
					   p->sources[i].branch)
			    : p->sources[i].branch;
	}
	return text;
}

static void ask_all(const struct exec_request *req)
{
	static const uint16_t binary = 1;

	for (unsigned i = 0; i < req->n_legs; i++) {
		struct leg *leg = req->legs[i];
		const char *text = leg_text(req, i);

		leg_begin(leg, LEG_ROWS_KEEP);
		if (!text || !leg->conn)
			continue;
		conn_put_parse(leg->conn, "", text, strlen(text), NULL, 0);
		wire_put_bind(conn_out(leg->conn), "", "", NULL, 0, NULL, NULL, 0, &binary, 1);
		wire_put_execute(conn_out(leg->conn), "", 0);
		wire_put_sync(conn_out(leg->conn));
		conn_sent(leg->conn, 1);
	}
}

/* ---- rows in ---- */

static enum status bad_row(struct gather *g)
{
	return err_set(&g->err, STATUS_BACKEND, "a shard sent a row that cannot be read");
}

static enum status add_row(struct gather *g, const uint8_t *body, size_t n)
{
	const struct plan *p = g->req->plan;
	struct wire_row row;
	const uint8_t *data;
	int32_t length;
	uint32_t tag;
	enum status st = STATUS_OK;

	if (++g->n_rows > g->req->merge_rows) {
		err_set(&g->err, STATUS_LIMIT,
			"the statement brings more than limits.merge_rows (%llu) rows together",
			(unsigned long long)g->req->merge_rows);
		err_hint(&g->err,
			 "Restrict its tables by their shard key, or raise limits.merge_rows.");
		return STATUS_LIMIT;
	}
	if (!wire_row_open(&row, body, n) || row.n_fields != p->n_shipped + 1 ||
	    !wire_row_next(&row, &data, &length) || length != 4)
		return bad_row(g);
	tag = wire_get_u32(data);
	if (tag >= p->n_sources)
		return bad_row(g);
	for (uint16_t i = 0; i < p->n_shipped && st == STATUS_OK; i++) {
		const struct plan_source *s = &p->sources[tag];

		if (!wire_row_next(&row, &data, &length))
			return bad_row(g);
		if (i >= s->first && i < s->first + s->n_columns)
			st = ship_add(&g->ship, i, data, length, &g->err);
	}
	return st;
}

static enum status take_rows(struct gather *g, struct leg *leg)
{
	enum status st = STATUS_OK;
	struct wire_msg m;

	while (st == STATUS_OK &&
	       wire_next(buf_head(&leg->rows), buf_len(&leg->rows), UINT32_MAX, &m) == WIRE_OK) {
		st = add_row(g, m.body, m.length);
		leg_consumed(leg, wire_size(&m));
	}
	return st;
}

static enum status take_all(struct gather *g)
{
	const struct exec_request *req = g->req;
	enum status st = STATUS_OK;
	bool busy;

	do {
		busy = false;
		for (unsigned i = 0; i < req->n_legs && st == STATUS_OK; i++) {
			if (req->legs[i]->failed)
				return STATUS_OK; /* exec_await_all() tells */
			st = take_rows(g, req->legs[i]);
			busy |= leg_is_busy(req->legs[i]);
		}
		if (busy && st == STATUS_OK)
			fiber_wait();
	} while (busy && st == STATUS_OK);
	for (unsigned i = 0; i < req->n_legs && st == STATUS_OK; i++)
		st = take_rows(g, req->legs[i]);
	return st;
}

/* ---- the parameters of the last statement ---- */

static uint16_t client_format(const struct param_values *v, uint16_t i)
{
	if (!v || v->n_formats == 0)
		return 0;
	return wire_get_u16(v->formats + (v->n_formats == 1 ? 0 : 2u * i));
}

static void put_client_params(const struct exec_request *req, struct finish_params *p)
{
	const struct param_values *v = req->params;

	for (uint16_t i = 0; i < req->plan->n_client_params; i++) {
		bool is_given = v && i < v->n;

		p->values[i] = is_given ? v->data[i] : NULL;
		p->lengths[i] = is_given ? v->length[i] : -1;
		p->formats[i] = client_format(v, i);
		p->types[i] = i < req->n_param_types ? req->param_types[i] : 0;
	}
}

static enum status finish(struct gather *g, struct exec_result *result)
{
	const struct exec_request *req = g->req;
	uint16_t n_client = req->plan->n_client_params;
	unsigned n = n_client + g->ship.n_columns;
	struct finish_params p = { .values = arena_array(req->arena, const uint8_t *, n + 1u),
				   .lengths = arena_array(req->arena, int32_t, n + 1u),
				   .formats = arena_array(req->arena, uint16_t, n + 1u),
				   .types = arena_array(req->arena, uint32_t, n + 1u),
				   .n = (uint16_t)n };

	put_client_params(req, &p);
	ship_params(&g->ship, p.values + n_client, p.lengths + n_client, p.types + n_client);
	for (unsigned i = n_client; i < n; i++)
		p.formats[i] = 1;
	return exec_finish(req, &p, result);
}

enum status exec_gather(const struct exec_request *req, struct exec_result *result)
{
	struct gather g = { .req = req };
	enum status st;

	st = ship_init(&g.ship, req, req->plan->shipped, req->plan->n_shipped, &g.err);
	if (st == STATUS_OK) {
		ask_all(req);
		st = take_all(&g);
		exec_drain(req);
	}
	if (st != STATUS_OK)
		st = exec_fail(result, &g.err);
	else if (exec_await_all(req, result) != STATUS_OK)
		st = result->failure.err.status;
	else
		st = finish(&g, result);
	ship_finish(&g.ship);
	return st;
}
