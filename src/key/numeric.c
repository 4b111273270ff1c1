#include "numeric.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLASS_LEAST, CLASS_NEGATIVE, CLASS_ZERO, CLASS_POSITIVE, CLASS_MOST, CLASS_NAN };

/* 0.d0d1d2… × 10^point. */
struct digits {
	bool negative;
	unsigned n;
	long point;
	uint8_t d[NUMERIC_MAX_DIGITS];
};

static unsigned short_at(const uint8_t *p)
{
	return (unsigned)(p[0] << 8 | p[1]);
}

static void put_short(uint8_t *p, unsigned value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static void trim(struct digits *x)
{
	unsigned zeros = 0;

	while (zeros < x->n && !x->d[zeros])
		zeros++;
	memmove(x->d, x->d + zeros, x->n - zeros);
	x->n -= zeros;
	x->point -= zeros;
	while (x->n && !x->d[x->n - 1])
		x->n--;
}

/* To `scale` digits behind the point, half away from zero. */
static void round_to(struct digits *x, long scale)
{
	long keep = x->point + scale;
	bool up;

	if (keep >= (long)x->n)
		return;
	up = keep >= 0 && x->d[keep] >= 5;
	x->n = keep > 0 ? (unsigned)keep : 0;
	for (long i = keep - 1; up && i >= 0; i--) {
		x->d[i] = (uint8_t)((x->d[i] + 1) % 10);
		up = x->d[i] == 0;
	}
	if (!up)
		return;
	memmove(x->d + 1, x->d, x->n);
	x->d[0] = 1;
	x->n++;
	x->point++;
}

static void apply_typmod(const struct value_spec *spec, struct digits *x)
{
	int32_t scale;

	if (!spec->is_insert || spec->typmod < VALUE_TYPMOD(4))
		return;
	scale = (((spec->typmod - VALUE_TYPMOD(4)) & 0x7ff) ^ 1024) - 1024;
	round_to(x, scale);
}

static void take_class(struct cell *cell, int class)
{
	cell->small[0] = (uint8_t) class;
	cell_bytes(cell, cell->small, 1);
	cell->value.kind = KEY_VALUE_NUMERIC;
}

static long floor_quarter(long x)
{
	return x >= 0 ? x / 4 : -((3 - x) / 4);
}

static unsigned group_at(const struct digits *x, long first)
{
	unsigned group = 0;

	for (long i = first; i < first + 4; i++)
		group = group * 10 + (i >= 0 && i < (long)x->n ? x->d[i] : 0u);
	return group;
}

/* Trimmed digits into the cell. */
static enum value_outcome store(const struct value_spec *spec, struct digits *x, struct cell *cell)
{
	long weight, first;
	size_t n_groups, n;
	uint8_t *out;

	if (spec->is_insert && spec->typmod == 0)
		return value_refuse(spec, "is a numeric of unknown scale",
				    "Give the value as a constant.");
	apply_typmod(spec, x);
	trim(x);
	if (!x->n) {
		take_class(cell, CLASS_ZERO);
		return VALUE_OK;
	}
	weight = floor_quarter(x->point - 1);
	first = x->point - (weight + 1) * 4; /* of the first group; below 0: zeros in front */
	n_groups = ((size_t)((long)x->n - first) + 3) / 4;
	n = 3 + 2 * n_groups;
	out = cell_room(cell, n + 2);
	out[0] = x->negative ? CLASS_NEGATIVE : CLASS_POSITIVE;
	put_short(out + 1, (unsigned)(weight + 32768));
	for (size_t i = 0; i < n_groups; i++)
		put_short(out + 3 + 2 * i, group_at(x, first + 4 * (long)i));
	if (x->negative) {
		for (size_t i = 1; i < n; i++)
			out[i] = (uint8_t)~out[i];
		put_short(out + n, 0xffff);
		n += 2;
	}
	cell_bytes(cell, out, n);
	cell->value.kind = KEY_VALUE_NUMERIC;
	return VALUE_OK;
}

static bool add(struct digits *x, unsigned digit)
{
	if (x->n == NUMERIC_MAX_DIGITS)
		return false;
	x->d[x->n++] = (uint8_t)digit;
	return true;
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

static bool take_exponent(struct str *s, long *out)
{
	bool negative = false;

	*out = 0;
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
		*out = *out * 10 + (*s->p - '0');
		if (*out > NUMERIC_MAX_DIGITS)
			return false;
	}
	if (negative)
		*out = -*out;
	return s->n == 0;
}

static bool parse(struct str s, struct digits *x)
{
	long exponent;

	if (s.n && (*s.p == '-' || *s.p == '+')) {
		x->negative ^= *s.p == '-';
		skip(&s);
	}
	for (; is_digit(s); skip(&s))
		if (!add(x, (unsigned)(*s.p - '0')))
			return false;
	x->point = x->n;
	if (s.n && *s.p == '.') {
		skip(&s);
		for (; is_digit(s); skip(&s))
			if (!add(x, (unsigned)(*s.p - '0')))
				return false;
	}
	if (!x->n || !take_exponent(&s, &exponent))
		return false;
	x->point += exponent;
	return true;
}

enum value_outcome numeric_read_text(const struct value_spec *spec, struct str text, bool negative,
				     struct cell *cell)
{
	struct digits x;

	x.n = 0;
	x.negative = negative;
	if (parse(text, &x)) {
		trim(&x);
		return store(spec, &x, cell);
	}
	if (str_is_nocase(text, "nan"))
		take_class(cell, CLASS_NAN);
	else if (str_is_nocase(text, "infinity"))
		take_class(cell, CLASS_MOST);
	else if (str_is_nocase(text, "-infinity"))
		take_class(cell, CLASS_LEAST);
	else
		return value_refuse(spec, "is not a plain decimal number",
				    "Write it with decimal digits.");
	return VALUE_OK;
}

static enum value_outcome malformed(const struct value_spec *spec)
{
	return value_refuse(spec, "is a malformed binary numeric", "Bind the parameter as text.");
}

enum value_outcome numeric_read_binary(const struct value_spec *spec, const uint8_t *p, size_t n,
				       struct cell *cell)
{
	unsigned sign, n_groups;
	struct digits x;

	if (n < 8 || n != 8 + (size_t)(n_groups = short_at(p)) * 2)
		return malformed(spec);
	sign = short_at(p + 4);
	if (sign >= 0xc000) {
		take_class(cell, sign == 0xc000	  ? CLASS_NAN
				 : sign == 0xd000 ? CLASS_MOST
						  : CLASS_LEAST);
		return sign == 0xc000 || sign == 0xd000 || sign == 0xf000 ? VALUE_OK
									  : malformed(spec);
	}
	if ((sign != 0 && sign != 0x4000) || short_at(p + 6) > 0x3fff ||
	    n_groups * 4 > NUMERIC_MAX_DIGITS - 4)
		return malformed(spec);
	x.negative = sign == 0x4000;
	x.point = ((int16_t)short_at(p + 2) + 1) * 4L;
	x.n = 0;
	for (unsigned i = 0; i < n_groups; i++) {
		unsigned group = short_at(p + 8 + 2 * i);

		if (group > 9999)
			return malformed(spec);
		for (unsigned unit = 1000; unit; unit /= 10)
			add(&x, group / unit % 10);
	}
	/* What lies past the scale is dropped by the server as well. */
	if (x.point + (long)short_at(p + 6) < (long)x.n)
		x.n = x.point + (long)short_at(p + 6) > 0
			      ? (unsigned)(x.point + (long)short_at(p + 6))
			      : 0;
	trim(&x);
	return store(spec, &x, cell);
}

void numeric_of_integer(int64_t value, struct cell *cell)
{
	static const struct value_spec plain = { .is_insert = false };
	char text[24];
	int n = snprintf(text, sizeof(text), "%lld", (long long)value);

	numeric_read_text(&plain, (struct str){ text, (size_t)n }, false, cell);
}

/* The digits of a finite form that is not zero. */
struct groups {
	bool negative;
	long weight;
	size_t n;
	const uint8_t *p;
};

static struct groups groups_of(const uint8_t *ordered, size_t n)
{
	struct groups g = { .negative = ordered[0] == CLASS_NEGATIVE, .p = ordered + 3 };
	unsigned weight = short_at(ordered + 1);

	g.n = (n - 3) / 2 - g.negative;
	g.weight = (long)(g.negative ? weight ^ 0xffff : weight) - 32768;
	return g;
}

static unsigned group_of(const struct groups *g, size_t i)
{
	unsigned group = short_at(g->p + 2 * i);

	return g->negative ? group ^ 0xffff : group;
}

int64_t numeric_hash(const uint8_t *ordered, size_t n)
{
	uint8_t digits[2 * (NUMERIC_MAX_DIGITS / 4 + 2)];
	struct groups g;

	if (ordered[0] == CLASS_ZERO)
		return (int64_t)(HASH_PARTITION_SEED - 1);
	if (ordered[0] != CLASS_NEGATIVE && ordered[0] != CLASS_POSITIVE)
		return (int64_t)HASH_PARTITION_SEED;
	g = groups_of(ordered, n);
	for (size_t i = 0; i < g.n; i++) {
		unsigned group = group_of(&g, i);

		digits[2 * i] = (uint8_t)group; /* as on a little-endian server */
		digits[2 * i + 1] = (uint8_t)(group >> 8);
	}
	return hash_pg_bytes(digits, 2 * g.n) ^ g.weight;
}

char *numeric_text(struct arena *a, const uint8_t *ordered, size_t n)
{
	static const char *const words[] = { "-Infinity", "", "0", "", "Infinity", "NaN" };
	struct groups g;
	char *text, *p;
	long least;

	if (ordered[0] != CLASS_NEGATIVE && ordered[0] != CLASS_POSITIVE)
		return arena_strdup(a, words[ordered[0]]);
	g = groups_of(ordered, n);
	least = g.weight - (long)g.n + 1;
	text = p = arena_alloc(a, (size_t)(4 * (labs(g.weight) + (long)g.n + 4)));
	if (g.negative)
		*p++ = '-';
	if (g.weight < 0)
		*p++ = '0';
	for (long w = g.weight < 0 ? -1 : g.weight; w >= (least < 0 ? least : 0); w--) {
		unsigned group =
			w <= g.weight && w >= least ? group_of(&g, (size_t)(g.weight - w)) : 0;

		p += sprintf(p, w == -1 ? ".%04u" : w == g.weight && w >= 0 ? "%u" : "%04u", group);
	}
	while (least < 0 && p[-1] == '0')
		p--;
	*p = 0;
	return text;
}
