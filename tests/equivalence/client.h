/* One libpq connection of the runner, and what a statement gave on it.
 *
 * Happy path: client_open(), client_run() per case and mode, client_close().
 * Waiting:  every answer has STATEMENT_TIMEOUT_MS; past it the outcome says
 *           `lost` and the connection is closed.
 * Ownership: outcome_free() frees what client_run() filled in.
 */
#ifndef EQUIVALENCE_CLIENT_H
#define EQUIVALENCE_CLIENT_H

#include <arpa/inet.h>
#include <endian.h>
#include <poll.h>
#include <stdint.h>
#include <libpq-fe.h>

#include "casefile.h"

#define STATEMENT_TIMEOUT_MS 30000
#define MAX_RESULTS	     64

#define INT2_OID 21
#define INT4_OID 23
#define INT8_OID 20

struct client {
	const char *dsn;
	PGconn *conn;
	struct text notices; /* SQLSTATEs, each once in a row */
	char last_notice[6];
	int n_prepared;
};

struct outcome {
	PGresult *results[MAX_RESULTS];
	int n_results;
	char **copy_rows;
	int n_copy_rows;
	char *notices;
	PGTransactionStatusType txn;
	bool lost;
	char *lost_why;
};

struct bound {
	int n;
	Oid types[MAX_PARAMS];
	const char *values[MAX_PARAMS];
	int lengths[MAX_PARAMS], formats[MAX_PARAMS];
	uint64_t ints[MAX_PARAMS];
	char *copy; /* the text `values` points into */
};

static void on_notice(void *arg, const PGresult *res)
{
	struct client *c = arg;
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	if (state == NULL || strcmp(state, c->last_notice) == 0)
		return;
	snprintf(c->last_notice, sizeof(c->last_notice), "%s", state);
	text_addf(&c->notices, "%s ", state);
}

static bool client_open(struct client *c)
{
	c->conn = PQconnectdb(c->dsn);
	c->n_prepared = 0;
	if (PQstatus(c->conn) != CONNECTION_OK) {
		printf("# cannot connect: %s", PQerrorMessage(c->conn));
		PQfinish(c->conn);
		c->conn = NULL;
		return false;
	}
	PQsetNoticeReceiver(c->conn, on_notice, c);
	return true;
}

static void client_close(struct client *c)
{
	if (c->conn != NULL)
		PQfinish(c->conn);
	c->conn = NULL;
	text_free(&c->notices);
	c->last_notice[0] = '\0';
}

static void outcome_free(struct outcome *o)
{
	for (int i = 0; i < o->n_results; i++)
		PQclear(o->results[i]);
	for (int i = 0; i < o->n_copy_rows; i++)
		free(o->copy_rows[i]);
	free(o->copy_rows);
	free(o->notices);
	free(o->lost_why);
	*o = (struct outcome){ 0 };
}

static void outcome_lose(struct client *c, struct outcome *o, const char *why)
{
	if (!o->lost)
		o->lost_why = copy_string(why);
	o->lost = true;
	if (c->conn != NULL)
		PQfinish(c->conn);
	c->conn = NULL;
}

/* ---- parameters ---- */

static Oid type_oid(const char *name)
{
	static const struct {
		const char *name;
		Oid oid;
	} known[] = {
		{ "bool", 16 },	      { "bytea", 17 },	    { "int8", INT8_OID },
		{ "int2", INT2_OID }, { "int4", INT4_OID }, { "text", 25 },
		{ "float4", 700 },    { "float8", 701 },    { "bpchar", 1042 },
		{ "varchar", 1043 },  { "date", 1082 },	    { "timestamptz", 1184 },
		{ "numeric", 1700 },  { "uuid", 2950 },	    { "int8[]", 1016 },
		{ "int4[]", 1007 },   { "text[]", 1009 },   { "unknown", 0 },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0)
			return known[i].oid;
	fprintf(stderr, "unknown parameter type %s\n", name);
	exit(2);
}

/* The end of one value: a comma outside braces; `\,` is a comma in a value. */
static char *split_value(char *p)
{
	char *out = p;
	int depth = 0;

	for (; *p != '\0' && (*p != ',' || depth > 0); p++) {
		if (p[0] == '\\' && p[1] == ',')
			p++;
		depth += (*p == '{') - (*p == '}');
		*out++ = *p;
	}
	if (*p == ',') {
		*out = '\0';
		return p + 1;
	}
	*out = '\0';
	return NULL;
}

static void bind_types(struct bound *b, const char *types)
{
	char *copy = copy_string(types), *save = NULL;
	int i = 0;

	for (char *t = strtok_r(copy, ",", &save); t != NULL && i < MAX_PARAMS;
	     t = strtok_r(NULL, ",", &save))
		b->types[i++] = type_oid(t);
	free(copy);
}

static void bind_values(struct bound *b, const struct sql_case *c)
{
	*b = (struct bound){ 0 };
	if (c->types != NULL)
		bind_types(b, c->types);
	if (c->params == NULL)
		return;
	b->copy = copy_string(c->params);
	for (char *p = b->copy; p != NULL && b->n < MAX_PARAMS; b->n++) {
		char *value = p;

		p = split_value(p);
		b->values[b->n] = strcmp(value, "\\N") == 0 ? NULL : value;
	}
}

/* Send integers of a declared type in their binary form. */
static void bind_binary_ints(struct bound *b)
{
	for (int i = 0; i < b->n; i++) {
		Oid t = b->types[i];
		long long v;

		if (b->values[i] == NULL || (t != INT2_OID && t != INT4_OID && t != INT8_OID))
			continue;
		v = strtoll(b->values[i], NULL, 10);
		b->lengths[i] = t == INT2_OID ? 2 : t == INT4_OID ? 4 : 8;
		b->ints[i] = htobe64((uint64_t)v << (64 - 8 * b->lengths[i]));
		b->values[i] = (const char *)&b->ints[i];
		b->formats[i] = 1;
	}
}

/* ---- answers ---- */

static bool wait_for(struct client *c, short events)
{
	struct pollfd p = { .fd = PQsocket(c->conn), .events = events };

	return poll(&p, 1, STATEMENT_TIMEOUT_MS) > 0;
}

/* The next result, or NULL when the answer is complete or lost. */
static PGresult *next_result(struct client *c, struct outcome *o)
{
	while (PQisBusy(c->conn)) {
		if (PQflush(c->conn) < 0 || !wait_for(c, POLLIN)) {
			outcome_lose(c, o, "no answer in time");
			return NULL;
		}
		if (!PQconsumeInput(c->conn)) {
			outcome_lose(c, o, PQerrorMessage(c->conn));
			return NULL;
		}
	}
	return PQgetResult(c->conn);
}

static void send_copy_data(struct client *c, const char *data)
{
	if (data != NULL && *data != '\0')
		PQputCopyData(c->conn, data, (int)strlen(data));
	PQputCopyEnd(c->conn, data != NULL ? NULL : "the case has no data");
}

static void take_copy_rows(struct client *c, struct outcome *o)
{
	char *row;
	int n;

	while ((n = PQgetCopyData(c->conn, &row, 0)) > 0) {
		o->copy_rows =
			must(realloc(o->copy_rows, (size_t)(o->n_copy_rows + 1) * sizeof(char *)));
		o->copy_rows[o->n_copy_rows++] = copy_bytes(row, (size_t)n);
		PQfreemem(row);
	}
}

static void collect(struct client *c, struct outcome *o, const struct sql_case *kase)
{
	PGresult *res;

	while ((res = next_result(c, o)) != NULL) {
		ExecStatusType status = PQresultStatus(res);

		if (status == PGRES_COPY_IN)
			send_copy_data(c, kase->copy_data);
		else if (status == PGRES_COPY_OUT)
			take_copy_rows(c, o);
		if (o->n_results < MAX_RESULTS)
			o->results[o->n_results++] = res;
		else
			PQclear(res);
	}
	if (c->conn != NULL && PQstatus(c->conn) != CONNECTION_OK)
		outcome_lose(c, o, PQerrorMessage(c->conn));
}

/* ---- one statement in one mode ---- */

static bool last_failed(const struct outcome *o)
{
	return o->lost || (o->n_results > 0 &&
			   PQresultStatus(o->results[o->n_results - 1]) == PGRES_FATAL_ERROR);
}

static void run_simple(struct client *c, struct outcome *o, const struct sql_case *kase,
		       const char *sql)
{
	if (!PQsendQuery(c->conn, sql))
		outcome_lose(c, o, PQerrorMessage(c->conn));
	else
		collect(c, o, kase);
}

static void run_params(struct client *c, struct outcome *o, const struct sql_case *kase,
		       const char *sql, bool binary)
{
	struct bound b;
	int sent;

	bind_values(&b, kase);
	if (binary)
		bind_binary_ints(&b);
	sent = PQsendQueryParams(c->conn, sql, b.n, b.types, b.values, b.lengths, b.formats,
				 binary);
	if (!sent)
		outcome_lose(c, o, PQerrorMessage(c->conn));
	else
		collect(c, o, kase);
	free(b.copy);
}

/* Parse, Describe and, twice, Bind and Execute of a named statement would write
 * twice; so it is executed once, and described. */
static void run_prepared(struct client *c, struct outcome *o, const struct sql_case *kase,
			 const char *sql)
{
	struct bound b;
	char name[32];

	bind_values(&b, kase);
	snprintf(name, sizeof(name), "eq_%d", c->n_prepared++);
	if (!PQsendPrepare(c->conn, name, sql, b.n, b.types))
		outcome_lose(c, o, PQerrorMessage(c->conn));
	else
		collect(c, o, kase);
	if (!last_failed(o) && PQsendDescribePrepared(c->conn, name))
		collect(c, o, kase);
	if (!last_failed(o) &&
	    PQsendQueryPrepared(c->conn, name, b.n, b.values, b.lengths, b.formats, 0))
		collect(c, o, kase);
	free(b.copy);
}

static void run_in_transaction(struct client *c, struct outcome *o, const struct sql_case *kase,
			       const char *sql)
{
	run_simple(c, o, kase, "BEGIN");
	if (!last_failed(o))
		run_params(c, o, kase, sql, false);
	if (!o->lost)
		run_simple(c, o, kase, "COMMIT");
}

static void client_run(struct client *c, enum mode mode, const struct sql_case *kase,
		       const char *sql, struct outcome *o)
{
	*o = (struct outcome){ 0 };
	c->notices.len = 0;
	c->last_notice[0] = '\0';
	switch (mode) {
	case MODE_SIMPLE: run_simple(c, o, kase, sql); break;
	case MODE_TEXT: run_params(c, o, kase, sql, false); break;
	case MODE_BINARY: run_params(c, o, kase, sql, true); break;
	case MODE_PREPARED: run_prepared(c, o, kase, sql); break;
	case MODE_TXN: run_in_transaction(c, o, kase, sql); break;
	case N_MODES: break;
	}
	o->notices = copy_string(c->notices.len > 0 ? c->notices.data : "");
	o->txn = c->conn != NULL ? PQtransactionStatus(c->conn) : PQTRANS_UNKNOWN;
}

#endif
