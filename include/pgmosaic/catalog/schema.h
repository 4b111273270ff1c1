/* The schema snapshot: what a shard's system catalogs say of names and types.
 *
 * Read from the home shard by SCHEMA_QUERIES (plain SQL, each result row fed to
 * schema_add_row()), by libpq on a job thread or by a session over its own
 * transaction's connection, so that uncommitted DDL is seen there.
 *
 * Happy path: schema_create(); for each query i < SCHEMA_N_QUERIES run
 * schema_query(i) and schema_add_row(s, i, values, n_values) for each row;
 * schema_seal(). Then read-only.
 * Ownership: all on the snapshot's arena. Threads: sealed ones are read by any. */
#ifndef PGMOSAIC_CATALOG_SCHEMA_H
#define PGMOSAIC_CATALOG_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>
#include "pgmosaic/base/arena.h"
#include "pgmosaic/base/err.h"
#include "pgmosaic/base/table.h"

enum schema_default {
	DEFAULT_NONE,
	DEFAULT_CONST,	   /* immutable or stable expression: constants, now(), current_user */
	DEFAULT_SEQUENCE,  /* nextval(…): serial, or identity */
	DEFAULT_VOLATILE,  /* anything else: random(), gen_random_uuid(), user functions */
	DEFAULT_GENERATED, /* GENERATED ALWAYS AS (…) STORED */
};

struct schema_column {
	const char *name;
	uint32_t type_oid;
	int32_t typmod;
	uint32_t collation_oid; /* 0: not collatable; 100: the database's default; 950 C; 951 POSIX
				 */
	int16_t attnum;
	bool not_null;
	char identity; /* 'a' always, 'd' by default, 0 none */
	enum schema_default default_kind;
	const char *default_text; /* as pg_get_expr shows it, or NULL */
	/* What it draws from: identity, or a default that names it by oid. NULL: none, or unknown
	 */
	const char *sequence_schema, *sequence;
};

struct schema_index {
	const char *name;
	bool is_unique, is_primary, is_exclusion, has_expressions, is_partial;
	uint16_t n_columns;	/* key columns only, not INCLUDE */
	const int16_t *attnums; /* 0: an expression */
};

struct schema_relation {
	const char *schema, *name;
	uint32_t oid;
	char kind; /* relkind: r table, v view, m materialized view, p partitioned, S sequence, f
		      foreign, c composite, i index, I partitioned index, t toast */
	char persistence; /* p permanent, u unlogged, t temporary */
	bool has_children, is_partition, has_user_triggers, has_statement_triggers, has_rules;
	bool row_security, has_incoming_fk;
	struct schema_column *columns; /* live columns in attnum order */
	uint16_t n_columns;
	struct schema_index *indexes;
	uint16_t n_indexes;
	uint32_t index_of; /* kind i: oid of its table */
};

/* One row per function name of pg_catalog: the most dangerous overload counts. */
struct schema_function {
	const char *name;
	char volatility; /* i immutable, s stable, v volatile */
	char kind;	 /* f function, a aggregate, w window, p procedure; '*' several kinds */
	bool returns_set;
};

struct schema {
	struct arena arena;
	char server_encoding[32];
	int server_version_num;
	/* The database's default collation. provider: 'c' libc, 'i' ICU. */
	char collation_provider;
	const char *collate,
		*collation_version; /* e.g. "C.UTF-8", NULL when the server gives none */
	struct schema_relation *relations;
	uint32_t n_relations;
	struct table relations_by_name;
	struct table functions;	     /* pg_catalog's, by name */
	struct table user_functions; /* names outside pg_catalog: → struct schema_function
					(immutable only if every one is) */
	struct table user_operators; /* operator names outside pg_catalog */
	struct table user_types; /* type names outside pg_catalog that are not a table's row type */
	struct table schemas;	 /* schema names */
	const char *default_search_path; /* of the maintenance user: shown by SHOW search_path */
};

#define SCHEMA_N_QUERIES 8 /* the implementation may use fewer: schema_query() gives NULL then */

struct schema *schema_create(void);
void schema_destroy(struct schema *s);
const char *schema_query(unsigned i);
/* The same for a connection's own temporary relations, in a schema called pg_temp; NULL where
 * there is nothing to ask. */
const char *schema_temporary_query(unsigned i);
/* values[j] is text, NULL for SQL NULL. */
enum status schema_add_row(struct schema *s, unsigned query, const char *const *values,
			   unsigned n_values, struct err *err);
void schema_seal(struct schema *s);
const struct schema_relation *schema_find(const struct schema *s, const char *schema,
					  const char *name);
const struct schema_column *schema_find_column(const struct schema_relation *r, const char *name);
bool schema_has_schema(const struct schema *s, const char *name);
const struct schema_function *schema_find_function(const struct schema *s, const char *name);
const struct schema_function *schema_find_user_function(const struct schema *s, const char *name);
bool schema_has_user_operator(const struct schema *s, const char *name);
bool schema_has_user_type(const struct schema *s, const char *name);

#endif
