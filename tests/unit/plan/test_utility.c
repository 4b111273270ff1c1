/* DDL, settings, transaction control and what is refused of them. */
#include "plan_world.h"

static void create_table_takes_its_shard_key_from_the_options(void **state)
{
	struct fake *f = *state;
	struct plan *p = plan_of(f, "CREATE TABLE z (k bigint PRIMARY KEY, v int) WITH "
				    "(mosaic.shard_key = 'k', fillfactor = 90)");
	assert_int_equal(p->class, PLAN_UTILITY);
	assert_int_equal(p->target, TARGET_EVERY);
	assert_true(p->is_ddl);
	assert_string_equal(p->tag, "CREATE TABLE");
	assert_string_equal(p->text,
			    "CREATE TABLE z (k bigint PRIMARY KEY, v int) WITH (fillfactor = 90)");
	assert_int_equal(p->n_changes, 1);
	assert_int_equal(p->changes[0].kind, CHANGE_ADD_SHARDED);
	assert_string_equal(p->changes[0].schema, "public");
	assert_string_equal(p->changes[0].name, "z");
	assert_string_equal(p->changes[0].distribution, "default_bigint");
	assert_string_equal(p->changes[0].key_columns[0], "k");
	p = plan_of(f, "CREATE TABLE other.z (a text, b bigint) WITH (mosaic.shard_key = 'b, a');");
	assert_int_equal(p->changes[0].n_keys, 2);
	assert_string_equal(p->changes[0].schema, "other");
	assert_string_equal(p->text, "CREATE TABLE other.z (a text, b bigint) ;");
	p = plan_of(f, "CREATE TABLE z (id int PRIMARY KEY) WITH (mosaic.reference = true)");
	assert_int_equal(p->changes[0].kind, CHANGE_ADD_REFERENCE);
}

static void create_table_takes_the_default_key_or_stays_single(void **state)
{
	struct fake *f = *state;
	assert_target(f, "CREATE TABLE z (id int PRIMARY KEY)", TARGET_SHARD);
	assert_int_equal(f->plan->n_changes, 0);
	f->default_keys[0] = "aid";
	f->default_keys[1] = "id";
	f->n_default_keys = 2;
	assert_target(f, "CREATE TABLE z (id int, aid int)", TARGET_EVERY);
	assert_string_equal(f->plan->changes[0].key_columns[0], "aid");
	assert_null(f->plan->text);
	assert_target(f, "CREATE TABLE z (LIKE a)", TARGET_EVERY);
	assert_string_equal(f->plan->changes[0].key_columns[0], "id");
	assert_target(f, "CREATE TABLE z (v text)", TARGET_SHARD);
	assert_refused(f, "CREATE TABLE z (LIKE uu, id int UNIQUE, aid int)", "UNIQUE");
	assert_target(f, "CREATE TABLE IF NOT EXISTS a (id int)", TARGET_EVERY);
	assert_int_equal(f->plan->n_changes, 0);
}

static void create_table_goes_where_the_map_has_it_already(void **state)
{
	struct fake *f = *state;
	f->default_keys[0] = "k";
	f->n_default_keys = 1;
	assert_target(f, "CREATE TABLE later_ref (k bigint PRIMARY KEY)", TARGET_EVERY);
	assert_int_equal(f->plan->changes[0].kind, CHANGE_ADD_REFERENCE);
	assert_null(f->plan->text);
	assert_target(f, "CREATE TABLE later_solo (id int PRIMARY KEY, k bigint)", TARGET_SHARD);
	assert_int_equal(f->plan->shard, 0);
	assert_int_equal(f->plan->n_changes, 0);
	assert_target(f, "CREATE TABLE later_text (i text PRIMARY KEY, k bigint)", TARGET_EVERY);
	assert_string_equal(f->plan->changes[0].key_columns[0], "i");
	assert_string_equal(f->plan->changes[0].distribution, "default_text");
	assert_refused(f, "CREATE TABLE later_text (i text, k bigint PRIMARY KEY)", "PRIMARY KEY");
	assert_target(f, "CREATE TABLE later_far (id int PRIMARY KEY, k bigint)", TARGET_EVERY);
	assert_int_equal(f->plan->n_changes, 0);
}

static void constraints_a_shard_cannot_enforce_are_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "CREATE TABLE z (k bigint, id int UNIQUE) WITH (mosaic.shard_key = 'k')",
		  "UNIQUE" },
		{ "CREATE TABLE z (k bigint, id int, PRIMARY KEY (id)) WITH (mosaic.shard_key = 'k')",
		  "PRIMARY KEY" },
		{ "CREATE TABLE z (k bigint GENERATED ALWAYS AS (1) STORED) WITH (mosaic.shard_key = 'k')",
		  "generated" },
		{ "CREATE TABLE z (k jsonb) WITH (mosaic.shard_key = 'k')", "type" },
		{ "CREATE TABLE z (k bigint REFERENCES solo (id)) WITH (mosaic.shard_key = 'k')",
		  "foreign key" },
		{ "CREATE TABLE z (id int REFERENCES a (id)) WITH (mosaic.reference)",
		  "foreign key" },
		{ "CREATE TABLE z (id int, at timestamptz DEFAULT now()) WITH (mosaic.reference)",
		  "default" },
		{ "CREATE TABLE z (k bigint) PARTITION BY HASH (k) WITH (mosaic.shard_key = 'k')",
		  "PARTITION" },
		{ "ALTER TABLE a ADD UNIQUE (id)", "UNIQUE" },
		{ "ALTER TABLE a ADD COLUMN z serial", "serial" },
		{ "ALTER TABLE a DROP COLUMN k", "shard key" },
		{ "ALTER TABLE a ALTER k TYPE text", "shard key" },
		{ "ALTER TABLE a RENAME COLUMN k TO kk", "shard key" },
		{ "ALTER TABLE a ADD FOREIGN KEY (id) REFERENCES b (id)", "foreign key" },
		{ "CREATE UNIQUE INDEX i ON a (id)", "UNIQUE" },
		{ "CREATE UNIQUE INDEX i ON tt (lower(k))", "UNIQUE" },
		{ "CREATE TRIGGER g BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
		  "TRIGGER" },
	};
	for (unsigned i = 0; i < FAKE_N(cases); i++)
		assert_refused(*state, cases[i][0], cases[i][1]);
}

static void foreign_keys_that_stay_on_the_shard_are_fine(void **state)
{
	struct fake *f = *state;
	assert_target(f,
		      "CREATE TABLE z (k bigint REFERENCES ref (id)) WITH (mosaic.shard_key = 'k')",
		      TARGET_EVERY);
	assert_target(f,
		      "CREATE TABLE z (k bigint, i int, FOREIGN KEY (k, i) REFERENCES a) WITH "
		      "(mosaic.shard_key = 'k')",
		      TARGET_EVERY);
	assert_refused(
		f,
		"CREATE TABLE z (k bigint, i int, FOREIGN KEY (i, k) REFERENCES a (k, id)) WITH "
		"(mosaic.shard_key = 'k')",
		"foreign key");
	assert_target(f, "ALTER TABLE a ADD FOREIGN KEY (k, id) REFERENCES b (k, id)",
		      TARGET_EVERY);
}

static void mosaic_options_that_are_wrong_say_so(void **state)
{
	struct fake *f = *state;
	assert_null(plan_with(f, "CREATE TABLE z (k int) WITH (mosaic.shard_keys = 'k')", NULL, 0));
	assert_string_equal(f->err.code, "22023");
	assert_null(plan_with(f, "CREATE TABLE z (k int) WITH (mosaic.shard_key = 'q')", NULL, 0));
	assert_string_equal(f->err.code, "42703");
	assert_null(plan_with(f,
			      "CREATE TABLE z (k int) WITH (mosaic.shard_key = 'k', "
			      "mosaic.distribution = 'nosuch')",
			      NULL, 0));
	assert_string_equal(f->err.code, "42704");
}

static void ddl_runs_where_the_table_is(void **state)
{
	struct fake *f = *state;
	assert_target(f, "DROP TABLE IF EXISTS a, ref, nosuch CASCADE", TARGET_EVERY);
	assert_int_equal(f->plan->n_changes, 2);
	assert_int_equal(f->plan->changes[0].kind, CHANGE_DROP);
	assert_target(f, "DROP TABLE far", TARGET_SHARD);
	assert_int_equal(f->plan->shard, 1);
	assert_int_equal(f->plan->n_changes, 1);
	assert_refused(f, "DROP TABLE a, solo", "single-shard");
	assert_target(f, "ALTER TABLE a RENAME TO aa", TARGET_EVERY);
	assert_int_equal(f->plan->changes[0].kind, CHANGE_RENAME);
	assert_string_equal(f->plan->changes[0].new_name, "aa");
	assert_target(f, "ALTER TABLE a SET SCHEMA other", TARGET_EVERY);
	assert_string_equal(f->plan->changes[0].new_schema, "other");
	assert_target(f, "CREATE INDEX CONCURRENTLY i ON a (x)", TARGET_EVERY);
	assert_true(f->plan->no_txn_block);
	assert_target(f, "DROP INDEX a_pkey", TARGET_EVERY);
	assert_target(f, "DROP INDEX solo_pkey", TARGET_SHARD);
	assert_target(f, "TRUNCATE a, ref", TARGET_EVERY);
	assert_refused(f, "TRUNCATE ser RESTART IDENTITY", "RESTART IDENTITY");
	assert_target(f, "VACUUM ANALYZE a", TARGET_EVERY);
	assert_true(f->plan->no_txn_block);
	assert_target(f, "ANALYZE solo", TARGET_SHARD);
	assert_false(f->plan->no_txn_block);
	assert_target(f, "GRANT SELECT ON a TO app", TARGET_EVERY);
	assert_target(f, "COMMENT ON COLUMN a.x IS 'y'", TARGET_EVERY);
	assert_target(f, "CREATE SCHEMA s", TARGET_EVERY);
	assert_target(f, "CREATE TABLE z AS SELECT * FROM solo", TARGET_SHARD);
	assert_target(f, "SELECT 1 AS x INTO z", TARGET_SHARD);
	assert_true(f->plan->is_ddl);
	assert_refused(f, "CREATE TABLE z AS SELECT * FROM a", "CREATE TABLE AS");
}

static void session_state_is_refused_with_what_to_do(void **state)
{
	static const char *const cases[] = {
		"LOAD 'x'",
		"CREATE DATABASE d",
		"ALTER SYSTEM SET x = 1",
		"CHECKPOINT",
		"DO $$ BEGIN END $$",
		"CALL p()",
		"PREPARE TRANSACTION 'x'",
		"COMMIT PREPARED 'x'",
		"SET x FROM CURRENT",
		"DISCARD TEMP",
		"SET CONSTRAINTS ALL DEFERRED",
	};
	for (unsigned i = 0; i < FAKE_N(cases); i++)
		assert_refused(*state, cases[i], "");
}

static struct plan_local *local_of(struct fake *f, const char *sql, enum local_kind kind)
{
	struct plan *p = plan_of(f, sql);
	assert_int_equal(p->class, PLAN_LOCAL);
	assert_int_equal(p->local.kind, kind);
	return &p->local;
}

static void channels_are_the_sessions_own_and_notify_is_the_home_shards(void **state)
{
	struct fake *f = *state;
	assert_string_equal(local_of(f, "LISTEN x", LOCAL_LISTEN)->name, "x");
	assert_string_equal(local_of(f, "UNLISTEN \"X\"", LOCAL_UNLISTEN)->name, "X");
	assert_null(local_of(f, "UNLISTEN *", LOCAL_UNLISTEN)->name);
	assert_target(f, "NOTIFY x, 'y'", TARGET_SHARD);
	assert_int_equal(f->plan->shard, f->world->map->home);
	assert_true(f->plan->notifies && f->plan->writes);
	assert_target(f, "SELECT pg_notify('x', 'y')", TARGET_SHARD);
	assert_true(f->plan->notifies && f->plan->writes);
	assert_refused(f, "SELECT pg_notify('x', x) FROM a", "pg_notify");
	assert_refused(f, "SELECT pg_listening_channels()", "pg_listening_channels");
}

static void transactions_and_settings_are_the_sessions_own(void **state)
{
	struct fake *f = *state;
	assert_string_equal(local_of(f, "BEGIN", LOCAL_BEGIN)->text, "");
	assert_string_equal(local_of(f, "START TRANSACTION READ ONLY;", LOCAL_BEGIN)->text,
			    "READ ONLY");
	assert_string_equal(
		local_of(f, "BEGIN WORK ISOLATION LEVEL SERIALIZABLE", LOCAL_BEGIN)->text,
		"ISOLATION LEVEL SERIALIZABLE");
	assert_true(local_of(f, "COMMIT AND CHAIN", LOCAL_COMMIT)->chain);
	assert_false(local_of(f, "ABORT", LOCAL_ROLLBACK)->chain);
	assert_string_equal(local_of(f, "SAVEPOINT s", LOCAL_SAVEPOINT)->name, "s");
	assert_string_equal(local_of(f, "ROLLBACK TO s", LOCAL_ROLLBACK_TO)->name, "s");
	local_of(f, "SET TRANSACTION READ ONLY", LOCAL_SET_TRANSACTION);
	struct plan_local *l = local_of(f, "SET Work_Mem = '4MB'", LOCAL_SET);
	assert_string_equal(l->name, "work_mem");
	assert_string_equal(l->value, "4MB");
	assert_null(local_of(f, "SET search_path = a, b", LOCAL_SET)->value);
	assert_true(local_of(f, "SET LOCAL x.y = 1", LOCAL_SET_LOCAL)->local);
	assert_string_equal(local_of(f, "SET TIME ZONE 'UTC'", LOCAL_SET)->name, "timezone");
	assert_string_equal(local_of(f, "RESET ROLE", LOCAL_RESET)->name, "role");
	local_of(f, "SET x TO DEFAULT", LOCAL_RESET);
	local_of(f, "RESET ALL", LOCAL_RESET_ALL);
	assert_string_equal(local_of(f, "SHOW server_version", LOCAL_SHOW)->name, "server_version");
	l = local_of(f, "SET mosaic.shard = 's1'", LOCAL_SET_MOSAIC);
	assert_string_equal(l->value, "s1");
	assert_null(local_of(f, "RESET mosaic.shard", LOCAL_SET_MOSAIC)->value);
	local_of(f, "DISCARD ALL", LOCAL_DISCARD_ALL);
	assert_string_equal(local_of(f, "DEALLOCATE p", LOCAL_DEALLOCATE)->name, "p");
	local_of(f, "DEALLOCATE ALL", LOCAL_DEALLOCATE_ALL);
}

static void set_config_without_from_is_a_setting_of_the_session(void **state)
{
	struct fake *f = *state;
	assert_target(f, "SELECT pg_catalog.set_config('Search_Path', '', false)", TARGET_ANY);
	assert_int_equal(f->plan->class, PLAN_QUERY);
	assert_int_equal(f->plan->n_configs, 1);
	assert_string_equal(f->plan->configs[0].name, "search_path");
	assert_string_equal(f->plan->configs[0].value, "");
	assert_false(f->plan->configs[0].local);
	assert_target(
		f, "SELECT current_setting('jit') AS cur, set_config('jit', 'off', false) AS new",
		TARGET_ANY);
	assert_int_equal(f->plan->n_configs, 1);
	assert_target(f, "SELECT set_config('a.b', $1, true), set_config('a.c', $2, false)",
		      TARGET_ANY);
	assert_int_equal(f->plan->n_configs, 2);
	assert_int_equal(f->plan->configs[1].param, 2);
	assert_null(f->plan->configs[1].value);
	assert_true(f->plan->configs[0].local);
	assert_int_equal(f->plan->n_params, 2);
	assert_target(f, "SELECT set_config(name, 'x', false) FROM pg_settings WHERE name = 'y'",
		      TARGET_ANY);
	assert_string_equal(f->plan->configs[0].name, "y");
	assert_true(f->plan->configs[0].as_written);
	assert_int_equal(
		plan_of(f, "SELECT set_config(name, 'x', false) FROM pg_settings")->n_configs, 0);
	assert_int_equal(plan_of(f, "SELECT set_config(name, 'x', false) FROM pg_settings "
				    "WHERE name <> 'y'")
				 ->n_configs,
			 0);
	static const char *const refused[] = {
		"SELECT set_config(t, 'x', false) FROM a WHERE t = 'y'",
		"SELECT set_config('a.b', 'c' || 'd', false)",
		"SELECT set_config($1, 'c', false)",
		"SELECT set_config('a.b', 'c', $1)",
		"SELECT set_config('a.b', 'c', false), 1",
		"SELECT set_config('a.b', 'c', false) WHERE false",
		"SELECT set_config('a.b', 'c', false) UNION SELECT 'x'",
		"SELECT set_config('a.b', 'c', false) LIMIT 0",
		"SELECT set_config('mosaic.shard', 's1', false)",
		"SELECT set_config('a.b', NULL, false)",
	};
	for (unsigned i = 0; i < FAKE_N(refused); i++)
		assert_refused(f, refused[i], "set_config");
}

static void explain_goes_where_its_statement_goes(void **state)
{
	struct fake *f = *state;
	assert_one_key(f, "EXPLAIN SELECT * FROM a WHERE k = 1");
	assert_string_equal(f->plan->tag, "EXPLAIN");
	assert_false(f->plan->writes);
	assert_one_key(f, "EXPLAIN ANALYZE DELETE FROM a WHERE k = 1");
	assert_true(f->plan->writes);
	assert_one_key(f, "EXPLAIN (ANALYZE off) DELETE FROM a WHERE k = 1");
	assert_false(f->plan->writes);
	assert_refused(f, "EXPLAIN SELECT * FROM a ORDER BY k", "EXPLAIN");
	assert_refused(f, "EXPLAIN ANALYZE UPDATE ref SET v = 1", "EXPLAIN");
	assert_target(f, "EXPLAIN UPDATE ref SET v = 1", TARGET_ANY);
}

static void plans_outlive_their_text_and_are_counted(void **state)
{
	struct fake *f = *state;
	char *sql = strdup("SELECT * FROM tt WHERE k = E'x\\ty'");
	struct plan *p = plan_of(f, sql);
	memset(sql, '?', strlen(sql));
	free(sql);
	plan_hold(p);
	plan_drop(p);
	assert_true(str_is(p->keys.sources[0].text, "x\ty"));
	assert_non_null(p->explanation);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)
	const struct CMUnitTest tests[] = {
		TEST(create_table_takes_its_shard_key_from_the_options),
		TEST(create_table_takes_the_default_key_or_stays_single),
		TEST(create_table_goes_where_the_map_has_it_already),
		TEST(constraints_a_shard_cannot_enforce_are_refused),
		TEST(foreign_keys_that_stay_on_the_shard_are_fine),
		TEST(mosaic_options_that_are_wrong_say_so),
		TEST(ddl_runs_where_the_table_is),
		TEST(session_state_is_refused_with_what_to_do),
		TEST(channels_are_the_sessions_own_and_notify_is_the_home_shards),
		TEST(transactions_and_settings_are_the_sessions_own),
		TEST(set_config_without_from_is_a_setting_of_the_session),
		TEST(explain_goes_where_its_statement_goes),
		TEST(plans_outlive_their_text_and_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
