#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "catalog/schema_default.h"
#include "pgmosaic/catalog/schema.h"

enum { SERVER, SCHEMAS, FUNCTIONS, USER_NAMES, RELATIONS, COLUMNS, INDEXES, SEQUENCES };

static void add(struct schema *s, unsigned query, unsigned n, const char *const *values)
{
	struct err err = ERR_INIT;

	if (schema_add_row(s, query, values, n, &err) != STATUS_OK)
		fail_msg("%s", err.message);
}

#define ADD(s, query, ...)                                     \
	do {                                                   \
		const char *const v_[] = { __VA_ARGS__ };      \
		add(s, query, sizeof(v_) / sizeof(v_[0]), v_); \
	} while (0)

static struct schema *make_schema(void)
{
	struct schema *s = schema_create();

	ADD(s, SERVER, "150020", "UTF8", "c", "C.UTF-8", NULL, "\"$user\", public");
	ADD(s, SCHEMAS, "public");
	ADD(s, FUNCTIONS, "now", "s", "f", "f");
	ADD(s, FUNCTIONS, "random", "v", "f", "f");
	ADD(s, FUNCTIONS, "nextval", "v", "f", "f");
	ADD(s, FUNCTIONS, "length", "i", "f", "f");
	ADD(s, FUNCTIONS, "generate_series", "i", "f", "t");
	ADD(s, USER_NAMES, "f", "mine", "v", "f", "f");
	ADD(s, USER_NAMES, "o", "===", NULL, NULL, "f");
	ADD(s, USER_NAMES, "t", "mood", NULL, NULL, "f");
	ADD(s, RELATIONS, "public", "t", "100", "r", "p", "3", "f", "f", "t", "f", "f", "f", "t",
	    "0");
	ADD(s, RELATIONS, "public", "t_pkey", "101", "i", "p", "1", "f", "f", "f", "f", "f", "f",
	    "f", "100");
	ADD(s, RELATIONS, "public", "v", "102", "v", "p", "1", "f", "f", "f", "f", "f", "f", "f",
	    "0");
	ADD(s, COLUMNS, "100", "id", "20", "-1", "0", "1", "t", "", "f",
	    "nextval('t_id_seq'::regclass)", "f");
	ADD(s, COLUMNS, "100", "name", "25", "-1", "100", "3", "f", "", "f", NULL, NULL);
	ADD(s, COLUMNS, "100", "n", "23", "-1", "0", "4", "f", "a", "f", NULL, NULL);
	ADD(s, COLUMNS, "100", "g", "23", "-1", "0", "5", "f", "", "t", "(n + 1)", "f");
	ADD(s, COLUMNS, "102", "id", "20", "-1", "0", "1", "f", "", "f", NULL, NULL);
	ADD(s, COLUMNS, "999", "gone", "20", "-1", "0", "1", "f", "", "f", NULL, NULL);
	ADD(s, INDEXES, "100", "t_pkey", "t", "t", "f", "f", "f", "1", "1 3");
	ADD(s, INDEXES, "100", "t_x", "f", "f", "f", "t", "t", "2", "0 3");
	schema_seal(s);
	return s;
}

static void rows_become_relations(void **state)
{
	struct schema *s = make_schema();
	const struct schema_relation *r = schema_find(s, "public", "t");

	(void)state;
	assert_non_null(r);
	assert_int_equal(r->kind, 'r');
	assert_int_equal(r->n_columns, 4);
	assert_true(r->has_user_triggers);
	assert_true(r->has_incoming_fk);
	assert_false(r->has_rules);
	assert_int_equal(schema_find_column(r, "name")->attnum, 3);
	assert_int_equal(schema_find_column(r, "name")->collation_oid, 100);
	assert_null(schema_find_column(r, "gone"));
	assert_int_equal(r->n_indexes, 2);
	assert_int_equal(r->indexes[0].n_columns, 1);
	assert_int_equal(r->indexes[0].attnums[0], 1);
	assert_int_equal(r->indexes[1].attnums[0], 0);
	assert_int_equal(r->indexes[1].attnums[1], 3);
	assert_int_equal(schema_find(s, "public", "t_pkey")->index_of, 100);
	assert_null(schema_find(s, "other", "t"));
	schema_destroy(s);
}

static void names_outside_pg_catalog_are_known(void **state)
{
	struct schema *s = make_schema();

	(void)state;
	assert_true(schema_has_schema(s, "public"));
	assert_false(schema_has_schema(s, "other"));
	assert_non_null(schema_find_user_function(s, "mine"));
	assert_null(schema_find_user_function(s, "now"));
	assert_true(schema_has_user_operator(s, "==="));
	assert_false(schema_has_user_operator(s, "="));
	assert_true(schema_has_user_type(s, "mood"));
	assert_true(schema_find_function(s, "generate_series")->returns_set);
	assert_int_equal(s->server_version_num, 150020);
	assert_string_equal(s->server_encoding, "UTF8");
	assert_null(s->collation_version);
	schema_destroy(s);
}

static void columns_know_what_their_default_is(void **state)
{
	struct schema *s = make_schema();
	const struct schema_relation *r = schema_find(s, "public", "t");

	(void)state;
	assert_int_equal(schema_find_column(r, "id")->default_kind, DEFAULT_SEQUENCE);
	assert_int_equal(schema_find_column(r, "name")->default_kind, DEFAULT_NONE);
	assert_int_equal(schema_find_column(r, "n")->default_kind, DEFAULT_SEQUENCE);
	assert_int_equal(schema_find_column(r, "g")->default_kind, DEFAULT_GENERATED);
	schema_destroy(s);
}

static void only_what_is_surely_not_volatile_is_constant(void **state)
{
	static const struct {
		const char *text;
		bool has_user_calls;
		enum schema_default kind;
	} cases[] = {
		{ NULL, false, DEFAULT_NONE },
		{ "0", false, DEFAULT_CONST },
		{ "'random()'::text", false, DEFAULT_CONST },
		{ "'it''s random()'::text", false, DEFAULT_CONST },
		{ "'q'::character varying(10)", false, DEFAULT_CONST },
		{ "now()", false, DEFAULT_CONST },
		{ "(now() + '1 day'::interval)", false, DEFAULT_CONST },
		{ "CURRENT_DATE", false, DEFAULT_CONST },
		{ "COALESCE(NULL::text, 'a'::text)", false, DEFAULT_CONST },
		{ "length('abc('::text)", false, DEFAULT_CONST },
		{ "'a'::mood", false, DEFAULT_CONST },
		{ "random()", false, DEFAULT_VOLATILE },
		{ "(1 + (random() * 10)::integer)", false, DEFAULT_VOLATILE },
		{ "unheard_of()", false, DEFAULT_VOLATILE },
		{ "mine()", true, DEFAULT_VOLATILE },
		{ "(1 === 2)", true, DEFAULT_VOLATILE },
		{ "\"odd name\"()", false, DEFAULT_VOLATILE },
		{ "public.now()", true, DEFAULT_VOLATILE },
		{ "('A'::text || nextval('s'::regclass))", false, DEFAULT_SEQUENCE },
		{ "'unterminated", false, DEFAULT_CONST },
	};
	struct schema *s = make_schema();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (default_classify(s, cases[i].text, cases[i].has_user_calls) != cases[i].kind)
			fail_msg("%s", cases[i].text);
	schema_destroy(s);
}

static void rows_of_another_shape_are_refused(void **state)
{
	struct schema *s = schema_create();
	const char *row[] = { "a", "b", NULL };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(schema_add_row(s, SERVER, row, 3, &err), STATUS_INTERNAL);
	assert_int_equal(schema_add_row(s, SCHEMA_N_QUERIES, row, 1, &err), STATUS_INTERNAL);
	assert_int_equal(schema_add_row(s, SCHEMAS, row + 2, 1, &err), STATUS_INTERNAL);
	schema_seal(s);
	schema_destroy(s);
}

static void there_is_a_query_for_every_kind_of_row(void **state)
{
	(void)state;
	for (unsigned i = SERVER; i <= SEQUENCES; i++)
		assert_non_null(schema_query(i));
	assert_null(schema_query(SCHEMA_N_QUERIES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_become_relations),
		cmocka_unit_test(names_outside_pg_catalog_are_known),
		cmocka_unit_test(columns_know_what_their_default_is),
		cmocka_unit_test(only_what_is_surely_not_volatile_is_constant),
		cmocka_unit_test(rows_of_another_shape_are_refused),
		cmocka_unit_test(there_is_a_query_for_every_kind_of_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
