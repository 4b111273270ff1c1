/* The pieces of the lexer that only move a pointer: strings, comments, numbers,
 * operators. Each takes the place of its first byte and gives the place behind its
 * last; NULL when the text ends first or PostgreSQL 15's lexer raises an error there. */
#ifndef PGMOSAIC_SRC_SQL_SCAN_LEX_H
#define PGMOSAIC_SRC_SQL_SCAN_LEX_H

#include <stdbool.h>
#include <stdint.h>

#include "pgmosaic/sql/scan.h"

enum lex_class {
	LEX_OTHER,
	LEX_SPACE,
	LEX_WORD, /* letter, underscore, byte above 127 */
	LEX_DIGIT,
	LEX_QUOTE,
	LEX_DQUOTE,
	LEX_DOLLAR,
	LEX_DOT,
	LEX_COLON,
	LEX_OPERATOR,
	LEX_SELF, /* , ( ) [ ] ; */
	LEX_NUL,
};

extern const uint8_t lex_class[256];
/* Lower-case form of a byte that may stand inside an identifier; 0: it may not. */
extern const uint8_t lex_ident[256];

enum lex_string_style {
	LEX_STRING_PLAIN,   /* '' stands for a quote */
	LEX_STRING_ESCAPES, /* so it does, and a backslash takes the next byte along */
	LEX_STRING_BITS,    /* B and X: the next quote ends it */
};

/* '…'. Continuation pieces (white space with a new line between two strings) are
 * swallowed: *continued. */
const char *lex_string(const char *p, const char *end, enum lex_string_style style,
		       bool *continued);
/* "…" with "" inside; an empty one is an error. */
const char *lex_quoted_name(const char *p, const char *end);
/* $tag$…$tag$. p itself when no dollar quote starts here. */
const char *lex_dollar_string(const char *p, const char *end);
/* Nested C comment. */
const char *lex_comment(const char *p, const char *end);
const char *lex_line_comment(const char *p, const char *end);
/* Digits, a decimal, or a real; *kind says which. Trailing junk is an error. */
const char *lex_number(const char *p, const char *end, enum scan_literal_kind *kind);
/* PostgreSQL's rule for operators: stops at a comment start, drops a trailing + or -. */
const char *lex_operator(const char *p, const char *end);

#endif
