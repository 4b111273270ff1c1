/* What reading one file needs; shared by parse.c (YAML) and check.c (rules between keys). */
#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include "keys.h"

#define READER_MAX_FAULTS 100 /* past it the rest of the file is not looked at */

struct reader {
	const char *name; /* of the file */
	struct config *cfg;
	struct config_faults *faults;
	unsigned n_faults_before;
	int *lines; /* by index into config_keys: where the key stood; 0: absent */
};

/* line 0: the file as a whole. */
void reader_fault(struct reader *r, int line, const char *key, const char *what, const char *fix)
	__attribute__((nonnull(1, 3, 4)));
bool reader_has_faults(const struct reader *r);
/* 0: the key was not in the file. */
int reader_line(const struct reader *r, const char *path);

/* Defaults of an item's keys (prefix "auth.users[]."), or with "" of all keys outside lists. */
void defaults_apply(struct arena *a, const char *prefix, void *base);
/* One value's text into its field; NULL, or what is wrong. */
const char *value_store(struct arena *a, const struct config_key *key, const char *text,
			void *base);

/* Rules that concern more than one key; fills what is derived from others. */
void config_check(struct reader *r);

#endif
