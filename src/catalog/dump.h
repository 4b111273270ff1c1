/* pg_dump as a child process: the definition of a table or of a whole database as SQL text.
 *
 * The connection goes through the environment, so that no password shows in the process list.
 * Failure: pg_dump is missing (the hint names the package), or what it wrote to stderr. */
#ifndef CATALOG_DUMP_H
#define CATALOG_DUMP_H

#include "pgmosaic/base/arena.h"
#include "pgmosaic/base/err.h"

/* args: pg_dump's, NULL at the end. *sql hangs on `a`; psql's own commands are taken out. */
enum status dump_run(struct arena *a, const char *dsn, const char *const *args, char **sql,
		     struct err *err);

#endif
