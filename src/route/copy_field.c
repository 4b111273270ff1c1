/* The key fields of one COPY row, by the rules of CopyReadAttributesText and …CSV. Only
 * key fields lose their escapes; the others are stepped over. */
#include "copy_internal.h"

#include <stdint.h>
#include <string.h>

void copy_fields_init(struct copy_fields *f, const struct plan_copy *copy, unsigned n_keys)
{
	*f = (struct copy_fields){ .copy = copy, .n_keys = n_keys };
	buf_init(&f->scratch, SIZE_MAX / 2);
}

void copy_fields_finish(struct copy_fields *f)
{
	buf_finish(&f->scratch);
}

static bool is_null(const struct copy_fields *f, struct str raw)
{
	return f->copy->null_text ? str_is(raw, f->copy->null_text) : false;
}

static int octal(char c)
{
	return c >= '0' && c <= '7' ? c - '0' : -1;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Up to `most` digits of a base at *p. */
static char take_code(const char **p, const char *end, unsigned most, unsigned shift,
		      int (*digit)(char))
{
	unsigned value = 0;

	for (unsigned i = 0; i < most && *p < end && digit(**p) >= 0; i++)
		value = (value << shift) + (unsigned)digit(*(*p)++);
	return (char)value;
}

/* The byte that an escape stands for; *p is behind the backslash and moves past it. */
static char unescape(const char **p, const char *end)
{
	char c = *(*p)++;

	switch (c) {
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7': (*p)--; return take_code(p, end, 3, 3, octal);
	case 'x': return *p < end && hex(**p) >= 0 ? take_code(p, end, 2, 4, hex) : c;
	case 'b': return '\b';
	case 'f': return '\f';
	case 'n': return '\n';
	case 'r': return '\r';
	case 't': return '\t';
	case 'v': return '\v';
	default: return c;
	}
}

/* Room for a key of at most n bytes; where it begins goes to in_scratch. */
static char *scratch_begin(struct copy_fields *f, unsigned key, size_t n)
{
	f->in_scratch[key] = buf_len(&f->scratch) + 1;
	return (char *)buf_reserve(&f->scratch, n + 1);
}

static void scratch_end(struct copy_fields *f, unsigned key, size_t n)
{
	buf_commit(&f->scratch, n);
	f->keys[key].n = n;
}

static bool ends_in_escape(struct str raw)
{
	size_t n = 0;

	while (n < raw.n && raw.p[raw.n - 1 - n] == '\\')
		n++;
	return n % 2;
}

static void set_text_key(struct copy_fields *f, unsigned key, struct str raw)
{
	const char *p = raw.p, *end;
	char *out, *start;

	/* At the very end of the data a lone backslash does not count. */
	if (ends_in_escape(raw))
		raw.n--;
	end = raw.p + raw.n;
	f->keys[key] = raw;
	if (is_null(f, raw)) {
		f->keys[key].p = NULL;
		return;
	}
	if (!memchr(raw.p, '\\', raw.n))
		return;
	out = start = scratch_begin(f, key, raw.n);
	while (p < end) {
		if (*p != '\\')
			*out++ = *p++;
		else if (++p < end)
			*out++ = unescape(&p, end);
	}
	scratch_end(f, key, (size_t)(out - start));
}

static void set_csv_key(struct copy_fields *f, unsigned key, struct str raw, bool quoted)
{
	char quote = f->copy->quote, escape = f->copy->escape, *out, *start;
	bool inside = false;

	f->keys[key] = raw;
	if (!quoted) {
		if (is_null(f, raw))
			f->keys[key].p = NULL;
		return;
	}
	out = start = scratch_begin(f, key, raw.n);
	for (size_t i = 0; i < raw.n; i++) {
		char c = raw.p[i], next = i + 1 < raw.n ? raw.p[i + 1] : 0;

		if (inside && c == escape && i + 1 < raw.n && (next == escape || next == quote))
			*out++ = raw.p[++i];
		else if (c == quote)
			inside = !inside;
		else
			*out++ = c;
	}
	scratch_end(f, key, (size_t)(out - start));
}

/* The end of a text field that starts at p: an unescaped delimiter, or the row's end. */
static const char *text_field_end(const char *p, const char *end, char delimiter)
{
	const char *start = p;

	for (;;) {
		const char *hit = memchr(p, delimiter, (size_t)(end - p));
		size_t n = 0;

		if (!hit)
			return end;
		while (n < (size_t)(hit - start) && hit[-1 - (long)n] == '\\')
			n++;
		if (n % 2 == 0)
			return hit;
		p = hit + 1;
	}
}

/* The end of a CSV field; NULL when its quotes do not close. */
static const char *csv_field_end(const struct plan_copy *copy, const char *p, const char *end,
				 bool *quoted)
{
	bool inside = false;

	*quoted = false;
	for (; p < end; p++) {
		if (inside && *p == copy->escape && p + 1 < end &&
		    (p[1] == copy->escape || p[1] == copy->quote)) {
			p++;
		} else if (*p == copy->quote) {
			inside = !inside;
			*quoted = true;
		} else if (!inside && *p == copy->delimiter) {
			return p;
		}
	}
	return inside ? NULL : end;
}

static int last_key_field(const struct copy_fields *f)
{
	int last = -1;

	for (unsigned i = 0; i < f->n_keys; i++) {
		if (f->copy->key_field[i] > last)
			last = f->copy->key_field[i];
	}
	return last;
}

static void take_field(struct copy_fields *f, int field, struct str raw, bool quoted)
{
	for (unsigned i = 0; i < f->n_keys; i++) {
		if (f->copy->key_field[i] != field)
			continue;
		f->in_scratch[i] = 0;
		if (f->copy->format == COPY_TEXT)
			set_text_key(f, i, raw);
		else
			set_csv_key(f, i, raw, quoted);
	}
}

/* Keys in the scratch buffer get their pointers once it no longer moves. */
static void settle(struct copy_fields *f)
{
	for (unsigned i = 0; i < f->n_keys; i++) {
		if (f->copy->key_field[i] >= 0 && f->in_scratch[i] && f->keys[i].p)
			f->keys[i].p = (const char *)buf_head(&f->scratch) + f->in_scratch[i] - 1;
	}
}

bool copy_fields_find(struct copy_fields *f, const char *row, size_t content)
{
	const char *p = row, *end = row + content;
	int last = last_key_field(f);

	buf_clear(&f->scratch);
	for (int field = 0; field <= last; field++) {
		bool quoted = false;
		const char *stop = f->copy->format == COPY_TEXT
					   ? text_field_end(p, end, f->copy->delimiter)
					   : csv_field_end(f->copy, p, end, &quoted);

		if (!stop || (stop == end && field < last))
			return false;
		take_field(f, field, (struct str){ p, (size_t)(stop - p) }, quoted);
		p = stop + 1;
	}
	settle(f);
	return true;
}
