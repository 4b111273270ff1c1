/* Prepared statements, shared by a worker's clients: text, plan, description.
 *
 * Key: text, declared types, context. A client's name refers to one of these; so does its
 * unnamed statement. On servers it is called mosaic_<id> and is prepared when first needed
 * there. Unused ones stay, oldest out first, while they are under STATEMENT_BYTES. */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"
#include "pgmosaic/base/mem.h"

#define STATEMENT_BYTES (16u << 20)

void statements_init(struct statement_cache *c)
{
	table_init(&c->by_hash);
	list_init(&c->recent);
	c->n = 0;
	c->n_bytes = 0;
	c->next_id = 1;
}

static size_t prepared_bytes(const struct prepared *p)
{
	return sizeof(*p) + p->n_text + sizeof(struct scan) + p->n_description;
}

static void prepared_forget_plan(struct prepared *p)
{
	plan_drop(p->plan);
	p->plan = NULL;
	free(p->param_types);
	free(p->description);
	p->param_types = NULL;
	p->description = NULL;
	p->is_described = false;
}

static void prepared_free(struct worker *w, struct prepared *p)
{
	table_remove(&w->statements.by_hash, p->hash, p);
	list_remove(&p->node);
	w->statements.n--;
	w->statements.n_bytes -= prepared_bytes(p) - p->n_description;
	prepared_forget_plan(p);
	free(p->text);
	free(p->types);
	free(p->scan);
	buf_finish(&p->notices);
	free(p);
}

static void statements_trim(struct worker *w)
{
	struct list *node = w->statements.recent.prev, *before;

	for (; node != &w->statements.recent && w->statements.n_bytes > STATEMENT_BYTES;
	     node = before) {
		struct prepared *p = list_entry(node, struct prepared, node);

		before = node->prev;
		if (p->refs == 0)
			prepared_free(w, p);
	}
}

void statements_finish(struct worker *w)
{
	while (!list_is_empty(&w->statements.recent))
		prepared_free(w, list_entry(w->statements.recent.next, struct prepared, node));
	table_finish(&w->statements.by_hash);
}

struct prepared_key {
	struct str text;
	const uint8_t *types;
	uint16_t n_types;
	uint64_t context;
};

static bool prepared_matches(const void *value, const void *key)
{
	const struct prepared *p = value;
	const struct prepared_key *k = key;

	if (p->n_text != k->text.n || p->n_types != k->n_types || p->context != k->context ||
	    memcmp(p->text, k->text.p, p->n_text) != 0)
		return false;
	for (uint16_t i = 0; i < k->n_types; i++)
		if (p->types[i] != wire_get_u32(k->types + 4u * i))
			return false;
	return true;
}

static struct prepared *prepared_make(struct worker *w, const struct prepared_key *k, uint64_t hash)
{
	struct prepared *p = mem_zero(1, sizeof(*p));

	p->id = w->statements.next_id++;
	snprintf(p->name, sizeof(p->name), "mosaic_%llu", (unsigned long long)p->id);
	p->hash = hash;
	p->n_text = k->text.n;
	p->text = mem_alloc(k->text.n + 1);
	memcpy(p->text, k->text.p, k->text.n);
	p->text[k->text.n] = 0;
	p->n_types = k->n_types;
	p->types = mem_alloc(sizeof(uint32_t) * (k->n_types + 1u));
	for (uint16_t i = 0; i < k->n_types; i++)
		p->types[i] = wire_get_u32(k->types + 4u * i);
	p->context = k->context;
	buf_init(&p->notices, 0);
	p->scan = mem_alloc(sizeof(*p->scan));
	scan_text((struct str){ p->text, p->n_text }, p->scan);
	table_put(&w->statements.by_hash, hash, p);
	list_push_front(&w->statements.recent, &p->node);
	w->statements.n++;
	w->statements.n_bytes += prepared_bytes(p);
	return p;
}

struct prepared *prepared_get(struct session *s, struct str text, const uint8_t *types,
			      uint16_t n_types)
{
	struct worker *w = s->w;
	struct prepared_key k = { text, types, n_types, s->context };
	uint64_t hash = hash_bytes(text.p, text.n, s->context);
	struct prepared *p = table_find(&w->statements.by_hash, hash, prepared_matches, &k);

	if (!p) {
		statements_trim(w);
		p = prepared_make(w, &k, hash);
	}
	p->refs++;
	return p;
}

struct prepared *prepared_again(struct session *s, const struct prepared *p)
{
	bool fixed = p->is_described; /* what was inferred once stays */
	uint16_t n = fixed ? p->n_params : p->n_types;
	const uint32_t *from = fixed ? p->param_types : p->types;
	uint8_t *types = mem_alloc(4u * n + 1u);
	struct prepared *again;

	for (uint16_t i = 0; i < n; i++)
		wire_set_u32(types + 4u * i, from[i]);
	again = prepared_get(s, (struct str){ p->text, p->n_text }, types, n);
	free(types);
	return again;
}

void prepared_drop(struct worker *w, struct prepared *p)
{
	if (!p)
		return;
	(void)w;
	p->refs--;
}

void prepared_renew(struct prepared *p, uint64_t version)
{
	if (p->plan_world == version)
		return;
	prepared_forget_plan(p);
	p->plan_world = version;
}

/* The plan under the present world; what the home shard said is part of what it needs. */
enum status prepared_plan(struct session *s, struct prepared *p, struct err *err)
{
	uint64_t version = session_world(s)->version;
	const uint32_t *types = p->is_described ? p->param_types : p->types;
	uint16_t n = p->is_described ? p->n_params : p->n_types;
	struct plan *plan;
	enum status st;

	if (p->plan_world != version) {
		types = p->types;
		n = p->n_types;
	}
	prepared_renew(p, version);
	if (p->plan && !(p->plan->needs_param_types && p->is_described))
		return STATUS_OK;
	st = plans_get(s, (struct str){ p->text, p->n_text }, p->scan, types, n, &plan, err);
	if (st != STATUS_OK)
		return st;
	plan_drop(p->plan);
	p->plan = plan;
	return STATUS_OK;
}
