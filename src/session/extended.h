/* The extended protocol, between its files: names.c (a client's statements and portals),
 * portals.c (what becomes of a portal), segment.c (the fast path), ready.c (plan and description of
 * a statement), extended.c (the messages one by one). */
#ifndef SESSION_EXTENDED_H
#define SESSION_EXTENDED_H

#include "internal.h"

/* Where a text of ours stands in the client's, for the positions in errors. */
struct quote {
	struct plan map;
	struct plan_splice splice;
};
void quote_begin(struct session *s, struct quote *q, struct str client, const char *text,
		 struct plan_splice splice);
void quote_end(struct session *s);

/* ---- names.c ---- */
struct statement_name *session_name_find(struct session *s, const char *name);
struct statement_name *session_name_add(struct session *s, const char *name, struct prepared *p);
void session_name_drop(struct session *s, const char *name);
/* By name, or the unnamed one for "". NULL: there is none. One that was analysed for another search
 * path is exchanged for the same text under the present one. */
struct prepared *session_prepared(struct session *s, const char *name, struct promise **promise);
/* The result's columns are still those that the client was told; needs statement_make_ready().
 * False: told. */
bool promise_holds(struct session *s, const struct prepared *p, struct promise *promise);
struct portal *portal_find(struct session *s, const char *name);
void portal_free(struct session *s, struct portal *p);
void portals_free(struct session *s, bool dead_only);

/* ---- portals.c ---- */
/* Without a name yet: that is inside the message, which the portal's arena keeps. */
struct portal *portal_create(const struct wire_msg *m);
void portal_fill(struct portal *p, const struct wire_bind *b);
/* Rows that several shards gave for a portal with a row limit, handed out piece by piece. */
void portal_give_rows(struct session *s, struct portal *p, int32_t max_rows);
/* False: told. */
bool portal_run_again(struct session *s, struct portal *p);
/* The statement's RowDescription or NoData, in the portal's formats. */
void extended_describe(struct session *s, const struct prepared *p, const struct portal *portal);

/* ---- segment.c ---- */
/* [Parse] Bind [Describe] Execute Sync for one shard; false: not that, or not now. */
bool segment_try(struct session *s);
struct param_values segment_values(const struct wire_bind *b);

/* ---- extended.c ---- */
void portal_set_plan(struct session *s, struct portal *portal);

/* ---- prepare.c, execute.c ---- */
bool execute_describe(struct session *s, const struct plan *plan, const struct portal *portal);

/* ---- function_call.c ---- */
/* In a fiber. False: told. */
bool function_call(struct session *s, const struct wire_msg *m);

/* ---- ready.c ---- */
/* Where a statement is analysed: where its tables are, else a shard of the transaction, else home.
 * The plan may be NULL. */
struct leg *describing_leg(struct session *s, const struct plan *plan);
/* In a fiber: what must be known of a statement before a Bind. False: told. */
bool statement_make_ready(struct session *s, struct prepared *p);
/* A statement that the session does itself and that gives no rows. */
bool statement_is_local(const struct prepared *p);
/* Tell the error; the transaction has failed. Always false. */
bool extended_fail(struct session *s, const struct err *err);

#endif
