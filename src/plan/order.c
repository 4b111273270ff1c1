/* ORDER BY and LIMIT over several shards.
 *
 * Each sort expression travels once more as a hidden column behind the select list; the
 * proxy merges by them and cuts them off. LIMIT and OFFSET are taken out of the text: the
 * executor puts the shards' own in. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

static const char by_key[] = "Restrict the statement to one shard key, or sort in the application.";

static bool is_end_word(struct build *b, unsigned i)
{
	static const char *const words[] = { "limit", "offset", "fetch", "for",
					     "asc",   "desc",	"using" };
	const struct token *t = &b->tokens.items[i];
	for (unsigned j = 0; j < sizeof(words) / sizeof(words[0]); j++)
		if (token_is(b->req->text, t, words[j]))
			return true;
	if (!token_is(b->req->text, t, "nulls") || i + 1 >= b->tokens.n)
		return t->code == TOKEN_SEMICOLON;
	const struct token *next = t + 1;
	return token_is(b->req->text, next, "first") || token_is(b->req->text, next, "last");
}

static bool read_targets(struct build *b, struct lists *l)
{
	unsigned i = l->select + 1;
	while (i < l->from && (token_is(b->req->text, &b->tokens.items[i], "all") ||
			       token_is(b->req->text, &b->tokens.items[i], "distinct")))
		i++;
	for (unsigned start = i; i <= l->from; i++) {
		bool ends = i == l->from || (b->tokens.items[i].depth == 0 &&
					     b->tokens.items[i].code == TOKEN_COMMA);
		if (!ends)
			continue;
		if (i > start) {
			if (l->n_targets == 256)
				return false;
			l->targets[l->n_targets++] = (struct piece){ b->tokens.items[start].start,
								     b->tokens.items[i - 1].end };
		}
		start = i + 1;
	}
	return true;
}

static bool read_sorts(struct build *b, struct lists *l)
{
	unsigned i = text_find(b, l->from, "order");
	if (i == UINT_MAX || i + 2 >= b->tokens.n)
		return false;
	unsigned start = i + 2;
	bool in_item = true;
	for (i = start; i <= b->tokens.n; i++) {
		bool end = i == b->tokens.n;
		bool comma = !end && b->tokens.items[i].depth == 0 &&
			     b->tokens.items[i].code == TOKEN_COMMA;
		bool word = !end && b->tokens.items[i].depth == 0 && is_end_word(b, i);
		if (in_item && (end || comma || word)) {
			if (l->n_sorts == 32 || i == start)
				return false;
			l->sorts[l->n_sorts++] = (struct piece){ b->tokens.items[start].start,
								 b->tokens.items[i - 1].end };
			in_item = false;
		}
		if (comma) {
			start = i + 1;
			in_item = true;
		}
	}
	return true;
}

bool order_read_lists(struct build *b, const struct node *stmt, struct lists *l)
{
	memset(l, 0, sizeof(*l));
	l->select = text_select_token(b);
	if (l->select == UINT_MAX)
		return false;
	l->from = text_from_token(b, l->select);
	if (l->from == UINT_MAX || !read_targets(b, l))
		return false;
	return node_list(stmt, "sort_clause")->n == 0 || read_sorts(b, l);
}

/* The bytes of target i without its label. */
struct piece order_target_piece(struct build *b, const struct lists *l, unsigned i,
				const struct node *target)
{
	struct piece p = l->targets[i];
	if (*node_text(target, "name")) {
		unsigned last = 0, as = 0;
		for (unsigned t = 0; t < b->tokens.n && b->tokens.items[t].end <= p.to; t++) {
			if (b->tokens.items[t].start < p.from)
				continue;
			last = t;
			if (b->tokens.items[t].depth == 0 &&
			    token_is(b->req->text, &b->tokens.items[t], "as"))
				as = t;
		}
		p.to = b->tokens.items[(as ? as : last) - 1].end;
	}
	return p;
}

static char *target_text(struct build *b, const struct lists *l, unsigned i,
			 const struct node *target)
{
	struct piece p = order_target_piece(b, l, i, target);
	return arena_strndup(b->a, b->req->text.p + p.from, p.to - p.from);
}

/* Output column number `at` as text and type. */
static char *output_text(struct build *b, struct level *top, const struct lists *l, unsigned at,
			 struct type_info *type)
{
	const struct node_list *targets = node_list(top->stmt, "target_list");
	if (targets->n == top->n_output && l->n_targets == targets->n) {
		const struct node *t = targets->items[at], *val = node_child(t, "val");
		bool star =
			node_is(val, NODE_ColumnRef) &&
			node_is(node_list(val, "fields")->items[node_list(val, "fields")->n - 1],
				NODE_A_Star);
		if (!star && top->has_volatile && !node_is(val, NODE_ColumnRef))
			return NULL;
		if (!star)
			return type_of(b, top, val, type) ? target_text(b, l, at, t) : NULL;
	}
	struct column *c = &top->output[at];
	struct rel *rel = c->var >= 0 ? b->vars[c->var].rel : NULL;
	if (!rel || rel->hidden || !c->type || top->output_unknown)
		return NULL;
	*type = (struct type_info){ c->type, c->collation };
	return arena_printf(b->a, "%s.%s", names_quote(b->a, rel->name),
			    names_quote(b->a, b->vars[c->var].column));
}

static int named_output(struct level *top, const struct node *n, bool *ambiguous)
{
	const struct node_list *fields = node_is(n, NODE_ColumnRef) ? node_list(n, "fields") : NULL;
	const char *name = fields && fields->n == 1 ? node_string(fields->items[0]) : NULL;
	int found = -1;
	*ambiguous = false;
	for (unsigned i = 0; name && i < top->n_output; i++) {
		if (!top->output[i].name || strcmp(top->output[i].name, name) != 0)
			continue;
		if (found >= 0 &&
		    (top->output[i].var < 0 || top->output[i].var != top->output[found].var))
			*ambiguous = true;
		found = found < 0 ? (int)i : found;
	}
	return found;
}

/* PostgreSQL's rule for ORDER BY: a bare name is an output column first, a bare integer a
 * position; anything else is over the input columns. */
static char *sort_text(struct build *b, struct level *top, const struct lists *l, unsigned i,
		       const struct node *n, struct type_info *type)
{
	bool ambiguous;
	if (node_is(n, NODE_A_Const)) {
		int64_t at = node_child(n, "ival") ? node_int(node_child(n, "ival"), "ival") : 0;
		b->plan->exact_text = true;
		if (at < 1 || at > (int64_t)top->n_output || top->output_unknown)
			return NULL;
		return output_text(b, top, l, (unsigned)at - 1, type);
	}
	int at = named_output(top, n, &ambiguous);
	if (ambiguous || (at >= 0 && top->output_unknown))
		return NULL;
	if (at >= 0)
		return output_text(b, top, l, (unsigned)at, type);
	if (!type_of(b, top, n, type) || (top->has_volatile && !node_is(n, NODE_ColumnRef)))
		return NULL;
	return arena_strndup(b->a, b->req->text.p + l->sorts[i].from,
			     l->sorts[i].to - l->sorts[i].from);
}

bool order_is_sortable(uint32_t type)
{
	switch (type) {
	case OID_BOOL:
	case OID_INT2:
	case OID_INT4:
	case OID_INT8:
	case OID_OID:
	case OID_NUMERIC:
	case OID_FLOAT4:
	case OID_FLOAT8:
	case OID_TEXT:
	case OID_VARCHAR:
	case OID_DATE:
	case OID_TIMESTAMP:
	case OID_TIMESTAMPTZ:
	case OID_TIME:
	case OID_UUID:
	case OID_BYTEA: return true;
	default: return false;
	}
}

static bool set_collation(struct build *b, const struct type_info *type, struct plan_sort_key *k)
{
	if (type->oid != OID_TEXT && type->oid != OID_VARCHAR)
		return true;
	const char *name = b->schema->collate;
	if (type->collation == COLLATION_C || type->collation == COLLATION_POSIX) {
		k->is_c_collation = true;
		return true;
	}
	if (type->collation != COLLATION_DEFAULT || b->schema->collation_provider != 'c' || !name)
		return false;
	k->is_c_collation = strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0;
	k->collate = k->is_c_collation ? NULL : arena_strdup(&b->plan->arena, name);
	return true;
}

static bool add_key(struct build *b, const struct node *item, const struct type_info *type,
		    struct plan_sort_key *k)
{
	int64_t dir = node_int(item, "sortby_dir"), nulls = node_int(item, "sortby_nulls");
	if (dir == SORT_USING) {
		scatter_refuse(b, by_key, "ORDER BY … USING over several shards");
		return false;
	}
	*k = (struct plan_sort_key){ .type_oid = type->oid, .descending = dir == SORT_DESC };
	k->nulls_first = nulls == NULLS_DEFAULT ? k->descending : nulls == NULLS_FIRST;
	if (order_is_sortable(type->oid) && set_collation(b, type, k))
		return true;
	scatter_refuse(b, by_key, "ORDER BY of this type or collation over several shards");
	return false;
}

bool order_plan(struct build *b, struct level *top)
{
	const struct node_list *items = node_list(top->stmt, "sort_clause");
	struct lists *l = arena_new(b->a, struct lists);
	struct plan *p = b->plan;
	if (!order_read_lists(b, top->stmt, l) || l->n_sorts != items->n) {
		scatter_refuse(b, "Write SELECT … FROM … ORDER BY without parentheses around it.",
			       "ORDER BY of this form over several shards");
		return false;
	}
	p->sort = arena_array(&p->arena, struct plan_sort_key, items->n);
	char *extra = arena_strdup(b->a, "");
	for (unsigned i = 0; i < items->n; i++) {
		struct type_info type;
		const struct node *item = items->items[i];
		char *text = sort_text(b, top, l, i, node_child(item, "node"), &type);
		if (!text) {
			scatter_refuse(b, "Sort by columns, or by simple expressions of numbers.",
				       "ORDER BY item %u over several shards", i + 1);
			return false;
		}
		if (!add_key(b, item, &type, &p->sort[i]))
			return false;
		bool first = l->n_targets == 0 && i == 0;
		extra = arena_printf(b->a, "%s%s (%s) AS mosaic_k%u", extra, first ? "" : ",", text,
				     i + 1);
	}
	p->n_sort = (uint16_t)items->n;
	text_splice(b, b->tokens.items[l->from - 1].end, 0, extra);
	return true;
}

/* ---- LIMIT ---- */
/* A number beyond int4, or what a driver wrote as LIMIT '3'. */
static bool read_digits(struct build *b, const struct node *n, struct plan_count *out)
{
	const struct node *number = node_child(n, "fval");
	const char *text =
		number ? node_text(number, "fval") : node_text(node_child(n, "sval"), "sval");
	const char *digits = text + (*text == '-');
	if (!*digits || strspn(digits, "0123456789") != strlen(digits))
		return false;
	errno = 0;
	out->kind = COUNT_CONST;
	out->value = strtoll(text, NULL, 10);
	if (errno == ERANGE && number && b->scatter.status == STATUS_OK)
		err_set_code(&b->scatter, STATUS_INVALID, "22003", "bigint out of range");
	return errno != ERANGE;
}

static bool read_bare_count(struct build *b, const struct node *n, struct plan_count *out)
{
	if (!n)
		return true;
	if (node_is(n, NODE_A_Const) && node_int(n, "isnull")) {
		out->kind = COUNT_NULL;
	} else if (node_is(n, NODE_A_Const) && node_child(n, "ival")) {
		out->kind = COUNT_CONST;
		out->value = node_int(node_child(n, "ival"), "ival");
	} else if (node_is(n, NODE_A_Const) && (node_child(n, "fval") || node_child(n, "sval"))) {
		return read_digits(b, n, out);
	} else if (node_is(n, NODE_ParamRef)) {
		unsigned number = (unsigned)node_int(n, "number");
		if (number == 0 || number > UINT16_MAX)
			return false;
		out->kind = COUNT_PARAM;
		out->param = (uint16_t)number;
	} else {
		return false;
	}
	return true;
}

static uint16_t int_width(uint32_t type)
{
	return type == OID_INT2 ? 2 : type == OID_INT4 ? 4 : type == OID_INT8 ? 8 : 0;
}

/* A constant that fits, or a parameter whose value is looked at when it is known. */
static bool read_count(struct build *b, const struct node *n, struct plan_count *out)
{
	if (!node_is(n, NODE_TypeCast))
		return read_bare_count(b, n, out);
	bool is_array = false;
	out->width = int_width(names_type(b, node_child(n, "type_name"), &is_array));
	return out->width > 0 && !is_array && read_bare_count(b, node_child(n, "arg"), out) &&
	       (out->kind != COUNT_CONST || plan_count_fits(out, out->value));
}

static bool is_limit_word(struct build *b, unsigned i)
{
	const struct token *t = &b->tokens.items[i];
	if (t->depth != 0 ||
	    (i > 0 && (t[-1].code == TOKEN_DOT || token_is(b->req->text, t - 1, "as"))))
		return false;
	return token_is(b->req->text, t, "limit") || token_is(b->req->text, t, "offset") ||
	       token_is(b->req->text, t, "fetch");
}

/* Takes the clauses out and says where the shards' own LIMIT belongs. */
static bool cut_limit(struct build *b)
{
	if (!text_tokens(b))
		return false;
	unsigned from = text_find(b, 0, "from"), n = b->tokens.n;
	uint32_t end = 0;
	if (from == UINT_MAX)
		return false;
	while (n > 0 && b->tokens.items[n - 1].code == TOKEN_SEMICOLON)
		n--;
	for (unsigned i = from; i < n; i++) {
		if (!is_limit_word(b, i)) {
			end = b->tokens.items[i].end;
			continue;
		}
		unsigned last = i;
		while (last + 1 < n && !is_limit_word(b, last + 1))
			last++;
		text_splice(b, b->tokens.items[i].start,
			    b->tokens.items[last].end - b->tokens.items[i].start, "");
		i = last;
	}
	b->plan->limit_at = text_moved(b, end);
	return true;
}

/* Used once only, and an integer: other types are rounded, by rules of their own. */
static bool param_is_free(struct build *b, const struct plan_count *c)
{
	if (c->kind != COUNT_PARAM)
		return true;
	uint32_t type = route_declared(b, c->param);
	return (type == 0 || int_width(type) > 0) &&
	       (c->param > b->n_param_uses || b->param_uses[c->param - 1] <= 1);
}

bool limit_plan(struct build *b, const struct node *stmt)
{
	struct plan *p = b->plan;
	const struct node *count = node_child(stmt, "limit_count"),
			  *skip = node_child(stmt, "limit_offset");
	if (!count && !skip)
		return true;
	if (node_int(stmt, "limit_option") == LIMIT_WITH_TIES) {
		scatter_refuse(b, by_key, "WITH TIES over several shards");
		return false;
	}
	if (!read_count(b, count, &p->limit) || !read_count(b, skip, &p->offset) ||
	    !param_is_free(b, &p->limit) || !param_is_free(b, &p->offset) || !cut_limit(b)) {
		scatter_refuse(b, "Give it as an integer constant or as a parameter of its own.",
			       "LIMIT or OFFSET by an expression over several shards");
		return false;
	}
	return true;
}
