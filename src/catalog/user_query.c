#include "pgmosaic/catalog/user_query.h"

#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/mem.h"
#include "pgmosaic/catalog/pq_params.h"

#define WHO	  "the home shard, for auth.query"
#define TIMEOUT_S "5"
#define SETTINGS                                                     \
	"-c search_path=pg_catalog,pg_temp -c statement_timeout=5s " \
	"-c default_transaction_read_only=on"

static enum status connect_as(struct user_query *q, const struct config_auth_query *how,
			      const char *dsn, struct err *err)
{
	struct pq_params p;
	struct arena a;
	enum status st;

	arena_init(&a, 0);
	st = pq_params_read(&a, dsn, &p, err);
	if (st == STATUS_OK) {
		pq_params_put(&p, "user", how->user);
		pq_params_put(&p, "password", how->password ? how->password : "");
		pq_params_put(&p, "connect_timeout", TIMEOUT_S);
		pq_params_put(&p, "client_encoding", "UTF8");
		pq_params_put(&p, "application_name", "pgmosaic auth.query");
		pq_params_put(&p, "options", SETTINGS);
		pq_params_put(&p, NULL, NULL);
		st = pq_open_params(&q->pq, WHO, p.keys, p.values, err);
	}
	arena_finish(&a);
	return st;
}

void user_query_close(struct user_query *q)
{
	pq_close(&q->pq);
	free(q->dsn);
	q->dsn = NULL;
}

static enum status ensure_connection(struct user_query *q, const struct config_auth_query *how,
				     const char *dsn, struct err *err)
{
	enum status st;

	if (q->dsn && (strcmp(q->dsn, dsn) != 0 || pq_is_lost(&q->pq)))
		user_query_close(q);
	if (q->dsn)
		return STATUS_OK;
	st = connect_as(q, how, dsn, err);
	if (st == STATUS_OK)
		q->dsn = mem_strdup(dsn);
	return st;
}

static enum status read_answer(const PGresult *r, const char *user, char **password,
			       struct err *err)
{
	const char *name, *text;

	if (PQnfields(r) != 2) {
		err_set(err, STATUS_CONFIG, "auth.query.sql answers %d columns", PQnfields(r));
		err_hint(err, "It must answer two: the name, and the password or verifier.");
		return STATUS_CONFIG;
	}
	if (PQntuples(r) != 1)
		return STATUS_OK;
	name = pq_value(r, 0, 0);
	text = pq_value(r, 0, 1);
	if (name && text && *text && strcmp(name, user) == 0)
		*password = mem_strdup(text);
	return STATUS_OK;
}

static enum status ask(struct user_query *q, const struct config_auth_query *how, const char *dsn,
		       const char *user, char **password, struct err *err)
{
	enum status st = ensure_connection(q, how, dsn, err);
	PGresult *r;

	if (st != STATUS_OK)
		return st;
	r = pq_query(&q->pq, err, how->sql, 1, user);
	if (!r)
		return err->status;
	st = read_answer(r, user, password, err);
	PQclear(r);
	return st;
}

enum status user_query_run(struct user_query *q, const struct config_auth_query *how,
			   const char *dsn, const char *user, char **password, struct err *err)
{
	bool was_open = q->dsn != NULL;
	struct err first = ERR_INIT;
	enum status st;

	*password = NULL;
	st = ask(q, how, dsn, user, password, &first);
	if (st != STATUS_OK && was_open && pq_is_lost(&q->pq)) { /* it had died while idle */
		first = (struct err)ERR_INIT;
		st = ask(q, how, dsn, user, password, &first);
	}
	if (st != STATUS_OK)
		*err = first;
	return st;
}
