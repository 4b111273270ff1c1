/* Users that are not in the configuration: asked of the home shard, on a thread of its own.
 *
 * Happy path: a log-in posts its question; the thread answers from what it has heard within the
 * last auth.query.cache, or runs auth.query.sql (catalog/user_query.h).
 * Failure modes: the connection is lost or the query fails: the log-in is refused with the reason,
 * and the next one connects anew. A user without a password, or not there, is unknown. More than
 * CACHE_MAX names, guessed by somebody: the cache is emptied.
 * Threads: the log-ins wait in the mailbox, so that a slow server holds up log-ins of such users
 * and nothing else; connect_timeout and statement_timeout bound each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lookup.h"
#include "pgmosaic/base/clock.h"
#include "pgmosaic/base/hash.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/base/table.h"
#include "pgmosaic/catalog/user_query.h"

#define CACHE_MAX 10000

struct known {
	char user[64];
	enum auth_found found;
	struct auth_verifier verifier;
	uint64_t at_us;
};

struct lookups {
	struct process *p;
	struct loop *loop;
	struct mailbox *mailbox;
	loop_thread thread;
	struct table known;
	struct user_query query;
	const struct config *config;
};

/* ---- the cache ---- */

static uint64_t user_hash(const char *user)
{
	return hash_bytes(user, strlen(user), 0);
}

static bool has_user(const void *value, const void *key)
{
	return strcmp(((const struct known *)value)->user, key) == 0;
}

static void cache_clear(struct lookups *l)
{
	struct known *k;
	size_t at = 0;

	while ((k = table_next(&l->known, &at))) {
		auth_wipe(k, sizeof(*k));
		free(k);
	}
	table_finish(&l->known);
	table_init(&l->known);
}

static bool cache_answer(struct lookups *l, struct auth_lookup *ask)
{
	const struct known *k = table_find(&l->known, user_hash(ask->user), has_user, ask->user);

	if (!k || clock_us() - k->at_us > l->config->auth_query.cache_ms * 1000)
		return false;
	ask->found = k->found;
	ask->verifier = k->verifier;
	return true;
}

static void cache_put(struct lookups *l, const struct auth_lookup *ask)
{
	struct known *k = table_find(&l->known, user_hash(ask->user), has_user, ask->user);

	if (!k && l->known.n >= CACHE_MAX)
		cache_clear(l);
	if (!k) {
		k = mem_zero(1, sizeof(*k));
		snprintf(k->user, sizeof(k->user), "%s", ask->user);
		table_put(&l->known, user_hash(ask->user), k);
	}
	k->found = ask->found;
	k->verifier = ask->verifier;
	k->at_us = clock_us();
}

/* ---- the question ---- */

static enum status understand(struct auth_lookup *ask, char *password, struct err *err)
{
	enum status st = STATUS_OK;

	ask->found = AUTH_UNKNOWN;
	if (!password)
		return STATUS_OK;
	st = auth_verifier_from_password(&ask->verifier, ask->user, password, err);
	if (st == STATUS_OK)
		ask->found = AUTH_FOUND;
	auth_wipe(password, strlen(password));
	free(password);
	return st;
}

static enum status ask_shard(struct lookups *l, struct auth_lookup *ask, struct err *err)
{
	struct world *w = process_world(l->p);
	char *password;
	enum status st;

	if (!w || !w->map->n_shards) {
		world_drop(w);
		return err_set_code(err, STATUS_BACKEND, "57P03", "the proxy is not ready");
	}
	st = user_query_run(&l->query, &l->config->auth_query, w->map->shards[w->map->home].dsn,
			    ask->user, &password, err);
	world_drop(w);
	return st == STATUS_OK ? understand(ask, password, err) : st;
}

/* Who may not be told more than that it failed is told only that. */
static void fail(struct auth_lookup *ask, const struct err *err)
{
	log_error(LOG_WARNING, "auth.query failed", err);
	ask->found = AUTH_FAILED;
	err_set_code(&ask->err, STATUS_BACKEND, "08006", "user \"%s\" could not be looked up",
		     ask->user);
	err_hint(&ask->err, "The proxy's log says why auth.query failed.");
}

static void use_newest_config(struct lookups *l)
{
	const struct config *now = process_config(l->p);

	if (now == l->config)
		return;
	l->config = now;
	cache_clear(l);
	user_query_close(&l->query);
}

static void on_question(void *arg)
{
	struct auth_lookup *ask = arg;
	struct lookups *l = ask->asked;
	struct err err = ERR_INIT;

	use_newest_config(l);
	if (!l->config->auth_query.user)
		ask->found = AUTH_UNKNOWN;
	else if (!cache_answer(l, ask)) {
		if (ask_shard(l, ask, &err) == STATUS_OK)
			cache_put(l, ask);
		else
			fail(ask, &err);
	}
	mailbox_post(ask->reply_to, ask->done, ask->arg);
}

/* ---- life ---- */

void lookups_ask(struct lookups *l, struct auth_lookup *ask)
{
	ask->asked = l;
	mailbox_post(l->mailbox, on_question, ask);
}

static void run(void *arg)
{
	loop_run(((struct lookups *)arg)->loop);
}

struct lookups *lookups_start(struct process *p)
{
	struct lookups *l = mem_zero(1, sizeof(*l));

	l->p = p;
	l->loop = loop_create();
	l->mailbox = mailbox_create(l->loop);
	table_init(&l->known);
	loop_thread_start(&l->thread, run, l);
	return l;
}

static void close_mailbox(void *arg)
{
	mailbox_close(((struct lookups *)arg)->mailbox); /* the loop's only handle: it ends */
}

void lookups_stop(struct lookups *l)
{
	mailbox_post(l->mailbox, close_mailbox, l);
	loop_thread_join(&l->thread);
	user_query_close(&l->query);
	cache_clear(l);
	table_finish(&l->known);
	loop_destroy(l->loop);
	free(l);
}
