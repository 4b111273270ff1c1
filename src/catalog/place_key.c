/* PLACE KEY: one key placed by hand.
 *
 * Happy path: the key lies where it is to be: its row in mosaic.keys pins it there. Else no table
 * may have a row of it: writes to the tables of the distribution are fenced on both shards, their
 * rows are looked at, the map is changed, and the fence is lifted when every proxy has it.
 * Failure modes: rows of the key are found, a writer does not end, or a proxy does not follow:
 * nothing has changed, or it is changed back. */
#include <stdio.h>
#include <string.h>

#include "key_read.h"
#include "map_lock.h"
#include "pgmosaic/catalog/proxy.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/catalog/shard.h"
#include "pgmosaic/key/type.h"
#include "place.h"
#include "shard_internal.h"
#include "store_internal.h"

struct pin {
	struct catalog *c;
	struct map_lock lock;
	bool keeps_fence; /* what the map says and what is true may differ */
	const char *user;
	struct shard_map *map;
	const struct map_distribution *dist;
	struct arena arena;
	struct place_fence fence;
	const char *texts[MAP_MAX_KEYS]; /* as PostgreSQL prints them */
	uint8_t *key;
	size_t n;
	const char *shown;
	uint16_t to, from;
	bool has_owner, is_placed;
	struct err *err;
};

/* ---- what it is about ---- */

static enum status find_names(struct pin *p, const char *distribution, const char *shard)
{
	int d = map_find_distribution(p->map, distribution), s = map_find_shard(p->map, shard);

	if (d < 0) {
		err_set(p->err, STATUS_UNDEFINED, "distribution \"%s\" does not exist",
			distribution);
		err_hint(p->err, "SHOW DISTRIBUTIONS; lists them.");
		return p->err->status;
	}
	if (s < 0) {
		err_set(p->err, STATUS_UNDEFINED, "shard \"%s\" does not exist", shard);
		err_hint(p->err, "SHOW SHARDS; lists them.");
		return p->err->status;
	}
	p->dist = &p->map->distributions[d];
	p->to = (uint16_t)s;
	return STATUS_OK;
}

static enum status read_key(struct pin *p, const char *const *values, unsigned n)
{
	struct key_value key[MAP_MAX_KEYS];
	uint16_t known;
	enum status st = key_read_all(&p->arena, p->dist, values, n, key, p->err);

	if (st != STATUS_OK)
		return st;
	p->n = key_canonical_size(key, n);
	p->key = arena_alloc(&p->arena, p->n);
	key_canonical(key, n, p->key);
	key_texts(&p->arena, p->dist, p->key, p->n, p->texts);
	p->shown = "";
	for (unsigned i = 0; i < n; i++)
		p->shown = arena_printf(&p->arena, "%s%s%s", p->shown, i ? ", " : "",
					p->texts[i] ? pq_literal(&p->arena, p->texts[i]) : "NULL");
	p->has_owner = map_shard_of_key(p->dist, key, &p->from);
	p->is_placed = map_find_key(p->dist, p->key, p->n, &known);
	return STATUS_OK;
}

/* ---- rows of the key ---- */

static const char *key_condition(struct pin *p, const struct map_table *t)
{
	const char *text = "";

	for (unsigned i = 0; i < t->n_keys; i++) {
		const char *column = pq_ident(&p->arena, t->key_columns[i]);
		const char *type = key_type_of(p->dist->key_types[i])->names[0];

		text = arena_printf(&p->arena, "%s%s", text, i ? " AND " : "");
		text = p->texts[i] ? arena_printf(&p->arena, "%s%s = %s::%s", text, column,
						  pq_literal(&p->arena, p->texts[i]),
						  strcmp(type, "character") ? type : "bpchar")
				   : arena_printf(&p->arena, "%s%s IS NULL", text, column);
	}
	return text;
}

static enum status check_no_rows(struct pin *p, struct pq *pq, const struct map_table *t)
{
	uint64_t n = 0;
	enum status st = pq_u64(pq, p->err, &n,
				arena_printf(&p->arena, "SELECT count(*) FROM %s.%s WHERE %s",
					     pq_ident(&p->arena, t->schema),
					     pq_ident(&p->arena, t->name), key_condition(p, t)),
				0);

	if (st != STATUS_OK || n == 0)
		return st;
	err_set(p->err, STATUS_UNROUTED, "key (%s) has %llu rows in table \"%s\" on shard %s",
		p->shown, (unsigned long long)n, t->name, p->map->shards[p->from].name);
	err_hint(p->err,
		 "PLACE KEY moves no rows: place a key before its first row comes, or on the "
		 "shard where it lies.");
	return p->err->status;
}

static bool is_table_of(const struct pin *p, const struct map_table *t)
{
	return t->kind == MAP_SHARDED && &p->map->distributions[t->distribution] == p->dist;
}

/* A table that bootstrap has declared may not exist yet. */
static enum status fence_table(struct pin *p, struct pq *pq, uint16_t shard,
			       const struct map_table *t)
{
	char kind = 0;
	enum status st = place_relkind(pq, t->schema, t->name, &kind, p->err);

	if (st != STATUS_OK || !kind)
		return st;
	st = place_fence_add(&p->fence, p->map->shards[shard].dsn, t->schema, t->name, p->err);
	return st == STATUS_OK && shard == p->from ? check_no_rows(p, pq, t) : st;
}

static enum status fence_shard(struct pin *p, uint16_t shard)
{
	struct pq pq = { .pg = NULL };
	enum status st =
		pq_open(&pq, NULL, p->map->shards[shard].dsn, SHARD_CONNECT_TIMEOUT_S, p->err);

	for (uint32_t i = 0; i < p->map->n_tables && st == STATUS_OK; i++)
		if (is_table_of(p, &p->map->tables[i]))
			st = fence_table(p, &pq, shard, &p->map->tables[i]);
	pq_close(&pq);
	return st;
}

/* ---- the change ---- */

static enum status put_key(struct pin *p, struct pq *pq, uint16_t shard)
{
	const char *shard_id = arena_printf(&p->arena, "%u", p->map->shards[shard].id);
	const char *id = arena_printf(&p->arena, "%u", p->dist->id);
	uint64_t n = 0;
	/* A directory's key may have been placed on first sight since the map was read. */
	enum status st = pq_run(
		pq, p->err, &n,
		p->has_owner
			? "INSERT INTO mosaic.keys (distribution, key, key_text, shard) VALUES "
			  "($1::int, pg_catalog.decode($2, 'hex'), $3::text[], $4::int) "
			  "ON CONFLICT (distribution, key) DO UPDATE SET shard = excluded.shard"
			: "INSERT INTO mosaic.keys (distribution, key, key_text, shard) VALUES "
			  "($1::int, pg_catalog.decode($2, 'hex'), $3::text[], $4::int) "
			  "ON CONFLICT (distribution, key) DO NOTHING",
		4, id, key_hex(&p->arena, p->key, p->n),
		key_array(&p->arena, p->texts, p->dist->n_keys), shard_id);

	if (st != STATUS_OK || n == 1)
		return st;
	err_set_code(p->err, STATUS_CATALOG, "40001", "key (%s) was placed meanwhile", p->shown);
	err_hint(p->err, "SHOW KEYS OF %s; tells where. Give the command again.", p->dist->name);
	return p->err->status;
}

static enum status drop_key(struct pin *p, struct pq *pq)
{
	return pq_run(pq, p->err, NULL,
		      "DELETE FROM mosaic.keys WHERE distribution = $1::int AND key = "
		      "pg_catalog.decode($2, 'hex')",
		      2, arena_printf(&p->arena, "%u", p->dist->id),
		      key_hex(&p->arena, p->key, p->n));
}

static enum status change(struct pin *p, uint64_t *epoch)
{
	struct change ch;
	enum status st = change_begin_on(&ch, &p->lock.pq, p->user, p->err);

	if (st == STATUS_OK)
		st = change_check_epoch(&ch, p->map->epoch, p->err);
	if (st != STATUS_OK)
		return st;
	*epoch = ch.epoch + 1;
	st = put_key(p, ch.pq, p->to);
	if (st == STATUS_OK)
		return change_commit(&ch, p->err, "PLACE KEY (%s) OF %s ON SHARD %s", p->shown,
				     p->dist->name, p->map->shards[p->to].name);
	change_cancel(&ch);
	return st;
}

static enum status undo(struct pin *p, uint64_t *epoch)
{
	struct change ch;
	enum status st = change_begin_on(&ch, &p->lock.pq, p->user, p->err);

	if (st != STATUS_OK)
		return st;
	*epoch = ch.epoch + 1;
	st = p->is_placed ? put_key(p, ch.pq, p->from) : drop_key(p, ch.pq);
	if (st == STATUS_OK)
		return change_commit(&ch, p->err, "UNDO PLACE KEY (%s) OF %s", p->shown,
				     p->dist->name);
	change_cancel(&ch);
	return st;
}

/* The fence stays where it cannot be made sure that nobody uses the change. */
static void change_back(struct pin *p, uint64_t bad)
{
	struct err why = *p->err;
	uint64_t epoch = 0;
	enum status st = undo(p, &epoch);

	if (st == STATUS_OK)
		st = proxy_agree_undone(p->c, bad, epoch, NULL, p->err);
	if (st != STATUS_OK) {
		p->keeps_fence = true;
		log_error(LOG_ERROR, "a change of the shard map could not be taken back everywhere",
			  p->err);
	}
	*p->err = why;
}

static enum status move_empty(struct pin *p)
{
	uint64_t epoch = 0;
	enum status st = fence_shard(p, p->from);

	if (st == STATUS_OK)
		st = fence_shard(p, p->to);
	if (st == STATUS_OK)
		st = change(p, &epoch);
	if (st != STATUS_OK)
		return st;
	st = proxy_agree(p->c, epoch, NULL, p->err);
	if (st == STATUS_OK)
		st = place_fence_check(&p->fence, p->err);
	if (st == STATUS_OK)
		proxy_refuse_older(p->c, epoch);
	else
		change_back(p, epoch);
	return st;
}

/* A directory's key that this map lacks may be placed already. */
static enum status look_up(struct pin *p)
{
	uint32_t id = 0;
	enum status st = STATUS_OK;

	if (!p->has_owner)
		st = catalog_find_key(p->c, p->user, p->dist, p->key, p->n, false, &id, p->err);
	for (uint16_t i = 0; id && i < p->map->n_shards; i++) {
		if (p->map->shards[i].id != id)
			continue;
		p->has_owner = p->is_placed = true;
		p->from = i;
	}
	return st;
}

enum status catalog_place_key(struct catalog *c, const char *user, const char *distribution,
			      const char *const *values, unsigned n_values, const char *shard,
			      struct err *err)
{
	struct pin p = { .c = c, .user = user, .err = err };
	uint64_t epoch;
	enum status st;

	arena_init(&p.arena, 0);
	place_fence_init(&p.fence);
	st = map_lock_take(&p.lock, c, "PLACE KEY", err);
	if (st == STATUS_OK)
		st = catalog_load_map(c, &p.map, err);
	if (st == STATUS_OK)
		st = find_names(&p, distribution, shard);
	if (st == STATUS_OK)
		st = read_key(&p, values, n_values);
	if (st == STATUS_OK)
		st = look_up(&p);
	if (st == STATUS_OK && p.has_owner && p.from != p.to)
		st = move_empty(&p);
	else if (st == STATUS_OK && (!p.is_placed || p.from != p.to))
		st = change(&p, &epoch);
	if (p.keeps_fence)
		place_fence_leave(&p.fence);
	else
		place_fence_lift(&p.fence);
	map_lock_give(&p.lock);
	arena_finish(&p.arena);
	map_destroy(p.map);
	return st;
}
