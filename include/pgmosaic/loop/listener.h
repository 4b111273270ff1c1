/* A listening socket, TCP or Unix. Accepted descriptors are non-blocking and
 * close-on-exec, and belong to whoever on_accept hands them to.
 *
 * Failure: listener_open() tells the address in the error. When the process runs out
 * of descriptors, accepting pauses for 100 ms instead of spinning.
 * Threads: the loop's only. */
#ifndef PGMOSAIC_LOOP_LISTENER_H
#define PGMOSAIC_LOOP_LISTENER_H

#include "pgmosaic/base/err.h"
#include "pgmosaic/loop/loop.h"

struct listener {
	struct loop *loop;
	uv_poll_t poll;
	struct timer pause;
	int fd;
	unsigned open_handles;
	bool is_unix, closing;
	bool keeps_path; /* another process goes on listening there */
	char unix_path[112];
	void (*on_accept)(void *owner, int fd, bool is_unix);
	void *owner;
};

/* host NULL: a Unix socket in directory `unix_dir`, named as libpq expects. "*": all. */
enum status listener_open(struct listener *l, struct loop *loop, const char *host, uint16_t port,
			  const char *unix_dir, void (*on_accept)(void *, int, bool), void *owner,
			  struct err *err);
/* A listening socket that exists already. Nothing is accepted before listener_start(). unix_path:
 * NULL for TCP; the name in the file system otherwise, "" for none. */
void listener_adopt(struct listener *l, struct loop *loop, int fd, const char *unix_path,
		    void (*on_accept)(void *, int, bool), void *owner);
void listener_start(struct listener *l);
void listener_close(struct listener *l);

#endif
