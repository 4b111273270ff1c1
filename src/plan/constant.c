/* Constants and parameters as sources of key values.
 *
 * A literal is named by its place in the scan, so that the plan serves other literals
 * too; what the scan's reader cannot undo (escapes, unicode, past its table) is copied,
 * and the plan then holds for the very same text only. */
#include <stdlib.h>
#include <string.h>
#include "internal.h"
#include "pgmosaic/key/type.h"

const struct scan_literal *constant_literal(const struct build *b, int at)
{
	const struct scan *s = b->req->scan;
	for (unsigned i = 0; at >= 0 && i < s->n_literals; i++)
		if (s->literals[i].at >= (uint32_t)at)
			return &s->literals[i];
	return NULL;
}

static uint32_t read_type(enum family family)
{
	return (uint32_t)family;
}

static void copy_text(struct build *b, const char *text, uint32_t type, struct key_source *out)
{
	*out = (struct key_source){ .kind = KEY_TEXT, .type_oid = type };
	out->text = arena_str(&b->plan->arena, str_of(text));
	b->plan->exact_text = true;
}

enum literal_use { USE_STRING, USE_INTEGER, USE_NUMBER };

static bool literal_fits(const struct scan_literal *lit, int at, enum literal_use use)
{
	if (use == USE_STRING)
		return lit->at == (uint32_t)at &&
		       (lit->kind == LITERAL_STRING || lit->kind == LITERAL_DOLLAR);
	return lit->kind == LITERAL_INTEGER || (use == USE_NUMBER && lit->kind == LITERAL_NUMERIC);
}

static void use_literal(struct build *b, int at, bool negative, uint32_t type, const char *text,
			enum literal_use use, struct key_source *out)
{
	const struct scan_literal *lit = constant_literal(b, at);
	if (!lit || b->req->scan->too_many || !literal_fits(lit, at, use)) {
		copy_text(b, text, type, out);
		return;
	}
	*out = (struct key_source){ .kind = KEY_LITERAL,
				    .index = (uint16_t)(lit - b->req->scan->literals),
				    .negative = negative,
				    .type_oid = type };
}

static bool integer_source(struct build *b, const struct node *c, struct key_source *out)
{
	const struct node *ival = node_child(c, "ival"), *fval = node_child(c, "fval");
	const char *text;
	if (ival) {
		text = arena_printf(b->a, "%lld", (long long)node_int(ival, "ival"));
	} else if (fval) {
		text = node_text(fval, "fval");
		if (strspn(text + (*text == '-'), "0123456789") != strlen(text + (*text == '-')))
			return false; /* a numeric: compared as one, never hashed here */
		char *end;
		(void)strtoll(text, &end, 10);
	} else {
		return false;
	}
	use_literal(b, c->at, *text == '-', OID_INT8, text, USE_INTEGER, out);
	return true;
}

/* Any number, for a numeric column. */
static bool number_source(struct build *b, const struct node *c, struct key_source *out)
{
	const struct node *fval = node_child(c, "fval");
	if (!fval)
		return integer_source(b, c, out);
	const char *text = node_text(fval, "fval");
	use_literal(b, c->at, *text == '-', OID_NUMERIC, text, USE_NUMBER, out);
	return true;
}

static bool bool_source(const struct node *c, struct key_source *out)
{
	const struct node *value = node_child(c, "boolval");
	if (!value)
		return false;
	*out = (struct key_source){ .kind = KEY_TEXT,
				    .type_oid = OID_BOOL,
				    .text = str_of(node_int(value, "boolval") ? "true" : "false") };
	return true;
}

/* A constant without quotes, of a type that the column's `family` takes as it is. */
static bool bare_source(struct build *b, const struct node *c, enum family family,
			struct key_source *out)
{
	if (family == FAMILY_BOOL)
		return bool_source(c, out);
	if (family == FAMILY_NUMERIC)
		return number_source(b, c, out);
	return family == FAMILY_INT && integer_source(b, c, out);
}

static uint32_t declared_type(const struct build *b, unsigned number)
{
	uint32_t type = number <= b->req->n_param_types ? b->req->param_types[number - 1] : 0;
	return type == OID_UNKNOWN ? 0 : type;
}

static bool param_source(struct build *b, const struct node *p, uint32_t column_type, uint32_t cast,
			 struct key_source *out)
{
	unsigned number = (unsigned)node_int(p, "number");
	if (number == 0 || number > UINT16_MAX)
		return false;
	uint32_t declared = declared_type(b, number);
	uint32_t type = declared ? declared : cast ? cast : column_type;
	if (!type_is_comparable(type, column_type))
		return false;
	if (declared && cast && type_family(declared) != type_family(cast))
		return false; /* the cast may round */
	*out = (struct key_source){ .kind = KEY_PARAM,
				    .index = (uint16_t)number,
				    .type_oid = type };
	return true;
}

/* A cast that leaves the value as it is. */
static bool cast_source(struct build *b, const struct node *cast, uint32_t column_type,
			struct key_source *out)
{
	const struct node *type_name = node_child(cast, "type_name");
	const struct node *arg = node_child(cast, "arg");
	uint32_t type = names_type(b, type_name, NULL);
	if (!type_is_comparable(type, column_type) ||
	    (type_family(type) == FAMILY_NUMERIC && type_family(column_type) == FAMILY_INT))
		return false;
	if (node_list(type_name, "typmods")->n > 0)
		return false;
	if (node_is(arg, NODE_ParamRef))
		return param_source(b, arg, column_type, type, out);
	if (!node_is(arg, NODE_A_Const))
		return false;
	if (node_int(arg, "isnull"))
		return constant_source(b, arg, column_type, out);
	if (node_child(arg, "sval"))
		return constant_source(b, arg, type, out);
	return bare_source(b, arg, type_family(type), out);
}

bool constant_source(struct build *b, const struct node *expr, uint32_t column_type,
		     struct key_source *out)
{
	enum family family = type_family(column_type);
	if (family == FAMILY_NONE || !expr)
		return false;
	if (expr->kind == NODE_ParamRef)
		return param_source(b, expr, column_type, 0, out);
	if (expr->kind == NODE_TypeCast)
		return cast_source(b, expr, column_type, out);
	if (expr->kind != NODE_A_Const)
		return false;
	if (node_int(expr, "isnull")) {
		*out = (struct key_source){ .kind = KEY_NULL, .type_oid = read_type(family) };
		return true;
	}
	const struct node *sval = node_child(expr, "sval");
	if (sval) {
		use_literal(b, expr->at, false, read_type(family), node_text(sval, "sval"),
			    USE_STRING, out);
		return true;
	}
	return bare_source(b, expr, family, out);
}

static uint32_t element_type(uint32_t array)
{
	const struct key_type *t = key_type_of_array(array);
	return t ? t->oid : 0;
}

static unsigned array_param(struct build *b, const struct node *p, uint32_t column_type,
			    uint32_t cast, struct key_source **out)
{
	unsigned number = (unsigned)node_int(p, "number");
	uint32_t type = cast ? cast : column_type;
	if (number == 0 || number > UINT16_MAX)
		return 0;
	uint32_t declared = declared_type(b, number);
	if (declared)
		type = element_type(declared);
	if (type_family(type) != type_family(column_type))
		return 0;
	*out = arena_new(b->a, struct key_source);
	**out = (struct key_source){ .kind = KEY_PARAM_ARRAY,
				     .index = (uint16_t)number,
				     .type_oid = type };
	return 1;
}

/* '{1,2,"a b",NULL}' of one dimension. 0: not understood. */
static unsigned array_text(struct build *b, const char *text, enum family family,
			   struct key_source **out)
{
	size_t n = strlen(text);
	if (n < 3 || text[0] != '{' || text[n - 1] != '}' || strpbrk(text, "\\\" \t\n[") ||
	    strchr(text + 1, '{'))
		return 0;
	char *copy = arena_strndup(b->a, text + 1, n - 2), *save = copy;
	unsigned count = 1, i = 0;
	for (char *p = copy; *p; p++)
		count += *p == ',';
	*out = arena_array(b->a, struct key_source, count);
	for (char *item; (item = strsep(&save, ",")) != NULL; i++) {
		if (!*item)
			return 0;
		if (strcasecmp(item, "null") == 0)
			(*out)[i] = (struct key_source){ .kind = KEY_NULL };
		else
			copy_text(b, item, read_type(family), &(*out)[i]);
	}
	b->plan->exact_text = true;
	return count;
}

static unsigned array_items(struct build *b, const struct node_list *items, uint32_t column_type,
			    struct key_source **out)
{
	*out = arena_array(b->a, struct key_source, items->n ? items->n : 1);
	for (unsigned i = 0; i < items->n; i++)
		if (!constant_source(b, items->items[i], column_type, &(*out)[i]))
			return 0;
	return items->n;
}

unsigned constant_array(struct build *b, const struct node *expr, uint32_t column_type,
			struct key_source **out)
{
	enum family family = type_family(column_type);
	uint32_t cast = 0;
	if (family == FAMILY_NONE)
		return 0;
	if (node_is(expr, NODE_TypeCast)) {
		bool is_array = false;
		const struct node *type_name = node_child(expr, "type_name");
		cast = names_type(b, type_name, &is_array);
		if (!is_array || type_family(cast) != family || node_list(type_name, "typmods")->n)
			return 0;
		expr = node_child(expr, "arg");
	}
	if (node_is(expr, NODE_ParamRef))
		return array_param(b, expr, column_type, cast, out);
	if (node_is(expr, NODE_A_ArrayExpr)) {
		const struct node_list *items = node_list(expr, "elements");
		/* ARRAY[1, 2] against text, or strings against integers: leave it to the server */
		return array_items(b, items, column_type, out);
	}
	const struct node *sval = node_is(expr, NODE_A_Const) ? node_child(expr, "sval") : NULL;
	return sval ? array_text(b, node_text(sval, "sval"), family, out) : 0;
}
