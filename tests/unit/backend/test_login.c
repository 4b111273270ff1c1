#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pgmosaic/backend/login.h"

static struct logins all;

static int setup(void **state)
{
	(void)state;
	logins_init(&all);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	logins_finish(&all);
	return 0;
}

static bool put_password(const char *user, const char *password)
{
	struct login login = { .password = password };

	return logins_put(&all, user, &login);
}

static bool put_keys(const char *user, uint8_t key)
{
	struct login login = { .has_keys = true };

	memset(login.client_key, key, LOGIN_KEY_BYTES);
	return logins_put(&all, user, &login);
}

static void what_a_client_brought_is_kept_as_a_copy_for_its_role_alone(void **state)
{
	char password[] = "secret";

	(void)state;
	assert_true(put_password("app", password));
	memset(password, 'x', 6);
	assert_string_equal(logins_find(&all, "app")->password, "secret");
	assert_null(logins_find(&all, "ap"));
	assert_null(logins_find(&all, "App"));
}

static void the_newest_password_counts_and_the_same_one_is_no_news(void **state)
{
	(void)state;
	assert_true(put_password("app", "one"));
	assert_false(put_password("app", "one"));
	assert_true(put_password("app", "two"));
	assert_string_equal(logins_find(&all, "app")->password, "two");
	assert_true(put_password("other", "two"));
}

static void who_brings_nothing_changes_nothing(void **state)
{
	(void)state;
	assert_false(put_password("app", NULL));
	assert_null(logins_find(&all, "app"));
	assert_true(put_password("app", "secret"));
	assert_false(put_password("app", NULL));
	assert_string_equal(logins_find(&all, "app")->password, "secret");
}

static void keys_displace_a_password_only_where_they_are_of_use(void **state)
{
	(void)state;
	assert_true(put_password("app", "secret"));
	assert_int_equal(put_keys("app", 1), login_can_pass_keys());
	assert_int_equal(logins_find(&all, "app")->password == NULL, login_can_pass_keys());
	assert_true(put_keys("new", 1)); /* kept in any case: the error will say what is missing */
	assert_true(logins_find(&all, "new")->has_keys);
	assert_true(put_password("new", "secret"));
	assert_false(logins_find(&all, "new")->has_keys);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_a_client_brought_is_kept_as_a_copy_for_its_role_alone),
		TEST(the_newest_password_counts_and_the_same_one_is_no_news),
		TEST(who_brings_nothing_changes_nothing),
		TEST(keys_displace_a_password_only_where_they_are_of_use),
	};

	return cmocka_run_group_tests_name("login", tests, NULL, NULL);
}
