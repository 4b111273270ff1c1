/* Is every sharded instance restricted to given keys? Then their owners, and no other
 * shard, hold all rows that matter. */
#include <string.h>
#include "internal.h"
#include "pgmosaic/key/type.h"

enum { ROUTE_MAX_TUPLES = 4096 };

struct tuples {
	struct key_source *sources;
	unsigned n, size; /* in sources */
	unsigned n_keys;
};

static bool same_source(const struct key_source *x, const struct key_source *y)
{
	return x->kind == y->kind && x->index == y->index && x->negative == y->negative &&
	       x->type_oid == y->type_oid && x->column_type == y->column_type &&
	       str_eq(x->text, y->text);
}

static void add_tuple(struct build *b, struct tuples *t, const struct key_source *tuple)
{
	for (unsigned i = 0; i < t->n; i += t->n_keys) {
		unsigned k = 0;
		while (k < t->n_keys && same_source(&t->sources[i + k], &tuple[k]))
			k++;
		if (k == t->n_keys)
			return;
	}
	for (unsigned k = 0; k < t->n_keys; k++) {
		grow(b, t->sources, t->n, t->size);
		t->sources[t->n++] = tuple[k];
	}
}

/* Every combination of the key columns' values. */
static bool add_product(struct build *b, struct tuples *t, const struct set **sets,
			const uint32_t *types)
{
	unsigned total = 1;
	for (unsigned k = 0; k < t->n_keys; k++) {
		total *= sets[k]->n;
		if (total > ROUTE_MAX_TUPLES)
			return false;
	}
	for (unsigned i = 0; i < total; i++) {
		struct key_source tuple[MAP_MAX_KEYS];
		unsigned rest = i;
		for (unsigned k = 0; k < t->n_keys; k++) {
			tuple[k] = sets[k]->sources[rest % sets[k]->n];
			tuple[k].column_type = types[k];
			rest /= sets[k]->n;
		}
		add_tuple(b, t, tuple);
	}
	return true;
}

static bool add_instance(struct build *b, struct tuples *t, struct rel *r)
{
	const struct set *sets[MAP_MAX_KEYS];
	uint32_t types[MAP_MAX_KEYS];
	for (unsigned k = 0; k < t->n_keys; k++) {
		int var = graph_key_var(b, r, k);
		sets[k] = graph_set_of(b, var);
		if (!sets[k])
			return false;
		types[k] = b->vars[var].type;
		for (unsigned i = 0; t->n_keys > 1 && i < sets[k]->n; i++)
			if (sets[k]->sources[i].kind == KEY_PARAM_ARRAY)
				return false;
	}
	return add_product(b, t, sets, types);
}

bool route_by_key(struct build *b)
{
	struct tuples t = { 0 };
	for (unsigned i = 0; i < b->n_all; i++) {
		struct rel *r = b->all[i];
		if (r->kind != REL_SHARDED)
			continue;
		t.n_keys = r->mapped->n_keys;
		if (!add_instance(b, &t, r))
			return false;
	}
	if (t.n_keys == 0 || t.n == 0)
		return false;
	struct key_set *keys = &b->plan->keys;
	keys->n_keys = (uint16_t)t.n_keys;
	keys->n_rows = t.n / t.n_keys;
	keys->sources = arena_copy(&b->plan->arena, t.sources, sizeof(*t.sources) * t.n);
	return true;
}

static bool is_array_type(uint32_t oid)
{
	return key_type_of_array(oid) != NULL;
}

static uint32_t array_of(uint32_t element)
{
	const struct key_type *t = key_type_of(element);
	return t ? t->array : 0;
}

uint32_t route_declared(const struct build *b, uint16_t param)
{
	uint32_t type = param <= b->req->n_param_types ? b->req->param_types[param - 1] : 0;
	return type == OID_UNKNOWN ? 0 : type;
}

/* LIMIT $1 is cut out of the shards' text: its type must be declared there. */
static void count_param(struct build *b, const struct plan_count *c)
{
	if (c->kind == COUNT_PARAM && !route_declared(b, c->param))
		b->plan->needs_param_types = true;
}

void route_params(struct build *b)
{
	struct plan *p = b->plan;
	p->n_params = b->req->scan->max_param;
	p->param_types = arena_array(&p->arena, uint32_t, p->n_params + 1u);
	for (unsigned i = 0; i < p->n_params; i++)
		p->param_types[i] = route_declared(b, (uint16_t)(i + 1));
	count_param(b, &p->limit);
	count_param(b, &p->offset);
	size_t n = (size_t)p->keys.n_rows * p->keys.n_keys;
	for (size_t i = 0; i < n; i++) {
		const struct key_source *s = &p->keys.sources[i];
		bool is_array = s->kind == KEY_PARAM_ARRAY;
		if ((s->kind != KEY_PARAM && !is_array) || s->index > p->n_params)
			continue;
		uint32_t *type = &p->param_types[s->index - 1];
		if (*type == 0 && s->index <= b->n_param_uses && b->param_uses[s->index - 1] > 1)
			p->needs_param_types = true;
		else if (*type == 0)
			*type = is_array ? array_of(s->type_oid) : s->type_oid;
		else if (is_array && !is_array_type(*type))
			p->needs_param_types = true;
	}
}
