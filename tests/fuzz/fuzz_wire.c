/* Two properties of the codec.
 *
 * Framing: the same bytes fed whole, one at a time, or cut at random give the same messages.
 * Bodies: no reader touches a byte outside the body it was given (each body is a heap
 * block of exactly its size, so AddressSanitizer sees the first byte too far), and what a
 * reader accepts can be built again into the same bytes, where a builder exists.
 *
 * Input: the first byte picks the property, the second seeds the cuts. */
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/buf.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/base/hash.h"
#include "pgmosaic/wire/auth.h"
#include "pgmosaic/wire/parse.h"
#include "pgmosaic/wire/startup.h"
#include "pgmosaic/wire/value.h"

#define LIMIT 4096u

/* What a stream of bytes amounts to: a hash over its messages, and how it ended. */
struct outcome {
	uint64_t sum;
	uint64_t n;
	enum wire_next end;
};

static void drain(struct buf *b, struct outcome *o)
{
	struct wire_msg m;

	while (o->end != WIRE_BAD &&
	       (o->end = wire_next(buf_head(b), buf_len(b), LIMIT, &m)) == WIRE_OK) {
		o->sum = hash_bytes(m.body, m.length, o->sum ^ m.type);
		o->n++;
		buf_consume(b, wire_size(&m));
	}
}

static size_t cut_size(unsigned *seed, int mode, size_t left)
{
	size_t n;

	if (mode == 0)
		return left;
	*seed = *seed * 1103515245u + 12345u;
	n = mode == 1 ? 1 : 1 + (*seed >> 16) % 37;
	return n < left ? n : left;
}

static struct outcome feed(const uint8_t *data, size_t size, unsigned seed, int mode)
{
	struct outcome o = { .end = WIRE_MORE };
	struct buf b;
	size_t n;

	buf_init(&b, 1u << 24);
	for (size_t at = 0; at < size; at += n) {
		n = cut_size(&seed, mode, size - at);
		buf_append(&b, data + at, n);
		drain(&b, &o);
	}
	buf_finish(&b);
	return o;
}

static void framing_does_not_depend_on_the_cuts(const uint8_t *data, size_t size, unsigned seed)
{
	struct outcome whole = feed(data, size, seed, 0);

	for (int mode = 1; mode < 3; mode++) {
		struct outcome cut = feed(data, size, seed, mode);

		INVARIANT(cut.sum == whole.sum && cut.n == whole.n && cut.end == whole.end);
	}
}

static void startup_does_not_depend_on_the_cuts(const uint8_t *data, size_t size)
{
	static struct wire_startup whole, part;
	enum wire_startup_kind kind = wire_startup_next(data, size, &whole);

	for (size_t n = 0; n < size; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		memcpy(copy, data, n);
		if (wire_startup_next(copy, n, &part) != STARTUP_MORE)
			INVARIANT(part.kind == kind);
		free(copy);
	}
	INVARIANT(whole.size <= size);
	if (kind == STARTUP_SESSION)
		INVARIANT(whole.user && whole.database);
}

static void assert_same(struct buf *b, const uint8_t *body, size_t n)
{
	INVARIANT(buf_len(b) == WIRE_HEADER_BYTES + n);
	INVARIANT(memcmp(buf_head(b) + WIRE_HEADER_BYTES, body, n) == 0);
	buf_clear(b);
}

static void read_client_bodies(const uint8_t *p, size_t n, struct arena *arena, struct buf *b)
{
	struct wire_execute execute;
	struct wire_target target;
	struct wire_parse parse;
	struct wire_bind bind;
	const uint8_t *bytes;
	struct str text;
	const char *s;
	size_t size;
	struct err err;

	if (wire_parse_query(p, n, &text, &err) == STATUS_OK) {
		wire_put_query(b, text.p, text.n);
		assert_same(b, p, n);
	}
	if (wire_parse_parse(p, n, &parse, &err) == STATUS_OK)
		INVARIANT(parse.query.p[parse.query.n] == '\0' && parse.rest < n);
	if (wire_parse_bind(p, n, arena, &bind, &err) == STATUS_OK) {
		wire_put_bind_rest(b, bind.portal, bind.statement, p + bind.rest, n - bind.rest);
		assert_same(b, p, n);
	}
	if (wire_parse_execute(p, n, &execute, &err) == STATUS_OK) {
		wire_put_execute(b, execute.portal, execute.max_rows);
		assert_same(b, p, n);
	}
	if (wire_parse_describe(p, n, &target, &err) == STATUS_OK) {
		wire_put_describe(b, target.what, target.name);
		assert_same(b, p, n);
	}
	wire_parse_close(p, n, &target, &err);
	wire_parse_sasl_initial(p, n, &s, &bytes, &size, &err);
}

static void read_row(const uint8_t *p, size_t n, struct buf *b)
{
	const uint8_t *data;
	struct wire_row row;
	int32_t length;

	if (!wire_row_open(&row, p, n))
		return;
	for (uint16_t i = 0; i < row.n_fields; i++)
		if (!wire_row_next(&row, &data, &length))
			return;
	INVARIANT(wire_put_row_prefix(b, p, n, row.n_fields));
	assert_same(b, p, n - row.r.n);
	if (row.n_fields)
		INVARIANT(wire_row_field(p, n, row.n_fields - 1, &data, &length));
}

static void read_server_bodies(const uint8_t *p, size_t n, struct arena *arena, struct buf *b)
{
	struct wire_column *columns;
	enum wire_severity severity;
	const uint8_t *formats;
	const char *s, *t;
	uint32_t *types, pid;
	uint16_t count;
	uint8_t format;
	struct err err;
	char tx;

	if (wire_parse_row_description(arena, p, n, &columns, &count, &err) == STATUS_OK) {
		wire_put_row_description(b, columns, count);
		assert_same(b, p, n);
	}
	if (wire_parse_parameter_description(arena, p, n, &types, &count, &err) == STATUS_OK) {
		wire_put_parameter_description(b, types, count);
		assert_same(b, p, n);
	}
	if (wire_parse_parameter_status(p, n, &s, &t, &err) == STATUS_OK) {
		wire_put_parameter_status(b, s, t);
		assert_same(b, p, n);
	}
	if (wire_parse_command_complete(p, n, &s, &err) == STATUS_OK)
		wire_parse_command_tag(s);
	wire_parse_error_fields(p, n, &err, &severity);
	wire_put_error(b, &err, "ERROR");
	buf_clear(b);
	wire_parse_copy_response(p, n, &format, &formats, &count, &err);
	wire_parse_ready(p, n, &tx, &err);
	wire_parse_notification(p, n, &pid, &s, &t, &err);
	read_row(p, n, b);
}

static void bodies_are_read_within_their_bounds(const uint8_t *data, size_t size)
{
	uint8_t *body = malloc(size ? size : 1);
	struct arena arena;
	struct buf b;

	memcpy(body, data, size);
	arena_init(&arena, 1u << 24);
	buf_init(&b, 1u << 24);
	read_client_bodies(body, size, &arena, &b);
	read_server_bodies(body, size, &arena, &b);
	arena_finish(&arena);
	buf_finish(&b);
	free(body);
}

static void options_are_read(const uint8_t *data, size_t size)
{
	struct wire_param *settings;
	struct arena arena;
	struct err err;
	uint16_t n;

	arena_init(&arena, 0);
	if (wire_options_parse(&arena, arena_strndup(&arena, (const char *)data, size), &settings,
			       &n, &err) == STATUS_OK)
		for (uint16_t i = 0; i < n; i++)
			INVARIANT(strlen(settings[i].name) + strlen(settings[i].value) < size);
	arena_finish(&arena);
}

static void scram_refuses_all_of_it(const uint8_t *data, size_t size, unsigned seed)
{
	static const uint8_t secret[32] = { 1 };
	size_t cut = size ? seed % (size + 1) : 0;
	struct auth_verifier v;
	struct scram s;
	struct buf out;
	struct err err;

	auth_verifier_mock(&v, "fuzz", secret);
	INVARIANT(scram_start(&s, &v, "fuzz"));
	strcpy(s.server_nonce, "x"); /* short enough to be met by chance */
	if (seed & 1)
		scram_offer_binding(&s, secret, sizeof(secret));
	if (seed & 2)
		scram_choose(&s, seed & 1 ? SCRAM_MECHANISM_PLUS : SCRAM_MECHANISM, &err);
	buf_init(&out, 8192);
	if (scram_step(&s, data, cut, &out, &err) == STATUS_OK)
		INVARIANT(scram_step(&s, data + cut, size - cut, &out, &err) != STATUS_OK);
	INVARIANT(s.state == SCRAM_FAILED);
	buf_finish(&out);
}

/* Any three values are in some order: no cycle, and mirrored when turned round. */
static void values_are_ordered(const uint8_t *data, size_t size, unsigned seed)
{
	static const uint32_t types[] = { VALUE_INT4, VALUE_FLOAT8, VALUE_NUMERIC, VALUE_TEXT,
					  VALUE_BPCHAR };
	struct value_order o = { .type_oid = types[seed % 5], .is_c_collation = true };
	int32_t n = (int32_t)(size / 3);
	const uint8_t *a = data, *b = data + n, *c = data + 2 * n;
	int ab = value_compare(&o, a, n, b, n), bc = value_compare(&o, b, n, c, n);

	INVARIANT(value_compare(&o, b, n, a, n) == -ab);
	INVARIANT(value_compare(&o, a, n, a, n) == 0);
	if (ab <= 0 && bc <= 0)
		INVARIANT(value_compare(&o, a, n, c, n) <= 0);
	if (ab >= 0 && bc >= 0)
		INVARIANT(value_compare(&o, a, n, c, n) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned seed;

	if (size < 2)
		return 0;
	seed = data[1];
	switch (data[0] % 6) {
	case 0: framing_does_not_depend_on_the_cuts(data + 2, size - 2, seed); break;
	case 1: startup_does_not_depend_on_the_cuts(data + 2, size - 2); break;
	case 2: bodies_are_read_within_their_bounds(data + 2, size - 2); break;
	case 3: options_are_read(data + 2, size - 2); break;
	case 4: scram_refuses_all_of_it(data + 2, size - 2, seed); break;
	default: values_are_ordered(data + 2, size - 2, seed); break;
	}
	return 0;
}
