/* What clients and drivers say of themselves when they connect: SET, RESET, SHOW of
 * server settings, transaction control, and the few SELECTs that check a connection. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "pgmosaic/config/config.h"

static const struct {
	const char *name, *value;
} settings[] = {
	{ "server_version", "15.0 (pgmosaic " PGMOSAIC_VERSION ")" },
	{ "server_version_num", "150000" },
	{ "server_encoding", "UTF8" },
	{ "client_encoding", "UTF8" },
	{ "standard_conforming_strings", "on" },
	{ "integer_datetimes", "on" },
	{ "datestyle", "ISO, MDY" },
	{ "intervalstyle", "postgres" },
	{ "timezone", "UTC" },
	{ "application_name", "" },
	{ "search_path", "\"$user\", public" },
	{ "is_superuser", "off" },
	{ "default_transaction_read_only", "off" },
	{ "transaction_read_only", "off" },
	{ "in_hot_standby", "off" },
	{ "transaction_isolation", "read committed" },
	{ "statement_timeout", "0" },
};

static const struct admin_column setting_columns[] = { { "setting", TYPE_TEXT } };

static enum status refuse_config_key(struct call *call, const char *name)
{
	err_set(call->err, STATUS_UNROUTED, "SET of a configuration key is not in this version");
	err_hint(call->err, "Change %s in the configuration file, then RELOAD;", name);
	return STATUS_UNROUTED;
}

/* Nothing here depends on a session's settings, so any is taken; but a key of the
 * configuration is not changed in this way, and saying SET would be a lie. */
static enum status run_set(struct call *call)
{
	const char *name, *part;
	struct token t;

	parse_word(call, "SESSION");
	parse_word(call, "LOCAL");
	if (!parse_name(call, "a setting's name", &name))
		return call->err->status;
	while (parse_punct(call, '.')) {
		if (!parse_name(call, "a setting's name", &part))
			return call->err->status;
		name = arena_printf(&call->out->arena, "%s.%s", name, part);
	}
	if (config_is_key(name))
		return refuse_config_key(call, name);
	for (t = parse_peek(call); t.kind != TOKEN_END; t = parse_peek(call)) {
		if (t.kind == TOKEN_BAD || (t.kind == TOKEN_PUNCT && *t.text.p == ';'))
			break;
		token_read(call->sql, call->at, &call->at);
	}
	return parse_end(call) ? STATUS_OK : call->err->status;
}

/* RESET x, DISCARD ALL, BEGIN …, COMMIT …: taken whole. */
static enum status run_accept(struct call *call)
{
	while (parse_peek(call).kind == TOKEN_WORD || parse_peek(call).kind == TOKEN_QUOTED)
		token_read(call->sql, call->at, &call->at);
	return parse_end(call) ? STATUS_OK : call->err->status;
}

static enum status run_show_setting(struct call *call)
{
	size_t start = call->at;
	const char *name;

	if (parse_word(call, "TRANSACTION") && parse_word(call, "ISOLATION") &&
	    parse_word(call, "LEVEL"))
		name = "transaction_isolation";
	else if (call->at = start, !parse_name(call, "what to show", &name))
		return call->err->status;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (strcasecmp(settings[i].name, name) != 0)
			continue;
		if (!parse_end(call))
			return call->err->status;
		admin_result_row(call->out, settings[i].value);
		return STATUS_OK;
	}
	call->at = start;
	call->command = NULL; /* the hint is SHOW HELP, not this syntax */
	return parse_fail(call, "something the control port can show");
}

struct select {
	struct admin_column columns[16];
	const char *values[16];
	unsigned n;
};

static bool add_item(struct select *s, const char *name, uint32_t type, const char *value)
{
	s->columns[s->n] = (struct admin_column){ name, type };
	s->values[s->n++] = value;
	return true;
}

static bool select_word(struct call *call, struct select *s)
{
	static const char version[] = "pgmosaic " PGMOSAIC_VERSION;

	if (parse_word(call, "pg_catalog") && !parse_expect(call, "."))
		return false;
	if (parse_word(call, "current_user") || parse_word(call, "session_user") ||
	    parse_word(call, "user"))
		return add_item(s, "current_user", TYPE_TEXT, call->user);
	if (parse_word(call, "version"))
		add_item(s, "version", TYPE_TEXT, version);
	else if (parse_word(call, "current_database"))
		add_item(s, "current_database", TYPE_TEXT, ADMIN_DATABASE);
	else if (parse_word(call, "pg_is_in_recovery"))
		add_item(s, "pg_is_in_recovery", TYPE_BOOL, "f");
	else {
		parse_fail(call, "a constant, version(), current_user or current_database()");
		return false;
	}
	return parse_expect(call, "(") && parse_expect(call, ")");
}

static bool select_item(struct call *call, struct select *s)
{
	struct token t = parse_peek(call);
	const char *text;

	if (s->n == sizeof(s->values) / sizeof(s->values[0])) {
		parse_fail(call, "no more columns");
		return false;
	}
	if (t.kind == TOKEN_NUMBER) {
		uint64_t n;

		if (!parse_number(call, "a number", INT32_MAX, &n))
			return false;
		add_item(s, "?column?", TYPE_INTEGER, call_u64(call, n));
	} else if (t.kind == TOKEN_STRING) {
		if (!parse_string(call, "a text", &text))
			return false;
		add_item(s, "?column?", TYPE_TEXT, text);
	} else if (!select_word(call, s)) {
		return false;
	}
	if (parse_word(call, "AS"))
		return parse_name(call, "a column's name", &s->columns[s->n - 1].name);
	return true;
}

static enum status run_select(struct call *call)
{
	struct select s = { .n = 0 };

	do {
		if (!select_item(call, &s)) {
			err_hint(call->err,
				 "The control port runs commands, not queries: SHOW HELP; "
				 "lists them. Queries go to the main port.");
			return call->err->status;
		}
	} while (parse_punct(call, ','));
	if (!parse_end(call))
		return call->err->status;
	call->out->columns = arena_copy(&call->out->arena, s.columns, sizeof(s.columns[0]) * s.n);
	call->out->n_columns = s.n;
	admin_result_add(call->out, s.values, s.n);
	return STATUS_OK;
}

#define ACCEPT(words, syntax, help, tag)                         \
	{                                                        \
		words, syntax, help, tag, NULL, 0, run_accept, 0 \
	}

static const struct command commands[] = {
	{ "SET", "SET name = value", "accepted, for drivers; changes nothing here", "SET", NULL, 0,
	  run_set, 0 },
	{ "SHOW", "SHOW setting", "server_version and the few settings that drivers ask for",
	  "SHOW", COLUMNS(setting_columns), run_show_setting, 0 },
	{ "SELECT", "SELECT 1 | version() | current_user | current_database()",
	  "checks that a connection works", "SELECT 1", NULL, 0, run_select,
	  COMMAND_DESCRIBE_BY_RUNNING },
	ACCEPT("RESET", "RESET name | ALL", "accepted, for drivers", "RESET"),
	ACCEPT("DISCARD", "DISCARD ALL", "accepted, for drivers", "DISCARD ALL"),
	ACCEPT("DEALLOCATE", "DEALLOCATE ALL", "accepted, for drivers", "DEALLOCATE ALL"),
	ACCEPT("BEGIN", "BEGIN", "accepted, for drivers; every command commits by itself", "BEGIN"),
	ACCEPT("COMMIT", "COMMIT", "accepted, for drivers", "COMMIT"),
	ACCEPT("ROLLBACK", "ROLLBACK", "accepted, for drivers; undoes nothing", "ROLLBACK"),
};

const struct command_family family_session = FAMILY(commands);
