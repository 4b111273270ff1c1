/* The server's side of SCRAM-SHA-256.
 *
 * Happy path:
 *   client-first  n,,n=user,r=NONCE1
 *   server-first  r=NONCE1NONCE2,s=SALT,i=4096
 *   client-final  c=biws,r=NONCE1NONCE2,p=PROOF
 *   server-final  v=SIGNATURE
 * The name inside client-first is ignored, as PostgreSQL does: the start-up packet's counts.
 * Failure modes: each leaves SCRAM_FAILED. A wrong proof, a mock user and a user without
 * SCRAM keys are not told apart, in text, messages or work done.
 * Channel binding: with it the header is "p=tls-server-end-point,," and "c=" holds header and
 * the certificate's hash, so that an answer made for another server's certificate fails here. A "y"
 * (the client could, and thinks that we cannot) is right unless we offered it. */
#include <stdio.h>
#include <string.h>

#include "pgmosaic/base/str.h"
#include "pgmosaic/wire/auth.h"
#include "wire/crypto.h"
#include "wire/text.h"

#define NONCE_BYTES  18
#define BINDING_FLAG "p=tls-server-end-point"

/* A message being read attribute by attribute: "a=value,b=value". */
struct attributes {
	const char *p;
	char name; /* of the attribute just read */
};

bool scram_start(struct scram *s, const struct auth_verifier *v, const char *user)
{
	uint8_t raw[NONCE_BYTES];

	memset(s, 0, sizeof(*s));
	s->state = SCRAM_CLIENT_FIRST;
	s->verifier = *v;
	text_copy(s->user, sizeof(s->user), user);
	if (!v->has_scram)
		s->verifier.is_mock = true;
	if (!auth_random(raw, sizeof(raw)))
		return false;
	crypto_base64(raw, sizeof(raw), s->server_nonce);
	return true;
}

void scram_offer_binding(struct scram *s, const uint8_t *data, size_t n)
{
	s->is_offered = n > 0 && n <= sizeof(s->binding);
	if (s->is_offered)
		memcpy(s->binding, data, n);
	s->n_binding = s->is_offered ? n : 0;
}

enum status scram_choose(struct scram *s, const char *mechanism, struct err *err)
{
	s->is_bound = s->is_offered && strcmp(mechanism, SCRAM_MECHANISM_PLUS) == 0;
	if (s->is_bound || strcmp(mechanism, SCRAM_MECHANISM) == 0)
		return STATUS_OK;
	s->state = SCRAM_FAILED;
	return err_set(err, STATUS_PROTOCOL,
		       "client selected an invalid SASL authentication mechanism");
}

static enum status malformed(struct err *err, const char *detail)
{
	err_set(err, STATUS_PROTOCOL, "malformed SCRAM message");
	err_detail(err, "%s", detail);
	return STATUS_PROTOCOL;
}

static bool is_attribute_name(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Reads one attribute and steps over the comma behind it; the value has no zero of its own. */
static bool next_attribute(struct attributes *a, struct str *value)
{
	size_t n;

	if (!is_attribute_name(a->p[0]) || a->p[1] != '=')
		return false;
	a->name = a->p[0];
	n = strcspn(a->p + 2, ",");
	*value = (struct str){ a->p + 2, n };
	a->p += 2 + n;
	if (a->p[0] == ',')
		a->p++;
	return true;
}

static bool expect_attribute(struct attributes *a, char name, struct str *value)
{
	return a->p[0] == name && next_attribute(a, value);
}

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7E)
			return false;
	return s.n > 0;
}

static enum status binding_missing(struct err *err)
{
	return malformed(err, "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does "
			      "not include channel binding data.");
}

/* The flag "p=NAME": right only for the mechanism that binds. Its length; 0: refused. */
static size_t read_binding_name(const struct scram *s, const char *text, struct err *err)
{
	size_t n = strcspn(text, ",");

	if (!s->is_bound) {
		malformed(err, "The client selected SCRAM-SHA-256 without channel binding, but the "
			       "SCRAM message includes channel binding data.");
		return 0;
	}
	if (n != strlen(BINDING_FLAG) || strncmp(text, BINDING_FLAG, n) != 0) {
		err_set(err, STATUS_PROTOCOL, "unsupported SCRAM channel-binding type");
		err_hint(err, "tls-server-end-point is supported.");
		return 0;
	}
	return n;
}

/* The flags "n" and "y": no binding. */
static enum status check_unbound(const struct scram *s, char flag, struct err *err)
{
	if (s->is_bound)
		return binding_missing(err);
	if (flag == 'n' || !s->is_offered)
		return STATUS_OK;
	err_set_code(err, STATUS_AUTH, "28000", "SCRAM channel binding negotiation error");
	err_detail(err, "The client supports SCRAM channel binding but thinks the server does not. "
			"However, this server does support channel binding.");
	return STATUS_AUTH;
}

/* "n,,", "y,," or "p=NAME,,": what comes before the bare message; *n: its length. */
static enum status read_gs2_header(struct scram *s, const char *text, size_t *n, struct err *err)
{
	size_t flag = 1;
	enum status st;

	if (text[0] == 'p' && text[1] == '=') {
		flag = read_binding_name(s, text, err);
		if (!flag)
			return err->status;
	} else if (text[0] == 'n' || text[0] == 'y') {
		st = check_unbound(s, text[0], err);
		if (st != STATUS_OK)
			return st;
	} else {
		return malformed(err, "Unexpected channel-binding flag.");
	}
	if (text[flag] != ',')
		return malformed(err, "Comma expected behind the channel-binding flag.");
	if (text[flag + 1] == 'a')
		return err_set_code(err, STATUS_PROTOCOL, "0A000",
				    "client uses authorization identity, but it is not supported");
	if (text[flag + 1] != ',')
		return malformed(err, "Unexpected attribute in client-first-message.");
	*n = flag + 2;
	snprintf(s->gs2, sizeof(s->gs2), "%.*s", (int)*n, text);
	return STATUS_OK;
}

static enum status read_client_first(struct scram *s, const char *text, struct err *err)
{
	struct attributes a;
	struct str value, nonce;
	size_t n_header = 0;
	enum status st = read_gs2_header(s, text, &n_header, err);

	if (st != STATUS_OK)
		return st;
	a.p = text + n_header;
	text_copy(s->client_first_bare, sizeof(s->client_first_bare), a.p);
	if (a.p[0] == 'm')
		return err_set_code(err, STATUS_PROTOCOL, "0A000",
				    "client requires an unsupported SCRAM extension");
	if (!expect_attribute(&a, 'n', &value) || !expect_attribute(&a, 'r', &nonce))
		return malformed(err, "User name and nonce expected in client-first-message.");
	if (!is_printable(nonce))
		return malformed(err, "Non-printable characters in the SCRAM nonce.");
	while (a.p[0])
		if (!next_attribute(&a, &value))
			return malformed(err, "Attribute expected in client-first-message.");
	snprintf(s->nonce, sizeof(s->nonce), "%.*s%s", STR_ARG(nonce), s->server_nonce);
	return STATUS_OK;
}

static enum status step_client_first(struct scram *s, const char *text, struct buf *out,
				     struct err *err)
{
	enum status st = read_client_first(s, text, err);
	char salt[BASE64_SIZE(SCRAM_SALT_MAX)];

	if (st != STATUS_OK)
		return st;
	crypto_base64(s->verifier.salt, s->verifier.n_salt, salt);
	snprintf(s->server_first, sizeof(s->server_first), "r=%s,s=%s,i=%u", s->nonce, salt,
		 s->verifier.iterations);
	if (!buf_append(out, s->server_first, strlen(s->server_first)))
		return text_no_memory(err);
	s->state = SCRAM_CLIENT_FINAL;
	return STATUS_OK;
}

/* "c=" must be the header of the first message, and behind it the channel's own data. */
static enum status check_binding(const struct scram *s, struct str given, struct err *err)
{
	uint8_t want[sizeof(s->gs2) + SCRAM_BINDING_MAX];
	char expected[BASE64_SIZE(sizeof(want))];
	size_t n = strlen(s->gs2);

	memcpy(want, s->gs2, n);
	if (s->is_bound) {
		memcpy(want + n, s->binding, s->n_binding);
		n += s->n_binding;
	}
	crypto_base64(want, n, expected);
	if (str_is(given, expected))
		return STATUS_OK;
	if (s->is_bound)
		return err_set_code(err, STATUS_AUTH, "28000",
				    "SCRAM channel binding check failed");
	return err_set(err, STATUS_PROTOCOL,
		       "unexpected SCRAM channel-binding attribute in client-final-message");
}

/* Checks all but the proof; `n_signed`: bytes of the message before ",p=". */
static enum status read_client_final(const struct scram *s, const char *text,
				     uint8_t proof[SHA256_BYTES], size_t *n_signed, struct err *err)
{
	struct attributes a = { text, 0 };
	struct str binding, nonce, value;
	enum status st;
	const char *at;

	if (!expect_attribute(&a, 'c', &binding) || !expect_attribute(&a, 'r', &nonce))
		return malformed(err,
				 "Channel binding and nonce expected in client-final-message.");
	st = check_binding(s, binding, err);
	if (st != STATUS_OK)
		return st;
	do {
		at = a.p;
		if (!next_attribute(&a, &value))
			return malformed(err, "Proof expected in client-final-message.");
	} while (a.name != 'p');
	if (value.p[value.n] != '\0' || at[-1] != ',' ||
	    crypto_unbase64(value.p, value.n, proof, SHA256_BYTES) != SHA256_BYTES)
		return malformed(err, "Malformed proof in client-final-message.");
	if (nonce.n != strlen(s->nonce) ||
	    !auth_equal((const uint8_t *)nonce.p, (const uint8_t *)s->nonce, nonce.n)) {
		err_set(err, STATUS_PROTOCOL, "invalid SCRAM response");
		err_detail(err, "Nonce does not match.");
		return STATUS_PROTOCOL;
	}
	*n_signed = (size_t)(at - text) - 1;
	return STATUS_OK;
}

/* AuthMessage: client-first-bare, server-first and client-final without its proof. */
static size_t auth_message(const struct scram *s, const char *final, size_t n_signed, char *out,
			   size_t size)
{
	int n = snprintf(out, size, "%s,%s,%.*s", s->client_first_bare, s->server_first,
			 (int)n_signed, final);

	return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

static bool proof_fits(struct scram *s, const char *message, size_t n,
		       const uint8_t proof[SHA256_BYTES])
{
	uint8_t signature[SHA256_BYTES], stored[SHA256_BYTES], *key = s->client_key;
	bool ok = crypto_hmac(s->verifier.stored_key, SCRAM_KEY_BYTES, message, n, signature);

	for (size_t i = 0; i < SHA256_BYTES; i++)
		key[i] = proof[i] ^ signature[i];
	ok &= crypto_sha256(key, SCRAM_KEY_BYTES, stored);
	ok &= auth_equal(stored, s->verifier.stored_key, SHA256_BYTES);
	return ok && !s->verifier.is_mock;
}

static enum status step_client_final(struct scram *s, const char *text, struct buf *out,
				     struct err *err)
{
	uint8_t proof[SHA256_BYTES], signature[SHA256_BYTES];
	char message[4 * SCRAM_MESSAGE_MAX], encoded[BASE64_SIZE(SHA256_BYTES)];
	size_t n_signed = 0, n;
	enum status st = read_client_final(s, text, proof, &n_signed, err);

	if (st != STATUS_OK)
		return st;
	n = auth_message(s, text, n_signed, message, sizeof(message));
	if (!proof_fits(s, message, n, proof))
		return auth_failed(s->user, err);
	if (!crypto_hmac(s->verifier.server_key, SCRAM_KEY_BYTES, message, n, signature))
		return err_set(err, STATUS_INTERNAL, "the cryptographic library failed");
	crypto_base64(signature, sizeof(signature), encoded);
	if (!buf_printf(out, "v=%s", encoded))
		return text_no_memory(err);
	s->state = SCRAM_DONE;
	return STATUS_OK;
}

static enum status step(struct scram *s, const char *text, struct buf *out, struct err *err)
{
	if (s->state == SCRAM_CLIENT_FIRST)
		return step_client_first(s, text, out, err);
	if (s->state == SCRAM_CLIENT_FINAL)
		return step_client_final(s, text, out, err);
	return err_set(err, STATUS_PROTOCOL, "unexpected SASL message: the exchange is over");
}

enum status scram_step(struct scram *s, const uint8_t *in, size_t n, struct buf *out,
		       struct err *err)
{
	char text[SCRAM_MESSAGE_MAX + 1];
	enum status st;

	if (n == 0)
		st = malformed(err, "The message is empty.");
	else if (n > SCRAM_MESSAGE_MAX)
		st = malformed(err, "The message is too long.");
	else if (memchr(in, 0, n))
		st = malformed(err, "Message length does not match input length.");
	else {
		memcpy(text, in, n);
		text[n] = '\0';
		st = step(s, text, out, err);
	}
	if (st != STATUS_OK)
		s->state = SCRAM_FAILED;
	return st;
}
