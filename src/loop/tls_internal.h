/* Between tls.c (what all connections share) and tls_link.c (one connection). */
#ifndef LOOP_TLS_INTERNAL_H
#define LOOP_TLS_INTERNAL_H

#include <openssl/ssl.h>
#include "pgmosaic/loop/tls.h"

struct tls_server {
	SSL_CTX *ctx;
	uint8_t binding[TLS_BINDING_MAX];
	size_t n_binding;
};

#define TLS_REASON_BYTES 160

/* OpenSSL's oldest error of this thread as text, or `fallback`; the queue is empty after. */
void tls_reason(char out[TLS_REASON_BYTES], const char *fallback);

/* ---- one connection ---- */
enum tls_step { TLS_STEP_DONE, TLS_STEP_READ, TLS_STEP_WRITE, TLS_STEP_FAILED };

struct tls_link;

/* NULL: no memory. The first n bytes of the handshake were read already. */
struct tls_link *tls_link_create(const struct tls_server *t, int fd, const void *early, size_t n);
/* Says goodbye when the connection is sound; the socket stays open. */
void tls_link_destroy(struct tls_link *k, bool is_sound);
SSL *tls_link_ssl(struct tls_link *k);
/* As far as the socket lets it; READ or WRITE: what to wait for. */
enum tls_step tls_link_handshake(struct tls_link *k);
const char *tls_link_reason(const struct tls_link *k);

#endif
