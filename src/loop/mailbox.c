#include <stdlib.h>

#include "pgmosaic/base/mem.h"
#include "pgmosaic/loop/loop.h"

struct letter {
	struct letter *next;
	void (*call)(void *);
	void *arg;
};

struct mailbox {
	uv_async_t async;
	uv_mutex_t mutex;
	struct letter *first, **last;
	struct loop *loop;
};

static struct letter *mailbox_take(struct mailbox *m)
{
	struct letter *letters;

	uv_mutex_lock(&m->mutex);
	letters = m->first;
	m->first = NULL;
	m->last = &m->first;
	uv_mutex_unlock(&m->mutex);
	return letters;
}

static void mailbox_deliver(struct mailbox *m)
{
	struct letter *next;

	for (struct letter *letter = mailbox_take(m); letter; letter = next) {
		next = letter->next;
		letter->call(letter->arg);
		free(letter);
	}
}

static void on_async(uv_async_t *async)
{
	struct mailbox *m = container_of(async, struct mailbox, async);
	struct loop *l = m->loop;

	mailbox_deliver(m);
	loop_flush(l);
}

struct mailbox *mailbox_create(struct loop *l)
{
	struct mailbox *m = mem_zero(1, sizeof(*m));

	m->loop = l;
	m->last = &m->first;
	uv_mutex_init(&m->mutex);
	uv_async_init(&l->uv, &m->async, on_async);
	return m;
}

void mailbox_post(struct mailbox *m, void (*call)(void *), void *arg)
{
	struct letter *letter = mem_zero(1, sizeof(*letter));

	letter->call = call;
	letter->arg = arg;
	uv_mutex_lock(&m->mutex);
	*m->last = letter;
	m->last = &letter->next;
	uv_mutex_unlock(&m->mutex);
	uv_async_send(&m->async);
}

static void on_mailbox_gone(uv_handle_t *handle)
{
	struct mailbox *m = container_of((uv_async_t *)handle, struct mailbox, async);

	uv_mutex_destroy(&m->mutex);
	free(m);
}

void mailbox_close(struct mailbox *m)
{
	mailbox_deliver(m);
	uv_close((uv_handle_t *)&m->async, on_mailbox_gone);
}
