/* Waiting for a change of the map: LISTEN on a connection of its own.
 *
 * Failure modes: the connection was lost, or is new: what was notified meanwhile is not
 * known, so `changed` is true and the caller looks. */
#include <errno.h>
#include <poll.h>

#include "pgmosaic/base/clock.h"
#include "store_internal.h"

static enum status open_listener(struct catalog *c, struct err *err)
{
	enum status st;

	pq_close(&c->listener);
	st = pq_open(&c->listener, "the catalog", c->dsn, c->connect_timeout_s, err);
	if (st == STATUS_OK)
		st = pq_exec(&c->listener, "LISTEN mosaic_map", err);
	if (st != STATUS_OK)
		pq_close(&c->listener);
	return st;
}

static bool take_notifies(PGconn *pg)
{
	bool any = false;
	PGnotify *n;

	while ((n = PQnotifies(pg)) != NULL) {
		any = true;
		PQfreemem(n);
	}
	return any;
}

/* Milliseconds left until the deadline; 0 when it has passed. */
static int left_ms(uint64_t deadline_us)
{
	uint64_t now = clock_us();

	return now >= deadline_us ? 0 : (int)((deadline_us - now + 999) / 1000);
}

enum status catalog_wait_change(struct catalog *c, unsigned timeout_ms, bool *changed,
				struct err *err)
{
	uint64_t deadline = clock_us() + (uint64_t)timeout_ms * 1000;
	struct pollfd fd = { .events = POLLIN };

	*changed = false;
	if (pq_is_lost(&c->listener)) {
		*changed = true;
		return open_listener(c, err);
	}
	for (;;) {
		if (!PQconsumeInput(c->listener.pg)) {
			enum status st = pq_fail(&c->listener, NULL, err);

			pq_close(&c->listener);
			return st;
		}
		*changed = take_notifies(c->listener.pg);
		if (*changed || left_ms(deadline) == 0)
			return STATUS_OK;
		fd.fd = PQsocket(c->listener.pg);
		if (poll(&fd, 1, left_ms(deadline)) < 0 && errno != EINTR)
			return err_set(err, STATUS_INTERNAL, "poll failed");
	}
}
