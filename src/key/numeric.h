/* Decimal numbers of any size: the ordered form of a numeric.
 *
 * One byte of class: 0 -Infinity, 1 negative, 2 zero, 3 positive, 4 Infinity, 5 NaN. For 1 and 3
 * there follow the weight (of base 10,000, plus 32768) and the digits of base 10,000 without
 * zeros at either end, each a 2-byte big-endian integer; for 1 these bytes are complemented and
 * two bytes 0xff end them. So equal numbers have equal forms, and memcmp() orders them. */
#ifndef PGMOSAIC_SRC_KEY_NUMERIC_H
#define PGMOSAIC_SRC_KEY_NUMERIC_H

#include "pgmosaic/key/value.h"

#define NUMERIC_MAX_DIGITS 1200 /* decimal ones, read here; more is refused */

/* PostgreSQL's hash_numeric_extended. */
int64_t numeric_hash(const uint8_t *ordered, size_t n);
enum value_outcome numeric_read_text(const struct value_spec *spec, struct str text, bool negative,
				     struct cell *cell);
enum value_outcome numeric_read_binary(const struct value_spec *spec, const uint8_t *p, size_t n,
				       struct cell *cell);
void numeric_of_integer(int64_t value, struct cell *cell);
/* As PostgreSQL prints it, without zeros behind the last digit of the fraction. */
char *numeric_text(struct arena *a, const uint8_t *ordered, size_t n);

#endif
