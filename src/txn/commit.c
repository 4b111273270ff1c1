#include "pgmosaic/txn/commit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pgmosaic/base/check.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/txn/gid.h"
#include "pgmosaic/wire/build.h"

struct commit {
	const struct commit_request *req;
	struct commit_outcome *out;
	struct leg *decider;
	char gid[GID_MAX];
	const char *shards; /* '{1,2}': catalog ids of all writers */
};

static void leg_send(struct leg *leg, const char *sql)
{
	leg_begin(leg, LEG_ROWS_DROP);
	if (!leg->conn)
		return;
	wire_put_query(conn_out(leg->conn), sql, strlen(sql));
	conn_sent(leg->conn, 1);
}

/* COMMIT and PREPARE of a transaction that is gone answer with another tag, and no error. */
static void expect_tag(struct leg *leg, const char *tag)
{
	struct err err = ERR_INIT;

	if (leg->failed || strcmp(leg->tag, tag) == 0)
		return;
	err_set_code(&err, STATUS_BACKEND, "25P02", "shard %s answered %s to %s", leg->shard_name,
		     leg->tag[0] ? leg->tag : "nothing", tag);
	leg_fail(leg, &err);
}

static bool is_writer(const struct leg *leg)
{
	return leg->in_txn && leg->wrote;
}

static bool is_participant(const struct commit *c, const struct leg *leg)
{
	return is_writer(leg) && leg != c->decider;
}

static unsigned count_writers(const struct commit_request *req)
{
	unsigned n = 0;

	for (unsigned i = 0; i < req->n_legs; i++)
		n += is_writer(req->legs[i]);
	return n;
}

/* ---- rolling back ---- */

void txn_rollback(struct leg **legs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (legs[i]->in_txn && legs[i]->conn)
			leg_send(legs[i], "ROLLBACK");
	for (unsigned i = 0; i < n; i++) {
		struct leg *leg = legs[i];

		if (!leg->in_txn)
			continue;
		leg_await(leg);
		leg->in_txn = leg->wrote = leg->has_xid = false;
		if (leg->conn && (leg->failed || leg->conn->tx_status != 'I'))
			leg_drop(leg);
	}
}

static void keep_failure(struct commit_outcome *out, struct leg *leg)
{
	if (!out->failed) {
		out->failed = leg;
		out->err = leg->err;
	}
}

/* Undo what was prepared, roll back the rest. The error of `out->failed` must survive the
 * exchange on its own leg, so that leg's body is put aside. */
static enum status abort_all(struct commit *c)
{
	const struct commit_request *req = c->req;
	struct leg *failed = c->out->failed;
	struct buf body = { 0 };
	struct err err = c->out->err;
	char sql[GID_MAX + 40];

	if (failed) {
		body = failed->error_body;
		buf_init(&failed->error_body, body.limit_bytes);
	}
	snprintf(sql, sizeof(sql), "ROLLBACK PREPARED '%s'", c->gid);
	for (unsigned i = 0; i < req->n_legs; i++) {
		struct leg *leg = req->legs[i];

		if (leg->is_prepared && leg->conn)
			leg_send(leg, sql);
	}
	for (unsigned i = 0; i < req->n_legs; i++) {
		struct leg *leg = req->legs[i];

		if (!leg->is_prepared)
			continue;
		leg_await(leg);
		leg->is_prepared = leg->in_txn = leg->wrote = leg->has_xid = false;
		if (leg->failed && leg->conn)
			leg_drop(leg); /* recovery will end it */
	}
	txn_rollback(req->legs, req->n_legs);
	if (failed) {
		buf_finish(&failed->error_body);
		failed->error_body = body;
		failed->err = err;
		failed->failed = true;
	}
	c->out->err = err;
	return err.status == STATUS_OK ? STATUS_INTERNAL : err.status;
}

/* ---- at most one writer ---- */

static void commit_readers(const struct commit_request *req, struct leg *except)
{
	for (unsigned i = 0; i < req->n_legs; i++)
		if (req->legs[i]->in_txn && req->legs[i] != except && req->legs[i]->conn)
			leg_send(req->legs[i], "COMMIT");
	for (unsigned i = 0; i < req->n_legs; i++) {
		struct leg *leg = req->legs[i];

		if (!leg->in_txn || leg == except)
			continue;
		leg_await(leg);
		leg->in_txn = false;
		if (leg->conn && leg->conn->tx_status != 'I')
			leg_drop(leg);
	}
}

static enum status outcome_unknown(struct commit_outcome *out, const struct leg *leg)
{
	err_set(&out->err, STATUS_UNKNOWN_OUTCOME,
		"the connection to shard %s was lost during COMMIT; the transaction may or may not "
		"have been committed",
		leg->shard_name);
	err_hint(&out->err,
		 "Look at the data before you try again. What is in doubt is ended by the "
		 "proxy's recovery within seconds, the same way on all shards.");
	out->failed = NULL;
	return STATUS_UNKNOWN_OUTCOME;
}

static enum status commit_one(const struct commit_request *req, struct commit_outcome *out)
{
	struct leg *writer = NULL;

	for (unsigned i = 0; i < req->n_legs; i++)
		if (is_writer(req->legs[i]))
			writer = req->legs[i];
	if (writer) { /* the locks of the others may guard what it wrote: they go later */
		leg_send(writer, "COMMIT");
		leg_await(writer);
		expect_tag(writer, "COMMIT");
		writer->in_txn = writer->wrote = writer->has_xid = false;
		if (writer->failed) {
			bool lost = writer->lost || writer->severity == LEG_FATAL;

			keep_failure(out, writer);
			txn_rollback(req->legs, req->n_legs);
			return lost ? outcome_unknown(out, writer) : out->err.status;
		}
	}
	commit_readers(req, writer);
	return STATUS_OK;
}

/* ---- two phases ---- */

static const char *shard_list(const struct commit_request *req)
{
	char *text = arena_alloc(req->arena, req->n_legs * 12 + 3);
	size_t n = 0;

	text[n++] = '{';
	for (unsigned i = 0; i < req->n_legs; i++)
		if (is_writer(req->legs[i]))
			n += (size_t)sprintf(text + n, "%s%u", n > 1 ? "," : "",
					     req->legs[i]->shard_id);
	strcpy(text + n, "}");
	return text;
}

/* What cannot be prepared must decide; else one that has an xid saves asking for it. */
static int rank_of(const struct leg *leg)
{
	return 2 * leg->no_prepare + leg->has_xid;
}

static struct leg *choose_decider(const struct commit_request *req)
{
	struct leg *decider = NULL;

	for (unsigned i = 0; i < req->n_legs; i++) {
		struct leg *leg = req->legs[i];

		if (is_writer(leg) && (!decider || rank_of(leg) > rank_of(decider)))
			decider = leg;
	}
	return decider;
}

/* Recovery's 'abort' and our 'commit' exclude each other only if the decider's transaction
 * is visible as running before anything is prepared. */
static bool give_decider_xid(struct commit *c)
{
	if (c->decider->has_xid)
		return true;
	if (leg_query(c->decider, "SELECT pg_catalog.pg_current_xact_id()", LEG_ROWS_DROP))
		return true;
	keep_failure(c->out, c->decider);
	return false;
}

static bool prepare_all(struct commit *c)
{
	const struct commit_request *req = c->req;
	const char *sql =
		arena_printf(req->arena,
			     "SET CONSTRAINTS ALL IMMEDIATE; %s"
			     "SELECT mosaic.log_part('%s', '%s'); "
			     "PREPARE TRANSACTION '%s'",
			     req->has_role ? "RESET ROLE; " : "", c->gid, c->shards, c->gid);

	for (unsigned i = 0; i < req->n_legs; i++)
		if (is_participant(c, req->legs[i]))
			leg_send(req->legs[i], sql);
	for (unsigned i = 0; i < req->n_legs; i++) {
		struct leg *leg = req->legs[i];

		if (!is_participant(c, leg))
			continue;
		leg_await(leg);
		expect_tag(leg, "PREPARE TRANSACTION");
		if (req->has_role && leg->conn)
			leg->conn->settings_hash = UINT64_MAX; /* unlike any session's */
		if (leg->failed)
			keep_failure(c->out, leg);
		else
			leg->is_prepared = true;
	}
	return c->out->failed == NULL;
}

/* The point of no return. */
static enum status decide(struct commit *c)
{
	struct leg *leg = c->decider;

	leg_send(
		leg,
		arena_printf(c->req->arena,
			     "SET CONSTRAINTS ALL IMMEDIATE; "
			     "SELECT pg_catalog.set_config('synchronous_commit', CASE "
			     "pg_catalog.current_setting('synchronous_commit') WHEN 'remote_apply' "
			     "THEN 'remote_apply' ELSE 'on' END, true); "
			     "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; "
			     "SELECT mosaic.log_commit('%s', '%s'); COMMIT",
			     c->gid, c->shards));
	leg_await(leg);
	if (!leg->failed) {
		leg->in_txn = leg->wrote = leg->has_xid = false;
		return STATUS_OK;
	}
	keep_failure(c->out, leg);
	/* Only an ERROR with its ReadyForQuery says that nothing was decided. */
	return leg->lost || leg->severity == LEG_FATAL ? STATUS_UNKNOWN_OUTCOME : leg->err.status;
}

/* Prepared parts of a transaction whose outcome is not known are recovery's. */
static enum status leave_in_doubt(struct commit *c)
{
	for (unsigned i = 0; i < c->req->n_legs; i++) {
		struct leg *leg = c->req->legs[i];

		if (leg->is_prepared)
			leg->in_txn = leg->wrote = leg->is_prepared = leg->has_xid = false;
	}
	txn_rollback(c->req->legs, c->req->n_legs);
	return outcome_unknown(c->out, c->decider);
}

static void finish_prepared(struct commit *c)
{
	const struct commit_request *req = c->req;
	char sql[GID_MAX + 40];

	snprintf(sql, sizeof(sql), "COMMIT PREPARED '%s'", c->gid);
	if (req->phase_two_ms) /* past it, recovery finishes */
		req->party->give_up_ms = loop_now_ms(req->party->loop) + req->phase_two_ms;
	for (unsigned i = 0; i < req->n_legs; i++)
		if (req->legs[i]->is_prepared)
			leg_send(req->legs[i], sql);
	for (unsigned i = 0; i < req->n_legs; i++) {
		struct leg *leg = req->legs[i];

		if (!leg->is_prepared)
			continue;
		leg_await(leg);
		leg->in_txn = leg->wrote = leg->is_prepared = leg->has_xid = false;
		if (!leg->failed)
			continue;
		c->out->n_left++;
		log_event(LOG_WARNING, "a committed transaction is still prepared on a shard",
			  LOG_STR("shard", leg->shard_name), LOG_STR("gid", c->gid),
			  LOG_STR("reason", leg->err.message));
		if (leg->conn)
			leg_drop(leg);
	}
	req->party->give_up_ms = 0;
}

static enum status commit_two_phase(struct commit *c)
{
	const struct commit_request *req = c->req;
	enum status st;

	c->out->was_two_phase = true;
	c->decider = choose_decider(req);
	c->shards = shard_list(req);
	gid_format(c->gid, sizeof(c->gid), req->cluster, req->incarnation, req->counter,
		   c->decider->shard_id);
	if (!give_decider_xid(c))
		return abort_all(c);
	if (!prepare_all(c))
		return abort_all(c);
	st = decide(c);
	if (st == STATUS_UNKNOWN_OUTCOME)
		return leave_in_doubt(c);
	if (st != STATUS_OK)
		return abort_all(c);
	finish_prepared(c);
	commit_readers(req, NULL);
	return STATUS_OK;
}

enum status txn_commit(const struct commit_request *req, struct commit_outcome *out)
{
	struct commit c = { .req = req, .out = out };
	enum status st;

	*out = (struct commit_outcome){ .failed = NULL };
	if (count_writers(req) < 2)
		return commit_one(req, out);
	req->party->is_uncancelable = true;
	st = commit_two_phase(&c);
	req->party->is_uncancelable = false;
	return st;
}
