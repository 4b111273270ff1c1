/* A growing byte queue born with a limit: append at the end, consume in front.
 *
 * Happy path: buf_init(&b, limit_bytes); buf_append(); read buf_head()/buf_len();
 * buf_consume(); buf_finish().
 * Failure: an append that would pass the limit returns false, sets `overflow`
 * and leaves the content as it was.
 * Ownership: the bytes belong to the buffer; pointers into it live until the
 * next append. buf_shrink() gives the memory of an empty buffer back, so that an
 * idle connection holds none. Threads: one at a time. */
#ifndef PGMOSAIC_BASE_BUF_H
#define PGMOSAIC_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data;
	size_t start, end, size;
	size_t limit_bytes;
	bool overflow; /* an append was refused */
};

void buf_init(struct buf *b, size_t limit_bytes);
void buf_finish(struct buf *b);
void buf_shrink(struct buf *b);
bool buf_append(struct buf *b, const void *p, size_t n);
/* Room for n bytes at the end, to be written by the caller; NULL past the limit. */
uint8_t *buf_reserve(struct buf *b, size_t n);
/* Count n bytes, written into the reserved room, as content. */
void buf_commit(struct buf *b, size_t n);
void buf_consume(struct buf *b, size_t n);
void buf_clear(struct buf *b);
bool buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline size_t buf_len(const struct buf *b)
{
	return b->end - b->start;
}

static inline uint8_t *buf_head(const struct buf *b)
{
	return b->data + b->start;
}

/* Big-endian integers, as the wire wants them. */
bool buf_put_u8(struct buf *b, uint8_t v);
bool buf_put_u16(struct buf *b, uint16_t v);
bool buf_put_u32(struct buf *b, uint32_t v);
bool buf_put_u64(struct buf *b, uint64_t v);
/* Text with its terminating zero. */
bool buf_put_cstr(struct buf *b, const char *text);

#endif
