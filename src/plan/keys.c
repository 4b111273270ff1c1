/* What the constraints and columns of a table must obey, so that each shard can enforce
 * them alone: uniqueness contains the shard key, foreign keys stay on the shard. */
#include <string.h>
#include "utility.h"

void table_keys_of(struct build *b, const struct schema_relation *r, struct table_keys *out)
{
	const struct map_table *m = NULL;
	*out = (struct table_keys){ .kind = names_place(b, r, &m),
				    .schema = r->schema,
				    .name = r->name };
	out->home = names_home(b, m);
	if (out->kind != REL_SHARDED)
		return;
	out->n_keys = m->n_keys;
	for (unsigned i = 0; i < m->n_keys; i++)
		out->keys[i] = m->key_columns[i];
	out->distribution = b->map->distributions[m->distribution].name;
}

bool table_is_key(const struct table_keys *t, const char *column)
{
	for (unsigned i = 0; i < t->n_keys; i++)
		if (strcmp(t->keys[i], column) == 0)
			return true;
	return false;
}

static int place_in(const struct node_list *names, const char *name)
{
	for (unsigned i = 0; i < names->n; i++)
		if (node_string(names->items[i]) && strcmp(node_string(names->items[i]), name) == 0)
			return (int)i;
	return -1;
}

static const char *word_of(int64_t type)
{
	return type == CONSTRAINT_PRIMARY  ? "PRIMARY KEY"
	       : type == CONSTRAINT_UNIQUE ? "UNIQUE"
					   : "EXCLUDE";
}

static bool index_holds(const struct schema_relation *table, const char *index_name,
			const char *key)
{
	for (unsigned i = 0; table && i < table->n_indexes; i++) {
		const struct schema_index *x = &table->indexes[i];
		const struct schema_column *c = schema_find_column(table, key);
		if (strcmp(x->name, index_name) != 0 || !c)
			continue;
		for (unsigned j = 0; j < x->n_columns; j++)
			if (x->attnums[j] == c->attnum)
				return true;
		return false;
	}
	return true; /* no such index: PostgreSQL says so */
}

static enum status check_unique(struct build *b, const struct table_keys *t, const struct node *c,
				const char *column, const struct schema_relation *table)
{
	int64_t type = node_int(c, "contype");
	const struct node_list *keys = node_list(c, "keys");
	const char *index = node_text(c, "indexname");
	for (unsigned k = 0; k < t->n_keys; k++) {
		bool found =
			column ? strcmp(column, t->keys[k]) == 0 : place_in(keys, t->keys[k]) >= 0;
		if (*index)
			found = index_holds(table, index, t->keys[k]);
		if (type == CONSTRAINT_EXCLUSION)
			found = false;
		if (!found)
			return build_refuse(
				b,
				"Add the shard key to the constraint, or make the table a "
				"reference table.",
				"%s on sharded table \"%s\" without its shard key \"%s\"",
				word_of(type), t->name, t->keys[k]);
	}
	return STATUS_OK;
}

/* The referenced column number `i`: as written, or of the primary key. */
static const char *referenced(const struct node *c, const struct schema_relation *target, int i)
{
	const struct node_list *attrs = node_list(c, "pk_attrs");
	if (attrs->n > 0)
		return (unsigned)i < attrs->n ? node_string(attrs->items[i]) : NULL;
	for (unsigned j = 0; target && j < target->n_indexes; j++) {
		const struct schema_index *x = &target->indexes[j];
		if (!x->is_primary || i >= x->n_columns)
			continue;
		for (unsigned k = 0; k < target->n_columns; k++)
			if (target->columns[k].attnum == x->attnums[i])
				return target->columns[k].name;
	}
	return NULL;
}

static bool key_meets_key(const struct table_keys *t, const struct table_keys *other,
			  const struct node *c, const char *column,
			  const struct schema_relation *target)
{
	if (!t->distribution || !other->distribution || t->n_keys != other->n_keys ||
	    strcmp(t->distribution, other->distribution) != 0)
		return false;
	for (unsigned k = 0; k < t->n_keys; k++) {
		int at = column ? (strcmp(column, t->keys[k]) == 0 ? 0 : -1)
				: place_in(node_list(c, "fk_attrs"), t->keys[k]);
		const char *to = at >= 0 ? referenced(c, target, at) : NULL;
		if (!to && at >= 0 && !target && column)
			to = t->keys[k];
		if (!to || strcmp(to, other->keys[k]) != 0)
			return false;
	}
	return true;
}

static enum status check_foreign(struct build *b, const struct table_keys *t, const struct node *c,
				 const char *column)
{
	const struct node *to = node_child(c, "pktable");
	const struct schema_relation *target = names_of(b, to);
	const char *name = node_text(to, "relname");
	struct table_keys other;
	if (b->map->n_shards == 1)
		return STATUS_OK;
	if (target)
		table_keys_of(b, target, &other);
	else if (strcmp(name, t->name) == 0)
		other = *t; /* itself */
	else
		return STATUS_OK; /* PostgreSQL says that it is missing */
	bool fine = other.kind == REL_REFERENCE ||
		    (t->kind == REL_SINGLE && other.kind == REL_SINGLE && t->home == other.home) ||
		    (t->kind == REL_SHARDED && other.kind == REL_SHARDED &&
		     key_meets_key(t, &other, c, column, target));
	if (fine)
		return STATUS_OK;
	return build_refuse(
		b,
		"Refer to a reference table, or from the shard key to the shard key of a "
		"table of the same distribution.",
		"a foreign key from \"%s\" to \"%s\", whose rows may be on another shard", t->name,
		name);
}

static void find_bad_call(const struct node *n, void *arg);

struct calls_found {
	struct build *b;
	bool opaque, varies;
};

static void find_bad_call(const struct node *n, void *arg)
{
	struct calls_found *f = arg;
	if (n->kind == NODE_FuncCall) {
		const char *name;
		const struct schema_function *builtin = functions_builtin(f->b, n, &name);
		const struct schema_function *user = schema_find_user_function(f->b->schema, name);
		f->opaque |= !builtin && (!user || user->volatility != 'i');
		f->varies |= !builtin || builtin->volatility != 'i';
	}
	f->varies |= n->kind == NODE_SQLValueFunction;
	node_each(n, find_bad_call, arg);
}

static enum status check_expression(struct build *b, const struct table_keys *t,
				    const struct node *e, bool must_be_same)
{
	struct calls_found f = { b, false, false };
	if (!e || b->map->n_shards == 1 || t->kind == REL_SINGLE)
		return STATUS_OK;
	find_bad_call(e, &f);
	if (f.opaque)
		return build_refuse(b, "Declare the function IMMUTABLE if it reads no table.",
				    "an unknown function in the definition of \"%s\"", t->name);
	if (f.varies && must_be_same && t->kind == REL_REFERENCE)
		return build_refuse(b, "Give the value in each statement.",
				    "a default that would differ between the copies of \"%s\"",
				    t->name);
	return STATUS_OK;
}

enum status check_constraint(struct build *b, const struct table_keys *t, const struct node *c,
			     const char *column, const struct schema_relation *table)
{
	int64_t type = node_int(c, "contype");
	bool unique = type == CONSTRAINT_PRIMARY || type == CONSTRAINT_UNIQUE ||
		      type == CONSTRAINT_EXCLUSION;
	if (unique && t->kind == REL_SHARDED)
		return check_unique(b, t, c, column, table);
	if (type == CONSTRAINT_FOREIGN)
		return check_foreign(b, t, c, column);
	if (column && table_is_key(t, column) && type == CONSTRAINT_GENERATED)
		return build_refuse(b, "Give its values in the statements.",
				    "shard key \"%s\" as a generated column", column);
	return check_expression(b, t, node_child(c, "raw_expr"), type == CONSTRAINT_DEFAULT);
}

uint32_t serial_type(const struct node *column)
{
	static const struct {
		const char *name;
		uint32_t type;
	} serials[] = { { "serial", OID_INT4 },	     { "bigserial", OID_INT8 },
			{ "smallserial", OID_INT2 }, { "serial4", OID_INT4 },
			{ "serial8", OID_INT8 },     { "serial2", OID_INT2 } };
	const struct node *type = node_child(column, "type_name");
	const struct node_list *parts = type ? node_list(type, "names") : NULL;
	const char *name = parts && parts->n == 1 ? node_string(parts->items[0]) : NULL;
	for (unsigned i = 0; name && i < sizeof(serials) / sizeof(serials[0]); i++)
		if (strcmp(name, serials[i].name) == 0)
			return serials[i].type;
	return 0;
}

/* Rows that are there already would get values from each shard's own object. */
static enum status refuse_added(struct build *b, const struct table_keys *t, const char *name)
{
	return build_refuse(
		b, "Add a plain column, fill it, then ALTER COLUMN … SET DEFAULT nextval().",
		"serial or identity column \"%s\" added to \"%s\"", name, t->name);
}

enum status check_column(struct build *b, const struct table_keys *t, const struct node *column,
			 const struct schema_relation *table, bool is_added)
{
	const char *name = node_text(column, "colname");
	const struct node_list *constraints = node_list(column, "constraints");
	bool several = b->map->n_shards > 1 && t->kind != REL_SINGLE;
	if (serial_type(column) && several && is_added)
		return refuse_added(b, t, name);
	for (unsigned i = 0; i < constraints->n; i++) {
		const struct node *c = constraints->items[i];
		if (is_added && several && node_int(c, "contype") == CONSTRAINT_IDENTITY)
			return refuse_added(b, t, name);
		enum status st = check_constraint(b, t, c, name, table);
		if (st != STATUS_OK)
			return st;
	}
	return STATUS_OK;
}
