/* numeric and double precision values for an integer key.
 *
 * In a condition an integral value is that integer and any other value matches no row.
 * When stored, numeric rounds half away from zero, as PostgreSQL's assignment cast does;
 * a double must be integral, and below 2^53 in both cases: past that, different integers
 * are the same double. */
#include "pgmosaic/key/value.h"

#define MAX_DIGITS   24 /* a bigint has 19, one more decides rounding */
#define MAX_EXPONENT 1000
#define TWO_POW_53   9007199254740992.0

struct decimal {
	bool negative;
	bool more; /* a non-zero digit past MAX_DIGITS */
	unsigned n;
	long n_all; /* significant digits seen, kept or not */
	long point; /* digits before the point, once leading zeros are gone */
	uint8_t digits[MAX_DIGITS];
};

static void add_digit(struct decimal *d, unsigned digit)
{
	if (!d->n && !digit)
		return;
	d->n_all++;
	if (d->n < MAX_DIGITS)
		d->digits[d->n++] = (uint8_t)digit;
	else
		d->more |= digit != 0;
}

static unsigned digit_at(const struct decimal *d, long i)
{
	return i >= 0 && i < (long)d->n ? d->digits[i] : 0;
}

static bool is_integral(const struct decimal *d)
{
	if (d->more)
		return d->point > d->n_all;
	for (long i = d->point < 0 ? 0 : d->point; i < (long)d->n; i++) {
		if (d->digits[i])
			return false;
	}
	return true;
}

/* Rounded half away from zero; false: past bigint. */
static bool to_integer(const struct decimal *d, int64_t *out)
{
	uint64_t value = 0, limit = (uint64_t)INT64_MAX + d->negative;

	if (d->n && d->point > 19)
		return false;
	for (long i = 0; d->n && i < d->point; i++)
		value = value * 10 + digit_at(d, i);
	if (d->n && d->point >= 0 && digit_at(d, d->point) >= 5)
		value++;
	if (value > limit)
		return false;
	*out = (int64_t)(d->negative ? 0 - value : value);
	return true;
}

static enum value_outcome conclude(const struct value_spec *spec, const struct decimal *d,
				   struct cell *cell)
{
	int64_t value;

	if (!spec->is_insert && !is_integral(d))
		return VALUE_NOTHING;
	if (!to_integer(d, &value)) {
		if (!spec->is_insert)
			return VALUE_NOTHING;
		return value_bad(spec, "22003", "the shard key's value is out of range");
	}
	cell_number(cell, value, 8);
	return VALUE_OK;
}

static bool is_digit(struct str s)
{
	return s.n && *s.p >= '0' && *s.p <= '9';
}

static void skip(struct str *s)
{
	s->p++;
	s->n--;
}

static unsigned long take_digits(struct str *s, struct decimal *d)
{
	unsigned long n = 0;

	for (; is_digit(*s); skip(s), n++)
		add_digit(d, (unsigned)(*s->p - '0'));
	return n;
}

/* e[+-]digits; false: malformed or too large to be worth it. */
static bool take_exponent(struct str *s, long *exponent)
{
	bool negative = false;

	*exponent = 0;
	if (!s->n)
		return true;
	if ((*s->p | 0x20) != 'e')
		return false;
	skip(s);
	if (s->n && (*s->p == '-' || *s->p == '+')) {
		negative = *s->p == '-';
		skip(s);
	}
	if (!is_digit(*s))
		return false;
	for (; is_digit(*s); skip(s)) {
		*exponent = *exponent * 10 + (*s->p - '0');
		if (*exponent > MAX_EXPONENT)
			return false;
	}
	if (negative)
		*exponent = -*exponent;
	return s->n == 0;
}

static bool parse(struct str s, struct decimal *d)
{
	long exponent, before;
	unsigned long whole, fraction = 0;

	if (s.n && (*s.p == '-' || *s.p == '+')) {
		d->negative ^= *s.p == '-';
		skip(&s);
	}
	whole = take_digits(&s, d);
	before = d->n_all;
	if (s.n && *s.p == '.') {
		long zeros;

		skip(&s);
		for (zeros = 0; !d->n && s.n && *s.p == '0'; skip(&s))
			zeros++;
		if (!before)
			before = -zeros;
		fraction = take_digits(&s, d) + (unsigned long)zeros;
	}
	if ((!whole && !fraction) || !take_exponent(&s, &exponent))
		return false;
	d->point = before + exponent;
	return true;
}

enum value_outcome decimal_read_text(const struct value_spec *spec, struct str text, bool negative,
				     bool is_float, struct cell *cell)
{
	struct decimal d = { .negative = negative };

	if (!parse(text, &d))
		return value_refuse(spec, "is not a plain decimal number",
				    "Write it with decimal digits, or with an integer type.");
	if (is_float && (d.n_all > 15 || d.point > 15 || (spec->is_insert && !is_integral(&d))))
		return value_refuse(spec, "is a double precision number that may be rounded",
				    "Use an integer type for the value.");
	return conclude(spec, &d, cell);
}

static int32_t short_at(const uint8_t *p)
{
	return (int16_t)(p[0] << 8 | p[1]);
}

enum value_outcome decimal_read_numeric(const struct value_spec *spec, const uint8_t *p, size_t n,
					struct cell *cell)
{
	struct decimal d = { .negative = false };
	long n_digits, weight, sign, scale, place;

	if (n < 8 || (n_digits = short_at(p)) < 0 || n != 8 + (size_t)n_digits * 2)
		return value_refuse(spec, "is a malformed binary numeric",
				    "Bind the parameter with an integer type.");
	weight = short_at(p + 2);
	sign = short_at(p + 4) & 0xffff;
	scale = short_at(p + 6);
	if ((sign != 0 && sign != 0x4000) || scale < 0)
		return value_refuse(spec, "is a numeric that is not finite",
				    "Bind the parameter with an integer type.");
	d.negative = sign == 0x4000;
	place = (weight + 1) * 4; /* decimal digits before the point, leading zeros included */
	d.point = place;
	for (long i = 0; i < n_digits; i++) {
		unsigned group = (unsigned)(p[8 + 2 * i] << 8 | p[9 + 2 * i]);

		if (group > 9999)
			return value_refuse(spec, "is a malformed binary numeric",
					    "Bind the parameter with an integer type.");
		for (unsigned unit = 1000; unit; unit /= 10, place--) {
			/* What lies past the scale is dropped by the server as well. */
			if (place <= -scale)
				break;
			if (!d.n && !(group / unit % 10))
				d.point--;
			add_digit(&d, group / unit % 10);
		}
	}
	return conclude(spec, &d, cell);
}

enum value_outcome decimal_read_float8(const struct value_spec *spec, const uint8_t *p, size_t n,
				       struct cell *cell)
{
	uint64_t bits = 0;
	double value;

	if (n != 8)
		return value_refuse(spec, "has a binary form of the wrong length",
				    "Bind the parameter with the type it was declared with.");
	for (unsigned i = 0; i < 8; i++)
		bits = bits << 8 | p[i];
	memcpy(&value, &bits, sizeof(value));
	if (!(value > -TWO_POW_53 && value < TWO_POW_53))
		return value_refuse(spec, "is a double precision number past 2^53",
				    "Use an integer type for the value.");
	if (value != (double)(int64_t)value) {
		if (!spec->is_insert)
			return VALUE_NOTHING;
		return value_refuse(spec, "is a double precision number with a fraction",
				    "Use an integer type for the value.");
	}
	cell_number(cell, (int64_t)value, 8);
	return VALUE_OK;
}
