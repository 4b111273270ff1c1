/* SPLIT CHUNK, MERGE CHUNKS and DROP DISTRIBUTION: metadata only, no row changes its shard. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "key_read.h"
#include "pgmosaic/key/value.h"
#include "store_internal.h"

enum status range_splits_read(struct arena *a, uint32_t type, const char *const *texts, unsigned n,
			      const char **out, struct err *err)
{
	struct key_value last = { .kind = KEY_VALUE_NULL }, value;

	for (unsigned i = 0; i < n; i++) {
		if (key_read(a, type, texts[i], &value, err) != STATUS_OK)
			return err->status;
		if (key_compare(&last, &value) >= 0) {
			err_set(err, STATUS_INVALID, "the split \"%s\" does not lie above \"%s\"",
				texts[i], texts[i - 1]);
			err_hint(err, "Give the splits in ascending order, each once.");
			return err->status;
		}
		out[i] = value_text(a, type, &value);
		last = value;
	}
	return STATUS_OK;
}

/* ---- the distribution as it is now, inside a change ---- */

struct chunk_change {
	struct change ch;
	struct shard_map *map;
	const struct map_distribution *d;
	struct arena arena;
	char id[24];
	uint32_t next_chunk;
};

static enum status find_distribution(struct chunk_change *c, const char *name, struct err *err)
{
	int at = map_find_distribution(c->map, name);

	if (at < 0) {
		err_set(err, STATUS_UNDEFINED, "distribution \"%s\" does not exist", name);
		err_hint(err, "SHOW DISTRIBUTIONS; lists them.");
		return err->status;
	}
	c->d = &c->map->distributions[at];
	snprintf(c->id, sizeof(c->id), "%u", c->d->id);
	for (uint32_t i = 0; i < c->d->n_chunks; i++)
		if (c->d->chunks[i].id >= c->next_chunk)
			c->next_chunk = c->d->chunks[i].id + 1;
	return STATUS_OK;
}

/* The map is read before the change locks it: of two commands at once one is told to come again. */
static enum status chunk_change_begin(struct chunk_change *c, struct catalog *catalog,
				      const char *user, const char *name, struct err *err)
{
	enum status st;

	*c = (struct chunk_change){ .next_chunk = 1 };
	st = catalog_load_map(catalog, &c->map, err);
	if (st != STATUS_OK)
		return st;
	st = find_distribution(c, name, err);
	if (st == STATUS_OK)
		st = change_begin_at(&c->ch, catalog, user, c->map->epoch, err);
	if (st != STATUS_OK) {
		map_destroy(c->map);
		return st;
	}
	arena_init(&c->arena, 0);
	return STATUS_OK;
}

static void chunk_change_end(struct chunk_change *c)
{
	arena_finish(&c->arena);
	map_destroy(c->map);
}

static enum status find_chunk(const struct map_distribution *d, uint32_t id, uint32_t *at,
			      struct err *err)
{
	for (*at = 0; *at < d->n_chunks; (*at)++)
		if (d->chunks[*at].id == id)
			return STATUS_OK;
	err_set(err, STATUS_UNDEFINED, "distribution \"%s\" has no chunk %u", d->name, id);
	err_hint(err, "SHOW CHUNKS OF %s; lists them.", d->name);
	return err->status;
}

/* ---- SPLIT CHUNK ---- */

static enum status outside(const struct chunk_change *c, const char *at, uint32_t chunk,
			   struct err *err)
{
	err_set(err, STATUS_INVALID, "\"%s\" does not lie inside of chunk %u", at, chunk);
	err_hint(err,
		 "A split must be above the chunk's lower bound and not above its upper one; "
		 "several ascend. SHOW CHUNKS OF %s; shows the bounds.",
		 c->d->name);
	return err->status;
}

static enum status add_chunk(struct chunk_change *c, const char *lo, const char *hi,
			     const char *bound, uint16_t shard, struct err *err)
{
	char id[24], shard_id[24];

	snprintf(id, sizeof(id), "%u", c->next_chunk++);
	snprintf(shard_id, sizeof(shard_id), "%u", c->map->shards[shard].id);
	return pq_run(c->ch.pq, err, NULL,
		      "INSERT INTO mosaic.chunks (distribution, id, lo, hi, shard, bound) VALUES "
		      "($1::int, $2::int, $3::bigint, $4::bigint, $5::int, $6)",
		      6, c->id, id, lo, hi, shard_id, bound);
}

/* [lo, hi] becomes [lo, at - 1] and [at, hi]; then the latter is split further. */
static enum status split_hash(struct chunk_change *c, const struct map_chunk *chunk,
			      const char *const *at, unsigned n, struct err *err)
{
	int64_t last = chunk->lo, *points = arena_array(&c->arena, int64_t, n + 1);
	enum status st = STATUS_OK;

	for (unsigned i = 0; i < n; i++) {
		char *end;

		errno = 0;
		points[i] = strtoll(at[i], &end, 10);
		if (errno || *end || end == at[i])
			return err_set(err, STATUS_INVALID, "\"%s\" is no 64-bit hash", at[i]);
		if (points[i] <= last || points[i] > chunk->hi)
			return outside(c, at[i], chunk->id, err);
		last = points[i];
	}
	st = pq_run(
		c->ch.pq, err, NULL,
		"UPDATE mosaic.chunks SET hi = $3::bigint WHERE distribution = $1::int AND id = "
		"$2::int",
		3, c->id, arena_printf(&c->arena, "%u", chunk->id),
		arena_printf(&c->arena, "%lld", (long long)(points[0] - 1)));
	for (unsigned i = 0; i < n && st == STATUS_OK; i++) {
		int64_t hi = i + 1 < n ? points[i + 1] - 1 : chunk->hi;

		st = add_chunk(c, arena_printf(&c->arena, "%lld", (long long)points[i]),
			       arena_printf(&c->arena, "%lld", (long long)hi), NULL, chunk->shard,
			       err);
	}
	return st;
}

static enum status split_range(struct chunk_change *c, uint32_t chunk, const char *const *at,
			       unsigned n, struct err *err)
{
	const struct map_chunk *this = &c->d->chunks[chunk];
	const char **texts = arena_array(&c->arena, const char *, n + 1);
	enum status st = range_splits_read(&c->arena, c->d->key_types[0], at, n, texts, err);

	for (unsigned i = 0; i < n && st == STATUS_OK; i++) {
		struct key_value value;

		st = key_read(&c->arena, c->d->key_types[0], texts[i], &value, err);
		if (st != STATUS_OK)
			return st;
		if (map_range_chunk(c->d, &value) != chunk || key_compare(&this->from, &value) == 0)
			return outside(c, at[i], this->id, err);
		st = add_chunk(c, NULL, NULL, texts[i], this->shard, err);
	}
	return st;
}

enum status catalog_split_chunk(struct catalog *catalog, const char *user, const char *distribution,
				uint32_t chunk, const char *const *at, unsigned n_at,
				struct err *err)
{
	struct chunk_change c;
	uint32_t i;
	enum status st = chunk_change_begin(&c, catalog, user, distribution, err);

	if (st != STATUS_OK)
		return st;
	st = find_chunk(c.d, chunk, &i, err);
	if (st == STATUS_OK && n_at == 0)
		st = err_set(err, STATUS_INVALID, "SPLIT CHUNK needs a value to split at");
	if (st == STATUS_OK)
		st = c.d->method == MAP_HASH ? split_hash(&c, &c.d->chunks[i], at, n_at, err)
					     : split_range(&c, i, at, n_at, err);
	if (st == STATUS_OK)
		st = change_commit(&c.ch, err, "SPLIT CHUNK %u OF %s AT %s%s", chunk, distribution,
				   at[0], n_at > 1 ? ", …" : "");
	else
		change_cancel(&c.ch);
	chunk_change_end(&c);
	return st;
}

/* ---- MERGE CHUNKS ---- */

static enum status merge(struct chunk_change *c, uint32_t a, uint32_t b, struct err *err)
{
	const struct map_chunk *low, *high;
	enum status st;

	if (a > b)
		return merge(c, b, a, err);
	low = &c->d->chunks[a];
	high = &c->d->chunks[b];
	if (b != a + 1) {
		err_set(err, STATUS_INVALID, "chunks %u and %u are no neighbours", low->id,
			high->id);
		err_hint(err, "SHOW CHUNKS OF %s; lists them in their order.", c->d->name);
		return err->status;
	}
	if (low->shard != high->shard) {
		err_set_code(err, STATUS_INVALID, "55000",
			     "chunk %u is on shard %s and chunk %u on shard %s", low->id,
			     c->map->shards[low->shard].name, high->id,
			     c->map->shards[high->shard].name);
		err_hint(err, "Only chunks on one shard can be merged.");
		return err->status;
	}
	st = pq_run(c->ch.pq, err, NULL,
		    "DELETE FROM mosaic.chunks WHERE distribution = $1::int AND id = $2::int", 2,
		    c->id, arena_printf(&c->arena, "%u", high->id));
	if (st != STATUS_OK || c->d->method == MAP_RANGE)
		return st;
	return pq_run(
		c->ch.pq, err, NULL,
		"UPDATE mosaic.chunks SET hi = $3::bigint WHERE distribution = $1::int AND id "
		"= $2::int",
		3, c->id, arena_printf(&c->arena, "%u", low->id),
		arena_printf(&c->arena, "%lld", (long long)high->hi));
}

enum status catalog_merge_chunks(struct catalog *catalog, const char *user,
				 const char *distribution, uint32_t a, uint32_t b, struct err *err)
{
	struct chunk_change c;
	uint32_t i, k;
	enum status st = chunk_change_begin(&c, catalog, user, distribution, err);

	if (st != STATUS_OK)
		return st;
	st = find_chunk(c.d, a, &i, err);
	if (st == STATUS_OK)
		st = find_chunk(c.d, b, &k, err);
	if (st == STATUS_OK)
		st = merge(&c, i, k, err);
	if (st == STATUS_OK)
		st = change_commit(&c.ch, err, "MERGE CHUNKS %u, %u OF %s", a, b, distribution);
	else
		change_cancel(&c.ch);
	chunk_change_end(&c);
	return st;
}

/* ---- DROP DISTRIBUTION ---- */

static enum status check_no_table(struct chunk_change *c, struct err *err)
{
	uint64_t n;

	for (uint32_t i = 0; i < c->map->n_tables; i++) {
		const struct map_table *t = &c->map->tables[i];

		if (t->kind != MAP_SHARDED || &c->map->distributions[t->distribution] != c->d)
			continue;
		err_set(err, STATUS_IN_USE, "distribution \"%s\" is used by table \"%s\"",
			c->d->name, t->name);
		err_hint(err, "Drop the table or UNSHARD TABLE %s; first.", t->name);
		return err->status;
	}
	if (pq_u64(c->ch.pq, err, &n,
		   "SELECT count(*) FROM mosaic.intent_changes WHERE distribution = $1", 1,
		   c->d->name))
		return err->status;
	if (n == 0)
		return STATUS_OK;
	err_set(err, STATUS_IN_USE, "a table of distribution \"%s\" is being created", c->d->name);
	err_hint(err, "Try again in a moment.");
	return err->status;
}

enum status catalog_drop_distribution(struct catalog *catalog, const char *user, const char *name,
				      bool if_exists, struct err *err)
{
	struct chunk_change c;
	struct err why = ERR_INIT;
	enum status st = chunk_change_begin(&c, catalog, user, name, &why);

	if (st == STATUS_UNDEFINED && if_exists)
		return STATUS_OK;
	if (st != STATUS_OK) {
		*err = why;
		return st;
	}
	st = check_no_table(&c, err);
	if (st == STATUS_OK)
		st = pq_run(c.ch.pq, err, NULL,
			    "DELETE FROM mosaic.distributions WHERE id = $1::int", 1, c.id);
	if (st == STATUS_OK)
		st = change_commit(&c.ch, err, "DROP DISTRIBUTION %s", name);
	else
		change_cancel(&c.ch);
	chunk_change_end(&c);
	return st;
}
