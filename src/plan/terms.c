/* Equalities at the AND-level of conditions, into the graph.
 *
 * Only what must hold for a row to matter counts: nothing under NOT, CASE or a select
 * list; an OR only when every branch restricts the same column. */
#include <string.h>
#include "internal.h"

struct scope {
	struct build *b;
	struct level *l;
	enum term_scope kind;
	struct rel *const *inner;
	unsigned n_inner;
};

/* A column reference as a variable, and how it stands to the condition. */
struct side {
	int var;
	bool is_local; /* of this level */
	bool is_inner; /* its restriction by this condition is sound */
};

static bool side_of(struct scope *s, const struct node *n, struct side *out)
{
	struct rel *rel = NULL;
	struct level *at = NULL;
	if (!node_is(n, NODE_ColumnRef))
		return false;
	struct column *c = scope_column(s->b, s->l, n, &rel, &at);
	if (!c || c->var < 0)
		return false;
	out->var = c->var;
	out->is_local = at == s->l;
	out->is_inner = out->is_local && s->kind == TERM_HARD;
	struct rel *of = s->b->vars[c->var].rel;
	for (unsigned i = 0; s->kind == TERM_OUTER && i < s->n_inner; i++)
		out->is_inner |= s->inner[i] == of;
	return true;
}

static void tie_columns(struct scope *s, struct side x, struct side y)
{
	if (x.is_inner)
		graph_edge(s->b, y.var, x.var, NULL);
	if (y.is_inner)
		graph_edge(s->b, x.var, y.var, NULL);
}

static bool equality(struct build *b, const struct node *e, int kind)
{
	const char *op;
	if (!node_is(e, NODE_A_Expr) || node_int(e, "kind") != kind)
		return false;
	op = names_operator(b, node_list(e, "name"));
	return op && strcmp(op, "=") == 0;
}

static bool has_family(struct build *b, int var)
{
	return b->vars[var].family != FAMILY_NONE;
}

/* `col = constant` either way round. */
static bool constant_term(struct scope *s, const struct node *e, struct side *col,
			  struct key_source **out)
{
	const struct node *l = node_child(e, "lexpr"), *r = node_child(e, "rexpr");
	for (int turn = 0; turn < 2; turn++, l = r, r = node_child(e, "lexpr")) {
		if (!side_of(s, l, col) || !col->is_inner || !has_family(s->b, col->var))
			continue;
		*out = arena_new(s->b->a, struct key_source);
		if (constant_source(s->b, r, s->b->vars[col->var].type, *out))
			return true;
	}
	return false;
}

static unsigned in_list(struct scope *s, const struct node *e, struct side *col,
			struct key_source **out)
{
	const struct node *list = node_child(e, "rexpr");
	if (!node_is(list, NODE_List) || !side_of(s, node_child(e, "lexpr"), col) ||
	    !col->is_inner || !has_family(s->b, col->var))
		return 0;
	const struct node_list *items = node_list(list, "items");
	*out = arena_array(s->b->a, struct key_source, items->n);
	for (unsigned i = 0; i < items->n; i++)
		if (!constant_source(s->b, items->items[i], s->b->vars[col->var].type, &(*out)[i]))
			return 0;
	return items->n;
}

static unsigned any_array(struct scope *s, const struct node *e, struct side *col,
			  struct key_source **out)
{
	if (!side_of(s, node_child(e, "lexpr"), col) || !col->is_inner ||
	    !has_family(s->b, col->var))
		return 0;
	return constant_array(s->b, node_child(e, "rexpr"), s->b->vars[col->var].type, out);
}

/* The values that this condition allows one column; 0: none found. */
static unsigned values_of(struct scope *s, const struct node *e, struct side *col,
			  struct key_source **out);

static unsigned or_values(struct scope *s, const struct node *e, struct side *col,
			  struct key_source **out)
{
	const struct node_list *args = node_list(e, "args");
	unsigned n = 0, room = 0;
	struct key_source *all = NULL;
	for (unsigned i = 0; i < args->n; i++) {
		struct side other;
		struct key_source *more = NULL;
		unsigned got = values_of(s, args->items[i], &other, &more);
		if (got == 0 || (i > 0 && other.var != col->var))
			return 0;
		*col = other;
		for (unsigned j = 0; j < got; j++) {
			grow(s->b, all, n, room);
			all[n++] = more[j];
		}
	}
	*out = all;
	return n;
}

static unsigned and_values(struct scope *s, const struct node *e, struct side *col,
			   struct key_source **out)
{
	const struct node_list *args = node_list(e, "args");
	for (unsigned i = 0; i < args->n; i++) {
		unsigned n = values_of(s, args->items[i], col, out);
		if (n > 0)
			return n;
	}
	return 0;
}

static unsigned values_of(struct scope *s, const struct node *e, struct side *col,
			  struct key_source **out)
{
	if (equality(s->b, e, EXPR_OP))
		return constant_term(s, e, col, out) ? 1 : 0;
	if (equality(s->b, e, EXPR_IN))
		return in_list(s, e, col, out);
	if (equality(s->b, e, EXPR_OP_ANY))
		return any_array(s, e, col, out);
	if (node_is(e, NODE_BoolExpr) && node_int(e, "boolop") == BOOL_OR)
		return or_values(s, e, col, out);
	if (node_is(e, NODE_BoolExpr) && node_int(e, "boolop") == BOOL_AND)
		return and_values(s, e, col, out);
	return 0;
}

/* x IN (SELECT y …), wanted true. */
static bool in_subquery(struct scope *s, const struct node *e)
{
	if (!node_is(e, NODE_SubLink) || node_int(e, "sub_link_type") != SUBLINK_ANY ||
	    node_list(e, "oper_name")->n > 0 || s->b->path_shadows_catalog)
		return false;
	struct side x;
	const struct node *test = node_child(e, "testexpr");
	s->l->has_sublink = true;
	scope_expr(s->b, s->l, test);
	struct level *sub =
		scope_statement(s->b, node_child(e, "subselect"), s->l, LEVEL_EXPR, s->l->ctes);
	if (s->kind != TERM_HARD || !side_of(s, test, &x) || !x.is_inner || sub->output_unknown ||
	    sub->n_output != 1 || sub->output[0].var < 0)
		return true;
	graph_edge(s->b, sub->output[0].var, x.var, NULL);
	bool plain = !sub->has_limit && !sub->is_grouped && !sub->has_aggregate &&
		     !sub->has_window && !sub->has_having && !sub->has_distinct_on && !sub->left &&
		     !sub->has_locking && !sub->has_srf && !sub->has_volatile;
	if (plain)
		graph_edge(s->b, x.var, sub->output[0].var, NULL);
	return true;
}

static void compare_term(struct scope *s, const struct node *e)
{
	const struct node *sides[] = { node_child(e, "lexpr"), node_child(e, "rexpr") };
	struct side col;
	for (int i = 0; i < 2; i++)
		if (side_of(s, sides[i], &col) && col.is_inner)
			range_bounds(s->b, e, sides[i], col.var);
}

static void term(struct scope *s, const struct node *e)
{
	struct side x, y;
	struct key_source *values = NULL;
	if (in_subquery(s, e))
		return;
	scope_expr(s->b, s->l, e);
	if (equality(s->b, e, EXPR_OP) && side_of(s, node_child(e, "lexpr"), &x) &&
	    side_of(s, node_child(e, "rexpr"), &y)) {
		tie_columns(s, x, y);
		return;
	}
	unsigned n = values_of(s, e, &x, &values);
	if (n > 0)
		graph_restrict(s->b, x.var, values, n);
	else if (node_is(e, NODE_A_Expr))
		compare_term(s, e);
}

static void collect(struct scope *s, const struct node *cond)
{
	if (node_is(cond, NODE_BoolExpr) && node_int(cond, "boolop") == BOOL_AND) {
		const struct node_list *args = node_list(cond, "args");
		for (unsigned i = 0; i < args->n; i++)
			collect(s, args->items[i]);
		return;
	}
	term(s, cond);
}

void terms_collect(struct build *b, struct level *l, const struct node *cond, enum term_scope kind,
		   struct rel *const *inner, unsigned n_inner)
{
	struct scope s = { b, l, kind, inner, n_inner };
	collect(&s, cond);
}
