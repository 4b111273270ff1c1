/* The elements of an array parameter, one after the other, text or binary form.
 *
 * Happy path: array_open_text() or array_open_binary(), array_next() until it gives
 * ARRAY_END, array_close(). Arrays of several dimensions give all their elements, as
 * = ANY does. Failure: ARRAY_MALFORMED, for what PostgreSQL refuses too, and for explicit
 * bounds ("[0:1]={…}"), which are not read here.
 * Ownership: an element lives until the next array_next(). */
#ifndef PGMOSAIC_KEY_ARRAY_H
#define PGMOSAIC_KEY_ARRAY_H

#include <stdbool.h>
#include <stdint.h>
#include "pgmosaic/base/str.h"

enum array_step { ARRAY_ELEMENT, ARRAY_NULL, ARRAY_END, ARRAY_MALFORMED };

struct array_reader {
	const char *p, *end;
	char *scratch;	       /* an element with its escapes removed */
	uint32_t element_type; /* binary form: as the array itself says; text form: 0 */
	uint32_t n_left;       /* binary form */
	unsigned depth;
	bool is_binary, malformed;
};

/* The element type of the array types a key may come in; `type` itself when it is none. */
uint32_t array_element_type(uint32_t type);
void array_open_text(struct array_reader *a, struct str text);
void array_open_binary(struct array_reader *a, const uint8_t *p, size_t n);
enum array_step array_next(struct array_reader *a, struct str *element);
void array_close(struct array_reader *a);

#endif
