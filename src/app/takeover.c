/* Restart without refusing a connection: one process hands its listening sockets to the next.
 *
 * Happy path: the running process listens on an abstract Unix socket named after its first
 * address. `pgmosaic -c FILE --takeover` asks there for the sockets, and gets them (SCM_RIGHTS):
 * both processes hold them now, and what the kernel has queued belongs to both. When the new
 * process has its shard map it begins to accept and says so; the old one stops accepting and
 * drains: transactions end, then the clients are told 57P01 and connect again. Until the old one
 * has ended, the new one passes on cancel requests, which may be for clients of the old.
 * Failure modes: the new process dies or never gets ready: the old one goes on as ever. No
 * process to take over from: an ordinary start. Whoever asks, or answers, under another user id
 * than ours is refused: abstract names have no permissions. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/loop/stream.h"
#include "process.h"

#define MAX_SOCKETS (3 * PROCESS_MAX_LISTENERS)
#define NAME_MS	    500

enum { ASK = 'a', SOCKET = 's', END = 'e', DRAIN = 'd', CANCEL = 'c' };

struct letter {
	uint32_t kind, which, pid, n_key;
	char address[160];
	uint8_t key[256];
};

struct socket_of {
	int fd;
	struct letter letter;
};

struct takeover {
	/* towards a successor */
	struct listener listener;
	struct timer retry; /* the name is the predecessor's until it has ended */
	struct stream link;
	struct buf in;
	bool has_timer, is_listening, is_linked;
	/* towards a predecessor */
	pthread_mutex_t mutex;
	int predecessor;
	struct socket_of sockets[MAX_SOCKETS];
	unsigned n_sockets;
};

static socklen_t name_of(struct process *p, struct sockaddr_un *addr)
{
	const struct config_addresses *all = &process_config(p)->listen;

	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	snprintf(addr->sun_path + 1, sizeof(addr->sun_path) - 1, "pgmosaic/%.90s",
		 all->n ? all->items[0].text : "");
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(addr->sun_path + 1));
}

static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && peer.uid == geteuid();
}

/* ---- the running process: a successor asks ---- */

static bool send_socket(int to, const struct letter *l, int fd)
{
	struct iovec part = { .iov_base = (void *)l, .iov_len = sizeof(*l) };
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .room = { 0 } };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (fd >= 0) {
		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	return sendmsg(to, &m, MSG_NOSIGNAL) == (ssize_t)sizeof(*l);
}

static void send_sockets(struct process *p, int to)
{
	const struct config *cfg = process_config(p);
	const struct config_addresses *all[2] = { &cfg->listen, &cfg->admin };
	bool ok = true;

	for (int which = 0; which < 2; which++) {
		for (unsigned i = 0; i < p->n_listeners[which] && i < all[which]->n && ok; i++) {
			struct letter l = { .kind = SOCKET, .which = (uint32_t)which };

			snprintf(l.address, sizeof(l.address), "%s", all[which]->items[i].text);
			ok = send_socket(to, &l, p->listeners[which][i].fd);
		}
	}
	for (unsigned i = 0; i < p->n_monitors && ok; i++) {
		struct letter l = { .kind = SOCKET, .which = 2 };

		snprintf(l.address, sizeof(l.address), "%s", cfg->http.items[i].text);
		ok = send_socket(to, &l, monitor_socket(p->monitor[i]));
	}
	if (ok)
		send_socket(to, &(struct letter){ .kind = END }, -1);
}

static void nobody_waits(void *arg)
{
	(void)arg;
}

static void take_letter(struct process *p, const struct letter *l)
{
	switch (l->kind) {
	case ASK: send_sockets(p, p->takeover->link.fd); break;
	case DRAIN:
		log_event(LOG_INFO, "another process takes over");
		process_drain(p, true);
		break;
	case CANCEL:
		if (l->n_key <= sizeof(l->key))
			p->host.cancel(p, l->pid, l->key, l->n_key, nobody_waits, NULL);
		break;
	default: break;
	}
}

static void on_link_readable(struct stream *s)
{
	struct process *p = s->owner;
	struct takeover *t = p->takeover;
	uint8_t bytes[2048];
	ssize_t n = stream_read(s, bytes, sizeof(bytes));
	struct letter l;

	if (n == 0)
		return;
	if (n < 0 || !buf_append(&t->in, bytes, (size_t)n)) {
		stream_close(s);
		return;
	}
	while (buf_len(&t->in) >= sizeof(l) && !s->closing) {
		memcpy(&l, buf_head(&t->in), sizeof(l));
		buf_consume(&t->in, sizeof(l));
		take_letter(p, &l);
	}
}

static void on_link_gone(struct stream *s)
{
	struct process *p = s->owner;

	buf_finish(&p->takeover->in);
	p->takeover->is_linked = false;
}

static void on_successor(void *owner, int fd, bool is_unix)
{
	static const struct stream_ops ops = { .on_readable = on_link_readable,
					       .on_gone = on_link_gone };
	struct process *p = owner;
	struct takeover *t = p->takeover;

	(void)is_unix;
	if (t->is_linked || p->is_stopping || !is_ours(fd)) {
		close(fd);
		return;
	}
	t->is_linked = true;
	buf_init(&t->in, 1u << 16);
	stream_open(&t->link, p->loop, fd, &ops, p, 1u << 16);
}

static void listen_for_successor(void *owner)
{
	struct process *p = owner;
	struct takeover *t = p->takeover;
	struct sockaddr_un addr;
	socklen_t n = name_of(p, &addr);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, n) || listen(fd, 4)) {
		if (fd >= 0)
			close(fd);
		return; /* until the next tick */
	}
	timer_stop(&t->retry);
	t->is_listening = true;
	listener_adopt(&t->listener, p->loop, fd, "", on_successor, p);
	listener_start(&t->listener);
}

/* ---- the new process ---- */

static bool receive_letter(int from, struct letter *l, int *fd)
{
	struct iovec part = { .iov_base = l, .iov_len = sizeof(*l) };
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = control.room,
			    .msg_controllen = sizeof(control.room) };
	struct cmsghdr *c;

	*fd = -1;
	if (recvmsg(from, &m, MSG_WAITALL | MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(*l))
		return false;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	return true;
}

static bool receive_sockets(struct takeover *t)
{
	struct letter l = { .kind = ASK };

	if (!send_socket(t->predecessor, &l, -1))
		return false;
	while (t->n_sockets < MAX_SOCKETS) {
		struct socket_of *s = &t->sockets[t->n_sockets];

		if (!receive_letter(t->predecessor, &s->letter, &s->fd))
			return false;
		if (s->letter.kind == END)
			return true;
		s->letter.address[sizeof(s->letter.address) - 1] = 0;
		if (s->fd >= 0)
			t->n_sockets++;
	}
	return true;
}

static int connect_predecessor(struct process *p)
{
	struct timeval limit = { .tv_sec = 5 };
	struct sockaddr_un addr;
	socklen_t n = name_of(p, &addr);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&addr, n) == 0 && is_ours(fd))
		return fd;
	close(fd);
	return -1;
}

enum status takeover_begin(struct process *p, bool wanted, struct err *err)
{
	struct takeover *t = mem_zero(1, sizeof(*t));

	p->takeover = t;
	t->predecessor = -1;
	pthread_mutex_init(&t->mutex, NULL);
	if (!wanted)
		return STATUS_OK;
	t->predecessor = connect_predecessor(p);
	if (t->predecessor < 0) {
		log_event(LOG_INFO, "there is no process to take over from");
		return STATUS_OK;
	}
	if (receive_sockets(t))
		return STATUS_OK;
	err_set(err, STATUS_CONFIG, "the running process did not hand over its listening sockets");
	err_hint(err, "Another one may be taking over just now; see that process's log.");
	return err->status;
}

int takeover_socket(struct process *p, int which, const char *address)
{
	struct takeover *t = p->takeover;

	for (unsigned i = 0; i < t->n_sockets; i++) {
		struct socket_of *s = &t->sockets[i];
		int fd = s->fd;

		if (fd < 0 || (int)s->letter.which != which ||
		    strcmp(s->letter.address, address) != 0)
			continue;
		s->fd = -1;
		return fd;
	}
	return -1;
}

bool takeover_has_predecessor(const struct process *p)
{
	return p->takeover->predecessor >= 0;
}

void takeover_ready(struct process *p)
{
	struct takeover *t = p->takeover;

	for (int which = 0; which < 2 && takeover_has_predecessor(p); which++)
		for (unsigned i = 0; i < p->n_listeners[which]; i++)
			listener_start(&p->listeners[which][i]);
	if (takeover_has_predecessor(p))
		send_socket(t->predecessor, &(struct letter){ .kind = DRAIN }, -1);
	t->has_timer = true;
	timer_init(&t->retry, p->loop, listen_for_successor, p);
	timer_start(&t->retry, 0, NAME_MS);
}

void takeover_cancel(struct process *p, uint32_t pid, const uint8_t *key, size_t n_key)
{
	struct takeover *t = p->takeover;
	struct letter l = { .kind = CANCEL, .pid = pid, .n_key = (uint32_t)n_key };

	if (n_key > sizeof(l.key))
		return;
	memcpy(l.key, key, n_key);
	pthread_mutex_lock(&t->mutex);
	if (t->predecessor >= 0 && !send_socket(t->predecessor, &l, -1)) {
		close(t->predecessor); /* it has ended */
		t->predecessor = -1;
	}
	pthread_mutex_unlock(&t->mutex);
}

/* ---- the end ---- */

void takeover_close(struct process *p)
{
	struct takeover *t = p->takeover;

	if (t->has_timer)
		timer_close(&t->retry, NULL);
	if (t->is_listening)
		listener_close(&t->listener);
	if (t->is_linked)
		stream_close(&t->link);
}

void takeover_destroy(struct process *p)
{
	struct takeover *t = p->takeover;

	for (unsigned i = 0; i < t->n_sockets; i++)
		if (t->sockets[i].fd >= 0)
			close(t->sockets[i].fd);
	if (t->predecessor >= 0)
		close(t->predecessor);
	pthread_mutex_destroy(&t->mutex);
	free(t);
}
