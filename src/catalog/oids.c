#include "pgmosaic/catalog/oids.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/mem.h"

struct oids {
	_Atomic unsigned refs;
	struct arena arena;
	struct shard_oids *shards;
	unsigned n_shards;
	const struct shard_oids *differing;
};

static const struct oid_deep built_in[] = {
	{ 2249, 0, FORM_COMPOSITE }, /* record */
	{ 2287, 2249, FORM_ARRAY },  /* record[] */
};

static int compare_names(const void *a, const void *b)
{
	const struct oid_name *x = a, *y = b;

	return x->kind != y->kind ? x->kind - y->kind : strcmp(x->name, y->name);
}

static int compare_pairs(const void *a, const void *b)
{
	const struct oid_pair *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

static int compare_columns(const void *a, const void *b)
{
	const struct oid_column *x = a, *y = b;

	if (x->relation != y->relation)
		return x->relation < y->relation ? -1 : 1;
	return x->shard_attnum - y->shard_attnum;
}

static int compare_deep(const void *a, const void *b)
{
	const struct oid_deep *x = a, *y = b;

	return x->type < y->type ? -1 : x->type > y->type;
}

/* ---- comparing ---- */

struct building {
	struct arena *arena;
	const struct oid_names *home, *shard;
	struct shard_oids *out;
};

static const struct oid_name *home_name(const struct building *b, const struct oid_name *name)
{
	return bsearch(name, b->home->all, b->home->n, sizeof(*name), compare_names);
}

/* The number of the column `name` (n bytes) in "1 a\n2 b\n"; 0: there is none. */
static int16_t number_of(const char *columns, const char *name, size_t n)
{
	while (*columns) {
		char *at;
		long number = strtol(columns, &at, 10);
		size_t length = strcspn(++at, "\n");

		if (length == n && memcmp(at, name, n) == 0)
			return (int16_t)number;
		columns = at + length + (at[length] == '\n');
	}
	return 0;
}

static void add_columns(struct building *b, const struct oid_name *shard,
			const struct oid_name *home)
{
	const char *p = shard->columns;

	if (strcmp(shard->columns, home->columns) == 0)
		return;
	while (*p) {
		char *at;
		long number = strtol(p, &at, 10);
		size_t length = strcspn(++at, "\n");
		int16_t there = number_of(home->columns, at, length);

		if (there != number)
			b->out->columns[b->out->n_columns++] =
				(struct oid_column){ home->oid, (int16_t)number, there };
		p = at + length + (at[length] == '\n');
	}
}

static uint32_t count_columns(const struct oid_names *names)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < names->n; i++)
		for (const char *p = names->all[i].columns; *p; p++)
			n += *p == '\n';
	return n;
}

static void add_pair(struct building *b, const struct oid_name *shard, const struct oid_name *home)
{
	struct shard_oids *o = b->out;

	if (shard->kind == 'r')
		add_columns(b, shard, home);
	if (shard->oid == home->oid)
		return;
	if (shard->kind == 'r') {
		o->relations_to_home[o->n_relations++] = (struct oid_pair){ shard->oid, home->oid };
		return;
	}
	o->types_to_home[o->n_types] = (struct oid_pair){ shard->oid, home->oid };
	o->types_to_shard[o->n_types++] = (struct oid_pair){ home->oid, shard->oid };
}

static void compare_shard(struct building *b)
{
	struct shard_oids *o = b->out;
	uint32_t n = b->shard->n + 1;

	o->types_to_home = arena_array(b->arena, struct oid_pair, n);
	o->types_to_shard = arena_array(b->arena, struct oid_pair, n);
	o->relations_to_home = arena_array(b->arena, struct oid_pair, n);
	o->columns = arena_array(b->arena, struct oid_column, count_columns(b->shard) + 1);
	for (uint32_t i = 0; i < b->shard->n; i++) {
		const struct oid_name *home = home_name(b, &b->shard->all[i]);

		if (home)
			add_pair(b, &b->shard->all[i], home);
	}
	qsort(o->types_to_home, o->n_types, sizeof(struct oid_pair), compare_pairs);
	qsort(o->types_to_shard, o->n_types, sizeof(struct oid_pair), compare_pairs);
	qsort(o->relations_to_home, o->n_relations, sizeof(struct oid_pair), compare_pairs);
	qsort(o->columns, o->n_columns, sizeof(struct oid_column), compare_columns);
	o->is_known = true;
	o->differs = o->n_types || o->n_relations || o->n_columns;
}

/* Domains and elements that hold no OIDs make no difference: keep only what leads to some. */
static void find_deep(struct arena *arena, const struct oid_names *home, struct oid_deep **out,
		      uint32_t *n_out)
{
	struct oid_deep *deep = arena_array(arena, struct oid_deep, home->n + 2);
	uint32_t n = 0;

	for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++)
		deep[n++] = built_in[i];
	for (uint32_t i = 0; i < home->n; i++)
		if (home->all[i].form != FORM_PLAIN)
			deep[n++] = (struct oid_deep){ home->all[i].oid, home->all[i].element,
						       home->all[i].form };
	qsort(deep, n, sizeof(*deep), compare_deep);
	*out = deep;
	*n_out = n;
}

static void copy_shard(struct arena *a, struct shard_oids *to, const struct shard_oids *from)
{
	*to = *from;
	to->types_to_home =
		arena_copy(a, from->types_to_home, from->n_types * sizeof(struct oid_pair));
	to->types_to_shard =
		arena_copy(a, from->types_to_shard, from->n_types * sizeof(struct oid_pair));
	to->relations_to_home =
		arena_copy(a, from->relations_to_home, from->n_relations * sizeof(struct oid_pair));
	to->columns = arena_copy(a, from->columns, from->n_columns * sizeof(struct oid_column));
	to->deep = arena_copy(a, from->deep, from->n_deep * sizeof(struct oid_deep));
}

static const struct shard_oids *find_shard(const struct oids *o, uint32_t shard_id)
{
	for (unsigned i = 0; o && i < o->n_shards; i++)
		if (o->shards[i].shard_id == shard_id)
			return &o->shards[i];
	return NULL;
}

struct oids *oids_create(const uint32_t *shard_ids, struct oid_names *const *names, unsigned n,
			 const struct oids *before)
{
	struct oids *o = mem_zero(1, sizeof(*o));
	struct oid_deep *deep = NULL;
	uint32_t n_deep = 0;

	atomic_init(&o->refs, 1);
	arena_init(&o->arena, 0);
	o->n_shards = n;
	o->shards = arena_array(&o->arena, struct shard_oids, n + 1);
	if (n && names[0])
		find_deep(&o->arena, names[0], &deep, &n_deep);
	for (unsigned i = 0; i < n; i++) {
		struct building b = { &o->arena, names[0], names[i], &o->shards[i] };
		const struct shard_oids *old = find_shard(before, shard_ids[i]);

		o->shards[i] = (struct shard_oids){ .shard_id = shard_ids[i],
						    .deep = deep,
						    .n_deep = n_deep };
		if (names[0] && names[i])
			compare_shard(&b);
		else if (old)
			copy_shard(&o->arena, &o->shards[i], old);
		o->shards[i].is_known = names[0] && names[i];
		if (o->shards[i].differs)
			o->differing = &o->shards[i];
	}
	return o;
}

struct oids *oids_hold(struct oids *o)
{
	if (o)
		atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
	return o;
}

void oids_drop(struct oids *o)
{
	if (!o || atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) > 1)
		return;
	arena_finish(&o->arena);
	free(o);
}

bool oids_is_complete(const struct oids *o)
{
	for (unsigned i = 0; o && i < o->n_shards; i++)
		if (!o->shards[i].is_known)
			return false;
	return true;
}

/* ---- looking up ---- */

const struct shard_oids *oids_of(const struct oids *o, uint32_t shard_id)
{
	const struct shard_oids *s = find_shard(o, shard_id);

	return s && s->differs ? s : NULL;
}

const struct shard_oids *oids_differing(const struct oids *o)
{
	return o ? o->differing : NULL;
}

static uint32_t look_up(const struct oid_pair *pairs, uint32_t n, uint32_t oid)
{
	struct oid_pair key = { oid, 0 };
	const struct oid_pair *found = bsearch(&key, pairs, n, sizeof(key), compare_pairs);

	return found ? found->to : oid;
}

uint32_t oids_type_home(const struct shard_oids *s, uint32_t type)
{
	return look_up(s->types_to_home, s->n_types, type);
}

uint32_t oids_type_shard(const struct shard_oids *s, uint32_t type)
{
	return look_up(s->types_to_shard, s->n_types, type);
}

void oids_column_home(const struct shard_oids *s, uint32_t *relation, int16_t *attnum)
{
	struct oid_column key;
	const struct oid_column *found;

	*relation = look_up(s->relations_to_home, s->n_relations, *relation);
	key = (struct oid_column){ *relation, *attnum, 0 };
	found = bsearch(&key, s->columns, s->n_columns, sizeof(key), compare_columns);
	if (found)
		*attnum = found->home_attnum;
}

const struct oid_deep *oids_deep(const struct shard_oids *s, uint32_t type)
{
	struct oid_deep key = { type, 0, FORM_PLAIN };

	return bsearch(&key, s->deep, s->n_deep, sizeof(key), compare_deep);
}
