#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "pgmosaic/wire/build.h"
#include "pgmosaic/wire/parse.h"

/* The buffer holds exactly these bytes, and is emptied. */
#define assert_bytes(b, literal) assert_bytes_(b, literal, sizeof(literal) - 1)

static void assert_bytes_(struct buf *b, const char *want, size_t n)
{
	assert_int_equal(buf_len(b), n);
	assert_memory_equal(buf_head(b), want, n);
	buf_clear(b);
}

static int setup(void **state)
{
	static struct buf b;

	buf_init(&b, 1u << 20);
	*state = &b;
	return 0;
}

static int teardown(void **state)
{
	buf_finish(*state);
	return 0;
}

static void log_in_messages_have_their_bytes(void **state)
{
	static const char *const mechanisms[] = { "SCRAM-SHA-256" };
	static const char *const unknown[] = { "_pq_.a", "_pq_.b" };
	static const uint8_t salt[4] = { 1, 2, 3, 4 }, key[4] = { 9, 8, 7, 6 };
	struct buf *b = *state;

	assert_true(wire_put_auth_ok(b));
	assert_bytes(b, "R\0\0\0\10\0\0\0\0");
	assert_true(wire_put_auth_md5(b, salt));
	assert_bytes(b, "R\0\0\0\14\0\0\0\5\1\2\3\4");
	assert_true(wire_put_auth_sasl(b, mechanisms, 1));
	assert_bytes(b, "R\0\0\0\27\0\0\0\12SCRAM-SHA-256\0\0");
	assert_true(wire_put_auth_sasl_continue(b, "r=x", 3));
	assert_bytes(b, "R\0\0\0\13\0\0\0\13r=x");
	assert_true(wire_put_auth_sasl_final(b, "v=y", 3));
	assert_bytes(b, "R\0\0\0\13\0\0\0\14v=y");
	assert_true(wire_put_parameter_status(b, "TimeZone", "UTC"));
	assert_bytes(b, "S\0\0\0\21TimeZone\0UTC\0");
	assert_true(wire_put_backend_key(b, 0x80000005u, key, 4));
	assert_bytes(b, "K\0\0\0\14\0\0\0\5\11\10\7\6");
	assert_true(wire_put_negotiate_version(b, 3 << 16 | 2, unknown, 2));
	assert_bytes(b, "v\0\0\0\32\0\3\0\2\0\0\0\2_pq_.a\0_pq_.b\0");
}

static void bare_answers_have_their_bytes(void **state)
{
	struct buf *b = *state;

	wire_put_ready(b, 'T');
	assert_bytes(b, "Z\0\0\0\5T");
	wire_put_empty_query(b);
	wire_put_parse_complete(b);
	wire_put_bind_complete(b);
	wire_put_close_complete(b);
	wire_put_no_data(b);
	wire_put_portal_suspended(b);
	wire_put_copy_done(b);
	assert_bytes(b, "I\0\0\0\4"
			"1\0\0\0\4"
			"2\0\0\0\4"
			"3\0\0\0\4"
			"n\0\0\0\4s\0\0\0\4c\0\0\0\4");
	wire_put_copy_data(b, "ab\n", 3);
	assert_bytes(b, "d\0\0\0\7ab\n");
	wire_put_copy_in_response(b, 0, NULL, 2);
	assert_bytes(b, "G\0\0\0\13\0\0\2\0\0\0\0");
	wire_put_copy_out_response(b, 1, NULL, 1);
	assert_bytes(b, "H\0\0\0\11\1\0\1\0\1");
}

static void tags_are_whole_and_insert_keeps_its_oid(void **state)
{
	struct buf *b = *state;

	wire_put_command_complete(b, "BEGIN");
	assert_bytes(b, "C\0\0\0\12BEGIN\0");
	wire_put_command_count(b, "INSERT", 6, 12);
	assert_bytes(b, "C\0\0\0\20INSERT 0 12\0");
	wire_put_command_count(b, "UPDATE 4", 6, 0);
	assert_bytes(b, "C\0\0\0\15UPDATE 0\0");
	wire_put_command_count(b, "COPY", 4, UINT64_MAX);
	assert_bytes(b, "C\0\0\0\36COPY 18446744073709551615\0");
}

static void an_error_carries_all_it_has_and_no_more(void **state)
{
	struct buf *b = *state;
	struct err err;

	err_set(&err, STATUS_SYNTAX, "bad");
	wire_put_error(b, &err, "ERROR");
	assert_bytes(b, "E\0\0\0\37SERROR\0VERROR\0C42601\0Mbad\0\0");
	err_detail(&err, "d");
	err_hint(&err, "h");
	err.position = 7;
	wire_put_error(b, &err, "FATAL");
	assert_bytes(b, "E\0\0\0\50SFATAL\0VFATAL\0C42601\0Mbad\0Dd\0Hh\0P7\0\0");
	wire_put_notice(b, &err, "WARNING");
	assert_int_equal(buf_head(b)[0], 'N');
}

static void an_error_without_code_and_text_is_still_an_error(void **state)
{
	struct buf *b = *state;
	struct err err = { .status = STATUS_INTERNAL };

	wire_put_error(b, &err, "ERROR");
	assert_bytes(b, "E\0\0\0\52SERROR\0VERROR\0CXX000\0Minternal error\0\0");
}

static void an_errors_text_never_ends_inside_a_character(void **state)
{
	struct buf *b = *state;
	const char *sent;
	struct err err;

	err_set(&err, STATUS_SYNTAX, "x%0379d\xE2\x82\xAC\xE2\x82\xAC", 0); /* 383 fit */
	assert_int_equal(strlen(err.message), 383);
	wire_put_error(b, &err, "ERROR");
	sent = wire_error_field(buf_head(b) + 5, buf_len(b) - 5, 'M');
	assert_int_equal(strlen(sent), 383);
	buf_clear(b);
	err_set(&err, STATUS_SYNTAX, "xx%0379d\xE2\x82\xAC\xE2\x82\xAC", 0);
	wire_put_error(b, &err, "ERROR");
	sent = wire_error_field(buf_head(b) + 5, buf_len(b) - 5, 'M');
	assert_int_equal(strlen(sent), 381);
}

static void rows_tell_null_from_empty(void **state)
{
	struct buf *b = *state;
	const uint8_t *values[] = { NULL, (const uint8_t *)"", (const uint8_t *)"xy" };
	const int32_t lengths[] = { -1, 0, 2 };
	const char *const texts[] = { NULL, "", "xy" };

	wire_put_data_row(b, values, lengths, 3);
	assert_bytes(b, "D\0\0\0\24\0\3\377\377\377\377\0\0\0\0\0\0\0\2xy");
	wire_put_text_row(b, texts, 3);
	assert_bytes(b, "D\0\0\0\24\0\3\377\377\377\377\0\0\0\0\0\0\0\2xy");
	wire_put_data_row(b, NULL, NULL, 0);
	assert_bytes(b, "D\0\0\0\6\0\0");
}

static void a_row_prefix_drops_the_hidden_columns(void **state)
{
	static const char body[] = "\0\3\0\0\0\1a\377\377\377\377\0\0\0\2xy";
	const uint8_t *p = (const uint8_t *)body;
	size_t n = sizeof(body) - 1;
	struct buf *b = *state;

	assert_true(wire_put_row_prefix(b, p, n, 2));
	assert_bytes(b, "D\0\0\0\17\0\2\0\0\0\1a\377\377\377\377");
	assert_true(wire_put_row_prefix(b, p, n, 0));
	assert_bytes(b, "D\0\0\0\6\0\0");
	assert_true(wire_put_row_prefix(b, p, n, 3));
	assert_int_equal(buf_len(b), 5 + n);
	buf_clear(b);
	assert_false(wire_put_row_prefix(b, p, n, 4));
	assert_false(wire_put_row_prefix(b, p, n - 1, 3));
	assert_false(wire_put_row_prefix(b, p, 1, 0));
	assert_int_equal(buf_len(b), 0);
}

static void descriptions_have_their_bytes(void **state)
{
	struct buf *b = *state;
	const struct wire_column column = { "id", 0x01020304, 5, 23, 4, -1, 1 };
	const uint32_t types[] = { 23, 25 };

	wire_put_row_description(b, &column, 1);
	assert_bytes(b, "T\0\0\0\33\0\1id\0\1\2\3\4\0\5\0\0\0\27\0\4\377\377\377\377\0\1");
	wire_put_parameter_description(b, types, 2);
	assert_bytes(b, "t\0\0\0\16\0\2\0\0\0\27\0\0\0\31");
}

static void requests_have_their_bytes(void **state)
{
	struct buf *b = *state;
	const uint32_t types[] = { 20 };

	wire_put_query(b, "SELECT 1; garbage", 8);
	assert_bytes(b, "Q\0\0\0\15SELECT 1\0");
	wire_put_parse(b, "s1", "SELECT $1", 9, types, 1);
	assert_bytes(b, "P\0\0\0\27s1\0SELECT $1\0\0\1\0\0\0\24");
	wire_put_describe(b, 'S', "s1");
	assert_bytes(b, "D\0\0\0\10Ss1\0");
	wire_put_close(b, 'P', "");
	assert_bytes(b, "C\0\0\0\6P\0");
	wire_put_execute(b, "", 100);
	assert_bytes(b, "E\0\0\0\11\0\0\0\0d");
	wire_put_sync(b);
	wire_put_flush(b);
	wire_put_terminate(b);
	assert_bytes(b, "S\0\0\0\4H\0\0\0\4X\0\0\0\4");
	wire_put_copy_fail(b, "no");
	assert_bytes(b, "f\0\0\0\7no\0");
}

static void a_bind_under_other_names_keeps_its_rest(void **state)
{
	struct buf *b = *state;
	const uint16_t formats[] = { 1 };
	const uint8_t *values[] = { (const uint8_t *)"\0\0\0\7", NULL };
	const int32_t lengths[] = { 4, -1 };
	struct wire_bind bind;
	struct arena arena;
	struct err err = ERR_INIT;
	uint8_t *body;
	size_t n;

	arena_init(&arena, 0);
	wire_put_bind(b, "", "s", formats, 1, values, lengths, 2, formats, 1);
	n = buf_len(b) - 5;
	body = arena_copy(&arena, buf_head(b) + 5, n);
	assert_int_equal(wire_parse_bind(body, n, &arena, &bind, &err), STATUS_OK);
	buf_clear(b);
	wire_put_bind_rest(b, "", "other", body + bind.rest, n - bind.rest);
	assert_bytes(b, "B\0\0\0\41\0other\0\0\1\0\1\0\2\0\0\0\4\0\0\0\7\377\377\377\377\0\1\0\1");
	arena_finish(&arena);
}

static void a_message_over_the_limit_leaves_nothing_behind(void **state)
{
	struct buf b;
	struct err err;

	(void)state;
	buf_init(&b, 40);
	assert_true(wire_put_ready(&b, 'I'));
	err_set(&err, STATUS_INTERNAL, "far too long for what is left of this buffer");
	assert_false(wire_put_error(&b, &err, "ERROR"));
	assert_true(b.overflow);
	assert_false(wire_put_ready(&b, 'I'));
	assert_false(wire_put_parameter_status(&b, "a", "b"));
	b.overflow = false;
	assert_true(wire_put_ready(&b, 'I'));
	assert_bytes(&b, "Z\0\0\0\5IZ\0\0\0\5I");
	buf_finish(&b);
}

static void a_mark_survives_the_buffers_moves(void **state)
{
	struct buf *b = *state;
	size_t mark;

	for (int i = 0; i < 100; i++)
		wire_put_ready(b, 'I');
	buf_consume(b, 80 * 6);
	mark = wire_begin(b, 'd');
	for (int i = 0; i < 1000; i++)
		buf_put_u32(b, (uint32_t)i);
	assert_true(wire_end(b, mark));
	buf_consume(b, 20 * 6);
	assert_int_equal(wire_get_u32(buf_head(b) + 1), 4004);
	assert_int_equal(buf_len(b), 4005);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(log_in_messages_have_their_bytes),
		TEST(bare_answers_have_their_bytes),
		TEST(tags_are_whole_and_insert_keeps_its_oid),
		TEST(an_error_carries_all_it_has_and_no_more),
		TEST(an_error_without_code_and_text_is_still_an_error),
		TEST(an_errors_text_never_ends_inside_a_character),
		TEST(rows_tell_null_from_empty),
		TEST(a_row_prefix_drops_the_hidden_columns),
		TEST(descriptions_have_their_bytes),
		TEST(requests_have_their_bytes),
		TEST(a_bind_under_other_names_keeps_its_rest),
		TEST(a_message_over_the_limit_leaves_nothing_behind),
		TEST(a_mark_survives_the_buffers_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
