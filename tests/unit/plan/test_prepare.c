/* PREPARE and EXECUTE taken to pieces. */
#include "plan_world.h"

static void prepare_keeps_its_inner_text_and_types(void **state)
{
	struct fake *f = *state;
	struct plan *p = plan_of(f, "PREPARE p AS SELECT x FROM a WHERE k = $1;");
	assert_int_equal(p->class, PLAN_LOCAL);
	assert_int_equal(p->local.kind, LOCAL_PREPARE);
	assert_string_equal(p->local.name, "p");
	assert_string_equal(p->local.text, "SELECT x FROM a WHERE k = $1");
	assert_int_equal(p->local.inner_at, 13);
	assert_int_equal(p->local.n_args, 0);
	p = plan_of(f, "prepare \"Q\" ( bigint, numeric(6,2) , nosuch.t[]) as values (1)");
	assert_string_equal(p->local.name, "Q");
	assert_string_equal(p->local.text, "values (1)");
	assert_int_equal(p->local.n_args, 3);
	assert_int_equal(p->local.args[0].type_oid, 20);
	assert_string_equal(p->local.args[0].text, "bigint");
	assert_int_equal(p->local.args[1].type_oid, 1700);
	assert_int_equal(p->local.args[2].type_oid, 0);
	assert_string_equal(p->local.args[2].text, "nosuch.t[]");
	assert_int_equal(p->local.args[2].at, 37);
}

static void execute_tells_constants_from_expressions(void **state)
{
	struct fake *f = *state;
	struct plan *p =
		plan_of(f, "EXECUTE p (1, -2, 'it''s', NULL, 1 + 1, abs(3), 4.5, '5'::int)");
	static const enum plan_argument_kind kinds[] = { ARGUMENT_INTEGER,    ARGUMENT_INTEGER,
							 ARGUMENT_STRING,     ARGUMENT_NULL,
							 ARGUMENT_EXPRESSION, ARGUMENT_EXPRESSION,
							 ARGUMENT_EXPRESSION, ARGUMENT_EXPRESSION };
	assert_int_equal(p->local.kind, LOCAL_EXECUTE);
	assert_int_equal(p->local.n_args, 8);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(p->local.args[i].kind, kinds[i]);
	assert_string_equal(p->local.args[1].value, "-2");
	assert_string_equal(p->local.args[2].value, "it's");
	assert_string_equal(p->local.args[5].text, "abs(3)");
	assert_int_equal(p->local.name_at, 8);
	assert_int_equal(p->local.name_length, 1);
	p = plan_of(f, "EXECUTE p");
	assert_int_equal(p->local.n_args, 0);
}

static void values_of_execute_obey_the_rules_of_calls(void **state)
{
	struct fake *f = *state;
	assert_refused(f, "EXECUTE p (set_config('a.b', 'c', false))", "set_config");
	assert_refused(f, "EXPLAIN EXECUTE p", "EXPLAIN EXECUTE");
	assert_refused(f, "CREATE TABLE z AS EXECUTE p", "CREATE TABLE AS");
	assert_true(plan_of(f, "EXECUTE p (now())")->uses_clock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(prepare_keeps_its_inner_text_and_types, fake_setup,
						fake_teardown),
		cmocka_unit_test_setup_teardown(execute_tells_constants_from_expressions,
						fake_setup, fake_teardown),
		cmocka_unit_test_setup_teardown(values_of_execute_obey_the_rules_of_calls,
						fake_setup, fake_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
