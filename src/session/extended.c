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
	struct portal *late; /* its BindComplete is held back, see portals.c */
	bool late_describe;  /* and the RowDescription behind it */
};

static void say_late(struct flow *f)
{
	if (f->late)
		portal_say_bound(f->s, f->late, f->late_describe);
	f->late = NULL;
	f->late_describe = false;
}

/* Is this message the next step of the portal whose answers are held back? */
static bool goes_on_late(const struct flow *f, const struct wire_msg *m)
{
	const char *name = f->late->name;
	size_t n = strlen(name) + 1;

	if (m->type == 'D' && !f->late_describe)
		return m->length == n + 1 && m->body[0] == 'P' && memcmp(m->body + 1, name, n) == 0;
	return m->type == 'E' && m->length > n && memcmp(m->body, name, n) == 0;
}

static bool take_parse(struct session *s, const struct wire_msg *m)
{
	struct wire_parse parse;
	struct err err = ERR_INIT;
	struct prepared *p;
	bool is_known;

	if (wire_parse_parse(m->body, m->length, &parse, &err) != STATUS_OK)
		return extended_fail(s, &err);
	metrics_add(s->w->metrics, METRIC_CLIENT_PARSES, 1);
	if (!statement_length_allows(s, parse.query.n, &err))
		return extended_fail(s, &err);
	if (*parse.name && session_name_find(s, parse.name)) {
		err_set_code(&err, STATUS_DUPLICATE, "42P05",
			     "prepared statement \"%s\" already exists", parse.name);
		return extended_fail(s, &err);
	}
	if (!*parse.name) {
		prepared_drop(s->w, s->unnamed);
		s->unnamed = NULL;
		s->unnamed_promise = (struct promise){ .is_made = false };
	}
	p = prepared_get(s, parse.query, parse.types, parse.n_types);
	is_known = p->is_described && p->plan_world == session_world(s)->version;
	if (!statement_make_ready(s, p)) {
		prepared_drop(s->w, p);
		return false;
	}
	if (*parse.name)
		promise_holds(s, p, &session_name_add(s, parse.name, p)->promise);
	else
		promise_holds(s, (s->unnamed = p), &s->unnamed_promise);
	if (is_known && buf_len(&p->notices))
		buf_append(reply_out(s), buf_head(&p->notices), buf_len(&p->notices));
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

static bool check_bind(struct session *s, struct prepared *p, struct promise *promise,
		       const struct wire_bind *b)
{
	struct err err = ERR_INIT;

	if (!p)
		return no_statement(s, b->statement);
	if (!statement_make_ready(s, p) || refuse_aborted(s, p->plan))
		return false;
	if (*b->portal && (portal_find(s, b->portal) || cursor_exists(s, b->portal))) {
		err_set_code(&err, STATUS_DUPLICATE, "42P03", "cursor \"%s\" already exists",
			     b->portal);
		return extended_fail(s, &err);
	}
	if (!promise_holds(s, p, promise))
		return false;
	if (p->description && b->n_result_formats > 1 &&
	    b->n_result_formats != wire_get_u16(p->description)) {
		err_set(&err, STATUS_PROTOCOL,
			"bind message has %u result formats but query has %u columns",
			b->n_result_formats, wire_get_u16(p->description));
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

void portal_set_plan(struct session *s, struct portal *portal)
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

static bool take_bind(struct flow *f, const struct wire_msg *m)
{
	struct session *s = f->s;
	struct wire_bind b;
	struct err err = ERR_INIT;
	struct portal *portal = portal_create(m);
	struct promise *promise;
	struct prepared *p;

	metrics_add(s->w->metrics, METRIC_CLIENT_BINDS, 1);
	if (wire_parse_bind(portal->rest, portal->n_rest, &portal->arena, &b, &err) != STATUS_OK) {
		portal_free(s, portal);
		return extended_fail(s, &err);
	}
	p = session_prepared(s, b.statement, &promise);
	if (!check_bind(s, p, promise, &b)) {
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
	if (portal->plan && portal->plan->class == PLAN_QUERY)
		f->late = portal;
	else
		portal_say_bound(s, portal, false);
	return true;
}

static bool no_portal(struct session *s, const char *name)
{
	struct err err = ERR_INIT;

	err_set_code(&err, STATUS_UNDEFINED, "34000", "portal \"%s\" does not exist", name);
	return extended_fail(s, &err);
}

static bool describe(struct session *s, const struct prepared *p, const struct portal *portal)
{
	const struct plan *plan = portal ? portal->plan : p->plan;

	if (plan && plan->class == PLAN_LOCAL && plan->local.kind == LOCAL_EXECUTE)
		return execute_describe(s, plan, portal);
	if (plan && plan->class == PLAN_LOCAL && plan->local.kind == LOCAL_FETCH)
		return cursor_describe(s, p, portal);
	if (!portal)
		wire_put_parameter_description(reply_out(s), p->param_types, p->n_params);
	extended_describe(s, p, portal);
	return true;
}

static bool take_describe(struct flow *f, const struct wire_msg *m)
{
	struct session *s = f->s;
	struct promise *promise;
	struct wire_target target;
	struct err err = ERR_INIT;
	struct portal *portal;
	struct prepared *p;

	if (wire_parse_describe(m->body, m->length, &target, &err) != STATUS_OK)
		return extended_fail(s, &err);
	if (target.what == 'P') {
		portal = portal_find(s, target.name);
		if (!portal && cursor_exists(s, target.name))
			return cursor_describe_portal(s, target.name);
		if (!portal)
			return no_portal(s, target.name);
		if (!f->late)
			return describe(s, portal->prepared, portal);
		f->late_describe = true;
		return true;
	}
	p = session_prepared(s, target.name, &promise);
	if (!p)
		return no_statement(s, target.name);
	return statement_make_ready(s, p) && promise_holds(s, p, promise) && describe(s, p, NULL);
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
	if (s->txn.status == 'I' && !alone && !plan->no_txn_block &&
	    (plan->class != PLAN_LOCAL || plan->local.kind == LOCAL_LISTEN ||
	     plan->local.kind == LOCAL_UNLISTEN))
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
	if (p->is_done && !p->leg)
		return portal_run_again(s, p);
	if (p->is_started && !p->leg) { /* several shards: the rows are here already */
		portal_give_rows(s, p, max_rows);
		return true;
	}
	if (!portal_renew(s, p) || !open_implicit(f, p->plan, max_rows))
		return false;
	if (p->plan->class != PLAN_QUERY)
		say_late(f);
	struct statement st = { .text = { p->prepared->text, p->prepared->n_text },
				.scan = p->prepared->scan,
				.plan = p->plan,
				.portal = p,
				.wants_description = f->late_describe,
				.is_alone = !s->txn.is_implicit,
				.max_rows = max_rows };
	f->late = NULL;
	f->late_describe = false;
	ok = run_statement(s, &st);
	if (ok && max_rows > 0 && !p->leg && p->plan->class == PLAN_QUERY) {
		p->is_started = true;
		portal_give_rows(s, p, max_rows);
	} else if (ok && !p->leg) {
		p->is_done = true;
	}
	session_rest(s);
	return ok;
}

/* A Query before the Sync goes on in the same implicit transaction, and ends it. */
static void end_segment(struct session *s, bool ok, bool query_follows)
{
	if (query_follows && ok && s->txn.is_implicit)
		return;
	if (s->txn.is_implicit)
		txn_end(s, ok && !s->party.is_gone);
	session_rest(s);
	if (s->txn.status == 'I')
		extended_end_portals(s);
	portals_free(s, true);
	arena_reset(&s->arena);
}

static bool take_one(struct flow *f, const struct wire_msg *m)
{
	struct session *s = f->s;

	if (f->late && !goes_on_late(f, m))
		say_late(f);
	switch (m->type) {
	case 'P': return take_parse(s, m);
	case 'B': return take_bind(f, m);
	case 'D': return take_describe(f, m);
	case 'E': return take_execute(f, m);
	case 'C': return take_close(s, m);
	case 'H': stream_flush(&s->stream); return true;
	default: return true; /* late CopyData and its kin */
	}
}

/* Sync ends a segment; so do, without a Sync and unless an error skips them, what stands for
 * itself. */
static bool is_segment_end(uint8_t type, bool ok)
{
	return type == 'S' || type == 'X' || (ok && (type == 'Q' || type == 'F'));
}

static void take_end(struct session *s, const struct wire_msg *m, bool ok)
{
	if (m->type == 'F')
		ok = function_call(s, m);
	end_segment(s, ok && m->type != 'X', m->type == 'Q');
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

/* A client that thinks for long does not hold up a change of the map. */
static bool await_next(struct session *s, struct wire_msg *m)
{
	bool got;

	s->is_between = true;
	got = session_await_message(s, m);
	s->is_between = false;
	return got;
}

static void extended_body(struct session *s)
{
	struct flow f = { .s = s };
	struct wire_msg m;
	bool ok = true;

	while (await_next(s, &m)) {
		if (is_segment_end(m.type, ok)) {
			say_late(&f);
			take_end(s, &m, ok);
			return;
		}
		take_out(s, &m);
		ok = ok && ddl_follow_map(s);
		if (ok)
			ok = take_one(&f, &m);
	}
	end_segment(s, false, false);
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
