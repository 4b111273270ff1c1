/* The types a shard key may have: names, classes and PostgreSQL's hash of them in SQL. Types
 * of one class hash equal values alike, so their tables can share a distribution. Pure. */
#ifndef PGMOSAIC_KEY_TYPE_H
#define PGMOSAIC_KEY_TYPE_H

#include <stdbool.h>
#include <stdint.h>

struct key_type {
	uint32_t oid;
	const char *names[4]; /* the first is the standard's */
	uint32_t klass;	      /* oid of the type that stands for the class: 20 for integers, … */
	uint32_t array;	      /* oid of the array of this type */
	bool has_range;	      /* a distribution may be RANGE over it */
	const char *hash;     /* SQL with one %s for the value */
};

/* How a typmod is written here. 0: not known. */
#define VALUE_TYPMOD(typmod) ((typmod) + 2)
#define VALUE_TYPMOD_NONE    1

/* NULL: not a key type. "varchar(20)" is varchar. */
const struct key_type *key_type_named(const char *name);
const struct key_type *key_type_of(uint32_t oid);
/* The element's type of an array; NULL: none that a key may have. */
const struct key_type *key_type_of_array(uint32_t array);
/* The class; 0: not a key type. */
uint32_t key_type_class(uint32_t oid);
/* Why values of a type that is no key type cannot be one; completes "…: ". */
const char *key_type_refusal(uint32_t oid);
const char *key_type_name_refusal(const char *name);
#define KEY_TYPES_HINT                                                                            \
	"Use smallint, integer, bigint, numeric, text, varchar, char(n), uuid, date, timestamp, " \
	"timestamptz, boolean, bytea, inet or cidr."

#endif
