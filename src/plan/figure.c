/* The name PostgreSQL gives an unlabelled output column (FigureColname). */
#include "internal.h"

static const char *last_name(const struct node_list *names)
{
	return names->n ? node_string(names->items[names->n - 1]) : NULL;
}

/* 0: no name, 1: a weak one, 2: a good one. */
static int figure(const struct node *n, const char **name)
{
	int strength;
	const char *weak = NULL;
	if (!n)
		return 0;
	switch ((int)n->kind) {
	case NODE_ColumnRef: *name = last_name(node_list(n, "fields")); return *name ? 2 : 0;
	case NODE_FuncCall: *name = last_name(node_list(n, "funcname")); return 2;
	case NODE_A_Indirection:
		*name = last_name(node_list(n, "indirection"));
		return *name ? 2 : figure(node_child(n, "arg"), name);
	case NODE_A_Expr: *name = "nullif"; return node_int(n, "kind") == EXPR_NULLIF ? 2 : 0;
	case NODE_CollateClause: return figure(node_child(n, "arg"), name);
	case NODE_TypeCast:
		strength = figure(node_child(n, "arg"), name);
		if (strength > 1)
			return strength;
		weak = last_name(node_list(node_child(n, "type_name"), "names"));
		*name = weak ? weak : *name;
		return 1;
	case NODE_CaseExpr:
		strength = figure(node_child(n, "defresult"), name);
		if (strength <= 1)
			*name = "case";
		return strength <= 1 ? 1 : strength;
	case NODE_A_ArrayExpr: *name = "array"; return 2;
	case NODE_RowExpr: *name = "row"; return 2;
	case NODE_CoalesceExpr: *name = "coalesce"; return 2;
	case NODE_MinMaxExpr: *name = node_int(n, "op") == 1 ? "greatest" : "least"; return 2;
	default: return 0;
	}
}

const char *figure_name(const struct node *n)
{
	const char *name = NULL;
	return figure(n, &name) > 0 && name ? name : "?column?";
}
