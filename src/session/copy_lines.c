#include "copy_lines.h"

#include <string.h>

#include "pgmosaic/wire/message.h"

#define LINE_MAP_BYTES (16u << 20)

void line_map_init(struct line_map *m)
{
	buf_init(&m->deltas, LINE_MAP_BYTES);
	m->last = 0;
}

void line_map_finish(struct line_map *m)
{
	buf_finish(&m->deltas);
}

void line_map_note(struct line_map *m, uint64_t line)
{
	uint64_t delta = line - m->last;

	m->last = line;
	if (delta < 255) {
		buf_put_u8(&m->deltas, (uint8_t)delta);
	} else {
		buf_put_u8(&m->deltas, 255);
		buf_put_u32(&m->deltas, (uint32_t)delta);
	}
}

uint64_t line_map_client(const struct line_map *m, uint64_t shard_line)
{
	const uint8_t *p = buf_head(&m->deltas), *end = p + buf_len(&m->deltas);
	uint64_t line = 0;

	if (m->deltas.overflow)
		return 0;
	for (uint64_t i = 0; i < shard_line; i++) {
		if (p >= end)
			return i == 0 ? 0 : line + (shard_line - i); /* behind the last row */
		line += *p < 255 ? *p : wire_get_u32(p + 1);
		p += *p < 255 ? 1 : 5;
	}
	return line;
}

const char *line_in_context(const char *field)
{
	const char *at = *field == 'W' ? strstr(field, ", line ") : NULL;

	return at ? at + strlen(", line ") : NULL;
}
