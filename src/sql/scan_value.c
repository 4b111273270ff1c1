/* The value of a literal found by the scanner. */
#include "pgmosaic/sql/scan.h"

static int copy_out(const char *p, size_t n, char *out, size_t size)
{
	if (n > size || n > INT32_MAX)
		return -1;
	memcpy(out, p, n);
	return (int)n;
}

/* The inside of '…': p behind the first quote, end at the last. */
static int undouble(const char *p, const char *end, char *out, size_t size)
{
	size_t n = 0;

	for (; p < end; p++) {
		if (n == size)
			return -1;
		out[n++] = *p;
		if (*p == '\'')
			p++;
	}
	return n > INT32_MAX ? -1 : (int)n;
}

int scan_literal_value(struct str text, const struct scan_literal *literal, char *out, size_t size)
{
	const char *p = text.p + literal->at, *end = p + literal->length, *tag_end;

	switch (literal->kind) {
	case LITERAL_INTEGER:
	case LITERAL_NUMERIC: return copy_out(p, literal->length, out, size);
	case LITERAL_STRING: return undouble(p + 1, end - 1, out, size);
	case LITERAL_ESCAPE:
		if (memchr(p, '\\', literal->length))
			return -1;
		return undouble(p + 2, end - 1, out, size);
	case LITERAL_DOLLAR:
		tag_end = (const char *)memchr(p + 1, '$', literal->length - 1) + 1;
		return copy_out(tag_end, (size_t)(end - tag_end - (tag_end - p)), out, size);
	case LITERAL_OTHER:
	default: return -1;
	}
}
