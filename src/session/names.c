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

/* PostgreSQL analyses a statement again when its names may mean something else. */
static struct prepared *follow_context(struct session *s, struct prepared **at,
				       struct promise *promise)
{
	struct prepared *p = *at;

	if (!p || p->context == s->context)
		return p;
	*at = prepared_again(s, p);
	prepared_drop(s->w, p);
	promise->world = 0;
	return *at;
}

struct prepared *session_prepared(struct session *s, const char *name, struct promise **promise)
{
	struct statement_name *x;

	*promise = &s->unnamed_promise;
	if (!*name)
		return follow_context(s, &s->unnamed, *promise);
	x = session_name_find(s, name);
	if (!x)
		return NULL;
	*promise = &x->promise;
	return follow_context(s, &x->prepared, *promise);
}

/* What a client may have kept from an earlier Describe. */
static uint64_t shape_of(struct session *s, const struct prepared *p)
{
	struct wire_column *columns;
	struct err err;
	uint64_t hash = 1;
	uint16_t n;

	if (!p->description ||
	    wire_parse_row_description(&s->arena, p->description, p->n_description, &columns, &n,
				       &err) != STATUS_OK)
		return 0;
	for (uint16_t i = 0; i < n; i++) {
		hash = hash_bytes(columns[i].name, strlen(columns[i].name) + 1, hash);
		hash = hash_bytes(&columns[i].type_oid, sizeof(columns[i].type_oid), hash);
		hash = hash_bytes(&columns[i].typmod, sizeof(columns[i].typmod), hash);
	}
	return hash;
}

bool promise_holds(struct session *s, const struct prepared *p, struct promise *promise)
{
	uint64_t version = session_world(s)->version, shape;
	struct err err = ERR_INIT;

	if (!p->is_described || (promise->is_made && promise->world == version))
		return true;
	shape = shape_of(s, p);
	if (promise->is_made && promise->shape != shape) {
		err_set_code(&err, STATUS_UNROUTED, "0A000",
			     "cached plan must not change result type");
		err.routine = "RevalidateCachedQuery"; /* drivers look for it, and prepare again */
		return extended_fail(s, &err);
	}
	*promise = (struct promise){ .is_made = true, .world = version, .shape = shape };
	return true;
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

struct statement_name *session_name_add(struct session *s, const char *name, struct prepared *p)
{
	struct statement_name *x = mem_zero(1, sizeof(*x) + strlen(name) + 1);

	strcpy(x->name, name);
	x->prepared = p;
	x->next = s->names;
	s->names = x;
	metrics_add(s->w->metrics, METRIC_PREPARED, 1);
	return x;
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
