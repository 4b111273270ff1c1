/* The client's transaction: which shards take part, what they must be told.
 *
 * BEGIN reaches no shard. Each is enlisted by the first statement that touches it: settings,
 * BEGIN with the transaction's own options, the live savepoints. txn_end() commits or
 * rolls back on all of them and gives the connections back. */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"

/* ---- legs ---- */

struct leg *session_find_leg(struct session *s, uint16_t shard)
{
	for (unsigned i = 0; i < s->n_legs; i++)
		if (s->legs[i]->shard == shard)
			return s->legs[i];
	return NULL;
}

struct leg *session_leg(struct session *s, uint16_t shard)
{
	const struct map_shard *ms = &session_world(s)->map->shards[shard];
	struct leg *leg = session_find_leg(s, shard);
	unsigned at = s->n_legs;

	if (leg && leg->conn && leg->shard_id != ms->id) {
		session_renumber_legs(s);
		leg = session_find_leg(s, shard);
	}
	if (leg && !leg->conn && leg->shard_id != ms->id) { /* the index means another shard now */
		leg->shard_id = ms->id;
		snprintf(leg->shard_name, sizeof(leg->shard_name), "%s", ms->name);
	}
	if (leg)
		return leg;
	leg = mem_alloc(sizeof(*leg));
	leg_init(leg, &s->party, shard, ms->id, ms->name);
	s->legs = mem_grow(s->legs, (s->n_legs + 1) * sizeof(*s->legs));
	while (at > 0 && s->legs[at - 1]->shard > shard) {
		s->legs[at] = s->legs[at - 1];
		at--;
	}
	s->legs[at] = leg;
	s->n_legs++;
	return leg;
}

static struct pool *shard_pool(struct session *s, uint16_t shard)
{
	const struct map_shard *ms = &session_world(s)->map->shards[shard];

	return pools_get(&s->w->pools, ms->id, shard, ms->name, ms->dsn, s->user);
}

static struct pool *session_pool(struct session *s, const struct leg *leg)
{
	return shard_pool(s, leg->shard);
}

uint16_t session_any_shard(struct session *s, uint16_t home)
{
	const struct shard_map *map = session_world(s)->map;

	for (unsigned i = 0; i < s->n_legs; i++)
		if (s->legs[i]->in_txn && s->legs[i]->conn)
			return s->legs[i]->shard;
	for (unsigned i = 0; i < s->n_legs; i++)
		if (s->legs[i]->conn && s->legs[i]->shard < map->n_shards) /* kept */
			return s->legs[i]->shard;
	if (pool_has_room(shard_pool(s, home)))
		return home;
	for (uint16_t shard = 0; shard < map->n_shards; shard++)
		if (pool_has_room(shard_pool(s, shard)))
			return shard;
	return home;
}

static bool replay_local(const struct settings *local, struct leg *leg)
{
	for (struct setting *x = local->first; x; x = x->next)
		if (!leg_query(leg, x->sql, LEG_ROWS_DROP))
			return false;
	return true;
}

/* Oldest first, each with the SET LOCALs that came behind it: what ROLLBACK TO undoes must
 * stand behind its savepoint here, too. */
static bool replay_savepoints(struct leg *leg, const struct savepoint *sp)
{
	char sql[300];

	if (!sp)
		return true;
	if (!replay_savepoints(leg, sp->next))
		return false;
	snprintf(sql, sizeof(sql), "SAVEPOINT %s", sp->name);
	return leg_query(leg, sql, LEG_ROWS_DROP) && replay_local(&sp->local, leg);
}

static bool is_joining(const struct session *s, const struct leg *leg)
{
	return s->txn.status != 'I' && !leg->in_txn;
}

/* BEGIN with the transaction's own options, on all that are new at the same time; then what it
 * has been told since. */
static struct leg *join_all(struct session *s, struct leg **legs, unsigned n)
{
	bool *joining = arena_array(&s->arena, bool, n);

	for (unsigned i = 0; i < n; i++) {
		joining[i] = is_joining(s, legs[i]);
		if (!joining[i])
			continue;
		leg_begin(legs[i], LEG_ROWS_DROP);
		legs[i]->in_txn = true;
		if (!legs[i]->conn) /* lost while another one was made ready */
			continue;
		wire_put_query(conn_out(legs[i]->conn), s->txn.begin, strlen(s->txn.begin));
		conn_sent(legs[i]->conn, 1);
	}
	leg_await_all(legs, n);
	for (unsigned i = 0; i < n; i++) {
		if (!joining[i])
			continue;
		if (legs[i]->failed || !replay_local(&s->txn.local, legs[i]) ||
		    !replay_savepoints(legs[i], s->txn.savepoints))
			return legs[i];
	}
	return NULL;
}

static bool refuse_lost(struct leg *leg)
{
	struct err err = ERR_INIT;

	if (!leg->lost || !leg->in_txn)
		return false;
	err_set(&err, STATUS_BACKEND, "the connection to shard %s was lost in this transaction",
		leg->shard_name);
	leg_fail(leg, &err);
	return true;
}

static struct leg *enlist_all(struct session *s, struct leg **legs, unsigned n)
{
	struct pool **pools = arena_array(&s->arena, struct pool *, n);
	struct leg *failed;

	for (unsigned i = 0; i < n; i++) {
		if (refuse_lost(legs[i]))
			return legs[i];
		legs[i]->looks_on = false;
		pools[i] = session_pool(s, legs[i]);
		if (!legs[i]->conn)
			legs[i]->in_txn = legs[i]->wrote = legs[i]->has_xid = false;
	}
	failed = leg_lease_all(legs, pools, n, s->settings.hash);
	for (unsigned i = 0; i < n && !failed; i++)
		if (!legs[i]->in_txn && !settings_apply(s, legs[i]))
			failed = legs[i];
	return failed ? failed : join_all(s, legs, n);
}

struct leg *session_enlist_all(struct session *s, struct leg **legs, unsigned n)
{
	struct leg *failed;

	s->is_enlisting = true;
	failed = enlist_all(s, legs, n);
	s->is_enlisting = false;
	return failed || n == 0 || !cancel_fails(s, legs[0]) ? failed : legs[0];
}

bool session_enlist(struct session *s, struct leg *leg)
{
	return session_enlist_all(s, &leg, 1) == NULL;
}

bool session_look_on(struct session *s, struct leg *leg)
{
	bool looks_on = leg->looks_on || !leg->in_txn;

	if (!session_enlist(s, leg))
		return false;
	leg->looks_on = looks_on && leg->in_txn;
	return true;
}

/* ---- the transaction itself ---- */

void txn_open(struct session *s, const char *begin, bool is_implicit)
{
	PRE(s->txn.status == 'I');
	s->txn.status = 'T';
	s->txn.is_implicit = is_implicit;
	s->txn.started_ms = loop_now_ms(s->w->loop);
	snprintf(s->txn.begin, sizeof(s->txn.begin), "%s", begin);
	snprintf(s->path_before, sizeof(s->path_before), "%s", s->search_path);
	snprintf(s->role_before, sizeof(s->role_before), "%s", s->role);
	settings_copy(&s->txn.before, &s->settings);
}

void txn_fail(struct session *s)
{
	if (s->txn.status == 'T')
		s->txn.status = 'E';
}

void txn_forget(struct session *s)
{
	while (s->txn.savepoints) {
		struct savepoint *sp = s->txn.savepoints;

		s->txn.savepoints = sp->next;
		settings_clear(&sp->settings);
		settings_clear(&sp->local);
		free(sp);
	}
	settings_clear(&s->txn.before);
	settings_clear(&s->txn.local);
	s->txn.status = 'I';
	s->txn.is_implicit = s->txn.uses_clock = s->txn.has_ddl = false;
	s->txn.has_set = s->txn.has_local = false;
	s->txn.changes = NULL;
	s->txn.n_changes = 0;
	arena_reset(&s->txn.arena);
	world_drop(s->txn.overlay);
	s->txn.overlay = NULL;
	extended_end_portals(s);
}

static void restore_settings(struct session *s)
{
	settings_copy(&s->settings, &s->txn.before);
	session_set_path(s, s->path_before, s->role_before);
}

static void tell_failure(struct session *s, const struct commit_outcome *out)
{
	struct exec_failure failure = { .err = out->err };

	buf_init(&failure.body, 64u << 20);
	if (out->failed)
		exec_leg_failed(NULL, (struct str){ NULL, 0 }, out->failed, &failure);
	reply_failure(s, &failure);
	buf_finish(&failure.body);
}

static void count_commit(struct session *s, const struct commit_outcome *out, enum status st)
{
	if (!out->was_two_phase)
		return;
	metrics_add(s->w->metrics,
		    st == STATUS_OK		   ? METRIC_TWO_PHASE_COMMITS
		    : st == STATUS_UNKNOWN_OUTCOME ? METRIC_TWO_PHASE_UNKNOWN
						   : METRIC_TWO_PHASE_ABORTS,
		    1);
	if (out->n_left)
		reply_warning(s, "01000",
			      "the transaction is committed; a shard that could not be reached "
			      "finishes it when it is back");
}

static bool txn_commit_all(struct session *s)
{
	struct arena arena;
	struct commit_outcome out;
	struct commit_request req = { .party = &s->party,
				      .legs = s->legs,
				      .n_legs = s->n_legs,
				      .cluster = s->world->map->cluster,
				      .incarnation = s->w->host->incarnation,
				      .counter = s->w->host->next_counter(s->w->host->ctx),
				      .has_role = s->settings.has_role,
				      .phase_two_ms = session_config(s)->timeouts.phase_two_ms,
				      .arena = &arena };
	int64_t intent = 0;
	enum status st;

	if (!ddl_begin(s, &intent)) {
		txn_rollback(s->legs, s->n_legs);
		return false;
	}
	arena_init(&arena, 0);
	st = txn_commit(&req, &out);
	count_commit(s, &out, st);
	ddl_end(s, intent, st == STATUS_OK || st == STATUS_UNKNOWN_OUTCOME);
	if (st != STATUS_OK)
		tell_failure(s, &out);
	arena_finish(&arena);
	return st == STATUS_OK;
}

static void txn_undo(struct session *s)
{
	s->party.is_uncancelable = true; /* who cancels gets what he wants */
	txn_rollback(s->legs, s->n_legs);
	s->party.is_uncancelable = false;
}

bool txn_end(struct session *s, bool commit)
{
	bool ok = true;

	if (s->txn.status == 'E')
		commit = false;
	metrics_add(s->w->metrics, METRIC_TRANSACTIONS, 1);
	metrics_add(s->w->metrics, METRIC_TRANSACTION_US,
		    (loop_now_ms(s->w->loop) - s->txn.started_ms) * 1000);
	ok = !commit || listen_before(s);
	if (commit && ok)
		ok = txn_commit_all(s);
	else
		txn_undo(s);
	listen_after(s, commit && ok);
	if (!commit || !ok)
		restore_settings(s);
	else if (s->txn.has_local)
		session_set_path(s, s->path_before, s->role_before); /* a SET LOCAL ends here */
	for (unsigned i = 0; s->txn.has_set && i < s->n_legs; i++)
		if (s->legs[i]->conn) /* made, undone or never made there: set anew before use */
			s->legs[i]->conn->settings_hash = UINT64_MAX;
	for (unsigned i = 0; s->txn.has_ddl && i < s->n_legs; i++)
		if (s->legs[i]->conn) /* prepared under a schema that may not be the one now */
			s->legs[i]->conn->world_version = 0;
	txn_forget(s);
	temp_end_txn(s);
	cursors_end_txn(s, commit && ok);
	session_release_legs(s);
	return ok;
}
