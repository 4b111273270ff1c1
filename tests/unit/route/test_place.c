/* Ranges, placed keys and directories: from keys and bounds to shards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "pgmosaic/key/value.h"
#include "pgmosaic/route/route.h"

static struct shard_map *map;
static struct map_distribution *d;

static struct key_value number(int64_t v)
{
	return (struct key_value){ .kind = KEY_VALUE_NUMBER, .width = 8, .number = v };
}

/* Four shards; chunks from -infinity, 0, 10 and 20, one for each. */
static void make_map(enum map_method method)
{
	static const int64_t from[] = { 0, 0, 10, 20 };
	static const char *const names[] = { "s1", "s2", "s3", "s4" };
	struct err err = ERR_INIT;

	map = map_create();
	map->shards = arena_array(&map->arena, struct map_shard, 4);
	map->n_shards = 4;
	for (unsigned i = 0; i < 4; i++)
		map->shards[i] = (struct map_shard){ .id = i + 1, .name = names[i] };
	d = map->distributions = arena_new(&map->arena, struct map_distribution);
	map->n_distributions = 1;
	*d = (struct map_distribution){
		.id = 1, .name = "d", .method = method, .n_keys = 1, .key_types = { 20 }
	};
	d->chunks = arena_array(&map->arena, struct map_chunk, 4);
	d->n_chunks = method == MAP_RANGE ? 4 : 0;
	for (uint16_t i = 0; i < d->n_chunks; i++) {
		d->chunks[i] = (struct map_chunk){ .id = i + 1u, .shard = i, .from_text = "" };
		if (i > 0)
			d->chunks[i].from = number(from[i]);
	}
	d->keys = arena_array(&map->arena, struct map_key, 2);
	assert_int_equal(map_seal(map, &err), STATUS_OK);
}

static void pin(int64_t key, uint16_t shard)
{
	struct key_value v = number(key);
	uint8_t *bytes = arena_alloc(&map->arena, 12);
	struct err err = ERR_INIT;

	key_canonical(&v, 1, bytes);
	d->keys[d->n_placed++] = (struct map_key){ bytes, 12, shard };
	assert_int_equal(map_seal(map, &err), STATUS_OK);
}

static int tear_down(void **state)
{
	(void)state;
	map_destroy(map);
	return 0;
}

static uint16_t shard_of(int64_t key)
{
	struct key_value v = number(key);
	uint16_t shard = UINT16_MAX;

	assert_true(map_shard_of_key(d, &v, &shard));
	return shard;
}

static void a_key_lies_in_the_last_range_that_begins_at_or_below_it(void **state)
{
	struct key_value null = { .kind = KEY_VALUE_NULL };
	uint16_t shard;

	(void)state;
	make_map(MAP_RANGE);
	assert_int_equal(shard_of(INT64_MIN), 0);
	assert_int_equal(shard_of(-1), 0);
	assert_int_equal(shard_of(0), 1);
	assert_int_equal(shard_of(9), 1);
	assert_int_equal(shard_of(10), 2);
	assert_int_equal(shard_of(20), 3);
	assert_int_equal(shard_of(INT64_MAX), 3);
	assert_true(map_shard_of_key(d, &null, &shard));
	assert_int_equal(shard, 0);
}

static void ranges_that_do_not_ascend_are_refused(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	make_map(MAP_RANGE);
	d->chunks[2].from = number(0);
	assert_int_equal(map_seal(map, &err), STATUS_CATALOG);
}

static void a_placed_key_goes_before_its_range_and_survives_a_copy(void **state)
{
	struct shard_map *copy;
	struct key_value v = number(5);
	struct err err = ERR_INIT;
	uint16_t shard;

	(void)state;
	make_map(MAP_RANGE);
	pin(5, 3);
	assert_int_equal(shard_of(5), 3);
	assert_int_equal(shard_of(4), 1);
	copy = map_copy(map);
	assert_int_equal(map_seal(copy, &err), STATUS_OK);
	assert_true(map_shard_of_key(&copy->distributions[0], &v, &shard));
	assert_int_equal(shard, 3);
	map_destroy(copy);
}

/* The shards as bits, for bounds on key literals. */
static unsigned pruned(unsigned n, const enum plan_bound_op *ops, const char *const *values)
{
	struct key_bound bounds[2] = { { .op = BOUND_LT } };
	struct key_interval interval = { .n = (uint16_t)n, .bounds = bounds };
	struct plan plan = { .target = TARGET_OWNERS,
			     .must_be_shard = -1,
			     .intervals = &interval,
			     .n_intervals = 1 };
	struct err err = ERR_INIT;
	struct route route;
	unsigned bits = 0;

	for (unsigned i = 0; i < n; i++)
		bounds[i] = (struct key_bound){ .op = ops[i],
						.source = { .kind = values[i] ? KEY_TEXT : KEY_NULL,
							    .type_oid = 20,
							    .column_type = 20,
							    .text = str_of(values[i] ? values[i]
										     : "") } };
	assert_int_equal(route_bind(&plan, str_of(""), NULL, NULL, map, NULL, &route, &err), 0);
	for (int s = -1; (s = shard_set_next(&route.shards, s)) >= 0;)
		bits |= 1u << s;
	return bits;
}

static void bounds_leave_out_the_shards_of_other_ranges(void **state)
{
	static const enum plan_bound_op lt[] = { BOUND_LT }, le[] = { BOUND_LE },
					gt[] = { BOUND_GT }, ge[] = { BOUND_GE },
					both[] = { BOUND_GE, BOUND_LT };
	const char *ten[] = { "10" }, *nine[] = { "9" }, *null[] = { NULL }, *odd[] = { "0x10" };
	const char *inner[] = { "0", "10" }, *empty[] = { "20", "5" };

	(void)state;
	make_map(MAP_RANGE);
	assert_int_equal(pruned(1, lt, ten), 0x3);
	assert_int_equal(pruned(1, le, ten), 0x7);
	assert_int_equal(pruned(1, gt, ten), 0xc);
	assert_int_equal(pruned(1, ge, ten), 0xc);
	assert_int_equal(pruned(1, ge, nine), 0xe);
	assert_int_equal(pruned(2, both, inner), 0x2);
	assert_int_equal(pruned(2, both, empty), 1u << map->home); /* nothing: one answers */
	assert_int_equal(pruned(1, lt, null), 1u << map->home);
	assert_int_equal(pruned(1, lt, odd), 0xf); /* not read for sure: all */
	pin(100, 0);
	assert_int_equal(pruned(1, ge, ten), 0xd); /* placed keys may be anywhere */
}

/* ---- directories ---- */

static unsigned n_asked;

static enum status find(void *ctx, const struct map_distribution *dist, const uint8_t *key,
			size_t n, bool places, int *shard, struct err *err)
{
	int *answer = ctx;

	(void)err;
	n_asked++;
	assert_int_equal(n, 12);
	*shard = places ? 2 : *answer;
	if (*shard >= 0)
		map_learn_key(dist, key, n, (uint16_t)*shard);
	return STATUS_OK;
}

static enum status bind_key(bool is_insert, const struct key_finder *finder, struct route *route)
{
	struct key_source source = {
		.kind = KEY_TEXT, .type_oid = 20, .column_type = 20, .text = str_of("7")
	};
	struct plan plan = {
		.target = TARGET_KEYS,
		.must_be_shard = -1,
		.keys = { .n_keys = 1, .n_rows = 1, .sources = &source, .is_insert = is_insert }
	};
	struct err err = ERR_INIT;

	return route_bind(&plan, str_of(""), NULL, NULL, map, finder, route, &err);
}

static void a_key_the_map_lacks_is_asked_for_and_then_known(void **state)
{
	int none = -1;
	const struct key_finder finder = { find, &none };
	struct route route;

	(void)state;
	make_map(MAP_DIRECTORY);
	n_asked = 0;
	assert_int_equal(bind_key(false, NULL, &route), STATUS_UNKNOWN_KEY);
	assert_int_equal(bind_key(false, &finder, &route), STATUS_OK);
	assert_true(shard_set_has(&route.shards, map->home)); /* nobody has it: one answers */
	assert_int_equal(bind_key(false, &finder, &route), STATUS_OK);
	assert_int_equal(n_asked, 2); /* what is missing is asked each time */
	assert_int_equal(bind_key(true, &finder, &route), STATUS_OK);
	assert_true(shard_set_has(&route.shards, 2));
	assert_int_equal(bind_key(false, NULL, &route), STATUS_OK); /* learned */
	assert_true(shard_set_has(&route.shards, 2));
	assert_int_equal(n_asked, 3);
}

static void every_shard_may_have_a_directorys_rows(void **state)
{
	struct shard_set owners = { .n = 0 };

	(void)state;
	make_map(MAP_DIRECTORY);
	route_owners(map, d, &owners);
	assert_int_equal(owners.n, 4);
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_key_lies_in_the_last_range_that_begins_at_or_below_it),
		TEST(ranges_that_do_not_ascend_are_refused),
		TEST(a_placed_key_goes_before_its_range_and_survives_a_copy),
		TEST(bounds_leave_out_the_shards_of_other_ranges),
		TEST(a_key_the_map_lacks_is_asked_for_and_then_known),
		TEST(every_shard_may_have_a_directorys_rows),
	};

	return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
