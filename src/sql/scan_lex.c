/* PostgreSQL 15's scan.l, by hand. Every rule is checked against pg_query_scan by
 * tests/unit/sql/test_scan.c. */
#include "scan_lex.h"

#define S LEX_SPACE
#define W LEX_WORD
#define D LEX_DIGIT
#define O LEX_OPERATOR
#define F LEX_SELF

const uint8_t lex_class[256] = {
	[0] = LEX_NUL,	    [' '] = S,		['\t'] = S,	   ['\n'] = S,
	['\r'] = S,	    ['\f'] = S,		['a' ... 'z'] = W, ['A' ... 'Z'] = W,
	['_'] = W,	    [128 ... 255] = W,	['0' ... '9'] = D, ['\''] = LEX_QUOTE,
	['"'] = LEX_DQUOTE, ['$'] = LEX_DOLLAR, ['.'] = LEX_DOT,   [':'] = LEX_COLON,
	['~'] = O,	    ['!'] = O,		['@'] = O,	   ['#'] = O,
	['^'] = O,	    ['&'] = O,		['|'] = O,	   ['`'] = O,
	['?'] = O,	    ['+'] = O,		['-'] = O,	   ['*'] = O,
	['/'] = O,	    ['%'] = O,		['<'] = O,	   ['>'] = O,
	['='] = O,	    [','] = F,		['('] = F,	   [')'] = F,
	['['] = F,	    [']'] = F,		[';'] = F,
};

#define ROW4(n)	 (n), (n) + 1, (n) + 2, (n) + 3
#define ROW16(n) ROW4(n), ROW4((n) + 4), ROW4((n) + 8), ROW4((n) + 12)
#define LETTERS(n)                                                                             \
	ROW4(n), ROW4((n) + 4), ROW4((n) + 8), ROW4((n) + 12), ROW4((n) + 16), ROW4((n) + 20), \
		(n) + 24, (n) + 25

const uint8_t lex_ident[256] = {
	['$'] = '$',
	['_'] = '_',
	['0'] = ROW4('0'),
	ROW4('4'),
	'8',
	'9',
	['A'] = LETTERS('a'),
	['a'] = LETTERS('a'),
	[0x80] = ROW16(0x80),
	ROW16(0x90),
	ROW16(0xa0),
	ROW16(0xb0),
	[0xc0] = ROW16(0xc0),
	ROW16(0xd0),
	ROW16(0xe0),
	ROW16(0xf0),
};

static inline enum lex_class class_at(const char *p)
{
	return (enum lex_class)lex_class[(uint8_t)*p];
}

static inline bool is_digit(const char *p, const char *end)
{
	return p < end && class_at(p) == LEX_DIGIT;
}

static inline bool is_new_line(char c)
{
	return c == '\n' || c == '\r';
}

const char *lex_line_comment(const char *p, const char *end)
{
	while (p < end && !is_new_line(*p) && *p)
		p++;
	return p;
}

/* The quote that continues a string: white space with a new line in it, line comments
 * allowed, then a quote. NULL: the string ends here. */
static const char *continuation(const char *p, const char *end)
{
	bool new_line = false;

	for (; p < end; p++) {
		if (*p == '\'')
			return new_line ? p : NULL;
		if (is_new_line(*p)) {
			new_line = true;
		} else if (*p == '-' && p + 1 < end && p[1] == '-') {
			p = lex_line_comment(p, end);
			if (p == end || !*p)
				return NULL;
			new_line = true;
		} else if (class_at(p) != LEX_SPACE) {
			return NULL;
		}
	}
	return NULL;
}

/* One piece, from its quote to behind its closing quote. */
static const char *string_piece(const char *p, const char *end, enum lex_string_style style)
{
	for (p++; p < end; p++) {
		if (*p == '\'') {
			if (p + 1 == end || p[1] != '\'' || style == LEX_STRING_BITS)
				return p + 1;
			p++;
		} else if (*p == '\\' && style == LEX_STRING_ESCAPES) {
			if (++p == end || !*p)
				return NULL;
		} else if (!*p) {
			return NULL;
		}
	}
	return NULL;
}

const char *lex_string(const char *p, const char *end, enum lex_string_style style, bool *continued)
{
	*continued = false;
	for (;;) {
		const char *next;

		p = string_piece(p, end, style);
		if (!p || !(next = continuation(p, end)))
			return p;
		*continued = true;
		p = next;
	}
}

const char *lex_quoted_name(const char *p, const char *end)
{
	const char *start = p;

	for (p++; p < end && *p; p++) {
		if (*p != '"')
			continue;
		if (p + 1 == end || p[1] != '"')
			return p == start + 1 ? NULL : p + 1;
		p++;
	}
	return NULL;
}

const char *lex_dollar_string(const char *p, const char *end)
{
	const char *start = p, *body;
	size_t n;

	for (p++; p < end && *p != '$' && lex_ident[(uint8_t)*p]; p++) {
		if (p == start + 1 && class_at(p) == LEX_DIGIT)
			return start;
	}
	if (p == end || *p != '$')
		return start;
	body = p + 1;
	n = (size_t)(body - start);
	for (p = body; p < end; p++) {
		p = memchr(p, '$', (size_t)(end - p));
		if (!p || (size_t)(end - p) < n)
			return NULL;
		if (memcmp(p, start, n) == 0)
			return memchr(body, 0, (size_t)(p - body)) ? NULL : p + n;
	}
	return NULL;
}

const char *lex_comment(const char *p, const char *end)
{
	unsigned depth = 0;

	while (p < end && *p) {
		if (*p == '/' && p + 1 < end && p[1] == '*') {
			depth++;
			p += 2;
		} else if (*p == '*' && p + 1 < end && p[1] == '/') {
			p += 2;
			if (--depth == 0)
				return p;
		} else {
			p++;
		}
	}
	return NULL;
}

static const char *skip_digits(const char *p, const char *end)
{
	while (is_digit(p, end))
		p++;
	return p;
}

const char *lex_number(const char *p, const char *end, enum scan_literal_kind *kind)
{
	const char *exponent;

	*kind = LITERAL_INTEGER;
	p = skip_digits(p, end);
	if (p < end && *p == '.' && !(p + 1 < end && p[1] == '.')) {
		*kind = LITERAL_NUMERIC;
		p = skip_digits(p + 1, end);
	}
	if (p < end && (*p | 0x20) == 'e') {
		exponent = p + 1;
		if (exponent < end && (*exponent == '+' || *exponent == '-'))
			exponent++;
		if (!is_digit(exponent, end))
			return NULL;
		*kind = LITERAL_NUMERIC;
		p = skip_digits(exponent, end);
	}
	return p < end && class_at(p) == LEX_WORD ? NULL : p;
}

static bool may_end_in_sign(const char *p, const char *end)
{
	for (; p < end; p++) {
		if (strchr("~!@#^&|`?%", *p))
			return true;
	}
	return false;
}

const char *lex_operator(const char *p, const char *end)
{
	const char *start = p;

	for (; p < end && class_at(p) == LEX_OPERATOR; p++) {
		if (p + 1 < end && ((*p == '/' && p[1] == '*') || (*p == '-' && p[1] == '-')))
			break;
	}
	while (p - start > 1 && (p[-1] == '+' || p[-1] == '-') && !may_end_in_sign(start, p - 1))
		p--;
	return p;
}
