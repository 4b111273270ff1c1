/* The worker's plan cache: from a statement's fingerprint to its plan.
 *
 * An entry found by the fingerprint alone serves every text that differs in literals.
 * A plan that depends on its literals (exact_text) leaves a marker under the fingerprint,
 * and lives under the full hash instead. The session's context (search_path, user) is
 * part of the key; a new world empties the cache. */
#include <stdlib.h>

#include "internal.h"
#include "pgmosaic/base/mem.h"

#define PLANS_MAX 4000

struct plan_entry {
	struct list node;
	struct hash128 key;
	uint64_t context;
	bool is_exact; /* a marker: look under the full hash */
	struct plan *plan;
};

struct plan_key {
	struct hash128 key;
	uint64_t context;
};

void plans_init(struct plan_cache *c)
{
	table_init(&c->by_key);
	list_init(&c->recent);
	c->n = 0;
}

static uint64_t key_hash(const struct plan_key *k)
{
	return k->key.lo ^ k->context;
}

static void entry_free(struct plan_cache *c, struct plan_entry *e)
{
	struct plan_key k = { e->key, e->context };

	table_remove(&c->by_key, key_hash(&k), e);
	list_remove(&e->node);
	plan_drop(e->plan);
	free(e);
	c->n--;
}

void plans_clear(struct plan_cache *c)
{
	while (!list_is_empty(&c->recent))
		entry_free(c, list_entry(c->recent.next, struct plan_entry, node));
	table_finish(&c->by_key);
}

static bool entry_matches(const void *value, const void *key)
{
	const struct plan_entry *e = value;
	const struct plan_key *k = key;

	return hash128_eq(e->key, k->key) && e->context == k->context;
}

static struct plan_entry *plans_find(struct plan_cache *c, struct hash128 key, uint64_t context)
{
	struct plan_key k = { key, context };

	return table_find(&c->by_key, key_hash(&k), entry_matches, &k);
}

static void plans_put(struct plan_cache *c, struct hash128 key, uint64_t context, struct plan *plan)
{
	struct plan_key k = { key, context };
	struct plan_entry *e = plans_find(c, key, context);

	if (e)
		entry_free(c, e);
	if (c->n >= PLANS_MAX) /* the one entered longest ago */
		entry_free(c, list_entry(c->recent.prev, struct plan_entry, node));
	e = mem_zero(1, sizeof(*e));
	e->key = key;
	e->context = context;
	e->is_exact = plan == NULL;
	e->plan = plan;
	if (plan)
		plan_hold(plan);
	table_put(&c->by_key, key_hash(&k), e);
	list_push_front(&c->recent, &e->node);
	c->n++;
}

struct world *session_world(const struct session *s)
{
	if (s->txn.overlay)
		return s->txn.overlay;
	return s->world ? s->world : s->w->world;
}

void session_pin_world(struct session *s)
{
	struct world *newest = s->w->world ? world_hold(s->w->world) : NULL;

	world_drop(s->world);
	s->world = newest;
}

void session_unpin_world(struct session *s)
{
	world_drop(s->world);
	s->world = NULL;
}

struct build {
	struct plan_request req;
	struct plan *plan;
	enum status status;
	struct err *err;
};

static void build_plan(void *arg)
{
	struct build *b = arg;

	b->status = plan_build(&b->req, &b->plan, b->err);
}

static enum status plans_build(struct session *s, struct str text, const struct scan *scan,
			       const uint32_t *types, uint16_t n_types, struct plan **out,
			       struct err *err)
{
	const struct config *cfg = session_config(s);
	struct build b = { .req = { .text = text,
				    .scan = scan,
				    .world = session_world(s),
				    .search_path = s->search_path,
				    .user = s->role,
				    .temporary = s->temp.schema,
				    .param_types = types,
				    .n_param_types = n_types,
				    .default_keys = cfg->default_shard_key.items,
				    .n_default_keys = (uint16_t)cfg->default_shard_key.n },
			   .err = err };

	/* The parser and the planner recurse with the statement's nesting. */
	if (fiber_self())
		fiber_on_thread_stack(build_plan, &b);
	else
		build_plan(&b);
	*out = b.plan;
	return b.status;
}

static struct plan *plans_lookup(struct worker *w, const struct scan *scan, uint64_t context)
{
	struct plan_entry *e;

	if (scan->too_many || scan->broken)
		return NULL;
	e = plans_find(&w->plans, scan->fingerprint, context);
	if (e && e->is_exact)
		e = plans_find(&w->plans, scan->full, context);
	return e ? e->plan : NULL;
}

static void plans_store(struct worker *w, const struct scan *scan, uint64_t context,
			struct plan *plan)
{
	bool keeps = (plan->class == PLAN_QUERY || plan->class == PLAN_LOCAL) && !plan->judge;

	if (scan->too_many || scan->broken || !keeps)
		return;
	if (plan->exact_text) {
		plans_put(&w->plans, scan->fingerprint, context, NULL);
		plans_put(&w->plans, scan->full, context, plan);
	} else {
		plans_put(&w->plans, scan->fingerprint, context, plan);
	}
}

enum status plans_get(struct session *s, struct str text, const struct scan *scan,
		      const uint32_t *types, uint16_t n_types, struct plan **out, struct err *err)
{
	struct worker *w = s->w;
	bool may_cache = !s->txn.overlay && n_types == 0 && scan->max_param == 0;
	struct plan *plan = may_cache ? plans_lookup(w, scan, s->context) : NULL;
	enum status st;

	if (plan) {
		metrics_add(w->metrics, METRIC_PLAN_CACHE_HITS, 1);
		plan_hold(plan);
		*out = plan;
		return STATUS_OK;
	}
	metrics_add(w->metrics, METRIC_PLAN_CACHE_MISSES, 1);
	st = plans_build(s, text, scan, types, n_types, &plan, err);
	if (st != STATUS_OK)
		return st;
	if (may_cache)
		plans_store(w, scan, s->context, plan);
	*out = plan;
	return STATUS_OK;
}
