/* Orders of the control port to a worker: each is a letter that runs on its thread. */
#include <stdlib.h>

#include "internal.h"
#include "pgmosaic/base/mem.h"

/* ---- PAUSE and RESUME ---- */

struct pause {
	struct worker *w;
	bool is_paused;
	void (*on_done)(void *arg);
	void *arg;
};

void worker_set_paused(struct worker *w, bool is_paused)
{
	struct list *node;

	w->is_paused = is_paused;
	w->pools.is_paused = is_paused;
	if (is_paused)
		pools_renew(&w->pools);
	list_for_each(node, &w->sessions) /* who is held looks again */
		fiber_wake(list_entry(node, struct session, node)->fiber);
}

static void do_pause(void *arg)
{
	struct pause p = *(struct pause *)arg;

	free(arg);
	worker_set_paused(p.w, p.is_paused);
	p.on_done(p.arg);
}

void worker_pause(struct worker *w, bool is_paused, void (*on_done)(void *arg), void *arg)
{
	struct pause *p = mem_alloc(sizeof(*p));

	*p = (struct pause){ w, is_paused, on_done, arg };
	mailbox_post(w->mailbox, do_pause, p);
}

/* ---- RECONNECT ---- */

static void do_renew(void *arg)
{
	struct worker *w = arg;

	pools_renew(&w->pools);
}

void worker_renew(struct worker *w)
{
	mailbox_post(w->mailbox, do_renew, w);
}

/* ---- KILL ---- */

struct kill {
	struct worker *w;
	uint64_t id;
	void (*on_done)(void *arg, bool found);
	void *arg;
};

static struct session *find_client(struct worker *w, uint64_t id)
{
	struct list *node;

	list_for_each(node, &w->sessions)
	{
		struct session *s = list_entry(node, struct session, node);

		if (s->id == id && s->state != SESSION_CLOSING)
			return s;
	}
	return NULL;
}

static void do_kill(void *arg)
{
	struct kill k = *(struct kill *)arg;
	struct session *s = find_client(k.w, k.id);
	struct err err = ERR_INIT;

	free(arg);
	err_set(&err, STATUS_SHUTDOWN, "terminating connection due to administrator command");
	if (s)
		reply_fatal(s, &err);
	k.on_done(k.arg, s != NULL);
}

void worker_kill(struct worker *w, uint64_t id, void (*on_done)(void *arg, bool found), void *arg)
{
	struct kill *k = mem_alloc(sizeof(*k));

	*k = (struct kill){ w, id, on_done, arg };
	mailbox_post(w->mailbox, do_kill, k);
}

unsigned worker_of_client(uint64_t id)
{
	return (unsigned)(id & 0xff);
}
