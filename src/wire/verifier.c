/* What the proxy keeps of a password. Slow work (PBKDF2) is here and nowhere else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "pgmosaic/wire/auth.h"
#include "wire/crypto.h"

#define SCRAM_PREFIX "SCRAM-SHA-256$"
#define SALT_BYTES   16

bool auth_random(uint8_t *p, size_t n)
{
	return RAND_bytes(p, (int)n) == 1;
}

bool auth_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

void auth_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}

static bool is_md5(const char *password)
{
	return strncmp(password, "md5", 3) == 0 && strlen(password) == 35 &&
	       strspn(password + 3, "0123456789abcdef") == 32;
}

static bool is_scram(const char *password)
{
	return strncmp(password, SCRAM_PREFIX, strlen(SCRAM_PREFIX)) == 0;
}

bool auth_password_is_hashed(const char *password)
{
	return is_md5(password) || is_scram(password);
}

/* The text up to `stop`, decoded; NULL when it is not `want` bytes (0: any, but not none). */
static const char *read_base64(const char *p, char stop, uint8_t *out, size_t size, size_t want,
			       size_t *n)
{
	const char *end = strchr(p, stop);
	int length = end ? crypto_unbase64(p, (size_t)(end - p), out, size) : -1;

	if (length <= 0 || (want && (size_t)length != want))
		return NULL;
	*n = (size_t)length;
	return stop ? end + 1 : end;
}

static bool read_scram(struct auth_verifier *v, const char *p)
{
	char *end;
	unsigned long iterations = strtoul(p, &end, 10);
	size_t n_salt, n;

	if (*p < '0' || *p > '9' || *end != ':' || iterations < 1 ||
	    iterations > SCRAM_ITERATIONS_MAX)
		return false;
	p = read_base64(end + 1, '$', v->salt, sizeof(v->salt), 0, &n_salt);
	if (p)
		p = read_base64(p, ':', v->stored_key, SCRAM_KEY_BYTES, SCRAM_KEY_BYTES, &n);
	if (p)
		p = read_base64(p, '\0', v->server_key, SCRAM_KEY_BYTES, SCRAM_KEY_BYTES, &n);
	if (!p)
		return false;
	v->iterations = (uint32_t)iterations;
	v->n_salt = (uint8_t)n_salt;
	return v->has_scram = true;
}

static bool derive_scram(struct auth_verifier *v, const char *password)
{
	uint8_t salted[SHA256_BYTES], client[SHA256_BYTES];
	bool ok;

	v->iterations = SCRAM_ITERATIONS;
	v->n_salt = SALT_BYTES;
	ok = auth_random(v->salt, SALT_BYTES) &&
	     crypto_pbkdf2(password, v->salt, SALT_BYTES, SCRAM_ITERATIONS, salted) &&
	     crypto_hmac(salted, SHA256_BYTES, "Client Key", 10, client) &&
	     crypto_sha256(client, SHA256_BYTES, v->stored_key) &&
	     crypto_hmac(salted, SHA256_BYTES, "Server Key", 10, v->server_key);
	auth_wipe(salted, sizeof(salted));
	auth_wipe(client, sizeof(client));
	return v->has_scram = ok;
}

static enum status from_plain(struct auth_verifier *v, const char *user, const char *password,
			      struct err *err)
{
	if (!password[0]) {
		err_set(err, STATUS_CONFIG, "user \"%s\" has an empty password", user);
		err_hint(err, "Give the user a password, or a rule with method trust.");
		return STATUS_CONFIG;
	}
	if (!derive_scram(v, password))
		return err_set(err, STATUS_INTERNAL,
			       "the cryptographic library could not derive a key for user \"%s\"",
			       user);
	v->has_md5 = crypto_md5_hex(password, strlen(password), user, strlen(user), v->md5);
	return STATUS_OK;
}

/* The salt and keys are noise, so that a SCRAM exchange with this user looks like any other
 * and tells nothing about the hash. */
static enum status from_md5(struct auth_verifier *v, const char *user, const char *hex,
			    struct err *err)
{
	v->iterations = SCRAM_ITERATIONS;
	v->n_salt = SALT_BYTES;
	if (!auth_random(v->salt, SALT_BYTES) || !auth_random(v->stored_key, SCRAM_KEY_BYTES))
		return err_set(err, STATUS_INTERNAL, "no random bytes for user \"%s\"", user);
	memcpy(v->md5, hex, sizeof(v->md5));
	v->has_md5 = true;
	return STATUS_OK;
}

enum status auth_verifier_from_password(struct auth_verifier *v, const char *user,
					const char *password, struct err *err)
{
	memset(v, 0, sizeof(*v));
	if (is_md5(password))
		return from_md5(v, user, password + 3, err);
	if (!is_scram(password))
		return from_plain(v, user, password, err);
	if (read_scram(v, password + strlen(SCRAM_PREFIX)))
		return STATUS_OK;
	err_set(err, STATUS_CONFIG, "the SCRAM-SHA-256$ password of user \"%s\" is malformed",
		user);
	err_hint(err,
		 "Expected SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey as in "
		 "pg_authid.rolpassword, with 1 to %d iterations.",
		 SCRAM_ITERATIONS_MAX);
	return STATUS_CONFIG;
}

static void mock_bytes(const uint8_t secret[32], const char *label, const char *user,
		       uint8_t out[SHA256_BYTES])
{
	uint8_t key[SHA256_BYTES];

	crypto_hmac(secret, 32, label, strlen(label), key);
	crypto_hmac(key, sizeof(key), user, strlen(user), out);
}

void auth_verifier_mock(struct auth_verifier *v, const char *user, const uint8_t secret[32])
{
	uint8_t salt[SHA256_BYTES];

	memset(v, 0, sizeof(*v));
	v->has_scram = v->has_md5 = v->is_mock = true;
	v->iterations = SCRAM_ITERATIONS;
	v->n_salt = SALT_BYTES;
	mock_bytes(secret, "salt", user, salt);
	memcpy(v->salt, salt, SALT_BYTES);
	mock_bytes(secret, "stored key", user, v->stored_key);
	mock_bytes(secret, "server key", user, v->server_key);
	crypto_md5_hex(v->stored_key, SCRAM_KEY_BYTES, user, strlen(user), v->md5);
}

enum status auth_failed(const char *user, struct err *err)
{
	return err_set(err, STATUS_AUTH, "password authentication failed for user \"%s\"", user);
}

bool auth_check_md5(const struct auth_verifier *v, const uint8_t salt[4], const char *response)
{
	char expected[3 + MD5_HEX_BYTES] = "md5";
	bool ok = crypto_md5_hex(v->md5, 32, salt, 4, expected + 3);

	if (strlen(response) != 35)
		return false;
	ok &= auth_equal((const uint8_t *)expected, (const uint8_t *)response, 35);
	auth_wipe(expected, sizeof(expected));
	return ok && v->has_md5 && !v->is_mock;
}

static bool check_plain_scram(const struct auth_verifier *v, const char *password)
{
	uint8_t salted[SHA256_BYTES], client[SHA256_BYTES], stored[SHA256_BYTES];
	bool ok = crypto_pbkdf2(password, v->salt, v->n_salt, v->iterations, salted);

	ok &= crypto_hmac(salted, SHA256_BYTES, "Client Key", 10, client);
	ok &= crypto_sha256(client, SHA256_BYTES, stored);
	ok &= auth_equal(stored, v->stored_key, SCRAM_KEY_BYTES);
	auth_wipe(salted, sizeof(salted));
	auth_wipe(client, sizeof(client));
	return ok;
}

bool auth_check_plain(const struct auth_verifier *v, const char *user, const char *password)
{
	char md5[MD5_HEX_BYTES];
	bool ok;

	if (v->has_scram || !v->has_md5)
		return check_plain_scram(v, password) && v->has_scram && !v->is_mock;
	ok = crypto_md5_hex(password, strlen(password), user, strlen(user), md5);
	ok &= auth_equal((const uint8_t *)md5, (const uint8_t *)v->md5, 32);
	auth_wipe(md5, sizeof(md5));
	return ok && !v->is_mock;
}
