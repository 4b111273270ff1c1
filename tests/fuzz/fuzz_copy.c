/* The COPY splitter on any bytes: cut in two other ways, the stream gives the same rows to
 * the same shards, the same status, and no byte twice. The first bytes choose the format. */
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/check.h"
#include "pgmosaic/base/hash.h"
#include "pgmosaic/route/copy_split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Rows are folded into one hash per shard, each byte counted: a malformed binary stream is
 * passed on in pieces that follow the cut, so only the bytes are the same. */
struct sum {
	uint64_t hash[5];
	size_t n_bytes, n_rows;
};

static enum status add_row(void *ctx, uint16_t shard, const uint8_t *row, size_t n, struct err *err)
{
	struct sum *sum = ctx;
	uint64_t *hash = &sum->hash[shard == COPY_TO_ALL ? 4 : shard];

	(void)err;
	INVARIANT(shard == COPY_TO_ALL || shard < 4);
	for (size_t i = 0; i < n; i++)
		*hash = (*hash ^ row[i]) * UINT64_C(0x100000001b3);
	sum->n_bytes += n;
	sum->n_rows++;
	return STATUS_OK;
}

static struct map_chunk chunks[4] = {
	{ .lo = INT64_MIN, .hi = INT64_MIN / 2 - 1, .shard = 0 },
	{ .lo = INT64_MIN / 2, .hi = -1, .shard = 1 },
	{ .lo = 0, .hi = INT64_MAX / 2, .shard = 2 },
	{ .lo = INT64_MAX / 2 + 1, .hi = INT64_MAX, .shard = 3 },
};

static void choose(struct plan *plan, struct map_distribution *dist, uint8_t how)
{
	plan->copy.format = how % 3 == 0 ? COPY_TEXT : how % 3 == 1 ? COPY_CSV : COPY_BINARY;
	plan->copy.delimiter = how & 0x10 ? ',' : '\t';
	plan->copy.quote = '"';
	plan->copy.escape = how & 0x20 ? '\\' : '"';
	plan->copy.null_text = how & 0x40 ? "" : "\\N";
	plan->copy.header = how & 0x80;
	plan->copy.key_field[0] = how & 8 ? 1 : 0;
	plan->copy.key_type[0] = how & 4 ? 25 : 20;
	plan->copy.n_fields = 2;
	dist->key_types[0] = plan->copy.key_type[0];
}

/* Pieces of `step` bytes, or growing ones for 0. */
static enum status run(const struct plan *plan, const struct shard_map *map, const uint8_t *p,
		       size_t n, size_t step, struct sum *sum)
{
	struct copy_splitter *s = copy_splitter_create(plan, map, NULL, 1 << 20, add_row, sum);
	enum status status = STATUS_OK;
	struct err err;

	memset(sum, 0, sizeof(*sum));
	for (size_t at = 0, grown = 1; at < n && status == STATUS_OK; grown++) {
		size_t take = step ? step : grown;
		uint8_t *piece;

		take = n - at < take ? n - at : take;
		piece = malloc(take);
		memcpy(piece, p + at, take);
		status = copy_splitter_feed(s, piece, take, &err);
		free(piece);
		at += take;
	}
	if (status == STATUS_OK)
		status = copy_splitter_finish(s, &err);
	copy_splitter_destroy(s);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct map_distribution dist = { .n_keys = 1, .chunks = chunks, .n_chunks = 4 };
	struct shard_map map = { .n_shards = 4, .distributions = &dist, .n_distributions = 1 };
	struct plan plan = { .class = PLAN_COPY_IN };
	struct sum whole, other;
	enum status status;

	if (size < 1)
		return 0;
	choose(&plan, &dist, data[0]);
	data++;
	size--;
	status = run(&plan, &map, data, size, size ? size : 1, &whole);
	INVARIANT(whole.n_bytes <= size);
	for (size_t step = 0; step < 3; step++) {
		INVARIANT(run(&plan, &map, data, size, step, &other) == status);
		INVARIANT(memcmp(whole.hash, other.hash, sizeof(whole.hash)) == 0);
		INVARIANT(plan.copy.format == COPY_BINARY || whole.n_rows == other.n_rows);
	}
	return 0;
}
