/* Control-port queries as wire messages: what a session sends back.
 *
 * Happy path: admin_answer(admin, user, sql, true, out) runs every statement of `sql`, in
 * order, and appends RowDescription (when wanted), DataRows and CommandComplete of each;
 * EmptyQueryResponse when there is none. ReadyForQuery is the session's.
 * Failure: the first error is appended as ErrorResponse, the rest is not run, and the
 * answer is false. An answer past the buffer's limit is such an error too.
 * Waiting and threads: as admin_execute(): on a job thread. */
#ifndef PGMOSAIC_ADMIN_ANSWER_H
#define PGMOSAIC_ADMIN_ANSWER_H

#include "pgmosaic/admin/admin.h"
#include "pgmosaic/base/buf.h"

bool admin_answer(struct admin *admin, const char *user, struct str sql, bool wants_description,
		  struct buf *out);
/* RowDescription, or NoData, of what the (single) statement would answer. Runs nothing. */
bool admin_answer_describe(struct admin *admin, struct str sql, struct buf *out);

#endif
