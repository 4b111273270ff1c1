/* A client's own names: its prepared statements and its portals.
 *
 * A name refers to a statement that all clients of the worker share (statements.c). Portals
 * die with their transaction; those that a running fiber may still hold are only marked dead
 * and freed at the next Sync. */
#include <stdlib.h>

#include "extended.h"
#include "pgmosaic/base/mem.h"

struct statement_name *session_name_find(struct session *s, const char *name)
{
	struct statement_name *x = s->names;

	while (x && strcmp(x->name, name) != 0)
		x = x->next;
	return x;
}

struct prepared *session_prepared(struct session *s, const char *name)
{
	struct statement_name *x;

	if (!*name)
		return s->unnamed;
	x = session_name_find(s, name);
	return x ? x->prepared : NULL;
}

void session_name_drop(struct session *s, const char *name)
{
	for (struct statement_name **at = &s->names; *at; at = &(*at)->next) {
		struct statement_name *x = *at;

		if (strcmp(x->name, name) != 0)
			continue;
		*at = x->next;
		prepared_drop(s->w, x->prepared);
		metrics_sub(s->w->metrics, METRIC_PREPARED, 1);
		free(x);
		return;
	}
}

void session_name_add(struct session *s, const char *name, struct prepared *p)
{
	struct statement_name *x = mem_zero(1, sizeof(*x) + strlen(name) + 1);

	strcpy(x->name, name);
	x->prepared = p;
	x->next = s->names;
	s->names = x;
	metrics_add(s->w->metrics, METRIC_PREPARED, 1);
}

struct portal *portal_find(struct session *s, const char *name)
{
	struct portal *p = s->portals;

	while (p && (p->is_dead || strcmp(p->name, name) != 0))
		p = p->next;
	return p;
}

void portal_free(struct session *s, struct portal *p)
{
	prepared_drop(s->w, p->prepared);
	plan_drop(p->plan);
	buf_finish(&p->rows);
	arena_finish(&p->arena);
	free(p);
}

void portals_free(struct session *s, bool dead_only)
{
	struct portal **at = &s->portals;

	while (*at) {
		struct portal *p = *at;

		if (dead_only && !p->is_dead) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		portal_free(s, p);
	}
}

void extended_end_portals(struct session *s)
{
	for (struct portal *p = s->portals; p; p = p->next)
		p->is_dead = true;
}

void extended_forget(struct session *s, bool names_too)
{
	if (s->fiber)
		extended_end_portals(s);
	else
		portals_free(s, false);
	if (!names_too)
		return;
	while (s->names)
		session_name_drop(s, s->names->name);
	prepared_drop(s->w, s->unnamed);
	s->unnamed = NULL;
}

void extended_deallocate(struct session *s, const char *name)
{
	struct err err = ERR_INIT;

	if (session_name_find(s, name)) {
		session_name_drop(s, name);
		reply_tag(s, "DEALLOCATE");
		return;
	}
	err_set_code(&err, STATUS_UNDEFINED, "26000", "prepared statement \"%s\" does not exist",
		     name);
	reply_error(s, &err);
	txn_fail(s);
}
