/* Which sequences are managed, and taking them over.
 *
 * Happy path of taking one over: lock its object on every shard (ALTER SEQUENCE waits for all who
 * have drawn from it); write its rule and the furthest place down in the catalog, 'taking'; make
 * each object void, so that the first draw asks for a block; 'ready', with a new epoch.
 * Failure modes:
 * - we die before the row is written: nothing has changed.
 * - we die behind it: the row says 'taking', nobody draws, the next sync begins again with the
 *   rule and place of the row, since some objects may have the bounds of blocks already.
 * - a shard cannot be reached, or a client keeps the sequence locked: the same; what is not
 *   'ready' is refused to clients with 40001. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/log.h"
#include "pgmosaic/catalog/proxy.h"
#include "sequence_internal.h"
#include "store_internal.h"

#define SYNC_LOCK "SELECT pg_advisory_lock(5431768219070143)"

/* A sequence of the home shard, with what the catalog knows of it. */
struct found {
	const char *schema, *name;
	bool is_used;	/* by a sharded or reference table */
	bool has_table; /* belongs to a table of whatever kind */
	uint32_t oid;
};

struct row {
	uint32_t id, oid;
	const char *schema, *name, *state;
	bool is_busy;
};

struct sync {
	struct catalog *c;
	struct shard_map *map;
	struct arena arena;
	struct pq own;	   /* the catalog; holds the lock of all syncs */
	struct pq *shards; /* one for each, opened when needed */
	struct found *found;
	unsigned n_found;
	struct row *rows;
	unsigned n_rows, n_changed;
	struct err *err;
};

static uint32_t number(const PGresult *res, int row, int column)
{
	return (uint32_t)strtoul(PQgetvalue(res, row, column), NULL, 10);
}

/* ---- setting up ---- */

static enum status sync_begin(struct sync *s, struct catalog *c, struct err *err)
{
	enum status st;

	*s = (struct sync){ .c = c, .err = err };
	arena_init(&s->arena, 0);
	st = pq_open(&s->own, "the catalog", c->dsn, c->connect_timeout_s, err);
	if (st == STATUS_OK)
		st = pq_exec(&s->own, "SET lock_timeout = '30s'; " SYNC_LOCK, err);
	if (st == STATUS_OK)
		st = catalog_load_map(c, &s->map, err);
	if (st == STATUS_OK)
		s->shards = arena_array(&s->arena, struct pq, s->map->n_shards + 1u);
	return st;
}

static void sync_end(struct sync *s)
{
	for (uint16_t i = 0; s->shards && i < s->map->n_shards; i++)
		pq_close(&s->shards[i]);
	pq_close(&s->own);
	map_destroy(s->map);
	arena_finish(&s->arena);
}

static enum status shard_of(struct sync *s, uint16_t shard, struct pq **out)
{
	*out = &s->shards[shard];
	if ((*out)->pg)
		return STATUS_OK;
	return sequence_open(*out, s->map->shards[shard].dsn, s->err);
}

/* ---- what there is ---- */

static const char found_query[] =
	"SELECT c.oid, n.nspname, c.relname, u.nspname, t.relname FROM pg_class c "
	"JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN ("
	"SELECT d.objid AS sequence, d.refobjid AS relation FROM pg_depend d "
	"WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass "
	"AND d.deptype IN ('a', 'i') "
	"UNION SELECT d.refobjid, a.adrelid FROM pg_depend d JOIN pg_attrdef a ON a.oid = d.objid "
	"WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass"
	") x ON x.sequence = c.oid LEFT JOIN pg_class t ON t.oid = x.relation "
	"LEFT JOIN pg_namespace u ON u.oid = t.relnamespace "
	"WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname <> 'mosaic' "
	"ORDER BY c.oid";

static void note_found(struct sync *s, const PGresult *res, int i)
{
	uint32_t oid = number(res, i, 0);
	const struct map_table *t = NULL;
	struct found *f;

	if (s->n_found == 0 || s->found[s->n_found - 1].oid != oid) {
		f = &s->found[s->n_found++];
		*f = (struct found){ .oid = oid,
				     .schema = arena_strdup(&s->arena, PQgetvalue(res, i, 1)),
				     .name = arena_strdup(&s->arena, PQgetvalue(res, i, 2)) };
	}
	f = &s->found[s->n_found - 1];
	if (PQgetisnull(res, i, 4))
		return;
	f->has_table = true;
	t = map_find_table(s->map, PQgetvalue(res, i, 3), PQgetvalue(res, i, 4));
	f->is_used |= t && t->kind != MAP_SINGLE;
}

static enum status find_sequences(struct sync *s)
{
	struct pq *home;
	PGresult *res;
	enum status st = shard_of(s, s->map->home, &home);

	if (st != STATUS_OK)
		return st;
	res = pq_query(home, s->err, found_query, 0);
	if (!res)
		return s->err->status;
	s->found = arena_array(&s->arena, struct found, (size_t)PQntuples(res) + 1);
	for (int i = 0; i < PQntuples(res); i++)
		note_found(s, res, i);
	PQclear(res);
	return STATUS_OK;
}

static enum status read_rows(struct sync *s)
{
	PGresult *res = pq_query(&s->own, s->err,
				 "SELECT id, home_oid, schema, name, state, busy_by IN ("
				 "SELECT incarnation FROM mosaic.proxies WHERE heartbeat > "
				 "clock_timestamp() - interval '30 seconds') "
				 "FROM mosaic.sequences ORDER BY id",
				 0);

	if (!res)
		return s->err->status;
	s->n_rows = (unsigned)PQntuples(res);
	s->rows = arena_array(&s->arena, struct row, s->n_rows + 1u);
	for (unsigned i = 0; i < s->n_rows; i++)
		s->rows[i] = (struct row){
			.id = number(res, (int)i, 0),
			.oid = number(res, (int)i, 1),
			.schema = arena_strdup(&s->arena, PQgetvalue(res, (int)i, 2)),
			.name = arena_strdup(&s->arena, PQgetvalue(res, (int)i, 3)),
			.state = arena_strdup(&s->arena, PQgetvalue(res, (int)i, 4)),
			.is_busy = PQgetvalue(res, (int)i, 5)[0] == 't',
		};
	PQclear(res);
	return STATUS_OK;
}

static const struct row *row_of(const struct sync *s, const struct found *f)
{
	for (unsigned i = 0; i < s->n_rows; i++)
		if (strcmp(s->rows[i].name, f->name) == 0 &&
		    strcmp(s->rows[i].schema, f->schema) == 0)
			return &s->rows[i];
	return NULL;
}

/* ---- taking one over ---- */

struct taking {
	struct sync *s;
	const struct found *f;
	const struct row *row; /* NULL: new */
	struct sequence_rule rule;
	struct sequence_state state;
	struct sequence_object *objects; /* one a shard */
	uint32_t id;
};

/* *is_missing: some shard has no such sequence. */
static enum status lock_all(struct taking *t, bool *is_missing)
{
	struct sync *s = t->s;
	enum status st = STATUS_OK;
	bool is_there = true;
	struct pq *pq;

	for (uint16_t i = 0; i < s->map->n_shards && st == STATUS_OK && is_there; i++) {
		st = shard_of(s, i, &pq);
		if (st == STATUS_OK)
			st = pq_exec(pq, "BEGIN", s->err);
		if (st == STATUS_OK)
			st = sequence_lock(pq, t->f->schema, t->f->name, true, &is_there, s->err);
		if (st == STATUS_OK && is_there)
			st = sequence_read(pq, t->f->schema, t->f->name, &t->objects[i], s->err);
	}
	*is_missing = !is_there;
	return st;
}

static void unlock_all(struct sync *s)
{
	for (uint16_t i = 0; i < s->map->n_shards; i++)
		if (s->shards[i].pg)
			pq_rollback(&s->shards[i]);
}

static bool is_further(int64_t increment, int64_t a, int64_t b)
{
	return increment < 0 ? a < b : a > b;
}

/* The home shard's object tells; the others' count where somebody has drawn from them. */
static void take_place(struct taking *t)
{
	const struct shard_map *map = t->s->map;

	t->rule = t->objects[map->home].rule;
	t->state = sequence_state_of(&t->objects[map->home]);
	for (uint16_t i = 0; i < map->n_shards; i++) {
		struct sequence_state there = sequence_state_of(&t->objects[i]);

		if (i != map->home && t->objects[i].is_called &&
		    is_further(t->rule.increment, there.next, t->state.next))
			t->state = there;
	}
}

/* A row left behind in the middle knows the rule; objects may have a block's bounds already. */
static enum status resume(struct taking *t)
{
	char id[16];
	PGresult *res;

	snprintf(id, sizeof(id), "%u", t->row->id);
	res = pq_query(&t->s->own, t->s->err,
		       "SELECT start, minimum, maximum, increment, cycle, next, is_done "
		       "FROM mosaic.sequences WHERE id = $1::int",
		       1, id);
	if (!res)
		return t->s->err->status;
	t->rule = (struct sequence_rule){ .start = strtoll(PQgetvalue(res, 0, 0), NULL, 10),
					  .minimum = strtoll(PQgetvalue(res, 0, 1), NULL, 10),
					  .maximum = strtoll(PQgetvalue(res, 0, 2), NULL, 10),
					  .increment = strtoll(PQgetvalue(res, 0, 3), NULL, 10),
					  .cycle = PQgetvalue(res, 0, 4)[0] == 't' };
	t->state = (struct sequence_state){ .next = strtoll(PQgetvalue(res, 0, 5), NULL, 10),
					    .is_done = PQgetvalue(res, 0, 6)[0] == 't' };
	PQclear(res);
	return STATUS_OK;
}

static enum status write_row(struct taking *t)
{
	char v[8][SEQUENCE_INT64_TEXT];
	const struct sequence_rule *r = &t->rule;
	uint64_t id = 0;
	enum status st;

	snprintf(v[0], sizeof(v[0]), "%u", t->f->oid);
	snprintf(v[1], sizeof(v[1]), "%" PRId64, r->start);
	snprintf(v[2], sizeof(v[2]), "%" PRId64, r->minimum);
	snprintf(v[3], sizeof(v[3]), "%" PRId64, r->maximum);
	snprintf(v[4], sizeof(v[4]), "%" PRId64, r->increment);
	snprintf(v[5], sizeof(v[5]), "%" PRId64, t->state.next);
	snprintf(v[6], sizeof(v[6]), "%" PRIu64, sequence_default_block(r));
	st = pq_u64(
		&t->s->own, t->s->err, &id,
		"INSERT INTO mosaic.sequences AS s (schema, name, home_oid, start, minimum, "
		"maximum, increment, cycle, next, is_done, block, state) VALUES ($1, $2, $3::oid, "
		"$4::bigint, $5::bigint, $6::bigint, $7::bigint, $8::bool, $9::bigint, "
		"$10::bool, $11::bigint, 'taking') ON CONFLICT (schema, name) DO UPDATE SET "
		"home_oid = excluded.home_oid, start = excluded.start, minimum = "
		"excluded.minimum, maximum = excluded.maximum, increment = excluded.increment, "
		"cycle = excluded.cycle, next = excluded.next, is_done = excluded.is_done, "
		"state = 'taking', busy_by = NULL, "
		"generation = s.generation + 1 RETURNING id",
		11, t->f->schema, t->f->name, v[0], v[1], v[2], v[3], v[4], r->cycle ? "t" : "f",
		v[5], t->state.is_done ? "t" : "f", v[6]);
	t->id = (uint32_t)id;
	return st;
}

/* Nothing to draw yet: who meets that gets the shard's first block. The bounds lie behind the next
 * value, where the type has room, so that the block is a later one: no lock is needed for it. */
static enum status make_void(struct taking *t, uint16_t shard)
{
	struct sequence_rule rule = t->rule;
	struct pq *pq = &t->s->shards[shard];
	int64_t place = t->state.next;
	enum status st;

	if (rule.increment > 0 && (place > rule.minimum + 1 || place > INT16_MIN + 1))
		place--;
	else if (rule.increment < 0 && (place < rule.maximum - 1 || place < INT16_MAX - 1))
		place++;
	rule.cycle = false;
	rule.minimum = rule.maximum = rule.start = place;
	sequence_widen(&rule);
	st = sequence_set(pq, t->f->schema, t->f->name, &rule, place, true, t->s->err);
	return st == STATUS_OK ? pq_exec(pq, "COMMIT", t->s->err) : st;
}

static enum status set_state(struct sync *s, uint32_t id, const char *state)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", id);
	return pq_run(&s->own, s->err, NULL,
		      "UPDATE mosaic.sequences SET state = $2, busy_by = NULL "
		      "WHERE id = $1::int",
		      2, text, state);
}

static enum status take_locked(struct taking *t)
{
	bool is_fresh = !t->row || t->row->oid != t->f->oid || strcmp(t->row->state, "given") == 0;
	enum status st = STATUS_OK;

	if (is_fresh)
		take_place(t);
	else
		st = resume(t);
	if (st == STATUS_OK)
		st = write_row(t);
	for (uint16_t i = 0; i < t->s->map->n_shards && st == STATUS_OK; i++)
		st = make_void(t, i);
	if (st == STATUS_OK)
		st = set_state(t->s, t->id, "ready");
	if (st == STATUS_OK)
		t->s->n_changed++;
	return st;
}

static enum status take(struct sync *s, const struct found *f, const struct row *row)
{
	struct taking t = { .s = s, .f = f, .row = row };
	bool is_missing;
	enum status st;

	t.objects = arena_array(&s->arena, struct sequence_object, s->map->n_shards);
	st = lock_all(&t, &is_missing);
	if (st == STATUS_OK && !is_missing)
		st = take_locked(&t);
	unlock_all(s);
	if (st == STATUS_OK && is_missing && f->is_used)
		log_event(LOG_WARNING, "a sequence of a sharded table is missing on a shard",
			  LOG_STR("sequence", f->name));
	return st;
}

/* ---- giving one back ---- */

static enum status give_shard(struct sync *s, const struct taking *t, uint16_t shard)
{
	bool is_home = shard == s->map->home, is_there, is_done = is_home && t->state.is_done;
	int64_t place = is_home ? t->state.next : t->rule.start;
	struct pq *pq;
	enum status st = shard_of(s, shard, &pq);

	if (st == STATUS_OK)
		st = pq_exec(pq, "BEGIN", s->err);
	if (st == STATUS_OK)
		st = sequence_lock(pq, t->f->schema, t->f->name, true, &is_there, s->err);
	if (st == STATUS_OK && is_there)
		st = sequence_set(pq, t->f->schema, t->f->name, &t->rule, place, is_done, s->err);
	if (st == STATUS_OK)
		st = pq_exec(pq, "COMMIT", s->err);
	pq_rollback(pq);
	return st;
}

static enum status announce(struct sync *s, const char *user, const struct row *row,
			    const char *what, uint64_t *epoch)
{
	struct change ch;
	enum status st = change_begin(&ch, s->c, user, s->err);

	if (st != STATUS_OK)
		return st;
	*epoch = ch.epoch + 1;
	return change_commit(&ch, s->err, "%s %s%s%s", what, row ? row->schema : "", row ? "." : "",
			     row ? row->name : "");
}

static enum status begin_giving(struct sync *s, const char *user, const struct row *row,
				uint64_t incarnation)
{
	char id[16], by[SEQUENCE_INT64_TEXT];
	uint64_t epoch = 0;
	enum status st;

	snprintf(id, sizeof(id), "%u", row->id);
	snprintf(by, sizeof(by), "%" PRIu64, incarnation);
	st = pq_run(&s->own, s->err, NULL,
		    "UPDATE mosaic.sequences SET state = 'giving', generation = generation + 1, "
		    "busy_by = nullif($2::bigint, 0) WHERE id = $1::int",
		    2, id, by);
	if (st == STATUS_OK)
		st = announce(s, user, row, "RELEASE SEQUENCE", &epoch);
	return st == STATUS_OK ? proxy_agree(s->c, epoch, NULL, s->err) : st;
}

static enum status give(struct sync *s, const char *user, const struct row *row,
			uint64_t incarnation)
{
	struct found f = { .schema = row->schema, .name = row->name };
	struct taking t = { .s = s, .f = &f, .row = row };
	char id[16];
	enum status st = begin_giving(s, user, row, incarnation);

	if (st == STATUS_OK)
		st = resume(&t);
	for (uint16_t i = 0; i < s->map->n_shards && st == STATUS_OK; i++)
		st = give_shard(s, &t, i);
	snprintf(id, sizeof(id), "%u", row->id);
	if (st == STATUS_OK)
		return pq_run(&s->own, s->err, NULL,
			      "UPDATE mosaic.sequences SET state = 'given' WHERE id = $1::int", 1,
			      id);
	set_state(s, row->id, "taking"); /* the next sync goes on with the row's place */
	return st;
}

enum status sequence_release(struct catalog *c, const char *user, uint64_t incarnation,
			     const char *schema, const char *name, struct err *err)
{
	struct found f = { .schema = schema, .name = name };
	const struct row *row = NULL;
	struct sync s;
	enum status st = sync_begin(&s, c, err);

	if (st == STATUS_OK)
		st = read_rows(&s);
	if (st == STATUS_OK)
		row = row_of(&s, &f);
	if (row && strcmp(row->state, "ready") != 0) {
		st = err_set_code(err, STATUS_IN_USE, "40001", "sequence \"%s\" is being changed",
				  name);
		err_hint(err, "Try again.");
	} else if (row) {
		st = give(&s, user, row, incarnation);
	}
	sync_end(&s);
	return st;
}

enum status sequence_released(struct catalog *c, const char *schema, const char *name,
			      struct err *err)
{
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	st = pq_run(&c->pq, err, NULL,
		    "UPDATE mosaic.sequences SET busy_by = NULL WHERE schema = $1 AND name = $2", 2,
		    schema, name);
	catalog_leave(c);
	return st;
}

/* ---- all of them ---- */

static const struct found *found_of(const struct sync *s, const struct row *row)
{
	for (unsigned i = 0; i < s->n_found; i++)
		if (strcmp(s->found[i].name, row->name) == 0 &&
		    strcmp(s->found[i].schema, row->schema) == 0)
			return &s->found[i];
	return NULL;
}

static bool is_wanted(const struct found *f)
{
	return f->is_used || !f->has_table;
}

static enum status forget(struct sync *s, const struct row *row)
{
	char id[16];

	snprintf(id, sizeof(id), "%u", row->id);
	s->n_changed++;
	return pq_run(&s->own, s->err, NULL, "DELETE FROM mosaic.sequences WHERE id = $1::int", 1,
		      id);
}

/* Dropped, or a table's that is neither sharded nor a reference table any more. */
static enum status forget_unwanted(struct sync *s, const char *user, bool gives)
{
	enum status st = STATUS_OK;

	for (unsigned i = 0; i < s->n_rows && st == STATUS_OK; i++) {
		const struct row *row = &s->rows[i];
		const struct found *f = found_of(s, row);

		if (row->is_busy || (f && is_wanted(f)))
			continue;
		if (f && f->oid == row->oid && strcmp(row->state, "given") != 0) {
			if (!gives)
				continue;
			st = give(s, user, row, 0);
		}
		if (st == STATUS_OK)
			st = forget(s, row);
	}
	return st;
}

/* One that cannot be taken over now does not keep the others from it. */
static enum status take_wanted(struct sync *s)
{
	struct err first = ERR_INIT;

	for (unsigned i = 0; i < s->n_found; i++) {
		const struct found *f = &s->found[i];
		const struct row *row = row_of(s, f);
		bool is_ready = row && row->oid == f->oid && strcmp(row->state, "ready") == 0;

		if (!is_wanted(f) || is_ready || (row && row->is_busy))
			continue;
		if (take(s, f, row) != STATUS_OK && first.status == STATUS_OK)
			first = *s->err;
	}
	if (first.status != STATUS_OK)
		*s->err = first;
	return first.status;
}

enum status sequences_sync(struct catalog *c, const char *user, bool gives, bool *changed,
			   struct err *err)
{
	struct sync s;
	uint64_t epoch;
	enum status st = sync_begin(&s, c, err);

	*changed = false;
	if (st == STATUS_OK && s.map->n_shards > 1) {
		st = find_sequences(&s);
		if (st == STATUS_OK)
			st = read_rows(&s);
		if (st == STATUS_OK)
			st = forget_unwanted(&s, user, gives);
		if (st == STATUS_OK)
			st = take_wanted(&s);
		if (s.n_changed) {
			struct err why = ERR_INIT;

			s.err = st == STATUS_OK ? err : &why;
			*changed = announce(&s, user, NULL, "SEQUENCES", &epoch) == STATUS_OK;
		}
	}
	sync_end(&s);
	return st;
}

enum status sequences_void(struct catalog *c, const char *dsn, struct err *err)
{
	struct pq pq = { .pg = NULL };
	struct sync s;
	struct sequence_object o;
	bool is_there;
	enum status st = sync_begin(&s, c, err);

	if (st == STATUS_OK)
		st = read_rows(&s);
	if (st == STATUS_OK && s.n_rows)
		st = sequence_open(&pq, dsn, err);
	for (unsigned i = 0; i < s.n_rows && st == STATUS_OK; i++) {
		const struct row *row = &s.rows[i];

		st = pq_exec(&pq, "BEGIN", err);
		if (st == STATUS_OK)
			st = sequence_lock(&pq, row->schema, row->name, true, &is_there, err);
		if (st == STATUS_OK && is_there)
			st = sequence_read(&pq, row->schema, row->name, &o, err);
		if (st != STATUS_OK || !is_there) {
			pq_rollback(&pq);
			continue;
		}
		o.rule.cycle = false;
		o.rule.minimum = o.rule.maximum = o.rule.start;
		sequence_widen(&o.rule);
		st = sequence_set(&pq, row->schema, row->name, &o.rule, o.rule.start, true, err);
		if (st == STATUS_OK)
			st = pq_exec(&pq, "COMMIT", err);
	}
	pq_close(&pq);
	sync_end(&s);
	return st;
}
