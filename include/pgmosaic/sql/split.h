/* Cut a simple query of several statements into single ones, by PostgreSQL's own grammar.
 *
 * Failure: STATUS_SYNTAX when the parser rejects the text, STATUS_TOO_DEEP when it is nested
 * past what is safe; nothing is cut then. Pieces point into `text`, without the ';'.
 * Leading white space and comments stay with the piece that follows. Pure. */
#ifndef PGMOSAIC_SQL_SPLIT_H
#define PGMOSAIC_SQL_SPLIT_H

#include "pgmosaic/base/arena.h"
#include "pgmosaic/base/err.h"
#include "pgmosaic/base/str.h"

enum status sql_split(struct arena *a, struct str text, struct str **pieces, unsigned *n_pieces,
		      struct err *err);

#endif
