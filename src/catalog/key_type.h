/* The types a shard key may have: names, classes and PostgreSQL's hash of them in SQL. Types
 * of one class hash equal values alike, so their tables can share a distribution. Pure. */
#ifndef CATALOG_KEY_TYPE_H
#define CATALOG_KEY_TYPE_H

#include <stdint.h>

struct key_type {
	uint32_t oid;
	const char *names[4]; /* the first is the standard's */
	uint32_t klass;	      /* oid of the type that stands for the class: 20 for integers, … */
	const char *hash;     /* SQL with one %s for the value; NULL: SQL has no way to call it */
};

/* NULL: not a key type. */
const struct key_type *key_type_named(const char *name);
const struct key_type *key_type_of(uint32_t oid);

#endif
