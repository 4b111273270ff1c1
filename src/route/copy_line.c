/* Ends of rows in COPY text and CSV, by the rules of PostgreSQL's CopyReadLineText.
 *
 * The first line decides the kind of line end. From then on memchr finds the candidates:
 * in text a line end behind an odd number of backslashes is data, in CSV one inside quotes. */
#include "copy_internal.h"

#include <string.h>

/* What one byte does to the state; true: it stands outside quotes and escapes. */
static inline bool step(struct copy_line *l, char c)
{
	if (l->format == COPY_TEXT) {
		bool escaped = l->after_escape;

		l->after_escape = !escaped && c == '\\';
		return !escaped;
	}
	if (l->in_quote && l->escape && c == l->escape)
		l->after_escape = !l->after_escape;
	if (c == l->quote && !l->after_escape)
		l->in_quote = !l->in_quote;
	if (!l->escape || c != l->escape)
		l->after_escape = false;
	return !l->in_quote;
}

static bool found(struct copy_line *l, size_t content, size_t eol, size_t *n, size_t *out)
{
	*out = content;
	*n = content + eol;
	l->scanned = 0;
	l->in_quote = l->after_escape = false;
	return true;
}

/* The first line, byte by byte. A carriage return at the very end waits for what follows. */
static bool find_first(struct copy_line *l, const char *p, size_t size, bool is_last, size_t *n,
		       size_t *content)
{
	for (size_t i = l->scanned; i < size; i++, l->scanned++) {
		if (p[i] == '\r' && i + 1 == size && !is_last)
			return false;
		if (!step(l, p[i]))
			continue;
		if (p[i] == '\n') {
			l->eol = EOL_NL;
			return found(l, i, 1, n, content);
		}
		if (p[i] == '\r') {
			l->eol = i + 1 < size && p[i + 1] == '\n' ? EOL_CRNL : EOL_CR;
			return found(l, i, l->eol == EOL_CRNL ? 2 : 1, n, content);
		}
	}
	return false;
}

/* An odd number of backslashes ends at p[i - 1]. */
static bool is_escaped(const char *p, size_t i)
{
	size_t n = 0;

	while (n < i && p[i - 1 - n] == '\\')
		n++;
	return n % 2;
}

static size_t content_of(const struct copy_line *l, const char *p, size_t end)
{
	return l->eol == EOL_CRNL && end && p[end - 1] == '\r' ? end - 1 : end;
}

static bool find_text(struct copy_line *l, const char *p, size_t size, size_t *n, size_t *content)
{
	char last = l->eol == EOL_CR ? '\r' : '\n';

	while (l->scanned < size) {
		const char *hit = memchr(p + l->scanned, last, size - l->scanned);
		size_t at;

		if (!hit)
			break;
		at = (size_t)(hit - p);
		if (at == 0 || p[at - 1] != '\\' || !is_escaped(p, at)) {
			size_t c = content_of(l, p, at);

			return found(l, c, at + 1 - c, n, content);
		}
		l->scanned = at + 1;
	}
	l->scanned = size;
	return false;
}

/* Outside quotes: to the next quote or line end. True: a line end, at l->scanned. */
static bool skip_bare(struct copy_line *l, const char *p, size_t size)
{
	char last = l->eol == EOL_CR ? '\r' : '\n';
	const char *start = p + l->scanned;
	const char *end = memchr(start, last, size - l->scanned);
	size_t room = end ? (size_t)(end - start) : size - l->scanned;
	const char *quote = memchr(start, l->quote, room);

	if (quote) {
		l->in_quote = true;
		l->after_escape = false;
		l->scanned = (size_t)(quote - p) + 1;
		return false;
	}
	l->scanned = end ? (size_t)(end - p) : size;
	return end != NULL;
}

static void skip_quoted(struct copy_line *l, const char *p, size_t size)
{
	if (!l->escape) {
		const char *quote = memchr(p + l->scanned, l->quote, size - l->scanned);

		l->in_quote = !quote;
		l->scanned = quote ? (size_t)(quote - p) + 1 : size;
		return;
	}
	while (l->scanned < size && l->in_quote)
		step(l, p[l->scanned++]);
}

static bool find_csv(struct copy_line *l, const char *p, size_t size, size_t *n, size_t *content)
{
	while (l->scanned < size) {
		size_t c, at;

		if (l->in_quote) {
			skip_quoted(l, p, size);
			continue;
		}
		if (!skip_bare(l, p, size))
			continue;
		at = l->scanned;
		c = content_of(l, p, at);
		return found(l, c, at + 1 - c, n, content);
	}
	return false;
}

bool copy_line_find(struct copy_line *l, const char *p, size_t size, bool is_last, size_t *n,
		    size_t *content)
{
	bool ok;

	if (l->eol == EOL_UNKNOWN)
		ok = find_first(l, p, size, is_last, n, content);
	else if (l->format == COPY_TEXT)
		ok = find_text(l, p, size, n, content);
	else
		ok = find_csv(l, p, size, n, content);
	if (ok || !is_last || !size)
		return ok;
	/* The last row needs no line end. */
	return found(l, size, 0, n, content);
}

/* The line end is of another kind than the first one's. */
static bool ends_otherwise(const struct copy_line *l, const char *p, size_t n)
{
	if (l->eol == EOL_NL)
		return n >= 2 && p[n - 1] == '\n' && p[n - 2] == '\r' &&
		       (l->format == COPY_CSV || !is_escaped(p, n - 2));
	if (l->eol == EOL_CRNL)
		return n && p[n - 1] == '\n' &&
		       (n < 2 || p[n - 2] != '\r' ||
			(l->format == COPY_TEXT && is_escaped(p, n - 2)));
	return false;
}

/* A carriage return or new line inside that is neither escaped nor quoted. A server that
 * sees this row first would take it for the line end. */
static bool has_stray_end(const struct copy_line *l, const char *p, size_t content)
{
	struct copy_line walk = *l;
	char stray = l->eol == EOL_CR ? '\n' : '\r';

	if (!memchr(p, stray, content))
		return false;
	walk.in_quote = walk.after_escape = false;
	for (size_t i = 0; i < content; i++) {
		if (step(&walk, p[i]) && p[i] == stray)
			return true;
	}
	return false;
}

/* In text \. ends the data wherever it stands, and must end its line. */
static enum copy_line_fault find_text_marker(const char *p, size_t n, size_t content, long *marker)
{
	const char *hit = memchr(p, '\\', content);

	for (size_t i = hit ? (size_t)(hit - p) : content; i + 1 < content; i++) {
		if (p[i] != '\\')
			continue;
		if (p[++i] != '.')
			continue;
		if (i + 1 != content || content == n)
			return LINE_BAD_MARKER;
		*marker = (long)i - 1;
	}
	return LINE_FINE;
}

enum copy_line_fault copy_line_check(const struct copy_line *l, const char *p, size_t n,
				     size_t content, long *marker)
{
	*marker = -1;
	if (ends_otherwise(l, p, n) || has_stray_end(l, p, content))
		return LINE_MIXED_ENDS;
	if (l->format == COPY_TEXT)
		return find_text_marker(p, n, content, marker);
	if (content == 2 && content < n && p[0] == '\\' && p[1] == '.')
		*marker = 0;
	return LINE_FINE;
}
