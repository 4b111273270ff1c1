/* What a worker's connections log in to servers with, role by role.
 *
 * Happy path: whenever a client has proved who it is, logins_put() notes what it brought: the
 * password of the configuration, the one it sent in clear, or the keys of its SCRAM exchange.
 * Dials of that role use what is newest. A client that brought nothing (cert, peer, trust) changes
 * nothing: its role's connections use what is there, or nothing.
 * The shard's DSN is never a source: its password is the maintenance user's.
 * SCRAM keys need a libpq that can pass them on (18), see login_can_pass_keys(); where it
 * cannot, they do not displace a password.
 * Ownership: copied, and wiped when replaced or at the end. Threads: one worker's. */
#ifndef PGMOSAIC_BACKEND_LOGIN_H
#define PGMOSAIC_BACKEND_LOGIN_H

#include <stdbool.h>
#include <stdint.h>
#include "pgmosaic/base/table.h"

#define LOGIN_KEY_BYTES 32

struct login {
	const char *password; /* NULL: none */
	bool has_keys;
	uint8_t client_key[LOGIN_KEY_BYTES], server_key[LOGIN_KEY_BYTES];
};

struct logins {
	struct table by_user;
};

void logins_init(struct logins *all);
void logins_finish(struct logins *all);
/* True: it differs from what was there. */
bool logins_put(struct logins *all, const char *user, const struct login *login);
/* NULL: none known. Valid until the next put. */
const struct login *logins_find(const struct logins *all, const char *user);
/* This libpq has scram_client_key and scram_server_key. Any thread. */
bool login_can_pass_keys(void);

#endif
