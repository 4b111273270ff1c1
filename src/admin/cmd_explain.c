/* EXPLAIN ROUTE: what the proxy would do with a statement, without doing it. */
#include <ctype.h>
#include <stdlib.h>

#include "command.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/catalog/world.h"
#include "pgmosaic/config/config.h"
#include "pgmosaic/plan/plan.h"
#include "pgmosaic/route/route.h"

static const struct admin_column columns[] = {
	{ "property", TYPE_TEXT },
	{ "value", TYPE_TEXT },
};

struct explain {
	struct call *call;
	struct str text;
	struct scan scan;
	const struct world *world;
	struct plan *plan;
};

static void say(struct explain *e, const char *property, const char *value)
{
	if (value && *value)
		admin_result_row(e->call->out, property, value);
}

/* One row a line. */
static void say_lines(struct explain *e, const char *property, const char *text)
{
	while (text && *text) {
		size_t n = strcspn(text, "\n");

		say(e, property, arena_strndup(&e->call->out->arena, text, n));
		text += n + (text[n] == '\n');
	}
}

static const char *merge_name(enum plan_merge merge)
{
	switch (merge) {
	case MERGE_REFUSED: return "refused";
	case MERGE_CONCAT: return "rows in any order, as they arrive";
	case MERGE_SORT: return "k-way merge of sorted rows";
	case MERGE_AGGREGATE: return "partial results of each shard, finished on one";
	case MERGE_WRITE: return "counts summed, atomic over the shards";
	case MERGE_INSERT: return "rows split by owner, atomic over the shards";
	case MERGE_GATHER: return "tables brought to one shard, finished by PostgreSQL there";
	}
	UNREACHABLE("no such merge");
}

static const char *target_name(const struct explain *e)
{
	switch (e->plan->target) {
	case TARGET_KEYS: return "owners of the shard key's values";
	case TARGET_OWNERS: return "every shard that owns a chunk";
	case TARGET_SHARD: return "one named shard";
	case TARGET_ANY: return "any one shard";
	case TARGET_EVERY: return "every shard";
	}
	UNREACHABLE("no such target");
}

static const char *shard_names(struct explain *e, const struct shard_set *set)
{
	const char *text = "";

	for (int i = shard_set_next(set, -1); i >= 0; i = shard_set_next(set, i))
		text = arena_printf(&e->call->out->arena, "%s%s%s", text, *text ? ", " : "",
				    e->world->map->shards[i].name);
	return text;
}

static void say_refusal(struct explain *e, const struct err *err)
{
	say(e, "tier", "refused");
	say(e, "sqlstate", err->code);
	say(e, "reason", err->message);
	say(e, "detail", err->detail);
	say(e, "hint", err->hint);
}

/* Rows of a multi-row INSERT for each shard. */
static void say_rows(struct explain *e, const struct param_values *params)
{
	uint32_t n = e->plan->keys.n_rows;
	uint16_t *shards = mem_zero(n, sizeof(*shards));
	unsigned counts[MAP_MAX_SHARDS] = { 0 };
	const char *text = "";
	struct err ignored;

	if (route_rows(e->plan, e->text, &e->scan, params, e->world->map, shards, &ignored) ==
	    STATUS_OK) {
		for (uint32_t i = 0; i < n; i++)
			counts[shards[i]]++;
		for (unsigned s = 0; s < e->world->map->n_shards; s++)
			if (counts[s])
				text = arena_printf(&e->call->out->arena, "%s%s%s: %u", text,
						    *text ? ", " : "",
						    e->world->map->shards[s].name, counts[s]);
		say(e, "rows", text);
	}
	free(shards);
}

static void say_merge(struct explain *e)
{
	const struct plan *p = e->plan;

	say(e, "merge", merge_name(p->merge));
	if (p->merge == MERGE_GATHER)
		say(e, "not merged, because", p->refusal.message);
	if (p->n_sort)
		say(e, "sort keys", call_u64(e->call, p->n_sort));
	if (p->limit.kind != COUNT_NONE || p->offset.kind != COUNT_NONE)
		say(e, "limit", "shards send what LIMIT and OFFSET could need; the proxy counts");
	for (uint16_t i = 0; i < p->n_sources; i++)
		say(e, "brings", p->sources[i].branch);
	say(e, "shard text", p->text);
	say(e, "finish text", p->finish_text);
}

/* Several shards. Utilities are the same statement on each. */
static void say_scatter(struct explain *e, const struct param_values *params)
{
	if (e->plan->class == PLAN_UTILITY) {
		say(e, "merge", "the same statement on each shard, one tag");
		say(e, "shard text", e->plan->text ? e->plan->text : "as written");
		return;
	}
	if (e->plan->merge == MERGE_INSERT)
		say_rows(e, params);
	say_merge(e);
}

static void say_tier(struct explain *e, const struct route *route,
		     const struct param_values *params)
{
	const struct plan *p = e->plan;
	bool is_one = route->shards.n <= 1;

	if (!is_one && p->merge == MERGE_REFUSED && p->class != PLAN_UTILITY) {
		say_refusal(e, &p->refusal);
		say(e, "shards", shard_names(e, &route->shards));
		return;
	}
	say(e, "tier", is_one ? "route" : p->merge == MERGE_GATHER ? "gather" : "scatter");
	say(e, "target", target_name(e));
	say(e, "shards", route->any ? "any one" : shard_names(e, &route->shards));
	if (!is_one)
		say_scatter(e, params);
	else
		say(e, "shard text", p->class == PLAN_UTILITY && p->text ? p->text : "as written");
}

static bool key_needs_params(const struct plan *p)
{
	for (uint32_t i = 0; p->target == TARGET_KEYS && i < p->keys.n_rows * p->keys.n_keys; i++)
		if (p->keys.sources[i].kind == KEY_PARAM ||
		    p->keys.sources[i].kind == KEY_PARAM_ARRAY)
			return true;
	return false;
}

static bool key_is_one(const struct plan *p)
{
	for (unsigned i = 0; i < p->keys.n_keys; i++)
		if (p->keys.n_rows != 1 || p->keys.sources[i].kind == KEY_PARAM_ARRAY)
			return false;
	return true;
}

static void say_parameters(struct explain *e)
{
	const struct plan *p = e->plan;
	bool is_one = key_is_one(p);

	say(e, "tier",
	    is_one			? "route"
	    : p->merge == MERGE_REFUSED ? "route, or refused when the keys lie on several shards"
					: "route, or scatter when the keys lie on several shards");
	say(e, "target", target_name(e));
	say(e, "shards", "known when the parameters are");
	if (is_one)
		say(e, "shard text", "as written");
	else if (p->merge != MERGE_REFUSED)
		say_merge(e);
	else
		say(e, "reason", p->refusal.message);
}

/* What the planner cannot follow: the home shard may have an error of its own for it. */
static void say_judged(struct explain *e)
{
	say_refusal(e, &e->plan->refusal);
	say(e, "asked first", "the home shard, whose own error counts if it has one");
}

/* EXPLAIN places nothing. */
static enum status find_nowhere(void *ctx, const struct map_distribution *dist, const uint8_t *key,
				size_t n, bool places, int *shard, struct err *err)
{
	(void)ctx, (void)key, (void)n, (void)places, (void)shard;
	err_set(err, STATUS_UNROUTED,
		"the directory \"%s\" has no such key as far as this proxy knows", dist->name);
	err_hint(err, "SHOW KEYS OF %s; lists the keys. A statement asks the catalog first.",
		 dist->name);
	return err->status;
}

static enum status say_plan(struct explain *e)
{
	const struct key_finder no_place = { .find = find_nowhere };
	struct param_values params = { 0 };
	struct route route = { 0 };
	struct err err = ERR_INIT;

	say(e, "statement", e->plan->tag);
	if (e->plan->class == PLAN_LOCAL) {
		say(e, "tier", "local");
	} else if (e->plan->judge) {
		say_judged(e);
	} else if (key_needs_params(e->plan)) {
		say_parameters(e);
	} else if (route_bind(e->plan, e->text, &e->scan, &params, e->world->map, &no_place, &route,
			      &err) != STATUS_OK) {
		say_refusal(e, &err);
	} else {
		say_tier(e, &route, &params);
	}
	say_lines(e, "why", e->plan->explanation);
	say(e, "cached", e->plan->exact_text ? "for this very text" : "for any literals");
	return STATUS_OK;
}

/* Positions in the inner statement → in the whole one. */
static enum status inner_error(struct explain *e, const struct err *err)
{
	*e->call->err = *err;
	if (err->position > 0)
		e->call->err->position +=
			token_position(e->call->sql, (size_t)(e->text.p - e->call->sql.p)) - 1;
	return err->status;
}

static enum status explain(struct explain *e)
{
	const struct config *cfg = e->call->runtime->config(e->call->runtime->ctx);
	struct plan_request req = { .text = e->text,
				    .scan = &e->scan,
				    .world = e->world,
				    .search_path = "\"$user\", public",
				    .user = e->call->user,
				    .default_keys = cfg->default_shard_key.items,
				    .n_default_keys = (uint16_t)cfg->default_shard_key.n };
	struct err err = ERR_INIT;
	enum status status;

	if (e->world->schema && e->world->schema->default_search_path)
		req.search_path = e->world->schema->default_search_path;
	status = plan_build(&req, &e->plan, &err);
	if (status == STATUS_UNROUTED) {
		say_refusal(e, &err);
		return STATUS_OK;
	}
	if (status != STATUS_OK)
		return inner_error(e, &err);
	status = say_plan(e);
	plan_drop(e->plan);
	return status;
}

/* What stands behind EXPLAIN ROUTE, without the last ';' and blanks. */
static struct str inner_text(const struct call *call)
{
	struct token first = token_read(call->sql, call->at, &(size_t){ 0 });
	struct str text = { call->sql.p + first.at, call->sql.n - first.at };

	while (text.n && (text.p[text.n - 1] == ';' || isspace((unsigned char)text.p[text.n - 1])))
		text.n--;
	return text;
}

static enum status run_explain_route(struct call *call)
{
	struct explain e = { .call = call, .text = inner_text(call) };
	struct world *world;
	enum status status;

	scan_text(e.text, &e.scan);
	if (e.scan.is_empty)
		return parse_fail(call, "a statement");
	if (e.scan.has_several)
		return err_set(call->err, STATUS_SYNTAX, "EXPLAIN ROUTE takes one statement");
	status = call_world(call, &world);
	if (status != STATUS_OK)
		return status;
	e.world = world;
	status = explain(&e);
	world_drop(world);
	return status;
}

static const struct command commands[] = {
	{ "EXPLAIN ROUTE", "EXPLAIN ROUTE statement",
	  "the tier, shards and merge of a statement, and why; nothing runs", "EXPLAIN",
	  COLUMNS(columns), run_explain_route, 0 },
};

const struct command_family family_explain = FAMILY(commands);
