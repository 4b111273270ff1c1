/* Utility statements among themselves. */
#ifndef PGMOSAIC_PLAN_UTILITY_H
#define PGMOSAIC_PLAN_UTILITY_H

#include "internal.h"

/* ConstrType of the grammar. */
enum {
	CONSTRAINT_DEFAULT = 3,
	CONSTRAINT_IDENTITY = 4,
	CONSTRAINT_GENERATED = 5,
	CONSTRAINT_CHECK = 6,
	CONSTRAINT_PRIMARY = 7,
	CONSTRAINT_UNIQUE = 8,
	CONSTRAINT_EXCLUSION = 9,
	CONSTRAINT_FOREIGN = 10,
};

/* ObjectType of the grammar, as far as it is told apart. */
enum {
	OBJECT_COLUMN = 7,
	OBJECT_FOREIGN_TABLE = 19,
	OBJECT_INDEX = 21,
	OBJECT_MATVIEW = 24,
	OBJECT_POLICY = 29,
	OBJECT_RULE = 36,
	OBJECT_SCHEMA = 37,
	OBJECT_SEQUENCE = 38,
	OBJECT_TABCONSTRAINT = 41,
	OBJECT_TABLE = 42,
	OBJECT_TRIGGER = 45,
	OBJECT_VIEW = 52,
};

/* Kinds of the tables that one statement names. */
struct places {
	unsigned n_spread; /* sharded or reference: on every shard */
	unsigned n_sharded, n_reference, n_single, n_missing, n_temp; /* n_temp: of n_single */
	uint16_t home;
	bool two_homes;
	const char *name; /* of one single table, for messages */
};

enum status utility_run(struct build *b, const char *tag, bool every, bool is_ddl);
void places_add(struct build *b, struct places *p, const struct schema_relation *r);
void places_add_var(struct build *b, struct places *p, const struct node *range_var);
/* Every shard, the single tables' shard, or a refusal for a mixture. */
enum status places_run(struct build *b, const struct places *p, const char *tag, bool is_ddl);
const struct schema_relation *relation_by_oid(const struct build *b, uint32_t oid);
/* The relation of a list of name parts (all but the last `drop`). */
const struct schema_relation *relation_of_names(struct build *b, const struct node_list *names,
						unsigned drop);
void change_add(struct build *b, struct plan_change change);

/* ---- keys.c: what a sharded table's constraints must obey ---- */
struct table_keys {
	enum rel_kind kind;
	const char *schema, *name;
	const char *keys[MAP_MAX_KEYS];
	unsigned n_keys;
	const char *distribution;
	uint16_t home;
};
void table_keys_of(struct build *b, const struct schema_relation *r, struct table_keys *out);
/* The integer type behind serial and its kin; 0: it is none. */
uint32_t serial_type(const struct node *column);
bool table_is_key(const struct table_keys *t, const char *column);
enum status check_constraint(struct build *b, const struct table_keys *t,
			     const struct node *constraint, const char *column,
			     const struct schema_relation *table);
enum status check_column(struct build *b, const struct table_keys *t, const struct node *column,
			 const struct schema_relation *table, bool is_added);

/* ---- sequence_ddl.c ---- */
/* On every shard: shared, or free to be. */
bool sequence_is_spread(struct build *b, const struct schema_relation *s);
enum status plan_create_sequence(struct build *b, const struct node *stmt);
enum status plan_alter_sequence(struct build *b, const struct node *stmt);
/* Its name, schema or values change. */
enum status plan_change_sequence(struct build *b, const struct schema_relation *r, const char *tag);

enum status plan_drop_objects(struct build *b, const struct node *stmt);
enum status plan_alter_table(struct build *b, const struct node *stmt);
enum status plan_create_index(struct build *b, const struct node *stmt);
enum status plan_rename(struct build *b, const struct node *stmt);
enum status plan_set_schema(struct build *b, const struct node *stmt);
enum status plan_truncate(struct build *b, const struct node *stmt);
enum status plan_vacuum(struct build *b, const struct node *stmt);
enum status plan_reindex(struct build *b, const struct node *stmt);
enum status plan_cluster(struct build *b, const struct node *stmt);
enum status plan_lock(struct build *b, const struct node *stmt);
enum status plan_explain(struct build *b, const struct node *stmt);
enum status plan_create_as(struct build *b, const struct node *stmt);
enum status plan_grant(struct build *b, const struct node *stmt);
enum status plan_comment(struct build *b, const struct node *stmt);
enum status plan_view(struct build *b, const struct node *stmt);
enum status plan_trigger(struct build *b, const struct node *stmt);
enum status plan_alter_owner(struct build *b, const struct node *stmt);
enum status plan_on_table(struct build *b, const struct node *stmt);
enum status plan_statistics(struct build *b, const struct node *stmt);
enum status plan_opaque(struct build *b, const struct node *stmt);

#endif
