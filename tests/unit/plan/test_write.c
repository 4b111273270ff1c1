/* INSERT, UPDATE, DELETE and COPY. */
#include "plan_world.h"

static void one_row_goes_to_the_owner_of_its_key(void **state)
{
	struct fake *f = *state;
	assert_one_key(f, "INSERT INTO a VALUES (1, 2, 3)");
	assert_true(f->plan->keys.is_insert && f->plan->writes);
	assert_false(f->plan->exact_text);
	assert_one_key(f, "INSERT INTO a (id, k) VALUES (2, $1) RETURNING *");
	assert_int_equal(f->plan->keys.sources[0].kind, KEY_PARAM);
	assert_int_equal(f->plan->param_types[0], 20);
	assert_true(f->plan->returns_rows);
	assert_one_key(f, "INSERT INTO tt (k, id) VALUES ('x', 1)");
	assert_one_key(f, "INSERT INTO nk (v) VALUES (1)");
	assert_int_equal(f->plan->keys.sources[0].kind, KEY_NULL);
	assert_one_key(f, "INSERT INTO nk VALUES (DEFAULT, 1)");
	assert_int_equal(f->plan->keys.sources[0].kind, KEY_NULL);
	assert_one_key(f, "INSERT INTO a (k, id, d) VALUES (1, 2, current_date)");
	assert_true(f->plan->uses_clock);
	assert_one_key(f, "INSERT INTO a (k, id, x) VALUES (1, 2, (SELECT max(v) FROM ref))");
	assert_one_key(f, "INSERT INTO vc VALUES ('abc', 1)");
	assert_int_equal(f->plan->keys.sources[0].kind, KEY_LITERAL);
	assert_true(f->plan->keys.sources[0].column_typmod > 0);
}

static void several_rows_are_cut_by_their_parentheses(void **state)
{
	struct fake *f = *state;
	const char *sql = "INSERT INTO a (k, id) VALUES (1, 2), ($1, (3)) , (-4, 5) RETURNING k";
	struct plan *p = plan_of(f, sql);
	assert_int_equal(p->merge, MERGE_INSERT);
	assert_int_equal(p->keys.n_rows, 3);
	assert_true(p->exact_text);
	assert_memory_equal(sql + p->rows[0].at, "(1, 2)", p->rows[0].length);
	assert_memory_equal(sql + p->rows[1].at, "($1, (3))", p->rows[1].length);
	assert_memory_equal(sql + p->rows[2].at, "(-4, 5)", p->rows[2].length);
	assert_true(p->keys.sources[2].negative);
	p = plan_of(f, "INSERT INTO a (k, id, d) VALUES (1, 2, now()), (2, 3, now())");
	assert_int_equal(p->merge, MERGE_REFUSED);
	assert_non_null(strstr(p->refusal.message, "now()"));
	p = plan_of(f, "INSERT INTO a (k, id, x) VALUES (1, 2, (SELECT 1)), (2, 3, 4)");
	assert_int_equal(p->merge, MERGE_REFUSED);
}

static void inserts_that_would_differ_from_one_server_are_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "INSERT INTO a (k, id) VALUES (abs(-4), 1)", "expression" },
		{ "INSERT INTO a (k, id) VALUES ($1 + 1, 1)", "expression" },
		{ "INSERT INTO a (k, id) VALUES (1e3, 1)", "expression" },
		{ "INSERT INTO a (k, id) VALUES (2147483647 + 1, 1)", "expression" },
		{ "INSERT INTO a (k, id) VALUES ('42'::text, 1)", "expression" },
		{ "INSERT INTO lone (k) VALUES (1)", "do not share" },
		{ "INSERT INTO lone VALUES (1, DEFAULT)", "do not share" },
		{ "UPDATE lone SET id = DEFAULT WHERE k = 1", "do not share" },
		{ "INSERT INTO cust (name) SELECT t FROM a WHERE k = 1", "the proxy draws" },
		{ "INSERT INTO trg VALUES (1, 2)", "triggers" },
		{ "INSERT INTO other.o (k, id) VALUES (1, 2) ON CONFLICT (id) DO NOTHING",
		  "ON CONFLICT" },
		{ "INSERT INTO a (k, id) VALUES (1, 2) ON CONFLICT (k, id) DO UPDATE SET k = 3",
		  "shard key" },
		{ "INSERT INTO a (k, id) VALUES (1, 2, 3)", "do not fit" },
		{ "INSERT INTO a (k, id) SELECT x, id FROM b", "shard key" },
		{ "INSERT INTO a (k, id) SELECT k, id FROM b LIMIT 5", "INSERT" },
		{ "INSERT INTO a (k, id) SELECT k + 1, id FROM b", "shard key" },
		{ "WITH q AS (INSERT INTO a (k, id) VALUES (8, 1) RETURNING k) SELECT * FROM q",
		  "WITH" },
	};
	for (unsigned i = 0; i < FAKE_N(cases); i++)
		assert_refused(*state, cases[i][0], cases[i][1]);
}

static void constants_of_other_types_are_assigned_as_postgresql_does(void **state)
{
	static const char *const cases[][2] = {
		{ "INSERT INTO a (k, id) VALUES (40 + 2, 1)", "42" },
		{ "INSERT INTO a (k, id) VALUES (-(3 * 5) - 1, 1)", "-16" },
		{ "INSERT INTO a (k, id) VALUES (42.5, 1)", "43" },
		{ "INSERT INTO a (k, id) VALUES (-42.5, 1)", "-43" },
		{ "INSERT INTO a (k, id) VALUES (42.4, 1)", "42" },
		{ "INSERT INTO a (k, id) VALUES (42.5::float8, 1)", "42" },
		{ "INSERT INTO a (k, id) VALUES (43.5::float8, 1)", "44" },
		{ "INSERT INTO tt (k, id) VALUES (5, 1)", "5" },
		{ "INSERT INTO tt (k, id) VALUES ('b '::char(3), 1)", "b" },
		{ "INSERT INTO tt (k, id) VALUES ('abcd'::char(2), 1)", "ab" },
	};
	struct fake *f = *state;
	for (unsigned i = 0; i < FAKE_N(cases); i++) {
		assert_one_key(f, cases[i][0]);
		assert_int_equal(f->plan->keys.sources[0].kind, KEY_TEXT);
		assert_true(str_is(f->plan->keys.sources[0].text, cases[i][1]));
		assert_true(f->plan->exact_text);
	}
}

static void upserts_by_the_key_are_routed(void **state)
{
	struct fake *f = *state;
	assert_one_key(f, "INSERT INTO a (k, id) VALUES (1, 2) ON CONFLICT DO NOTHING");
	assert_one_key(
		f,
		"INSERT INTO a (k, id, x) VALUES (1, 2, 3) ON CONFLICT (k, id) DO UPDATE SET x = "
		"excluded.x, k = excluded.k WHERE a.x <> 5");
	assert_one_key(
		f,
		"INSERT INTO a (k, id) VALUES (1, 2) ON CONFLICT ON CONSTRAINT a_pkey DO NOTHING");
}

static void insert_select_runs_where_its_rows_are(void **state)
{
	struct fake *f = *state;
	assert_scatter(f, "INSERT INTO a (k, id) SELECT k, id FROM b WHERE x > 5", MERGE_WRITE);
	assert_scatter(f, "INSERT INTO a SELECT * FROM b", MERGE_WRITE);
	assert_one_key(f, "INSERT INTO a (k, id) SELECT k, id FROM b WHERE k = 3 LIMIT 5");
	assert_one_key(f, "INSERT INTO a (k, id) SELECT 7, id FROM ref");
	assert_target(f, "INSERT INTO solo SELECT * FROM solo", TARGET_SHARD);
}

static void updates_and_deletes_are_routed_or_scattered(void **state)
{
	struct fake *f = *state;
	assert_one_key(f, "UPDATE a SET x = x + 1 WHERE k = 5");
	assert_one_key(f, "DELETE FROM a USING b WHERE a.k = b.k AND b.k = 5");
	assert_one_key(f, "UPDATE a SET x = (SELECT max(x) FROM b WHERE b.k = a.k) WHERE k = 5");
	assert_scatter(f, "UPDATE a SET x = x + 1, t = lower(t)", MERGE_WRITE);
	assert_scatter(f, "DELETE FROM a WHERE x > 5 RETURNING *", MERGE_WRITE);
	assert_scatter(f, "UPDATE a SET x = 1, k = k WHERE x = 2", MERGE_WRITE);
	struct plan *p = plan_of(f, "DELETE FROM a WHERE k IN (1, 2)");
	assert_int_equal(p->target, TARGET_KEYS);
	assert_int_equal(p->merge, MERGE_WRITE);
	assert_refused(f, "UPDATE a SET k = 5 WHERE k = 4", "shard key");
	assert_refused(f, "UPDATE a SET x = b.x FROM b WHERE a.k = b.k", "UPDATE");
	assert_refused(f, "UPDATE a SET x = (SELECT 1)", "sub-query");
	assert_refused(f, "UPDATE a SET d = now()", "now()");
	assert_refused(f, "DELETE FROM a WHERE ctid = '(0,1)'", "system column");
	assert_refused(f, "DELETE FROM trg WHERE k = 1", "triggers");
	assert_refused(f, "MERGE INTO a USING b ON a.k = b.k WHEN MATCHED THEN DELETE", "MERGE");
}

static void reference_tables_are_written_everywhere_when_that_is_the_same(void **state)
{
	struct fake *f = *state;
	assert_target(f, "UPDATE ref SET v = v + 1 WHERE id = 3", TARGET_EVERY);
	assert_true(f->plan->lock_reference);
	assert_int_equal(f->plan->n_lock_tables, 1);
	assert_string_equal(f->plan->lock_tables[0], "\"public\".\"ref\"");
	assert_target(f, "INSERT INTO ref2 VALUES (1, $1), (2, 'x')", TARGET_EVERY);
	assert_target(f, "DELETE FROM ref2", TARGET_EVERY);
	assert_refused(f, "UPDATE ref SET at = now()", "differ");
	assert_refused(f, "UPDATE ref SET v = random()", "differ");
	assert_refused(f, "INSERT INTO ref (id) VALUES (1)", "default");
	assert_refused(f, "INSERT INTO ref2 SELECT id, name FROM ref", "");
	assert_refused(f, "DELETE FROM ref WHERE id IN (SELECT x FROM a)", "sub-query");
	assert_target(f, "DELETE FROM ref WHERE id = 1 RETURNING *", TARGET_EVERY);
	assert_refused(f, "UPDATE ref SET v = 1 RETURNING random()", "differ");
	assert_refused(f, "UPDATE ref SET v = a.x FROM a WHERE a.id = ref.id", "another table");
}

static void copy_in_finds_the_key_among_the_fields(void **state)
{
	struct fake *f = *state;
	struct plan *p =
		plan_of(f, "COPY a (id, x, k) FROM STDIN WITH (FORMAT csv, HEADER, DELIMITER ';')");
	assert_int_equal(p->class, PLAN_COPY_IN);
	assert_int_equal(p->copy.format, COPY_CSV);
	assert_int_equal(p->copy.delimiter, ';');
	assert_true(p->copy.header);
	assert_int_equal(p->copy.key_field[0], 2);
	assert_int_equal(p->copy.key_type[0], 20);
	assert_int_equal(p->copy.n_fields, 3);
	p = plan_of(f, "COPY a FROM STDIN");
	assert_int_equal(p->copy.key_field[0], 0);
	assert_int_equal(p->copy.delimiter, '\t');
	assert_string_equal(p->copy.null_text, "\\N");
	assert_int_equal(p->copy.n_fields, 6);
	p = plan_of(f, "COPY ref2 FROM STDIN BINARY");
	assert_int_equal(p->copy.format, COPY_BINARY);
	assert_int_equal(p->target, TARGET_EVERY);
	assert_target(f, "COPY far FROM STDIN", TARGET_SHARD);
	assert_int_equal(f->plan->shard, 1);
	assert_refused(f, "COPY a (id) FROM STDIN", "shard key");
	assert_refused(f, "COPY lone (k) FROM STDIN", "do not share");
	assert_refused(f, "COPY a FROM STDIN WHERE k > 1", "WHERE");
	assert_refused(f, "COPY a FROM '/etc/passwd'", "file");
	assert_refused(f, "COPY trg FROM STDIN", "triggers");
}

static void copy_out_concatenates_what_needs_no_merge(void **state)
{
	struct fake *f = *state;
	struct plan *p = plan_of(f, "COPY a (k, id) TO STDOUT");
	assert_int_equal(p->class, PLAN_COPY_OUT);
	assert_int_equal(p->target, TARGET_OWNERS);
	assert_int_equal(p->merge, MERGE_CONCAT);
	assert_int_equal(p->copy.n_fields, 2);
	p = plan_of(f, "COPY (SELECT k FROM a) TO STDOUT CSV HEADER");
	assert_int_equal(p->merge, MERGE_CONCAT);
	assert_true(p->copy.header);
	p = plan_of(f, "COPY (SELECT k FROM a WHERE k = 1 ORDER BY x) TO STDOUT");
	assert_int_equal(p->target, TARGET_KEYS);
	assert_refused(f, "COPY (SELECT k FROM a ORDER BY k) TO STDOUT", "ORDER BY");
	assert_refused(f, "COPY (SELECT count(*) FROM a) TO STDOUT", "");
	assert_refused(f, "COPY (SELECT k FROM a LIMIT 3) TO STDOUT", "");
	assert_target(f, "COPY ref TO STDOUT", TARGET_ANY);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_row_goes_to_the_owner_of_its_key),
		TEST(several_rows_are_cut_by_their_parentheses),
		TEST(inserts_that_would_differ_from_one_server_are_refused),
		TEST(constants_of_other_types_are_assigned_as_postgresql_does),
		TEST(upserts_by_the_key_are_routed),
		TEST(insert_select_runs_where_its_rows_are),
		TEST(updates_and_deletes_are_routed_or_scattered),
		TEST(reference_tables_are_written_everywhere_when_that_is_the_same),
		TEST(copy_in_finds_the_key_among_the_fields),
		TEST(copy_out_concatenates_what_needs_no_merge),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
