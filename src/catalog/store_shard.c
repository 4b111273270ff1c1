/* CREATE, ALTER and DROP SHARD.
 *
 * Each holds the lock on the map, and is over when every proxy has the new map. Reference tables
 * are the point: a proxy that does not know of a shard would leave it out of a write, one that
 * still reads a dropped shard would read what nobody writes any more. So writes to them are held
 * off meanwhile. If the proxies do not follow, the map is changed back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map_lock.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/catalog/proxy.h"
#include "pgmosaic/catalog/shard.h"
#include "pgmosaic/catalog/sequence.h"
#include "place.h"

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

/* ---- what the three have in common ---- */

struct shard_change {
	struct catalog *c;
	const char *user, *name, *dsn, *replicas;
	struct map_lock lock;
	struct place_fence fence;
	uint64_t epoch; /* of the new map */
};

static enum status run_change(struct shard_change *sc, const char *sql, unsigned n,
			      const char *const *p, const char *what, uint64_t *epoch,
			      struct err *err)
{
	struct change ch;
	enum status st = change_begin_on(&ch, &sc->lock.pq, sc->user, err);

	if (st != STATUS_OK)
		return st;
	*epoch = ch.epoch + 1;
	st = pq_run(ch.pq, err, NULL, sql, n, p[0], p[1], p[2], p[3], p[4]);
	if (st == STATUS_OK)
		return change_commit(&ch, err, "%s %s", what, sc->name);
	change_cancel(&ch);
	return st;
}

/* The fence is lifted when it is certain which map everybody has. */
static void change_back(struct shard_change *sc, const char *sql, unsigned n, const char *const *p,
			const char *extra_dsn)
{
	struct err err = ERR_INIT;
	uint64_t undone = 0;
	enum status st = run_change(sc, sql, n, p, "UNDO", &undone, &err);

	if (st == STATUS_OK)
		st = proxy_agree_undone(sc->c, sc->epoch, undone, extra_dsn, &err);
	if (st == STATUS_OK)
		return;
	log_error(LOG_ERROR, "a change of the shard map could not be taken back everywhere", &err);
	place_fence_leave(&sc->fence);
	place_fence_init(&sc->fence);
}

static enum status shard_change_begin(struct shard_change *sc, struct catalog *c, const char *user,
				      const char *what, const char *name, struct err *err)
{
	char text[128];

	*sc = (struct shard_change){ .c = c, .user = user, .name = name };
	place_fence_init(&sc->fence);
	snprintf(text, sizeof(text), "%s %s", what, name);
	return map_lock_take(&sc->lock, c, text, err);
}

static void shard_change_end(struct shard_change *sc)
{
	place_fence_lift(&sc->fence);
	map_lock_give(&sc->lock);
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

static enum status register_shard(struct shard_change *sc, uint32_t weight, struct err *err)
{
	struct change ch;
	enum status st = change_begin_on(&ch, &sc->lock.pq, sc->user, err);

	if (st != STATUS_OK)
		return st;
	sc->epoch = ch.epoch + 1;
	st = shard_insert(ch.pq, sc->name, sc->dsn, sc->replicas, weight, err);
	if (st == STATUS_OK)
		return change_commit(&ch, err, "CREATE SHARD %s", sc->name);
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

static void remove_again(struct shard_change *sc)
{
	const char *p[5] = { sc->name };

	change_back(sc, "DELETE FROM mosaic.shards WHERE name = $1", 1, p, sc->dsn);
}

/* Schema and reference tables first, while writes to the reference tables are held off; then
 * the map; the writes go on when every proxy knows the new shard. DDL that was planned before it
 * did has ended by then, so the schemas are compared once more. */
static enum status join_shard(struct shard_change *sc, uint32_t weight, const struct shard_map *map,
			      struct err *err)
{
	enum status st = shard_copy_schema(map->shards[map->home].dsn, sc->dsn, err);

	if (st == STATUS_OK) /* its sequences are copies, with the blocks of the home shard */
		st = sequences_void(sc->c, sc->dsn, err);
	if (st == STATUS_OK)
		st = place_fence_references(&sc->fence, map, err);
	if (st == STATUS_OK)
		st = place_copy_references(map, sc->dsn, err);
	if (st == STATUS_OK)
		st = check_drift(map, sc->dsn, err);
	if (st == STATUS_OK)
		st = register_shard(sc, weight, err);
	if (st != STATUS_OK)
		return st;
	st = proxy_agree(sc->c, sc->epoch, NULL, err);
	if (st == STATUS_OK)
		st = check_drift(map, sc->dsn, err);
	if (st == STATUS_OK)
		proxy_refuse_older(sc->c, sc->epoch);
	else
		remove_again(sc);
	return st;
}

static enum status create_shard(struct shard_change *sc, uint32_t weight,
				const struct shard_map *map, struct err *err)
{
	enum status st;

	if (map_find_shard(map, sc->name) >= 0)
		return err_set(err, STATUS_DUPLICATE, "shard \"%s\" exists already", sc->name);
	st = check_dsn(sc->dsn, err);
	if (st == STATUS_OK)
		st = check_server(sc->dsn, map, err);
	if (st == STATUS_OK)
		st = shard_install(sc->dsn, err);
	if (st != STATUS_OK)
		return st;
	return map->n_shards ? join_shard(sc, weight, map, err) : register_shard(sc, weight, err);
}

enum status catalog_create_shard(struct catalog *c, const char *user, const char *name,
				 const char *dsn, const char *replicas, uint32_t weight,
				 struct err *err)
{
	struct shard_map *map = NULL;
	struct shard_change sc;
	enum status st = check_name(name, err);

	if (st == STATUS_OK)
		st = check_weight(weight, err);
	if (st != STATUS_OK)
		return st;
	st = shard_change_begin(&sc, c, user, "CREATE SHARD", name, err);
	sc.dsn = dsn;
	sc.replicas = replicas;
	if (st == STATUS_OK)
		st = catalog_load_map(c, &map, err);
	if (st == STATUS_OK)
		st = create_shard(&sc, weight, map, err);
	shard_change_end(&sc);
	if (map)
		map_destroy(map);
	return st;
}

/* ---- one that exists ---- */

/* Its row as it is: id, dsn, replicas, weight. */
static enum status read_shard(struct shard_change *sc, struct arena *a, const char **row,
			      struct err *err)
{
	PGresult *res =
		pq_query(&sc->lock.pq, err,
			 "SELECT id, dsn, coalesce(replicas, ''), weight FROM mosaic.shards "
			 "WHERE name = $1",
			 1, sc->name);
	enum status st = STATUS_OK;

	if (!res)
		return err->status;
	if (PQntuples(res) == 0)
		st = err_set(err, STATUS_UNDEFINED, "shard \"%s\" does not exist", sc->name);
	for (int i = 0; st == STATUS_OK && i < 4; i++)
		row[i] = arena_strdup(a, PQgetvalue(res, 0, i));
	PQclear(res);
	return st;
}

static const char update_sql[] =
	"UPDATE mosaic.shards SET dsn = coalesce($2, dsn), "
	"replicas = nullif(coalesce($3, replicas), ''), weight = coalesce($4::int, weight) "
	"WHERE name = $1";

/* With another server behind the name: nobody may use the former one any more. */
static enum status alter_shard(struct shard_change *sc, struct arena *a, const char *weight,
			       struct err *err)
{
	const char *p[5] = { sc->name, sc->dsn, sc->replicas, weight }, *was[5] = { NULL };
	enum status st = read_shard(sc, a, was, err);
	bool moves = st == STATUS_OK && sc->dsn && strcmp(sc->dsn, was[1]) != 0;

	if (st == STATUS_OK)
		st = run_change(sc, update_sql, 4, p, "ALTER SHARD", &sc->epoch, err);
	if (st != STATUS_OK || !moves)
		return st;
	st = proxy_agree(sc->c, sc->epoch, was[1], err);
	if (st != STATUS_OK) {
		was[0] = sc->name;
		change_back(sc, update_sql, 4, was, sc->dsn);
	}
	return st;
}

enum status catalog_alter_shard(struct catalog *c, const char *user, const char *name,
				const char *dsn, const char *replicas, int64_t weight,
				struct err *err)
{
	char text[24];
	struct shard_change sc;
	struct arena a;
	enum status st = weight < 0 ? STATUS_OK : check_weight((uint64_t)weight, err);

	snprintf(text, sizeof(text), "%lld", (long long)weight);
	if (st == STATUS_OK && dsn)
		st = check_dsn(dsn, err);
	if (st == STATUS_OK && dsn)
		st = shard_install(dsn, err);
	if (st != STATUS_OK)
		return st;
	arena_init(&a, 0);
	st = shard_change_begin(&sc, c, user, "ALTER SHARD", name, err);
	sc.dsn = dsn;
	sc.replicas = replicas;
	if (st == STATUS_OK)
		st = alter_shard(&sc, &a, weight < 0 ? NULL : text, err);
	shard_change_end(&sc);
	arena_finish(&a);
	return st;
}

/* Why it may not go: its chunks, its tables, or that it is the home shard of the others. */
static enum status check_unused(struct pq *pq, const char *name, struct err *err)
{
	static const char used_query[] =
		"SELECT (SELECT count(*) FROM mosaic.chunks c WHERE c.shard = s.id), "
		"(SELECT count(*) FROM mosaic.tables t WHERE t.home = s.id), "
		"s.id = (SELECT min(id) FROM mosaic.shards) AND "
		"(SELECT count(*) FROM mosaic.shards) > 1, "
		"(SELECT count(*) FROM mosaic.keys k WHERE k.shard = s.id) + (SELECT count(*) FROM "
		"mosaic.distributions d WHERE d.policy_shard = s.id) FROM mosaic.shards s WHERE s.name = "
		"$1";
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
	} else if (strcmp(PQgetvalue(res, 0, 3), "0")) {
		st = err_set(err, STATUS_IN_USE, "shard \"%s\" is the place of keys", name);
		err_hint(err, "SHOW KEYS; and SHOW DISTRIBUTIONS; tell which.");
	} else if (PQgetvalue(res, 0, 2)[0] == 't') {
		st = err_set(err, STATUS_IN_USE, "shard \"%s\" is the home of all other tables",
			     name);
		err_hint(err, "Drop the other shards first.");
	}
	PQclear(res);
	return st;
}

static enum status delete_shard(struct shard_change *sc, struct err *err)
{
	struct change ch;
	enum status st = change_begin_on(&ch, &sc->lock.pq, sc->user, err);

	if (st != STATUS_OK)
		return st;
	sc->epoch = ch.epoch + 1;
	st = check_unused(ch.pq, sc->name, err);
	if (st == STATUS_OK)
		st = pq_run(ch.pq, err, NULL, "DELETE FROM mosaic.shards WHERE name = $1", 1,
			    sc->name);
	if (st == STATUS_OK)
		return change_commit(&ch, err, "DROP SHARD %s", sc->name);
	change_cancel(&ch);
	return st;
}

static enum status drop_shard(struct shard_change *sc, struct arena *a, const struct shard_map *map,
			      struct err *err)
{
	const char *was[5] = { NULL };
	enum status st = check_unused(&sc->lock.pq, sc->name, err);

	if (st == STATUS_OK)
		st = read_shard(sc, a, was, err);
	if (st == STATUS_OK)
		st = place_fence_references(&sc->fence, map, err);
	if (st == STATUS_OK)
		st = delete_shard(sc, err);
	if (st != STATUS_OK || map->n_shards < 2)
		return st;
	st = proxy_agree(sc->c, sc->epoch, was[1], err);
	if (st == STATUS_OK)
		return st;
	was[4] = sc->name;
	change_back(sc,
		    "INSERT INTO mosaic.shards (id, dsn, replicas, weight, name) OVERRIDING SYSTEM "
		    "VALUE VALUES ($1::int, $2, nullif($3, ''), $4::int, $5)",
		    5, was, NULL);
	return st;
}

enum status catalog_drop_shard(struct catalog *c, const char *user, const char *name,
			       struct err *err)
{
	struct shard_map *map = NULL;
	struct shard_change sc;
	struct arena a;
	enum status st = shard_change_begin(&sc, c, user, "DROP SHARD", name, err);

	arena_init(&a, 0);
	if (st == STATUS_OK)
		st = catalog_load_map(c, &map, err);
	if (st == STATUS_OK)
		st = drop_shard(&sc, &a, map, err);
	shard_change_end(&sc);
	arena_finish(&a);
	if (map)
		map_destroy(map);
	return st;
}
