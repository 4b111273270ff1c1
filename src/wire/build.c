/* The tool under all builders, and the messages of the log-in.
 *
 * A message is written in place: type, four bytes for the length, body; wire_end()
 * fills in the length or, when any part was refused, takes the whole message back. */
#include "pgmosaic/wire/build.h"

#include <string.h>

#include "pgmosaic/wire/message.h"

enum {
	AUTH_OK = 0,
	AUTH_CLEARTEXT = 3,
	AUTH_MD5 = 5,
	AUTH_SASL = 10,
	AUTH_SASL_CONTINUE = 11,
	AUTH_SASL_FINAL = 12
};

static void put_be32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

size_t wire_begin(struct buf *b, uint8_t type)
{
	size_t mark = buf_len(b);
	uint8_t *p = buf_reserve(b, WIRE_HEADER_BYTES);

	if (p) {
		p[0] = type;
		buf_commit(b, WIRE_HEADER_BYTES);
	}
	return mark;
}

bool wire_end(struct buf *b, size_t mark)
{
	size_t word;

	if (!b->overflow) {
		word = buf_len(b) - mark - 1;
		if (word <= INT32_MAX) {
			put_be32(buf_head(b) + mark + 1, (uint32_t)word);
			return true;
		}
		b->overflow = true;
	}
	b->end = b->start + mark;
	return false;
}

bool wire_put(struct buf *b, uint8_t type, const void *body, size_t n)
{
	uint8_t *p;

	if (n > INT32_MAX - 4)
		b->overflow = true;
	if (b->overflow || !(p = buf_reserve(b, WIRE_HEADER_BYTES + n)))
		return false;
	p[0] = type;
	put_be32(p + 1, (uint32_t)n + 4);
	if (n)
		memcpy(p + WIRE_HEADER_BYTES, body, n);
	buf_commit(b, WIRE_HEADER_BYTES + n);
	return true;
}

static bool put_auth(struct buf *b, uint32_t code, const void *data, size_t n)
{
	size_t mark = wire_begin(b, 'R');

	buf_put_u32(b, code);
	buf_append(b, data, n);
	return wire_end(b, mark);
}

bool wire_put_auth_ok(struct buf *b)
{
	return put_auth(b, AUTH_OK, NULL, 0);
}

bool wire_put_auth_cleartext(struct buf *b)
{
	return put_auth(b, AUTH_CLEARTEXT, NULL, 0);
}

bool wire_put_auth_md5(struct buf *b, const uint8_t salt[4])
{
	return put_auth(b, AUTH_MD5, salt, 4);
}

bool wire_put_auth_sasl(struct buf *b, const char *const *mechanisms, size_t n)
{
	size_t mark = wire_begin(b, 'R');

	buf_put_u32(b, AUTH_SASL);
	for (size_t i = 0; i < n; i++)
		buf_put_cstr(b, mechanisms[i]);
	buf_put_u8(b, 0);
	return wire_end(b, mark);
}

bool wire_put_auth_sasl_continue(struct buf *b, const void *data, size_t n)
{
	return put_auth(b, AUTH_SASL_CONTINUE, data, n);
}

bool wire_put_auth_sasl_final(struct buf *b, const void *data, size_t n)
{
	return put_auth(b, AUTH_SASL_FINAL, data, n);
}

bool wire_put_parameter_status(struct buf *b, const char *name, const char *value)
{
	size_t mark = wire_begin(b, 'S');

	buf_put_cstr(b, name);
	buf_put_cstr(b, value);
	return wire_end(b, mark);
}

bool wire_put_backend_key(struct buf *b, uint32_t pid, const uint8_t *key, size_t n)
{
	size_t mark = wire_begin(b, 'K');

	buf_put_u32(b, pid & INT32_MAX);
	buf_append(b, key, n);
	return wire_end(b, mark);
}

bool wire_put_negotiate_version(struct buf *b, uint32_t version, const char *const *unknown,
				size_t n)
{
	size_t mark = wire_begin(b, 'v');

	buf_put_u32(b, version);
	buf_put_u32(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		buf_put_cstr(b, unknown[i]);
	return wire_end(b, mark);
}

bool wire_put_copy_data(struct buf *b, const void *data, size_t n)
{
	return wire_put(b, 'd', data, n);
}

bool wire_put_copy_done(struct buf *b)
{
	return wire_put(b, 'c', NULL, 0);
}
