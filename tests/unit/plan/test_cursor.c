/* DECLARE, FETCH, CLOSE: on one shard only. */
#include "plan_world.h"

static void declare_runs_where_its_query_runs(void **state)
{
	struct fake *f = *state;
	struct plan *p = plan_of(f, "DECLARE c CURSOR FOR SELECT x FROM a WHERE k = 1");
	assert_int_equal(p->class, PLAN_QUERY);
	assert_int_equal(p->target, TARGET_KEYS);
	assert_int_equal(p->merge, MERGE_REFUSED);
	assert_true(p->ties & TIE_CURSOR);
	assert_string_equal(p->cursor.name, "c");
	assert_false(p->cursor.holds);
	assert_false(p->returns_rows);
	p = plan_of(f, "DECLARE \"C d\" SCROLL CURSOR WITH HOLD FOR SELECT v FROM solo");
	assert_int_equal(p->target, TARGET_SHARD);
	assert_string_equal(p->cursor.name, "C d");
	assert_true(p->cursor.holds);
}

static void over_several_shards_it_is_refused(void **state)
{
	struct fake *f = *state;
	assert_refused(f, "DECLARE c CURSOR FOR SELECT x FROM a", "cursor");
	assert_refused(f, "DECLARE c CURSOR FOR SELECT x FROM a ORDER BY x LIMIT 3", "cursor");
	assert_refused(f, "DECLARE c CURSOR FOR SELECT count(*) FROM a", "cursor");
	struct plan *p = plan_of(f, "DECLARE c CURSOR FOR SELECT x FROM a WHERE k IN (1, 2)");
	assert_int_equal(p->merge, MERGE_REFUSED); /* unless both live on one shard */
	assert_int_equal(p->refusal.status, STATUS_UNROUTED);
}

static void fetch_and_close_are_the_sessions_own(void **state)
{
	struct fake *f = *state;
	struct plan *p = plan_of(f, "FETCH FORWARD 3 FROM c");
	assert_int_equal(p->class, PLAN_LOCAL);
	assert_int_equal(p->local.kind, LOCAL_FETCH);
	assert_string_equal(p->local.name, "c");
	assert_true(p->returns_rows);
	assert_false(plan_of(f, "MOVE c")->returns_rows);
	p = plan_of(f, "CLOSE c");
	assert_int_equal(p->local.kind, LOCAL_CLOSE);
	assert_string_equal(p->local.name, "c");
	assert_null(plan_of(f, "CLOSE ALL")->local.name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(declare_runs_where_its_query_runs, fake_setup,
						fake_teardown),
		cmocka_unit_test_setup_teardown(over_several_shards_it_is_refused, fake_setup,
						fake_teardown),
		cmocka_unit_test_setup_teardown(fetch_and_close_are_the_sessions_own, fake_setup,
						fake_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
