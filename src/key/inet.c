/* inet and cidr: family (2 or 3), prefix length, address, the bytes PostgreSQL hashes. Texts
 * that other readers might take for octal or leave incomplete are refused. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "inet.h"

#define FAMILY_4 2
#define FAMILY_6 3

static enum value_outcome unclear(const struct value_spec *spec)
{
	return value_refuse(spec, "is a network address that is not written in full",
			    "Write 192.168.0.1 or 2001:db8::1, with /length if wanted.");
}

/* Behind the '/': a decimal number without leading zeros; -1: not. */
static int prefix_length(const char *text, int most)
{
	int bits = 0;
	size_t n = strlen(text);

	if (n == 0 || n > 3 || (text[0] == '0' && n > 1))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		bits = bits * 10 + (text[i] - '0');
	}
	return bits <= most ? bits : -1;
}

enum value_outcome inet_read_text(const struct value_spec *spec, struct str text, struct cell *cell)
{
	char copy[64], *slash;
	bool is_6;
	int bits;

	if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, 0, text.n))
		return unclear(spec);
	memcpy(copy, text.p, text.n);
	copy[text.n] = 0;
	is_6 = strchr(copy, ':') != NULL;
	bits = is_6 ? 128 : 32;
	slash = strchr(copy, '/');
	if (slash) {
		*slash = 0;
		bits = prefix_length(slash + 1, bits);
	}
	if (bits < 0 || inet_pton(is_6 ? AF_INET6 : AF_INET, copy, cell->small + 2) != 1)
		return unclear(spec);
	cell->small[0] = is_6 ? FAMILY_6 : FAMILY_4;
	cell->small[1] = (uint8_t)bits;
	cell_bytes(cell, cell->small, is_6 ? 18 : 6);
	return VALUE_OK;
}

/* family, prefix length, is_cidr, bytes of the address, address. */
enum value_outcome inet_read_binary(const struct value_spec *spec, const uint8_t *p, size_t n,
				    struct cell *cell)
{
	size_t size = n > 0 && p[0] == FAMILY_6 ? 16 : 4;

	if (n != 4 + size || (p[0] != FAMILY_4 && p[0] != FAMILY_6) || p[1] > size * 8 ||
	    p[3] != size)
		return value_refuse(spec, "is a malformed binary network address",
				    "Bind the parameter as text.");
	cell->small[0] = p[0];
	cell->small[1] = p[1];
	memcpy(cell->small + 2, p + 4, size);
	cell_bytes(cell, cell->small, 2 + size);
	return VALUE_OK;
}

char *inet_text(struct arena *a, const uint8_t *p, size_t n)
{
	char address[INET6_ADDRSTRLEN] = "";

	if (n < 6)
		return arena_strdup(a, "");
	inet_ntop(p[0] == FAMILY_6 ? AF_INET6 : AF_INET, p + 2, address, sizeof(address));
	if (p[1] == (p[0] == FAMILY_6 ? 128 : 32))
		return arena_strdup(a, address);
	return arena_printf(a, "%s/%u", address, p[1]);
}
