/* Log lines, as they arrive on stderr. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pgmosaic/base/log.h"

static char line[8192];

/* Run with stderr in a pipe; what was written lands in `line`. */
static void capture(void (*run)(void))
{
	int saved = dup(2), fds[2];
	ssize_t n;

	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], 2);
	close(fds[1]);
	run();
	dup2(saved, 2);
	close(saved);
	n = read(fds[0], line, sizeof(line) - 1);
	line[n < 0 ? 0 : n] = 0;
	close(fds[0]);
}

static void log_one(void)
{
	log_event(LOG_INFO, "client connected", LOG_U64("client", 7), LOG_STR("user", "app"),
		  LOG_STR("note", "two words \"x\"\n"), LOG_I64("delta", -3), LOG_MS("took", 1234));
}

static void log_plain(void)
{
	log_event(LOG_WARNING, "nothing more");
}

static void text_lines_have_time_level_event_and_fields(void **state)
{
	(void)state;
	log_setup(LOG_INFO, false);
	capture(log_one);
	assert_int_equal(line[10], 'T');
	assert_int_equal(line[23], 'Z');
	assert_string_equal(line + 24, " INFO client connected client=7 user=app "
				       "note=\"two words \\\"x\\\"\\n\" delta=-3 took=1.234\n");
}

static void json_lines_are_one_object_with_escapes(void **state)
{
	(void)state;
	log_setup(LOG_INFO, true);
	capture(log_one);
	assert_int_equal(strncmp(line, "{\"time\":\"", 9), 0);
	assert_non_null(strstr(line,
			       "\"level\":\"info\",\"event\":\"client connected\",\"client\":7,"
			       "\"user\":\"app\",\"note\":\"two words \\\"x\\\"\\n\","
			       "\"delta\":-3,\"took\":1.234}\n"));
	log_setup(LOG_INFO, false);
}

static void events_below_the_level_are_left_out(void **state)
{
	(void)state;
	log_setup(LOG_WARNING, false);
	capture(log_one);
	assert_string_equal(line, "");
	capture(log_plain);
	assert_string_equal(line + 24, " WARNING nothing more\n");
	assert_false(log_is_on(LOG_DEBUG));
	assert_true(log_is_on(LOG_ERROR));
	log_setup(LOG_INFO, false);
}

static char long_text[20000];

static void log_long(void)
{
	log_event(LOG_INFO, "long", LOG_STR("text", long_text));
}

static void a_line_that_is_too_long_is_cut_and_still_ends(void **state)
{
	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	capture(log_long);
	assert_true(strlen(line) <= 4096);
	assert_int_equal(line[strlen(line) - 1], '\n');
}

static void log_an_error(void)
{
	struct err err = ERR_INIT;

	err_set(&err, STATUS_BACKEND, "shard s1 is gone");
	err_hint(&err, "start it");
	log_error(LOG_ERROR, "recovery", &err);
}

static void an_error_is_logged_with_its_sqlstate_and_hint(void **state)
{
	(void)state;
	capture(log_an_error);
	assert_string_equal(line + 24,
			    " ERROR recovery sqlstate=08006 message=\"shard s1 is gone\" "
			    "hint=\"start it\"\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_lines_have_time_level_event_and_fields),
		cmocka_unit_test(json_lines_are_one_object_with_escapes),
		cmocka_unit_test(events_below_the_level_are_left_out),
		cmocka_unit_test(a_line_that_is_too_long_is_cut_and_still_ends),
		cmocka_unit_test(an_error_is_logged_with_its_sqlstate_and_hint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
