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

static bool has_only_where(const struct node *s)
{
	static const char *const lists[] = { "group_clause", "sort_clause",    "distinct_clause",
					     "values_lists", "locking_clause", "window_clause" };
	static const char *const clauses[] = { "with_clause",  "having_clause", "limit_count",
					       "limit_offset", "into_clause",	"larg" };
	for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (node_list(s, lists[i])->n > 0)
			return false;
	for (unsigned i = 0; i < sizeof(clauses) / sizeof(clauses[0]); i++)
		if (node_child(s, clauses[i]))
			return false;
	return true;
}

static bool is_bare(const struct node *s)
{
	return has_only_where(s) && node_list(s, "from_clause")->n == 0 &&
	       !node_child(s, "where_clause");
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

static bool is_column(const struct node *n, const char *name)
{
	const struct node_list *fields = node_list(n, "fields");
	return node_is(n, NODE_ColumnRef) && fields->n == 1 &&
	       strcmp(node_string(fields->items[0]), name) == 0;
}

static bool is_pg_settings(const struct node_list *from)
{
	const struct node *rel = from->n == 1 ? from->items[0] : NULL;
	if (!node_is(rel, NODE_RangeVar) || node_child(rel, "alias"))
		return false;
	const char *schema = node_text(rel, "schemaname");
	return strcmp(node_text(rel, "relname"), "pg_settings") == 0 &&
	       (!schema || !*schema || strcmp(schema, "pg_catalog") == 0);
}

/* SELECT set_config(name, 'value', false) FROM pg_settings WHERE name = 'x': only if a server
 * knows it. That is how pg_dump goes about it. */
static bool read_if_known(struct build *b, const struct node *s)
{
	struct plan *p = b->plan;
	const struct node_list *targets = node_list(s, "target_list");
	const struct node *call = targets->n == 1 ? node_child(targets->items[0], "val") : NULL,
			  *where = node_child(s, "where_clause");
	const char *name, *value;
	if (!is_pg_settings(node_list(s, "from_clause")) || !node_is(where, NODE_A_Expr) ||
	    !node_is(call, NODE_FuncCall) || !functions_builtin(b, call, &name) ||
	    strcmp(name, "set_config") != 0)
		return false;
	const struct node_list *args = node_list(call, "args"), *op = node_list(where, "name");
	const char *setting = constant_text(node_child(where, "rexpr"));
	struct plan_config *c = p->configs = arena_new(&p->arena, struct plan_config);
	if (args->n != 3 || !is_column(args->items[0], "name") || !setting ||
	    !(value = constant_text(args->items[1])) || !constant_bool(args->items[2], &c->local) ||
	    !is_column(node_child(where, "lexpr"), "name") || op->n != 1 ||
	    strcmp(node_string(op->items[0]), "=") != 0)
		return false;
	c->name = arena_strdup(&p->arena, setting);
	c->value = arena_strdup(&p->arena, value);
	c->as_written = true;
	p->n_configs = 1;
	return true;
}

static bool is_one(struct build *b, const struct node *stmt)
{
	if (!node_is(stmt, NODE_SelectStmt))
		return false;
	const struct node_list *targets = node_list(stmt, "target_list");
	if (is_bare(stmt))
		return targets->n > 0 && read_targets(b, targets);
	return has_only_where(stmt) && read_if_known(b, stmt);
}

bool plan_set_config(struct build *b, const struct node *stmt)
{
	struct plan *p = b->plan;
	if (!is_one(b, stmt)) {
		p->n_configs = 0;
		return false;
	}
	p->class = PLAN_QUERY;
	p->tag = "SELECT";
	p->target = TARGET_ANY;
	p->exact_text = true;
	p->returns_rows = true;
	p->n_output = (int)node_list(stmt, "target_list")->n;
	route_params(b);
	build_explain(b, "any shard");
	return true;
}
