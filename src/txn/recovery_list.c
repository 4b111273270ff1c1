/* What is in doubt, for people. Reads only. */
#include <string.h>

#include "recovery_internal.h"

#define MAX_ITEMS 10000u

static const char *decision_text(struct recovery *r, const struct gid *g, const char *gid,
				 const char *owner)
{
	int shard = recovery_shard(r->map, g->decider);
	struct pq *decider = shard < 0 ? NULL : recovery_conn(r, (uint16_t)shard);

	if (!decider)
		return "unknown";
	switch (recovery_read(decider, gid, owner)) {
	case DECISION_COMMIT: return "commit";
	case DECISION_ABORT: return "abort";
	case DECISION_NONE: return "none yet";
	case DECISION_UNKNOWN: break;
	}
	return "unknown";
}

static void add_item(struct recovery *r, struct recovery_list *out, uint16_t shard,
		     const PGresult *res, int row)
{
	struct recovery_item *item = &out->items[out->n];
	struct arena *a = &out->arena;
	struct gid g;
	int decider;

	item->gid = arena_strdup(a, PQgetvalue(res, row, 0));
	if (!gid_parse(item->gid, &g) || strcmp(g.cluster, r->map->cluster) != 0)
		return;
	out->n++;
	decider = recovery_shard(r->map, g.decider);
	item->shard = arena_strdup(a, r->map->shards[shard].name);
	item->owner = arena_strdup(a, PQgetvalue(res, row, 1));
	item->prepared_at = arena_strdup(a, PQgetvalue(res, row, 2));
	item->decider = decider < 0 ? "unknown" : arena_strdup(a, r->map->shards[decider].name);
	item->decision = decision_text(r, &g, item->gid, item->owner);
}

static void grow_items(struct recovery_list *out, unsigned more)
{
	struct recovery_item *items =
		arena_array(&out->arena, struct recovery_item, out->n + more + 1u);

	if (out->n)
		memcpy(items, out->items, out->n * sizeof(*items));
	out->items = items;
}

static void list_shard(struct recovery *r, struct recovery_list *out, uint16_t shard)
{
	struct pq *pq = recovery_conn(r, shard);
	struct err err = ERR_INIT;
	PGresult *res = NULL;

	if (pq)
		res = pq_query(
			pq, &err,
			"SELECT gid, owner, prepared FROM pg_catalog.pg_prepared_xacts "
			"WHERE database = pg_catalog.current_database() AND gid LIKE 'mosaic:%' "
			"ORDER BY prepared LIMIT 10000",
			0);
	if (!res)
		return;
	grow_items(out, (unsigned)PQntuples(res));
	for (int i = 0; i < PQntuples(res) && out->n < MAX_ITEMS; i++)
		add_item(r, out, shard, res, i);
	PQclear(res);
}

enum status recovery_list(const struct shard_map *map, struct recovery_list *out, struct err *err)
{
	struct recovery_report report = { 0 };
	struct recovery r;
	enum status st = STATUS_OK;

	*out = (struct recovery_list){ .n = 0 };
	arena_init(&out->arena, 0);
	recovery_init(&r, map, &report);
	for (uint16_t i = 0; i < map->n_shards; i++)
		list_shard(&r, out, i);
	out->n_unreachable = report.n_unreachable;
	if (map->n_shards && report.n_unreachable == map->n_shards) {
		*err = r.last;
		st = r.last.status;
	}
	recovery_finish(&r);
	if (st != STATUS_OK)
		recovery_list_finish(out);
	return st;
}

void recovery_list_finish(struct recovery_list *list)
{
	arena_finish(&list->arena);
	list->items = NULL;
	list->n = 0;
}
