/* What a server is asked. */
#include "pgmosaic/wire/build.h"

#include <string.h>

bool wire_put_query(struct buf *b, const char *text, size_t n)
{
	size_t mark = wire_begin(b, 'Q');

	buf_append(b, text, n);
	buf_put_u8(b, 0);
	return wire_end(b, mark);
}

bool wire_put_parse(struct buf *b, const char *name, const char *text, size_t n_text,
		    const uint32_t *types, uint16_t n_types)
{
	size_t mark = wire_begin(b, 'P');

	buf_put_cstr(b, name);
	buf_append(b, text, n_text);
	buf_put_u8(b, 0);
	buf_put_u16(b, n_types);
	for (uint16_t i = 0; i < n_types; i++)
		buf_put_u32(b, types[i]);
	return wire_end(b, mark);
}

static void put_formats(struct buf *b, const uint16_t *formats, uint16_t n)
{
	buf_put_u16(b, n);
	for (uint16_t i = 0; i < n; i++)
		buf_put_u16(b, formats[i]);
}

bool wire_put_bind(struct buf *b, const char *portal, const char *statement,
		   const uint16_t *formats, uint16_t n_formats, const uint8_t *const *values,
		   const int32_t *lengths, uint16_t n_values, const uint16_t *result_formats,
		   uint16_t n_result_formats)
{
	size_t mark = wire_begin(b, 'B');

	buf_put_cstr(b, portal);
	buf_put_cstr(b, statement);
	put_formats(b, formats, n_formats);
	buf_put_u16(b, n_values);
	for (uint16_t i = 0; i < n_values; i++) {
		buf_put_u32(b, (uint32_t)lengths[i]);
		if (lengths[i] > 0)
			buf_append(b, values[i], (size_t)lengths[i]);
	}
	put_formats(b, result_formats, n_result_formats);
	return wire_end(b, mark);
}

bool wire_put_bind_rest(struct buf *b, const char *portal, const char *statement,
			const uint8_t *rest, size_t n)
{
	size_t mark = wire_begin(b, 'B');

	buf_put_cstr(b, portal);
	buf_put_cstr(b, statement);
	buf_append(b, rest, n);
	return wire_end(b, mark);
}

static bool put_target(struct buf *b, uint8_t type, char what, const char *name)
{
	size_t mark = wire_begin(b, type);

	buf_put_u8(b, (uint8_t)what);
	buf_put_cstr(b, name);
	return wire_end(b, mark);
}

bool wire_put_describe(struct buf *b, char what, const char *name)
{
	return put_target(b, 'D', what, name);
}

bool wire_put_close(struct buf *b, char what, const char *name)
{
	return put_target(b, 'C', what, name);
}

bool wire_put_execute(struct buf *b, const char *portal, int32_t max_rows)
{
	size_t mark = wire_begin(b, 'E');

	buf_put_cstr(b, portal);
	buf_put_u32(b, (uint32_t)max_rows);
	return wire_end(b, mark);
}

bool wire_put_sync(struct buf *b)
{
	return wire_put(b, 'S', NULL, 0);
}

bool wire_put_flush(struct buf *b)
{
	return wire_put(b, 'H', NULL, 0);
}

bool wire_put_copy_fail(struct buf *b, const char *message)
{
	return wire_put(b, 'f', message, strlen(message) + 1);
}

bool wire_put_terminate(struct buf *b)
{
	return wire_put(b, 'X', NULL, 0);
}
