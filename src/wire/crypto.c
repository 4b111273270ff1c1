#include "wire/crypto.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

bool crypto_sha256(const void *p, size_t n, uint8_t out[SHA256_BYTES])
{
	memset(out, 0, SHA256_BYTES);
	return EVP_Digest(p, n, out, NULL, EVP_sha256(), NULL) == 1;
}

bool crypto_hmac(const uint8_t *key, size_t n_key, const void *p, size_t n,
		 uint8_t out[SHA256_BYTES])
{
	unsigned size = SHA256_BYTES;

	memset(out, 0, SHA256_BYTES);
	return HMAC(EVP_sha256(), key, (int)n_key, p, n, out, &size) != NULL;
}

bool crypto_pbkdf2(const char *password, const uint8_t *salt, size_t n_salt, uint32_t iterations,
		   uint8_t out[SHA256_BYTES])
{
	memset(out, 0, SHA256_BYTES);
	return PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, (int)n_salt,
				 (int)iterations, EVP_sha256(), SHA256_BYTES, out) == 1;
}

static bool md5(const void *a, size_t n_a, const void *b, size_t n_b, uint8_t out[16])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_md5(), NULL) == 1 &&
		  EVP_DigestUpdate(ctx, a, n_a) == 1 && EVP_DigestUpdate(ctx, b, n_b) == 1 &&
		  EVP_DigestFinal_ex(ctx, out, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

bool crypto_md5_hex(const void *a, size_t n_a, const void *b, size_t n_b, char out[MD5_HEX_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t raw[16] = { 0 };
	bool ok = md5(a, n_a, b, n_b, raw);

	for (size_t i = 0; i < sizeof(raw); i++) {
		out[2 * i] = digits[raw[i] >> 4];
		out[2 * i + 1] = digits[raw[i] & 15];
	}
	out[32] = '\0';
	return ok;
}

void crypto_base64(const uint8_t *p, size_t n, char *out)
{
	EVP_EncodeBlock((unsigned char *)out, p, (int)n);
}

static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

static size_t padding(const char *p, size_t n)
{
	if (n == 0 || p[n - 1] != '=')
		return 0;
	return p[n - 2] == '=' ? 2 : 1;
}

int crypto_unbase64(const char *p, size_t n, uint8_t *out, size_t size)
{
	size_t pad, length;
	uint32_t bits = 0;

	if (n % 4 || n / 4 > size / 3 + 1)
		return -1;
	pad = padding(p, n);
	length = n / 4 * 3 - pad;
	if (length > size)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int v = i >= n - pad ? 0 : sextet(p[i]);

		if (v < 0)
			return -1;
		bits = bits << 6 | (uint32_t)v;
		if (i % 4 != 3)
			continue;
		for (size_t at = i / 4 * 3, k = 0; k < 3 && at + k < length; k++)
			out[at + k] = (uint8_t)(bits >> (16 - 8 * k));
	}
	return (int)length;
}
