/* What a configuration's users and certificates come to. */
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/backend/login.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"
#include "process.h"

static uint8_t mock_secret[32]; /* one a process: a reload must not change what is made up */

enum status book_load_tls(const struct config *cfg, struct tls_server **out, struct err *err)
{
	const struct config_tls *tls = &cfg->tls;
	struct tls_options options = { .cert = tls->cert,
				       .key = tls->key,
				       .ca = tls->ca,
				       .needs_client_cert = tls->mode >= TLS_VERIFY_CA,
				       .only_1_3 = tls->min_version == TLS_VERSION_1_3 };

	*out = NULL;
	return tls->mode == TLS_DISABLE ? STATUS_OK : tls_server_create(&options, out, err);
}

static const struct auth_verifier *known_verifier(const struct auth_book *older,
						  const struct config_user *user)
{
	const struct config_user *was = older ? config_find_user(older->config, user->name) : NULL;

	if (!was || !was->password || strcmp(was->password, user->password) != 0)
		return NULL;
	return &older->verifiers[was - older->config->users];
}

static enum status read_users(struct auth_book *book, const struct auth_book *older,
			      struct err *err)
{
	const struct config *cfg = book->config;

	for (unsigned i = 0; i < cfg->n_users; i++) {
		const struct config_user *u = &cfg->users[i];
		const struct auth_verifier *known = u->password ? known_verifier(older, u) : NULL;
		enum status st = STATUS_OK;

		if (known)
			book->verifiers[i] = *known;
		else if (u->password)
			st = auth_verifier_from_password(&book->verifiers[i], u->name, u->password,
							 err);
		if (st != STATUS_OK)
			return st;
	}
	return STATUS_OK;
}

static enum status make_secret(struct err *err)
{
	static const uint8_t none[32];

	if (memcmp(mock_secret, none, sizeof(none)) == 0 &&
	    !auth_random(mock_secret, sizeof(mock_secret)))
		return err_set(err, STATUS_INTERNAL, "no random bytes could be had");
	return STATUS_OK;
}

/* Said once, at load, rather than at each user's first statement. */
static void warn_of_users_without_password(const struct config *cfg)
{
	for (unsigned i = 0; i < cfg->n_users; i++) {
		const struct config_user *u = &cfg->users[i];
		bool can_pass = u->password_kind == PASSWORD_SCRAM && login_can_pass_keys();

		if (u->password && !u->server_password && !u->admin && !can_pass)
			log_event(
				LOG_WARNING,
				"a user with a hashed password has no server_password: the shards must let "
				"the proxy in without one, or the client must log in with method password",
				LOG_STR("user", u->name));
	}
}

static void book_free(struct auth_book *book)
{
	tls_server_destroy(book->tls);
	auth_wipe(book->verifiers, (book->config->n_users + 1) * sizeof(*book->verifiers));
	free(book->verifiers);
	free(book);
}

struct auth_book *book_create(const struct config *cfg, const struct auth_book *older,
			      struct err *err)
{
	struct auth_book *book = mem_zero(1, sizeof(*book));

	book->config = cfg;
	book->verifiers = mem_zero(cfg->n_users + 1, sizeof(*book->verifiers));
	if (make_secret(err) != STATUS_OK || read_users(book, older, err) != STATUS_OK ||
	    book_load_tls(cfg, &book->tls, err) != STATUS_OK) {
		book_free(book);
		return NULL;
	}
	memcpy(book->mock_secret, mock_secret, sizeof(mock_secret));
	warn_of_users_without_password(cfg);
	return book;
}

void books_destroy(const struct auth_book *book)
{
	while (book) {
		const struct auth_book *older = book->older;
		struct config *cfg = (struct config *)book->config;

		book_free((struct auth_book *)book);
		if (older) /* the first configuration is the caller's */
			config_destroy(cfg);
		book = older;
	}
}
