#include "extended.h"

#include "pgmosaic/base/log.h"

void reply_error(struct session *s, const struct err *err)
{
	struct err own;

	metrics_add(s->w->metrics, METRIC_QUERY_ERRORS, 1);
	wire_put_error(reply_out(s), cancel_explain(s, err, &own), "ERROR");
}

void reply_failure(struct session *s, const struct exec_failure *f)
{
	struct err own;

	if (buf_len(&f->body) == 0 || cancel_explain(s, &f->err, &own) == &own) {
		reply_error(s, &f->err);
		return;
	}
	metrics_add(s->w->metrics, METRIC_QUERY_ERRORS, 1);
	wire_put(reply_out(s), 'E', buf_head(&f->body), buf_len(&f->body));
}

bool reply_leg_error(struct session *s, struct leg *leg, struct str text)
{
	struct exec_failure f = { .err = ERR_INIT };

	buf_init(&f.body, 64u << 20);
	exec_leg_failed(s->quoted, s->quoted ? s->quoted_in : text, leg, &f);
	reply_failure(s, &f);
	buf_finish(&f.body);
	txn_fail(s);
	return false;
}

void quote_begin(struct session *s, struct quote *q, struct str client, const char *text,
		 struct plan_splice splice)
{
	q->splice = splice;
	q->map.text = text;
	q->map.splices = &q->splice;
	q->map.n_splices = 1;
	s->quoted = &q->map;
	s->quoted_in = client;
}

void quote_end(struct session *s)
{
	s->quoted = NULL;
}

void reply_fatal(struct session *s, const struct err *err)
{
	log_event(LOG_INFO, "client connection ended", LOG_U64("client", s->id),
		  LOG_STR("user", s->user), LOG_STR("address", s->address),
		  LOG_STR("sqlstate", err->code), LOG_STR("reason", err->message));
	wire_put_error(reply_out(s), err, "FATAL");
	session_close(s);
}

void reply_warning(struct session *s, const char *code, const char *text)
{
	struct err err = ERR_INIT;

	err_set_code(&err, STATUS_OK, code, "%s", text);
	wire_put_notice(reply_out(s), &err, "WARNING");
}

void reply_tag(struct session *s, const char *tag)
{
	wire_put_command_complete(reply_out(s), tag);
}

void reply_ready(struct session *s)
{
	wire_put_ready(reply_out(s), s->txn.is_implicit ? 'I' : s->txn.status);
}
