/* CREATE and ALTER SEQUENCE: on every shard, so that any sharded table may draw from it, unless a
 * single table owns it. What changes the values of a shared sequence takes it back first: then it
 * is one server's sequence on every shard, and PostgreSQL judges the statement
 * (catalog/sequence.h). */
#include <string.h>
#include "utility.h"

static bool column_uses(const struct schema_column *c, const struct schema_relation *s)
{
	return c->sequence && strcmp(c->sequence, s->name) == 0 &&
	       strcmp(c->sequence_schema, s->schema) == 0;
}

bool sequence_is_spread(struct build *b, const struct schema_relation *s)
{
	const struct map_table *m;
	bool by_single = false;
	if (b->map->n_shards == 1)
		return false;
	if (sequence_managed(b, s->schema, s->name))
		return true;
	for (unsigned i = 0; i < b->schema->n_relations; i++) {
		const struct schema_relation *r = &b->schema->relations[i];
		for (unsigned k = 0; k < r->n_columns; k++) {
			if (!column_uses(&r->columns[k], s))
				continue;
			m = NULL;
			enum rel_kind kind = names_place(b, r, &m);
			if (kind == REL_SHARDED || kind == REL_REFERENCE)
				return true;
			by_single = true;
		}
	}
	return !by_single;
}

/* OWNED BY table.column among the options: the table; *given: the option is there. */
static const struct schema_relation *owner_of(struct build *b, const struct node_list *options,
					      bool *given)
{
	for (unsigned i = 0; i < options->n; i++) {
		const struct node *arg = node_child(options->items[i], "arg");
		if (strcmp(node_text(options->items[i], "defname"), "owned_by") != 0)
			continue;
		*given = true;
		return node_is(arg, NODE_List) ? relation_of_names(b, node_list(arg, "items"), 1)
					       : NULL;
	}
	return NULL;
}

enum status plan_create_sequence(struct build *b, const struct node *stmt)
{
	const struct node *name = node_child(stmt, "sequence");
	bool is_owned = false;
	const struct schema_relation *owner = owner_of(b, node_list(stmt, "options"), &is_owned);
	struct places p = { 0 };
	if (names_is_temp(b, name))
		return build_refuse(b, "Use a serial column of a temporary table.",
				    "CREATE TEMPORARY SEQUENCE");
	if (owner)
		places_add(b, &p, owner);
	else
		p.n_spread = 1;
	return places_run(b, &p, "CREATE SEQUENCE", true);
}

enum status plan_change_sequence(struct build *b, const struct schema_relation *r, const char *tag)
{
	struct places p = { 0 };
	places_add(b, &p, r);
	if (r && b->map->n_shards > 1 && sequence_managed(b, r->schema, r->name)) {
		sequence_release_first(b, r);
		enum status st =
			sequence_is_ready(b, map_find_sequence(b->map, r->schema, r->name));
		if (st != STATUS_OK)
			return st;
	}
	return places_run(b, &p, tag, true);
}

enum status plan_alter_sequence(struct build *b, const struct node *stmt)
{
	const struct node_list *options = node_list(stmt, "options");
	const struct schema_relation *r = names_of(b, node_child(stmt, "sequence"));
	struct places p = { 0 };
	bool is_owned = false;
	owner_of(b, options, &is_owned);
	if (!is_owned || options->n > 1)
		return plan_change_sequence(b, r, "ALTER SEQUENCE");
	places_add(b, &p, r); /* values stay what they are */
	return places_run(b, &p, "ALTER SEQUENCE", true);
}
