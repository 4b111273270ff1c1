/* The parse tree and the tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "pgmosaic/sql/parse.h"

struct fixture {
	struct arena arena;
	struct scan scan;
	struct err err;
	const struct node *tree;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	arena_init(&f->arena, 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	arena_finish(&f->arena);
	free(f);
	return 0;
}

static enum status parse(struct fixture *f, const char *sql)
{
	f->err = (struct err)ERR_INIT;
	f->tree = NULL;
	scan_text(str_of(sql), &f->scan);
	return parse_statement(&f->arena, str_of(sql), &f->scan, &f->tree, &f->err);
}

static void fields_are_read_by_the_names_of_the_grammar(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(parse(f, "SELECT x FROM s.t AS u WHERE x = -5"), STATUS_OK);
	assert_true(node_is(f->tree, NODE_SelectStmt));
	assert_string_equal(node_type_name(f->tree), "SelectStmt");
	const struct node *from = node_list(f->tree, "from_clause")->items[0];
	assert_true(node_is(from, NODE_RangeVar));
	assert_string_equal(node_text(from, "schemaname"), "s");
	assert_string_equal(node_text(from, "relname"), "t");
	assert_string_equal(node_text(node_child(from, "alias"), "aliasname"), "u");
	const struct node *where = node_child(f->tree, "where_clause");
	assert_int_equal(node_int(where, "kind"), EXPR_OP);
	const struct node *five = node_child(where, "rexpr");
	assert_int_equal(node_int(node_child(five, "ival"), "ival"), -5);
	assert_null(node_child(five, "sval"));
	assert_int_equal(five->at, 33);
	assert_null(node_child(f->tree, "having_clause"));
	assert_int_equal(node_list(f->tree, "group_clause")->n, 0);
	assert_string_equal(node_text(from, "catalogname"), "");
}

static void zero_and_the_empty_string_are_constants_too(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(parse(f, "SELECT 0, ''"), STATUS_OK);
	const struct node_list *targets = node_list(f->tree, "target_list");
	assert_non_null(node_child(node_child(targets->items[0], "val"), "ival"));
	assert_non_null(node_child(node_child(targets->items[1], "val"), "sval"));
}

static void trees_compare_without_their_places(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(parse(f, "SELECT a + 1, a  +  1, a + 2, b + 1"), STATUS_OK);
	const struct node_list *t = node_list(f->tree, "target_list");
	assert_true(node_equal(node_child(t->items[0], "val"), node_child(t->items[1], "val")));
	assert_false(node_equal(node_child(t->items[0], "val"), node_child(t->items[2], "val")));
	assert_false(node_equal(node_child(t->items[0], "val"), node_child(t->items[3], "val")));
}

static void syntax_errors_carry_postgresqls_words_and_position(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(parse(f, "SELECT 1 FRM t"), STATUS_SYNTAX);
	assert_string_equal(f->err.message, "syntax error at or near \"t\"");
	assert_int_equal(f->err.position, 14);
	assert_int_equal(parse(f, "SELECT 1; SELECT 2"), STATUS_SYNTAX);
}

static void nothing_but_comments_gives_no_tree(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(parse(f, " /* x */ ; -- y"), STATUS_OK);
	assert_null(f->tree);
}

static void long_chains_are_too_deep_but_long_lists_are_not(void **state)
{
	struct fixture *f = *state;
	size_t n = 30000;
	char *sql = malloc(4 * n + 64), *o = sql + sprintf(sql, "SELECT 1");
	for (size_t i = 0; i < n; i++)
		o += sprintf(o, "+1");
	assert_int_equal(parse(f, sql), STATUS_TOO_DEEP);
	o = sql + sprintf(sql, "SELECT 1 WHERE 1 IN (1");
	for (size_t i = 0; i < n; i++)
		o += sprintf(o, ",1");
	sprintf(o, ")");
	assert_int_equal(parse(f, sql), STATUS_OK);
	free(sql);
}

static void tokens_know_their_depth(void **state)
{
	struct fixture *f = *state;
	struct token_list t;
	struct str sql = str_of("SELECT (a, [ /* c */ b]) FROM \"from\"");
	assert_int_equal(parse_tokens(&f->arena, sql, &t, &f->err), STATUS_OK);
	assert_int_equal(t.n, 10);
	assert_true(token_is(sql, &t.items[0], "select"));
	assert_int_equal(t.items[1].code, TOKEN_OPEN);
	assert_int_equal(t.items[1].depth, 0);
	assert_int_equal(t.items[2].depth, 1);
	assert_int_equal(t.items[5].depth, 2);
	assert_int_equal(t.items[7].depth, 0);
	assert_true(token_is(sql, &t.items[8], "FROM"));
	assert_false(token_is(sql, &t.items[9], "from"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(fields_are_read_by_the_names_of_the_grammar),
		TEST(zero_and_the_empty_string_are_constants_too),
		TEST(trees_compare_without_their_places),
		TEST(syntax_errors_carry_postgresqls_words_and_position),
		TEST(nothing_but_comments_gives_no_tree),
		TEST(long_chains_are_too_deep_but_long_lists_are_not),
		TEST(tokens_know_their_depth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
