#include "values.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit time_units[] = {
	{ "ms", 1 },	  { "s", 1000 },     { "min", 60000 }, { "m", 60000 },
	{ "h", 3600000 }, { "d", 86400000 }, { NULL, 0 },
};

static const struct unit size_units[] = {
	{ "B", 1 },	      { "kB", 1024 },	       { "KB", 1024 }, { "MB", 1048576 },
	{ "GB", 1073741824 }, { "TB", 1099511627776 }, { NULL, 0 },
};

/* Digits, then the unit. NULL: no number at the start, or it is too big. */
static const char *read_digits(const char *text, uint64_t *n)
{
	uint64_t value = 0;

	if (!isdigit((unsigned char)*text))
		return NULL;
	for (; isdigit((unsigned char)*text); text++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return NULL;
	*n = value;
	return text;
}

static bool read_unit(const char *text, const struct unit *units, uint64_t *out)
{
	uint64_t n;
	const char *rest = read_digits(text, &n);

	if (!rest)
		return false;
	if (n == 0 && !*rest) {
		*out = 0;
		return true;
	}
	while (*rest == ' ')
		rest++;
	for (; units->name; units++)
		if (strcmp(units->name, rest) == 0)
			return !__builtin_mul_overflow(n, units->factor, out);
	return false;
}

const char *value_read_duration(const char *text, uint64_t *ms)
{
	return read_unit(text, time_units, ms) ? NULL : "is not a duration with its unit";
}

const char *value_read_size(const char *text, uint64_t *bytes)
{
	return read_unit(text, size_units, bytes) ? NULL : "is not a size with its unit";
}

const char *value_read_count(const char *text, uint64_t *n)
{
	const char *rest = read_digits(text, n);

	return rest && !*rest ? NULL : "is not a whole number";
}

const char *value_read_bool(const char *text, bool *on)
{
	static const char *const yes[] = { "true", "True", "TRUE", "yes", "on" };
	static const char *const no[] = { "false", "False", "FALSE", "no", "off" };

	for (unsigned i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
			*on = strcmp(text, yes[i]) == 0;
			return NULL;
		}
	}
	return "is neither true nor false";
}

static const char *read_host(struct arena *a, const char *text, size_t n,
			     struct config_address *out)
{
	struct in6_addr v6;

	if (n == 1 && *text == '*')
		return NULL;
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		out->host = arena_strndup(a, text + 1, n - 2);
		return inet_pton(AF_INET6, out->host, &v6) == 1 ? NULL
								: "has no IPv6 address in its []";
	}
	if (memchr(text, ':', n))
		return "needs [] round an IPv6 address";
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr(".-_", text[i]))
			return "has a character that no host name has";
	out->host = arena_strndup(a, text, n);
	return n ? NULL : "has no host (write * for every interface)";
}

const char *value_read_address(struct arena *a, const char *text, struct config_address *out)
{
	const char *colon = strrchr(text, ':'), *rest;
	uint64_t port;

	*out = (struct config_address){ .text = text };
	if (!colon)
		return "has no port";
	rest = read_digits(colon + 1, &port);
	if (!rest || *rest || port == 0 || port > 65535)
		return "has a port that is not a number from 1 to 65535";
	out->port = (uint16_t)port;
	if (*text != '/')
		return read_host(a, text, (size_t)(colon - text), out);
	out->unix_dir = arena_strndup(a, text, (size_t)(colon - text));
	/* sun_path holds 107 bytes: DIR/.s.PGSQL.65535 must fit */
	return colon - text > 90 ? "has a directory name of more than 90 bytes" : NULL;
}

static bool read_prefix(const char *text, int family, uint32_t *bits)
{
	uint64_t n = 0;
	const char *rest = read_digits(text, &n);

	*bits = (uint32_t)n;
	return rest && !*rest && n <= (family == AF_INET ? 32u : 128u);
}

/* 255.255.0.0: ones, then zeros. */
static bool read_mask(const char *text, int family, uint32_t *bits)
{
	uint8_t mask[16];
	uint32_t n = 0, max = family == AF_INET ? 32 : 128;

	if (inet_pton(family, text, mask) != 1)
		return false;
	while (n < max && mask[n / 8] & 0x80u >> n % 8)
		n++;
	*bits = n;
	for (; n < max; n++)
		if (mask[n / 8] & 0x80u >> n % 8)
			return false;
	return true;
}

const char *value_read_network(struct config_rule *rule)
{
	const char *slash = strchr(rule->address, '/');
	char host[INET6_ADDRSTRLEN];
	size_t n = slash ? (size_t)(slash - rule->address) : strlen(rule->address);

	rule->family = 0;
	if (strcmp(rule->address, "all") == 0)
		return NULL;
	if (n >= sizeof(host))
		return "is not an address";
	memcpy(host, rule->address, n);
	host[n] = 0;
	rule->family = strchr(host, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(rule->family, host, rule->network) != 1)
		return "is not an address";
	if (!slash)
		return "has no prefix length";
	if (read_prefix(slash + 1, rule->family, &rule->prefix_bits) ||
	    read_mask(slash + 1, rule->family, &rule->prefix_bits))
		return NULL;
	return "has a prefix length that does not fit the address";
}

enum config_password value_password_kind(const char *password)
{
	if (!password)
		return PASSWORD_NONE;
	if (strncmp(password, "SCRAM-SHA-256$", 14) == 0)
		return PASSWORD_SCRAM;
	if (strncmp(password, "md5", 3) == 0 && strlen(password) == 35 &&
	    strspn(password + 3, "0123456789abcdef") == 32)
		return PASSWORD_MD5;
	return PASSWORD_PLAIN;
}

char *value_show_duration(struct arena *a, uint64_t ms)
{
	static const struct unit shown[] = { { "h", 3600000 }, { "m", 60000 }, { "s", 1000 } };

	for (unsigned i = 0; ms && i < 3; i++)
		if (ms % shown[i].factor == 0)
			return arena_printf(a, "%" PRIu64 "%s", ms / shown[i].factor,
					    shown[i].name);
	return arena_printf(a, "%" PRIu64 "%s", ms, ms ? "ms" : "s");
}

char *value_show_size(struct arena *a, uint64_t bytes)
{
	static const struct unit shown[] = { { "GB", 1u << 30 },
					     { "MB", 1u << 20 },
					     { "kB", 1024 } };

	for (unsigned i = 0; bytes && i < 3; i++)
		if (bytes % shown[i].factor == 0)
			return arena_printf(a, "%" PRIu64 "%s", bytes / shown[i].factor,
					    shown[i].name);
	return arena_printf(a, "%" PRIu64 "B", bytes);
}
