/* One accepted TLS connection: its handshake and its way to the socket.
 *
 * Bytes reach OpenSSL through a BIO of ours: first those that had been read before anyone
 * knew that they were TLS, then the socket's. A send never raises SIGPIPE.
 * Failure modes: the first reason of a failed handshake is kept for the log. */
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "pgmosaic/base/buf.h"
#include "pgmosaic/base/mem.h"
#include "tls_internal.h"

struct tls_link {
	SSL *ssl;
	int fd;
	struct buf early;
	char reason[TLS_REASON_BYTES];
};

static int link_read(BIO *bio, char *out, int size)
{
	struct tls_link *k = BIO_get_data(bio);
	size_t had = buf_len(&k->early);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	if (had) {
		n = had < (size_t)size ? (ssize_t)had : size;
		memcpy(out, buf_head(&k->early), (size_t)n);
		buf_consume(&k->early, (size_t)n);
		return (int)n;
	}
	n = recv(k->fd, out, (size_t)size, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(bio);
	return (int)n;
}

static int link_write(BIO *bio, const char *p, int n)
{
	struct tls_link *k = BIO_get_data(bio);
	ssize_t sent = send(k->fd, p, (size_t)n, MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)sent;
}

static long link_control(BIO *bio, int command, long number, void *p)
{
	(void)bio;
	(void)number;
	(void)p;
	return command == BIO_CTRL_FLUSH; /* nothing is held back; nothing else is known */
}

static BIO_METHOD *method;
static CRYPTO_ONCE method_once = CRYPTO_ONCE_STATIC_INIT;

static void method_free(void)
{
	BIO_meth_free(method);
}

static void method_make(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
	if (!method)
		return;
	BIO_meth_set_read(method, link_read);
	BIO_meth_set_write(method, link_write);
	BIO_meth_set_ctrl(method, link_control);
	OPENSSL_atexit(method_free);
}

struct tls_link *tls_link_create(const struct tls_server *t, int fd, const void *early, size_t n)
{
	struct tls_link *k = mem_zero(1, sizeof(*k));
	BIO *bio = NULL;

	k->fd = fd;
	buf_init(&k->early, n + 1);
	k->ssl = SSL_new(t->ctx);
	if (CRYPTO_THREAD_run_once(&method_once, method_make) && method)
		bio = BIO_new(method);
	if (!k->ssl || !bio || (n && !buf_append(&k->early, early, n))) {
		BIO_free(bio);
		tls_link_destroy(k, false);
		return NULL;
	}
	BIO_set_data(bio, k);
	BIO_set_init(bio, 1);
	SSL_set_bio(k->ssl, bio, bio);
	SSL_set_accept_state(k->ssl);
	return k;
}

void tls_link_destroy(struct tls_link *k, bool is_sound)
{
	ERR_clear_error();
	if (is_sound && SSL_is_init_finished(k->ssl))
		SSL_shutdown(k->ssl); /* the peer sees an end, not a cut */
	ERR_clear_error();
	SSL_free(k->ssl);
	buf_finish(&k->early);
	free(k);
}

SSL *tls_link_ssl(struct tls_link *k)
{
	return k->ssl;
}

const char *tls_link_reason(const struct tls_link *k)
{
	return k->reason;
}

static void note_failure(struct tls_link *k, int error)
{
	long verify = SSL_get_verify_result(k->ssl);

	if (verify != X509_V_OK) {
		strncpy(k->reason, X509_verify_cert_error_string(verify), sizeof(k->reason) - 1);
		ERR_clear_error();
	} else if (error == SSL_ERROR_SSL) {
		tls_reason(k->reason, "the client does not speak TLS");
	} else {
		tls_reason(k->reason, "the client left");
	}
}

enum tls_step tls_link_handshake(struct tls_link *k)
{
	int done, error;

	ERR_clear_error();
	done = SSL_do_handshake(k->ssl);
	if (done == 1)
		return TLS_STEP_DONE;
	error = SSL_get_error(k->ssl, done);
	if (error == SSL_ERROR_WANT_READ)
		return TLS_STEP_READ;
	if (error == SSL_ERROR_WANT_WRITE)
		return TLS_STEP_WRITE;
	note_failure(k, error);
	return TLS_STEP_FAILED;
}
