#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "pgmosaic/wire/message.h"

#define LIMIT 1000u

static void a_whole_message_is_found_with_its_body(void **state)
{
	static const uint8_t bytes[] = { 'Q', 0, 0, 0, 7, 'a', 'b', 0, 'S' };
	struct wire_msg m;

	(void)state;
	assert_int_equal(wire_next(bytes, sizeof(bytes), LIMIT, &m), WIRE_OK);
	assert_int_equal(m.type, 'Q');
	assert_int_equal(m.length, 3);
	assert_ptr_equal(m.body, bytes + 5);
	assert_int_equal(wire_size(&m), 8);
}

static void every_shorter_prefix_wants_more(void **state)
{
	static const uint8_t bytes[] = { 'Q', 0, 0, 0, 7, 'a', 'b', 0 };
	struct wire_msg m;

	(void)state;
	for (size_t n = 0; n < sizeof(bytes); n++) {
		assert_int_equal(wire_next(bytes, n, LIMIT, &m), WIRE_MORE);
		assert_int_equal(m.type, n < 5 ? 0 : 'Q');
		assert_int_equal(m.length, n < 5 ? 0 : 3);
	}
}

static enum wire_next next_of_length(uint32_t word, uint32_t limit)
{
	uint8_t bytes[5] = { 'd', (uint8_t)(word >> 24), (uint8_t)(word >> 16),
			     (uint8_t)(word >> 8), (uint8_t)word };
	struct wire_msg m;

	return wire_next(bytes, sizeof(bytes), limit, &m);
}

static void a_length_word_below_four_is_bad(void **state)
{
	(void)state;
	for (uint32_t word = 0; word < 4; word++)
		assert_int_equal(next_of_length(word, LIMIT), WIRE_BAD);
	assert_int_equal(next_of_length(4, LIMIT), WIRE_OK);
}

static void a_body_over_the_limit_is_bad_before_it_has_come(void **state)
{
	(void)state;
	assert_int_equal(next_of_length(LIMIT + 4, LIMIT), WIRE_MORE);
	assert_int_equal(next_of_length(LIMIT + 5, LIMIT), WIRE_BAD);
}

static void a_negative_length_is_bad_whatever_the_limit(void **state)
{
	(void)state;
	assert_int_equal(next_of_length(UINT32_MAX, UINT32_MAX), WIRE_BAD);
	assert_int_equal(next_of_length(0x80000000u, UINT32_MAX), WIRE_BAD);
	assert_int_equal(next_of_length(0x7FFFFFFFu, UINT32_MAX), WIRE_MORE);
}

static void types_of_a_client_have_postgresqls_caps(void **state)
{
	(void)state;
	for (const char *t = "QPBFd"; *t; t++)
		assert_int_equal(wire_frontend_limit((uint8_t)*t, 123456), 123456);
	for (const char *t = "CDEHSXcf"; *t; t++)
		assert_int_equal(wire_frontend_limit((uint8_t)*t, 123456), 10000);
	assert_int_equal(wire_frontend_limit('p', 123456), 65535);
	for (const char *t = "RTZGW \x01"; *t; t++)
		assert_int_equal(wire_frontend_limit((uint8_t)*t, 123456), 0);
	assert_int_equal(wire_frontend_limit(0, 123456), 0);
	assert_int_equal(wire_frontend_limit(255, 123456), 0);
}

static void names_are_known_for_the_same_types(void **state)
{
	(void)state;
	for (unsigned t = 0; t < 256; t++) {
		bool known = wire_frontend_limit((uint8_t)t, 1) != 0;

		assert_int_equal(known, strcmp(wire_frontend_name((uint8_t)t), "unknown") != 0);
	}
}

static void a_reader_reads_big_endian(void **state)
{
	static const uint8_t bytes[] = { 1, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFE, 0, 0, 0,
					 0, 0,	  0,	1,    2,    'h',  'i',	0, 9 };
	struct wire_reader r = wire_reader_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(wire_u8(&r), 1);
	assert_int_equal(wire_u16(&r), 0x1234);
	assert_int_equal(wire_i32(&r), -2);
	assert_int_equal(wire_u64(&r), 0x102);
	assert_string_equal(wire_cstr(&r), "hi");
	assert_false(wire_reader_end(&r));
	assert_int_equal(wire_bytes(&r, 1)[0], 9);
	assert_true(wire_reader_end(&r));
}

static void an_overrun_is_remembered_and_gives_zeros(void **state)
{
	uint8_t *three = malloc(3); /* on the heap: AddressSanitizer sees a byte too far */
	struct wire_reader r;

	(void)state;
	memcpy(three, "abc", 3);
	r = wire_reader_of(three, 3);
	assert_int_equal(wire_u32(&r), 0);
	assert_true(r.bad);
	assert_int_equal(wire_u8(&r), 0);
	assert_string_equal(wire_cstr(&r), "");
	assert_null(wire_bytes(&r, 0));
	assert_false(wire_reader_end(&r));
	free(three);
}

static void text_without_its_zero_is_an_overrun(void **state)
{
	uint8_t *three = malloc(3);
	struct wire_reader r;

	(void)state;
	memcpy(three, "abc", 3);
	r = wire_reader_of(three, 3);
	assert_string_equal(wire_cstr(&r), "");
	assert_true(r.bad);
	free(three);
}

static void a_huge_count_cannot_wrap_the_reader(void **state)
{
	static const uint8_t bytes[4];
	struct wire_reader r = wire_reader_of(bytes, sizeof(bytes));

	(void)state;
	assert_null(wire_bytes(&r, SIZE_MAX));
	assert_true(r.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_message_is_found_with_its_body),
		cmocka_unit_test(every_shorter_prefix_wants_more),
		cmocka_unit_test(a_length_word_below_four_is_bad),
		cmocka_unit_test(a_body_over_the_limit_is_bad_before_it_has_come),
		cmocka_unit_test(a_negative_length_is_bad_whatever_the_limit),
		cmocka_unit_test(types_of_a_client_have_postgresqls_caps),
		cmocka_unit_test(names_are_known_for_the_same_types),
		cmocka_unit_test(a_reader_reads_big_endian),
		cmocka_unit_test(an_overrun_is_remembered_and_gives_zeros),
		cmocka_unit_test(text_without_its_zero_is_an_overrun),
		cmocka_unit_test(a_huge_count_cannot_wrap_the_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
