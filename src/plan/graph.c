/* The graph of columns: who restricts whom. */
#include <string.h>
#include "internal.h"

int graph_new_var(struct build *b, struct rel *rel, const char *name, uint32_t type,
		  uint32_t collation)
{
	grow(b, b->vars, b->n_vars, b->vars_size);
	enum family family = type_family(type);
	if ((family == FAMILY_TEXT || family == FAMILY_BPCHAR) && !collation_is_plain(collation))
		family = FAMILY_NONE;
	b->vars[b->n_vars] =
		(struct var){ .rel = rel,
			      .column = name,
			      .is_ordered = collation == 0 || collation == COLLATION_C ||
					    collation == COLLATION_POSIX,
			      .family = family,
			      .type = type };
	return (int)b->n_vars++;
}

int graph_var(struct build *b, struct rel *rel, struct column *column)
{
	if (column->var < 0)
		column->var = graph_new_var(b, rel, column->name, column->type, column->collation);
	column->used = true;
	return column->var;
}

void graph_edge(struct build *b, int from, int to, const struct cte *only_if_once)
{
	if (from < 0 || to < 0 || from == to)
		return;
	if (b->vars[from].family == FAMILY_NONE || b->vars[from].family != b->vars[to].family)
		return;
	grow(b, b->edges, b->n_edges, b->edges_size);
	b->edges[b->n_edges++] = (struct edge){ from, to, only_if_once };
}

void graph_tie(struct build *b, int x, int y)
{
	graph_edge(b, x, y, NULL);
	graph_edge(b, y, x, NULL);
}

void graph_restrict(struct build *b, int var, struct key_source *sources, unsigned n)
{
	grow(b, b->sets, b->n_sets, b->sets_size);
	b->sets[b->n_sets++] = (struct set){ var, n, sources };
}

/* Marks every variable that `start` reaches along the edges, or against them. */
static void flood(const struct build *b, int start, bool against, bool *seen)
{
	int *todo = arena_array(b->a, int, b->n_vars);
	unsigned n = 0;
	todo[n++] = start;
	seen[start] = true;
	while (n > 0) {
		int at = todo[--n];
		for (unsigned i = 0; i < b->n_edges; i++) {
			const struct edge *e = &b->edges[i];
			int here = against ? e->to : e->from, there = against ? e->from : e->to;
			if (here != at || seen[there])
				continue;
			if (e->only_if_once && e->only_if_once->n_refs != 1)
				continue;
			seen[there] = true;
			todo[n++] = there;
		}
	}
}

bool graph_reaches(const struct build *b, int from, int to)
{
	if (from < 0 || to < 0)
		return false;
	bool *seen = arena_array(b->a, bool, b->n_vars);
	flood(b, from, false, seen);
	return seen[to];
}

const struct set *graph_set_of(const struct build *b, int var)
{
	if (var < 0 || b->n_sets == 0)
		return NULL;
	const struct set *best = NULL;
	bool *seen = arena_array(b->a, bool, b->n_vars);
	flood(b, var, true, seen);
	for (unsigned i = 0; i < b->n_sets; i++)
		if (seen[b->sets[i].var] && (!best || b->sets[i].n < best->n))
			best = &b->sets[i];
	return best;
}

void graph_bound(struct build *b, int var, enum plan_bound_op op, const struct key_source *source)
{
	grow(b, b->bounds, b->n_bounds, b->bounds_size);
	b->bounds[b->n_bounds++] = (struct bound){ var, { op, *source } };
}

struct key_interval graph_interval_of(const struct build *b, int var)
{
	struct key_interval in = { .n = 0 };
	bool *seen = arena_array(b->a, bool, b->n_vars);
	if (var < 0 || b->n_bounds == 0)
		return in;
	flood(b, var, true, seen);
	in.bounds = arena_array(&b->plan->arena, struct key_bound, b->n_bounds);
	for (unsigned i = 0; i < b->n_bounds && in.n < UINT16_MAX; i++) {
		if (!seen[b->bounds[i].var])
			continue;
		in.bounds[in.n] = b->bounds[i].of;
		in.bounds[in.n++].source.column_type = b->vars[var].type;
	}
	return in;
}

int graph_key_var(struct build *b, struct rel *rel, unsigned key)
{
	if (!rel->mapped || key >= rel->mapped->n_keys)
		return -1;
	for (unsigned i = 0; i < rel->n_columns; i++) {
		struct column *c = &rel->columns[i];

		if (!rel->table ||
		    strcmp(rel->table->columns[i].name, rel->mapped->key_columns[key]) != 0)
			continue;
		bool was_used = c->used;
		int var = graph_var(b, rel, c);
		c->used = was_used;
		return var;
	}
	return -1;
}
