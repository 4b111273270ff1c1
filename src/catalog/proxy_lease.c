/* A proxy's row in the catalog: made, renewed, listed. Leases are granted by the catalog's clock;
 * the proxy itself counts from the moment it sent the renewal, so it always stops first. */
#include <stdio.h>
#include <string.h>

#include "proxy_internal.h"
#include "store_internal.h"

/* Rows of proxies that ended without a word are kept a week, to be looked at. */
#define FORGET_AFTER "interval '7 days'"

static const char upgrade_sql[] =
	"ALTER TABLE mosaic.proxies"
	" ADD COLUMN IF NOT EXISTS host text NOT NULL DEFAULT '',"
	" ADD COLUMN IF NOT EXISTS pid integer NOT NULL DEFAULT 0,"
	" ADD COLUMN IF NOT EXISTS expires_at timestamptz NOT NULL DEFAULT clock_timestamp(),"
	" ADD COLUMN IF NOT EXISTS epochs bigint[] NOT NULL DEFAULT '{}',"
	" ADD COLUMN IF NOT EXISTS is_evicted boolean NOT NULL DEFAULT false,"
	" ADD COLUMN IF NOT EXISTS is_gone boolean NOT NULL DEFAULT false;";

enum status proxy_prepare_catalog(struct pq *pq, struct err *err)
{
	uint64_t n;
	enum status st = pq_u64(pq, err, &n,
				"SELECT count(*) FROM pg_catalog.pg_attribute WHERE attrelid = "
				"'mosaic.proxies'::regclass AND attname = 'is_gone'",
				0);

	if (st != STATUS_OK || n)
		return st;
	st = pq_exec(pq, "BEGIN ISOLATION LEVEL READ COMMITTED; " STORE_LOCK, err);
	if (st == STATUS_OK)
		st = pq_exec(pq, upgrade_sql, err);
	return st == STATUS_OK ? pq_exec(pq, "COMMIT", err) : st;
}

static void number(char *out, size_t size, uint64_t value)
{
	snprintf(out, size, "%llu", (unsigned long long)value);
}

/* When it is full the newest gives way: the oldest says what may be acknowledged. */
void proxy_epochs_add(struct proxy_epochs *set, uint64_t epoch)
{
	unsigned at = set->n;

	while (at > 0 && set->items[at - 1] > epoch)
		at--;
	if (at > 0 && set->items[at - 1] == epoch)
		return;
	if (set->n == PROXY_MAX_EPOCHS && at == set->n)
		return;
	set->n -= set->n == PROXY_MAX_EPOCHS;
	memmove(&set->items[at + 1], &set->items[at], (set->n - at) * sizeof(set->items[0]));
	set->items[at] = epoch;
	set->n++;
}

enum status proxy_register(struct catalog *c, const struct proxy_start *start,
			   uint64_t *incarnation, struct err *err)
{
	char pid[24], lease[24];
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	number(pid, sizeof(pid), (uint64_t)start->pid);
	number(lease, sizeof(lease), start->lease_ms);
	st = pq_u64(&c->pq, err, incarnation,
		    "INSERT INTO mosaic.proxies (name, version, host, pid, expires_at) VALUES ($1, "
		    "$2, $3, $4::int, clock_timestamp() + $5::int * interval '1 ms') "
		    "RETURNING incarnation",
		    5, start->name, start->version, start->host, pid, lease);
	if (st == STATUS_OK)
		st = pq_exec(&c->pq,
			     "DELETE FROM mosaic.proxies WHERE is_gone AND "
			     "expires_at < now() - " FORGET_AFTER,
			     err);
	catalog_leave(c);
	if (st == STATUS_OK)
		atomic_store(&c->incarnation, *incarnation);
	return st;
}

static void epochs_text(char *out, size_t size, const struct proxy_epochs *epochs)
{
	size_t at = (size_t)snprintf(out, size, "{");

	for (unsigned i = 0; i < epochs->n; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%llu", i ? "," : "",
				       (unsigned long long)epochs->items[i]);
	snprintf(out + at, size - at, "}");
}

/* A renewal that takes longer than the lease is worth nothing. */
static enum status connect_keeper(struct catalog *c, unsigned lease_ms, struct err *err)
{
	c->keeper.limit_ms = lease_ms;
	if (!pq_is_lost(&c->keeper))
		return STATUS_OK;
	pq_close(&c->keeper);
	return pq_open(&c->keeper, "the catalog", c->dsn, c->connect_timeout_s, err);
}

enum status proxy_renew(struct catalog *c, uint64_t incarnation, unsigned lease_ms,
			const struct proxy_epochs *epochs, bool *evicted, struct err *err)
{
	char id[24], lease[24], oldest[24], all[PROXY_MAX_EPOCHS * 22 + 3];
	uint64_t n = 0;
	enum status st = connect_keeper(c, lease_ms, err);

	*evicted = false;
	if (st != STATUS_OK)
		return st;
	number(id, sizeof(id), incarnation);
	number(lease, sizeof(lease), lease_ms);
	number(oldest, sizeof(oldest), epochs->n ? epochs->items[0] : 0);
	epochs_text(all, sizeof(all), epochs);
	st = pq_run(&c->keeper, err, &n,
		    "UPDATE mosaic.proxies SET heartbeat = clock_timestamp(), "
		    "expires_at = clock_timestamp() + $2::int * interval '1 ms', "
		    "acked_epoch = $3::bigint, epochs = $4::bigint[] "
		    "WHERE incarnation = $1::bigint AND NOT is_evicted",
		    4, id, lease, oldest, all);
	*evicted = st == STATUS_OK && n == 0;
	return st;
}

enum status proxy_is_member(struct catalog *c, uint64_t incarnation, bool *is_member,
			    struct err *err)
{
	char id[24];
	uint64_t n = 0;
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	number(id, sizeof(id), incarnation);
	st = pq_u64(&c->pq, err, &n,
		    "SELECT count(*) FROM mosaic.proxies WHERE incarnation = $1::bigint "
		    "AND NOT is_evicted",
		    1, id);
	*is_member = st == STATUS_OK && n == 1;
	catalog_leave(c);
	return st;
}

void proxy_forget(struct catalog *c, uint64_t incarnation)
{
	struct err err = ERR_INIT;
	char id[24];

	if (catalog_enter(c, &err) != STATUS_OK)
		return;
	number(id, sizeof(id), incarnation);
	pq_run(&c->pq, &err, NULL,
	       "DELETE FROM mosaic.proxies WHERE incarnation = $1::bigint AND NOT is_evicted", 1,
	       id);
	catalog_leave(c);
}

enum status proxy_count_others(struct catalog *c, uint64_t incarnation, uint64_t *n,
			       struct err *err)
{
	char id[24];
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	number(id, sizeof(id), incarnation);
	st = pq_u64(&c->pq, err, n,
		    "SELECT count(*) FROM mosaic.proxies WHERE incarnation <> $1::bigint "
		    "AND NOT is_gone",
		    1, id);
	catalog_leave(c);
	return st;
}

enum status proxy_tell_schema(struct catalog *c, uint64_t *epoch, struct err *err)
{
	struct change ch;
	enum status st = change_begin(&ch, c, "", err);

	if (st != STATUS_OK)
		return st;
	*epoch = ch.epoch + 1;
	return change_publish(&ch, err);
}

enum status proxy_list(struct catalog *c, struct arena *a, struct proxy_row **rows, unsigned *n,
		       struct err *err)
{
	PGresult *res;
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	res = pq_query(&c->pq, err,
		       "SELECT incarnation, name, host, pid, version, started_at, acked_epoch, "
		       "greatest(0, extract(epoch FROM expires_at - clock_timestamp()) * "
		       "1000)::bigint, CASE WHEN is_gone THEN 'evicted' WHEN is_evicted THEN "
		       "'evicting' WHEN expires_at < clock_timestamp() THEN 'expired' ELSE 'live' "
		       "END FROM mosaic.proxies ORDER BY incarnation",
		       0);
	*n = res ? (unsigned)PQntuples(res) : 0;
	*rows = arena_array(a, struct proxy_row, *n + 1u);
	for (unsigned i = 0; i < *n; i++) {
		const char *v[9];

		for (int k = 0; k < 9; k++)
			v[k] = arena_strdup(a, PQgetvalue(res, (int)i, k));
		(*rows)[i] =
			(struct proxy_row){ v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8] };
	}
	PQclear(res);
	catalog_leave(c);
	return res ? STATUS_OK : err->status;
}
