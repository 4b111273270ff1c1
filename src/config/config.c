/* Life of a config and of its faults; look-ups by user and rule. */
#include "pgmosaic/config/config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/check.h"
#include "pgmosaic/base/mem.h"
#include "reader.h"

void config_faults_init(struct config_faults *faults)
{
	*faults = (struct config_faults){ 0 };
}

void config_faults_finish(struct config_faults *faults)
{
	for (unsigned i = 0; i < faults->n; i++)
		free(faults->items[i].text);
	free(faults->items);
	config_faults_init(faults);
}

void reader_fault(struct reader *r, int line, const char *key, const char *what, const char *fix)
{
	struct config_faults *f = r->faults;
	char *text;
	int n;

	if (line > 0)
		n = asprintf(&text, "%s:%d: %s: %s%s%s", r->name, line, key, what, fix ? "; " : "",
			     fix ? fix : "");
	else
		n = asprintf(&text, "%s: %s: %s%s%s", r->name, key, what, fix ? "; " : "",
			     fix ? fix : "");
	if (n < 0)
		abort();
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	f->items = mem_grow(f->items, (f->n + 1) * sizeof(*f->items));
	f->items[f->n++] = (struct config_fault){ line, text };
}

bool reader_has_faults(const struct reader *r)
{
	return r->faults->n > r->n_faults_before;
}

int reader_line(const struct reader *r, const char *path)
{
	return r->lines[key_find(path) - config_keys];
}

struct config *config_defaults(void)
{
	struct config *cfg = mem_zero(1, sizeof(*cfg));

	arena_init(&cfg->arena, 0);
	defaults_apply(&cfg->arena, "", cfg);
	return cfg;
}

void config_destroy(struct config *cfg)
{
	if (!cfg)
		return;
	arena_finish(&cfg->arena);
	free(cfg);
}

const struct config_user *config_find_user(const struct config *cfg, const char *name)
{
	for (unsigned i = 0; i < cfg->n_users; i++)
		if (strcmp(cfg->users[i].name, name) == 0)
			return &cfg->users[i];
	return NULL;
}

enum config_pool_mode config_mode_of(const struct config *cfg, const char *user)
{
	const struct config_user *u = config_find_user(cfg, user);

	return u && u->pool_mode != POOL_DEFAULT ? u->pool_mode : cfg->pool.mode;
}

const char *config_mode_name(enum config_pool_mode mode)
{
	static const char *const names[] = { "transaction", "session", "statement", "default" };

	return names[mode];
}

static bool has_name(const struct config_strings *list, const char *name)
{
	for (unsigned i = 0; i < list->n; i++)
		if (strcmp(list->items[i], "all") == 0 || strcmp(list->items[i], name) == 0)
			return true;
	return false;
}

static bool prefix_equal(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
	uint32_t bytes = bits / 8, rest = bits % 8;

	if (memcmp(a, b, bytes) != 0)
		return false;
	return rest == 0 || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0;
}

static bool has_peer(const struct config_rule *rule, const struct sockaddr *peer)
{
	const struct sockaddr_in6 *v6 = (const void *)peer;
	const struct sockaddr_in *v4 = (const void *)peer;

	if (rule->family == 0)
		return true;
	if (peer->sa_family == AF_INET6 && rule->family == AF_INET &&
	    IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		return prefix_equal(rule->network, v6->sin6_addr.s6_addr + 12, rule->prefix_bits);
	if (peer->sa_family != rule->family)
		return false;
	return prefix_equal(rule->network,
			    rule->family == AF_INET ? (const uint8_t *)&v4->sin_addr
						    : v6->sin6_addr.s6_addr,
			    rule->prefix_bits);
}

static bool has_type(const struct config_rule *rule, bool is_local, bool is_tls)
{
	switch (rule->type) {
	case RULE_LOCAL: return is_local;
	case RULE_HOST: return !is_local;
	case RULE_HOSTSSL: return !is_local && is_tls;
	case RULE_HOSTNOSSL: return !is_local && !is_tls;
	}
	UNREACHABLE("type of a rule");
}

const struct config_rule *config_find_rule(const struct config *cfg, const struct sockaddr *peer,
					   bool is_tls, const char *database, const char *user)
{
	bool is_local = !peer || peer->sa_family == AF_UNIX;

	for (unsigned i = 0; i < cfg->n_rules; i++) {
		const struct config_rule *rule = &cfg->rules[i];

		if (!has_type(rule, is_local, is_tls))
			continue;
		if (!is_local && !has_peer(rule, peer))
			continue;
		if (has_name(&rule->databases, database) && has_name(&rule->users, user))
			return rule;
	}
	return NULL;
}

const char *config_method_name(enum config_method method)
{
	const struct config_key *key = key_find("auth.rules[].method");

	for (const struct key_word *w = key->words; w->name; w++)
		if (w->value == (int)method)
			return w->name;
	return "?";
}

bool config_is_key(const char *path)
{
	return key_find(path) != NULL;
}
