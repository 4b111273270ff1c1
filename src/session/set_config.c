/* Queries that call set_config(): judged before they run, remembered afterwards.
 *
 * Happy path: the statement runs on one shard like any query, so that its rows, formats and
 * description are PostgreSQL's own. What it has set is then repeated on the transaction's other
 * shards and remembered as a SET would be.
 * Failure: NULL as a value means the default of a server, which differs from the client's own
 * start-up settings: refused. */
#include "internal.h"

/* Text has one form in both formats. */
static const char *value_of(struct session *s, const struct statement *st,
			    const struct plan_config *c)
{
	const struct param_values *v = st->portal ? &st->portal->params : NULL;
	unsigned i = c->param - 1u;

	if (c->value)
		return c->value;
	if (!v || c->param == 0 || c->param > v->n || !v->data[i] || v->length[i] < 0)
		return NULL;
	return arena_strndup(&s->arena, (const char *)v->data[i], (size_t)v->length[i]);
}

bool set_config_allowed(struct session *s, const struct statement *st)
{
	for (unsigned i = 0; i < st->plan->n_configs; i++) {
		const struct plan_config *c = &st->plan->configs[i];
		const char *value = value_of(s, st, c);
		struct err err = ERR_INIT;

		if (value && setting_refuse(s, c->name, value))
			return false;
		if (value)
			continue;
		err_set(&err, STATUS_UNROUTED, "set_config('%s', NULL, …)", c->name);
		err_hint(&err, "Use RESET %s.", c->name);
		reply_error(s, &err);
		return false;
	}
	return true;
}

static const char *quoted(struct session *s, const char *text)
{
	struct buf b;
	const char *copy;

	buf_init(&b, 1u << 20);
	for (; *text; text++) {
		if (*text == '\'')
			buf_put_u8(&b, '\'');
		buf_put_u8(&b, (uint8_t)*text);
	}
	copy = arena_strndup(&s->arena, (const char *)buf_head(&b), buf_len(&b));
	buf_finish(&b);
	return copy;
}

bool set_config_done(struct session *s, const struct statement *st, struct leg *leg)
{
	for (unsigned i = 0; i < st->plan->n_configs; i++) {
		const struct plan_config *c = &st->plan->configs[i];
		struct plan_local l = { .kind = c->local ? LOCAL_SET_LOCAL : LOCAL_SET,
					.name = c->name,
					.local = c->local };
		char *sql = arena_printf(&s->arena, "SELECT pg_catalog.set_config('%s', '%s', %s)",
					 quoted(s, c->name), quoted(s, value_of(s, st, c)),
					 c->local ? "true" : "false");

		if (!setting_taken(s, leg, &l, c->as_written ? st->text : str_of(sql)))
			return false;
	}
	return true;
}
