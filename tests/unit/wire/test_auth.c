#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "pgmosaic/wire/auth.h"

/* RFC 7677, section 3; the keys of its password "pencil" and salt by another implementation. */
#define RFC_SALT "W22ZaJ0SNY7soEsUEjb6gQ=="
#define RFC_KEYS \
	"WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
#define RFC_VERIFIER "SCRAM-SHA-256$4096:" RFC_SALT "$" RFC_KEYS
#define RFC_CLIENT   "rOprNGfwEbeRWgbNEkqO"
#define RFC_SERVER   "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define RFC_NONCE    RFC_CLIENT RFC_SERVER
#define RFC_FIRST    "n,,n=user,r=" RFC_CLIENT
#define RFC_FINAL    "c=biws,r=" RFC_NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define RFC_FINAL_Y  "c=eSws,r=" RFC_NONCE ",p=FoqiHTtQEDE8lz1CdaEe3tK4mS+iMDTl77SPyDS53DY="

static struct auth_verifier v;
static struct scram s;
static struct buf out;
static struct err err;

static int setup(void **state)
{
	(void)state;
	memset(&err, 0, sizeof(err));
	buf_init(&out, 10000);
	assert_int_equal(auth_verifier_from_password(&v, "user", RFC_VERIFIER, &err), STATUS_OK);
	assert_true(scram_start(&s, &v, "user"));
	strcpy(s.server_nonce, RFC_SERVER);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_finish(&out);
	return 0;
}

static enum status say(const char *message)
{
	buf_clear(&out);
	return scram_step(&s, (const uint8_t *)message, strlen(message), &out, &err);
}

static void assert_answer(const char *want)
{
	assert_int_equal(buf_len(&out), strlen(want));
	assert_memory_equal(buf_head(&out), want, strlen(want));
}

static void the_exchange_of_rfc_7677_succeeds(void **state)
{
	(void)state;
	assert_int_equal(say(RFC_FIRST), STATUS_OK);
	assert_answer("r=" RFC_NONCE ",s=" RFC_SALT ",i=4096");
	assert_int_equal(s.state, SCRAM_CLIENT_FINAL);
	assert_int_equal(say(RFC_FINAL), STATUS_OK);
	assert_answer("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
	assert_int_equal(s.state, SCRAM_DONE);
}

static void a_client_that_could_bind_channels_is_accepted(void **state)
{
	(void)state;
	assert_int_equal(say("y,,n=user,r=" RFC_CLIENT), STATUS_OK);
	assert_int_equal(say(RFC_FINAL_Y), STATUS_OK);
	assert_int_equal(s.state, SCRAM_DONE);
}

static void the_flag_must_be_repeated_as_it_was(void **state)
{
	(void)state;
	assert_int_equal(say(RFC_FIRST), STATUS_OK);
	assert_int_equal(say(RFC_FINAL_Y), STATUS_PROTOCOL);
	assert_string_equal(err.message,
			    "unexpected SCRAM channel-binding attribute in client-final-message");
	assert_int_equal(s.state, SCRAM_FAILED);
}

static void the_name_in_the_exchange_does_not_count(void **state)
{
	(void)state;
	assert_int_equal(say("n,,n=,r=" RFC_CLIENT), STATUS_OK);
	assert_int_equal(s.state, SCRAM_CLIENT_FINAL);
}

static void a_wrong_proof_fails_with_28P01(void **state)
{
	char final[] = RFC_FINAL;

	(void)state;
	final[strlen(final) - 2] = 'A'; /* the last quartet: another proof of the right length */
	final[strlen(final) - 10] ^= 1;
	say(RFC_FIRST);
	assert_int_equal(say(final), STATUS_AUTH);
	assert_string_equal(err.code, "28P01");
	assert_string_equal(err.message, "password authentication failed for user \"user\"");
	assert_int_equal(buf_len(&out), 0);
	assert_int_equal(s.state, SCRAM_FAILED);
	assert_int_equal(say(RFC_FINAL), STATUS_PROTOCOL); /* no second guess */
}

static void a_foreign_nonce_fails(void **state)
{
	(void)state;
	say(RFC_FIRST);
	assert_int_equal(
		say("c=biws,r=" RFC_CLIENT ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
		STATUS_PROTOCOL);
	assert_string_equal(err.detail, "Nonce does not match.");
}

static void malformed_first_messages_fail_cleanly(void **state)
{
	static const char *const table[] = {
		"",
		"n",
		"x,,n=a,r=b",
		"n,n=a,r=b",
		"p=tls-unique,,n=a,r=b",
		"n,a=admin,n=a,r=b",
		"n,,m=x,n=a,r=b",
		"n,,r=b,n=a",
		"n,,n=a",
		"n,,n=a,",
		"n,,n=a,r=",
		"n,,n=a,r=\x7F",
		"n,,n=a,r=a b",
		"n,,n=a,r=b,?",
		"n,,n=a,r=b,x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_true(scram_start(&s, &v, "user"));
		assert_int_equal(say(table[i]), STATUS_PROTOCOL);
		assert_int_equal(s.state, SCRAM_FAILED);
		assert_int_equal(buf_len(&out), 0);
		assert_int_equal(say(RFC_FIRST), STATUS_PROTOCOL);
	}
}

static void malformed_final_messages_fail_cleanly(void **state)
{
	static const char *const table[] = {
		"c=biws",
		"c=biws,r=" RFC_NONCE,
		"c=biws,r=" RFC_NONCE ",",
		"c=biws,r=" RFC_NONCE ",p=",
		"c=biws,r=" RFC_NONCE ",p=AAAA",
		"c=biws,r=" RFC_NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ",
		"c=biws,r=" RFC_NONCE ",p=dHzbZapWIk4jUhN*Ute9ytag9zjfMHgsqmmiz7AndVQ=",
		RFC_FINAL ",x=y",
		RFC_FINAL ",",
		"r=" RFC_NONCE ",c=biws,p=AAAA",
		"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_true(scram_start(&s, &v, "user"));
		strcpy(s.server_nonce, RFC_SERVER);
		assert_int_equal(say(RFC_FIRST), STATUS_OK);
		assert_int_equal(say(table[i]), STATUS_PROTOCOL);
		assert_int_equal(s.state, SCRAM_FAILED);
	}
}

static void long_messages_and_zeros_inside_are_refused(void **state)
{
	uint8_t *large = malloc(SCRAM_MESSAGE_MAX + 1);

	(void)state;
	memset(large, 'a', SCRAM_MESSAGE_MAX + 1);
	memcpy(large, "n,,n=a,r=", 9);
	assert_int_equal(scram_step(&s, large, SCRAM_MESSAGE_MAX + 1, &out, &err), STATUS_PROTOCOL);
	assert_true(scram_start(&s, &v, "user"));
	assert_int_equal(scram_step(&s, large, SCRAM_MESSAGE_MAX, &out, &err), STATUS_OK);
	assert_true(scram_start(&s, &v, "user"));
	assert_int_equal(scram_step(&s, (const uint8_t *)"n,,n=a,r=b\0", 11, &out, &err),
			 STATUS_PROTOCOL);
	free(large);
}

/* A client of our own, for what has no published vector. */
static void client_final(const char *password, const char *server_first, char *final, size_t size)
{
	char nonce[200], salt64[100], message[1000], proof64[64];
	uint8_t salt[64], salted[32], key[32], stored[32], signature[32];
	unsigned iterations, n = 32;
	int n_salt;

	assert_int_equal(
		sscanf(server_first, "r=%199[^,],s=%99[^,],i=%u", nonce, salt64, &iterations), 3);
	n_salt = EVP_DecodeBlock(salt, (uint8_t *)salt64, (int)strlen(salt64));
	for (size_t i = strlen(salt64); salt64[--i] == '=';)
		n_salt--;
	PKCS5_PBKDF2_HMAC(password, -1, salt, n_salt, (int)iterations, EVP_sha256(), 32, salted);
	HMAC(EVP_sha256(), salted, 32, (const uint8_t *)"Client Key", 10, key, &n);
	EVP_Digest(key, 32, stored, NULL, EVP_sha256(), NULL);
	snprintf(message, sizeof(message), "n=,r=abc,%s,c=biws,r=%s", server_first, nonce);
	HMAC(EVP_sha256(), stored, 32, (uint8_t *)message, strlen(message), signature, &n);
	for (int i = 0; i < 32; i++)
		key[i] ^= signature[i];
	EVP_EncodeBlock((uint8_t *)proof64, key, 32);
	snprintf(final, size, "c=biws,r=%s,p=%s", nonce, proof64);
}

static enum status log_in(const struct auth_verifier *verifier, const char *password)
{
	char first[500], final[500];

	assert_true(scram_start(&s, verifier, "bob"));
	assert_int_equal(say("n,,n=,r=abc"), STATUS_OK);
	snprintf(first, sizeof(first), "%.*s", (int)buf_len(&out), (char *)buf_head(&out));
	client_final(password, first, final, sizeof(final));
	return say(final);
}

static void a_plain_password_serves_both_methods(void **state)
{
	static const uint8_t salt[4] = { 1, 2, 3, 4 };

	(void)state;
	assert_int_equal(auth_verifier_from_password(&v, "app", "secret", &err), STATUS_OK);
	assert_int_equal(v.iterations, 4096);
	assert_int_equal(v.n_salt, 16);
	assert_int_equal(log_in(&v, "secret"), STATUS_OK);
	assert_int_equal(s.state, SCRAM_DONE);
	assert_int_equal(log_in(&v, "Secret"), STATUS_AUTH);
	assert_int_equal(log_in(&v, ""), STATUS_AUTH);
	assert_string_equal(v.md5, "6a422f785c9e20873908ce25d1736ae2");
	assert_true(auth_check_md5(&v, salt, "md5911f527656472583a006e7727877b33e"));
	assert_false(auth_check_md5(&v, salt, "md5911f527656472583a006e7727877b33f"));
	assert_false(auth_check_md5(&v, salt, "md5911f527656472583a006e7727877b33"));
	assert_false(auth_check_md5(&v, salt, ""));
	assert_false(auth_check_md5(&v, salt, "md56a422f785c9e20873908ce25d1736ae2"));
}

static void a_password_outside_ascii_is_taken_as_its_bytes(void **state)
{
	(void)state;
	assert_int_equal(auth_verifier_from_password(&v, "app", "pässwörd🔑", &err), STATUS_OK);
	assert_int_equal(log_in(&v, "pässwörd🔑"), STATUS_OK);
	assert_int_equal(log_in(&v, "password"), STATUS_AUTH);
}

static void two_users_with_one_password_have_different_salts(void **state)
{
	struct auth_verifier w;

	(void)state;
	assert_int_equal(auth_verifier_from_password(&v, "a", "secret", &err), STATUS_OK);
	assert_int_equal(auth_verifier_from_password(&w, "b", "secret", &err), STATUS_OK);
	assert_memory_not_equal(v.salt, w.salt, 16);
}

static void an_md5_password_serves_md5_and_fails_in_scram(void **state)
{
	static const uint8_t salt[4] = { 1, 2, 3, 4 };
	char first[sizeof(s.server_first)];

	(void)state;
	assert_int_equal(
		auth_verifier_from_password(&v, "app", "md56a422f785c9e20873908ce25d1736ae2", &err),
		STATUS_OK);
	assert_false(v.has_scram);
	assert_true(auth_check_md5(&v, salt, "md5911f527656472583a006e7727877b33e"));
	assert_int_equal(log_in(&v, "secret"), STATUS_AUTH);
	snprintf(first, sizeof(first), "%s", s.server_first);
	assert_int_equal(log_in(&v, "secret"), STATUS_AUTH); /* the salt is the same each time */
	assert_string_equal(strstr(first, ",s="), strstr(s.server_first, ",s="));
}

static void a_scram_password_fails_in_md5(void **state)
{
	static const uint8_t salt[4] = { 1, 2, 3, 4 };
	struct auth_verifier none = v;

	(void)state;
	assert_false(none.has_md5);
	assert_false(auth_check_md5(&none, salt, "md5911f527656472583a006e7727877b33e"));
}

static void malformed_verifiers_are_configuration_errors(void **state)
{
	static const char *const table[] = {
		"",
		"SCRAM-SHA-256$",
		"SCRAM-SHA-256$4096",
		"SCRAM-SHA-256$4096:" RFC_SALT,
		"SCRAM-SHA-256$0:" RFC_SALT "$" RFC_KEYS,
		"SCRAM-SHA-256$-1:" RFC_SALT "$" RFC_KEYS,
		"SCRAM-SHA-256$2000000:" RFC_SALT "$" RFC_KEYS,
		"SCRAM-SHA-256$99999999999999999999:" RFC_SALT "$" RFC_KEYS,
		"SCRAM-SHA-256$4096:$" RFC_KEYS,
		"SCRAM-SHA-256$4096:" RFC_SALT "$" RFC_KEYS "AAAA",
		"SCRAM-SHA-256$4096:" RFC_SALT "$AAAA:AAAA",
		"SCRAM-SHA-256$4096:*===$" RFC_KEYS,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		memset(&err, 0, sizeof(err));
		assert_int_equal(auth_verifier_from_password(&v, "bob", table[i], &err),
				 STATUS_CONFIG);
		assert_non_null(strstr(err.message, "bob"));
		assert_null(strstr(err.message, RFC_SALT));
	}
}

static void hashed_passwords_are_told_from_plain_ones(void **state)
{
	(void)state;
	assert_true(auth_password_is_hashed(RFC_VERIFIER));
	assert_true(auth_password_is_hashed("md56a422f785c9e20873908ce25d1736ae2"));
	assert_false(auth_password_is_hashed("md5isgreat"));
	assert_false(auth_password_is_hashed("secret"));
	assert_false(auth_password_is_hashed("md56A422F785C9E20873908CE25D1736AEX"));
}

static void an_unknown_user_meets_the_same_exchange_each_time_and_fails(void **state)
{
	static const uint8_t secret[32] = "a secret of this process", other[32] = "another";
	struct auth_verifier a, b;

	(void)state;
	auth_verifier_mock(&a, "nobody", secret);
	auth_verifier_mock(&b, "nobody", secret);
	assert_memory_equal(a.salt, b.salt, 16);
	auth_verifier_mock(&b, "nobody2", secret);
	assert_memory_not_equal(a.salt, b.salt, 16);
	auth_verifier_mock(&b, "nobody", other);
	assert_memory_not_equal(a.salt, b.salt, 16);
	assert_int_equal(a.iterations, 4096);
	assert_int_equal(a.n_salt, 16);
	assert_int_equal(log_in(&a, "secret"), STATUS_AUTH);
	assert_string_equal(err.message, "password authentication failed for user \"bob\"");
	assert_false(auth_check_md5(&a, secret, "md5911f527656472583a006e7727877b33e"));
}

static void a_mock_user_fails_even_with_a_proof_that_fits(void **state)
{
	(void)state;
	s.verifier.is_mock = true;
	assert_int_equal(say(RFC_FIRST), STATUS_OK);
	assert_int_equal(say(RFC_FINAL), STATUS_AUTH);
}

static void the_servers_nonce_is_new_each_time(void **state)
{
	struct scram t;

	(void)state;
	assert_true(scram_start(&s, &v, "user"));
	assert_true(scram_start(&t, &v, "user"));
	assert_int_equal(strlen(s.server_nonce), 24);
	assert_string_not_equal(s.server_nonce, t.server_nonce);
}

static void secrets_are_compared_and_wiped(void **state)
{
	uint8_t a[4] = { 1, 2, 3, 4 }, b[4] = { 1, 2, 3, 5 }, zero[4] = { 0 };

	(void)state;
	assert_true(auth_equal(a, a, 4));
	assert_false(auth_equal(a, b, 4));
	assert_true(auth_equal(a, b, 3));
	auth_wipe(a, 4);
	assert_memory_equal(a, zero, 4);
}

/* ---- channel binding ---- */

#define PLUS_HEADER "p=tls-server-end-point,,"

static const uint8_t certificate_hash[32] = "the hash of a certificate......";

/* The client's last message of a bound exchange, for any header and channel data. */
static enum status bound_log_in(const char *header, const uint8_t *data, size_t n)
{
	uint8_t raw[200], salted[32], key[32], stored[32], signature[32];
	char first[600], server_first[500], binding[300], message[1500], proof[64], final[900];
	unsigned size = 32;
	enum status st;

	snprintf(first, sizeof(first), "%sn=user,r=" RFC_CLIENT, header);
	st = say(first);
	if (st != STATUS_OK)
		return st;
	snprintf(server_first, sizeof(server_first), "%.*s", (int)buf_len(&out),
		 (char *)buf_head(&out));
	memcpy(raw, header, strlen(header));
	memcpy(raw + strlen(header), data, n);
	EVP_EncodeBlock((uint8_t *)binding, raw, (int)(strlen(header) + n));
	PKCS5_PBKDF2_HMAC("pencil", -1, v.salt, v.n_salt, 4096, EVP_sha256(), 32, salted);
	HMAC(EVP_sha256(), salted, 32, (const uint8_t *)"Client Key", 10, key, &size);
	EVP_Digest(key, 32, stored, NULL, EVP_sha256(), NULL);
	snprintf(message, sizeof(message), "n=user,r=%s,%s,c=%s,r=%s", RFC_CLIENT, server_first,
		 binding, RFC_NONCE);
	HMAC(EVP_sha256(), stored, 32, (uint8_t *)message, strlen(message), signature, &size);
	for (int i = 0; i < 32; i++)
		key[i] ^= signature[i];
	EVP_EncodeBlock((uint8_t *)proof, key, 32);
	snprintf(final, sizeof(final), "c=%s,r=%s,p=%s", binding, RFC_NONCE, proof);
	return say(final);
}

static void a_client_that_binds_to_our_certificate_gets_in(void **state)
{
	(void)state;
	scram_offer_binding(&s, certificate_hash, 32);
	assert_int_equal(scram_choose(&s, SCRAM_MECHANISM_PLUS, &err), STATUS_OK);
	assert_int_equal(bound_log_in(PLUS_HEADER, certificate_hash, 32), STATUS_OK);
	assert_int_equal(s.state, SCRAM_DONE);
}

static void a_client_bound_to_another_certificate_fails(void **state)
{
	uint8_t other[32];

	(void)state;
	memcpy(other, certificate_hash, 32);
	other[31] ^= 1;
	scram_offer_binding(&s, certificate_hash, 32);
	assert_int_equal(scram_choose(&s, SCRAM_MECHANISM_PLUS, &err), STATUS_OK);
	assert_int_equal(bound_log_in(PLUS_HEADER, other, 32), STATUS_AUTH);
	assert_string_equal(err.code, "28000");
	assert_string_equal(err.message, "SCRAM channel binding check failed");
	assert_int_equal(s.state, SCRAM_FAILED);
}

static void a_header_without_its_channel_data_fails(void **state)
{
	(void)state;
	scram_offer_binding(&s, certificate_hash, 32);
	assert_int_equal(scram_choose(&s, SCRAM_MECHANISM_PLUS, &err), STATUS_OK);
	assert_int_equal(bound_log_in(PLUS_HEADER, certificate_hash, 0), STATUS_AUTH);
	assert_int_equal(s.state, SCRAM_FAILED);
}

static void a_taken_away_offer_is_noticed(void **state)
{
	(void)state;
	scram_offer_binding(&s, certificate_hash, 32);
	assert_int_equal(scram_choose(&s, SCRAM_MECHANISM, &err), STATUS_OK);
	assert_int_equal(say("y,,n=user,r=" RFC_CLIENT), STATUS_AUTH);
	assert_string_equal(err.code, "28000");
	assert_string_equal(err.message, "SCRAM channel binding negotiation error");
	assert_int_equal(s.state, SCRAM_FAILED);
}

static void a_client_that_cannot_bind_gets_in_beside_the_offer(void **state)
{
	(void)state;
	scram_offer_binding(&s, certificate_hash, 32);
	assert_int_equal(scram_choose(&s, SCRAM_MECHANISM, &err), STATUS_OK);
	assert_int_equal(say(RFC_FIRST), STATUS_OK);
	assert_int_equal(say(RFC_FINAL), STATUS_OK);
	assert_int_equal(s.state, SCRAM_DONE);
}

static void mechanism_and_flag_must_agree(void **state)
{
	static const struct {
		const char *mechanism, *first, *detail;
	} table[] = {
		{ SCRAM_MECHANISM, PLUS_HEADER "n=a,r=b",
		  "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message "
		  "includes channel binding data." },
		{ SCRAM_MECHANISM_PLUS, "n,,n=a,r=b",
		  "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel "
		  "binding data." },
		{ SCRAM_MECHANISM_PLUS, "y,,n=a,r=b",
		  "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel "
		  "binding data." },
		{ SCRAM_MECHANISM_PLUS, "p=tls-unique,,n=a,r=b", "" },
		{ SCRAM_MECHANISM_PLUS, "p=tls-server-end-pointx,,n=a,r=b", "" },
		{ SCRAM_MECHANISM_PLUS, "p=,,n=a,r=b", "" },
		{ SCRAM_MECHANISM_PLUS, "p,,n=a,r=b", "Unexpected channel-binding flag." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_true(scram_start(&s, &v, "user"));
		scram_offer_binding(&s, certificate_hash, 32);
		memset(&err, 0, sizeof(err));
		assert_int_equal(scram_choose(&s, table[i].mechanism, &err), STATUS_OK);
		assert_int_equal(say(table[i].first), STATUS_PROTOCOL);
		assert_string_equal(err.detail, table[i].detail);
		assert_int_equal(s.state, SCRAM_FAILED);
	}
}

static void only_what_was_offered_can_be_chosen(void **state)
{
	(void)state;
	assert_int_equal(scram_choose(&s, SCRAM_MECHANISM_PLUS, &err), STATUS_PROTOCOL);
	assert_int_equal(s.state, SCRAM_FAILED);
	assert_true(scram_start(&s, &v, "user"));
	scram_offer_binding(&s, certificate_hash, 32);
	assert_int_equal(scram_choose(&s, "SCRAM-SHA-1", &err), STATUS_PROTOCOL);
	assert_int_equal(say(RFC_FIRST), STATUS_PROTOCOL);
}

static void the_client_key_is_known_after_the_exchange(void **state)
{
	uint8_t stored[32];

	(void)state;
	assert_int_equal(say(RFC_FIRST), STATUS_OK);
	assert_int_equal(say(RFC_FINAL), STATUS_OK);
	EVP_Digest(s.client_key, 32, stored, NULL, EVP_sha256(), NULL);
	assert_memory_equal(stored, v.stored_key, 32);
}

/* ---- passwords in clear ---- */

static void a_password_in_clear_fits_every_kind_of_verifier(void **state)
{
	static const char *const kinds[] = { "secret", "md56a422f785c9e20873908ce25d1736ae2" };

	(void)state;
	assert_true(auth_check_plain(&v, "user", "pencil"));
	assert_false(auth_check_plain(&v, "user", "Pencil"));
	assert_false(auth_check_plain(&v, "user", ""));
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(auth_verifier_from_password(&v, "app", kinds[i], &err), STATUS_OK);
		assert_true(auth_check_plain(&v, "app", "secret"));
		assert_false(auth_check_plain(&v, "app", "secret2"));
		assert_false(auth_check_plain(&v, "app", kinds[1]));
	}
}

static void no_password_in_clear_fits_a_mock_or_an_empty_verifier(void **state)
{
	static const uint8_t secret[32] = "a secret of this process";
	struct auth_verifier none = { .has_scram = false };

	(void)state;
	auth_verifier_mock(&v, "nobody", secret);
	assert_false(auth_check_plain(&v, "nobody", "secret"));
	assert_false(auth_check_plain(&none, "nobody", ""));
	v = none;
	v.is_mock = v.has_md5 = true;
	memcpy(v.md5, "6a422f785c9e20873908ce25d1736ae2", 33);
	assert_false(auth_check_plain(&v, "app", "secret"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_exchange_of_rfc_7677_succeeds),
		TEST(a_client_that_could_bind_channels_is_accepted),
		TEST(the_flag_must_be_repeated_as_it_was),
		TEST(the_name_in_the_exchange_does_not_count),
		TEST(a_wrong_proof_fails_with_28P01),
		TEST(a_foreign_nonce_fails),
		TEST(malformed_first_messages_fail_cleanly),
		TEST(malformed_final_messages_fail_cleanly),
		TEST(long_messages_and_zeros_inside_are_refused),
		TEST(a_plain_password_serves_both_methods),
		TEST(a_password_outside_ascii_is_taken_as_its_bytes),
		TEST(two_users_with_one_password_have_different_salts),
		TEST(an_md5_password_serves_md5_and_fails_in_scram),
		TEST(a_scram_password_fails_in_md5),
		TEST(malformed_verifiers_are_configuration_errors),
		TEST(hashed_passwords_are_told_from_plain_ones),
		TEST(an_unknown_user_meets_the_same_exchange_each_time_and_fails),
		TEST(a_mock_user_fails_even_with_a_proof_that_fits),
		TEST(the_servers_nonce_is_new_each_time),
		TEST(secrets_are_compared_and_wiped),
		TEST(a_client_that_binds_to_our_certificate_gets_in),
		TEST(a_client_bound_to_another_certificate_fails),
		TEST(a_header_without_its_channel_data_fails),
		TEST(a_taken_away_offer_is_noticed),
		TEST(a_client_that_cannot_bind_gets_in_beside_the_offer),
		TEST(mechanism_and_flag_must_agree),
		TEST(only_what_was_offered_can_be_chosen),
		TEST(the_client_key_is_known_after_the_exchange),
		TEST(a_password_in_clear_fits_every_kind_of_verifier),
		TEST(no_password_in_clear_fits_a_mock_or_an_empty_verifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
