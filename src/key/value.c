/* Readers for the key types. The rules are those of PostgreSQL 15's input and receive
 * functions; what another version might read differently is refused, not guessed. */
#include "pgmosaic/key/value.h"

#include <stdio.h>
#include <stdlib.h>

#include "inet.h"
#include "numeric.h"
#include "pgmosaic/base/mem.h"

void cell_init(struct cell *cell)
{
	cell->value.kind = KEY_VALUE_NULL;
	cell->big = cell->text = NULL;
}

void cell_finish(struct cell *cell)
{
	if (cell->big)
		free(cell->big);
	if (cell->text)
		free(cell->text);
	cell->big = cell->text = NULL;
}

void *cell_text_room(struct cell *cell, size_t n)
{
	cell->text = mem_grow(cell->text, n);
	return cell->text;
}

void *cell_room(struct cell *cell, size_t n)
{
	if (n <= sizeof(cell->small))
		return cell->small;
	cell->big = mem_grow(cell->big, n);
	return cell->big;
}

void cell_null(struct cell *cell)
{
	cell->value.kind = KEY_VALUE_NULL;
}

void cell_number(struct cell *cell, int64_t number, uint8_t width)
{
	cell->value.kind = KEY_VALUE_NUMBER;
	cell->value.width = width;
	cell->value.number = number;
}

void cell_bytes(struct cell *cell, const void *p, size_t n)
{
	cell->value.kind = KEY_VALUE_BYTES;
	cell->value.bytes = p;
	cell->value.n = n;
}

enum value_outcome value_refuse(const struct value_spec *spec, const char *what, const char *hint)
{
	err_set(spec->err, STATUS_UNROUTED, "the shard key's value %s", what);
	err_hint(spec->err, "%s", hint);
	return VALUE_REFUSED;
}

enum value_outcome value_bad(const struct value_spec *spec, const char *code, const char *message)
{
	err_set_code(spec->err, STATUS_INVALID, code, "%s", message);
	return VALUE_BAD;
}

enum value_class value_class_of(uint32_t type)
{
	switch (type) {
	case OID_INT2:
	case OID_INT4:
	case OID_INT8: return CLASS_INTEGER;
	case OID_TEXT:
	case OID_VARCHAR: return CLASS_TEXT;
	case OID_BPCHAR: return CLASS_BPCHAR;
	case OID_UUID: return CLASS_UUID;
	case OID_BYTEA: return CLASS_BYTEA;
	case OID_BOOL: return CLASS_BOOL;
	case OID_DATE: return CLASS_DATE;
	case OID_TIMESTAMP: return CLASS_TIMESTAMP;
	case OID_TIMESTAMPTZ: return CLASS_TIMESTAMPTZ;
	case OID_NUMERIC: return CLASS_NUMERIC;
	case OID_INET:
	case OID_CIDR: return CLASS_INET;
	case OID_FLOAT8: return CLASS_FLOAT8;
	default: return CLASS_NONE;
	}
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct str trim(struct str s)
{
	while (s.n && is_blank(*s.p)) {
		s.p++;
		s.n--;
	}
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Digits into *out, with the sign; false when not digits. *overflow: past bigint. */
static bool read_digits(struct str s, bool negative, int64_t *out, bool *overflow)
{
	uint64_t value = 0, limit = (uint64_t)INT64_MAX + negative;

	*overflow = false;
	if (!s.n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned)(s.p[i] - '0');

		if (digit > 9)
			return false;
		if (value > (limit - digit) / 10)
			*overflow = true;
		else
			value = value * 10 + digit;
	}
	*out = (int64_t)(negative ? 0 - value : value);
	return true;
}

static bool fits(int64_t value, uint32_t type)
{
	if (type == OID_INT2)
		return value >= INT16_MIN && value <= INT16_MAX;
	if (type == OID_INT4)
		return value >= INT32_MIN && value <= INT32_MAX;
	return true;
}

/* Text that is no decimal integer: later versions also read 0x2A, 0o52, 0b101010 and 1_000. */
static enum value_outcome not_an_integer(const struct value_spec *spec, struct str text)
{
	bool has_digit = false, is_strange = false;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c >= '0' && c <= '9')
			has_digit = true;
		else if (!c || !(strchr("abcdefABCDEFxXoO_+-", c) || is_blank(c)))
			is_strange = true;
	}
	if (is_strange || !has_digit)
		return value_bad(spec, "22P02", "invalid input syntax for an integer shard key");
	return value_refuse(spec, "is not a plain decimal integer",
			    "Write the number with decimal digits only.");
}

static enum value_outcome read_integer(const struct value_spec *spec, struct str text,
				       struct cell *cell)
{
	struct str s = text;
	bool negative = false, overflow;
	int64_t value;

	if (s.n && (is_blank(*s.p) || is_blank(s.p[s.n - 1])))
		s = trim(s);
	if (s.n && (*s.p == '-' || *s.p == '+')) {
		negative = *s.p == '-';
		s.p++;
		s.n--;
	}
	if (!read_digits(s, negative, &value, &overflow))
		return not_an_integer(spec, text);
	if (overflow || !fits(value, spec->type))
		return value_bad(spec, "22003", "the shard key's value is out of range");
	cell_number(cell, value, 8);
	return VALUE_OK;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Two hexadecimal digits; -1: not. */
static int hex_byte(const char *p)
{
	int hi = hex_digit(p[0]), lo = hex_digit(p[1]);

	return hi < 0 || lo < 0 ? -1 : hi * 16 + lo;
}

static bool parse_uuid(struct str s, uint8_t *out)
{
	const char *p = s.p, *end = s.p + s.n;
	bool braces = p < end && *p == '{';

	p += braces;
	for (unsigned i = 0; i < 16; i++) {
		int byte = end - p >= 2 ? hex_byte(p) : -1;

		if (byte < 0)
			return false;
		out[i] = (uint8_t)byte;
		p += 2;
		if (p < end && *p == '-' && i % 2 == 1 && i < 15)
			p++;
	}
	if (braces && (p == end || *p++ != '}'))
		return false;
	return p == end;
}

static enum value_outcome read_uuid(const struct value_spec *spec, struct str text,
				    struct cell *cell)
{
	if (!parse_uuid(text, cell_room(cell, 16)))
		return value_bad(spec, "22P02", "invalid input syntax for type uuid");
	cell_bytes(cell, cell->small, 16);
	return VALUE_OK;
}

static enum value_outcome read_bool(const struct value_spec *spec, struct str text,
				    struct cell *cell)
{
	static const struct {
		const char *word;
		size_t least;
		bool value;
	} words[] = { { "true", 1, true }, { "false", 1, false }, { "yes", 1, true },
		      { "no", 1, false },  { "on", 2, true },	  { "off", 2, false },
		      { "1", 1, true },	   { "0", 1, false } };
	struct str s = trim(text);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (s.n >= words[i].least && s.n <= strlen(words[i].word) &&
		    strncasecmp(s.p, words[i].word, s.n) == 0) {
			cell_number(cell, words[i].value, 1);
			return VALUE_OK;
		}
	}
	return value_bad(spec, "22P02", "invalid input syntax for type boolean");
}

static enum value_outcome read_bytea(const struct value_spec *spec, struct str text,
				     struct cell *cell)
{
	uint8_t *out;

	if (text.n < 2 || memcmp(text.p, "\\x", 2) != 0) {
		if (text.n && memchr(text.p, '\\', text.n))
			return value_refuse(spec, "is a bytea in the escape format",
					    "Write it in the hexadecimal format: \\x followed by "
					    "two digits for each byte.");
		cell_bytes(cell, text.p, text.n);
		return VALUE_OK;
	}
	out = cell_room(cell, text.n / 2);
	for (size_t i = 2; i < text.n; i += 2) {
		int byte = i + 1 < text.n ? hex_byte(text.p + i) : -1;

		if (byte < 0)
			return value_refuse(spec, "is a bytea that is not plain hexadecimal",
					    "Write \\x followed by two digits for each byte.");
		out[i / 2 - 1] = (uint8_t)byte;
	}
	cell_bytes(cell, out, text.n / 2 - 1);
	return VALUE_OK;
}

/* varchar(n) cuts spaces past n when it stores a value, and takes nothing else there. */
static enum value_outcome cut_varchar(const struct value_spec *spec, const char *p, size_t *n)
{
	int32_t chars = 0, most = spec->typmod - VALUE_TYPMOD(4);

	if (spec->typmod == 0 && *n && p[*n - 1] == ' ')
		return value_refuse(spec, "for a varchar column ends in a space",
				    "Remove the trailing space, or make the column's type text.");
	for (size_t i = 0; most >= 0 && i < *n; i++) {
		chars += ((unsigned char)p[i] & 0xC0) != 0x80;
		if (chars <= most)
			continue;
		for (size_t k = i; k < *n; k++)
			if (p[k] != ' ')
				return value_bad(spec, "22001",
						 "value too long for the shard key's type");
		*n = i;
	}
	return VALUE_OK;
}

static enum value_outcome take_text(const struct value_spec *spec, const void *p, size_t n,
				    struct cell *cell)
{
	enum value_outcome outcome = VALUE_OK;

	if (spec->is_insert && spec->column_type == OID_VARCHAR)
		outcome = cut_varchar(spec, p, &n);
	cell_bytes(cell, p, n);
	return outcome;
}

static enum value_outcome take_bpchar(const void *p, size_t n, struct cell *cell)
{
	while (n && ((const char *)p)[n - 1] == ' ')
		n--;
	cell_bytes(cell, p, n);
	return VALUE_OK;
}

static enum value_outcome refuse_types(const struct value_spec *spec)
{
	err_set(spec->err, STATUS_UNROUTED,
		"a value of type %u cannot be matched to a shard key of type %u", spec->type,
		spec->column_type);
	err_hint(spec->err, "Give the value the key column's own type.");
	return VALUE_REFUSED;
}

/* An integer stored in a text column: the digits PostgreSQL's own cast writes. */
static enum value_outcome integer_as_text(const struct value_spec *spec, struct str digits,
					  bool negative, struct cell *cell)
{
	char *out;

	while (digits.n > 1 && *digits.p == '0') {
		digits.p++;
		digits.n--;
	}
	if (digits.n == 1 && *digits.p == '0')
		negative = false;
	if (!negative)
		return take_text(spec, digits.p, digits.n, cell);
	out = cell_room(cell, digits.n + 1);
	out[0] = '-';
	memcpy(out + 1, digits.p, digits.n);
	return take_text(spec, out, digits.n + 1, cell);
}

/* A parameter of an integer type stored in a text column. */
static enum value_outcome number_as_text(const struct value_spec *spec, struct cell *cell)
{
	char digits[24];
	int n;

	if (!spec->is_insert)
		return refuse_types(spec);
	n = snprintf(digits, sizeof(digits), "%lld", (long long)cell->value.number);
	memcpy(cell->small, digits, (size_t)n);
	return take_text(spec, cell->small, (size_t)n, cell);
}

static enum value_outcome read_same_class(const struct value_spec *spec, enum value_class class,
					  struct str text, struct cell *cell)
{
	switch (class) {
	case CLASS_INTEGER: return read_integer(spec, text, cell);
	case CLASS_TEXT: return take_text(spec, text.p, text.n, cell);
	case CLASS_BPCHAR: return take_bpchar(text.p, text.n, cell);
	case CLASS_UUID: return read_uuid(spec, text, cell);
	case CLASS_BYTEA: return read_bytea(spec, text, cell);
	case CLASS_BOOL: return read_bool(spec, text, cell);
	case CLASS_DATE: return date_read_text(spec, text, cell);
	case CLASS_TIMESTAMP: return timestamp_read_text(spec, text, false, cell);
	case CLASS_TIMESTAMPTZ: return timestamp_read_text(spec, text, true, cell);
	case CLASS_NUMERIC: return numeric_read_text(spec, trim(text), false, cell);
	case CLASS_INET: return inet_read_text(spec, text, cell);
	case CLASS_FLOAT8:
	case CLASS_NONE:
	default: return refuse_types(spec);
	}
}

/* An integer for a numeric column. */
static enum value_outcome widen(enum value_outcome outcome, struct cell *cell)
{
	if (outcome == VALUE_OK)
		numeric_of_integer(cell->value.number, cell);
	return outcome;
}

enum value_outcome value_read_text(const struct value_spec *spec, struct str text,
				   struct cell *cell)
{
	enum value_class from = value_class_of(spec->type);
	enum value_class to = value_class_of(spec->column_type);
	enum value_outcome outcome;

	if (from == to)
		return read_same_class(spec, from, text, cell);
	if (to == CLASS_INTEGER && (from == CLASS_NUMERIC || from == CLASS_FLOAT8))
		return decimal_read_text(spec, trim(text), false, from == CLASS_FLOAT8, cell);
	if (to == CLASS_NUMERIC && from == CLASS_INTEGER)
		return widen(read_integer(spec, text, cell), cell);
	if (to == CLASS_TEXT && from == CLASS_INTEGER) {
		outcome = read_integer(spec, text, cell);
		return outcome == VALUE_OK ? number_as_text(spec, cell) : outcome;
	}
	return refuse_types(spec);
}

static int64_t big_endian(const uint8_t *p, size_t n)
{
	uint64_t value = n && p[0] & 0x80 ? UINT64_MAX : 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | p[i];
	return (int64_t)value;
}

static enum value_outcome refuse_length(const struct value_spec *spec)
{
	if (spec->is_certain)
		return value_bad(spec, "22P03", "incorrect binary data format");
	return value_refuse(spec, "has a binary form of the wrong length",
			    "Bind the parameter with the type the server's Describe reports.");
}

static size_t integer_width(uint32_t type)
{
	return type == OID_INT2 ? 2 : type == OID_INT4 ? 4 : 8;
}

static enum value_outcome recv_same_class(const struct value_spec *spec, enum value_class class,
					  const uint8_t *p, size_t n, struct cell *cell)
{
	switch (class) {
	case CLASS_INTEGER:
		if (n != integer_width(spec->type))
			return refuse_length(spec);
		cell_number(cell, big_endian(p, n), 8);
		return VALUE_OK;
	case CLASS_TEXT: return take_text(spec, p, n, cell);
	case CLASS_BPCHAR: return take_bpchar(p, n, cell);
	case CLASS_UUID:
		if (n != 16)
			return refuse_length(spec);
		cell_bytes(cell, p, n);
		return VALUE_OK;
	case CLASS_BYTEA: cell_bytes(cell, p, n); return VALUE_OK;
	case CLASS_BOOL:
		if (n != 1)
			return refuse_length(spec);
		cell_number(cell, p[0] != 0, 1);
		return VALUE_OK;
	case CLASS_DATE:
		if (n != 4)
			return refuse_length(spec);
		cell_number(cell, big_endian(p, n), 4);
		return VALUE_OK;
	case CLASS_TIMESTAMP:
	case CLASS_TIMESTAMPTZ:
		if (n != 8)
			return refuse_length(spec);
		return timestamp_store(spec, big_endian(p, n), cell);
	case CLASS_NUMERIC: return numeric_read_binary(spec, p, n, cell);
	case CLASS_INET: return inet_read_binary(spec, p, n, cell);
	case CLASS_FLOAT8:
	case CLASS_NONE:
	default: return refuse_types(spec);
	}
}

enum value_outcome value_read_binary(const struct value_spec *spec, const uint8_t *p, size_t n,
				     struct cell *cell)
{
	enum value_class from = value_class_of(spec->type);
	enum value_class to = value_class_of(spec->column_type);
	enum value_outcome outcome;

	if (from == to)
		return recv_same_class(spec, from, p, n, cell);
	if (to == CLASS_INTEGER && from == CLASS_NUMERIC)
		return decimal_read_numeric(spec, p, n, cell);
	if (to == CLASS_INTEGER && from == CLASS_FLOAT8)
		return decimal_read_float8(spec, p, n, cell);
	if (to == CLASS_NUMERIC && from == CLASS_INTEGER)
		return widen(recv_same_class(spec, from, p, n, cell), cell);
	if (to == CLASS_TEXT && from == CLASS_INTEGER) {
		outcome = recv_same_class(spec, from, p, n, cell);
		return outcome == VALUE_OK ? number_as_text(spec, cell) : outcome;
	}
	return refuse_types(spec);
}

enum value_outcome value_read_number(const struct value_spec *spec, struct str digits,
				     bool negative, bool is_integer, struct cell *cell)
{
	enum value_class to = value_class_of(spec->column_type);
	bool overflow;
	int64_t value;

	if (to == CLASS_INTEGER && is_integer && read_digits(digits, negative, &value, &overflow)) {
		if (overflow) {
			if (!spec->is_insert)
				return VALUE_NOTHING;
			return value_bad(spec, "22003", "the shard key's value is out of range");
		}
		cell_number(cell, value, 8);
		return VALUE_OK;
	}
	if (to == CLASS_INTEGER)
		return decimal_read_text(spec, digits, negative, false, cell);
	if (to == CLASS_NUMERIC)
		return numeric_read_text(spec, digits, negative, cell);
	if (to == CLASS_TEXT && is_integer)
		return integer_as_text(spec, digits, negative, cell);
	return value_refuse(spec, "is a number, the key column is not",
			    "Write the value as a string in the key column's own type.");
}
