/* Logging a client in. Runs in the session's first fiber.
 *
 * Happy path: SSLRequest and GSSENCRequest are answered 'N'; the startup packet gives
 * user, database and settings; the rules of the configuration choose the method; SCRAM,
 * md5 or nothing; a connection to the home shard proves that the user may log in there,
 * takes the client's settings and tells the values to report; BackendKeyData, ready.
 * Failure modes: every one is a FATAL with PostgreSQL's own SQLSTATE. An unknown user
 * goes through the same exchange with a made-up verifier. timeouts.login bounds it all
 * (worker tick). A cancel request is passed on and the socket closed without a word. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "internal.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/wire/startup.h"

static bool fatal(struct session *s, const struct err *err)
{
	if (!s->party.is_gone)
		reply_fatal(s, err);
	return false;
}

/* ---- the first packets ---- */

static bool await_bytes(struct session *s)
{
	size_t had = buf_len(&s->in);

	while (buf_len(&s->in) == had && !s->party.is_gone)
		fiber_wait();
	return !s->party.is_gone;
}

struct pass_on {
	struct worker *from;
	struct fiber *fiber;
	bool is_done;
};

static void on_told(void *arg)
{
	struct pass_on *p = arg;

	p->is_done = true;
	fiber_wake(p->fiber);
}

static void on_session_knows(void *arg) /* on the other worker's thread */
{
	struct pass_on *p = arg;

	mailbox_post(p->from->mailbox, on_told, p);
}

/* The connection is closed only when the session knows: what the client sends it after that is not
 * what it wanted to cancel. */
static void pass_cancel_on(struct session *s, const struct wire_startup *packet)
{
	struct pass_on p = { .from = s->w, .fiber = fiber_self() };

	if (s->w->host->cancel(s->w->host->ctx, packet->pid, packet->key, packet->n_key,
			       on_session_knows, &p))
		while (!p.is_done)
			fiber_wait();
	session_close(s);
}

static bool refuse_encryption(struct session *s, size_t size, bool *seen)
{
	struct err err = ERR_INIT;

	if (*seen) {
		err_set(&err, STATUS_PROTOCOL,
			"unsupported frontend protocol: the same encryption "
			"request was sent twice");
		return fatal(s, &err);
	}
	*seen = true;
	buf_consume(&s->in, size);
	stream_write(&s->stream, "N", 1);
	stream_flush(&s->stream);
	return true;
}

/* Until the startup packet is there. The packet's texts point into s->in. */
static bool read_startup(struct session *s, struct wire_startup *packet)
{
	bool seen_ssl = false, seen_gss = false;

	for (;;) {
		switch (wire_startup_next(buf_head(&s->in), buf_len(&s->in), packet)) {
		case STARTUP_MORE:
			if (!await_bytes(s))
				return false;
			break;
		case STARTUP_SSL:
			if (!refuse_encryption(s, packet->size, &seen_ssl))
				return false;
			break;
		case STARTUP_GSSENC:
			if (!refuse_encryption(s, packet->size, &seen_gss))
				return false;
			break;
		case STARTUP_CANCEL: pass_cancel_on(s, packet); return false;
		case STARTUP_SESSION: return true;
		case STARTUP_DIRECT_TLS: session_close(s); return false;
		case STARTUP_BAD:
			metrics_add(s->w->metrics, METRIC_PROTOCOL_ERRORS, 1);
			if (packet->answer)
				return fatal(s, &packet->err);
			session_close(s);
			return false;
		}
	}
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
			return fatal(s, &err);
		}
		return true; /* UTF8 is what server connections speak */
	}
	if (strcasecmp(name, "transform_null_equals") == 0 ||
	    strcasecmp(name, "array_nulls") == 0 ||
	    strcasecmp(name, "standard_conforming_strings") == 0) {
		err_set(&err, STATUS_UNROUTED, "%s must keep its default", name);
		err_hint(&err, "Leave it out of the connection's options.");
		return fatal(s, &err);
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
		return fatal(s, &err);
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
		return fatal(s, &err);
	}
	return take_settings(s, packet);
}

/* ---- authentication ---- */

static bool password_message(struct session *s, struct wire_msg *m)
{
	struct err err = ERR_INIT;

	if (!session_await_message(s, m))
		return false;
	if (m->type == 'p')
		return true;
	if (m->type != 'X') {
		err_set(&err, STATUS_PROTOCOL, "expected password response, got message type %u",
			m->type);
		return fatal(s, &err);
	}
	session_close(s);
	return false;
}

static bool auth_refused(struct session *s, const struct err *err)
{
	metrics_add(s->w->metrics, METRIC_AUTH_FAILURES, 1);
	return fatal(s, err);
}

static bool check_md5(struct session *s, const struct auth_verifier *v)
{
	struct err err = ERR_INIT;
	struct wire_msg m;
	const char *text;
	uint8_t salt[4];
	bool ok;

	if (!auth_random(salt, sizeof(salt)))
		return false;
	wire_put_auth_md5(reply_out(s), salt);
	stream_flush(&s->stream);
	if (!password_message(s, &m))
		return false;
	ok = wire_parse_text(m.body, m.length, &text, &err) == STATUS_OK &&
	     auth_check_md5(v, salt, text);
	session_consumed(s, &m);
	if (!ok) {
		auth_failed(s->user, &err);
		return auth_refused(s, &err);
	}
	return true;
}

static enum status scram_first(const struct wire_msg *m, struct scram *scram, struct buf *out,
			       struct err *err)
{
	const char *mechanism;
	const uint8_t *response;
	size_t n;
	enum status st =
		wire_parse_sasl_initial(m->body, m->length, &mechanism, &response, &n, err);

	if (st != STATUS_OK)
		return st;
	if (strcmp(mechanism, SCRAM_MECHANISM) != 0 || !response)
		return err_set(err, STATUS_PROTOCOL,
			       "client selected an invalid SASL authentication mechanism");
	return scram_step(scram, response, n, out, err);
}

static bool run_scram(struct session *s, struct scram *scram)
{
	static const char *const mechanisms[] = { SCRAM_MECHANISM };
	struct err err = ERR_INIT;
	struct wire_msg m;
	struct buf out;
	enum status st = STATUS_OK;

	buf_init(&out, 8192);
	wire_put_auth_sasl(reply_out(s), mechanisms, 1);
	for (int round = 0; round < 2 && st == STATUS_OK; round++) {
		stream_flush(&s->stream);
		if (!password_message(s, &m)) {
			buf_finish(&out);
			return false;
		}
		st = round == 0 ? scram_first(&m, scram, &out, &err)
				: scram_step(scram, m.body, m.length, &out, &err);
		session_consumed(s, &m);
		if (st == STATUS_OK && round == 0)
			wire_put_auth_sasl_continue(reply_out(s), buf_head(&out), buf_len(&out));
		else if (st == STATUS_OK)
			wire_put_auth_sasl_final(reply_out(s), buf_head(&out), buf_len(&out));
		buf_clear(&out);
	}
	buf_finish(&out);
	return st == STATUS_OK ? true : auth_refused(s, &err);
}

static bool check_scram(struct session *s, const struct auth_verifier *v)
{
	struct scram *scram = mem_zero(1, sizeof(*scram));
	struct err err = ERR_INIT;
	bool ok;

	if (!scram_start(scram, v, s->user)) {
		err_set(&err, STATUS_INTERNAL, "could not get random bytes for the log-in");
		free(scram);
		return fatal(s, &err);
	}
	ok = run_scram(s, scram);
	auth_wipe(scram, sizeof(*scram));
	free(scram);
	return ok;
}

static const struct config_rule *find_rule(struct session *s, const struct config *cfg)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);

	if (s->is_unix)
		return config_find_rule(cfg, NULL, s->database, s->user);
	if (getpeername(s->stream.fd, (struct sockaddr *)&peer, &n) != 0)
		return NULL;
	return config_find_rule(cfg, (struct sockaddr *)&peer, s->database, s->user);
}

static bool authenticate(struct session *s)
{
	const struct auth_book *book = s->w->host->book(s->w->host->ctx);
	const struct config_rule *rule = find_rule(s, book->config);
	struct auth_verifier mock;
	const struct auth_verifier *v = &mock;
	struct err err = ERR_INIT;

	if (!rule || rule->method == METHOD_REJECT) {
		err_set_code(&err, STATUS_AUTH, "28000",
			     "no rule of auth.rules lets user \"%s\" from %s into database \"%s\"",
			     s->user, s->address, s->database);
		return auth_refused(s, &err);
	}
	s->account = config_find_user(book->config, s->user);
	s->mode = config_mode_of(book->config, s->user);
	auth_verifier_mock(&mock, s->user, book->mock_secret);
	if (s->account && s->account->password_kind != PASSWORD_NONE)
		v = &book->verifiers[s->account - book->config->users];
	switch (rule->method) {
	case METHOD_TRUST: return true;
	case METHOD_MD5: return v->has_md5 || !v->has_scram ? check_md5(s, v) : check_scram(s, v);
	case METHOD_SCRAM: return check_scram(s, v);
	case METHOD_REJECT: break;
	}
	UNREACHABLE("auth rule method");
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
		return fatal(s, &err);
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
		return fatal(s, &err);
	}
	if (strcmp(world->map->shards[world->map->home].dbname, s->database) != 0) {
		err_set_code(&err, STATUS_UNDEFINED, "3D000", "database \"%s\" does not exist",
			     s->database);
		return fatal(s, &err);
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
		return fatal(s, &err);
	}
	if (!session_read_path(s, leg)) {
		err = leg->err;
		leg_release(leg);
		return fatal(s, &err);
	}
	for (unsigned i = 0; i < leg->conn->n_parameters; i++) {
		struct conn_parameter *p = &leg->conn->parameters[i];

		session_report(s, p->name, p->value);
		wire_put_parameter_status(reply_out(s), p->name, p->value);
	}
	leg_release(leg);
	return true;
}

static void send_key(struct session *s)
{
	uint32_t pid = (s->w->index & 0xffu) << 22 | (s->slot & 0x3fffffu);

	s->n_cancel_key = wire_cancel_key_size(s->protocol);
	auth_random(s->cancel_key, sizeof(s->cancel_key));
	wire_put_backend_key(reply_out(s), pid, s->cancel_key, s->n_cancel_key);
}

unsigned worker_of_pid(uint32_t pid)
{
	return pid >> 22 & 0xffu;
}

static bool log_in(struct session *s)
{
	struct wire_startup *packet = mem_alloc(sizeof(*packet));
	bool ok = read_startup(s, packet) && take_startup(s, packet);

	if (ok)
		buf_consume(&s->in, packet->size);
	free(packet);
	if (!ok || !authenticate(s))
		return false;
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
