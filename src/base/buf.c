#include "pgmosaic/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/check.h"
#include "pgmosaic/base/mem.h"

void buf_init(struct buf *b, size_t limit_bytes)
{
	*b = (struct buf){ .limit_bytes = limit_bytes };
}

void buf_finish(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ .limit_bytes = b->limit_bytes };
}

void buf_shrink(struct buf *b)
{
	if (b->start == b->end && b->data)
		buf_finish(b);
}

static void buf_compact(struct buf *b)
{
	memmove(b->data, b->data + b->start, buf_len(b));
	b->end -= b->start;
	b->start = 0;
}

uint8_t *buf_reserve(struct buf *b, size_t n)
{
	size_t need = buf_len(b) + n, size = b->size ? b->size : 256;

	if (need > b->limit_bytes) {
		b->overflow = true;
		return NULL;
	}
	if (b->size - b->end >= n)
		return b->data + b->end;
	if (b->start && b->size >= need && b->start >= b->size / 2) {
		buf_compact(b);
		return b->data + b->end;
	}
	while (size < need)
		size *= 2;
	if (b->start)
		buf_compact(b);
	b->data = mem_grow(b->data, size);
	b->size = size;
	return b->data + b->end;
}

void buf_commit(struct buf *b, size_t n)
{
	PRE(b->size - b->end >= n);
	b->end += n;
}

bool buf_append(struct buf *b, const void *p, size_t n)
{
	uint8_t *room;

	if (n == 0)
		return true;
	room = buf_reserve(b, n);
	if (!room)
		return false;
	memcpy(room, p, n);
	b->end += n;
	return true;
}

void buf_consume(struct buf *b, size_t n)
{
	PRE(n <= buf_len(b));
	b->start += n;
	if (b->start == b->end)
		b->start = b->end = 0;
}

void buf_clear(struct buf *b)
{
	b->start = b->end = 0;
	b->overflow = false;
}

bool buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	uint8_t *room;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0 || !(room = buf_reserve(b, (size_t)n + 1)))
		return false;
	va_start(args, format);
	vsnprintf((char *)room, (size_t)n + 1, format, args);
	va_end(args);
	b->end += (size_t)n;
	return true;
}

bool buf_put_u8(struct buf *b, uint8_t v)
{
	return buf_append(b, &v, 1);
}

bool buf_put_u16(struct buf *b, uint16_t v)
{
	uint8_t raw[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	return buf_append(b, raw, sizeof(raw));
}

bool buf_put_u32(struct buf *b, uint32_t v)
{
	v = __builtin_bswap32(v);
	return buf_append(b, &v, sizeof(v));
}

bool buf_put_u64(struct buf *b, uint64_t v)
{
	v = __builtin_bswap64(v);
	return buf_append(b, &v, sizeof(v));
}

bool buf_put_cstr(struct buf *b, const char *text)
{
	return buf_append(b, text, strlen(text) + 1);
}
