/* UPDATE and DELETE, and every write to a reference table. */
#include <string.h>
#include "internal.h"

static struct rel *target_of(struct level *top)
{
	for (unsigned i = 0; i < top->n_rels; i++)
		if (top->rels[i]->is_target)
			return top->rels[i];
	return NULL;
}

/* What hangs on the table may write or read elsewhere: only on one shard is that right. */
enum status table_is_writable(struct build *b, const struct rel *target)
{
	const struct schema_relation *t = target->table;
	if (t->has_rules)
		return build_refuse(b, "Drop the rule, or make the table a single table.",
				    "a write to table \"%s\", which has rules", t->name);
	if (t->has_user_triggers || t->has_statement_triggers)
		return build_refuse(b, "Drop the trigger, or make the table a single table.",
				    "a write to table \"%s\", which has triggers", t->name);
	return STATUS_OK;
}

/* UPDATE or DELETE over several shards: each row by itself, from its own columns. */
void scatter_write(struct build *b, struct level *top)
{
	static const char hint[] = "Restrict the statement to one shard key value.";
	scatter_date_literals(b);
	if (b->n_all > 1)
		scatter_refuse(
			b, hint,
			"UPDATE or DELETE with other tables or sub-queries over several shards");
	for (struct level *l = b->levels; l; l = l->next)
		if (l != top)
			scatter_refuse(b, hint, "a sub-query in a write over several shards");
	if (!scatter_calls_are_safe(b) || b->scatter.status != STATUS_OK)
		return;
	b->plan->merge = MERGE_WRITE;
	build_explain(b, "each shard changes its own rows, atomically");
}

static bool is_clock_default(const char *text)
{
	static const char *const words[] = { "now()",	     "CURRENT_", "LOCALTIME",
					     "_timestamp()", "'now'",	 "timeofday" };
	for (unsigned i = 0; text && i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(text, words[i]))
			return true;
	return false;
}

static bool is_given(const struct node *stmt, const struct rel *target, unsigned column)
{
	const struct node_list *cols = node_list(stmt, "cols");
	const struct node *select = node_child(stmt, "select_stmt");
	if (!select)
		return false;
	if (cols->n > 0) {
		for (unsigned i = 0; i < cols->n; i++)
			if (strcmp(node_text(cols->items[i], "name"),
				   target->table->columns[column].name) == 0)
				return true;
		return false;
	}
	const struct node_list *rows = node_list(select, "values_lists");
	unsigned width = rows->n ? node_list(rows->items[0], "items")->n : target->n_columns;
	return column < width;
}

static bool has_default_item(const struct node *stmt)
{
	const struct node *select = node_child(stmt, "select_stmt");
	const struct node_list *rows = select ? node_list(select, "values_lists") : NULL;
	for (unsigned i = 0; rows && i < rows->n; i++) {
		const struct node_list *items = node_list(rows->items[i], "items");
		for (unsigned j = 0; j < items->n; j++)
			if (node_is(items->items[j], NODE_SetToDefault))
				return true;
	}
	return false;
}

/* Every copy must get the same row. */
static bool defaults_are_same(const struct node *stmt, const struct rel *target,
			      const char **column)
{
	bool any = has_default_item(stmt);
	for (unsigned i = 0; i < target->n_columns; i++) {
		const struct schema_column *c = &target->table->columns[i];
		bool varies =
			c->default_kind == DEFAULT_SEQUENCE || c->identity ||
			c->default_kind == DEFAULT_VOLATILE ||
			(c->default_kind == DEFAULT_CONST && is_clock_default(c->default_text));
		*column = c->name;
		if (varies && (any || !is_given(stmt, target, i)))
			return false;
	}
	return true;
}

static bool updates_to_default(const struct node *stmt)
{
	const struct node_list *targets = node_list(stmt, "target_list");
	for (unsigned i = 0; i < targets->n; i++)
		if (node_is(node_child(targets->items[i], "val"), NODE_SetToDefault))
			return true;
	return false;
}

static enum status reference_is_deterministic(struct build *b, struct level *top, const char *name)
{
	static const char hint[] =
		"Write constants and parameters; compute anything else in the application.";
	const struct calls *k = &b->calls;
	if (k->clock || k->row_random || k->forbidden || k->sequence || k->shard_bound ||
	    k->regclass || k->system_column || k->user_operator)
		return build_refuse(
			b, hint,
			"a write to reference table \"%s\" whose value may differ by shard", name);
	for (struct level *l = b->levels; l; l = l->next)
		if (l != top && l != top->source)
			return build_refuse(
				b, hint, "a sub-query in a write to reference table \"%s\"", name);
	for (unsigned i = 0; i < b->n_all; i++)
		if (!b->all[i]->is_target && strcmp(b->all[i]->name, "excluded") != 0)
			return build_refuse(b, hint,
					    "another table in a write to reference table \"%s\"",
					    name);
	scatter_date_literals(b);
	if (b->scatter.status == STATUS_OK)
		return STATUS_OK;
	*b->err = b->scatter;
	return b->scatter.status;
}

enum status plan_reference_write(struct build *b, const struct node *stmt, struct level *top)
{
	struct rel *target = target_of(top);
	struct plan *p = b->plan;
	const char *column;
	enum status st = table_is_writable(b, target);
	if (st == STATUS_OK)
		st = reference_is_deterministic(b, top, target->table->name);
	if (st != STATUS_OK)
		return st;
	if (stmt->kind == NODE_InsertStmt && top->source &&
	    node_list(top->source->stmt, "values_lists")->n == 0)
		return build_refuse(b, "Insert the rows as VALUES.",
				    "INSERT … SELECT into reference table \"%s\"",
				    target->table->name);
	if (stmt->kind == NODE_InsertStmt && !defaults_are_same(stmt, target, &column))
		return build_refuse(
			b, "Give the column's value in the statement.",
			"the default of column \"%s\" would differ between the copies of \"%s\"",
			column, target->table->name);
	if (stmt->kind == NODE_UpdateStmt && updates_to_default(stmt))
		return build_refuse(b, "Write the value itself.",
				    "SET … = DEFAULT on a reference table");
	const char **names = arena_array(&p->arena, const char *, 1);
	names[0] = arena_printf(&p->arena, "%s.%s", names_quote(b->a, target->table->schema),
				names_quote(b->a, target->table->name));
	p->lock_tables = names;
	p->n_lock_tables = 1;
	p->lock_reference = true;
	p->target = TARGET_EVERY;
	p->merge = MERGE_WRITE;
	build_explain(b, "reference table: every shard, atomically");
	return STATUS_OK;
}

/* SET column = DEFAULT where the default is a sequence: each shard draws for its own rows. */
static enum status check_defaults(struct build *b, const struct node *stmt,
				  const struct rel *target)
{
	const struct node_list *targets = node_list(stmt, "target_list");
	enum status st = STATUS_OK;
	for (unsigned i = 0; i < targets->n && st == STATUS_OK; i++) {
		const struct schema_column *c =
			schema_find_column(target->table, node_text(targets->items[i], "name"));
		if (c && sequence_feeds(c) &&
		    node_is(node_child(targets->items[i], "val"), NODE_SetToDefault))
			st = sequence_allows(b, target->table, c);
	}
	return st;
}

enum status plan_modify(struct build *b, const struct node *stmt, const struct census *c,
			struct level *top)
{
	struct rel *target = target_of(top);
	if (target->kind == REL_REFERENCE)
		return plan_reference_write(b, stmt, top);
	if (target->kind == REL_SYSTEM && c->n_sharded > 0)
		return build_refuse(b, "Write to the catalog by itself.",
				    "a write to a system catalog");
	if (c->n_sharded == 0)
		return query_unsharded(b, c);
	if (target->kind == REL_SHARDED) {
		enum status st = table_is_writable(b, target);
		if (st == STATUS_OK && stmt->kind == NODE_UpdateStmt)
			st = check_defaults(b, stmt, target);
		if (st != STATUS_OK)
			return st;
	}
	return query_sharded(b, c, top);
}
