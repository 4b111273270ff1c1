/* Control-port answers as wire messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "pgmosaic/admin/answer.h"
#include "pgmosaic/admin/runtime.h"

struct fixture {
	struct admin *admin;
	struct buf out;
};

static const struct admin_runtime runtime = { .ctx = NULL }; /* nothing here reaches it */

static void start(struct fixture *f, size_t limit_bytes)
{
	f->admin = admin_create(&runtime);
	buf_init(&f->out, limit_bytes);
}

static void end(struct fixture *f)
{
	buf_finish(&f->out);
	admin_destroy(f->admin);
}

/* The types of the messages in the buffer, as a string. */
static const char *types(const struct buf *b)
{
	static char text[512];
	const uint8_t *p = buf_head(b), *stop = p + buf_len(b);
	size_t n = 0;

	while (p < stop) {
		text[n++] = (char)*p;
		p += 1 + ((size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4]);
		assert_true(p <= stop);
	}
	text[n] = 0;
	return text;
}

static bool contains(const struct buf *b, const char *text, size_t n)
{
	return memmem(buf_head(b), buf_len(b), text, n) != NULL;
}

static void rows_come_with_their_description_when_wanted(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 1 << 20);
	assert_true(admin_answer(f.admin, "boss", str_of("SHOW VERSION;"), true, &f.out));
	assert_string_equal(types(&f.out), "TDC");
	buf_clear(&f.out);
	assert_true(admin_answer(f.admin, "boss", str_of("SHOW VERSION;"), false, &f.out));
	assert_string_equal(types(&f.out), "DC");
	end(&f);
}

static void several_statements_are_answered_in_order(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 1 << 20);
	assert_true(
		admin_answer(f.admin, "boss", str_of("SET a = 1; SELECT 1; BEGIN"), true, &f.out));
	assert_string_equal(types(&f.out), "CTDCC");
	end(&f);
}

static void the_first_error_ends_it_with_its_position_in_the_whole_text(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 1 << 20);
	assert_false(
		admin_answer(f.admin, "boss", str_of("BEGIN; SHOW nope; COMMIT"), true, &f.out));
	assert_string_equal(types(&f.out), "CE");
	assert_true(contains(&f.out, "C42601", 7));
	assert_true(contains(&f.out, "P13", 4));
	end(&f);
}

static void nothing_at_all_is_an_empty_query(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 1 << 20);
	assert_true(admin_answer(f.admin, "boss", str_of(" ; -- x"), true, &f.out));
	assert_string_equal(types(&f.out), "I");
	end(&f);
}

static void describe_runs_nothing(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 1 << 20);
	assert_true(admin_answer_describe(f.admin, str_of("SHUTDOWN"), &f.out));
	assert_true(admin_answer_describe(f.admin, str_of("SHOW POOLS"), &f.out));
	assert_true(admin_answer_describe(f.admin, str_of(""), &f.out));
	assert_false(admin_answer_describe(f.admin, str_of("NOPE"), &f.out));
	assert_string_equal(types(&f.out), "nTnE");
	end(&f);
}

static void an_answer_past_the_limit_is_an_error(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 600);
	assert_false(admin_answer(f.admin, "boss", str_of("SHOW HELP"), true, &f.out));
	assert_string_equal(types(&f.out), "E");
	assert_true(contains(&f.out, "C54000", 7));
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_with_their_description_when_wanted),
		cmocka_unit_test(several_statements_are_answered_in_order),
		cmocka_unit_test(the_first_error_ends_it_with_its_position_in_the_whole_text),
		cmocka_unit_test(nothing_at_all_is_an_empty_query),
		cmocka_unit_test(describe_runs_nothing),
		cmocka_unit_test(an_answer_past_the_limit_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
