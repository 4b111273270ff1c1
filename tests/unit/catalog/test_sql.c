/* The pure parts of what talks SQL: quoting, arrays, DSNs, hashes as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "pgmosaic/key/type.h"
#include "pgmosaic/catalog/pq.h"
#include "pgmosaic/catalog/shard.h"

static struct arena a;

static int set_up(void **state)
{
	(void)state;
	arena_init(&a, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_finish(&a);
	return 0;
}

static void quotes_inside_are_doubled(void **state)
{
	(void)state;
	assert_string_equal(pq_ident(&a, "a\"b"), "\"a\"\"b\"");
	assert_string_equal(pq_literal(&a, "it's"), "'it''s'");
	assert_string_equal(pq_literal(&a, ""), "''");
	assert_string_equal(pq_literal(&a, "a\\'b"), " E'a\\\\''b'");
}

static void arrays_survive_the_round_trip(void **state)
{
	static const char *const items[] = { "plain",	"with space", "a,b", "q\"uo",
					     "back\\s", "",	      "{}" };
	const char *out[8];

	(void)state;
	assert_int_equal(pq_array(&a, pq_make_array(&a, items, 7), out, 8), 7);
	for (int i = 0; i < 7; i++)
		assert_string_equal(out[i], items[i]);
}

static void arrays_as_the_server_writes_them_are_read(void **state)
{
	const char *out[2];

	(void)state;
	assert_int_equal(pq_array(&a, "{}", out, 2), 0);
	assert_int_equal(pq_array(&a, NULL, out, 2), 0);
	assert_int_equal(pq_array(&a, "{20,2950}", out, 2), 2);
	assert_string_equal(out[1], "2950");
	assert_int_equal(pq_array(&a, "{a,b,c}", out, 2), 2);
}

static void the_database_is_read_from_any_form_of_dsn(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_string_equal(pq_dsn_dbname(&a, "host=x dbname='my db' user=u", &err), "my db");
	assert_string_equal(pq_dsn_dbname(&a, "postgresql://u:p@h:1/app?sslmode=require", &err),
			    "app");
	assert_string_equal(pq_dsn_dbname(&a, "host=x user=u", &err), "u");
	assert_null(pq_dsn_dbname(&a, "nonsense", &err));
	assert_string_equal(err.code, "22023");
}

static void types_go_by_all_their_names(void **state)
{
	(void)state;
	assert_int_equal(key_type_named("int8")->oid, 20);
	assert_int_equal(key_type_named("BIGINT")->oid, 20);
	assert_int_equal(key_type_named("varchar")->klass, 25);
	assert_int_equal(key_type_named("smallint")->klass, 20);
	assert_int_equal(key_type_named("character varying(20)")->oid, 1043);
	assert_int_equal(key_type_of(650)->klass, 869);
	assert_null(key_type_named("jsonb"));
	assert_null(key_type_of(701));
	assert_non_null(strstr(key_type_refusal(70000), "enum"));
}

static void rows_of_other_owners_are_told_by_chunk(void **state)
{
	struct map_chunk chunks[] = { { .id = 1, .lo = INT64_MIN, .hi = -1, .shard = 0 },
				      { .id = 2, .lo = 0, .hi = 99, .shard = 1 },
				      { .id = 3, .lo = 100, .hi = INT64_MAX, .shard = 0 } };
	struct map_distribution d = {
		.n_keys = 1, .key_types = { 20 }, .chunks = chunks, .n_chunks = 3
	};

	(void)state;
	assert_string_equal(hash_foreign_sql(&a, &d, 0, "h"),
			    "('{f,t,f}'::boolean[])[pg_catalog.width_bucket(h, "
			    "'{-9223372036854775808,0,100}'::bigint[])]");
	chunks[1].shard = 0;
	assert_string_equal(hash_foreign_sql(&a, &d, 0, "h"), "false");
}

static void what_sql_cannot_hash_is_an_error(void **state)
{
	struct map_distribution d = { .n_keys = 1, .key_types = { 20 } };
	const char *columns[] = { "\"k\"" };
	uint32_t bigint = 20, real = 700;
	struct err err = ERR_INIT;

	(void)state;
	assert_non_null(hash_sql(&a, &d, &bigint, columns, &err));
	assert_null(hash_sql(&a, &d, &real, columns, &err));
	d.function = KEY_FUNCTION_XXH3;
	assert_null(hash_sql(&a, &d, &bigint, columns, &err));
	assert_string_equal(err.code, "0A000");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(quotes_inside_are_doubled),
		TEST(arrays_survive_the_round_trip),
		TEST(arrays_as_the_server_writes_them_are_read),
		TEST(the_database_is_read_from_any_form_of_dsn),
		TEST(types_go_by_all_their_names),
		TEST(rows_of_other_owners_are_told_by_chunk),
		TEST(what_sql_cannot_hash_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
