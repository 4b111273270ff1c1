/* Framing: bytes to messages of protocol 3, and a reader for what is inside one.
 *
 * Happy path: wire_next(p, n, limit, &m) until it says WIRE_MORE; consume
 * wire_size(&m) bytes per message. A body is read with a struct wire_reader:
 * read all fields, then ask wire_reader_end() once.
 * Waiting: WIRE_MORE means that the message is not all there. Once its five header
 * bytes are, m->type and m->length are set (else type is 0), so that large bodies
 * can be streamed: m->body points at the part that has come, n - 5 bytes of it.
 * Failure: a length word below 4 or a body above the limit is WIRE_BAD; nothing
 * can be resynchronised after it. A reader that overruns sets `bad`, gives 0 or ""
 * from then on, and never touches a byte outside.
 * Ownership: everything points into the caller's bytes. Threads: any. Pure. */
#ifndef PGMOSAIC_WIRE_MESSAGE_H
#define PGMOSAIC_WIRE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WIRE_HEADER_BYTES 5

struct wire_msg {
	uint8_t type;
	uint32_t length; /* of the body, without type and length word */
	const uint8_t *body;
};

enum wire_next { WIRE_MORE, WIRE_OK, WIRE_BAD };

static inline uint16_t wire_get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void wire_set_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline uint32_t wire_get_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

static inline uint64_t wire_get_u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap64(v);
}

static inline enum wire_next wire_next(const uint8_t *p, size_t n, uint32_t limit_bytes,
				       struct wire_msg *m)
{
	uint32_t word;

	m->type = 0;
	m->length = 0;
	m->body = NULL;
	if (n < WIRE_HEADER_BYTES)
		return WIRE_MORE;
	word = wire_get_u32(p + 1);
	m->type = p[0];
	if (word < 4 || word > INT32_MAX || word - 4 > limit_bytes)
		return WIRE_BAD;
	m->length = word - 4;
	m->body = p + WIRE_HEADER_BYTES;
	return n - WIRE_HEADER_BYTES >= m->length ? WIRE_OK : WIRE_MORE;
}

/* Bytes of the whole message on the wire. */
static inline size_t wire_size(const struct wire_msg *m)
{
	return WIRE_HEADER_BYTES + (size_t)m->length;
}

/* The largest body PostgreSQL takes for a client's message: 10,000 bytes for most,
 * `large_limit` for Q, P, B, F and d, 65,535 for p. 0: no client sends this type. */
uint32_t wire_frontend_limit(uint8_t type, uint32_t large_limit);
/* "Bind", "DataRow" … for logs; the two sides share letters, so say which one sent it. */
const char *wire_frontend_name(uint8_t type);

struct wire_reader {
	const uint8_t *p;
	size_t n; /* left */
	bool bad;
};

static inline struct wire_reader wire_reader_of(const uint8_t *p, size_t n)
{
	return (struct wire_reader){ p, n, false };
}

uint8_t wire_u8(struct wire_reader *r);
uint16_t wire_u16(struct wire_reader *r);
uint32_t wire_u32(struct wire_reader *r);
int32_t wire_i32(struct wire_reader *r);
uint64_t wire_u64(struct wire_reader *r);
/* Text up to its zero, which must be inside; "" when it is not. */
const char *wire_cstr(struct wire_reader *r);
/* The next n bytes; NULL when there are fewer. */
const uint8_t *wire_bytes(struct wire_reader *r, size_t n);

/* Everything was there and nothing is left over. */
static inline bool wire_reader_end(const struct wire_reader *r)
{
	return !r->bad && r->n == 0;
}

#endif
