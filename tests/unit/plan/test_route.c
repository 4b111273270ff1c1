/* Statements routed by their shard key. */
#include "plan_world.h"

static void equality_on_the_key_routes_to_one_key(void **state)
{
	struct fake *f = *state;
	assert_one_key(f, "SELECT * FROM a WHERE k = 42");
	assert_int_equal(f->plan->keys.sources[0].kind, KEY_LITERAL);
	assert_int_equal(f->plan->keys.sources[0].index, 0);
	assert_int_equal(f->plan->keys.sources[0].type_oid, 20);
	assert_false(f->plan->exact_text);
	assert_null(f->plan->text);
	assert_one_key(f, "SELECT x FROM a WHERE x > 3 AND 42 = k");
	assert_int_equal(f->plan->keys.sources[0].index, 1);
	assert_one_key(f, "SELECT * FROM uu WHERE k = '00000000-0000-0000-0000-000000000000'");
	assert_int_equal(f->plan->keys.sources[0].type_oid, 2950);
	assert_one_key(f, "SELECT * FROM public.a AS q WHERE q.k = 1");
	assert_one_key(f, "SELECT * FROM a WHERE k = CAST(7 AS int)");
	assert_one_key(f, "SELECT * FROM a WHERE k = bigint '7'");
	assert_one_key(f, "SELECT * FROM a WHERE k = '7'::bigint");
	assert_one_key(f, "SELECT * FROM a WHERE k OPERATOR(pg_catalog.=) 7");
}

static void minus_before_a_literal_is_part_of_the_key(void **state)
{
	struct fake *f = *state;
	assert_one_key(f, "SELECT * FROM a WHERE k = -5");
	assert_true(f->plan->keys.sources[0].negative);
	assert_one_key(f, "SELECT * FROM a WHERE x = 1 AND k = - -5");
	assert_false(f->plan->keys.sources[0].negative);
	assert_int_equal(f->plan->keys.sources[0].index, 1);
	assert_one_key(f, "SELECT * FROM a WHERE k = -9223372036854775808");
	assert_true(f->plan->keys.sources[0].negative);
}

static void strings_that_need_undoing_are_copied_into_the_plan(void **state)
{
	struct fake *f = *state;
	assert_one_key(f, "SELECT * FROM tt WHERE k = 'it''s'");
	assert_int_equal(f->plan->keys.sources[0].kind, KEY_LITERAL);
	assert_false(f->plan->exact_text);
	assert_one_key(f, "SELECT * FROM tt WHERE k = E'a\\tb'");
	assert_int_equal(f->plan->keys.sources[0].kind, KEY_TEXT);
	assert_true(str_is(f->plan->keys.sources[0].text, "a\tb"));
	assert_true(f->plan->exact_text);
	assert_one_key(f, "SELECT * FROM tt WHERE k = U&'\\0061'");
	assert_true(str_is(f->plan->keys.sources[0].text, "a"));
}

static void constants_of_other_types_do_not_route(void **state)
{
	static const char *const cases[] = {
		"SELECT * FROM a WHERE k = 42.0",
		"SELECT * FROM a WHERE k = 42::numeric",
		"SELECT * FROM a WHERE k = 42::float8",
		"SELECT * FROM a WHERE k = 40 + 2",
		"SELECT * FROM tt WHERE k = 'a'::char(3)",
		"SELECT * FROM tt WHERE k = 'a'::varchar(1)",
		"SELECT * FROM tt WHERE k = 'a' COLLATE \"C\"",
		"SELECT * FROM a WHERE k IN (1, 2.5)",
		"SELECT * FROM a WHERE k <> 1",
		"SELECT * FROM a WHERE k = ALL ('{1}')",
		"SELECT * FROM a WHERE NOT (k = 1)",
		"SELECT * FROM a WHERE k = 1 OR x = 1",
		"SELECT * FROM a WHERE (k = 1) IS NOT TRUE",
		"SELECT k = 1 FROM a",
		"SELECT CASE WHEN k = 1 THEN 2 END FROM a",
	};
	for (unsigned i = 0; i < FAKE_N(cases); i++)
		assert_scatter(*state, cases[i], MERGE_CONCAT);
}

static void parameters_route_by_their_declared_or_inferred_type(void **state)
{
	struct fake *f = *state;
	const uint32_t int4[] = { 23 }, numeric[] = { 1700 }, unknown[] = { 705 },
		       double_precision[] = { 701 };
	assert_one_key(f, "SELECT * FROM a WHERE k = $1");
	assert_int_equal(f->plan->keys.sources[0].kind, KEY_PARAM);
	assert_int_equal(f->plan->keys.sources[0].index, 1);
	assert_int_equal(f->plan->keys.sources[0].type_oid, 20);
	assert_int_equal(f->plan->param_types[0], 20);
	assert_false(f->plan->needs_param_types);
	plan_with(f, "SELECT * FROM a WHERE k = $1", int4, 1);
	assert_int_equal(f->plan->target, TARGET_KEYS);
	assert_int_equal(f->plan->keys.sources[0].type_oid, 23);
	plan_with(f, "SELECT * FROM a WHERE k = $1", unknown, 1);
	assert_int_equal(f->plan->keys.sources[0].type_oid, 20);
	plan_with(f, "SELECT * FROM a WHERE k = $1", numeric, 1);
	assert_int_equal(f->plan->target, TARGET_KEYS);
	plan_with(f, "SELECT * FROM a WHERE k = $1::int", numeric, 1);
	assert_int_equal(f->plan->target, TARGET_OWNERS);
	plan_with(f, "SELECT * FROM a WHERE k = $1", double_precision, 1);
	assert_int_equal(f->plan->target, TARGET_OWNERS);
	assert_one_key(f, "SELECT * FROM a WHERE k = $1::int");
	assert_int_equal(f->plan->keys.sources[0].type_oid, 23);
}

static void a_parameter_used_twice_is_described_first(void **state)
{
	struct fake *f = *state;
	const uint32_t int8[] = { 20 };
	assert_one_key(f, "SELECT $1 FROM a WHERE k = $1");
	assert_true(f->plan->needs_param_types);
	plan_with(f, "SELECT $1 FROM a WHERE k = $1", int8, 1);
	assert_false(f->plan->needs_param_types);
}

static void lists_and_arrays_give_several_keys_and_a_merge(void **state)
{
	struct fake *f = *state;
	struct plan *p = plan_of(f, "SELECT * FROM a WHERE k IN (1, -2, $1)");
	assert_int_equal(p->target, TARGET_KEYS);
	assert_int_equal(p->keys.n_rows, 3);
	assert_int_equal(p->merge, MERGE_CONCAT);
	p = plan_of(f, "SELECT * FROM a WHERE k = ANY('{1,2}')");
	assert_int_equal(p->keys.n_rows, 2);
	assert_true(p->exact_text);
	p = plan_of(f, "SELECT * FROM a WHERE k = ANY($1)");
	assert_int_equal(p->keys.sources[0].kind, KEY_PARAM_ARRAY);
	assert_int_equal(p->param_types[0], 1016);
	assert_int_equal(p->merge, MERGE_CONCAT);
	p = plan_of(f, "SELECT * FROM a WHERE (k = 1 AND x = 2) OR k = 3");
	assert_int_equal(p->keys.n_rows, 2);
	p = plan_of(f, "SELECT * FROM a WHERE k IN (1,2,3) AND k = 2");
	assert_int_equal(p->keys.n_rows, 1);
}

static void two_literals_may_name_one_shard_only_at_run_time(void **state)
{
	struct fake *f = *state;
	struct plan *p =
		plan_of(f, "SELECT k FROM a WHERE k = 1 UNION SELECT k FROM b WHERE k = 1");
	assert_int_equal(p->target, TARGET_KEYS);
	assert_int_equal(p->keys.n_rows, 2);
	assert_int_equal(p->merge, MERGE_GATHER);
	p = plan_of(f, "SELECT 1 FROM a, b WHERE a.k = $1 AND b.k = $2");
	assert_int_equal(p->keys.n_rows, 2);
	assert_int_equal(p->merge, MERGE_GATHER);
}

static void a_merge_that_is_gathered_still_serves_one_shard(void **state)
{
	struct fake *f = *state;
	struct plan *p = plan_of(f, "SELECT array_agg(x) FROM a WHERE k IN (1, 2)");
	assert_int_equal(p->target, TARGET_KEYS);
	assert_int_equal(p->merge, MERGE_GATHER);
	assert_string_equal(p->refusal.code, "0A000"); /* why it is not merged */
	assert_true(*p->refusal.hint != '\0');
}

static void keys_pass_through_joins_and_sub_queries(void **state)
{
	static const char *const cases[] = {
		"SELECT 1 FROM a JOIN b ON a.k = b.k WHERE a.k = 1",
		"SELECT 1 FROM a JOIN b USING (k) WHERE k = 1",
		"SELECT 1 FROM a NATURAL JOIN b WHERE k = 1",
		"SELECT 1 FROM a, b, c WHERE a.k = b.k AND b.k = c.k AND c.k = 1",
		"SELECT 1 FROM a LEFT JOIN b ON a.k = b.k WHERE a.k = 1",
		"SELECT 1 FROM (SELECT * FROM a) s WHERE k = 1",
		"SELECT 1 FROM (SELECT k AS q, count(*) FROM a GROUP BY k) s WHERE q = 1",
		"SELECT 1 FROM (SELECT DISTINCT k FROM a) s WHERE k = 1",
		"WITH q AS (SELECT * FROM a) SELECT 1 FROM q WHERE k = 1",
		"WITH q AS (SELECT * FROM a WHERE k = 1) SELECT 1 FROM q x, q y",
		"SELECT 1 FROM a WHERE k = 1 AND EXISTS (SELECT 1 FROM b WHERE b.k = a.k)",
		"SELECT (SELECT max(x) FROM b WHERE b.k = a.k) FROM a WHERE k = 1",
		"SELECT 1 FROM a, LATERAL (SELECT x FROM b WHERE b.k = a.k LIMIT 1) s WHERE a.k = 1",
		"SELECT 1 FROM (SELECT k FROM a UNION ALL SELECT k FROM b) s WHERE k = 1",
		"SELECT 1 FROM (a JOIN b USING (k)) AS j WHERE j.k = 1",
		"SELECT 1 FROM a WHERE k IN (SELECT k FROM b WHERE k = 1)",
		"WITH d AS (DELETE FROM a WHERE k = 1 RETURNING *) SELECT * FROM d",
		"SELECT r.name FROM ref r LEFT JOIN a ON a.x = r.id AND a.k = 1",
	};
	for (unsigned i = 0; i < FAKE_N(cases); i++)
		assert_one_key(*state, cases[i]);
}

static void restrictions_do_not_leak_where_rows_survive_without_them(void **state)
{
	struct fake *f = *state;
	assert_scatter(f, "SELECT a.k FROM a LEFT JOIN b ON a.k = b.k AND b.k = 2", MERGE_CONCAT);
	assert_scatter(f, "SELECT a.k FROM a LEFT JOIN b ON a.k = b.k AND a.k = 2", MERGE_CONCAT);
	assert_not_merged(f, "SELECT 1 FROM a CROSS JOIN b LEFT JOIN c ON a.k = b.k AND c.k = a.k",
			  "\"b\"");
	assert_not_merged(f, "SELECT 1 FROM a FULL JOIN b ON a.k = b.k AND a.k = 1", "FULL JOIN");
	assert_not_merged(f, "WITH q AS (SELECT * FROM a) SELECT 1 FROM q x, q y WHERE x.k = 1",
			  "FROM");
	assert_not_merged(f, "SELECT 1 FROM (SELECT k FROM a LIMIT 3) s WHERE k = 1", "FROM");
	assert_not_merged(f, "SELECT 1 FROM a o1, a o2 WHERE o1.k = 1", "\"o2\"");
	assert_not_merged(
		f, "SELECT 1 FROM a WHERE k NOT IN (SELECT k FROM b WHERE k = 1) AND x = 1", "");
	assert_scatter(
		f, "SELECT k FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.k = a.k AND b.k = 1)",
		MERGE_CONCAT);
}

static void null_as_the_key_finds_no_row_but_still_runs_once(void **state)
{
	struct fake *f = *state;
	assert_one_key(f, "SELECT count(*) FROM a WHERE k = NULL");
	assert_int_equal(f->plan->keys.sources[0].kind, KEY_NULL);
	assert_false(f->plan->keys.is_insert);
}

static void a_composite_key_needs_every_column(void **state)
{
	struct fake *f = *state;
	assert_one_key(f, "SELECT * FROM two WHERE k1 = 1 AND k2 = 2");
	assert_int_equal(f->plan->keys.n_keys, 2);
	struct plan *p = plan_of(f, "SELECT * FROM two WHERE k1 = 1 AND k2 IN (2, 3)");
	assert_int_equal(p->keys.n_rows, 2);
	assert_scatter(f, "SELECT * FROM two WHERE k1 = 1", MERGE_CONCAT);
	assert_not_merged(f, "SELECT 1 FROM two x JOIN two y USING (k1)", "\"y\"");
}

static void names_follow_the_search_path(void **state)
{
	struct fake *f = *state;
	assert_target(f, "SELECT * FROM other.o", TARGET_OWNERS);
	plan_of(f, "SELECT * FROM o");
	assert_true(f->plan->judge && f->plan->unknown_relation);
	f->search_path = "other, public";
	assert_target(f, "SELECT * FROM o", TARGET_OWNERS);
	assert_one_key(f, "WITH a AS (SELECT * FROM b) SELECT * FROM a WHERE k = 1");
	assert_target(f, "WITH a AS (SELECT 1 AS k) SELECT * FROM a", TARGET_ANY);
}

static void single_tables_pin_the_shard_of_a_routed_statement(void **state)
{
	struct fake *f = *state;
	assert_target(f, "SELECT * FROM solo", TARGET_SHARD);
	assert_int_equal(f->plan->shard, 0);
	assert_target(f, "SELECT * FROM far JOIN ref ON far.id = ref.id", TARGET_SHARD);
	assert_int_equal(f->plan->shard, 1);
	assert_one_key(f, "SELECT * FROM far, a WHERE a.k = 1");
	assert_int_equal(f->plan->must_be_shard, 1);
	assert_not_merged(f, "SELECT * FROM solo, a", "solo");
	assert_refused(f, "SELECT * FROM solo, far", "two shards");
}

static void statements_without_sharded_tables_find_their_place(void **state)
{
	struct fake *f = *state;
	assert_target(f, "SELECT 1", TARGET_ANY);
	assert_target(f, "VALUES (1), (2)", TARGET_ANY);
	assert_target(f, "SELECT * FROM ref", TARGET_ANY);
	assert_target(f, "SELECT * FROM ref FOR UPDATE", TARGET_SHARD);
	assert_true(f->plan->locks_rows);
	assert_target(f, "SELECT relname FROM pg_class", TARGET_SHARD);
	assert_target(f, "SELECT nextval('seq')", TARGET_SHARD);
	assert_true(f->plan->writes);
	assert_target(f, "SELECT pg_backend_pid()", TARGET_SHARD);
	assert_target(f, "SELECT now()", TARGET_ANY);
	assert_true(f->plan->uses_clock);
	assert_target(f, "SELECT last_value FROM seq", TARGET_SHARD);
	assert_refused(f, "SELECT * FROM pg_class, a", "system catalogs");
	assert_refused(f, "SELECT * FROM v", "view");
}

static void opaque_functions_and_session_state_are_refused(void **state)
{
	struct fake *f = *state;
	assert_refused(f, "SELECT my_stable(k) FROM a WHERE k = 1", "my_stable");
	assert_one_key(f, "SELECT my_immutable(k) FROM a WHERE k = 1");
	assert_refused(f, "SELECT currval('seq')", "currval");
	assert_refused(f, "SELECT lastval()", "lastval");
	assert_refused(f, "SELECT query_to_xml('SELECT 1', true, false, '')", "query_to_xml");
	assert_target(f, "SELECT pg_advisory_xact_lock(1)", TARGET_SHARD);
	assert_refused(f, "SELECT pg_advisory_xact_lock(1) FROM a WHERE k = 1",
		       "pg_advisory_xact_lock");
	assert_refused(f, "SELECT nextval('seq') FROM a WHERE k = 1", "nextval");
	assert_refused(f, "SELECT set_config('x', 'y', false) FROM a", "set_config");
	assert_refused(f, "UPDATE a SET x = 1 WHERE CURRENT OF c", "CURRENT OF");
}

static void one_shard_takes_every_query_as_it_is(void **state)
{
	struct fake *f = *state;
	static const char *const cases[] = { "SELECT count(*) FROM a, solo, v",
					     "SELECT my_stable(1) FROM a FULL JOIN b ON true",
					     "INSERT INTO ser (k) SELECT 1",
					     "UPDATE ref SET v = random() RETURNING *" };
	for (unsigned i = 0; i < FAKE_N(cases); i++) {
		assert_target(f, cases[i], TARGET_SHARD);
		assert_null(f->plan->text);
	}
}

static void text_the_grammar_rejects_is_judged_by_the_home_shard(void **state)
{
	struct fake *f = *state;
	struct plan *p = plan_of(f, "SELEC 1");
	assert_true(p->judge);
	assert_int_equal(p->target, TARGET_SHARD);
	assert_string_equal(p->refusal.code, "0A000");
	p = plan_of(f, "SELECT nosuch FROM a ORDER BY nosuch");
	assert_true(p->judge);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)
	const struct CMUnitTest tests[] = {
		TEST(equality_on_the_key_routes_to_one_key),
		TEST(minus_before_a_literal_is_part_of_the_key),
		TEST(strings_that_need_undoing_are_copied_into_the_plan),
		TEST(constants_of_other_types_do_not_route),
		TEST(parameters_route_by_their_declared_or_inferred_type),
		TEST(a_parameter_used_twice_is_described_first),
		TEST(lists_and_arrays_give_several_keys_and_a_merge),
		TEST(two_literals_may_name_one_shard_only_at_run_time),
		TEST(a_merge_that_is_gathered_still_serves_one_shard),
		TEST(keys_pass_through_joins_and_sub_queries),
		TEST(restrictions_do_not_leak_where_rows_survive_without_them),
		TEST(null_as_the_key_finds_no_row_but_still_runs_once),
		TEST(a_composite_key_needs_every_column),
		TEST(names_follow_the_search_path),
		TEST(single_tables_pin_the_shard_of_a_routed_statement),
		TEST(statements_without_sharded_tables_find_their_place),
		TEST(opaque_functions_and_session_state_are_refused),
		TEST(text_the_grammar_rejects_is_judged_by_the_home_shard),
		cmocka_unit_test_setup_teardown(one_shard_takes_every_query_as_it_is,
						fake_setup_one, fake_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
