/* A session on the control port: each statement is a job, its answer comes back whole. The
 * extended protocol is spoken too, without parameters. */
#include <stdlib.h>

#include "internal.h"
#include "pgmosaic/base/mem.h"

struct control_job {
	struct session *s;
	struct fiber *fiber;
	struct str sql;
	bool wants_description, only_describe;
	struct buf out;
	bool ok, is_done;
};

static void control_work(void *arg)
{
	struct control_job *j = arg;
	const struct session_host *host = j->s->w->host;

	j->ok = j->only_describe
			? host->admin_describe(host->ctx, j->sql, &j->out)
			: host->admin(host->ctx, j->s->user, j->sql, j->wants_description, &j->out);
}

static void control_done(void *arg)
{
	struct control_job *j = arg;

	j->is_done = true;
	fiber_wake(j->fiber);
}

static bool control_run(struct session *s, struct str sql, bool wants_description,
			bool only_describe)
{
	struct control_job j = { .s = s,
				 .fiber = fiber_self(),
				 .sql = sql,
				 .wants_description = wants_description,
				 .only_describe = only_describe };

	buf_init(&j.out, 256u << 20);
	job_run(s->w->loop, control_work, control_done, &j);
	while (!j.is_done)
		fiber_wait();
	if (!s->party.is_gone)
		stream_write(&s->stream, buf_head(&j.out), buf_len(&j.out));
	buf_finish(&j.out);
	return j.ok;
}

static void control_simple(struct session *s)
{
	struct str text;
	struct err err = ERR_INIT;
	struct wire_msg m;

	if (!session_message(s, &m) || wire_parse_query(m.body, m.length, &text, &err) != STATUS_OK)
		return;
	text = arena_str(&s->arena, text);
	session_consumed(s, &m);
	control_run(s, text, true, false);
	if (!s->party.is_gone)
		reply_ready(s);
	arena_reset(&s->arena);
}

/* Only the latest Parse counts, whatever its name: enough for every driver's single commands. */
static bool control_parse(struct session *s, const struct wire_msg *m, struct str *text)
{
	struct wire_parse parse;
	struct err err = ERR_INIT;

	if (wire_parse_parse(m->body, m->length, &parse, &err) != STATUS_OK) {
		reply_error(s, &err);
		return false;
	}
	*text = arena_str(&s->arena, parse.query);
	wire_put_parse_complete(reply_out(s));
	return true;
}

static bool control_describe(struct session *s, const struct wire_msg *m, struct str text)
{
	if (m->length && m->body[0] == 'S')
		wire_put_parameter_description(reply_out(s), NULL, 0);
	return control_run(s, text, true, true);
}

static bool control_one(struct session *s, const struct wire_msg *m, struct str *text)
{
	switch (m->type) {
	case 'P': return control_parse(s, m, text);
	case 'B': wire_put_bind_complete(reply_out(s)); return true;
	case 'D': return control_describe(s, m, *text);
	case 'E': return control_run(s, *text, false, false);
	case 'C': wire_put_close_complete(reply_out(s)); return true;
	case 'H': stream_flush(&s->stream); return true;
	default: return true;
	}
}

static void control_extended(struct session *s)
{
	struct str text = { "", 0 };
	struct wire_msg m;
	bool ok = true;

	if (s->unnamed)
		text = (struct str){ s->unnamed->text, s->unnamed->n_text };
	while (session_await_message(s, &m)) {
		uint8_t type = m.type;

		if (type == 'Q' || type == 'X')
			break;
		if (ok && type != 'S')
			ok = control_one(s, &m, &text);
		session_consumed(s, &m);
		if (type == 'S') {
			reply_ready(s);
			break;
		}
	}
	prepared_drop(s->w, s->unnamed);
	s->unnamed = text.n ? prepared_get(s, text, NULL, 0) : NULL;
	arena_reset(&s->arena);
}

void control_query(struct session *s, const struct wire_msg *m)
{
	session_run(s, m->type == 'Q' ? control_simple : control_extended);
}
