/* Memory by lifetime. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pgmosaic/base/arena.h"

static void memory_is_zeroed_and_aligned(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (size_t n = 1; n < 5000; n += 37) {
		unsigned char *p = arena_alloc(&a, n);

		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xaa, n);
	}
	arena_finish(&a);
}

static void memory_is_zeroed_again_after_a_reset(void **state)
{
	struct arena a;
	unsigned char *p;

	(void)state;
	arena_init(&a, 0);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++) {
			p = arena_alloc(&a, 1000);
			for (size_t k = 0; k < 1000; k++)
				assert_int_equal(p[k], 0);
			memset(p, 0xff, 1000);
		}
		arena_reset(&a);
		assert_int_equal(a.used_bytes, 0);
	}
	arena_finish(&a);
}

static void past_the_limit_there_is_nothing_and_no_damage(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1000);
	assert_non_null(arena_alloc(&a, 900));
	assert_null(arena_alloc(&a, 200));
	assert_null(arena_alloc(&a, SIZE_MAX / 2));
	assert_non_null(arena_alloc(&a, 64));
	assert_null(arena_printf(&a, "%0500d", 1));
	arena_finish(&a);
}

static void one_allocation_may_be_larger_than_a_block(void **state)
{
	struct arena a;
	char *p;

	(void)state;
	arena_init(&a, 0);
	p = arena_alloc(&a, 5 << 20);
	p[(5 << 20) - 1] = 1;
	assert_non_null(arena_alloc(&a, 1));
	arena_finish(&a);
}

static void texts_are_copied_and_terminated(void **state)
{
	struct arena a;
	char text[] = "hello world";
	struct str s;

	(void)state;
	arena_init(&a, 0);
	assert_string_equal(arena_strdup(&a, text), text);
	assert_string_equal(arena_strndup(&a, text, 5), "hello");
	assert_string_equal(arena_strndup(&a, text, 0), "");
	assert_string_equal(arena_printf(&a, "%s-%d", text, 7), "hello world-7");
	s = arena_str(&a, (struct str){ text, 5 });
	text[0] = 'j';
	assert_true(str_is(s, "hello"));
	assert_memory_equal(arena_copy(&a, "a\0b", 3), "a\0b", 3);
	arena_finish(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_and_aligned),
		cmocka_unit_test(memory_is_zeroed_again_after_a_reset),
		cmocka_unit_test(past_the_limit_there_is_nothing_and_no_damage),
		cmocka_unit_test(one_allocation_may_be_larger_than_a_block),
		cmocka_unit_test(texts_are_copied_and_terminated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
