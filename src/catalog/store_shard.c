/* CREATE, ALTER and DROP SHARD. */
#include <stdio.h>
#include <string.h>

#include "place.h"
#include "pgmosaic/catalog/shard.h"
#include "store_internal.h"

static enum status check_name(const char *name, struct err *err)
{
	size_t n = strlen(name);

	if (n > 0 && n < 64)
		return STATUS_OK;
	return err_set(err, STATUS_INVALID, "a shard's name has 1 to 63 bytes");
}

static enum status check_weight(uint64_t weight, struct err *err)
{
	if (weight <= 1000000)
		return STATUS_OK;
	return err_set(err, STATUS_INVALID, "a shard's weight is a number from 0 to 1000000");
}

static enum status check_dsn(const char *dsn, struct err *err)
{
	struct arena a;
	const char *dbname;

	arena_init(&a, 0);
	dbname = pq_dsn_dbname(&a, dsn, err);
	arena_finish(&a);
	return dbname ? STATUS_OK : err->status;
}

/* ---- a new one ---- */

enum status shard_insert(struct pq *pq, const char *name, const char *dsn, const char *replicas,
			 uint32_t weight, struct err *err)
{
	char text[16];
	uint64_t n;

	if (pq_u64(pq, err, &n, "SELECT count(*) FROM mosaic.shards WHERE name = $1", 1, name))
		return err->status;
	if (n)
		return err_set(err, STATUS_DUPLICATE, "shard \"%s\" exists already", name);
	if (pq_u64(pq, err, &n, "SELECT count(*) FROM mosaic.shards", 0))
		return err->status;
	if (n >= MAP_MAX_SHARDS)
		return err_set(err, STATUS_LIMIT, "there are %d shards already, which is the limit",
			       MAP_MAX_SHARDS);
	snprintf(text, sizeof(text), "%u", weight);
	return pq_run(pq, err, NULL,
		      "INSERT INTO mosaic.shards (name, dsn, replicas, weight) "
		      "VALUES ($1, $2, nullif($3, ''), $4::int)",
		      4, name, dsn, replicas, text);
}

/* The first fault that forbids it becomes the error. */
static enum status check_server(const char *dsn, const struct shard_map *map, struct err *err)
{
	struct shard_faults faults;
	enum status st = STATUS_OK;

	for (uint16_t i = 0; i < map->n_shards; i++)
		if (strcmp(map->shards[i].dsn, dsn) == 0)
			return err_set(err, STATUS_DUPLICATE, "shard \"%s\" has the same dsn",
				       map->shards[i].name);
	shard_check(dsn, &faults);
	if (faults.n == 0 && map->n_shards)
		shard_compare(dsn, map->shards[map->home].dsn, &faults);
	if (faults.n) {
		*err = faults.items[0];
		st = err->status;
	}
	shard_faults_finish(&faults);
	return st;
}

static enum status register_shard(struct catalog *c, const char *user, const char *name,
				  const char *dsn, const char *replicas, uint32_t weight,
				  uint64_t *epoch, struct err *err)
{
	struct change ch;
	enum status st = change_begin(&ch, c, user, err);

	if (st != STATUS_OK)
		return st;
	*epoch = ch.epoch + 1;
	st = shard_insert(ch.pq, name, dsn, replicas, weight, err);
	if (st == STATUS_OK)
		return change_commit(&ch, err, "CREATE SHARD %s", name);
	change_cancel(&ch);
	return st;
}

/* DDL that ran while the schema was copied is missing on the new shard. */
static enum status check_drift(const struct shard_map *map, const char *dsn, struct err *err)
{
	bool same;
	enum status st = shard_has_same_schema(map->shards[map->home].dsn, dsn, &same, err);

	if (st != STATUS_OK || same)
		return st;
	err_set(err, STATUS_IN_USE, "tables were made or dropped while the schema was copied");
	err_hint(err, "Give the new shard an empty database again and repeat CREATE SHARD.");
	return err->status;
}

/* Schema and reference tables first, while writes to the reference tables are held off; then
 * the map; the writes go on when every proxy knows the new shard. */
static enum status join_shard(struct catalog *c, const char *user, const char *name,
			      const char *dsn, const char *replicas, uint32_t weight,
			      const struct shard_map *map, struct err *err)
{
	struct place_fence fence;
	uint64_t epoch = 0;
	enum status st;

	place_fence_init(&fence);
	st = shard_copy_schema(map->shards[map->home].dsn, dsn, err);
	if (st == STATUS_OK)
		st = place_fence_references(&fence, map, err);
	if (st == STATUS_OK)
		st = place_copy_references(map, dsn, err);
	if (st == STATUS_OK)
		st = check_drift(map, dsn, err);
	if (st == STATUS_OK)
		st = register_shard(c, user, name, dsn, replicas, weight, &epoch, err);
	if (st == STATUS_OK && fence.n > 0)
		st = catalog_wait_acks(c, epoch, ACKS_TIMEOUT_MS, err);
	place_fence_lift(&fence);
	return st;
}

static enum status create_shard(struct catalog *c, const char *user, const char *name,
				const char *dsn, const char *replicas, uint32_t weight,
				const struct shard_map *map, struct err *err)
{
	uint64_t epoch;
	enum status st;

	if (map_find_shard(map, name) >= 0)
		return err_set(err, STATUS_DUPLICATE, "shard \"%s\" exists already", name);
	st = check_dsn(dsn, err);
	if (st == STATUS_OK)
		st = check_server(dsn, map, err);
	if (st == STATUS_OK)
		st = shard_install(dsn, err);
	if (st != STATUS_OK)
		return st;
	if (map->n_shards)
		return join_shard(c, user, name, dsn, replicas, weight, map, err);
	return register_shard(c, user, name, dsn, replicas, weight, &epoch, err);
}

enum status catalog_create_shard(struct catalog *c, const char *user, const char *name,
				 const char *dsn, const char *replicas, uint32_t weight,
				 struct err *err)
{
	struct shard_map *map = NULL;
	enum status st = check_name(name, err);

	if (st == STATUS_OK)
		st = check_weight(weight, err);
	if (st == STATUS_OK)
		st = catalog_load_map(c, &map, err);
	if (st != STATUS_OK)
		return st;
	if (map_find_shard(map, name) >= 0) {
		map_destroy(map);
		return err_set(err, STATUS_DUPLICATE, "shard \"%s\" exists already", name);
	}
	st = create_shard(c, user, name, dsn, replicas, weight, map, err);
	map_destroy(map);
	return st;
}

/* ---- one that exists ---- */

enum status catalog_alter_shard(struct catalog *c, const char *user, const char *name,
				const char *dsn, const char *replicas, int64_t weight,
				struct err *err)
{
	char text[24];
	struct change ch;
	uint64_t n = 0;
	enum status st = weight < 0 ? STATUS_OK : check_weight((uint64_t)weight, err);

	snprintf(text, sizeof(text), "%lld", (long long)weight);
	if (st == STATUS_OK && dsn)
		st = check_dsn(dsn, err);
	if (st == STATUS_OK && dsn)
		st = shard_install(dsn, err);
	if (st == STATUS_OK)
		st = change_begin(&ch, c, user, err);
	if (st != STATUS_OK)
		return st;
	st = pq_run(
		ch.pq, err, &n,
		"UPDATE mosaic.shards SET dsn = coalesce($2, dsn), "
		"replicas = nullif(coalesce($3, replicas), ''), weight = coalesce($4::int, weight) "
		"WHERE name = $1",
		4, name, dsn, replicas, weight < 0 ? NULL : text);
	if (st == STATUS_OK && n == 0)
		st = err_set(err, STATUS_UNDEFINED, "shard \"%s\" does not exist", name);
	if (st == STATUS_OK)
		return change_commit(&ch, err, "ALTER SHARD %s", name);
	change_cancel(&ch);
	return st;
}

/* Why it may not go: its chunks, its tables, or that it is the home shard of the others. */
static enum status check_unused(struct pq *pq, const char *name, struct err *err)
{
	static const char used_query[] =
		"SELECT (SELECT count(*) FROM mosaic.chunks c WHERE c.shard = s.id), "
		"(SELECT count(*) FROM mosaic.tables t WHERE t.home = s.id), "
		"s.id = (SELECT min(id) FROM mosaic.shards) AND "
		"(SELECT count(*) FROM mosaic.shards) > 1 FROM mosaic.shards s WHERE s.name = $1";
	PGresult *res = pq_query(pq, err, used_query, 1, name);
	enum status st = STATUS_OK;

	if (!res)
		return err->status;
	if (PQntuples(res) == 0) {
		st = err_set(err, STATUS_UNDEFINED, "shard \"%s\" does not exist", name);
	} else if (strcmp(PQgetvalue(res, 0, 0), "0") || strcmp(PQgetvalue(res, 0, 1), "0")) {
		st = err_set(err, STATUS_IN_USE, "shard \"%s\" owns %s chunks and %s single tables",
			     name, PQgetvalue(res, 0, 0), PQgetvalue(res, 0, 1));
		err_hint(err, "SHOW CHUNKS; and SHOW TABLES; list them.");
	} else if (PQgetvalue(res, 0, 2)[0] == 't') {
		st = err_set(err, STATUS_IN_USE, "shard \"%s\" is the home of all other tables",
			     name);
		err_hint(err, "Drop the other shards first.");
	}
	PQclear(res);
	return st;
}

enum status catalog_drop_shard(struct catalog *c, const char *user, const char *name,
			       struct err *err)
{
	struct change ch;
	enum status st = change_begin(&ch, c, user, err);

	if (st != STATUS_OK)
		return st;
	st = check_unused(ch.pq, name, err);
	if (st == STATUS_OK)
		st = pq_run(ch.pq, err, NULL, "DELETE FROM mosaic.shards WHERE name = $1", 1, name);
	if (st == STATUS_OK)
		return change_commit(&ch, err, "DROP SHARD %s", name);
	change_cancel(&ch);
	return st;
}
