#include "key_read.h"

#include <string.h>

#include "pgmosaic/catalog/pq.h"
#include "pgmosaic/key/value.h"

enum status key_read(struct arena *a, uint32_t type, const char *text, struct key_value *out,
		     struct err *err)
{
	struct err why = ERR_INIT;
	struct value_spec spec = { .type = type, .column_type = type, .err = &why };
	struct cell cell;
	enum value_outcome outcome;

	cell_init(&cell);
	outcome = value_read_text(&spec, str_of(text), &cell);
	if (outcome == VALUE_OK) {
		*out = cell.value;
		if (out->kind != KEY_VALUE_NUMBER)
			out->bytes = arena_copy(a, out->n ? out->bytes : "", out->n);
	}
	cell_finish(&cell);
	if (outcome == VALUE_OK)
		return STATUS_OK;
	err_set_code(err, STATUS_INVALID, "22023", "\"%.100s\" is no key of this distribution",
		     text);
	err_detail(err, "%s", why.message);
	err_hint(err, "%s", why.hint);
	return STATUS_INVALID;
}

enum status key_read_all(struct arena *a, const struct map_distribution *d,
			 const char *const *texts, unsigned n, struct key_value *out,
			 struct err *err)
{
	enum status st = STATUS_OK;

	if (n != d->n_keys)
		return err_set(err, STATUS_INVALID,
			       "a key of distribution \"%s\" has %u values, not %u", d->name,
			       (unsigned)d->n_keys, n);
	for (unsigned i = 0; i < n && st == STATUS_OK; i++) {
		out[i].kind = KEY_VALUE_NULL;
		if (texts[i])
			st = key_read(a, d->key_types[i], texts[i], &out[i], err);
	}
	return st;
}

const char *key_hex(struct arena *a, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char *hex = arena_alloc(a, 2 * n + 1);

	for (size_t i = 0; i < n; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[2 * n] = 0;
	return hex;
}

static unsigned digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

const uint8_t *key_of_hex(struct arena *a, const char *hex, uint32_t *n)
{
	uint8_t *bytes;

	*n = (uint32_t)(strlen(hex) / 2);
	bytes = arena_alloc(a, *n + 1u);
	for (uint32_t i = 0; i < *n; i++)
		bytes[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	return bytes;
}

static const char *one_text(struct arena *a, uint32_t type, const uint8_t *p, uint32_t n)
{
	enum value_class class = value_class_of(type);
	bool is_number = class == CLASS_INTEGER || class == CLASS_BOOL || class == CLASS_DATE ||
			 class == CLASS_TIMESTAMP || class == CLASS_TIMESTAMPTZ;
	struct key_value v = { .kind = KEY_VALUE_BYTES, .bytes = p, .n = n };
	uint64_t number = n && p[0] & 0x80 ? UINT64_MAX : 0;

	for (uint32_t i = 0; i < n && is_number; i++)
		number = number << 8 | p[i];
	if (is_number)
		v = (struct key_value){ .kind = KEY_VALUE_NUMBER, .number = (int64_t)number };
	return value_text(a, type, &v);
}

void key_texts(struct arena *a, const struct map_distribution *d, const uint8_t *bytes, size_t n,
	       const char *texts[MAP_MAX_KEYS])
{
	const uint8_t *p = bytes, *end = bytes + n;

	for (unsigned i = 0; i < d->n_keys && end - p >= 4; i++) {
		uint32_t length =
			(uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];

		p += 4;
		texts[i] = NULL;
		if (length == UINT32_MAX || length > (size_t)(end - p))
			continue;
		texts[i] = one_text(a, d->key_types[i], p, length);
		p += length;
	}
}

const char *key_array(struct arena *a, const char *const *texts, unsigned n)
{
	const char *array = "{";

	for (unsigned i = 0; i < n; i++) {
		const char *one = texts[i] ? pq_make_array(a, &texts[i], 1) : "{NULL}";

		array = arena_printf(a, "%s%s%.*s", array, i ? "," : "", (int)strlen(one) - 2,
				     one + 1);
	}
	return arena_printf(a, "%s}", array);
}
