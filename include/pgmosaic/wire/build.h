/* Building messages: each function appends one whole message to a buffer.
 *
 * Happy path: wire_put_…(b, …); or, for what has no function of its own,
 *	size_t mark = wire_begin(b, 'T');
 *	buf_put_u16(b, n); …
 *	wire_end(b, mark);
 * Nothing may be consumed from the buffer between begin and end.
 * Failure: past the buffer's limit they return false and the buffer holds what it
 * held before: no half message. `overflow` stays set, and every later message is
 * refused until the caller clears it.
 * Ownership: texts and values are copied. Threads: one at a time. */
#ifndef PGMOSAIC_WIRE_BUILD_H
#define PGMOSAIC_WIRE_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "pgmosaic/base/buf.h"
#include "pgmosaic/base/err.h"

/* The place of the message, counted from buf_head(). */
size_t wire_begin(struct buf *b, uint8_t type);
bool wire_end(struct buf *b, size_t mark);
/* A message whose body is there already. */
bool wire_put(struct buf *b, uint8_t type, const void *body, size_t n);

/* ---- to the client: log-in ---- */
bool wire_put_auth_ok(struct buf *b);
bool wire_put_auth_cleartext(struct buf *b);
bool wire_put_auth_md5(struct buf *b, const uint8_t salt[4]);
bool wire_put_auth_sasl(struct buf *b, const char *const *mechanisms, size_t n);
bool wire_put_auth_sasl_continue(struct buf *b, const void *data, size_t n);
bool wire_put_auth_sasl_final(struct buf *b, const void *data, size_t n);
bool wire_put_parameter_status(struct buf *b, const char *name, const char *value);
/* The sign bit of the pid is cleared. */
bool wire_put_backend_key(struct buf *b, uint32_t pid, const uint8_t *key, size_t n);
/* `version` is the one that will be spoken: major << 16 | minor. */
bool wire_put_negotiate_version(struct buf *b, uint32_t version, const char *const *unknown,
				size_t n);

/* ---- to the client: answers ---- */
bool wire_put_ready(struct buf *b, char status); /* 'I', 'T' or 'E' */
/* severity: "ERROR", "FATAL" or "PANIC"; never translated. */
bool wire_put_error(struct buf *b, const struct err *err, const char *severity);
/* severity: "WARNING", "NOTICE", "INFO", "LOG" or "DEBUG". */
bool wire_put_notice(struct buf *b, const struct err *err, const char *severity);
bool wire_put_command_complete(struct buf *b, const char *tag);
/* "INSERT 0 n", "SELECT n", "UPDATE n" …; the verb is cut at n_verb bytes. */
bool wire_put_command_count(struct buf *b, const char *verb, size_t n_verb, uint64_t count);
bool wire_put_empty_query(struct buf *b);
bool wire_put_parse_complete(struct buf *b);
bool wire_put_bind_complete(struct buf *b);
bool wire_put_close_complete(struct buf *b);
bool wire_put_no_data(struct buf *b);
bool wire_put_portal_suspended(struct buf *b);

struct wire_column {
	const char *name;
	uint32_t table_oid;
	uint16_t attnum;
	uint32_t type_oid;
	int16_t typlen;
	int32_t typmod;
	uint16_t format; /* 0 text, 1 binary */
};

bool wire_put_row_description(struct buf *b, const struct wire_column *columns, uint16_t n);
/* values[i] of lengths[i] bytes; length -1: NULL. */
bool wire_put_data_row(struct buf *b, const uint8_t *const *values, const int32_t *lengths,
		       uint16_t n);
/* All text; a NULL pointer is NULL. */
bool wire_put_text_row(struct buf *b, const char *const *values, uint16_t n);
/* The first `keep` fields of the DataRow body given; false as well when it is not one. */
bool wire_put_row_prefix(struct buf *b, const uint8_t *body, size_t n, uint16_t keep);
bool wire_put_parameter_description(struct buf *b, const uint32_t *types, uint16_t n);
/* formats NULL: `format` for every column. */
bool wire_put_copy_in_response(struct buf *b, uint8_t format, const uint16_t *formats, uint16_t n);
bool wire_put_copy_out_response(struct buf *b, uint8_t format, const uint16_t *formats, uint16_t n);

/* ---- both ways ---- */
bool wire_put_copy_data(struct buf *b, const void *data, size_t n);
bool wire_put_copy_done(struct buf *b);

/* ---- to a server ---- */
bool wire_put_query(struct buf *b, const char *text, size_t n);
bool wire_put_parse(struct buf *b, const char *name, const char *text, size_t n_text,
		    const uint32_t *types, uint16_t n_types);
/* Formats as in the protocol: none (all text), one for all, or one each. */
bool wire_put_bind(struct buf *b, const char *portal, const char *statement,
		   const uint16_t *formats, uint16_t n_formats, const uint8_t *const *values,
		   const int32_t *lengths, uint16_t n_values, const uint16_t *result_formats,
		   uint16_t n_result_formats);
/* A Bind with other names: `rest` is what follows them in the original, see wire_bind.rest. */
bool wire_put_bind_rest(struct buf *b, const char *portal, const char *statement,
			const uint8_t *rest, size_t n);
bool wire_put_describe(struct buf *b, char what, const char *name); /* 'S' or 'P' */
bool wire_put_execute(struct buf *b, const char *portal, int32_t max_rows);
bool wire_put_close(struct buf *b, char what, const char *name);
bool wire_put_sync(struct buf *b);
bool wire_put_flush(struct buf *b);
bool wire_put_copy_fail(struct buf *b, const char *message);
bool wire_put_terminate(struct buf *b);

#endif
