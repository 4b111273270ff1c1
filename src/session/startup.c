/* Logging a client in. Runs in the session's first fiber.
 *
 * Happy path: the first packets, with TLS if the client wants it (greet.c); the startup packet
 * gives user, database and settings; the client proves who it is (auth.c); a connection to the
 * home shard proves that the user may log in there, takes the client's settings and tells the
 * values to report; BackendKeyData, ready.
 * Failure modes: every one is a FATAL with PostgreSQL's own SQLSTATE. timeouts.login bounds it
 * all (worker tick), limits.logins how many are under way. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "internal.h"
#include "login.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/wire/startup.h"

bool login_fatal(struct session *s, const struct err *err)
{
	if (!s->party.is_gone)
		reply_fatal(s, err);
	return false;
}

/* ---- settings asked for ---- */

static void startup_setting(struct session *s, const char *name, const char *value)
{
	struct buf sql;
	struct setting *copy = mem_zero(1, sizeof(*copy));

	buf_init(&sql, 64 << 10);
	buf_printf(&sql, "SELECT pg_catalog.set_config('");
	for (const char *p = name; *p; p++)
		buf_append(&sql, *p == '\'' ? "''" : p, *p == '\'' ? 2 : 1);
	buf_printf(&sql, "', E'");
	for (const char *p = value; *p; p++) {
		if (*p == '\'' || *p == '\\')
			buf_append(&sql, p, 1);
		buf_append(&sql, p, 1);
	}
	buf_printf(&sql, "', false)");
	buf_put_u8(&sql, 0);
	copy->name = mem_strdup(name);
	for (char *p = copy->name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	settings_set(&s->settings, copy->name, (const char *)buf_head(&sql));
	copy->sql = mem_strdup((const char *)buf_head(&sql));
	copy->next = s->startup;
	s->startup = copy;
	buf_finish(&sql);
}

static bool is_known_encoding(const char *value)
{
	return strcasecmp(value, "UTF8") == 0 || strcasecmp(value, "UTF-8") == 0 ||
	       strcasecmp(value, "unicode") == 0 || strcasecmp(value, "SQL_ASCII") == 0 ||
	       strcasecmp(value, "'utf-8'") == 0 || strcasecmp(value, "'utf8'") == 0;
}

static bool take_setting(struct session *s, const char *name, const char *value)
{
	struct err err = ERR_INIT;

	if (strcasecmp(name, "client_encoding") == 0) {
		if (strcasecmp(value, "SQL_ASCII") == 0 || !is_known_encoding(value)) {
			if (strcasecmp(value, "SQL_ASCII") == 0) {
				startup_setting(s, "client_encoding", "SQL_ASCII");
				return true;
			}
			err_set(&err, STATUS_UNROUTED, "client_encoding %s is not supported",
				value);
			err_hint(&err, "Use UTF8, for example with PGCLIENTENCODING=UTF8.");
			return login_fatal(s, &err);
		}
		return true; /* UTF8 is what server connections speak */
	}
	if (strcasecmp(name, "transform_null_equals") == 0 ||
	    strcasecmp(name, "array_nulls") == 0 ||
	    strcasecmp(name, "standard_conforming_strings") == 0) {
		err_set(&err, STATUS_UNROUTED, "%s must keep its default", name);
		err_hint(&err, "Leave it out of the connection's options.");
		return login_fatal(s, &err);
	}
	if (strcasecmp(name, "application_name") == 0)
		snprintf(s->application_name, sizeof(s->application_name), "%s", value);
	startup_setting(s, name, value);
	return true;
}

static bool take_settings(struct session *s, const struct wire_startup *packet)
{
	struct wire_param *options = NULL;
	struct err err = ERR_INIT;
	uint16_t n = 0;

	if (packet->options &&
	    wire_options_parse(&s->arena, packet->options, &options, &n, &err) != STATUS_OK)
		return login_fatal(s, &err);
	for (uint16_t i = 0; i < n; i++)
		if (!take_setting(s, options[i].name, options[i].value))
			return false;
	for (uint16_t i = 0; i < packet->n_params; i++)
		if (!take_setting(s, packet->params[i].name, packet->params[i].value))
			return false;
	return true;
}

static bool take_startup(struct session *s, const struct wire_startup *packet)
{
	struct err err = ERR_INIT;
	bool negotiate;

	snprintf(s->user, sizeof(s->user), "%s", packet->user);
	snprintf(s->database, sizeof(s->database), "%s", packet->database);
	s->protocol = wire_startup_version(packet, &negotiate);
	if (negotiate)
		wire_put_negotiate_version(reply_out(s), s->protocol, packet->unknown,
					   packet->n_unknown);
	if (wire_startup_replication(packet->replication) != REPLICATION_NONE) {
		err_set(&err, STATUS_UNROUTED,
			"replication connections cannot go through pgmosaic");
		err_hint(&err, "Connect to the shard's own server; SHOW SHARDS lists their DSNs.");
		return login_fatal(s, &err);
	}
	return take_settings(s, packet);
}

/* ---- after the password ---- */

static bool check_control(struct session *s)
{
	struct err err = ERR_INIT;

	if (!s->account || !s->account->admin) {
		err_set(&err, STATUS_PRIVILEGE, "user \"%s\" may not use the control port",
			s->user);
		err_hint(&err, "Give the user \"admin: true\" in auth.users.");
		return auth_refused(s, &err);
	}
	if (strcmp(s->database, "pgmosaic") != 0 && strcmp(s->database, s->user) != 0 &&
	    strcmp(s->database, "pgbouncer") != 0) {
		err_set_code(&err, STATUS_UNDEFINED, "3D000",
			     "database \"%s\" does not exist on the control port", s->database);
		err_hint(&err, "The control port's one database is called pgmosaic.");
		return login_fatal(s, &err);
	}
	return true;
}

static void report_control(struct session *s)
{
	static const char *const values[][2] = {
		{ "server_version", "15.0 (pgmosaic " PGMOSAIC_VERSION ")" },
		{ "server_encoding", "UTF8" },
		{ "client_encoding", "UTF8" },
		{ "DateStyle", "ISO, MDY" },
		{ "TimeZone", "UTC" },
		{ "integer_datetimes", "on" },
		{ "standard_conforming_strings", "on" },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		wire_put_parameter_status(reply_out(s), values[i][0], values[i][1]);
}

static bool check_database(struct session *s)
{
	struct world *world;
	struct err err = ERR_INIT;
	char reason[200] = "";

	session_pin_world(s); /* it may have come meanwhile */
	world = s->world;

	if (!world || world->map->n_shards == 0) {
		if (world)
			snprintf(reason, sizeof(reason), "no shard exists yet");
		else
			s->w->host->is_ready(s->w->host->ctx, reason, sizeof(reason));
		err_set_code(&err, STATUS_BACKEND, "57P03", "the proxy is not ready: %s", reason);
		err_hint(&err, "CREATE SHARD on the control port, or see the proxy's log.");
		return login_fatal(s, &err);
	}
	if (strcmp(world->map->shards[world->map->home].dbname, s->database) != 0) {
		err_set_code(&err, STATUS_UNDEFINED, "3D000", "database \"%s\" does not exist",
			     s->database);
		return login_fatal(s, &err);
	}
	return true;
}

/* The home shard lets the user in, has its settings, and says what to report. */
static bool open_home(struct session *s)
{
	struct leg *leg = session_leg(s, s->world->map->home);
	struct err err;

	if (!session_enlist(s, leg)) {
		err = leg->err;
		return login_fatal(s, &err);
	}
	if (!session_read_path(s, leg)) {
		err = leg->err;
		leg_release(leg);
		return login_fatal(s, &err);
	}
	for (unsigned i = 0; i < leg->conn->n_parameters; i++) {
		struct conn_parameter *p = &leg->conn->parameters[i];

		session_report(s, p->name, p->value);
		wire_put_parameter_status(reply_out(s), p->name, p->value);
	}
	leg_release(leg);
	return true;
}

uint32_t session_pid(const struct session *s)
{
	return (s->w->index & 0xffu) << 22 | (s->slot & 0x3fffffu);
}

static void send_key(struct session *s)
{
	s->n_cancel_key = wire_cancel_key_size(s->protocol);
	auth_random(s->cancel_key, sizeof(s->cancel_key));
	wire_put_backend_key(reply_out(s), session_pid(s), s->cancel_key, s->n_cancel_key);
}

unsigned worker_of_pid(uint32_t pid)
{
	return pid >> 22 & 0xffu;
}

static bool log_in(struct session *s)
{
	struct wire_startup *packet = mem_alloc(sizeof(*packet));
	bool ok = greet(s, packet) && take_startup(s, packet);

	if (ok)
		buf_consume(&s->in, packet->size);
	free(packet);
	if (!ok || !authenticate(s))
		return false;
	session_note_known(s);
	if (!s->is_control)
		hold_await(s);
	if (s->is_control ? !check_control(s) : !check_database(s))
		return false;
	wire_put_auth_ok(reply_out(s));
	if (s->is_control)
		report_control(s);
	else if (!open_home(s))
		return false;
	send_key(s);
	reply_ready(s);
	return !s->party.is_gone;
}

void startup_run(struct session *s)
{
	bool ok = log_in(s);

	arena_reset(&s->arena);
	if (!ok)
		session_close(s);
	else
		log_event(LOG_DEBUG, "client logged in", LOG_U64("client", s->id),
			  LOG_STR("user", s->user), LOG_STR("address", s->address),
			  LOG_STR("application", s->application_name));
}
