#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "pgmosaic/catalog/map.h"
#include "pgmosaic/catalog/world.h"

/* Two shards (the second has the lower id), one distribution of three chunks out of order, one
 * table of each kind. */
static struct shard_map *make_map(void)
{
	static const struct map_chunk chunks[] = {
		{ .id = 3, .lo = 100, .hi = INT64_MAX, .shard = 0 },
		{ .id = 1, .lo = INT64_MIN, .hi = -1, .shard = 0 },
		{ .id = 2, .lo = 0, .hi = 99, .shard = 1 }
	};
	struct shard_map *map = map_create();
	struct arena *a = &map->arena;

	map->epoch = 7;
	map->cluster = "c1";
	map->n_shards = 2;
	map->shards = arena_array(a, struct map_shard, 2);
	map->shards[0] = (struct map_shard){ .id = 5, .name = "s5", .dsn = "d5", .dbname = "app" };
	map->shards[1] = (struct map_shard){ .id = 2, .name = "s2", .dsn = "d2", .dbname = "app" };
	map->n_distributions = 1;
	map->distributions = arena_array(a, struct map_distribution, 1);
	map->distributions[0] = (struct map_distribution){
		.id = 1, .name = "by_id", .n_keys = 1, .key_types = { 20 }, .n_chunks = 3
	};
	map->distributions[0].chunks = arena_copy(a, chunks, sizeof(chunks));
	map->n_tables = 3;
	map->tables = arena_array(a, struct map_table, 3);
	map->tables[0] = (struct map_table){ "public", "orders", MAP_SHARDED, 0, 0, 1, { "id" } };
	map->tables[1] =
		(struct map_table){ .schema = "public", .name = "r", .kind = MAP_REFERENCE };
	map->tables[2] = (struct map_table){ .schema = "a", .name = "s", .kind = MAP_SINGLE };
	return map;
}

static struct shard_map *make_sealed(void)
{
	struct shard_map *map = make_map();
	struct err err = ERR_INIT;

	if (map_seal(map, &err) != STATUS_OK)
		fail_msg("%s", err.message);
	return map;
}

static void assert_refused(struct shard_map *map, const char *part)
{
	struct err err = ERR_INIT;

	assert_int_equal(map_seal(map, &err), STATUS_CATALOG);
	if (!strstr(err.message, part))
		fail_msg("\"%s\" does not say \"%s\"", err.message, part);
	map_destroy(map);
}

static void every_bound_of_a_chunk_belongs_to_it(void **state)
{
	struct shard_map *map = make_sealed();
	const struct map_distribution *d = &map->distributions[0];

	(void)state;
	assert_int_equal(map_shard_of_hash(d, INT64_MIN), 0);
	assert_int_equal(map_shard_of_hash(d, -1), 0);
	assert_int_equal(map_shard_of_hash(d, 0), 1);
	assert_int_equal(map_shard_of_hash(d, 99), 1);
	assert_int_equal(map_shard_of_hash(d, 100), 0);
	assert_int_equal(map_shard_of_hash(d, INT64_MAX), 0);
	map_destroy(map);
}

static void the_home_shard_has_the_lowest_id(void **state)
{
	struct shard_map *map = make_sealed();

	(void)state;
	assert_int_equal(map->home, 1);
	map_destroy(map);
}

static void names_are_found_exactly(void **state)
{
	struct shard_map *map = make_sealed();

	(void)state;
	assert_ptr_equal(map_find_table(map, "public", "orders"), &map->tables[0]);
	assert_ptr_equal(map_find_table(map, "a", "s"), &map->tables[2]);
	assert_null(map_find_table(map, "a", "orders"));
	assert_null(map_find_table(map, "public", "Orders"));
	assert_int_equal(map_find_shard(map, "s2"), 1);
	assert_int_equal(map_find_shard(map, "s"), -1);
	assert_int_equal(map_find_distribution(map, "by_id"), 0);
	assert_int_equal(map_find_distribution(map, ""), -1);
	map_destroy(map);
}

static void a_gap_is_refused(void **state)
{
	struct shard_map *map = make_map();

	(void)state;
	map->distributions[0].chunks[2].lo = 1;
	assert_refused(map, "gap or an overlap");
}

static void an_overlap_is_refused(void **state)
{
	struct shard_map *map = make_map();

	(void)state;
	map->distributions[0].chunks[1].hi = 0;
	assert_refused(map, "gap or an overlap");
}

static void both_ends_must_be_owned(void **state)
{
	struct shard_map *map = make_map();

	(void)state;
	map->distributions[0].chunks[1].lo = INT64_MIN + 1;
	assert_refused(map, "gap");
	map = make_map();
	map->distributions[0].chunks[0].hi = INT64_MAX - 1;
	assert_refused(map, "highest hashes");
	map = make_map();
	map->distributions[0].n_chunks = 0;
	assert_refused(map, "no chunk");
}

static void a_chunk_after_the_last_hash_is_an_overlap(void **state)
{
	struct shard_map *map = make_map();

	(void)state;
	map->distributions[0].chunks[2] =
		(struct map_chunk){ .id = 2, .lo = 0, .hi = INT64_MAX, .shard = 1 };
	assert_refused(map, "gap or an overlap");
}

static void unknown_parts_are_refused(void **state)
{
	struct shard_map *map = make_map();

	(void)state;
	map->distributions[0].chunks[0].shard = 2;
	assert_refused(map, "no shard");
	map = make_map();
	map->tables[0].distribution = 1;
	assert_refused(map, "no distribution");
	map = make_map();
	map->tables[0].n_keys = 2;
	assert_refused(map, "key columns");
	map = make_map();
	map->tables[2].home = 2;
	assert_refused(map, "no shard");
	map = make_map();
	map->tables[1].name = "orders";
	assert_refused(map, "twice");
	map = make_map();
	map->shards[1].name = "s5";
	assert_refused(map, "two shards");
}

static void an_empty_map_is_sound(void **state)
{
	struct shard_map *map = map_create();
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(map_seal(map, &err), STATUS_OK);
	assert_null(map_find_table(map, "public", "t"));
	map_destroy(map);
}

static void a_copy_outlives_the_original(void **state)
{
	struct shard_map *map = make_sealed();
	struct shard_map *copy = map_copy(map);
	struct err err = ERR_INIT;

	(void)state;
	map_destroy(map);
	assert_int_equal(map_seal(copy, &err), STATUS_OK);
	assert_true(copy->epoch == 7);
	assert_string_equal(copy->cluster, "c1");
	assert_string_equal(copy->shards[0].name, "s5");
	assert_string_equal(map_find_table(copy, "public", "orders")->key_columns[0], "id");
	assert_int_equal(map_shard_of_hash(&copy->distributions[0], 50), 1);
	map_destroy(copy);
}

static void the_last_holder_of_a_world_frees_it(void **state)
{
	struct world *w = world_create(make_sealed(), schema_create(), NULL);
	struct world *other = world_create(map_create(), schema_create(), NULL);

	(void)state;
	assert_true(other->version > w->version);
	assert_ptr_equal(world_hold(w), w);
	world_drop(w);
	assert_string_equal(w->map->cluster, "c1");
	world_drop(w);
	world_drop(other);
	world_drop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_bound_of_a_chunk_belongs_to_it),
		cmocka_unit_test(the_home_shard_has_the_lowest_id),
		cmocka_unit_test(names_are_found_exactly),
		cmocka_unit_test(a_gap_is_refused),
		cmocka_unit_test(an_overlap_is_refused),
		cmocka_unit_test(both_ends_must_be_owned),
		cmocka_unit_test(a_chunk_after_the_last_hash_is_an_overlap),
		cmocka_unit_test(unknown_parts_are_refused),
		cmocka_unit_test(an_empty_map_is_sound),
		cmocka_unit_test(a_copy_outlives_the_original),
		cmocka_unit_test(the_last_holder_of_a_world_frees_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
