/* SHOW CONFIG, what RELOAD cannot change, and hidden passwords. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "pgmosaic/config/config.h"

#define BASE(password, size, port)                                                  \
	"listen: 127.0.0.1:" port "\n"                                              \
	"catalog: { dsn: \"host=c password='top secret' dbname=mosaic\" }\n"        \
	"auth: { users: [ { name: app, password: " password ", admin: true } ] }\n" \
	"pool: { size: " size " }\n"

struct seen {
	char text[16384];
	size_t n;
};

static struct config *parse(const char *text)
{
	struct config_faults faults;
	struct config *cfg = NULL;

	config_faults_init(&faults);
	if (config_parse_text(text, strlen(text), "t.yaml", &cfg, &faults) != STATUS_OK)
		fail_msg("%s", faults.items[0].text);
	return cfg;
}

static void on_row(void *ctx, const struct config_row *row)
{
	struct seen *seen = ctx;

	seen->n += (size_t)snprintf(seen->text + seen->n, sizeof(seen->text) - seen->n,
				    "%s=%s|%s|%s\n", row->key, row->value,
				    row->default_value ? row->default_value : "-",
				    row->is_reloadable ? "yes" : "no");
}

static void rows_have_key_value_default_and_whether_reload_changes_them(void **state)
{
	struct config *cfg = parse(BASE("hush", "7", "1"));
	struct seen seen = { .n = 0 };

	(void)state;
	config_show(cfg, on_row, &seen);
	assert_non_null(strstr(seen.text, "listen=127.0.0.1:1|127.0.0.1:6432|no\n"));
	assert_non_null(strstr(seen.text, "pool.size=7|20|yes\n"));
	assert_non_null(strstr(seen.text, "limits.message=256MB|256MB|yes\n"));
	assert_non_null(strstr(seen.text, "auth.users[0].name=app|-|yes\n"));
	assert_non_null(strstr(seen.text, "log.slow_query=1s|1s|yes\n"));
	config_destroy(cfg);
}

static void no_password_is_ever_shown(void **state)
{
	struct config *cfg = parse(BASE("hush", "7", "1"));
	struct seen seen = { .n = 0 };

	(void)state;
	config_show(cfg, on_row, &seen);
	assert_null(strstr(seen.text, "hush"));
	assert_null(strstr(seen.text, "top secret"));
	assert_non_null(strstr(seen.text, "catalog.dsn=host=c password=******** dbname=mosaic|"));
	assert_non_null(strstr(seen.text, "auth.users[0].password=********|"));
	config_destroy(cfg);
}

static void only_what_needs_a_restart_is_told(void **state)
{
	struct config *now = parse(BASE("a", "7", "1")), *next = parse(BASE("b", "8", "2"));
	struct seen seen = { .n = 0 };

	(void)state;
	config_diff_fixed(now, next, on_row, &seen);
	assert_string_equal(seen.text, "listen=127.0.0.1:2|127.0.0.1:6432|no\n");
	seen.n = 0;
	config_diff_fixed(now, now, on_row, &seen);
	assert_int_equal(seen.n, 0);
	config_destroy(now);
	config_destroy(next);
}

static void passwords_in_dsns_are_masked_in_every_form(void **state)
{
	static const struct {
		const char *dsn, *masked;
	} cases[] = {
		{ "", "" },
		{ "host=a", "host=a" },
		{ "password=x", "password=********" },
		{ "host=a password = 'it\\'s' port=1", "host=a password = ******** port=1" },
		{ "host=a PASSWORD=x\\ y port=1", "host=a PASSWORD=******** port=1" },
		{ "password='open", "password=********" },
		{ "user='password=x' sslpassword=y", "user='password=x' sslpassword=********" },
		{ "postgresql://u:p@h:1/d", "postgresql://u:********@h:1/d" },
		{ "postgres://u:p@x@h/d", "postgres://u:********@h/d" },
		{ "postgresql://u@h/d?a=b&password=p&c=d",
		  "postgresql://u@h/d?a=b&password=********&c=d" },
		{ "postgresql://h:5432/d", "postgresql://h:5432/d" },
	};
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(dsn_mask(&a, cases[i].dsn), cases[i].masked);
	arena_finish(&a);
}

static void a_keyword_is_found_in_a_dsn(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_string_equal(dsn_value(&a, "host=a port = 12 dbname='x y'", "port"), "12");
	assert_string_equal(dsn_value(&a, "host=a dbname='x\\' y'", "dbname"), "x' y");
	assert_null(dsn_value(&a, "host=a", "port"));
	assert_null(dsn_value(&a, "postgresql://h/d", "host"));
	arena_finish(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_have_key_value_default_and_whether_reload_changes_them),
		cmocka_unit_test(no_password_is_ever_shown),
		cmocka_unit_test(only_what_needs_a_restart_is_told),
		cmocka_unit_test(passwords_in_dsns_are_masked_in_every_form),
		cmocka_unit_test(a_keyword_is_found_in_a_dsn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
