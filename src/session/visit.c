/* What SHOW lists of a worker: its clients, pools and server connections. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "internal.h"
#include "pgmosaic/base/mem.h"

struct visit {
	struct worker *w;
	const struct worker_visitor *v;
};

/* "host", "port" of one end of a socket; "unix" for Unix sockets. */
static void read_end(int fd, bool is_peer, struct worker_address *out)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);
	int done = is_peer ? getpeername(fd, (struct sockaddr *)&a, &n)
			   : getsockname(fd, (struct sockaddr *)&a, &n);

	snprintf(out->host, sizeof(out->host), "%s", done == 0 ? "unix" : "");
	out->port = 0;
	if (done == 0 && a.ss_family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)&a;

		inet_ntop(AF_INET, &in->sin_addr, out->host, sizeof(out->host));
		out->port = ntohs(in->sin_port);
	} else if (done == 0 && a.ss_family == AF_INET6) {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)&a;

		inet_ntop(AF_INET6, &in->sin6_addr, out->host, sizeof(out->host));
		out->port = ntohs(in->sin6_port);
	}
}

static const struct conn *first_conn(const struct session *s)
{
	for (unsigned i = 0; i < s->n_legs; i++)
		if (s->legs[i]->conn)
			return s->legs[i]->conn;
	return NULL;
}

static const char *client_state(const struct session *s)
{
	if (s->state == SESSION_STARTING)
		return "login";
	if (s->party.n_waiting)
		return "waiting";
	return s->state == SESSION_READY && !first_conn(s) ? "idle" : "active";
}

static unsigned count_names(const struct session *s)
{
	unsigned n = 0;

	for (const struct statement_name *x = s->names; x; x = x->next)
		n++;
	return n;
}

static void visit_client(const struct worker_visitor *v, const struct session *s, uint64_t now)
{
	const struct conn *c = first_conn(s);
	char pinned[80];
	struct worker_client row = { .id = s->id,
				     .user = s->user,
				     .database = s->is_control ? "pgmosaic" : s->database,
				     .state = client_state(s),
				     .application_name = s->application_name,
				     .tls = s->tls_text,
				     .pinned = session_pinned_by(s, pinned, sizeof(pinned)),
				     .server_id = c ? c->id : 0,
				     .n_prepared = count_names(s),
				     .connected_ms_ago = now - s->connected_ms,
				     .statement_ms_ago =
					     s->statement_ms ? now - s->statement_ms : 0,
				     .is_control = s->is_control };

	if (s->party.n_waiting)
		row.wait_ms = now - s->statement_ms;
	read_end(s->stream.fd, true, &row.remote);
	read_end(s->stream.fd, false, &row.local);
	v->client(v->ctx, &row);
}

/* Whom a connection is lent to; NULL: nobody. */
static const struct session *client_of(const struct worker *w, const struct conn *c)
{
	struct list *node;

	if (c->state != CONN_LEASED)
		return NULL;
	list_for_each(node, &w->sessions)
	{
		const struct session *s = list_entry(node, struct session, node);

		for (unsigned i = 0; i < s->n_legs; i++)
			if (s->legs[i]->conn == c)
				return s;
	}
	return NULL;
}

static const char *server_state(const struct conn *c)
{
	if (c->state == CONN_LEASED && c->release_wanted)
		return "being_canceled";
	return c->state == CONN_LEASED	   ? "active"
	       : c->state == CONN_CLEANING ? "tested"
	       : c->state == CONN_DIALING  ? "new"
					   : "idle";
}

static void visit_server(const struct visit *visit, const struct pool *p, const struct conn *c,
			 uint64_t now)
{
	const struct session *s = client_of(visit->w, c);
	struct worker_server row = { .id = c->id,
				     .user = p->user,
				     .shard = p->shard_name,
				     .state = server_state(c),
				     .application_name = s ? s->application_name : "",
				     .client_id = s ? s->id : 0,
				     .server_pid = c->server_pid,
				     .is_old =
					     c->generation != p->pools->generation || p->is_retired,
				     .is_tls = c->stream.ssl != NULL,
				     .opened_ms_ago = now - c->opened_ms,
				     .used_ms_ago = now - c->used_ms,
				     .n_prepared = (unsigned)c->prepared.n };

	read_end(c->stream.fd, true, &row.remote);
	read_end(c->stream.fd, false, &row.local);
	visit->v->server(visit->v->ctx, &row);
}

static unsigned count_being_canceled(struct pool *p)
{
	struct list *node;
	unsigned n = 0;

	list_for_each(node, &p->leased) n += list_entry(node, struct conn, node)->release_wanted;
	return n;
}

/* Clients without a server connection are counted at the home shard's pool. */
static unsigned count_idle_clients(const struct worker *w, const struct pool *p)
{
	struct list *node;
	unsigned n = 0;

	if (!w->world || p->shard != w->world->map->home || p->is_retired)
		return 0;
	list_for_each(node, &w->sessions)
	{
		const struct session *s = list_entry(node, struct session, node);

		n += !s->is_control && strcmp(s->user, p->user) == 0 && !first_conn(s) &&
		     !s->party.n_waiting;
	}
	return n;
}

static void visit_pool(const struct visit *visit, struct pool *p, uint64_t now)
{
	struct list *const lists[] = { &p->idle, &p->leased, &p->cleaning };
	struct worker_pool row = { .user = p->user,
				   .shard = p->shard_name,
				   .n_idle = p->n_idle,
				   .n_leased = p->n_leased,
				   .n_cleaning = p->n_cleaning,
				   .n_dialing = p->n_dialing,
				   .n_waiting = p->n_waiting,
				   .n_canceling = p->n_cancel_jobs,
				   .n_being_canceled = count_being_canceled(p),
				   .n_idle_clients = count_idle_clients(visit->w, p) };
	struct list *node;

	if (!list_is_empty(&p->waiting))
		row.oldest_wait_ms =
			now - list_entry(p->waiting.next, struct lease, node)->since_ms;
	visit->v->pool(visit->v->ctx, &row);
	for (int i = 0; i < 3; i++)
		list_for_each(node, lists[i])
			visit_server(visit, p, list_entry(node, struct conn, node), now);
}

static void do_visit(void *arg)
{
	struct visit visit = *(struct visit *)arg;
	uint64_t now = loop_now_ms(visit.w->loop);
	struct list *node;

	free(arg);
	list_for_each(node, &visit.w->sessions)
	{
		const struct session *s = list_entry(node, struct session, node);

		if (s->state != SESSION_CLOSING)
			visit_client(visit.v, s, now);
	}
	list_for_each(node, &visit.w->pools.all)
		visit_pool(&visit, list_entry(node, struct pool, node), now);
	visit.v->done(visit.v->ctx);
}

void worker_visit(struct worker *w, const struct worker_visitor *v)
{
	struct visit *visit = mem_alloc(sizeof(*visit));

	*visit = (struct visit){ w, v };
	mailbox_post(w->mailbox, do_visit, visit);
}
