/* DROP, TRUNCATE, RENAME and SET SCHEMA: what happens to the map as well. */
#include <string.h>
#include "utility.h"

static const struct node_list *names_in(const struct node *object)
{
	static const struct node_list none = { 0, NULL };
	if (node_is(object, NODE_List))
		return node_list(object, "items");
	if (node_is(object, NODE_TypeName))
		return node_list(object, "names");
	return &none;
}

static void forget_table(struct build *b, const struct schema_relation *r)
{
	const struct map_table *m = NULL;
	if (!r)
		return;
	enum rel_kind kind = names_place(b, r, &m);
	if (m || kind == REL_SHARDED)
		change_add(b, (struct plan_change){
				      .kind = CHANGE_DROP, .schema = r->schema, .name = r->name });
}

static enum status drop_tables(struct build *b, const struct node_list *objects)
{
	struct places p = { 0 };
	for (unsigned i = 0; i < objects->n; i++)
		places_add(b, &p, relation_of_names(b, names_in(objects->items[i]), 0));
	enum status st = places_run(b, &p, "DROP TABLE", true);
	for (unsigned i = 0; st == STATUS_OK && i < objects->n; i++)
		forget_table(b, relation_of_names(b, names_in(objects->items[i]), 0));
	return st;
}

/* Indexes: where their table is. Triggers, rules, policies: the name's first parts. */
static enum status drop_on_tables(struct build *b, const struct node *stmt,
				  const struct node_list *objects, const char *tag)
{
	struct places p = { 0 };
	bool is_index = node_int(stmt, "remove_type") == OBJECT_INDEX;
	for (unsigned i = 0; i < objects->n; i++) {
		const struct schema_relation *r =
			relation_of_names(b, names_in(objects->items[i]), is_index ? 0 : 1);
		places_add(b, &p, r && is_index ? relation_by_oid(b, r->index_of) : r);
	}
	enum status st = places_run(b, &p, tag, true);
	b->plan->no_txn_block = node_int(stmt, "concurrent") != 0;
	return st;
}

static void forget_schema(struct build *b, const struct node_list *objects)
{
	for (unsigned i = 0; i < objects->n; i++)
		for (unsigned j = 0; j < b->map->n_tables; j++) {
			const struct map_table *t = &b->map->tables[j];
			const char *name = node_string(objects->items[i]);
			if (name && strcmp(t->schema, name) == 0)
				change_add(b, (struct plan_change){ .kind = CHANGE_DROP,
								    .schema = t->schema,
								    .name = t->name });
		}
}

static const char *drop_tag(int64_t type)
{
	switch (type) {
	case OBJECT_SCHEMA: return "DROP SCHEMA";
	case OBJECT_SEQUENCE: return "DROP SEQUENCE";
	case OBJECT_MATVIEW: return "DROP MATERIALIZED VIEW";
	case OBJECT_VIEW: return "DROP VIEW";
	case OBJECT_INDEX: return "DROP INDEX";
	case OBJECT_TRIGGER: return "DROP TRIGGER";
	case OBJECT_POLICY: return "DROP POLICY";
	case OBJECT_RULE: return "DROP RULE";
	default: return "DROP";
	}
}

static bool names_temporary(struct build *b, const struct node_list *objects)
{
	for (unsigned i = 0; i < objects->n; i++)
		relation_of_names(b, names_in(objects->items[i]), 0);
	return b->uses_temp;
}

static enum status drop_sequences(struct build *b, const struct node_list *objects)
{
	struct places p = { 0 };
	for (unsigned i = 0; i < objects->n; i++)
		places_add(b, &p, relation_of_names(b, names_in(objects->items[i]), 0));
	return places_run(b, &p, "DROP SEQUENCE", true);
}

enum status plan_drop_objects(struct build *b, const struct node *stmt)
{
	const struct node_list *objects = node_list(stmt, "objects");
	int64_t type = node_int(stmt, "remove_type");
	const char *tag = drop_tag(type);
	switch (type) {
	case OBJECT_TABLE: return drop_tables(b, objects);
	case OBJECT_INDEX:
	case OBJECT_TRIGGER:
	case OBJECT_POLICY:
	case OBJECT_RULE: return drop_on_tables(b, stmt, objects, tag);
	case OBJECT_SEQUENCE: return drop_sequences(b, objects);
	case OBJECT_MATVIEW:
	case OBJECT_FOREIGN_TABLE: return utility_run(b, tag, false, true);
	case OBJECT_VIEW:
		if (names_temporary(b, objects))
			return drop_tables(b, objects);
		break;
	case OBJECT_SCHEMA: forget_schema(b, objects); break;
	default: break;
	}
	return utility_run(b, tag, true, true);
}

static bool draws_from_sequence(const struct schema_relation *r)
{
	for (unsigned i = 0; r && i < r->n_columns; i++)
		if (r->columns[i].default_kind == DEFAULT_SEQUENCE || r->columns[i].identity)
			return true;
	return false;
}

enum status plan_truncate(struct build *b, const struct node *stmt)
{
	const struct node_list *list = node_list(stmt, "relations");
	struct places p = { 0 };
	for (unsigned i = 0; i < list->n; i++)
		places_add_var(b, &p, list->items[i]);
	bool draws = false;
	for (unsigned i = 0; i < list->n; i++)
		draws |= draws_from_sequence(names_of(b, list->items[i]));
	if (node_int(stmt, "restart_seqs") && draws && p.n_spread && b->map->n_shards > 1)
		return build_refuse(b, "Leave RESTART IDENTITY out.",
				    "TRUNCATE … RESTART IDENTITY of a sharded or reference table");
	return places_run(b, &p, "TRUNCATE TABLE", false);
}

static enum status rename_relation(struct build *b, const struct schema_relation *r,
				   const char *schema, const char *name, const char *tag)
{
	struct places p = { 0 };
	const struct map_table *m = NULL;
	if (r && r->kind == 'i')
		r = relation_by_oid(b, r->index_of);
	else if (r && r->kind == 'S')
		return plan_change_sequence(b, r, "ALTER SEQUENCE");
	else if (r && (names_place(b, r, &m), m != NULL) && (schema || name))
		change_add(b, (struct plan_change){ .kind = CHANGE_RENAME,
						    .schema = r->schema,
						    .name = r->name,
						    .new_schema = schema ? schema : r->schema,
						    .new_name = name ? name : r->name });
	places_add(b, &p, r);
	return places_run(b, &p, tag, true);
}

static bool schema_has_tables(const struct build *b, const char *schema)
{
	for (unsigned i = 0; i < b->map->n_tables; i++)
		if (strcmp(b->map->tables[i].schema, schema) == 0)
			return true;
	return false;
}

enum status plan_rename(struct build *b, const struct node *stmt)
{
	int64_t type = node_int(stmt, "rename_type");
	const struct node *var = node_child(stmt, "relation");
	const char *sub = node_text(stmt, "subname"), *new_name = node_text(stmt, "newname");
	if (type == OBJECT_SCHEMA && schema_has_tables(b, sub))
		return build_refuse(
			b, "Move the tables with ALTER TABLE … SET SCHEMA.",
			"ALTER SCHEMA … RENAME of a schema with sharded or reference tables");
	if (!var)
		return utility_run(b, "ALTER", true, true);
	const struct schema_relation *r = names_of(b, var);
	struct table_keys t;
	if (type == OBJECT_COLUMN && r) {
		table_keys_of(b, r, &t);
		if (table_is_key(&t, sub))
			return build_refuse(b, "Keep its name.", "renaming shard key \"%s\"", sub);
	}
	bool whole = type == OBJECT_TABLE || type == OBJECT_VIEW || type == OBJECT_INDEX ||
		     type == OBJECT_SEQUENCE || type == OBJECT_MATVIEW;
	return rename_relation(b, r, NULL, whole ? new_name : NULL, "ALTER TABLE");
}

enum status plan_set_schema(struct build *b, const struct node *stmt)
{
	const struct node *var = node_child(stmt, "relation");
	if (!var)
		return utility_run(b, "ALTER", true, true);
	return rename_relation(b, names_of(b, var), node_text(stmt, "newschema"), NULL,
			       "ALTER TABLE");
}
