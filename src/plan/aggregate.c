/* Aggregates, groups and distinct rows over several shards, finished by PostgreSQL itself.
 *
 * Each shard computes partial results per group: `SELECT group…, partial… GROUP BY 1…`.
 * The finish text is the client's own select list, HAVING, ORDER BY and LIMIT, with every
 * aggregate and every grouping column replaced by an expression over the partial columns
 * p1, p2 … of `unnest($1, $2 …) AS w(p1, p2 …)`. So types, scales, errors and order are
 * the server's own. A DISTINCT inside an aggregate makes its argument one more grouping
 * column on the shards. Whatever is not proven here is refused. */
#include <limits.h>
#include <string.h>
#include "internal.h"

static const char hint[] = "Restrict every sharded table to one shard key value.";

struct group {
	const struct node *expr;
	int var;	  /* >= 0: this column wherever it is named */
	const char *text; /* over the partial columns */
};

struct edit {
	struct edit *next;
	uint32_t from, to;
	const char *text;
};

struct finish {
	struct build *b;
	struct level *top;
	struct lists *lists;
	struct group groups[32];
	unsigned n_groups;
	const char *columns[64]; /* group columns of the shards' text, before the partials */
	unsigned n_columns;
	const char *partials[64];
	unsigned n_partials;
	struct edit *edits;
	unsigned body_end, tail; /* tokens: end of FROM … WHERE; ORDER BY or LIMIT */
	unsigned having;
	bool failed;
	bool counting; /* first pass: only DISTINCT arguments */
};

static bool fail(struct finish *f, const char *what)
{
	scatter_refuse(f->b, hint, "%s over several shards", what);
	f->failed = true;
	return false;
}

static char *slice(struct finish *f, uint32_t from, uint32_t to)
{
	return arena_strndup(f->b->a, f->b->req->text.p + from, to - from);
}

static unsigned token_at(struct build *b, int at)
{
	for (unsigned i = 0; at >= 0 && i < b->tokens.n; i++)
		if (b->tokens.items[i].start == (uint32_t)at)
			return i;
	return UINT_MAX;
}

static unsigned closing(struct build *b, unsigned open)
{
	for (unsigned i = open + 1; i < b->tokens.n; i++)
		if (b->tokens.items[i].depth == b->tokens.items[open].depth &&
		    b->tokens.items[i].code == TOKEN_CLOSE)
			return i;
	return UINT_MAX;
}

static void add_edit(struct finish *f, uint32_t from, uint32_t to, const char *text)
{
	struct edit *e = arena_new(f->b->a, struct edit), **where = &f->edits;
	*e = (struct edit){ .from = from, .to = to, .text = text };
	while (*where && (*where)->from < from)
		where = &(*where)->next;
	e->next = *where;
	*where = e;
}

static char *edited(struct finish *f, uint32_t from, uint32_t to)
{
	char *out = arena_strdup(f->b->a, "");
	for (struct edit *e = f->edits; e; e = e->next) {
		if (e->from < from || e->to > to)
			continue;
		out = arena_printf(f->b->a, "%s%s%s", out, slice(f, from, e->from), e->text);
		from = e->to;
	}
	return arena_printf(f->b->a, "%s%s", out, slice(f, from, to));
}

/* ---- partial columns ---- */
static const char *partial(struct finish *f, const char *text)
{
	if (f->n_partials == 64) {
		fail(f, "more than 64 aggregates");
		return "p1";
	}
	f->partials[f->n_partials++] = text;
	return arena_printf(f->b->a, "p%u", f->n_columns + f->n_partials);
}

static bool is_c(const struct type_info *type)
{
	return type->collation == COLLATION_C || type->collation == COLLATION_POSIX;
}

/* A grouping column as the finish text names it, with its typmod and collation. */
static const char *column_text(struct finish *f, unsigned number, const struct type_info *type,
			       int32_t typmod)
{
	struct arena *a = f->b->a;
	if (is_c(type))
		return arena_printf(a, "(p%u COLLATE \"C\")", number);
	if (type->oid == OID_VARCHAR && typmod >= 4)
		return arena_printf(a, "(p%u::varchar(%d))", number, typmod - 4);
	if (type->oid == OID_NUMERIC && typmod >= 4)
		return arena_printf(a, "(p%u::numeric(%d,%d))", number,
				    ((typmod - 4) >> 16) & 0xffff, (typmod - 4) & 0x7ff);
	return arena_printf(a, "p%u", number);
}

/* Equal values of these types may look different (1.0 and 1.00, 0 and -0). */
static bool has_many_faces(uint32_t type, int32_t typmod)
{
	return (type == OID_NUMERIC && typmod < 4) || type == OID_FLOAT4 || type == OID_FLOAT8;
}

static const char *add_column(struct finish *f, const char *text, const struct type_info *type,
			      int32_t typmod)
{
	bool is_text = type->oid == OID_TEXT || type->oid == OID_VARCHAR;
	bool has_other_typmod = typmod >= 0 && type->oid != OID_VARCHAR && type->oid != OID_NUMERIC;
	if (!order_is_sortable(type->oid) || has_other_typmod ||
	    (is_text && !collation_is_plain(type->collation)) ||
	    (is_text && is_c(type) && typmod >= 4) || f->n_columns == 64) {
		fail(f, "groups of this type or collation");
		return "p1";
	}
	f->columns[f->n_columns++] = text;
	return column_text(f, f->n_columns, type, typmod);
}

/* ---- groups ---- */
static const struct node *output_named(struct level *top, const char *name)
{
	const struct node_list *targets = node_list(top->stmt, "target_list");
	for (unsigned i = 0; i < targets->n; i++)
		if (strcmp(node_text(targets->items[i], "name"), name) == 0)
			return node_child(targets->items[i], "val");
	return NULL;
}

/* What a GROUP BY item means: a position, an input column, an output label, an expression. */
static const struct node *group_expr(struct finish *f, const struct node *n)
{
	const struct node_list *targets = node_list(f->top->stmt, "target_list");
	if (node_is(n, NODE_A_Const)) {
		int64_t at = node_child(n, "ival") ? node_int(node_child(n, "ival"), "ival") : 0;
		bool is_target = at >= 1 && at <= (int64_t)targets->n;
		return is_target ? node_child(targets->items[at - 1], "val") : NULL;
	}
	if (node_is(n, NODE_ColumnRef) && !scope_column(f->b, f->top, n, NULL, NULL) &&
	    node_list(n, "fields")->n == 1)
		return output_named(f->top, node_string(node_list(n, "fields")->items[0]));
	return n;
}

struct look {
	struct build *b;
	bool found;
};

static void look_for_aggregate(const struct node *n, void *arg)
{
	struct look *l = arg;
	l->found |= n->kind == NODE_FuncCall && functions_is_aggregate(l->b, n);
	if (!l->found && n->kind != NODE_SubLink)
		node_each(n, look_for_aggregate, arg);
}

static bool has_aggregate(struct build *b, const struct node *n)
{
	struct look l = { b, false };
	look_for_aggregate(n, &l);
	return l.found;
}

static int find_target(struct finish *f, const struct node *expr)
{
	const struct node_list *targets = node_list(f->top->stmt, "target_list");
	for (unsigned i = 0; i < targets->n && i < f->lists->n_targets; i++)
		if (node_equal(node_child(targets->items[i], "val"), expr))
			return (int)i;
	return -1;
}

/* The bytes of a column reference as written: a, a.b or a.b.c. */
static bool column_piece(struct finish *f, const struct node *ref, struct piece *out)
{
	unsigned t = token_at(f->b, ref->at);
	unsigned last = t == UINT_MAX ? t : t + 2 * (node_list(ref, "fields")->n - 1);
	if (t == UINT_MAX || last >= f->b->tokens.n)
		return false;
	*out = (struct piece){ f->b->tokens.items[t].start, f->b->tokens.items[last].end };
	return true;
}

static const char *group_source(struct finish *f, const struct node *expr, struct group *g,
				int32_t *typmod)
{
	struct piece p;
	if (node_is(expr, NODE_ColumnRef)) {
		struct column *c = scope_column(f->b, f->top, expr, NULL, NULL);
		if (!c || c->var < 0 || !column_piece(f, expr, &p))
			return NULL;
		g->var = c->var;
		*typmod = c->typmod;
		return slice(f, p.from, p.to);
	}
	int at = find_target(f, expr);
	if (at < 0 || f->top->has_volatile || has_aggregate(f->b, expr))
		return NULL;
	p = order_target_piece(f->b, f->lists, (unsigned)at,
			       node_list(f->top->stmt, "target_list")->items[at]);
	return slice(f, p.from, p.to);
}

static bool add_group(struct finish *f, const struct node *expr)
{
	struct type_info type;
	struct group g = { .expr = expr, .var = -1 };
	int32_t typmod = -1;
	if (!expr || f->n_groups == 32 || !type_of(f->b, f->top, expr, &type))
		return fail(f, "GROUP BY or DISTINCT of this expression");
	const char *text = group_source(f, expr, &g, &typmod);
	if (!text)
		return fail(f, "GROUP BY or DISTINCT of an expression that is not selected");
	if (has_many_faces(type.oid, typmod))
		return fail(f, "groups of floating point or numeric values without a scale");
	g.text = add_column(f, text, &type, typmod);
	f->groups[f->n_groups++] = g;
	return !f->failed;
}

static bool add_groups(struct finish *f)
{
	const struct node_list *group = node_list(f->top->stmt, "group_clause");
	const struct node_list *targets = node_list(f->top->stmt, "target_list");
	bool distinct_only = !f->top->is_grouped && !f->top->has_aggregate && !f->top->has_having;
	for (unsigned i = 0; i < group->n; i++)
		if (!add_group(f, group_expr(f, group->items[i])))
			return false;
	for (unsigned i = 0; distinct_only && i < targets->n; i++)
		if (!add_group(f, node_child(targets->items[i], "val")))
			return false;
	return true;
}

/* ---- aggregates ---- */
struct call {
	const char *name, *args, *filter; /* text; filter with its keyword, or "" */
	struct type_info type;		  /* of the argument */
	bool has_type;
	uint32_t from, to;
};

static bool read_call(struct finish *f, const struct node *n, struct call *c)
{
	struct build *b = f->b;
	const struct node_list *args = node_list(n, "args");
	if (!functions_builtin(b, n, &c->name) || node_list(n, "agg_order")->n > 0 ||
	    node_int(n, "agg_within_group") || node_int(n, "func_variadic") || args->n > 1)
		return fail(f, "this aggregate");
	unsigned t = token_at(b, n->at);
	unsigned open = t == UINT_MAX ? t : t + 2 * (node_list(n, "funcname")->n - 1) + 1;
	if (t == UINT_MAX || open >= b->tokens.n || b->tokens.items[open].code != TOKEN_OPEN)
		return fail(f, "an aggregate of this form");
	unsigned close = closing(b, open), end = close;
	c->filter = "";
	if (close != UINT_MAX && node_child(n, "agg_filter")) {
		end = closing(b, close + 2);
		if (end != UINT_MAX)
			c->filter = arena_printf(b->a, " %s",
						 slice(f, b->tokens.items[close + 1].start,
						       b->tokens.items[end].end));
	}
	if (close == UINT_MAX || end == UINT_MAX)
		return fail(f, "an aggregate of this form");
	c->from = b->tokens.items[t].start;
	c->to = b->tokens.items[end].end;
	c->args = slice(f, b->tokens.items[open].end, b->tokens.items[close].start);
	c->has_type = args->n == 1 && type_of(b, f->top, args->items[0], &c->type);
	return true;
}

static bool is_any(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(name, *list) == 0)
			return true;
	return false;
}

static bool is_number(uint32_t t)
{
	return type_is_int(t) || t == OID_NUMERIC || t == OID_FLOAT4 || t == OID_FLOAT8;
}

static const char *whole(struct finish *f, const struct call *c)
{
	return arena_printf(f->b->a, "%s(%s)%s", c->name, c->args, c->filter);
}

static const char *combine_sum(struct finish *f, const struct call *c)
{
	const char *p = partial(f, whole(f, c));
	bool is_bigint = c->type.oid == OID_INT2 || c->type.oid == OID_INT4;
	return arena_printf(f->b->a, is_bigint ? "sum(%s)::bigint" : "sum(%s)", p);
}

/* Real is summed as double precision, as avg(real) does. */
static const char *combine_avg(struct finish *f, const struct call *c)
{
	struct arena *a = f->b->a;
	bool is_float = c->type.oid == OID_FLOAT4 || c->type.oid == OID_FLOAT8;
	bool is_interval = c->type.oid == OID_INTERVAL;
	const char *as = is_float ? "float8" : is_interval ? "interval" : "numeric";
	const char *by = is_interval ? "float8" : as;
	const char *arg = arena_printf(a, is_float ? "(%s)::float8" : "%s", c->args);
	const char *sum = partial(f, arena_printf(a, "sum(%s)%s", arg, c->filter));
	const char *count = partial(f, arena_printf(a, "count(%s)%s", c->args, c->filter));
	return arena_printf(a, "(sum(%s)::%s / nullif(sum(%s), 0)::%s)", sum, as, count, by);
}

static const char *combine_extreme(struct finish *f, const struct call *c)
{
	const char *p = partial(f, whole(f, c));
	return arena_printf(f->b->a, "%s(%s%s)", c->name, p,
			    is_c(&c->type) ? " COLLATE \"C\"" : "");
}

static bool extreme_is_safe(const struct type_info *t)
{
	if (t->oid == OID_TEXT || t->oid == OID_VARCHAR)
		return collation_is_plain(t->collation);
	return order_is_sortable(t->oid) && t->oid != OID_BOOL && t->oid != OID_UUID &&
	       t->oid != OID_BYTEA;
}

/* NULL: not known how. */
static const char *combine(struct finish *f, const struct call *c)
{
	static const char *const bools[] = { "bool_and", "bool_or", "every", NULL };
	static const char *const bits[] = { "bit_and", "bit_or", "bit_xor", NULL };
	static const char *const extremes[] = { "min", "max", NULL };
	if (strcmp(c->name, "count") == 0)
		return arena_printf(f->b->a, "coalesce(sum(%s), 0)::bigint",
				    partial(f, whole(f, c)));
	if (!c->has_type)
		return NULL;
	bool adds = is_number(c->type.oid) || c->type.oid == OID_INTERVAL;
	if (strcmp(c->name, "sum") == 0 && adds)
		return combine_sum(f, c);
	if (strcmp(c->name, "avg") == 0 && adds)
		return combine_avg(f, c);
	if (is_any(c->name, extremes) && extreme_is_safe(&c->type))
		return combine_extreme(f, c);
	if ((is_any(c->name, bools) && c->type.oid == OID_BOOL) ||
	    (is_any(c->name, bits) && type_is_int(c->type.oid)))
		return arena_printf(f->b->a, "%s(%s)", c->name, partial(f, whole(f, c)));
	return NULL;
}

/* f(DISTINCT x): x groups on the shards, f(DISTINCT) runs over the groups. */
static const char *distinct_argument(struct finish *f, const struct call *c)
{
	static const char *const known[] = { "count", "sum", "avg", "min", "max", NULL };
	const char *args = c->args;
	while (*args == ' ' || *args == '\n' || *args == '\t')
		args++;
	if (!c->has_type || *c->filter || !is_any(c->name, known) ||
	    strncasecmp(args, "distinct", 8) != 0 || f->top->has_volatile)
		return NULL;
	if (has_many_faces(c->type.oid, -1) && strcmp(c->name, "count") != 0)
		return NULL;
	const char *column = add_column(f, args + 8, &c->type, -1);
	return arena_printf(f->b->a, "%s(DISTINCT %s)", c->name, column);
}

static void rewrite(struct finish *f, const struct node *n);

static void rewrite_call(struct finish *f, const struct node *n)
{
	struct call c = { 0 };
	bool is_distinct = node_int(n, "agg_distinct") != 0;
	struct look nested = { f->b, false };
	node_each(n, look_for_aggregate, &nested);
	if (nested.found) { /* PostgreSQL's own error */
		fail(f, "an aggregate inside an aggregate");
		return;
	}
	if (is_distinct != f->counting || !read_call(f, n, &c))
		return;
	const char *text = is_distinct ? distinct_argument(f, &c) : combine(f, &c);
	if (text)
		add_edit(f, c.from, c.to, text);
	else
		fail(f, arena_printf(f->b->a, "%s() of this argument", c.name));
}

static void rewrite_column(struct finish *f, const struct node *n)
{
	struct column *c = scope_column(f->b, f->top, n, NULL, NULL);
	struct piece p;
	for (unsigned i = 0; c && i < f->n_groups; i++) {
		if (f->groups[i].var < 0 || f->groups[i].var != c->var || !column_piece(f, n, &p))
			continue;
		add_edit(f, p.from, p.to, f->groups[i].text);
		return;
	}
	fail(f, "a column outside of aggregates and groups");
}

static void rewrite_child(const struct node *n, void *arg)
{
	rewrite(arg, n);
}

static void rewrite(struct finish *f, const struct node *n)
{
	const char *name;
	if (f->failed)
		return;
	switch ((int)n->kind) {
	case NODE_ColumnRef:
		if (!f->counting)
			rewrite_column(f, n);
		return;
	case NODE_ParamRef: fail(f, "a parameter outside of aggregates"); return;
	case NODE_SubLink: fail(f, "a sub-query beside aggregates"); return;
	case NODE_GroupingFunc: fail(f, "GROUPING()"); return;
	case NODE_FuncCall: {
		if (functions_is_aggregate(f->b, n)) {
			rewrite_call(f, n);
			return;
		}
		const struct schema_function *fn = functions_builtin(f->b, n, &name);
		if (!fn || fn->returns_set || fn->volatility == 'v' || node_child(n, "over"))
			fail(f, "this function beside aggregates");
		break;
	}
	default: break;
	}
	node_each(n, rewrite_child, f);
}

/* An item that is a grouping expression as a whole; else its parts. */
static void rewrite_item(struct finish *f, const struct node *n, struct piece p)
{
	for (unsigned i = 0; i < f->n_groups; i++)
		if (f->groups[i].var < 0 && node_equal(f->groups[i].expr, n)) {
			if (!f->counting)
				add_edit(f, p.from, p.to, f->groups[i].text);
			return;
		}
	rewrite(f, n);
}

static bool names_output(struct finish *f, const struct node *n)
{
	if (!node_is(n, NODE_ColumnRef) || node_list(n, "fields")->n != 1)
		return false;
	const char *name = node_string(node_list(n, "fields")->items[0]);
	for (unsigned i = 0; name && i < f->top->n_output; i++)
		if (f->top->output[i].name && strcmp(f->top->output[i].name, name) == 0)
			return true;
	return false;
}

static void rewrite_all(struct finish *f, bool counting)
{
	const struct node *s = f->top->stmt;
	const struct node_list *targets = node_list(s, "target_list");
	const struct node_list *sorts = node_list(s, "sort_clause");
	f->counting = counting;
	for (unsigned i = 0; i < targets->n && !f->failed; i++)
		rewrite_item(f, node_child(targets->items[i], "val"),
			     order_target_piece(f->b, f->lists, i, targets->items[i]));
	if (node_child(s, "having_clause"))
		rewrite(f, node_child(s, "having_clause"));
	for (unsigned i = 0; i < sorts->n && !f->failed; i++) {
		const struct node *e = node_child(sorts->items[i], "node");
		if (!node_is(e, NODE_A_Const) && !names_output(f, e))
			rewrite_item(f, e, f->lists->sorts[i]);
	}
}

/* ---- texts ---- */
static bool is_clause(struct finish *f, unsigned i, const char *const *words)
{
	const struct token *t = &f->b->tokens.items[i];
	if (t->depth != 0 || t[-1].code == TOKEN_DOT || token_is(f->b->req->text, t - 1, "as"))
		return false;
	for (; *words; words++)
		if (token_is(f->b->req->text, t, *words))
			return true;
	return false;
}

/* Tokens without the ';' at the end. */
static unsigned n_tokens(const struct finish *f)
{
	unsigned n = f->b->tokens.n;
	while (n > 0 && f->b->tokens.items[n - 1].code == TOKEN_SEMICOLON)
		n--;
	return n;
}

static void find_clauses(struct finish *f)
{
	static const char *const any[] = { "group", "having", "window", "order",
					   "limit", "offset", "fetch",	NULL };
	static const char *const having[] = { "having", NULL };
	static const char *const tail[] = { "order", "limit", "offset", "fetch", NULL };
	unsigned n = n_tokens(f);
	f->body_end = f->tail = n;
	f->having = UINT_MAX;
	for (unsigned i = n; i-- > f->lists->from + 1;) {
		if (is_clause(f, i, any))
			f->body_end = i;
		if (is_clause(f, i, having))
			f->having = i;
		if (is_clause(f, i, tail))
			f->tail = i;
	}
}

static uint32_t end_before(struct finish *f, unsigned token)
{
	return f->b->tokens.items[token - 1].end;
}

static char *finish_items(struct finish *f)
{
	const struct node_list *targets = node_list(f->top->stmt, "target_list");
	char *out = arena_strdup(f->b->a, "");
	for (unsigned i = 0; i < targets->n; i++) {
		const struct node *t = targets->items[i];
		struct piece p = order_target_piece(f->b, f->lists, i, t);
		const char *label = node_text(t, "name");
		const char *name = *label ? label : figure_name(node_child(t, "val"));
		out = arena_printf(f->b->a, "%s%s%s AS %s", out, i ? ", " : "",
				   edited(f, p.from, p.to), names_quote(f->b->a, name));
	}
	return out;
}

static char *numbered(struct finish *f, const char *prefix, unsigned n)
{
	char *out = arena_strdup(f->b->a, "");
	for (unsigned i = 1; i <= n; i++)
		out = arena_printf(f->b->a, "%s%s%s%u", out, i > 1 ? ", " : "", prefix, i);
	return out;
}

static void write_finish(struct finish *f)
{
	struct arena *a = f->b->a;
	const struct token *tokens = f->b->tokens.items;
	unsigned n = f->n_columns + f->n_partials, last = n_tokens(f);
	char *text = arena_printf(a, "SELECT %s%s FROM unnest(%s) AS w(%s)",
				  f->top->has_distinct ? "DISTINCT " : "", finish_items(f),
				  numbered(f, "$", n), numbered(f, "p", n));
	for (unsigned i = 0; f->top->is_grouped && i < f->n_groups; i++)
		text = arena_printf(a, "%s%s%s", text, i ? ", " : " GROUP BY ", f->groups[i].text);
	if (f->having != UINT_MAX)
		text = arena_printf(a, "%s %s", text,
				    edited(f, tokens[f->having].start, end_before(f, f->tail)));
	if (f->tail < last)
		text = arena_printf(a, "%s %s", text,
				    edited(f, tokens[f->tail].start, end_before(f, last)));
	f->b->plan->finish_text = arena_strdup(&f->b->plan->arena, text);
	f->b->plan->n_partials = (uint16_t)n;
}

static void write_shard_text(struct finish *f)
{
	struct build *b = f->b;
	char *list = arena_strdup(b->a, "");
	for (unsigned i = 0; i < f->n_columns + f->n_partials; i++)
		list = arena_printf(
			b->a, "%s%s%s AS p%u", list, i ? ", " : " ",
			i < f->n_columns ? f->columns[i] : f->partials[i - f->n_columns], i + 1);
	uint32_t at = b->tokens.items[f->lists->select].end;
	text_splice(b, at, b->tokens.items[f->lists->from].start - at,
		    arena_printf(b->a, "%s ", list));
	uint32_t cut = end_before(f, f->body_end), end = (uint32_t)b->req->text.n;
	const char *group =
		f->n_columns ? arena_printf(b->a, " GROUP BY %s", numbered(f, "", f->n_columns))
			     : "";
	text_splice(b, cut, end - cut, group);
	text_apply(b);
}

static bool limit_is_constant(const struct node *s)
{
	const struct node *n[] = { node_child(s, "limit_count"), node_child(s, "limit_offset") };
	for (unsigned i = 0; i < 2; i++)
		if (n[i] && !node_is(n[i], NODE_A_Const))
			return false;
	return true;
}

static bool form_is_known(struct finish *f)
{
	const struct node *s = f->top->stmt;
	const struct node_list *targets = node_list(s, "target_list");
	if (f->top->has_grouping_sets)
		return fail(f, "ROLLUP, CUBE or GROUPING SETS");
	if (f->top->has_window)
		return fail(f, "a window over groups");
	if (f->top->has_distinct_on)
		return fail(f, "DISTINCT ON over groups");
	if (f->top->has_locking)
		return fail(f, "FOR UPDATE with groups");
	if (!limit_is_constant(s))
		return fail(f, "LIMIT by a parameter or expression with aggregates");
	if (!order_read_lists(f->b, s, f->lists) || f->lists->n_targets != targets->n ||
	    f->lists->n_sorts != node_list(s, "sort_clause")->n || targets->n == 0)
		return fail(f, "aggregates of this form");
	return true;
}

bool aggregate_plan(struct build *b, struct level *top)
{
	struct finish *f = arena_new(b->a, struct finish);
	*f = (struct finish){ .b = b, .top = top, .lists = arena_new(b->a, struct lists) };
	b->plan->exact_text = true;
	if (!form_is_known(f) || !add_groups(f))
		return false;
	rewrite_all(f, true);
	if (!f->failed)
		rewrite_all(f, false);
	if (!f->failed && f->n_columns + f->n_partials == 0)
		partial(f, "count(*)");
	if (f->failed)
		return false;
	find_clauses(f);
	write_finish(f);
	write_shard_text(f);
	build_explain(b, "partial results of each shard, finished on one: %s",
		      b->plan->finish_text);
	return true;
}
