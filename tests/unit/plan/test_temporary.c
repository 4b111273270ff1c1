/* Temporary relations and advisory locks: on the home shard, tied to the session. */
#include "plan_world.h"

/* The session has pg_temp.a (x) and pg_temp.mine (x). */
static void give_temporary(struct fake *f)
{
	struct schema *s = schema_create();
	f->temporary = s;
	fake_row(s, 4, 14, "pg_temp", "a", "90001", "r", "t", "1", "f", "f", "f", "f", "f", "f",
		 "f", "0");
	fake_row(s, 4, 14, "pg_temp", "mine", "90002", "r", "t", "1", "f", "f", "f", "f", "f", "f",
		 "f", "0");
	fake_row(s, 5, 11, "90001", "x", "23", "-1", "0", "1", "f", "", "f", NULL, "f");
	fake_row(s, 5, 11, "90002", "x", "23", "-1", "0", "1", "f", "", "f", NULL, "f");
	schema_seal(s);
}

static void create_makes_it_on_the_home_shard_and_ties_the_session(void **state)
{
	struct fake *f = *state;
	static const char *const makers[] = { "CREATE TEMP TABLE z (k bigint)",
					      "CREATE TABLE pg_temp.z (k bigint)",
					      "CREATE TEMP TABLE z AS SELECT 1",
					      "SELECT 1 AS one INTO TEMP z",
					      "CREATE TEMP VIEW z AS SELECT 1" };
	f->default_keys[0] = "k";
	f->n_default_keys = 1;
	for (unsigned i = 0; i < FAKE_N(makers); i++) {
		struct plan *p = plan_of(f, makers[i]);
		assert_int_equal(p->class, PLAN_UTILITY);
		assert_int_equal(p->target, TARGET_SHARD);
		assert_true(p->ties & TIE_TEMP);
		assert_true(p->uses_temp);
		assert_false(p->is_ddl);
		assert_int_equal(p->n_changes, 0);
	}
	assert_refused(f, "CREATE TEMP TABLE z (k bigint) WITH (mosaic.shard_key = 'k')",
		       "sharded");
	assert_refused(f, "CREATE TEMP TABLE z AS SELECT * FROM a", "sharded");
	assert_refused(f, "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
		       "pg_temp");
	assert_refused(f, "CREATE TYPE pg_temp.t AS (x int)", "pg_temp");
}

static void a_temporary_table_hides_the_sharded_one(void **state)
{
	struct fake *f = *state;
	give_temporary(f);
	assert_target(f, "SELECT x FROM a", TARGET_SHARD);
	assert_true(f->plan->uses_temp);
	assert_target(f, "DELETE FROM a", TARGET_SHARD);
	assert_target(f, "SELECT x FROM pg_temp.a", TARGET_SHARD);
	assert_one_key(f, "SELECT x FROM public.a WHERE k = 1");
	assert_false(f->plan->uses_temp);
	f->search_path = "public, pg_temp";
	assert_one_key(f, "SELECT x FROM a WHERE k = 1");
}

static void with_sharded_tables_only_what_routes_to_the_home_shard(void **state)
{
	struct fake *f = *state;
	give_temporary(f);
	struct plan *p = plan_of(f, "SELECT 1 FROM mine JOIN b ON true WHERE b.k = 1");
	assert_int_equal(p->target, TARGET_KEYS);
	assert_int_equal(p->must_be_shard, p->shard);
	assert_int_equal(plan_of(f, "SELECT 1 FROM mine, b")->merge, MERGE_GATHER);
	assert_refused(f, "INSERT INTO mine SELECT x FROM b", "mine");
	assert_target(f, "SELECT 1 FROM mine, ref", TARGET_SHARD);
	assert_target(f, "SELECT 1", TARGET_SHARD); /* it could ask for a name: home knows all */
}

static void ddl_on_it_changes_nobody_elses_schema(void **state)
{
	struct fake *f = *state;
	static const char *const ddl[] = { "DROP TABLE mine", "ALTER TABLE mine ADD y int",
					   "CREATE INDEX ON mine (x)",
					   "ALTER TABLE mine RENAME TO other" };
	give_temporary(f);
	for (unsigned i = 0; i < FAKE_N(ddl); i++) {
		assert_target(f, ddl[i], TARGET_SHARD);
		assert_true(f->plan->ties & TIE_TEMP);
		assert_false(f->plan->is_ddl);
	}
	assert_target(f, "CREATE TABLE z AS SELECT * FROM mine", TARGET_SHARD);
	assert_true(f->plan->is_ddl);
	assert_refused(f, "DROP TABLE mine, solo", "temporary");
}

static void session_locks_are_the_home_shards(void **state)
{
	struct fake *f = *state;
	assert_target(f, "SELECT pg_advisory_lock(1)", TARGET_SHARD);
	assert_int_equal(f->plan->ties, TIE_LOCK);
	assert_target(f, "SELECT pg_advisory_unlock(1)", TARGET_SHARD);
	assert_int_equal(f->plan->ties, TIE_LOCK | TIE_UNLOCK);
	assert_target(f, "SELECT pg_advisory_xact_lock(1)", TARGET_SHARD);
	assert_int_equal(f->plan->ties, 0);
	assert_refused(f, "SELECT pg_advisory_lock(x) FROM a WHERE k = 1", "pg_advisory_lock");
	assert_refused(f, "SELECT pg_advisory_lock(1) FROM ref", "pg_advisory_lock");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			create_makes_it_on_the_home_shard_and_ties_the_session, fake_setup,
			fake_teardown),
		cmocka_unit_test_setup_teardown(a_temporary_table_hides_the_sharded_one, fake_setup,
						fake_teardown),
		cmocka_unit_test_setup_teardown(
			with_sharded_tables_only_what_routes_to_the_home_shard, fake_setup,
			fake_teardown),
		cmocka_unit_test_setup_teardown(ddl_on_it_changes_nobody_elses_schema, fake_setup,
						fake_teardown),
		cmocka_unit_test_setup_teardown(session_locks_are_the_home_shards, fake_setup,
						fake_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
