/* ALTER TABLE and CREATE INDEX: run where the table is, after the checks a shard cannot do. */
#include <string.h>
#include "utility.h"

enum { /* AlterTableType of the grammar */
       ALTER_ADD_COLUMN = 1,
       ALTER_COLUMN_DEFAULT = 4,
       ALTER_DROP_COLUMN = 15,
       ALTER_ADD_CONSTRAINT = 19,
       ALTER_COLUMN_TYPE = 30,
       ALTER_CHANGE_OWNER = 32,
       ALTER_ADD_INHERIT = 55,
       ALTER_DROP_OF = 58,
       ALTER_ATTACH_PARTITION = 65,
       ALTER_DETACH_FINALIZE = 67,
       ALTER_ADD_IDENTITY = 68,
       ALTER_SET_IDENTITY = 69,
};

static enum status check_command(struct build *b, const struct table_keys *t,
				 const struct node *cmd, const struct schema_relation *r)
{
	int64_t type = node_int(cmd, "subtype");
	const struct node *def = node_child(cmd, "def");
	const char *name = node_text(cmd, "name");
	if (type == ALTER_ADD_COLUMN)
		return check_column(b, t, def, r, true);
	if (type == ALTER_ADD_CONSTRAINT)
		return check_constraint(b, t, def, NULL, r);
	if ((type == ALTER_DROP_COLUMN || type == ALTER_COLUMN_TYPE) && table_is_key(t, name))
		return build_refuse(b, "Create a new table with the other key and copy the rows.",
				    "dropping or changing the type of shard key \"%s\"", name);
	bool tree = (type >= ALTER_ADD_INHERIT && type <= ALTER_DROP_OF) ||
		    (type >= ALTER_ATTACH_PARTITION && type <= ALTER_DETACH_FINALIZE);
	if (tree && t->kind != REL_SINGLE)
		return build_refuse(b, "Keep sharded tables plain.",
				    "inheritance or partitions of \"%s\"", t->name);
	bool identity = type == ALTER_ADD_IDENTITY || type == ALTER_SET_IDENTITY;
	if (identity && t->kind != REL_SINGLE)
		return build_refuse(b, "Give its values in the statements.",
				    "an identity column on \"%s\"", t->name);
	return STATUS_OK;
}

/* OWNER TO leaves the values alone. */
static enum status plan_on_sequence(struct build *b, const struct node *stmt,
				    const struct schema_relation *r)
{
	const struct node_list *cmds = node_list(stmt, "cmds");
	struct places p = { 0 };
	bool owner = cmds->n == 1 && node_int(cmds->items[0], "subtype") == ALTER_CHANGE_OWNER;
	if (!owner)
		return plan_change_sequence(b, r, "ALTER SEQUENCE");
	places_add(b, &p, r);
	return places_run(b, &p, "ALTER SEQUENCE", true);
}

enum status plan_alter_table(struct build *b, const struct node *stmt)
{
	const struct schema_relation *r = names_of(b, node_child(stmt, "relation"));
	const struct node_list *cmds = node_list(stmt, "cmds");
	struct places p = { 0 };
	struct table_keys t;
	const char *tag = node_int(stmt, "objtype") == OBJECT_VIEW ? "ALTER VIEW" : "ALTER TABLE";
	if (r && r->kind == 'S')
		return plan_on_sequence(b, stmt, r);
	if (r && r->kind == 'c')
		return utility_run(b, "ALTER TYPE", true, true);
	if (r && r->kind == 'i')
		r = relation_by_oid(b, r->index_of);
	if (!r) /* missing, or a composite type not in the snapshot */
		return utility_run(b, tag, node_int(stmt, "objtype") != OBJECT_TABLE, true);
	table_keys_of(b, r, &t);
	for (unsigned i = 0; i < cmds->n; i++) {
		enum status st = check_command(b, &t, cmds->items[i], r);
		if (st != STATUS_OK)
			return st;
	}
	places_add(b, &p, r);
	return places_run(b, &p, tag, true);
}

static bool index_has_bare_key(const struct node *stmt, const char *key)
{
	const struct node_list *params = node_list(stmt, "index_params");
	for (unsigned i = 0; i < params->n; i++) {
		const struct node *e = params->items[i];
		if (strcmp(node_text(e, "name"), key) == 0 && node_list(e, "collation")->n == 0 &&
		    node_list(e, "opclass")->n == 0)
			return true;
	}
	return false;
}

enum status plan_create_index(struct build *b, const struct node *stmt)
{
	const struct schema_relation *r = names_of(b, node_child(stmt, "relation"));
	struct places p = { 0 };
	struct table_keys t;
	places_add(b, &p, r);
	if (r) {
		table_keys_of(b, r, &t);
		for (unsigned k = 0; node_int(stmt, "unique") && k < t.n_keys; k++)
			if (!index_has_bare_key(stmt, t.keys[k]))
				return build_refuse(
					b, "Add the shard key to the index.",
					"a UNIQUE index on sharded table \"%s\" without its "
					"shard key \"%s\"",
					t.name, t.keys[k]);
	}
	enum status st = places_run(b, &p, "CREATE INDEX", true);
	b->plan->no_txn_block = node_int(stmt, "concurrent") != 0;
	return st;
}
