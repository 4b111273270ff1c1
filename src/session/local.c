/* Statements that are the session's own: transaction control and settings. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"
#include "pgmosaic/base/mem.h"

/* ---- transaction control ---- */

static bool begin(struct session *s, const struct plan *plan)
{
	const struct plan_local *l = &plan->local;
	char sql[256];

	if (session_refuses_transaction(s))
		return false;
	if (s->txn.status != 'I' && !s->txn.is_implicit) {
		reply_warning(s, "25001", "there is already a transaction in progress");
		reply_tag(s, plan->tag);
		return true;
	}
	snprintf(sql, sizeof(sql), "BEGIN%s%s", l->text && *l->text ? " " : "",
		 l->text ? l->text : "");
	if (s->txn.is_implicit) { /* in a query of several statements: it becomes the client's own
				   */
		s->txn.is_implicit = false;
	} else {
		txn_open(s, sql, false);
	}
	reply_tag(s, plan->tag);
	return true;
}

static bool chain(struct session *s, const char *sql)
{
	txn_open(s, sql, false);
	return true;
}

static bool end(struct session *s, const struct plan_local *l, bool commit)
{
	bool was_failed = s->txn.status == 'E';
	char sql[256];

	if (s->txn.status == 'I' || s->txn.is_implicit) {
		struct err err = ERR_INIT;

		if (l->chain) {
			err_set_code(&err, STATUS_INVALID, "25P01",
				     "%s AND CHAIN can only be used in transaction blocks",
				     commit ? "COMMIT" : "ROLLBACK");
			reply_error(s, &err);
			return false;
		}
		reply_warning(s, "25P01", "there is no transaction in progress");
		if (s->txn.is_implicit && !txn_end(s, commit))
			return false;
		reply_tag(s, commit ? "COMMIT" : "ROLLBACK");
		return true;
	}
	snprintf(sql, sizeof(sql), "%s", s->txn.begin);
	if (!txn_end(s, commit))
		return false;
	reply_tag(s, commit && !was_failed ? "COMMIT" : "ROLLBACK");
	return l->chain ? chain(s, sql) : true;
}

/* Run a statement on every shard that takes part; the first error is told. */
static bool on_all_legs(struct session *s, const char *sql)
{
	struct exec_failure f = { .err = ERR_INIT };
	struct leg *failed = NULL;

	for (unsigned i = 0; i < s->n_legs; i++) {
		struct leg *leg = s->legs[i];

		if (!leg->in_txn)
			continue;
		leg_begin(leg, LEG_ROWS_DROP);
		if (!leg->conn)
			continue;
		wire_put_query(conn_out(leg->conn), sql, strlen(sql));
		conn_sent(leg->conn, 1);
	}
	for (unsigned i = 0; i < s->n_legs; i++) {
		if (!s->legs[i]->in_txn)
			continue;
		leg_await(s->legs[i]);
		if (s->legs[i]->failed && !failed)
			failed = s->legs[i];
	}
	if (!failed)
		return true;
	buf_init(&f.body, 64u << 20);
	exec_leg_failed(NULL, str_of(sql), failed, &f);
	reply_failure(s, &f);
	buf_finish(&f.body);
	txn_fail(s);
	return false;
}

static void quote_ident(char *out, size_t size, const char *name)
{
	size_t n = 0;

	out[n++] = '"';
	for (; *name && n + 3 < size; name++) {
		if (*name == '"')
			out[n++] = '"';
		out[n++] = *name;
	}
	out[n++] = '"';
	out[n] = 0;
}

static bool needs_block(struct session *s, const char *what)
{
	struct err err = ERR_INIT;

	if (s->txn.status != 'I' && !s->txn.is_implicit)
		return true;
	err_set_code(&err, STATUS_INVALID, "25P01", "%s can only be used in transaction blocks",
		     what);
	reply_error(s, &err);
	return false;
}

static bool savepoint(struct session *s, const struct plan_local *l)
{
	char quoted[140], sql[180];
	struct savepoint *sp;

	if (!needs_block(s, "SAVEPOINT"))
		return false;
	quote_ident(quoted, sizeof(quoted), l->name);
	snprintf(sql, sizeof(sql), "SAVEPOINT %s", quoted);
	if (!on_all_legs(s, sql))
		return false;
	sp = mem_zero(1, sizeof(*sp) + strlen(quoted) + 1);
	strcpy(sp->name, quoted);
	settings_copy(&sp->settings, &s->settings);
	sp->listen_mark = listen_mark(s);
	sp->cursor_serial = s->cursors.serial;
	sp->next = s->txn.savepoints;
	s->txn.savepoints = sp;
	reply_tag(s, "SAVEPOINT");
	return true;
}

static struct savepoint *find_savepoint(struct session *s, const char *name, char *quoted,
					size_t size)
{
	struct savepoint *sp = s->txn.savepoints;
	struct err err = ERR_INIT;

	quote_ident(quoted, size, name);
	while (sp && strcmp(sp->name, quoted) != 0)
		sp = sp->next;
	if (sp)
		return sp;
	err_set_code(&err, STATUS_UNDEFINED, "3B001", "savepoint \"%s\" does not exist", name);
	reply_error(s, &err);
	txn_fail(s);
	return NULL;
}

static void drop_savepoints_until(struct session *s, struct savepoint *end_at)
{
	while (s->txn.savepoints != end_at) {
		struct savepoint *sp = s->txn.savepoints;

		s->txn.savepoints = sp->next;
		settings_clear(&sp->settings);
		settings_clear(&sp->local);
		free(sp);
	}
}

/* RELEASE keeps what was SET LOCAL behind the savepoint: it belongs to what came before. */
static void keep_local(struct session *s, const struct savepoint *end_at)
{
	struct settings *to = end_at->next ? &end_at->next->local : &s->txn.local;
	const struct savepoint *from = end_at;

	for (;;) { /* oldest first, so that the newest counts */
		const struct savepoint *newer = NULL;

		for (const struct setting *x = from->local.first; x; x = x->next)
			settings_set(to, x->name, x->sql);
		for (const struct savepoint *sp = s->txn.savepoints; sp != from; sp = sp->next)
			newer = sp;
		if (!newer)
			return;
		from = newer;
	}
}

static bool release(struct session *s, const struct plan_local *l)
{
	char quoted[140], sql[180];
	struct savepoint *sp;

	if (!needs_block(s, "RELEASE SAVEPOINT"))
		return false;
	sp = find_savepoint(s, l->name, quoted, sizeof(quoted));
	if (!sp)
		return false;
	snprintf(sql, sizeof(sql), "RELEASE SAVEPOINT %s", quoted);
	if (!on_all_legs(s, sql))
		return false;
	keep_local(s, sp);
	drop_savepoints_until(s, sp->next);
	reply_tag(s, "RELEASE");
	return true;
}

/* Oldest first, so that the newest counts. */
static bool repeat_locals(struct session *s)
{
	const struct savepoint *done = NULL, *at;
	bool ok = true;

	for (struct setting *x = s->txn.local.first; x && ok; x = x->next)
		ok = on_all_legs(s, x->sql);
	while (ok && done != s->txn.savepoints) {
		for (at = s->txn.savepoints; at->next != done; at = at->next)
			;
		for (struct setting *x = at->local.first; x && ok; x = x->next)
			ok = on_all_legs(s, x->sql);
		done = at;
	}
	return ok;
}

/* A shard that joined after a SET had it from the start, and ROLLBACK TO does not undo it there:
 * say on all of them what holds again. */
static bool undo_settings(struct session *s, struct savepoint *sp)
{
	struct buf sql;
	bool ok;

	settings_copy(&s->settings, &sp->settings);
	if (!s->txn.has_set)
		return true;
	buf_init(&sql, 1u << 20);
	settings_sql(s, &sql);
	buf_put_u8(&sql, 0);
	ok = on_all_legs(s, (const char *)buf_head(&sql)) && repeat_locals(s);
	buf_finish(&sql);
	for (unsigned i = 0; ok && i < s->n_legs; i++) /* what names mean now */
		if (s->legs[i]->in_txn && s->legs[i]->conn) {
			ok = session_read_path(s, s->legs[i]);
			break;
		}
	return ok;
}

static bool rollback_to(struct session *s, const struct plan_local *l)
{
	char quoted[140], sql[180];
	struct savepoint *sp;
	struct err err = ERR_INIT;

	if (!needs_block(s, "ROLLBACK TO SAVEPOINT"))
		return false;
	sp = find_savepoint(s, l->name, quoted, sizeof(quoted));
	if (!sp)
		return false;
	for (unsigned i = 0; i < s->n_legs; i++) {
		if (!s->legs[i]->in_txn || s->legs[i]->conn)
			continue;
		err_set(&err, STATUS_BACKEND,
			"the connection to shard %s was lost in this transaction",
			s->legs[i]->shard_name);
		err_hint(&err, "Only ROLLBACK is possible.");
		reply_error(s, &err);
		return false;
	}
	snprintf(sql, sizeof(sql), "ROLLBACK TO SAVEPOINT %s", quoted);
	if (!on_all_legs(s, sql))
		return false;
	drop_savepoints_until(s, sp);
	settings_clear(&sp->local);
	listen_return(s, sp->listen_mark);
	s->txn.status = 'T';
	temp_rolled_back(s);
	cursors_rolled_back(s, sp->cursor_serial);
	if (!undo_settings(s, sp))
		return false;
	extended_end_portals(s);
	reply_tag(s, "ROLLBACK");
	return true;
}

static bool set_transaction(struct session *s, struct statement *st)
{
	const char *word = strcasestr(st->plan->local.text, "TRANSACTION");
	const char *text = word ? word + strlen("TRANSACTION") : st->plan->local.text;
	size_t n = strlen(s->txn.begin);
	char sql[300];

	if (s->txn.status == 'I' || s->txn.is_implicit) {
		reply_warning(s, "25P01", "SET TRANSACTION can only be used in transaction blocks");
		reply_tag(s, "SET");
		return true;
	}
	snprintf(sql, sizeof(sql), "SET TRANSACTION%s%s", word ? "" : " ", text);
	if (!on_all_legs(s, sql))
		return false;
	snprintf(s->txn.begin + n, sizeof(s->txn.begin) - n, " %s", text); /* for those that join */
	reply_tag(s, "SET");
	return true;
}

/* ---- settings: a server judges them, then they are remembered ---- */

static struct leg *setting_leg(struct session *s)
{
	struct leg *leg = NULL;

	for (unsigned i = 0; i < s->n_legs && !leg; i++)
		if (s->legs[i]->in_txn)
			leg = s->legs[i];
	return leg ? leg : session_leg(s, session_world(s)->map->home);
}

/* Run the client's own text on one server and forward its answer. */
static bool pass_on(struct session *s, struct statement *st, struct leg *leg)
{
	struct relay how = { .keeps_ready = true };

	if (!session_look_on(s, leg))
		return reply_leg_error(s, leg, st->text);
	wire_put_query(conn_out(leg->conn), st->text.p, st->text.n);
	conn_sent(leg->conn, 1);
	how.drops_description = st->portal && !st->wants_description;
	relay_start(s, leg, &how);
	relay_await(s);
	if (s->relay.failed)
		txn_fail(s);
	return !s->relay.failed;
}

static bool repeat_on_others(struct session *s, struct leg *done, struct str text)
{
	char *sql = arena_strndup(&s->arena, text.p, text.n);

	for (unsigned i = 0; i < s->n_legs; i++) {
		struct leg *leg = s->legs[i];

		if (!leg->in_txn || leg == done || !leg->conn)
			continue;
		if (!leg_query(leg, sql, LEG_ROWS_DROP))
			return reply_leg_error(s, leg, text);
	}
	return true;
}

static bool is_off(const char *value)
{
	static const char *const words[] = { "off", "false", "no", "0", "f", "n" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(value, words[i]) == 0)
			return true;
	return false;
}

bool setting_refuse(struct session *s, const char *name, const char *value)
{
	struct err err = ERR_INIT;

	if (strcmp(name, "client_encoding") == 0 && value && strcasecmp(value, "UTF8") != 0 &&
	    strcasecmp(value, "utf-8") != 0 && strcasecmp(value, "unicode") != 0 &&
	    strcasecmp(value, "SQL_ASCII") != 0) {
		err_set(&err, STATUS_UNROUTED, "client_encoding %s is not supported", value);
		err_hint(&err, "Use UTF8.");
	} else if (strcmp(name, "standard_conforming_strings") == 0 && value &&
		   strcasecmp(value, "on") != 0) {
		err_set(&err, STATUS_UNROUTED, "standard_conforming_strings must stay on");
		err_hint(&err, "Write E'…' for strings with backslash escapes.");
	} else if (strncmp(name, "default_transaction_", 20) == 0 && s->txn.status != 'I') {
		err_set(&err, STATUS_UNROUTED, "SET %s inside a transaction", name);
		err_hint(&err, "Set it before BEGIN, or use SET TRANSACTION.");
	} else if ((strcmp(name, "transform_null_equals") == 0 && value && !is_off(value)) ||
		   (strcmp(name, "array_nulls") == 0 && value && is_off(value))) {
		err_set(&err, STATUS_UNROUTED, "%s must keep its default", name);
		err_hint(&err, "It changes what a shard key is compared with. Use IS NULL.");
	} else {
		return false;
	}
	reply_error(s, &err);
	txn_fail(s);
	return true;
}

static void forget_setting(struct session *s, const char *name)
{
	settings_remove(&s->settings, name);
	for (struct setting *x = s->startup; x; x = x->next)
		if (strcmp(x->name, name) == 0)
			settings_set(&s->settings, name, x->sql);
}

/* RESET ALL leaves the role alone, DISCARD ALL does not. */
static void forget_all_settings(struct session *s, bool keeps_role)
{
	static const char *const roles[] = { "session_authorization", "role" };
	char *kept[2] = { NULL, NULL };

	for (unsigned i = 0; keeps_role && i < 2; i++)
		for (struct setting *x = s->settings.first; x; x = x->next)
			if (strcmp(x->name, roles[i]) == 0)
				kept[i] = arena_strdup(&s->arena, x->sql);
	settings_clear(&s->settings);
	for (struct setting *x = s->startup; x; x = x->next)
		settings_set(&s->settings, x->name, x->sql);
	for (unsigned i = 0; i < 2; i++)
		if (kept[i])
			settings_set(&s->settings, roles[i], kept[i]);
}

/* These connections have executed the SET: they are under the new settings. One that is only kept
 * has not. */
static void mark_legs(struct session *s, const struct leg *leg)
{
	for (unsigned i = 0; i < s->n_legs; i++)
		if (s->legs[i]->conn && (s->legs[i]->in_txn || s->legs[i] == leg))
			s->legs[i]->conn->settings_hash = s->settings.hash;
}

static bool touches_path(const struct plan_local *l)
{
	return l->kind == LOCAL_RESET_ALL || l->kind == LOCAL_DISCARD_ALL ||
	       (l->name && (strcmp(l->name, "search_path") == 0 || strcmp(l->name, "role") == 0 ||
			    strcmp(l->name, "session_authorization") == 0));
}

static struct settings *level_local(struct session *s)
{
	return s->txn.savepoints ? &s->txn.savepoints->local : &s->txn.local;
}

/* For shards that join later: RESET counts from now on, whatever was SET LOCAL before. */
static void hide_local(struct session *s, const char *name)
{
	const char *sql = NULL;

	for (struct setting *x = s->startup; x; x = x->next)
		if (strcmp(x->name, name) == 0)
			sql = x->sql;
	if (!sql)
		sql = strcmp(name, "role") == 0 ? "RESET ROLE"
						: arena_printf(&s->arena, "RESET %s", name);
	settings_set(level_local(s), name, sql);
}

static bool is_role(const char *name)
{
	return strcmp(name, "role") == 0 || strcmp(name, "session_authorization") == 0;
}

/* `name` NULL: all but the role. */
static void hide_locals(struct session *s, const char *name)
{
	const char *names[64];
	unsigned n = 0;

	if (!s->txn.has_local || s->txn.status == 'I')
		return;
	for (struct savepoint *sp = s->txn.savepoints;; sp = sp->next) {
		const struct settings *level = sp ? &sp->local : &s->txn.local;

		for (struct setting *x = level->first; x && n < 64; x = x->next)
			if (name ? strcmp(x->name, name) == 0 : !is_role(x->name))
				names[n++] = arena_strdup(&s->arena, x->name);
		if (!sp)
			break;
	}
	for (unsigned i = 0; i < n; i++)
		hide_local(s, names[i]);
}

static void remember(struct session *s, const struct plan_local *l, struct str text)
{
	char *sql = arena_strndup(&s->arena, text.p, text.n);

	switch (l->kind) {
	case LOCAL_SET:
		settings_set(&s->settings, l->name, sql);
		if (s->txn.has_local && s->txn.status != 'I') /* it counts from now on */
			settings_set(level_local(s), l->name, sql);
		return;
	case LOCAL_SET_LOCAL:
		if (s->txn.status == 'I')
			return;
		settings_set(level_local(s), l->name, sql);
		s->txn.has_local = true;
		return;
	case LOCAL_RESET:
		forget_setting(s, l->name);
		hide_locals(s, l->name);
		return;
	case LOCAL_RESET_ALL:
		forget_all_settings(s, true);
		hide_locals(s, NULL);
		return;
	case LOCAL_BEGIN:
	case LOCAL_COMMIT:
	case LOCAL_ROLLBACK:
	case LOCAL_SAVEPOINT:
	case LOCAL_RELEASE:
	case LOCAL_ROLLBACK_TO:
	case LOCAL_SET_TRANSACTION:
	case LOCAL_SHOW:
	case LOCAL_DISCARD_ALL:
	case LOCAL_LISTEN:
	case LOCAL_UNLISTEN:
	case LOCAL_PREPARE:
	case LOCAL_EXECUTE:
	case LOCAL_FETCH:
	case LOCAL_CLOSE:
	case LOCAL_DEALLOCATE:
	case LOCAL_DEALLOCATE_ALL:
	case LOCAL_SET_MOSAIC: return;
	}
}

/* RESET must return to what the client asked for at start-up, which a server does not know. */
static bool reset_applies(struct session *s, const struct plan_local *l, struct leg *leg)
{
	if (l->kind != LOCAL_RESET && l->kind != LOCAL_RESET_ALL)
		return true;
	for (struct setting *x = s->startup; x; x = x->next) {
		if (l->kind == LOCAL_RESET && strcmp(x->name, l->name) != 0)
			continue;
		if (!leg_query(leg, x->sql, LEG_ROWS_DROP))
			return false;
		for (unsigned i = 0; i < s->n_legs; i++)
			if (s->legs[i]->in_txn && s->legs[i] != leg)
				leg_query(s->legs[i], x->sql, LEG_ROWS_DROP);
	}
	return true;
}

bool setting_taken(struct session *s, struct leg *leg, const struct plan_local *l, struct str text)
{
	if (!repeat_on_others(s, leg, text))
		return false;
	if (!reset_applies(s, l, leg))
		return reply_leg_error(s, leg, text);
	remember(s, l, text);
	s->txn.has_set |= s->txn.status != 'I' && l->kind != LOCAL_SET_LOCAL;
	if (l->kind != LOCAL_SET_LOCAL && l->kind != LOCAL_SHOW)
		mark_legs(s, leg);
	if (touches_path(l) && leg->conn && !session_read_path(s, leg))
		return reply_leg_error(s, leg, text);
	return true;
}

static bool setting(struct session *s, struct statement *st)
{
	const struct plan_local *l = &st->plan->local;
	struct leg *leg = setting_leg(s);

	if (l->name && setting_refuse(s, l->name, l->value))
		return false;
	return pass_on(s, st, leg) && setting_taken(s, leg, l, st->text);
}

static bool show(struct session *s, struct statement *st)
{
	const char *name = st->plan->local.name;
	struct wire_column column = { .name = name, .type_oid = 25, .typlen = -1, .typmod = -1 };
	const char *value = NULL;

	if (strncmp(name, "mosaic.", 7) != 0)
		return pass_on(s, st, setting_leg(s));
	if (strcmp(name, "mosaic.shard") == 0)
		value = s->hand_shard ? s->hand_shard : "";
	else if (strcmp(name, "mosaic.shard_key") == 0)
		value = s->hand_key ? s->hand_key : "";
	else if (strcmp(name, "mosaic.read_snapshot") == 0)
		value = "per_shard";
	else if (strcmp(name, "mosaic.consistency") == 0)
		value = "strong";
	else
		return pass_on(s, st, setting_leg(s));
	if (st->wants_description)
		wire_put_row_description(reply_out(s), &column, 1);
	wire_put_text_row(reply_out(s), &value, 1);
	reply_tag(s, "SHOW");
	return true;
}

static void set_text(char **at, const char *value)
{
	free(*at);
	*at = value && *value ? mem_strdup(value) : NULL;
}

static bool set_mosaic(struct session *s, const struct plan_local *l)
{
	struct err err = ERR_INIT;

	if (strcmp(l->name, "mosaic.shard") == 0) {
		if (l->value && *l->value && map_find_shard(session_world(s)->map, l->value) < 0)
			err_set(&err, STATUS_UNDEFINED, "shard \"%s\" does not exist", l->value);
		else
			set_text(&s->hand_shard, l->value);
	} else if (strcmp(l->name, "mosaic.shard_key") == 0) {
		set_text(&s->hand_key, l->value);
	} else if ((strcmp(l->name, "mosaic.read_snapshot") == 0 &&
		    (!l->value || strcmp(l->value, "per_shard") == 0)) ||
		   (strcmp(l->name, "mosaic.consistency") == 0 &&
		    (!l->value || strcmp(l->value, "strong") == 0))) {
		/* the only value of this version */
	} else {
		err_set(&err, STATUS_UNROUTED, "%s = %s is not supported by this version", l->name,
			l->value ? l->value : "DEFAULT");
		err_hint(&err, "Known: mosaic.shard, mosaic.shard_key, mosaic.read_snapshot = "
			       "'per_shard', mosaic.consistency = 'strong'.");
	}
	if (err.status != STATUS_OK) {
		reply_error(s, &err);
		txn_fail(s);
		return false;
	}
	reply_tag(s, l->value ? "SET" : "RESET");
	return true;
}

static bool discard_all(struct session *s)
{
	struct err err = ERR_INIT;
	struct leg *leg;

	if (s->txn.status != 'I') {
		err_set_code(&err, STATUS_INVALID, "25001",
			     "DISCARD ALL cannot run inside a transaction block");
		reply_error(s, &err);
		txn_fail(s);
		return false;
	}
	if (!session_discard(s))
		return false;
	forget_all_settings(s, false);
	set_text(&s->hand_shard, NULL);
	set_text(&s->hand_key, NULL);
	extended_forget(s, true);
	listen_end(s);
	leg = session_leg(s, session_world(s)->map->home);
	if (!session_enlist(s, leg) || !session_read_path(s, leg))
		return reply_leg_error(s, leg, str_of("DISCARD ALL"));
	reply_tag(s, "DISCARD ALL");
	return true;
}

static bool deallocate(struct session *s, const struct plan_local *l)
{
	if (l->kind == LOCAL_DEALLOCATE_ALL) {
		extended_forget(s, true);
		reply_tag(s, "DEALLOCATE ALL");
	} else {
		extended_deallocate(s, l->name);
	}
	return true;
}

bool local_run(struct session *s, struct statement *st)
{
	const struct plan_local *l = &st->plan->local;

	switch (l->kind) {
	case LOCAL_BEGIN: return begin(s, st->plan);
	case LOCAL_COMMIT: return end(s, l, true);
	case LOCAL_ROLLBACK: return end(s, l, false);
	case LOCAL_SAVEPOINT: return savepoint(s, l);
	case LOCAL_RELEASE: return release(s, l);
	case LOCAL_ROLLBACK_TO: return rollback_to(s, l);
	case LOCAL_SET_TRANSACTION: return set_transaction(s, st);
	case LOCAL_SET:
	case LOCAL_SET_LOCAL:
	case LOCAL_RESET:
	case LOCAL_RESET_ALL: return setting(s, st);
	case LOCAL_SHOW: return show(s, st);
	case LOCAL_DISCARD_ALL: return discard_all(s);
	case LOCAL_LISTEN:
	case LOCAL_UNLISTEN: return listen_local(s, l);
	case LOCAL_PREPARE: return prepare_statement(s, st);
	case LOCAL_EXECUTE: return execute_statement(s, st);
	case LOCAL_FETCH: return cursor_fetch(s, st);
	case LOCAL_CLOSE: return cursor_close(s, st);
	case LOCAL_DEALLOCATE:
	case LOCAL_DEALLOCATE_ALL: return deallocate(s, l);
	case LOCAL_SET_MOSAIC: return set_mosaic(s, l);
	}
	return false;
}
