/* Columns of values on their way to another server: each becomes one array parameter.
 *
 * The binary form of an array (array_send in PostgreSQL's arrayfuncs.c): dimensions, a flag for
 * NULLs, the element type, then for each dimension its size and lower bound, then the elements,
 * each with its length, exactly as a DataRow carries them. So nothing is converted, and no
 * setting of the session bends a value. */
#include <string.h>

#include "internal.h"

#define HEADER_BYTES 20

/* pg_type.dat: the array type of each type that may travel. */
static uint32_t array_of(uint32_t type)
{
	static const uint32_t pairs[][2] = {
		{ 16, 1000 },	{ 17, 1001 },	{ 18, 1002 },	{ 19, 1003 },	{ 20, 1016 },
		{ 21, 1005 },	{ 23, 1007 },	{ 25, 1009 },	{ 26, 1028 },	{ 114, 199 },
		{ 650, 651 },	{ 700, 1021 },	{ 701, 1022 },	{ 790, 791 },	{ 829, 1040 },
		{ 869, 1041 },	{ 1042, 1014 }, { 1043, 1015 }, { 1082, 1182 }, { 1083, 1183 },
		{ 1114, 1115 }, { 1184, 1185 }, { 1186, 1187 }, { 1266, 1270 }, { 1560, 1561 },
		{ 1562, 1563 }, { 1700, 1231 }, { 2950, 2951 }, { 3220, 3221 }, { 3802, 3807 },
		{ 5069, 271 },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i][0] == type)
			return pairs[i][1];
	return 0;
}

enum status ship_init(struct ship *s, const struct exec_request *req, const uint32_t *types,
		      uint16_t n, struct err *err)
{
	static const uint8_t header[HEADER_BYTES];

	*s = (struct ship){ .columns = arena_array(req->arena, struct ship_column, n + 1u),
			    .n_columns = n,
			    .limit_bytes = req->memory_bytes,
			    .limit_key = req->memory_key };
	for (uint16_t i = 0; i < n; i++) {
		s->columns[i] = (struct ship_column){ .type = types[i] };
		buf_init(&s->columns[i].array, (size_t)1 << 30);
		buf_append(&s->columns[i].array, header, sizeof(header));
	}
	for (uint16_t i = 0; i < n; i++)
		if (!array_of(types[i]))
			return err_set(err, STATUS_UNROUTED,
				       "results of type %u cannot be combined over shards",
				       types[i]);
	return STATUS_OK;
}

void ship_finish(struct ship *s)
{
	for (uint16_t i = 0; i < s->n_columns; i++)
		buf_finish(&s->columns[i].array);
	s->n_columns = 0;
}

enum status ship_add(struct ship *s, uint16_t column, const uint8_t *data, int32_t length,
		     struct err *err)
{
	struct ship_column *c = &s->columns[column];
	size_t n = data ? (size_t)length : 0;

	c->n++;
	c->has_null |= !data;
	s->n_bytes += 4 + n;
	if (s->n_bytes <= s->limit_bytes &&
	    buf_put_u32(&c->array, data ? (uint32_t)n : UINT32_MAX) &&
	    (n == 0 || buf_append(&c->array, data, n)))
		return STATUS_OK;
	err_set(err, STATUS_LIMIT, "what the shards send is larger than %s (%llu bytes)",
		s->limit_key, (unsigned long long)s->limit_bytes);
	err_hint(err, "Restrict the tables, group by fewer values, or raise %s.", s->limit_key);
	return err->status;
}

static void put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

void ship_params(struct ship *s, const uint8_t **values, int32_t *lengths, uint32_t *types)
{
	for (uint16_t i = 0; i < s->n_columns; i++) {
		struct ship_column *c = &s->columns[i];
		uint8_t *p = buf_head(&c->array);

		put_u32(p, c->n > 0); /* dimensions: an empty array has none */
		put_u32(p + 4, c->has_null);
		put_u32(p + 8, c->type);
		put_u32(p + 12, c->n);
		put_u32(p + 16, 1);
		values[i] = p;
		lengths[i] = c->n ? (int32_t)buf_len(&c->array) : 12;
		types[i] = array_of(c->type);
	}
}
