/* A borrowed piece of text: pointer and length, not terminated, never owned. */
#ifndef PGMOSAIC_BASE_STR_H
#define PGMOSAIC_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct str {
	const char *p;
	size_t n;
};

/* For printf: printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_of(const char *text)
{
	return (struct str){ text, text ? strlen(text) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *text)
{
	return str_eq(a, str_of(text));
}

static inline bool str_is_nocase(struct str a, const char *text)
{
	return a.n == strlen(text) && strncasecmp(a.p, text, a.n) == 0;
}

#endif
