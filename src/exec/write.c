/* The same statement on several shards, its counts added up: scattered UPDATE and DELETE,
 * writes to reference tables, DDL and maintenance.
 *
 * Reference tables: a self-conflicting lock is taken first, on the first shard and then on
 * the others, so that two writers meet in one order everywhere; the count is one copy's. */
#include <stdio.h>
#include <string.h>

#include "internal.h"

static bool counts_once(const struct plan *plan)
{
	return plan->target == TARGET_EVERY || plan->class == PLAN_UTILITY;
}

static void set_tag(const struct exec_request *req, struct exec_result *result)
{
	struct wire_tag first = wire_parse_command_tag(req->legs[0]->tag);
	uint64_t count = first.count;
	bool is_insert = str_is(first.verb, "INSERT");

	if (!first.has_count || counts_once(req->plan)) {
		snprintf(result->tag, sizeof(result->tag), "%s", req->legs[0]->tag);
		return;
	}
	for (unsigned i = 1; i < req->n_legs; i++)
		count += wire_parse_command_tag(req->legs[i]->tag).count;
	snprintf(result->tag, sizeof(result->tag), "%.*s %s%llu", STR_ARG(first.verb),
		 is_insert ? "0 " : "", (unsigned long long)count);
}

static enum status lock_one(const struct exec_request *req, struct leg **legs, unsigned n,
			    const char *sql, struct exec_result *result)
{
	for (unsigned i = 0; i < n; i++) {
		leg_begin(legs[i], LEG_ROWS_DROP);
		if (!legs[i]->conn)
			continue;
		wire_put_query(conn_out(legs[i]->conn), sql, strlen(sql));
		conn_sent(legs[i]->conn, 1);
	}
	leg_await_all(legs, n);
	for (unsigned i = 0; i < n; i++)
		if (legs[i]->failed)
			return exec_leg_failed(NULL, req->text, legs[i], &result->failure);
	return STATUS_OK;
}

static enum status lock_reference(const struct exec_request *req, struct exec_result *result)
{
	enum status st = STATUS_OK;

	for (uint16_t t = 0; t < req->plan->n_lock_tables && st == STATUS_OK; t++) {
		const char *sql =
			arena_printf(req->arena, "LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE",
				     req->plan->lock_tables[t]);

		st = lock_one(req, req->legs, 1, sql, result);
		if (st == STATUS_OK && req->n_legs > 1)
			st = lock_one(req, req->legs + 1, req->n_legs - 1, sql, result);
	}
	return st;
}

enum status exec_write(const struct exec_request *req, struct exec_result *result)
{
	bool is_utility = req->plan->class == PLAN_UTILITY;
	struct exec_send send = { .text = exec_shard_text(req, false, 0),
				  .formats = req->result_formats,
				  .n_formats = req->n_result_formats,
				  .as_query = is_utility };
	struct exec_output o;
	enum status st;

	if (req->plan->lock_reference) {
		st = lock_reference(req, result);
		if (st != STATUS_OK)
			return st;
	}
	exec_output_init(&o, req);
	for (unsigned i = 0; i < req->n_legs; i++) {
		bool shows = i == 0 || !counts_once(req->plan);

		leg_begin(req->legs[i], shows ? LEG_ROWS_SINK : LEG_ROWS_DROP);
		req->legs[i]->sink = exec_output_sink;
		req->legs[i]->sink_ctx = &o;
		exec_send(req, req->legs[i], &send);
	}
	exec_output_stream(&o);
	exec_drain(req);
	st = exec_await_all(req, result);
	if (st != STATUS_OK)
		return st;
	if (o.err.status != STATUS_OK)
		return exec_fail(result, &o.err);
	exec_output_describe(&o, req->legs[0], 0);
	set_tag(req, result);
	result->n_rows = o.n_rows;
	return STATUS_OK;
}
