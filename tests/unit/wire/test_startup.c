#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pgmosaic/base/buf.h"
#include "pgmosaic/wire/startup.h"

static struct wire_startup s;

/* A packet on the heap with its length word put in front. */
static uint8_t *packet(const char *body, size_t n, size_t *size)
{
	uint8_t *p = malloc(n + 4);

	*size = n + 4;
	p[0] = (uint8_t)((n + 4) >> 24);
	p[1] = (uint8_t)((n + 4) >> 16);
	p[2] = (uint8_t)((n + 4) >> 8);
	p[3] = (uint8_t)(n + 4);
	memcpy(p + 4, body, n);
	return p;
}

/* The texts of `s` point into the last packet fed. */
static uint8_t *fed;

static enum wire_startup_kind feed(const char *body, size_t n)
{
	size_t size;

	free(fed);
	fed = packet(body, n, &size);
	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *part = malloc(cut ? cut : 1);
		enum wire_startup_kind kind;

		memcpy(part, fed, cut);
		kind = wire_startup_next(part, cut, &s);
		assert_true(kind == STARTUP_MORE || kind == STARTUP_BAD);
		free(part);
	}
	return wire_startup_next(fed, size, &s);
}

#define FEED(literal) feed(literal, sizeof(literal) - 1)

static int teardown(void **state)
{
	(void)state;
	free(fed);
	fed = NULL;
	return 0;
}

static void encryption_requests_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(FEED("\4\322\26\57"), STARTUP_SSL);
	assert_int_equal(s.size, 8);
	assert_int_equal(FEED("\4\322\26\60"), STARTUP_GSSENC);
	assert_int_equal(FEED("\4\322\26\57x"), STARTUP_BAD);
	assert_false(s.answer);
}

static void bytes_behind_an_encryption_request_are_left_to_the_caller(void **state)
{
	static const uint8_t bytes[] = { 0, 0, 0, 8, 4, 210, 22, 47, 0, 0, 0 };

	(void)state;
	assert_int_equal(wire_startup_next(bytes, sizeof(bytes), &s), STARTUP_SSL);
	assert_int_equal(s.size, 8);
}

static void a_client_hello_is_direct_tls(void **state)
{
	static const uint8_t hello[] = { 0x16, 3, 1 };

	(void)state;
	assert_int_equal(wire_startup_next(hello, 1, &s), STARTUP_DIRECT_TLS);
	assert_int_equal(wire_startup_next(hello, 3, &s), STARTUP_DIRECT_TLS);
	assert_int_equal(s.size, 0);
}

static void a_cancel_carries_a_key_of_4_to_256_bytes(void **state)
{
	char body[8 + 257] = "\4\322\26\56\0\0\0\7";

	(void)state;
	for (size_t n_key = 0; n_key <= 257; n_key++) {
		bool good = n_key >= 4 && n_key <= 256;

		assert_int_equal(feed(body, 8 + n_key), good ? STARTUP_CANCEL : STARTUP_BAD);
		if (good) {
			assert_int_equal(s.pid, 7);
			assert_int_equal(s.n_key, n_key);
		} else {
			assert_false(s.answer);
		}
	}
}

static void a_session_gives_its_parameters(void **state)
{
	(void)state;
	assert_int_equal(
		FEED("\0\3\0\2user\0bob\0database\0app\0options\0-c a=b\0"
		     "replication\0database\0search_path\0a, b\0_pq_.x\0y\0TimeZone\0\0\0"),
		STARTUP_SESSION);
	assert_int_equal(s.major, 3);
	assert_int_equal(s.minor, 2);
	assert_string_equal(s.user, "bob");
	assert_string_equal(s.database, "app");
	assert_string_equal(s.options, "-c a=b");
	assert_string_equal(s.replication, "database");
	assert_int_equal(s.n_params, 2);
	assert_string_equal(s.params[0].name, "search_path");
	assert_string_equal(s.params[0].value, "a, b");
	assert_string_equal(s.params[1].name, "TimeZone");
	assert_string_equal(s.params[1].value, "");
	assert_int_equal(s.n_unknown, 1);
	assert_string_equal(s.unknown[0], "_pq_.x");
}

static void the_database_defaults_to_the_user(void **state)
{
	(void)state;
	assert_int_equal(FEED("\0\3\0\0user\0bob\0\0"), STARTUP_SESSION);
	assert_string_equal(s.database, "bob");
	assert_int_equal(FEED("\0\3\0\0user\0bob\0database\0\0\0"), STARTUP_SESSION);
	assert_string_equal(s.database, "bob");
}

static void a_session_without_a_user_is_answered_28000(void **state)
{
	(void)state;
	assert_int_equal(FEED("\0\3\0\0\0"), STARTUP_BAD);
	assert_true(s.answer);
	assert_string_equal(s.err.code, "28000");
	assert_int_equal(FEED("\0\3\0\0user\0\0\0"), STARTUP_BAD);
	assert_string_equal(s.err.code, "28000");
}

static void the_terminator_must_be_the_last_byte(void **state)
{
	(void)state;
	assert_int_equal(FEED("\0\3\0\0user\0bob\0"), STARTUP_BAD);
	assert_string_equal(s.err.code, "08P01");
	assert_true(s.answer);
	assert_int_equal(FEED("\0\3\0\0user\0bob\0\0x"), STARTUP_BAD);
	assert_int_equal(FEED("\0\3\0\0user\0bob\0\0\0"), STARTUP_BAD);
	assert_int_equal(FEED("\0\3\0\0user\0bob"), STARTUP_BAD);
	assert_int_equal(FEED("\0\3\0\0user\0"), STARTUP_BAD);
	assert_int_equal(FEED("\0\3\0\0user"), STARTUP_BAD);
	assert_int_equal(FEED("\0\3\0\0"), STARTUP_BAD);
}

static void other_majors_are_refused_with_0A000(void **state)
{
	(void)state;
	assert_int_equal(FEED("\0\2\0\0user\0bob\0\0"), STARTUP_BAD);
	assert_string_equal(s.err.code, "0A000");
	assert_string_equal(s.err.message,
			    "unsupported frontend protocol 2.0: server supports 3.0 to 3.2");
	assert_true(s.answer);
	assert_int_equal(FEED("\4\322\26\61"), STARTUP_BAD);
	assert_string_equal(s.err.code, "0A000");
}

static void other_protocols_are_known_by_their_first_bytes(void **state)
{
	static const char *const garbage[] = { "GET / HTTP/1.1\r\n", "X", "\x01",
					       "\xFF\xFF\xFF\xFF" };
	static const uint8_t zero[] = { 0, 0, 0, 0 }, seven[] = { 0, 0, 0, 7 },
			     large[] = { 0, 0, 0x27, 0x15 }, fits[] = { 0, 0, 0x27, 0x14 };

	(void)state;
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		assert_int_equal(
			wire_startup_next((const uint8_t *)garbage[i], strlen(garbage[i]), &s),
			STARTUP_BAD);
		assert_false(s.answer);
		assert_string_equal(s.err.code, "08P01");
	}
	assert_int_equal(wire_startup_next(zero, 4, &s), STARTUP_BAD);
	assert_int_equal(wire_startup_next(seven, 4, &s), STARTUP_BAD);
	assert_int_equal(wire_startup_next(large, 4, &s), STARTUP_BAD);
	assert_int_equal(wire_startup_next(fits, 4, &s), STARTUP_MORE);
}

static void too_many_parameters_are_refused(void **state)
{
	struct buf b;

	(void)state;
	for (int n = WIRE_STARTUP_MAX_PARAMS; n <= WIRE_STARTUP_MAX_PARAMS + 1; n++) {
		buf_init(&b, 10000);
		buf_append(&b, "\0\3\0\0user\0bob\0", 13);
		for (int i = 0; i < n; i++)
			buf_append(&b, "a\0b\0", 4);
		buf_put_u8(&b, 0);
		assert_int_equal(feed((const char *)buf_head(&b), buf_len(&b)),
				 n == WIRE_STARTUP_MAX_PARAMS ? STARTUP_SESSION : STARTUP_BAD);
		buf_finish(&b);
	}
	assert_true(s.answer);
	assert_string_equal(s.err.code, "54000");
}

static void the_version_spoken_is_the_lower_one(void **state)
{
	static const struct {
		uint16_t minor, n_unknown, spoken;
		bool negotiate;
		size_t key;
	} table[] = {
		{ 0, 0, 0, false, 4 },	{ 0, 1, 0, true, 4 },  { 1, 0, 1, false, 4 },
		{ 2, 0, 2, false, 32 }, { 3, 0, 2, true, 32 }, { 9999, 2, 2, true, 32 },
	};
	bool negotiate;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		s = (struct wire_startup){ .major = 3,
					   .minor = table[i].minor,
					   .n_unknown = table[i].n_unknown };
		assert_int_equal(wire_startup_version(&s, &negotiate),
				 WIRE_PROTOCOL(3, table[i].spoken));
		assert_int_equal(negotiate, table[i].negotiate);
		assert_int_equal(wire_cancel_key_size(WIRE_PROTOCOL(3, table[i].spoken)),
				 table[i].key);
	}
}

static void replication_is_a_boolean_or_database(void **state)
{
	static const struct {
		const char *value;
		enum wire_replication want;
	} table[] = {
		{ NULL, REPLICATION_NONE },	    { "database", REPLICATION_DATABASE },
		{ "true", REPLICATION_PHYSICAL },   { "T", REPLICATION_PHYSICAL },
		{ "on", REPLICATION_PHYSICAL },	    { "1", REPLICATION_PHYSICAL },
		{ "yes", REPLICATION_PHYSICAL },    { "false", REPLICATION_NONE },
		{ "off", REPLICATION_NONE },	    { "0", REPLICATION_NONE },
		{ "no", REPLICATION_NONE },	    { "o", REPLICATION_INVALID },
		{ "", REPLICATION_INVALID },	    { "maybe", REPLICATION_INVALID },
		{ "trueish", REPLICATION_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(wire_startup_replication(table[i].value), table[i].want);
}

static void options_give_settings(void **state)
{
	static const char text[] =
		"  -c a=1 -cb-c=2\t--work-mem=64MB -c d=x\\ y\\\\z --e= -c f=g=h ";
	static const struct wire_param want[] = {
		{ "a", "1" },	   { "b_c", "2" }, { "work_mem", "64MB" },
		{ "d", "x y\\z" }, { "e", "" },	   { "f", "g=h" }
	};
	struct wire_param *settings;
	struct arena arena;
	struct err err;
	uint16_t n;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(wire_options_parse(&arena, text, &settings, &n, &err), STATUS_OK);
	assert_int_equal(n, 6);
	for (uint16_t i = 0; i < n; i++) {
		assert_string_equal(settings[i].name, want[i].name);
		assert_string_equal(settings[i].value, want[i].value);
	}
	assert_int_equal(wire_options_parse(&arena, " \t ", &settings, &n, &err), STATUS_OK);
	assert_int_equal(n, 0);
	arena_finish(&arena);
}

static void bad_options_are_syntax_errors(void **state)
{
	static const struct {
		const char *text, *message;
	} table[] = {
		{ "-c", "-c requires a value" },
		{ "-c a", "-c a requires a value" },
		{ "--a", "--a requires a value" },
		{ "-e", "invalid command-line argument for server process: -e" },
		{ "--", "invalid command-line argument for server process: --" },
		{ "word", "invalid command-line argument for server process: word" },
		{ "\\", "invalid command-line argument for server process: \\" },
	};
	struct wire_param *settings;
	struct arena arena;
	struct err err;
	uint16_t n;

	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(wire_options_parse(&arena, table[i].text, &settings, &n, &err),
				 STATUS_SYNTAX);
		assert_string_equal(err.message, table[i].message);
	}
	arena_finish(&arena);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, teardown)
	const struct CMUnitTest tests[] = {
		TEST(encryption_requests_are_told_apart),
		TEST(bytes_behind_an_encryption_request_are_left_to_the_caller),
		TEST(a_client_hello_is_direct_tls),
		TEST(a_cancel_carries_a_key_of_4_to_256_bytes),
		TEST(a_session_gives_its_parameters),
		TEST(the_database_defaults_to_the_user),
		TEST(a_session_without_a_user_is_answered_28000),
		TEST(the_terminator_must_be_the_last_byte),
		TEST(other_majors_are_refused_with_0A000),
		TEST(other_protocols_are_known_by_their_first_bytes),
		TEST(too_many_parameters_are_refused),
		TEST(the_version_spoken_is_the_lower_one),
		TEST(replication_is_a_boolean_or_database),
		TEST(options_give_settings),
		TEST(bad_options_are_syntax_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
