#include "pgmosaic/exec/exec.h"

#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "pgmosaic/base/check.h"

#define BODY_LIMIT (64u << 20)

void exec_result_init(struct exec_result *r)
{
	memset(r, 0, sizeof(*r));
	buf_init(&r->failure.body, BODY_LIMIT);
}

void exec_result_finish(struct exec_result *r)
{
	buf_finish(&r->failure.body);
}

enum status exec_fail(struct exec_result *result, const struct err *err)
{
	result->failure.err = *err;
	buf_clear(&result->failure.body);
	return err->status;
}

/* The server's fields one by one, the position replaced by the client's. */
static void copy_error_body(const struct plan *plan, struct str text, struct leg *leg,
			    struct buf *out)
{
	const char *p = (const char *)buf_head(&leg->error_body);
	const char *end = p + buf_len(&leg->error_body);

	while (p < end && *p) {
		const char *value = p + 1;
		size_t n = strnlen(value, (size_t)(end - value));

		if (*p == 'P' && plan) {
			int position = plan_client_position(plan, text, atoi(value));

			if (position > 0)
				buf_printf(out, "P%d", position);
			if (position > 0)
				buf_put_u8(out, 0);
		} else {
			buf_append(out, p, n + 2);
		}
		p = value + n + 1;
	}
	buf_put_u8(out, 0);
}

enum status exec_leg_failed(const struct plan *plan, struct str text, struct leg *leg,
			    struct exec_failure *failure)
{
	failure->err = leg->err;
	buf_clear(&failure->body);
	if (buf_len(&leg->error_body))
		copy_error_body(plan, text, leg, &failure->body);
	return leg->err.status == STATUS_OK ? STATUS_INTERNAL : leg->err.status;
}

/* A cancel that we sent because another shard failed is not the cause. */
static bool is_our_cancel(const struct leg *leg, const struct exec_request *req)
{
	return !req->party->is_canceled && strcmp(leg->err.code, "57014") == 0 &&
	       strstr(leg->err.message, "due to user request") != NULL;
}

static struct leg *first_failed(const struct exec_request *req)
{
	struct leg *found = NULL;

	for (unsigned i = 0; i < req->n_legs; i++) {
		struct leg *leg = req->legs[i];

		if (leg->failed &&
		    (!found || (is_our_cancel(found, req) && !is_our_cancel(leg, req))))
			found = leg;
	}
	return found;
}

/* The result formats were counted by the plan, not by the client: a table has other columns now. */
static bool has_other_columns(const struct exec_request *req, const struct leg *leg)
{
	return req->n_result_formats <= 1 && strcmp(leg->err.code, "08P01") == 0 &&
	       strstr(leg->err.message, "result formats") != NULL;
}

static enum status columns_changed(struct exec_result *result)
{
	struct err err = ERR_INIT;

	err_set_code(&err, STATUS_IN_USE, "40001",
		     "the columns of a table changed while the statement was planned");
	err_hint(&err, "Try again.");
	return exec_fail(result, &err);
}

/* One shard has failed: the others need not go on. */
static void cancel_others(const struct exec_request *req)
{
	for (unsigned i = 0; i < req->n_legs; i++)
		if (leg_is_busy(req->legs[i]))
			conn_cancel(req->legs[i]->conn);
}

static void await_all(const struct exec_request *req)
{
	bool told = false;

	for (unsigned i = 0; i < req->n_legs; i++) {
		while (leg_is_busy(req->legs[i])) {
			if (!told && first_failed(req)) {
				told = true;
				cancel_others(req);
			}
			fiber_wait();
		}
	}
	leg_await_all(req->legs, req->n_legs); /* for late cancel requests */
}

enum status exec_await_all(const struct exec_request *req, struct exec_result *result)
{
	struct leg *failed;

	await_all(req);
	failed = first_failed(req);
	if (!failed)
		return STATUS_OK;
	if (has_other_columns(req, failed))
		return columns_changed(result);
	return exec_leg_failed(req->plan, req->text, failed, &result->failure);
}

void exec_drain(const struct exec_request *req)
{
	for (unsigned i = 0; i < req->n_legs; i++) {
		req->legs[i]->rows_mode = LEG_ROWS_DROP;
		leg_resume(req->legs[i]);
	}
	await_all(req);
}

enum status exec_run(const struct exec_request *req, struct exec_result *result)
{
	PRE(req->n_legs > 0);
	if (req->plan->class == PLAN_COPY_OUT)
		return exec_copy_out(req, result);
	if (req->plan->class == PLAN_UTILITY)
		return exec_write(req, result);
	switch (req->plan->merge) {
	case MERGE_REFUSED: return exec_fail(result, &req->plan->refusal);
	case MERGE_CONCAT: return exec_concat(req, result);
	case MERGE_SORT: return exec_sort(req, result);
	case MERGE_AGGREGATE: return exec_aggregate(req, result);
	case MERGE_WRITE: return exec_write(req, result);
	case MERGE_INSERT: return exec_insert(req, result);
	case MERGE_GATHER: return exec_gather(req, result);
	}
	UNREACHABLE("plan with an unknown merge");
}
