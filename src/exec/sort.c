/* K-way merge of sorted streams.
 *
 * Each shard sorts with its own ORDER BY; the sort keys travel once more as hidden
 * columns in binary, so that nothing depends on how they are shown. The head rows are
 * compared as PostgreSQL's btree would; the smallest goes out without its hidden columns.
 * A leg that has no head row and is still busy stops the merge until it has one.
 * Failure modes: a shard fails: error after the rows sent so far. LIMIT reached: the rest
 * is dropped; it is at most limit + offset rows a shard. */
#include <stdio.h>
#include <string.h>

#include "internal.h"
#include "pgmosaic/wire/value.h"

#define MAX_KEYS 16

struct head {
	struct leg *leg;
	const uint8_t *body;
	size_t n_body, n_message;
	const uint8_t *key[MAX_KEYS];
	int32_t key_length[MAX_KEYS];
	bool is_there;
};

struct merge {
	const struct exec_request *req;
	struct exec_output out;
	struct exec_window window;
	struct value_order order[MAX_KEYS];
	unsigned n_keys;
	struct head *heads;
	uint64_t seen;
	bool is_broken;
};

static bool read_keys(struct merge *m, struct head *h)
{
	struct wire_row row;
	const uint8_t *data;
	int32_t length;

	if (!wire_row_open(&row, h->body, h->n_body) || row.n_fields < m->n_keys)
		return false;
	for (uint16_t i = 0; i < row.n_fields; i++) {
		unsigned first = row.n_fields - m->n_keys;

		if (!wire_row_next(&row, &data, &length))
			return false;
		if (i >= first) {
			h->key[i - first] = data;
			h->key_length[i - first] = length;
		}
	}
	return true;
}

/* Make the leg's first row its head; false when it has none yet. */
static bool load_head(struct merge *m, struct head *h)
{
	struct wire_msg msg;

	if (h->is_there)
		return true;
	if (wire_next(buf_head(&h->leg->rows), buf_len(&h->leg->rows), UINT32_MAX, &msg) != WIRE_OK)
		return false;
	h->body = msg.body;
	h->n_body = msg.length;
	h->n_message = wire_size(&msg);
	h->is_there = read_keys(m, h);
	m->is_broken |= !h->is_there;
	return h->is_there;
}

static int compare_heads(const struct merge *m, const struct head *a, const struct head *b)
{
	for (unsigned k = 0; k < m->n_keys; k++) {
		int c = value_compare(&m->order[k], a->key[k], a->key_length[k], b->key[k],
				      b->key_length[k]);

		if (c)
			return c;
	}
	return 0;
}

/* Rows may be appended to a leg while the fiber waits, moving them: heads are set anew. */
static void forget_heads(struct merge *m)
{
	for (unsigned i = 0; i < m->req->n_legs; i++)
		m->heads[i].is_there = false;
}

/* The smallest head; NULL when all legs are done; *must_wait when one has to be awaited. */
static struct head *smallest(struct merge *m, bool *must_wait)
{
	struct head *best = NULL;

	*must_wait = false;
	for (unsigned i = 0; i < m->req->n_legs; i++) {
		struct head *h = &m->heads[i];

		if (!load_head(m, h)) {
			if (leg_is_busy(h->leg)) {
				*must_wait = true;
				return NULL;
			}
			continue;
		}
		if (!best || compare_heads(m, h, best) < 0)
			best = h;
	}
	return best;
}

static void put_row(struct merge *m, struct head *h)
{
	uint16_t hidden = (uint16_t)m->n_keys;

	m->seen++;
	if (m->seen > (uint64_t)m->window.offset) {
		exec_output_describe(&m->out, h->leg, hidden);
		exec_output_prefix(&m->out, h->body, h->n_body,
				   (uint16_t)(exec_n_columns(h->leg) - hidden));
	}
	h->is_there = false;
	leg_consumed(h->leg, h->n_message);
}

static bool any_failed(const struct merge *m)
{
	for (unsigned i = 0; i < m->req->n_legs; i++)
		if (m->req->legs[i]->failed)
			return true;
	return false;
}

static bool is_full(const struct merge *m)
{
	return m->window.is_limited && m->out.n_rows >= (uint64_t)m->window.limit;
}

static void merge_rows(struct merge *m)
{
	while (!m->is_broken && !any_failed(m) && !is_full(m) && m->out.err.status == STATUS_OK) {
		bool must_wait;
		struct head *h = smallest(m, &must_wait);

		if (must_wait) {
			forget_heads(m);
			fiber_wait();
		} else if (h) {
			put_row(m, h);
			if (stream_is_full(m->req->party->client)) {
				forget_heads(m);
				if (!exec_output_wait(&m->out))
					return;
			}
		} else {
			return;
		}
	}
}

static enum status set_order(struct merge *m)
{
	const struct plan *plan = m->req->plan;

	if (plan->n_sort > MAX_KEYS)
		return err_set(&m->out.err, STATUS_UNROUTED,
			       "ORDER BY has more than %d expressions over several shards",
			       MAX_KEYS);
	m->n_keys = plan->n_sort;
	for (unsigned k = 0; k < m->n_keys; k++) {
		const struct plan_sort_key *key = &plan->sort[k];
		struct value_order *o = &m->order[k];

		*o = (struct value_order){ .type_oid = key->type_oid,
					   .descending = key->descending,
					   .nulls_first = key->nulls_first,
					   .is_c_collation = key->is_c_collation };
		if (key->is_c_collation || !key->collate)
			continue;
		o->locale = newlocale(LC_COLLATE_MASK, key->collate, (locale_t)0);
		if (!o->locale) {
			err_set(&m->out.err, STATUS_UNROUTED,
				"ORDER BY text needs locale %s, which the proxy's machine lacks",
				key->collate);
			err_hint(&m->out.err,
				 "Install that locale beside the proxy, or sort by COLLATE \"C\".");
			return m->out.err.status;
		}
	}
	return STATUS_OK;
}

static void free_order(struct merge *m)
{
	for (unsigned k = 0; k < m->n_keys; k++)
		if (m->order[k].locale)
			freelocale(m->order[k].locale);
}

/* Visible columns in the client's formats, hidden ones in binary. */
static void set_formats(const struct exec_request *req, struct exec_send *send)
{
	unsigned n = (unsigned)req->plan->n_output, total = n + req->plan->n_sort;
	uint16_t *formats = arena_array(req->arena, uint16_t, total + 1);

	for (unsigned i = 0; i < n; i++)
		formats[i] = req->n_result_formats == 0	  ? 0
			     : req->n_result_formats == 1 ? req->result_formats[0]
			     : i < req->n_result_formats  ? req->result_formats[i]
							  : 0;
	for (unsigned i = n; i < total; i++)
		formats[i] = 1;
	send->formats = formats;
	send->n_formats = (uint16_t)total;
}

static enum status merge_end(struct merge *m, struct exec_result *result)
{
	const struct exec_request *req = m->req;
	enum status st;

	exec_drain(req);
	free_order(m);
	st = exec_await_all(req, result);
	if (st != STATUS_OK)
		return st;
	if (m->is_broken)
		err_set(&m->out.err, STATUS_BACKEND, "a shard sent a row that cannot be read");
	if (m->out.err.status != STATUS_OK || exec_same_shape(req, &m->out.err) != STATUS_OK)
		return exec_fail(result, &m->out.err);
	exec_output_describe(&m->out, req->legs[0], m->n_keys);
	result->n_rows = m->out.n_rows;
	snprintf(result->tag, sizeof(result->tag), "SELECT %llu",
		 (unsigned long long)m->out.n_rows);
	return STATUS_OK;
}

enum status exec_sort(const struct exec_request *req, struct exec_result *result)
{
	struct merge m = { .req = req };
	struct exec_send send = { .text = req->text };

	exec_output_init(&m.out, req);
	if (exec_window(req, &m.window, &m.out.err) != STATUS_OK || set_order(&m) != STATUS_OK) {
		free_order(&m);
		return exec_fail(result, &m.out.err);
	}
	m.heads = arena_array(req->arena, struct head, req->n_legs);
	send.text = exec_shard_text(req, m.window.is_limited, exec_window_reach(&m.window));
	set_formats(req, &send);
	for (unsigned i = 0; i < req->n_legs; i++) {
		m.heads[i].leg = req->legs[i];
		leg_begin(req->legs[i], LEG_ROWS_KEEP);
		exec_send(req, req->legs[i], &send);
	}
	merge_rows(&m);
	return merge_end(&m, result);
}
