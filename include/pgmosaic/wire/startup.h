/* The first packets of a connection, which have no type byte.
 *
 * Happy path: wire_startup_next() on all bytes so far, acting on `kind`, consuming
 * `size` bytes: SSL and GSSENC get one byte as answer and the next packet follows;
 * CANCEL gets no answer at all; SESSION starts a log-in.
 * Waiting: STARTUP_MORE.
 * Failure: STARTUP_BAD with `err` (08P01, 0A000, 28000 …), to be sent as FATAL when
 * `answer` is set; else the bytes are not PostgreSQL's at all: close without a word.
 * The caller's part: each of SSL and GSSENC at most once, and after 'S' no byte of
 * plain text may be buffered already (n > size: close).
 * Ownership: texts point into the bytes given. Threads: any. Pure. */
#ifndef PGMOSAIC_WIRE_STARTUP_H
#define PGMOSAIC_WIRE_STARTUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "pgmosaic/base/arena.h"
#include "pgmosaic/base/err.h"

#define WIRE_STARTUP_MAX_BYTES	    10000
#define WIRE_STARTUP_MAX_PARAMS	    256
#define WIRE_PROTOCOL(major, minor) ((uint32_t)(major) << 16 | (uint32_t)(minor))
#define WIRE_PROTOCOL_MAJOR	    3
#define WIRE_PROTOCOL_MINOR	    2 /* the newest we speak */
#define WIRE_CANCEL_KEY_MAX	    256

enum wire_startup_kind {
	STARTUP_MORE,
	STARTUP_SSL,	    /* SSLRequest */
	STARTUP_GSSENC,	    /* GSSENCRequest */
	STARTUP_CANCEL,	    /* pid, key, n_key */
	STARTUP_SESSION,    /* major, minor, params */
	STARTUP_DIRECT_TLS, /* a TLS ClientHello; nothing to consume */
	STARTUP_BAD,
};

struct wire_param {
	const char *name, *value;
};

struct wire_startup {
	enum wire_startup_kind kind;
	size_t size; /* bytes of the packet */

	uint32_t pid; /* STARTUP_CANCEL */
	const uint8_t *key;
	size_t n_key;

	uint16_t major, minor; /* STARTUP_SESSION; as asked for */
	const char *user;
	const char *database;	 /* the user's name when not given */
	const char *options;	 /* NULL: none */
	const char *replication; /* NULL: none */
	/* All others, in order: settings such as client_encoding, application_name, search_path. */
	uint16_t n_params;
	struct wire_param params[WIRE_STARTUP_MAX_PARAMS];
	/* Protocol extensions that the client asked for (_pq_.…); we know none. */
	uint16_t n_unknown;
	const char *unknown[WIRE_STARTUP_MAX_PARAMS];

	bool answer; /* STARTUP_BAD: worth a FATAL */
	struct err err;
};

enum wire_startup_kind wire_startup_next(const uint8_t *p, size_t n, struct wire_startup *out);

/* The version to speak with this client, and whether a NegotiateProtocolVersion must go
 * out (once) before the authentication request. */
uint32_t wire_startup_version(const struct wire_startup *s, bool *negotiate);
/* Bytes of the cancel key for this version: 4 below 3.2, else 32. */
size_t wire_cancel_key_size(uint32_t version);

enum wire_replication {
	REPLICATION_NONE,
	REPLICATION_PHYSICAL,
	REPLICATION_DATABASE,
	REPLICATION_INVALID
};

/* The value of the "replication" parameter; NULL means none. */
enum wire_replication wire_startup_replication(const char *value);

/* The "options" parameter: -c name=value, -cname=value, --name=value, words separated by
 * white space, a backslash protects the next byte. Dashes in names become underscores.
 * Failure: 42601 for any other switch or a missing value. Settings live in the arena. */
enum status wire_options_parse(struct arena *arena, const char *options,
			       struct wire_param **settings, uint16_t *n, struct err *err);

#endif
