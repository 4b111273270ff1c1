#include "pgmosaic/wire/message.h"

#define SMALL_BYTES    10000 /* PQ_SMALL_MESSAGE_LIMIT */
#define PASSWORD_BYTES 65535 /* PG_MAX_AUTH_TOKEN_LENGTH */

uint32_t wire_frontend_limit(uint8_t type, uint32_t large_limit)
{
	switch (type) {
	case 'Q':
	case 'P':
	case 'B':
	case 'F':
	case 'd': return large_limit;
	case 'p': return PASSWORD_BYTES;
	case 'C':
	case 'D':
	case 'E':
	case 'H':
	case 'S':
	case 'X':
	case 'c':
	case 'f': return SMALL_BYTES;
	default: return 0;
	}
}

const char *wire_frontend_name(uint8_t type)
{
	static const char *const names[256] = {
		['B'] = "Bind",	    ['C'] = "Close",	 ['D'] = "Describe", ['E'] = "Execute",
		['F'] = "Function", ['H'] = "Flush",	 ['P'] = "Parse",    ['Q'] = "Query",
		['S'] = "Sync",	    ['X'] = "Terminate", ['c'] = "CopyDone", ['d'] = "CopyData",
		['f'] = "CopyFail", ['p'] = "Password",
	};

	return names[type] ? names[type] : "unknown";
}

const uint8_t *wire_bytes(struct wire_reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || n > r->n) {
		r->bad = true;
		r->n = 0;
		return NULL;
	}
	r->p += n;
	r->n -= n;
	return p;
}

uint8_t wire_u8(struct wire_reader *r)
{
	const uint8_t *p = wire_bytes(r, 1);

	return p ? p[0] : 0;
}

uint16_t wire_u16(struct wire_reader *r)
{
	const uint8_t *p = wire_bytes(r, 2);

	return p ? wire_get_u16(p) : 0;
}

uint32_t wire_u32(struct wire_reader *r)
{
	const uint8_t *p = wire_bytes(r, 4);

	return p ? wire_get_u32(p) : 0;
}

int32_t wire_i32(struct wire_reader *r)
{
	return (int32_t)wire_u32(r);
}

uint64_t wire_u64(struct wire_reader *r)
{
	const uint8_t *p = wire_bytes(r, 8);

	return p ? wire_get_u64(p) : 0;
}

const char *wire_cstr(struct wire_reader *r)
{
	const uint8_t *zero = r->n ? memchr(r->p, 0, r->n) : NULL;

	if (r->bad || !zero) {
		r->bad = true;
		r->n = 0;
		return "";
	}
	return (const char *)wire_bytes(r, (size_t)(zero - r->p) + 1);
}
