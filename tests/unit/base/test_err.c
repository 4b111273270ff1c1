/* Errors: code, message, detail, hint; cut, never overrun. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pgmosaic/base/err.h"

static void setting_an_error_returns_its_status_and_code(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(err_set(&err, STATUS_UNROUTED, "no %s", "way"), STATUS_UNROUTED);
	assert_string_equal(err.code, "0A000");
	assert_string_equal(err.message, "no way");
	assert_int_equal(err.position, 0);
}

static void a_code_of_its_own_replaces_the_usual_one(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_set_code(&err, STATUS_INVALID, "22003", "too big");
	assert_string_equal(err.code, "22003");
	assert_int_equal(err.status, STATUS_INVALID);
}

static void a_new_error_forgets_the_old_detail_and_hint(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, STATUS_SYNTAX, "one");
	err_detail(&err, "detail %d", 1);
	err_hint(&err, "hint %d", 1);
	assert_string_equal(err.detail, "detail 1");
	assert_string_equal(err.hint, "hint 1");
	err_set(&err, STATUS_SYNTAX, "two");
	assert_string_equal(err.detail, "");
	assert_string_equal(err.hint, "");
}

static void long_texts_are_cut_and_terminated(void **state)
{
	struct err err = ERR_INIT;
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	err_set(&err, STATUS_SYNTAX, "%s", text);
	err_detail(&err, "%s", text);
	err_hint(&err, "%s", text);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	assert_int_equal(strlen(err.detail), sizeof(err.detail) - 1);
	assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
}

static void every_status_has_a_five_character_code_and_a_text(void **state)
{
	(void)state;
#define CHECK(name, code, text)                                  \
	assert_int_equal(strlen(status_code(STATUS_##name)), 5); \
	assert_true(strlen(status_text(STATUS_##name)) > 0);
	STATUS_MAP(CHECK)
#undef CHECK
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_an_error_returns_its_status_and_code),
		cmocka_unit_test(a_code_of_its_own_replaces_the_usual_one),
		cmocka_unit_test(a_new_error_forgets_the_old_detail_and_hint),
		cmocka_unit_test(long_texts_are_cut_and_terminated),
		cmocka_unit_test(every_status_has_a_five_character_code_and_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
