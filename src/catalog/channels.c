#include "pgmosaic/catalog/channels.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/catalog/pq.h"

#define CONNECT_TIMEOUT_S 5
#define LISTEN_TIMEOUT_S  10
#define RETRY_MS	  500
#define AGAIN_MS	  50   /* after a loss */
#define LOOK_MS		  1000 /* for another home shard */
#define N_SENDERS	  4096

struct channel {
	struct channel *next;
	char *name;
	unsigned refs;	/* who wants it */
	bool is_active; /* the server listens */
};

struct channels {
	struct channels_ops ops;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int wake_fd;
	struct channel *first; /* entries are removed by channels_run() only */
	uint64_t n_failures;
	struct err err; /* of the last failure */
	bool is_stopping, was_lost;
	struct {
		int server_pid;
		uint32_t client_pid;
	} senders[N_SENDERS];
	/* channels_run()'s own */
	struct pq pq;
	char *dsn;
};

struct channels *channels_create(const struct channels_ops *ops)
{
	struct channels *c = mem_zero(1, sizeof(*c));

	c->ops = *ops;
	pthread_mutex_init(&c->mutex, NULL);
	pthread_cond_init(&c->changed, NULL);
	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return c;
}

static void wake(struct channels *c)
{
	uint64_t one = 1;

	if (write(c->wake_fd, &one, sizeof(one)) < 0) {
		/* it is full, so it is readable */
	}
}

void channels_stop(struct channels *c)
{
	pthread_mutex_lock(&c->mutex);
	c->is_stopping = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->mutex);
	wake(c);
}

void channels_destroy(struct channels *c)
{
	while (c->first) {
		struct channel *ch = c->first;

		c->first = ch->next;
		free(ch->name);
		free(ch);
	}
	pthread_mutex_destroy(&c->mutex);
	pthread_cond_destroy(&c->changed);
	close(c->wake_fd);
	free(c);
}

/* ---- from sessions ---- */

static struct channel *find(struct channels *c, const char *name)
{
	struct channel *ch = c->first;

	while (ch && strcmp(ch->name, name) != 0)
		ch = ch->next;
	return ch;
}

static struct channel *hold(struct channels *c, const char *name)
{
	struct channel *ch = find(c, name);

	if (!ch) {
		ch = mem_zero(1, sizeof(*ch));
		ch->name = mem_strdup(name);
		ch->next = c->first;
		c->first = ch;
	}
	ch->refs++;
	return ch;
}

/* With the mutex held, and given up while waiting. */
static void wait_active(struct channels *c, const struct channel *ch)
{
	uint64_t failures = c->n_failures;
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += LISTEN_TIMEOUT_S;
	while (!ch->is_active && !c->is_stopping && c->n_failures == failures)
		if (pthread_cond_timedwait(&c->changed, &c->mutex, &deadline) == ETIMEDOUT)
			return;
}

enum status channels_listen(struct channels *c, const char *name, struct err *err)
{
	enum status st = STATUS_OK;
	struct channel *ch;

	pthread_mutex_lock(&c->mutex);
	ch = hold(c, name);
	if (!ch->is_active) {
		wake(c);
		wait_active(c, ch);
	}
	if (!ch->is_active) {
		if (c->err.status != STATUS_OK)
			*err = c->err;
		else
			err_set(err, STATUS_BACKEND, "LISTEN was not confirmed in time");
		st = err->status;
		ch->refs--;
	}
	pthread_mutex_unlock(&c->mutex);
	return st;
}

void channels_unlisten(struct channels *c, const char *name)
{
	struct channel *ch;

	pthread_mutex_lock(&c->mutex);
	ch = find(c, name);
	if (ch && ch->refs && --ch->refs == 0)
		wake(c);
	pthread_mutex_unlock(&c->mutex);
}

void channels_note_sender(struct channels *c, int server_pid, uint32_t client_pid)
{
	unsigned i = (unsigned)server_pid % N_SENDERS;

	pthread_mutex_lock(&c->mutex);
	c->senders[i].server_pid = server_pid;
	c->senders[i].client_pid = client_pid;
	pthread_mutex_unlock(&c->mutex);
}

static uint32_t sender_of(struct channels *c, int server_pid)
{
	unsigned i = (unsigned)server_pid % N_SENDERS;
	uint32_t pid = (uint32_t)server_pid;

	pthread_mutex_lock(&c->mutex);
	if (c->senders[i].server_pid == server_pid)
		pid = c->senders[i].client_pid;
	pthread_mutex_unlock(&c->mutex);
	return pid;
}

/* ---- the connection ---- */

static void fail_waiters(struct channels *c, const struct err *err)
{
	pthread_mutex_lock(&c->mutex);
	c->err = *err;
	c->n_failures++;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->mutex);
}

static void disconnect(struct channels *c)
{
	pq_close(&c->pq);
	pthread_mutex_lock(&c->mutex);
	for (struct channel *ch = c->first; ch; ch = ch->next) {
		c->was_lost |= ch->is_active && ch->refs;
		ch->is_active = false;
	}
	pthread_mutex_unlock(&c->mutex);
}

/* A lost connection is opened again before anybody is told: an idle one may have been closed long
 * ago. What a server refuses is told at once. */
static void lose(struct channels *c, const struct err *err)
{
	bool is_refused = !pq_is_lost(&c->pq);

	log_error(LOG_WARNING, "the connection that listens for notifications", err);
	disconnect(c);
	if (is_refused)
		fail_waiters(c, err);
}

/* Home is where the newest map says. */
static bool follow_home(struct channels *c)
{
	char *dsn = c->ops.dsn(c->ops.ctx);

	if (dsn && c->dsn && strcmp(dsn, c->dsn) != 0)
		disconnect(c);
	if (dsn) {
		free(c->dsn);
		c->dsn = dsn;
	}
	return c->dsn != NULL;
}

static bool connect_home(struct channels *c)
{
	struct err err = ERR_INIT;

	if (!pq_is_lost(&c->pq))
		return true;
	if (pq_open(&c->pq, NULL, c->dsn, CONNECT_TIMEOUT_S, &err) == STATUS_OK)
		return true;
	fail_waiters(c, &err);
	return false;
}

static bool execute(struct channels *c, const char *verb, const char *name)
{
	struct err err = ERR_INIT;
	struct arena a;
	enum status st;

	arena_init(&a, 0);
	st = pq_exec(&c->pq, arena_printf(&a, "%s %s", verb, pq_ident(&a, name)), &err);
	arena_finish(&a);
	if (st != STATUS_OK)
		lose(c, &err);
	return st == STATUS_OK;
}

/* One channel whose state is not what is wanted; NULL: there is none. Names stay, because only
 * this thread removes. */
static struct channel *next_change(struct channels *c)
{
	struct channel *ch;

	pthread_mutex_lock(&c->mutex);
	for (ch = c->first; ch; ch = ch->next)
		if ((ch->refs > 0) != ch->is_active)
			break;
	pthread_mutex_unlock(&c->mutex);
	return ch;
}

static void forget_unwanted(struct channels *c)
{
	pthread_mutex_lock(&c->mutex);
	for (struct channel **at = &c->first; *at;) {
		struct channel *ch = *at;

		if (ch->refs || ch->is_active) {
			at = &ch->next;
			continue;
		}
		*at = ch->next;
		free(ch->name);
		free(ch);
	}
	pthread_mutex_unlock(&c->mutex);
}

static void apply_changes(struct channels *c)
{
	struct channel *ch;

	while ((ch = next_change(c))) {
		bool listens = !ch->is_active;

		if (!execute(c, listens ? "LISTEN" : "UNLISTEN", ch->name))
			return;
		pthread_mutex_lock(&c->mutex);
		ch->is_active = listens;
		pthread_cond_broadcast(&c->changed);
		pthread_mutex_unlock(&c->mutex);
	}
	forget_unwanted(c);
	if (c->was_lost)
		c->ops.lost(c->ops.ctx);
	c->was_lost = false;
}

static void take_notifications(struct channels *c)
{
	struct err err = ERR_INIT;
	PGnotify *n;

	if (!PQconsumeInput(c->pq.pg)) {
		pq_fail(&c->pq, NULL, &err);
		lose(c, &err);
		return;
	}
	while ((n = PQnotifies(c->pq.pg)) != NULL) {
		c->ops.notified(c->ops.ctx, n->relname, n->extra, sender_of(c, n->be_pid));
		PQfreemem(n);
	}
}

static void wait_for_work(struct channels *c, int timeout_ms)
{
	struct pollfd fds[2] = { { .fd = c->wake_fd, .events = POLLIN } };
	bool connected = !pq_is_lost(&c->pq);
	uint64_t n;

	if (connected)
		fds[1] = (struct pollfd){ .fd = PQsocket(c->pq.pg), .events = POLLIN };
	poll(fds, connected ? 2 : 1, timeout_ms);
	if (read(c->wake_fd, &n, sizeof(n)) < 0) {
		/* nobody has called */
	}
}

static bool has_work(struct channels *c)
{
	bool any;

	pthread_mutex_lock(&c->mutex);
	any = c->first != NULL;
	pthread_mutex_unlock(&c->mutex);
	return any;
}

void channels_run(void *channels)
{
	struct channels *c = channels;

	while (!c->is_stopping) {
		bool ready = has_work(c) && follow_home(c) && connect_home(c);

		if (ready)
			apply_changes(c); /* its answers may bring notifications */
		if (ready && !pq_is_lost(&c->pq))
			take_notifications(c);
		wait_for_work(c, ready && pq_is_lost(&c->pq) ? AGAIN_MS
				 : ready || !has_work(c)     ? LOOK_MS
							     : RETRY_MS);
	}
	pq_close(&c->pq);
	free(c->dsn);
}
