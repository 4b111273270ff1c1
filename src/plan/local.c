/* Transaction control and settings: the session's own. */
#include <stdio.h>
#include <string.h>
#include "internal.h"

static const char *copy(struct build *b, const char *text)
{
	return text && *text ? arena_strdup(&b->plan->arena, text) : NULL;
}

/* The statement's text behind its first words. */
static const char *text_behind(struct build *b, unsigned n_tokens)
{
	if (!text_tokens(b) || b->tokens.n <= n_tokens)
		return "";
	unsigned last = b->tokens.n - 1;
	while (last > n_tokens && b->tokens.items[last].code == TOKEN_SEMICOLON)
		last--;
	if (b->tokens.items[last].code == TOKEN_SEMICOLON)
		return "";
	uint32_t from = b->tokens.items[n_tokens].start;
	return arena_strndup(&b->plan->arena, b->req->text.p + from,
			     b->tokens.items[last].end - from);
}

static const char *begin_options(struct build *b)
{
	unsigned n = 1;
	if (text_tokens(b) && b->tokens.n > 1 &&
	    (token_is(b->req->text, &b->tokens.items[1], "work") ||
	     token_is(b->req->text, &b->tokens.items[1], "transaction")))
		n = 2;
	return text_behind(b, n);
}

static enum status local_transaction(struct build *b, const struct node *n)
{
	static const struct {
		enum txn_kind kind;
		enum local_kind local;
		const char *tag;
	} kinds[] = {
		{ TXN_BEGIN, LOCAL_BEGIN, "BEGIN" },
		{ TXN_START, LOCAL_BEGIN, "START TRANSACTION" },
		{ TXN_COMMIT, LOCAL_COMMIT, "COMMIT" },
		{ TXN_ROLLBACK, LOCAL_ROLLBACK, "ROLLBACK" },
		{ TXN_SAVEPOINT, LOCAL_SAVEPOINT, "SAVEPOINT" },
		{ TXN_RELEASE, LOCAL_RELEASE, "RELEASE" },
		{ TXN_ROLLBACK_TO, LOCAL_ROLLBACK_TO, "ROLLBACK" },
	};
	struct plan *p = b->plan;
	int64_t kind = node_int(n, "kind");
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if ((int64_t)kinds[i].kind != kind)
			continue;
		p->local.kind = kinds[i].local;
		p->tag = kinds[i].tag;
		p->local.chain = node_int(n, "chain") != 0;
		p->local.name = copy(b, node_text(n, "savepoint_name"));
		if (kinds[i].local == LOCAL_BEGIN)
			p->local.text = begin_options(b);
		return STATUS_OK;
	}
	return build_refuse(b, "Use COMMIT: the proxy runs two-phase commit itself.",
			    "PREPARE TRANSACTION and COMMIT PREPARED by the client");
}

static const char *constant_text(struct build *b, const struct node *n)
{
	if (!node_is(n, NODE_A_Const))
		return NULL;
	if (node_child(n, "sval"))
		return arena_strdup(&b->plan->arena, node_text(node_child(n, "sval"), "sval"));
	if (node_child(n, "fval"))
		return copy(b, node_text(node_child(n, "fval"), "fval"));
	if (node_child(n, "ival"))
		return arena_printf(&b->plan->arena, "%lld",
				    (long long)node_int(node_child(n, "ival"), "ival"));
	return NULL;
}

static enum local_kind set_kind_of(int64_t kind, bool is_local)
{
	if (kind == SET_RESET_ALL)
		return LOCAL_RESET_ALL;
	if (kind == SET_RESET || kind == SET_DEFAULT)
		return is_local ? LOCAL_SET_LOCAL : LOCAL_RESET;
	return is_local ? LOCAL_SET_LOCAL : LOCAL_SET;
}

static enum status local_set(struct build *b, const struct node *n)
{
	struct plan *p = b->plan;
	int64_t kind = node_int(n, "kind");
	const char *name = node_text(n, "name");
	const struct node_list *args = node_list(n, "args");

	p->tag = kind == SET_RESET || kind == SET_RESET_ALL ? "RESET" : "SET";
	p->local.name = copy(b, name);
	p->local.local = node_int(n, "is_local") != 0;
	p->local.text = arena_strndup(&p->arena, b->req->text.p, b->req->text.n);
	if (kind == SET_CURRENT)
		return build_refuse(b, "Name the value.", "SET … FROM CURRENT");
	if (kind == SET_MULTI) {
		if (strcmp(name, "TRANSACTION SNAPSHOT") == 0)
			return build_refuse(b, "Leave it out.", "SET TRANSACTION SNAPSHOT");
		p->local.kind =
			strcmp(name, "TRANSACTION") == 0 ? LOCAL_SET_TRANSACTION : LOCAL_SET;
		return STATUS_OK;
	}
	if (args->n == 1)
		p->local.value = constant_text(b, args->items[0]);
	p->local.kind = set_kind_of(kind, p->local.local);
	if (strncmp(name, "mosaic.", 7) == 0)
		p->local.kind = LOCAL_SET_MOSAIC;
	return STATUS_OK;
}

static enum status local_discard(struct build *b, const struct node *n)
{
	enum { DISCARD_EVERYTHING = 1 };
	b->plan->tag = "DISCARD ALL";
	b->plan->local.kind = LOCAL_DISCARD_ALL;
	if (node_int(n, "target") == DISCARD_EVERYTHING)
		return STATUS_OK;
	return build_refuse(b, "Use DISCARD ALL.", "DISCARD of a part of the session's state");
}

enum status plan_local(struct build *b, const struct node *stmt, bool *is_local)
{
	const char *type = node_type_name(stmt);
	struct plan *p = b->plan;
	*is_local = true;
	enum status st = STATUS_OK;
	if (strcmp(type, "TransactionStmt") == 0) {
		st = local_transaction(b, stmt);
	} else if (strcmp(type, "VariableSetStmt") == 0) {
		st = local_set(b, stmt);
	} else if (strcmp(type, "VariableShowStmt") == 0) {
		p->tag = "SHOW";
		p->returns_rows = true;
		p->local.kind = LOCAL_SHOW;
		p->local.name = copy(b, node_text(stmt, "name"));
	} else if (strcmp(type, "DiscardStmt") == 0) {
		st = local_discard(b, stmt);
	} else if (strcmp(type, "PrepareStmt") == 0) {
		st = plan_prepare(b, stmt);
	} else if (strcmp(type, "ExecuteStmt") == 0) {
		st = plan_execute(b, stmt);
	} else if (strcmp(type, "FetchStmt") == 0) {
		plan_fetch(b, stmt);
	} else if (strcmp(type, "ClosePortalStmt") == 0) {
		plan_close(b, stmt);
	} else if (strcmp(type, "DeallocateStmt") == 0) {
		p->local.name = copy(b, node_text(stmt, "name"));
		p->local.kind = p->local.name ? LOCAL_DEALLOCATE : LOCAL_DEALLOCATE_ALL;
		p->tag = p->local.name ? "DEALLOCATE" : "DEALLOCATE ALL";
	} else if (strcmp(type, "ListenStmt") == 0 || strcmp(type, "UnlistenStmt") == 0) {
		p->local.kind = *type == 'L' ? LOCAL_LISTEN : LOCAL_UNLISTEN;
		p->tag = *type == 'L' ? "LISTEN" : "UNLISTEN";
		p->local.name = copy(b, node_text(stmt, "conditionname"));
	} else {
		*is_local = false;
	}
	if (*is_local)
		p->class = PLAN_LOCAL;
	return st;
}
