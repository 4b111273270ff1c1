/* The table of every key the configuration file may hold: one row a key.
 *
 * A path names the place: "pool.size"; "auth.users[].name" is a key of each item of
 * the list auth.users. `offset` is into struct config, or into the item's struct when
 * the path has "[]". The parser, SHOW CONFIG and the documentation test read only this
 * table, so a new key is a new row, a new field and a paragraph in the docs. */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include "pgmosaic/config/config.h"

enum key_type {
	KEY_SECTION,   /* a mapping; its keys follow with "path." in front */
	KEY_LIST,      /* a list of mappings; its keys follow with "path[]." in front */
	KEY_STRING,    /* const char * */
	KEY_BOOL,      /* bool */
	KEY_INT,       /* uint32_t */
	KEY_COUNT,     /* uint64_t */
	KEY_DURATION,  /* uint64_t, milliseconds */
	KEY_SIZE,      /* uint64_t, bytes */
	KEY_WORD,      /* an enum (int), by `words` */
	KEY_STRINGS,   /* struct config_strings: a string or a list of them */
	KEY_ADDRESSES, /* struct config_addresses: a string or a list of them */
	KEY_LATER,     /* a key of later versions: an error that says so */
};

struct key_word {
	const char *name; /* NULL ends the list */
	int value;
	bool is_later; /* known, but not in this version */
};

#define KEY_REQUIRED   1u
#define KEY_SECRET     2u /* never shown */
#define KEY_DSN	       4u /* shown with its passwords hidden */
#define KEY_RELOADABLE 8u

struct config_key {
	const char *path;
	enum key_type type;
	size_t offset;
	const char *default_text; /* as one would write it; NULL: none */
	uint64_t min, max;	  /* KEY_LIST, KEY_STRINGS, KEY_ADDRESSES: number of items */
	const struct key_word *words;
	unsigned flags;
	const char *help; /* what to write, for fault messages */
	size_t item_size; /* KEY_LIST: of one item; its count is at count_offset */
	size_t count_offset;
};

extern const struct config_key config_keys[];
extern const unsigned config_n_keys;

/* NULL: no such key. */
const struct config_key *key_find(const char *path);

#endif
