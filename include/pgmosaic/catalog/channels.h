/* LISTEN for all clients of the process, over one connection to the home shard.
 *
 * Happy path: channels_listen() (job) returns when the server listens; from then on each
 * notification goes to ops->notified(), on the thread that runs channels_run(). A channel that
 * several clients listen to is listened to once; the last channels_unlisten() ends it.
 * Failure: the connection is lost: it is opened again, everything is listened to again, and then
 * ops->lost() says that notifications sent in between are not known. channels_listen() fails
 * when the server cannot be reached.
 * Threads: channels_run() is a thread of its own; the others may be called from any. */
#ifndef PGMOSAIC_CATALOG_CHANNELS_H
#define PGMOSAIC_CATALOG_CHANNELS_H

#include <stdint.h>
#include "pgmosaic/base/err.h"

struct channels;

struct channels_ops {
	void *ctx;
	char *(*dsn)(void *ctx); /* of the home shard, for free(); NULL: not known yet */
	void (*notified)(void *ctx, const char *channel, const char *payload, uint32_t pid);
	void (*lost)(void *ctx);
};

struct channels *channels_create(const struct channels_ops *ops);
void channels_run(void *channels);	   /* until channels_stop() */
void channels_stop(struct channels *c);	   /* who waits gets an error */
void channels_destroy(struct channels *c); /* when channels_run() has returned */
/* (job) Counted. */
enum status channels_listen(struct channels *c, const char *name, struct err *err);
void channels_unlisten(struct channels *c, const char *name);
/* From here on, what this server process notifies counts as sent by this client. */
void channels_note_sender(struct channels *c, int server_pid, uint32_t client_pid);

#endif
