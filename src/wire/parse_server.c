/* What a server says. It may be hostile too: nothing it sends is trusted. */
#include "pgmosaic/wire/parse.h"

#include <stdlib.h>
#include <string.h>

#include "wire/text.h"

#define COLUMN_MIN_BYTES 19 /* the name's zero and 18 bytes behind it */

const char *wire_error_field(const uint8_t *body, size_t n, char field)
{
	struct wire_reader r = wire_reader_of(body, n);
	const char *text;
	uint8_t letter;

	while ((letter = wire_u8(&r)) != 0) {
		text = wire_cstr(&r);
		if (!r.bad && letter == (uint8_t)field)
			return text;
	}
	return NULL;
}

static enum wire_severity read_severity(const uint8_t *body, size_t n)
{
	static const struct {
		const char *name;
		enum wire_severity severity;
	} known[] = {
		{ "PANIC", SEVERITY_FATAL },	 { "FATAL", SEVERITY_FATAL },
		{ "WARNING", SEVERITY_WARNING }, { "NOTICE", SEVERITY_NOTICE },
		{ "INFO", SEVERITY_NOTICE },	 { "LOG", SEVERITY_NOTICE },
		{ "DEBUG", SEVERITY_NOTICE },
	};
	const char *text =
		wire_error_field(body, n, 'V'); /* never translated, but since 9.6 only */

	if (!text)
		text = wire_error_field(body, n, 'S');
	for (size_t i = 0; text && i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(text, known[i].name) == 0)
			return known[i].severity;
	return SEVERITY_ERROR;
}

static bool is_sqlstate(const char *code)
{
	return code && strlen(code) == 5 &&
	       strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5;
}

static enum status status_of_code(const char *code)
{
	for (int st = STATUS_OK + 1; st < STATUS_INTERNAL; st++)
		if (strcmp(status_code((enum status)st), code) == 0)
			return (enum status)st;
	return STATUS_INTERNAL;
}

static void copy_field(char *out, size_t size, const uint8_t *body, size_t n, char field)
{
	const char *text = wire_error_field(body, n, field);

	text_copy(out, size, text ? text : "");
}

void wire_parse_error_fields(const uint8_t *body, size_t n, struct err *out,
			     enum wire_severity *severity)
{
	const char *code = wire_error_field(body, n, 'C');
	const char *position = wire_error_field(body, n, 'P');
	long at = position ? strtol(position, NULL, 10) : 0;

	memset(out, 0, sizeof(*out));
	*severity = read_severity(body, n);
	memcpy(out->code, is_sqlstate(code) ? code : "XX000", sizeof(out->code));
	out->status = status_of_code(out->code);
	out->position = at > 0 && at <= INT32_MAX ? (int)at : 0;
	copy_field(out->message, sizeof(out->message), body, n, 'M');
	copy_field(out->detail, sizeof(out->detail), body, n, 'D');
	copy_field(out->hint, sizeof(out->hint), body, n, 'H');
	if (!out->message[0])
		text_copy(out->message, sizeof(out->message),
			  "the server gave an error without a text");
}

enum status wire_parse_row_description(struct arena *arena, const uint8_t *body, size_t n,
				       struct wire_column **columns, uint16_t *n_columns,
				       struct err *err)
{
	struct wire_reader r = wire_reader_of(body, n);

	*n_columns = wire_u16(&r);
	if (r.n / COLUMN_MIN_BYTES < *n_columns)
		return err_set(err, STATUS_PROTOCOL, "insufficient data left in message");
	*columns = arena_array(arena, struct wire_column, *n_columns);
	if (!*columns)
		return text_no_memory(err);
	for (uint16_t i = 0; i < *n_columns; i++) {
		struct wire_column *c = &(*columns)[i];

		c->name = wire_cstr(&r);
		c->table_oid = wire_u32(&r);
		c->attnum = wire_u16(&r);
		c->type_oid = wire_u32(&r);
		c->typlen = (int16_t)wire_u16(&r);
		c->typmod = wire_i32(&r);
		c->format = wire_u16(&r);
	}
	return text_reader_end(&r, err);
}

enum status wire_parse_parameter_description(struct arena *arena, const uint8_t *body, size_t n,
					     uint32_t **types, uint16_t *n_types, struct err *err)
{
	struct wire_reader r = wire_reader_of(body, n);

	*n_types = wire_u16(&r);
	if (r.n / 4 < *n_types)
		return err_set(err, STATUS_PROTOCOL, "insufficient data left in message");
	*types = arena_array(arena, uint32_t, *n_types);
	if (!*types)
		return text_no_memory(err);
	for (uint16_t i = 0; i < *n_types; i++)
		(*types)[i] = wire_u32(&r);
	return text_reader_end(&r, err);
}

enum status wire_parse_parameter_status(const uint8_t *body, size_t n, const char **name,
					const char **value, struct err *err)
{
	struct wire_reader r = wire_reader_of(body, n);

	*name = wire_cstr(&r);
	*value = wire_cstr(&r);
	return text_reader_end(&r, err);
}

enum status wire_parse_copy_response(const uint8_t *body, size_t n, uint8_t *format,
				     const uint8_t **formats, uint16_t *n_columns, struct err *err)
{
	struct wire_reader r = wire_reader_of(body, n);

	*format = wire_u8(&r);
	*n_columns = wire_u16(&r);
	*formats = wire_bytes(&r, 2 * (size_t)*n_columns);
	return text_reader_end(&r, err);
}

enum status wire_parse_ready(const uint8_t *body, size_t n, char *status, struct err *err)
{
	struct wire_reader r = wire_reader_of(body, n);
	enum status st;

	*status = (char)wire_u8(&r);
	st = text_reader_end(&r, err);
	if (st == STATUS_OK && *status != 'I' && *status != 'T' && *status != 'E')
		return err_set(err, STATUS_PROTOCOL,
			       "the server reports an unknown transaction status %d",
			       (uint8_t)*status);
	return st;
}

enum status wire_parse_notification(const uint8_t *body, size_t n, uint32_t *pid,
				    const char **channel, const char **payload, struct err *err)
{
	struct wire_reader r = wire_reader_of(body, n);

	*pid = wire_u32(&r);
	*channel = wire_cstr(&r);
	*payload = wire_cstr(&r);
	return text_reader_end(&r, err);
}

enum status wire_parse_command_complete(const uint8_t *body, size_t n, const char **tag,
					struct err *err)
{
	return wire_parse_text(body, n, tag, err);
}

/* Take a last word of digits off `s`; false when there is none. */
static bool take_number(struct str *s, struct str *digits)
{
	size_t at = s->n;

	while (at > 0 && s->p[at - 1] >= '0' && s->p[at - 1] <= '9')
		at--;
	if (at == s->n || at < 2 || s->p[at - 1] != ' ')
		return false;
	*digits = (struct str){ s->p + at, s->n - at };
	s->n = at - 1;
	return true;
}

static bool read_count(struct str digits, uint64_t *count)
{
	uint64_t v = 0;

	for (size_t i = 0; i < digits.n; i++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(digits.p[i] - '0'), &v))
			return false;
	*count = v;
	return true;
}

struct wire_tag wire_parse_command_tag(const char *tag)
{
	struct wire_tag out = { .verb = str_of(tag) };
	struct str digits, oid;

	if (!take_number(&out.verb, &digits))
		return out;
	out.has_count = read_count(digits, &out.count);
	take_number(&out.verb, &oid); /* INSERT's, always 0 */
	return out;
}

bool wire_tag_proves_xid(const struct wire_tag *tag)
{
	return tag->has_count && tag->count > 0 &&
	       (str_is(tag->verb, "INSERT") || str_is(tag->verb, "UPDATE") ||
		str_is(tag->verb, "DELETE") || str_is(tag->verb, "MERGE"));
}

bool wire_row_field(const uint8_t *body, size_t n, uint16_t i, const uint8_t **data,
		    int32_t *length)
{
	struct wire_row row;

	if (!wire_row_open(&row, body, n) || i >= row.n_fields)
		return false;
	for (uint16_t at = 0; at < i; at++)
		if (!wire_row_next(&row, data, length))
			return false;
	return wire_row_next(&row, data, length);
}
