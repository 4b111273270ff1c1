#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pgmosaic/catalog/proxy.h"

static void epochs_are_kept_ascending_and_once_each(void **state)
{
	struct proxy_epochs set = { .n = 0 };
	static const uint64_t in[] = { 7, 3, 7, 9, 3, 1 }, out[] = { 1, 3, 7, 9 };

	(void)state;
	for (unsigned i = 0; i < sizeof(in) / sizeof(in[0]); i++)
		proxy_epochs_add(&set, in[i]);
	assert_int_equal(set.n, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(set.items[i], out[i]);
}

/* n == PROXY_MAX_EPOCHS says that there may be more: the least one must never be missing. */
static void a_full_set_keeps_the_oldest(void **state)
{
	struct proxy_epochs set = { .n = 0 };

	(void)state;
	for (uint64_t e = 100; e > 100 - 2 * PROXY_MAX_EPOCHS; e--)
		proxy_epochs_add(&set, e);
	assert_int_equal(set.n, PROXY_MAX_EPOCHS);
	assert_int_equal(set.items[0], 101 - 2 * PROXY_MAX_EPOCHS);
	for (unsigned i = 1; i < set.n; i++)
		assert_true(set.items[i] > set.items[i - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(epochs_are_kept_ascending_and_once_each),
		cmocka_unit_test(a_full_set_keeps_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
