/* A scalar's text → its value, and back. Pure.
 *
 * Every reader returns NULL when the value is good, else what is wrong with it, in a
 * few words ("is not a duration"). */
#ifndef CONFIG_VALUES_H
#define CONFIG_VALUES_H

#include "keys.h"

/* 500ms, 10s, 5m, 1h, 1d; a bare number only when it is 0. */
const char *value_read_duration(const char *text, uint64_t *ms);
/* 512B, 64kB, 64MB, 1GB, 1TB (powers of 1024); a bare number only when it is 0. */
const char *value_read_size(const char *text, uint64_t *bytes);
const char *value_read_count(const char *text, uint64_t *n);
const char *value_read_bool(const char *text, bool *on);
const char *value_read_address(struct arena *a, const char *text, struct config_address *out);
/* rule->address → family, network, prefix_bits. */
const char *value_read_network(struct config_rule *rule);
enum config_password value_password_kind(const char *password);

char *value_show_duration(struct arena *a, uint64_t ms);
char *value_show_size(struct arena *a, uint64_t bytes);

#endif
