#include "pgmosaic/base/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/check.h"

#define TYPE_COUNTER METRIC_TYPE_COUNTER
#define TYPE_GAUGE   METRIC_TYPE_GAUGE

const struct metric_info metric_infos[METRIC_N] = {
#define METRIC_ROW(name, type_, family_, label_, unit_, help_) \
	[METRIC_##name] = { TYPE_##type_, family_, label_, unit_, help_ },
	METRIC_MAP(METRIC_ROW)
#undef METRIC_ROW
};

const struct hist_info hist_infos[HIST_N] = {
#define HIST_ROW(name, family_, help_) [HIST_##name] = { family_, help_ },
	HIST_MAP(HIST_ROW)
#undef HIST_ROW
};

struct metrics *metrics_create(void)
{
	struct metrics *m = aligned_alloc(_Alignof(struct metrics), sizeof(*m));

	INVARIANT(m != NULL);
	memset(m, 0, sizeof(*m));
	return m;
}

void metrics_destroy(struct metrics *m)
{
	free(m);
}

/* The smallest i with us <= 2^i; HIST_BUCKETS past the last. */
static unsigned bucket_of(uint64_t us)
{
	unsigned i = us <= 1 ? 0 : 64u - (unsigned)__builtin_clzll(us - 1);

	return i < HIST_BUCKETS ? i : HIST_BUCKETS;
}

void metrics_observe(struct metrics *m, enum hist id, uint64_t us)
{
	struct metrics_hist *h = &m->hists[id];

	metrics_bump(&h->buckets[bucket_of(us)], 1);
	metrics_bump(&h->sum_us, us);
}

static void add_block(struct metrics *m, struct metrics_total *out)
{
	for (unsigned i = 0; i < METRIC_N; i++)
		out->values[i] +=
			(int64_t)atomic_load_explicit(&m->values[i], memory_order_relaxed);
	for (unsigned h = 0; h < HIST_N; h++) {
		for (unsigned b = 0; b <= HIST_BUCKETS; b++)
			out->buckets[h][b] +=
				atomic_load_explicit(&m->hists[h].buckets[b], memory_order_relaxed);
		out->sum_us[h] += atomic_load_explicit(&m->hists[h].sum_us, memory_order_relaxed);
	}
}

void metrics_sum(struct metrics *const *blocks, unsigned n, struct metrics_total *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < n; i++)
		add_block(blocks[i], out);
}
