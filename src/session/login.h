/* Logging in, file by file: greet.c the first packets, auth.c who the client is, auth_wait.c
 * what of that blocks, startup.c the order of it all and what follows.
 *
 * Everything here runs in the session's first fiber; false: the client was told, or has left. */
#ifndef SESSION_LOGIN_H
#define SESSION_LOGIN_H

#include "internal.h"
#include "pgmosaic/wire/startup.h"

/* FATAL, unless the client has left. Always false. */
bool login_fatal(struct session *s, const struct err *err);
/* Until the startup packet is there; its texts point into s->in. */
bool greet(struct session *s, struct wire_startup *packet);
/* The rules of the configuration are satisfied, and what the shards want is noted. */
bool authenticate(struct session *s);
/* A failed check: counted, logged, FATAL. Always false. */
bool auth_refused(struct session *s, const struct err *err);

/* ---- auth_wait.c: on another thread, while the fiber waits ---- */
bool auth_wait_plain(struct session *s, const struct auth_verifier *v, const char *password);
/* The name of the operating system's user at the other end of a unix socket. */
bool auth_wait_peer(struct session *s, char *name, size_t size);
/* Ask the home shard for a user that is not in the file. */
enum auth_found auth_wait_user(struct session *s, struct auth_verifier *v, struct err *err);

#endif
