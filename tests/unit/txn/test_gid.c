#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "pgmosaic/txn/gid.h"

static void what_is_formatted_parses_back(void **state)
{
	char text[GID_MAX];
	struct gid g;

	(void)state;
	gid_format(text, sizeof(text), "c0ffee-1.x_y", UINT64_MAX, 42, 7);
	assert_true(gid_parse(text, &g));
	assert_string_equal(g.cluster, "c0ffee-1.x_y");
	assert_true(g.incarnation == UINT64_MAX);
	assert_true(g.counter == 42);
	assert_int_equal(g.decider, 7);
}

static void same_counter_gives_another_gid(void **state)
{
	char a[GID_MAX], b[GID_MAX];

	(void)state;
	gid_format(a, sizeof(a), "c", 1, 1, 1);
	gid_format(b, sizeof(b), "c", 1, 1, 1);
	assert_string_not_equal(a, b);
}

static void foreign_gids_are_not_ours(void **state)
{
	static const char *const foreign[] = {
		"",
		"mosaic",
		"mosaic:",
		"citus_0_1_2_3",
		"mosaic:c:1:2-00000000000000aa:",
		"mosaic:c:1:2-00000000000000aa:1 ",
		"mosaic:c:1:2-00000000000000AA:1",
		"mosaic:c:1:2-0000000000000aa:1",
		"mosaic:c:1:2:1",
		"mosaic::1:2-00000000000000aa:1",
		"mosaic:c'd:1:2-00000000000000aa:1",
		"mosaic:c:-1:2-00000000000000aa:1",
		"mosaic:c:01:2-00000000000000aa:1",
		"mosaic:c:18446744073709551616:2-00000000000000aa:1",
		"mosaic:c:1:2-00000000000000aa:4294967296",
		"Mosaic:c:1:2-00000000000000aa:1",
	};
	struct gid g = { .decider = 99 };

	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (gid_parse(foreign[i], &g))
			fail_msg("accepted: %s", foreign[i]);
	assert_int_equal(g.decider, 99);
	assert_true(gid_parse("mosaic:c:1:2-00000000000000aa:4294967295", &g));
	assert_true(g.random == 0xaa);
}

static void the_longest_cluster_name_fits(void **state)
{
	char name[64], text[GID_MAX];
	struct gid g;

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	gid_format(text, sizeof(text), name, UINT64_MAX, UINT64_MAX, UINT32_MAX);
	assert_true(gid_parse(text, &g));
	assert_string_equal(g.cluster, name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_formatted_parses_back),
		cmocka_unit_test(same_counter_gives_another_gid),
		cmocka_unit_test(foreign_gids_are_not_ours),
		cmocka_unit_test(the_longest_cluster_name_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
