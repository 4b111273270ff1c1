/* SELECT set_config('name', 'value' or $n, is_local), … without FROM: settings of the session.
 *
 * Several of them may stand together, beside current_setting(): drivers read the old value while
 * they write the new one. A server runs the statement; the session then remembers each setting. */
#include <ctype.h>
#include <string.h>

#include "internal.h"

static const char *constant_text(const struct node *n)
{
	return node_is(n, NODE_A_Const) && node_child(n, "sval")
		       ? node_text(node_child(n, "sval"), "sval")
		       : NULL;
}

static bool constant_bool(const struct node *n, bool *value)
{
	if (!node_is(n, NODE_A_Const) || !node_child(n, "boolval"))
		return false;
	*value = node_int(node_child(n, "boolval"), "boolval") != 0;
	return true;
}

static bool is_text_param(struct build *b, const struct node *n, uint16_t *number)
{
	if (!node_is(n, NODE_ParamRef))
		return false;
	*number = (uint16_t)node_int(n, "number");
	uint32_t type = route_declared(b, *number);
	return *number > 0 && (type == 0 || type == OID_TEXT || type == OID_VARCHAR);
}

static bool read_config(struct build *b, const struct node *call, struct plan_config *c)
{
	const struct node_list *args = node_list(call, "args");
	const char *name = args->n == 3 ? constant_text(args->items[0]) : NULL;
	if (!name || strncasecmp(name, "mosaic.", 7) == 0 ||
	    !constant_bool(args->items[2], &c->local))
		return false;
	char *lower = arena_strdup(&b->plan->arena, name);
	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	c->name = lower;
	const char *value = constant_text(args->items[1]);
	c->value = value ? arena_strdup(&b->plan->arena, value) : NULL;
	return value || is_text_param(b, args->items[1], &c->param);
}

static bool reads_setting(const struct node *call)
{
	const struct node_list *args = node_list(call, "args");
	bool missing_ok;
	return (args->n == 1 || (args->n == 2 && constant_bool(args->items[1], &missing_ok))) &&
	       constant_text(args->items[0]);
}

static bool is_bare(const struct node *s)
{
	static const char *const lists[] = { "from_clause",	"group_clause", "sort_clause",
					     "distinct_clause", "values_lists", "locking_clause",
					     "window_clause" };
	static const char *const clauses[] = { "where_clause", "with_clause",  "having_clause",
					       "limit_count",  "limit_offset", "into_clause",
					       "larg" };
	for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (node_list(s, lists[i])->n > 0)
			return false;
	for (unsigned i = 0; i < sizeof(clauses) / sizeof(clauses[0]); i++)
		if (node_child(s, clauses[i]))
			return false;
	return true;
}

/* Every column must be one of the two functions. */
static bool read_targets(struct build *b, const struct node_list *targets)
{
	struct plan *p = b->plan;
	p->configs = arena_array(&p->arena, struct plan_config, targets->n);
	for (unsigned i = 0; i < targets->n; i++) {
		const struct node *call = node_child(targets->items[i], "val");
		const char *name;
		if (!node_is(call, NODE_FuncCall) || !functions_builtin(b, call, &name))
			return false;
		if (strcmp(name, "current_setting") == 0 && reads_setting(call))
			continue;
		if (strcmp(name, "set_config") != 0 ||
		    !read_config(b, call, &p->configs[p->n_configs]))
			return false;
		p->n_configs++;
	}
	return p->n_configs > 0;
}

bool plan_set_config(struct build *b, const struct node *stmt)
{
	struct plan *p = b->plan;
	if (!node_is(stmt, NODE_SelectStmt) || !is_bare(stmt))
		return false;
	const struct node_list *targets = node_list(stmt, "target_list");
	if (targets->n == 0 || !read_targets(b, targets)) {
		p->n_configs = 0;
		return false;
	}
	p->class = PLAN_QUERY;
	p->tag = "SELECT";
	p->target = TARGET_ANY;
	p->exact_text = true;
	p->returns_rows = true;
	p->n_output = (int)targets->n;
	route_params(b);
	build_explain(b, "any shard");
	return true;
}
