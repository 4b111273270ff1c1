/* May the statement run on several shards at once, and how are the answers merged?
 *
 * The anchor is a sharded instance of the top FROM that is in every row: each row is then
 * made on exactly one shard. Every other sharded instance must be tied to the anchor's
 * key, so that all rows that matter to it are on the same shard. Everything else
 * (reference tables, functions, constants) must give the same on every shard. */
#include <string.h>
#include "internal.h"

static const char by_key[] = "Restrict every sharded table to one shard key value.";

bool scatter_is_plain(const struct level *l)
{
	return node_is(l->stmt, NODE_SelectStmt) && !l->left && !l->has_limit &&
	       !l->has_aggregate && !l->is_grouped && !l->has_having && !l->has_distinct &&
	       !l->has_window && !l->has_locking && !l->writes;
}

static bool keys_pushable(struct build *b, struct rel *derived, const int *inner, unsigned n)
{
	for (unsigned k = 0; k < n; k++) {
		bool found = false;
		for (unsigned i = 0; i < derived->n_columns && !found; i++) {
			int w = derived->columns[i].var;
			found = w >= 0 && graph_reaches(b, w, inner[k]) &&
				graph_reaches(b, inner[k], w);
		}
		if (!found)
			return false;
	}
	return n > 0;
}

/* The key variables of an instance that is in every row of the level; 0: none. */
static unsigned find_anchor(struct build *b, struct level *l, int *vars)
{
	for (unsigned i = 0; i < l->n_rels; i++) {
		struct rel *r = l->rels[i];
		if (r->nullable)
			continue;
		if (r->kind == REL_SHARDED) {
			for (unsigned k = 0; k < r->mapped->n_keys; k++)
				vars[k] = graph_key_var(b, r, k);
			return r->mapped->n_keys;
		}
		if (r->kind != REL_DERIVED || !r->sub || r->sub->left ||
		    (r->cte && r->cte->n_refs != 1))
			continue;
		unsigned n = find_anchor(b, r->sub, vars);
		if (n > 0 && (scatter_is_plain(r->sub) || keys_pushable(b, r, vars, n)))
			return n;
	}
	return 0;
}

bool scatter_is_tied(struct build *b, struct level *top)
{
	int anchor[MAP_MAX_KEYS];
	unsigned n = find_anchor(b, top, anchor);
	if (n == 0) {
		scatter_refuse(
			b, by_key,
			"a query whose FROM has no sharded table in every row (an outer join's "
			"optional side, a sub-query, or a set operation)");
		return false;
	}
	for (unsigned i = 0; i < b->n_all; i++) {
		struct rel *r = b->all[i];
		if (r->kind != REL_SHARDED)
			continue;
		for (unsigned k = 0; k < n; k++)
			if (!graph_reaches(b, anchor[k], graph_key_var(b, r, k))) {
				if (r->is_target)
					scatter_refuse(
						b, by_key,
						"INSERT … SELECT that does not fill the shard key \"%s\" "
						"from the source's shard key",
						r->mapped->key_columns[k]);
				scatter_refuse(
					b,
					"Join on the whole shard key, or restrict both to one key.",
					"\"%s\" is not joined on its shard key \"%s\": it", r->name,
					r->mapped->key_columns[k]);
				return false;
			}
	}
	return true;
}

static bool reads_sharded(const struct build *b, const struct level *l)
{
	for (unsigned i = 0; i < b->n_all; i++)
		if (b->all[i]->kind == REL_SHARDED && b->all[i]->level == l)
			return true;
	return false;
}

static bool reads_tables(const struct level *l)
{
	for (unsigned i = 0; i < l->n_rels; i++)
		if (l->rels[i]->kind != REL_DERIVED || l->rels[i]->sub)
			return true;
	return l->left != NULL;
}

/* Levels below the top run once in one PostgreSQL, here once on each shard. */
static bool levels_are_safe(struct build *b, struct level *top)
{
	for (struct level *l = b->levels; l; l = l->next) {
		if (l->has_outer_aggregate)
			scatter_refuse(b, by_key, "an aggregate of an outer query's columns");
		if (l->has_full_join)
			scatter_refuse(b, by_key, "FULL JOIN over several shards");
		if (l == top || l == top->owner)
			continue;
		if (l->writes)
			scatter_refuse(b, by_key, "data-modifying WITH over several shards");
		if (l->has_volatile)
			scatter_refuse(b, "Call it in the select list, or restrict to one key.",
				       "a volatile function in a sub-query over several shards");
		if (!reads_sharded(b, l) && reads_tables(l) &&
		    (l->has_limit || l->has_window || l->has_distinct_on || l->order_dependent))
			scatter_refuse(
				b, by_key,
				"a sub-query of reference tables whose result depends on row order");
	}
	return b->scatter.status == STATUS_OK;
}

bool scatter_calls_are_safe(struct build *b)
{
	const struct calls *c = &b->calls;
	if (c->clock)
		scatter_refuse(b, "Compute the time in the application, or restrict to one key.",
			       "now() and its kin over several shards");
	if (c->shard_bound)
		scatter_refuse(b, "Ask it in a statement of its own.", "%s over several shards",
			       c->shard_bound_name);
	if (c->system_column)
		scatter_refuse(b, "Use the key columns.", "a system column over several shards");
	if (c->regclass)
		scatter_refuse(b, "Use names as text.", "a cast to an object identifier type");
	if (c->whole_row)
		scatter_refuse(b, "Name the columns.", "a whole-row reference over several shards");
	if (c->user_operator)
		scatter_refuse(b, "Use built-in operators.", "a user-defined operator");
	return b->scatter.status == STATUS_OK;
}

static bool has_date_column(const struct build *b)
{
	for (unsigned i = 0; i < b->n_all; i++)
		for (unsigned j = 0; j < b->all[i]->n_columns; j++) {
			uint32_t t = b->all[i]->columns[j].type;
			if (t >= OID_DATE && t <= OID_TIMETZ)
				return true;
		}
	return false;
}

static bool is_clock_word(const struct build *b, const struct scan_literal *lit)
{
	static const char *const words[] = { "now", "today", "tomorrow", "yesterday" };
	const char *p = b->req->text.p + lit->at, *end = p + lit->length;
	for (; p < end; p++)
		for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if ((size_t)(end - p) >= strlen(words[i]) &&
			    strncasecmp(p, words[i], strlen(words[i])) == 0)
				return true;
	return false;
}

bool scatter_has_clock_literal(const struct build *b)
{
	if (b->req->scan->too_many)
		return true;
	for (unsigned i = 0; i < b->req->scan->n_literals; i++) {
		const struct scan_literal *lit = &b->req->scan->literals[i];
		if (lit->kind != LITERAL_INTEGER && lit->kind != LITERAL_NUMERIC &&
		    is_clock_word(b, lit))
			return true;
	}
	return false;
}

/* 'now' as a date or time is a clock too; other literals may stand in its place later. */
void scatter_date_literals(struct build *b)
{
	if (!b->calls.date_cast && !(b->calls.string_literal && has_date_column(b)))
		return;
	b->plan->exact_text = true;
	if (scatter_has_clock_literal(b))
		scatter_refuse(b, "Write the date or time itself.",
			       "a literal like 'now' or 'today' over several shards");
}

bool scatter_common(struct build *b, struct level *top)
{
	scatter_date_literals(b);
	return scatter_calls_are_safe(b) && levels_are_safe(b, top) && scatter_is_tied(b, top);
}

/* ---- clauses ---- */
/* The column is, in every row, the key of the shard where the row is made. */
static bool is_key_column(struct build *b, struct level *top, const struct node *n, int key_of)
{
	struct rel *rel = NULL;
	struct level *at = NULL;
	if (!node_is(n, NODE_ColumnRef))
		return false;
	struct column *c = scope_column(b, top, n, &rel, &at);
	if (!c || at != top || c->var < 0)
		return false;
	struct rel *owner = b->vars[c->var].rel;
	return owner && !owner->nullable && graph_reaches(b, key_of, c->var) &&
	       graph_reaches(b, c->var, key_of);
}

static const struct node *target_value(struct level *top, const struct node *n)
{
	const struct node_list *targets = node_list(top->stmt, "target_list");
	if (node_is(n, NODE_A_Const) && node_child(n, "ival")) {
		int64_t at = node_int(node_child(n, "ival"), "ival");
		if (at < 1 || at > (int64_t)targets->n || top->n_output != targets->n)
			return NULL;
		return node_child(targets->items[at - 1], "val");
	}
	return n;
}

/* Does a list of expressions hold every key column bare? */
static bool list_has_key(struct build *b, struct level *top, const struct node_list *list,
			 bool is_targets)
{
	int anchor[MAP_MAX_KEYS];
	unsigned n = find_anchor(b, top, anchor);
	for (unsigned k = 0; k < n; k++) {
		bool found = false;
		for (unsigned i = 0; i < list->n && !found; i++) {
			const struct node *e = list->items[i];
			e = is_targets ? node_child(e, "val") : target_value(top, e);
			found = e && is_key_column(b, top, e, anchor[k]);
		}
		if (!found)
			return false;
	}
	return n > 0;
}

static bool group_is_by_key(struct build *b, struct level *top)
{
	const struct node_list *group = node_list(top->stmt, "group_clause");
	for (unsigned i = 0; i < group->n; i++)
		if (node_is(group->items[i], NODE_A_Const))
			b->plan->exact_text = true;
	return !top->has_grouping_sets && list_has_key(b, top, group, false);
}

static bool output_has_key(struct build *b, struct level *top)
{
	int anchor[MAP_MAX_KEYS];
	unsigned n = find_anchor(b, top, anchor);
	for (unsigned k = 0; k < n; k++) {
		bool found = false;
		for (unsigned i = 0; i < top->n_output && !found; i++) {
			int var = top->output[i].var;
			struct rel *owner = var >= 0 ? b->vars[var].rel : NULL;
			found = owner && !owner->nullable && graph_reaches(b, anchor[k], var) &&
				graph_reaches(b, var, anchor[k]);
		}
		if (!found)
			return false;
	}
	return n > 0;
}

struct windows {
	struct build *b;
	struct level *top;
	bool safe;
};

static const struct node *named_window(struct level *top, const char *name)
{
	const struct node_list *defs = node_list(top->stmt, "window_clause");
	for (unsigned i = 0; i < defs->n; i++)
		if (strcmp(node_text(defs->items[i], "name"), name) == 0)
			return defs->items[i];
	return NULL;
}

static bool window_has_key(struct windows *w, const struct node *def, unsigned depth)
{
	if (!def || depth > 8)
		return false;
	if (list_has_key(w->b, w->top, node_list(def, "partition_clause"), false))
		return true;
	const char *ref = node_text(def, "refname");
	if (!*ref)
		ref = depth == 0 ? node_text(def, "name") : "";
	return *ref && window_has_key(w, named_window(w->top, ref), depth + 1);
}

static void visit_windows(const struct node *n, void *arg)
{
	struct windows *w = arg;
	if (n->kind == NODE_SubLink)
		return;
	if (n->kind == NODE_FuncCall && node_child(n, "over") &&
	    !window_has_key(w, node_child(n, "over"), 0))
		w->safe = false;
	node_each(n, visit_windows, arg);
}

static bool windows_are_by_key(struct build *b, struct level *top)
{
	struct windows w = { b, top, true };
	node_each(top->stmt, visit_windows, &w);
	return w.safe;
}

static bool clauses_are_safe(struct build *b, struct level *top)
{
	if (top->has_distinct_on)
		scatter_refuse(b, by_key, "DISTINCT ON over several shards");
	if (top->has_distinct && !output_has_key(b, top))
		scatter_refuse(b, "Select the shard key as well, or restrict to one key.",
			       "DISTINCT without the shard key over several shards");
	if (top->has_window && !windows_are_by_key(b, top))
		scatter_refuse(b, "Partition the window by the shard key, or restrict to one key.",
			       "a window not partitioned by the shard key over several shards");
	if (top->has_locking && top->has_limit)
		scatter_refuse(b, by_key, "FOR UPDATE or FOR SHARE with LIMIT over several shards");
	return b->scatter.status == STATUS_OK;
}

/* Groups or distinct rows that spread over shards are finished by one PostgreSQL. */
static bool needs_finish(struct build *b, struct level *top)
{
	if (top->is_grouped)
		return !group_is_by_key(b, top);
	return top->has_aggregate || top->has_having ||
	       (top->has_distinct && !top->has_distinct_on && !output_has_key(b, top));
}

void scatter_select(struct build *b, struct level *top)
{
	struct plan *p = b->plan;
	p->merge = MERGE_REFUSED;
	if (!node_is(top->stmt, NODE_SelectStmt))
		scatter_refuse(b, by_key, "this statement over several shards");
	else if (top->left)
		scatter_refuse(b, by_key, "UNION, INTERSECT or EXCEPT over several shards");
	if (b->scatter.status != STATUS_OK || !scatter_common(b, top))
		return;
	if (needs_finish(b, top)) {
		if (aggregate_plan(b, top))
			p->merge = MERGE_AGGREGATE;
		return;
	}
	if (!clauses_are_safe(b, top))
		return;
	bool sorted = node_list(top->stmt, "sort_clause")->n > 0;
	if ((sorted && !order_plan(b, top)) || !limit_plan(b, top->stmt))
		return;
	text_apply(b);
	p->merge = sorted ? MERGE_SORT : MERGE_CONCAT;
	build_explain(b, sorted ? "merged by ORDER BY in the proxy"
				: "rows put together in the proxy");
}

void scatter_statement(struct build *b, struct level *top)
{
	b->plan->merge = MERGE_REFUSED;
	if (node_is(top->stmt, NODE_UpdateStmt) || node_is(top->stmt, NODE_DeleteStmt))
		scatter_write(b, top);
	else if (node_is(top->stmt, NODE_InsertStmt))
		scatter_insert(b, top);
	else
		scatter_select(b, top);
}
