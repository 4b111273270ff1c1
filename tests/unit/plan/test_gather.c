/* What is brought together on one shard, and what is refused even so. */
#include "plan_world.h"

static void assert_gathered(struct fake *f, const char *sql, unsigned n_sources)
{
	struct plan *p = plan_of(f, sql);
	if (p->judge || p->merge != MERGE_GATHER)
		print_message("not gathered: %s\n  %s\n", sql, p->refusal.message);
	assert_false(p->judge);
	assert_int_equal(p->merge, MERGE_GATHER);
	assert_int_equal(p->n_sources, n_sources);
}

static void a_table_becomes_a_sub_query_of_its_named_columns(void **state)
{
	struct fake *f = *state;
	assert_gathered(f, "SELECT array_agg(x) FROM a", 1);
	assert_string_equal(f->plan->finish_text,
			    "SELECT array_agg(x) FROM (SELECT c0::pg_catalog.int4 AS \"x\" FROM "
			    "pg_catalog.unnest($1) AS u(c0)) AS \"a\"");
	assert_string_equal(f->plan->sources[0].branch,
			    "SELECT 0::pg_catalog.int4, \"x\"::pg_catalog.int4 FROM "
			    "\"public\".\"a\"");
	assert_int_equal(f->plan->sources[0].kind, SOURCE_SHARDED);
	assert_int_equal(f->plan->shipped[0], 23);
}

static void parameters_of_the_client_come_before_the_arrays(void **state)
{
	struct fake *f = *state;
	assert_gathered(f, "SELECT array_agg(z.x) FROM a z WHERE z.x > $1", 1);
	assert_int_equal(f->plan->n_client_params, 1);
	assert_non_null(strstr(f->plan->finish_text, "unnest($2)"));
	assert_null(strstr(f->plan->finish_text, "AS \"a\""));
}

static void each_instance_is_a_source_and_no_column_is_named_twice(void **state)
{
	struct fake *f = *state;
	assert_gathered(f, "SELECT o1.x FROM a o1 JOIN a o2 ON o1.x = o2.k", 2);
	assert_int_equal(f->plan->n_shipped, 2);
	assert_int_equal(f->plan->sources[1].first, 1);
	assert_non_null(strstr(f->plan->sources[1].branch, "NULL::pg_catalog.int4"));
}

static void reference_and_single_tables_travel_too(void **state)
{
	struct fake *f = *state;
	assert_gathered(f, "SELECT count(*) FROM ref LEFT JOIN a ON a.x = ref.id", 2);
	assert_int_equal(f->plan->sources[0].kind, SOURCE_COPY);
	assert_gathered(f, "SELECT count(*) FROM far, a WHERE far.id = a.x", 2);
	assert_int_equal(f->plan->sources[0].kind, SOURCE_SINGLE);
	assert_int_equal(f->plan->sources[0].shard, 1);
	assert_int_equal(f->plan->target, TARGET_EVERY);
}

static void a_column_that_grouping_prefers_to_a_label_travels(void **state)
{
	struct fake *f = *state;
	assert_gathered(f, "SELECT x AS t, array_agg(id) FROM a GROUP BY t, x", 1);
	assert_int_equal(f->plan->n_shipped, 3);
}

static void assert_filtered(struct fake *f, const char *sql, unsigned source, const char *where)
{
	assert_gathered(f, sql, f->plan ? f->plan->n_sources : 1);
	const char *at = strstr(f->plan->sources[source].branch, " WHERE ");
	assert_string_equal(at ? at : "", where);
}

static void rows_are_filtered_before_they_travel_where_that_changes_nothing(void **state)
{
	struct fake *f = *state;
	assert_gathered(f, "SELECT array_agg(k) FROM a WHERE x > 5 AND t LIKE 'a%'", 1);
	assert_filtered(f, "SELECT array_agg(k) FROM a WHERE x > 5 AND t LIKE 'a%'", 0,
			" WHERE (\"x\" OPERATOR(pg_catalog.>) (5)) AND "
			"(\"t\" OPERATOR(pg_catalog.~~) E'a%')");
	assert_filtered(f, "SELECT array_agg(k) FROM a WHERE x IN (1, 2) OR x IS NULL", 0,
			" WHERE ((\"x\" IN ((1), (2))) OR (\"x\" IS NULL))");
	assert_filtered(f, "SELECT array_agg(k) FROM a WHERE NOT x BETWEEN 1 AND 1 + 1", 0,
			" WHERE (NOT (\"x\" BETWEEN (1) AND ((1) OPERATOR(pg_catalog.+) (1))))");
	assert_filtered(f, "SELECT array_agg(k) FROM a WHERE x + 1 > 2 AND abs(x) = 1", 0, "");
	assert_filtered(f, "SELECT array_agg(k) FROM a WHERE t = 'now' AND x = 1", 0, "");
	assert_gathered(
		f, "SELECT 1 FROM a JOIN b ON a.x = b.x LEFT JOIN c ON c.x = b.x WHERE c.x IS NULL",
		3);
	assert_filtered(
		f, "SELECT 1 FROM a JOIN b ON a.x = b.x LEFT JOIN c ON c.x = b.x WHERE c.x IS NULL",
		2, "");
}

static void what_a_sub_query_in_the_tables_place_would_change_is_refused(void **state)
{
	static const char *const cases[] = {
		"SELECT array_agg(a) FROM a",
		"SELECT array_agg(ctid) FROM a",
		"SELECT array_agg(public.a.x) FROM a",
		"SELECT array_agg(x) FROM ONLY a",
		"SELECT x FROM a ORDER BY x LIMIT 1 FOR UPDATE",
		"SELECT array_agg(x) FROM a TABLESAMPLE SYSTEM (10)",
		"WITH d AS (DELETE FROM a RETURNING x) SELECT array_agg(x) FROM d",
	};
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(*state, cases[i], "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_table_becomes_a_sub_query_of_its_named_columns),
		TEST(parameters_of_the_client_come_before_the_arrays),
		TEST(each_instance_is_a_source_and_no_column_is_named_twice),
		TEST(reference_and_single_tables_travel_too),
		TEST(a_column_that_grouping_prefers_to_a_label_travels),
		TEST(rows_are_filtered_before_they_travel_where_that_changes_nothing),
		TEST(what_a_sub_query_in_the_tables_place_would_change_is_refused),
	};

	return cmocka_run_group_tests_name("gather", tests, NULL, NULL);
}
