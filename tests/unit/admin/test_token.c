/* Tokens and statements of the control port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "admin/token.h"
#include "pgmosaic/admin/admin.h"

static void expect_tokens(const char *sql, const enum token_kind *kinds, const char *const *texts)
{
	struct str s = str_of(sql);
	size_t at = 0;

	for (unsigned i = 0;; i++) {
		struct token t = token_read(s, at, &at);

		assert_int_equal(t.kind, kinds[i]);
		if (t.kind == TOKEN_END)
			return;
		if (!str_is(t.text, texts[i]))
			fail_msg("token %u is %.*s, not %s", i, STR_ARG(t.text), texts[i]);
	}
}

static void words_numbers_strings_and_marks_are_told_apart(void **state)
{
	(void)state;
	expect_tokens("Create \"My \"\"x\" ( 'it''s', 12 );",
		      (const enum token_kind[]){ TOKEN_WORD, TOKEN_QUOTED, TOKEN_PUNCT,
						 TOKEN_STRING, TOKEN_PUNCT, TOKEN_NUMBER,
						 TOKEN_PUNCT, TOKEN_PUNCT, TOKEN_END },
		      (const char *const[]){ "Create", "\"My \"\"x\"", "(", "'it''s'", ",", "12",
					     ")", ";" });
}

static void comments_and_blanks_do_not_count(void **state)
{
	(void)state;
	expect_tokens(" -- one\n/* two /* nested */ */ a/**/b -- end",
		      (const enum token_kind[]){ TOKEN_WORD, TOKEN_WORD, TOKEN_END },
		      (const char *const[]){ "a", "b" });
	expect_tokens("/* open", (const enum token_kind[]){ TOKEN_END }, NULL);
}

static void open_quotes_and_nul_bytes_are_bad(void **state)
{
	struct str nul = { "a\0b", 3 };
	size_t at;

	(void)state;
	assert_int_equal(token_read(str_of("'open"), 0, &at).kind, TOKEN_BAD);
	assert_int_equal(token_read(str_of("\"open"), 0, &at).kind, TOKEN_BAD);
	assert_int_equal(token_read(str_of("'open''"), 0, &at).kind, TOKEN_BAD);
	assert_int_equal(token_read(nul, 1, &at).kind, TOKEN_BAD);
	assert_int_equal(at, 2);
}

static void positions_count_characters_not_bytes(void **state)
{
	(void)state;
	assert_int_equal(token_position(str_of("abc"), 0), 1);
	assert_int_equal(token_position(str_of("é€x"), 5), 3);
}

static void statements_are_cut_at_semicolons_outside_quotes(void **state)
{
	struct str rest = str_of(" SHOW A; ; SHOW 'x;y' /* ; */ ;\nSHOW B");
	struct str piece;

	(void)state;
	piece = admin_next_statement(&rest);
	assert_true(str_is(piece, "SHOW A"));
	piece = admin_next_statement(&rest);
	assert_true(str_is(piece, "SHOW 'x;y' /* ; */ "));
	piece = admin_next_statement(&rest);
	assert_true(str_is(piece, "SHOW B"));
	piece = admin_next_statement(&rest);
	assert_int_equal(piece.n, 0);
	assert_int_equal(rest.n, 0);
}

static void dollar_quotes_are_not_cut(void **state)
{
	struct str rest = str_of("EXPLAIN ROUTE SELECT $a$x;$$;y$a$, $1; SHOW B");
	struct str piece = admin_next_statement(&rest);

	(void)state;
	assert_true(str_is(piece, "EXPLAIN ROUTE SELECT $a$x;$$;y$a$, $1"));
	rest = str_of("SELECT $$open; SHOW B");
	assert_int_equal(admin_next_statement(&rest).n, 21);
}

static void nothing_but_blanks_is_no_statement(void **state)
{
	struct str rest = str_of(" ;; -- x\n");

	(void)state;
	assert_int_equal(admin_next_statement(&rest).n, 0);
	assert_int_equal(rest.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_numbers_strings_and_marks_are_told_apart),
		cmocka_unit_test(comments_and_blanks_do_not_count),
		cmocka_unit_test(open_quotes_and_nul_bytes_are_bad),
		cmocka_unit_test(positions_count_characters_not_bytes),
		cmocka_unit_test(statements_are_cut_at_semicolons_outside_quotes),
		cmocka_unit_test(dollar_quotes_are_not_cut),
		cmocka_unit_test(nothing_but_blanks_is_no_statement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
