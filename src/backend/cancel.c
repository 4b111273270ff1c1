/* Cancel requests to servers.
 *
 * Happy path: libpq's own call, which returns when the server has closed the cancel connection:
 * from then on the signal is delivered, and what the connection runs next is safe. It blocks, so
 * it is a job.
 * Failure modes: a frozen server keeps the call for long. Only CANCEL_JOBS a pool are under way at
 * a time, so that it takes no job thread from the other shards; the rest queue. A request whose
 * statement has ended while it queued is not sent. */
#include <libpq-fe.h>
#include <stdlib.h>

#include "internal.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"

#define CANCEL_JOBS 2

struct cancel_job {
	struct conn *conn;
	struct pool *pool;
	bool ok;
	char reason[256];
};

static void cancel_advance(struct pool *p);

static void cancel_end(struct conn *c)
{
	c->is_canceling = false;
	if (c->state == CONN_CLOSING)
		conn_begin_close(c);
	else if (c->release_wanted)
		conn_release(c);
	else if (c->state == CONN_LEASED && c->user && c->user->on_drained)
		c->user->on_drained(c->owner, c);
}

static void cancel_work(void *arg)
{
	struct cancel_job *j = arg;

	j->ok = PQcancel(j->conn->cancel, j->reason, sizeof(j->reason));
}

static void cancel_done(void *arg)
{
	struct cancel_job *j = arg;
	struct pool *p = j->pool;

	if (!j->ok)
		log_event(LOG_WARNING, "a cancel request failed", LOG_STR("shard", p->shard_name),
			  LOG_STR("reason", j->reason));
	p->n_cancel_jobs--;
	cancel_end(j->conn);
	cancel_advance(p);
	free(j);
}

static void cancel_advance(struct pool *p)
{
	while (p->n_cancel_jobs < CANCEL_JOBS && !list_is_empty(&p->cancels)) {
		struct conn *c = list_entry(p->cancels.next, struct conn, cancel_node);
		struct cancel_job *j;

		list_remove(&c->cancel_node);
		if (c->state != CONN_LEASED || c->n_pending == 0) {
			cancel_end(c);
			continue;
		}
		j = mem_zero(1, sizeof(*j));
		j->conn = c;
		j->pool = p;
		p->n_cancel_jobs++;
		job_run(p->pools->loop, cancel_work, cancel_done, j);
	}
}

void conn_cancel(struct conn *c)
{
	if (!c->cancel || c->state != CONN_LEASED || c->n_pending == 0 || c->is_canceling)
		return;
	c->is_canceling = true;
	list_push_back(&c->pool->cancels, &c->cancel_node);
	cancel_advance(c->pool);
}
