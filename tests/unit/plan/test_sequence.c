/* Shared sequences: what the shards draw for themselves, what the proxy draws, and DDL. */
#include "plan_world.h"

#define WORLD(state) struct fake *f = *(state)

static void a_shard_draws_what_is_not_the_key(void **state)
{
	WORLD(state);
	struct plan *p = plan_of(f, "INSERT INTO ser (k) VALUES (7)");
	assert_int_equal(p->target, TARGET_KEYS);
	assert_true(p->draws);
	assert_int_equal(p->n_draws_from, 1);
	assert_string_equal(p->draws_from[0].sequence, "ser_id_seq");
	assert_null(p->draw);
	assert_true(plan_needs_fiber(p));
	p = plan_of(f, "INSERT INTO ser VALUES (7, DEFAULT), (8, DEFAULT)");
	assert_int_equal(p->merge, MERGE_INSERT);
	assert_true(p->draws);
	p = plan_of(f, "INSERT INTO ser (k, id) VALUES (7, 1)");
	assert_false(p->draws);
	p = plan_of(f, "UPDATE ser SET id = DEFAULT WHERE k = 7");
	assert_true(p->draws);
	p = plan_of(f, "COPY ser (k) FROM STDIN");
	assert_true(p->draws);
}

static const char *drawn_text(struct fake *f, const char *sql)
{
	static char text[512];
	struct plan *p = plan_of(f, sql);
	assert_non_null(p->draw);
	assert_true(p->exact_text);
	assert_true(plan_needs_fiber(p));
	text[0] = '\0';
	for (unsigned i = 0; i < p->draw->n_slots; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s<%s>",
			 p->draw->pieces[i], p->draw->slots[i].sequence);
	strcat(text, p->draw->pieces[p->draw->n_slots]);
	return text;
}

static void the_proxy_draws_the_key_and_puts_it_into_the_text(void **state)
{
	static const char *const cases[][2] = {
		{ "INSERT INTO cust (name) VALUES ('a;)') RETURNING id",
		  "INSERT INTO cust (name, \"id\") VALUES ('a;)', <cust_id_seq>) RETURNING id" },
		{ "INSERT INTO cust (name) VALUES ('a'), ((('b')))",
		  "INSERT INTO cust (name, \"id\") VALUES ('a', <cust_id_seq>), ((('b')), <cust_id_seq>)" },
		{ "insert into cust as c values (DEFAULT, coalesce(NULL, 'y')), (7, 'x')",
		  "insert into cust as c values (<cust_id_seq>, coalesce(NULL, 'y')), (7, 'x')" },
		{ "INSERT INTO cust (name, id) VALUES (upper('x'), default) ON CONFLICT (id) DO NOTHING",
		  "INSERT INTO cust (name, id) VALUES (upper('x'), <cust_id_seq>) ON CONFLICT (id) DO NOTHING" },
		{ "INSERT INTO cust DEFAULT VALUES",
		  "INSERT INTO cust (\"id\") VALUES (<cust_id_seq>)" },
		{ "INSERT INTO rser (name) VALUES ($1)",
		  "INSERT INTO rser (name, \"id\") VALUES ($1, <rser_id_seq>)" },
	};
	WORLD(state);
	for (unsigned i = 0; i < FAKE_N(cases); i++)
		assert_string_equal(drawn_text(f, cases[i][0]), cases[i][1]);
	assert_one_key(f, "INSERT INTO cust (id, name) VALUES (4, 'x')");
	assert_one_key(f, "INSERT INTO cust VALUES (4)");
	assert_false(f->plan->draws);
}

static void identity_obeys_overriding(void **state)
{
	static const char *const cases[][2] = {
		{ "INSERT INTO idk (name) VALUES ('a')",
		  "INSERT INTO idk (name, \"id\") OVERRIDING SYSTEM VALUE VALUES ('a', <idk_id_seq>)" },
		{ "INSERT INTO idk VALUES (DEFAULT, 'a')",
		  "INSERT INTO idk OVERRIDING SYSTEM VALUE VALUES (<idk_id_seq>, 'a')" },
		{ "INSERT INTO idk OVERRIDING USER VALUE VALUES (500 + 1, 'a')",
		  "INSERT INTO idk OVERRIDING SYSTEM VALUE VALUES (<idk_id_seq>, 'a')" },
		{ "INSERT INTO idk DEFAULT VALUES",
		  "INSERT INTO idk (\"id\") OVERRIDING SYSTEM VALUE VALUES (<idk_id_seq>)" },
	};
	WORLD(state);
	for (unsigned i = 0; i < FAKE_N(cases); i++)
		assert_string_equal(drawn_text(f, cases[i][0]), cases[i][1]);
	assert_one_key(f, "INSERT INTO idk OVERRIDING SYSTEM VALUE VALUES (500, 'a')");
	/* 428C9 is PostgreSQL's to say */
	assert_target(f, "INSERT INTO idk VALUES (500, 'a')", TARGET_SHARD);
	assert_null(f->plan->draw);
}

static void a_sequence_that_is_being_changed_is_refused_for_the_moment(void **state)
{
	WORLD(state);
	assert_null(plan_with(f, "INSERT INTO busy (k) VALUES (1)", NULL, 0));
	assert_string_equal(f->err.code, "40001");
	assert_non_null(plan_with(f, "INSERT INTO busy (k, id) VALUES (1, 1)", NULL, 0));
}

static void calls_run_on_the_home_shard_and_may_run_again(void **state)
{
	WORLD(state);
	assert_target(f, "SELECT nextval('ser_id_seq')", TARGET_SHARD);
	assert_true(f->plan->draws);
	assert_string_equal(f->plan->draws_from[0].sequence, "ser_id_seq");
	assert_true(f->plan->exact_text); /* or nextval('idk_id_seq') would have this plan */
	assert_target(f, "SELECT nextval($1)", TARGET_SHARD);
	assert_true(f->plan->draws);
	assert_int_equal(f->plan->n_draws_from, 0);
	assert_target(f, "SELECT setval('public.ser_id_seq'::regclass, 42, true)", TARGET_SHARD);
	assert_string_equal(f->plan->releases, "ser_id_seq");
	assert_target(f, "SELECT setval('\"ser_id_seq\"', $1)", TARGET_SHARD);
	assert_string_equal(f->plan->releases, "ser_id_seq");
	assert_target(f, "SELECT setval('seq', 3)", TARGET_SHARD);
	assert_null(f->plan->releases);
	assert_true(f->plan->exact_text);
	assert_refused(f, "SELECT setval('ser_id_seq', (SELECT max(id) FROM solo))", "setval");
	assert_refused(f, "SELECT 1, setval('ser_id_seq', 3)", "setval");
	assert_refused(f, "SELECT setval($1, 3)", "setval");
}

static void ddl_on_sequences_runs_where_they_are(void **state)
{
	WORLD(state);
	assert_target(f, "CREATE SEQUENCE s", TARGET_EVERY);
	assert_target(f, "CREATE SEQUENCE s OWNED BY solo.id", TARGET_SHARD);
	assert_refused(f, "CREATE TEMP SEQUENCE s", "TEMPORARY");
	assert_target(f, "ALTER SEQUENCE ser_id_seq INCREMENT BY 5", TARGET_EVERY);
	assert_string_equal(f->plan->releases, "ser_id_seq");
	assert_target(f, "ALTER SEQUENCE ser_id_seq OWNED BY ser.id", TARGET_EVERY);
	assert_null(f->plan->releases);
	assert_target(f, "ALTER SEQUENCE ser_id_seq RENAME TO other", TARGET_EVERY);
	assert_string_equal(f->plan->releases, "ser_id_seq");
	assert_target(f, "DROP SEQUENCE lone_id_seq", TARGET_EVERY);
	assert_target(f, "GRANT USAGE ON SEQUENCE ser_id_seq TO app", TARGET_EVERY);
	assert_target(f, "CREATE TABLE z (k bigserial PRIMARY KEY) WITH (mosaic.shard_key = 'k')",
		      TARGET_EVERY);
	assert_int_equal(f->plan->changes[0].key_types[0], 20);
	assert_target(f, "CREATE TABLE z (id serial) WITH (mosaic.reference)", TARGET_EVERY);
	assert_target(f,
		      "CREATE TABLE z (id int GENERATED ALWAYS AS IDENTITY) "
		      "WITH (mosaic.shard_key = 'id')",
		      TARGET_EVERY);
}

static void one_shard_has_sequences_of_its_own(void **state)
{
	WORLD(state);
	assert_false(plan_of(f, "INSERT INTO ser (k) VALUES (7)")->draws);
	assert_null(plan_of(f, "INSERT INTO cust (name) VALUES ('x')")->draw);
	assert_null(plan_of(f, "SELECT setval('seq', 3)")->releases);
}

int main(void)
{
#define THREE(test) cmocka_unit_test_setup_teardown(test, fake_setup, fake_teardown)
	const struct CMUnitTest tests[] = {
		THREE(a_shard_draws_what_is_not_the_key),
		THREE(the_proxy_draws_the_key_and_puts_it_into_the_text),
		THREE(identity_obeys_overriding),
		THREE(a_sequence_that_is_being_changed_is_refused_for_the_moment),
		THREE(calls_run_on_the_home_shard_and_may_run_again),
		THREE(ddl_on_sequences_runs_where_they_are),
		cmocka_unit_test_setup_teardown(one_shard_has_sequences_of_its_own, fake_setup_one,
						fake_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
