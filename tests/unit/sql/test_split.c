#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "pgmosaic/sql/split.h"

static void splits_into(const char *text, const char *const *expected, unsigned n)
{
	struct err err = ERR_INIT;
	struct str *pieces = NULL;
	unsigned n_pieces = 0;
	struct arena a;

	arena_init(&a, 0);
	assert_int_equal(sql_split(&a, str_of(text), &pieces, &n_pieces, &err), STATUS_OK);
	if (n_pieces != n)
		fail_msg("%u pieces: %s", n_pieces, text);
	for (unsigned i = 0; i < n; i++) {
		if (!str_is(pieces[i], expected[i]))
			fail_msg("piece %u is \"%.*s\"", i, STR_ARG(pieces[i]));
		assert_true(pieces[i].p >= text && pieces[i].p <= text + strlen(text));
	}
	arena_finish(&a);
}

static void a_text_is_cut_at_its_semicolons(void **state)
{
	static const char *const two[] = { "SELECT 1", " SELECT ';' -- ;\n" };
	static const char *const one[] = { " /* c */ SELECT 1 " };

	(void)state;
	splits_into("SELECT 1; SELECT ';' -- ;\n", two, 2);
	splits_into("SELECT 1; SELECT ';' -- ;\n;", two, 2);
	splits_into(" /* c */ SELECT 1 ;", one, 1);
}

static void empty_statements_give_no_piece(void **state)
{
	static const char *const one[] = { " SELECT 1" };

	(void)state;
	splits_into("", NULL, 0);
	splits_into(" ;; -- x\n", NULL, 0);
	splits_into(";; SELECT 1;;", one, 1);
}

static void semicolons_inside_a_body_do_not_cut(void **state)
{
	static const char *const two[] = {
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END",
		" SELECT $$;$$, ';', \";\""
	};

	(void)state;
	splits_into("CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; "
		    "END; SELECT $$;$$, ';', \";\"",
		    two, 2);
}

static void pieces_are_counted_in_bytes(void **state)
{
	static const char *const two[] = { "SELECT '\xc3\xa4\xc3\xb6\xe2\x82\xac'",
					   " SELECT '\xc3\xa4'" };

	(void)state;
	splits_into("SELECT '\xc3\xa4\xc3\xb6\xe2\x82\xac'; SELECT '\xc3\xa4'", two, 2);
}

static void a_syntax_error_carries_its_position(void **state)
{
	struct err err = ERR_INIT;
	struct str *pieces;
	unsigned n;
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(sql_split(&a, str_of("SELECT 1; SELEC 2"), &pieces, &n, &err),
			 STATUS_SYNTAX);
	assert_string_equal(err.code, "42601");
	assert_string_equal(err.message, "syntax error at or near \"SELEC\"");
	assert_int_equal(err.position, 11);
	arena_finish(&a);
}

static enum status split_repeated(const char *head, const char *unit, unsigned times,
				  const char *tail)
{
	size_t unit_bytes = strlen(unit), n = strlen(head);
	char *text = malloc(n + unit_bytes * times + strlen(tail) + 1);
	struct err err = ERR_INIT;
	struct str *pieces;
	enum status status;
	unsigned n_pieces;
	struct arena a;

	memcpy(text, head, n);
	for (unsigned i = 0; i < times; i++, n += unit_bytes)
		memcpy(text + n, unit, unit_bytes);
	strcpy(text + n, tail);
	arena_init(&a, 0);
	status = sql_split(&a, str_of(text), &pieces, &n_pieces, &err);
	arena_finish(&a);
	free(text);
	return status;
}

static void long_and_deep_texts_do_no_harm(void **state)
{
	(void)state;
	assert_int_equal(split_repeated("SELECT 1", "+1", 100000, "; SELECT 2"), STATUS_OK);
	assert_int_equal(split_repeated("", "SELECT 1;", 50000, ""), STATUS_OK);
	assert_int_equal(split_repeated("SELECT ", "(", 20000, ""), STATUS_TOO_DEEP);
	assert_int_equal(split_repeated("SELECT ", "NOT ", 50000, "true"), STATUS_SYNTAX);
	assert_int_equal(split_repeated("SELECT ", "- ", 50000, "1"), STATUS_SYNTAX);
	assert_int_equal(split_repeated("SELECT 1 ", "UNION SELECT 1 ", 20000, ""), STATUS_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_cut_at_its_semicolons),
		cmocka_unit_test(empty_statements_give_no_piece),
		cmocka_unit_test(semicolons_inside_a_body_do_not_cut),
		cmocka_unit_test(pieces_are_counted_in_bytes),
		cmocka_unit_test(a_syntax_error_carries_its_position),
		cmocka_unit_test(long_and_deep_texts_do_no_harm),
	};

	return cmocka_run_group_tests_name("split", tests, NULL, NULL);
}
