/* The extended query protocol.
 *
 * Fast path: [Parse] Bind [Describe] Execute Sync, whole in the buffer, for one shard: the
 * client's bytes go there with only the statement's name exchanged (relay).
 * Everything else: a fiber takes the messages one by one until Sync. Statements are named
 * by us (statements.c) and prepared on a server when first needed there; Describe is
 * answered from what the home shard said once. What runs between two Syncs is one
 * transaction: when it is more than one statement, we open it and Sync commits it.
 * After an error everything up to Sync is skipped. */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"
#include "pgmosaic/base/mem.h"

#define PROMOTE_USES 5 /* an unnamed statement seen this often gets a name on servers */

/* ---- names and portals ---- */

static struct statement_name *find_name(struct session *s, const char *name)
{
	struct statement_name *x = s->names;

	while (x && strcmp(x->name, name) != 0)
		x = x->next;
	return x;
}

static struct prepared *find_prepared(struct session *s, const char *name)
{
	struct statement_name *x;

	if (!*name)
		return s->unnamed;
	x = find_name(s, name);
	return x ? x->prepared : NULL;
}

static void drop_name(struct session *s, const char *name)
{
	for (struct statement_name **at = &s->names; *at; at = &(*at)->next) {
		struct statement_name *x = *at;

		if (strcmp(x->name, name) != 0)
			continue;
		*at = x->next;
		prepared_drop(s->w, x->prepared);
		metrics_sub(s->w->metrics, METRIC_PREPARED, 1);
		free(x);
		return;
	}
}

static void add_name(struct session *s, const char *name, struct prepared *p)
{
	struct statement_name *x = mem_zero(1, sizeof(*x) + strlen(name) + 1);

	strcpy(x->name, name);
	x->prepared = p;
	x->next = s->names;
	s->names = x;
	metrics_add(s->w->metrics, METRIC_PREPARED, 1);
}

static struct portal *find_portal(struct session *s, const char *name)
{
	struct portal *p = s->portals;

	while (p && (p->is_dead || strcmp(p->name, name) != 0))
		p = p->next;
	return p;
}

static void portal_free(struct session *s, struct portal *p)
{
	prepared_drop(s->w, p->prepared);
	plan_drop(p->plan);
	buf_finish(&p->rows);
	arena_finish(&p->arena);
	free(p);
}

static void free_portals(struct session *s, bool dead_only)
{
	struct portal **at = &s->portals;

	while (*at) {
		struct portal *p = *at;

		if (dead_only && !p->is_dead) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		portal_free(s, p);
	}
}

void extended_end_portals(struct session *s)
{
	for (struct portal *p = s->portals; p; p = p->next)
		p->is_dead = true;
}

void extended_forget(struct session *s, bool names_too)
{
	if (s->fiber)
		extended_end_portals(s);
	else
		free_portals(s, false);
	if (!names_too)
		return;
	while (s->names)
		drop_name(s, s->names->name);
	prepared_drop(s->w, s->unnamed);
	s->unnamed = NULL;
}

void extended_deallocate(struct session *s, const char *name)
{
	struct err err = ERR_INIT;

	if (find_name(s, name)) {
		drop_name(s, name);
		reply_tag(s, "DEALLOCATE");
		return;
	}
	err_set_code(&err, STATUS_UNDEFINED, "26000", "prepared statement \"%s\" does not exist",
		     name);
	reply_error(s, &err);
	txn_fail(s);
}

/* ---- the fast path ---- */

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
	struct err err;

	if (!g->has_parse)
		return find_prepared(s, g->values.statement);
	if (wire_parse_parse(g->parse.body, g->parse.length, &parse, &err) != STATUS_OK ||
	    *parse.name || *g->values.statement)
		return NULL;
	prepared_drop(s->w, s->unnamed);
	s->unnamed = prepared_get(s, parse.query, parse.types, parse.n_types);
	return s->unnamed;
}

static void send_segment(struct session *s, struct segment *g, struct prepared *p, struct leg *leg,
			 struct relay *how)
{
	struct buf *out = conn_out(leg->conn);
	bool is_unnamed = !*g->values.statement && p->n_uses < PROMOTE_USES;
	bool is_known = !is_unnamed && conn_has_prepared(leg->conn, p->id);
	char name[32] = "";

	if (!is_unnamed)
		prepared_name(p, name, sizeof(name));
	if (!*g->values.statement && p->n_uses < PROMOTE_USES)
		p->n_uses++;
	if (!is_known) {
		wire_put_parse(out, name, p->text, p->n_text, p->types, p->n_types);
		how->n_skip_parse = g->has_parse ? 0 : 1;
		how->preparing = is_unnamed ? NULL : p;
	} else if (g->has_parse) {
		wire_put_parse_complete(reply_out(s));
	}
	wire_put_bind_rest(out, "", name, g->bind.body + g->values.rest,
			   g->bind.length - g->values.rest);
	buf_append(out, g->rest, g->n_rest);
	conn_sent(leg->conn, 1);
}

static struct param_values values_of(const struct wire_bind *b)
{
	return (struct param_values){ .n = b->n_params,
				      .n_formats = b->n_formats,
				      .formats = b->formats,
				      .data = b->data,
				      .length = b->length };
}

static bool run_segment(struct session *s, struct segment *g)
{
	struct relay how = { .keeps_ready = false };
	struct param_values values = values_of(&g->values);
	struct prepared *p = segment_statement(s, g);
	struct err err = ERR_INIT;
	struct route route;
	struct leg *leg;

	if (!p || p->scan->broken || p->scan->has_several || p->scan->hint_shard.n ||
	    p->scan->hint_key.n || prepared_plan(s, p, &err) != STATUS_OK)
		return false;
	if (p->plan->class != PLAN_QUERY || p->plan->judge || p->plan->needs_param_types)
		return false;
	if (p->is_described ? p->n_params != values.n : p->scan->max_param != values.n)
		return false; /* an error that must name the client's statement, not ours */
	if (route_bind(p->plan, (struct str){ p->text, p->n_text }, p->scan, &values,
		       s->w->world->map, &route, &err) != STATUS_OK ||
	    (route.shards.n != 1 && !route.any))
		return false;
	leg = relay_take(s, p->plan, (uint16_t)shard_set_next(&route.shards, -1), route.any, &how);
	if (!leg)
		return false;
	send_segment(s, g, p, leg, &how);
	relay_start(s, leg, &how);
	s->statement_ms = loop_now_ms(s->w->loop);
	session_move(s, SESSION_RELAYING);
	return true;
}

static bool try_fast(struct session *s)
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

/* ---- the fiber: one message at a time ---- */

struct flow {
	struct session *s;
	unsigned n_executed; /* since the last Sync */
};

static bool fail(struct session *s, const struct err *err)
{
	reply_error(s, err);
	txn_fail(s);
	return false;
}

static bool in_aborted(struct session *s, const struct plan *plan)
{
	struct err err = ERR_INIT;
	bool is_way_out = plan && plan->class == PLAN_LOCAL &&
			  (plan->local.kind == LOCAL_COMMIT || plan->local.kind == LOCAL_ROLLBACK ||
			   plan->local.kind == LOCAL_ROLLBACK_TO);

	if (s->txn.status != 'E' || is_way_out)
		return false;
	err_set_code(
		&err, STATUS_INVALID, "25P02",
		"current transaction is aborted, commands ignored until end of transaction block");
	reply_error(s, &err);
	return true;
}

static void keep_description(struct prepared *p, struct leg *leg)
{
	struct arena a;
	struct err err;
	uint32_t *types;
	uint16_t n;

	arena_init(&a, 0);
	if (wire_parse_parameter_description(&a, buf_head(&leg->parameters),
					     buf_len(&leg->parameters), &types, &n,
					     &err) == STATUS_OK) {
		p->param_types = mem_alloc(sizeof(uint32_t) * (n + 1u));
		memcpy(p->param_types, types, sizeof(uint32_t) * n);
		p->n_params = n;
	}
	arena_finish(&a);
	p->description = NULL;
	p->n_description = 0;
	if (leg->has_description) {
		p->n_description = buf_len(&leg->description);
		p->description = mem_alloc(p->n_description + 1);
		memcpy(p->description, buf_head(&leg->description), p->n_description);
	}
	p->is_described = p->param_types != NULL;
}

static struct leg *describing_leg(struct session *s)
{
	for (unsigned i = 0; i < s->n_legs; i++)
		if (s->legs[i]->in_txn && s->legs[i]->conn)
			return s->legs[i];
	return session_leg(s, session_world(s)->map->home);
}

static bool leg_error(struct session *s, struct leg *leg, struct str text)
{
	struct exec_failure f = { .err = ERR_INIT };

	buf_init(&f.body, 64u << 20);
	exec_leg_failed(NULL, text, leg, &f);
	reply_failure(s, &f);
	buf_finish(&f.body);
	txn_fail(s);
	return false;
}

/* What PostgreSQL says of the client's own text: types, columns, or an error. */
static bool describe(struct session *s, struct prepared *p)
{
	struct leg *leg = describing_leg(s);
	struct str text = { p->text, p->n_text };
	char name[32];

	if (p->is_described && p->plan_world == session_world(s)->version)
		return true;
	if (!session_enlist(s, leg))
		return leg_error(s, leg, text);
	leg_begin(leg, LEG_ROWS_DROP);
	prepared_name(p, name, sizeof(name));
	if (!conn_has_prepared(leg->conn, p->id))
		wire_put_parse(conn_out(leg->conn), name, p->text, p->n_text, p->types, p->n_types);
	wire_put_describe(conn_out(leg->conn), 'S', name);
	wire_put_sync(conn_out(leg->conn));
	conn_sent(leg->conn, 1);
	leg_await(leg);
	if (leg->n_parsed && leg->conn)
		conn_note_prepared(leg->conn, p->id, true);
	if (leg->failed)
		return leg_error(s, leg, text);
	prepared_renew(p, session_world(s)->version);
	if (!p->is_described) /* another client may have been faster */
		keep_description(p, leg);
	if (s->txn.status == 'I')
		session_release_legs(s);
	return true;
}

static bool is_local(const struct prepared *p)
{
	return p->plan && p->plan->class == PLAN_LOCAL && p->plan->local.kind != LOCAL_SHOW &&
	       strcmp(p->scan->first_word, "select") != 0; /* set_config() gives a row */
}

/* Plan and description, as far as they are needed before a Bind. */
static bool make_ready(struct session *s, struct prepared *p)
{
	struct err err = ERR_INIT;
	enum status st = STATUS_OK;

	if (p->scan->has_several || p->scan->broken) {
		if (!describe(s, p)) /* PostgreSQL's own words */
			return false;
		err_set_code(&err, STATUS_SYNTAX, "42601",
			     "cannot insert multiple commands into a prepared statement");
		return fail(s, &err);
	}
	if (p->scan->is_empty)
		return true;
	st = prepared_plan(s, p, &err);
	if (st == STATUS_OK && in_aborted(s, p->plan))
		return false;
	if (st == STATUS_OK && is_local(p))
		return true;
	if (s->txn.status == 'E')
		return !in_aborted(s, NULL);
	if (st == STATUS_OK && p->plan->unknown_relation && ddl_refresh(s, &err))
		st = prepared_plan(s, p, &err);
	if (st != STATUS_OK)
		return fail(s, &err);
	if (!describe(s, p))
		return false;
	st = prepared_plan(s, p, &err); /* again: parameter types are known now */
	if (st == STATUS_OK && p->plan->judge) {
		err = p->plan->refusal;
		st = err.status != STATUS_OK
			     ? err.status
			     : err_set(&err, STATUS_UNROUTED,
				       "the statement is not known to this version of pgmosaic");
	}
	return st == STATUS_OK ? true : fail(s, &err);
}

static bool take_parse(struct session *s, const struct wire_msg *m)
{
	struct wire_parse parse;
	struct err err = ERR_INIT;
	struct prepared *p;

	if (wire_parse_parse(m->body, m->length, &parse, &err) != STATUS_OK)
		return fail(s, &err);
	if (*parse.name && find_name(s, parse.name)) {
		err_set_code(&err, STATUS_DUPLICATE, "42P05",
			     "prepared statement \"%s\" already exists", parse.name);
		return fail(s, &err);
	}
	if (!*parse.name) {
		prepared_drop(s->w, s->unnamed);
		s->unnamed = NULL;
	}
	p = prepared_get(s, parse.query, parse.types, parse.n_types);
	if (!make_ready(s, p)) {
		prepared_drop(s->w, p);
		return false;
	}
	if (*parse.name)
		add_name(s, parse.name, p);
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
	return fail(s, &err);
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
	p->params = values_of(b);
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
	if (!make_ready(s, p))
		return false;
	if (*b->portal && find_portal(s, b->portal)) {
		err_set_code(&err, STATUS_DUPLICATE, "42P03", "cursor \"%s\" already exists",
			     b->portal);
		return fail(s, &err);
	}
	if (b->n_params == (p->is_described ? p->n_params : 0) ||
	    (!p->is_described && !is_local(p)))
		return true;
	err_set(&err, STATUS_PROTOCOL,
		"bind message supplies %u parameters, but prepared statement \"%s\" requires %u",
		b->n_params, b->statement, p->n_params);
	return fail(s, &err);
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
	if (!make_ready(s, portal->prepared))
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
		return fail(s, &err);
	}
	p = find_prepared(s, b.statement);
	if (!check_bind(s, p, &b)) {
		portal_free(s, portal);
		return false;
	}
	if (*b.portal) {
		portal = mem_grow(portal, sizeof(*portal) + strlen(b.portal) + 1);
		strcpy(portal->name, b.portal);
	} else if (find_portal(s, "")) {
		find_portal(s, "")->is_dead = true;
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
	return fail(s, &err);
}

static bool take_describe(struct session *s, const struct wire_msg *m)
{
	struct wire_target target;
	struct err err = ERR_INIT;
	struct portal *portal;
	struct prepared *p;

	if (wire_parse_describe(m->body, m->length, &target, &err) != STATUS_OK)
		return fail(s, &err);
	if (target.what == 'P') {
		portal = find_portal(s, target.name);
		if (!portal)
			return no_portal(s, target.name);
		put_description(s, portal->prepared, portal);
		return true;
	}
	p = find_prepared(s, target.name);
	if (!p)
		return no_statement(s, target.name);
	if (!make_ready(s, p))
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
		return fail(s, &err);
	if (target.what == 'P' && (portal = find_portal(s, target.name)))
		portal->is_dead = true;
	else if (target.what == 'S' && *target.name)
		drop_name(s, target.name);
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
	wire_put_command_count(reply_out(s), "SELECT", 6, (uint64_t)n);
	p->is_done = true;
}

static bool sync_follows(struct session *s)
{
	return buf_len(&s->in) > 0 && buf_head(&s->in)[0] == 'S';
}

/* Several statements before one Sync, or a portal that outlives its Execute: one transaction. */
static void open_implicit(struct flow *f, const struct plan *plan, int32_t max_rows)
{
	struct session *s = f->s;
	bool alone = f->n_executed == 0 && sync_follows(s) && max_rows <= 0;

	if (s->txn.status == 'I' && !alone && plan->class != PLAN_LOCAL && !plan->no_txn_block)
		txn_open(s, "BEGIN", true);
	f->n_executed++;
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
		p = find_portal(s, execute.portal);
	if (err.status == STATUS_OK && !p)
		err_set_code(&err, STATUS_UNDEFINED, "34000", "portal \"%s\" does not exist",
			     execute.portal);
	max_rows = execute.max_rows;
	if (err.status != STATUS_OK)
		return fail(s, &err);
	if (!p->plan) {
		wire_put_empty_query(reply_out(s));
		return true;
	}
	if (p->is_started && !p->leg) { /* several shards: the rows are here already */
		put_kept_rows(s, p, max_rows);
		return true;
	}
	if (!portal_renew(s, p))
		return false;
	open_implicit(f, p->plan, max_rows);
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
	free_portals(s, true);
	arena_reset(&s->arena);
}

static bool function_call(struct session *s)
{
	struct err err = ERR_INIT;

	err_set(&err, STATUS_UNROUTED, "the function call message is not supported");
	err_hint(&err, "Use SELECT function(…).");
	return fail(s, &err);
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
		fail(s, &err);
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
	if (!try_fast(s))
		session_run(s, extended_body);
}
