/* LIMIT and OFFSET as PostgreSQL computes them (nodeLimit.c, recompute_limits): OFFSET
 * first, then LIMIT; each an int8; NULL means none; negative is an error of its own. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static bool param_binary(const struct param_values *v, uint16_t i)
{
	if (v->n_formats == 0)
		return false;
	return wire_get_u16(v->formats + (v->n_formats == 1 ? 0 : 2u * i)) == 1;
}

static bool read_binary(const uint8_t *p, int32_t n, int64_t *value)
{
	if (n == 8)
		*value = (int64_t)wire_get_u64(p);
	else if (n == 4)
		*value = (int32_t)wire_get_u32(p);
	else if (n == 2)
		*value = (int16_t)wire_get_u16(p);
	return n == 8 || n == 4 || n == 2;
}

static bool read_text(const uint8_t *p, int32_t n, int64_t *value)
{
	char text[32], *end;

	if (n <= 0 || n >= (int32_t)sizeof(text))
		return false;
	memcpy(text, p, (size_t)n);
	text[n] = 0;
	for (char *c = text; *c; c++)
		if ((*c < '0' || *c > '9') && !(c == text && *c == '-'))
			return false;
	*value = strtoll(text, &end, 10);
	return n < 19;
}

static enum status read_param(const struct exec_request *req, const struct plan_count *count,
			      const char *clause, bool *is_null, int64_t *value, struct err *err)
{
	const struct param_values *v = req->params;
	uint16_t index = count->param, i = (uint16_t)(index - 1);
	bool ok;

	if (!v || index == 0 || index > v->n)
		return err_set(err, STATUS_PROTOCOL, "parameter $%u of %s was not given", index,
			       clause);
	*is_null = v->data[i] == NULL;
	if (*is_null)
		return STATUS_OK;
	ok = param_binary(v, i) ? read_binary(v->data[i], v->length[i], value)
				: read_text(v->data[i], v->length[i], value);
	if (ok && plan_count_fits(count, *value))
		return STATUS_OK;
	err_set(err, STATUS_UNROUTED, "the value of %s ($%u) is not a plain integer", clause,
		index);
	err_hint(err, "Pass %s of a statement over several shards as an integer.", clause);
	return err->status;
}

static enum status evaluate(const struct exec_request *req, const struct plan_count *count,
			    const char *clause, bool *is_set, int64_t *value, struct err *err)
{
	bool is_null = false;
	enum status st = STATUS_OK;

	*is_set = false;
	*value = 0;
	if (count->kind == COUNT_CONST)
		*value = count->value;
	else if (count->kind == COUNT_PARAM)
		st = read_param(req, count, clause, &is_null, value, err);
	else
		return STATUS_OK;
	*is_set = !is_null;
	return st;
}

enum status exec_window(const struct exec_request *req, struct exec_window *w, struct err *err)
{
	bool has_offset;
	enum status st;

	st = evaluate(req, &req->plan->offset, "OFFSET", &has_offset, &w->offset, err);
	if (st != STATUS_OK)
		return st;
	if (w->offset < 0)
		return err_set_code(err, STATUS_INVALID, "2201X", "OFFSET must not be negative");
	st = evaluate(req, &req->plan->limit, "LIMIT", &w->is_limited, &w->limit, err);
	if (st != STATUS_OK)
		return st;
	if (w->is_limited && w->limit < 0)
		return err_set_code(err, STATUS_INVALID, "2201W", "LIMIT must not be negative");
	return STATUS_OK;
}

int64_t exec_window_reach(const struct exec_window *w)
{
	int64_t reach;

	return __builtin_add_overflow(w->limit, w->offset, &reach) ? INT64_MAX : reach;
}
