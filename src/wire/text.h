/* Small things that several files of wire need. */
#ifndef WIRE_TEXT_H
#define WIRE_TEXT_H

#include <stddef.h>
#include "pgmosaic/base/err.h"
#include "pgmosaic/wire/message.h"

/* n, less the bytes of a UTF-8 character that is cut off at the end. */
size_t text_whole_chars(const char *p, size_t n);
/* Copy as much of the text as fits, in whole characters, and terminate it. */
void text_copy(char *out, size_t size, const char *text);
/* 08P01 when the reader overran or something is left over. */
enum status text_reader_end(const struct wire_reader *r, struct err *err);
enum status text_no_memory(struct err *err);

#endif
