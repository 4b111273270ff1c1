/* Who the client is: the first rule of auth.rules that matches says how it proves that.
 *
 * Happy path: the rule by address, TLS, database and user; what is known of the user, from the
 * file or, when it is not there and auth.query is set, from the home shard; the method's
 * exchange; then what the shards want of this role is noted (pools_put_login).
 * Failure modes: every one is a FATAL with PostgreSQL's own SQLSTATE. An unknown user goes
 * through the same exchange with a made-up verifier, and fails with the same words. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "login.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"

/* One attempt: what is known of the user, and what the client brings. */
struct attempt {
	struct session *s;
	const struct auth_book *book;
	const struct config_rule *rule;
	struct auth_verifier verifier;
	struct login login;
	char *password; /* in clear, as sent */
};

bool auth_refused(struct session *s, const struct err *err)
{
	metrics_add(s->w->metrics, METRIC_AUTH_FAILURES, 1);
	log_event(LOG_INFO, "log-in refused", LOG_STR("user", s->user),
		  LOG_STR("address", s->address), LOG_STR("reason", err->message),
		  LOG_STR("detail", err->detail));
	return login_fatal(s, err);
}

static bool wrong_password(struct session *s)
{
	struct err err = ERR_INIT;

	auth_failed(s->user, &err);
	return auth_refused(s, &err);
}

static bool password_message(struct session *s, struct wire_msg *m)
{
	struct err err = ERR_INIT;

	/* The type is looked at first: no other message may grow to its limit here. */
	while (buf_len(&s->in) == 0 && !s->party.is_gone)
		fiber_wait();
	if (s->party.is_gone)
		return false;
	m->type = buf_head(&s->in)[0];
	if (m->type == 'p')
		return session_await_message(s, m);
	if (m->type != 'X') {
		metrics_add(s->w->metrics, METRIC_PROTOCOL_ERRORS, 1);
		err_set(&err, STATUS_PROTOCOL, "expected password response, got message type %u",
			m->type);
		return login_fatal(s, &err);
	}
	session_close(s);
	return false;
}

/* ---- md5 ---- */

static bool check_md5(struct attempt *a)
{
	struct session *s = a->s;
	struct err err = ERR_INIT;
	struct wire_msg m;
	const char *text;
	uint8_t salt[4];
	bool ok;

	if (!auth_random(salt, sizeof(salt))) {
		err_set(&err, STATUS_INTERNAL, "could not get random bytes for the log-in");
		return login_fatal(s, &err);
	}
	wire_put_auth_md5(reply_out(s), salt);
	stream_flush(&s->stream);
	if (!password_message(s, &m))
		return false;
	ok = wire_parse_text(m.body, m.length, &text, &err) == STATUS_OK &&
	     auth_check_md5(&a->verifier, salt, text);
	session_consumed(s, &m);
	return ok || wrong_password(s);
}

/* ---- SCRAM ---- */

static enum status scram_first(const struct wire_msg *m, struct scram *scram, struct buf *out,
			       struct err *err)
{
	const char *mechanism;
	const uint8_t *response;
	size_t n;
	enum status st =
		wire_parse_sasl_initial(m->body, m->length, &mechanism, &response, &n, err);

	if (st == STATUS_OK)
		st = scram_choose(scram, mechanism, err);
	if (st == STATUS_OK && !response)
		return err_set(err, STATUS_PROTOCOL, "the SASL response has no first message");
	return st == STATUS_OK ? scram_step(scram, response, n, out, err) : st;
}

static void offer_scram(struct session *s, const struct scram *scram)
{
	static const char *const both[] = { SCRAM_MECHANISM_PLUS, SCRAM_MECHANISM };

	wire_put_auth_sasl(reply_out(s), both + !scram->is_offered, 1 + scram->is_offered);
}

static bool run_scram(struct session *s, struct scram *scram)
{
	struct err err = ERR_INIT;
	struct wire_msg m;
	struct buf out;
	enum status st = STATUS_OK;

	buf_init(&out, 8192);
	offer_scram(s, scram);
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

static bool check_scram(struct attempt *a)
{
	struct scram *scram = mem_zero(1, sizeof(*scram));
	struct err err = ERR_INIT;
	uint8_t binding[TLS_BINDING_MAX];
	bool ok;

	if (!scram_start(scram, &a->verifier, a->s->user)) {
		err_set(&err, STATUS_INTERNAL, "could not get random bytes for the log-in");
		free(scram);
		return login_fatal(a->s, &err);
	}
	if (a->s->tls)
		scram_offer_binding(scram, binding, tls_server_binding(a->s->tls, binding));
	ok = run_scram(a->s, scram);
	a->login.has_keys = ok;
	memcpy(a->login.client_key, scram->client_key, LOGIN_KEY_BYTES);
	memcpy(a->login.server_key, a->verifier.server_key, LOGIN_KEY_BYTES);
	auth_wipe(scram, sizeof(*scram));
	free(scram);
	return ok;
}

/* ---- passwords in clear ---- */

static bool take_password(struct attempt *a)
{
	struct session *s = a->s;
	struct err err = ERR_INIT;
	struct wire_msg m;
	const char *text;

	wire_put_auth_cleartext(reply_out(s));
	stream_flush(&s->stream);
	if (!password_message(s, &m))
		return false;
	if (wire_parse_text(m.body, m.length, &text, &err) == STATUS_OK)
		a->password = mem_strdup(text);
	auth_wipe((void *)m.body, m.length);
	session_consumed(s, &m);
	return a->password || login_fatal(s, &err);
}

static bool check_password(struct attempt *a)
{
	struct session *s = a->s;
	struct err err = ERR_INIT;

	if (!s->is_unix && !s->tls && !a->book->config->password_without_tls) {
		err_set_code(&err, STATUS_AUTH, "28000",
			     "method password needs TLS: the password would be sent in clear");
		err_hint(&err, "Connect with sslmode=require, or set auth.password_without_tls if "
			       "nobody can listen on this network.");
		return auth_refused(s, &err);
	}
	if (!take_password(a))
		return false;
	if (!a->password[0] || !auth_wait_plain(s, &a->verifier, a->password))
		return wrong_password(s);
	a->login.password = a->password;
	return true;
}

/* ---- names that others vouch for ---- */

static bool name_differs(struct session *s, const char *method, const char *name)
{
	struct err err = ERR_INIT;

	err_set_code(&err, STATUS_AUTH, "28000", "%s authentication failed for user \"%s\"", method,
		     s->user);
	if (*name)
		err_detail(&err, "It belongs to \"%s\".", name);
	return auth_refused(s, &err);
}

static bool check_certificate(struct session *s)
{
	struct err err = ERR_INIT;
	char name[128];

	if (!stream_tls_client_name(&s->stream, name, sizeof(name))) {
		err_set_code(&err, STATUS_AUTH, "28000",
			     "connection requires a valid client certificate");
		err_hint(&err, "Give the client sslcert and sslkey, signed by tls.ca.");
		return auth_refused(s, &err);
	}
	return strcmp(name, s->user) == 0 || name_differs(s, "certificate", name);
}

static bool check_peer(struct session *s)
{
	char name[128] = "";

	return (auth_wait_peer(s, name, sizeof(name)) && strcmp(name, s->user) == 0) ||
	       name_differs(s, "peer", name);
}

/* ---- the rule, and what is known ---- */

static const struct config_rule *find_rule(struct session *s, const struct config *cfg)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);

	if (s->is_unix)
		return config_find_rule(cfg, NULL, false, s->database, s->user);
	if (getpeername(s->stream.fd, (struct sockaddr *)&peer, &n) != 0)
		return NULL;
	return config_find_rule(cfg, (struct sockaddr *)&peer, s->tls != NULL, s->database,
				s->user);
}

static bool refuse_no_rule(struct session *s, const struct config *cfg)
{
	struct err err = ERR_INIT;

	err_set_code(&err, STATUS_AUTH, "28000",
		     "no rule of auth.rules lets user \"%s\" from %s into database \"%s\"", s->user,
		     s->address, s->database);
	if (cfg->tls.mode != TLS_DISABLE && !s->is_unix)
		err_detail(&err, "The connection is %s TLS.", s->tls ? "with" : "without");
	return auth_refused(s, &err);
}

/* tls.mode, before any rule: nobody is asked for a password over a line that must not be used. */
static bool check_encryption(struct session *s, const struct config *cfg)
{
	struct err err = ERR_INIT;

	if (s->is_unix || s->tls || cfg->tls.mode < TLS_REQUIRE)
		return true;
	err_set_code(&err, STATUS_AUTH, "28000", "connections without TLS are not accepted");
	err_hint(&err, "Connect with sslmode=require or stronger.");
	return auth_refused(s, &err);
}

static bool find_verifier(struct attempt *a)
{
	struct session *s = a->s;
	const struct config *cfg = a->book->config;
	enum auth_found found = AUTH_UNKNOWN;
	struct err err = ERR_INIT;

	if (s->account && s->account->password_kind != PASSWORD_NONE) {
		a->verifier = a->book->verifiers[s->account - cfg->users];
		return true;
	}
	if (!s->account && cfg->auth_query.user)
		found = auth_wait_user(s, &a->verifier, &err);
	if (found == AUTH_FAILED)
		return auth_refused(s, &err);
	if (found == AUTH_UNKNOWN)
		auth_verifier_mock(&a->verifier, s->user, a->book->mock_secret);
	return !s->party.is_gone;
}

static bool check(struct attempt *a)
{
	switch (a->rule->method) {
	case METHOD_TRUST: return true;
	case METHOD_CERT: return check_certificate(a->s);
	case METHOD_PEER: return check_peer(a->s);
	case METHOD_PASSWORD: return find_verifier(a) && check_password(a);
	case METHOD_SCRAM: return find_verifier(a) && check_scram(a);
	case METHOD_MD5:
		if (!find_verifier(a))
			return false;
		return a->verifier.has_md5 || !a->verifier.has_scram ? check_md5(a)
								     : check_scram(a);
	case METHOD_REJECT: break;
	}
	UNREACHABLE("auth rule method");
}

/* What the client's role logs in to shards with. */
static void note_login(struct attempt *a)
{
	struct session *s = a->s;

	if (s->account && s->account->server_password)
		a->login.password = s->account->server_password;
	if (a->login.password)
		a->login.has_keys = false;
	pools_put_login(&s->w->pools, s->user, &a->login);
}

static void attempt_finish(struct attempt *a)
{
	if (a->password)
		auth_wipe(a->password, strlen(a->password));
	free(a->password);
	auth_wipe(a, sizeof(*a));
}

bool authenticate(struct session *s)
{
	struct attempt a = { .s = s, .book = s->w->host->book(s->w->host->ctx) };
	const struct config *cfg = a.book->config;
	bool ok;

	if (!check_encryption(s, cfg))
		return false;
	a.rule = find_rule(s, cfg);
	if (!a.rule || a.rule->method == METHOD_REJECT)
		return refuse_no_rule(s, cfg);
	s->account = config_find_user(cfg, s->user);
	s->mode = config_mode_of(cfg, s->user);
	ok = check(&a);
	if (ok && cfg->tls.mode == TLS_VERIFY_FULL && !s->is_unix)
		ok = check_certificate(s);
	if (ok)
		note_login(&a);
	attempt_finish(&a);
	return ok;
}
