#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pgmosaic/catalog/pq_params.h"

static struct arena arena;
static struct pq_params p;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_finish(&arena);
	return 0;
}

static enum status read_dsn(const char *dsn)
{
	struct err err = ERR_INIT;

	return pq_params_read(&arena, dsn, &p, &err);
}

/* The last one: it is what libpq takes. */
static const char *value_of(const char *key)
{
	const char *value = NULL;

	for (unsigned i = 0; p.keys[i]; i++)
		if (strcmp(p.keys[i], key) == 0)
			value = p.values[i];
	return value;
}

static void all_but_the_maintenance_users_own_things_is_taken(void **state)
{
	static const char *const same[] = {
		"host=h port=7 dbname=d user=postgres password='se cret' sslmode=verify-full",
		"postgresql://postgres:se%20cret@h:7/d?sslmode=verify-full",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		assert_int_equal(read_dsn(same[i]), STATUS_OK);
		assert_string_equal(value_of("host"), "h");
		assert_string_equal(value_of("port"), "7");
		assert_string_equal(value_of("dbname"), "d");
		assert_string_equal(value_of("sslmode"), "verify-full");
		assert_null(value_of("user"));
		assert_null(value_of("password"));
	}
}

static void what_is_put_last_counts(void **state)
{
	(void)state;
	assert_int_equal(read_dsn("host=h options='-c a=b' user=x"), STATUS_OK);
	pq_params_put(&p, "user", "app");
	pq_params_put(&p, "options", "-c c=d");
	assert_string_equal(value_of("user"), "app");
	assert_string_equal(value_of("options"), "-c c=d");
}

static void a_text_that_is_no_dsn_is_refused_without_its_password(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(pq_params_read(&arena, "password=secret host", &p, &err), STATUS_INVALID);
	assert_null(strstr(err.message, "secret"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(all_but_the_maintenance_users_own_things_is_taken),
		TEST(what_is_put_last_counts),
		TEST(a_text_that_is_no_dsn_is_refused_without_its_password),
	};

	return cmocka_run_group_tests_name("pq_params", tests, NULL, NULL);
}
