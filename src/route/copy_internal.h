/* Shared by the COPY splitter's files: rows in text and CSV (copy_line.c finds their ends,
 * copy_field.c their key fields), and binary tuples (copy_binary.c). */
#ifndef PGMOSAIC_SRC_ROUTE_COPY_INTERNAL_H
#define PGMOSAIC_SRC_ROUTE_COPY_INTERNAL_H

#include <stdbool.h>
#include "pgmosaic/base/buf.h"
#include "pgmosaic/route/copy_split.h"

/* ---- copy_line.c ---- */
enum copy_eol { EOL_UNKNOWN, EOL_NL, EOL_CR, EOL_CRNL };

/* Where the search for the end of the present row stands, so that no byte is read twice. */
struct copy_line {
	enum copy_format format;
	char quote, escape; /* CSV; escape is 0 when it is the quote itself */
	enum copy_eol eol;  /* decided by the first line */
	size_t scanned;
	bool in_quote, after_escape;
};

/* The row's length with its line end in *n, true; false: its end is not in p[0..size).
 * *content: its length without the line end. `is_last`: no more bytes will come. */
bool copy_line_find(struct copy_line *l, const char *p, size_t size, bool is_last, size_t *n,
		    size_t *content);
enum copy_line_fault {
	LINE_FINE,
	LINE_MIXED_ENDS, /* a line end of another kind than the first one's */
	LINE_BAD_MARKER, /* \\. with something behind it */
};

/* What PostgreSQL would object to, and would not notice on a shard that sees this row
 * first. *marker: where \\. ends the data in this row's content; -1: it does not. */
enum copy_line_fault copy_line_check(const struct copy_line *l, const char *p, size_t n,
				     size_t content, long *marker);

/* ---- copy_field.c ---- */
struct copy_fields {
	const struct plan_copy *copy;
	unsigned n_keys;
	struct buf scratch;		 /* keys with their escapes removed */
	struct str keys[MAP_MAX_KEYS];	 /* p == NULL: NULL */
	size_t in_scratch[MAP_MAX_KEYS]; /* offset + 1 in scratch; 0: in the row itself */
};

void copy_fields_init(struct copy_fields *f, const struct plan_copy *copy, unsigned n_keys);
void copy_fields_finish(struct copy_fields *f);
/* False: the row has too few fields, or its quotes do not close. Key columns that are not
 * copied stay as they are. */
bool copy_fields_find(struct copy_fields *f, const char *row, size_t content);

/* ---- copy_binary.c ---- */
struct copy_tuple {
	size_t at;    /* of the next field's length */
	int n_fields; /* -1 before the count is read */
	int field;    /* the next one */
	size_t key_at[MAP_MAX_KEYS];
	int32_t key_length[MAP_MAX_KEYS];
};

enum copy_binary_step { BINARY_MORE, BINARY_HEADER, BINARY_TUPLE, BINARY_TRAILER, BINARY_BROKEN };

enum copy_binary_step copy_binary_header(const uint8_t *p, size_t size, size_t *n);
/* Goes on where it stopped; *n: the tuple's length. */
enum copy_binary_step copy_binary_tuple(struct copy_tuple *t, const struct plan_copy *copy,
					unsigned n_keys, const uint8_t *p, size_t size, size_t *n);

#endif
