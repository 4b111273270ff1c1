/* One key value, read exactly as PostgreSQL 15 would read it, or not at all.
 *
 * `type` is what the text or the bytes are written in, `column_type` the key column's. A value
 * that is stored is rounded or cut as the column's typmod says.
 * VALUE_OK: *cell holds the value in the column's form, ready to hash.
 * VALUE_NOTHING: a condition that no row can satisfy (42.5 against an integer).
 * VALUE_BAD: every PostgreSQL raises an error; *err holds one like it (22P02, 22003).
 * VALUE_REFUSED: the proxy cannot be sure; *err says why (0A000, with a hint).
 * Numeric values are held in an ordered form: one byte of class (0 -Infinity, 1 negative, 2 zero,
 * 3 positive, 4 Infinity, 5 NaN); for 1 and 3 the weight of the first digit of base 10,000 plus
 * 32768 and these digits without zeros at either end, 2-byte big-endian integers; for 1 their
 * bytes are complemented and two bytes 0xff end them.
 * Ownership: a cell may borrow the bytes given, and may own memory: cell_finish(). */
#ifndef PGMOSAIC_KEY_VALUE_H
#define PGMOSAIC_KEY_VALUE_H

#include <stdbool.h>
#include <stdint.h>
#include "pgmosaic/base/arena.h"
#include "pgmosaic/base/err.h"
#include "pgmosaic/base/str.h"
#include "pgmosaic/key/hash.h"
#include "pgmosaic/key/type.h"

enum {
	OID_BOOL = 16,
	OID_BYTEA = 17,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_TEXT = 25,
	OID_CIDR = 650,
	OID_FLOAT8 = 701,
	OID_UNKNOWN = 705,
	OID_INET = 869,
	OID_BPCHAR = 1042,
	OID_VARCHAR = 1043,
	OID_DATE = 1082,
	OID_TIMESTAMP = 1114,
	OID_TIMESTAMPTZ = 1184,
	OID_NUMERIC = 1700,
	OID_UUID = 2950,
};

enum value_class {
	CLASS_NONE,
	CLASS_INTEGER,
	CLASS_TEXT,
	CLASS_BPCHAR,
	CLASS_UUID,
	CLASS_BYTEA,
	CLASS_BOOL,
	CLASS_DATE,
	CLASS_TIMESTAMP,
	CLASS_TIMESTAMPTZ,
	CLASS_NUMERIC,
	CLASS_INET,
	CLASS_FLOAT8,
};

enum value_outcome { VALUE_OK, VALUE_NOTHING, VALUE_BAD, VALUE_REFUSED };

struct value_spec {
	uint32_t type, column_type;
	int32_t typmod;	 /* of the column: VALUE_TYPMOD() */
	bool is_insert;	 /* the value is stored, not compared */
	bool is_certain; /* `type` is the server's for sure (COPY), not inferred */
	struct err *err;
};

struct cell {
	struct key_value value;
	void *big, *text; /* owned; NULL mostly */
	uint8_t small[48];
};

void cell_init(struct cell *cell);
void cell_finish(struct cell *cell);
/* n bytes that live as long as the cell. */
void *cell_room(struct cell *cell, size_t n);
/* The same, apart from it: for the text a value is then read from. */
void *cell_text_room(struct cell *cell, size_t n);
void cell_null(struct cell *cell);
void cell_number(struct cell *cell, int64_t number, uint8_t width);
void cell_bytes(struct cell *cell, const void *p, size_t n);

enum value_class value_class_of(uint32_t type);
/* The input function's text: a string literal, a parameter in text format, a COPY field. */
enum value_outcome value_read_text(const struct value_spec *spec, struct str text,
				   struct cell *cell);
/* The receive function's bytes. */
enum value_outcome value_read_binary(const struct value_spec *spec, const uint8_t *p, size_t n,
				     struct cell *cell);
/* A number written without quotes: digits, with a point or an exponent when not is_integer. */
enum value_outcome value_read_number(const struct value_spec *spec, struct str digits,
				     bool negative, bool is_integer, struct cell *cell);

/* Shared by the readers. `what` completes "the shard key's value …". */
enum value_outcome value_refuse(const struct value_spec *spec, const char *what, const char *hint);
enum value_outcome value_bad(const struct value_spec *spec, const char *code, const char *message);

/* As PostgreSQL prints a value of the class `type` under DateStyle ISO and TimeZone UTC. */
char *value_text(struct arena *a, uint32_t type, const struct key_value *v);

/* decimal.c: numeric and float8 against an integer key. */
enum value_outcome decimal_read_text(const struct value_spec *spec, struct str text, bool negative,
				     bool is_float, struct cell *cell);
enum value_outcome decimal_read_numeric(const struct value_spec *spec, const uint8_t *p, size_t n,
					struct cell *cell);
enum value_outcome decimal_read_float8(const struct value_spec *spec, const uint8_t *p, size_t n,
				       struct cell *cell);

/* time.c: ISO texts only. */
enum value_outcome date_read_text(const struct value_spec *spec, struct str text,
				  struct cell *cell);
enum value_outcome timestamp_read_text(const struct value_spec *spec, struct str text,
				       bool with_zone, struct cell *cell);
enum value_outcome timestamp_store(const struct value_spec *spec, int64_t us, struct cell *cell);
char *date_text(struct arena *a, int64_t days);
char *timestamp_text(struct arena *a, int64_t us, bool with_zone);

#endif
