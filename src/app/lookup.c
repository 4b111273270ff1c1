/* Users that are not in the configuration: asked of the home shard, on a thread of its own.
 *
 * Happy path: a log-in posts its question; the thread answers from what it has heard within the
 * last auth.query.cache, or runs auth.query.sql on one connection that it keeps, as auth.query.user
 * and with search_path fixed, so that nobody's function or table can stand in for the catalog's.
 * Failure modes: the connection is lost or the query fails: the log-in is refused with the reason,
 * and the next one connects anew. A user without a password, or not there, is unknown. More than
 * CACHE_MAX names, guessed by somebody: the cache is emptied.
 * Threads: the log-ins wait in the mailbox, so that a slow server holds up log-ins of such users
 * and nothing else; connect_timeout and statement_timeout bound each. */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lookup.h"
#include "pgmosaic/base/clock.h"
#include "pgmosaic/base/hash.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/base/table.h"
#include "pgmosaic/catalog/pq.h"
#include "pgmosaic/catalog/pq_params.h"

#define CACHE_MAX 10000
#define TIMEOUT_S "5"
#define SETTINGS \
	"-c search_path=pg_catalog,pg_temp -c statement_timeout=5s -c default_transaction_read_only=on"

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
	struct pq pq;
	char *dsn; /* what pq is connected with */
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

/* ---- the connection ---- */

static enum status connect_as(struct lookups *l, const char *dsn, struct err *err)
{
	const struct config_auth_query *query = &l->config->auth_query;
	struct pq_params p;
	struct arena a;
	enum status st;

	arena_init(&a, 0);
	st = pq_params_read(&a, dsn, &p, err);
	if (st == STATUS_OK) {
		pq_params_put(&p, "user", query->user);
		pq_params_put(&p, "password", query->password ? query->password : "");
		pq_params_put(&p, "connect_timeout", TIMEOUT_S);
		pq_params_put(&p, "client_encoding", "UTF8");
		pq_params_put(&p, "application_name", "pgmosaic auth.query");
		pq_params_put(&p, "options", SETTINGS);
		st = pq_open_params(&l->pq, "the home shard, for auth.query", p.keys, p.values,
				    err);
	}
	arena_finish(&a);
	return st;
}

static void disconnect(struct lookups *l)
{
	pq_close(&l->pq);
	free(l->dsn);
	l->dsn = NULL;
}

static enum status ensure_connection(struct lookups *l, struct err *err)
{
	struct world *w = process_world(l->p);
	enum status st = STATUS_OK;

	if (!w || !w->map->n_shards) {
		world_drop(w);
		return err_set_code(err, STATUS_BACKEND, "57P03", "the proxy is not ready");
	}
	if (l->dsn && (strcmp(l->dsn, w->map->shards[w->map->home].dsn) != 0 || pq_is_lost(&l->pq)))
		disconnect(l);
	if (!l->dsn) {
		st = connect_as(l, w->map->shards[w->map->home].dsn, err);
		if (st == STATUS_OK)
			l->dsn = mem_strdup(w->map->shards[w->map->home].dsn);
	}
	world_drop(w);
	return st;
}

/* ---- the question ---- */

static enum status read_answer(const PGresult *r, struct auth_lookup *ask, struct err *err)
{
	const char *name, *password;

	ask->found = AUTH_UNKNOWN;
	if (PQnfields(r) != 2) {
		err_set(err, STATUS_CONFIG, "auth.query.sql answers %d columns", PQnfields(r));
		err_hint(err, "It must answer two: the name and the password or verifier.");
		return STATUS_CONFIG;
	}
	if (PQntuples(r) != 1)
		return STATUS_OK;
	name = pq_value(r, 0, 0);
	password = pq_value(r, 0, 1);
	if (!name || !password || !*password || strcmp(name, ask->user) != 0)
		return STATUS_OK;
	if (auth_verifier_from_password(&ask->verifier, ask->user, password, err) != STATUS_OK)
		return err->status;
	ask->found = AUTH_FOUND;
	return STATUS_OK;
}

static enum status query(struct lookups *l, struct auth_lookup *ask, struct err *err)
{
	PGresult *r = pq_query(&l->pq, err, l->config->auth_query.sql, 1, (const char *)ask->user);
	enum status st;

	if (!r)
		return err->status;
	st = read_answer(r, ask, err);
	PQclear(r);
	return st;
}

static enum status ask_shard(struct lookups *l, struct auth_lookup *ask, struct err *err)
{
	bool was_open = l->dsn != NULL;
	enum status st = ensure_connection(l, err);

	if (st == STATUS_OK)
		st = query(l, ask, err);
	if (st != STATUS_OK && was_open && pq_is_lost(&l->pq)) { /* it had died while idle */
		*err = (struct err)ERR_INIT;
		st = ensure_connection(l, err);
		if (st == STATUS_OK)
			st = query(l, ask, err);
	}
	return st;
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
	disconnect(l);
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
	disconnect(l);
	cache_clear(l);
	table_finish(&l->known);
	loop_destroy(l->loop);
	free(l);
}
