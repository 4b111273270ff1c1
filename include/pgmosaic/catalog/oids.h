/* The same table, the same type, another OID on each shard: what clients see is home's.
 *
 * Happy path: oid_names_load() (job) reads the names and OIDs of user tables, columns and types
 * of each shard; oids_create() compares them with the home shard's by name; the result goes
 * with the world. A shard whose OIDs are home's has `differs` false, and nobody looks further.
 * What exists on a shard only, or was made by a transaction that has not ended, keeps its OID.
 * Failure: a shard that could not be read keeps what was known of it before, or counts as equal;
 * oids_is_complete() is false then.
 * Ownership: reference counted. Threads: read-only once created, any thread. */
#ifndef PGMOSAIC_CATALOG_OIDS_H
#define PGMOSAIC_CATALOG_OIDS_H

#include <stdbool.h>
#include <stdint.h>
#include "pgmosaic/base/arena.h"
#include "pgmosaic/base/err.h"

/* ---- what one server says ---- */

enum oid_form {
	FORM_PLAIN,
	FORM_ARRAY,	/* its binary form tells the OID of its elements */
	FORM_COMPOSITE, /* of its columns */
	FORM_DOMAIN,
};

struct oid_name {
	char kind;	  /* 't' type, 'r' relation */
	const char *name; /* "schema"."name" */
	uint32_t oid;
	enum oid_form form;
	uint32_t element;    /* of an array, below a domain */
	const char *columns; /* of a relation: "1 name" lines by number */
};

/* Ascending by kind and name. */
struct oid_names {
	struct arena arena;
	struct oid_name *all;
	uint32_t n;
};

/* (job) NULL with `err` set: the server could not be asked. */
struct oid_names *oid_names_load(const char *dsn, struct err *err);
void oid_names_destroy(struct oid_names *names); /* NULL is fine */

/* ---- how a shard's differ from home's ---- */

struct oid_pair {
	uint32_t from, to;
};

struct oid_column {
	uint32_t relation; /* home's OID */
	int16_t shard_attnum, home_attnum;
};

/* A type whose binary form holds OIDs; home's OIDs. */
struct oid_deep {
	uint32_t type, element;
	enum oid_form form;
};

struct shard_oids {
	uint32_t shard_id;
	bool is_known, differs;
	struct oid_pair *types_to_home, *types_to_shard, *relations_to_home;
	uint32_t n_types, n_relations;
	struct oid_column *columns; /* only where the numbers differ */
	uint32_t n_columns;
	struct oid_deep *deep;
	uint32_t n_deep;
};

struct oids;

/* names[0] is home's; names[i] NULL: could not be read, `before` (may be NULL) tells. */
struct oids *oids_create(const uint32_t *shard_ids, struct oid_names *const *names, unsigned n,
			 const struct oids *before);
struct oids *oids_hold(struct oids *o);
void oids_drop(struct oids *o); /* NULL is fine */
bool oids_is_complete(const struct oids *o);
/* A shard whose OIDs are not home's; NULL: there is none. */
const struct shard_oids *oids_differing(const struct oids *o);
/* NULL: this shard's OIDs are home's. */
const struct shard_oids *oids_of(const struct oids *o, uint32_t shard_id);

uint32_t oids_type_home(const struct shard_oids *s, uint32_t type);
uint32_t oids_type_shard(const struct shard_oids *s, uint32_t type);
/* Table and column number of a RowDescription. */
void oids_column_home(const struct shard_oids *s, uint32_t *relation, int16_t *attnum);
/* NULL: the binary form of this type (home's OID) holds no OIDs. */
const struct oid_deep *oids_deep(const struct shard_oids *s, uint32_t type);

#endif
