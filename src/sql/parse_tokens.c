/* Tokens by PostgreSQL's own lexer, with their depth of parentheses. */
#include <stdlib.h>
#include <string.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>
#include "pgmosaic/sql/parse.h"

static void fill(struct token_list *out, const PgQuery__ScanResult *r)
{
	uint16_t depth = 0;
	for (size_t i = 0; i < r->n_tokens; i++) {
		const PgQuery__ScanToken *t = r->tokens[i];
		if (t->token == PG_QUERY__TOKEN__SQL_COMMENT ||
		    t->token == PG_QUERY__TOKEN__C_COMMENT)
			continue;
		int code = (int)t->token;
		bool opens = code == TOKEN_OPEN || code == '[';
		bool closes = code == TOKEN_CLOSE || code == ']';
		if (closes && depth > 0)
			depth--;
		out->items[out->n++] = (struct token){ .start = (uint32_t)t->start,
						       .end = (uint32_t)t->end,
						       .code = code,
						       .depth = depth };
		if (opens && depth < UINT16_MAX)
			depth++;
	}
}

enum status parse_tokens(struct arena *a, struct str text, struct token_list *out, struct err *err)
{
	enum status st = STATUS_OK;
	char *copy = strndup(text.p, text.n);
	if (!copy)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	PgQueryScanResult r = pg_query_scan(copy);
	PgQuery__ScanResult *tokens = NULL;
	if (r.error)
		st = err_set(err, STATUS_SYNTAX, "%s", r.error->message);
	else
		tokens = pg_query__scan_result__unpack(NULL, r.pbuf.len,
						       (const uint8_t *)r.pbuf.data);
	if (tokens) {
		out->n = 0;
		out->items = arena_array(a, struct token, tokens->n_tokens + 1);
		fill(out, tokens);
		pg_query__scan_result__free_unpacked(tokens, NULL);
	} else if (st == STATUS_OK) {
		st = err_set(err, STATUS_INTERNAL, "the statement's tokens could not be read");
	}
	pg_query_free_scan_result(r);
	free(copy);
	return st;
}

bool token_is(struct str text, const struct token *t, const char *word)
{
	return t->end <= text.n &&
	       str_is_nocase((struct str){ text.p + t->start, t->end - t->start }, word);
}

static bool ends_chain(struct str text, const struct token *t)
{
	static const char *const words[] = { "and", "or", "when", "then", "else" };
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (token_is(text, t, words[i]))
			return true;
	return t->code == TOKEN_COMMA;
}

/* Each operator or word of a chain (a+b+c, x UNION y, NOT NOT, JOIN) may nest one level. Nested
 * CASE is counted by the scan's own depth. */
unsigned token_chain_depth(struct str text, const struct token_list *tokens)
{
	enum { LEVELS = 8192 };
	unsigned *chain = calloc(LEVELS, sizeof(*chain));
	unsigned below = 0, deepest = 0, level = 0;

	for (unsigned i = 0; chain && i < tokens->n; i++) {
		const struct token *t = &tokens->items[i];
		if (t->depth + 1u >= LEVELS) {
			deepest = LEVELS;
			break;
		}
		while (level > t->depth)
			below -= chain[--level];
		while (level < t->depth) {
			below += chain[level];
			chain[++level] = 0;
		}
		chain[level] = ends_chain(text, t) ? 0 : chain[level] + 1;
		unsigned depth = below + chain[level] + level;
		deepest = depth > deepest ? depth : deepest;
	}
	free(chain);
	return deepest;
}
