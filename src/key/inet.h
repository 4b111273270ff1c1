/* inet and cidr values, see inet.c. */
#ifndef PGMOSAIC_SRC_KEY_INET_H
#define PGMOSAIC_SRC_KEY_INET_H

#include "pgmosaic/base/arena.h"
#include "pgmosaic/key/value.h"

enum value_outcome inet_read_text(const struct value_spec *spec, struct str text,
				  struct cell *cell);
enum value_outcome inet_read_binary(const struct value_spec *spec, const uint8_t *p, size_t n,
				    struct cell *cell);
char *inet_text(struct arena *a, const uint8_t *p, size_t n);

#endif
