/* Blocks of shared sequences: what is leased, what is left, and the ends of types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "pgmosaic/catalog/sequence.h"

static const struct sequence_rule up = { .start = 1, .minimum = 1, .maximum = 100, .increment = 1 };
static const struct sequence_rule down = {
	.start = -1, .minimum = -10, .maximum = -1, .increment = -3
};

static void take(const struct sequence_rule *rule, struct sequence_state *state, uint64_t n,
		 int64_t first, int64_t last)
{
	struct sequence_block b;

	assert_true(sequence_take(rule, state, n, &b));
	assert_int_equal(b.first, first);
	assert_int_equal(b.last, last);
}

static void blocks_follow_each_other_and_the_last_one_is_cut(void **unused)
{
	struct sequence_state s = { .next = 1 };
	struct sequence_block b;

	(void)unused;
	take(&up, &s, 60, 1, 60);
	take(&up, &s, 30, 61, 90);
	take(&up, &s, 30, 91, 100);
	assert_true(s.is_done);
	assert_false(sequence_take(&up, &s, 1, &b));
}

static void a_descending_sequence_steps_down_to_its_minimum(void **unused)
{
	struct sequence_state s = { .next = -1 };
	struct sequence_block b;

	(void)unused;
	take(&down, &s, 2, -1, -4);
	take(&down, &s, 9, -7, -10);
	assert_false(sequence_take(&down, &s, 1, &b));
}

static void a_cycle_begins_at_the_other_end(void **unused)
{
	struct sequence_rule rule = up;
	struct sequence_state s = { .next = 50 };

	(void)unused;
	rule.cycle = true;
	take(&rule, &s, 1000, 50, 100);
	take(&rule, &s, 10, 1, 10);
	rule = down;
	rule.cycle = true;
	s = (struct sequence_state){ .next = -10, .is_done = true };
	take(&rule, &s, 1, -1, -1);
}

static void a_sequence_may_span_all_of_bigint(void **unused)
{
	struct sequence_rule rule = {
		.start = INT64_MIN, .minimum = INT64_MIN, .maximum = INT64_MAX, .increment = 1
	};
	struct sequence_state s = { .next = INT64_MIN };

	(void)unused;
	take(&rule, &s, 2, INT64_MIN, INT64_MIN + 1);
	take(&rule, &s, UINT64_MAX, INT64_MIN + 2, INT64_MAX);
	assert_true(s.is_done);
	rule.increment = INT64_MAX;
	s = (struct sequence_state){ .next = INT64_MIN };
	take(&rule, &s, 5, INT64_MIN, INT64_MAX - 1);
	rule.increment = INT64_MIN;
	s = (struct sequence_state){ .next = INT64_MAX };
	take(&rule, &s, 5, INT64_MAX, -1);
	assert_int_equal(sequence_count(1, INT64_MIN, INT64_MAX), UINT64_MAX);
}

static void counting_is_by_steps_and_never_backwards(void **unused)
{
	(void)unused;
	assert_int_equal(sequence_count(1, 1, 1), 1);
	assert_int_equal(sequence_count(3, 1, 9), 3);
	assert_int_equal(sequence_count(-3, -1, -10), 4);
	assert_int_equal(sequence_count(1, 5, 4), 0);
	assert_int_equal(sequence_count(-1, 4, 5), 0);
}

static void the_place_behind_a_used_value(void **unused)
{
	struct sequence_state s = { .next = 0 };

	(void)unused;
	sequence_pass(&up, &s, 41);
	assert_int_equal(s.next, 42);
	assert_false(s.is_done);
	sequence_pass(&up, &s, 100);
	assert_true(s.is_done);
	sequence_pass(&down, &s, -9);
	assert_true(s.is_done); /* the next would be -12 */
}

static void short_sequences_have_short_blocks(void **unused)
{
	struct sequence_rule rule = up;

	(void)unused;
	assert_int_equal(sequence_default_block(&rule), 1);
	rule.maximum = 32767;
	assert_int_equal(sequence_default_block(&rule), 511);
	rule.maximum = INT64_MAX;
	assert_int_equal(sequence_default_block(&rule), 1000);
	assert_int_equal(sequence_default_block(&down), 1);
}

static void leases_shrink_towards_the_end(void **unused)
{
	struct sequence_state s = { .next = 1 };
	struct sequence_block b;
	unsigned n = 0;

	(void)unused;
	assert_int_equal(sequence_fair(&up, &s, 50, 0), 6);
	assert_int_equal(sequence_fair(&up, &s, 50, 8), 8);
	assert_int_equal(sequence_fair(&up, &s, 5, 3), 5);
	while (sequence_take(&up, &s, sequence_fair(&up, &s, 50, 0), &b))
		n += (unsigned)sequence_count(1, b.first, b.last);
	assert_int_equal(n, 100); /* all of them, each once */
	assert_int_equal(b.first, b.last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_follow_each_other_and_the_last_one_is_cut),
		cmocka_unit_test(a_descending_sequence_steps_down_to_its_minimum),
		cmocka_unit_test(a_cycle_begins_at_the_other_end),
		cmocka_unit_test(a_sequence_may_span_all_of_bigint),
		cmocka_unit_test(counting_is_by_steps_and_never_backwards),
		cmocka_unit_test(the_place_behind_a_used_value),
		cmocka_unit_test(short_sequences_have_short_blocks),
		cmocka_unit_test(leases_shrink_towards_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
