#include "pgmosaic/backend/login.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/hash.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/wire/auth.h"

struct entry {
	char user[64];
	struct login login;
	char *password;
};

static uint64_t user_hash(const char *user)
{
	return hash_bytes(user, strlen(user), 0);
}

static bool has_user(const void *value, const void *key)
{
	return strcmp(((const struct entry *)value)->user, key) == 0;
}

static void entry_clear(struct entry *e)
{
	if (e->password)
		auth_wipe(e->password, strlen(e->password));
	free(e->password);
	e->password = NULL;
	auth_wipe(&e->login, sizeof(e->login));
}

static void entry_set(struct entry *e, const struct login *login)
{
	entry_clear(e);
	e->login = *login;
	e->password = login->password ? mem_strdup(login->password) : NULL;
	e->login.password = e->password;
}

static bool is_same(const struct login *a, const struct login *b)
{
	if (!a->password != !b->password || a->has_keys != b->has_keys)
		return false;
	if (a->password && strcmp(a->password, b->password) != 0)
		return false;
	return !a->has_keys || (auth_equal(a->client_key, b->client_key, LOGIN_KEY_BYTES) &&
				auth_equal(a->server_key, b->server_key, LOGIN_KEY_BYTES));
}

void logins_init(struct logins *all)
{
	table_init(&all->by_user);
}

void logins_finish(struct logins *all)
{
	size_t at = 0;
	struct entry *e;

	while ((e = table_next(&all->by_user, &at))) {
		entry_clear(e);
		free(e);
	}
	table_finish(&all->by_user);
}

bool logins_put(struct logins *all, const char *user, const struct login *login)
{
	struct entry *e = table_find(&all->by_user, user_hash(user), has_user, user);
	bool is_usable = login->password || (login->has_keys && login_can_pass_keys());

	if (e && (!is_usable || is_same(&e->login, login)))
		return false;
	if (!is_usable && !login->has_keys)
		return false;
	if (!e) {
		e = mem_zero(1, sizeof(*e));
		snprintf(e->user, sizeof(e->user), "%s", user);
		table_put(&all->by_user, user_hash(user), e);
	}
	entry_set(e, login);
	return true;
}

const struct login *logins_find(const struct logins *all, const char *user)
{
	const struct entry *e = table_find(&all->by_user, user_hash(user), has_user, user);

	return e ? &e->login : NULL;
}

/* ---- what this libpq can do ---- */

static bool can_pass_keys;
static pthread_once_t looked = PTHREAD_ONCE_INIT;

static void look(void)
{
	PQconninfoOption *all = PQconndefaults();

	for (PQconninfoOption *o = all; o && o->keyword; o++)
		can_pass_keys |= strcmp(o->keyword, "scram_client_key") == 0;
	PQconninfoFree(all);
}

bool login_can_pass_keys(void)
{
	pthread_once(&looked, look);
	return can_pass_keys;
}
