/* The HTTP server: libmicrohttpd on its own thread. The only place that knows it. */
#include "pgmosaic/monitor/monitor.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pgmosaic/base/clock.h"
#include "pgmosaic/base/mem.h"
#include "render.h"

#define PAGE_MAX_BYTES	(4u << 20)
#define MAX_CONNECTIONS 64u
#define IDLE_SECONDS	30u

struct monitor {
	struct monitor_source source;
	uint64_t started_us;
	int fd; /* the daemon's */
	struct MHD_Daemon *daemon;
};

struct page {
	unsigned status;
	const char *type;
	struct buf body;
};

static void page_metrics(struct monitor *m, struct page *page)
{
	page->type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
	render_metrics(&m->source, m->started_us, &page->body);
}

static void page_healthz(struct monitor *m, struct page *page)
{
	(void)m;
	buf_printf(&page->body, "ok\n");
}

static void page_readyz(struct monitor *m, struct page *page)
{
	char reason[256] = "";

	if (m->source.ready(m->source.ctx, reason, sizeof(reason))) {
		buf_printf(&page->body, "ready\n");
		return;
	}
	page->status = MHD_HTTP_SERVICE_UNAVAILABLE;
	buf_printf(&page->body, "not ready: %s\n", reason);
}

static void page_dashboard(struct monitor *m, struct page *page)
{
	page->type = "text/html; charset=utf-8";
	render_dashboard(&m->source, m->started_us, &page->body);
}

static const struct {
	const char *path;
	void (*fill)(struct monitor *m, struct page *page);
} pages[] = {
	{ "/", page_dashboard },
	{ "/metrics", page_metrics },
	{ "/healthz", page_healthz },
	{ "/readyz", page_readyz },
};

static void page_fill(struct monitor *m, const char *method, const char *path, struct page *page)
{
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		page->status = MHD_HTTP_METHOD_NOT_ALLOWED;
		buf_printf(&page->body, "only GET and HEAD\n");
		return;
	}
	for (unsigned i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(pages[i].path, path) != 0)
			continue;
		pages[i].fill(m, page);
		return;
	}
	page->status = MHD_HTTP_NOT_FOUND;
	buf_printf(&page->body, "not here; try /, /metrics, /healthz or /readyz\n");
}

static enum MHD_Result page_send(struct MHD_Connection *connection, struct page *page)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		buf_len(&page->body), buf_head(&page->body), MHD_RESPMEM_MUST_COPY);
	enum MHD_Result sent;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", page->type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (page->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	sent = MHD_queue_response(connection, page->status, response);
	MHD_destroy_response(response);
	return sent;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	struct page page = { .status = MHD_HTTP_OK, .type = "text/plain; charset=utf-8" };
	enum MHD_Result sent;

	(void)version, (void)upload, (void)upload_size, (void)state;
	buf_init(&page.body, PAGE_MAX_BYTES);
	page_fill(cls, method, url, &page);
	sent = page_send(connection, &page);
	buf_finish(&page.body);
	return sent;
}

static enum status fail(struct err *err, const struct config_address *address, const char *why)
{
	err_set(err, STATUS_CONFIG, "cannot serve HTTP on %s: %s", address->text, why);
	err_hint(err, "Change http in the configuration, or stop what uses the port.");
	return STATUS_CONFIG;
}

/* A listening socket, or -1 with errno. */
static int listen_on(const struct addrinfo *ai)
{
	int on = 1, off = 0, saved;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, 64) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* "*" takes both families where the machine has IPv6, else IPv4. */
static enum status open_socket(const struct config_address *address, int *fd, struct err *err)
{
	struct addrinfo hints = { .ai_family = address->host ? AF_UNSPEC : AF_INET6,
				  .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *list;
	char port[8];
	int failed;

	if (address->unix_dir)
		return fail(err, address, "HTTP needs a TCP address");
	snprintf(port, sizeof(port), "%u", address->port);
	*fd = -1;
	for (; *fd < 0; hints.ai_family = AF_INET) {
		failed = getaddrinfo(address->host, port, &hints, &list);
		if (failed)
			return fail(err, address, gai_strerror(failed));
		for (struct addrinfo *ai = list; ai && *fd < 0; ai = ai->ai_next)
			*fd = listen_on(ai);
		freeaddrinfo(list);
		if (*fd < 0 && hints.ai_family != AF_INET6)
			return fail(err, address, strerror(errno));
	}
	return STATUS_OK;
}

enum status monitor_start(const struct config_address *address, const struct monitor_source *source,
			  struct monitor **out, struct err *err)
{
	struct monitor *m;
	int fd = source->socket;
	enum status status = fd > 0 ? STATUS_OK : open_socket(address, &fd, err);

	if (status != STATUS_OK)
		return status;
	m = mem_zero(1, sizeof(*m));
	m->source = *source;
	m->fd = fd;
	m->started_us = clock_wall_us();
	/* epoll, because file descriptors past 1023 are usual here */
	m->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL,
				     on_request, m, MHD_OPTION_LISTEN_SOCKET, fd,
				     MHD_OPTION_CONNECTION_LIMIT, MAX_CONNECTIONS,
				     MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_END);
	if (!m->daemon) {
		close(fd);
		free(m);
		return fail(err, address, "the HTTP server did not start");
	}
	*out = m;
	return STATUS_OK;
}

int monitor_socket(const struct monitor *m)
{
	return m->fd;
}

void monitor_quiet(struct monitor *m)
{
	int fd = MHD_quiesce_daemon(m->daemon);

	if (fd >= 0)
		close(fd);
}

void monitor_stop(struct monitor *m)
{
	if (!m)
		return;
	MHD_stop_daemon(m->daemon); /* closes the listening socket too */
	free(m);
}
