/* Keys as they are written on the control port and kept in the catalog. */
#ifndef CATALOG_KEY_READ_H
#define CATALOG_KEY_READ_H

#include "pgmosaic/catalog/map.h"

/* One value of a key type, its bytes on the arena. */
enum status key_read(struct arena *a, uint32_t type, const char *text, struct key_value *out,
		     struct err *err);
/* A whole key; texts[i] NULL: SQL NULL. */
enum status key_read_all(struct arena *a, const struct map_distribution *d,
			 const char *const *texts, unsigned n, struct key_value *out,
			 struct err *err);
/* The canonical form as hexadecimal digits, and back. */
const char *key_hex(struct arena *a, const uint8_t *bytes, size_t n);
const uint8_t *key_of_hex(struct arena *a, const char *hex, uint32_t *n);
/* As the text of a text[]; NULL items are SQL NULLs. */
const char *key_array(struct arena *a, const char *const *texts, unsigned n);
/* The values of a key in canonical form, as texts; NULL for SQL NULL. */
void key_texts(struct arena *a, const struct map_distribution *d, const uint8_t *bytes, size_t n,
	       const char *texts[MAP_MAX_KEYS]);

#endif
