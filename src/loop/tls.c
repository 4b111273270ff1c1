/* What all accepted TLS connections share. */
#include "pgmosaic/loop/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pgmosaic/base/mem.h"
#include "tls_internal.h"

static const unsigned char alpn_protocol[] = "\012postgresql"; /* its length in front */

void tls_reason(char out[TLS_REASON_BYTES], const char *fallback)
{
	unsigned long code = ERR_get_error();
	const char *text = code ? ERR_reason_error_string(code) : NULL;

	/* OpenSSL has no words for what the system said. */
	if (code && ERR_SYSTEM_ERROR(code))
		text = strerror(ERR_GET_REASON(code));
	strncpy(out, text ? text : fallback, TLS_REASON_BYTES - 1);
	out[TLS_REASON_BYTES - 1] = 0;
	ERR_clear_error();
}

static enum status file_refused(struct err *err, const char *key, const char *path,
				const char *hint)
{
	char reason[TLS_REASON_BYTES];

	tls_reason(reason, "it is not usable");
	err_set(err, STATUS_CONFIG, "tls.%s: %s: %s", key, path, reason);
	err_hint(err, "%s", hint);
	return STATUS_CONFIG;
}

/* PostgreSQL's rule: ours and private, or root's and readable by our group. */
static enum status check_key_file(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		err_set(err, STATUS_CONFIG, "tls.key: %s: %s", path, strerror(errno));
		err_hint(err, "Write the path of the private key, in PEM form.");
		return STATUS_CONFIG;
	}
	if (S_ISREG(st.st_mode) &&
	    (st.st_uid == geteuid() ? (st.st_mode & 077) == 0
				    : st.st_uid == 0 && (st.st_mode & 037) == 0))
		return STATUS_OK;
	err_set(err, STATUS_CONFIG, "tls.key: %s can be read by others, or is another user's",
		path);
	err_hint(err, "chmod 600 it, owned by the proxy's user; or 640, owned by root.");
	return STATUS_CONFIG;
}

static int no_passphrase(char *out, int size, int is_writing, void *ctx)
{
	(void)out;
	(void)size;
	(void)is_writing;
	(void)ctx;
	return -1; /* or OpenSSL would ask on the terminal */
}

static enum status load_key(SSL_CTX *ctx, const struct tls_options *o, struct err *err)
{
	enum status st;

	if (SSL_CTX_use_certificate_chain_file(ctx, o->cert) != 1)
		return file_refused(err, "cert", o->cert,
				    "Write the path of the server's certificate, in PEM form, "
				    "followed by its intermediate ones.");
	st = check_key_file(o->key, err);
	if (st != STATUS_OK)
		return st;
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	if (SSL_CTX_use_PrivateKey_file(ctx, o->key, SSL_FILETYPE_PEM) != 1)
		return file_refused(err, "key", o->key,
				    "Write the path of the certificate's private key, in PEM form "
				    "and without a passphrase.");
	if (SSL_CTX_check_private_key(ctx) != 1)
		return file_refused(err, "key", o->key,
				    "The key and tls.cert do not belong together.");
	return STATUS_OK;
}

static enum status load_ca(SSL_CTX *ctx, const struct tls_options *o, struct err *err)
{
	STACK_OF(X509_NAME) * names;

	if (!o->ca)
		return STATUS_OK;
	names = SSL_load_client_CA_file(o->ca);
	if (!names || SSL_CTX_load_verify_file(ctx, o->ca) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return file_refused(err, "ca", o->ca,
				    "Write the path of the certificates that sign the clients' "
				    "certificates, in PEM form.");
	}
	SSL_CTX_set_client_CA_list(ctx, names);
	SSL_CTX_set_verify(
		ctx, SSL_VERIFY_PEER | (o->needs_client_cert ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
		NULL);
	return STATUS_OK;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *n_out,
		       const unsigned char *in, unsigned n_in, void *ctx)
{
	unsigned char *chosen = NULL;

	(void)ssl;
	(void)ctx;
	if (SSL_select_next_proto(&chosen, n_out, alpn_protocol, sizeof(alpn_protocol) - 1, in,
				  n_in) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL; /* it speaks something else */
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static void set_rules(SSL_CTX *ctx, const struct tls_options *o)
{
	SSL_CTX_set_min_proto_version(ctx, o->only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	/* A write that is tried again may come from a buffer that has moved. An idle connection
	 * holds no buffers. */
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
}

/* RFC 5929: the digest of the certificate's signature, SHA-256 in place of MD5 and SHA-1. */
static void find_binding(struct tls_server *t)
{
	X509 *cert = SSL_CTX_get0_certificate(t->ctx);
	int digest = NID_undef;
	unsigned n = 0;

	if (!cert || X509_get_signature_info(cert, &digest, NULL, NULL, NULL) != 1 ||
	    digest == NID_undef) {
		ERR_clear_error();
		return;
	}
	if (digest == NID_md5 || digest == NID_sha1)
		digest = NID_sha256;
	if (EVP_get_digestbynid(digest) &&
	    X509_digest(cert, EVP_get_digestbynid(digest), t->binding, &n) == 1)
		t->n_binding = n;
	ERR_clear_error();
}

enum status tls_server_create(const struct tls_options *o, struct tls_server **out, struct err *err)
{
	struct tls_server *t = mem_zero(1, sizeof(*t));
	enum status st;

	t->ctx = SSL_CTX_new(TLS_server_method());
	if (!t->ctx) {
		free(t);
		return err_set(err, STATUS_INTERNAL, "the TLS library could not be started");
	}
	set_rules(t->ctx, o);
	st = load_key(t->ctx, o, err);
	if (st == STATUS_OK)
		st = load_ca(t->ctx, o, err);
	if (st != STATUS_OK) {
		tls_server_destroy(t);
		return st;
	}
	find_binding(t);
	*out = t;
	return STATUS_OK;
}

void tls_server_destroy(struct tls_server *t)
{
	if (!t)
		return;
	SSL_CTX_free(t->ctx);
	free(t);
}

size_t tls_server_binding(const struct tls_server *t, uint8_t out[TLS_BINDING_MAX])
{
	memcpy(out, t->binding, t->n_binding);
	return t->n_binding;
}
