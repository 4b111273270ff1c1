/* What a client says. Texts of the errors are PostgreSQL's. */
#include "pgmosaic/wire/parse.h"

#include "wire/text.h"

enum status wire_parse_query(const uint8_t *body, size_t n, struct str *text, struct err *err)
{
	const char *p;
	enum status st = wire_parse_text(body, n, &p, err);

	if (st == STATUS_OK)
		*text = (struct str){ p, n - 1 };
	return st;
}

enum status wire_parse_text(const uint8_t *body, size_t n, const char **text, struct err *err)
{
	struct wire_reader r = wire_reader_of(body, n);

	*text = wire_cstr(&r);
	return text_reader_end(&r, err);
}

enum status wire_parse_parse(const uint8_t *body, size_t n, struct wire_parse *out, struct err *err)
{
	struct wire_reader r = wire_reader_of(body, n);
	size_t before;

	out->name = wire_cstr(&r);
	out->rest = n - r.n;
	before = r.n;
	out->query.p = wire_cstr(&r);
	out->query.n = r.bad ? 0 : before - r.n - 1;
	out->n_types = wire_u16(&r);
	out->types = wire_bytes(&r, 4 * (size_t)out->n_types);
	return text_reader_end(&r, err);
}

static const uint8_t *read_formats(struct wire_reader *r, uint16_t *n)
{
	*n = wire_u16(r);
	return wire_bytes(r, 2 * (size_t)*n);
}

/* Each parameter has at least its length word, so an array is never larger than the message
 * warrants. */
static enum status read_params(struct wire_reader *r, struct arena *arena, struct wire_bind *out,
			       struct err *err)
{
	out->n_params = wire_u16(r);
	if (r->bad || r->n / 4 < out->n_params)
		return err_set(err, STATUS_PROTOCOL, "insufficient data left in message");
	out->data = arena_array(arena, const uint8_t *, out->n_params);
	out->length = arena_array(arena, int32_t, out->n_params);
	if (!out->data || !out->length)
		return text_no_memory(err);
	for (uint16_t i = 0; i < out->n_params; i++) {
		int32_t length = wire_i32(r);

		out->length[i] = length;
		out->data[i] = length == -1 ? NULL : wire_bytes(r, (size_t)(int64_t)length);
	}
	return STATUS_OK;
}

enum status wire_parse_bind(const uint8_t *body, size_t n, struct arena *arena,
			    struct wire_bind *out, struct err *err)
{
	struct wire_reader r = wire_reader_of(body, n);
	enum status st;

	out->portal = wire_cstr(&r);
	out->statement = wire_cstr(&r);
	out->rest = n - r.n;
	out->formats = read_formats(&r, &out->n_formats);
	st = read_params(&r, arena, out, err);
	if (st != STATUS_OK)
		return st;
	out->result_formats = read_formats(&r, &out->n_result_formats);
	st = text_reader_end(&r, err);
	if (st == STATUS_OK && out->n_formats > 1 && out->n_formats != out->n_params)
		return err_set(err, STATUS_PROTOCOL,
			       "bind message has %u parameter formats but %u parameters",
			       out->n_formats, out->n_params);
	return st;
}

enum status wire_parse_execute(const uint8_t *body, size_t n, struct wire_execute *out,
			       struct err *err)
{
	struct wire_reader r = wire_reader_of(body, n);

	out->portal = wire_cstr(&r);
	out->max_rows = wire_i32(&r);
	return text_reader_end(&r, err);
}

static enum status parse_target(const uint8_t *body, size_t n, const char *message,
				struct wire_target *out, struct err *err)
{
	struct wire_reader r = wire_reader_of(body, n);
	enum status st;

	out->what = (char)wire_u8(&r);
	out->name = wire_cstr(&r);
	st = text_reader_end(&r, err);
	if (st == STATUS_OK && out->what != 'S' && out->what != 'P')
		return err_set(err, STATUS_PROTOCOL, "invalid %s message subtype %d", message,
			       (uint8_t)out->what);
	return st;
}

enum status wire_parse_describe(const uint8_t *body, size_t n, struct wire_target *out,
				struct err *err)
{
	return parse_target(body, n, "DESCRIBE", out, err);
}

enum status wire_parse_close(const uint8_t *body, size_t n, struct wire_target *out,
			     struct err *err)
{
	return parse_target(body, n, "CLOSE", out, err);
}

enum status wire_parse_sasl_initial(const uint8_t *body, size_t n, const char **mechanism,
				    const uint8_t **response, size_t *n_response, struct err *err)
{
	struct wire_reader r = wire_reader_of(body, n);
	int32_t length;

	*mechanism = wire_cstr(&r);
	length = wire_i32(&r);
	*response = NULL;
	*n_response = 0;
	if (length != -1 && !r.bad) {
		*response = wire_bytes(&r, (size_t)(int64_t)length);
		*n_response = r.bad ? 0 : (size_t)length;
	}
	return text_reader_end(&r, err);
}
