/* PREPARE as a statement: the same names as the protocol's. Its inner text becomes a prepared
 * statement like one of a Parse message. */
#include <stdio.h>
#include <stdlib.h>

#include "extended.h"

static void put_literal(struct buf *b, const char *text)
{
	buf_put_u8(b, '\'');
	for (; *text; text++)
		buf_printf(b, *text == '\'' ? "''" : "%c", *text);
	buf_put_u8(b, '\'');
}

static uint32_t read_oid(const struct leg *leg)
{
	const uint8_t *data;
	char text[16] = "";
	struct wire_msg m;
	int32_t n;

	if (wire_next(buf_head(&leg->rows), buf_len(&leg->rows), UINT32_MAX, &m) == WIRE_OK &&
	    wire_row_field(m.body, m.length, 0, &data, &n) && n > 0 && n < (int32_t)sizeof(text))
		memcpy(text, data, (size_t)n);
	return (uint32_t)strtoul(text, NULL, 10);
}

/* A type that is not built in: a server knows its OID. 0: told. */
static uint32_t ask_type(struct session *s, struct str client, const struct plan_argument *arg)
{
	struct leg *leg = describing_leg(s, NULL);
	struct quote quote = { .splice = { 0 } };
	uint32_t oid = 0;
	struct buf sql;
	bool ok;

	buf_init(&sql, 1u << 20);
	buf_printf(&sql, "%*sSELECT ", (int)arg->at, ""); /* the error stands where the type does */
	put_literal(&sql, arg->text);
	buf_printf(&sql, "::pg_catalog.regtype::pg_catalog.oid");
	buf_put_u8(&sql, 0);
	quote_begin(s, &quote, client, (const char *)buf_head(&sql),
		    (struct plan_splice){ .at = arg->at,
					  .removed = (uint32_t)strlen(arg->text),
					  .inserted = (uint32_t)(buf_len(&sql) - arg->at) });
	ok = session_enlist(s, leg) &&
	     leg_query(leg, (const char *)buf_head(&sql), LEG_ROWS_KEEP) && (oid = read_oid(leg));
	if (!ok)
		reply_leg_error(s, leg, client);
	quote_end(s);
	buf_finish(&sql);
	return oid;
}

/* As the protocol carries them. NULL: told. */
static uint8_t *read_types(struct session *s, struct str client, const struct plan_local *l)
{
	uint8_t *types = arena_alloc(&s->arena, 4u * l->n_args + 1u);

	for (uint16_t i = 0; i < l->n_args; i++) {
		uint32_t oid = l->args[i].type_oid;

		if (!oid && !(oid = ask_type(s, client, &l->args[i])))
			return NULL;
		wire_set_u32(types + 4u * i, oid);
	}
	return types;
}

bool prepare_statement(struct session *s, struct statement *st)
{
	const struct plan_local *l = &st->plan->local;
	uint8_t *types = read_types(s, st->text, l);
	struct err err = ERR_INIT;
	struct prepared *p;
	struct quote quote = { .splice = { 0 } };
	bool ok;

	if (!types)
		return false;
	p = prepared_get(s, str_of(l->text), types, l->n_args);
	quote_begin(s, &quote, st->text, l->text,
		    (struct plan_splice){ .at = 0, .removed = l->inner_at });
	ok = statement_make_ready(s, p);
	quote_end(s);
	if (ok && session_name_find(s, l->name)) {
		err_set_code(&err, STATUS_DUPLICATE, "42P05",
			     "prepared statement \"%s\" already exists", l->name);
		ok = extended_fail(s, &err);
	}
	if (!ok) {
		prepared_drop(s->w, p);
		return false;
	}
	promise_holds(s, p, &session_name_add(s, l->name, p)->promise);
	reply_tag(s, "PREPARE");
	return true;
}
