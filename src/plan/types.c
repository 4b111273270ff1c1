/* Types of expressions, as far as they can be proved without a server. */
#include <string.h>
#include "internal.h"
#include "pgmosaic/key/type.h"

enum family type_family(uint32_t oid)
{
	return (enum family)key_type_class(oid);
}

bool type_is_comparable(uint32_t type, uint32_t column_type)
{
	enum family from = type_family(type), to = type_family(column_type);
	if (from == FAMILY_NONE || to == FAMILY_NONE)
		return false;
	return from == to || (from == FAMILY_INT && to == FAMILY_NUMERIC) ||
	       (from == FAMILY_NUMERIC && to == FAMILY_INT);
}

bool type_is_int(uint32_t oid)
{
	return type_family(oid) == FAMILY_INT;
}

bool collation_is_plain(uint32_t collation)
{
	return collation == COLLATION_DEFAULT || collation == COLLATION_C ||
	       collation == COLLATION_POSIX;
}

static bool is_collatable(uint32_t oid)
{
	return oid == OID_TEXT || oid == OID_VARCHAR || oid == OID_BPCHAR;
}

static int number_rank(uint32_t oid)
{
	static const uint32_t order[] = { OID_INT2,    OID_INT4,   OID_INT8,
					  OID_NUMERIC, OID_FLOAT4, OID_FLOAT8 };
	for (int i = 0; i < 6; i++)
		if (order[i] == oid)
			return i;
	return -1;
}

/* A number and a number under + - * / %. */
static bool arithmetic(const char *op, struct type_info l, struct type_info r,
		       struct type_info *out)
{
	if (strlen(op) != 1 || !strchr("+-*/%", *op))
		return false;
	int a = number_rank(l.oid), c = number_rank(r.oid);
	if (a < 0 || c < 0)
		return false;
	bool has_float = a >= 4 || c >= 4;
	if (*op == '%' && has_float)
		return false;
	if (has_float && a != c) /* real with anything else is double precision */
		*out = (struct type_info){ OID_FLOAT8, 0 };
	else
		*out = (struct type_info){ a > c ? l.oid : r.oid, 0 };
	return true;
}

static bool is_comparison(const char *op)
{
	static const char *const ops[] = { "=", "<>", "!=", "<", ">", "<=", ">=" };
	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(op, ops[i]) == 0)
			return true;
	return false;
}

static bool operator_type(struct build *b, struct level *l, const struct node *e,
			  struct type_info *out)
{
	if (node_int(e, "kind") != EXPR_OP) {
		*out = (struct type_info){ OID_BOOL, 0 };
		return node_int(e, "kind") != EXPR_NULLIF;
	}
	const char *op = names_operator(b, node_list(e, "name"));
	const struct node *left = node_child(e, "lexpr"), *right = node_child(e, "rexpr");
	struct type_info a, c;
	if (!op || !right)
		return false;
	if (is_comparison(op)) {
		*out = (struct type_info){ OID_BOOL, 0 };
		return true;
	}
	if (!left)
		return (strcmp(op, "-") == 0 || strcmp(op, "+") == 0) &&
		       type_of(b, l, right, out) && number_rank(out->oid) >= 0;
	if (!type_of(b, l, left, &a) || !type_of(b, l, right, &c))
		return false;
	return arithmetic(op, a, c, out);
}

static bool constant_type(const struct node *e, struct type_info *out)
{
	if (node_child(e, "ival"))
		*out = (struct type_info){ OID_INT4, 0 };
	else if (node_child(e, "boolval"))
		*out = (struct type_info){ OID_BOOL, 0 };
	else if (node_child(e, "fval")) {
		const char *text = node_text(node_child(e, "fval"), "fval");
		size_t digits = strspn(text + (*text == '-'), "0123456789");
		bool is_int8 = text[digits + (*text == '-')] == '\0' && digits < 19;
		*out = (struct type_info){ is_int8 ? OID_INT8 : OID_NUMERIC, 0 };
	} else
		return false;
	return true;
}

static bool cast_type(struct build *b, const struct node *e, struct type_info *out)
{
	uint32_t oid = names_type(b, node_child(e, "type_name"), NULL);
	*out = (struct type_info){ oid, is_collatable(oid) ? COLLATION_DEFAULT : 0 };
	if (is_collatable(oid)) { /* keeps the argument's collation: only plain constants */
		const struct node *arg = node_child(e, "arg");
		return node_is(arg, NODE_A_Const) || node_is(arg, NODE_ParamRef);
	}
	return oid != 0;
}

static bool function_type(struct build *b, struct level *l, const struct node *e,
			  struct type_info *out)
{
	const char *name;
	const struct schema_function *f = functions_builtin(b, e, &name);
	const struct node_list *args = node_list(e, "args");
	if (!f || node_child(e, "over"))
		return false;
	if (strcmp(name, "count") == 0) {
		*out = (struct type_info){ OID_INT8, 0 };
		return true;
	}
	struct type_info arg;
	if (args->n != 1 || !type_of(b, l, args->items[0], &arg))
		return false;
	bool is_text = arg.oid == OID_TEXT || arg.oid == OID_VARCHAR;
	if (is_text && (strcmp(name, "lower") == 0 || strcmp(name, "upper") == 0)) {
		*out = (struct type_info){ OID_TEXT, arg.collation };
		return true;
	}
	if (is_text && (strcmp(name, "length") == 0 || strcmp(name, "octet_length") == 0)) {
		*out = (struct type_info){ OID_INT4, 0 };
		return true;
	}
	*out = arg;
	if (strcmp(name, "min") == 0 || strcmp(name, "max") == 0) {
		if (arg.oid == OID_VARCHAR)
			out->oid = OID_TEXT;
		return true;
	}
	if (strcmp(name, "abs") == 0)
		return number_rank(arg.oid) >= 0;
	if (strcmp(name, "sum") == 0 && number_rank(arg.oid) >= 0) {
		if (arg.oid == OID_INT2 || arg.oid == OID_INT4)
			out->oid = OID_INT8;
		else if (arg.oid == OID_INT8)
			out->oid = OID_NUMERIC;
		return true;
	}
	if (strcmp(name, "avg") == 0 && number_rank(arg.oid) >= 0) {
		out->oid = number_rank(arg.oid) >= 4 ? OID_FLOAT8 : OID_NUMERIC;
		return true;
	}
	return false;
}

static bool collate_type(struct build *b, struct level *l, const struct node *e,
			 struct type_info *out)
{
	const struct node_list *name = node_list(e, "collname");
	const char *last = name->n ? node_string(name->items[name->n - 1]) : NULL;
	if (!last || name->n > 2 || !type_of(b, l, node_child(e, "arg"), out))
		return false;
	if (name->n == 2 && strcmp(node_string(name->items[0]), "pg_catalog") != 0)
		return false;
	if (strcmp(last, "C") == 0 || strcmp(last, "POSIX") == 0)
		out->collation = COLLATION_C;
	else if (strcmp(last, "default") == 0)
		out->collation = COLLATION_DEFAULT;
	else
		return false;
	return is_collatable(out->oid);
}

static bool coalesce_type(struct build *b, struct level *l, const struct node *e,
			  struct type_info *out)
{
	const struct node_list *args = node_list(e, "args");
	struct type_info next;
	for (unsigned i = 0; i < args->n; i++) {
		if (!type_of(b, l, args->items[i], &next) || is_collatable(next.oid))
			return false;
		if (i > 0 && next.oid != out->oid)
			return false;
		*out = next;
	}
	return args->n > 0;
}

bool type_of(struct build *b, struct level *l, const struct node *expr, struct type_info *out)
{
	if (!expr)
		return false;
	if (expr->kind == NODE_ColumnRef) {
		struct column *c = scope_column(b, l, expr, NULL, NULL);
		if (!c || !c->type)
			return false;
		*out = (struct type_info){ c->type, c->collation };
		return true;
	}
	if (expr->kind == NODE_A_Const)
		return constant_type(expr, out);
	if (expr->kind == NODE_TypeCast)
		return cast_type(b, expr, out);
	if (expr->kind == NODE_A_Expr)
		return operator_type(b, l, expr, out);
	if (expr->kind == NODE_FuncCall)
		return function_type(b, l, expr, out);
	if (expr->kind == NODE_CollateClause)
		return collate_type(b, l, expr, out);
	if (expr->kind == NODE_CoalesceExpr)
		return coalesce_type(b, l, expr, out);
	*out = (struct type_info){ OID_BOOL, 0 };
	return expr->kind == NODE_BoolExpr || expr->kind == NODE_NullTest ||
	       expr->kind == NODE_BooleanTest;
}
