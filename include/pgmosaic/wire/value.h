/* Comparing binary values exactly as PostgreSQL's default btree order does.
 *
 * Happy path: value_can_compare(type_oid), then value_compare() for each pair of
 * fields: below 0, 0, above 0.
 * Order: NULL (length -1) goes where nulls_first says, whatever the direction. NaN is
 * the largest number and equals itself, -0 equals 0. numeric compares by value (1.0 =
 * 1.00). Text compares by strcoll_l() in `locale` with ties broken by bytes, or by
 * bytes alone when is_c_collation.
 * Failure: none. A value whose length does not fit its type compares by its bytes,
 * beyond all good ones: hostile bytes give some order, never a crash.
 * Threads: any (a locale_t may be shared). Pure. */
#ifndef PGMOSAIC_WIRE_VALUE_H
#define PGMOSAIC_WIRE_VALUE_H

#include <locale.h>
#include <stdbool.h>
#include <stdint.h>

/* Types known here, by their fixed OIDs. */
#define VALUE_BOOL	  16
#define VALUE_BYTEA	  17
#define VALUE_NAME	  19
#define VALUE_INT8	  20
#define VALUE_INT2	  21
#define VALUE_INT4	  23
#define VALUE_TEXT	  25
#define VALUE_OID	  26
#define VALUE_FLOAT4	  700
#define VALUE_FLOAT8	  701
#define VALUE_BPCHAR	  1042 /* trailing blanks do not count */
#define VALUE_VARCHAR	  1043
#define VALUE_DATE	  1082
#define VALUE_TIME	  1083
#define VALUE_TIMESTAMP	  1114
#define VALUE_TIMESTAMPTZ 1184
#define VALUE_NUMERIC	  1700
#define VALUE_UUID	  2950

struct value_order {
	uint32_t type_oid;
	bool descending;
	bool nulls_first;    /* absolute: not turned round by descending */
	bool is_c_collation; /* text, varchar */
	locale_t locale;     /* text, varchar when not is_c_collation; the owner frees it */
};

bool value_can_compare(uint32_t type_oid);
int value_compare(const struct value_order *o, const uint8_t *a, int32_t n_a, const uint8_t *b,
		  int32_t n_b);

#endif
