/* Growable text and string helpers for the equivalence runner.
 *
 * Header-only on purpose: the runner is one translation unit. Memory that runs
 * out ends the program; the runner is a test tool and has nothing to save.
 */
#ifndef EQUIVALENCE_TEXT_H
#define EQUIVALENCE_TEXT_H

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct text {
	char *data; /* always ends in a zero byte once something was added */
	size_t len, cap;
};

static void *must(void *p)
{
	if (p == NULL) {
		fputs("out of memory\n", stderr);
		exit(2);
	}
	return p;
}

static void text_add(struct text *t, const char *bytes, size_t n)
{
	if (t->len + n + 1 > t->cap) {
		t->cap = (t->len + n + 1) * 2;
		t->data = must(realloc(t->data, t->cap));
	}
	memcpy(t->data + t->len, bytes, n);
	t->len += n;
	t->data[t->len] = '\0';
}

static void text_adds(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

__attribute__((format(printf, 2, 3))) static void text_addf(struct text *t, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		must(NULL);
	va_end(ap);
	text_adds(t, s);
	free(s);
}

static void text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){ 0 };
}

static char *copy_string(const char *s)
{
	return must(strdup(s));
}

static char *copy_bytes(const char *s, size_t n)
{
	return must(strndup(s, n));
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The byte after a quoted string, quoted name, dollar quote or comment that
 * begins at `p`, or `p` itself when none begins there. */
static const char *skip_quoted(const char *p)
{
	const char *end;

	if (*p == '\'' || *p == '"') {
		end = strchr(p + 1, *p);
	} else if (p[0] == '-' && p[1] == '-') {
		end = strchr(p, '\n');
	} else if (p[0] == '/' && p[1] == '*') {
		end = strstr(p + 2, "*/");
		return end != NULL ? end + 2 : p + strlen(p);
	} else if (p[0] == '$' && p[1] == '$') {
		end = strstr(p + 2, "$$");
		return end != NULL ? end + 2 : p + strlen(p);
	} else {
		return p;
	}
	return end != NULL ? end + 1 : p + strlen(p);
}

/* Does the statement order its whole result, that is: has it an ORDER BY
 * outside all parentheses? */
static bool has_top_level_order_by(const char *sql)
{
	int depth = 0;

	for (const char *p = sql; *p != '\0';) {
		const char *next = skip_quoted(p);

		if (next != p) {
			p = next;
			continue;
		}
		depth += (*p == '(') - (*p == ')');
		if (depth == 0 && strncasecmp(p, "order by", 8) == 0 &&
		    (p == sql || !isalnum((unsigned char)p[-1])))
			return true;
		p++;
	}
	return false;
}

/* The comma behind an option, not one inside its '…'; `close` when it is the last. */
static const char *option_end(const char *p, const char *close)
{
	bool quoted = false;

	for (; p < close && (quoted || *p != ','); p++)
		quoted ^= *p == '\'';
	return p;
}

/* The statement as one plain PostgreSQL takes it: `mosaic.*` options of a WITH
 * list are dropped, and the list with them when nothing else is in it. */
static char *without_mosaic_options(const char *sql)
{
	struct text out = { 0 }, kept = { 0 };
	const char *p = sql, *with;

	while ((with = strcasestr(p, "with (")) != NULL && strstr(with, "mosaic.") != NULL) {
		const char *open = with + 6, *close = strchr(open, ')');

		if (close == NULL || strstr(with, "mosaic.") > close) {
			text_add(&out, p, (size_t)(open - p));
			p = open;
			continue;
		}
		text_add(&out, p, (size_t)(with - p));
		kept = (struct text){ 0 };
		for (const char *item = open; item < close;) {
			const char *end = option_end(item, close);

			while (*item == ' ')
				item++;
			if (strncmp(item, "mosaic.", 7) != 0)
				text_addf(&kept, "%s%.*s", kept.len > 0 ? ", " : "",
					  (int)(end - item), item);
			item = end + 1;
		}
		if (kept.len > 0)
			text_addf(&out, "WITH (%s)", kept.data);
		text_free(&kept);
		p = close + 1;
	}
	text_adds(&out, p);
	return out.data;
}

#endif
