/* PostgreSQL's numeric in binary form, compared by value. */
#ifndef WIRE_NUMERIC_H
#define WIRE_NUMERIC_H

#include <stdbool.h>
#include <stdint.h>

/* A well-formed numeric: its head, its sign's code, as many digits as it says, all below 10000. */
bool numeric_is_valid(const uint8_t *p, int32_t n);
/* -Infinity < numbers < Infinity < NaN = NaN. Both must be valid. */
int numeric_compare(const uint8_t *a, const uint8_t *b);

#endif
