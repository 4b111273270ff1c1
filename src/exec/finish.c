/* The last statement of a merge: on one shard, over parameters that hold what the shards gave.
 *
 * The client's own text is parsed and described there as well, when a description is wanted:
 * names, tables and types are what it says, not what our text would.
 * Failure modes: the client's own text fails: its error, as it is. Our text fails to parse where
 * the client's did not: the rewriting has changed its meaning (GROUP BY of a primary key that
 * stands for other columns is the known case): a refusal. It fails when it runs: the server's
 * error, without a position, which would be one of our text. */
#include <stdio.h>
#include <string.h>

#include "internal.h"

static void send_finish(const struct exec_request *req, const struct finish_params *p,
			struct leg *leg)
{
	struct buf *out = conn_out(leg->conn);
	struct conn_bind bind = { .types = p->types,
				  .n_types = p->n,
				  .formats = p->formats,
				  .n_formats = p->n,
				  .values = p->values,
				  .lengths = p->lengths,
				  .n_values = p->n,
				  .result_formats = req->result_formats,
				  .n_result_formats = req->n_result_formats };

	if (req->wants_description) {
		conn_put_parse(leg->conn, "", req->text.p, req->text.n, req->param_types,
			       req->n_param_types);
		wire_put_describe(out, 'S', "");
	}
	conn_put_parse(leg->conn, "", req->plan->finish_text, strlen(req->plan->finish_text),
		       p->types, p->n);
	conn_put_bind(leg->conn, req->arena, "", "", &bind);
	wire_put_execute(out, "", 0);
	wire_put_sync(out);
	conn_sent(leg->conn, 1);
}

static bool is_our_mistake(const struct exec_request *req, const struct leg *leg)
{
	unsigned parsed_before = req->wants_description ? 1 : 0;

	return leg->n_parsed == parsed_before && strncmp(leg->err.code, "42", 2) == 0;
}

static enum status refuse_rewriting(struct leg *leg, struct exec_result *result)
{
	struct err err = ERR_INIT;

	err_set(&err, STATUS_UNROUTED, "this statement over several shards cannot be run exactly");
	err_detail(&err, "On rows brought together from the shards PostgreSQL says: %s",
		   leg->err.message);
	err_hint(&err, "Name every selected column in GROUP BY, or restrict to one shard key.");
	return exec_fail(result, &err);
}

enum status exec_finish(const struct exec_request *req, const struct finish_params *params,
			struct exec_result *result)
{
	struct leg *leg = req->legs[0];
	struct exec_request last = *req;
	struct exec_output o;
	enum status st;

	exec_output_init(&o, req);
	last.n_legs = 1;
	leg_begin(leg, LEG_ROWS_SINK);
	leg->sink = exec_output_sink;
	leg->sink_ctx = &o;
	if (leg->conn)
		send_finish(req, params, leg);
	while (leg_is_busy(leg)) {
		fiber_wait();
		if (!exec_output_wait(&o))
			leg->rows_mode = LEG_ROWS_DROP;
		leg_resume(leg);
	}
	if (leg->failed && is_our_mistake(req, leg))
		return refuse_rewriting(leg, result);
	if (leg->failed && leg->n_parsed > (req->wants_description ? 1u : 0u)) {
		buf_clear(&leg->error_body);
		leg->err.position = 0;
	}
	st = exec_await_all(&last, result);
	if (st != STATUS_OK)
		return st;
	exec_output_describe(&o, leg, 0);
	result->n_rows = o.n_rows;
	snprintf(result->tag, sizeof(result->tag), "SELECT %llu", (unsigned long long)o.n_rows);
	return o.err.status == STATUS_OK ? STATUS_OK : exec_fail(result, &o.err);
}
