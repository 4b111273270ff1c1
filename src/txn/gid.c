#include "pgmosaic/txn/gid.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "pgmosaic/base/check.h"

static bool is_cluster_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* Bytes of the cluster's name at the start of `text`. */
static size_t cluster_length(const char *text)
{
	size_t n = 0;

	while (is_cluster_char(text[n]))
		n++;
	return n;
}

void gid_format(char *out, size_t size, const char *cluster, uint64_t incarnation, uint64_t counter,
		uint32_t decider)
{
	size_t n = strlen(cluster);
	uint64_t random;
	int written;

	PRE(n > 0 && n < sizeof(((struct gid *)0)->cluster) && cluster_length(cluster) == n);
	INVARIANT(getrandom(&random, sizeof(random), 0) == (ssize_t)sizeof(random));
	written = snprintf(out, size, "mosaic:%s:%" PRIu64 ":%" PRIu64 "-%016" PRIx64 ":%" PRIu32,
			   cluster, incarnation, counter, random, decider);
	PRE(written > 0 && (size_t)written < size && written < GID_MAX);
}

static bool read_decimal(const char **at, uint64_t *out)
{
	const char *p = *at;
	uint64_t v = 0;

	if (!isdigit((unsigned char)*p) || (*p == '0' && isdigit((unsigned char)p[1])))
		return false;
	for (; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	*at = p;
	*out = v;
	return true;
}

static bool read_hex16(const char **at, uint64_t *out)
{
	uint64_t v = 0;

	for (int i = 0; i < 16; i++) {
		char c = (*at)[i];

		if (!isxdigit((unsigned char)c) || isupper((unsigned char)c))
			return false;
		v = v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*at += 16;
	*out = v;
	return true;
}

static bool read_char(const char **at, char c)
{
	return **at == c && (*at)++;
}

static bool read_cluster(const char **at, char *out, size_t size)
{
	size_t n = cluster_length(*at);

	if (n == 0 || n >= size)
		return false;
	memcpy(out, *at, n);
	out[n] = '\0';
	*at += n;
	return true;
}

bool gid_parse(const char *text, struct gid *out)
{
	static const char prefix[] = "mosaic:";
	struct gid g = { .decider = 0 };
	uint64_t decider;

	if (strncmp(text, prefix, sizeof(prefix) - 1) != 0)
		return false;
	text += sizeof(prefix) - 1;
	if (!read_cluster(&text, g.cluster, sizeof(g.cluster)) || !read_char(&text, ':') ||
	    !read_decimal(&text, &g.incarnation) || !read_char(&text, ':') ||
	    !read_decimal(&text, &g.counter) || !read_char(&text, '-') ||
	    !read_hex16(&text, &g.random) || !read_char(&text, ':') ||
	    !read_decimal(&text, &decider) || *text || decider > UINT32_MAX)
		return false;
	g.decider = (uint32_t)decider;
	*out = g;
	return true;
}
