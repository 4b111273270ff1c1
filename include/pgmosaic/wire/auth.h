/* Checking a client's password: SCRAM-SHA-256, with or without channel binding (RFC 5802,
 * 7677, 5929), md5, and passwords in clear.
 *
 * Happy path: at configuration load, auth_verifier_from_password() once per user. At
 * log-in, scram_start(); over TLS scram_offer_binding(); send AuthenticationSASL with
 * what is offered; scram_choose() what the client picked; feed its responses to
 * scram_step() and send what it writes (AuthenticationSASLContinue, then
 * AuthenticationSASLFinal) until state is SCRAM_DONE. For md5: auth_random() a
 * salt, AuthenticationMD5Password, auth_check_md5(). In clear: auth_check_plain().
 * Unknown users get auth_verifier_mock(): the same shape and work, and never success.
 * Plain passwords are taken as they are: ASCII needs no SASLprep, and other texts fit
 * when they are in Unicode's NFKC form already, as keyboards produce it; for the rest
 * configure the SCRAM-SHA-256$ form.
 * Failure: 28P01 with one text for every reason a password may be wrong; 08P01 for
 * messages that are no SCRAM; SCRAM_FAILED is final.
 * Cost: auth_verifier_from_password() on plain text and auth_check_plain() run PBKDF2
 * (about 2 ms for 4096 iterations): never call them on a worker. Everything else here is a
 * few microseconds.
 * Ownership: a verifier and an exchange are plain memory without pointers of their own;
 * auth_wipe() them when done. Threads: any, one per object. */
#ifndef PGMOSAIC_WIRE_AUTH_H
#define PGMOSAIC_WIRE_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "pgmosaic/base/buf.h"
#include "pgmosaic/base/err.h"

#define SCRAM_MECHANISM	     "SCRAM-SHA-256"
#define SCRAM_MECHANISM_PLUS "SCRAM-SHA-256-PLUS"
#define SCRAM_BINDING_MAX    64
#define SCRAM_KEY_BYTES	     32
#define SCRAM_SALT_MAX	     64
#define SCRAM_ITERATIONS     4096
#define SCRAM_ITERATIONS_MAX 1000000
#define SCRAM_MESSAGE_MAX    1024
#define SCRAM_NONCE_MAX	     64

struct auth_verifier {
	bool has_scram, has_md5;
	bool is_mock; /* no password fits */
	uint32_t iterations;
	uint8_t n_salt;
	uint8_t salt[SCRAM_SALT_MAX];
	uint8_t stored_key[SCRAM_KEY_BYTES];
	uint8_t server_key[SCRAM_KEY_BYTES];
	char md5[33]; /* hex of md5(password || user) */
};

/* `password` is plain text, "SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey", or
 * "md5" and 32 hex digits. Plain text serves both methods, the others their own. */
enum status auth_verifier_from_password(struct auth_verifier *v, const char *user,
					const char *password, struct err *err);
/* The password is one of the two hashed forms, so it cannot be used to log in to a server. */
bool auth_password_is_hashed(const char *password);
/* The same user always meets the same salt; `secret` is random per process. */
void auth_verifier_mock(struct auth_verifier *v, const char *user, const uint8_t secret[32]);

bool auth_random(uint8_t *p, size_t n); /* false: no entropy; refuse the log-in */
bool auth_equal(const uint8_t *a, const uint8_t *b, size_t n); /* in constant time */
void auth_wipe(void *p, size_t n);

/*  CLIENT_FIRST --step--> CLIENT_FINAL --step, proof fits--> DONE
 *       |                      |
 *       +-----> FAILED <-------+   bad message, wrong proof, mock user */
enum scram_state { SCRAM_CLIENT_FIRST, SCRAM_CLIENT_FINAL, SCRAM_DONE, SCRAM_FAILED };

struct scram {
	enum scram_state state;
	struct auth_verifier verifier;
	char user[128];	 /* for the error's text only */
	char gs2[32];	 /* "n,,", "y,," or "p=tls-server-end-point,," as the client sent it */
	bool is_offered; /* the mechanism with channel binding was */
	bool is_bound;	 /* and the client chose it */
	uint8_t binding[SCRAM_BINDING_MAX];
	size_t n_binding;
	char client_first_bare[SCRAM_MESSAGE_MAX + 1];
	char server_first[2 * SCRAM_MESSAGE_MAX];
	char nonce[SCRAM_MESSAGE_MAX + SCRAM_NONCE_MAX]; /* the client's and ours */
	char server_nonce[SCRAM_NONCE_MAX];		 /* made by scram_start() */
	uint8_t client_key[SCRAM_KEY_BYTES]; /* in SCRAM_DONE: what logs in where the verifier is
						the same */
};

/* A verifier without SCRAM keys (md5 only) is treated as a mock. False: no entropy. */
bool scram_start(struct scram *s, const struct auth_verifier *v, const char *user);
/* SCRAM_MECHANISM_PLUS is offered as well; `data`: of the channel (tls-server-end-point). From here
 * on a client that says it could bind, and did not see that we can, is refused: somebody in
 * between took the offer away. */
void scram_offer_binding(struct scram *s, const uint8_t *data, size_t n);
/* The mechanism that the client chose; before the first step. Failure: 08P01, not offered. */
enum status scram_choose(struct scram *s, const char *mechanism, struct err *err);
/* One message of the client; the answer is appended to `out` (data only, no framing). */
enum status scram_step(struct scram *s, const uint8_t *in, size_t n, struct buf *out,
		       struct err *err);

/* `response` is the text of the PasswordMessage. */
bool auth_check_md5(const struct auth_verifier *v, const uint8_t salt[4], const char *response);
/* A password in clear against any kind of verifier. Slow: PBKDF2 when it has SCRAM keys. */
bool auth_check_plain(const struct auth_verifier *v, const char *user, const char *password);
/* 28P01 'password authentication failed for user "…"'. */
enum status auth_failed(const char *user, struct err *err);

#endif
