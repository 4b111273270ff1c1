/* SHOW CONFIG: the table and a config → rows of text. */
#include <stdio.h>
#include <string.h>

#include "pgmosaic/base/buf.h"
#include "pgmosaic/base/check.h"
#include "keys.h"
#include "values.h"

#define AT(base, key, type) ((const type *)(const void *)((const char *)(base) + (key)->offset))

static const char *show_word(const struct config_key *key, int value)
{
	for (const struct key_word *w = key->words; w->name; w++)
		if (w->value == value)
			return w->name;
	return "?";
}

static const char *show_join(struct arena *a, const char *so_far, const char *item)
{
	return *so_far ? arena_printf(a, "%s, %s", so_far, item) : item;
}

static const char *show_strings(struct arena *a, const struct config_strings *list)
{
	const char *text = "";

	for (unsigned i = 0; i < list->n; i++)
		text = show_join(a, text, list->items[i]);
	return text;
}

static const char *show_addresses(struct arena *a, const struct config_addresses *list)
{
	const char *text = "";

	for (unsigned i = 0; i < list->n; i++)
		text = show_join(a, text, list->items[i].text);
	return text;
}

static const char *show_string(struct arena *a, const struct config_key *key, const char *text)
{
	if (!text)
		return "";
	if (key->flags & KEY_SECRET)
		return "********";
	return key->flags & KEY_DSN ? dsn_mask(a, text) : text;
}

static const char *show_value(struct arena *a, const struct config_key *key, const void *base)
{
	switch (key->type) {
	case KEY_STRING: return show_string(a, key, *AT(base, key, char *));
	case KEY_BOOL: return *AT(base, key, bool) ? "true" : "false";
	case KEY_INT: return arena_printf(a, "%u", *AT(base, key, uint32_t));
	case KEY_COUNT:
		return arena_printf(a, "%llu", (unsigned long long)*AT(base, key, uint64_t));
	case KEY_DURATION: return value_show_duration(a, *AT(base, key, uint64_t));
	case KEY_SIZE: return value_show_size(a, *AT(base, key, uint64_t));
	case KEY_WORD: return show_word(key, *AT(base, key, int));
	case KEY_STRINGS: return show_strings(a, AT(base, key, struct config_strings));
	case KEY_ADDRESSES: return show_addresses(a, AT(base, key, struct config_addresses));
	case KEY_SECTION:
	case KEY_LIST:
	case KEY_LATER: break;
	}
	UNREACHABLE("a section has no value of its own");
}

static void show_key(struct arena *a, const struct config_key *key, const char *shown,
		     const void *base, config_row_cb on_row, void *ctx)
{
	const char *fallback = key->default_text;
	struct config_row row = { shown, show_value(a, key, base), fallback,
				  (key->flags & KEY_RELOADABLE) != 0 };

	if (fallback && strcmp(fallback, "[]") == 0)
		row.default_value = "";
	on_row(ctx, &row);
}

static void show_list(struct arena *a, const struct config_key *list, const struct config *cfg,
		      config_row_cb on_row, void *ctx)
{
	unsigned n = *(const unsigned *)(const void *)((const char *)cfg + list->count_offset);
	const char *items = *AT(cfg, list, char *);
	size_t length = strlen(list->path);

	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < config_n_keys; k++) {
			const struct config_key *key = &config_keys[k];

			if (strncmp(key->path, list->path, length) != 0 ||
			    strncmp(key->path + length, "[].", 3) != 0)
				continue;
			show_key(
				a, key,
				arena_printf(a, "%s[%u].%s", list->path, i, key->path + length + 3),
				items + i * list->item_size, on_row, ctx);
		}
	}
}

void config_show(const struct config *cfg, config_row_cb on_row, void *ctx)
{
	struct arena a;

	arena_init(&a, 0);
	for (unsigned i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];

		if (key->type == KEY_LIST)
			show_list(&a, key, cfg, on_row, ctx);
		else if (key->type != KEY_SECTION && key->type != KEY_LATER &&
			 !strstr(key->path, "[]"))
			show_key(&a, key, key->path, cfg, on_row, ctx);
	}
	arena_finish(&a);
}

/* Values are compared as shown, DSNs in full. */
static bool is_same(struct arena *a, const struct config_key *key, const struct config *now,
		    const struct config *next)
{
	if (key->type == KEY_STRING) {
		const char *x = *AT(now, key, char *), *y = *AT(next, key, char *);

		return x == y || (x && y && strcmp(x, y) == 0);
	}
	return strcmp(show_value(a, key, now), show_value(a, key, next)) == 0;
}

void config_diff_fixed(const struct config *now, const struct config *next, config_row_cb on_row,
		       void *ctx)
{
	struct arena a;

	arena_init(&a, 0);
	for (unsigned i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];

		if (key->flags & KEY_RELOADABLE || key->type == KEY_SECTION ||
		    key->type == KEY_LATER || key->type == KEY_LIST || strstr(key->path, "[]"))
			continue;
		if (!is_same(&a, key, now, next))
			show_key(&a, key, key->path, next, on_row, ctx);
	}
	arena_finish(&a);
}
