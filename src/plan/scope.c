/* From the tree to levels and relation instances: FROM, joins, WITH, output columns. */
#include <string.h>
#include "internal.h"

struct level *scope_new_level(struct build *b, const struct node *stmt, struct level *parent,
			      enum level_kind kind, struct cte *ctes)
{
	struct level *l = arena_new(b->a, struct level);
	*l = (struct level){
		.kind = kind, .parent = parent, .next = b->levels, .stmt = stmt, .ctes = ctes
	};
	b->levels = l;
	return l;
}

static struct rel *add_rel(struct build *b, struct level *l, struct rel rel)
{
	struct rel *r = arena_copy(b->a, &rel, sizeof(rel));
	r->level = l;
	grow(b, l->rels, l->n_rels, l->rels_size);
	l->rels[l->n_rels++] = r;
	grow(b, b->all, b->n_all, b->all_size);
	b->all[b->n_all++] = r;
	return r;
}

static const char *alias_of(const struct node *item, const char *otherwise)
{
	const struct node *alias = node_child(item, "alias");
	return alias ? node_text(alias, "aliasname") : otherwise;
}

/* FROM t AS x(c1, c2): the columns' new names. */
static void rename_columns(struct build *b, struct rel *r, const struct node *item)
{
	const struct node *alias = node_child(item, "alias");
	const struct node_list *names = alias ? node_list(alias, "colnames") : NULL;
	(void)b;
	for (unsigned i = 0; names && i < names->n && i < r->n_columns; i++)
		if (node_string(names->items[i]))
			r->columns[i].name = node_string(names->items[i]);
}

struct rel *scope_add_table(struct build *b, struct level *l, const struct node *range_var)
{
	const char *name = node_text(range_var, "relname");
	const struct schema_relation *t = names_of(b, range_var);
	struct rel r = { .kind = REL_SINGLE,
			 .name = alias_of(range_var, name),
			 .table = t,
			 .range = range_var };
	if (!t || *node_text(range_var, "catalogname")) {
		b->unknown_relation = !t;
		b->unresolved = true;
		b->unknown_name = name;
		r.columns_unknown = true;
		return add_rel(b, l, r);
	}
	r.kind = names_place(b, t, &r.mapped);
	r.schema = node_child(range_var, "alias") ? NULL : t->schema;
	r.only = !node_int(range_var, "inh");
	r.n_columns = t->n_columns;
	r.columns = arena_array(b->a, struct column, t->n_columns ? t->n_columns : 1);
	for (unsigned i = 0; i < t->n_columns; i++)
		r.columns[i] = (struct column){ .name = t->columns[i].name,
						.var = -1,
						.type = t->columns[i].type_oid,
						.collation = t->columns[i].collation_oid,
						.typmod = t->columns[i].typmod };
	rename_columns(b, &r, range_var);
	return add_rel(b, l, r);
}

static struct cte *find_cte(const struct level *l, const struct node *range_var)
{
	if (*node_text(range_var, "schemaname"))
		return NULL;
	const char *name = node_text(range_var, "relname");
	for (struct cte *c = l->ctes; c; c = c->next)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

/* ---- what a restriction on an output column may reach inside ---- */
static bool group_has_var(struct build *b, struct level *l, int var, const char *name,
			  unsigned position)
{
	const struct node_list *group = node_list(l->stmt, "group_clause");
	for (unsigned i = 0; i < group->n; i++) {
		const struct node *g = group->items[i];
		if (node_is(g, NODE_ColumnRef)) {
			struct column *c = scope_column(b, l, g, NULL, NULL);
			if (c && c->var == var)
				return true;
			if (!c && node_list(g, "fields")->n == 1 && name &&
			    strcmp(node_string(node_list(g, "fields")->items[0]), name) == 0)
				return true;
		} else if (node_is(g, NODE_A_Const) && node_child(g, "ival") &&
			   node_int(node_child(g, "ival"), "ival") == (int64_t)position + 1) {
			return true;
		}
	}
	return false;
}

static bool may_push_into(struct build *b, struct level *sub, unsigned i)
{
	if (sub->has_limit || sub->has_window || sub->has_locking || sub->has_distinct_on ||
	    sub->has_srf || sub->has_volatile || sub->writes)
		return false;
	if (sub->left)
		return true;
	if (!node_is(sub->stmt, NODE_SelectStmt) || sub->has_grouping_sets)
		return false;
	if (!sub->has_aggregate && !sub->is_grouped && !sub->has_having)
		return true;
	return sub->is_grouped && group_has_var(b, sub, sub->output[i].var, sub->output[i].name, i);
}

static struct rel *add_derived(struct build *b, struct level *l, const char *name,
			       struct level *sub, struct cte *cte)
{
	struct rel r = { .kind = REL_DERIVED, .name = name, .sub = sub, .cte = cte };
	struct column *from = cte ? cte->output : sub->output;
	r.n_columns = cte ? cte->n_output : sub->n_output;
	r.columns_unknown = cte ? cte->output_unknown : sub->output_unknown;
	r.columns = arena_array(b->a, struct column, r.n_columns ? r.n_columns : 1);
	struct rel *added = add_rel(b, l, r);
	for (unsigned i = 0; i < r.n_columns; i++) {
		struct column *c = &added->columns[i];
		*c = from[i];
		c->merged = false;
		c->var = -1;
		if (from[i].var < 0)
			continue;
		c->var = graph_new_var(b, added, c->name, c->type, c->collation);
		graph_edge(b, from[i].var, c->var, NULL);
		if (sub && may_push_into(b, sub, i))
			graph_edge(b, c->var, from[i].var, cte);
	}
	return added;
}

void scope_add_unknown(struct build *b, struct level *l, const char *name)
{
	add_rel(b, l, (struct rel){ .kind = REL_DERIVED, .name = name, .columns_unknown = true });
}

/* ---- joins ---- */
static struct column *unqualified(struct level *l, const char *name, unsigned from, unsigned to,
				  bool with_merged, unsigned *n, struct rel **rel)
{
	struct column *found = NULL;
	*n = 0;
	for (unsigned i = 0; with_merged && i < l->n_merged; i++)
		if (!l->merged[i].hidden && strcmp(l->merged[i].column.name, name) == 0) {
			found = &l->merged[i].column;
			++*n;
		}
	for (unsigned i = from; i < to; i++) {
		struct rel *r = l->rels[i];
		for (unsigned j = 0; !r->hidden && j < r->n_columns; j++)
			if (!r->columns[j].merged && strcmp(r->columns[j].name, name) == 0) {
				found = &r->columns[j];
				if (rel)
					*rel = r;
				++*n;
			}
	}
	return found;
}

struct span {
	unsigned from, to, merged_from, merged_to;
};

/* The column of this name on one side of a join, merged ones first. */
static struct column *side_column(struct build *b, struct level *l, const char *name,
				  struct span side)
{
	for (unsigned i = side.merged_from; i < side.merged_to; i++)
		if (!l->merged[i].hidden && strcmp(l->merged[i].column.name, name) == 0)
			return &l->merged[i].column;
	unsigned n;
	struct rel *rel = NULL;
	struct column *c = unqualified(l, name, side.from, side.to, false, &n, &rel);
	if (n != 1)
		return NULL;
	graph_var(b, rel, c);
	return c;
}

static void hide_column(struct level *l, struct column *c)
{
	c->merged = true;
	for (unsigned i = 0; i < l->n_merged; i++)
		if (&l->merged[i].column == c)
			l->merged[i].hidden = true;
}

static void join_using(struct build *b, struct level *l, const char *name, enum join_kind kind,
		       struct span left, struct span right)
{
	struct column *x = side_column(b, l, name, left), *y = side_column(b, l, name, right);
	if (!x || !y) {
		b->unresolved = true;
		return;
	}
	if (kind == JOIN_INNER)
		graph_tie(b, x->var, y->var);
	else if (kind == JOIN_LEFT)
		graph_edge(b, x->var, y->var, NULL);
	else if (kind == JOIN_RIGHT)
		graph_edge(b, y->var, x->var, NULL);
	struct column merged = kind == JOIN_RIGHT ? *y : *x;
	if (x->type != y->type)
		merged.type = 0;
	if (kind == JOIN_FULL)
		merged.var = -1;
	merged.merged = false;
	hide_column(l, x);
	hide_column(l, y);
	grow(b, l->merged, l->n_merged, l->merged_size);
	l->merged[l->n_merged++] = (struct merged){ merged, false };
}

static void join_natural(struct build *b, struct level *l, enum join_kind kind, struct span left,
			 struct span right)
{
	for (unsigned i = left.from; i < right.to; i++)
		if (l->rels[i]->columns_unknown) {
			b->unresolved = true;
			scatter_refuse(b, "Name the columns with USING.",
				       "NATURAL JOIN of a function's or a sub-query's columns");
			return;
		}
	unsigned n_merged = left.merged_to;
	for (unsigned i = left.merged_from; i < n_merged; i++)
		if (!l->merged[i].hidden && side_column(b, l, l->merged[i].column.name, right))
			join_using(b, l, l->merged[i].column.name, kind, left, right);
	for (unsigned i = left.from; i < left.to; i++)
		for (unsigned j = 0; !l->rels[i]->hidden && j < l->rels[i]->n_columns; j++) {
			struct column *c = &l->rels[i]->columns[j];
			if (!c->merged && side_column(b, l, c->name, right))
				join_using(b, l, c->name, kind, left, right);
		}
}

static void mark_nullable(struct level *l, struct span s)
{
	for (unsigned i = s.from; i < s.to; i++)
		l->rels[i]->nullable = true;
}

/* (a JOIN b …) AS j: the names within are hidden behind j. */
static void join_alias(struct build *b, struct level *l, const struct node *join, struct span all)
{
	struct rel r = { .kind = REL_DERIVED, .name = alias_of(join, "") };
	unsigned n = 0, at = 0;
	for (unsigned i = all.from; i < all.to; i++) {
		n += l->rels[i]->n_columns;
		r.columns_unknown |= l->rels[i]->columns_unknown;
	}
	r.columns = arena_array(b->a, struct column, n + l->n_merged + 1);
	for (unsigned i = all.merged_from; i < all.merged_to; i++)
		if (!l->merged[i].hidden) {
			r.columns[at++] = l->merged[i].column;
			l->merged[i].hidden = true;
		}
	for (unsigned i = all.from; i < all.to; i++) {
		struct rel *in = l->rels[i];
		for (unsigned j = 0; !in->hidden && j < in->n_columns; j++) {
			graph_var(b, in, &in->columns[j]);
			if (!in->columns[j].merged)
				r.columns[at++] = in->columns[j];
		}
		in->hidden = true;
	}
	r.n_columns = at;
	rename_columns(b, &r, join);
	add_rel(b, l, r);
}

static void from_item(struct build *b, struct level *l, const struct node *item);

static void from_join(struct build *b, struct level *l, const struct node *join)
{
	enum join_kind kind = (enum join_kind)node_int(join, "jointype");
	struct span left, right;
	left = (struct span){ l->n_rels, 0, l->n_merged, 0 };
	from_item(b, l, node_child(join, "larg"));
	left.to = right.from = l->n_rels;
	left.merged_to = right.merged_from = l->n_merged;
	from_item(b, l, node_child(join, "rarg"));
	right.to = l->n_rels;
	right.merged_to = l->n_merged;

	if (kind == JOIN_LEFT || kind == JOIN_FULL)
		mark_nullable(l, right);
	if (kind == JOIN_RIGHT || kind == JOIN_FULL)
		mark_nullable(l, left);
	l->has_full_join |= kind == JOIN_FULL;
	const struct node_list *using = node_list(join, "using_clause");
	for (unsigned i = 0; i < using->n; i++)
		join_using(b, l, node_string(using->items[i]), kind, left, right);
	if (node_int(join, "is_natural"))
		join_natural(b, l, kind, left, right);
	const struct node *quals = node_child(join, "quals");
	if (quals && kind == JOIN_INNER) {
		terms_collect(b, l, quals, TERM_HARD, NULL, 0);
	} else if (quals && kind == JOIN_FULL) {
		scope_expr(b, l, quals);
	} else if (quals) {
		struct span inner = kind == JOIN_LEFT ? right : left;
		terms_collect(b, l, quals, TERM_OUTER, l->rels + inner.from, inner.to - inner.from);
	}
	if (node_child(join, "alias"))
		join_alias(b, l, join,
			   (struct span){ left.from, l->n_rels, left.merged_from, l->n_merged });
	if (node_child(join, "join_using_alias"))
		scope_add_unknown(b, l,
				  node_text(node_child(join, "join_using_alias"), "aliasname"));
}

static void from_subselect(struct build *b, struct level *l, const struct node *item)
{
	struct level *parent = node_int(item, "lateral") ? l : l->parent;
	struct level *sub =
		scope_statement(b, node_child(item, "subquery"), parent, LEVEL_FROM, l->ctes);
	struct rel *r = add_derived(b, l, alias_of(item, ""), sub, NULL);
	rename_columns(b, r, item);
}

static void from_cte(struct build *b, struct level *l, const struct node *item, struct cte *cte)
{
	cte->n_refs++;
	struct rel *r = add_derived(b, l, alias_of(item, cte->name), cte->level, cte);
	rename_columns(b, r, item);
}

static void from_sample(struct build *b, struct level *l, const struct node *item)
{
	from_item(b, l, node_child(item, "relation"));
	if (l->n_rels)
		l->rels[l->n_rels - 1]->sampled = true;
	const struct node_list *args = node_list(item, "args");
	for (unsigned i = 0; i < args->n; i++)
		scope_expr(b, l, args->items[i]);
	scatter_refuse(b, "Restrict the statement to one shard key.",
		       "TABLESAMPLE over several shards");
}

static void walk_function_item(const struct node *n, void *arg);

struct walk {
	struct build *b;
	struct level *l;
};

static void walk_function_item(const struct node *n, void *arg)
{
	struct walk *w = arg;
	if (n->kind != NODE_ColumnDef && strcmp(node_type_name(n), "Alias") != 0)
		scope_expr(w->b, w->l, n);
}

static void from_item(struct build *b, struct level *l, const struct node *item)
{
	struct walk w = { b, l };
	switch ((int)item->kind) {
	case NODE_RangeVar: {
		struct cte *cte = find_cte(l, item);
		if (cte)
			from_cte(b, l, item, cte);
		else
			scope_add_table(b, l, item);
		return;
	}
	case NODE_JoinExpr: from_join(b, l, item); return;
	case NODE_RangeSubselect: from_subselect(b, l, item); return;
	case NODE_RangeTableSample: from_sample(b, l, item); return;
	default: {
		bool before = l->has_volatile;
		node_each(item, walk_function_item, &w);
		if (l->has_volatile && !before)
			scatter_refuse(b, "Restrict the statement to one shard key.",
				       "a volatile function in FROM over several shards");
	}
		scope_add_unknown(b, l, alias_of(item, ""));
	}
}

void scope_from(struct build *b, struct level *l, const struct node_list *items)
{
	for (unsigned i = 0; i < items->n; i++)
		if (items->items[i])
			from_item(b, l, items->items[i]);
}

/* ---- WITH ---- */
static void cte_columns(struct build *b, struct cte *c, const struct node *n)
{
	const struct node_list *names = node_list(n, "aliascolnames");
	c->n_output = c->level->n_output;
	c->output_unknown = c->level->output_unknown;
	c->output = arena_array(b->a, struct column, c->n_output ? c->n_output : 1);
	for (unsigned i = 0; i < c->n_output; i++) {
		c->output[i] = c->level->output[i];
		if (i < names->n)
			c->output[i].name = node_string(names->items[i]);
	}
}

void scope_with(struct build *b, struct level *l, const struct node *with)
{
	const struct node_list *ctes = with ? node_list(with, "ctes") : NULL;
	bool recursive = with && node_int(with, "recursive");
	for (unsigned i = 0; ctes && i < ctes->n; i++) {
		const struct node *n = ctes->items[i];
		struct cte *c = arena_new(b->a, struct cte);
		*c = (struct cte){ .next = l->ctes,
				   .name = node_text(n, "ctename"),
				   .output_unknown = true,
				   .is_recursive = recursive };
		if (recursive)
			l->ctes = c;
		c->level = scope_statement(b, node_child(n, "ctequery"), l->parent, LEVEL_CTE,
					   recursive ? c : l->ctes);
		c->writes = c->level->writes;
		l->ctes = c;
		cte_columns(b, c, n);
		if (recursive && c->n_refs > 0) {
			c->n_refs += 1; /* its own rows: nothing may be pushed in */
			scatter_refuse(b, "Restrict every table in it to one shard key.",
				       "WITH RECURSIVE over several shards");
		}
	}
}

/* ---- columns by name ---- */
static struct column *qualified(struct build *b, struct level *l, const struct node_list *fields,
				struct rel **rel, bool *rel_found)
{
	const char *column = node_string(fields->items[fields->n - 1]);
	const char *table = node_string(fields->items[fields->n - 2]);
	const char *schema = fields->n > 2 ? node_string(fields->items[fields->n - 3]) : NULL;
	for (unsigned i = 0; i < l->n_rels; i++) {
		struct rel *r = l->rels[i];
		if (r->hidden || strcmp(r->name, table) != 0)
			continue;
		if (schema && (!r->schema || strcmp(r->schema, schema) != 0))
			continue;
		*rel_found = true;
		for (unsigned j = 0; column && j < r->n_columns; j++)
			if (strcmp(r->columns[j].name, column) == 0) {
				*rel = r;
				graph_var(b, r, &r->columns[j]);
				return &r->columns[j];
			}
		*rel = r;
		return NULL;
	}
	return NULL;
}

struct column *scope_column(struct build *b, struct level *l, const struct node *ref,
			    struct rel **rel, struct level **found_at)
{
	const struct node_list *fields = node_list(ref, "fields");
	const char *name = fields->n ? node_string(fields->items[fields->n - 1]) : NULL;
	if (!name || fields->n > 3)
		return NULL;
	for (; l; l = l->parent) {
		struct rel *in = NULL;
		struct column *c = NULL;
		bool rel_found = false;
		unsigned n = 0;
		if (found_at)
			*found_at = l;
		if (fields->n == 1)
			c = unqualified(l, name, 0, l->n_rels, true, &n, &in);
		else
			c = qualified(b, l, fields, &in, &rel_found);
		if (rel)
			*rel = in;
		if (c && n <= 1) {
			if (in)
				graph_var(b, in, c);
			return c;
		}
		if (n > 1 || rel_found)
			return NULL;
		for (unsigned i = 0; fields->n == 1 && i < l->n_rels; i++)
			if (l->rels[i]->columns_unknown && !l->rels[i]->hidden)
				return NULL;
	}
	return NULL;
}
