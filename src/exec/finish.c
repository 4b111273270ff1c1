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

/* Of rows in parameters PostgreSQL knows the number, but not how many join or qualify; a nested
 * loop chosen on such a guess is the one plan that can take hours. So it is off while a gathered
 * statement runs, and what the client has set comes back behind it. Neither statement gives a row
 * or a notice. Should the statement fail, the transaction's end undoes the setting. */
static const char nestloop_off[] =
	"SELECT FROM (SELECT pg_catalog.set_config('mosaic.enable_nestloop', "
	"pg_catalog.current_setting('enable_nestloop'), true) || "
	"pg_catalog.set_config('enable_nestloop', 'off', true) AS s) AS x WHERE s IS NULL";
static const char nestloop_back[] =
	"SELECT FROM (SELECT pg_catalog.set_config('enable_nestloop', "
	"pg_catalog.current_setting('mosaic.enable_nestloop'), true) AS s) AS x WHERE s IS NULL";

static bool is_gathered(const struct exec_request *req)
{
	return req->plan->merge == MERGE_GATHER;
}

static void send_silent(struct leg *leg, const char *sql)
{
	struct buf *out = conn_out(leg->conn);

	wire_put_parse(out, "", sql, strlen(sql), NULL, 0);
	wire_put_bind(out, "", "", NULL, 0, NULL, NULL, 0, NULL, 0);
	wire_put_execute(out, "", 0);
}

/* ParseComplete messages before that of our own text. */
static unsigned n_parsed_before(const struct exec_request *req)
{
	return (req->wants_description ? 1u : 0u) + (is_gathered(req) ? 1u : 0u);
}

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
	if (is_gathered(req))
		send_silent(leg, nestloop_off);
	conn_put_parse(leg->conn, "", req->plan->finish_text, strlen(req->plan->finish_text),
		       p->types, p->n);
	conn_put_bind(leg->conn, req->arena, "", "", &bind);
	wire_put_execute(out, "", 0);
	if (is_gathered(req))
		send_silent(leg, nestloop_back);
	wire_put_sync(out);
	conn_sent(leg->conn, 1);
}

static bool is_our_mistake(const struct exec_request *req, const struct leg *leg)
{
	return leg->n_parsed == n_parsed_before(req) && strncmp(leg->err.code, "42", 2) == 0;
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
	if (leg->failed && leg->n_parsed > n_parsed_before(req)) {
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
