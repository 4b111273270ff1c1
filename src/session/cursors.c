/* Cursors of SQL: which there are, and on which leg each lives.
 *
 * DECLARE runs like any query of one shard and is noted here; FETCH, MOVE and CLOSE go to the leg
 * that has the cursor. It ends with its transaction, or at ROLLBACK TO a savepoint from before it;
 * one WITH HOLD that was committed stays and pins its leg. */
#include <stdlib.h>

#include "extended.h"
#include "pgmosaic/base/mem.h"

struct cursor {
	struct cursor *next;
	uint32_t shard_id;
	uint64_t serial; /* of all that were ever declared in the session */
	bool holds, is_committed;
	char name[];
};

static struct cursor *find(struct session *s, const char *name)
{
	struct cursor *c = s->cursors.first;

	while (c && strcmp(c->name, name) != 0)
		c = c->next;
	return c;
}

bool cursor_exists(struct session *s, const char *name)
{
	return find(s, name) != NULL;
}

static struct leg *leg_of(struct session *s, const struct cursor *c)
{
	for (unsigned i = 0; i < s->n_legs; i++)
		if (s->legs[i]->shard_id == c->shard_id && s->legs[i]->conn)
			return s->legs[i];
	return NULL;
}

static bool is_held_on(const struct session *s, const struct leg *leg)
{
	for (const struct cursor *c = s->cursors.first; c; c = c->next)
		if (c->holds && c->shard_id == leg->shard_id)
			return true;
	return false;
}

/* No cursor WITH HOLD is left there, and none can come back. */
static void unpin(struct session *s)
{
	for (unsigned i = 0; i < s->n_legs; i++)
		if (!is_held_on(s, s->legs[i]))
			s->legs[i]->pins &= ~(unsigned)PIN_CURSOR;
}

static void drop(struct session *s, bool (*goes)(const struct cursor *c, const void *arg),
		 const void *arg)
{
	for (struct cursor **at = &s->cursors.first; *at;) {
		struct cursor *c = *at;

		if (!goes(c, arg)) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		free(c);
	}
	unpin(s);
}

/* ---- ends ---- */

static bool any(const struct cursor *c, const void *arg)
{
	(void)c;
	(void)arg;
	return true;
}

void cursors_forget(struct session *s)
{
	drop(s, any, NULL);
}

static bool ends_with_transaction(const struct cursor *c, const void *committed)
{
	return !c->is_committed && !(c->holds && *(const bool *)committed);
}

void cursors_end_txn(struct session *s, bool committed)
{
	drop(s, ends_with_transaction, &committed);
	for (struct cursor *c = s->cursors.first; c; c = c->next)
		c->is_committed = true;
}

static bool is_younger(const struct cursor *c, const void *serial)
{
	return c->serial > *(const uint64_t *)serial;
}

void cursors_rolled_back(struct session *s, uint64_t serial)
{
	drop(s, is_younger, &serial);
}

static bool has_name(const struct cursor *c, const void *name)
{
	return strcmp(c->name, name) == 0;
}

/* ---- DECLARE ---- */

bool cursor_allows(struct session *s, const struct plan *plan)
{
	const char *name = plan->cursor.name;
	struct err err = ERR_INIT;

	if (!(plan->ties & TIE_CURSOR) || (!find(s, name) && !portal_find(s, name)))
		return true;
	err_set_code(&err, STATUS_DUPLICATE, "42P03", "cursor \"%s\" already exists", name);
	return extended_fail(s, &err);
}

void cursor_begin(const struct plan *plan, struct leg *leg)
{
	if (!(plan->ties & TIE_CURSOR) || !plan->cursor.holds)
		return;
	session_pin(leg, PIN_CURSOR);
	leg->no_prepare |= leg->in_txn;
	leg->wrote |= leg->in_txn; /* its rows are made at COMMIT, which may fail */
}

void cursor_declared(struct session *s, const struct plan *plan, const struct leg *leg, bool ok)
{
	const char *name = plan->cursor.name;
	struct cursor *c;

	if (!(plan->ties & TIE_CURSOR))
		return;
	if (ok && (s->txn.status != 'I' || plan->cursor.holds)) {
		c = mem_zero(1, sizeof(*c) + strlen(name) + 1);
		strcpy(c->name, name);
		c->shard_id = leg->shard_id;
		c->serial = ++s->cursors.serial;
		c->holds = plan->cursor.holds;
		c->is_committed = s->txn.status == 'I';
		c->next = s->cursors.first;
		s->cursors.first = c;
	}
	unpin(s);
}

/* ---- FETCH, MOVE, CLOSE ---- */

static struct leg *find_leg(struct session *s, const char *name)
{
	struct cursor *c = find(s, name);
	struct leg *leg = c ? leg_of(s, c) : NULL;
	struct err err = ERR_INIT;

	if (leg)
		return leg;
	if (portal_find(s, name)) {
		err_set(&err, STATUS_UNROUTED, "FETCH, MOVE and CLOSE of a portal of the protocol");
		err_hint(&err, "Use Execute and Close messages.");
	} else {
		err_set_code(&err, STATUS_UNDEFINED, "34000", "cursor \"%s\" does not exist", name);
	}
	extended_fail(s, &err);
	return NULL;
}

bool cursor_fetch(struct session *s, struct statement *st)
{
	struct leg *leg = find_leg(s, st->plan->local.name);

	return leg && run_at(s, st, leg);
}

static bool close_all(struct session *s)
{
	for (unsigned i = 0; i < s->n_legs; i++) {
		struct leg *leg = s->legs[i];
		bool has = false;

		for (struct cursor *c = s->cursors.first; c; c = c->next)
			has |= c->shard_id == leg->shard_id;
		if (has && leg->conn && !leg_query(leg, "CLOSE ALL", LEG_ROWS_DROP))
			return reply_leg_error(s, leg, str_of(""));
	}
	cursors_forget(s);
	extended_end_portals(s);
	reply_tag(s, "CLOSE CURSOR ALL");
	return true;
}

bool cursor_close(struct session *s, struct statement *st)
{
	const char *name = st->plan->local.name;
	struct leg *leg;

	if (!name)
		return close_all(s);
	leg = find_leg(s, name);
	if (!leg || !run_at(s, st, leg))
		return false;
	drop(s, has_name, name);
	return true;
}

/* Describe of a portal by the name of a cursor: to the server they are the same thing. */
bool cursor_describe_portal(struct session *s, const char *name)
{
	struct leg *leg = leg_of(s, find(s, name));

	if (!leg)
		return find_leg(s, name) != NULL;
	leg_begin(leg, LEG_ROWS_DROP);
	wire_put_describe(conn_out(leg->conn), 'P', name);
	wire_put_sync(conn_out(leg->conn));
	conn_sent(leg->conn, 1);
	leg_await(leg);
	if (leg->failed)
		return reply_leg_error(s, leg, str_of(""));
	if (leg->has_description)
		wire_put(reply_out(s), 'T', buf_head(&leg->description),
			 buf_len(&leg->description));
	else
		wire_put_no_data(reply_out(s));
	return true;
}

/* The columns are the cursor's, so that no other client's answer will do. */
bool cursor_describe(struct session *s, const struct prepared *p, const struct portal *portal)
{
	struct cursor *c = find(s, p->plan->local.name);
	struct leg *leg = c ? leg_of(s, c) : NULL;
	struct prepared shown = { .description = NULL };

	if (leg) {
		leg_begin(leg, LEG_ROWS_DROP);
		wire_put_parse(conn_out(leg->conn), "", p->text, p->n_text, NULL, 0);
		wire_put_describe(conn_out(leg->conn), 'S', "");
		wire_put_sync(conn_out(leg->conn));
		conn_sent(leg->conn, 1);
		leg_await(leg);
		if (leg->failed)
			return reply_leg_error(s, leg, (struct str){ p->text, p->n_text });
		shown.n_description = buf_len(&leg->description);
		if (leg->has_description)
			shown.description = arena_copy(&s->arena, buf_head(&leg->description),
						       shown.n_description);
	}
	if (!portal)
		wire_put_parameter_description(reply_out(s), NULL, 0);
	extended_describe(s, &shown, portal);
	return true;
}
