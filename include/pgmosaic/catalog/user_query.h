/* Asking the home shard for a user's password or verifier (auth.query).
 *
 * Happy path: user_query_run() on one connection that is kept and made anew when it is lost or
 * the DSN has changed; as auth.query.user, read-only, and with search_path fixed, so that nobody's
 * function or table can stand in for the catalog's.
 * Failure: the connection's or the query's error. No row, or no password: *password is NULL.
 * Waiting: blocks, five seconds to connect and five for the query. Threads: one at a time. */
#ifndef PGMOSAIC_CATALOG_USER_QUERY_H
#define PGMOSAIC_CATALOG_USER_QUERY_H

#include "pgmosaic/catalog/pq.h"
#include "pgmosaic/config/config.h"

struct user_query {
	struct pq pq;
	char *dsn; /* what pq is connected with; NULL: it is not */
};

/* *password: the caller wipes and frees it. */
enum status user_query_run(struct user_query *q, const struct config_auth_query *how,
			   const char *dsn, const char *user, char **password, struct err *err);
void user_query_close(struct user_query *q);

#endif
