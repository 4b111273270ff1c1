#include "draw.h"

#include <inttypes.h>
#include <stdio.h>

#include "extended.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"

#define DRAW_MAX_TRIES 12
#define COPY_VALUES    1000000 /* a shard has at least so many when a COPY begins */

/* ---- blocking calls of the host ---- */

enum draw_call { CALL_REFILL, CALL_DRAW, CALL_RELEASE, CALL_RELEASED };

struct draw_job {
	enum draw_call call;
	const struct session_host *host;
	struct fiber *fiber;
	const struct shard_map *map;
	uint16_t shard;
	struct sequence_need need;
	unsigned n;
	const struct map_sequence *sequence;
	int64_t *values;
	const char *schema, *name, *user;
	enum status status;
	struct err err;
	bool is_done;
};

static void draw_work(void *arg)
{
	struct draw_job *j = arg;
	void *ctx = j->host->ctx;

	switch (j->call) {
	case CALL_REFILL:
		j->status = j->host->refill(ctx, j->map, j->shard, &j->need, &j->n, &j->err);
		break;
	case CALL_DRAW:
		j->status = j->host->draw(ctx, j->sequence, j->n, j->values, &j->err);
		break;
	case CALL_RELEASE:
		j->status = j->host->release(ctx, j->schema, j->name, j->user, &j->err);
		break;
	case CALL_RELEASED:
		j->status = j->host->released(ctx, j->schema, j->name, j->user, &j->err);
		break;
	}
}

static void draw_done(void *arg)
{
	struct draw_job *j = arg;

	j->is_done = true;
	fiber_wake(j->fiber);
}

static bool draw_call(struct session *s, struct draw_job *j)
{
	j->host = s->w->host;
	j->fiber = fiber_self();
	job_run(s->w->loop, draw_work, draw_done, j);
	while (!j->is_done)
		fiber_wait();
	return j->status == STATUS_OK;
}

/* ---- blocks for shards ---- */

/* What the plan may draw from. */
static struct sequence_need need_of(struct session *s, const struct plan *plan)
{
	const struct map_sequence **only =
		arena_array(&s->arena, const struct map_sequence *, plan->n_draws_from + 1u);
	struct sequence_need need = { .only = only };

	for (unsigned i = 0; i < plan->n_draws_from; i++) {
		only[need.n_only] =
			map_find_sequence(session_world(s)->map, plan->draws_from[i].schema,
					  plan->draws_from[i].sequence);
		need.n_only += only[need.n_only] != NULL;
	}
	return need;
}

static void tell_locked(struct err *err)
{
	err_set_code(err, STATUS_IN_USE, "40001",
		     "the sequence begins anew, and an open transaction has drawn from it");
	err_hint(err, "Try again when that transaction has ended.");
}

static bool refill_legs(struct session *s, const struct sequence_need *need, struct leg **legs,
			unsigned n, unsigned *n_changed)
{
	*n_changed = 0;
	for (unsigned i = 0; i < n; i++) {
		struct draw_job j = { .call = CALL_REFILL,
				      .map = session_world(s)->map,
				      .shard = legs[i]->shard,
				      .need = *need };

		if (!draw_call(s, &j)) {
			if (strcmp(j.err.code, "55P03") == 0)
				tell_locked(&j.err);
			reply_error(s, &j.err);
			return false;
		}
		*n_changed += j.n;
	}
	return true;
}

void draw_too_long(struct err *err)
{
	err_set_code(err, STATUS_IN_USE, "40001",
		     "the statement draws more values than a shard's block of the sequence holds");
	err_hint(err,
		 "Try again, write fewer rows at once, or let blocks hold more: ALTER SEQUENCE … "
		 "SET BLOCK n on the control port.");
}

static bool refuse_long(struct session *s)
{
	struct err err = ERR_INIT;

	draw_too_long(&err);
	reply_error(s, &err);
	return false;
}

/* Nothing was refilled: somebody else did it just now, or there is nothing left. Once more tells.
 */
bool draw_refill(struct session *s, const struct plan *plan, struct leg **legs, unsigned n,
		 unsigned *n_tries, const struct err *why)
{
	struct sequence_need need = need_of(s, plan);
	unsigned n_changed;

	if (*n_tries == DRAW_MAX_TRIES)
		return refuse_long(s);
	if (s->party.is_gone || s->party.is_canceled || *n_tries > DRAW_MAX_TRIES) {
		reply_error(s, why);
		return false;
	}
	need.floor = (uint64_t)((plan->keys.n_rows + n - 1) / n) << (2 * *n_tries);
	if (!refill_legs(s, &need, legs, n, &n_changed))
		return false;
	if (n_changed == 0 && *n_tries > 0) {
		reply_error(s, why);
		return false;
	}
	(*n_tries)++;
	return true;
}

bool draw_ahead(struct session *s, const struct plan *plan, struct leg **legs, unsigned n)
{
	struct sequence_need need = need_of(s, plan);
	unsigned n_changed;

	need.at_least = COPY_VALUES;
	return refill_legs(s, &need, legs, n, &n_changed);
}

static bool on_all(struct leg **legs, unsigned n, const char *sql)
{
	for (unsigned i = 0; i < n; i++) {
		leg_begin(legs[i], LEG_ROWS_DROP);
		if (!legs[i]->conn)
			continue;
		wire_put_query(conn_out(legs[i]->conn), sql, strlen(sql));
		conn_sent(legs[i]->conn, 1);
	}
	leg_await_all(legs, n);
	for (unsigned i = 0; i < n; i++)
		if (legs[i]->failed)
			return false;
	return true;
}

/* A back end keeps the bounds that it has seen until it locks some table anew: before a second try
 * the SELECT makes it look, and what it has locked is given back, so that it will the next time. */
bool draw_mark(struct leg **legs, unsigned n, bool again)
{
	return on_all(legs, n,
		      again ? "SAVEPOINT mosaic_draw; "
			      "SELECT FROM pg_catalog.pg_ts_template WHERE false; "
			      "ROLLBACK TO SAVEPOINT mosaic_draw"
			    : "SAVEPOINT mosaic_draw");
}

bool draw_unmark(struct leg **legs, unsigned n)
{
	return on_all(legs, n, "RELEASE SAVEPOINT mosaic_draw");
}

bool draw_undo(struct leg **legs, unsigned n)
{
	return on_all(legs, n, "ROLLBACK TO SAVEPOINT mosaic_draw; RELEASE SAVEPOINT mosaic_draw");
}

/* ---- values for the text ---- */

static bool draw_value(struct session *s, const struct plan_slot *slot, unsigned n, int64_t *out)
{
	const struct map_sequence *m =
		map_find_sequence(session_world(s)->map, slot->schema, slot->sequence);
	struct draw_job j = { .call = CALL_DRAW, .sequence = m, .n = n, .values = out };

	if (!m || !m->is_ready) {
		err_set_code(&j.err, STATUS_IN_USE, "40001", "sequence \"%s\" is being changed",
			     slot->sequence);
		err_hint(&j.err, "Try again.");
		reply_error(s, &j.err);
		return false;
	}
	if (s->w->host->draw_now(s->w->host->ctx, m, n, out) || draw_call(s, &j))
		return true;
	reply_error(s, &j.err);
	return false;
}

static bool is_same(const struct plan_slot *a, const struct plan_slot *b)
{
	return strcmp(a->sequence, b->sequence) == 0 && strcmp(a->schema, b->schema) == 0;
}

/* Slots of one sequence in one go, in their order. */
static int64_t *draw_values(struct session *s, const struct plan_draw *d)
{
	int64_t *values = arena_array(&s->arena, int64_t, d->n_slots + 1u);
	int64_t *some = arena_array(&s->arena, int64_t, d->n_slots + 1u);
	bool *done = arena_array(&s->arena, bool, d->n_slots + 1u);

	for (unsigned i = 0; i < d->n_slots; i++) {
		unsigned n = 0;

		if (done[i])
			continue;
		for (unsigned k = i; k < d->n_slots; k++)
			n += is_same(&d->slots[i], &d->slots[k]);
		if (!draw_value(s, &d->slots[i], n, some))
			return NULL;
		for (unsigned k = i, at = 0; k < d->n_slots; k++)
			if (is_same(&d->slots[i], &d->slots[k])) {
				values[k] = some[at++];
				done[k] = true;
			}
	}
	return values;
}

static struct str draw_text(struct session *s, const struct plan_draw *d, const int64_t *values,
			    unsigned n_params)
{
	struct buf b;
	struct str text;

	buf_init(&b, 1u << 30);
	for (unsigned i = 0; i < d->n_slots; i++) {
		buf_append(&b, d->pieces[i], strlen(d->pieces[i]));
		if (values)
			buf_printf(&b, "%" PRId64, values[i]);
		else
			buf_printf(&b, "$%u", n_params + i + 1);
	}
	buf_append(&b, d->pieces[d->n_slots], strlen(d->pieces[d->n_slots]));
	text = arena_str(&s->arena, (struct str){ (const char *)buf_head(&b), buf_len(&b) });
	buf_finish(&b);
	return text;
}

static bool run_simple(struct session *s, struct statement *st, const int64_t *values)
{
	struct statement drawn = *st;
	struct scan *scan = arena_new(&s->arena, struct scan);
	struct err err = ERR_INIT;
	bool ok;

	drawn.text = draw_text(s, st->plan->draw, values, 0);
	scan_text(drawn.text, scan);
	drawn.scan = scan;
	if (plans_get(s, drawn.text, scan, NULL, 0, &drawn.plan, &err) != STATUS_OK) {
		reply_error(s, &err);
		txn_fail(s);
		return false;
	}
	ok = run_statement(s, &drawn);
	plan_drop(drawn.plan);
	return ok;
}

/* ---- the same with parameters: the values are further ones ---- */

/* The Bind message behind its names, with the values added as text. */
static void bind_values(struct portal *p, const int64_t *values, unsigned n)
{
	struct param_values old = p->params;
	unsigned n_all = old.n + n;
	struct buf b;

	buf_init(&b, 1u << 30);
	buf_put_u16(&b, (uint16_t)n_all);
	for (unsigned i = 0; i < n_all; i++)
		buf_put_u16(&b, i >= old.n || old.n_formats == 0 ? 0
				: old.n_formats == 1		 ? wire_get_u16(old.formats)
						     : wire_get_u16(old.formats + 2u * i));
	buf_put_u16(&b, (uint16_t)n_all);
	for (unsigned i = 0; i < n_all; i++) {
		char text[24];
		int length = i < old.n
				     ? old.length[i]
				     : snprintf(text, sizeof(text), "%" PRId64, values[i - old.n]);

		buf_put_u32(&b, (uint32_t)length);
		if (length > 0)
			buf_append(&b, i < old.n ? (const void *)old.data[i] : text,
				   (size_t)length);
	}
	buf_put_u16(&b, p->n_result_formats);
	for (unsigned i = 0; i < p->n_result_formats; i++)
		buf_put_u16(&b, p->result_formats[i]);
	p->rest = arena_copy(&p->arena, buf_head(&b), buf_len(&b));
	p->n_rest = buf_len(&b);
	buf_finish(&b);
}

static struct prepared *prepare_drawn(struct session *s, struct prepared *p,
				      const struct plan_draw *d)
{
	unsigned n = p->n_params + d->n_slots;
	struct str text = draw_text(s, d, NULL, p->n_params);
	struct prepared *drawn;
	struct buf types;

	buf_init(&types, 1u << 20);
	for (unsigned i = 0; i < n; i++)
		buf_put_u32(&types, i < p->n_params ? p->param_types[i] : 20); /* bigint */
	drawn = prepared_get(s, text, buf_head(&types), (uint16_t)n);
	buf_finish(&types);
	return drawn;
}

static bool reread_bind(struct session *s, struct portal *p)
{
	struct wire_bind b;
	struct err err = ERR_INIT;
	struct buf whole;
	uint8_t *body;
	size_t n;

	buf_init(&whole, 1u << 30);
	buf_put_u16(&whole, 0); /* two empty names */
	buf_append(&whole, p->rest, p->n_rest);
	n = buf_len(&whole);
	body = arena_copy(&p->arena, buf_head(&whole), n);
	buf_finish(&whole);
	if (wire_parse_bind(body, n, &p->arena, &b, &err) != STATUS_OK)
		return extended_fail(s, &err);
	p->params = segment_values(&b);
	return true;
}

static bool run_extended(struct session *s, struct statement *st, const int64_t *values)
{
	struct portal *p = st->portal;
	const struct plan_draw *d = st->plan->draw;
	struct prepared *drawn = prepare_drawn(s, p->prepared, d);
	struct statement with = *st;

	bind_values(p, values, d->n_slots);
	if (!statement_make_ready(s, drawn) || !reread_bind(s, p)) {
		prepared_drop(s->w, drawn);
		return false;
	}
	prepared_drop(s->w, p->prepared);
	p->prepared = drawn;
	plan_hold(drawn->plan);
	plan_drop(p->plan);
	p->plan = drawn->plan;
	p->plan_world = session_world(s)->version;
	with.text = (struct str){ drawn->text, drawn->n_text };
	with.scan = drawn->scan;
	with.plan = p->plan;
	return run_statement(s, &with);
}

bool draw_run(struct session *s, struct statement *st)
{
	int64_t *values = draw_values(s, st->plan->draw);

	if (!values) {
		txn_fail(s);
		return false;
	}
	return st->portal ? run_extended(s, st, values) : run_simple(s, st, values);
}

/* ---- changing one ---- */

bool draw_release(struct session *s, const struct plan *plan)
{
	struct draw_job j = { .call = CALL_RELEASE,
			      .schema = plan->releases_schema,
			      .name = plan->releases,
			      .user = s->user };

	if (s->txn.status != 'I') {
		err_set(&j.err, STATUS_UNROUTED,
			"a change of shared sequence \"%s\" inside a transaction", plan->releases);
		err_hint(&j.err, "Run it outside of a transaction block.");
		reply_error(s, &j.err);
		return false;
	}
	session_unpin_world(s); /* the release waits for all who still use the old one */
	draw_call(s, &j);
	session_pin_world(s);
	if (j.status == STATUS_OK)
		return true;
	reply_error(s, &j.err);
	return false;
}

void draw_released(struct session *s, const struct plan *plan)
{
	struct draw_job j = { .call = CALL_RELEASED,
			      .schema = plan->releases_schema,
			      .name = plan->releases,
			      .user = s->user };

	if (!draw_call(s, &j))
		log_error(LOG_WARNING, "a sequence was changed and is not shared again yet",
			  &j.err);
}
