/* libpq, blocking, for catalog, recovery and moves: one connection, errors as struct err.
 *
 * Happy path: pq_open(); pq_exec() for statements without an answer, pq_query() for rows
 * (PQclear() them); pq_close().
 * Failure: the server's SQLSTATE, message, detail and hint, with `who` in front of the message:
 * "shard s2: relation "t" does not exist". A lost or refused connection is STATUS_BACKEND.
 * pq_is_lost() then says so, and the connection is of no more use.
 * Waiting: every call blocks. Use it on job threads, never on a worker. Connections carry TCP
 * keepalives, so that a dead host is noticed within half a minute. A server that is alive and
 * does not answer is noticed with `limit_ms`: the connection is given up then.
 * Threads: one at a time. */
#ifndef PGMOSAIC_CATALOG_PQ_H
#define PGMOSAIC_CATALOG_PQ_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include "pgmosaic/base/arena.h"
#include "pgmosaic/base/err.h"

struct pq {
	PGconn *pg;
	char who[160];	   /* "the catalog", "shard s1": begins every message */
	unsigned limit_ms; /* of one statement; 0: none. Kept over pq_open() */
};

/* who NULL: host:port/database stands for it. */
enum status pq_open(struct pq *c, const char *who, const char *dsn, unsigned connect_timeout_s,
		    struct err *err);
/* The same with parameters for PQconnectdbParams(). */
enum status pq_open_params(struct pq *c, const char *who, const char *const *keys,
			   const char *const *values, struct err *err);
void pq_close(struct pq *c); /* one never opened is fine when zeroed */
bool pq_is_lost(const struct pq *c);

/* One or several statements, no parameters. */
enum status pq_exec(struct pq *c, const char *sql, struct err *err);
/* n_params text values follow, each `const char *`, NULL for SQL NULL. NULL: failed. */
PGresult *pq_query(struct pq *c, struct err *err, const char *sql, unsigned n_params, ...);
/* The same without an answer; *n_rows (may be NULL): rows concerned. */
enum status pq_run(struct pq *c, struct err *err, uint64_t *n_rows, const char *sql,
		   unsigned n_params, ...);
/* The first column of the first row as a number: 0 when NULL. No row: STATUS_UNDEFINED. */
enum status pq_u64(struct pq *c, struct err *err, uint64_t *out, const char *sql, unsigned n_params,
		   ...);
/* ROLLBACK when a transaction is open; what goes wrong there shows at the next statement. */
void pq_rollback(struct pq *c);
/* Turn a failed result, or the connection's state, into `err`. */
enum status pq_fail(struct pq *c, const PGresult *res, struct err *err);

/* NULL for SQL NULL. */
static inline const char *pq_value(const PGresult *res, int row, int column)
{
	return PQgetisnull(res, row, column) ? NULL : PQgetvalue(res, row, column);
}

/* "name" and 'text', quoted for SQL. */
const char *pq_ident(struct arena *a, const char *name);
const char *pq_literal(struct arena *a, const char *text);
/* The name of a DSN's database; NULL with `err` set when the DSN cannot be read. */
const char *pq_dsn_dbname(struct arena *a, const char *dsn, struct err *err);
/* The items of a text[] in its text form ({a,"b c"}). */
unsigned pq_array(struct arena *a, const char *text, const char **items, unsigned max);
/* Items as the text form of a text[]. */
const char *pq_make_array(struct arena *a, const char *const *items, unsigned n);

#endif
