/* The byte queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/buf.h"

static void bytes_come_out_as_they_went_in(void **state)
{
	struct buf b;
	uint8_t next_in = 0, next_out = 0;

	(void)state;
	buf_init(&b, 1 << 20);
	srand(7);
	for (int round = 0; round < 2000; round++) {
		for (int n = rand() % 300; n > 0; n--, next_in++)
			assert_true(buf_append(&b, &next_in, 1));
		for (size_t n = (size_t)rand() % (buf_len(&b) + 1); n > 0; n--) {
			assert_int_equal(*buf_head(&b), next_out++);
			buf_consume(&b, 1);
		}
	}
	buf_finish(&b);
}

static void an_append_past_the_limit_changes_nothing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_true(buf_append(&b, "12345678", 8));
	assert_false(buf_append(&b, "abc", 3));
	assert_true(b.overflow);
	assert_int_equal(buf_len(&b), 8);
	assert_memory_equal(buf_head(&b), "12345678", 8);
	buf_consume(&b, 4);
	assert_true(buf_append(&b, "abcdef", 6));
	assert_memory_equal(buf_head(&b), "5678abcdef", 10);
	assert_null(buf_reserve(&b, 1));
	buf_clear(&b);
	assert_false(b.overflow);
	assert_int_equal(buf_len(&b), 0);
	buf_finish(&b);
}

static void reserved_room_counts_only_when_committed(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	memcpy(buf_reserve(&b, 5), "hello", 5);
	assert_int_equal(buf_len(&b), 0);
	buf_commit(&b, 5);
	assert_memory_equal(buf_head(&b), "hello", 5);
	buf_finish(&b);
}

static void integers_are_big_endian(void **state)
{
	static const uint8_t expected[] = {
		1, 1, 2, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 'o', 'k', 0
	};
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	buf_put_u8(&b, 1);
	buf_put_u16(&b, 0x0102);
	buf_put_u32(&b, 0x01020304);
	buf_put_u64(&b, 0x0102030405060708);
	buf_put_cstr(&b, "ok");
	assert_int_equal(buf_len(&b), sizeof(expected));
	assert_memory_equal(buf_head(&b), expected, sizeof(expected));
	buf_finish(&b);
}

static void formatted_text_is_appended_without_its_zero(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_true(buf_printf(&b, "%d-", 12));
	assert_true(buf_printf(&b, "%s", "x"));
	assert_int_equal(buf_len(&b), 4);
	assert_memory_equal(buf_head(&b), "12-x", 4);
	buf_finish(&b);
}

static void an_empty_buffer_gives_its_memory_back(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	buf_append(&b, "x", 1);
	buf_shrink(&b);
	assert_non_null(b.data);
	buf_consume(&b, 1);
	buf_shrink(&b);
	assert_null(b.data);
	assert_true(buf_append(&b, "y", 1));
	assert_int_equal(b.limit_bytes, 1000);
	buf_finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_out_as_they_went_in),
		cmocka_unit_test(an_append_past_the_limit_changes_nothing),
		cmocka_unit_test(reserved_room_counts_only_when_committed),
		cmocka_unit_test(integers_are_big_endian),
		cmocka_unit_test(formatted_text_is_appended_without_its_zero),
		cmocka_unit_test(an_empty_buffer_gives_its_memory_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
