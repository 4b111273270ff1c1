/* Writing one value into its struct, as the key's row says. */
#include <stdio.h>
#include <string.h>

#include "pgmosaic/base/check.h"
#include "reader.h"
#include "values.h"

#define AT(base, key, type) ((type *)(void *)((char *)(base) + (key)->offset))

static const char *store_word(const struct config_key *key, const char *text, void *base)
{
	for (const struct key_word *w = key->words; w->name; w++) {
		if (strcmp(w->name, text) != 0)
			continue;
		if (w->is_later)
			return "has a value that is not supported by this version";
		*AT(base, key, int) = w->value;
		return NULL;
	}
	return "has a value that is not known";
}

static const char *in_range(const struct config_key *key, uint64_t value)
{
	if (value < key->min)
		return "is too small";
	return value > key->max ? "is too big" : NULL;
}

static const char *store_number(const struct config_key *key, const char *text, void *base)
{
	uint64_t value = 0;
	const char *wrong;

	if (key->type == KEY_DURATION)
		wrong = value_read_duration(text, &value);
	else if (key->type == KEY_SIZE)
		wrong = value_read_size(text, &value);
	else
		wrong = value_read_count(text, &value);
	if (!wrong)
		wrong = in_range(key, value);
	if (wrong)
		return wrong;
	if (key->type == KEY_INT)
		*AT(base, key, uint32_t) = (uint32_t)value;
	else
		*AT(base, key, uint64_t) = value;
	return NULL;
}

static const char *store_string(struct arena *a, const struct config_key *key, const char *text,
				void *base)
{
	if (!*text)
		return "is empty";
	if (key->max && strlen(text) > key->max)
		return "is too long";
	*AT(base, key, const char *) = arena_strdup(a, text);
	return NULL;
}

static const char *store_one_string(struct arena *a, const struct config_key *key, const char *text,
				    void *base)
{
	struct config_strings *list = AT(base, key, struct config_strings);

	*list = (struct config_strings){ 0 };
	if (strcmp(text, "[]") == 0)
		return NULL;
	if (!*text)
		return "is empty";
	list->items = arena_array(a, const char *, 1);
	list->items[0] = arena_strdup(a, text);
	list->n = 1;
	return NULL;
}

static const char *store_one_address(struct arena *a, const struct config_key *key,
				     const char *text, void *base)
{
	struct config_addresses *list = AT(base, key, struct config_addresses);
	struct config_address address;
	const char *wrong = value_read_address(a, arena_strdup(a, text), &address);

	if (wrong)
		return wrong;
	list->items = arena_copy(a, &address, sizeof(address));
	list->n = 1;
	return NULL;
}

const char *value_store(struct arena *a, const struct config_key *key, const char *text, void *base)
{
	switch (key->type) {
	case KEY_STRING: return store_string(a, key, text, base);
	case KEY_BOOL: return value_read_bool(text, AT(base, key, bool));
	case KEY_INT:
	case KEY_COUNT:
	case KEY_DURATION:
	case KEY_SIZE: return store_number(key, text, base);
	case KEY_WORD: return store_word(key, text, base);
	case KEY_STRINGS: return store_one_string(a, key, text, base);
	case KEY_ADDRESSES: return store_one_address(a, key, text, base);
	case KEY_SECTION:
	case KEY_LIST:
	case KEY_LATER: break;
	}
	UNREACHABLE("a section holds no value of its own");
}

void defaults_apply(struct arena *a, const char *prefix, void *base)
{
	size_t n = strlen(prefix);
	bool is_item = n > 0;

	for (unsigned i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];
		bool mine = is_item ? strncmp(key->path, prefix, n) == 0
				    : strstr(key->path, "[]") == NULL;

		if (mine && key->default_text)
			INVARIANT(value_store(a, key, key->default_text, base) == NULL);
	}
}
