/* One function per kind of type; value_compare() adds NULLs and the direction. */
#include "pgmosaic/wire/value.h"

#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/mem.h"
#include "pgmosaic/wire/message.h"
#include "wire/numeric.h"

#define STACK_TEXT_BYTES 1024

bool value_can_compare(uint32_t type_oid)
{
	switch (type_oid) {
	case VALUE_BOOL:
	case VALUE_BYTEA:
	case VALUE_NAME:
	case VALUE_INT8:
	case VALUE_INT2:
	case VALUE_INT4:
	case VALUE_TEXT:
	case VALUE_OID:
	case VALUE_FLOAT4:
	case VALUE_FLOAT8:
	case VALUE_BPCHAR:
	case VALUE_VARCHAR:
	case VALUE_DATE:
	case VALUE_TIME:
	case VALUE_TIMESTAMP:
	case VALUE_TIMESTAMPTZ:
	case VALUE_NUMERIC:
	case VALUE_UUID: return true;
	default: return false;
	}
}

static bool is_valid(uint32_t type_oid, const uint8_t *p, int32_t n)
{
	switch (type_oid) {
	case VALUE_BOOL: return n == 1;
	case VALUE_INT2: return n == 2;
	case VALUE_INT4:
	case VALUE_OID:
	case VALUE_FLOAT4:
	case VALUE_DATE: return n == 4;
	case VALUE_INT8:
	case VALUE_FLOAT8:
	case VALUE_TIME:
	case VALUE_TIMESTAMP:
	case VALUE_TIMESTAMPTZ: return n == 8;
	case VALUE_UUID: return n == 16;
	case VALUE_NUMERIC: return numeric_is_valid(p, n);
	default: return true;
	}
}

static int compare_i64(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int compare_double(double a, double b)
{
	bool a_nan = a != a, b_nan = b != b;

	if (a_nan || b_nan)
		return a_nan - b_nan;
	return (a > b) - (a < b);
}

static double read_float4(const uint8_t *p)
{
	uint32_t bits = wire_get_u32(p);
	float v;

	memcpy(&v, &bits, sizeof(v));
	return (double)v;
}

static double read_float8(const uint8_t *p)
{
	uint64_t bits = wire_get_u64(p);
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static int compare_bytes(const uint8_t *a, int32_t n_a, const uint8_t *b, int32_t n_b)
{
	size_t n = (size_t)(n_a < n_b ? n_a : n_b);
	int c = n ? memcmp(a, b, n) : 0;

	return c ? (c > 0) - (c < 0) : compare_i64(n_a, n_b);
}

/* strcoll_l() wants terminated texts: copied side by side, to the stack when short. */
static int compare_collated(locale_t locale, const uint8_t *a, int32_t n_a, const uint8_t *b,
			    int32_t n_b)
{
	char stack[STACK_TEXT_BYTES], *room = stack, *second;
	size_t size = (size_t)n_a + (size_t)n_b + 2;
	int c;

	if (size > sizeof(stack))
		room = mem_alloc(size);
	second = room + n_a + 1;
	if (n_a)
		memcpy(room, a, (size_t)n_a);
	room[n_a] = '\0';
	if (n_b)
		memcpy(second, b, (size_t)n_b);
	second[n_b] = '\0';
	c = strcoll_l(room, second, locale);
	if (room != stack)
		free(room);
	return (c > 0) - (c < 0);
}

static int compare_text(const struct value_order *o, const uint8_t *a, int32_t n_a,
			const uint8_t *b, int32_t n_b)
{
	int c = 0;

	if (n_a == n_b && (n_a == 0 || memcmp(a, b, (size_t)n_a) == 0))
		return 0;
	if (!o->is_c_collation && o->locale)
		c = compare_collated(o->locale, a, n_a, b, n_b);
	return c ? c : compare_bytes(a, n_a, b, n_b);
}

static int32_t without_blanks(const uint8_t *p, int32_t n)
{
	while (n > 0 && p[n - 1] == ' ')
		n--;
	return n;
}

static int compare_valid(const struct value_order *o, const uint8_t *a, int32_t n_a,
			 const uint8_t *b, int32_t n_b)
{
	switch (o->type_oid) {
	case VALUE_INT8:
	case VALUE_TIME:
	case VALUE_TIMESTAMP:
	case VALUE_TIMESTAMPTZ:
		return compare_i64((int64_t)wire_get_u64(a), (int64_t)wire_get_u64(b));
	case VALUE_INT4:
	case VALUE_DATE: return compare_i64((int32_t)wire_get_u32(a), (int32_t)wire_get_u32(b));
	case VALUE_INT2: return compare_i64((int16_t)wire_get_u16(a), (int16_t)wire_get_u16(b));
	case VALUE_OID: return compare_i64(wire_get_u32(a), wire_get_u32(b));
	case VALUE_FLOAT4: return compare_double(read_float4(a), read_float4(b));
	case VALUE_FLOAT8: return compare_double(read_float8(a), read_float8(b));
	case VALUE_NUMERIC: return numeric_compare(a, b);
	case VALUE_BPCHAR:
		return compare_text(o, a, without_blanks(a, n_a), b, without_blanks(b, n_b));
	case VALUE_TEXT:
	case VALUE_VARCHAR: return compare_text(o, a, n_a, b, n_b);
	default: /* bool, bytea, name, uuid */ return compare_bytes(a, n_a, b, n_b);
	}
}

int value_compare(const struct value_order *o, const uint8_t *a, int32_t n_a, const uint8_t *b,
		  int32_t n_b)
{
	bool good_a, good_b;
	int c;

	if (n_a < 0 || n_b < 0) {
		c = (n_a >= 0) - (n_b >= 0);
		return o->nulls_first ? c : -c;
	}
	good_a = is_valid(o->type_oid, a, n_a);
	good_b = is_valid(o->type_oid, b, n_b);
	if (good_a && good_b)
		c = compare_valid(o, a, n_a, b, n_b);
	else
		c = good_a == good_b ? compare_bytes(a, n_a, b, n_b) : good_b - good_a;
	return o->descending ? -c : c;
}
