#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "pgmosaic/wire/parse.h"

/* A body as a heap block of exactly its size, so that AddressSanitizer sees a byte too far. */
struct body {
	uint8_t *p;
	size_t n;
};

static struct body body_of(const char *bytes, size_t n)
{
	struct body body = { malloc(n ? n : 1), n };

	memcpy(body.p, bytes, n);
	return body;
}

#define BODY(literal) body_of(literal, sizeof(literal) - 1)

static struct arena arena;
static struct err err;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 1u << 20);
	memset(&err, 0, sizeof(err));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_finish(&arena);
	return 0;
}

static void a_query_is_its_text(void **state)
{
	struct body body = BODY("SELECT 1\0"), junk = BODY("SELECT 1\0x\0"), open = BODY("SELECT");
	struct str text;

	(void)state;
	assert_int_equal(wire_parse_query(body.p, body.n, &text, &err), STATUS_OK);
	assert_true(str_is(text, "SELECT 1"));
	assert_int_equal(wire_parse_query(junk.p, junk.n, &text, &err), STATUS_PROTOCOL);
	assert_string_equal(err.message, "invalid message format");
	assert_int_equal(wire_parse_query(open.p, open.n, &text, &err), STATUS_PROTOCOL);
	assert_string_equal(err.code, "08P01");
	free(body.p);
	free(junk.p);
	free(open.p);
}

static void a_parse_gives_name_text_and_types(void **state)
{
	struct body body = BODY("s1\0SELECT $1\0\0\2\0\0\0\24\0\0\0\0");
	struct wire_parse parse;

	(void)state;
	assert_int_equal(wire_parse_parse(body.p, body.n, &parse, &err), STATUS_OK);
	assert_string_equal(parse.name, "s1");
	assert_true(str_is(parse.query, "SELECT $1"));
	assert_int_equal(parse.n_types, 2);
	assert_int_equal(wire_get_u32(parse.types), 20);
	assert_int_equal(parse.rest, 3);
	free(body.p);
}

static void a_bind_gives_its_parameters(void **state)
{
	struct body body = BODY("p\0s\0\0\2\0\0\0\1\0\2\0\0\0\1a\377\377\377\377\0\1\0\1");
	struct wire_bind bind;

	(void)state;
	assert_int_equal(wire_parse_bind(body.p, body.n, &arena, &bind, &err), STATUS_OK);
	assert_string_equal(bind.portal, "p");
	assert_string_equal(bind.statement, "s");
	assert_int_equal(bind.rest, 4);
	assert_int_equal(bind.n_formats, 2);
	assert_int_equal(wire_get_u16(bind.formats + 2), 1);
	assert_int_equal(bind.n_params, 2);
	assert_int_equal(bind.length[0], 1);
	assert_int_equal(bind.data[0][0], 'a');
	assert_int_equal(bind.length[1], -1);
	assert_null(bind.data[1]);
	assert_int_equal(bind.n_result_formats, 1);
	assert_int_equal(wire_get_u16(bind.result_formats), 1);
	free(body.p);
}

static void an_empty_parameter_is_not_null(void **state)
{
	struct body body = BODY("\0\0\0\0\0\1\0\0\0\0\0\0");
	struct wire_bind bind;

	(void)state;
	assert_int_equal(wire_parse_bind(body.p, body.n, &arena, &bind, &err), STATUS_OK);
	assert_int_equal(bind.length[0], 0);
	assert_non_null(bind.data[0]);
	free(body.p);
}

static void a_bind_with_65535_parameters_is_read(void **state)
{
	size_t n = 2 + 2 + 2 + 65535 * 4 + 2;
	uint8_t *p = calloc(1, n);
	struct wire_bind bind;

	(void)state;
	p[4] = p[5] = 0xFF;
	memset(p + 6, 0xFF, 65535 * 4);
	arena.limit_bytes = 0;
	assert_int_equal(wire_parse_bind(p, n, &arena, &bind, &err), STATUS_OK);
	assert_int_equal(bind.n_params, 65535);
	assert_int_equal(bind.length[65534], -1);
	free(p);
}

static void a_bind_too_large_for_the_arena_says_so(void **state)
{
	struct body body = BODY("\0\0\0\0\0\1\0\0\0\0\0\0");
	struct wire_bind bind;

	(void)state;
	arena.limit_bytes = 16;
	assert_int_equal(wire_parse_bind(body.p, body.n, &arena, &bind, &err), STATUS_NO_MEMORY);
	free(body.p);
}

static void assert_bind_is_refused(struct body body, const char *message)
{
	struct wire_bind bind;

	memset(&err, 0, sizeof(err));
	assert_int_equal(wire_parse_bind(body.p, body.n, &arena, &bind, &err), STATUS_PROTOCOL);
	assert_string_equal(err.message, message);
	free(body.p);
}

static void hostile_binds_are_refused(void **state)
{
	static const char short_of_data[] = "insufficient data left in message";

	(void)state;
	assert_bind_is_refused(BODY("\0\0\0\0\377\377"), short_of_data);
	assert_int_equal(arena.used_bytes, 0); /* nothing taken for a count that cannot be true */
	assert_bind_is_refused(BODY("\0\0\0\0\0\1\177\377\377\377\0\0"), short_of_data);
	assert_bind_is_refused(BODY("\0\0\0\0\0\1\377\377\377\376\0\0"), short_of_data);
	assert_bind_is_refused(BODY("\0\0\0\0\0\1\200\0\0\0\0\0"), short_of_data);
	assert_bind_is_refused(BODY("no zero"), short_of_data);
	assert_bind_is_refused(BODY(""), short_of_data);
	assert_bind_is_refused(BODY("\0\0\0\0\0\0\0\0x"), "invalid message format");
	assert_bind_is_refused(BODY("\0\0\0\2\0\0\0\0\0\1\377\377\377\377\0\0"),
			       "bind message has 2 parameter formats but 1 parameters");
}

static void every_cut_of_a_bind_is_refused(void **state)
{
	static const char whole[] = "p\0s\0\0\1\0\1\0\2\0\0\0\2ab\377\377\377\377\0\1\0\1";

	(void)state;
	for (size_t n = 0; n < sizeof(whole) - 1; n++)
		assert_bind_is_refused(body_of(whole, n), "insufficient data left in message");
}

static void execute_describe_and_close_are_read(void **state)
{
	struct body execute = BODY("p\0\0\0\0\12"), target = BODY("Ps\0"), bad = BODY("Xs\0");
	struct wire_execute e;
	struct wire_target t;

	(void)state;
	assert_int_equal(wire_parse_execute(execute.p, execute.n, &e, &err), STATUS_OK);
	assert_string_equal(e.portal, "p");
	assert_int_equal(e.max_rows, 10);
	assert_int_equal(wire_parse_describe(target.p, target.n, &t, &err), STATUS_OK);
	assert_int_equal(t.what, 'P');
	assert_string_equal(t.name, "s");
	assert_int_equal(wire_parse_close(bad.p, bad.n, &t, &err), STATUS_PROTOCOL);
	assert_string_equal(err.message, "invalid CLOSE message subtype 88");
	free(execute.p);
	free(target.p);
	free(bad.p);
}

static void a_sasl_response_may_be_absent_empty_or_there(void **state)
{
	struct body some = BODY("SCRAM-SHA-256\0\0\0\0\2ab"), none = BODY("X\0\377\377\377\377"),
		    bad = BODY("X\0\0\0\0\7ab");
	const uint8_t *response;
	const char *mechanism;
	size_t n;

	(void)state;
	assert_int_equal(wire_parse_sasl_initial(some.p, some.n, &mechanism, &response, &n, &err),
			 STATUS_OK);
	assert_string_equal(mechanism, "SCRAM-SHA-256");
	assert_int_equal(n, 2);
	assert_memory_equal(response, "ab", 2);
	assert_int_equal(wire_parse_sasl_initial(none.p, none.n, &mechanism, &response, &n, &err),
			 STATUS_OK);
	assert_null(response);
	assert_int_equal(wire_parse_sasl_initial(bad.p, bad.n, &mechanism, &response, &n, &err),
			 STATUS_PROTOCOL);
	free(some.p);
	free(none.p);
	free(bad.p);
}

static void a_servers_error_keeps_its_fields(void **state)
{
	struct body body =
		BODY("SFEHLER\0VERROR\0C42P01\0Mno table\0Ddetail\0Hhint\0P15\0Fx.c\0\0");
	enum wire_severity severity;

	(void)state;
	wire_parse_error_fields(body.p, body.n, &err, &severity);
	assert_int_equal(severity, SEVERITY_ERROR);
	assert_int_equal(err.status, STATUS_INTERNAL);
	assert_string_equal(err.code, "42P01");
	assert_string_equal(err.message, "no table");
	assert_string_equal(err.detail, "detail");
	assert_string_equal(err.hint, "hint");
	assert_int_equal(err.position, 15);
	assert_string_equal(wire_error_field(body.p, body.n, 'F'), "x.c");
	assert_null(wire_error_field(body.p, body.n, 'L'));
	free(body.p);
}

static void severities_and_known_codes_are_recognised(void **state)
{
	static const struct {
		const char *body;
		size_t n;
		enum wire_severity severity;
		enum status status;
	} table[] = {
#define ROW(literal, severity, status) { literal, sizeof(literal) - 1, severity, status }
		ROW("SFATAL\0C57P01\0Mx\0\0", SEVERITY_FATAL, STATUS_SHUTDOWN),
		ROW("VPANIC\0CXX000\0Mx\0\0", SEVERITY_FATAL, STATUS_INTERNAL),
		ROW("VWARNING\0C25P01\0Mx\0\0", SEVERITY_WARNING, STATUS_INTERNAL),
		ROW("VINFO\0C00000\0Mx\0\0", SEVERITY_NOTICE, STATUS_INTERNAL),
		ROW("VERROR\0C57014\0Mx\0\0", SEVERITY_ERROR, STATUS_CANCELED),
	};
	enum wire_severity severity;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct body body = body_of(table[i].body, table[i].n);

		wire_parse_error_fields(body.p, body.n, &err, &severity);
		assert_int_equal(severity, table[i].severity);
		assert_int_equal(err.status, table[i].status);
		free(body.p);
	}
}

static void a_broken_error_becomes_XX000_with_a_text(void **state)
{
	static const struct {
		const char *body;
		size_t n;
	} table[] = { { "", 0 },
		      { "\0", 1 },
		      { "C", 1 },
		      { "Cab\0", 4 },
		      { "C4260\xFF\0\0", 8 },
		      { "P99999999999999999999\0\0", 23 },
		      { "Mno end", 7 } };
	enum wire_severity severity;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct body body = body_of(table[i].body, table[i].n);

		wire_parse_error_fields(body.p, body.n, &err, &severity);
		assert_string_equal(err.code, "XX000");
		assert_int_equal(severity, SEVERITY_ERROR);
		assert_true(err.message[0] != '\0');
		assert_int_equal(err.position, 0);
		free(body.p);
	}
}

static void a_long_text_is_cut_between_characters(void **state)
{
	char text[600] = "M";
	enum wire_severity severity;

	(void)state;
	for (size_t i = 1; i + 3 < sizeof(text); i += 3)
		memcpy(text + i, "\xE2\x82\xAC", 3);
	wire_parse_error_fields((const uint8_t *)text, sizeof(text), &err, &severity);
	assert_int_equal(strlen(err.message), 381);
}

static void a_row_description_is_read_and_built_alike(void **state)
{
	struct wire_column *columns;
	const struct wire_column two[] = { { "a", 1, 2, 23, 4, -1, 0 },
					   { "", 0, 0, 25, -1, 60, 1 } };
	struct buf b;
	uint16_t n;

	(void)state;
	buf_init(&b, 1000);
	wire_put_row_description(&b, two, 2);
	assert_int_equal(wire_parse_row_description(&arena, buf_head(&b) + 5, buf_len(&b) - 5,
						    &columns, &n, &err),
			 STATUS_OK);
	assert_int_equal(n, 2);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(columns[i].name, two[i].name);
		assert_int_equal(columns[i].table_oid, two[i].table_oid);
		assert_int_equal(columns[i].attnum, two[i].attnum);
		assert_int_equal(columns[i].type_oid, two[i].type_oid);
		assert_int_equal(columns[i].typlen, two[i].typlen);
		assert_int_equal(columns[i].typmod, two[i].typmod);
		assert_int_equal(columns[i].format, two[i].format);
	}
	for (size_t cut = 5; cut < buf_len(&b); cut++) {
		struct body body = body_of((const char *)buf_head(&b) + 5, cut - 5);

		assert_int_equal(
			wire_parse_row_description(&arena, body.p, body.n, &columns, &n, &err),
			STATUS_PROTOCOL);
		free(body.p);
	}
	buf_finish(&b);
}

static void other_messages_of_a_server_are_read(void **state)
{
	struct body status = BODY("TimeZone\0UTC\0"), types = BODY("\0\1\0\0\0\27"),
		    copy = BODY("\1\0\2\0\1\0\1"), ready = BODY("T"), strange = BODY("Q"),
		    notify = BODY("\0\0\0\7ch\0pay\0");
	const uint8_t *formats;
	const char *name, *value;
	uint32_t *oids, pid;
	uint8_t format;
	uint16_t n;
	char tx;

	(void)state;
	assert_int_equal(wire_parse_parameter_status(status.p, status.n, &name, &value, &err), 0);
	assert_string_equal(name, "TimeZone");
	assert_string_equal(value, "UTC");
	assert_int_equal(
		wire_parse_parameter_description(&arena, types.p, types.n, &oids, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(oids[0], 23);
	assert_int_equal(wire_parse_copy_response(copy.p, copy.n, &format, &formats, &n, &err), 0);
	assert_int_equal(format, 1);
	assert_int_equal(n, 2);
	assert_int_equal(wire_parse_ready(ready.p, ready.n, &tx, &err), STATUS_OK);
	assert_int_equal(tx, 'T');
	assert_int_equal(wire_parse_ready(strange.p, strange.n, &tx, &err), STATUS_PROTOCOL);
	assert_int_equal(wire_parse_notification(notify.p, notify.n, &pid, &name, &value, &err), 0);
	assert_int_equal(pid, 7);
	assert_string_equal(value, "pay");
	free(status.p);
	free(types.p);
	free(copy.p);
	free(ready.p);
	free(strange.p);
	free(notify.p);
}

static void tags_fall_into_verb_and_count(void **state)
{
	static const struct {
		const char *tag, *verb;
		bool has_count;
		uint64_t count;
	} table[] = {
		{ "INSERT 0 5", "INSERT", true, 5 },
		{ "SELECT 0", "SELECT", true, 0 },
		{ "COPY 18446744073709551615", "COPY", true, UINT64_MAX },
		{ "COPY 18446744073709551616", "COPY", false, 0 },
		{ "CREATE TABLE", "CREATE TABLE", false, 0 },
		{ "BEGIN", "BEGIN", false, 0 },
		{ "MERGE 12", "MERGE", true, 12 },
		{ "SELECT", "SELECT", false, 0 },
		{ "", "", false, 0 },
		{ "17", "17", false, 0 },
		{ " 17", " 17", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct wire_tag tag = wire_parse_command_tag(table[i].tag);

		assert_true(str_is(tag.verb, table[i].verb));
		assert_int_equal(tag.has_count, table[i].has_count);
		assert_true(tag.count == table[i].count);
	}
}

static void only_tags_of_writes_prove_an_xid(void **state)
{
	static const char *proofs[] = { "INSERT 0 1", "UPDATE 2", "DELETE 3", "MERGE 4" };
	static const char *others[] = { "INSERT 0 0", "UPDATE 0", "SELECT 1", "FETCH 3",
					"MOVE 2",     "COPY 9",	  "BEGIN" };
	struct wire_tag tag;

	(void)state;
	for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++) {
		tag = wire_parse_command_tag(proofs[i]);
		assert_true(wire_tag_proves_xid(&tag));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		tag = wire_parse_command_tag(others[i]);
		assert_false(wire_tag_proves_xid(&tag));
	}
}

static void a_rows_fields_are_walked_and_picked(void **state)
{
	struct body body = BODY("\0\3\0\0\0\1a\377\377\377\377\0\0\0\0");
	const uint8_t *data;
	struct wire_row row;
	int32_t length;

	(void)state;
	assert_true(wire_row_open(&row, body.p, body.n));
	assert_int_equal(row.n_fields, 3);
	assert_true(wire_row_next(&row, &data, &length));
	assert_int_equal(length, 1);
	assert_true(wire_row_next(&row, &data, &length));
	assert_int_equal(length, -1);
	assert_null(data);
	assert_true(wire_row_next(&row, &data, &length));
	assert_int_equal(length, 0);
	assert_false(wire_row_next(&row, &data, &length));
	assert_true(wire_row_field(body.p, body.n, 0, &data, &length));
	assert_int_equal(data[0], 'a');
	assert_false(wire_row_field(body.p, body.n, 3, &data, &length));
	free(body.p);
}

static void a_hostile_row_is_refused(void **state)
{
	struct body huge = BODY("\0\1\177\377\377\377a"), minus = BODY("\0\1\377\377\377\376"),
		    tiny = BODY("\0");
	const uint8_t *data;
	int32_t length;

	(void)state;
	assert_false(wire_row_field(huge.p, huge.n, 0, &data, &length));
	assert_false(wire_row_field(minus.p, minus.n, 0, &data, &length));
	assert_false(wire_row_field(tiny.p, tiny.n, 0, &data, &length));
	free(huge.p);
	free(minus.p);
	free(tiny.p);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_query_is_its_text),
		TEST(a_parse_gives_name_text_and_types),
		TEST(a_bind_gives_its_parameters),
		TEST(an_empty_parameter_is_not_null),
		TEST(a_bind_with_65535_parameters_is_read),
		TEST(a_bind_too_large_for_the_arena_says_so),
		TEST(hostile_binds_are_refused),
		TEST(every_cut_of_a_bind_is_refused),
		TEST(execute_describe_and_close_are_read),
		TEST(a_sasl_response_may_be_absent_empty_or_there),
		TEST(a_servers_error_keeps_its_fields),
		TEST(severities_and_known_codes_are_recognised),
		TEST(a_broken_error_becomes_XX000_with_a_text),
		TEST(a_long_text_is_cut_between_characters),
		TEST(a_row_description_is_read_and_built_alike),
		TEST(other_messages_of_a_server_are_read),
		TEST(tags_fall_into_verb_and_count),
		TEST(only_tags_of_writes_prove_an_xid),
		TEST(a_rows_fields_are_walked_and_picked),
		TEST(a_hostile_row_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
