/* Proxies in the catalog: who lives, and which epoch each has taken over. */
#include <stdio.h>
#include <time.h>

#include "pgmosaic/base/clock.h"
#include "store_internal.h"

#define POLL_MS 50

enum status catalog_register_proxy(struct catalog *c, const char *name, const char *version,
				   uint64_t *incarnation, struct err *err)
{
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	st = pq_u64(
		&c->pq, err, incarnation,
		"INSERT INTO mosaic.proxies (name, version) VALUES ($1, $2) RETURNING incarnation",
		2, name, version);
	if (st == STATUS_OK) /* rows that nobody will look at any more */
		st = pq_exec(
			&c->pq,
			"DELETE FROM mosaic.proxies WHERE heartbeat < now() - interval '1 day'",
			err);
	catalog_leave(c);
	return st;
}

enum status catalog_heartbeat(struct catalog *c, uint64_t incarnation, uint64_t acked_epoch,
			      struct err *err)
{
	char id[24], epoch[24];
	uint64_t n = 0;
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	snprintf(id, sizeof(id), "%llu", (unsigned long long)incarnation);
	snprintf(epoch, sizeof(epoch), "%llu", (unsigned long long)acked_epoch);
	st = pq_run(
		&c->pq, err, &n,
		"UPDATE mosaic.proxies SET heartbeat = clock_timestamp(), acked_epoch = $2::bigint "
		"WHERE incarnation = $1::bigint",
		2, id, epoch);
	catalog_leave(c);
	if (st == STATUS_OK && n == 0)
		return err_set(err, STATUS_UNDEFINED,
			       "the catalog does not know this proxy any more (incarnation %s)",
			       id);
	return st;
}

enum status catalog_list_proxies(struct catalog *c,
				 void (*on_row)(void *ctx, const char *const *values), void *ctx,
				 struct err *err)
{
	enum status st = catalog_enter(c, err);
	PGresult *res;

	if (st != STATUS_OK)
		return st;
	res = pq_query(&c->pq, err,
		       "SELECT incarnation, name, version, started_at::timestamptz(0), "
		       "heartbeat::timestamptz(3), "
		       "round(extract(epoch FROM clock_timestamp() - heartbeat)::numeric, 3), "
		       "acked_epoch, heartbeat > clock_timestamp() - make_interval(secs => 5) "
		       "FROM mosaic.proxies ORDER BY incarnation DESC",
		       0);
	for (int i = 0; res && i < PQntuples(res); i++) {
		const char *values[CATALOG_PROXY_COLUMNS];

		for (int k = 0; k < CATALOG_PROXY_COLUMNS; k++)
			values[k] = PQgetvalue(res, i, k);
		on_row(ctx, values);
	}
	PQclear(res);
	catalog_leave(c);
	return res ? STATUS_OK : err->status;
}

void catalog_forget_proxy(struct catalog *c, uint64_t incarnation)
{
	struct err err = ERR_INIT;
	char id[24];

	if (catalog_enter(c, &err) != STATUS_OK)
		return;
	snprintf(id, sizeof(id), "%llu", (unsigned long long)incarnation);
	pq_run(&c->pq, &err, NULL, "DELETE FROM mosaic.proxies WHERE incarnation = $1::bigint", 1,
	       id);
	catalog_leave(c);
}

/* A live proxy that has not acked: *n of them, the name of one. */
static enum status find_late(struct catalog *c, const char *epoch, uint64_t *n, char *name,
			     size_t size, struct err *err)
{
	PGresult *res;
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	res = pq_query(&c->pq, err,
		       "SELECT name FROM mosaic.proxies WHERE acked_epoch < $1::bigint AND "
		       "heartbeat > clock_timestamp() - make_interval(secs => $2::int)",
		       2, epoch, "5");
	if (res) {
		*n = (uint64_t)PQntuples(res);
		snprintf(name, size, "%s", *n ? PQgetvalue(res, 0, 0) : "");
		PQclear(res);
	}
	catalog_leave(c);
	return res ? STATUS_OK : err->status;
}

enum status catalog_wait_acks(struct catalog *c, uint64_t epoch, unsigned timeout_ms,
			      struct err *err)
{
	uint64_t deadline = clock_us() + (uint64_t)timeout_ms * 1000, n = 0;
	struct timespec nap = { .tv_nsec = POLL_MS * 1000000L };
	char text[24], name[128];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)epoch);
	for (;;) {
		enum status st = find_late(c, text, &n, name, sizeof(name), err);

		if (st != STATUS_OK || n == 0)
			return st;
		if (clock_us() >= deadline)
			break;
		nanosleep(&nap, NULL);
	}
	err_set(err, STATUS_IN_USE,
		"proxy \"%s\" has not taken over the new shard map within %u ms", name, timeout_ms);
	err_hint(err, "A statement that began under the old map may still be running there.");
	return err->status;
}
