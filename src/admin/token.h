/* Tokens of the control port's grammar, read on demand.
 *
 * Words are unquoted identifiers and keywords; "quoted" identifiers keep their case and
 * never match a keyword. '…' literals with '' inside. Comments: -- and nested C ones.
 * Lazy, so that EXPLAIN ROUTE may be followed by any SQL. Pure. */
#ifndef ADMIN_TOKEN_H
#define ADMIN_TOKEN_H

#include "pgmosaic/base/str.h"

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_QUOTED,
	TOKEN_STRING,
	TOKEN_DOLLAR, /* $tag$…$tag$: only inside EXPLAIN ROUTE, no literal of the grammar */

	TOKEN_NUMBER,
	TOKEN_PUNCT,
	TOKEN_BAD
};

struct token {
	enum token_kind kind;
	struct str text; /* as written, quotes included */
	size_t at;	 /* byte in the statement */
};

/* The token at or behind byte `at`; *next is where to go on. */
struct token token_read(struct str sql, size_t at, size_t *next);
/* 1-based character of a byte, as PostgreSQL counts positions. */
int token_position(struct str sql, size_t at);

#endif
