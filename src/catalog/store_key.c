/* The keys of directories: looked up, and placed on first sight.
 *
 * Happy path: the key's row is there, and names its shard. If not, and it is to be placed: the
 * distribution's row is locked, which lets one proxy place at a time; the key is looked up
 * again, for another may have placed it meanwhile; a shard is chosen and the row written.
 * Failure modes: the catalog cannot be reached: the statement fails. The statement fails after
 * the key was placed: the key keeps its shard, without rows. */
#include <stdio.h>
#include <stdlib.h>

#include "key_read.h"
#include "store_internal.h"

struct key_request {
	struct pq *pq;
	const char *user;
	const struct map_distribution *dist;
	struct arena arena;
	char id[24];
	const char *hex;
};

static enum status look_up(struct key_request *k, uint32_t *shard_id, struct err *err)
{
	uint64_t id;
	enum status st = pq_u64(
		k->pq, err, &id,
		"SELECT coalesce((SELECT shard FROM mosaic.keys WHERE distribution = $1::int AND "
		"key = pg_catalog.decode($2, 'hex')), 0)",
		2, k->id, k->hex);

	*shard_id = (uint32_t)id;
	return st;
}

/* The shard for a new key, and the lock of the distribution's row. */
static enum status choose(struct key_request *k, uint64_t *shard, struct err *err)
{
	static const char round_robin[] =
		"SELECT s.id FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, "
		"count(*) OVER () AS n FROM mosaic.shards WHERE weight > 0) s WHERE s.place = "
		"(SELECT next_slot FROM mosaic.distributions WHERE id = $1::int) % s.n";
	static const char least_loaded[] =
		"SELECT s.id FROM mosaic.shards s LEFT JOIN mosaic.keys k ON k.shard = s.id AND "
		"k.distribution = $1::int WHERE s.weight > 0 GROUP BY s.id, s.weight "
		"ORDER BY count(k.key)::numeric / s.weight, s.id LIMIT 1";
	static const char on_shard[] =
		"SELECT policy_shard FROM mosaic.distributions WHERE id = $1::int";
	static const char *const queries[] = { round_robin, least_loaded, on_shard };
	enum status st = pq_u64(k->pq, err, shard, queries[k->dist->policy], 1, k->id);

	if (st != STATUS_UNDEFINED)
		return st;
	err_set_code(err, STATUS_INVALID, "55000", "no shard may take a new key of \"%s\"",
		     k->dist->name);
	err_hint(err, "ALTER SHARD name SET (weight = 1) for those that may own rows.");
	return err->status;
}

static enum status write_key(struct key_request *k, uint64_t shard, const uint8_t *key, size_t n,
			     struct err *err)
{
	const char *texts[MAP_MAX_KEYS] = { NULL }, *shown = "";
	char id[24];
	enum status st;

	key_texts(&k->arena, k->dist, key, n, texts);
	for (unsigned i = 0; i < k->dist->n_keys; i++) {
		shown = arena_printf(&k->arena, "%s%s%s", shown, i ? ", " : "",
				     texts[i] ? pq_literal(&k->arena, texts[i]) : "NULL");
	}
	snprintf(id, sizeof(id), "%llu", (unsigned long long)shard);
	st = pq_run(k->pq, err, NULL,
		    "INSERT INTO mosaic.keys (distribution, key, key_text, shard) VALUES ($1::int, "
		    "pg_catalog.decode($2, 'hex'), $3::text[], $4::int)",
		    4, k->id, k->hex, key_array(&k->arena, texts, k->dist->n_keys), id);
	if (st == STATUS_OK)
		st = pq_run(
			k->pq, err, NULL,
			"INSERT INTO mosaic.audit (user_name, epoch, what) SELECT $1, epoch, $2 "
			"FROM mosaic.cluster",
			2, k->user,
			arena_printf(&k->arena, "PLACE KEY (%s) OF %s, on first sight", shown,
				     k->dist->name));
	return st == STATUS_OK ? pq_exec(k->pq, "COMMIT", err) : st;
}

static enum status place(struct key_request *k, const uint8_t *key, size_t n, uint32_t *shard_id,
			 struct err *err)
{
	uint64_t shard = 0;
	enum status st = pq_exec(k->pq, "BEGIN ISOLATION LEVEL READ COMMITTED", err);

	if (st == STATUS_OK)
		st = pq_run(k->pq, err, NULL,
			    "UPDATE mosaic.distributions SET next_slot = next_slot + 1 WHERE id = "
			    "$1::int",
			    1, k->id);
	if (st == STATUS_OK)
		st = look_up(k, shard_id, err);
	if (st != STATUS_OK || *shard_id)
		return st;
	st = choose(k, &shard, err);
	if (st == STATUS_OK)
		st = write_key(k, shard, key, n, err);
	if (st == STATUS_OK)
		*shard_id = (uint32_t)shard;
	return st;
}

enum status catalog_find_key(struct catalog *c, const char *user,
			     const struct map_distribution *dist, const uint8_t *key, size_t n,
			     bool places, uint32_t *shard_id, struct err *err)
{
	struct key_request k = { .pq = &c->pq, .user = user ? user : "", .dist = dist };
	enum status st = catalog_enter(c, err);

	*shard_id = 0;
	if (st != STATUS_OK)
		return st;
	arena_init(&k.arena, 0);
	snprintf(k.id, sizeof(k.id), "%u", dist->id);
	k.hex = key_hex(&k.arena, key, n);
	st = look_up(&k, shard_id, err);
	if (st == STATUS_OK && !*shard_id && places)
		st = place(&k, key, n, shard_id, err);
	arena_finish(&k.arena);
	catalog_leave(c);
	return st;
}

/* ---- SHOW KEYS ---- */

static const char *join_values(struct arena *a, const char *array)
{
	const char *items[MAP_MAX_KEYS], *text = "";
	unsigned n = pq_array(a, array, items, MAP_MAX_KEYS);

	for (unsigned i = 0; i < n; i++)
		text = arena_printf(a, "%s%s%s", text, i ? ", " : "", items[i] ? items[i] : "NULL");
	return text;
}

/* `column` (< 0: none) is an array to be joined. */
static enum status list_rows(struct catalog *c, PGresult *res, int column, catalog_row_fn row,
			     void *ctx, struct err *err)
{
	enum status st = res ? STATUS_OK : err->status;
	struct arena a;

	arena_init(&a, 0);
	for (int i = 0; res && i < PQntuples(res); i++) {
		const char *values[4];

		for (int k = 0; k < 4; k++)
			values[k] = k == column ? join_values(&a, PQgetvalue(res, i, k))
						: PQgetvalue(res, i, k);
		row(ctx, values);
	}
	PQclear(res);
	arena_finish(&a);
	catalog_leave(c);
	return st;
}

enum status catalog_list_keys(struct catalog *c, const char *distribution, catalog_row_fn row,
			      void *ctx, struct err *err)
{
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	return list_rows(
		c,
		pq_query(&c->pq, err,
			 "SELECT d.name, k.key_text, s.name, k.placed_at FROM mosaic.keys k "
			 "JOIN mosaic.distributions d ON d.id = k.distribution "
			 "JOIN mosaic.shards s ON s.id = k.shard "
			 "WHERE $1::text IS NULL OR d.name = $1 ORDER BY d.name, k.key_text",
			 1, distribution),
		1, row, ctx, err);
}

enum status catalog_list_audit(struct catalog *c, catalog_row_fn row, void *ctx, struct err *err)
{
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	return list_rows(
		c,
		pq_query(&c->pq, err,
			 "SELECT at, user_name, epoch, what FROM mosaic.audit ORDER BY id DESC "
			 "LIMIT 1000",
			 0),
		-1, row, ctx, err);
}
