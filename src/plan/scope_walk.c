/* Expressions of a level, its output columns, and one statement as a level. */
#include <string.h>
#include "internal.h"

enum { MERGE_COMMAND_INSERT = 4 }; /* CMD_INSERT */

struct walk {
	struct build *b;
	struct level *l;
	unsigned n_local, n_outer; /* column references met, by where they were found */
};

static void walk_expr(struct walk *w, const struct node *n);

static void visit_child(const struct node *child, void *arg)
{
	walk_expr(arg, child);
}

static bool is_system_column(const char *name)
{
	static const char *const names[] = { "ctid", "xmin", "xmax", "cmin", "cmax", "tableoid" };
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void walk_column(struct walk *w, const struct node *ref)
{
	const struct node_list *fields = node_list(ref, "fields");
	const char *last = node_string(fields->items[fields->n - 1]);
	struct rel *rel = NULL;
	struct level *at = NULL;
	w->b->calls.schema_qualified |= fields->n > 2;
	if (!last) { /* t.* inside an expression */
		w->b->calls.whole_row = true;
		w->n_local++;
		return;
	}
	struct column *c = scope_column(w->b, w->l, ref, &rel, &at);
	if (c) {
		if (at == w->l)
			w->n_local++;
		else
			w->n_outer++;
		w->l->has_outer_reference |= at != w->l;
		return;
	}
	w->n_local++;
	if (is_system_column(last)) {
		w->b->calls.system_column = true;
		return;
	}
	bool unknown_here = false;
	for (struct level *l = w->l; l; l = l->parent)
		for (unsigned i = 0; i < l->n_rels; i++) {
			if (fields->n <= 2 && strcmp(l->rels[i]->name, last) == 0) {
				w->b->calls.whole_row |= !l->rels[i]->columns_unknown;
				return;
			}
			unknown_here |= l->rels[i]->columns_unknown;
		}
	if (!unknown_here)
		w->b->unresolved = true;
}

static void walk_param(struct build *b, const struct node *p)
{
	unsigned number = (unsigned)node_int(p, "number");
	if (number >= 1 && number <= b->n_param_uses)
		b->param_uses[number - 1]++;
}

static bool is_reg_type(uint32_t oid)
{
	return oid == 24 || (oid >= 2202 && oid <= 2206) || oid == 4096 || oid == 4089 ||
	       oid == 3734 || oid == 3769 || oid == 4191;
}

static void walk_cast(struct walk *w, const struct node *cast)
{
	const struct node *arg = node_child(cast, "arg");
	uint32_t type = names_type(w->b, node_child(cast, "type_name"), NULL);
	if (type == 2205 && node_is(arg, NODE_ColumnRef)) { /* tableoid::regclass is a name */
		const struct node_list *f = node_list(arg, "fields");
		const char *last = node_string(f->items[f->n - 1]);
		if (last && strcmp(last, "tableoid") == 0)
			return;
	}
	w->b->calls.regclass |= is_reg_type(type);
	if ((type >= OID_DATE && type <= OID_TIMETZ) && node_is(arg, NODE_A_Const))
		w->b->calls.date_cast = true;
	walk_expr(w, arg);
}

static void walk_sublink(struct walk *w, const struct node *n)
{
	w->l->has_sublink = true;
	if (node_child(n, "testexpr"))
		walk_expr(w, node_child(n, "testexpr"));
	scope_statement(w->b, node_child(n, "subselect"), w->l, LEVEL_EXPR, w->l->ctes);
}

static void walk_call(struct walk *w, const struct node *n)
{
	functions_judge(w->b, w->l, n);
	struct walk inside = { w->b, w->l, 0, 0 };
	node_each(n, visit_child, &inside);
	if (functions_is_aggregate(w->b, n) && inside.n_outer > 0 && inside.n_local == 0)
		w->l->has_outer_aggregate = true;
	w->n_local += inside.n_local;
	w->n_outer += inside.n_outer;
}

static void walk_value_function(struct build *b, const struct node *n)
{
	int64_t op = node_int(n, "op");
	if (op <= 9) /* CURRENT_DATE … LOCALTIMESTAMP_N */
		b->calls.clock = true;
	else if (op == 14) { /* CURRENT_CATALOG */
		b->calls.shard_bound = b->calls.home_only = true;
		strcpy(b->calls.shard_bound_name, "current_catalog");
	}
}

static bool is_common_operator(const char *op)
{
	static const char *const ops[] = { "=",	  "<>",	 "!=",	"<",   ">",    "<=", ">=", "+",
					   "-",	  "*",	 "/",	"%",   "||",   "~",  "~*", "!~",
					   "!~*", "~~",	 "~~*", "!~~", "!~~*", "^",  "->", "->>",
					   "#>",  "#>>", "@>",	"<@",  "&&",   "?",  "?|", "?&" };
	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(op, ops[i]) == 0)
			return true;
	return false;
}

static void walk_operator(struct walk *w, const struct node *n)
{
	const char *op = names_operator(w->b, node_list(n, "name"));
	if (!op || (!is_common_operator(op) && schema_has_user_operator(w->b->schema, op)))
		w->b->calls.user_operator = true;
	node_each(n, visit_child, w);
}

static void walk_expr(struct walk *w, const struct node *n)
{
	struct build *b = w->b;
	if (!n)
		return;
	switch ((int)n->kind) {
	case NODE_ColumnRef: walk_column(w, n); return;
	case NODE_ParamRef: walk_param(b, n); return;
	case NODE_A_Const: b->calls.string_literal |= node_child(n, "sval") != NULL; return;
	case NODE_TypeCast: walk_cast(w, n); return;
	case NODE_SubLink: walk_sublink(w, n); return;
	case NODE_FuncCall: walk_call(w, n); return;
	case NODE_SQLValueFunction: walk_value_function(b, n); return;
	case NODE_A_Expr: walk_operator(w, n); return;
	case NODE_CurrentOfExpr:
		b->calls.forbidden = b->calls.home_only = true;
		strcpy(b->calls.forbidden_name, "WHERE CURRENT OF");
		return;
	case NODE_SelectStmt: scope_statement(b, n, w->l, LEVEL_EXPR, w->l->ctes); return;
	case NODE_GroupingSet:
		w->l->has_grouping_sets = true;
		node_each(n, visit_child, w);
		return;
	default: node_each(n, visit_child, w);
	}
}

void scope_expr(struct build *b, struct level *l, const struct node *expr)
{
	struct walk w = { b, l, 0, 0 };
	walk_expr(&w, expr);
}

/* ---- output columns ---- */
static void add_output(struct build *b, struct level *l, struct column c)
{
	if (l->n_output % 16 == 0) {
		struct column *more = arena_array(b->a, struct column, l->n_output + 16);
		if (l->n_output)
			memcpy(more, l->output, sizeof(c) * l->n_output);
		l->output = more;
	}
	c.merged = false;
	l->output[l->n_output++] = c;
}

static void expand_rel(struct build *b, struct level *l, struct rel *r, bool with_merged)
{
	l->output_unknown |= r->columns_unknown;
	for (unsigned i = 0; i < r->n_columns; i++)
		if (with_merged || !r->columns[i].merged) {
			graph_var(b, r, &r->columns[i]);
			add_output(b, l, r->columns[i]);
		}
}

static void expand_star(struct build *b, struct level *l, const struct node_list *fields)
{
	b->calls.schema_qualified |= fields->n > 2;
	if (fields->n > 1) {
		const char *table = node_string(fields->items[fields->n - 2]);
		for (struct level *at = l; at; at = at->parent)
			for (unsigned i = 0; i < at->n_rels; i++)
				if (!at->rels[i]->hidden && strcmp(at->rels[i]->name, table) == 0) {
					expand_rel(b, l, at->rels[i], true);
					return;
				}
		b->unresolved = l->output_unknown = true;
		return;
	}
	for (unsigned i = 0; i < l->n_merged; i++)
		if (!l->merged[i].hidden)
			add_output(b, l, l->merged[i].column);
	if (l->n_merged > 0)
		l->output_unknown = true; /* the order is PostgreSQL's own */
	for (unsigned i = 0; i < l->n_rels; i++)
		if (!l->rels[i]->hidden && !l->rels[i]->is_target)
			expand_rel(b, l, l->rels[i], false);
}

static bool is_star(const struct node *n)
{
	if (!node_is(n, NODE_ColumnRef))
		return false;
	const struct node_list *fields = node_list(n, "fields");
	return fields->n > 0 && node_is(fields->items[fields->n - 1], NODE_A_Star);
}

void scope_output(struct build *b, struct level *l, const struct node_list *targets)
{
	for (unsigned i = 0; i < targets->n; i++) {
		const struct node *t = targets->items[i], *val = node_child(t, "val");
		if (is_star(val)) {
			expand_star(b, l, node_list(val, "fields"));
			continue;
		}
		scope_expr(b, l, val);
		struct column c = { .name = node_text(t, "name"), .var = -1 };
		if (node_is(val, NODE_ColumnRef)) {
			const struct node_list *fields = node_list(val, "fields");
			struct column *from = scope_column(b, l, val, NULL, NULL);
			const char *name = node_string(fields->items[fields->n - 1]);
			if (from)
				c = *from;
			c.name = *node_text(t, "name") ? node_text(t, "name") : name;
		} else if (!*c.name) {
			c.name = "?column?";
		}
		add_output(b, l, c);
	}
}

/* ---- one statement ---- */
static bool is_output_name(const struct level *l, const struct node *n)
{
	if (!node_is(n, NODE_ColumnRef) || node_list(n, "fields")->n != 1)
		return false;
	const char *name = node_string(node_list(n, "fields")->items[0]);
	for (unsigned i = 0; name && i < l->n_output; i++)
		if (l->output[i].name && strcmp(l->output[i].name, name) == 0)
			return true;
	return false;
}

static void walk_items(struct build *b, struct level *l, const struct node_list *items)
{
	for (unsigned i = 0; i < items->n; i++) {
		const struct node *n = items->items[i];
		const struct node *e = node_is(n, NODE_SortBy) ? node_child(n, "node") : n;
		if (n && !is_output_name(l, e))
			scope_expr(b, l, n);
		else if (n) /* GROUP BY prefers an input column of that name */
			scope_column(b, l, e, NULL, NULL);
	}
}

static void set_operation(struct build *b, struct level *l, const struct node *stmt)
{
	l->left = scope_statement(b, node_child(stmt, "larg"), l->parent, LEVEL_SETOP, l->ctes);
	l->right = scope_statement(b, node_child(stmt, "rarg"), l->parent, LEVEL_SETOP, l->ctes);
	l->output_unknown = l->left->output_unknown || l->right->output_unknown;
	for (unsigned i = 0; i < l->left->n_output; i++) {
		struct column c = l->left->output[i];
		struct column *other = i < l->right->n_output ? &l->right->output[i] : NULL;
		bool same = other && type_family(c.type) == type_family(other->type);
		c.var = same ? graph_new_var(b, NULL, c.name, c.type, c.collation) : -1;
		if (c.var >= 0) {
			graph_edge(b, c.var, l->left->output[i].var, NULL);
			graph_edge(b, c.var, other->var, NULL);
		}
		add_output(b, l, c);
	}
}

static void select_flags(struct level *l, const struct node *s)
{
	const struct node_list *distinct = node_list(s, "distinct_clause");
	l->has_limit = node_child(s, "limit_count") || node_child(s, "limit_offset");
	l->is_grouped = node_list(s, "group_clause")->n > 0;
	l->has_having = node_child(s, "having_clause") != NULL;
	l->has_locking = node_list(s, "locking_clause")->n > 0;
	l->has_distinct = distinct->n > 0;
	l->has_distinct_on = distinct->n > 0 && distinct->items[0] != NULL;
}

static void scope_select(struct build *b, struct level *l, const struct node *s)
{
	select_flags(l, s);
	b->has_locking |= l->has_locking;
	scope_with(b, l, node_child(s, "with_clause"));
	if (node_int(s, "op") > SETOP_NONE) {
		set_operation(b, l, s);
	} else {
		const struct node_list *values = node_list(s, "values_lists");
		for (unsigned i = 0; i < values->n; i++)
			scope_expr(b, l, values->items[i]);
		l->output_unknown |= values->n > 0;
		scope_from(b, l, node_list(s, "from_clause"));
		if (node_child(s, "where_clause"))
			terms_collect(b, l, node_child(s, "where_clause"), TERM_HARD, NULL, 0);
		scope_output(b, l, node_list(s, "target_list"));
		walk_items(b, l, node_list(s, "group_clause"));
		if (node_child(s, "having_clause"))
			scope_expr(b, l, node_child(s, "having_clause"));
		walk_items(b, l, node_list(s, "window_clause"));
		walk_items(b, l, node_list(s, "distinct_clause"));
		walk_items(b, l, node_list(s, "sort_clause"));
	}
	if (node_child(s, "limit_count"))
		scope_expr(b, l, node_child(s, "limit_count"));
	if (node_child(s, "limit_offset"))
		scope_expr(b, l, node_child(s, "limit_offset"));
	if (node_child(s, "into_clause"))
		scatter_refuse(b, "Use CREATE TABLE and INSERT … SELECT.", "SELECT INTO");
}

/* k = k, or in ON CONFLICT k = excluded.k, which the arbiter makes equal. */
static bool is_same_column(const struct node *val, const char *name)
{
	if (!node_is(val, NODE_ColumnRef))
		return false;
	const struct node_list *f = node_list(val, "fields");
	const char *last = node_string(f->items[f->n - 1]);
	const char *first = f->n == 2 ? node_string(f->items[0]) : NULL;
	return last && strcmp(last, name) == 0 &&
	       (f->n == 1 || (first && strcmp(first, "excluded") == 0));
}

static void scope_set_list(struct build *b, struct level *l, const struct rel *target,
			   const struct node_list *targets)
{
	for (unsigned i = 0; i < targets->n; i++) {
		const struct node *t = targets->items[i];
		scope_expr(b, l, node_child(t, "val"));
		for (unsigned k = 0; target->kind == REL_SHARDED && k < target->mapped->n_keys; k++)
			if (strcmp(node_text(t, "name"), target->mapped->key_columns[k]) == 0 &&
			    !is_same_column(node_child(t, "val"), node_text(t, "name")))
				b->sets_key = target->mapped->key_columns[k];
	}
}

static struct rel *scope_target(struct build *b, struct level *l, const struct node *stmt)
{
	l->writes = true;
	scope_with(b, l, node_child(stmt, "with_clause"));
	struct rel *target = scope_add_table(b, l, node_child(stmt, "relation"));
	target->is_target = true;
	return target;
}

static void scope_write(struct build *b, struct level *l, const struct node *s)
{
	struct rel *target = scope_target(b, l, s);
	bool is_update = s->kind == NODE_UpdateStmt;
	scope_from(b, l, node_list(s, is_update ? "from_clause" : "using_clause"));
	if (node_child(s, "where_clause"))
		terms_collect(b, l, node_child(s, "where_clause"), TERM_HARD, NULL, 0);
	if (is_update)
		scope_set_list(b, l, target, node_list(s, "target_list"));
	target->is_target = false; /* RETURNING * shows it too */
	scope_output(b, l, node_list(s, "returning_list"));
	target->is_target = true;
}

/* Which column of the source feeds this column of the target; -1: none. */
static int source_column(const struct rel *target, const struct node_list *cols, const char *name)
{
	for (unsigned i = 0; i < cols->n; i++)
		if (strcmp(node_text(cols->items[i], "name"), name) == 0)
			return (int)i;
	for (unsigned i = 0; cols->n == 0 && i < target->n_columns; i++)
		if (strcmp(target->table->columns[i].name, name) == 0)
			return (int)i;
	return -1;
}

static void tie_insert(struct build *b, struct rel *target, const struct node *s,
		       struct level *source)
{
	for (unsigned k = 0; target->mapped && k < target->mapped->n_keys; k++) {
		int var = graph_key_var(b, target, k);
		int at =
			source_column(target, node_list(s, "cols"), target->mapped->key_columns[k]);
		if (var < 0 || at < 0 || !source || source->output_unknown ||
		    (unsigned)at >= source->n_output)
			continue;
		const struct schema_column *key =
			schema_find_column(target->table, target->mapped->key_columns[k]);
		if (key && key->not_null) /* else a NULL of an outer join would go astray */
			graph_edge(b, source->output[at].var, var, NULL);
		const struct node_list *targets =
			source->left ? NULL : node_list(source->stmt, "target_list");
		struct key_source *one = arena_new(b->a, struct key_source);
		if (targets && targets->n == source->n_output &&
		    constant_source(b, node_child(targets->items[at], "val"), b->vars[var].type,
				    one) &&
		    one->kind != KEY_NULL)
			graph_restrict(b, var, one, 1);
	}
}

static void scope_insert(struct build *b, struct level *l, const struct node *s)
{
	struct rel *target = scope_target(b, l, s);
	struct level *source = NULL;
	if (node_child(s, "select_stmt")) {
		source = scope_statement(b, node_child(s, "select_stmt"), l->parent, LEVEL_FROM,
					 l->ctes);
		source->owner = l;
		l->source = source;
	}
	if (target->kind == REL_SHARDED)
		tie_insert(b, target, s, source);
	const struct node *conflict = node_child(s, "on_conflict_clause");
	if (conflict) {
		scope_add_unknown(b, l, "excluded");
		const struct node *infer = node_child(conflict, "infer");
		if (infer)
			scope_expr(b, l, infer);
		scope_set_list(b, l, target, node_list(conflict, "target_list"));
		if (node_child(conflict, "where_clause"))
			scope_expr(b, l, node_child(conflict, "where_clause"));
	}
	target->is_target = false;
	scope_output(b, l, node_list(s, "returning_list"));
	target->is_target = true;
}

static void scope_merge(struct build *b, struct level *l, const struct node *s)
{
	scope_target(b, l, s);
	scatter_refuse(b, "Restrict the statement to one shard key.", "MERGE over several shards");
	struct rel *target = l->rels[l->n_rels - 1];
	const struct node *source = node_child(s, "source_relation");
	struct node_list one = { 1, &source };
	scope_from(b, l, &one);
	terms_collect(b, l, node_child(s, "join_condition"), TERM_OUTER, &target, 1);
	const struct node_list *whens = node_list(s, "merge_when_clauses");
	for (unsigned i = 0; i < whens->n; i++) {
		const struct node *when = whens->items[i];
		scope_expr(b, l, node_child(when, "condition"));
		scope_set_list(b, l, target, node_list(when, "target_list"));
		const struct node_list *values = node_list(when, "values");
		for (unsigned j = 0; j < values->n; j++)
			scope_expr(b, l, values->items[j]);
		if (node_int(when, "command_type") == MERGE_COMMAND_INSERT &&
		    target->kind == REL_SHARDED)
			b->merge_inserts = true;
	}
}

struct level *scope_statement(struct build *b, const struct node *stmt, struct level *parent,
			      enum level_kind kind, struct cte *ctes)
{
	struct level *l = scope_new_level(b, stmt, parent, kind, ctes);
	if (node_is(stmt, NODE_SelectStmt))
		scope_select(b, l, stmt);
	else if (node_is(stmt, NODE_UpdateStmt) || node_is(stmt, NODE_DeleteStmt))
		scope_write(b, l, stmt);
	else if (node_is(stmt, NODE_InsertStmt))
		scope_insert(b, l, stmt);
	else if (node_is(stmt, NODE_MergeStmt))
		scope_merge(b, l, stmt);
	else
		b->unresolved = true;
	return l;
}
