/* The control port's SQL: one statement in, one result set out.
 *
 * Happy path: admin_create(&runtime) once. For each statement of a control session:
 * admin_result_init(&r); admin_execute(admin, user, sql, &r, &err); send r.columns and
 * its rows, or only r.tag when n_columns is 0; admin_result_finish(&r).
 * A simple query of several statements is cut with admin_next_statement(). Describe
 * before Execute: admin_describe() gives the columns and runs nothing.
 * Waiting: admin_execute() blocks (catalog and shards, by libpq): call it on a job thread.
 * One statement runs at a time; others wait for the mutex inside.
 * Failure: the error carries SQLSTATE, position in `sql` and a hint; the result holds
 * nothing to send then.
 * Ownership: the result owns its rows; columns are constants or the result's.
 * Threads: any, blocking. Every statement commits by itself; BEGIN and its kin are
 * accepted, for drivers that cannot do without, and change nothing. */
#ifndef PGMOSAIC_ADMIN_ADMIN_H
#define PGMOSAIC_ADMIN_ADMIN_H

#include <stdbool.h>
#include <stdint.h>
#include "pgmosaic/base/arena.h"
#include "pgmosaic/base/err.h"
#include "pgmosaic/base/str.h"

struct admin;
struct admin_runtime; /* admin/runtime.h */

#define ADMIN_DATABASE "pgmosaic" /* the only database of the control port */

struct admin_column {
	const char *name;
	uint32_t type_oid; /* 25 text, 23 integer, 20 bigint, 16 boolean, 1184 timestamptz … */
};

struct admin_result {
	struct arena arena;
	const struct admin_column *columns;
	unsigned n_columns;  /* 0: a command without rows */
	const char **values; /* [row * n_columns + column], text; NULL: SQL NULL */
	unsigned n_rows, room;
	const char *tag; /* of CommandComplete; for rows "SHOW" (PgBouncer's), or "SELECT n" */
};

struct admin *admin_create(const struct admin_runtime *runtime);
void admin_destroy(struct admin *admin);
enum status admin_execute(struct admin *admin, const char *user, struct str sql,
			  struct admin_result *out, struct err *err);
/* Only columns and n_columns of `out` are set. */
enum status admin_describe(struct admin *admin, struct str sql, struct admin_result *out,
			   struct err *err);
/* Cut the next statement off *rest, without its ';'. n == 0 and *rest empty: no more. */
struct str admin_next_statement(struct str *rest);

void admin_result_init(struct admin_result *r);
void admin_result_finish(struct admin_result *r);
/* Add a row; the values are copied. n must be n_columns. */
void admin_result_add(struct admin_result *r, const char *const *values, unsigned n);
#define admin_result_row(r, ...)                                    \
	admin_result_add((r), (const char *const[]){ __VA_ARGS__ }, \
			 sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

#endif
