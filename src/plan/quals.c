/* Conditions that a table's rows can be filtered by before they travel.
 *
 * A top-level AND term of the WHERE of the table's own level drops every row for which it is not
 * true; so leaving those rows out beforehand changes nothing, if the table is not on the nullable
 * side of a join. The finishing text tests the term again.
 * Only terms that cannot fail are sent: comparisons of columns with each other and with constants
 * (arithmetic among constants alone), LIKE, IN, BETWEEN, IS NULL, and AND, OR, NOT of those. The
 * term is written anew from its tree, since the text names tables as the client did. */
#include <stdio.h>
#include <string.h>
#include "internal.h"

enum { IS_NULL = 1, IS_NOT_NULL = 2 }; /* NullTestType, as the tree carries it */

struct writer {
	struct build *b;
	struct rel *rel;
	unsigned n_columns; /* columns written so far */
};

/* NULL: not of the known forms. */
static const char *write_term(struct writer *w, const struct node *n, unsigned depth);

static const char *quote_text(struct arena *a, const char *text)
{
	char *out = arena_alloc(a, 2 * strlen(text) + 4), *o = out;

	*o++ = 'E';
	*o++ = '\'';
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			*o++ = *text;
		*o++ = *text;
	}
	*o++ = '\'';
	*o = '\0';
	return out;
}

static const char *write_column(struct writer *w, const struct node *n)
{
	struct rel *rel = NULL;
	struct level *at = NULL;
	struct column *c = scope_column(w->b, w->rel->level, n, &rel, &at);

	if (!c || rel != w->rel || at != w->rel->level || c < rel->columns ||
	    c >= rel->columns + rel->n_columns)
		return NULL;
	w->n_columns++;
	return names_quote(w->b->a, rel->table->columns[c - rel->columns].name);
}

static const char *write_const(struct writer *w, const struct node *n)
{
	struct arena *a = w->b->a;

	if (node_int(n, "isnull"))
		return "NULL";
	if (node_child(n, "sval"))
		return quote_text(a, node_text(node_child(n, "sval"), "sval"));
	if (node_child(n, "fval"))
		return arena_printf(a, "(%s)", node_text(node_child(n, "fval"), "fval"));
	if (node_child(n, "ival"))
		return arena_printf(a, "(%lld)",
				    (long long)node_int(node_child(n, "ival"), "ival"));
	if (node_child(n, "boolval"))
		return node_int(node_child(n, "boolval"), "boolval") ? "true" : "false";
	return NULL;
}

/* INTERVAL '1' DAY: the one word behind it; NULL: another typmod. */
static const char *interval_unit(const struct node *type)
{
	static const struct {
		int64_t mask;
		const char *unit;
	} units[] = { { 4, "year" },	{ 2, "month" },	    { 8, "day" },
		      { 1024, "hour" }, { 2048, "minute" }, { 4096, "second" } };
	const struct node_list *mods = node_list(type, "typmods");
	const struct node *one = mods->n == 1 ? mods->items[0] : NULL;
	int64_t mask =
		one && node_child(one, "ival") ? node_int(node_child(one, "ival"), "ival") : 0;

	for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].mask == mask)
			return units[i].unit;
	return NULL;
}

static const char *write_cast(struct writer *w, const struct node *n, unsigned depth)
{
	static const uint32_t known[] = { OID_INT8,    OID_INT2,   OID_INT4,	OID_TEXT,
					  OID_DATE,    OID_UUID,   OID_BOOL,	OID_TIMESTAMP,
					  OID_NUMERIC, OID_FLOAT8, OID_INTERVAL };
	const struct node *type = node_child(n, "type_name");
	const struct node_list *names = node_list(type, "names");
	uint32_t oid = names_type(w->b, type, NULL);
	const char *arg, *unit = "";
	bool is_known = false;

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		is_known |= known[i] == oid;
	if (!is_known || !node_is(node_child(n, "arg"), NODE_A_Const))
		return NULL;
	if (node_list(type, "typmods")->n > 0) {
		unit = oid == OID_INTERVAL ? interval_unit(type) : NULL;
		if (!unit)
			return NULL;
	}
	arg = write_term(w, node_child(n, "arg"), depth);
	if (arg && *unit)
		return arena_printf(w->b->a, "(INTERVAL %s %s)", arg, unit);
	return arg ? arena_printf(w->b->a, "(%s)::pg_catalog.%s", arg,
				  node_string(names->items[names->n - 1]))
		   : NULL;
}

static bool is_one_of(const char *op, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(op, *list) == 0)
			return true;
	return false;
}

static const char *write_list(struct writer *w, const struct node *list, const char *glue,
			      unsigned depth)
{
	const struct node_list *items = node_list(list, "items");
	const char *out = NULL;

	for (unsigned i = 0; i < items->n; i++) {
		const char *one = write_term(w, items->items[i], depth);

		if (!one)
			return NULL;
		out = out ? arena_printf(w->b->a, "%s%s%s", out, glue, one) : one;
	}
	return out;
}

/* Arithmetic may fail for a row that the query would never have looked at: constants only. */
static const char *write_operator(struct writer *w, const struct node *n, unsigned depth)
{
	static const char *const comparisons[] = { "=",	 "<>",	"<",   ">",    "<=", ">=",
						   "~~", "!~~", "~~*", "!~~*", NULL };
	static const char *const arithmetic[] = { "+", "-", NULL };
	const char *op = names_operator(w->b, node_list(n, "name"));
	unsigned before = w->n_columns;
	const char *left, *right;

	if (!op || !node_child(n, "lexpr"))
		return NULL;
	left = write_term(w, node_child(n, "lexpr"), depth);
	right = left ? write_term(w, node_child(n, "rexpr"), depth) : NULL;
	if (!right)
		return NULL;
	if (is_one_of(op, comparisons) || (is_one_of(op, arithmetic) && w->n_columns == before))
		return arena_printf(w->b->a, "(%s OPERATOR(pg_catalog.%s) %s)", left, op, right);
	return NULL;
}

static const char *write_expr(struct writer *w, const struct node *n, unsigned depth)
{
	struct arena *a = w->b->a;
	const char *left, *right;
	enum expr_kind kind = (enum expr_kind)node_int(n, "kind");

	if (kind == EXPR_OP || kind == EXPR_LIKE || kind == EXPR_ILIKE)
		return write_operator(w, n, depth);
	if (kind != EXPR_IN && kind != EXPR_BETWEEN && kind != EXPR_NOT_BETWEEN)
		return NULL;
	if (!names_operator(w->b, node_list(n, "name")))
		return NULL;
	left = write_term(w, node_child(n, "lexpr"), depth);
	right = left ? write_list(w, node_child(n, "rexpr"), kind == EXPR_IN ? ", " : " AND ",
				  depth)
		     : NULL;
	if (!right)
		return NULL;
	if (kind == EXPR_BETWEEN || kind == EXPR_NOT_BETWEEN)
		return arena_printf(a, "(%s %s %s)", left,
				    kind == EXPR_BETWEEN ? "BETWEEN" : "NOT BETWEEN", right);
	return arena_printf(a, "(%s %s (%s))", left,
			    strcmp(names_operator(w->b, node_list(n, "name")), "<>") == 0 ? "NOT IN"
											  : "IN",
			    right);
}

static const char *write_bool(struct writer *w, const struct node *n, unsigned depth)
{
	const struct node_list *args = node_list(n, "args");
	int64_t op = node_int(n, "boolop");
	const char *out = NULL;

	for (unsigned i = 0; i < args->n; i++) {
		const char *one = write_term(w, args->items[i], depth);

		if (!one)
			return NULL;
		out = out ? arena_printf(w->b->a, "%s %s %s", out, op == BOOL_OR ? "OR" : "AND",
					 one)
			  : one;
	}
	return out ? arena_printf(w->b->a, op == BOOL_NOT ? "(NOT %s)" : "(%s)", out) : NULL;
}

static const char *write_term(struct writer *w, const struct node *n, unsigned depth)
{
	const char *arg;

	if (!n || depth > 50)
		return NULL;
	switch ((int)n->kind) {
	case NODE_ColumnRef: return write_column(w, n);
	case NODE_A_Const: return write_const(w, n);
	case NODE_TypeCast: return write_cast(w, n, depth + 1);
	case NODE_A_Expr: return write_expr(w, n, depth + 1);
	case NODE_BoolExpr: return write_bool(w, n, depth + 1);
	case NODE_NullTest:
		arg = write_term(w, node_child(n, "arg"), depth + 1);
		return arg ? arena_printf(w->b->a, "(%s IS %sNULL)", arg,
					  node_int(n, "nulltesttype") == IS_NOT_NULL ? "NOT " : "")
			   : NULL;
	default: return NULL;
	}
}

static const char *add_term(struct writer *w, const struct node *term, const char *so_far)
{
	const char *text;

	if (!term)
		return so_far;
	if (node_is(term, NODE_BoolExpr) && node_int(term, "boolop") == BOOL_AND) {
		const struct node_list *args = node_list(term, "args");

		for (unsigned i = 0; i < args->n; i++)
			so_far = add_term(w, args->items[i], so_far);
		return so_far;
	}
	w->n_columns = 0;
	text = write_term(w, term, 0);
	if (!text || w->n_columns == 0)
		return so_far;
	return arena_printf(w->b->a, "%s%s%s", so_far, *so_far ? " AND " : " WHERE ", text);
}

const char *quals_of(struct build *b, struct rel *rel)
{
	struct writer w = { .b = b, .rel = rel };

	if (rel->nullable || rel->hidden || !node_is(rel->level->stmt, NODE_SelectStmt) ||
	    scatter_has_clock_literal(b))
		return "";
	return add_term(&w, node_child(rel->level->stmt, "where_clause"), "");
}
