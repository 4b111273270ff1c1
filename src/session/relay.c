/* The fast path: one shard's answer goes to the client as it comes.
 *
 * Happy path: a statement whose plan names one shard is written to a connection that has
 * the session's settings, in the client's own bytes; what comes back is forwarded run by
 * run, with nothing copied but what a full socket leaves over; ReadyForQuery ends it. No
 * fiber, no parse, no allocation but the stream's queue.
 * Inside a fiber (RUNNING) the same relay forwards one statement's answer without its
 * ReadyForQuery, which the fiber writes itself.
 * Failure modes: an ErrorResponse is forwarded whole. A FATAL is the server's end, not the
 * client's: it becomes an ERROR that names the shard. A lost connection outside of a
 * transaction costs only the statement. A client that does not read pauses the server. */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/base/clock.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"

static void on_messages(void *owner, struct conn *c, const uint8_t *p, size_t n);
static void on_lost(void *owner, struct conn *c);
static void on_drained(void *owner, struct conn *c);

static const struct conn_user relay_user = { .on_messages = on_messages,
					     .on_lost = on_lost,
					     .on_drained = on_drained };

void relay_start(struct session *s, struct leg *leg, const struct relay *how)
{
	PRE(!s->relay.is_active && leg->conn);
	free(s->relay.fatal);
	s->relay = *how;
	s->relay.leg = leg;
	s->relay.is_active = true;
	s->relay.started_us = clock_us();
	s->relay.epoch = session_world(s)->map->epoch;
	conn_set_user(leg->conn, &relay_user, s);
}

void relay_note_fatal(struct session *s, const struct err *err)
{
	if (!s->relay.fatal)
		s->relay.fatal = mem_alloc(sizeof(*s->relay.fatal));
	*s->relay.fatal = *err;
}

static void on_drained(void *owner, struct conn *c)
{
	(void)owner;
	(void)c;
}

/* ---- the end ---- */

static void log_slow(struct session *s, uint64_t us)
{
	uint64_t limit_ms = session_config(s)->log.slow_query_ms;

	if (!limit_ms || us < limit_ms * 1000)
		return;
	metrics_add(s->w->metrics, METRIC_SLOW_QUERIES, 1);
	log_event(LOG_INFO, "slow statement", LOG_U64("client", s->id), LOG_STR("user", s->user),
		  LOG_STR("shard", s->relay.leg->shard_name), LOG_STR("tag", s->relay.tag),
		  LOG_MS("duration_ms", us));
}

static void relay_count(struct session *s)
{
	uint64_t us = clock_us() - s->relay.started_us;

	metrics_add(s->w->metrics, METRIC_QUERIES_ROUTE, 1);
	metrics_observe(s->w->metrics, HIST_QUERY, us);
	if (s->txn.status == 'I')
		metrics_add(s->w->metrics, METRIC_TRANSACTION_US, us);
	if (s->txn.status == 'I' && s->state == SESSION_RUNNING)
		metrics_add(s->w->metrics, METRIC_TRANSACTIONS, 1);
	if (s->relay.failed)
		metrics_add(s->w->metrics, METRIC_QUERY_ERRORS, 1);
	log_slow(s, us);
}

/* The client's statement is over: outside of a transaction the connection goes back. */
static void relay_ready(struct session *s)
{
	struct leg *leg = s->relay.leg;

	cancel_forget(s);
	if (s->txn.status == 'I') {
		metrics_add(s->w->metrics, METRIC_TRANSACTIONS, 1);
		session_release_leg(s, leg);
	} else if (!leg->conn || leg->conn->tx_status == 'E') {
		s->txn.status = 'E';
	}
	session_move(s, SESSION_READY);
	session_advance(s);
}

static void relay_end(struct session *s)
{
	struct leg *leg = s->relay.leg;

	s->relay.is_active = false;
	if (leg->conn)
		leg_attach(leg, leg->conn);
	relay_count(s);
	if (s->state == SESSION_RELAYING)
		relay_ready(s);
	else
		fiber_wake(s->fiber);
}

/* ---- one message of the answer: forward it? ---- */

static bool take_parameter(struct session *s, struct conn *c, const struct wire_msg *m)
{
	const char *name, *value;
	struct err err;

	if (wire_parse_parameter_status(m->body, m->length, &name, &value, &err) != STATUS_OK)
		return false;
	conn_saw_parameter(c, name, value);
	return session_report(s, name, value);
}

static bool take_error(struct session *s, struct conn *c, const struct wire_msg *m)
{
	enum wire_severity severity;
	struct err err = ERR_INIT, own;

	wire_parse_error_fields(m->body, m->length, &err, &severity);
	c->is_doomed |= severity == SEVERITY_FATAL;
	if (c->n_pending == 0) /* behind the last answer: the statement has not failed */
		return false;
	s->relay.failed = true;
	if (severity != SEVERITY_FATAL && s->relay.holds_exhaustion &&
	    strcmp(err.code, "2200H") == 0) {
		s->relay.is_exhausted = true;
		s->relay.exhaustion = err;
		return false;
	}
	if (severity != SEVERITY_FATAL && cancel_explain(s, &err, &own) == &err)
		return true;
	if (severity != SEVERITY_FATAL) {
		wire_put_error(reply_out(s), &own, "ERROR");
		return false;
	}
	relay_note_fatal(s, &err);
	return false;
}

static void take_tag(struct session *s, const struct wire_msg *m)
{
	size_t n = m->length < LEG_TAG_MAX ? m->length : LEG_TAG_MAX - 1;
	struct wire_tag tag;

	memcpy(s->relay.tag, m->body, n);
	s->relay.tag[n] = 0;
	if (s->txn.status == 'I' || s->relay.leg->has_xid || !s->relay.leg->wrote)
		return;
	tag = wire_parse_command_tag(s->relay.tag);
	if (wire_tag_proves_xid(&tag))
		s->relay.leg->has_xid = true;
}

static bool take_parse(struct session *s, struct conn *c)
{
	if (s->relay.preparing)
		conn_note_prepared(c, s->relay.preparing->id, true);
	s->relay.preparing = NULL;
	if (s->relay.n_skip_parse == 0)
		return true;
	s->relay.n_skip_parse--;
	return false;
}

static bool take_ready(struct session *s, struct conn *c, const struct wire_msg *m)
{
	conn_saw_ready(c, m->length ? (char)m->body[0] : 'I');
	if (!s->relay.opening_failed)
		return !s->relay.keeps_ready;
	reply_ready(s); /* the server is in no transaction; the client's has failed */
	return false;
}

static bool wants_message(struct session *s, struct conn *c, const struct wire_msg *m)
{
	struct relay *r = &s->relay;

	switch (m->type) {
	case 'Z': return take_ready(s, c, m);
	case 'C': take_tag(s, m); return true;
	case 'E': return take_error(s, c, m);
	case 'S': return take_parameter(s, c, m);
	case '1': return take_parse(s, c);
	case '2': return !r->drops_bind;
	case 'T':
	case 'n': r->has_description = true; return !r->drops_description;
	case 's': r->is_suspended = true; return true;
	case 'G': /* COPY FROM never comes here: end it, its data would be lost */
		wire_put_copy_fail(conn_out(c), "COPY FROM STDIN is not possible in this place");
		conn_sent(c, 0);
		return false;
	case 'A': return false;
	default: return true;
	}
}

static void forward(struct session *s, struct conn *c, const uint8_t *p, size_t n)
{
	if (n == 0 || s->party.is_gone)
		return;
	if (c->n_pending == 0)
		stream_write_now(&s->stream, p, n);
	else
		stream_write(&s->stream, p, n);
	if (stream_is_full(&s->stream))
		stream_pause(&c->stream);
}

/* The answers to our BEGIN: ours, but for its failure, which is the client's error. The server then
 * skips everything to the next Sync, the client's statement included: nothing has run outside of
 * the transaction. True: the message is dealt with. */
static bool opening_message(struct session *s, struct conn *c, const struct wire_msg *m)
{
	struct relay *r = &s->relay;

	switch (m->type) {
	case 'E':
		r->is_opening = false;
		r->opening_failed = true;
		r->leg->in_txn = r->leg->wrote = false;
		txn_fail(s);
		if (!r->ends_itself) {
			wire_put_sync(conn_out(c));
			conn_sent(c, 0);
		}
		return false;
	case 'C':
		r->is_opening = false;
		if (s->party.is_canceled)
			cancel_send(s);
		return true;
	case 'S': take_parameter(s, c, m); return true;
	default: return true;
	}
}

static void on_messages(void *owner, struct conn *c, const uint8_t *p, size_t n)
{
	struct session *s = owner;
	const uint8_t *end = p + n, *run = p;
	uint64_t n_rows = 0;
	struct wire_msg m;

	for (; p < end; p += wire_size(&m)) {
		wire_next(p, (size_t)(end - p), UINT32_MAX, &m);
		if (s->relay.is_opening && opening_message(s, c, &m)) {
			run = p + wire_size(&m);
			continue;
		}
		if (m.type == 'D') {
			n_rows++;
			continue;
		}
		/* It may be replaced; what we write ourselves comes behind it. */
		if (m.type == 'E' || s->relay.opening_failed) {
			forward(s, c, run, (size_t)(p - run));
			run = p;
		}
		s->relay.has_rows |= n_rows > 0;
		if (!wants_message(s, c, &m)) {
			forward(s, c, run, (size_t)(p - run));
			run = p + wire_size(&m);
		}
	}
	forward(s, c, run, (size_t)(end - run));
	s->relay.has_rows |= n_rows > 0;
	metrics_add(s->w->metrics, METRIC_ROWS, n_rows);
	if (c->n_pending == 0)
		relay_end(s);
}

static void on_lost(void *owner, struct conn *c)
{
	struct session *s = owner;
	struct relay *r = &s->relay;
	struct err err = ERR_INIT;

	if (r->fatal && r->fatal->status == STATUS_CANCELED) { /* cancel.c gave it up */
		err = *r->fatal;
	} else if (r->fatal) {
		err_set_code(&err, STATUS_BACKEND, r->fatal->code, "shard %s: %s",
			     r->leg->shard_name, r->fatal->message);
	} else {
		leg_loss(r->leg, c, &err);
	}
	r->failed = true;
	r->leg->conn = NULL;
	r->leg->lost = true;
	if (!s->party.is_gone)
		reply_error(s, &err);
	if (s->state == SESSION_RELAYING) {
		txn_fail(s);
		if (s->txn.status == 'I')
			r->leg->lost = false;
		if (!r->keeps_ready)
			reply_ready(s);
	}
	relay_end(s);
}

void relay_await(struct session *s)
{
	while (s->relay.is_active) {
		fiber_wait();
		if (s->relay.is_active && s->relay.leg->conn && !stream_is_full(&s->stream))
			leg_resume(s->relay.leg);
	}
	leg_await(s->relay.leg); /* for a late cancel request */
}

/* The client is gone and no fiber waits: what still comes is nobody's. */
void relay_detach(struct session *s)
{
	struct leg *leg = s->relay.leg;

	if (!s->relay.is_active || s->state != SESSION_RELAYING)
		return;
	s->relay.is_active = false;
	leg_drop(leg);
}

/* ---- the way in ---- */

/* A connection that can be written to at once; NULL: the slow path must prepare one. */
static struct leg *ready_leg(struct session *s, uint16_t shard)
{
	struct leg *leg = session_leg(s, shard);
	const struct world *world = session_world(s);
	const struct map_shard *ms = &world->map->shards[shard];
	struct pool *pool;
	struct conn *c;

	if (leg->lost && s->txn.status != 'I')
		return NULL;
	if (leg->conn && leg->in_txn)
		return leg;
	if (!leg->conn) {
		pool = pools_get(&s->w->pools, ms->id, shard, ms->name, ms->dsn, s->user);
		c = pool_take(pool, s->settings.hash);
		if (!c)
			return NULL;
		leg->in_txn = leg->wrote = leg->has_xid = false;
		leg_attach(leg, c);
	}
	c = leg->conn;
	if (c->prepared.n == 0)
		c->world_version = world->version;
	if (c->settings_hash != s->settings.hash || c->world_version != world->version ||
	    c->prepared.n > SETTINGS_MAX_PREPARED)
		return NULL; /* session_enlist() goes on with this very connection */
	return leg;
}

static bool begin_in_front(struct session *s, struct leg *leg, struct relay *how)
{
	if (s->txn.status == 'I' || leg->in_txn)
		return true;
	if (s->txn.savepoints || s->txn.local.first || strcmp(s->txn.begin, "BEGIN") != 0 ||
	    session_is_serializable(s))
		return false;
	/* Without a Sync: should it fail, the server skips what follows. The Flush brings its
	 * answer before that of a long statement, which may be canceled from then on. */
	wire_put_parse(conn_out(leg->conn), "", "BEGIN", 5, NULL, 0);
	wire_put_bind(conn_out(leg->conn), "", "", NULL, 0, NULL, NULL, 0, NULL, 0);
	wire_put_execute(conn_out(leg->conn), "", 0);
	wire_put_flush(conn_out(leg->conn));
	conn_sent(leg->conn, 0);
	leg->in_txn = true;
	how->is_opening = true;
	return true;
}

static bool clock_allows(struct session *s, const struct plan *plan, uint16_t shard)
{
	if (!plan->uses_clock || s->txn.status == 'I')
		return true;
	if (s->txn.uses_clock && s->txn.clock_shard != shard)
		return false;
	s->txn.uses_clock = true;
	s->txn.clock_shard = shard;
	return true;
}

struct leg *relay_take(struct session *s, const struct plan *plan, uint16_t shard, bool any,
		       struct relay *how)
{
	struct leg *leg;

	if (s->txn.status == 'E' || s->txn.is_implicit || s->txn.has_ddl || plan->n_configs)
		return NULL;
	if (plan->writes && !worker_may_write(s->w)) /* the slow path has the words */
		return NULL;
	if (any)
		shard = session_any_shard(s, shard);
	if (!clock_allows(s, plan, shard))
		return NULL;
	leg = ready_leg(s, shard);
	if (!leg || leg->conn->is_canceling || (leg->looks_on && session_is_serializable(s)))
		return NULL;
	leg->looks_on = false;
	if (plan->no_txn_block ? s->txn.status != 'I' : !begin_in_front(s, leg, how))
		return NULL;
	leg->wrote |= plan->writes && s->txn.status != 'I';
	leg->no_prepare |= plan->uses_temp && leg->in_txn;
	if (plan->notifies)
		listen_note_sender(s, leg);
	how->plan = NULL;
	return leg;
}

bool relay_query(struct session *s, const struct wire_msg *m, struct plan *plan, uint16_t shard,
		 bool any)
{
	struct relay how = { .keeps_ready = false };
	struct leg *leg = relay_take(s, plan, shard, any, &how);

	if (!leg)
		return false;
	conn_send(leg->conn, m->body - WIRE_HEADER_BYTES, wire_size(m), 1);
	relay_start(s, leg, &how);
	s->statement_ms = loop_now_ms(s->w->loop);
	session_move(s, SESSION_RELAYING);
	return true;
}
