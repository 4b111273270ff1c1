#include "pgmosaic/base/table.h"

#include <stdlib.h>

#include "pgmosaic/base/check.h"
#include "pgmosaic/base/mem.h"

static char gone_mark;
#define TABLE_GONE ((void *)&gone_mark)

void table_init(struct table *t)
{
	*t = (struct table){ 0 };
}

void table_finish(struct table *t)
{
	free(t->slots);
	table_init(t);
}

static void table_place(struct table *t, uint64_t hash, void *value)
{
	size_t mask = t->size - 1, i = hash & mask;

	while (t->slots[i].value && t->slots[i].value != TABLE_GONE)
		i = (i + 1) & mask;
	if (t->slots[i].value == TABLE_GONE)
		t->n_gone--;
	t->slots[i] = (struct table_slot){ hash, value };
	t->n++;
}

static void table_resize(struct table *t, size_t size)
{
	struct table_slot *old = t->slots;
	size_t old_size = t->size;

	t->slots = mem_zero(size, sizeof(*t->slots));
	t->size = size;
	t->n = t->n_gone = 0;
	for (size_t i = 0; i < old_size; i++)
		if (old[i].value && old[i].value != TABLE_GONE)
			table_place(t, old[i].hash, old[i].value);
	free(old);
}

void table_put(struct table *t, uint64_t hash, void *value)
{
	PRE(value != NULL);
	if (t->size == 0)
		table_resize(t, 16);
	else if ((t->n + t->n_gone + 1) * 4 > t->size * 3)
		table_resize(t, t->n * 2 >= t->size ? t->size * 2 : t->size);
	table_place(t, hash, value);
}

void *table_find(const struct table *t, uint64_t hash, table_match match, const void *key)
{
	size_t mask = t->size - 1;

	if (t->size == 0)
		return NULL;
	for (size_t i = hash & mask; t->slots[i].value; i = (i + 1) & mask)
		if (t->slots[i].hash == hash && t->slots[i].value != TABLE_GONE &&
		    match(t->slots[i].value, key))
			return t->slots[i].value;
	return NULL;
}

bool table_remove(struct table *t, uint64_t hash, const void *value)
{
	size_t mask = t->size - 1;

	if (t->size == 0)
		return false;
	for (size_t i = hash & mask; t->slots[i].value; i = (i + 1) & mask) {
		if (t->slots[i].value != value)
			continue;
		t->slots[i].value = TABLE_GONE;
		t->n--;
		t->n_gone++;
		return true;
	}
	return false;
}

void *table_next(const struct table *t, size_t *at)
{
	while (*at < t->size) {
		void *value = t->slots[(*at)++].value;

		if (value && value != TABLE_GONE)
			return value;
	}
	return NULL;
}
