#include "wire/text.h"

#include <string.h>

/* Bytes of the character that starts with this byte. */
static size_t char_bytes(uint8_t lead)
{
	if (lead < 0xC0)
		return 1;
	if (lead < 0xE0)
		return 2;
	return lead < 0xF0 ? 3 : 4;
}

size_t text_whole_chars(const char *p, size_t n)
{
	for (size_t back = 1; back <= 4 && back <= n; back++) {
		uint8_t byte = (uint8_t)p[n - back];

		if ((byte & 0xC0) == 0x80)
			continue;
		return char_bytes(byte) > back ? n - back : n;
	}
	return n;
}

void text_copy(char *out, size_t size, const char *text)
{
	size_t n = strlen(text);

	if (n >= size)
		n = text_whole_chars(text, size - 1);
	memcpy(out, text, n);
	out[n] = '\0';
}

enum status text_reader_end(const struct wire_reader *r, struct err *err)
{
	if (r->bad)
		return err_set(err, STATUS_PROTOCOL, "insufficient data left in message");
	if (r->n)
		return err_set(err, STATUS_PROTOCOL, "invalid message format");
	return STATUS_OK;
}

enum status text_no_memory(struct err *err)
{
	return err_set(err, STATUS_NO_MEMORY,
		       "the message does not fit into the memory of one statement");
}
