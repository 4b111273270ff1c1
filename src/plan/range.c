/* Comparisons with constants that leave shards of a RANGE distribution out. */
#include <string.h>
#include "internal.h"

static bool op_of(const char *name, bool turned, enum plan_bound_op *out)
{
	static const struct {
		const char *name;
		enum plan_bound_op op, turned;
	} ops[] = { { "<", BOUND_LT, BOUND_GT },
		    { "<=", BOUND_LE, BOUND_GE },
		    { ">", BOUND_GT, BOUND_LT },
		    { ">=", BOUND_GE, BOUND_LE } };
	for (unsigned i = 0; name && i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (strcmp(ops[i].name, name) != 0)
			continue;
		*out = turned ? ops[i].turned : ops[i].op;
		return true;
	}
	return false;
}

/* A parameter whose type another use may decide is not read: its bytes could mean something else.
 */
static bool is_certain(struct build *b, const struct key_source *s)
{
	if (s->kind != KEY_PARAM)
		return true;
	bool declared = s->index <= b->req->n_param_types && b->req->param_types[s->index - 1] &&
			b->req->param_types[s->index - 1] != OID_UNKNOWN;
	return declared || (s->index <= b->n_param_uses && b->param_uses[s->index - 1] == 1);
}

static void add_bound(struct build *b, int var, enum plan_bound_op op, const struct node *value)
{
	struct key_source source;
	const struct var *v = &b->vars[var];
	if (v->is_ordered && v->family != FAMILY_NONE &&
	    constant_source(b, value, v->type, &source) && is_certain(b, &source))
		graph_bound(b, var, op, &source);
}

void range_bounds(struct build *b, const struct node *e, const struct node *column, int var)
{
	const struct node *l = node_child(e, "lexpr"), *r = node_child(e, "rexpr");
	int64_t kind = node_int(e, "kind");
	enum plan_bound_op op;
	if (kind == EXPR_OP) {
		const char *name = names_operator(b, node_list(e, "name"));
		if (op_of(name, column == r, &op))
			add_bound(b, var, op, column == r ? l : r);
	} else if (kind == EXPR_BETWEEN && column == l && node_is(r, NODE_List) &&
		   !b->path_shadows_catalog && node_list(r, "items")->n == 2) {
		add_bound(b, var, BOUND_GE, node_list(r, "items")->items[0]);
		add_bound(b, var, BOUND_LE, node_list(r, "items")->items[1]);
	}
}

void range_intervals(struct build *b)
{
	struct plan *p = b->plan;
	if (b->n_bounds == 0)
		return;
	struct key_interval *all = arena_array(&p->arena, struct key_interval, b->n_all);
	unsigned n = 0;
	for (unsigned i = 0; i < b->n_all && n < UINT16_MAX; i++) {
		struct rel *r = b->all[i];
		if (r->kind != REL_SHARDED)
			continue;
		if (b->map->distributions[r->mapped->distribution].method != MAP_RANGE)
			return;
		all[n] = graph_interval_of(b, graph_key_var(b, r, 0));
		if (all[n++].n == 0)
			return;
	}
	p->intervals = all;
	p->n_intervals = (uint16_t)n;
	build_explain(b, "ranges outside the comparisons with the key are left out");
}
