/* The few primitives of SCRAM and md5, over OpenSSL. False: OpenSSL refused (for example
 * md5 in FIPS mode); the output is then all zero. */
#ifndef WIRE_CRYPTO_H
#define WIRE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES   32
#define MD5_HEX_BYTES  33 /* with the zero */
#define BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)

bool crypto_sha256(const void *p, size_t n, uint8_t out[SHA256_BYTES]);
bool crypto_hmac(const uint8_t *key, size_t n_key, const void *p, size_t n,
		 uint8_t out[SHA256_BYTES]);
bool crypto_pbkdf2(const char *password, const uint8_t *salt, size_t n_salt, uint32_t iterations,
		   uint8_t out[SHA256_BYTES]);
/* Hex of md5(a || b). */
bool crypto_md5_hex(const void *a, size_t n_a, const void *b, size_t n_b, char out[MD5_HEX_BYTES]);
/* Writes BASE64_SIZE(n) bytes, zero included. */
void crypto_base64(const uint8_t *p, size_t n, char *out);
/* Strict: whole quartets, right padding, nothing else. -1 when bad or above `size`. */
int crypto_unbase64(const char *p, size_t n, uint8_t *out, size_t size);

#endif
