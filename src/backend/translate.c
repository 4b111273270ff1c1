/* OIDs of user tables and types between a client, who sees the home shard's, and a server that
 * has others (catalog/oids.h).
 *
 * All of it changes bytes where they stand: an OID is four bytes everywhere. In descriptions and
 * Parse they stand in the open; in the binary form of arrays and composites inside the values. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/wire/build.h"
#include "pgmosaic/wire/message.h"

#define MAX_DEPTH 16 /* of arrays and composites inside each other */

static void put_u32(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 24);
	p[1] = (uint8_t)(value >> 16);
	p[2] = (uint8_t)(value >> 8);
	p[3] = (uint8_t)value;
}

static void put_u16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

/* ---- values ---- */

struct walk {
	const struct shard_oids *oids;
	bool to_home;
};

static void value_walk(const struct walk *w, uint32_t type, uint8_t *p, size_t n, int depth);

/* The OID at p; afterwards the other side's stands there. Home's is returned. */
static uint32_t exchange(const struct walk *w, uint8_t *p)
{
	uint32_t oid = wire_get_u32(p);
	uint32_t other = w->to_home ? oids_type_home(w->oids, oid) : oids_type_shard(w->oids, oid);

	put_u32(p, other);
	return w->to_home ? other : oid;
}

/* A length and so many bytes at *at; false: no more, or nonsense. */
static bool part_walk(const struct walk *w, uint32_t type, uint8_t *p, size_t n, size_t *at,
		      int depth)
{
	int32_t length;

	if (n - *at < 4)
		return false;
	length = (int32_t)wire_get_u32(p + *at);
	*at += 4;
	if (length < 0)
		return true;
	if ((size_t)length > n - *at)
		return false;
	value_walk(w, type, p + *at, (size_t)length, depth);
	*at += (size_t)length;
	return true;
}

static void array_walk(const struct walk *w, uint8_t *p, size_t n, int depth)
{
	uint32_t dimensions, element;
	size_t at;

	if (n < 12)
		return;
	dimensions = wire_get_u32(p);
	element = exchange(w, p + 8);
	at = 12 + 8 * (size_t)(dimensions <= 6 ? dimensions : 0);
	if (!oids_deep(w->oids, element))
		return;
	while (at < n && part_walk(w, element, p, n, &at, depth))
		;
}

static void composite_walk(const struct walk *w, uint8_t *p, size_t n, int depth)
{
	size_t at = 4;

	while (n >= 4 && at + 4 <= n) {
		uint32_t type = exchange(w, p + at);

		at += 4;
		if (!part_walk(w, type, p, n, &at, depth))
			return;
	}
}

static void value_walk(const struct walk *w, uint32_t type, uint8_t *p, size_t n, int depth)
{
	const struct oid_deep *deep = oids_deep(w->oids, type);

	if (!deep || depth == MAX_DEPTH)
		return;
	switch (deep->form) {
	case FORM_PLAIN: return;
	case FORM_ARRAY: array_walk(w, p, n, depth + 1); return;
	case FORM_COMPOSITE: composite_walk(w, p, n, depth + 1); return;
	case FORM_DOMAIN: value_walk(w, deep->element, p, n, depth + 1); return;
	}
}

/* ---- from the server ---- */

static void describe_column(const struct shard_oids *oids, uint8_t *p)
{
	uint32_t relation = wire_get_u32(p);
	int16_t attnum = (int16_t)wire_get_u16(p + 4);

	if (relation) {
		oids_column_home(oids, &relation, &attnum);
		put_u32(p, relation);
		put_u16(p + 4, (uint16_t)attnum);
	}
	put_u32(p + 6, oids_type_home(oids, wire_get_u32(p + 6)));
}

static void description_home(struct conn *c, uint8_t *p, size_t n)
{
	const struct shard_oids *oids = c->pool->oids;
	uint16_t count = n >= 2 ? wire_get_u16(p) : 0;
	size_t at = 2;

	conn_expect_none(c);
	for (uint16_t i = 0; i < count; i++) {
		const uint8_t *end = at < n ? memchr(p + at, 0, n - at) : NULL;

		if (!end || (size_t)(p + n - end) < 19)
			return;
		at = (size_t)(end - p) + 1;
		describe_column(oids, p + at);
		conn_expect(c, i, wire_get_u32(p + at + 6), wire_get_u16(p + at + 16));
		at += 18;
	}
}

static void parameters_home(const struct shard_oids *oids, uint8_t *p, size_t n)
{
	for (size_t at = 2; at + 4 <= n; at += 4)
		put_u32(p + at, oids_type_home(oids, wire_get_u32(p + at)));
}

static void row_home(struct conn *c, uint8_t *p, size_t n)
{
	struct walk w = { c->pool->oids, true };
	size_t at = 2;

	for (uint16_t column = 0, next = 0; next < c->n_deep; column++) {
		bool is_deep = c->deep[next].column == column;

		if (!part_walk(&w, is_deep ? c->deep[next].type : 0, p, n, &at, 0))
			return;
		next += is_deep;
	}
}

void conn_translate(struct conn *c, uint8_t type, uint8_t *body, size_t n)
{
	switch (type) {
	case 'T': description_home(c, body, n); break;
	case 't': parameters_home(c->pool->oids, body, n); break;
	case 'D':
		if (c->n_deep)
			row_home(c, body, n);
		break;
	case 'Z': conn_expect_none(c); break;
	default: break;
	}
}

void conn_expect(struct conn *c, uint16_t column, uint32_t type, uint16_t format)
{
	if (format != 1 || !oids_deep(c->pool->oids, type))
		return;
	if ((c->n_deep & (c->n_deep - 1)) == 0) /* a power of two: full */
		c->deep = mem_grow(c->deep, sizeof(*c->deep) * (c->n_deep ? c->n_deep * 2u : 1));
	c->deep[c->n_deep++] = (struct conn_deep){ column, type };
}

void conn_expect_none(struct conn *c)
{
	c->n_deep = 0;
}

/* ---- to the server ---- */

void conn_put_parse(struct conn *c, const char *name, const char *text, size_t n_text,
		    const uint32_t *types, uint16_t n_types)
{
	const struct shard_oids *oids = c->pool->oids;
	uint32_t *there;

	if (!oids || n_types == 0) {
		wire_put_parse(conn_out(c), name, text, n_text, types, n_types);
		return;
	}
	there = mem_alloc(sizeof(*there) * n_types);
	for (uint16_t i = 0; i < n_types; i++)
		there[i] = oids_type_shard(oids, types[i]);
	wire_put_parse(conn_out(c), name, text, n_text, there, n_types);
	free(there);
}

static uint16_t format_of(const struct conn_bind *b, uint16_t i)
{
	return b->n_formats == 0 ? 0 : b->formats[b->n_formats == 1 ? 0 : i];
}

/* The values as the server wants them: copies where OIDs are exchanged. */
static const uint8_t *const *values_there(struct conn *c, struct arena *arena,
					  const struct conn_bind *b)
{
	struct walk w = { c->pool->oids, false };
	const uint8_t **values = arena_array(arena, const uint8_t *, b->n_values + 1u);

	for (uint16_t i = 0; i < b->n_values; i++) {
		uint8_t *copy;

		values[i] = b->values[i];
		if (b->lengths[i] <= 0 || i >= b->n_types || format_of(b, i) != 1 ||
		    !oids_deep(w.oids, b->types[i]))
			continue;
		copy = arena_copy(arena, b->values[i], (size_t)b->lengths[i]);
		value_walk(&w, b->types[i], copy, (size_t)b->lengths[i], 0);
		values[i] = copy;
	}
	return values;
}

void conn_put_bind(struct conn *c, struct arena *arena, const char *portal, const char *statement,
		   const struct conn_bind *b)
{
	const uint8_t *const *values = c->pool->oids ? values_there(c, arena, b) : b->values;

	wire_put_bind(conn_out(c), portal, statement, b->formats, b->n_formats, values, b->lengths,
		      b->n_values, b->result_formats, b->n_result_formats);
}
