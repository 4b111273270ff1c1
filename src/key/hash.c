/* PostgreSQL's hash functions (Bob Jenkins' lookup3, src/common/hashfn.c) with the seed of
 * hash partitioning, and XXH3. Checked against a server by tests/unit/route/compare_hash.sh. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "pgmosaic/key/hash.h"

#include <string.h>

#include "numeric.h"

struct abc {
	uint32_t a, b, c;
};

static inline uint32_t rot(uint32_t x, unsigned k)
{
	return x << k | x >> (32 - k);
}

static inline void mix(struct abc *h)
{
	uint32_t a = h->a, b = h->b, c = h->c;

	a = (a - c) ^ rot(c, 4), c += b;
	b = (b - a) ^ rot(a, 6), a += c;
	c = (c - b) ^ rot(b, 8), b += a;
	a = (a - c) ^ rot(c, 16), c += b;
	b = (b - a) ^ rot(a, 19), a += c;
	c = (c - b) ^ rot(b, 4), b += a;
	*h = (struct abc){ a, b, c };
}

static inline int64_t final(struct abc h)
{
	uint32_t a = h.a, b = h.b, c = h.c;

	c = (c ^ b) - rot(b, 14);
	a = (a ^ c) - rot(c, 11);
	b = (b ^ a) - rot(a, 25);
	c = (c ^ b) - rot(b, 16);
	a = (a ^ c) - rot(c, 4);
	b = (b ^ a) - rot(a, 14);
	c = (c ^ b) - rot(b, 24);
	return (int64_t)((uint64_t)b << 32 | c);
}

static inline struct abc start(uint32_t length)
{
	uint32_t init = 0x9e3779b9u + length + 3923095u;
	struct abc h = { init + (uint32_t)(HASH_PARTITION_SEED >> 32),
			 init + (uint32_t)HASH_PARTITION_SEED, init };

	mix(&h);
	return h;
}

int64_t hash_pg_number(int64_t value)
{
	struct abc h = start(4);
	uint32_t lo = (uint32_t)value, hi = (uint32_t)((uint64_t)value >> 32);

	h.a += lo ^ (value >= 0 ? hi : ~hi);
	return final(h);
}

static inline uint32_t little_endian(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The last 0 to 11 bytes. Bytes 8 to 10 enter c above its lowest byte, which is the length's. */
static void add_tail(struct abc *h, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i < 4)
			h->a += (uint32_t)p[i] << 8 * i;
		else if (i < 8)
			h->b += (uint32_t)p[i] << 8 * (i - 4);
		else
			h->c += (uint32_t)p[i] << 8 * (i - 7);
	}
}

int64_t hash_pg_bytes(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	struct abc h = start((uint32_t)n);

	for (; n >= 12; p += 12, n -= 12) {
		h.a += little_endian(p);
		h.b += little_endian(p + 4);
		h.c += little_endian(p + 8);
		mix(&h);
	}
	add_tail(&h, p, n);
	return final(h);
}

int64_t hash_pg_combine(int64_t hash, int64_t next)
{
	uint64_t a = (uint64_t)hash;

	a ^= (uint64_t)next + UINT64_C(0x49a0f4dd15e5a8e3) + (a << 54) + (a >> 7);
	return (int64_t)a;
}

static int64_t hash_pg_value(const struct key_value *v)
{
	switch (v->kind) {
	case KEY_VALUE_NUMBER: return hash_pg_number(v->number);
	case KEY_VALUE_NUMERIC: return numeric_hash(v->bytes, v->n);
	case KEY_VALUE_BYTES:
	case KEY_VALUE_NULL:
	default: return hash_pg_bytes(v->bytes, v->n);
	}
}

static int64_t hash_pg_key(const struct key_value *values, unsigned n)
{
	int64_t hash = 0;

	for (unsigned i = 0; i < n; i++) {
		if (values[i].kind == KEY_VALUE_NULL)
			continue;
		if (n == 1)
			return hash_pg_value(&values[0]);
		hash = hash_pg_combine(hash, hash_pg_value(&values[i]));
	}
	return hash;
}

/* Big-endian, the lowest `width` bytes. */
static void put_number(uint8_t *out, uint64_t value, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		out[i] = (uint8_t)(value >> 8 * (width - 1 - i));
}

static const void *canonical(const struct key_value *v, uint8_t scratch[8], size_t *n)
{
	if (v->kind != KEY_VALUE_NUMBER) {
		*n = v->n;
		return v->n ? v->bytes : "";
	}
	put_number(scratch, (uint64_t)v->number, v->width);
	*n = v->width;
	return scratch;
}

static int64_t hash_xxh3_one(const struct key_value *v)
{
	uint8_t scratch[8];
	size_t n;
	const void *p;

	if (v->kind == KEY_VALUE_NULL)
		return 0;
	p = canonical(v, scratch, &n);
	return (int64_t)XXH3_64bits(p, n);
}

static int64_t hash_xxh3_key(const struct key_value *values, unsigned n)
{
	XXH3_state_t state;
	unsigned n_set = 0;

	XXH3_64bits_reset(&state);
	for (unsigned i = 0; i < n; i++) {
		uint8_t scratch[8], length[4];
		const void *p = NULL;
		size_t size = UINT32_MAX;

		if (values[i].kind != KEY_VALUE_NULL) {
			p = canonical(&values[i], scratch, &size);
			n_set++;
		}
		put_number(length, size, 4);
		XXH3_64bits_update(&state, length, 4);
		if (p)
			XXH3_64bits_update(&state, p, size);
	}
	return n_set ? (int64_t)XXH3_64bits_digest(&state) : 0;
}

int64_t hash_key(enum key_function function, const struct key_value *values, unsigned n)
{
	if (function == KEY_FUNCTION_PG)
		return hash_pg_key(values, n);
	return n == 1 ? hash_xxh3_one(values) : hash_xxh3_key(values, n);
}

static int compare_bytes(const struct key_value *a, const struct key_value *b)
{
	size_t n = a->n < b->n ? a->n : b->n;
	int order = n ? memcmp(a->bytes, b->bytes, n) : 0;

	return order ? order : a->n < b->n ? -1 : a->n > b->n;
}

int key_compare(const struct key_value *a, const struct key_value *b)
{
	if (a->kind == KEY_VALUE_NULL || b->kind == KEY_VALUE_NULL)
		return (a->kind != KEY_VALUE_NULL) - (b->kind != KEY_VALUE_NULL);
	if (a->kind == KEY_VALUE_NUMBER)
		return a->number < b->number ? -1 : a->number > b->number;
	return compare_bytes(a, b);
}

size_t key_canonical_size(const struct key_value *values, unsigned n)
{
	size_t size = 4 * n;

	for (unsigned i = 0; i < n; i++) {
		if (values[i].kind != KEY_VALUE_NULL)
			size += values[i].kind == KEY_VALUE_NUMBER ? values[i].width : values[i].n;
	}
	return size;
}

void key_canonical(const struct key_value *values, unsigned n, uint8_t *out)
{
	for (unsigned i = 0; i < n; i++) {
		uint8_t scratch[8];
		size_t size = UINT32_MAX;
		const void *p = NULL;

		if (values[i].kind != KEY_VALUE_NULL)
			p = canonical(&values[i], scratch, &size);
		put_number(out, size, 4);
		out += 4;
		if (p && size) {
			memcpy(out, p, size);
			out += size;
		}
	}
}
