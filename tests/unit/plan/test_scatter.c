/* Statements over several shards: what is merged, and how the shards' text differs. */
#include "plan_world.h"

static void rows_without_order_are_put_together(void **state)
{
	static const char *const cases[] = {
		"SELECT * FROM a",
		"TABLE b",
		"SELECT FROM a",
		"SELECT a.k, b.x FROM a JOIN b ON a.k = b.k",
		"SELECT a.k FROM a LEFT JOIN b ON a.k = b.k",
		"SELECT b.k FROM a RIGHT JOIN b ON a.k = b.k",
		"SELECT a.k, r.name FROM a LEFT JOIN ref r ON a.x = r.id",
		"SELECT a.k FROM ref r, a WHERE a.x = r.id",
		"SELECT * FROM a WHERE x IN (SELECT id FROM ref)",
		"SELECT * FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.k = a.k)",
		"SELECT k FROM a WHERE k IN (SELECT k FROM b)",
		"SELECT * FROM (SELECT k FROM a WHERE x > 5) s",
		"WITH q AS (SELECT k FROM a) SELECT * FROM q",
		"SELECT k, count(*) FROM a GROUP BY k HAVING count(*) > 1",
		"SELECT DISTINCT k, x FROM a",
		"SELECT k, row_number() OVER (PARTITION BY k ORDER BY id) FROM a",
		"SELECT k, row_number() OVER w FROM a WINDOW w AS (PARTITION BY k)",
		"SELECT random(), k FROM a",
		"SELECT k FROM a FOR UPDATE",
		"SELECT tableoid::regclass, k FROM a",
		"SELECT k, g FROM a, generate_series(1, 2) g",
	};
	struct fake *f = *state;
	for (unsigned i = 0; i < FAKE_N(cases); i++) {
		assert_scatter(f, cases[i], MERGE_CONCAT);
		assert_null(f->plan->text);
	}
}

static void what_one_shard_cannot_know_is_not_merged(void **state)
{
	static const char *const cases[][2] = {
		{ "SELECT 1 FROM a JOIN b ON a.x = b.x", "shard key" },
		{ "SELECT 1 FROM a, b", "shard key" },
		{ "SELECT 1 FROM a JOIN b ON a.k = b.k OR a.id = b.id", "shard key" },
		{ "SELECT 1 FROM a JOIN b ON a.k = b.id", "shard key" },
		{ "SELECT 1 FROM ref r LEFT JOIN a ON a.x = r.id", "FROM" },
		{ "SELECT 1 FROM ref r FULL JOIN a ON a.x = r.id", "FULL JOIN" },
		{ "SELECT 1 FROM ref WHERE id IN (SELECT x FROM a)", "FROM" },
		{ "SELECT EXISTS (SELECT 1 FROM a WHERE x = 11)", "FROM" },
		{ "SELECT count(*) FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.x = 2)", "\"b\"" },
		{ "SELECT 1 FROM ref r, LATERAL (SELECT x FROM a WHERE a.x > r.id ORDER BY x LIMIT 1) s",
		  "FROM" },
		{ "SELECT 1 FROM (SELECT k FROM a LIMIT 3) s", "FROM" },
		{ "SELECT (SELECT sum(a.x)) FROM a", "outer query" },
		{ "SELECT k FROM a UNION SELECT k FROM b", "UNION" },
		{ "SELECT DISTINCT count(*) FROM a GROUP BY k", "DISTINCT" },
		{ "SELECT DISTINCT ON (x) x FROM a", "DISTINCT ON" },
		{ "SELECT row_number() OVER (ORDER BY k) FROM a", "window" },
		{ "SELECT now() FROM a", "now()" },
		{ "SELECT 1 FROM a WHERE d < 'today'", "'now'" },
		{ "SELECT ctid FROM a", "system column" },
		{ "SELECT a FROM a", "whole-row" },
		{ "SELECT 'a'::regclass FROM a", "object identifier" },
		{ "SELECT current_database() FROM a", "current_database" },
		{ "WITH r AS (SELECT random() v) SELECT v FROM a, r", "volatile" },
		{ "SELECT 1 FROM a, random() r", "volatile" },
		{ "SELECT 1 FROM a WHERE x IN (SELECT id FROM ref LIMIT 1)", "row order" },
		{ "SELECT k FROM a LIMIT 1 FOR UPDATE", "LIMIT" },
		{ "SELECT k FROM a TABLESAMPLE BERNOULLI (10)", "TABLESAMPLE" },
		{ "WITH RECURSIVE q AS (SELECT k FROM a UNION ALL SELECT k FROM q) SELECT * FROM q",
		  "" },
		{ "WITH d AS (DELETE FROM a RETURNING k) SELECT * FROM d", "" },
		{ "SELECT a.k FROM a JOIN tt ON a.id = tt.id", "two distributions" },
	};
	for (unsigned i = 0; i < FAKE_N(cases); i++)
		assert_not_merged(*state, cases[i][0], cases[i][1]);
}

static void order_by_travels_as_hidden_columns(void **state)
{
	struct fake *f = *state;
	assert_scatter(f, "SELECT k, id FROM a ORDER BY x DESC, a.t NULLS FIRST;", MERGE_SORT);
	assert_string_equal(f->plan->text,
			    "SELECT k, id, (x) AS mosaic_k1, (a.t) AS mosaic_k2 FROM a "
			    "ORDER BY x DESC, a.t NULLS FIRST;");
	assert_int_equal(f->plan->n_sort, 2);
	assert_int_equal(f->plan->sort[0].type_oid, 23);
	assert_true(f->plan->sort[0].descending && f->plan->sort[0].nulls_first);
	assert_true(!f->plan->sort[1].descending && f->plan->sort[1].nulls_first);
	assert_true(f->plan->sort[1].is_c_collation);
	assert_int_equal(f->plan->n_output, 2);
	assert_true(f->plan->exact_text);
	assert_scatter(f, "SELECT FROM a ORDER BY k", MERGE_SORT);
	assert_string_equal(f->plan->text, "SELECT (k) AS mosaic_k1 FROM a ORDER BY k");
}

static void a_bare_name_in_order_by_is_an_output_column_first(void **state)
{
	struct fake *f = *state;
	assert_scatter(f, "SELECT -k AS x FROM a ORDER BY x", MERGE_SORT);
	assert_string_equal(f->plan->text, "SELECT -k AS x, (-k) AS mosaic_k1 FROM a ORDER BY x");
	assert_int_equal(f->plan->sort[0].type_oid, 20);
	assert_scatter(f, "SELECT -k AS x FROM a ORDER BY x + 0", MERGE_SORT);
	assert_string_equal(f->plan->text,
			    "SELECT -k AS x, (x + 0) AS mosaic_k1 FROM a ORDER BY x + 0");
	assert_scatter(f, "SELECT * FROM a ORDER BY 3, 1", MERGE_SORT);
	assert_string_equal(f->plan->text, "SELECT *, (\"a\".\"x\") AS mosaic_k1, (\"a\".\"k\") AS "
					   "mosaic_k2 FROM a ORDER BY 3, 1");
	assert_scatter(f, "SELECT k, count(*) c FROM a GROUP BY k ORDER BY c DESC", MERGE_SORT);
	assert_string_equal(f->plan->text,
			    "SELECT k, count(*) c, (count(*)) AS mosaic_k1 FROM a GROUP BY "
			    "k ORDER BY c DESC");
}

static void order_that_the_proxy_cannot_repeat_is_not_merged(void **state)
{
	static const char *const cases[] = {
		"SELECT k FROM a ORDER BY random()",
		"SELECT random() r FROM a ORDER BY r",
		"SELECT k FROM a ORDER BY k USING >",
		"SELECT k FROM a ORDER BY (k, id)",
		"SELECT k FROM a ORDER BY t COLLATE \"en_US\"",
		"SELECT k FROM a ORDER BY nosuch",
		"SELECT k FROM a ORDER BY 5",
		"TABLE a ORDER BY k",
	};
	for (unsigned i = 0; i < FAKE_N(cases); i++)
		assert_not_merged(*state, cases[i], "ORDER BY");
}

static void limit_is_cut_out_of_the_shards_text(void **state)
{
	struct fake *f = *state;
	struct plan *p = plan_of(f, "SELECT k FROM a LIMIT 5 OFFSET 2 -- end");
	assert_int_equal(p->merge, MERGE_CONCAT);
	assert_string_equal(p->text, "SELECT k FROM a   -- end");
	assert_int_equal(p->limit_at, 15);
	assert_int_equal(p->limit.kind, COUNT_CONST);
	assert_int_equal(p->limit.value, 5);
	assert_int_equal(p->offset.value, 2);
	p = plan_of(f, "SELECT k FROM a ORDER BY k LIMIT -1");
	assert_int_equal(p->limit.value, -1);
	assert_int_equal(p->limit_at, strlen("SELECT k, (k) AS mosaic_k1 FROM a ORDER BY k"));
	p = plan_of(f, "SELECT k FROM a LIMIT ALL OFFSET NULL");
	assert_int_equal(p->limit.kind, COUNT_NULL);
	p = plan_of(f, "SELECT k FROM a FETCH FIRST ROW ONLY");
	assert_int_equal(p->limit.value, 1);
	p = plan_of(f, "SELECT k FROM a LIMIT $1");
	assert_int_equal(p->limit.kind, COUNT_PARAM);
	assert_true(p->needs_param_types);
	assert_not_merged(f, "SELECT k FROM a LIMIT 1 + 1", "LIMIT");
	assert_not_merged(f, "SELECT k FROM a ORDER BY k FETCH FIRST 2 ROWS WITH TIES",
			  "WITH TIES");
}

static void aggregates_are_finished_over_partial_columns(void **state)
{
	struct fake *f = *state;
	assert_scatter(f, "SELECT count(*), sum(x) - 1, avg(n) AS m FROM a WHERE x > 2",
		       MERGE_AGGREGATE);
	assert_string_equal(f->plan->text,
			    "SELECT count(*) AS p1, sum(x) AS p2, sum(n) AS p3, count(n) "
			    "AS p4 FROM a WHERE x > 2");
	assert_string_equal(
		f->plan->finish_text,
		"SELECT coalesce(sum(p1), 0)::bigint AS \"count\", sum(p2)::bigint - 1 AS "
		"\"?column?\", (sum(p3)::numeric / nullif(sum(p4), 0)::numeric) AS \"m\" FROM "
		"unnest($1, $2, $3, $4) AS w(p1, p2, p3, p4)");
	assert_int_equal(f->plan->n_partials, 4);
	assert_true(f->plan->exact_text);
	assert_scatter(f, "SELECT count(*) FILTER (WHERE x > 5), max(t) FROM a LIMIT 1",
		       MERGE_AGGREGATE);
	assert_string_equal(f->plan->text,
			    "SELECT count(*) FILTER (WHERE x > 5) AS p1, max(t) AS p2 FROM a");
	assert_scatter(f, "SELECT 'y' FROM a HAVING true", MERGE_AGGREGATE);
	assert_string_equal(f->plan->finish_text,
			    "SELECT 'y' AS \"?column?\" FROM unnest($1) AS w(p1) HAVING true");
}

static void groups_without_the_key_are_grouped_again(void **state)
{
	struct fake *f = *state;
	assert_scatter(f,
		       "SELECT x, count(*) FROM a GROUP BY x HAVING sum(id) > 2 ORDER BY x LIMIT 3",
		       MERGE_AGGREGATE);
	assert_string_equal(f->plan->text,
			    "SELECT x AS p1, count(*) AS p2, sum(id) AS p3 FROM a GROUP BY 1");
	assert_string_equal(
		f->plan->finish_text,
		"SELECT p1 AS \"x\", coalesce(sum(p2), 0)::bigint AS \"count\" FROM unnest($1, "
		"$2, $3) AS w(p1, p2, p3) GROUP BY p1 HAVING sum(p3)::bigint > 2 ORDER BY x "
		"LIMIT 3");
	assert_scatter(f, "SELECT k % 3 AS m, max(x) FROM a GROUP BY m", MERGE_AGGREGATE);
	assert_string_equal(f->plan->text, "SELECT k % 3 AS p1, max(x) AS p2 FROM a GROUP BY 1");
	assert_scatter(f, "SELECT DISTINCT x FROM a ORDER BY x", MERGE_AGGREGATE);
	assert_string_equal(f->plan->finish_text,
			    "SELECT DISTINCT p1 AS \"x\" FROM unnest($1) AS w(p1) ORDER BY x");
	assert_scatter(f, "SELECT count(DISTINCT x), sum(id) FROM a", MERGE_AGGREGATE);
	assert_string_equal(f->plan->text, "SELECT  x AS p1, sum(id) AS p2 FROM a GROUP BY 1");
}

static void a_key_from_the_nullable_side_does_not_group(void **state)
{
	struct fake *f = *state;
	assert_scatter(f, "SELECT b.k, count(*) FROM a LEFT JOIN b ON a.k = b.k GROUP BY b.k",
		       MERGE_AGGREGATE);
	assert_scatter(f, "SELECT a.k, count(*) FROM a LEFT JOIN b ON a.k = b.k GROUP BY a.k",
		       MERGE_CONCAT);
}

static void aggregates_that_cannot_be_split_are_not_merged(void **state)
{
	static const char *const cases[] = {
		"SELECT array_agg(x) FROM a",
		"SELECT string_agg(t, ',') FROM a",
		"SELECT stddev(x) FROM a",
		"SELECT sum(t) FROM a",
		"SELECT x, count(*) FROM a",
		"SELECT count(*) + $1 FROM a",
		"SELECT count(*), (SELECT 1) FROM a",
		"SELECT x, count(*) FROM a GROUP BY ROLLUP (x)",
		"SELECT t, x FROM a GROUP BY t",
		"SELECT n, count(*) FROM a GROUP BY n",
		"SELECT sum(DISTINCT n) FROM a",
		"SELECT count(DISTINCT x) FILTER (WHERE k > 3) FROM a",
		"SELECT sum(x) OVER (), count(*) FROM a GROUP BY x",
	};
	for (unsigned i = 0; i < FAKE_N(cases); i++)
		assert_not_merged(*state, cases[i], "over several shards");
}

static void positions_in_the_shards_text_map_back(void **state)
{
	struct fake *f = *state;
	const char *sql = "SELECT 'ü', k FROM a ORDER BY x, k LIMIT 3";
	struct plan *p = plan_of(f, sql);
	const char *order = strstr(p->text, "ORDER");
	int position = 1;
	for (const char *c = p->text; c < order; c++)
		position += ((unsigned char)*c & 0xC0) != 0x80;
	assert_int_equal(plan_client_position(p, str_of(sql), position), 22);
	assert_int_equal(plan_client_position(p, str_of(sql), 8), 8);
	p = plan_of(f, "SELECT * FROM a");
	assert_int_equal(plan_client_position(p, str_of("SELECT * FROM a"), 15), 15);
}

static void deep_nesting_is_refused_before_the_parser_sees_it(void **state)
{
	struct fake *f = *state;
	size_t n = 100000;
	char *sql = malloc(2 * n + 32), *o = sql + sprintf(sql, "SELECT 1");
	for (size_t i = 0; i < n; i++)
		o += sprintf(o, "+1");
	assert_null(plan_with(f, sql, NULL, 0));
	assert_string_equal(f->err.code, "54001");
	free(sql);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)
	const struct CMUnitTest tests[] = {
		TEST(rows_without_order_are_put_together),
		TEST(what_one_shard_cannot_know_is_not_merged),
		TEST(order_by_travels_as_hidden_columns),
		TEST(a_bare_name_in_order_by_is_an_output_column_first),
		TEST(order_that_the_proxy_cannot_repeat_is_not_merged),
		TEST(limit_is_cut_out_of_the_shards_text),
		TEST(aggregates_are_finished_over_partial_columns),
		TEST(groups_without_the_key_are_grouped_again),
		TEST(a_key_from_the_nullable_side_does_not_group),
		TEST(aggregates_that_cannot_be_split_are_not_merged),
		TEST(positions_in_the_shards_text_map_back),
		TEST(deep_nesting_is_refused_before_the_parser_sees_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
