#include "pgmosaic/catalog/map.h"

#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/hash.h"
#include "map_internal.h"
#include "pgmosaic/base/mem.h"

struct shard_map *map_create(void)
{
	struct shard_map *map = mem_zero(1, sizeof(*map));

	arena_init(&map->arena, 0);
	table_init(&map->by_name);
	map->cluster = "";
	return map;
}

void map_destroy(struct shard_map *map)
{
	if (!map)
		return;
	table_finish(&map->by_name);
	for (uint16_t i = 0; i < map->n_distributions; i++)
		map_forget_keys(&map->distributions[i]);
	arena_finish(&map->arena);
	free(map);
}

/* ---- names ---- */

struct table_name {
	const char *schema, *name;
};

static uint64_t table_hash(const char *schema, const char *name)
{
	return hash_bytes(name, strlen(name), hash_bytes(schema, strlen(schema), 0));
}

static bool table_matches(const void *value, const void *key)
{
	const struct map_table *t = value;
	const struct table_name *wanted = key;

	return strcmp(t->name, wanted->name) == 0 && strcmp(t->schema, wanted->schema) == 0;
}

const struct map_table *map_find_table(const struct shard_map *map, const char *schema,
				       const char *name)
{
	struct table_name key = { schema, name };

	return table_find(&map->by_name, table_hash(schema, name), table_matches, &key);
}

static int compare_sequence(const struct map_sequence *s, const char *schema, const char *name)
{
	int order = strcmp(s->schema, schema);

	return order ? order : strcmp(s->name, name);
}

const struct map_sequence *map_find_sequence(const struct shard_map *map, const char *schema,
					     const char *name)
{
	uint32_t lo = 0, hi = map->n_sequences;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int order = compare_sequence(&map->sequences[mid], schema, name);

		if (order == 0)
			return &map->sequences[mid];
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

int map_find_shard(const struct shard_map *map, const char *name)
{
	for (int i = 0; i < map->n_shards; i++)
		if (strcmp(map->shards[i].name, name) == 0)
			return i;
	return -1;
}

int map_find_distribution(const struct shard_map *map, const char *name)
{
	for (int i = 0; i < map->n_distributions; i++)
		if (strcmp(map->distributions[i].name, name) == 0)
			return i;
	return -1;
}

/* ---- sealing ---- */

static enum status seal_shards(struct shard_map *map, struct err *err)
{
	if (map->n_shards > MAP_MAX_SHARDS)
		return err_set(err, STATUS_CATALOG, "the shard map has %u shards; the limit is %u",
			       (unsigned)map->n_shards, (unsigned)MAP_MAX_SHARDS);
	map->home = 0;
	for (uint16_t i = 0; i < map->n_shards; i++) {
		if (map_find_shard(map, map->shards[i].name) != i)
			return err_set(err, STATUS_CATALOG,
				       "the shard map has two shards named \"%s\"",
				       map->shards[i].name);
		if (map->shards[i].id < map->shards[map->home].id)
			map->home = i;
	}
	return STATUS_OK;
}

static int compare_chunks(const void *x, const void *y)
{
	const struct map_chunk *a = x, *b = y;
	int by_range = key_compare(&a->from, &b->from);

	return by_range ? by_range : a->lo < b->lo ? -1 : a->lo > b->lo;
}

/* The chunk must begin where the one before it has ended. */
static enum status check_chunk(const struct shard_map *map, const struct map_distribution *d,
			       uint32_t i, struct err *err)
{
	const struct map_chunk *c = &d->chunks[i];
	bool is_joined =
		i == 0 ? c->lo == INT64_MIN
		       : d->chunks[i - 1].hi != INT64_MAX && c->lo == d->chunks[i - 1].hi + 1;

	if (c->shard >= map->n_shards)
		return err_set(err, STATUS_CATALOG, "chunk %u of distribution \"%s\" has no shard",
			       c->id, d->name);
	if (d->method == MAP_RANGE)
		is_joined = i == 0 ? c->from.kind == KEY_VALUE_NULL
				   : key_compare(&d->chunks[i - 1].from, &c->from) < 0;
	else if (c->lo > c->hi)
		return err_set(err, STATUS_CATALOG, "chunk %u of distribution \"%s\" is empty",
			       c->id, d->name);
	if (is_joined)
		return STATUS_OK;
	return err_set(err, STATUS_CATALOG,
		       "there is a gap or an overlap before chunk %u of distribution \"%s\"", c->id,
		       d->name);
}

static enum status seal_distribution(const struct shard_map *map, struct map_distribution *d,
				     struct err *err)
{
	if (d->n_keys == 0 || d->n_keys > MAP_MAX_KEYS)
		return err_set(err, STATUS_CATALOG, "distribution \"%s\" has %u key columns",
			       d->name, (unsigned)d->n_keys);
	if (map_index_keys(map, d, err) != STATUS_OK)
		return STATUS_CATALOG;
	if (d->method == MAP_DIRECTORY)
		return STATUS_OK;
	if (d->method == MAP_RANGE && d->n_keys != 1)
		return err_set(err, STATUS_CATALOG, "range distribution \"%s\" has %u key columns",
			       d->name, (unsigned)d->n_keys);
	if (d->n_chunks == 0)
		return err_set(err, STATUS_CATALOG, "distribution \"%s\" has no chunk", d->name);
	qsort(d->chunks, d->n_chunks, sizeof(*d->chunks), compare_chunks);
	for (uint32_t i = 0; i < d->n_chunks; i++)
		if (check_chunk(map, d, i, err) != STATUS_OK)
			return STATUS_CATALOG;
	if (d->method == MAP_RANGE || d->chunks[d->n_chunks - 1].hi == INT64_MAX)
		return STATUS_OK;
	return err_set(err, STATUS_CATALOG,
		       "distribution \"%s\" has no chunk for the highest hashes", d->name);
}

static enum status check_sharded(const struct shard_map *map, const struct map_table *t,
				 struct err *err)
{
	if (t->distribution >= map->n_distributions)
		return err_set(err, STATUS_CATALOG, "table %s.%s has no distribution", t->schema,
			       t->name);
	if (t->n_keys != map->distributions[t->distribution].n_keys)
		return err_set(err, STATUS_CATALOG,
			       "table %s.%s has %u key columns, its distribution \"%s\" has %u",
			       t->schema, t->name, (unsigned)t->n_keys,
			       map->distributions[t->distribution].name,
			       (unsigned)map->distributions[t->distribution].n_keys);
	return STATUS_OK;
}

static enum status check_table(const struct shard_map *map, const struct map_table *t,
			       struct err *err)
{
	if (map->n_shards == 0)
		return err_set(err, STATUS_CATALOG, "table %s.%s is in a map without shards",
			       t->schema, t->name);
	switch (t->kind) {
	case MAP_SHARDED: return check_sharded(map, t, err);
	case MAP_REFERENCE: return STATUS_OK;
	case MAP_SINGLE:
		if (t->home < map->n_shards)
			return STATUS_OK;
		return err_set(err, STATUS_CATALOG, "table %s.%s has no shard", t->schema, t->name);
	}
	return err_set(err, STATUS_CATALOG, "table %s.%s is of an unknown kind", t->schema,
		       t->name);
}

static enum status seal_tables(struct shard_map *map, struct err *err)
{
	table_finish(&map->by_name);
	for (uint32_t i = 0; i < map->n_tables; i++) {
		struct map_table *t = &map->tables[i];

		if (check_table(map, t, err) != STATUS_OK)
			return STATUS_CATALOG;
		if (map_find_table(map, t->schema, t->name))
			return err_set(err, STATUS_CATALOG, "table %s.%s is in the shard map twice",
				       t->schema, t->name);
		table_put(&map->by_name, table_hash(t->schema, t->name), t);
	}
	return STATUS_OK;
}

static int order_sequences(const void *x, const void *y)
{
	const struct map_sequence *a = x, *b = y;

	return compare_sequence(a, b->schema, b->name);
}

enum status map_seal(struct shard_map *map, struct err *err)
{
	enum status st = seal_shards(map, err);

	if (map->n_sequences)
		qsort(map->sequences, map->n_sequences, sizeof(*map->sequences), order_sequences);

	for (uint16_t i = 0; i < map->n_distributions && st == STATUS_OK; i++)
		st = seal_distribution(map, &map->distributions[i], err);
	return st == STATUS_OK ? seal_tables(map, err) : st;
}

/* ---- copying ---- */

static const char *copy_text(struct arena *a, const char *text)
{
	return text ? arena_strdup(a, text) : NULL;
}

static void copy_shards(struct shard_map *to, const struct shard_map *from)
{
	struct arena *a = &to->arena;

	to->shards = arena_copy(a, from->shards, sizeof(*from->shards) * from->n_shards);
	for (uint16_t i = 0; i < from->n_shards; i++) {
		struct map_shard *s = &to->shards[i];

		s->name = copy_text(a, s->name);
		s->dsn = copy_text(a, s->dsn);
		s->replicas = copy_text(a, s->replicas);
		s->dbname = copy_text(a, s->dbname);
	}
}

static void copy_distributions(struct shard_map *to, const struct shard_map *from)
{
	struct arena *a = &to->arena;

	to->distributions = arena_copy(a, from->distributions,
				       sizeof(*from->distributions) * from->n_distributions);
	for (uint16_t i = 0; i < from->n_distributions; i++) {
		struct map_distribution *d = &to->distributions[i];

		d->name = copy_text(a, d->name);
		d->chunks = arena_copy(a, d->chunks, sizeof(*d->chunks) * d->n_chunks);
		d->keys = arena_copy(a, d->keys, sizeof(*d->keys) * d->n_placed);
		map_copy_keys(a, d);
	}
}

static void copy_tables(struct shard_map *to, const struct shard_map *from)
{
	struct arena *a = &to->arena;

	to->tables = arena_copy(a, from->tables, sizeof(*from->tables) * from->n_tables);
	for (uint32_t i = 0; i < from->n_tables; i++) {
		struct map_table *t = &to->tables[i];

		t->schema = copy_text(a, t->schema);
		t->name = copy_text(a, t->name);
		for (uint16_t k = 0; k < t->n_keys; k++)
			t->key_columns[k] = copy_text(a, t->key_columns[k]);
	}
}

static void copy_sequences(struct shard_map *to, const struct shard_map *from)
{
	struct arena *a = &to->arena;

	to->sequences =
		arena_copy(a, from->sequences, sizeof(*from->sequences) * from->n_sequences);
	for (uint32_t i = 0; i < from->n_sequences; i++) {
		to->sequences[i].schema = copy_text(a, from->sequences[i].schema);
		to->sequences[i].name = copy_text(a, from->sequences[i].name);
	}
}

struct shard_map *map_copy(const struct shard_map *map)
{
	struct shard_map *copy = map_create();

	copy->epoch = map->epoch;
	copy->cluster = copy_text(&copy->arena, map->cluster);
	copy->home = map->home;
	copy->n_shards = map->n_shards;
	copy->n_distributions = map->n_distributions;
	copy->n_tables = map->n_tables;
	copy->n_sequences = map->n_sequences;
	copy_shards(copy, map);
	copy_distributions(copy, map);
	copy_tables(copy, map);
	copy_sequences(copy, map);
	return copy;
}
