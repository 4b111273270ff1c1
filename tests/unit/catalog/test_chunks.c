#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/chunks.h"

static void any_number_of_chunks_covers_all_hashes_without_a_gap(void **state)
{
	static const uint32_t counts[] = { 1, 2, 3, 7, 64, 1000, 65535, 65536 };

	(void)state;
	for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
		uint32_t n = counts[k];

		assert_true(chunk_lo(0, n) == INT64_MIN);
		assert_true(chunk_hi(n - 1, n) == INT64_MAX);
		for (uint32_t i = 0; i + 1 < n; i++)
			if (chunk_hi(i, n) + 1 != chunk_lo(i + 1, n) ||
			    chunk_lo(i, n) > chunk_hi(i, n))
				fail_msg("chunk %u of %u", i, n);
	}
}

static void chunks_are_of_equal_width_but_for_one(void **state)
{
	uint64_t width = (uint64_t)chunk_hi(0, 7) - (uint64_t)chunk_lo(0, 7);

	(void)state;
	for (uint32_t i = 1; i < 7; i++) {
		uint64_t w = (uint64_t)chunk_hi(i, 7) - (uint64_t)chunk_lo(i, 7);

		assert_true(w - width + 1 <= 2);
	}
}

static void equal_weights_take_turns(void **state)
{
	static const uint32_t weights[] = { 1, 1, 1 };
	uint16_t owners[7];

	(void)state;
	assert_true(chunks_deal(7, weights, 3, owners));
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(owners[i], i % 3);
}

static void shares_follow_the_weights(void **state)
{
	static const uint32_t weights[] = { 1, 0, 3, 1000000 };
	static const uint32_t small[] = { 1, 0, 3 };
	uint16_t owners[64];
	unsigned n[4] = { 0 };

	(void)state;
	assert_true(chunks_deal(64, small, 3, owners));
	for (unsigned i = 0; i < 64; i++)
		n[owners[i]]++;
	assert_int_equal(n[0], 16);
	assert_int_equal(n[1], 0);
	assert_int_equal(n[2], 48);
	assert_true(chunks_deal(64, weights, 4, owners));
	for (unsigned i = 0; i < 64; i++)
		assert_int_not_equal(owners[i], 1);
}

static void without_any_weight_nobody_can_own(void **state)
{
	static const uint32_t weights[] = { 0, 0 };
	uint16_t owners[1];

	(void)state;
	assert_false(chunks_deal(1, weights, 2, owners));
	assert_false(chunks_deal(1, NULL, 0, owners));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_number_of_chunks_covers_all_hashes_without_a_gap),
		cmocka_unit_test(chunks_are_of_equal_width_but_for_one),
		cmocka_unit_test(equal_weights_take_turns),
		cmocka_unit_test(shares_follow_the_weights),
		cmocka_unit_test(without_any_weight_nobody_can_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
