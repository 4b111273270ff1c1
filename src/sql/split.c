/* Statements of a simple query, cut apart by PostgreSQL's own raw parser.
 *
 * The raw parser keeps its stack on the heap and limits it, so length does no harm;
 * what is nested past MAX_DEPTH is refused before it gets there. */
#include "pgmosaic/sql/split.h"

#include <pg_query.h>
#include <stdlib.h>

#include "pgmosaic/base/check.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/sql/scan.h"

#define MAX_DEPTH 3000

static enum status refuse_deep(struct err *err)
{
	err_set(err, STATUS_TOO_DEEP, "stack depth limit exceeded");
	err_hint(err, "The statement nests parentheses or CASE more than %d deep; flatten it.",
		 MAX_DEPTH);
	return STATUS_TOO_DEEP;
}

static bool is_too_deep(struct str text)
{
	struct scan *scan = mem_alloc(sizeof(*scan));
	bool deep;

	scan_text(text, scan);
	deep = scan->max_depth > MAX_DEPTH;
	free(scan);
	return deep;
}

static enum status syntax_error(const PgQueryError *error, struct err *err)
{
	err_set(err, STATUS_SYNTAX, "%s", error->message ? error->message : "syntax error");
	if (error->cursorpos > 0)
		err->position = error->cursorpos;
	return STATUS_SYNTAX;
}

static bool pieces_copy(struct arena *a, struct str text, const PgQuerySplitResult *r,
			struct str **pieces)
{
	struct str *list = arena_array(a, struct str, (size_t)r->n_stmts + 1);

	if (!list)
		return false;
	for (int i = 0; i < r->n_stmts; i++) {
		size_t at = (size_t)r->stmts[i]->stmt_location;
		size_t n = (size_t)r->stmts[i]->stmt_len;

		INVARIANT(at <= text.n);
		list[i] = (struct str){ text.p + at, n && n <= text.n - at ? n : text.n - at };
	}
	*pieces = list;
	return true;
}

enum status sql_split(struct arena *a, struct str text, struct str **pieces, unsigned *n_pieces,
		      struct err *err)
{
	enum status status = STATUS_OK;
	PgQuerySplitResult r;
	char *terminated;

	if (is_too_deep(text))
		return refuse_deep(err);
	terminated = arena_strndup(a, text.p, text.n);
	if (!terminated)
		return err_set(err, STATUS_LIMIT, "the statement does not fit its memory limit");
	r = pg_query_split_with_parser(terminated);
	if (r.error)
		status = syntax_error(r.error, err);
	else if (!pieces_copy(a, text, &r, pieces))
		status = err_set(err, STATUS_LIMIT, "the statement does not fit its memory limit");
	else
		*n_pieces = (unsigned)r.n_stmts;
	pg_query_free_split_result(r);
	return status;
}
