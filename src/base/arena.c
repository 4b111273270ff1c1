#include "pgmosaic/base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "pgmosaic/base/mem.h"

#define BLOCK_BYTES 4096

struct arena_block {
	struct arena_block *next;
	size_t size, used;
	_Alignas(16) unsigned char data[];
};

void arena_init(struct arena *a, size_t limit_bytes)
{
	*a = (struct arena){ .limit_bytes = limit_bytes };
}

void arena_finish(struct arena *a)
{
	struct arena_block *next;

	for (struct arena_block *b = a->head; b; b = next) {
		next = b->next;
		free(b);
	}
	a->head = NULL;
	a->used_bytes = 0;
}

void arena_reset(struct arena *a)
{
	struct arena_block *keep = a->head;

	if (!keep)
		return;
	while (keep->next) { /* the oldest block is the smallest: keep that one */
		struct arena_block *next = keep->next;
		free(keep);
		keep = next;
	}
	memset(keep->data, 0, keep->used);
	keep->used = 0;
	a->head = keep;
	a->used_bytes = 0;
}

static struct arena_block *arena_grow(struct arena *a, size_t size)
{
	size_t want = a->head ? a->head->size * 2 : BLOCK_BYTES;
	struct arena_block *b;

	if (want > 1u << 20)
		want = 1u << 20;
	if (want < size)
		want = size;
	b = mem_zero(1, sizeof(*b) + want);
	b->size = want;
	b->next = a->head;
	a->head = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *b = a->head;
	void *p;

	size = (size + 15) & ~(size_t)15;
	if (a->limit_bytes && (size > a->limit_bytes || a->used_bytes > a->limit_bytes - size))
		return NULL;
	if (!b || b->size - b->used < size)
		b = arena_grow(a, size);
	p = b->data + b->used;
	b->used += size;
	a->used_bytes += size;
	return p;
}

void *arena_copy(struct arena *a, const void *p, size_t size)
{
	void *copy = arena_alloc(a, size ? size : 1);

	if (copy && size)
		memcpy(copy, p, size);
	return copy;
}

char *arena_strndup(struct arena *a, const char *text, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	if (copy && n)
		memcpy(copy, text, n);
	return copy;
}

char *arena_strdup(struct arena *a, const char *text)
{
	return arena_strndup(a, text, strlen(text));
}

struct str arena_str(struct arena *a, struct str s)
{
	return (struct str){ arena_strndup(a, s.p, s.n), s.n };
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = arena_alloc(a, (size_t)n + 1);
	if (!text)
		return NULL;
	va_start(args, format);
	vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return text;
}
