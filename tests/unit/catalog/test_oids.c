#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgmosaic/catalog/oids.h"

static const uint32_t ids[] = { 7, 8, 9 };

/* Ascending by kind and name, as they are loaded. */
static struct oid_name home_all[] = {
	{ 'r', "public.t", 100, FORM_PLAIN, 0, "1 a\n2 b\n3 c\n" },
	{ 't', "public._mood", 201, FORM_ARRAY, 200, "" },
	{ 't', "public.mood", 200, FORM_PLAIN, 0, "" },
	{ 't', "public.t", 101, FORM_COMPOSITE, 0, "" },
};
static struct oid_name other_all[] = {
	{ 'r', "public.only_here", 100, FORM_PLAIN, 0, "1 x\n" },
	{ 'r', "public.t", 150, FORM_PLAIN, 0, "1 a\n3 c\n4 b\n" },
	{ 't', "public._mood", 200, FORM_ARRAY, 201, "" },
	{ 't', "public.mood", 201, FORM_PLAIN, 0, "" },
	{ 't', "public.t", 101, FORM_COMPOSITE, 0, "" },
};
static struct oid_names home = { .all = home_all, .n = 4 };
static struct oid_names other = { .all = other_all, .n = 5 };

static struct oids *make(struct oid_names *third, const struct oids *before)
{
	struct oid_names *names[] = { &home, &other, third };

	return oids_create(ids, names, 3, before);
}

static void equal_shards_need_no_look(void **state)
{
	struct oids *o = make(&home, NULL);

	(void)state;
	assert_null(oids_of(o, 7));
	assert_non_null(oids_of(o, 8));
	assert_null(oids_of(o, 9));
	assert_null(oids_of(o, 10));
	assert_null(oids_of(NULL, 8));
	assert_ptr_equal(oids_differing(o), oids_of(o, 8));
	assert_null(oids_differing(NULL));
	assert_true(oids_is_complete(o));
	oids_drop(o);
}

static void types_are_exchanged_both_ways(void **state)
{
	struct oids *o = make(&home, NULL);
	const struct shard_oids *s = oids_of(o, 8);

	(void)state;
	assert_int_equal(oids_type_home(s, 201), 200);
	assert_int_equal(oids_type_home(s, 200), 201);
	assert_int_equal(oids_type_shard(s, 200), 201);
	assert_int_equal(oids_type_shard(s, 201), 200);
	assert_int_equal(oids_type_home(s, 23), 23);
	assert_int_equal(oids_type_shard(s, 101), 101);
	oids_drop(o);
}

static void columns_are_found_by_name(void **state)
{
	struct oids *o = make(&home, NULL);
	const struct shard_oids *s = oids_of(o, 8);
	static const int16_t there[] = { 1, 3, 4 }, here[] = { 1, 3, 2 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		uint32_t relation = 150;
		int16_t attnum = there[i];

		oids_column_home(s, &relation, &attnum);
		assert_int_equal(relation, 100);
		assert_int_equal(attnum, here[i]);
	}
	oids_drop(o);
}

static void values_that_hold_oids_are_known_by_their_home_type(void **state)
{
	struct oids *o = make(&home, NULL);
	const struct shard_oids *s = oids_of(o, 8);

	(void)state;
	assert_int_equal(oids_deep(s, 201)->form, FORM_ARRAY);
	assert_int_equal(oids_deep(s, 201)->element, 200);
	assert_int_equal(oids_deep(s, 101)->form, FORM_COMPOSITE);
	assert_int_equal(oids_deep(s, 2249)->form, FORM_COMPOSITE);
	assert_null(oids_deep(s, 200));
	assert_null(oids_deep(s, 1007));
	oids_drop(o);
}

static void a_shard_that_cannot_be_read_keeps_what_was_known(void **state)
{
	struct oids *before = make(&other, NULL);
	struct oids *o = make(NULL, before);

	(void)state;
	oids_drop(before);
	assert_false(oids_is_complete(o));
	assert_int_equal(oids_type_home(oids_of(o, 9), 201), 200);
	oids_drop(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_shards_need_no_look),
		cmocka_unit_test(types_are_exchanged_both_ways),
		cmocka_unit_test(columns_are_found_by_name),
		cmocka_unit_test(values_that_hold_oids_are_known_by_their_home_type),
		cmocka_unit_test(a_shard_that_cannot_be_read_keeps_what_was_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
