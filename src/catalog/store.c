/* Opening the catalog, making its tables, and the frame of every change. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/mem.h"
#include "proxy_internal.h"
#include "store_internal.h"
#include "store_tables.h"

#define STORE_TEXT_OF(x) #x
#define STORE_TEXT(x)	 STORE_TEXT_OF(x)

/* ---- opening ---- */

static enum status connect_catalog(struct catalog *c, struct err *err)
{
	pq_close(&c->pq);
	return pq_open(&c->pq, "the catalog", c->dsn, c->connect_timeout_s, err);
}

enum status catalog_open(const char *dsn, unsigned connect_timeout_s, struct catalog **out,
			 struct err *err)
{
	struct catalog *c = mem_zero(1, sizeof(*c));
	enum status st;

	pthread_mutex_init(&c->lock, NULL);
	c->dsn = mem_strdup(dsn);
	c->connect_timeout_s = connect_timeout_s;
	c->pq.limit_ms = c->listener.limit_ms = STORE_STATEMENT_MS;
	st = connect_catalog(c, err);
	if (st == STATUS_OK)
		*out = c;
	else
		catalog_close(c);
	return st;
}

void catalog_close(struct catalog *c)
{
	if (!c)
		return;
	pq_close(&c->pq);
	pq_close(&c->listener);
	pq_close(&c->keeper);
	pthread_mutex_destroy(&c->lock);
	free(c->dsn);
	free(c);
}

enum status catalog_enter(struct catalog *c, struct err *err)
{
	enum status st = STATUS_OK;

	pthread_mutex_lock(&c->lock);
	if (pq_is_lost(&c->pq))
		st = connect_catalog(c, err);
	if (st != STATUS_OK)
		pthread_mutex_unlock(&c->lock);
	return st;
}

void catalog_leave(struct catalog *c)
{
	pq_rollback(&c->pq);
	pthread_mutex_unlock(&c->lock);
}

/* ---- tables ---- */

/* *version: 0 when there are no tables yet. */
static enum status read_version(struct pq *pq, uint64_t *version, struct err *err)
{
	uint64_t n;

	*version = 0;
	if (pq_u64(pq, err, &n, "SELECT count(pg_catalog.to_regclass('mosaic.cluster'))", 0))
		return err->status;
	if (n == 0)
		return STATUS_OK;
	if (pq_u64(pq, err, version, "SELECT coalesce(max(version), 0) FROM mosaic.cluster", 0))
		return err->status;
	if (*version <= STORE_VERSION)
		return STATUS_OK;
	err_set(err, STATUS_CATALOG,
		"the catalog was made by a newer pgmosaic (version %u, this one knows %d)",
		(unsigned)*version, STORE_VERSION);
	err_hint(err, "Run the newer program.");
	return err->status;
}

static enum status upgrade(struct pq *pq, uint64_t version, struct err *err)
{
	enum status st = STATUS_OK;

	for (; version < STORE_VERSION && st == STATUS_OK; version++)
		st = pq_exec(pq, store_upgrades[version - 1], err);
	if (st == STATUS_OK)
		st = pq_exec(pq,
			     "UPDATE mosaic.cluster SET version = " STORE_TEXT(
				     STORE_VERSION) ", epoch = epoch + 1",
			     err);
	return st == STATUS_OK ? pq_exec(pq, "COMMIT", err) : st;
}

static enum status make_tables(struct pq *pq, struct err *err)
{
	uint64_t version;
	enum status st = pq_exec(pq, "BEGIN ISOLATION LEVEL READ COMMITTED; " STORE_LOCK, err);

	if (st == STATUS_OK)
		st = read_version(pq, &version, err); /* another proxy may have been faster */
	if (st != STATUS_OK || version == STORE_VERSION)
		return st;
	if (version == 0) {
		st = pq_exec(pq, store_tables, err);
		if (st == STATUS_OK)
			st = pq_exec(pq,
				     "INSERT INTO mosaic.cluster (version, epoch) VALUES (1, 0)",
				     err);
		version = 1;
	}
	return st == STATUS_OK ? upgrade(pq, version, err) : st;
}

enum status catalog_is_prepared(struct catalog *c, bool *is_made, struct err *err)
{
	uint64_t version;
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	st = read_version(&c->pq, &version, err);
	*is_made = version == STORE_VERSION;
	catalog_leave(c);
	return st;
}

enum status catalog_prepare(struct catalog *c, struct err *err)
{
	uint64_t version;
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	st = read_version(&c->pq, &version, err);
	if (st == STATUS_OK && version < STORE_VERSION)
		st = make_tables(&c->pq, err);
	if (st == STATUS_OK)
		st = proxy_prepare_catalog(&c->pq, err);
	catalog_leave(c);
	return st;
}

enum status catalog_epoch(struct catalog *c, uint64_t *epoch, struct err *err)
{
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	st = pq_u64(&c->pq, err, epoch, "SELECT epoch FROM mosaic.cluster", 0);
	catalog_leave(c);
	return st;
}

/* ---- changes ---- */

/* A proxy that is paused in the middle must not keep the others from theirs. */
#define CHANGE_BEGIN                                                           \
	"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"                     \
	"SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = '12s';" \
	"SET LOCAL idle_in_transaction_session_timeout = '10s'"

static enum status lock_epoch(struct change *ch, struct err *err)
{
	enum status st = pq_exec(ch->pq, CHANGE_BEGIN, err);

	if (st != STATUS_OK)
		return st;
	st = pq_u64(ch->pq, err, &ch->epoch, "SELECT epoch FROM mosaic.cluster FOR UPDATE", 0);
	if (st != STATUS_OK && strcmp(err->code, "55P03") == 0) {
		err_set(err, STATUS_IN_USE, "another change of the shard map is under way");
		err_hint(err, "Try again in a moment.");
	}
	return err->status;
}

static void change_leave(struct change *ch)
{
	if (ch->c)
		catalog_leave(ch->c);
	else
		pq_rollback(ch->pq);
}

enum status change_begin_on(struct change *ch, struct pq *pq, const char *user, struct err *err)
{
	enum status st;

	*ch = (struct change){ .pq = pq, .user = user ? user : "" };
	st = lock_epoch(ch, err);
	if (st != STATUS_OK)
		pq_rollback(pq);
	return st;
}

enum status change_begin(struct change *ch, struct catalog *c, const char *user, struct err *err)
{
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	*ch = (struct change){ .c = c, .pq = &c->pq, .user = user ? user : "" };
	st = lock_epoch(ch, err);
	if (st != STATUS_OK)
		catalog_leave(c);
	return st;
}

enum status change_begin_at(struct change *ch, struct catalog *c, const char *user, uint64_t epoch,
			    struct err *err)
{
	enum status st = change_begin(ch, c, user, err);

	return st == STATUS_OK ? change_check_epoch(ch, epoch, err) : st;
}

enum status change_check_epoch(struct change *ch, uint64_t epoch, struct err *err)
{
	if (ch->epoch == epoch)
		return STATUS_OK;
	change_cancel(ch);
	err_set_code(err, STATUS_CATALOG, "40001",
		     "the shard map was changed by another command meanwhile");
	err_hint(err, "Nothing was done. Give the command again.");
	return err->status;
}

/* what NULL: the map itself is the same. */
static enum status advance_epoch(struct change *ch, const char *what, struct err *err)
{
	char epoch[24];
	uint64_t n = 0;

	snprintf(epoch, sizeof(epoch), "%llu", (unsigned long long)ch->epoch);
	if (pq_run(ch->pq, err, &n,
		   "UPDATE mosaic.cluster SET epoch = epoch + 1 WHERE epoch = $1::bigint", 1,
		   epoch))
		return err->status;
	if (n != 1)
		return err_set(err, STATUS_CATALOG, "the shard map changed meanwhile");
	if (what &&
	    pq_run(ch->pq, err, NULL,
		   "INSERT INTO mosaic.audit (user_name, epoch, what) VALUES ($1, $2::bigint + 1, $3)",
		   3, ch->user, epoch, what))
		return err->status;
	return pq_run(ch->pq, err, NULL,
		      "SELECT pg_catalog.pg_notify('mosaic_map', ($1::bigint + 1)::text)", 1,
		      epoch);
}

enum status change_commit(struct change *ch, struct err *err, const char *format, ...)
{
	char what[1024];
	enum status st;
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	st = advance_epoch(ch, what, err);
	if (st == STATUS_OK)
		st = pq_exec(ch->pq, "COMMIT", err);
	change_leave(ch);
	return st;
}

enum status change_publish(struct change *ch, struct err *err)
{
	enum status st = advance_epoch(ch, NULL, err);

	if (st == STATUS_OK)
		st = pq_exec(ch->pq, "COMMIT", err);
	change_leave(ch);
	return st;
}

void change_cancel(struct change *ch)
{
	change_leave(ch);
}
