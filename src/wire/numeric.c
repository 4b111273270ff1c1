/* Layout: int16 n_digits, weight, sign, display scale; then n_digits base-10000 digits, the
 * first worth 10000^weight. The display scale does not count. The server never sends leading
 * or trailing zero digits; a hostile one may, so they are taken off here. */
#include "wire/numeric.h"

#include <stddef.h>

#include "pgmosaic/wire/message.h"

#define HEAD_BYTES	  8
#define BASE		  10000
#define SIGN_POSITIVE	  0x0000
#define SIGN_NEGATIVE	  0x4000
#define SIGN_NAN	  0xC000
#define SIGN_INFINITY	  0xD000
#define SIGN_MIN_INFINITY 0xF000

struct numeric {
	int rank; /* -1 -Infinity, 0 a number, 1 Infinity, 2 NaN */
	int sign; /* of a number: -1, 0, 1 */
	int weight;
	int n;
	const uint8_t *digits;
};

static int digit_at(const uint8_t *digits, int i)
{
	return wire_get_u16(digits + 2 * (ptrdiff_t)i);
}

bool numeric_is_valid(const uint8_t *p, int32_t n)
{
	int n_digits;
	uint16_t sign;

	if (n < HEAD_BYTES)
		return false;
	n_digits = wire_get_u16(p);
	sign = wire_get_u16(p + 4);
	if (n != HEAD_BYTES + 2 * n_digits)
		return false;
	if (sign != SIGN_POSITIVE && sign != SIGN_NEGATIVE && sign != SIGN_NAN &&
	    sign != SIGN_INFINITY && sign != SIGN_MIN_INFINITY)
		return false;
	for (int i = 0; i < n_digits; i++)
		if (digit_at(p + HEAD_BYTES, i) >= BASE)
			return false;
	return true;
}

static int rank_of(uint16_t sign)
{
	switch (sign) {
	case SIGN_NAN: return 2;
	case SIGN_INFINITY: return 1;
	case SIGN_MIN_INFINITY: return -1;
	default: return 0;
	}
}

static struct numeric read_numeric(const uint8_t *p)
{
	uint16_t sign = wire_get_u16(p + 4);
	struct numeric v = { .rank = rank_of(sign),
			     .weight = (int16_t)wire_get_u16(p + 2),
			     .n = wire_get_u16(p),
			     .digits = p + HEAD_BYTES };

	while (v.n > 0 && digit_at(v.digits, 0) == 0) {
		v.digits += 2;
		v.weight--;
		v.n--;
	}
	while (v.n > 0 && digit_at(v.digits, v.n - 1) == 0)
		v.n--;
	if (v.n > 0)
		v.sign = sign == SIGN_NEGATIVE ? -1 : 1;
	return v;
}

/* Of two numbers without regard to sign; neither is zero. */
static int compare_size(const struct numeric *a, const struct numeric *b)
{
	int n = a->n < b->n ? a->n : b->n;

	if (a->weight != b->weight)
		return a->weight < b->weight ? -1 : 1;
	for (int i = 0; i < n; i++) {
		int x = digit_at(a->digits, i), y = digit_at(b->digits, i);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return (a->n > b->n) - (a->n < b->n);
}

int numeric_compare(const uint8_t *pa, const uint8_t *pb)
{
	struct numeric a = read_numeric(pa), b = read_numeric(pb);

	if (a.rank || b.rank)
		return (a.rank > b.rank) - (a.rank < b.rank);
	if (a.sign != b.sign)
		return a.sign < b.sign ? -1 : 1;
	return a.sign == 0 ? 0 : a.sign * compare_size(&a, &b);
}
