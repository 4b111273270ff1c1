/* Reading the bodies of messages.
 *
 * Happy path: frame with wire_next(), then the reader of that type; pointers in the
 * result point into the body. What needs an array takes it from the arena.
 * Failure: STATUS_PROTOCOL (08P01) with PostgreSQL's own words; STATUS_NO_MEMORY
 * when the arena is at its limit. `out` is undefined then. A body may come from a
 * hostile peer on either side: every length is checked, none is trusted.
 * Ownership: borrowed from the body and the arena. Threads: any. Pure. */
#ifndef PGMOSAIC_WIRE_PARSE_H
#define PGMOSAIC_WIRE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "pgmosaic/base/arena.h"
#include "pgmosaic/base/err.h"
#include "pgmosaic/base/str.h"
#include "pgmosaic/wire/build.h"
#include "pgmosaic/wire/message.h"

/* ---- from the client ---- */
struct wire_parse {
	const char *name;
	struct str query; /* zero-terminated as well */
	uint16_t n_types;
	const uint8_t *types; /* big-endian uint32 each: wire_get_u32(types + 4 * i) */
	size_t rest;	      /* offset of the byte behind the name */
};

struct wire_bind {
	const char *portal, *statement;
	uint16_t n_formats;
	const uint8_t *formats; /* big-endian int16 each */
	uint16_t n_params;
	const uint8_t **data; /* NULL: SQL NULL */
	int32_t *length;      /* -1: SQL NULL */
	uint16_t n_result_formats;
	const uint8_t *result_formats; /* big-endian int16 each */
	size_t rest;		       /* offset of the byte behind the two names */
};

struct wire_execute {
	const char *portal;
	int32_t max_rows; /* 0 or less: all */
};

/* Describe and Close. */
struct wire_target {
	char what; /* 'S' statement, 'P' portal */
	const char *name;
};

enum status wire_parse_query(const uint8_t *body, size_t n, struct str *text, struct err *err);
enum status wire_parse_parse(const uint8_t *body, size_t n, struct wire_parse *out,
			     struct err *err);
enum status wire_parse_bind(const uint8_t *body, size_t n, struct arena *arena,
			    struct wire_bind *out, struct err *err);
enum status wire_parse_execute(const uint8_t *body, size_t n, struct wire_execute *out,
			       struct err *err);
enum status wire_parse_describe(const uint8_t *body, size_t n, struct wire_target *out,
				struct err *err);
enum status wire_parse_close(const uint8_t *body, size_t n, struct wire_target *out,
			     struct err *err);
/* PasswordMessage, and CopyFail's reason. */
enum status wire_parse_text(const uint8_t *body, size_t n, const char **text, struct err *err);
/* SASLInitialResponse; response NULL when there is none. */
enum status wire_parse_sasl_initial(const uint8_t *body, size_t n, const char **mechanism,
				    const uint8_t **response, size_t *n_response, struct err *err);

/* ---- from a server ---- */
enum wire_severity { SEVERITY_NOTICE, SEVERITY_WARNING, SEVERITY_ERROR, SEVERITY_FATAL };

/* ErrorResponse or NoticeResponse; PANIC counts as FATAL, INFO and LOG as NOTICE. Never
 * fails: what is missing or broken becomes XX000. The status is the one that has this
 * SQLSTATE, else STATUS_INTERNAL. Over-long texts are cut at a character's end. */
void wire_parse_error_fields(const uint8_t *body, size_t n, struct err *out,
			     enum wire_severity *severity);
/* One field by its letter; NULL when it is not there. */
const char *wire_error_field(const uint8_t *body, size_t n, char field);

enum status wire_parse_row_description(struct arena *arena, const uint8_t *body, size_t n,
				       struct wire_column **columns, uint16_t *n_columns,
				       struct err *err);
enum status wire_parse_parameter_description(struct arena *arena, const uint8_t *body, size_t n,
					     uint32_t **types, uint16_t *n_types, struct err *err);
enum status wire_parse_parameter_status(const uint8_t *body, size_t n, const char **name,
					const char **value, struct err *err);
/* CopyInResponse, CopyOutResponse: `formats` big-endian int16 each. */
enum status wire_parse_copy_response(const uint8_t *body, size_t n, uint8_t *format,
				     const uint8_t **formats, uint16_t *n_columns, struct err *err);
/* ReadyForQuery: 'I', 'T' or 'E'. */
enum status wire_parse_ready(const uint8_t *body, size_t n, char *status, struct err *err);
enum status wire_parse_notification(const uint8_t *body, size_t n, uint32_t *pid,
				    const char **channel, const char **payload, struct err *err);
/* CommandComplete. */
enum status wire_parse_command_complete(const uint8_t *body, size_t n, const char **tag,
					struct err *err);

struct wire_tag {
	struct str verb; /* "INSERT", "SELECT", "CREATE TABLE" … */
	uint64_t count;
	bool has_count;
};

struct wire_tag wire_parse_command_tag(const char *tag);
/* The tag proves that rows were written, so that the transaction has an xid. FETCH, MOVE and
 * COPY carry counts that prove nothing. */
bool wire_tag_proves_xid(const struct wire_tag *tag);

/* ---- the fields of a DataRow ---- */
struct wire_row {
	struct wire_reader r;
	uint16_t n_fields;
};

/* Inline, for merges: open, then as many wire_row_next() as there are fields. */
static inline bool wire_row_open(struct wire_row *row, const uint8_t *body, size_t n)
{
	if (n < 2)
		return false;
	row->n_fields = wire_get_u16(body);
	row->r = wire_reader_of(body + 2, n - 2);
	return true;
}

/* False when the row is broken. NULL: *data NULL, *length -1. */
static inline bool wire_row_next(struct wire_row *row, const uint8_t **data, int32_t *length)
{
	uint32_t word;

	if (row->r.n < 4)
		return false;
	word = wire_get_u32(row->r.p);
	*length = (int32_t)word;
	*data = NULL;
	row->r.p += 4;
	row->r.n -= 4;
	if (*length < 0)
		return *length == -1;
	if (row->r.n < word)
		return false;
	*data = row->r.p;
	row->r.p += word;
	row->r.n -= word;
	return true;
}

/* Field i, from 0; false when the row has no such field or is broken. */
bool wire_row_field(const uint8_t *body, size_t n, uint16_t i, const uint8_t **data,
		    int32_t *length);

#endif
