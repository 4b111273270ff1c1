/* One pass over a statement's text: tokens hashed with the literals left out.
 *
 * Happy path: scan_text(text, &scan) fills the fingerprint, the literals' places
 * and a few facts. No allocation: literals past SCAN_MAX_LITERALS only set
 * `too_many` (such a text is never served from the plan cache by fingerprint).
 * The lexer is PostgreSQL 15's (scan.l): nested comments, dollar quotes, E'' U&''
 * B'' X'' N'' strings, quoted identifiers, operators, $n, standard_conforming_strings
 * on. Comments and white space do not count. Unquoted identifiers and keywords are
 * hashed lower-case (ASCII).
 * A literal's kind is hashed, its content is not; integers also by the type PostgreSQL gives
 * them (integer, bigint, numeric), and the string behind UESCAPE whole. `full` hashes every
 * byte of the text, white space and comments included, so that places in it stay right.
 * Failure: text the lexer cannot finish (open quote, open comment, NUL) sets `broken`;
 * the caller parses it, and PostgreSQL's own error comes out.
 * Pure; no I/O. */
#ifndef PGMOSAIC_SQL_SCAN_H
#define PGMOSAIC_SQL_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "pgmosaic/base/hash.h"
#include "pgmosaic/base/str.h"

#define SCAN_MAX_LITERALS 256

enum scan_literal_kind {
	LITERAL_INTEGER, /* digits only */
	LITERAL_NUMERIC, /* with a point or an exponent */
	LITERAL_STRING,	 /* '…' ; only '' to be undoubled */
	LITERAL_ESCAPE,	 /* E'…' */
	LITERAL_DOLLAR,	 /* $tag$…$tag$ */
	LITERAL_OTHER,	 /* B'' X'' U&'' N'' and continued strings */
};

struct scan_literal {
	uint32_t at, length; /* bytes of the text, quotes included */
	enum scan_literal_kind kind;
};

struct scan {
	struct hash128 fingerprint; /* literals left out */
	struct hash128 full;	    /* literals included */
	struct scan_literal literals[SCAN_MAX_LITERALS];
	uint16_t n_literals;
	uint16_t max_param; /* highest $n */
	bool too_many;	    /* more literals than fit */
	bool broken;
	bool is_empty;	  /* nothing but white space, comments and ';' */
	bool has_several; /* a ';' with something behind it (not inside BEGIN ATOMIC: best effort)
			   */
	uint32_t n_tokens, max_depth; /* max_depth: of parentheses and CASE */
	char first_word[24];	      /* first token if a word, lower-case, cut */
	/* Value of a comment "mosaic.shard=…" / "mosaic.shard_key=…" inside a C comment; n == 0:
	 * none. */
	struct str hint_shard, hint_key;
};

void scan_text(struct str text, struct scan *out);
/* The literal's value: quotes removed, '' undoubled, into out (size bytes); -1 when the kind is
 * ESCAPE with a backslash, OTHER, or it does not fit. Returns its length. */
int scan_literal_value(struct str text, const struct scan_literal *literal, char *out, size_t size);

#endif
