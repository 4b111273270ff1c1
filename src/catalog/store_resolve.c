/* Ending intents whose proxy did not: see store_intent.c.
 *
 * What the home shard is asked: the last change of the intent that leaves a trace. After a
 * commit a table that was made or renamed to is there, and one that was dropped is not. While a
 * prepared transaction that is ours is in doubt on the home shard, nothing is decided: recovery
 * ends it first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy_internal.h"
#include "store_internal.h"

#define MAX_INTENTS 64

struct stale {
	int64_t id;
	const char *incarnation;
	const char *schema, *name; /* the table to look for */
	bool present_means_done;
	bool is_orphan; /* its proxy's lease has run out, or it is not known any more */
};

struct stale_list {
	struct arena arena;
	const char *home_dsn;
	struct stale items[MAX_INTENTS];
	unsigned n;
};

static const char stale_query[] =
	"SELECT i.id, CASE WHEN c.kind = 'rename' THEN coalesce(c.new_schema, c.schema) ELSE c.schema "
	"END, CASE WHEN c.kind = 'rename' THEN coalesce(c.new_name, c.name) ELSE c.name END, "
	"c.kind <> 'drop', (SELECT dsn FROM mosaic.shards ORDER BY id LIMIT 1), i.incarnation, "
	"p.incarnation IS NULL "
	"FROM mosaic.intents i JOIN LATERAL (SELECT * FROM mosaic.intent_changes c "
	"WHERE c.intent = i.id ORDER BY place DESC LIMIT 1) c ON true LEFT JOIN mosaic.proxies p "
	"ON p.incarnation = i.incarnation AND NOT p.is_evicted AND "
	"p.expires_at > clock_timestamp() "
	"WHERE NOT i.abandoned AND i.at < clock_timestamp() - interval '5 s' AND ("
	"i.at < clock_timestamp() - interval '60 s' OR p.incarnation IS NULL) "
	"ORDER BY i.id LIMIT 64";

static enum status read_stale(struct catalog *c, struct stale_list *list, struct err *err)
{
	PGresult *res;
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	res = pq_query(&c->pq, err, stale_query, 0);
	for (int i = 0; res && i < PQntuples(res); i++) {
		struct stale *s = &list->items[list->n++];

		s->id = strtoll(PQgetvalue(res, i, 0), NULL, 10);
		s->schema = arena_strdup(&list->arena, PQgetvalue(res, i, 1));
		s->name = arena_strdup(&list->arena, PQgetvalue(res, i, 2));
		s->present_means_done = PQgetvalue(res, i, 3)[0] == 't';
		s->incarnation = arena_strdup(&list->arena, PQgetvalue(res, i, 5));
		s->is_orphan = PQgetvalue(res, i, 6)[0] == 't';
		list->home_dsn = arena_strdup(&list->arena, PQgetvalue(res, i, 4));
	}
	PQclear(res);
	catalog_leave(c);
	return res ? STATUS_OK : err->status;
}

/* Nothing of this proxy is in doubt on the home shard, but for transactions just prepared,
 * which are younger than the intent. */
static enum status is_settled(struct pq *home, const struct stale *s, bool *settled,
			      struct err *err)
{
	uint64_t n;
	enum status st = pq_u64(home, err, &n,
				"SELECT count(*) FROM pg_catalog.pg_prepared_xacts "
				"WHERE gid LIKE 'mosaic:%:' || $1 || ':%' "
				"AND prepared < clock_timestamp() - interval '4 s'",
				1, s->incarnation);

	*settled = st == STATUS_OK && n == 0;
	return st;
}

static enum status has_table(struct pq *home, const struct stale *s, bool *has, struct err *err)
{
	uint64_t n;
	enum status st =
		pq_u64(home, err, &n,
		       "SELECT count(*) FROM pg_catalog.pg_class r JOIN pg_catalog.pg_namespace "
		       "n ON n.oid = r.relnamespace WHERE n.nspname = $1 AND r.relname = $2 "
		       "AND r.relkind IN ('r', 'p', 'f')",
		       2, s->schema, s->name);

	*has = st == STATUS_OK && n > 0;
	return st;
}

static enum status mark_abandoned(struct catalog *c, const struct stale *s, struct err *err)
{
	char id[24];
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	snprintf(id, sizeof(id), "%lld", (long long)s->id);
	st = pq_run(&c->pq, err, NULL,
		    "UPDATE mosaic.intents SET abandoned = true WHERE id = $1::bigint", 1, id);
	if (st == STATUS_OK)
		st = pq_exec(&c->pq,
			     "DELETE FROM mosaic.intents WHERE abandoned AND "
			     "at < clock_timestamp() - interval '1 day'",
			     err);
	catalog_leave(c);
	return st;
}

static enum status resolve_one(struct catalog *c, struct pq *home, const struct stale *s,
			       unsigned *n, struct err *err)
{
	bool settled = false, has;
	enum status st = STATUS_OK;

	if (s->is_orphan) /* from here on it cannot commit any more */
		st = proxy_evict_expired(c, strtoull(s->incarnation, NULL, 10), NULL, err);
	if (st == STATUS_OK)
		st = is_settled(home, s, &settled, err);
	if (st != STATUS_OK || !settled)
		return st;
	st = has_table(home, s, &has, err);
	if (st != STATUS_OK)
		return st;
	++*n;
	return has == s->present_means_done ? catalog_changes_finish(c, s->id, NULL, err)
					    : mark_abandoned(c, s, err);
}

static enum status resolve_list(struct catalog *c, const struct stale_list *list, unsigned *n,
				struct err *err)
{
	struct pq home = { .pg = NULL };
	enum status st =
		pq_open(&home, "the home shard", list->home_dsn, c->connect_timeout_s, err);

	for (unsigned i = 0; i < list->n && st == STATUS_OK; i++)
		st = resolve_one(c, &home, &list->items[i], n, err);
	pq_close(&home);
	return st;
}

enum status catalog_resolve_intents(struct catalog *c, unsigned *n_resolved, struct err *err)
{
	struct stale_list list = { .n = 0 };
	unsigned n = 0;
	enum status st;

	arena_init(&list.arena, 0);
	st = read_stale(c, &list, err);
	if (st == STATUS_OK && list.n)
		st = resolve_list(c, &list, &n, err);
	arena_finish(&list.arena);
	if (n_resolved)
		*n_resolved = n;
	return st;
}
