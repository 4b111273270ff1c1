/* EXECUTE as a statement: its values are those of a Bind.
 *
 * Constants that are exactly the parameter's value are taken as they are; for anything else a
 * server says the values, by an EXECUTE of "SELECT $1, …" with the same parameter types: so they
 * are converted as PostgreSQL would. */
#include <stdlib.h>

#include "extended.h"

/* ---- EXECUTE: its values ---- */

struct values {
	uint16_t n;
	uint16_t *formats;
	const uint8_t **data;
	int32_t *length;
};

enum { TYPE_INT8 = 20, TYPE_INT2 = 21, TYPE_INT4 = 23, TYPE_TEXT = 25, TYPE_VARCHAR = 1043 };

static bool integer_fits(const char *digits, uint32_t type)
{
	long long v = strtoll(digits, NULL, 10);

	return type == TYPE_INT8 || (type == TYPE_INT4 && v >= INT32_MIN && v <= INT32_MAX) ||
	       (type == TYPE_INT2 && v >= INT16_MIN && v <= INT16_MAX);
}

/* A constant that needs no conversion. */
static bool take_constant(struct values *v, uint16_t i, const struct plan_argument *arg,
			  uint32_t type)
{
	bool is_text = type == TYPE_TEXT || type == TYPE_VARCHAR;
	bool known = (arg->kind == ARGUMENT_NULL && type < 16384) ||
		     (arg->kind == ARGUMENT_STRING && is_text) ||
		     (arg->kind == ARGUMENT_INTEGER && integer_fits(arg->value, type));

	v->formats[i] = 0;
	v->data[i] = (const uint8_t *)arg->value;
	v->length[i] = arg->value ? (int32_t)strlen(arg->value) : -1;
	return known;
}

/* "SELECT $1, $2 …" with the parameter types of the statement that is executed. */
static struct prepared *values_statement(struct session *s, const struct prepared *p)
{
	uint8_t *types = arena_alloc(&s->arena, 4u * p->n_params + 1u);
	struct prepared *helper;
	struct buf sql;

	buf_init(&sql, 1u << 20);
	for (uint16_t i = 0; i < p->n_params; i++) {
		buf_printf(&sql, "%s$%u", i ? ", " : "SELECT ", i + 1u);
		wire_set_u32(types + 4u * i, p->param_types[i]);
	}
	helper = prepared_get(s, (struct str){ (const char *)buf_head(&sql), buf_len(&sql) }, types,
			      p->n_params);
	buf_finish(&sql);
	return helper;
}

/* The client's EXECUTE with our name for the statement. */
static const char *renamed(struct session *s, const struct statement *st, const char *name)
{
	const struct plan_local *l = &st->plan->local;
	uint32_t end = l->name_at + l->name_length;

	return arena_printf(&s->arena, "%.*s%s%.*s", (int)l->name_at, st->text.p, name,
			    (int)(st->text.n - end), st->text.p + end);
}

static void send_values(struct leg *leg, struct prepared *helper, const char *sql)
{
	struct buf *out = conn_out(leg->conn);
	uint16_t binary = 1;

	leg_begin(leg, LEG_ROWS_KEEP);
	if (!conn_has_prepared(leg->conn, helper->id))
		wire_put_parse(out, helper->name, helper->text, helper->n_text, helper->types,
			       helper->n_types);
	wire_put_parse(out, "", sql, strlen(sql), NULL, 0);
	wire_put_bind(out, "", "", NULL, 0, NULL, NULL, 0, &binary, 1);
	wire_put_execute(out, "", 0);
	wire_put_sync(out);
	conn_sent(leg->conn, 1);
	leg_await(leg);
	if (leg->n_parsed && leg->conn)
		conn_note_prepared(leg->conn, helper->id, true);
}

static bool read_values(struct session *s, struct leg *leg, struct values *v)
{
	struct wire_msg m;

	if (wire_next(buf_head(&leg->rows), buf_len(&leg->rows), UINT32_MAX, &m) != WIRE_OK)
		return false;
	m.body = arena_copy(&s->arena, m.body, m.length);
	for (uint16_t i = 0; i < v->n; i++) {
		v->formats[i] = 1;
		if (!wire_row_field(m.body, m.length, i, &v->data[i], &v->length[i]))
			return false;
	}
	return true;
}

/* now() of two shards must not meet in one transaction. */
static struct leg *values_leg(struct session *s, const struct plan *plan)
{
	struct leg *leg = plan->target == TARGET_SHARD ? session_leg(s, plan->shard)
			  : plan->uses_clock && s->txn.uses_clock
				  ? session_leg(s, s->txn.clock_shard)
				  : describing_leg(s, NULL);

	if (plan->uses_clock && s->txn.status != 'I') {
		s->txn.uses_clock = true;
		s->txn.clock_shard = leg->shard;
	}
	return leg;
}

static bool ask_values(struct session *s, struct statement *st, struct prepared *p,
		       struct values *v)
{
	struct leg *leg = values_leg(s, st->plan);
	struct prepared *helper = values_statement(s, p);
	struct quote quote = { .splice = { 0 } };
	const char *sql = renamed(s, st, helper->name);
	bool ok;

	quote_begin(s, &quote, st->text, sql,
		    (struct plan_splice){ .at = st->plan->local.name_at,
					  .removed = st->plan->local.name_length,
					  .inserted = (uint32_t)strlen(helper->name) });
	if (session_enlist(s, leg))
		send_values(leg, helper, sql);
	ok = !leg->failed && read_values(s, leg, v);
	if (!ok)
		reply_leg_error(s, leg, st->text);
	quote_end(s);
	prepared_drop(s->w, helper);
	return ok;
}

static bool find_values(struct session *s, struct statement *st, struct prepared *p,
			struct values *v)
{
	const struct plan_local *l = &st->plan->local;
	struct err err = ERR_INIT;
	bool known = true;

	if (l->n_args != p->n_params) {
		err_set_code(&err, STATUS_SYNTAX, "42601",
			     "wrong number of parameters for prepared statement \"%s\"", l->name);
		err_detail(&err, "Expected %u parameters but got %u.", p->n_params, l->n_args);
		return extended_fail(s, &err);
	}
	v->n = l->n_args;
	v->formats = arena_array(&s->arena, uint16_t, v->n + 1u);
	v->data = arena_array(&s->arena, const uint8_t *, v->n + 1u);
	v->length = arena_array(&s->arena, int32_t, v->n + 1u);
	for (uint16_t i = 0; i < v->n; i++)
		known &= take_constant(v, i, &l->args[i], p->param_types[i]);
	return known || ask_values(s, st, p, v);
}

/* ---- EXECUTE: the run ---- */

/* A Bind of these values, with the result formats of the client's own portal. */
static struct portal *bind_values(struct session *s, struct prepared *p, const struct values *v,
				  const struct portal *outer)
{
	struct portal *portal;
	struct wire_msg m;
	struct wire_bind b;
	struct buf bytes;
	struct err err;

	buf_init(&bytes, (size_t)1 << 30);
	wire_put_bind(&bytes, "", "", v->formats, v->n, v->data, v->length, v->n,
		      outer ? outer->result_formats : NULL, outer ? outer->n_result_formats : 0);
	if (wire_next(buf_head(&bytes), buf_len(&bytes), UINT32_MAX, &m) != WIRE_OK) {
		buf_finish(&bytes);
		return NULL;
	}
	portal = portal_create(&m);
	buf_finish(&bytes);
	if (wire_parse_bind(portal->rest, portal->n_rest, &portal->arena, &b, &err) == STATUS_OK)
		portal_fill(portal, &b);
	portal->is_bound = true;
	portal->prepared = p;
	p->refs++;
	portal_set_plan(s, portal);
	return portal;
}

static struct prepared *find_target(struct session *s, const struct plan_local *l)
{
	struct promise *promise;
	struct prepared *p = session_prepared(s, l->name, &promise);
	struct err err = ERR_INIT;

	if (!p) {
		err_set_code(&err, STATUS_UNDEFINED, "26000",
			     "prepared statement \"%s\" does not exist", l->name);
		extended_fail(s, &err);
		return NULL;
	}
	if (!statement_make_ready(s, p) || !promise_holds(s, p, promise))
		return NULL;
	if (!p->plan || (p->plan->class == PLAN_LOCAL && p->plan->local.kind == LOCAL_EXECUTE)) {
		err_set(&err, STATUS_UNROUTED, "EXECUTE of a statement that is no query");
		err_hint(&err, "Prepare the query itself.");
		extended_fail(s, &err);
		return NULL;
	}
	return p;
}

bool execute_statement(struct session *s, struct statement *st)
{
	struct prepared *p = find_target(s, &st->plan->local);
	struct values v = { 0 };
	struct statement inner;
	struct err err = ERR_INIT;
	bool ok;

	if (!p)
		return false;
	if (st->max_rows > 0) {
		err_set(&err, STATUS_UNROUTED, "EXECUTE with a row limit of the protocol");
		err_hint(&err, "Bind the prepared statement itself.");
		return extended_fail(s, &err);
	}
	if (!find_values(s, st, p, &v))
		return false;
	inner = (struct statement){ .text = { p->text, p->n_text },
				    .scan = p->scan,
				    .portal = bind_values(s, p, &v, st->portal),
				    .wants_description = st->wants_description && p->description,
				    .is_alone = st->is_alone };
	if (!inner.portal) {
		err_set(&err, STATUS_LIMIT, "the values of EXECUTE are too long");
		return extended_fail(s, &err);
	}
	inner.plan = inner.portal->plan;
	ok = run_statement(s, &inner);
	portal_free(s, inner.portal);
	return ok;
}

bool execute_describe(struct session *s, const struct plan *plan, const struct portal *portal)
{
	struct promise *promise;
	struct prepared *p = session_prepared(s, plan->local.name, &promise);

	if (p && !statement_make_ready(s, p))
		return false;
	if (!portal)
		wire_put_parameter_description(reply_out(s), NULL, 0);
	if (p)
		extended_describe(s, p, portal);
	else
		wire_put_no_data(reply_out(s));
	return true;
}
