/* Scalars: text → value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/socket.h>

#include "config/values.h"

static void durations_have_a_unit(void **state)
{
	uint64_t ms = 7;

	(void)state;
	assert_null(value_read_duration("500ms", &ms));
	assert_int_equal(ms, 500);
	assert_null(value_read_duration("10s", &ms));
	assert_int_equal(ms, 10000);
	assert_null(value_read_duration("5m", &ms));
	assert_int_equal(ms, 300000);
	assert_null(value_read_duration("5min", &ms));
	assert_int_equal(ms, 300000);
	assert_null(value_read_duration("1h", &ms));
	assert_int_equal(ms, 3600000);
	assert_null(value_read_duration("2 d", &ms));
	assert_int_equal(ms, 172800000);
	assert_null(value_read_duration("0", &ms));
	assert_int_equal(ms, 0);
}

static void bad_durations_are_refused(void **state)
{
	static const char *const bad[] = { "",
					   "5",
					   "s",
					   "-1s",
					   "1.5s",
					   "1S",
					   "10 parsecs",
					   "1s2s",
					   "1s ",
					   "99999999999999999999s",
					   "9999999999999999999d" };
	uint64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(value_read_duration(bad[i], &ms));
}

static void sizes_are_powers_of_1024(void **state)
{
	uint64_t bytes;

	(void)state;
	assert_null(value_read_size("64MB", &bytes));
	assert_int_equal(bytes, 64 << 20);
	assert_null(value_read_size("1kB", &bytes));
	assert_int_equal(bytes, 1024);
	assert_null(value_read_size("512B", &bytes));
	assert_int_equal(bytes, 512);
	assert_null(value_read_size("1TB", &bytes));
	assert_int_equal(bytes, 1ull << 40);
	assert_non_null(value_read_size("12", &bytes));
	assert_non_null(value_read_size("12mb", &bytes));
	assert_non_null(value_read_size("99999999999TB", &bytes));
}

static void shown_values_read_back_the_same(void **state)
{
	static const uint64_t numbers[] = { 0,	     1,	       999,  1000, 60000,   90000,
					    3600000, 86400000, 1024, 1536, 1 << 20, 1ull << 40 };
	struct arena a;
	uint64_t back;

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_null(value_read_duration(value_show_duration(&a, numbers[i]), &back));
		assert_int_equal(back, numbers[i]);
		assert_null(value_read_size(value_show_size(&a, numbers[i]), &back));
		assert_int_equal(back, numbers[i]);
	}
	arena_finish(&a);
}

static void addresses_are_split_into_host_and_port(void **state)
{
	struct config_address at;
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_null(value_read_address(&a, "127.0.0.1:6432", &at));
	assert_string_equal(at.host, "127.0.0.1");
	assert_int_equal(at.port, 6432);
	assert_null(value_read_address(&a, "[::1]:5", &at));
	assert_string_equal(at.host, "::1");
	assert_null(value_read_address(&a, "*:65535", &at));
	assert_null(at.host);
	assert_null(at.unix_dir);
	assert_null(value_read_address(&a, "/var/run/pgmosaic:6432", &at));
	assert_string_equal(at.unix_dir, "/var/run/pgmosaic");
	assert_null(at.host);
	assert_int_equal(at.port, 6432);
	arena_finish(&a);
}

static void bad_addresses_are_refused(void **state)
{
	static const char *const bad[] = { "",	      "host",	    "host:",   ":1",
					   "host:0",  "host:65536", "host:1x", "::1:5",
					   "[::g]:1", "[]:1",	    "a b:1",   "host:-1" };
	struct config_address at;
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(value_read_address(&a, bad[i], &at));
	arena_finish(&a);
}

static void networks_need_a_fitting_prefix(void **state)
{
	struct config_rule rule = { .address = "10.1.0.0/16" };

	(void)state;
	assert_null(value_read_network(&rule));
	assert_int_equal(rule.family, AF_INET);
	assert_int_equal(rule.prefix_bits, 16);
	rule.address = "::1/128";
	assert_null(value_read_network(&rule));
	assert_int_equal(rule.family, AF_INET6);
	rule.address = "all";
	assert_null(value_read_network(&rule));
	assert_int_equal(rule.family, 0);
	rule.address = "10.0.0.0";
	assert_non_null(value_read_network(&rule));
	rule.address = "10.0.0.0/33";
	assert_non_null(value_read_network(&rule));
	rule.address = "300.0.0.0/8";
	assert_non_null(value_read_network(&rule));
	rule.address = "localhost/8";
	assert_non_null(value_read_network(&rule));
}

static void passwords_are_told_apart_by_their_form(void **state)
{
	(void)state;
	assert_int_equal(value_password_kind(NULL), PASSWORD_NONE);
	assert_int_equal(value_password_kind("secret"), PASSWORD_PLAIN);
	assert_int_equal(value_password_kind("md5"), PASSWORD_PLAIN);
	assert_int_equal(value_password_kind("md50123456789abcdef0123456789abcdef"), PASSWORD_MD5);
	assert_int_equal(value_password_kind("SCRAM-SHA-256$4096:x$y:z"), PASSWORD_SCRAM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_have_a_unit),
		cmocka_unit_test(bad_durations_are_refused),
		cmocka_unit_test(sizes_are_powers_of_1024),
		cmocka_unit_test(shown_values_read_back_the_same),
		cmocka_unit_test(addresses_are_split_into_host_and_port),
		cmocka_unit_test(bad_addresses_are_refused),
		cmocka_unit_test(networks_need_a_fitting_prefix),
		cmocka_unit_test(passwords_are_told_apart_by_their_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
