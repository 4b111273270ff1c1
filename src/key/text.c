/* Values back to text, as SHOW KEYS and the SQL for shards write them. */
#include "inet.h"
#include "numeric.h"
#include "pgmosaic/key/value.h"

static char *hex_text(struct arena *a, const uint8_t *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char *text = arena_alloc(a, 2 * n + 3), *out = text;

	*out++ = '\\';
	*out++ = 'x';
	for (size_t i = 0; i < n; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = 0;
	return text;
}

static char *uuid_text(struct arena *a, const uint8_t *p, size_t n)
{
	const char *hex = hex_text(a, p, n) + 2;

	return arena_printf(a, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
			    hex + 20);
}

char *value_text(struct arena *a, uint32_t type, const struct key_value *v)
{
	switch (value_class_of(type)) {
	case CLASS_INTEGER: return arena_printf(a, "%lld", (long long)v->number);
	case CLASS_UUID: return uuid_text(a, v->bytes, v->n);
	case CLASS_BYTEA: return hex_text(a, v->bytes, v->n);
	case CLASS_BOOL: return arena_strdup(a, v->number ? "true" : "false");
	case CLASS_DATE: return date_text(a, v->number);
	case CLASS_TIMESTAMP: return timestamp_text(a, v->number, false);
	case CLASS_TIMESTAMPTZ: return timestamp_text(a, v->number, true);
	case CLASS_NUMERIC: return numeric_text(a, v->bytes, v->n);
	case CLASS_INET: return inet_text(a, v->bytes, v->n);
	case CLASS_TEXT:
	case CLASS_BPCHAR:
	case CLASS_FLOAT8:
	case CLASS_NONE:
	default: return arena_strndup(a, v->bytes, v->n);
	}
}
