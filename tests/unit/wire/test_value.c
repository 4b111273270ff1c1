#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pgmosaic/wire/value.h"

struct bytes {
	uint8_t p[128];
	int32_t n;
};

static void put(struct bytes *b, uint64_t v, int size)
{
	for (int i = size - 1; i >= 0; i--)
		b->p[b->n++] = (uint8_t)(v >> (8 * i));
}

static struct bytes integer(int64_t v, int size)
{
	struct bytes b = { .n = 0 };

	put(&b, (uint64_t)v, size);
	return b;
}

static struct bytes real8(double v)
{
	struct bytes b = { .n = 0 };
	uint64_t bits;

	memcpy(&bits, &v, 8);
	put(&b, bits, 8);
	return b;
}

static struct bytes real4(float v)
{
	struct bytes b = { .n = 0 };
	uint32_t bits;

	memcpy(&bits, &v, 4);
	put(&b, bits, 4);
	return b;
}

static struct bytes text(const char *v)
{
	struct bytes b = { .n = (int32_t)strlen(v) };

	memcpy(b.p, v, (size_t)b.n);
	return b;
}

/* Both ways round, ascending and descending: order and its mirror images. */
static void assert_order_with(struct value_order o, const struct bytes *a, const struct bytes *b,
			      int want)
{
	/* exact copies on the heap: AddressSanitizer sees a byte too far */
	uint8_t *pa = memcpy(malloc((size_t)a->n + 1), a->p, (size_t)a->n);
	uint8_t *pb = memcpy(malloc((size_t)b->n + 1), b->p, (size_t)b->n);

	pa = realloc(pa, a->n ? (size_t)a->n : 1);
	pb = realloc(pb, b->n ? (size_t)b->n : 1);
	for (int descending = 0; descending < 2; descending++) {
		o.descending = descending;
		if (descending)
			want = -want;
		assert_int_equal(value_compare(&o, pa, a->n, pb, b->n), want);
		assert_int_equal(value_compare(&o, pb, b->n, pa, a->n), -want);
		assert_int_equal(value_compare(&o, pa, a->n, pa, a->n), 0);
	}
	free(pa);
	free(pb);
}

static void assert_order(uint32_t type, struct bytes a, struct bytes b, int want)
{
	assert_order_with((struct value_order){ .type_oid = type, .is_c_collation = true }, &a, &b,
			  want);
}

static void integers_compare_at_their_extremes(void **state)
{
	static const uint32_t types64[] = { VALUE_INT8, VALUE_TIME, VALUE_TIMESTAMP,
					    VALUE_TIMESTAMPTZ };

	(void)state;
	assert_order(VALUE_INT2, integer(INT16_MIN, 2), integer(INT16_MAX, 2), -1);
	assert_order(VALUE_INT2, integer(-1, 2), integer(0, 2), -1);
	assert_order(VALUE_INT4, integer(INT32_MIN, 4), integer(INT32_MAX, 4), -1);
	assert_order(VALUE_INT4, integer(256, 4), integer(1, 4), 1);
	assert_order(VALUE_DATE, integer(-1, 4), integer(1, 4), -1);
	assert_order(VALUE_OID, integer(0xFFFFFFFF, 4), integer(1, 4), 1);
	for (size_t i = 0; i < 4; i++) {
		assert_order(types64[i], integer(INT64_MIN, 8), integer(INT64_MAX, 8), -1);
		assert_order(types64[i], integer(-2, 8), integer(-1, 8), -1);
		assert_order(types64[i], integer(5, 8), integer(5, 8), 0);
	}
	assert_order(VALUE_BOOL, integer(0, 1), integer(1, 1), -1);
}

static void floats_put_nan_last_and_both_zeros_together(void **state)
{
	static const double ascending[] = { -INFINITY, -1e300, -1, -1e-300,  0,
					    1e-300,    1,      2,  INFINITY, NAN };
	size_t n = sizeof(ascending) / sizeof(ascending[0]);

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			assert_order(VALUE_FLOAT8, real8(ascending[i]), real8(ascending[j]),
				     (i > j) - (i < j));
	assert_order(VALUE_FLOAT8, real8(-0.0), real8(0.0), 0);
	assert_order(VALUE_FLOAT8, real8(-NAN), real8(NAN), 0);
	assert_order(VALUE_FLOAT4, real4(-0.0f), real4(0.0f), 0);
	assert_order(VALUE_FLOAT4, real4(NAN), real4(INFINITY), 1);
	assert_order(VALUE_FLOAT4, real4(1.5f), real4(-1.5f), 1);
}

struct digits {
	const char *shown;
	int16_t weight;
	uint16_t sign, scale;
	int n;
	uint16_t digit[6];
};

static struct bytes numeric(const struct digits *d)
{
	struct bytes b = { .n = 0 };

	put(&b, (uint64_t)d->n, 2);
	put(&b, (uint16_t)d->weight, 2);
	put(&b, d->sign, 2);
	put(&b, d->scale, 2);
	for (int i = 0; i < d->n; i++)
		put(&b, d->digit[i], 2);
	return b;
}

/* Ascending; rows with the same rank are equal. */
static const struct {
	int rank;
	struct digits d;
} numerics[] = {
	{ 0, { "-Infinity", 0, 0xF000, 0, 0, { 0 } } },
	{ 1, { "-1e131071", 32767, 0x4000, 0, 1, { 1000 } } },
	{ 2, { "-100000000", 2, 0x4000, 0, 1, { 1 } } },
	{ 3, { "-10000.0001", 1, 0x4000, 4, 3, { 1, 0, 1 } } },
	{ 4, { "-10000", 1, 0x4000, 0, 1, { 1 } } },
	{ 5, { "-2", 0, 0x4000, 0, 1, { 2 } } },
	{ 6, { "-1.5", 0, 0x4000, 1, 2, { 1, 5000 } } },
	{ 7, { "-1", 0, 0x4000, 0, 1, { 1 } } },
	{ 8, { "-0.0001", -1, 0x4000, 4, 1, { 1 } } },
	{ 9, { "0", 0, 0, 0, 0, { 0 } } },
	{ 9, { "0.00", 0, 0, 2, 0, { 0 } } },
	{ 9, { "-0 (hostile)", 0, 0x4000, 0, 0, { 0 } } },
	{ 9, { "000 (hostile)", 5, 0x4000, 0, 3, { 0, 0, 0 } } },
	{ 10, { "0.00000001", -2, 0, 8, 1, { 1 } } },
	{ 11, { "0.0001", -1, 0, 4, 1, { 1 } } },
	{ 12, { "0.5", -1, 0, 1, 1, { 5000 } } },
	{ 13, { "1", 0, 0, 0, 1, { 1 } } },
	{ 13, { "1.00", 0, 0, 2, 1, { 1 } } },
	{ 13, { "1.0000 (trailing zero digit)", 0, 0, 4, 2, { 1, 0 } } },
	{ 13, { "0001 (leading zero digit)", 1, 0, 0, 2, { 0, 1 } } },
	{ 14, { "1.0001", 0, 0, 4, 2, { 1, 1 } } },
	{ 15, { "1.5", 0, 0, 1, 2, { 1, 5000 } } },
	{ 16, { "1.5001", 0, 0, 4, 2, { 1, 5001 } } },
	{ 17, { "2", 0, 0, 0, 1, { 2 } } },
	{ 18, { "9999", 0, 0, 0, 1, { 9999 } } },
	{ 19, { "10000", 1, 0, 0, 1, { 1 } } },
	{ 20, { "10000.0001", 1, 0, 4, 3, { 1, 0, 1 } } },
	{ 21, { "10001", 1, 0, 0, 2, { 1, 1 } } },
	{ 22, { "100000000", 2, 0, 0, 1, { 1 } } },
	{ 23, { "1e131071", 32767, 0, 0, 1, { 1000 } } },
	{ 24, { "Infinity", 0, 0xD000, 0, 0, { 0 } } },
	{ 25, { "NaN", 0, 0xC000, 0, 0, { 0 } } },
};

static void numerics_compare_by_value(void **state)
{
	size_t n = sizeof(numerics) / sizeof(numerics[0]);

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			assert_order(VALUE_NUMERIC, numeric(&numerics[i].d),
				     numeric(&numerics[j].d),
				     (numerics[i].rank > numerics[j].rank) -
					     (numerics[i].rank < numerics[j].rank));
}

static void bytes_compare_unsigned_and_shorter_first(void **state)
{
	static const uint32_t types[] = { VALUE_BYTEA, VALUE_TEXT, VALUE_VARCHAR, VALUE_NAME };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_order(types[i], text(""), text("a"), -1);
		assert_order(types[i], text("a"), text("ab"), -1);
		assert_order(types[i], text("B"), text("a"), -1);
		assert_order(types[i], text("a"), text("\xC3\xA4"), -1);
		assert_order(types[i], text("a "), text("a"), 1);
		assert_order(types[i], text("same"), text("same"), 0);
	}
	assert_order(VALUE_UUID, text("0123456789abcdef"), text("0123456789abcdeg"), -1);
}

static void blanks_at_the_end_of_char_do_not_count(void **state)
{
	(void)state;
	assert_order(VALUE_BPCHAR, text("a   "), text("a"), 0);
	assert_order(VALUE_BPCHAR, text("   "), text(""), 0);
	assert_order(VALUE_BPCHAR, text("a b "), text("a c"), -1);
}

static void a_collation_decides_before_bytes_do(void **state)
{
	struct value_order o = { .type_oid = VALUE_TEXT };
	struct bytes lower = text("a"), upper = text("B"), empty = text(""), same = text("a");

	(void)state;
	o.locale = newlocale(LC_ALL_MASK, "en_US.UTF-8", NULL);
	if (!o.locale)
		skip(); /* this machine has no such locale */
	assert_order_with(o, &lower, &upper, -1);
	assert_order_with(o, &empty, &lower, -1);
	assert_order_with(o, &same, &lower, 0);
	freelocale(o.locale);
}

static void texts_equal_to_the_collation_are_tied_by_bytes(void **state)
{
	struct value_order o = { .type_oid = VALUE_TEXT };
	/* In C.UTF-8 nothing ties; what ties anywhere is a zero byte, where strcoll stops. */
	struct bytes a = { "x\0a", 3 }, b = { "x\0b", 3 };

	(void)state;
	o.locale = newlocale(LC_ALL_MASK, "C.UTF-8", NULL);
	assert_non_null(o.locale);
	assert_order_with(o, &a, &b, -1);
	freelocale(o.locale);
}

static void long_texts_are_collated_too(void **state)
{
	struct value_order o = { .type_oid = VALUE_TEXT };
	uint8_t *a = malloc(5000), *b = malloc(5000);

	(void)state;
	memset(a, 'x', 5000);
	memset(b, 'x', 5000);
	b[4999] = 'y';
	o.locale = newlocale(LC_ALL_MASK, "C.UTF-8", NULL);
	assert_int_equal(value_compare(&o, a, 5000, b, 5000), -1);
	assert_int_equal(value_compare(&o, a, 5000, b, 4999), 1);
	freelocale(o.locale);
	free(a);
	free(b);
}

static void nulls_go_where_they_are_told_in_either_direction(void **state)
{
	struct bytes one = integer(1, 4);

	(void)state;
	for (int bits = 0; bits < 4; bits++) {
		struct value_order o = { .type_oid = VALUE_INT4,
					 .descending = bits & 1,
					 .nulls_first = bits & 2 };
		int first = o.nulls_first ? -1 : 1;

		assert_int_equal(value_compare(&o, NULL, -1, one.p, 4), first);
		assert_int_equal(value_compare(&o, one.p, 4, NULL, -1), -first);
		assert_int_equal(value_compare(&o, NULL, -1, NULL, -1), 0);
	}
}

static void broken_values_come_behind_good_ones(void **state)
{
	struct digits beyond = { "digit 10000", 0, 0, 0, 1, { 10000 } },
		      sign = { "no such sign", 0, 0x1234, 0, 0, { 0 } },
		      one = { "1", 0, 0, 0, 1, { 1 } };
	struct bytes longer = numeric(&one), lying = numeric(&one);

	(void)state;
	longer.n++;
	lying.p[0] = 0xFF;
	assert_order(VALUE_INT8, integer(INT64_MAX, 8), integer(0, 4), -1);
	assert_order(VALUE_INT4, integer(5, 4), text(""), -1);
	assert_order(VALUE_INT4, text(""), text("abc"), -1);
	assert_order(VALUE_NUMERIC, numeric(&one), numeric(&beyond), -1);
	assert_order(VALUE_NUMERIC, numeric(&one), numeric(&sign), -1);
	assert_order(VALUE_NUMERIC, numeric(&one), longer, -1);
	assert_order(VALUE_NUMERIC, numeric(&one), lying, -1);
	assert_order(VALUE_NUMERIC, numeric(&one), text("1234567"), -1);
}

static void only_the_listed_types_can_be_compared(void **state)
{
	static const uint32_t known[] = { 16,  17,   19,   20,	 21,   23,   25,   26,	 700,
					  701, 1042, 1043, 1082, 1083, 1114, 1184, 1700, 2950 };
	size_t n = 0;

	(void)state;
	for (uint32_t oid = 0; oid < 20000; oid++)
		n += value_can_compare(oid);
	assert_int_equal(n, sizeof(known) / sizeof(known[0]));
	for (size_t i = 0; i < n; i++)
		assert_true(value_can_compare(known[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_compare_at_their_extremes),
		cmocka_unit_test(floats_put_nan_last_and_both_zeros_together),
		cmocka_unit_test(numerics_compare_by_value),
		cmocka_unit_test(bytes_compare_unsigned_and_shorter_first),
		cmocka_unit_test(blanks_at_the_end_of_char_do_not_count),
		cmocka_unit_test(a_collation_decides_before_bytes_do),
		cmocka_unit_test(texts_equal_to_the_collation_are_tied_by_bytes),
		cmocka_unit_test(long_texts_are_collated_too),
		cmocka_unit_test(nulls_go_where_they_are_told_in_either_direction),
		cmocka_unit_test(broken_values_come_behind_good_ones),
		cmocka_unit_test(only_the_listed_types_can_be_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
