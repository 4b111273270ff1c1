/* DDL that changes the shard map or the schema.
 *
 * Happy path: the statement runs on its shards inside a transaction; before that commits,
 * the changes of the map are written to the catalog as an intent; after it, the intent is
 * finished and every worker uses the new world before the client gets its answer.
 * Inside the client's own transaction the session sees its changes through an overlay: a
 * copy of the map with the changes, and the schema as the transaction's own connection to
 * the home shard shows it.
 * Failure modes: the intent cannot be written: the transaction is rolled back. We die
 * between the commit and the end of the intent: any proxy resolves it by looking whether
 * the table exists. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"

/* ---- blocking calls of the host, made from the fiber ---- */

enum ddl_call { CALL_ENSURE, CALL_BEGIN, CALL_FINISH, CALL_ABANDON, CALL_REFRESH, CALL_TELL };

struct ddl_job {
	enum ddl_call call;
	const struct session_host *host;
	struct fiber *fiber;
	const struct plan_change *changes;
	unsigned n;
	const char *user;
	int64_t intent;
	enum status status;
	struct err err;
	bool is_done;
};

static void ddl_work(void *arg)
{
	struct ddl_job *j = arg;
	void *ctx = j->host->ctx;

	switch (j->call) {
	case CALL_ENSURE:
		j->status = j->host->ensure_distribution(ctx, j->changes, j->user, &j->err);
		break;
	case CALL_BEGIN:
		j->status =
			j->host->changes_begin(ctx, j->changes, j->n, j->user, &j->intent, &j->err);
		break;
	case CALL_FINISH: j->status = j->host->changes_finish(ctx, j->intent, &j->err); break;
	case CALL_ABANDON: j->host->changes_abandon(ctx, j->intent); break;
	case CALL_REFRESH: j->status = j->host->refresh(ctx, &j->err); break;
	case CALL_TELL: j->status = j->host->schema_changed(ctx, &j->err); break;
	}
}

static void ddl_done(void *arg)
{
	struct ddl_job *j = arg;

	j->is_done = true;
	fiber_wake(j->fiber);
}

static void ddl_call(struct session *s, struct ddl_job *j)
{
	j->host = s->w->host;
	j->fiber = fiber_self();
	/* Two proxies that wait for each other's acknowledgement must both be able to give it. */
	s->is_between = j->call == CALL_FINISH || j->call == CALL_TELL;
	job_run(s->w->loop, ddl_work, ddl_done, j);
	while (!j->is_done)
		fiber_wait();
	if (j->call != CALL_BEGIN && j->call != CALL_ABANDON)
		session_pin_world(s); /* that is what the call was for */
	s->is_between = false;
}

bool ddl_refresh(struct session *s, struct err *err)
{
	struct ddl_job j = { .call = CALL_REFRESH };

	ddl_call(s, &j);
	if (j.status != STATUS_OK)
		*err = j.err;
	return j.status == STATUS_OK;
}

bool ddl_prepare(struct session *s, const struct plan *plan)
{
	for (unsigned i = 0; i < plan->n_changes; i++) {
		struct ddl_job j = { .call = CALL_ENSURE,
				     .changes = &plan->changes[i],
				     .user = s->user };

		if (plan->changes[i].kind != CHANGE_ADD_SHARDED ||
		    map_find_distribution(session_world(s)->map, plan->changes[i].distribution) >=
			    0)
			continue;
		ddl_call(s, &j);
		if (j.status != STATUS_OK) {
			reply_error(s, &j.err);
			return false;
		}
	}
	return true;
}

/* ---- the overlay of an open transaction ---- */

static void add_table(struct shard_map *map, const struct plan_change *c)
{
	struct map_table *tables = arena_array(&map->arena, struct map_table, map->n_tables + 1u);
	struct map_table *t = &tables[map->n_tables];
	int dist = c->distribution ? map_find_distribution(map, c->distribution) : -1;

	if (map->n_tables)
		memcpy(tables, map->tables, sizeof(*tables) * map->n_tables);
	t->schema = arena_strdup(&map->arena, c->schema);
	t->name = arena_strdup(&map->arena, c->name);
	t->kind = c->kind == CHANGE_ADD_SHARDED ? MAP_SHARDED : MAP_REFERENCE;
	t->distribution = dist < 0 ? 0 : (uint16_t)dist;
	t->n_keys = c->n_keys;
	for (uint16_t i = 0; i < c->n_keys; i++)
		t->key_columns[i] = arena_strdup(&map->arena, c->key_columns[i]);
	map->tables = tables;
	map->n_tables++;
}

static void drop_table(struct shard_map *map, const struct plan_change *c)
{
	for (uint32_t i = 0; i < map->n_tables; i++) {
		struct map_table *t = &map->tables[i];

		if (strcmp(t->schema, c->schema) == 0 && strcmp(t->name, c->name) == 0) {
			*t = map->tables[--map->n_tables];
			return;
		}
	}
}

static void rename_table(struct shard_map *map, const struct plan_change *c)
{
	for (uint32_t i = 0; i < map->n_tables; i++) {
		struct map_table *t = &map->tables[i];

		if (strcmp(t->schema, c->schema) || strcmp(t->name, c->name))
			continue;
		t->schema = arena_strdup(&map->arena, c->new_schema ? c->new_schema : c->schema);
		t->name = arena_strdup(&map->arena, c->new_name ? c->new_name : c->name);
		return;
	}
}

static void apply_change(struct shard_map *map, const struct plan_change *c)
{
	switch (c->kind) {
	case CHANGE_ADD_SHARDED:
	case CHANGE_ADD_REFERENCE: add_table(map, c); break;
	case CHANGE_DROP: drop_table(map, c); break;
	case CHANGE_RENAME: rename_table(map, c); break;
	}
}

static enum status add_schema_row(struct schema *schema, unsigned query, const struct wire_msg *m,
				  struct err *err)
{
	const char *values[32];
	struct wire_row row;
	const uint8_t *data;
	int32_t length;
	unsigned n = 0;
	struct arena a;
	enum status st;

	arena_init(&a, 0);
	if (!wire_row_open(&row, m->body, m->length) || row.n_fields > 32)
		return err_set(err, STATUS_INTERNAL, "schema row");
	for (; n < row.n_fields; n++) {
		if (!wire_row_next(&row, &data, &length))
			break;
		values[n] = data ? arena_strndup(&a, (const char *)data, (size_t)length) : NULL;
	}
	st = schema_add_row(schema, query, values, n, err);
	arena_finish(&a);
	return st;
}

bool ddl_load_rows(struct schema *schema, unsigned query, const char *sql, struct leg *leg,
		   struct err *err)
{
	enum status st = STATUS_OK;
	struct wire_msg m;

	leg_begin(leg, LEG_ROWS_KEEP);
	if (leg->conn) {
		wire_put_query(conn_out(leg->conn), sql, strlen(sql));
		conn_sent(leg->conn, 1);
	}
	while (leg_is_busy(leg) || buf_len(&leg->rows)) {
		while (wire_next(buf_head(&leg->rows), buf_len(&leg->rows), UINT32_MAX, &m) ==
		       WIRE_OK) {
			if (st == STATUS_OK)
				st = add_schema_row(schema, query, &m, err);
			leg_consumed(leg, wire_size(&m));
		}
		if (leg_is_busy(leg))
			fiber_wait();
	}
	if (leg->failed || !leg->conn) {
		*err = leg->err;
		return false;
	}
	return st == STATUS_OK;
}

/* The schema as this transaction sees it, over its own connection to the home shard. */
static struct schema *load_schema(struct leg *leg, struct err *err)
{
	struct schema *schema = schema_create();
	bool ok = true;

	for (unsigned q = 0; q < SCHEMA_N_QUERIES && schema_query(q) && ok; q++)
		ok = ddl_load_rows(schema, q, schema_query(q), leg, err);
	if (ok) {
		schema_seal(schema);
		return schema;
	}
	schema_destroy(schema);
	return NULL;
}

static bool make_overlay(struct session *s, struct err *err)
{
	struct leg *leg = session_leg(s, s->world->map->home);
	struct shard_map *map;
	struct schema *schema;
	struct world *old;

	if (!session_enlist(s, leg)) {
		*err = leg->err;
		return false;
	}
	schema = load_schema(leg, err);
	if (!schema)
		return false;
	map = map_copy(s->world->map);
	for (unsigned i = 0; i < s->txn.n_changes; i++)
		apply_change(map, &s->txn.changes[i]);
	if (map_seal(map, err) != STATUS_OK) {
		map_destroy(map);
		schema_destroy(schema);
		return false;
	}
	old = s->txn.overlay;
	s->txn.overlay = world_create(map, schema, oids_hold(session_world(s)->oids));
	world_drop(old);
	return true;
}

bool ddl_follow_map(struct session *s)
{
	struct err err = ERR_INIT;

	if (!s->txn.overlay || s->txn.status != 'T' ||
	    s->txn.overlay->map->epoch == s->world->map->epoch)
		return true;
	if (make_overlay(s, &err))
		return true;
	txn_fail(s);
	reply_error(s, &err);
	return false;
}

/* ---- what must not be committed ---- */

static uint64_t mark_shards(const struct shard_map *map)
{
	uint64_t mark = map->n_shards;

	for (uint16_t i = 0; i < map->n_shards; i++)
		mark = mark * 0x100000001B3u + map->shards[i].id;
	return mark;
}

static bool same_place(const struct shard_map *a, const struct map_table *x,
		       const struct shard_map *b, const struct map_table *y)
{
	if (!x || !y || x->kind != y->kind)
		return x == y;
	if (x->kind == MAP_SINGLE)
		return a->shards[x->home].id == b->shards[y->home].id;
	if (x->kind == MAP_REFERENCE)
		return true;
	if (a->distributions[x->distribution].id != b->distributions[y->distribution].id ||
	    x->n_keys != y->n_keys)
		return false;
	for (uint16_t i = 0; i < x->n_keys; i++)
		if (strcmp(x->key_columns[i], y->key_columns[i]) != 0)
			return false;
	return true;
}

/* Other proxies and clients may hold statements for the table that had this name, and would run
 * them on the new one as they would have on the old. Without an overlay there was one statement,
 * which cannot replace anything. */
static bool replaces_otherwise(const struct session *s, const struct plan_change *c)
{
	const struct world *before = s->world, *after = s->txn.overlay;
	const char *schema = c->new_schema ? c->new_schema : c->schema;
	const char *name = c->new_name ? c->new_name : c->name;
	const struct schema_relation *old = schema_find(before->schema, schema, name);
	const struct schema_relation *new = after ? schema_find(after->schema, schema, name) : NULL;

	if (c->kind == CHANGE_DROP || !old || !new || old->oid == new->oid)
		return false;
	return !same_place(before->map, map_find_table(before->map, schema, name), after->map,
			   map_find_table(after->map, schema, name));
}

static bool refuse_commit(struct session *s)
{
	struct err err = ERR_INIT;

	if (s->txn.has_ddl && s->txn.shards_mark != mark_shards(s->world->map)) {
		err_set_code(&err, STATUS_IN_USE, "40001",
			     "a shard was added or removed while this transaction changed the "
			     "schema");
		err_hint(&err, "Run the transaction again.");
	}
	for (unsigned i = 0; i < s->txn.n_changes && err.status == STATUS_OK; i++) {
		const struct plan_change *c = &s->txn.changes[i];

		if (!replaces_otherwise(s, c))
			continue;
		err_set(&err, STATUS_UNROUTED,
			"table \"%s\" is replaced by one with another placement in one transaction",
			c->new_name ? c->new_name : c->name);
		err_hint(&err,
			 "Statements under way elsewhere would take the new table for the old "
			 "one: DROP or rename it in a transaction of its own first.");
	}
	if (err.status != STATUS_OK)
		reply_error(s, &err);
	return err.status != STATUS_OK;
}

/* ---- from statement to transaction ---- */

static const char *copy_text(struct session *s, const char *text)
{
	return text ? arena_strdup(&s->txn.arena, text) : NULL;
}

static void keep_changes(struct session *s, const struct plan *plan)
{
	struct plan_change *all = arena_array(&s->txn.arena, struct plan_change,
					      s->txn.n_changes + plan->n_changes + 1u);

	if (s->txn.n_changes)
		memcpy(all, s->txn.changes, sizeof(*all) * s->txn.n_changes);
	for (unsigned i = 0; i < plan->n_changes; i++) {
		struct plan_change *c = &all[s->txn.n_changes + i];

		*c = plan->changes[i];
		c->schema = copy_text(s, c->schema);
		c->name = copy_text(s, c->name);
		c->new_schema = copy_text(s, c->new_schema);
		c->new_name = copy_text(s, c->new_name);
		c->distribution = copy_text(s, c->distribution);
		for (uint16_t k = 0; k < c->n_keys; k++)
			c->key_columns[k] = copy_text(s, c->key_columns[k]);
	}
	s->txn.changes = all;
	s->txn.n_changes += plan->n_changes;
}

/* The shards have committed: what fails here is made up for later, and is no error. */
static void tell_others(struct session *s, struct ddl_job *j)
{
	char text[512];

	ddl_call(s, j);
	if (j->status == STATUS_OK)
		return;
	log_error(LOG_WARNING, "not every proxy knows the new schema yet", &j->err);
	snprintf(text, sizeof(text), "the change is committed, but not known everywhere yet: %s",
		 j->err.message);
	reply_warning(s, "01000", text);
}

bool ddl_note(struct session *s, struct statement *st)
{
	struct err err = ERR_INIT;

	if (s->txn.status == 'I') { /* it has committed by itself, on one shard */
		tell_others(s, &(struct ddl_job){ .call = CALL_TELL });
		return true;
	}
	if (!s->txn.has_ddl)
		s->txn.shards_mark = mark_shards(s->world->map);
	s->txn.has_ddl = true;
	keep_changes(s, st->plan);
	if (s->txn.is_implicit && st->is_alone)
		return true;
	if (make_overlay(s, &err))
		return true;
	reply_error(s, &err);
	return false;
}

bool ddl_begin(struct session *s, int64_t *intent)
{
	struct ddl_job j = { .call = CALL_BEGIN,
			     .changes = s->txn.changes,
			     .n = s->txn.n_changes,
			     .user = s->user };

	*intent = 0;
	if (refuse_commit(s))
		return false;
	if (s->txn.n_changes == 0)
		return true;
	ddl_call(s, &j);
	*intent = j.intent;
	if (j.status == STATUS_OK)
		return true;
	reply_error(s, &j.err);
	return false;
}

void ddl_end(struct session *s, int64_t intent, bool committed)
{
	struct ddl_job j = { .call = !committed ? CALL_ABANDON
				     : intent	? CALL_FINISH
						: CALL_TELL,
			     .intent = intent };

	if (!s->txn.has_ddl || (!committed && !intent))
		return;
	if (committed)
		tell_others(s, &j);
	else
		ddl_call(s, &j);
}
