#include "pgmosaic/catalog/pq.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/check.h"
#include "pgmosaic/base/clock.h"

#define MAX_PARAMS 16

/* libpq ends its messages with a line feed and may put several lines. */
static void first_line(char *out, size_t size, const char *text)
{
	size_t n = strcspn(text, "\n");

	if (n >= size)
		n = size - 1;
	memcpy(out, text, n);
	out[n] = '\0';
}

static enum status status_of_code(const char *code)
{
	if (strcmp(code, "42710") == 0 || strcmp(code, "23505") == 0)
		return STATUS_DUPLICATE;
	if (strncmp(code, "08", 2) == 0 || strncmp(code, "57P0", 4) == 0)
		return STATUS_BACKEND;
	if (strcmp(code, "42501") == 0)
		return STATUS_PRIVILEGE;
	if (strncmp(code, "28", 2) == 0)
		return STATUS_AUTH;
	return STATUS_CATALOG;
}

enum status pq_fail(struct pq *c, const PGresult *res, struct err *err)
{
	const char *code = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
	const char *field;
	char line[300];

	if (!code) {
		first_line(line, sizeof(line),
			   c->pg ? PQerrorMessage(c->pg) : "out of memory for a connection");
		return err_set(err, STATUS_BACKEND, "%s: %s", c->who, line);
	}
	first_line(line, sizeof(line), PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY));
	err_set_code(err, status_of_code(code), code, "%s: %s", c->who, line);
	field = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
	if (field)
		err_detail(err, "%s", field);
	field = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT);
	if (field)
		err_hint(err, "%s", field);
	return err->status;
}

static void ignore_notice(void *arg, const PGresult *res)
{
	(void)arg;
	(void)res;
}

static void name_server(struct pq *c, const char *who)
{
	const char *host = c->pg ? PQhost(c->pg) : NULL;
	const char *port = c->pg ? PQport(c->pg) : NULL, *db = c->pg ? PQdb(c->pg) : NULL;

	if (who)
		snprintf(c->who, sizeof(c->who), "%s", who);
	else
		snprintf(c->who, sizeof(c->who), "%s:%s/%s", host && *host ? host : "localhost",
			 port ? port : "", db ? db : "");
}

enum status pq_open_params(struct pq *c, const char *who, const char *const *keys,
			   const char *const *values, struct err *err)
{
	c->pg = PQconnectdbParams(keys, values, 1);
	name_server(c, who);
	if (!c->pg || PQstatus(c->pg) != CONNECTION_OK) {
		enum status st = pq_fail(c, NULL, err);

		err_hint(err, "Is the server running, and does it accept this user from here?");
		pq_close(c);
		return st;
	}
	PQsetNoticeReceiver(c->pg, ignore_notice, NULL);
	return STATUS_OK;
}

enum status pq_open(struct pq *c, const char *who, const char *dsn, unsigned connect_timeout_s,
		    struct err *err)
{
	char timeout[16];
	/* What stands before dbname is a default; what stands behind it overrides the DSN. */
	const char *keys[] = { "connect_timeout",  "keepalives_idle",  "keepalives_interval",
			       "keepalives_count", "tcp_user_timeout", "dbname",
			       "application_name", "client_encoding",  NULL };
	const char *values[] = { timeout, "10", "5", "3", "30000", dsn, "pgmosaic", "UTF8", NULL };

	snprintf(timeout, sizeof(timeout), "%u", connect_timeout_s);
	return pq_open_params(c, who, keys, values, err);
}

void pq_close(struct pq *c)
{
	if (c->pg)
		PQfinish(c->pg);
	c->pg = NULL;
}

bool pq_is_lost(const struct pq *c)
{
	return !c->pg || PQstatus(c->pg) != CONNECTION_OK;
}

/* ---- statements ---- */

/* False: the deadline has passed, or the connection is lost. */
static bool read_more(PGconn *pg, uint64_t deadline_us)
{
	struct pollfd fd = { .fd = PQsocket(pg), .events = POLLIN };
	uint64_t now = clock_us();

	if (now >= deadline_us)
		return false;
	if (poll(&fd, 1, (int)((deadline_us - now) / 1000 + 1)) < 0 && errno != EINTR)
		return false;
	return PQconsumeInput(pg);
}

/* What was sent is answered, as PQexec() would give it. NULL: not in time, or out of memory. */
static PGresult *await_result(struct pq *c)
{
	uint64_t deadline = clock_us() + (uint64_t)c->limit_ms * 1000;
	PGresult *last = NULL, *next;

	for (;;) {
		while (c->limit_ms && PQisBusy(c->pg))
			if (!read_more(c->pg, deadline)) {
				PQclear(last);
				return NULL;
			}
		next = PQgetResult(c->pg);
		if (!next)
			return last;
		PQclear(last);
		last = next;
	}
}

/* A late answer would be taken for the next one's: the connection ends. */
static void give_up(struct pq *c, struct err *err)
{
	if (PQstatus(c->pg) != CONNECTION_OK) {
		pq_fail(c, NULL, err);
		return;
	}
	err_set(err, STATUS_BACKEND, "%s: no answer within %u ms", c->who, c->limit_ms);
	pq_close(c);
}

static bool is_good(const PGresult *res)
{
	ExecStatusType st = PQresultStatus(res);

	return st == PGRES_COMMAND_OK || st == PGRES_TUPLES_OK;
}

enum status pq_exec(struct pq *c, const char *sql, struct err *err)
{
	PGresult *res = NULL;

	if (!c->pg)
		return err_set(err, STATUS_BACKEND, "%s: not connected", c->who);
	if (PQsendQuery(c->pg, sql))
		res = await_result(c);
	if (!res)
		give_up(c, err);
	else if (!is_good(res))
		pq_fail(c, res, err);
	if (is_good(res)) {
		PQclear(res);
		return STATUS_OK;
	}
	PQclear(res);
	return err->status;
}

static PGresult *query_args(struct pq *c, struct err *err, const char *sql, unsigned n,
			    va_list args)
{
	const char *params[MAX_PARAMS];
	PGresult *res = NULL;

	PRE(n <= MAX_PARAMS);
	for (unsigned i = 0; i < n; i++)
		params[i] = va_arg(args, const char *);
	if (!c->pg) {
		err_set(err, STATUS_BACKEND, "%s: not connected", c->who);
		return NULL;
	}
	if (PQsendQueryParams(c->pg, sql, (int)n, NULL, params, NULL, NULL, 0))
		res = await_result(c);
	if (is_good(res))
		return res;
	if (res)
		pq_fail(c, res, err);
	else
		give_up(c, err);
	PQclear(res);
	return NULL;
}

PGresult *pq_query(struct pq *c, struct err *err, const char *sql, unsigned n_params, ...)
{
	va_list args;
	PGresult *res;

	va_start(args, n_params);
	res = query_args(c, err, sql, n_params, args);
	va_end(args);
	return res;
}

enum status pq_run(struct pq *c, struct err *err, uint64_t *n_rows, const char *sql,
		   unsigned n_params, ...)
{
	va_list args;
	PGresult *res;

	va_start(args, n_params);
	res = query_args(c, err, sql, n_params, args);
	va_end(args);
	if (!res)
		return err->status;
	if (n_rows)
		*n_rows = strtoull(PQcmdTuples(res), NULL, 10);
	PQclear(res);
	return STATUS_OK;
}

enum status pq_u64(struct pq *c, struct err *err, uint64_t *out, const char *sql, unsigned n_params,
		   ...)
{
	enum status st = STATUS_OK;
	va_list args;
	PGresult *res;

	va_start(args, n_params);
	res = query_args(c, err, sql, n_params, args);
	va_end(args);
	if (!res)
		return err->status;
	if (PQntuples(res) == 0)
		st = err_set(err, STATUS_UNDEFINED, "%s: no row", c->who);
	else
		*out = strtoull(PQgetvalue(res, 0, 0), NULL, 10);
	PQclear(res);
	return st;
}

void pq_rollback(struct pq *c)
{
	struct err err = ERR_INIT;

	if (!pq_is_lost(c) && PQtransactionStatus(c->pg) != PQTRANS_IDLE)
		pq_exec(c, "ROLLBACK", &err);
}

/* ---- text ---- */

static const char *quote(struct arena *a, const char *text, char with)
{
	char *out = arena_alloc(a, 2 * strlen(text) + 3), *o = out;

	*o++ = with;
	for (; *text; text++) {
		if (*text == with)
			*o++ = with;
		*o++ = *text;
	}
	*o++ = with;
	*o = '\0';
	return out;
}

const char *pq_ident(struct arena *a, const char *name)
{
	return quote(a, name, '"');
}

/* E'…' when there is a backslash: right whatever standard_conforming_strings says. */
const char *pq_literal(struct arena *a, const char *text)
{
	char *out, *o;

	if (!strchr(text, '\\'))
		return quote(a, text, '\'');
	out = o = arena_alloc(a, 2 * strlen(text) + 5);
	*o++ = ' ';
	*o++ = 'E';
	*o++ = '\'';
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			*o++ = *text;
		*o++ = *text;
	}
	*o++ = '\'';
	*o = '\0';
	return out;
}

const char *pq_dsn_dbname(struct arena *a, const char *dsn, struct err *err)
{
	char *message = NULL, line[300];
	PQconninfoOption *options = PQconninfoParse(dsn, &message);
	const char *dbname = NULL, *user = NULL;

	if (!options) {
		first_line(line, sizeof(line), message ? message : "out of memory");
		PQfreemem(message);
		err_set(err, STATUS_INVALID, "the connection string cannot be read: %s", line);
		err_hint(err, "Write it as libpq does: host=… port=… dbname=… user=…");
		return NULL;
	}
	for (PQconninfoOption *o = options; o->keyword; o++) {
		if (strcmp(o->keyword, "dbname") == 0 && o->val && *o->val)
			dbname = arena_strdup(a, o->val);
		if (strcmp(o->keyword, "user") == 0 && o->val && *o->val)
			user = arena_strdup(a, o->val);
	}
	PQconninfoFree(options);
	if (!dbname && !user)
		err_set(err, STATUS_INVALID,
			"the connection string names no database: add dbname=…");
	return dbname ? dbname : user;
}

static const char *array_item(struct arena *a, const char **at)
{
	const char *p = *at;
	char *out = arena_alloc(a, strlen(p) + 1), *o = out;
	bool quoted = *p == '"';

	p += quoted;
	while (*p && (quoted ? *p != '"' : *p != ',' && *p != '}')) {
		if (*p == '\\' && p[1])
			p++;
		*o++ = *p++;
	}
	*o = '\0';
	*at = p + (quoted && *p == '"');
	return out;
}

unsigned pq_array(struct arena *a, const char *text, const char **items, unsigned max)
{
	unsigned n = 0;

	if (!text || *text++ != '{')
		return 0;
	while (*text && *text != '}' && n < max) {
		items[n++] = array_item(a, &text);
		if (*text == ',')
			text++;
	}
	return n;
}

const char *pq_make_array(struct arena *a, const char *const *items, unsigned n)
{
	size_t size = 3;
	char *out, *o;

	for (unsigned i = 0; i < n; i++)
		size += 2 * strlen(items[i]) + 3;
	out = o = arena_alloc(a, size);
	*o++ = '{';
	for (unsigned i = 0; i < n; i++) {
		if (i)
			*o++ = ',';
		*o++ = '"';
		for (const char *p = items[i]; *p; p++) {
			if (*p == '"' || *p == '\\')
				*o++ = '\\';
			*o++ = *p;
		}
		*o++ = '"';
	}
	*o++ = '}';
	*o = '\0';
	return out;
}
