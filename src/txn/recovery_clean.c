/* Deleting rows of the commit logs, never too early.
 *
 * A decision may go when (1) it was listed before (2) every shard of the transaction was asked
 * and held no prepared part of it, in the same statement as that it is no standby, and (3) on
 * each of those shards the row's xid precedes every snapshot that may still ask for it. A shard
 * that cannot be asked counts as holding everything. Participants' rows go first, the decider's
 * last, so that no crash in between leaves a part whose decision is lost.
 * An 'abort' row goes when its xid precedes every running transaction: the decider had an xid
 * before the first PREPARE, so while its transaction is open this cannot hold. */
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/mem.h"
#include "recovery_internal.h"

#define BATCH	   "2000"
#define MAX_SHARDS 64 /* of one transaction */

/* True for a row that every snapshot open on this server sees as long past. */
#define ROW_IS_OLD                                                                    \
	"(xid < pg_snapshot_xmin(pg_current_snapshot()) AND age(xid::xid) > (SELECT " \
	"coalesce(max(age(backend_xmin)), 0) FROM pg_stat_activity))"

struct decided {
	const char *gid, *owner;
	uint16_t decider; /* index */
	uint16_t shards[MAX_SHARDS];
	unsigned n_shards;
	bool keep;
};

struct cleaner {
	struct recovery *r;
	struct decided *rows;
	unsigned n, size;
};

/* ---- (1) the decisions ---- */

static void add_decided(struct cleaner *c, uint16_t decider, const PGresult *res, int row)
{
	struct arena *a = &c->r->arena;
	const char *ids[MAX_SHARDS];
	struct decided *d;
	unsigned n = pq_array(a, PQgetvalue(res, row, 2), ids, MAX_SHARDS);

	if (c->n == c->size) {
		c->size = c->size ? 2 * c->size : 256;
		c->rows = mem_grow(c->rows, c->size * sizeof(*c->rows));
	}
	d = &c->rows[c->n++];
	*d = (struct decided){ .decider = decider, .keep = n == MAX_SHARDS };
	d->gid = arena_strdup(a, PQgetvalue(res, row, 0));
	d->owner = arena_strdup(a, PQgetvalue(res, row, 1));
	for (unsigned i = 0; i < n; i++) {
		int shard = recovery_shard(c->r->map, (uint32_t)strtoul(ids[i], NULL, 10));

		if (shard >= 0) /* a shard that was dropped has nothing left to hold */
			d->shards[d->n_shards++] = (uint16_t)shard;
	}
}

static void list_decided(struct cleaner *c, uint16_t shard)
{
	struct pq *pq = recovery_conn(c->r, shard);
	struct err err = ERR_INIT;
	PGresult *res = NULL;

	if (pq)
		res = pq_query(pq, &err,
			       "SELECT gid, owner, shards FROM mosaic.commit_log "
			       "WHERE decision = 'commit' AND " ROW_IS_OLD " LIMIT " BATCH,
			       0);
	for (int i = 0; res && i < PQntuples(res); i++)
		add_decided(c, shard, res, i);
	PQclear(res);
}

/* ---- (2) and (3) what each shard still needs ---- */

static bool concerns(const struct decided *d, uint16_t shard)
{
	for (unsigned i = 0; i < d->n_shards; i++)
		if (d->shards[i] == shard)
			return true;
	return false;
}

static void keep_all(struct cleaner *c, uint16_t shard)
{
	for (unsigned i = 0; i < c->n; i++)
		c->rows[i].keep |= concerns(&c->rows[i], shard);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void keep_listed(struct cleaner *c, uint16_t shard, const PGresult *res)
{
	int n = PQntuples(res);
	const char **gids = arena_array(&c->r->arena, const char *, (size_t)n + 1);

	for (int i = 0; i < n; i++)
		gids[i] = PQgetvalue(res, i, 1);
	qsort(gids, (size_t)n, sizeof(*gids), compare_text);
	for (unsigned i = 0; i < c->n; i++) {
		struct decided *d = &c->rows[i];

		if (!d->keep && concerns(d, shard) &&
		    bsearch(&d->gid, gids, (size_t)n, sizeof(*gids), compare_text))
			d->keep = true;
	}
}

/* Prepared gids, and gids of rows too young to go; the first row tells whether it is a standby
 * and is always there. */
static void ask_needed(struct cleaner *c, uint16_t shard)
{
	struct pq *pq = recovery_conn(c->r, shard);
	struct err err = ERR_INIT;
	PGresult *res = NULL;

	if (pq)
		res = pq_query(pq, &err,
			       "SELECT pg_is_in_recovery(), '' UNION ALL "
			       "SELECT pg_is_in_recovery(), gid FROM pg_prepared_xacts UNION ALL "
			       "SELECT pg_is_in_recovery(), gid FROM mosaic.commit_log "
			       "WHERE NOT " ROW_IS_OLD,
			       0);
	if (!res || PQntuples(res) == 0 || PQgetvalue(res, 0, 0)[0] == 't')
		keep_all(c, shard);
	else
		keep_listed(c, shard, res);
	PQclear(res);
}

/* ---- deleting ---- */

static enum status delete_rows(struct cleaner *c, uint16_t shard, bool as_decider)
{
	struct arena *a = &c->r->arena;
	const char **gids = arena_array(a, const char *, c->n + 1u);
	const char **owners = arena_array(a, const char *, c->n + 1u);
	struct pq *pq = recovery_conn(c->r, shard);
	struct err err = ERR_INIT;
	unsigned n = 0;

	for (unsigned i = 0; i < c->n; i++) {
		const struct decided *d = &c->rows[i];

		if (d->keep || !(as_decider ? d->decider == shard : concerns(d, shard)))
			continue;
		gids[n] = d->gid;
		owners[n++] = d->owner;
	}
	if (n == 0)
		return STATUS_OK;
	if (!pq)
		return STATUS_BACKEND;
	if (as_decider)
		c->r->report->n_cleaned += n;
	return pq_run(pq, &err, NULL,
		      "DELETE FROM mosaic.commit_log l USING unnest($1::text[], $2::name[]) AS "
		      "d(gid, owner) WHERE l.gid = d.gid AND l.owner = d.owner AND l.decision = $3",
		      3, pq_make_array(a, gids, n), pq_make_array(a, owners, n),
		      as_decider ? "commit" : "part");
}

static void delete_aborts(struct recovery *r, uint16_t shard)
{
	struct pq *pq = recovery_conn(r, shard);
	struct err err = ERR_INIT;

	if (pq)
		pq_exec(pq,
			"DELETE FROM mosaic.commit_log WHERE decision = 'abort' AND "
			"xid < pg_snapshot_xmin(pg_current_snapshot())",
			&err);
}

static void clean_decided(struct cleaner *c)
{
	const struct shard_map *map = c->r->map;
	enum status st = STATUS_OK;

	for (uint16_t i = 0; i < map->n_shards; i++)
		list_decided(c, i);
	for (uint16_t i = 0; i < map->n_shards && c->n; i++)
		ask_needed(c, i);
	for (uint16_t i = 0; i < map->n_shards && st == STATUS_OK; i++)
		st = delete_rows(c, i, false);
	for (uint16_t i = 0; i < map->n_shards && st == STATUS_OK; i++)
		st = delete_rows(c, i, true);
}

void recovery_clean(struct recovery *r)
{
	struct cleaner c = { .r = r };

	clean_decided(&c);
	for (uint16_t i = 0; i < r->map->n_shards; i++)
		delete_aborts(r, i);
	free(c.rows);
}
