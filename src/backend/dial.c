/* Opening a server connection.
 *
 * Happy path: PQconnectdbParams on a job thread (name look-up, TLS and SCRAM block
 * there for milliseconds, never on a loop), as the client's role and never with the password
 * of the DSN's own user; the values the server reported are read,
 * then the socket is taken over and libpq only keeps it (and its TLS) alive.
 * Failure modes: the server's own words become the error; the pool waits a little
 * before it dials again. A pool that closes meanwhile: the connection is finished as
 * soon as the job returns. */
#include <errno.h>
#include <libpq-fe.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/base/clock.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/catalog/pq_params.h"
#include "pgmosaic/wire/auth.h"

#define HELLO_BYTES 320
/* So that the server notices a proxy whose host died, and ends its transactions. Not
 * tcp_user_timeout: it would also end connections to clients that read slowly. */
#define SERVER_SIDE_KEEPALIVES \
	"-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"

struct dial {
	struct pool *pool;
	struct conn *conn;
	char *dsn, *user, *password;
	struct login login; /* its password is `password` */
	uint64_t timeout_ms, deadline_ms;
	bool timed_out;
	char tcp[4][16]; /* keepalives_idle, _interval, _count, tcp_user_timeout */
	char search_path[256];
	char hello[HELLO_BYTES];
	struct err err;
	PGconn *pg;
};

static const char *const reported[] = {
	"server_version",
	"server_encoding",
	"client_encoding",
	"application_name",
	"default_transaction_read_only",
	"in_hot_standby",
	"is_superuser",
	"session_authorization",
	"DateStyle",
	"IntervalStyle",
	"TimeZone",
	"integer_datetimes",
	"standard_conforming_strings",
};

static void dial_read_parameters(struct dial *d)
{
	struct conn *c = d->conn;

	for (size_t i = 0; i < sizeof(reported) / sizeof(reported[0]); i++) {
		const char *value = PQparameterStatus(d->pg, reported[i]);
		struct conn_parameter *p = &c->parameters[c->n_parameters];

		if (!value)
			continue;
		snprintf(p->name, sizeof(p->name), "%s", reported[i]);
		snprintf(p->value, sizeof(p->value), "%s", value);
		c->n_parameters++;
	}
}

/* ---- libpq without its own waiting: timeouts.connect bounds all of it, in milliseconds ---- */

/* False: the time is up. */
static bool dial_wait(struct dial *d, short events)
{
	for (;;) {
		struct pollfd f = { .fd = PQsocket(d->pg), .events = events };
		uint64_t now = clock_us() / 1000;
		int left = d->deadline_ms > now ? (int)(d->deadline_ms - now) : 0, n;

		n = poll(&f, 1, d->deadline_ms ? left : -1);
		if (n > 0 || (n < 0 && errno != EINTR))
			return true;
		d->timed_out = n == 0;
		if (n == 0)
			return false;
	}
}

static const char *key_text(struct arena *a, const uint8_t key[LOGIN_KEY_BYTES])
{
	unsigned char *out = arena_alloc(a, 4 * (LOGIN_KEY_BYTES + 2) / 3 + 1);

	EVP_EncodeBlock(out, key, LOGIN_KEY_BYTES);
	return (const char *)out;
}

static void put_params(struct dial *d, struct arena *a, struct pq_params *p)
{
	pq_params_put(p, "user", d->user);
	pq_params_put(p, "client_encoding", "UTF8");
	pq_params_put(p, "keepalives_idle", d->tcp[0]);
	pq_params_put(p, "keepalives_interval", d->tcp[1]);
	pq_params_put(p, "keepalives_count", d->tcp[2]);
	pq_params_put(p, "tcp_user_timeout", d->tcp[3]);
	if (d->password) {
		pq_params_put(p, "password", d->password);
	} else if (d->login.has_keys && login_can_pass_keys()) {
		pq_params_put(p, "scram_client_key", key_text(a, d->login.client_key));
		pq_params_put(p, "scram_server_key", key_text(a, d->login.server_key));
	}
}

static void put_default(struct pq_params *p, const char *key, const char *value)
{
	for (unsigned i = 0; p->keys[i]; i++)
		if (strcmp(p->keys[i], key) == 0)
			return;
	pq_params_put(p, key, value);
}

static void dial_begin(struct dial *d)
{
	struct pq_params p;
	struct arena a;

	arena_init(&a, 0);
	if (pq_params_read(&a, d->dsn, &p, &d->err) == STATUS_OK) {
		put_params(d, &a, &p);
		put_default(&p, "options", SERVER_SIDE_KEEPALIVES);
		d->pg = PQconnectStartParams(p.keys, p.values, 0);
	}
	arena_finish(&a);
}

static bool dial_connect(struct dial *d)
{
	PostgresPollingStatusType st = PGRES_POLLING_WRITING;

	dial_begin(d);
	if (PQstatus(d->pg) == CONNECTION_BAD)
		return false;
	while (st == PGRES_POLLING_READING || st == PGRES_POLLING_WRITING) {
		if (!dial_wait(d, st == PGRES_POLLING_READING ? POLLIN : POLLOUT))
			return false;
		st = PQconnectPoll(d->pg);
	}
	return st == PGRES_POLLING_OK;
}

/* One round trip: the connection is recorded in a transaction of its own, whatever the role's
 * defaults are, and search_path is asked for. Losing the record in a crash loses the session,
 * too, so the commit need not be flushed. */
static void dial_write_hello(struct dial *d, const struct pools_identity *me)
{
	char cluster[sizeof(me->cluster)];
	size_t n = 0;

	for (const char *p = me->cluster; *p; p++) /* hexadecimal; nothing to quote */
		if (*p != '\'' && *p != '\\')
			cluster[n++] = *p;
	cluster[n] = 0;
	snprintf(d->hello, sizeof(d->hello),
		 "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
		 "SET LOCAL synchronous_commit = off;"
		 "SELECT pg_catalog.current_setting('search_path') FROM "
		 "mosaic.hello('%s', %llu, %llu);"
		 "COMMIT",
		 cluster, (unsigned long long)me->incarnation, (unsigned long long)me->epoch);
}

static void take_hello_error(struct dial *d, const PGresult *r)
{
	const char *code = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	const char *hint = PQresultErrorField(r, PG_DIAG_MESSAGE_HINT);

	err_set_code(&d->err, STATUS_BACKEND, code ? code : "08006",
		     "cannot use a connection to shard %s: %.250s", d->pool->shard_name,
		     message ? message : "it was lost");
	err_hint(&d->err, "%s", hint ? hint : "The shard's schema mosaic may be incomplete.");
}

/* The next result; NULL: none, or the time is up. */
static PGresult *next_result(struct dial *d)
{
	while (PQisBusy(d->pg))
		if (!dial_wait(d, POLLIN) || !PQconsumeInput(d->pg))
			return NULL;
	return PQgetResult(d->pg);
}

static bool dial_say_hello(struct dial *d)
{
	PGresult *r;
	bool ok = PQsendQuery(d->pg, d->hello);

	while (ok && (r = next_result(d)) != NULL) {
		ExecStatusType status = PQresultStatus(r);

		if (status == PGRES_TUPLES_OK) {
			snprintf(d->search_path, sizeof(d->search_path), "%s", PQgetvalue(r, 0, 0));
		} else if (status != PGRES_COMMAND_OK) {
			take_hello_error(d, r);
			ok = false;
		}
		PQclear(r);
	}
	return ok && PQtransactionStatus(d->pg) == PQTRANS_IDLE;
}

/* libpq gives no SQLSTATE for a failed log-in: the commonest are told by their words. */
static const char *code_of_message(const char *text)
{
	static const struct {
		const char *words, *code;
	} known[] = {
		{ "password authentication failed", "28P01" },
		{ "no password supplied", "28P01" },
		{ "no pg_hba.conf entry", "28000" },
		{ "database \"", "3D000" },
		{ "role \"", "28000" },
		{ "too many", "53300" },
		{ "remaining connection slots", "53300" },
		{ "the database system is", "57P03" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strstr(text, known[i].words))
			return known[i].code;
	return "08006";
}

static void dial_hint(struct dial *d)
{
	if (strcmp(d->err.code, "28P01") == 0 && !d->password && d->login.has_keys &&
	    !login_can_pass_keys())
		err_hint(
			&d->err,
			"This libpq (%d) cannot pass SCRAM keys on. Write server_password for user "
			"\"%s\", log in with method password over TLS, or install libpq 18.",
			PQlibVersion() / 10000, d->user);
	else if (strcmp(d->err.code, "28P01") == 0 && !d->password && !d->login.has_keys)
		err_hint(&d->err,
			 "The proxy has no password of user \"%s\" for the shards. Write "
			 "server_password in auth.users, or log in with method password over TLS.",
			 d->user);
	else
		err_hint(&d->err,
			 "Is the shard's server running, and may user \"%s\" log in there with the "
			 "password the proxy has? SHOW SHARDS on the control port shows its DSN.",
			 d->user);
}

static void dial_failed(struct dial *d)
{
	char text[300];
	const char *fatal;
	size_t n;

	if (d->err.status != STATUS_OK) /* no connection was tried */
		return;
	if (d->timed_out)
		snprintf(text, sizeof(text), "no answer within %llu ms (timeouts.connect)",
			 (unsigned long long)d->timeout_ms);
	else
		snprintf(text, sizeof(text), "%s", PQerrorMessage(d->pg));
	for (n = strlen(text); n && (text[n - 1] == '\n' || text[n - 1] == ' '); n--)
		text[n - 1] = 0;
	for (char *p = text; *p; p++)
		if (*p == '\n')
			*p = ' ';
	fatal = strstr(text, "FATAL:  ");
	err_set_code(&d->err, STATUS_BACKEND, code_of_message(text),
		     "cannot connect to shard %s: %s", d->pool->shard_name,
		     fatal ? fatal + 8 : text);
	dial_hint(d);
}

static void dial_work(void *arg)
{
	struct dial *d = arg;

	if (d->timeout_ms)
		d->deadline_ms = clock_us() / 1000 + d->timeout_ms;
	if (!dial_connect(d) || !dial_say_hello(d)) {
		if (d->err.status == STATUS_OK)
			dial_failed(d);
		PQfinish(d->pg);
		d->pg = NULL;
		return;
	}
	dial_read_parameters(d);
	d->conn->server_pid = PQbackendPID(d->pg);
	d->conn->cancel = PQgetCancel(d->pg);
	PQsetnonblocking(d->pg, 1);
}

static void dial_free(struct dial *d)
{
	free(d->dsn);
	free(d->user);
	if (d->password)
		auth_wipe(d->password, strlen(d->password));
	free(d->password);
	auth_wipe(&d->login, sizeof(d->login));
	free(d);
}

static void dial_done(void *arg)
{
	struct dial *d = arg;
	struct pool *p = d->pool;
	struct conn *c = d->conn;

	if (d->pg) {
		c->pg = d->pg;
		if (!p->is_known) {
			memcpy(p->search_path, d->search_path, sizeof(p->search_path));
			p->is_known = true;
		}
		conn_start(c, PQsocket(d->pg), PQgetssl(d->pg));
		pool_on_dialed(p, c);
	} else {
		conn_free(c);
		pool_on_dial_failed(p, &d->err);
	}
	dial_free(d);
}

static void dial_limits(struct dial *d, const struct pool_limits *l)
{
	const uint64_t values[4] = { (l->keepalive_idle_ms + 999) / 1000,
				     (l->keepalive_interval_ms + 999) / 1000, l->keepalive_count,
				     l->user_timeout_ms };

	d->timeout_ms = l->connect_timeout_ms;
	for (int i = 0; i < 4; i++)
		snprintf(d->tcp[i], sizeof(d->tcp[i]), "%llu", (unsigned long long)values[i]);
}

static void dial_take_login(struct dial *d, const struct login *login)
{
	if (!login)
		return;
	d->login = *login;
	d->password = login->password ? mem_strdup(login->password) : NULL;
	d->login.password = d->password;
}

void pool_dial(struct pool *p)
{
	struct dial *d = mem_zero(1, sizeof(*d));
	struct conn *c = mem_zero(1, sizeof(*c));

	c->pool = p;
	c->shard = p->shard;
	c->id = ++p->pools->next_conn_id;
	c->generation = p->pools->generation;
	c->state = CONN_DIALING;
	list_init(&c->node);
	list_init(&c->cancel_node);
	table_init(&c->prepared);
	buf_init(&c->in, (size_t)p->pools->limits.message_bytes + POOL_SCRATCH_BYTES + 16);
	d->pool = p;
	d->conn = c;
	d->dsn = mem_strdup(p->dsn);
	d->user = mem_strdup(p->user);
	dial_take_login(d, logins_find(&p->pools->logins, p->user));
	dial_limits(d, &p->pools->limits);
	dial_write_hello(d, &p->pools->identity);
	c->incarnation = p->pools->identity.incarnation;
	p->n_dialing++;
	p->pools->n_conns++;
	job_run(p->pools->loop, dial_work, dial_done, d);
}

void conn_free(struct conn *c)
{
	if (c->cancel)
		PQfreeCancel(c->cancel);
	if (c->pg)
		PQfinish(c->pg);
	buf_finish(&c->in);
	buf_finish(&c->stream.out);
	table_finish(&c->prepared);
	free(c->deep);
	free(c);
}
