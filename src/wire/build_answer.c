/* What a client is answered: errors, rows, tags. */
#include "pgmosaic/wire/build.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pgmosaic/wire/parse.h"
#include "wire/text.h"

bool wire_put_ready(struct buf *b, char status)
{
	return wire_put(b, 'Z', &status, 1);
}

/* An error's text may have been cut in the middle of a character: no client should see that. */
static void put_field(struct buf *b, char field, const char *text)
{
	if (!text[0])
		return;
	buf_put_u8(b, (uint8_t)field);
	buf_append(b, text, text_whole_chars(text, strlen(text)));
	buf_put_u8(b, 0);
}

static bool put_report(struct buf *b, uint8_t type, const struct err *err, const char *severity)
{
	size_t mark = wire_begin(b, type);
	char position[16];

	put_field(b, 'S', severity);
	put_field(b, 'V', severity);
	put_field(b, 'C', strlen(err->code) == 5 ? err->code : "XX000");
	put_field(b, 'M', err->message[0] ? err->message : status_text(err->status));
	put_field(b, 'D', err->detail);
	put_field(b, 'H', err->hint);
	put_field(b, 'R', err->routine ? err->routine : "");
	if (err->position > 0) {
		snprintf(position, sizeof(position), "%d", err->position);
		put_field(b, 'P', position);
	}
	buf_put_u8(b, 0);
	return wire_end(b, mark);
}

bool wire_put_error(struct buf *b, const struct err *err, const char *severity)
{
	return put_report(b, 'E', err, severity);
}

bool wire_put_notice(struct buf *b, const struct err *err, const char *severity)
{
	return put_report(b, 'N', err, severity);
}

bool wire_put_command_complete(struct buf *b, const char *tag)
{
	return wire_put(b, 'C', tag, strlen(tag) + 1);
}

bool wire_put_command_count(struct buf *b, const char *verb, size_t n_verb, uint64_t count)
{
	size_t mark = wire_begin(b, 'C');
	bool is_insert = n_verb == 6 && memcmp(verb, "INSERT", 6) == 0;
	char digits[32];

	buf_append(b, verb, n_verb);
	snprintf(digits, sizeof(digits), "%s %" PRIu64, is_insert ? " 0" : "", count);
	buf_put_cstr(b, digits);
	return wire_end(b, mark);
}

bool wire_put_empty_query(struct buf *b)
{
	return wire_put(b, 'I', NULL, 0);
}

bool wire_put_parse_complete(struct buf *b)
{
	return wire_put(b, '1', NULL, 0);
}

bool wire_put_bind_complete(struct buf *b)
{
	return wire_put(b, '2', NULL, 0);
}

bool wire_put_close_complete(struct buf *b)
{
	return wire_put(b, '3', NULL, 0);
}

bool wire_put_no_data(struct buf *b)
{
	return wire_put(b, 'n', NULL, 0);
}

bool wire_put_portal_suspended(struct buf *b)
{
	return wire_put(b, 's', NULL, 0);
}

bool wire_put_row_description(struct buf *b, const struct wire_column *columns, uint16_t n)
{
	size_t mark = wire_begin(b, 'T');

	buf_put_u16(b, n);
	for (uint16_t i = 0; i < n; i++) {
		const struct wire_column *c = &columns[i];

		buf_put_cstr(b, c->name);
		buf_put_u32(b, c->table_oid);
		buf_put_u16(b, c->attnum);
		buf_put_u32(b, c->type_oid);
		buf_put_u16(b, (uint16_t)c->typlen);
		buf_put_u32(b, (uint32_t)c->typmod);
		buf_put_u16(b, c->format);
	}
	return wire_end(b, mark);
}

static uint8_t *write_field(uint8_t *p, const uint8_t *value, int32_t length)
{
	uint32_t word = __builtin_bswap32((uint32_t)length);

	memcpy(p, &word, sizeof(word));
	p += sizeof(word);
	if (length <= 0)
		return p;
	memcpy(p, value, (size_t)length);
	return p + length;
}

bool wire_put_data_row(struct buf *b, const uint8_t *const *values, const int32_t *lengths,
		       uint16_t n)
{
	size_t mark = wire_begin(b, 'D'), total = 4 * (size_t)n;
	uint8_t *p;

	buf_put_u16(b, n);
	for (uint16_t i = 0; i < n; i++)
		total += lengths[i] > 0 ? (size_t)lengths[i] : 0;
	p = buf_reserve(b, total);
	if (p) {
		for (uint16_t i = 0; i < n; i++)
			p = write_field(p, values[i], lengths[i]);
		buf_commit(b, total);
	}
	return wire_end(b, mark);
}

bool wire_put_text_row(struct buf *b, const char *const *values, uint16_t n)
{
	size_t mark = wire_begin(b, 'D');

	buf_put_u16(b, n);
	for (uint16_t i = 0; i < n; i++) {
		size_t length = values[i] ? strlen(values[i]) : 0;

		if (length > INT32_MAX)
			b->overflow = true;
		buf_put_u32(b, values[i] ? (uint32_t)length : UINT32_MAX);
		buf_append(b, values[i], b->overflow ? 0 : length);
	}
	return wire_end(b, mark);
}

bool wire_put_row_prefix(struct buf *b, const uint8_t *body, size_t n, uint16_t keep)
{
	struct wire_row row;
	const uint8_t *data;
	int32_t length;
	size_t mark;

	if (!wire_row_open(&row, body, n) || keep > row.n_fields)
		return false;
	for (uint16_t i = 0; i < keep; i++)
		if (!wire_row_next(&row, &data, &length))
			return false;
	mark = wire_begin(b, 'D');
	buf_put_u16(b, keep);
	buf_append(b, body + 2, (size_t)(row.r.p - body) - 2);
	return wire_end(b, mark);
}

bool wire_put_parameter_description(struct buf *b, const uint32_t *types, uint16_t n)
{
	size_t mark = wire_begin(b, 't');

	buf_put_u16(b, n);
	for (uint16_t i = 0; i < n; i++)
		buf_put_u32(b, types[i]);
	return wire_end(b, mark);
}

static bool put_copy_response(struct buf *b, uint8_t type, uint8_t format, const uint16_t *formats,
			      uint16_t n)
{
	size_t mark = wire_begin(b, type);

	buf_put_u8(b, format);
	buf_put_u16(b, n);
	for (uint16_t i = 0; i < n; i++)
		buf_put_u16(b, formats ? formats[i] : format);
	return wire_end(b, mark);
}

bool wire_put_copy_in_response(struct buf *b, uint8_t format, const uint16_t *formats, uint16_t n)
{
	return put_copy_response(b, 'G', format, formats, n);
}

bool wire_put_copy_out_response(struct buf *b, uint8_t format, const uint16_t *formats, uint16_t n)
{
	return put_copy_response(b, 'H', format, formats, n);
}
