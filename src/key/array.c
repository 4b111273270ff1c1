#include "pgmosaic/key/array.h"

#include <stdlib.h>

#include "pgmosaic/base/mem.h"
#include "pgmosaic/key/type.h"
#include "pgmosaic/key/value.h"

uint32_t array_element_type(uint32_t type)
{
	const struct key_type *t = key_type_of_array(type);

	return t ? t->oid : type == 1022 ? OID_FLOAT8 : type;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_blanks(struct array_reader *a)
{
	while (a->p < a->end && is_blank(*a->p))
		a->p++;
}

static enum array_step malformed(struct array_reader *a)
{
	a->malformed = true;
	return ARRAY_MALFORMED;
}

void array_open_text(struct array_reader *a, struct str text)
{
	*a = (struct array_reader){ .p = text.p, .end = text.p + text.n };
	skip_blanks(a);
	if (a->p == a->end || *a->p != '{') {
		a->malformed = true;
		return;
	}
	a->p++;
	a->depth = 1;
	a->scratch = mem_alloc(text.n + 1);
}

static enum array_step quoted_element(struct array_reader *a, struct str *element)
{
	size_t n = 0;

	for (a->p++; a->p < a->end && *a->p != '"'; a->p++) {
		if (*a->p == '\\' && ++a->p == a->end)
			return malformed(a);
		a->scratch[n++] = *a->p;
	}
	if (a->p == a->end)
		return malformed(a);
	a->p++;
	*element = (struct str){ a->scratch, n };
	return ARRAY_ELEMENT;
}

static bool ends_element(char c)
{
	return c == ',' || c == '{' || c == '}' || c == '"';
}

/* Blanks at the end do not count, unless escaped. An unescaped NULL is SQL NULL. */
static enum array_step bare_element(struct array_reader *a, struct str *element)
{
	size_t n = 0, kept = 0;
	bool escaped = false;

	for (; a->p < a->end && !ends_element(*a->p); a->p++) {
		bool is_escape = *a->p == '\\';

		if (is_escape && ++a->p == a->end)
			return malformed(a);
		escaped |= is_escape;
		a->scratch[n++] = *a->p;
		if (is_escape || !is_blank(*a->p))
			kept = n;
	}
	if (!kept || a->p == a->end || *a->p == '"' || *a->p == '{')
		return malformed(a);
	*element = (struct str){ a->scratch, kept };
	return !escaped && str_is_nocase(*element, "null") ? ARRAY_NULL : ARRAY_ELEMENT;
}

/* Behind an element: a comma and what follows it, or closing braces. */
static bool after_element(struct array_reader *a)
{
	for (;;) {
		skip_blanks(a);
		if (a->p == a->end)
			return a->depth == 0;
		if (a->depth == 0)
			return false;
		if (*a->p == ',') {
			a->p++;
			return true;
		}
		if (*a->p != '}')
			return false;
		a->p++;
		a->depth--;
	}
}

static enum array_step next_text(struct array_reader *a, struct str *element)
{
	enum array_step step;

	for (;;) {
		skip_blanks(a);
		if (a->p == a->end)
			return a->depth == 0 ? ARRAY_END : malformed(a);
		if (a->depth == 0)
			return malformed(a);
		if (*a->p == '{') {
			a->p++;
			a->depth++;
			continue;
		}
		if (*a->p == '}') {
			/* "{}": an empty array, or an inner one. */
			if (a->p[-1] != '{' && !is_blank(a->p[-1]))
				return malformed(a);
			if (!after_element(a))
				return malformed(a);
			continue;
		}
		step = *a->p == '"' ? quoted_element(a, element) : bare_element(a, element);
		if (step != ARRAY_MALFORMED && !after_element(a))
			return malformed(a);
		return step;
	}
}

static uint32_t take_u32(struct array_reader *a)
{
	uint32_t v;

	if (a->end - a->p < 4) {
		a->malformed = true;
		return 0;
	}
	memcpy(&v, a->p, 4);
	a->p += 4;
	return __builtin_bswap32(v);
}

void array_open_binary(struct array_reader *a, const uint8_t *p, size_t n)
{
	uint32_t n_dims;
	uint64_t total = 1;

	*a = (struct array_reader){ .p = (const char *)p, .end = (const char *)p + n };
	a->is_binary = true;
	n_dims = take_u32(a);
	take_u32(a); /* flags: has NULLs */
	a->element_type = take_u32(a);
	if (n_dims > 6)
		a->malformed = true;
	for (uint32_t i = 0; i < n_dims && !a->malformed; i++) {
		total *= take_u32(a);
		take_u32(a); /* lower bound */
		if (total > n)
			a->malformed = true;
	}
	a->n_left = n_dims ? (uint32_t)total : 0;
}

static enum array_step next_binary(struct array_reader *a, struct str *element)
{
	int32_t length;

	if (!a->n_left)
		return a->p == a->end ? ARRAY_END : malformed(a);
	a->n_left--;
	length = (int32_t)take_u32(a);
	if (a->malformed)
		return ARRAY_MALFORMED;
	if (length == -1)
		return ARRAY_NULL;
	if (length < 0 || length > a->end - a->p)
		return malformed(a);
	*element = (struct str){ a->p, (size_t)length };
	a->p += length;
	return ARRAY_ELEMENT;
}

enum array_step array_next(struct array_reader *a, struct str *element)
{
	if (a->malformed)
		return ARRAY_MALFORMED;
	return a->is_binary ? next_binary(a, element) : next_text(a, element);
}

void array_close(struct array_reader *a)
{
	free(a->scratch);
	a->scratch = NULL;
}
