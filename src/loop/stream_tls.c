/* What an accepted TLS connection tells about itself. */
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "pgmosaic/loop/stream.h"
#include "tls_internal.h"

const char *stream_tls_reason(const struct stream *s)
{
	return s->link ? tls_link_reason(s->link) : "";
}

void stream_tls_describe(const struct stream *s, char *out, size_t size)
{
	if (!s->ssl || s->handshaking)
		*out = 0;
	else
		snprintf(out, size, "%s/%s", SSL_get_version(s->ssl), SSL_get_cipher_name(s->ssl));
}

bool stream_tls_has_alpn(const struct stream *s)
{
	const unsigned char *name = NULL;
	unsigned n = 0;

	if (s->ssl)
		SSL_get0_alpn_selected(s->ssl, &name, &n);
	return n > 0;
}

static void common_name(X509 *cert, char *out, size_t size)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	ASN1_STRING *value;
	unsigned char *text = NULL;
	int n;

	*out = 0;
	if (at < 0)
		return;
	value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	n = ASN1_STRING_to_UTF8(&text, value);
	/* A zero byte inside would let "app\0.evil" pass for "app". */
	if (n > 0 && (size_t)n < size && !memchr(text, 0, (size_t)n)) {
		memcpy(out, text, (size_t)n);
		out[n] = 0;
	}
	OPENSSL_free(text);
}

bool stream_tls_client_name(const struct stream *s, char *out, size_t size)
{
	X509 *cert = s->link && !s->handshaking ? SSL_get1_peer_certificate(s->ssl) : NULL;

	*out = 0;
	if (!cert || SSL_get_verify_result(s->ssl) != X509_V_OK) {
		X509_free(cert);
		return false;
	}
	common_name(cert, out, size);
	X509_free(cert);
	return true;
}
