#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct str exec_shard_text(const struct exec_request *req, bool is_limited, int64_t limit)
{
	const struct plan *plan = req->plan;
	struct str base = plan->text ? str_of(plan->text) : req->text;
	char *text;

	if (!is_limited)
		return base;
	text = arena_printf(req->arena, "%.*s LIMIT %" PRId64 "%.*s", (int)plan->limit_at, base.p,
			    limit, (int)(base.n - plan->limit_at), base.p + plan->limit_at);
	return str_of(text);
}

static const uint16_t *host_formats(const struct exec_request *req)
{
	const struct param_values *v = req->params;
	uint16_t *formats = arena_array(req->arena, uint16_t, v->n_formats + 1u);

	for (uint16_t i = 0; i < v->n_formats; i++)
		formats[i] = wire_get_u16(v->formats + 2u * i);
	return formats;
}

void exec_send(const struct exec_request *req, struct leg *leg, const struct exec_send *send)
{
	struct conn_bind bind = { .result_formats = send->formats,
				  .n_result_formats = send->n_formats };
	struct buf *out;

	if (!leg->conn)
		return; /* lost: leg_begin() has marked it failed */
	out = conn_out(leg->conn);
	if (send->as_query) {
		wire_put_query(out, send->text.p, send->text.n);
		conn_sent(leg->conn, 1);
		return;
	}
	conn_put_parse(leg->conn, "", send->text.p, send->text.n, req->param_types,
		       req->n_param_types);
	if (req->params) {
		bind.types = req->param_types;
		bind.n_types = req->n_param_types;
		bind.formats = host_formats(req);
		bind.n_formats = req->params->n_formats;
		bind.values = req->params->data;
		bind.lengths = req->params->length;
		bind.n_values = req->params->n;
	}
	conn_put_bind(leg->conn, req->arena, "", "", &bind);
	wire_put_describe(out, 'P', "");
	wire_put_execute(out, "", 0);
	wire_put_sync(out);
	conn_sent(leg->conn, 1);
}
