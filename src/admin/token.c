#include "token.h"

#include <ctype.h>
#include <stdbool.h>

static bool at_text(struct str sql, size_t at, const char *what)
{
	size_t n = strlen(what);

	return at <= sql.n && sql.n - at >= n && memcmp(sql.p + at, what, n) == 0;
}

/* Past a C comment and those inside it; sql.n when it does not end. */
static size_t skip_comment(struct str sql, size_t at)
{
	unsigned depth = 0;

	while (at < sql.n) {
		if (at_text(sql, at, "/*")) {
			depth++;
			at += 2;
		} else if (at_text(sql, at, "*/")) {
			at += 2;
			if (--depth == 0)
				return at;
		} else {
			at++;
		}
	}
	return sql.n;
}

static size_t skip_space(struct str sql, size_t at)
{
	for (;;) {
		if (at < sql.n && isspace((unsigned char)sql.p[at]))
			at++;
		else if (at_text(sql, at, "--"))
			while (at < sql.n && sql.p[at] != '\n')
				at++;
		else if (at_text(sql, at, "/*"))
			at = skip_comment(sql, at);
		else
			return at;
	}
}

static bool is_word_start(char c)
{
	return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word(char c)
{
	return is_word_start(c) || isdigit((unsigned char)c) || c == '$';
}

/* Past the closing quote; 0 when there is none. A doubled quote stays inside. */
static size_t skip_quoted(struct str sql, size_t at)
{
	char quote = sql.p[at++];

	for (; at < sql.n; at++) {
		if (sql.p[at] != quote)
			continue;
		if (at + 1 >= sql.n || sql.p[at + 1] != quote)
			return at + 1;
		at++;
	}
	return 0;
}

/* Past $tag$…$tag$; 0 when this is no dollar quote, sql.n when it does not end. */
static size_t skip_dollar(struct str sql, size_t at)
{
	size_t end = at + 1, n;

	while (end < sql.n && is_word(sql.p[end]) && sql.p[end] != '$')
		end++;
	if (end >= sql.n || sql.p[end] != '$' || isdigit((unsigned char)sql.p[at + 1]))
		return 0;
	n = end + 1 - at;
	for (end++; end + n <= sql.n; end++)
		if (memcmp(sql.p + end, sql.p + at, n) == 0)
			return end + n;
	return sql.n;
}

struct token token_read(struct str sql, size_t at, size_t *next)
{
	struct token t = { .kind = TOKEN_PUNCT, .at = skip_space(sql, at) };
	size_t end = t.at + 1;

	if (t.at >= sql.n) {
		*next = sql.n;
		return (struct token){ TOKEN_END, { sql.p + sql.n, 0 }, sql.n };
	}
	if (sql.p[t.at] == '\'' || sql.p[t.at] == '"') {
		t.kind = sql.p[t.at] == '"' ? TOKEN_QUOTED : TOKEN_STRING;
		end = skip_quoted(sql, t.at);
		if (end == 0) {
			t.kind = TOKEN_BAD;
			end = sql.n;
		}
	} else if (is_word_start(sql.p[t.at])) {
		t.kind = TOKEN_WORD;
		while (end < sql.n && is_word(sql.p[end]))
			end++;
	} else if (isdigit((unsigned char)sql.p[t.at])) {
		t.kind = TOKEN_NUMBER;
		while (end < sql.n && (is_word(sql.p[end]) || sql.p[end] == '.'))
			end++;
	} else if (sql.p[t.at] == '$' && skip_dollar(sql, t.at) > 0) {
		t.kind = TOKEN_DOLLAR;
		end = skip_dollar(sql, t.at);
	} else if (sql.p[t.at] == 0) {
		t.kind = TOKEN_BAD;
	}
	t.text = (struct str){ sql.p + t.at, end - t.at };
	*next = end;
	return t;
}

int token_position(struct str sql, size_t at)
{
	int position = 1;

	for (size_t i = 0; i < at && i < sql.n; i++)
		if (((unsigned char)sql.p[i] & 0xc0) != 0x80)
			position++;
	return position;
}
