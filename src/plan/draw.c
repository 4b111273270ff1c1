/* INSERT whose sequence values the proxy must know: the shard key, which decides where the row
 * goes, and every column of a reference table, which must be the same in all copies.
 *
 * The text is cut at the places where a value belongs. When the statement runs, values are drawn
 * and put there, and the text that results is planned like any other: it gives all its values
 * itself. Identity columns obey OVERRIDING before anybody looks at what was given for them. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

/* Replace `removed` bytes at `at` by before, a drawn value (slot ≥ 0), after. */
struct edit {
	uint32_t at, removed;
	const char *before, *after;
	const struct schema_column *column; /* NULL: text only */
};

struct draw {
	struct build *b;
	const struct node *stmt;
	const struct rel *target;
	const struct node_list *rows, *cols;
	int64_t override;
	struct edit *edits;
	unsigned n_edits, n_slots;
	unsigned values; /* token VALUES, or DEFAULT of DEFAULT VALUES */
};

/* ---- what must be drawn ---- */

static int item_of(const struct draw *d, const char *column)
{
	for (unsigned i = 0; i < d->cols->n; i++)
		if (strcmp(node_text(d->cols->items[i], "name"), column) == 0)
			return (int)i;
	for (unsigned i = 0; d->cols->n == 0 && i < d->target->n_columns; i++)
		if (strcmp(d->target->table->columns[i].name, column) == 0)
			return (int)i;
	return -1;
}

static bool is_key(const struct rel *target, const char *column)
{
	for (unsigned k = 0; k < target->mapped->n_keys; k++)
		if (strcmp(target->mapped->key_columns[k], column) == 0)
			return true;
	return false;
}

static bool concerns(const struct rel *target, const struct schema_column *c)
{
	return sequence_feeds(c) && (target->kind == REL_REFERENCE || is_key(target, c->name));
}

/* The default is nextval() itself and not an expression around it. */
static bool is_plain(const struct schema_column *c)
{
	const char *text = c->default_text, *end;
	if (c->identity)
		return true;
	if (!text || strncmp(text, "nextval('", 9) != 0)
		return false;
	end = strstr(text, "'::regclass)");
	return end && end[12] == '\0';
}

static const struct node *item_in(const struct draw *d, unsigned row, int at)
{
	const struct node_list *items = d->rows ? node_list(d->rows->items[row], "items") : NULL;
	return items && at >= 0 && (unsigned)at < items->n ? items->items[at] : NULL;
}

static bool is_select(const struct draw *d)
{
	return d->rows && d->rows->n == 0;
}

static bool is_given(const struct draw *d, const struct schema_column *c, unsigned row)
{
	int at = item_of(d, c->name);
	if (c->identity && d->override == OVERRIDE_USER)
		return false;
	if (is_select(d))
		return at >= 0;
	const struct node *item = item_in(d, row, at);
	return item && !node_is(item, NODE_SetToDefault);
}

static unsigned n_rows_of(const struct draw *d)
{
	return d->rows && d->rows->n ? d->rows->n : 1;
}

static bool any_drawn(const struct draw *d, const struct schema_column *c)
{
	for (unsigned i = 0; i < n_rows_of(d); i++)
		if (!is_given(d, c, i))
			return true;
	return false;
}

/* ---- the edits ---- */

static void add_edit(struct draw *d, uint32_t at, uint32_t removed, const char *before,
		     const struct schema_column *column, const char *after)
{
	d->edits[d->n_edits++] = (struct edit){ at, removed, before, after, column };
	d->n_slots += column != NULL;
}

/* The bytes of one item of a row. */
static bool item_bytes(struct draw *d, unsigned row, unsigned item, uint32_t *at, uint32_t *n)
{
	const struct plan_row *r = &d->b->plan->rows[row];
	const struct token_list *all = &d->b->tokens;
	unsigned i = 0, index = 0;
	while (i < all->n && all->items[i].start < r->at)
		i++;
	*at = all->items[++i].start;
	for (; i < all->n && all->items[i].end <= r->at + r->length; i++) {
		const struct token *t = &all->items[i];
		bool ends =
			t->end == r->at + r->length || (t->depth == 1 && t->code == TOKEN_COMMA);
		if (!ends)
			continue;
		if (index++ == item) {
			*n = all->items[i - 1].end - *at;
			return true;
		}
		*at = all->items[i + 1].start;
	}
	return false;
}

static bool edit_row(struct draw *d, const struct schema_column *c, unsigned row)
{
	int at = item_of(d, c->name);
	uint32_t from, n;
	if (is_given(d, c, row))
		return true;
	if (item_in(d, row, at)) {
		if (!item_bytes(d, row, (unsigned)at, &from, &n))
			return false;
		add_edit(d, from, n, "", c, "");
		return true;
	}
	const struct plan_row *r = &d->b->plan->rows[row];
	add_edit(d, r->at + r->length - 1, 0, ", ", c, "");
	return true;
}

/* Columns that no list names get into one. */
static bool edit_list(struct draw *d, const struct schema_column *c, bool *has_list)
{
	struct build *b = d->b;
	unsigned width = d->rows->n ? node_list(d->rows->items[0], "items")->n : 0;
	if (d->cols->n == 0 && !*has_list) {
		const char *list = "";
		for (unsigned i = 0; i < width; i++)
			list = arena_printf(b->a, "%s%s%s", list, i ? ", " : "",
					    names_quote(b->a, d->target->table->columns[i].name));
		add_edit(d, b->tokens.items[d->values].start, 0,
			 arena_printf(b->a, "(%s, %s) ", list, names_quote(b->a, c->name)), NULL,
			 "");
		*has_list = true;
		return true;
	}
	if (d->cols->n == 0)
		return false; /* two such columns: too rare to be worth it */
	for (unsigned i = 0; i < d->values; i++) {
		const struct token *t = &b->tokens.items[i];
		if (t->depth != 0 || t->code != TOKEN_CLOSE)
			continue;
		add_edit(d, t->start, 0, arena_printf(b->a, ", %s", names_quote(b->a, c->name)),
			 NULL, "");
		return true;
	}
	return false;
}

static bool edit_default_values(struct draw *d, const struct schema_column *c)
{
	struct build *b = d->b;
	uint32_t at = b->tokens.items[d->values].start;
	if (d->n_slots > 0)
		return false;
	add_edit(d, at, b->tokens.items[d->values + 1].end - at,
		 arena_printf(b->a, "(%s) %sVALUES (", names_quote(b->a, c->name),
			      c->identity ? "OVERRIDING SYSTEM VALUE " : ""),
		 c, ")");
	return true;
}

static bool edit_column(struct draw *d, const struct schema_column *c, bool *has_list)
{
	if (!d->rows)
		return edit_default_values(d, c);
	int at = item_of(d, c->name);
	if ((at < 0 || !item_in(d, 0, at)) && !edit_list(d, c, has_list))
		return false;
	for (unsigned i = 0; i < d->rows->n; i++)
		if (!edit_row(d, c, i))
			return false;
	return true;
}

/* What the proxy gives for an identity column must count. */
static bool edit_overriding(struct draw *d)
{
	struct build *b = d->b;
	unsigned n_identity = 0, at = text_find(b, 0, "overriding");
	for (unsigned i = 0; i < d->target->n_columns; i++)
		n_identity += d->target->table->columns[i].identity != 0;
	if (n_identity == 0 || d->override == OVERRIDE_SYSTEM || !d->rows)
		return true;
	if (d->override != OVERRIDE_USER) {
		add_edit(d, b->tokens.items[d->values].start, 0, "OVERRIDING SYSTEM VALUE ", NULL,
			 "");
		return true;
	}
	if (n_identity > 1 || at == UINT_MAX || at + 1 >= b->tokens.n)
		return false;
	add_edit(d, b->tokens.items[at + 1].start,
		 b->tokens.items[at + 1].end - b->tokens.items[at + 1].start, "SYSTEM", NULL, "");
	return true;
}

/* ---- cutting the text ---- */

static int by_place(const void *x, const void *y)
{
	const struct edit *a = x, *b = y;
	return a->at < b->at ? -1 : a->at > b->at;
}

/* Edits of one place keep their order. */
static void sort_edits(struct draw *d)
{
	for (unsigned i = 1; i < d->n_edits; i++)
		for (unsigned k = i; k > 0 && by_place(&d->edits[k - 1], &d->edits[k]) > 0; k--) {
			struct edit swap = d->edits[k];
			d->edits[k] = d->edits[k - 1];
			d->edits[k - 1] = swap;
		}
}

static void cut(struct draw *d, struct plan_draw *out)
{
	struct arena *a = &d->b->plan->arena;
	struct str text = d->b->req->text;
	const char *piece = "";
	size_t done = 0;
	out->pieces = arena_array(a, const char *, d->n_slots + 1);
	out->slots = arena_array(a, struct plan_slot, d->n_slots + 1);
	for (unsigned i = 0; i < d->n_edits; i++) {
		const struct edit *e = &d->edits[i];
		piece = arena_printf(d->b->a, "%s%.*s%s", piece, (int)(e->at - done), text.p + done,
				     e->before);
		done = e->at + e->removed;
		if (!e->column) {
			piece = arena_printf(d->b->a, "%s%s", piece, e->after);
			continue;
		}
		out->pieces[out->n_slots] = arena_strdup(a, piece);
		out->slots[out->n_slots++] =
			(struct plan_slot){ arena_strdup(a, e->column->sequence_schema),
					    arena_strdup(a, e->column->sequence) };
		piece = e->after;
	}
	out->pieces[out->n_slots] =
		arena_printf(a, "%s%.*s", piece, (int)(text.n - done), text.p + done);
}

/* ---- the whole ---- */

static enum status check_column(struct draw *d, const struct schema_column *c)
{
	struct build *b = d->b;
	enum status st = sequence_allows(b, d->target->table, c);
	if (st != STATUS_OK)
		return st;
	if (is_select(d))
		return build_refuse(b, "Insert the rows as VALUES.",
				    "INSERT … SELECT without column \"%s\", which the proxy draws",
				    c->name);
	if (!is_plain(c))
		return build_refuse(b, "Give the value in the statement.",
				    "the default of column \"%s\" is an expression with nextval()",
				    c->name);
	return STATUS_OK;
}

static bool find_places(struct draw *d)
{
	struct build *b = d->b;
	if (!text_tokens(b))
		return false;
	d->values = text_find(b, 0, d->rows ? "values" : "default");
	if (d->values == UINT_MAX || d->values + 1 >= b->tokens.n)
		return false;
	return !d->rows || insert_find_rows(b, d->rows->n);
}

static enum status make(struct draw *d)
{
	struct build *b = d->b;
	struct plan *p = b->plan;
	const struct schema_relation *t = d->target->table;
	unsigned most = (n_rows_of(d) + 2) * (t->n_columns + 2u);
	bool ok = find_places(d), has_list = false;
	d->edits = arena_array(b->a, struct edit, most);
	for (unsigned i = 0; ok && i < d->target->n_columns; i++)
		if (concerns(d->target, &t->columns[i]) && any_drawn(d, &t->columns[i]))
			ok = edit_column(d, &t->columns[i], &has_list);
	ok = ok && edit_overriding(d); /* behind a list that was put in front of VALUES */
	if (!ok || (has_list && d->override > OVERRIDE_NONE))
		return build_refuse(b, "Name the columns, and give every row its values.",
				    "INSERT of this form with values that the proxy draws");
	sort_edits(d);
	p->draw = arena_new(&p->arena, struct plan_draw);
	cut(d, p->draw);
	p->draws = false;
	p->exact_text = true;
	p->target = TARGET_SHARD;
	p->shard = b->map->home;
	build_explain(b, "the proxy draws %u value%s, then plans the statement with %s", d->n_slots,
		      d->n_slots == 1 ? "" : "s", d->n_slots == 1 ? "it" : "them");
	return STATUS_OK;
}

enum status draw_plan(struct build *b, const struct node *stmt, const struct rel *target,
		      const struct node_list *rows)
{
	struct draw d = { .b = b,
			  .stmt = stmt,
			  .target = target,
			  .rows = rows,
			  .cols = node_list(stmt, "cols"),
			  .override = node_int(stmt, "override") };
	bool any = false;
	for (unsigned i = 0; i < target->n_columns; i++) {
		const struct schema_column *c = &target->table->columns[i];
		if (!concerns(target, c) || !any_drawn(&d, c))
			continue;
		enum status st = check_column(&d, c);
		if (st != STATUS_OK)
			return st;
		any = true;
	}
	return any ? make(&d) : STATUS_OK;
}
