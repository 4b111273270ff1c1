/* PREPARE and EXECUTE as statements: their pieces, for the session that keeps the names.
 *
 * What EXECUTE is given may be any expression; the session asks a server for its value unless it is
 * a constant that is exactly the parameter's. */
#include <limits.h>
#include <string.h>
#include "internal.h"

/* The pieces of "(…, …)" whose opening token is `open`; the closing token, or UINT_MAX. */
static unsigned read_pieces(struct build *b, unsigned open, unsigned n, struct plan_argument *args)
{
	unsigned at = 0;
	uint32_t from = b->tokens.items[open].end;
	for (unsigned i = open + 1; i < b->tokens.n; i++) {
		const struct token *t = &b->tokens.items[i];
		bool ends = t->depth == 0 && t->code == TOKEN_CLOSE;
		if (!ends && !(t->depth == 1 && t->code == TOKEN_COMMA))
			continue;
		if (at == n)
			return UINT_MAX;
		while (from < t->start && b->req->text.p[from] == ' ')
			from++;
		args[at].at = from;
		args[at++].text =
			arena_strndup(&b->plan->arena, b->req->text.p + from, t->start - from);
		from = t->end;
		if (ends)
			return at == n ? i : UINT_MAX;
	}
	return UINT_MAX;
}

static enum status unreadable(struct build *b, const char *what)
{
	return build_refuse(b, "Write the name as a plain identifier.", "%s of this form", what);
}

static struct plan_argument *local_args(struct build *b, unsigned n)
{
	struct plan_local *l = &b->plan->local;
	l->n_args = (uint16_t)n;
	l->args = arena_array(&b->plan->arena, struct plan_argument, n + 1);
	return l->args;
}

enum status plan_prepare(struct build *b, const struct node *stmt)
{
	struct plan_local *l = &b->plan->local;
	const struct node_list *types = node_list(stmt, "argtypes");
	unsigned at = 2;
	l->kind = LOCAL_PREPARE;
	l->name = arena_strdup(&b->plan->arena, node_text(stmt, "name"));
	b->plan->tag = "PREPARE";
	struct plan_argument *args = local_args(b, types->n);
	if (!text_tokens(b) || b->tokens.n < 4)
		return unreadable(b, "PREPARE");
	if (types->n > 0) {
		at = b->tokens.items[2].code == TOKEN_OPEN ? read_pieces(b, 2, types->n, args)
							   : UINT_MAX;
		at = at == UINT_MAX ? b->tokens.n : at + 1;
	}
	if (at + 1 >= b->tokens.n || !token_is(b->req->text, &b->tokens.items[at], "as"))
		return unreadable(b, "PREPARE");
	for (unsigned i = 0; i < types->n; i++)
		args[i].type_oid = names_type(b, types->items[i], NULL);
	unsigned last = b->tokens.n - 1;
	while (last > at + 1 && b->tokens.items[last].code == TOKEN_SEMICOLON)
		last--;
	l->inner_at = b->tokens.items[at + 1].start;
	l->text = arena_strndup(&b->plan->arena, b->req->text.p + l->inner_at,
				b->tokens.items[last].end - l->inner_at);
	return STATUS_OK;
}

/* Digits, with a sign or without, that are PostgreSQL's integer or bigint. */
static bool is_integer(const struct node *c)
{
	return node_child(c, "ival") != NULL;
}

static void read_constant(struct build *b, const struct node *expr, struct plan_argument *arg)
{
	struct arena *a = &b->plan->arena;
	arg->kind = ARGUMENT_EXPRESSION;
	if (!node_is(expr, NODE_A_Const))
		return;
	if (node_int(expr, "isnull")) {
		arg->kind = ARGUMENT_NULL;
	} else if (node_child(expr, "sval")) {
		arg->kind = ARGUMENT_STRING;
		arg->value = arena_strdup(a, node_text(node_child(expr, "sval"), "sval"));
	} else if (is_integer(expr)) {
		arg->kind = ARGUMENT_INTEGER;
		arg->value = arena_printf(a, "%lld",
					  (long long)node_int(node_child(expr, "ival"), "ival"));
	}
}

enum status plan_execute(struct build *b, const struct node *stmt)
{
	struct plan *p = b->plan;
	const struct node_list *params = node_list(stmt, "params");
	struct level *l = scope_new_level(b, stmt, NULL, LEVEL_TOP, NULL);
	struct plan_argument *args = local_args(b, params->n);
	struct census c;
	p->local.kind = LOCAL_EXECUTE;
	p->local.name = arena_strdup(&p->arena, node_text(stmt, "name"));
	p->tag = "EXECUTE";
	p->returns_rows = true;
	if (!text_tokens(b) || b->tokens.n < 2 ||
	    (params->n > 0 && (b->tokens.n < 5 || b->tokens.items[2].code != TOKEN_OPEN ||
			       read_pieces(b, 2, params->n, args) == UINT_MAX)))
		return unreadable(b, "EXECUTE");
	p->local.name_at = b->tokens.items[1].start;
	p->local.name_length = b->tokens.items[1].end - p->local.name_at;
	for (unsigned i = 0; i < params->n; i++) {
		read_constant(b, params->items[i], &args[i]);
		scope_expr(b, l, params->items[i]);
	}
	query_census(b, &c);
	p->uses_clock = b->calls.clock;
	p->target = b->calls.home_only ? TARGET_SHARD : TARGET_ANY;
	return query_rules(b, &c);
}
