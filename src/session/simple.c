/* The simple query protocol.
 *
 * Fast path: one statement, one shard: relay_query(). Everything else runs in a fiber, one
 * statement after the other. Several statements in one message are one transaction, as
 * PostgreSQL makes them: implicit, ended by us, unless the text itself says BEGIN. */
#include "internal.h"
#include "pgmosaic/sql/split.h"

static bool is_routed_by_hand(const struct session *s, const struct scan *scan)
{
	return s->hand_shard || s->hand_key || scan->hint_shard.n || scan->hint_key.n;
}

static void end_message(struct session *s, const struct wire_msg *m)
{
	session_consumed(s, m);
	reply_ready(s);
}

/* True when the message has been dealt with. */
static bool try_fast(struct session *s, const struct wire_msg *m, struct str text)
{
	struct scan *scan = &s->w->scan;
	struct plan *plan;
	struct route route;
	struct err err = ERR_INIT;
	bool done = false;

	if (scan->broken || scan->has_several || is_routed_by_hand(s, scan) ||
	    s->txn.status == 'E' || s->txn.overlay || !s->w->world)
		return false;
	if (plans_get(s, text, scan, NULL, 0, &plan, &err) != STATUS_OK) {
		reply_error(s, &err);
		metrics_add(s->w->metrics, METRIC_QUERIES_REFUSED, 1);
		txn_fail(s);
		end_message(s, m);
		return true;
	}
	if (plan->class == PLAN_QUERY && !plan->judge && !plan_needs_fiber(plan) &&
	    route_bind(plan, text, scan, NULL, s->w->world->map, NULL, &route, &err) == STATUS_OK &&
	    (route.shards.n == 1 || route.any))
		done = relay_query(s, m, plan, (uint16_t)shard_set_next(&route.shards, -1),
				   route.any);
	plan_drop(plan);
	if (done)
		session_consumed(s, m);
	return done;
}

static void run_pieces(struct session *s, struct str *pieces, unsigned n)
{
	unsigned i = 0;
	bool ok = n == 1 || !session_refuses_transaction(s);

	for (; i < n && ok; i++) {
		if (n > 1 && s->txn.status == 'I')
			txn_open(s, "BEGIN", true);
		ok = run_text(s, pieces[i], n == 1);
	}
	if (s->txn.is_implicit)
		txn_end(s, ok && !s->party.is_gone); /* tells a failed commit itself */
	else if (!ok)
		txn_fail(s);
}

static void split_failed(struct session *s, struct str text)
{
	/* Text that our parser does not know: a server's own words. */
	run_text(s, text, true);
	txn_fail(s);
}

struct split {
	struct arena *arena;
	struct str text, *pieces;
	unsigned n;
	struct err err;
	enum status status;
};

static void split_text(void *arg)
{
	struct split *p = arg;

	p->status = sql_split(p->arena, p->text, &p->pieces, &p->n, &p->err);
}

static void simple_body(struct session *s)
{
	struct split split = { .arena = &s->arena };
	struct err err = ERR_INIT;
	struct wire_msg m;
	struct scan *scan;
	struct str text;

	if (!session_message(s, &m) || wire_parse_query(m.body, m.length, &text, &err) != STATUS_OK)
		return;
	text = arena_str(&s->arena, text);
	session_consumed(s, &m);
	scan = arena_new(&s->arena, struct scan);
	scan_text(text, scan);
	if (!scan->has_several && !scan->broken) {
		run_pieces(s, &text, 1);
	} else {
		split.text = text;
		fiber_on_thread_stack(split_text, &split); /* the parser recurses */
		if (split.status != STATUS_OK)
			split_failed(s, text);
		else
			run_pieces(s, split.pieces, split.n);
	}
	if (s->party.is_gone)
		return;
	session_rest(s);
	reply_ready(s);
	arena_reset(&s->arena);
}

void simple_query(struct session *s, const struct wire_msg *m)
{
	struct str text;
	struct err err = ERR_INIT;

	if (wire_parse_query(m->body, m->length, &text, &err) != STATUS_OK) {
		reply_fatal(s, &err);
		return;
	}
	if (!statement_length_allows(s, text.n, &err)) {
		reply_error(s, &err);
		txn_fail(s);
		end_message(s, m);
		return;
	}
	prepared_drop(s->w, s->unnamed); /* a simple query ends the unnamed statement */
	s->unnamed = NULL;
	if (s->txn.is_implicit) { /* of a pipeline without its Sync */
		session_run(s, simple_body);
		return;
	}
	scan_text(text, &s->w->scan);
	if (s->w->scan.is_empty && !s->w->scan.broken) {
		wire_put_empty_query(reply_out(s));
		end_message(s, m);
		return;
	}
	if (!try_fast(s, m, text))
		session_run(s, simple_body);
}
