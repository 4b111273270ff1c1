/* One planned statement, whatever its tier. Runs in the session's fiber and writes the whole
 * answer but ReadyForQuery.
 *
 * The journey: refuse what the transaction's state refuses; resolve the shards; open a
 * transaction of our own when the statement must be atomic over several; enlist; run on
 * one shard (relay) or over several (exec); commit or roll back what is ours.
 * Every way out that returns false has told the client exactly one error. */
#include <stdio.h>
#include <string.h>

#include "draw.h"
#include "internal.h"
#include "pgmosaic/base/clock.h"
#include "pgmosaic/base/log.h"

struct run {
	struct session *s;
	struct statement *st;
	struct shard_set shards;
	struct leg **legs;
	unsigned n_legs;
	bool opened;	/* the transaction is this statement's own */
	bool is_marked; /* in the client's: what it does can be undone */
	unsigned n_tries;
	bool is_described; /* in an earlier try */
	bool is_exhausted; /* a sequence's block was at its end: `why`, not told yet */
	struct err why;
};

static bool refuse(struct session *s, const struct err *err)
{
	if (err->status == STATUS_UNROUTED)
		metrics_add(s->w->metrics, METRIC_QUERIES_REFUSED, 1);
	reply_error(s, err);
	return false;
}

bool statement_length_allows(const struct session *s, size_t n, struct err *err)
{
	uint64_t limit = session_config(s)->limits.statement_length_bytes;

	if (n <= limit)
		return true;
	err_set(err, STATUS_LIMIT,
		"a statement of %zu bytes is longer than limits.statement_length (%llu)", n,
		(unsigned long long)limit);
	err_hint(err, "Send values as parameters or by COPY, or raise limits.statement_length.");
	return false;
}

/* ---- which shards ---- */

static bool hand_shard(struct session *s, struct str name, struct shard_set *out)
{
	struct err err = ERR_INIT;
	char text[64];
	int shard;

	snprintf(text, sizeof(text), "%.*s", STR_ARG(name));
	shard = map_find_shard(session_world(s)->map, text);
	if (shard < 0) {
		err_set(&err, STATUS_UNDEFINED, "shard \"%s\" does not exist", text);
		err_hint(&err, "SHOW SHARDS on the control port lists them.");
		return refuse(s, &err);
	}
	*out = (struct shard_set){ .n = 0 };
	shard_set_add(out, (uint16_t)shard);
	return true;
}

static bool hand_key(struct session *s, const struct plan *plan, struct str key,
		     struct shard_set *out)
{
	const struct shard_map *map = session_world(s)->map;
	const struct key_finder finder = session_key_finder(s);
	struct err err = ERR_INIT;
	uint16_t shard, d = plan->distribution;
	const struct map_distribution *dist;

	if (map->n_distributions == 0 || d >= map->n_distributions ||
	    map->distributions[d].n_keys != 1) {
		err_set(&err, STATUS_UNROUTED,
			"mosaic.shard_key needs a distribution with one key column");
		err_hint(&err, "Use mosaic.shard instead.");
		return refuse(s, &err);
	}
	dist = &map->distributions[d];
	if (route_key_text(dist, &key, dist->key_types, NULL, &finder, &shard, &err) != STATUS_OK)
		return refuse(s, &err);
	*out = (struct shard_set){ .n = 0 };
	shard_set_add(out, shard);
	return true;
}

/* A hand-given route overrides the plan's for everything that reads or writes rows. */
static bool routed_by_hand(struct run *r, bool *is_by_hand)
{
	struct session *s = r->s;
	const struct scan *scan = r->st->scan;
	struct str shard = scan->hint_shard.n ? scan->hint_shard : str_of(s->hand_shard);
	struct str key = scan->hint_key.n ? scan->hint_key : str_of(s->hand_key);

	*is_by_hand =
		r->st->plan->class == PLAN_QUERY && !r->st->plan->notifies && (shard.n || key.n);
	if (!*is_by_hand)
		return true;
	return shard.n ? hand_shard(s, shard, &r->shards)
		       : hand_key(s, r->st->plan, key, &r->shards);
}

static bool find_shards(struct run *r)
{
	struct session *s = r->s;
	struct statement *st = r->st;
	const struct key_finder finder = session_key_finder(s);
	struct route route;
	struct err err = ERR_INIT;
	bool by_hand;

	if (!routed_by_hand(r, &by_hand))
		return false;
	if (by_hand)
		return true;
	if (st->plan->class == PLAN_COPY_IN && st->plan->target == TARGET_KEYS) {
		r->shards = (struct shard_set){ .n = 0 };
		route_owners(session_world(s)->map,
			     &session_world(s)->map->distributions[st->plan->distribution],
			     &r->shards);
		return true;
	}
	if (route_bind(st->plan, st->text, st->scan, st->portal ? &st->portal->params : NULL,
		       session_world(s)->map, &finder, &route, &err) != STATUS_OK)
		return refuse(s, &err);
	r->shards = route.shards;
	if (route.any) {
		uint16_t shard = session_any_shard(s, (uint16_t)shard_set_next(&route.shards, -1));

		r->shards = (struct shard_set){ .n = 0 };
		shard_set_add(&r->shards, shard);
	}
	return true;
}

/* ---- what must not be ---- */

static bool clock_allows(struct run *r)
{
	struct session *s = r->s;
	uint16_t shard = (uint16_t)shard_set_next(&r->shards, -1);
	struct err err = ERR_INIT;

	bool runs_on_one = r->shards.n == 1 || r->st->plan->merge == MERGE_GATHER;

	if (!r->st->plan->uses_clock || !runs_on_one || s->txn.status == 'I')
		return true;
	if (!s->txn.uses_clock || s->txn.clock_shard == shard) {
		s->txn.uses_clock = true;
		s->txn.clock_shard = shard;
		return true;
	}
	err_set(&err, STATUS_UNROUTED,
		"now() or one of its kin is used on a second shard of one transaction");
	err_hint(&err,
		 "Read now() once and pass it as a parameter, so that all shards see one time.");
	return refuse(s, &err);
}

/* By its BEGIN or SET TRANSACTION, or by default_transaction_isolation when they say nothing. */
bool session_is_serializable(const struct session *s)
{
	if (s->txn.status != 'I' && strcasestr(s->txn.begin, "ISOLATION"))
		return strcasestr(s->txn.begin, "SERIALIZABLE") != NULL;
	for (const struct setting *x = s->settings.first; x; x = x->next)
		if (strcmp(x->name, "default_transaction_isolation") == 0)
			return strcasestr(x->sql, "serializable") != NULL;
	return false;
}

static bool serializable_allows(struct run *r)
{
	struct session *s = r->s;
	struct err err = ERR_INIT;
	unsigned others = 0;

	if (!session_is_serializable(s))
		return true;
	for (unsigned i = 0; i < s->n_legs; i++)
		others += s->legs[i]->in_txn && !s->legs[i]->looks_on &&
			  !shard_set_has(&r->shards, s->legs[i]->shard);
	if (others + r->shards.n < 2)
		return true;
	err_set(&err, STATUS_UNROUTED, "a SERIALIZABLE transaction touches a second shard");
	err_hint(&err,
		 "Each shard sees only its own part of a conflict. Use REPEATABLE READ, or keep "
		 "the transaction on one shard.");
	return refuse(s, &err);
}

static bool block_allows(struct run *r)
{
	struct session *s = r->s;
	struct err err = ERR_INIT;

	if (s->txn.status == 'I' && strcmp(r->st->plan->tag, "LOCK TABLE") == 0) {
		err_set_code(&err, STATUS_INVALID, "25P01",
			     "LOCK TABLE can only be used in transaction blocks");
		return refuse(s, &err);
	}
	if (!r->st->plan->no_txn_block || s->txn.status == 'I')
		return true;
	err_set_code(&err, STATUS_INVALID, "25001", "%s cannot run inside a transaction block",
		     r->st->plan->tag);
	return refuse(s, &err);
}

static bool lease_allows(struct run *r)
{
	struct err err = ERR_INIT;

	return !lease_refuses(r->s->w, r->st->plan, &err) || refuse(r->s, &err);
}

static bool merge_allows(struct run *r)
{
	if (r->shards.n < 2 || r->st->plan->class != PLAN_QUERY ||
	    r->st->plan->merge != MERGE_REFUSED)
		return true;
	return refuse(r->s, &r->st->plan->refusal);
}

/* ---- taking part ---- */

static bool enlist_all(struct run *r)
{
	struct exec_failure f = { .err = ERR_INIT };
	struct session *s = r->s;
	struct leg *failed;
	int shard = -1;

	r->legs = arena_array(&s->arena, struct leg *, r->shards.n + 1u);
	r->n_legs = 0;
	while ((shard = shard_set_next(&r->shards, shard)) >= 0)
		r->legs[r->n_legs++] = session_leg(s, (uint16_t)shard);
	failed = session_enlist_all(s, r->legs, r->n_legs);
	if (!failed)
		return true;
	buf_init(&f.body, 64u << 20);
	exec_leg_failed(NULL, r->st->text, failed, &f);
	reply_failure(s, &f);
	buf_finish(&f.body);
	return false;
}

static bool tell_legs(struct run *r)
{
	for (unsigned i = 0; i < r->n_legs; i++)
		if (r->legs[i]->failed)
			return reply_leg_error(r->s, r->legs[i], r->st->text);
	return false;
}

static void note_writes(struct run *r)
{
	for (unsigned i = 0; i < r->n_legs; i++) {
		r->legs[i]->wrote |= r->st->plan->writes && r->legs[i]->in_txn;
		session_tie(r->s, r->st->plan, r->legs[i]);
		if (r->st->plan->notifies)
			listen_note_sender(r->s, r->legs[i]);
	}
}

/* A statement that must hold together over shards gets a transaction of our own. */
static void open_if_needed(struct run *r)
{
	const struct plan *plan = r->st->plan;
	bool needs = (r->shards.n > 1 && plan->writes) || plan->lock_reference || plan->n_changes;

	if (r->s->txn.status != 'I' || plan->no_txn_block || !needs)
		return;
	txn_open(r->s, "BEGIN", true);
	r->opened = true;
}

/* ---- the end of a sequence's block ---- */

/* A statement that was answered in part cannot run again. */
static void note_exhaustion(struct run *r, const struct err *err, bool is_answered)
{
	r->is_exhausted = true;
	r->why = *err;
	if (!is_answered)
		return;
	r->n_tries = UINT_MAX;
	err_set_code(&r->why, STATUS_IN_USE, "40001",
		     "the block of a sequence came to its end after rows had been sent");
	err_hint(&r->why, "Try again, or let its blocks hold more: ALTER SEQUENCE … SET BLOCK n on "
			  "the control port.");
}

static bool is_exhaustion(const struct run *r, const struct exec_failure *f)
{
	return r->st->plan->draws && strcmp(f->err.code, "2200H") == 0;
}

/* In the client's own transaction a savepoint keeps it whole. */
static bool mark(struct run *r)
{
	struct session *s = r->s;

	r->is_marked = r->st->plan->draws && !r->opened && s->txn.status == 'T' &&
		       r->st->plan->class == PLAN_QUERY;
	if (!r->is_marked || draw_mark(r->legs, r->n_legs, r->n_tries > 0))
		return true;
	return tell_legs(r);
}

static bool unmark(struct run *r, bool ok)
{
	if (!r->is_marked)
		return ok;
	if (r->is_exhausted)
		return draw_undo(r->legs, r->n_legs) || tell_legs(r);
	return ok && (draw_unmark(r->legs, r->n_legs) || tell_legs(r));
}

/* ---- one shard ---- */

/* Binary values may hold OIDs that are others on this shard. */
static void bind_elsewhere(struct session *s, struct leg *leg, struct portal *p)
{
	struct conn_bind bind = { .types = p->prepared->param_types,
				  .n_types = p->prepared->n_params,
				  .n_formats = p->params.n_formats,
				  .values = p->params.data,
				  .lengths = p->params.length,
				  .n_values = p->params.n,
				  .result_formats = p->result_formats,
				  .n_result_formats = p->n_result_formats };
	uint16_t *formats = arena_array(&s->arena, uint16_t, bind.n_formats + 1u);

	for (uint16_t i = 0; i < bind.n_formats; i++)
		formats[i] = wire_get_u16(p->params.formats + 2u * i);
	bind.formats = formats;
	conn_put_bind(leg->conn, &s->arena, p->name, p->prepared->name, &bind);
}

/* The rows may come without a description. */
static void expect_columns(struct session *s, struct leg *leg, const struct portal *p)
{
	struct wire_column *columns;
	struct err err;
	uint16_t n;

	conn_expect_none(leg->conn);
	if (!p->prepared->description ||
	    wire_parse_row_description(&s->arena, p->prepared->description,
				       p->prepared->n_description, &columns, &n, &err) != STATUS_OK)
		return;
	for (uint16_t i = 0; i < n; i++)
		conn_expect(leg->conn, i, columns[i].type_oid, portal_format(p, i));
}

static void send_portal(struct session *s, struct leg *leg, struct portal *p, struct relay *how,
			bool wants_description, int32_t max_rows)
{
	struct buf *out = conn_out(leg->conn);
	const char *name = p->prepared->name;
	bool elsewhere = leg->conn->pool->oids && p->prepared->holds_oids;

	if (!p->is_started) {
		if (!conn_has_prepared(leg->conn, p->prepared->id)) {
			conn_put_parse(leg->conn, name, p->prepared->text, p->prepared->n_text,
				       p->prepared->types, p->prepared->n_types);
			how->preparing = p->prepared;
			how->n_skip_parse = 1;
			metrics_add(s->w->metrics, METRIC_PREPARED_REPARSES, 1);
		}
		if (elsewhere)
			bind_elsewhere(s, leg, p);
		else
			wire_put_bind_rest(out, p->name, name, p->rest, p->n_rest);
	}
	if (elsewhere)
		expect_columns(s, leg, p);
	if (wants_description)
		wire_put_describe(out, 'P', p->name);
	wire_put_execute(out, p->name, max_rows);
	wire_put_sync(out);
	conn_sent(leg->conn, 1);
	how->drops_bind = p->is_bound;
	p->is_bound = true;
	p->is_started = true;
	p->leg = leg;
}

static bool run_on_one(struct run *r)
{
	struct session *s = r->s;
	struct statement *st = r->st;
	struct leg *leg = r->legs[0];
	struct relay how = { .keeps_ready = true };
	struct str text = st->plan->text && st->plan->class == PLAN_UTILITY ? str_of(st->plan->text)
									    : st->text;

	bool by_portal = st->plan->class == PLAN_QUERY || st->plan->class == PLAN_LOCAL;

	if (st->portal && by_portal) {
		send_portal(s, leg, st->portal, &how, st->wants_description, st->max_rows);
	} else {
		wire_put_query(conn_out(leg->conn), text.p, text.n);
		conn_sent(leg->conn, 1);
	}
	how.holds_exhaustion = st->plan->draws;
	how.drops_description = r->is_described;
	relay_start(s, leg, &how);
	relay_await(s);
	if (s->relay.is_exhausted) {
		r->is_described |= s->relay.has_description;
		note_exhaustion(r, &s->relay.exhaustion, s->relay.has_rows);
		return false;
	}
	if (st->portal && s->relay.is_suspended)
		return true;
	if (st->portal)
		st->portal->is_done = true;
	return !s->relay.failed;
}

bool run_at(struct session *s, struct statement *st, struct leg *leg)
{
	struct run r = { .s = s, .st = st, .legs = &leg, .n_legs = 1 };
	bool ok;

	if (!session_enlist(s, leg))
		return reply_leg_error(s, leg, st->text);
	ok = run_on_one(&r);
	if (!ok)
		txn_fail(s);
	return ok;
}

/* ---- several shards ---- */

static void portal_params(struct run *r, struct exec_request *req)
{
	struct portal *p = r->st->portal;
	const uint32_t *types;

	if (!p)
		return;
	types = p->prepared->is_described ? p->prepared->param_types : p->prepared->types;
	req->is_extended = true;
	req->params = &p->params;
	req->n_param_types =
		p->prepared->is_described ? p->prepared->n_params : p->prepared->n_types;
	/* A copy: another client may renew the statement while this one waits. */
	req->param_types = arena_copy(&r->s->arena, types, sizeof(*types) * req->n_param_types);
	req->result_formats = p->result_formats;
	req->n_result_formats = p->n_result_formats;
}

static uint64_t bytes_answered(const struct session *s)
{
	return s->stream.sent_bytes + buf_len(&s->stream.out);
}

static bool run_on_several(struct run *r)
{
	struct session *s = r->s;
	const struct config *cfg = session_config(s);
	struct exec_request req = { .plan = r->st->plan,
				    .text = r->st->text,
				    .scan = r->st->scan,
				    .map = session_world(s)->map,
				    .wants_description = r->st->wants_description,
				    .party = &s->party,
				    .legs = r->legs,
				    .n_legs = r->n_legs,
				    .arena = &s->arena,
				    .memory_bytes = cfg->limits.memory_bytes,
				    .memory_key = "limits.memory",
				    .merge_rows = cfg->limits.merge_rows };
	struct exec_result result;
	uint64_t started = clock_us(), sent;
	enum status st;

	if (req.plan->merge == MERGE_AGGREGATE &&
	    cfg->aggregation.memory_bytes < req.memory_bytes) {
		req.memory_bytes = cfg->aggregation.memory_bytes;
		req.memory_key = "aggregation.memory";
	}
	portal_params(r, &req);
	if (r->st->portal) {
		portal_say_bound(s, r->st->portal, r->st->wants_description && r->n_tries == 0);
		req.wants_description = false;
	}
	sent = bytes_answered(s);
	if (r->st->portal && r->st->max_rows > 0)
		req.keep_rows = &r->st->portal->rows;
	exec_result_init(&result);
	s->merging_since_ms = loop_now_ms(s->w->loop);
	st = exec_run(&req, &result);
	s->merging_since_ms = 0;
	metrics_add(s->w->metrics, METRIC_QUERIES_SCATTER, 1);
	metrics_observe(s->w->metrics, HIST_QUERY, clock_us() - started);
	metrics_add(s->w->metrics, METRIC_ROWS, result.n_rows);
	if (r->st->portal)
		snprintf(r->st->portal->tag, sizeof(r->st->portal->tag), "%s", result.tag);
	if (st != STATUS_OK && is_exhaustion(r, &result.failure))
		note_exhaustion(r, &result.failure.err, bytes_answered(s) != sent);
	else if (st != STATUS_OK)
		reply_failure(s, &result.failure);
	else if (!r->opened && !req.keep_rows)
		reply_tag(s, result.tag);
	else
		snprintf(s->relay.tag, sizeof(s->relay.tag), "%s", result.tag);
	exec_result_finish(&result);
	return st == STATUS_OK;
}

/* ---- text that only a server can judge ---- */

static bool world_is_stale(struct session *s, struct statement *st)
{
	struct err err = ERR_INIT;
	struct plan *plan;

	if (!st->plan->unknown_relation || st->portal || !ddl_refresh(s, &err))
		return false;
	if (plans_get(s, st->text, st->scan, NULL, 0, &plan, &err) != STATUS_OK)
		return false;
	plan_drop(st->plan);
	st->plan = plan;
	return !plan->judge;
}

/* The home shard parses it and runs nothing. */
static bool judge(struct session *s, struct statement *st)
{
	struct leg *leg = session_leg(s, session_world(s)->map->home);
	struct exec_failure f = { .err = ERR_INIT };
	struct err err = st->plan->refusal;

	buf_init(&f.body, 64u << 20);
	if (session_enlist(s, leg)) {
		leg_begin(leg, LEG_ROWS_DROP);
		wire_put_parse(conn_out(leg->conn), "", st->text.p, st->text.n, NULL, 0);
		wire_put_sync(conn_out(leg->conn));
		conn_sent(leg->conn, 1);
		leg_await(leg);
	}
	if (leg->failed) {
		exec_leg_failed(NULL, st->text, leg, &f);
		reply_failure(s, &f);
	} else {
		if (err.status == STATUS_OK)
			err_set(&err, STATUS_UNROUTED,
				"the statement is not known to this version of pgmosaic");
		refuse(s, &err);
	}
	buf_finish(&f.body);
	return false;
}

/* ---- the whole ---- */

/* The statement's own transaction: the tag is told only when it is committed. */
static bool close_own(struct run *r, bool ok, bool tells_tag)
{
	struct session *s = r->s;
	char tag[LEG_TAG_MAX];

	if (!r->opened)
		return ok;
	snprintf(tag, sizeof(tag), "%s", s->relay.tag);
	ok = txn_end(s, ok && !s->party.is_gone) && ok;
	if (ok && tells_tag)
		reply_tag(s, tag);
	return ok;
}

static bool run_once(struct run *r)
{
	struct session *s = r->s;
	struct statement *st = r->st;
	bool ok;

	open_if_needed(r);
	ok = enlist_all(r);
	if (ok)
		note_writes(r);
	if (ok && st->plan->class == PLAN_COPY_IN) {
		ok = !st->plan->draws || draw_ahead(s, st->plan, r->legs, r->n_legs);
		return close_own(r, ok && copy_in_run(s, st, r->legs, r->n_legs), true);
	}
	ok = ok && mark(r);
	if (ok && r->n_legs == 1 && !r->opened)
		ok = run_on_one(r);
	else if (ok)
		ok = run_on_several(r);
	ok = unmark(r, ok);
	if (r->n_legs == 1)
		cursor_declared(s, st->plan, r->legs[0], ok);
	if (ok && st->plan->is_ddl)
		ok = ddl_note(s, st);
	if (ok && st->plan->n_configs && r->n_legs == 1)
		ok = set_config_done(s, st, r->legs[0]);
	return close_own(r, ok, r->n_legs > 0);
}

/* Until it has met no end of a block; what met one has been undone. */
static bool run_drawing(struct run *r)
{
	bool ok;

	for (;;) {
		r->is_exhausted = false;
		ok = run_once(r);
		if (!r->is_exhausted)
			return ok;
		if (!draw_refill(r->s, r->st->plan, r->legs, r->n_legs, &r->n_tries, &r->why))
			return false;
		r->opened = false;
		if (r->st->portal)
			r->st->portal->is_started = r->st->portal->is_done = false;
	}
}

static bool run_planned(struct run *r)
{
	struct session *s = r->s;
	const struct plan *plan = r->st->plan;
	bool ok;

	if (plan->releases && !draw_release(s, plan))
		return false;
	ok = lease_allows(r) && ddl_prepare(s, plan) && find_shards(r) && merge_allows(r) &&
	     block_allows(r) && clock_allows(r) && serializable_allows(r) &&
	     set_config_allowed(s, r->st) && cursor_allows(s, plan) && run_drawing(r);
	if (plan->releases)
		draw_released(s, plan);
	return ok;
}

bool refuse_aborted(struct session *s, const struct plan *plan)
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

static bool run_any(struct session *s, struct statement *st)
{
	struct run r = { .s = s, .st = st };
	bool ok;

	if (s->party.is_gone || refuse_aborted(s, st->plan))
		return false;
	notices_forget(s);
	s->statement_ms = loop_now_ms(s->w->loop);
	if (st->plan->class == PLAN_LOCAL) {
		metrics_add(s->w->metrics, METRIC_QUERIES_LOCAL, 1);
		return local_run(s, st);
	}
	if (st->plan->judge && !world_is_stale(s, st))
		return judge(s, st);
	if (st->plan->draw && !st->scan->hint_shard.n && !s->hand_shard)
		return draw_run(s, st);
	ok = run_planned(&r);
	if (!ok && !r.opened)
		txn_fail(s);
	return ok;
}

bool run_statement(struct session *s, struct statement *st)
{
	bool ok = run_any(s, st);

	temp_refresh(s);
	return ok;
}

bool run_text(struct session *s, struct str text, bool is_alone)
{
	struct scan *scan = arena_new(&s->arena, struct scan);
	struct statement st = {
		.text = text, .scan = scan, .wants_description = true, .is_alone = is_alone
	};
	struct err err = ERR_INIT;
	bool ok;

	session_pin_world(s);
	if (!ddl_follow_map(s))
		return false;
	scan_text(text, scan);
	if (scan->is_empty && !scan->broken) {
		wire_put_empty_query(reply_out(s));
		return true;
	}
	if (plans_get(s, text, scan, NULL, 0, &st.plan, &err) != STATUS_OK) {
		if (s->txn.status == 'E')
			err_set_code(
				&err, STATUS_INVALID, "25P02",
				"current transaction is aborted, commands ignored until end of "
				"transaction block");
		refuse(s, &err);
		txn_fail(s);
		return false;
	}
	ok = run_statement(s, &st);
	plan_drop(st.plan);
	return ok;
}
