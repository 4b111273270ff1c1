#include "pgmosaic/admin/answer.h"

#include <stdlib.h>

#include "pgmosaic/base/mem.h"
#include "pgmosaic/wire/build.h"
#include "token.h"

static int16_t type_length(uint32_t oid)
{
	switch (oid) {
	case 16: return 1;
	case 23: return 4;
	case 20:
	case 1184: return 8;
	default: return -1;
	}
}

static bool put_description(const struct admin_result *r, struct buf *out)
{
	struct wire_column *columns = mem_zero(r->n_columns, sizeof(*columns));
	bool ok;

	for (unsigned i = 0; i < r->n_columns; i++)
		columns[i] = (struct wire_column){ .name = r->columns[i].name,
						   .type_oid = r->columns[i].type_oid,
						   .typlen = type_length(r->columns[i].type_oid),
						   .typmod = -1 };
	ok = wire_put_row_description(out, columns, (uint16_t)r->n_columns);
	free(columns);
	return ok;
}

static bool put_result(const struct admin_result *r, bool wants_description, struct buf *out)
{
	if (r->n_columns && wants_description && !put_description(r, out))
		return false;
	for (unsigned i = 0; i < r->n_rows; i++)
		if (!wire_put_text_row(out, r->values + (size_t)i * r->n_columns,
				       (uint16_t)r->n_columns))
			return false;
	return wire_put_command_complete(out, r->tag);
}

static bool put_error(struct buf *out, const struct err *err)
{
	wire_put_error(out, err, "ERROR");
	return false;
}

/* Everything is dropped for the error, so that it fits. */
static bool put_too_large(struct buf *out)
{
	struct err err = ERR_INIT;

	buf_clear(out);
	err_set(&err, STATUS_LIMIT, "the answer has more than %zu bytes", out->limit_bytes);
	return put_error(out, &err);
}

/* `one` is a part of `all`; the client counts positions in `all`. */
static bool put_error_at(struct buf *out, struct err *err, struct str all, struct str one)
{
	if (err->position > 0)
		err->position += token_position(all, (size_t)(one.p - all.p)) - 1;
	return put_error(out, err);
}

static bool answer_one(struct admin *admin, const char *user, struct str all, struct str one,
		       bool wants_description, struct buf *out)
{
	struct admin_result r;
	struct err err = ERR_INIT;
	bool ok;

	admin_result_init(&r);
	if (admin_execute(admin, user, one, &r, &err) != STATUS_OK)
		ok = put_error_at(out, &err, all, one);
	else
		ok = put_result(&r, wants_description, out) || put_too_large(out);
	admin_result_finish(&r);
	return ok;
}

bool admin_answer(struct admin *admin, const char *user, struct str sql, bool wants_description,
		  struct buf *out)
{
	struct str rest = sql, one = admin_next_statement(&rest);

	if (one.n == 0)
		return wire_put_empty_query(out);
	for (; one.n; one = admin_next_statement(&rest))
		if (!answer_one(admin, user, sql, one, wants_description, out))
			return false;
	return true;
}

bool admin_answer_describe(struct admin *admin, struct str sql, struct buf *out)
{
	struct str rest = sql, one = admin_next_statement(&rest);
	struct admin_result r;
	struct err err = ERR_INIT;
	bool ok;

	if (one.n == 0)
		return wire_put_no_data(out);
	admin_result_init(&r);
	if (admin_describe(admin, one, &r, &err) != STATUS_OK)
		ok = put_error_at(out, &err, sql, one);
	else
		ok = r.n_columns ? put_description(&r, out) : wire_put_no_data(out);
	admin_result_finish(&r);
	return ok;
}
