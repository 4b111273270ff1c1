/* The extended protocol's fast path.
 *
 * [Parse] Bind [Describe] Execute Sync, whole in the buffer, for one shard: the client's
 * bytes go there with only the statement's name exchanged, and the answer is relayed. An
 * unnamed statement that is seen again and again gets a name on the servers, so that they
 * need not parse it each time. Anything out of the ordinary is left to extended.c. */
#include <stdlib.h>

#include "extended.h"

#define PROMOTE_USES 5

struct segment {
	struct wire_msg parse, bind;
	bool has_parse;
	const uint8_t *rest; /* Describe, Execute, Sync as they are */
	size_t n_rest, size;
	struct wire_bind values;
};

static bool next_is(const uint8_t *p, size_t n, size_t *at, uint8_t type, struct wire_msg *m)
{
	if (*at >= n || p[*at] != type || wire_next(p + *at, n - *at, 1u << 20, m) != WIRE_OK)
		return false;
	*at += wire_size(m);
	return true;
}

static bool read_segment(struct session *s, struct segment *g)
{
	const uint8_t *p = buf_head(&s->in);
	size_t n = buf_len(&s->in), at = 0, rest;
	struct wire_msg m;
	struct wire_execute execute;
	struct err err;

	g->has_parse = next_is(p, n, &at, 'P', &g->parse);
	if (!next_is(p, n, &at, 'B', &g->bind))
		return false;
	rest = at;
	if (next_is(p, n, &at, 'D', &m) && (m.length < 2 || m.body[0] != 'P' || m.body[1]))
		return false;
	if (!next_is(p, n, &at, 'E', &m) ||
	    wire_parse_execute(m.body, m.length, &execute, &err) != STATUS_OK ||
	    execute.max_rows > 0 || *execute.portal)
		return false;
	if (!next_is(p, n, &at, 'S', &m))
		return false;
	g->rest = p + rest;
	g->n_rest = at - rest;
	g->size = at;
	return true;
}

static struct prepared *segment_statement(struct session *s, struct segment *g)
{
	struct wire_parse parse;
	struct promise *promise;
	struct prepared *p;
	struct err err;

	if (!g->has_parse) {
		p = session_prepared(s, g->values.statement, &promise);
		return p && promise->world == session_world(s)->version ? p : NULL;
	}
	if (wire_parse_parse(g->parse.body, g->parse.length, &parse, &err) != STATUS_OK ||
	    *parse.name || *g->values.statement || !statement_length_allows(s, parse.query.n, &err))
		return NULL;
	prepared_drop(s->w, s->unnamed);
	s->unnamed_promise = (struct promise){ .is_made = false };
	s->unnamed = prepared_get(s, parse.query, parse.types, parse.n_types);
	return s->unnamed;
}

static void send_segment(struct session *s, struct segment *g, struct prepared *p, struct leg *leg,
			 struct relay *how)
{
	struct buf *out = conn_out(leg->conn);
	bool is_unnamed = !*g->values.statement && p->n_uses < PROMOTE_USES;
	bool is_known = !is_unnamed && conn_has_prepared(leg->conn, p->id);
	const char *name = is_unnamed ? "" : p->name;

	if (!*g->values.statement && p->n_uses < PROMOTE_USES)
		p->n_uses++;
	if (!is_known) {
		conn_put_parse(leg->conn, name, p->text, p->n_text, p->types, p->n_types);
		how->n_skip_parse = g->has_parse ? 0 : 1;
		how->preparing = is_unnamed ? NULL : p;
	} else if (g->has_parse) {
		wire_put_parse_complete(&s->stream.out); /* leaves with the server's answer */
	}
	wire_put_bind_rest(out, "", name, g->bind.body + g->values.rest,
			   g->bind.length - g->values.rest);
	buf_append(out, g->rest, g->n_rest);
	conn_sent(leg->conn, 1);
}

struct param_values segment_values(const struct wire_bind *b)
{
	return (struct param_values){ .n = b->n_params,
				      .n_formats = b->n_formats,
				      .formats = b->formats,
				      .data = b->data,
				      .length = b->length };
}

static bool is_binary(const uint8_t *formats, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		if (wire_get_u16(formats + 2u * i))
			return true;
	return false;
}

/* OIDs inside of binary values that some shard knows by other numbers. */
static bool may_hold_oids(const struct session *s, const struct prepared *p,
			  const struct wire_bind *b)
{
	return oids_differing(s->w->world->oids) && (!p->is_described || p->holds_oids) &&
	       (is_binary(b->formats, b->n_formats) ||
		is_binary(b->result_formats, b->n_result_formats));
}

static bool run_segment(struct session *s, struct segment *g)
{
	struct relay how = { .keeps_ready = false, .ends_itself = true };
	struct param_values values = segment_values(&g->values);
	struct prepared *p = segment_statement(s, g);
	struct err err = ERR_INIT;
	struct route route;
	struct leg *leg;

	if (!p || p->scan->broken || p->scan->has_several || p->scan->hint_shard.n ||
	    p->scan->hint_key.n || prepared_plan(s, p, &err) != STATUS_OK)
		return false;
	if (p->plan->class != PLAN_QUERY || p->plan->judge || p->plan->needs_param_types ||
	    plan_needs_fiber(p->plan) || may_hold_oids(s, p, &g->values))
		return false;
	if (p->is_described ? p->n_params != values.n : p->scan->max_param != values.n)
		return false; /* an error that must name the client's statement, not ours */
	if (route_bind(p->plan, (struct str){ p->text, p->n_text }, p->scan, &values,
		       s->w->world->map, NULL, &route, &err) != STATUS_OK ||
	    (route.shards.n != 1 && !route.any))
		return false;
	leg = relay_take(s, p->plan, (uint16_t)shard_set_next(&route.shards, -1), route.any, &how);
	if (!leg)
		return false;
	send_segment(s, g, p, leg, &how);
	relay_start(s, leg, &how);
	metrics_add(s->w->metrics, METRIC_CLIENT_PARSES, g->has_parse);
	metrics_add(s->w->metrics, METRIC_CLIENT_BINDS, 1);
	s->statement_ms = loop_now_ms(s->w->loop);
	session_move(s, SESSION_RELAYING);
	return true;
}

bool segment_try(struct session *s)
{
	struct segment g = { .has_parse = false };
	struct err err;
	bool done;

	if (s->txn.status == 'E' || s->txn.overlay || s->hand_shard || s->hand_key || s->portals ||
	    s->is_control || !s->w->world || !read_segment(s, &g))
		return false;
	done = wire_parse_bind(g.bind.body, g.bind.length, &s->arena, &g.values, &err) ==
		       STATUS_OK &&
	       !*g.values.portal && run_segment(s, &g);
	if (done)
		buf_consume(&s->in, g.size);
	arena_reset(&s->arena);
	return done;
}
