/* DDL through the main port: the catalog and the shards are not one transaction.
 *
 * Happy path: catalog_changes_begin() writes the intent and its changes; the shards commit;
 * catalog_changes_finish() turns the changes into the map (epoch + 1) and deletes the intent,
 * in one transaction. Until then a map that is loaded takes the tables that are being made or
 * renamed into account already: on the shards they may be there. Those that are dropped still are
 * in it.
 * Failure modes:
 * - the shards rolled back: catalog_changes_abandon() deletes the intent.
 * - the proxy died in between: any proxy's catalog_resolve_intents() asks the home shard, where
 *   the same transaction made, dropped or renamed the table, and finishes or abandons. It does
 *   so only when the intent's proxy no longer lives or the intent is old, and not while a
 *   prepared transaction on the home shard leaves the answer open.
 * - finish and resolve meet: both lock the intent's row; the later one finds it gone.
 * - a proxy thought dead wakes and wants to commit: it was evicted on every shard before anything
 *   was decided, so it cannot. An intent of one that lives and is merely slow is only marked as
 *   abandoned and kept for a day; finish, which knows that the shards have committed, takes it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_internal.h"

static const char *const kinds[] = {
	[CATALOG_ADD_SHARDED] = "sharded",
	[CATALOG_ADD_REFERENCE] = "reference",
	[CATALOG_DROP] = "drop",
	[CATALOG_RENAME] = "rename",
};

/* ---- begin ---- */

static enum status insert_change(struct pq *pq, const char *intent, unsigned place,
				 const struct catalog_change *c, struct err *err)
{
	bool is_sharded = c->kind == CATALOG_ADD_SHARDED;
	struct arena a;
	char at[16];
	enum status st;

	arena_init(&a, 0);
	snprintf(at, sizeof(at), "%u", place);
	st = pq_run(
		pq, err, NULL,
		"INSERT INTO mosaic.intent_changes (intent, place, kind, schema, name, new_schema, "
		"new_name, distribution, key_columns) VALUES ($1::bigint, $2::int, $3, $4, $5, $6, "
		"$7, $8, $9::text[])",
		9, intent, at, kinds[c->kind], c->schema, c->name, c->new_schema, c->new_name,
		is_sharded ? c->distribution : NULL,
		is_sharded ? pq_make_array(&a, c->key_columns, c->n_keys) : NULL);
	arena_finish(&a);
	return st;
}

/* Two statements that change one table's place, of which the later would end first. */
static enum status check_clash(struct pq *pq, const struct catalog_change *c, struct err *err)
{
	uint64_t n;
	enum status st = pq_u64(
		pq, err, &n,
		"SELECT count(*) FROM mosaic.intents i JOIN mosaic.intent_changes c ON c.intent = "
		"i.id WHERE NOT i.abandoned AND ((c.schema, c.name) IN (($1, $2), (coalesce($3, "
		"$1), coalesce($4, $2))) OR (coalesce(c.new_schema, c.schema), "
		"coalesce(c.new_name, c.name)) IN (($1, $2), (coalesce($3, $1), coalesce($4, $2))))",
		4, c->schema, c->name, c->new_schema, c->new_name);

	if (st != STATUS_OK || n == 0)
		return st;
	err_set_code(err, STATUS_IN_USE, "40001",
		     "another statement is changing the place of table \"%s\"", c->name);
	err_hint(err, "Try again in a moment.");
	return err->status;
}

static enum status check_clashes(struct pq *pq, const struct catalog_change *changes, unsigned n,
				 struct err *err)
{
	enum status st = pq_exec(pq,
				 "SET LOCAL lock_timeout = '10s';"
				 "LOCK TABLE mosaic.intents IN SHARE ROW EXCLUSIVE MODE",
				 err);

	for (unsigned i = 0; i < n && st == STATUS_OK; i++)
		st = check_clash(pq, &changes[i], err);
	return st;
}

static enum status write_intent(struct pq *pq, const struct catalog_change *changes, unsigned n,
				const char *user, uint64_t incarnation, int64_t *intent,
				struct err *err)
{
	char by[24], id[24];
	uint64_t value;
	enum status st;

	snprintf(by, sizeof(by), "%llu", (unsigned long long)incarnation);
	st = pq_u64(pq, err, &value,
		    "INSERT INTO mosaic.intents (incarnation, user_name) VALUES ($1::bigint, $2) "
		    "RETURNING id",
		    2, by, user);
	if (st != STATUS_OK)
		return st;
	*intent = (int64_t)value;
	snprintf(id, sizeof(id), "%llu", (unsigned long long)value);
	for (unsigned i = 0; i < n && st == STATUS_OK; i++)
		st = insert_change(pq, id, i, &changes[i], err);
	return st;
}

/* Distributions must be there before the shards commit: made now if they are default ones. */
static enum status ensure_distributions(struct catalog *c, const struct catalog_change *changes,
					unsigned n, const char *user, struct err *err)
{
	enum status st = STATUS_OK;

	for (unsigned i = 0; i < n && st == STATUS_OK; i++)
		if (changes[i].kind == CATALOG_ADD_SHARDED)
			st = catalog_ensure_distribution(c, changes[i].distribution,
							 changes[i].key_types, changes[i].n_keys,
							 user, err);
	return st;
}

enum status catalog_changes_begin(struct catalog *c, const struct catalog_change *changes,
				  unsigned n, const char *user, uint64_t incarnation,
				  int64_t *intent, struct err *err)
{
	enum status st = ensure_distributions(c, changes, n, user, err);

	if (st == STATUS_OK)
		st = catalog_enter(c, err);
	if (st != STATUS_OK)
		return st;
	st = pq_exec(&c->pq, "BEGIN ISOLATION LEVEL READ COMMITTED", err);
	if (st == STATUS_OK)
		st = check_clashes(&c->pq, changes, n, err);
	if (st == STATUS_OK)
		st = write_intent(&c->pq, changes, n, user, incarnation, intent, err);
	if (st == STATUS_OK)
		st = pq_exec(&c->pq, "COMMIT", err);
	catalog_leave(c);
	return st;
}

/* ---- finish and abandon ---- */

static enum status apply_row(struct pq *pq, struct arena *a, const PGresult *res, int row,
			     struct err *err)
{
	const char *kind = PQgetvalue(res, row, 0), *schema = PQgetvalue(res, row, 1);
	const char *name = PQgetvalue(res, row, 2), *columns[MAP_MAX_KEYS];
	unsigned n;

	if (strcmp(kind, "drop") == 0)
		return table_drop(pq, schema, name, err);
	if (strcmp(kind, "reference") == 0)
		return table_put_reference(pq, schema, name, err);
	if (strcmp(kind, "rename") == 0)
		return table_rename(pq, schema, name, pq_value(res, row, 3), pq_value(res, row, 4),
				    err);
	n = pq_array(a, PQgetvalue(res, row, 6), columns, MAP_MAX_KEYS);
	return table_put_sharded(pq, schema, name, PQgetvalue(res, row, 5), columns, n, err);
}

static enum status apply_changes(struct pq *pq, const char *intent, struct err *err)
{
	PGresult *res = pq_query(pq, err,
				 "SELECT kind, schema, name, new_schema, new_name, distribution, "
				 "key_columns FROM mosaic.intent_changes WHERE intent = $1::bigint "
				 "ORDER BY place",
				 1, intent);
	enum status st = STATUS_OK;
	struct arena a;

	if (!res)
		return err->status;
	arena_init(&a, 0);
	for (int i = 0; i < PQntuples(res) && st == STATUS_OK; i++)
		st = apply_row(pq, &a, res, i, err);
	arena_finish(&a);
	PQclear(res);
	return st;
}

/* Lock the intent: *found false when somebody has ended it. */
static enum status lock_intent(struct pq *pq, const char *id, bool *found, char *user, size_t size,
			       struct err *err)
{
	PGresult *res = pq_query(
		pq, err, "SELECT user_name FROM mosaic.intents WHERE id = $1::bigint FOR UPDATE", 1,
		id);

	if (!res)
		return err->status;
	*found = PQntuples(res) == 1;
	snprintf(user, size, "%s", *found ? PQgetvalue(res, 0, 0) : "");
	PQclear(res);
	return STATUS_OK;
}

enum status catalog_changes_finish(struct catalog *c, int64_t intent, uint64_t *epoch,
				   struct err *err)
{
	struct change ch;
	char id[24], user[128] = "";
	bool found = false;
	enum status st = change_begin(&ch, c, user, err);

	if (st != STATUS_OK)
		return st;
	snprintf(id, sizeof(id), "%lld", (long long)intent);
	st = lock_intent(ch.pq, id, &found, user, sizeof(user), err);
	if (st == STATUS_OK && found)
		st = apply_changes(ch.pq, id, err);
	if (st == STATUS_OK && found)
		st = pq_run(ch.pq, err, NULL, "DELETE FROM mosaic.intents WHERE id = $1::bigint", 1,
			    id);
	if (st == STATUS_OK && found && epoch)
		*epoch = ch.epoch + 1;
	if (st == STATUS_OK && found)
		return change_commit(&ch, err, "DDL, intent %s", id);
	change_cancel(&ch);
	return st;
}

enum status catalog_changes_abandon(struct catalog *c, int64_t intent, struct err *err)
{
	char id[24];
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	snprintf(id, sizeof(id), "%lld", (long long)intent);
	st = pq_run(&c->pq, err, NULL, "DELETE FROM mosaic.intents WHERE id = $1::bigint", 1, id);
	catalog_leave(c);
	return st;
}
