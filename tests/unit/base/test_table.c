/* The hash table, against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>

#include "pgmosaic/base/hash.h"
#include "pgmosaic/base/table.h"

#define N 2000

struct entry {
	int key;
	bool in;
};

static bool match(const void *value, const void *key)
{
	return ((const struct entry *)value)->key == *(const int *)key;
}

/* Few distinct hashes, so that entries collide. */
static uint64_t hash_of(int key)
{
	return (uint64_t)(key % 97);
}

static void what_is_put_is_found_until_removed(void **state)
{
	struct entry *all = calloc(N, sizeof(*all));
	struct table t;
	size_t n = 0;

	(void)state;
	table_init(&t);
	srand(3);
	for (int i = 0; i < N; i++)
		all[i].key = i;
	for (int round = 0; round < 20000; round++) {
		struct entry *e = &all[rand() % N];

		if (e->in)
			assert_true(table_remove(&t, hash_of(e->key), e));
		else
			table_put(&t, hash_of(e->key), e);
		n += e->in ? -1u : 1u;
		e->in = !e->in;
		assert_ptr_equal(table_find(&t, hash_of(e->key), match, &e->key), e->in ? e : NULL);
	}
	assert_int_equal(t.n, (uint32_t)n);
	for (int i = 0; i < N; i++)
		assert_ptr_equal(table_find(&t, hash_of(i), match, &i), all[i].in ? &all[i] : NULL);
	table_finish(&t);
	free(all);
}

static void removing_what_is_not_there_is_false(void **state)
{
	struct entry e = { 1, false }, other = { 1, false };
	struct table t;

	(void)state;
	table_init(&t);
	assert_false(table_remove(&t, 1, &e));
	table_put(&t, 1, &e);
	assert_false(table_remove(&t, 1, &other));
	assert_true(table_remove(&t, 1, &e));
	assert_false(table_remove(&t, 1, &e));
	table_finish(&t);
}

static void iteration_meets_every_value_once(void **state)
{
	struct entry all[100] = { { 0, false } };
	struct table t;
	struct entry *e;
	size_t at = 0, n = 0;

	(void)state;
	table_init(&t);
	assert_null(table_next(&t, &at));
	for (int i = 0; i < 100; i++)
		table_put(&t, hash_of(i), &all[i]);
	for (int i = 0; i < 100; i += 3)
		table_remove(&t, hash_of(i), &all[i]);
	at = 0;
	while ((e = table_next(&t, &at)) != NULL) {
		assert_false(e->in);
		e->in = true;
		n++;
	}
	assert_int_equal(n, 66);
	table_finish(&t);
}

static void hashes_depend_on_bytes_length_and_seed(void **state)
{
	(void)state;
	assert_true(hash_bytes("ab", 2, 0) == hash_bytes("abc", 2, 0));
	assert_true(hash_bytes("ab", 2, 0) != hash_bytes("ac", 2, 0));
	assert_true(hash_bytes("ab", 2, 0) != hash_bytes("ab", 2, 1));
	assert_true(hash_bytes("a\0", 2, 0) != hash_bytes("a", 1, 0));
	assert_true(hash128_eq(hash_bytes128("ab", 2, 0), hash_bytes128("ab", 2, 0)));
	assert_false(hash128_eq(hash_bytes128("ab", 2, 0), hash_bytes128("ac", 2, 0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_found_until_removed),
		cmocka_unit_test(removing_what_is_not_there_is_false),
		cmocka_unit_test(iteration_meets_every_value_once),
		cmocka_unit_test(hashes_depend_on_bytes_length_and_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
