/* TLS for connections that we accept: certificate, key and rules, shared by many streams.
 *
 * Happy path: tls_server_create() reads the files; stream_accept_tls() (loop/stream.h) runs
 * handshakes with it; a reload makes a new one for the connections to come.
 * What it does: TLS 1.2 or newer, no compression, renegotiation, session tickets or early data.
 * With a `ca` clients are asked for a certificate, and one that does not check out ends the
 * handshake; whether one must be shown is `needs_client_cert`. A client that names protocols (ALPN)
 * must name "postgresql".
 * Failure: STATUS_CONFIG with the file and OpenSSL's reason. A key that other users can read
 * is refused, as PostgreSQL does.
 * Ownership: it must live as long as a stream may start a handshake with it; streams in use
 * hold what they need themselves.
 * Threads: create on any; afterwards read-only. It reads files: not on a worker. */
#ifndef PGMOSAIC_LOOP_TLS_H
#define PGMOSAIC_LOOP_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "pgmosaic/base/err.h"

#define TLS_BINDING_MAX 64

struct tls_options {
	const char *cert, *key; /* PEM; cert: with its chain */
	const char *ca;		/* PEM; NULL: clients are not asked for certificates */
	bool needs_client_cert;
	bool only_1_3;
};

struct tls_server;

enum status tls_server_create(const struct tls_options *options, struct tls_server **out,
			      struct err *err);
void tls_server_destroy(struct tls_server *t); /* NULL is fine */
/* Channel binding "tls-server-end-point" (RFC 5929): the certificate's hash. 0 bytes: not
 * defined for this certificate (Ed25519), so SCRAM-SHA-256-PLUS cannot be offered. */
size_t tls_server_binding(const struct tls_server *t, uint8_t out[TLS_BINDING_MAX]);

#endif
