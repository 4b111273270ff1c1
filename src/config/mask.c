/* Hiding passwords in connection strings. */
#include <string.h>
#include <strings.h>

#include "pgmosaic/config/config.h"

#define MASK   "********"
#define BLANKS " \t\r\n\f\v"

static bool is_uri(const char *dsn)
{
	return strncmp(dsn, "postgres://", 11) == 0 || strncmp(dsn, "postgresql://", 13) == 0;
}

static bool is_secret(const char *name, size_t n)
{
	return (n == 8 && strncasecmp(name, "password", 8) == 0) ||
	       (n == 11 && strncasecmp(name, "sslpassword", 11) == 0);
}

/* user:password@ and ?password=… ; everything else is copied. */
static void mask_uri(const char *in, char *out)
{
	const char *start = strstr(in, "://") + 3, *end = start + strcspn(start, "/?");
	const char *at = NULL, *colon;

	for (const char *p = start; p < end; p++)
		if (*p == '@')
			at = p;
	colon = at ? memchr(start, ':', (size_t)(at - start)) : NULL;
	if (colon) {
		out = mempcpy(out, in, (size_t)(colon - in) + 1);
		out = mempcpy(out, MASK, strlen(MASK));
		in = at;
	}
	while (*in) {
		const char *name = in;
		size_t n;

		*out++ = *in++;
		if (*name != '?' && *name != '&')
			continue;
		n = strcspn(in, "=&");
		if (in[n] != '=' || !is_secret(in, n))
			continue;
		out = mempcpy(out, in, n + 1);
		out = mempcpy(out, MASK, strlen(MASK));
		in += n + 1 + strcspn(in + n + 1, "&");
	}
	*out = 0;
}

/* The end of a keyword's value: quoted, or up to white space; \ takes the next byte. */
static const char *skip_value(const char *p)
{
	char quote = *p == '\'' ? *p++ : 0;

	for (; *p; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (quote && *p == quote)
			return p + 1;
		else if (!quote && strchr(BLANKS, *p))
			return p;
	}
	return p;
}

struct keyword {
	const char *name, *value, *end; /* value: with its quotes */
	size_t name_length;
};

/* The keyword at or behind `in`; false at the end. */
static bool read_keyword(const char *in, struct keyword *k)
{
	k->name = in + strspn(in, BLANKS);
	k->name_length = strcspn(k->name, "=" BLANKS);
	k->value = k->name + k->name_length + strspn(k->name + k->name_length, BLANKS);
	if (*k->value == '=')
		k->value += 1 + strspn(k->value + 1, BLANKS);
	k->end = skip_value(k->value);
	return *k->name != 0;
}

static void mask_keywords(const char *in, char *out)
{
	struct keyword k;

	for (; read_keyword(in, &k); in = k.end) {
		out = mempcpy(out, in, (size_t)(k.value - in));
		if (is_secret(k.name, k.name_length))
			out = mempcpy(out, MASK, strlen(MASK));
		else
			out = mempcpy(out, k.value, (size_t)(k.end - k.value));
	}
	*out = 0;
}

bool dsn_is_well_formed(const char *dsn)
{
	struct keyword k;

	if (is_uri(dsn))
		return true;
	for (; read_keyword(dsn, &k); dsn = k.end)
		if (k.name_length == 0 || !memchr(k.name, '=', (size_t)(k.end - k.name)))
			return false;
	return true;
}

char *dsn_value(struct arena *a, const char *dsn, const char *keyword)
{
	struct keyword k;
	char *out, *p;

	if (is_uri(dsn))
		return NULL;
	for (; read_keyword(dsn, &k); dsn = k.end) {
		const char *in = k.value, *end = k.end;

		if (k.name_length != strlen(keyword) ||
		    strncmp(k.name, keyword, k.name_length) != 0)
			continue;
		if (*in == '\'') {
			in++;
			end -= end > in && end[-1] == '\'';
		}
		out = p = arena_alloc(a, (size_t)(end - in) + 1);
		for (; in < end; in++) {
			in += *in == '\\' && in + 1 < end;
			*p++ = *in;
		}
		*p = 0;
		return out;
	}
	return NULL;
}

char *dsn_mask(struct arena *a, const char *dsn)
{
	/* The shortest secret, "&password=", grows by the mask's eight bytes. */
	char *out = arena_alloc(a, strlen(dsn) * 2 + 2 * sizeof(MASK));

	if (!out)
		return NULL;
	if (is_uri(dsn))
		mask_uri(dsn, out);
	else
		mask_keywords(dsn, out);
	return out;
}
