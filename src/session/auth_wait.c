/* What blocks while a client proves who it is: deriving keys, asking the operating system or
 * the home shard. The fiber waits, the loop does not. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "login.h"
#include "pgmosaic/base/mem.h"

struct auth_job {
	struct session *s;
	struct fiber *fiber;
	const struct auth_verifier *verifier;
	const char *password;
	char *name;
	size_t size;
	bool ok, is_done;
};

static void auth_done(void *arg)
{
	struct auth_job *j = arg;

	j->is_done = true;
	fiber_wake(j->fiber);
}

static bool auth_run(struct auth_job *j, void (*work)(void *arg))
{
	j->fiber = fiber_self();
	job_run(j->s->w->loop, work, auth_done, j);
	while (!j->is_done)
		fiber_wait();
	return j->ok;
}

/* One key at a time for each worker: somebody who tries passwords takes one core from a worker's
 * clients at most, and never all the threads that jobs run on. */
struct turn {
	struct list node;
	struct fiber *fiber;
	bool is_mine;
};

static void turn_take(struct worker *w)
{
	struct turn t = { .fiber = fiber_self(), .is_mine = !w->is_deriving };

	w->is_deriving = true;
	list_push_back(&w->turns, &t.node);
	while (!t.is_mine)
		fiber_wait();
	list_remove(&t.node);
}

static void turn_pass(struct worker *w)
{
	struct turn *next;

	w->is_deriving = !list_is_empty(&w->turns);
	if (!w->is_deriving)
		return;
	next = list_entry(w->turns.next, struct turn, node);
	next->is_mine = true;
	fiber_wake(next->fiber);
}

static void plain_work(void *arg)
{
	struct auth_job *j = arg;

	j->ok = auth_check_plain(j->verifier, j->s->user, j->password);
}

bool auth_wait_plain(struct session *s, const struct auth_verifier *v, const char *password)
{
	struct auth_job j = { .s = s, .verifier = v, .password = password };
	bool ok;

	turn_take(s->w);
	ok = !s->party.is_gone && auth_run(&j, plain_work);
	turn_pass(s->w);
	return ok;
}

/* Names may live in a directory on the network. */
static void peer_work(void *arg)
{
	struct auth_job *j = arg;
	struct ucred peer;
	socklen_t n = sizeof(peer);
	struct passwd entry, *found = NULL;
	size_t size = 64 << 10;
	char *text;

	if (getsockopt(j->s->stream.fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
		return;
	text = mem_alloc(size);
	if (getpwuid_r(peer.uid, &entry, text, size, &found) == 0 && found)
		j->ok = (size_t)snprintf(j->name, j->size, "%s", entry.pw_name) < j->size;
	free(text);
}

bool auth_wait_peer(struct session *s, char *name, size_t size)
{
	struct auth_job j = { .s = s, .name = name, .size = size };

	return auth_run(&j, peer_work);
}

/* ---- users on the home shard ---- */

struct lookup {
	struct auth_lookup ask; /* first: the host knows only this */
	struct fiber *fiber;
	bool is_done;
};

static void lookup_done(void *arg)
{
	struct lookup *l = arg;

	l->is_done = true;
	fiber_wake(l->fiber);
}

enum auth_found auth_wait_user(struct session *s, struct auth_verifier *v, struct err *err)
{
	struct lookup l = { .ask = { .reply_to = s->w->mailbox, .done = lookup_done },
			    .fiber = fiber_self() };

	snprintf(l.ask.user, sizeof(l.ask.user), "%s", s->user);
	l.ask.arg = &l;
	s->w->host->find_user(s->w->host->ctx, &l.ask);
	while (!l.is_done)
		fiber_wait();
	if (l.ask.found == AUTH_FOUND)
		*v = l.ask.verifier;
	else if (l.ask.found == AUTH_FAILED)
		*err = l.ask.err;
	auth_wipe(&l.ask.verifier, sizeof(l.ask.verifier));
	return l.ask.found;
}
