/* Making a prepared statement ready: its plan, and what PostgreSQL says of its own text.
 *
 * The home shard parses and describes the client's text once; its words are the error when
 * there is one, and its types and columns answer every Describe, whatever the tier. */
#include <stdlib.h>

#include "extended.h"
#include "pgmosaic/base/mem.h"

#define NOTICE_BYTES (64u << 10)

bool extended_fail(struct session *s, const struct err *err)
{
	reply_error(s, err);
	txn_fail(s);
	return false;
}

static bool holds_oids(const struct shard_oids *oids, const struct prepared *p, struct arena *a)
{
	struct wire_column *columns;
	struct err err;
	uint16_t n = 0;

	for (uint16_t i = 0; i < p->n_params; i++)
		if (oids_deep(oids, p->param_types[i]))
			return true;
	if (p->description && wire_parse_row_description(a, p->description, p->n_description,
							 &columns, &n, &err) != STATUS_OK)
		return false;
	for (uint16_t i = 0; i < n; i++)
		if (oids_deep(oids, columns[i].type_oid))
			return true;
	return false;
}

static void keep_description(struct session *s, struct prepared *p, struct leg *leg)
{
	const struct shard_oids *oids = oids_differing(session_world(s)->oids);
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
	p->description = NULL;
	p->n_description = 0;
	if (leg->has_description) {
		p->n_description = buf_len(&leg->description);
		p->description = mem_alloc(p->n_description + 1);
		memcpy(p->description, buf_head(&leg->description), p->n_description);
	}
	p->is_described = p->param_types != NULL;
	p->holds_oids = oids && holds_oids(oids, p, &a);
	arena_finish(&a);
}

struct leg *describing_leg(struct session *s, const struct plan *plan)
{
	if (plan && plan->class != PLAN_LOCAL && plan->target == TARGET_SHARD)
		return session_leg(s, plan->shard); /* a table that no other shard has */
	if (plan && plan->class != PLAN_LOCAL && plan->must_be_shard >= 0)
		return session_leg(s, (uint16_t)plan->must_be_shard);
	if (s->temp.schema) /* the only one that knows all names */
		return session_leg(s, session_world(s)->map->home);
	for (unsigned i = 0; i < s->n_legs; i++)
		if (s->legs[i]->in_txn && s->legs[i]->conn)
			return s->legs[i];
	return session_leg(s, session_world(s)->map->home);
}

/* What it warns of is kept: a Parse that no server sees must warn, too. */
static void await_parse(struct session *s, struct prepared *p, struct leg *leg)
{
	struct buf notices;

	buf_init(&notices, NOTICE_BYTES);
	notices_forget(s);
	s->notices.keep = &notices;
	leg_await(leg);
	s->notices.keep = NULL;
	if (leg->n_parsed && leg->conn)
		conn_note_prepared(leg->conn, p->id, true);
	if (!leg->n_parsed) {
		buf_finish(&notices);
		return;
	}
	buf_finish(&p->notices);
	p->notices = notices;
}

/* What PostgreSQL says of the client's own text: types, columns, or an error. */
static bool describe(struct session *s, struct prepared *p)
{
	struct leg *leg = describing_leg(s, p->plan);
	struct str text = { p->text, p->n_text };

	if (p->is_described && p->plan_world == session_world(s)->version)
		return true;
	if (!session_look_on(s, leg))
		return reply_leg_error(s, leg, text);
	leg_begin(leg, LEG_ROWS_DROP);
	if (!conn_has_prepared(leg->conn, p->id))
		conn_put_parse(leg->conn, p->name, p->text, p->n_text, p->types, p->n_types);
	wire_put_describe(conn_out(leg->conn), 'S', p->name);
	wire_put_sync(conn_out(leg->conn));
	conn_sent(leg->conn, 1);
	await_parse(s, p, leg);
	if (leg->failed)
		return reply_leg_error(s, leg, text);
	prepared_renew(p, session_world(s)->version);
	if (!p->is_described) /* another client may have been faster */
		keep_description(s, p, leg);
	if (s->txn.status == 'I')
		session_release_legs(s);
	return true;
}

bool statement_is_local(const struct prepared *p)
{
	return p->plan && p->plan->class == PLAN_LOCAL && p->plan->local.kind != LOCAL_SHOW &&
	       strcmp(p->scan->first_word, "select") != 0; /* set_config() gives a row */
}

/* Plan and description, as far as they are needed before a Bind. */
bool statement_make_ready(struct session *s, struct prepared *p)
{
	struct err err = ERR_INIT;
	enum status st = STATUS_OK;

	if (p->scan->has_several || p->scan->broken) {
		if (!describe(s, p)) /* PostgreSQL's own words */
			return false;
		err_set_code(&err, STATUS_SYNTAX, "42601",
			     "cannot insert multiple commands into a prepared statement");
		return extended_fail(s, &err);
	}
	if (p->scan->is_empty)
		return true;
	st = prepared_plan(s, p, &err);
	if (st == STATUS_OK && refuse_aborted(s, p->plan))
		return false;
	if (st == STATUS_OK && statement_is_local(p))
		return true;
	if (s->txn.status == 'E')
		return !refuse_aborted(s, NULL);
	if (st == STATUS_OK && p->plan->unknown_relation && ddl_refresh(s, &err))
		st = prepared_plan(s, p, &err);
	if (st != STATUS_OK)
		return extended_fail(s, &err);
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
	return st == STATUS_OK ? true : extended_fail(s, &err);
}
