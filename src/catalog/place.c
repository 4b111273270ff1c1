/* SHARD TABLE, REFERENCE TABLE, SINGLE TABLE and UNSHARD TABLE for tables that exist.
 *
 * Happy path: take the lock on the map; check the table on the home shard; make it on the shards
 * that lack it; fence its writes (place.h); look at the rows; change the map; wait until every
 * proxy has the new one; check the table once more, since DDL planned under the old map may have
 * run meanwhile; lift the fence.
 * Failure modes:
 * - anything before the change of the map: copies made here are dropped, the fence is lifted.
 * - a proxy does not take over in time, or the second check fails: the map is changed back, and
 *   when nobody uses the new one any more, as above.
 * - it cannot be changed back, or somebody goes on using it: the fence stays, and the log says so.
 * - we die in between: the fence stays, writes get 40001. The same command run again, or the
 *   DROP TRIGGER that the log tells, ends it. */
#include <stdio.h>
#include <string.h>

#include "map_lock.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/catalog/proxy.h"
#include "pgmosaic/catalog/sequence.h"
#include "pgmosaic/catalog/shard.h"
#include "pgmosaic/key/type.h"
#include "place.h"
#include "place_check.h"
#include "shard_internal.h"
#include "store_internal.h"

struct place {
	struct catalog *c;
	struct map_lock lock;
	const char *user;
	bool keeps_fence;			 /* what the map says and what is true may differ */
	const struct catalog_sharding *sharding; /* SHARD TABLE */
	struct map_table as; /* what it shall be; as->schema, ->name say which table */
	struct shard_map *map;
	struct schema *schema;
	struct pq home;
	struct arena arena;
	struct place_fence fence;
	bool made[MAP_MAX_SHARDS]; /* copies made by this command */
	struct err *err;
};

/* ---- setting up ---- */

static enum status place_begin(struct place *p, struct catalog *c, const char *user,
			       const char *what, const char *schema, const char *name,
			       struct err *err)
{
	enum status st;

	*p = (struct place){ .c = c, .user = user, .err = err };
	p->as.schema = schema;
	p->as.name = name;
	arena_init(&p->arena, 0);
	place_fence_init(&p->fence);
	st = map_lock_take(&p->lock, c, arena_printf(&p->arena, "%s %s", what, name), err);
	if (st == STATUS_OK)
		st = catalog_load_map(c, &p->map, err);
	if (st == STATUS_OK && p->map->n_shards == 0) {
		st = err_set_code(err, STATUS_INVALID, "55000", "there is no shard");
		err_hint(err, "CREATE SHARD name WITH (dsn = '…') first.");
	}
	if (st == STATUS_OK)
		st = shard_load_schema(p->map->shards[p->map->home].dsn, &p->schema, err);
	if (st == STATUS_OK)
		st = pq_open(&p->home, NULL, p->map->shards[p->map->home].dsn,
			     SHARD_CONNECT_TIMEOUT_S, err);
	return st;
}

static void drop_copy(struct place *p, uint16_t shard)
{
	struct pq pq = { .pg = NULL };
	struct err err = ERR_INIT;
	const char *sql =
		arena_printf(&p->arena, "DROP TABLE IF EXISTS %s.%s",
			     pq_ident(&p->arena, p->as.schema), pq_ident(&p->arena, p->as.name));
	enum status st =
		pq_open(&pq, NULL, p->map->shards[shard].dsn, SHARD_CONNECT_TIMEOUT_S, &err);

	if (st == STATUS_OK)
		st = pq_exec(&pq, sql, &err);
	pq_close(&pq);
	if (st != STATUS_OK)
		log_event(LOG_WARNING, "a copy of a table is left over: run the statement there",
			  LOG_STR("shard", p->map->shards[shard].name), LOG_STR("statement", sql),
			  LOG_STR("reason", err.message));
}

/* A proxy that stood still may find its lock gone and its table placed by somebody else. */
static bool holds_lock(struct place *p)
{
	struct err err = ERR_INIT;

	return p->lock.pq.pg && pq_exec(&p->lock.pq, "SELECT 1", &err) == STATUS_OK;
}

static enum status place_end(struct place *p, enum status st)
{
	bool is_ours = st == STATUS_OK || holds_lock(p);

	if (p->keeps_fence)
		place_fence_leave(&p->fence);
	else
		place_fence_lift(&p->fence);
	for (uint16_t i = 0;
	     st != STATUS_OK && is_ours && !p->keeps_fence && p->map && i < p->map->n_shards; i++)
		if (p->made[i])
			drop_copy(p, i);
	pq_close(&p->home);
	map_lock_give(&p->lock);
	schema_destroy(p->schema);
	map_destroy(p->map);
	arena_finish(&p->arena);
	return st;
}

/* ---- pieces ---- */

static enum status check_unplaced(struct place *p)
{
	const struct map_table *t = map_find_table(p->map, p->as.schema, p->as.name);

	if (!t || (t->kind == MAP_SINGLE && t->home == p->map->home))
		return STATUS_OK;
	err_set(p->err, STATUS_DUPLICATE, "table \"%s\" is %s already", p->as.name,
		t->kind == MAP_SHARDED	   ? "sharded"
		: t->kind == MAP_REFERENCE ? "a reference table"
					   : "placed on a shard of its own");
	err_hint(p->err, "UNSHARD TABLE %s; first.", p->as.name);
	return p->err->status;
}

static enum status make_copy(struct place *p, uint16_t shard)
{
	const char *dsn = p->map->shards[shard].dsn;
	struct pq pq = { .pg = NULL };
	char kind = 0;
	enum status st = pq_open(&pq, NULL, dsn, SHARD_CONNECT_TIMEOUT_S, p->err);

	if (st == STATUS_OK)
		st = place_relkind(&pq, p->as.schema, p->as.name, &kind, p->err);
	pq_close(&pq);
	if (st != STATUS_OK || kind)
		return st;
	st = shard_copy_table(p->map->shards[p->map->home].dsn, dsn, p->as.schema, p->as.name,
			      p->err);
	p->made[shard] = st == STATUS_OK;
	return st;
}

static enum status make_copies(struct place *p)
{
	enum status st = STATUS_OK;

	for (uint16_t i = 0; i < p->map->n_shards && st == STATUS_OK; i++)
		if (i != p->map->home)
			st = make_copy(p, i);
	return st;
}

/* A copy that was there before must be the same table. */
static enum status check_copy(struct place *p, uint16_t shard)
{
	static const char shape_query[] =
		"SELECT coalesce(string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || "
		"a.attnotnull, ',' ORDER BY a.attnum), '') FROM pg_catalog.pg_attribute a "
		"WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped";
	const char *table = arena_printf(&p->arena, "%s.%s", pq_ident(&p->arena, p->as.schema),
					 pq_ident(&p->arena, p->as.name));
	struct pq pq = { .pg = NULL };
	PGresult *here = NULL, *there = NULL;
	enum status st =
		pq_open(&pq, NULL, p->map->shards[shard].dsn, SHARD_CONNECT_TIMEOUT_S, p->err);

	if (st == STATUS_OK && (here = pq_query(&p->home, p->err, shape_query, 1, table)) != NULL)
		there = pq_query(&pq, p->err, shape_query, 1, table);
	if (!here || !there) {
		st = p->err->status;
	} else if (strcmp(PQgetvalue(here, 0, 0), PQgetvalue(there, 0, 0)) != 0) {
		st = err_set_code(
			p->err, STATUS_INVALID, "55000",
			"table \"%s\" has other columns on shard %s than on the home shard",
			p->as.name, p->map->shards[shard].name);
		err_hint(p->err, "Make them alike, or drop the one that is too much.");
	}
	PQclear(here);
	PQclear(there);
	pq_close(&pq);
	return st;
}

static enum status check_copies(struct place *p)
{
	enum status st = STATUS_OK;

	for (uint16_t i = 0; i < p->map->n_shards && st == STATUS_OK; i++)
		if (i != p->map->home)
			st = check_copy(p, i);
	return st;
}

static enum status fence_all(struct place *p)
{
	enum status st = STATUS_OK;

	for (uint16_t i = 0; i < p->map->n_shards && st == STATUS_OK && p->map->n_shards > 1; i++)
		st = place_fence_add(&p->fence, p->map->shards[i].dsn, p->as.schema, p->as.name,
				     p->err);
	return st;
}

static enum status count_rows(struct place *p, uint16_t shard, uint64_t *n)
{
	struct pq pq = { .pg = NULL };
	enum status st =
		pq_open(&pq, NULL, p->map->shards[shard].dsn, SHARD_CONNECT_TIMEOUT_S, p->err);

	if (st == STATUS_OK)
		st = pq_u64(&pq, p->err, n,
			    arena_printf(&p->arena, "SELECT count(*) FROM %s.%s",
					 pq_ident(&p->arena, p->as.schema),
					 pq_ident(&p->arena, p->as.name)),
			    0);
	pq_close(&pq);
	return st;
}

static enum status check_empty(struct place *p, uint16_t shard, const char *hint)
{
	uint64_t n = 0;
	enum status st = count_rows(p, shard, &n);

	if (st != STATUS_OK || n == 0)
		return st;
	err_set(p->err, STATUS_UNROUTED, "table \"%s\" has %llu rows on shard %s", p->as.name,
		(unsigned long long)n, p->map->shards[shard].name);
	err_hint(p->err, "%s", hint);
	return p->err->status;
}

/* ---- the change of the map ---- */

/* t NULL: not in the map. */
static enum status put(struct place *p, struct pq *pq, const struct map_table *t, struct err *err)
{
	if (!t)
		return table_drop(pq, p->as.schema, p->as.name, err);
	switch (t->kind) {
	case MAP_SHARDED:
		return table_put_sharded(pq, t->schema, t->name,
					 p->map->distributions[t->distribution].name,
					 t->key_columns, t->n_keys, err);
	case MAP_REFERENCE: return table_put_reference(pq, t->schema, t->name, err);
	case MAP_SINGLE:
		return table_put_single(pq, t->schema, t->name, p->map->shards[t->home].name, err);
	}
	return STATUS_INTERNAL;
}

/* On the lock's own connection: whoever has lost the lock changes nothing. */
static enum status change_map(struct place *p, const char *what, const struct map_table *to,
			      uint64_t *epoch, struct err *err)
{
	struct change ch;
	enum status st = change_begin_on(&ch, &p->lock.pq, p->user, err);

	if (st != STATUS_OK)
		return st;
	*epoch = ch.epoch + 1;
	st = put(p, ch.pq, to, err);
	if (st == STATUS_OK)
		return change_commit(&ch, err, "%s %s.%s", what, p->as.schema, p->as.name);
	change_cancel(&ch);
	return st;
}

/* Back to what the map said before; the fence stays where that cannot be made sure of. */
static void change_back(struct place *p, uint64_t bad)
{
	struct err err = ERR_INIT;
	uint64_t epoch = 0;
	enum status st = change_map(p, "UNDO", map_find_table(p->map, p->as.schema, p->as.name),
				    &epoch, &err);

	if (st == STATUS_OK)
		st = proxy_agree_undone(p->c, bad, epoch, NULL, &err);
	if (st == STATUS_OK)
		return;
	p->keeps_fence = true;
	log_error(LOG_ERROR, "a change of the shard map could not be taken back everywhere", &err);
}

/* Change the map and wait for the proxies; then `check` again what was checked before. */
static enum status switch_map(struct place *p, const char *what, const struct map_table *to,
			      enum status (*check)(struct place *p))
{
	uint64_t epoch;
	enum status st = change_map(p, what, to, &epoch, p->err);

	if (st != STATUS_OK)
		return st;
	st = proxy_agree(p->c, epoch, NULL, p->err);
	if (st == STATUS_OK)
		st = check(p);
	if (st == STATUS_OK)
		proxy_refuse_older(p->c, epoch);
	else
		change_back(p, epoch);
	return st;
}

/* The same table as before, with nothing new about it that its place does not allow. */
static enum status check_again(struct place *p)
{
	const struct schema_relation *r;
	enum status st = place_fence_check(&p->fence, p->err);

	schema_destroy(p->schema);
	p->schema = NULL;
	if (st == STATUS_OK)
		st = shard_load_schema(p->map->shards[p->map->home].dsn, &p->schema, p->err);
	if (st == STATUS_OK)
		st = place_check_table(p->schema, p->as.schema, p->as.name, &r, p->err);
	if (st == STATUS_OK && p->as.kind == MAP_SHARDED)
		st = place_check_unique(r, p->sharding, p->err);
	if (st == STATUS_OK && p->map->n_shards > 1 &&
	    !(p->as.kind == MAP_SINGLE && p->as.home == p->map->home))
		st = place_check_foreign(&p->home, p->map, &p->as, p->err);
	for (uint16_t i = 0; i < p->map->n_shards && st == STATUS_OK; i++)
		if (i != p->map->home && (p->as.kind != MAP_SINGLE || p->as.home == i))
			st = check_copy(p, i);
	return st;
}

/* ---- SHARD TABLE ---- */

/* Types fit the distribution; the map is read again when a default one was made. */
static enum status take_distribution(struct place *p, const uint32_t *types, unsigned n,
				     const char *distribution)
{
	const char *name =
		distribution ? distribution : distribution_default_name(&p->arena, types, n);
	enum status st = catalog_ensure_distribution(p->c, name, types, n, p->user, p->err);
	int at;

	if (st != STATUS_OK)
		return st;
	map_destroy(p->map);
	p->map = NULL;
	st = catalog_load_map(p->c, &p->map, p->err);
	if (st != STATUS_OK)
		return st;
	at = map_find_distribution(p->map, name);
	if (at < 0)
		return err_set(p->err, STATUS_UNDEFINED, "distribution \"%s\" does not exist",
			       name);
	p->as.distribution = (uint16_t)at;
	return STATUS_OK;
}

static enum status check_misplaced(struct place *p)
{
	enum status st = STATUS_OK;
	uint64_t n = 0, all = 0;

	for (uint16_t i = 0; i < p->map->n_shards && st == STATUS_OK; i++) {
		st = count_rows(p, i, &all);
		if (st != STATUS_OK || all == 0)
			continue;
		st = shard_misplaced_rows(p->map->shards[i].dsn, p->map, i, &p->as, &n, p->err);
		if (st != STATUS_OK || n == 0)
			continue;
		err_set(p->err, STATUS_UNROUTED,
			"%llu of the %llu rows of table \"%s\" on shard %s belong to other shards",
			(unsigned long long)n, (unsigned long long)all, p->as.name,
			p->map->shards[i].name);
		err_hint(
			p->err,
			"This version does not move rows: unload the table, empty it, shard it and "
			"load it again through the proxy.");
		st = p->err->status;
	}
	return st;
}

static enum status check_sharded(struct place *p, const struct catalog_sharding *as)
{
	const char *const *columns = as->columns;
	unsigned n = as->n_columns;
	const struct schema_relation *r;
	uint32_t types[MAP_MAX_KEYS];
	enum status st = check_unplaced(p);

	if (st == STATUS_OK)
		st = place_check_table(p->schema, p->as.schema, p->as.name, &r, p->err);
	if (st == STATUS_OK)
		st = place_check_keys(&p->home, r, columns, n, types, p->err);
	if (st == STATUS_OK)
		st = place_check_unique(r, as, p->err);
	if (st == STATUS_OK)
		st = take_distribution(p, types, n, as->distribution);
	if (st == STATUS_OK && p->map->n_shards > 1)
		st = place_check_foreign(&p->home, p->map, &p->as, p->err);
	return st;
}

enum status catalog_shard_table(struct catalog *c, const char *user, const char *schema,
				const char *name, const struct catalog_sharding *as,
				struct err *err)
{
	unsigned n_columns = as->n_columns;
	struct place p;
	enum status st;
	bool changed;

	if (n_columns == 0 || n_columns > MAP_MAX_KEYS)
		return err_set(err, STATUS_INVALID, "a shard key has 1 to %d columns",
			       MAP_MAX_KEYS);
	st = sequences_sync(c, user, true, &changed, err); /* what was unsharded is given back */
	if (st != STATUS_OK)
		return st;
	st = place_begin(&p, c, user, "SHARD TABLE", schema, name, err);
	p.sharding = as;
	p.as.kind = MAP_SHARDED;
	p.as.n_keys = (uint16_t)n_columns;
	memcpy(p.as.key_columns, as->columns, n_columns * sizeof(*as->columns));
	if (st == STATUS_OK)
		st = check_sharded(&p, as);
	if (st == STATUS_OK)
		st = make_copies(&p);
	if (st == STATUS_OK)
		st = fence_all(&p);
	if (st == STATUS_OK)
		st = check_copies(&p);
	if (st == STATUS_OK)
		st = check_misplaced(&p);
	if (st == STATUS_OK)
		st = switch_map(&p, "SHARD TABLE", &p.as, check_again);
	return place_end(&p, st);
}

/* ---- REFERENCE TABLE ---- */

/* The home shard's rows go to every other one, whose copies must be empty. */
static enum status spread_rows(struct place *p)
{
	const struct shard_map *map = p->map;
	enum status st = STATUS_OK;

	for (uint16_t i = 0; i < map->n_shards && st == STATUS_OK; i++) {
		if (i == map->home)
			continue;
		st = check_empty(p, i, "Empty it there: the home shard's rows will be copied.");
		if (st == STATUS_OK)
			st = place_copy_rows(map->shards[map->home].dsn, map->shards[i].dsn,
					     p->as.schema, p->as.name, p->err);
	}
	return st;
}

enum status catalog_reference_table(struct catalog *c, const char *user, const char *schema,
				    const char *name, struct err *err)
{
	const struct schema_relation *r;
	struct place p;
	bool changed;
	enum status st = sequences_sync(c, user, true, &changed, err);

	if (st != STATUS_OK)
		return st;
	st = place_begin(&p, c, user, "REFERENCE TABLE", schema, name, err);
	p.as.kind = MAP_REFERENCE;
	if (st == STATUS_OK)
		st = check_unplaced(&p);
	if (st == STATUS_OK)
		st = place_check_table(p.schema, schema, name, &r, err);
	if (st == STATUS_OK && p.map->n_shards > 1)
		st = place_check_foreign(&p.home, p.map, &p.as, err);
	if (st == STATUS_OK)
		st = make_copies(&p);
	if (st == STATUS_OK) /* writes take the home shard's lock first: one fence is enough */
		st = place_fence_add(&p.fence, p.map->shards[p.map->home].dsn, schema, name, err);
	if (st == STATUS_OK)
		st = check_copies(&p);
	if (st == STATUS_OK)
		st = spread_rows(&p);
	if (st == STATUS_OK)
		st = switch_map(&p, "REFERENCE TABLE", &p.as, check_again);
	return place_end(&p, st);
}

/* ---- SINGLE TABLE ---- */

enum status catalog_single_table(struct catalog *c, const char *user, const char *schema,
				 const char *name, const char *shard, struct err *err)
{
	const struct schema_relation *r;
	struct place p;
	int at = -1;
	enum status st = place_begin(&p, c, user, "SINGLE TABLE", schema, name, err);

	p.as.kind = MAP_SINGLE;
	if (st == STATUS_OK && (at = map_find_shard(p.map, shard)) < 0)
		st = err_set(err, STATUS_UNDEFINED, "shard \"%s\" does not exist", shard);
	if (st == STATUS_OK)
		st = check_unplaced(&p);
	if (st == STATUS_OK)
		st = place_check_table(p.schema, schema, name, &r, err);
	p.as.home = (uint16_t)at;
	if (st == STATUS_OK && p.as.home != p.map->home) {
		st = place_check_foreign(&p.home, p.map, &p.as, err);
		if (st == STATUS_OK)
			st = make_copy(&p, p.as.home);
		if (st == STATUS_OK)
			st = place_fence_add(&p.fence, p.map->shards[p.map->home].dsn, schema, name,
					     err);
		if (st == STATUS_OK)
			st = check_copy(&p, p.as.home);
		if (st == STATUS_OK)
			st = check_empty(&p, p.map->home,
					 "This version does not move rows: unload it first.");
	}
	if (st == STATUS_OK)
		st = switch_map(&p, "SINGLE TABLE", &p.as, check_again);
	return place_end(&p, st);
}

/* ---- UNSHARD TABLE ---- */

/* Only the home shard has rows; a reference table's copies are the same everywhere. */
static enum status check_all_home(struct place *p, const struct map_table *t)
{
	enum status st = STATUS_OK;

	for (uint16_t i = 0; i < p->map->n_shards && st == STATUS_OK; i++) {
		bool has_copy = t->kind == MAP_SHARDED || (t->kind == MAP_SINGLE && t->home == i);

		if (i != p->map->home && has_copy)
			st = check_empty(p, i,
					 "This version does not move rows: unload them first.");
	}
	return st;
}

static enum status fence_placed(struct place *p, const struct map_table *t)
{
	if (t->kind == MAP_SINGLE)
		return place_fence_add(&p->fence, p->map->shards[t->home].dsn, t->schema, t->name,
				       p->err);
	return fence_all(p);
}

static enum status check_fence(struct place *p)
{
	return place_fence_check(&p->fence, p->err);
}

enum status catalog_unshard_table(struct catalog *c, const char *user, const char *schema,
				  const char *name, struct err *err)
{
	const struct map_table *t = NULL;
	struct place p;
	enum status st = place_begin(&p, c, user, "UNSHARD TABLE", schema, name, err);

	if (st == STATUS_OK && !(t = map_find_table(p.map, schema, name))) {
		st = err_set(err, STATUS_UNDEFINED,
			     "table \"%s\" is neither sharded nor a reference table", name);
		err_hint(err, "SHOW TABLES; lists what is.");
	}
	if (st == STATUS_OK)
		st = fence_placed(&p, t);
	if (st == STATUS_OK)
		st = check_all_home(&p, t);
	if (st == STATUS_OK)
		st = switch_map(&p, "UNSHARD TABLE", NULL, check_fence);
	for (uint16_t i = 0; st == STATUS_OK && i < p.map->n_shards; i++)
		if (i != p.map->home && (t->kind != MAP_SINGLE || t->home == i))
			drop_copy(&p, i);
	return place_end(&p, st);
}
