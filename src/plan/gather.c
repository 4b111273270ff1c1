/* Everything that cannot be merged is finished by one PostgreSQL.
 *
 * Each table of the statement becomes a source: the columns that the statement names, from the
 * shards that hold them. The rows travel to one shard as array parameters, and the client's own
 * text runs there with every table replaced by `(SELECT … FROM unnest($n …)) AS table`. So
 * grouping, windows, sub-queries, outer joins, set operations, order, types and errors are
 * PostgreSQL's own. Reference and single tables travel too: the finishing text reads no table,
 * and the whole statement has seen one snapshot of each shard.
 *
 * Refused is what the replacement would change: system columns, whole rows, schema.table.column,
 * ONLY, TABLESAMPLE, row locks, writes, types that cannot travel. GROUP BY of a primary key that
 * stands for other columns is PostgreSQL's error on the finishing text, which the executor turns
 * into a refusal. */
#include <limits.h>
#include <string.h>
#include "internal.h"

#define MAX_SOURCES 64
#define MAX_SHIPPED 1000

struct source {
	struct rel *rel;
	uint16_t first, n_columns;
};

struct gather {
	struct build *b;
	struct source sources[MAX_SOURCES];
	unsigned n_sources;
	struct shipping shipped[MAX_SHIPPED];
	unsigned n_shipped, n_params;
};

static bool is_table(const struct rel *r)
{
	return r->kind == REL_SHARDED || r->kind == REL_REFERENCE || r->kind == REL_SINGLE;
}

/* ---- may it be gathered at all ---- */

static bool calls_allow(const struct build *b)
{
	const struct calls *c = &b->calls;

	return !c->shard_bound && !c->system_column && !c->regclass && !c->whole_row &&
	       !c->user_operator && !c->schema_qualified && !c->sequence && !c->forbidden &&
	       !c->opaque && !c->session_value && !c->session_lock && !c->reads_tables;
}

static bool rels_allow(const struct build *b)
{
	for (unsigned i = 0; i < b->n_all; i++) {
		const struct rel *r = b->all[i];

		if (r->kind == REL_SYSTEM || r->kind == REL_VIEW || r->is_target || r->sampled)
			return false;
		if (is_table(r) &&
		    (!r->range || r->only || r->table->has_children || r->table->is_partition ||
		     (r->table->kind != 'r' && r->table->kind != 'm')))
			return false;
	}
	return true;
}

/* A volatile function below the top runs once or once a row as the plan happens to be, and ours has
 * other plans. */
static bool levels_allow(const struct build *b)
{
	for (const struct level *l = b->levels; l; l = l->next)
		if (l->writes || l->has_locking || (l->has_volatile && l->kind != LEVEL_TOP))
			return false;
	return true;
}

/* Equal intervals may look different (1 mon, 30 days): which one stands for a group is the plan's.
 */
static bool groups_intervals(const struct gather *g)
{
	bool groups = false, has_interval = false;

	for (const struct level *l = g->b->levels; l; l = l->next)
		groups |= l->is_grouped || l->has_distinct || l->left;
	for (unsigned i = 0; i < g->n_shipped; i++)
		has_interval |= g->shipped[i].base == OID_INTERVAL;
	return groups && has_interval;
}

/* ---- sources ---- */

/* A name that could not be resolved here may be any column: they all travel. */
static bool needs_all_columns(const struct build *b)
{
	for (unsigned i = 0; i < b->n_all; i++)
		if (b->all[i]->columns_unknown)
			return true;
	return false;
}

static bool add_column(struct gather *g, const struct schema_column *column)
{
	return g->n_shipped < MAX_SHIPPED && shipping_of(g->b, column, &g->shipped[g->n_shipped++]);
}

/* A table of which no column is named still has a number of rows. */
static bool add_any_column(struct gather *g, struct rel *r)
{
	for (unsigned i = 0; i < r->n_columns; i++) {
		r->columns[i].used = true;
		if (add_column(g, &r->table->columns[i]))
			return true;
		g->n_shipped--;
		r->columns[i].used = false;
	}
	return false;
}

static bool renames_columns(const struct rel *r)
{
	const struct node *alias = node_child(r->range, "alias");

	return alias && node_list(alias, "colnames")->n > 0;
}

static bool add_source(struct gather *g, struct rel *r, bool all)
{
	struct source *s = &g->sources[g->n_sources];

	if (g->n_sources++ == MAX_SOURCES)
		return false;
	*s = (struct source){ .rel = r, .first = (uint16_t)g->n_shipped };
	all |= renames_columns(r); /* by position */
	for (unsigned i = 0; i < r->n_columns; i++) {
		if (all)
			r->columns[i].used = true;
		if (r->columns[i].used && !add_column(g, &r->table->columns[i]))
			return false;
	}
	if (g->n_shipped == s->first && !add_any_column(g, r))
		return false;
	s->n_columns = (uint16_t)(g->n_shipped - s->first);
	return true;
}

static bool add_sources(struct gather *g)
{
	bool all = needs_all_columns(g->b);

	for (unsigned i = 0; i < g->b->n_all; i++)
		if (is_table(g->b->all[i]) && !add_source(g, g->b->all[i], all))
			return false;
	return g->n_sources > 0;
}

/* ---- what each shard is asked ---- */

static char *branch_columns(struct gather *g, const struct source *s)
{
	struct arena *a = g->b->a;
	char *out = arena_strdup(a, "");
	unsigned number = 0;

	for (; number < s->first; number++)
		out = arena_printf(a, "%s, NULL::%s", out, g->shipped[number].travel);
	for (unsigned i = 0; i < s->rel->n_columns; i++) {
		const char *name = s->rel->table->columns[i].name;

		if (!s->rel->columns[i].used)
			continue;
		out = arena_printf(a, "%s, %s::%s", out, names_quote(a, name),
				   g->shipped[number].travel);
		number++;
	}
	for (; number < g->n_shipped; number++)
		out = arena_printf(a, "%s, NULL::%s", out, g->shipped[number].travel);
	return out;
}

static void write_sources(struct gather *g)
{
	struct plan *p = g->b->plan;
	struct arena *a = &p->arena;

	p->sources = arena_array(a, struct plan_source, g->n_sources);
	p->n_sources = (uint16_t)g->n_sources;
	p->shipped = arena_array(a, uint32_t, g->n_shipped);
	p->n_shipped = (uint16_t)g->n_shipped;
	p->n_client_params = (uint16_t)g->n_params;
	for (unsigned i = 0; i < g->n_shipped; i++)
		p->shipped[i] = g->shipped[i].base;
	for (unsigned i = 0; i < g->n_sources; i++) {
		const struct source *s = &g->sources[i];
		const struct schema_relation *t = s->rel->table;

		p->sources[i] = (struct plan_source){
			.kind = s->rel->kind == REL_SHARDED	? SOURCE_SHARDED
				: s->rel->kind == REL_REFERENCE ? SOURCE_COPY
								: SOURCE_SINGLE,
			.shard = names_home(g->b, s->rel->mapped),
			.branch = arena_printf(a, "SELECT %u::pg_catalog.int4%s FROM %s.%s%s", i,
					       branch_columns(g, s), names_quote(a, t->schema),
					       names_quote(a, t->name), quals_of(g->b, s->rel)),
			.first = s->first,
			.n_columns = s->n_columns
		};
	}
}

/* ---- the finishing text ---- */

static char *source_text(struct gather *g, const struct source *s)
{
	struct arena *a = g->b->a;
	char *select = arena_strdup(a, ""), *params = select, *names = select;
	unsigned number = s->first;

	for (unsigned i = 0; i < s->rel->n_columns; i++) {
		const struct shipping *ship = &g->shipped[number];
		const char *comma = number > s->first ? ", " : "";

		if (!s->rel->columns[i].used)
			continue;
		select =
			arena_printf(a, "%s%sc%u::%s%s AS %s", select, comma, number, ship->type,
				     ship->collate, names_quote(a, s->rel->table->columns[i].name));
		params = arena_printf(a, "%s%s$%u", params, comma, g->n_params + number + 1);
		names = arena_printf(a, "%s%sc%u", names, comma, number);
		number++;
	}
	/* With several arguments the bare name is the grammar's own, and pg_catalog's whatever the
	 * search path says. */
	return arena_printf(a, "(SELECT %s FROM %sunnest(%s) AS u(%s))", select,
			    s->n_columns > 1 ? "" : "pg_catalog.", params, names);
}

static unsigned token_at(const struct build *b, int at)
{
	for (unsigned i = 0; at >= 0 && i < b->tokens.n; i++)
		if (b->tokens.items[i].start == (uint32_t)at)
			return i;
	return UINT_MAX;
}

/* The name in FROM becomes the sub-query; a table without an alias keeps its name as one. */
static bool replace_table(struct gather *g, const struct source *s)
{
	struct build *b = g->b;
	const struct node *range = s->rel->range;
	unsigned first = token_at(b, range->at);
	unsigned last = first + (*node_text(range, "schemaname") ? 2 : 0);
	const char *alias = "";

	if (first == UINT_MAX || last >= b->tokens.n)
		return false;
	if (!node_child(range, "alias"))
		alias = arena_printf(b->a, " AS %s", names_quote(b->a, s->rel->table->name));
	text_splice(b, b->tokens.items[first].start,
		    b->tokens.items[last].end - b->tokens.items[first].start,
		    arena_printf(b->a, "%s%s", source_text(g, s), alias));
	return true;
}

static bool write_finish(struct gather *g)
{
	struct plan *p = g->b->plan;

	if (!text_tokens(g->b))
		return false;
	text_forget(g->b);
	for (unsigned i = 0; i < g->n_sources; i++)
		if (!replace_table(g, &g->sources[i]))
			return false;
	text_apply(g->b);
	p->finish_text = p->text;
	return true;
}

/* What an earlier attempt has left. */
static void forget_attempt(struct plan *p)
{
	p->text = p->finish_text = NULL;
	p->splices = NULL;
	p->n_splices = p->n_sort = p->n_partials = 0;
	p->sort = NULL;
	p->limit = p->offset = (struct plan_count){ .kind = COUNT_NONE };
}

bool gather_plan(struct build *b, const struct census *c)
{
	struct gather *g = arena_new(b->a, struct gather);
	struct plan *p = b->plan;

	if (b->unresolved || !node_is(b->tree, NODE_SelectStmt) ||
	    node_child(b->tree, "into_clause") || !calls_allow(b) || !rels_allow(b) ||
	    !levels_allow(b))
		return false;
	memset(g, 0, sizeof(*g));
	g->b = b;
	g->n_params = b->req->scan->max_param;
	if (!add_sources(g) || groups_intervals(g))
		return false;
	forget_attempt(p);
	if (!write_finish(g)) {
		forget_attempt(p);
		return false;
	}
	write_sources(g);
	p->text = NULL;
	p->n_splices = 0;
	p->exact_text = true;
	p->merge = MERGE_GATHER;
	p->refusal = b->scatter; /* why nothing cheaper would do */
	if (p->target != TARGET_KEYS || c->n_single > 0)
		p->target = TARGET_EVERY;
	p->must_be_shard = -1;
	build_explain(b, "rows of %u table%s brought to one shard and finished there: %s",
		      g->n_sources, g->n_sources == 1 ? "" : "s", p->finish_text);
	return true;
}
