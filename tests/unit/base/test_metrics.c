/* Counters, gauges and histograms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pgmosaic/base/metrics.h"

static void blocks_are_summed(void **state)
{
	struct metrics *blocks[2] = { metrics_create(), metrics_create() };
	struct metrics_total total;

	(void)state;
	metrics_add(blocks[0], METRIC_ROWS, 5);
	metrics_add(blocks[1], METRIC_ROWS, 7);
	metrics_add(blocks[1], METRIC_CANCELS, 1);
	metrics_sum(blocks, 2, &total);
	assert_int_equal(total.values[METRIC_ROWS], 12);
	assert_int_equal(total.values[METRIC_CANCELS], 1);
	assert_int_equal(total.values[METRIC_CLIENTS], 0);
	metrics_destroy(blocks[0]);
	metrics_destroy(blocks[1]);
}

static void a_gauge_may_go_up_in_one_thread_and_down_in_another(void **state)
{
	struct metrics *blocks[2] = { metrics_create(), metrics_create() };
	struct metrics_total total;

	(void)state;
	metrics_add(blocks[0], METRIC_CLIENTS, 3);
	metrics_sub(blocks[1], METRIC_CLIENTS, 2);
	metrics_sum(blocks, 2, &total);
	assert_int_equal(total.values[METRIC_CLIENTS], 1);
	metrics_destroy(blocks[0]);
	metrics_destroy(blocks[1]);
}

static void buckets_end_at_powers_of_two(void **state)
{
	static const struct {
		uint64_t us;
		unsigned bucket;
	} cases[] = { { 0, 0 },
		      { 1, 0 },
		      { 2, 1 },
		      { 3, 2 },
		      { 4, 2 },
		      { 5, 3 },
		      { 1024, 10 },
		      { 1025, 11 },
		      { 1u << 25, 25 },
		      { (1u << 25) + 1, HIST_BUCKETS },
		      { UINT64_MAX, HIST_BUCKETS } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct metrics *m = metrics_create();
		struct metrics_total total;

		metrics_observe(m, HIST_QUERY, cases[i].us);
		metrics_sum(&m, 1, &total);
		assert_int_equal(total.buckets[HIST_QUERY][cases[i].bucket], 1);
		assert_true(total.sum_us[HIST_QUERY] == cases[i].us);
		metrics_destroy(m);
	}
}

static void blocks_start_on_a_cache_line(void **state)
{
	struct metrics *m = metrics_create();

	(void)state;
	assert_int_equal((uintptr_t)m % 64, 0);
	assert_int_equal(sizeof(*m) % 64, 0);
	metrics_destroy(m);
	metrics_destroy(NULL);
}

/* One family stands together, has one type and help, and its labels differ. */
static void families_are_well_formed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < METRIC_N; i++) {
		const struct metric_info *x = &metric_infos[i];

		for (unsigned j = i + 1; j < METRIC_N; j++) {
			const struct metric_info *y = &metric_infos[j];

			if (strcmp(x->family, y->family) != 0)
				continue;
			assert_string_equal(metric_infos[j - 1].family, x->family);
			assert_string_equal(x->help, y->help);
			assert_int_equal(x->type, y->type);
			assert_string_not_equal(x->label, y->label);
		}
		if (*x->unit) /* OpenMetrics: the unit ends the name */
			assert_string_equal(x->family + strlen(x->family) - strlen(x->unit),
					    x->unit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_summed),
		cmocka_unit_test(a_gauge_may_go_up_in_one_thread_and_down_in_another),
		cmocka_unit_test(buckets_end_at_powers_of_two),
		cmocka_unit_test(blocks_start_on_a_cache_line),
		cmocka_unit_test(families_are_well_formed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
