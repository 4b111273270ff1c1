/* LISTEN and UNLISTEN: a client's channels, and what was notified on them.
 *
 * The process listens once, on the home shard (catalog/channels.h); a client's LISTEN only says
 * what is forwarded to it. Inside a transaction it takes effect at COMMIT: the server listens
 * before the shards commit, so that nothing committed afterwards is missed. Notifications are told
 * between transactions only; until then they wait, up to PENDING_BYTES. */
#include <stdlib.h>

#include "internal.h"
#include "pgmosaic/base/mem.h"

#define PENDING_BYTES (16u << 20)

struct channel {
	struct channel *next;
	bool is_held;	/* the process listens for this client, too */
	bool is_live;	/* the client's LISTEN is committed */
	bool is_wanted; /* it will be, after the COMMIT at hand */
	char name[];
};

enum listen_verb { VERB_LISTEN, VERB_UNLISTEN, VERB_UNLISTEN_ALL };

struct listen_action {
	enum listen_verb verb;
	char *channel;
};

struct listening {
	struct list node; /* of worker.listening */
	struct session *s;
	struct channel *channels;
	struct listen_action *actions; /* of the transaction */
	unsigned n_actions;
	struct buf pending; /* NotificationResponses */
};

static struct listening *listening_of(struct session *s)
{
	struct listening *l = s->listening;

	if (l)
		return l;
	l = s->listening = mem_zero(1, sizeof(*l));
	l->s = s;
	buf_init(&l->pending, PENDING_BYTES);
	list_push_back(&s->w->listening, &l->node);
	return l;
}

static struct channel *find(struct listening *l, const char *name)
{
	struct channel *ch = l ? l->channels : NULL;

	while (ch && strcmp(ch->name, name) != 0)
		ch = ch->next;
	return ch;
}

/* ---- the process listens ---- */

struct listen_job {
	const struct session_host *host;
	struct fiber *fiber;
	const char *channel;
	struct err err;
	enum status status;
	bool is_done;
};

static void listen_work(void *arg)
{
	struct listen_job *j = arg;

	j->status = j->host->listen(j->host->ctx, j->channel, &j->err);
}

static void listen_done(void *arg)
{
	struct listen_job *j = arg;

	j->is_done = true;
	fiber_wake(j->fiber);
}

static enum status listen_await(struct session *s, const char *channel, struct err *err)
{
	struct listen_job j = { .host = s->w->host, .channel = channel, .err = ERR_INIT };

	j.fiber = fiber_self();
	job_run(s->w->loop, listen_work, listen_done, &j);
	while (!j.is_done)
		fiber_wait();
	if (j.status != STATUS_OK)
		*err = j.err;
	return j.status;
}

/* ---- what a COMMIT changes ---- */

static void add(struct listening *l, const char *name)
{
	struct channel *ch = find(l, name);

	if (!ch) {
		ch = mem_zero(1, sizeof(*ch) + strlen(name) + 1);
		strcpy(ch->name, name);
		ch->next = l->channels;
		l->channels = ch;
	}
	ch->is_wanted = true;
}

static void find_wanted(struct listening *l)
{
	for (struct channel *ch = l->channels; ch; ch = ch->next)
		ch->is_wanted = ch->is_live;
	for (unsigned i = 0; i < l->n_actions; i++) {
		struct listen_action *a = &l->actions[i];
		struct channel *ch = a->verb == VERB_UNLISTEN ? find(l, a->channel) : NULL;

		if (a->verb == VERB_LISTEN)
			add(l, a->channel);
		else if (ch)
			ch->is_wanted = false;
		for (ch = l->channels; ch && a->verb == VERB_UNLISTEN_ALL; ch = ch->next)
			ch->is_wanted = false;
	}
}

static void drop_dead(struct listening *l)
{
	const struct session_host *host = l->s->w->host;

	for (struct channel **at = &l->channels; *at;) {
		struct channel *ch = *at;

		if (ch->is_live) {
			at = &ch->next;
			continue;
		}
		*at = ch->next;
		if (ch->is_held)
			host->unlisten(host->ctx, ch->name);
		free(ch);
	}
}

static void forget_actions(struct listening *l, unsigned keep)
{
	while (l->n_actions > keep)
		free(l->actions[--l->n_actions].channel);
}

void listen_after(struct session *s, bool committed)
{
	struct listening *l = s->listening;

	if (!l || !l->n_actions)
		return;
	for (struct channel *ch = l->channels; ch && committed; ch = ch->next)
		ch->is_live = ch->is_wanted;
	drop_dead(l);
	forget_actions(l, 0);
}

bool listen_before(struct session *s)
{
	struct listening *l = s->listening;
	struct err err = ERR_INIT;

	if (!l || !l->n_actions)
		return true;
	find_wanted(l);
	for (struct channel *ch = l->channels; ch; ch = ch->next) {
		if (!ch->is_wanted || ch->is_held)
			continue;
		if (listen_await(s, ch->name, &err) != STATUS_OK) {
			listen_after(s, false);
			reply_error(s, &err);
			return false;
		}
		ch->is_held = true;
	}
	return true;
}

unsigned listen_mark(const struct session *s)
{
	return s->listening ? s->listening->n_actions : 0;
}

void listen_return(struct session *s, unsigned mark)
{
	if (s->listening)
		forget_actions(s->listening, mark);
}

bool listen_local(struct session *s, const struct plan_local *local)
{
	struct listening *l = listening_of(s);
	struct listen_action *a;

	l->actions = mem_grow(l->actions, sizeof(*l->actions) * (l->n_actions + 1));
	a = &l->actions[l->n_actions++];
	a->verb = local->kind == LOCAL_LISTEN ? VERB_LISTEN
		  : local->name		      ? VERB_UNLISTEN
					      : VERB_UNLISTEN_ALL;
	a->channel = local->name ? mem_strdup(local->name) : NULL;
	if (s->txn.status == 'I') {
		if (!listen_before(s))
			return false;
		listen_after(s, true);
	}
	reply_tag(s, local->kind == LOCAL_LISTEN ? "LISTEN" : "UNLISTEN");
	return true;
}

void listen_end(struct session *s)
{
	struct listening *l = s->listening;

	if (!l)
		return;
	for (struct channel *ch = l->channels; ch; ch = ch->next)
		ch->is_live = false;
	drop_dead(l);
	forget_actions(l, 0);
	free(l->actions);
	buf_finish(&l->pending);
	list_remove(&l->node);
	free(l);
	s->listening = NULL;
}

/* ---- what was notified ---- */

static bool is_told(struct listening *l, const struct wire_msg *m)
{
	const struct channel *ch;

	if (m->type != 'A')
		return true;
	ch = find(l, (const char *)m->body + 4);
	return ch && ch->is_live;
}

void listen_deliver(struct session *s)
{
	struct listening *l = s->listening;
	struct wire_msg m;

	if (!l || s->state != SESSION_READY || s->txn.status != 'I')
		return;
	while (wire_next(buf_head(&l->pending), buf_len(&l->pending), UINT32_MAX, &m) == WIRE_OK) {
		if (is_told(l, &m))
			buf_append(reply_out(s), buf_head(&l->pending), wire_size(&m));
		buf_consume(&l->pending, wire_size(&m));
	}
}

/* Nothing may be missed in silence: who does not take his notifications loses the session. */
static void end_if_full(struct session *s)
{
	struct err err = ERR_INIT;

	if (s->state == SESSION_CLOSING ||
	    (!s->listening->pending.overflow && buf_len(&s->stream.out) < PENDING_BYTES))
		return;
	err_set_code(&err, STATUS_LIMIT, "54000", "too many notifications are waiting");
	err_hint(&err, "End transactions, and read, more often.");
	reply_fatal(s, &err);
}

struct letter {
	struct worker *w;
	uint32_t pid;
	char *channel, *payload; /* NULL: some may have been lost */
};

static void put_notification(struct buf *out, const struct letter *letter)
{
	size_t mark = wire_begin(out, 'A');

	buf_put_u32(out, letter->pid);
	buf_put_cstr(out, letter->channel);
	buf_put_cstr(out, letter->payload);
	wire_end(out, mark);
}

static void put_lost(struct buf *out)
{
	struct err err = ERR_INIT;

	err_set_code(&err, STATUS_OK, "01000",
		     "notifications may have been lost: the connection that listens for them was "
		     "interrupted");
	err_hint(&err, "Look for yourself what has changed; listening goes on.");
	wire_put_notice(out, &err, "WARNING");
}

static void open_letter(void *arg)
{
	struct letter *letter = arg;
	struct list *node, *tmp;

	list_for_each_safe(node, tmp, &letter->w->listening)
	{
		struct listening *l = list_entry(node, struct listening, node);
		const struct channel *ch = letter->channel ? find(l, letter->channel) : NULL;

		if (ch && ch->is_held)
			put_notification(&l->pending, letter);
		else if (!letter->channel && l->channels)
			put_lost(&l->pending);
		else
			continue;
		listen_deliver(l->s);
		end_if_full(l->s);
	}
	free(letter->channel);
	free(letter->payload);
	free(letter);
}

void worker_notify(struct worker *w, const char *channel, const char *payload, uint32_t pid)
{
	struct letter *letter = mem_zero(1, sizeof(*letter));

	letter->w = w;
	letter->pid = pid;
	letter->channel = channel ? mem_strdup(channel) : NULL;
	letter->payload = channel ? mem_strdup(payload) : NULL;
	mailbox_post(w->mailbox, open_letter, letter);
}

void listen_note_sender(struct session *s, struct leg *leg)
{
	leg->no_prepare |= leg->in_txn;
	s->w->host->note_sender(s->w->host->ctx, leg->conn->server_pid, session_pid(s));
}
