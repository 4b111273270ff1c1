/* COPY BINARY: the header, the tuples one by one, the trailer. */
#include "copy_internal.h"

#include <string.h>

#define SIGNATURE "PGCOPY\n\377\r\n"

static uint32_t u32_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

enum copy_binary_step copy_binary_header(const uint8_t *p, size_t size, size_t *n)
{
	size_t known = size < sizeof(SIGNATURE) ? size : sizeof(SIGNATURE);

	if (memcmp(p, SIGNATURE, known) != 0)
		return BINARY_BROKEN;
	if (size < sizeof(SIGNATURE) + 8)
		return BINARY_MORE;
	*n = sizeof(SIGNATURE) + 8 + u32_at(p + sizeof(SIGNATURE) + 4);
	return size < *n ? BINARY_MORE : BINARY_HEADER;
}

static void note_key(struct copy_tuple *t, const struct plan_copy *copy, unsigned n_keys,
		     int32_t length)
{
	for (unsigned i = 0; i < n_keys; i++) {
		if (copy->key_field[i] != t->field)
			continue;
		t->key_at[i] = t->at + 4;
		t->key_length[i] = length;
	}
}

enum copy_binary_step copy_binary_tuple(struct copy_tuple *t, const struct plan_copy *copy,
					unsigned n_keys, const uint8_t *p, size_t size, size_t *n)
{
	if (t->n_fields < 0) {
		if (size < 2)
			return BINARY_MORE;
		t->n_fields = (int16_t)(p[0] << 8 | p[1]);
		t->at = 2;
		t->field = 0;
		*n = 2;
		if (t->n_fields == -1)
			return BINARY_TRAILER;
		if (t->n_fields != copy->n_fields)
			return BINARY_BROKEN;
	}
	for (; t->field < t->n_fields; t->field++) {
		int32_t length;

		if (size < t->at + 4)
			return BINARY_MORE;
		length = (int32_t)u32_at(p + t->at);
		if (length < -1)
			return BINARY_BROKEN;
		if (length > 0 && size - t->at - 4 < (size_t)length)
			return BINARY_MORE;
		note_key(t, copy, n_keys, length);
		t->at += 4 + (size_t)(length > 0 ? length : 0);
	}
	*n = t->at;
	return BINARY_TUPLE;
}
