/* The fingerprint scanner, alone and against libpg_query's scanner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <pg_query.h>
#include "pg_query/pg_query.pb-c.h"
#include <stdlib.h>

#include "pgmosaic/sql/scan.h"

static struct scan scan_of(const char *text)
{
	static struct scan out;

	scan_text(str_of(text), &out);
	return out;
}

static bool same(const char *a, const char *b)
{
	struct hash128 x = scan_of(a).fingerprint, y = scan_of(b).fingerprint;

	return hash128_eq(x, y);
}

static void other_literals_of_one_kind_leave_the_fingerprint_alone(void **state)
{
	(void)state;
	assert_true(same("SELECT * FROM t WHERE id = 1", "SELECT * FROM t WHERE id = 987654"));
	assert_true(same("SELECT 'a'", "SELECT 'it''s another; one -- here'"));
	assert_true(same("SELECT E'a'", "SELECT e'\\'b'"));
	assert_true(same("SELECT $$a$$", "SELECT $x$ b $$ $x$"));
	assert_true(same("SELECT 1.5", "SELECT .7e10"));
}

static void white_space_comments_and_case_of_names_do_not_count(void **state)
{
	(void)state;
	assert_true(same("select  a\n\tfrom T -- x\n where /* y /* z */ */ B=1",
			 "SELECT A FROM t WHERE b = 22"));
	assert_true(same("SELECT 1", "  /* trace-id: 17 */ SELECT 2 -- end"));
	assert_false(same("SELECT \"A\"", "SELECT \"a\""));
}

static void another_kind_or_structure_gives_another_fingerprint(void **state)
{
	static const char *const texts[] = {
		"SELECT 1",	   "SELECT 1.0",	"SELECT '1'",
		"SELECT E'1'",	   "SELECT $$1$$",	"SELECT B'1'",
		"SELECT X'1'",	   "SELECT U&'1'",	"SELECT N'1'",
		"SELECT 'a' 'b'",  "SELECT 'a'\n'b'",	"SELECT $1",
		"SELECT $2",	   "SELECT 3000000000", "SELECT 1 1",
		"SELECT a b",	   "SELECT ab",		"SELECT \"ab\"",
		"SELECT a.b",	   "SELECT a . . b",	"SELECT a..b",
		"SELECT U&\"ab\"", "SELECT -1",		"SELECT - -1",
		"SELECT 1;",	   "SELECT (1)",	"SELECT a <= 1",
		"SELECT a < = 1",  "SELECT a := 1",	"SELECT a : = 1",
		"SELECT a::b",	   "SELECT a: :b",	"SELECT nchar '1'",
		"SELECT a$1",	   "SELECT a $1",	"SELECT u & \"ab\"",
		"SELECT @@ 1",	   "SELECT @ @ 1",	"SELECT 30000000000000000000",
	};
	size_t n = sizeof(texts) / sizeof(texts[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (same(texts[i], texts[j]))
				fail_msg("same fingerprint: %s and %s", texts[i], texts[j]);
		}
	}
}

static void the_escape_of_a_unicode_name_is_part_of_the_name(void **state)
{
	(void)state;
	assert_false(same("SELECT U&\"d!0061\" UESCAPE '!'", "SELECT U&\"d!0061\" UESCAPE '?'"));
	assert_true(same("SELECT 'x', '!'", "SELECT 'x', '?'"));
}

static void integers_are_told_apart_by_their_type(void **state)
{
	(void)state;
	assert_true(same("SELECT 2147483647", "SELECT 0000000000000007"));
	assert_false(same("SELECT 2147483647", "SELECT 2147483648"));
	assert_true(same("SELECT 2147483648", "SELECT 9223372036854775807"));
	assert_false(same("SELECT 9223372036854775807", "SELECT 9223372036854775808"));
}

static void full_differs_with_every_byte(void **state)
{
	(void)state;
	assert_false(hash128_eq(scan_of("SELECT 1").full, scan_of("SELECT 2").full));
	assert_false(hash128_eq(scan_of("SELECT 1").full, scan_of("SELECT  1").full));
	assert_true(hash128_eq(scan_of("SELECT 1").full, scan_of("SELECT 1").full));
}

static void long_texts_are_hashed_through_several_blocks(void **state)
{
	char a[20000], b[20000];
	size_t n = 0;

	(void)state;
	while (n + 40 < sizeof(a))
		n += (size_t)sprintf(a + n, "column_name_%zu, ", n);
	memcpy(b, a, n + 1);
	assert_true(same(a, b));
	for (size_t i = 0; i < n; i += 97) {
		if (b[i] < 'a' || b[i] > 'z')
			continue;
		b[i]--;
		assert_false(same(a, b));
		b[i] = a[i];
	}
	memset(a, 'x', sizeof(a));
	a[sizeof(a) - 1] = 0;
	memcpy(b, a, sizeof(a));
	b[sizeof(b) - 2] = 'y';
	assert_false(same(a, b));
}

static void hints_are_found_in_c_comments_and_count(void **state)
{
	struct scan s = scan_of("/* mosaic.shard=s1 */ SELECT 1");

	(void)state;
	assert_true(str_is(s.hint_shard, "s1"));
	assert_int_equal(s.hint_key.n, 0);
	s = scan_of("SELECT 1 /*mosaic.shard_key='a b', mosaic.shard=x*/");
	assert_true(str_is(s.hint_key, "a b"));
	assert_true(str_is(s.hint_shard, "x"));
	assert_int_equal(scan_of("-- mosaic.shard=s1\nSELECT 1").hint_shard.n, 0);
	assert_int_equal(scan_of("/* see mosaic.shard=s1 */ SELECT 1").hint_shard.n, 0);
	assert_int_equal(scan_of("/* mosaic.shard= */ SELECT 1").hint_shard.n, 0);
	assert_false(same("/* mosaic.shard=s1 */ SELECT 1", "/* mosaic.shard=s2 */ SELECT 1"));
	assert_false(same("/* mosaic.shard=s1 */ SELECT 1", "SELECT 1"));
}

static void facts_about_the_text_are_noted(void **state)
{
	(void)state;
	assert_true(scan_of("").is_empty);
	assert_true(scan_of(" ; -- x\n;; /* y */").is_empty);
	assert_false(scan_of(" ; SELECT").is_empty);
	assert_false(scan_of("SELECT 1; -- x").has_several);
	assert_false(scan_of("SELECT 1 ;;").has_several);
	assert_true(scan_of("SELECT 1; SELECT 2").has_several);
	assert_true(scan_of("BEGIN; SELECT 2").has_several);
	assert_false(scan_of("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; "
			     "SELECT CASE WHEN a THEN 1 END; END;")
			     .has_several);
	assert_true(scan_of("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END; SELECT 1")
			    .has_several);
	assert_true(scan_of("SELECT begin atomic; SELECT 2").has_several);
	assert_string_equal(scan_of(" /* x */ InSeRt INTO t").first_word, "insert");
	assert_string_equal(scan_of("(SELECT 1)").first_word, "");
	assert_string_equal(scan_of("a_name_that_is_far_too_long_to_keep x").first_word,
			    "a_name_that_is_far_too_");
	assert_int_equal(scan_of("SELECT $3, $12, $2").max_param, 12);
	assert_int_equal(scan_of("SELECT $99999999999").max_param, 65535);
	assert_int_equal(scan_of("SELECT ((1)), a[(2)]").max_depth, 2);
	assert_int_equal(scan_of("SELECT CASE WHEN (CASE a END) END").max_depth, 3);
}

static void literals_past_the_limit_only_set_a_flag(void **state)
{
	char text[8000] = "SELECT 0";
	struct scan s;

	(void)state;
	for (size_t n = strlen(text), i = 1; i <= SCAN_MAX_LITERALS; i++)
		n += (size_t)sprintf(text + n, ", %zu", i);
	s = scan_of(text);
	assert_true(s.too_many);
	assert_false(s.broken);
	assert_int_equal(s.n_literals, SCAN_MAX_LITERALS);
}

static void texts_the_lexer_cannot_finish_are_broken(void **state)
{
	static const char *const texts[] = {
		"SELECT 'a",	"SELECT \"a",  "SELECT $x$ a $$", "/* a /* b */",
		"SELECT E'\\'", "SELECT \"\"", "SELECT 12ab",	  "SELECT 1e",
		"SELECT 1e+",	"SELECT 1.5x", "SELECT U&'abc",	  "SELECT 'a'\n'b",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!scan_of(texts[i]).broken)
			fail_msg("not broken: %s", texts[i]);
	}
	{
		struct scan s;

		scan_text((struct str){ "SELECT 1\0, 2", 12 }, &s);
		assert_true(s.broken);
		scan_text((struct str){ "SELECT 'a\0b'", 12 }, &s);
		assert_true(s.broken);
	}
}

static void value_is(const char *text, const char *value)
{
	struct scan s = scan_of(text);
	char out[64];
	int n;

	assert_int_equal(s.n_literals, 1);
	n = scan_literal_value(str_of(text), &s.literals[0], out, sizeof(out));
	if (!value) {
		assert_int_equal(n, -1);
		return;
	}
	assert_int_equal(n, strlen(value));
	assert_memory_equal(out, value, strlen(value));
}

/* Checked on a server; libpg_query's scanner differs here. */
static void a_line_comment_may_stand_between_the_pieces_of_a_string(void **state)
{
	static const char *const texts[] = { "SELECT 'a' -- c\n 'b'", "SELECT 'a'\n-- c\n'b'",
					     "SELECT 'a' -- c\n\n\t-- d\n 'b'" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct scan s = scan_of(texts[i]);

		assert_int_equal(s.n_literals, 1);
		assert_int_equal(s.literals[0].length, strlen(texts[i]) - 7);
		assert_int_equal(s.literals[0].kind, LITERAL_OTHER);
	}
}

static void literal_values_lose_their_quotes(void **state)
{
	(void)state;
	value_is("SELECT 42", "42");
	value_is("SELECT 4.2e1", "4.2e1");
	value_is("SELECT ''", "");
	value_is("SELECT 'it''s'''", "it's'");
	value_is("SELECT 'a\\b'", "a\\b");
	value_is("SELECT E'ab''c'", "ab'c");
	value_is("SELECT E'a\\nb'", NULL);
	value_is("SELECT $$$$", "");
	value_is("SELECT $q$a'$$b$q$", "a'$$b");
	value_is("SELECT U&'a'", NULL);
	value_is("SELECT B'1'", NULL);
	value_is("SELECT N'a'", NULL);
	value_is("SELECT 'a'\n'b'", NULL);
	value_is(
		"SELECT 'a value that does not fit the sixty-four bytes of the buffer it is put into'",
		NULL);
}

/* ---- against pg_query_scan ---- */

static bool is_literal(PgQuery__Token token)
{
	return token == PG_QUERY__TOKEN__ICONST || token == PG_QUERY__TOKEN__FCONST ||
	       token == PG_QUERY__TOKEN__SCONST || token == PG_QUERY__TOKEN__USCONST ||
	       token == PG_QUERY__TOKEN__BCONST || token == PG_QUERY__TOKEN__XCONST;
}

static bool kind_fits(const char *text, const PgQuery__ScanToken *token,
		      enum scan_literal_kind kind)
{
	bool digits =
		strspn(text + token->start, "0123456789") == (size_t)(token->end - token->start);

	switch (kind) {
	case LITERAL_INTEGER:
		return digits && (token->token == PG_QUERY__TOKEN__ICONST ||
				  token->token == PG_QUERY__TOKEN__FCONST);
	case LITERAL_NUMERIC: return !digits && token->token == PG_QUERY__TOKEN__FCONST;
	case LITERAL_STRING: return text[token->start] == '\'';
	case LITERAL_ESCAPE: return (text[token->start] | 0x20) == 'e';
	case LITERAL_DOLLAR: return text[token->start] == '$';
	case LITERAL_OTHER:
	default: return token->token != PG_QUERY__TOKEN__ICONST;
	}
}

/* The library gives U&'…' the length 0 in places. */
static bool length_fits(const PgQuery__ScanToken *token, uint32_t length)
{
	return token->token == PG_QUERY__TOKEN__USCONST ||
	       length == (uint32_t)(token->end - token->start);
}

static void compare_tokens(const char *text, const PgQuery__ScanResult *theirs)
{
	struct scan ours = scan_of(text);
	uint32_t n_tokens = 0;
	uint16_t n_literals = 0;

	if (ours.broken)
		fail_msg("broken for us only: %s", text);
	for (size_t i = 0; i < theirs->n_tokens; i++) {
		const PgQuery__ScanToken *token = theirs->tokens[i];

		if (token->token == PG_QUERY__TOKEN__SQL_COMMENT ||
		    token->token == PG_QUERY__TOKEN__C_COMMENT)
			continue;
		n_tokens++;
		if (!is_literal(token->token))
			continue;
		if (n_literals >= ours.n_literals ||
		    ours.literals[n_literals].at != (uint32_t)token->start ||
		    !length_fits(token, ours.literals[n_literals].length) ||
		    !kind_fits(text, token, ours.literals[n_literals].kind))
			fail_msg("literal %u (theirs at %d to %d): %s", n_literals, token->start,
				 token->end, text);
		n_literals++;
	}
	if (n_tokens != ours.n_tokens || n_literals != ours.n_literals)
		fail_msg("%u tokens, %u of ours; %u literals, %u of ours: %s", n_tokens,
			 ours.n_tokens, n_literals, ours.n_literals, text);
}

static bool same_as_postgres(const char *text)
{
	PgQueryScanResult r = pg_query_scan(text);
	PgQuery__ScanResult *tokens;
	bool ok = !r.error;

	if (ok) {
		tokens = pg_query__scan_result__unpack(NULL, r.pbuf.len,
						       (const uint8_t *)r.pbuf.data);
		assert_non_null(tokens);
		compare_tokens(text, tokens);
		pg_query__scan_result__free_unpacked(tokens, NULL);
	} else if (!scan_of(text).broken && !strchr(text, '\\')) {
		/* Bad escapes are an error of the lexer we leave to the server. */
		fail_msg("broken for PostgreSQL only (%s): %s", r.error->message, text);
	}
	pg_query_free_scan_result(r);
	return ok;
}

static const char *const statements[] = {
	"SELECT id, g1k, x, filler FROM acc WHERE id = 123456",
	"SELECT 1..10, 1.5e3, .5, 5., 5.e1, 1.e-5, 1e5, 007, 1.5.6, 1...2",
	"SELECT a[1:2], a[:3], b[1..2]",
	"SELECT $1, $2::int, $10+1, $1.5, $1$2",
	"SELECT a+-1, a-+1, a*-1, a@-1, a||-1, a<-1, a=-1, a-- x\n1",
	"SELECT a+/* c */1, a*/*c*/b, a-/*x*/-/*y*/1, a@/**/b, 1 */**/ 2",
	"SELECT @-1, #-1, a->b, a->>'x', a#>>'{x}', a @> b, a ?| b, a !~~* b, a <=> b",
	"SELECT /* a /* b */ c */ 1 /**/ /***/ /*/**/*/ + /* // /* * */ ** */ 2",
	"SELECT 'a' 'b', 'a'\n'b', 'a' \n\n\t'b' , 'a' /* c */ 'b'",
	"SELECT 'a'\n/* c */'b'",
	"SELECT E'a'\n'b\\'c'",
	"SELECT E'\\'', E'\\\\', E'a''b', e'\\n\\x41\\101'",
	"SELECT U&'d\\0061t', U&\"d\\0061t\", U&'d!0061' UESCAPE '!', u&'x', u & 'x', u&x",
	"SELECT N'abc', n'abc', n 'abc', nn'abc'",
	"SELECT B'0101', x'1f', X'1F'\n'00', bb'1'",
	"SELECT $$a$$, $x$a$y$b$x$, $x$ $ $x $x$, $_1$ a $_1$, $\xc3\xa4$ a $\xc3\xa4$",
	"SELECT a$1, a$$b, a$b$c, _a, \"a\"\"b\", \"a b\".\"c\"",
	"SELECT \xc3\xa4\xc3\xb6 FROM t\xc3\xbc WHERE \"\xc3\xa4\" = '\xc3\xa4'",
	"SELECT CASE WHEN a THEN 1 ELSE 2 END, a::int::text, f(a => 1, b := 2)",
	"SELECT a<=1, a>=1, a<>1, a!=1, a=>1, a<1, a>1, a=1, a^2, a%2, ~a, !!a",
	"INSERT INTO t (a, b) VALUES (1, 'x'), (-2, $$y$$), (DEFAULT, NULL) RETURNING *",
	"UPDATE t SET a = a + 1, b = 'x''y' WHERE id IN (1,2,3) AND c = ANY('{1,2}'::int[])",
	"COPY t FROM STDIN WITH (FORMAT csv, DELIMITER E'\\t')",
	"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $f$ SELECT $$x$$::text; SELECT 1 $f$",
	"SELECT 1;SELECT 2;;SELECT 3;",
	"",
	" ",
	";",
	"-- only",
	"/* only */",
	"$",
	"$ 1",
	"$a",
	"$a b$",
	"SELECT \f1\t,\r2\n,\v3",
	"SELECT 1a",
	"SELECT 1_000",
	"SELECT 0x1F",
	"SELECT 1.5a",
	"SELECT 1.5e",
	"SELECT 1e+",
	"SELECT 'a",
	"SELECT E'a\\'",
	"SELECT /* a",
	"SELECT /* /* a */",
	"SELECT $$a",
	"SELECT $x$a$$",
	"SELECT \"\"",
	"SELECT U&\"\"",
	"SELECT \"a",
	"SELECT U&'a' UESCAPE 'x'",
	"SELECT '\\' , 'x'",
	"SELECT \\ {}",
	"a::b:c:=d:==e",
	"1.. 2 ..3 . .4",
	"a.b.c.*, a.1, a.5b",
	"--",
	"-",
	"/",
	"SELECT a - - b",
	"SELECT a--b\n-c",
	"+-+-*-+",
	"@+- -+@",
	"<-+ *+ /+ /-",
};

static void literals_and_tokens_are_those_of_postgres(void **state)
{
	size_t n_ok = 0, n = sizeof(statements) / sizeof(statements[0]);

	(void)state;
	for (size_t i = 0; i < n; i++)
		n_ok += same_as_postgres(statements[i]);
	assert_true(n_ok > n / 2);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static const char *const shreds[] = {
	"'",   "''", "\"", "$",	 "$$", "$x$", "$1", "E'", "U&'", "U&\"", "N'",	     "B'", "X'",
	"--",  "/*", "*/", "\n", " ",  "\t",  "\r", "+",  "-",	 "*",	 "/",	     "<",  ">",
	"=",   "@",  "#",  "?",	 "|",  ":",   ".",  ",",  "(",	 ")",	 "[",	     "]",  ";",
	"1",   "23", ".5", "1.", "e",  "E5",  "e-", "a",  "sel", "_",	 "\xc3\xa4", "u",  "case",
	"end", "&",  "%",  "^",	 "~",  "!",   "`",  "0",  "$2",	 "x$y",	 "\\.",
};

static void random_shreds_lex_as_in_postgres(void **state)
{
	uint32_t seed = 42;
	unsigned n_ok = 0;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		char text[256] = "";
		unsigned n = 1 + next_random(&seed) % 12;

		for (unsigned j = 0; j < n; j++)
			strcat(text,
			       shreds[next_random(&seed) % (sizeof(shreds) / sizeof(shreds[0]))]);
		/* The library, unlike the server, ends a string at a line comment. */
		if (strstr(text, "--") && strchr(text, '\''))
			continue;
		n_ok += same_as_postgres(text);
	}
	assert_true(n_ok > 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_literals_of_one_kind_leave_the_fingerprint_alone),
		cmocka_unit_test(white_space_comments_and_case_of_names_do_not_count),
		cmocka_unit_test(another_kind_or_structure_gives_another_fingerprint),
		cmocka_unit_test(the_escape_of_a_unicode_name_is_part_of_the_name),
		cmocka_unit_test(integers_are_told_apart_by_their_type),
		cmocka_unit_test(full_differs_with_every_byte),
		cmocka_unit_test(long_texts_are_hashed_through_several_blocks),
		cmocka_unit_test(hints_are_found_in_c_comments_and_count),
		cmocka_unit_test(facts_about_the_text_are_noted),
		cmocka_unit_test(literals_past_the_limit_only_set_a_flag),
		cmocka_unit_test(texts_the_lexer_cannot_finish_are_broken),
		cmocka_unit_test(a_line_comment_may_stand_between_the_pieces_of_a_string),
		cmocka_unit_test(literal_values_lose_their_quotes),
		cmocka_unit_test(literals_and_tokens_are_those_of_postgres),
		cmocka_unit_test(random_shreds_lex_as_in_postgres),
	};

	return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
