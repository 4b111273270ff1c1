/* Constants of another type than the key column, as an INSERT's assignment casts them. */
#include <stdlib.h>
#include <string.h>
#include "internal.h"

/* Sums, differences and products of int4 literals that stay int4. */
static bool fold(struct build *b, const struct node *e, int64_t *out)
{
	int64_t x = 0, y;
	if (node_is(e, NODE_A_Const) && node_child(e, "ival")) {
		*out = node_int(node_child(e, "ival"), "ival");
		return true;
	}
	if (!node_is(e, NODE_A_Expr) || node_int(e, "kind") != EXPR_OP)
		return false;
	const char *op = names_operator(b, node_list(e, "name"));
	const struct node *left = node_child(e, "lexpr");
	if (!op || strlen(op) != 1 || (left && !fold(b, left, &x)) ||
	    !fold(b, node_child(e, "rexpr"), &y))
		return false;
	switch (*op) {
	case '+': *out = x + y; break;
	case '-': *out = x - y; break;
	case '*': *out = x * y; break;
	default: return false;
	}
	return (left || *op != '*') && *out >= INT32_MIN && *out <= INT32_MAX;
}

/* A numeric literal without an exponent, rounded half away from zero. */
static bool round_numeric(const char *text, int64_t *out)
{
	bool negative = *text == '-';
	const char *p = text + negative;
	size_t whole = strspn(p, "0123456789");
	if (whole > 17 || p[whole] != '.' ||
	    strspn(p + whole + 1, "0123456789") != strlen(p + whole + 1))
		return false;
	int64_t value = strtoll(p, NULL, 10);
	value += p[whole + 1] >= '5' && p[whole + 1] <= '9';
	*out = negative ? -value : value;
	return true;
}

/* Half to even, as dtoi8() does. */
static bool round_double(double d, int64_t *out)
{
	if (!(d > -9e15 && d < 9e15))
		return false;
	int64_t whole = (int64_t)d;
	double rest = d - (double)whole;
	if (rest > 0.5 || (rest == 0.5 && whole % 2 != 0))
		whole++;
	else if (rest < -0.5 || (rest == -0.5 && whole % 2 != 0))
		whole--;
	*out = whole;
	return true;
}

static bool number_of(struct build *b, const struct node *e, int64_t *out)
{
	const struct node *fval = node_is(e, NODE_A_Const) ? node_child(e, "fval") : NULL;
	if (fval)
		return round_numeric(node_text(fval, "fval"), out);
	if (!node_is(e, NODE_TypeCast))
		return fold(b, e, out);
	uint32_t type = names_type(b, node_child(e, "type_name"), NULL);
	const struct node *arg = node_child(e, "arg");
	if (node_list(node_child(e, "type_name"), "typmods")->n > 0 || !node_is(arg, NODE_A_Const))
		return false;
	fval = node_child(arg, "fval");
	if (!fval || (type != OID_NUMERIC && type != OID_FLOAT8))
		return false;
	const char *text = node_text(fval, "fval");
	if (type == OID_NUMERIC)
		return round_numeric(text, out);
	return round_double(strtod(text, NULL), out);
}

/* 'a'::char(3): cut to its length, then without the blanks behind it. */
static bool blank_padded(struct build *b, const struct node *e, const char **out)
{
	if (!node_is(e, NODE_TypeCast))
		return false;
	const struct node *type = node_child(e, "type_name"), *arg = node_child(e, "arg");
	const struct node_list *mods = node_list(type, "typmods");
	const struct node *n = mods->n == 1 ? mods->items[0] : NULL;
	if (names_type(b, type, NULL) != OID_BPCHAR || !node_is(n, NODE_A_Const) ||
	    !node_child(n, "ival") || !node_is(arg, NODE_A_Const) || !node_child(arg, "sval"))
		return false;
	const char *text = node_text(node_child(arg, "sval"), "sval");
	int64_t max = node_int(node_child(n, "ival"), "ival");
	size_t end = 0;
	for (int64_t chars = 0; text[end]; end++) {
		chars += ((unsigned char)text[end] & 0xC0) != 0x80;
		if (chars > max)
			break;
	}
	while (end > 0 && text[end - 1] == ' ')
		end--;
	*out = arena_strndup(b->a, text, end);
	return true;
}

bool constant_assigned(struct build *b, const struct node *expr, uint32_t column_type,
		       struct key_source *out)
{
	const char *text = NULL;
	int64_t number;
	bool is_text = type_family(column_type) == FAMILY_TEXT;
	if (is_text && blank_padded(b, expr, &text))
		;
	else if (is_text && node_is(expr, NODE_A_Const) && node_child(expr, "ival"))
		text = arena_printf(b->a, "%lld",
				    (long long)node_int(node_child(expr, "ival"), "ival"));
	else if (type_family(column_type) == FAMILY_INT && number_of(b, expr, &number))
		text = arena_printf(b->a, "%lld", (long long)number);
	if (!text)
		return false;
	*out = (struct key_source){ .kind = KEY_TEXT, .type_oid = is_text ? OID_TEXT : OID_INT8 };
	out->text = arena_str(&b->plan->arena, str_of(text));
	b->plan->exact_text = true;
	return true;
}
