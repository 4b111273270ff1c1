#include "pgmosaic/loop/listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "pgmosaic/base/log.h"

#define BACKLOG	 4096
#define ACCEPTS	 64 /* per turn, so that a flood does not starve the sessions */
#define PAUSE_MS 100

static void on_acceptable(uv_poll_t *poll, int status, int events);

static void listener_arm(void *owner)
{
	struct listener *l = owner;

	uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
}

static bool is_out_of_resources(int code)
{
	return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
	struct listener *l = container_of(poll, struct listener, poll);

	(void)events;
	if (l->closing || status < 0)
		return;
	for (int i = 0; i < ACCEPTS; i++) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && is_out_of_resources(errno)) {
			log_event(LOG_ERROR, "cannot accept connections",
				  LOG_STR("reason", strerror(errno)));
			uv_poll_stop(&l->poll);
			timer_start(&l->pause, PAUSE_MS, 0);
		}
		if (fd < 0)
			break;
		l->on_accept(l->owner, fd, l->is_unix);
	}
	loop_flush(l->loop);
}

static enum status bind_failed(struct err *err, const char *where, int fd)
{
	int code = errno;

	if (fd >= 0)
		close(fd);
	err_set(err, STATUS_CONFIG, "cannot listen on %s: %s", where, strerror(code));
	err_hint(
		err,
		"Choose a free address, stop the program that uses this one, or, if it is a pgmosaic, take its place with --takeover.");
	return err->status;
}

static enum status open_tcp(struct listener *l, const char *host, uint16_t port, struct err *err)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char service[8], where[300];
	int on = 1, fd;

	snprintf(service, sizeof(service), "%u", port);
	snprintf(where, sizeof(where), "%s:%u", host, port);
	if (getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, service, &hints, &found) != 0)
		return err_set(err, STATUS_CONFIG, "cannot resolve the listen address %s", where);
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) || listen(fd, BACKLOG)) {
		freeaddrinfo(found);
		return bind_failed(err, where, fd);
	}
	freeaddrinfo(found);
	l->fd = fd;
	return STATUS_OK;
}

static enum status open_unix(struct listener *l, const char *dir, uint16_t port, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, n = snprintf(l->unix_path, sizeof(l->unix_path), "%s/.s.PGSQL.%u", dir, port);

	if (n < 0 || (size_t)n >= sizeof(addr.sun_path))
		return err_set(err, STATUS_CONFIG, "the socket path %s is too long", dir);
	strcpy(addr.sun_path, l->unix_path);
	unlink(l->unix_path); /* left by a proxy that was killed */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, BACKLOG))
		return bind_failed(err, l->unix_path, fd);
	chmod(l->unix_path, 0777); /* as PostgreSQL's default: authentication decides */
	l->fd = fd;
	l->is_unix = true;
	return STATUS_OK;
}

static void listener_init(struct listener *l)
{
	timer_init(&l->pause, l->loop, listener_arm, l);
	uv_poll_init(&l->loop->uv, &l->poll, l->fd);
}

enum status listener_open(struct listener *l, struct loop *loop, const char *host, uint16_t port,
			  const char *unix_dir, void (*on_accept)(void *, int, bool), void *owner,
			  struct err *err)
{
	enum status st;

	*l = (struct listener){ .loop = loop, .on_accept = on_accept, .owner = owner };
	st = host ? open_tcp(l, host, port, err) : open_unix(l, unix_dir, port, err);
	if (st != STATUS_OK)
		return st;
	listener_init(l);
	listener_arm(l);
	return STATUS_OK;
}

void listener_adopt(struct listener *l, struct loop *loop, int fd, const char *unix_path,
		    void (*on_accept)(void *, int, bool), void *owner)
{
	*l = (struct listener){
		.loop = loop, .fd = fd, .on_accept = on_accept, .owner = owner, .is_unix = unix_path
	};
	if (unix_path)
		snprintf(l->unix_path, sizeof(l->unix_path), "%s", unix_path);
	listener_init(l);
}

void listener_start(struct listener *l)
{
	listener_arm(l);
}

void listener_close(struct listener *l)
{
	if (l->closing)
		return;
	l->closing = true;
	uv_poll_stop(&l->poll);
	close(l->fd);
	if (l->is_unix && *l->unix_path && !l->keeps_path)
		unlink(l->unix_path);
	uv_close((uv_handle_t *)&l->poll, NULL); /* the listener lives as long as the loop */
	timer_close(&l->pause, NULL);
}
