/* The extended query protocol, message by message.
 *
 * What segment.c does not take on: a fiber takes the messages one by one until Sync. Statements are
 * named by us (statements.c) and prepared on a server when first needed there; Describe is answered
 * from what the home shard said once. What runs between two Syncs is one transaction: when it is
 * more than one statement, we open it and Sync commits it. After an error everything up to Sync is
 * skipped. */
#include <stdio.h>
#include <stdlib.h>

#include "extended.h"
#include "pgmosaic/base/mem.h"

/* ---- the fiber: one message at a time ---- */

struct flow {
	struct session *s;
	unsigned n_executed; /* since the last Sync */
};

static bool take_parse(struct session *s, const struct wire_msg *m)
{
	struct wire_parse parse;
	struct err err = ERR_INIT;
	struct prepared *p;

	if (wire_parse_parse(m->body, m->length, &parse, &err) != STATUS_OK)
		return extended_fail(s, &err);
	if (*parse.name && session_name_find(s, parse.name)) {
		err_set_code(&err, STATUS_DUPLICATE, "42P05",
			     "prepared statement \"%s\" already exists", parse.name);
		return extended_fail(s, &err);
	}
	if (!*parse.name) {
		prepared_drop(s->w, s->unnamed);
		s->unnamed = NULL;
	}
	p = prepared_get(s, parse.query, parse.types, parse.n_types);
	if (!statement_make_ready(s, p)) {
		prepared_drop(s->w, p);
		return false;
	}
	if (*parse.name)
		session_name_add(s, parse.name, p);
	else
		s->unnamed = p;
	wire_put_parse_complete(reply_out(s));
	return true;
}

static bool no_statement(struct session *s, const char *name)
{
	struct err err = ERR_INIT;

	if (*name)
		err_set_code(&err, STATUS_UNDEFINED, "26000",
			     "prepared statement \"%s\" does not exist", name);
	else
		err_set_code(&err, STATUS_UNDEFINED, "26000",
			     "unnamed prepared statement does not exist");
	return extended_fail(s, &err);
}

/* Without a name yet: that is inside the message, which the portal's arena keeps. */
static struct portal *portal_create(const struct wire_msg *m)
{
	struct portal *p = mem_zero(1, sizeof(*p) + 1);

	arena_init(&p->arena, 0);
	buf_init(&p->rows, (size_t)1 << 30);
	p->rest = arena_copy(&p->arena, m->body, m->length); /* the whole body, for now */
	p->n_rest = m->length;
	return p;
}

static void portal_fill(struct portal *p, const struct wire_bind *b)
{
	p->rest += b->rest;
	p->n_rest -= b->rest;
	p->params = segment_values(b);
	p->n_result_formats = b->n_result_formats;
	p->result_formats = arena_array(&p->arena, uint16_t, b->n_result_formats + 1u);
	for (uint16_t i = 0; i < b->n_result_formats; i++)
		p->result_formats[i] = wire_get_u16(b->result_formats + 2u * i);
	p->is_bound = true;
}

static bool check_bind(struct session *s, struct prepared *p, const struct wire_bind *b)
{
	struct err err = ERR_INIT;

	if (!p)
		return no_statement(s, b->statement);
	if (!statement_make_ready(s, p))
		return false;
	if (*b->portal && portal_find(s, b->portal)) {
		err_set_code(&err, STATUS_DUPLICATE, "42P03", "cursor \"%s\" already exists",
			     b->portal);
		return extended_fail(s, &err);
	}
	if (b->n_params == (p->is_described ? p->n_params : 0) ||
	    (!p->is_described && !statement_is_local(p)))
		return true;
	err_set(&err, STATUS_PROTOCOL,
		"bind message supplies %u parameters, but prepared statement \"%s\" requires %u",
		b->n_params, b->statement, p->n_params);
	return extended_fail(s, &err);
}

static void portal_set_plan(struct session *s, struct portal *portal)
{
	struct plan *plan = portal->prepared->plan;

	if (plan)
		plan_hold(plan);
	plan_drop(portal->plan);
	portal->plan = plan;
	portal->plan_world = session_world(s)->version;
}

/* A portal whose plan was made against an older world gets a new one, unless it has begun. */
static bool portal_renew(struct session *s, struct portal *portal)
{
	if (portal->is_started || !portal->plan || portal->plan_world == session_world(s)->version)
		return true;
	if (!statement_make_ready(s, portal->prepared))
		return false;
	portal_set_plan(s, portal);
	return true;
}

static bool take_bind(struct session *s, const struct wire_msg *m)
{
	struct wire_bind b;
	struct err err = ERR_INIT;
	struct portal *portal = portal_create(m);
	struct prepared *p;

	if (wire_parse_bind(portal->rest, portal->n_rest, &portal->arena, &b, &err) != STATUS_OK) {
		portal_free(s, portal);
		return extended_fail(s, &err);
	}
	p = session_prepared(s, b.statement);
	if (!check_bind(s, p, &b)) {
		portal_free(s, portal);
		return false;
	}
	if (*b.portal) {
		portal = mem_grow(portal, sizeof(*portal) + strlen(b.portal) + 1);
		strcpy(portal->name, b.portal);
	} else if (portal_find(s, "")) {
		portal_find(s, "")->is_dead = true;
	}
	portal_fill(portal, &b);
	portal->prepared = p;
	p->refs++;
	portal_set_plan(s, portal);
	portal->next = s->portals;
	s->portals = portal;
	wire_put_bind_complete(reply_out(s));
	return true;
}

/* The statement's RowDescription, with the formats that the Bind asked for. */
static void put_description(struct session *s, const struct prepared *p,
			    const struct portal *portal)
{
	struct wire_column *columns;
	struct err err;
	uint16_t n;

	if (!p->description ||
	    wire_parse_row_description(&s->arena, p->description, p->n_description, &columns, &n,
				       &err) != STATUS_OK) {
		wire_put_no_data(reply_out(s));
		return;
	}
	for (uint16_t i = 0; i < n; i++)
		columns[i].format = !portal || portal->n_result_formats == 0 ? 0
				    : portal->n_result_formats == 1 ? portal->result_formats[0]
				    : i < portal->n_result_formats  ? portal->result_formats[i]
								    : 0;
	wire_put_row_description(reply_out(s), columns, n);
}

static bool no_portal(struct session *s, const char *name)
{
	struct err err = ERR_INIT;

	err_set_code(&err, STATUS_UNDEFINED, "34000", "portal \"%s\" does not exist", name);
	return extended_fail(s, &err);
}

static bool take_describe(struct session *s, const struct wire_msg *m)
{
	struct wire_target target;
	struct err err = ERR_INIT;
	struct portal *portal;
	struct prepared *p;

	if (wire_parse_describe(m->body, m->length, &target, &err) != STATUS_OK)
		return extended_fail(s, &err);
	if (target.what == 'P') {
		portal = portal_find(s, target.name);
		if (!portal)
			return no_portal(s, target.name);
		put_description(s, portal->prepared, portal);
		return true;
	}
	p = session_prepared(s, target.name);
	if (!p)
		return no_statement(s, target.name);
	if (!statement_make_ready(s, p))
		return false;
	wire_put_parameter_description(reply_out(s), p->param_types, p->n_params);
	put_description(s, p, NULL);
	return true;
}

static bool take_close(struct session *s, const struct wire_msg *m)
{
	struct wire_target target;
	struct err err = ERR_INIT;
	struct portal *portal;

	if (wire_parse_close(m->body, m->length, &target, &err) != STATUS_OK)
		return extended_fail(s, &err);
	if (target.what == 'P' && (portal = portal_find(s, target.name)))
		portal->is_dead = true;
	else if (target.what == 'S' && *target.name)
		session_name_drop(s, target.name);
	else if (target.what == 'S') {
		prepared_drop(s->w, s->unnamed);
		s->unnamed = NULL;
	}
	wire_put_close_complete(reply_out(s));
	return true;
}

/* Rows that several shards gave for a portal with a row limit, handed out piece by piece. */
static void put_kept_rows(struct session *s, struct portal *p, int32_t max_rows)
{
	struct wire_msg m;
	int32_t n = 0;

	while ((max_rows <= 0 || n < max_rows) &&
	       wire_next(buf_head(&p->rows), buf_len(&p->rows), UINT32_MAX, &m) == WIRE_OK) {
		stream_write(&s->stream, buf_head(&p->rows), wire_size(&m));
		buf_consume(&p->rows, wire_size(&m));
		n++;
	}
	if (max_rows > 0 && n == max_rows) {
		wire_put_portal_suspended(reply_out(s));
		return;
	}
	if (strncmp(p->tag, "SELECT", 6) == 0 || !p->tag[0]) /* of this fetch; others count all */
		wire_put_command_count(reply_out(s), "SELECT", 6, (uint64_t)n);
	else
		reply_tag(s, p->tag);
	p->is_done = true;
}

static bool sync_follows(struct session *s)
{
	return buf_len(&s->in) > 0 && buf_head(&s->in)[0] == 'S';
}

/* Several statements before one Sync, or a portal that outlives its Execute: one transaction. */
static bool open_implicit(struct flow *f, const struct plan *plan, int32_t max_rows)
{
	struct session *s = f->s;
	bool alone = f->n_executed == 0 && sync_follows(s) && max_rows <= 0;

	if (f->n_executed > 0 && session_refuses_transaction(s))
		return false;
	if (s->txn.status == 'I' && !alone && plan->class != PLAN_LOCAL && !plan->no_txn_block)
		txn_open(s, "BEGIN", true);
	f->n_executed++;
	return true;
}

static bool take_execute(struct flow *f, const struct wire_msg *m)
{
	struct session *s = f->s;
	struct wire_execute execute = { .portal = "" };
	struct err err = ERR_INIT;
	struct portal *p = NULL;
	int32_t max_rows;
	bool ok;

	if (wire_parse_execute(m->body, m->length, &execute, &err) == STATUS_OK)
		p = portal_find(s, execute.portal);
	if (err.status == STATUS_OK && !p)
		err_set_code(&err, STATUS_UNDEFINED, "34000", "portal \"%s\" does not exist",
			     execute.portal);
	max_rows = execute.max_rows;
	if (err.status != STATUS_OK)
		return extended_fail(s, &err);
	if (!p->plan) {
		wire_put_empty_query(reply_out(s));
		return true;
	}
	if (p->is_started && !p->leg) { /* several shards: the rows are here already */
		put_kept_rows(s, p, max_rows);
		return true;
	}
	if (!portal_renew(s, p) || !open_implicit(f, p->plan, max_rows))
		return false;
	struct statement st = { .text = { p->prepared->text, p->prepared->n_text },
				.scan = p->prepared->scan,
				.plan = p->plan,
				.portal = p,
				.is_alone = !s->txn.is_implicit,
				.max_rows = max_rows };
	ok = run_statement(s, &st);
	if (ok && max_rows > 0 && !p->leg && p->plan->class == PLAN_QUERY) {
		p->is_started = true;
		put_kept_rows(s, p, max_rows);
	}
	if (s->txn.status == 'I')
		session_release_legs(s);
	return ok;
}

static void end_segment(struct session *s, bool ok)
{
	if (s->txn.is_implicit)
		txn_end(s, ok && !s->party.is_gone);
	if (s->txn.status == 'I') {
		session_release_legs(s);
		extended_end_portals(s);
	}
	portals_free(s, true);
	arena_reset(&s->arena);
}

static bool function_call(struct session *s)
{
	struct err err = ERR_INIT;

	err_set(&err, STATUS_UNROUTED, "the function call message is not supported");
	err_hint(&err, "Use SELECT function(…).");
	return extended_fail(s, &err);
}

static bool take_one(struct session *s, const struct wire_msg *m)
{
	switch (m->type) {
	case 'P': return take_parse(s, m);
	case 'B': return take_bind(s, m);
	case 'D': return take_describe(s, m);
	case 'C': return take_close(s, m);
	case 'H': stream_flush(&s->stream); return true;
	default: return true; /* late CopyData and its kin */
	}
}

/* Sync ends a segment; so do, without a Sync, what stands for itself. */
static bool is_segment_end(uint8_t type)
{
	return type == 'S' || type == 'Q' || type == 'X' || type == 'F';
}

static void take_end(struct session *s, const struct wire_msg *m, bool ok)
{
	if (m->type == 'F' && ok)
		ok = function_call(s);
	end_segment(s, ok);
	if (m->type != 'S' && m->type != 'F')
		return; /* session_advance() takes it */
	session_consumed(s, m);
	if (!s->party.is_gone)
		reply_ready(s);
}

/* The input may move while the fiber waits, and COPY reads on from it: take a copy. */
static void take_out(struct session *s, struct wire_msg *m)
{
	struct wire_msg in = *m;

	arena_reset(&s->arena);
	m->body = arena_copy(&s->arena, in.body, in.length);
	session_consumed(s, &in);
	session_pin_world(s);
}

static void extended_body(struct session *s)
{
	struct flow f = { .s = s };
	struct wire_msg m;
	bool ok = true;

	while (session_await_message(s, &m)) {
		if (is_segment_end(m.type)) {
			take_end(s, &m, ok);
			return;
		}
		take_out(s, &m);
		if (ok)
			ok = m.type == 'E' ? take_execute(&f, &m) : take_one(s, &m);
	}
	end_segment(s, false);
}

static void lone_sync(struct session *s, const struct wire_msg *m)
{
	struct err err = ERR_INIT;

	if (m->length) {
		err_set(&err, STATUS_PROTOCOL, "invalid message format");
		extended_fail(s, &err);
	}
	session_consumed(s, m);
	reply_ready(s);
}

void extended_message(struct session *s, const struct wire_msg *m)
{
	if (m->type == 'S' && !s->portals) {
		lone_sync(s, m);
		return;
	}
	if (s->is_control) {
		control_query(s, m);
		return;
	}
	if (!segment_try(s))
		session_run(s, extended_body);
}
