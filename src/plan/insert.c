/* INSERT: VALUES routed row by row, INSERT … SELECT by the graph. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"
#include "pgmosaic/key/type.h"

/* Which item of a row feeds this column; -1: the default does. */
static int item_of(const struct node *stmt, const struct rel *target, const char *column)
{
	const struct node_list *cols = node_list(stmt, "cols");
	for (unsigned i = 0; i < cols->n; i++)
		if (strcmp(node_text(cols->items[i], "name"), column) == 0)
			return (int)i;
	for (unsigned i = 0; cols->n == 0 && i < target->n_columns; i++)
		if (strcmp(target->table->columns[i].name, column) == 0)
			return (int)i;
	return -1;
}

/* The end of a number or a boolean; NULL: something else. */
static const char *bare_default(enum family family, const char **from)
{
	if (family == FAMILY_BOOL)
		return *from + strspn(*from, "truefalse");
	*from += **from == '(';
	const char *digits = *from + (**from == '-');
	if (family == FAMILY_INT)
		return digits + strspn(digits, "0123456789");
	return family == FAMILY_NUMERIC ? digits + strspn(digits, "0123456789.") : NULL;
}

/* The default of a key column, when it is a plain constant as pg_get_expr shows it. */
static bool default_source(struct build *b, const struct schema_column *c, struct key_source *out)
{
	const char *text = c->default_text;
	*out = (struct key_source){ .kind = KEY_NULL,
				    .column_type = c->type_oid,
				    .column_typmod = VALUE_TYPMOD(c->typmod) };
	if (sequence_feeds(c))
		return false;
	if (c->default_kind == DEFAULT_NONE || !text || strncmp(text, "NULL", 4) == 0)
		return true;
	if (c->default_kind != DEFAULT_CONST || type_family(c->type_oid) == FAMILY_NONE)
		return false;
	const char *from = text, *end;
	if (*text == '\'' || (text[0] == '(' && text[1] == '\'')) {
		from = strchr(text, '\'') + 1;
		end = strchr(from, '\'');
		if (!end || end[1] != ':' || memchr(from, '\\', (size_t)(end - from)))
			return false;
	} else {
		end = bare_default(type_family(c->type_oid), &from);
		if (!end || (*end && *end != ')' && *end != ':'))
			return false;
	}
	out->kind = KEY_TEXT;
	out->type_oid = (uint32_t)type_family(c->type_oid);
	out->text = arena_str(&b->plan->arena, (struct str){ from, (size_t)(end - from) });
	return true;
}

static enum status key_of_item(struct build *b, const struct schema_column *c,
			       const struct node *item, struct key_source *out)
{
	if (!item || node_is(item, NODE_SetToDefault)) {
		if (default_source(b, c, out))
			return STATUS_OK;
		return build_refuse(b, "Give the shard key in the statement.",
				    "the default of shard key \"%s\" is not a constant", c->name);
	}
	if (!constant_source(b, item, c->type_oid, out) &&
	    !constant_assigned(b, item, c->type_oid, out))
		return build_refuse(b,
				    "Give the shard key as a constant or a parameter of its type.",
				    "the value of shard key \"%s\" is an expression", c->name);
	out->column_type = c->type_oid;
	out->column_typmod = VALUE_TYPMOD(c->typmod);
	return STATUS_OK;
}

static enum status fill_keys(struct build *b, const struct node *stmt, const struct rel *target,
			     const struct node_list *rows)
{
	const struct map_table *m = target->mapped;
	struct key_set *keys = &b->plan->keys;
	unsigned n_rows = rows ? rows->n : 1;
	keys->n_keys = m->n_keys;
	keys->n_rows = n_rows;
	keys->is_insert = true;
	keys->sources = arena_array(&b->plan->arena, struct key_source, (size_t)n_rows * m->n_keys);
	for (unsigned k = 0; k < m->n_keys; k++) {
		const struct schema_column *c =
			schema_find_column(target->table, m->key_columns[k]);
		int at = item_of(stmt, target, m->key_columns[k]);
		if (!c)
			return build_refuse(b, "Run RELOAD on the control port.",
					    "shard key \"%s\" is not in the schema snapshot",
					    m->key_columns[k]);
		for (unsigned i = 0; i < n_rows; i++) {
			const struct node_list *items =
				rows ? node_list(rows->items[i], "items") : NULL;
			bool given = items && at >= 0 && (unsigned)at < items->n;
			enum status st = key_of_item(b, c, given ? items->items[at] : NULL,
						     &keys->sources[(size_t)i * m->n_keys + k]);
			if (st != STATUS_OK)
				return st;
		}
	}
	return STATUS_OK;
}

static bool column_is_given(const struct node *stmt, const struct rel *target, unsigned column,
			    const struct node_list *rows)
{
	int at = item_of(stmt, target, target->table->columns[column].name);
	const struct level *source = target->level->source;
	if (at < 0)
		return false;
	if (!rows && source && node_list(stmt, "cols")->n == 0)
		return !source->output_unknown && (unsigned)at < source->n_output;
	for (unsigned i = 0; rows && i < rows->n; i++) {
		const struct node_list *items = node_list(rows->items[i], "items");
		if ((unsigned)at >= items->n || node_is(items->items[at], NODE_SetToDefault))
			return false;
	}
	return rows != NULL || node_child(stmt, "select_stmt");
}

static bool is_harmless_default(const char *text)
{
	static const char *const known[] = { "random()", "gen_random_uuid()", "clock_timestamp()",
					     "(random()", "(gen_random_uuid()" };
	for (unsigned i = 0; text && i < sizeof(known) / sizeof(known[0]); i++)
		if (strncmp(text, known[i], strlen(known[i])) == 0)
			return true;
	return false;
}

/* Defaults are evaluated on the shard, which holds a block of each shared sequence. */
static enum status check_defaults(struct build *b, const struct node *stmt,
				  const struct rel *target, const struct node_list *rows)
{
	bool user_value = node_int(stmt, "override") == OVERRIDE_USER;
	for (unsigned i = 0; i < target->n_columns; i++) {
		const struct schema_column *c = &target->table->columns[i];
		bool ignored = c->identity && user_value;
		if (column_is_given(stmt, target, i, rows) && !ignored)
			continue;
		enum status st =
			sequence_feeds(c) ? sequence_allows(b, target->table, c) : STATUS_OK;
		if (st != STATUS_OK)
			return st;
		if (c->default_kind == DEFAULT_VOLATILE && !is_harmless_default(c->default_text))
			return build_refuse(
				b, "Give the value in the statement.",
				"the default of column \"%s\" calls an unknown function", c->name);
	}
	return STATUS_OK;
}

/* ---- ON CONFLICT ---- */
static bool index_has_key(const struct rel *target, const struct schema_index *index)
{
	for (unsigned k = 0; k < target->mapped->n_keys; k++) {
		const struct schema_column *c =
			schema_find_column(target->table, target->mapped->key_columns[k]);
		bool found = false;
		for (unsigned i = 0; c && i < index->n_columns; i++)
			found |= index->attnums[i] == c->attnum;
		if (!found)
			return false;
	}
	return true;
}

static bool arbiter_has_key(const struct rel *target, const struct node *infer)
{
	const char *name = node_text(infer, "conname");
	if (*name) {
		for (unsigned i = 0; i < target->table->n_indexes; i++)
			if (strcmp(target->table->indexes[i].name, name) == 0)
				return index_has_key(target, &target->table->indexes[i]);
		return true; /* there is none: PostgreSQL says so */
	}
	const struct node_list *elems = node_list(infer, "index_elems");
	for (unsigned k = 0; k < target->mapped->n_keys; k++) {
		bool found = false;
		for (unsigned i = 0; i < elems->n; i++)
			found |= strcmp(node_text(elems->items[i], "name"),
					target->mapped->key_columns[k]) == 0;
		if (!found)
			return false;
	}
	return true;
}

/* No unique index is on just these columns: PostgreSQL's own error (42P10). */
static bool arbiter_is_missing(const struct rel *target, const struct node *infer)
{
	const struct node_list *elems = node_list(infer, "index_elems");
	if (*node_text(infer, "conname"))
		return false;
	for (unsigned i = 0; i < target->table->n_indexes; i++) {
		const struct schema_index *x = &target->table->indexes[i];
		unsigned found = 0;
		if (!x->is_unique || x->has_expressions || x->n_columns != elems->n)
			continue;
		for (unsigned j = 0; j < elems->n; j++) {
			const struct schema_column *c = schema_find_column(
				target->table, node_text(elems->items[j], "name"));
			for (unsigned k = 0; c && k < x->n_columns; k++)
				found += x->attnums[k] == c->attnum;
		}
		if (found >= x->n_columns)
			return false;
	}
	for (unsigned i = 0; i < target->table->n_indexes; i++)
		if (target->table->indexes[i].is_unique &&
		    target->table->indexes[i].has_expressions)
			return false;
	return true;
}

static enum status check_conflict(struct build *b, const struct node *stmt,
				  const struct rel *target)
{
	static const char hint[] = "Name a unique index that contains the shard key.";
	const struct node *conflict = node_child(stmt, "on_conflict_clause");
	if (!conflict)
		return STATUS_OK;
	const struct node *infer = node_child(conflict, "infer");
	if (infer && !arbiter_has_key(target, infer) && !arbiter_is_missing(target, infer))
		return build_refuse(b, hint, "ON CONFLICT over columns without the shard key");
	for (unsigned i = 0; !infer && i < target->table->n_indexes; i++) {
		const struct schema_index *index = &target->table->indexes[i];
		if ((index->is_unique || index->is_exclusion) && !index_has_key(target, index))
			return build_refuse(b, hint,
					    "ON CONFLICT with unique index \"%s\", which lacks the "
					    "shard key",
					    index->name);
	}
	if (b->sets_key)
		return build_refuse(b, "Leave the shard key out of DO UPDATE SET.",
				    "a change of the shard key \"%s\"", b->sets_key);
	return STATUS_OK;
}

/* ---- VALUES of several rows ---- */
bool insert_find_rows(struct build *b, unsigned n_rows)
{
	if (!text_tokens(b))
		return false;
	unsigned i = text_find(b, 0, "values"), row = 0;
	struct plan_row *rows = arena_array(&b->plan->arena, struct plan_row, n_rows);
	for (i = i == UINT_MAX ? b->tokens.n : i + 1; i < b->tokens.n && row < n_rows; i++) {
		const struct token *t = &b->tokens.items[i];
		if (t->depth == 0 && t->code == TOKEN_OPEN)
			rows[row].at = t->start;
		if (t->depth == 0 && t->code == TOKEN_CLOSE) {
			rows[row].length = t->end - rows[row].at;
			row++;
		}
	}
	b->plan->rows = rows;
	return row == n_rows;
}

static void plan_rows(struct build *b, const struct census *c, struct level *top, unsigned n_rows)
{
	struct plan *p = b->plan;
	static const char hint[] = "Insert rows of one shard key at a time.";
	p->exact_text = true;
	scatter_date_literals(b);
	for (struct level *l = b->levels; l; l = l->next)
		if (l != top && l != top->source)
			scatter_refuse(b, hint, "a sub-query in VALUES of several rows");
	if (c->n_sharded > 1 || c->n_reference || c->n_single)
		scatter_refuse(b, hint, "other tables in an INSERT of several rows");
	if (!scatter_calls_are_safe(b) || !insert_find_rows(b, n_rows)) {
		scatter_refuse(b, hint, "VALUES of this form");
		p->refusal = b->scatter;
		return;
	}
	p->merge = MERGE_INSERT;
	build_explain(b, "%u rows, each to the owner of its key, atomically", n_rows);
}

static bool widths_match(const struct node *stmt, const struct rel *target,
			 const struct node_list *rows)
{
	const struct node_list *cols = node_list(stmt, "cols");
	for (unsigned i = 0; i < cols->n; i++)
		if (!schema_find_column(target->table, node_text(cols->items[i], "name")))
			return false;
	for (unsigned i = 0; rows && i < rows->n; i++) {
		unsigned n = node_list(rows->items[i], "items")->n;
		if (cols->n ? n != cols->n : n > target->n_columns)
			return false;
	}
	return true;
}

static enum status insert_values(struct build *b, const struct node *stmt, const struct census *c,
				 struct level *top, struct rel *target,
				 const struct node_list *rows)
{
	struct plan *p = b->plan;
	enum status st = fill_keys(b, stmt, target, rows);
	if (st != STATUS_OK)
		return st;
	if (c->n_sharded > 1 || c->n_single > 0) { /* sub-queries: all must meet this row's key */
		struct key_set keys = p->keys;
		if (keys.n_rows != 1)
			return build_refuse(b, "Insert one row at a time.",
					    "other tables in an INSERT of several rows");
		for (unsigned k = 0; k < keys.n_keys; k++)
			if (keys.sources[k].kind != KEY_NULL)
				graph_restrict(
					b, graph_key_var(b, target, k),
					arena_copy(b->a, &keys.sources[k], sizeof(*keys.sources)),
					1);
		return query_sharded(b, c, top);
	}
	p->target = TARGET_KEYS;
	p->distribution = c->distribution;
	p->uses_clock = b->calls.clock;
	build_explain(b, "routed by %s(%s)", b->map->distributions[c->distribution].name,
		      target->mapped->key_columns[0]);
	if (p->keys.n_rows > 1)
		plan_rows(b, c, top, p->keys.n_rows);
	return STATUS_OK;
}

/* INSERT … SELECT from co-located tables, the key from the key: each shard by itself. */
void scatter_insert(struct build *b, struct level *top)
{
	static const char hint[] = "Select and insert one shard key at a time.";
	struct level *source = top->source;
	if (!source || top->rels[0]->kind != REL_SHARDED || !scatter_is_plain(source)) {
		scatter_refuse(b, hint, "INSERT … SELECT of this form over several shards");
		return;
	}
	if (!scatter_common(b, source))
		return;
	b->plan->merge = MERGE_WRITE;
	build_explain(b, "each shard inserts what it selects, atomically");
}

/* A value for GENERATED ALWAYS AS IDENTITY, without OVERRIDING: whoever plans it says no. */
static bool always_is_given(const struct node *stmt, const struct rel *target,
			    const struct node_list *rows)
{
	if (node_int(stmt, "override") > OVERRIDE_NONE || !rows)
		return false;
	for (unsigned i = 0; i < target->n_columns; i++) {
		const char *name = target->table->columns[i].name;
		int at = item_of(stmt, target, name);
		for (unsigned r = 0; target->table->columns[i].identity == 'a' && r < rows->n;
		     r++) {
			const struct node_list *items = node_list(rows->items[r], "items");
			if (at >= 0 && (unsigned)at < items->n &&
			    !node_is(items->items[at], NODE_SetToDefault))
				return true;
		}
	}
	return false;
}

enum status plan_insert(struct build *b, const struct node *stmt, const struct census *c,
			struct level *top)
{
	struct rel *target = NULL;
	for (unsigned i = 0; i < top->n_rels; i++)
		if (top->rels[i]->is_target)
			target = top->rels[i];
	const struct node *select = node_child(stmt, "select_stmt");
	const struct node_list *rows = select ? node_list(select, "values_lists") : NULL;
	if (target->kind != REL_SHARDED && target->kind != REL_REFERENCE) {
		sequence_note(b, target->kind == REL_SINGLE ? target->table : NULL);
		return c->n_sharded ? query_sharded(b, c, top) : query_unsharded(b, c);
	}
	if (always_is_given(stmt, target, rows)) { /* 428C9 */
		build_explain(b, "home shard, which refuses it");
		return STATUS_OK;
	}
	bool is_values = !select || rows->n > 0,
	     fits = !is_values || widths_match(stmt, target, rows);
	if (!fits && target->kind == REL_SHARDED)
		return build_refuse(b, "Compare the column list with the values.",
				    "INSERT with columns that do not fit the table");
	enum status st = table_is_writable(b, target);
	if (st == STATUS_OK && fits)
		st = draw_plan(b, stmt, target, rows);
	if (st != STATUS_OK || b->plan->draw)
		return st;
	if (target->kind == REL_REFERENCE)
		return plan_reference_write(b, stmt, top);
	if (is_values && select &&
	    (node_list(select, "sort_clause")->n || node_child(select, "limit_count") ||
	     node_child(select, "limit_offset") || node_child(select, "with_clause")))
		return build_refuse(b, "Insert plain VALUES.",
				    "VALUES with ORDER BY, LIMIT or WITH");
	st = check_defaults(b, stmt, target, is_values ? rows : NULL);
	if (st == STATUS_OK)
		st = check_conflict(b, stmt, target);
	if (st != STATUS_OK)
		return st;
	return is_values ? insert_values(b, stmt, c, top, target, rows) : query_sharded(b, c, top);
}
