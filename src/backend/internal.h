/* Between the files of this module: who moves a connection from list to list. */
#ifndef BACKEND_INTERNAL_H
#define BACKEND_INTERNAL_H

#include "pgmosaic/backend/conn.h"
#include "pgmosaic/backend/pool.h"

/* dial.c: open one more connection for the pool. */
void pool_dial(struct pool *p);
/* pool.c, called by dial.c: the outcome. */
void pool_on_dialed(struct pool *p, struct conn *c);
void pool_on_dial_failed(struct pool *p, const struct err *err);
/* pool.c, called by conn.c: the only mutator of a connection's state and list. */
void conn_move(struct conn *c, enum conn_state next);
/* pool.c: memory of a closed connection goes. */
void pool_on_conn_gone(struct conn *c);
/* pool.c: an idle connection appeared, or one fewer exists: serve the waiters. */
void pool_advance(struct pool *p);
/* conn.c */
void conn_start(struct conn *c, int fd, void *ssl);
void conn_begin_close(struct conn *c);
/* The same, and its user is told. */
void conn_lost(struct conn *c);
/* Free and clean: idle, or closed when its time is over. */
void conn_rest(struct conn *c);
void conn_free(struct conn *c);
/* translate.c: a whole message from a server whose OIDs are not home's. */
void conn_translate(struct conn *c, uint8_t type, uint8_t *body, size_t n);

#endif
