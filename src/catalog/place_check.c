#include "place_check.h"

#include <stdio.h>
#include <string.h>

#include "pgmosaic/key/type.h"

/* ---- the table ---- */

static enum status refuse(struct err *err, const char *hint, const char *what,
			  const struct schema_relation *r)
{
	err_set(err, STATUS_UNROUTED, "table \"%s\" %s", r->name, what);
	err_hint(err, "%s", hint);
	return err->status;
}

enum status place_check_table(const struct schema *s, const char *schema, const char *name,
			      const struct schema_relation **out, struct err *err)
{
	const struct schema_relation *r = schema_find(s, schema, name);

	if (!r)
		return err_set_code(err, STATUS_UNDEFINED, "42P01",
				    "relation \"%s.%s\" does not exist on the home shard", schema,
				    name);
	if (strcmp(schema, "pg_catalog") == 0 || strcmp(schema, "information_schema") == 0 ||
	    strcmp(schema, "mosaic") == 0)
		return refuse(err, "Every server has its own.", "belongs to the system", r);
	if (r->kind == 'p' || r->is_partition || r->has_children)
		return refuse(err, "This version shards plain tables.",
			      "is partitioned or inherits", r);
	if (r->kind != 'r')
		return err_set_code(err, STATUS_INVALID, "42809", "\"%s\" is not a table", name);
	if (r->persistence == 't')
		return refuse(err, "Make it a permanent table.", "is temporary", r);
	if (r->has_user_triggers)
		return refuse(err, "Drop them; a trigger sees one shard's rows only.",
			      "has triggers", r);
	if (r->has_rules)
		return refuse(err, "Drop them.", "has rules", r);
	*out = r;
	return STATUS_OK;
}

/* ---- its key ---- */

static enum status check_collation(struct pq *home, const struct schema_column *c, struct err *err)
{
	char oid[16];
	uint64_t n;

	if (c->collation_oid == 0 || c->collation_oid == 100 || c->collation_oid == 950 ||
	    c->collation_oid == 951)
		return STATUS_OK;
	snprintf(oid, sizeof(oid), "%u", c->collation_oid);
	if (pq_u64(home, err, &n,
		   "SELECT count(*) FROM pg_catalog.pg_collation WHERE oid = $1::oid AND "
		   "collisdeterministic",
		   1, oid))
		return err->status;
	if (n)
		return STATUS_OK;
	err_set(err, STATUS_UNROUTED, "column \"%s\" has a nondeterministic collation", c->name);
	err_hint(err, "Equal values of it may differ in their bytes, so they cannot be hashed.");
	return err->status;
}

enum status place_check_keys(struct pq *home, const struct schema_relation *r,
			     const char *const *columns, unsigned n, uint32_t *types,
			     struct err *err)
{
	for (unsigned i = 0; i < n; i++) {
		const struct schema_column *c = schema_find_column(r, columns[i]);

		if (!c)
			return err_set_code(err, STATUS_UNDEFINED, "42703",
					    "column \"%s\" of relation \"%s\" does not exist",
					    columns[i], r->name);
		for (unsigned k = 0; k < i; k++)
			if (strcmp(columns[k], columns[i]) == 0)
				return err_set_code(err, STATUS_INVALID, "42701",
						    "column \"%s\" is named twice", columns[i]);
		if (!key_type_of(c->type_oid)) {
			err_set(err, STATUS_UNROUTED, "column \"%s\" cannot be a shard key: %s",
				c->name, key_type_refusal(c->type_oid));
			err_hint(err, KEY_TYPES_HINT);
			return err->status;
		}
		if (c->default_kind == DEFAULT_GENERATED)
			return err_set(err, STATUS_UNROUTED,
				       "column \"%s\" cannot be a shard key: it is generated",
				       c->name);
		if (check_collation(home, c, err) != STATUS_OK)
			return err->status;
		types[i] = c->type_oid;
	}
	return STATUS_OK;
}

static bool index_holds(const struct schema_index *x, int16_t attnum)
{
	for (unsigned i = 0; i < x->n_columns; i++)
		if (x->attnums[i] == attnum)
			return true;
	return false;
}

static enum status check_trusted(const struct schema_relation *r, const struct catalog_sharding *as,
				 struct err *err)
{
	for (unsigned i = 0; i < as->n_trusted; i++) {
		const struct schema_column *c = schema_find_column(r, as->trusted[i]);

		if (!c)
			return err_set_code(err, STATUS_UNDEFINED, "42703",
					    "column \"%s\" of relation \"%s\" does not exist",
					    as->trusted[i], r->name);
		if (c->sequence && (c->identity || c->default_kind == DEFAULT_SEQUENCE))
			continue;
		err_set(err, STATUS_UNROUTED, "column \"%s\" is not fed by a sequence",
			as->trusted[i]);
		err_hint(err, "Only what a shared sequence gives is unique over all shards.");
		return err->status;
	}
	return STATUS_OK;
}

static bool is_trusted(const struct schema_relation *r, const struct schema_index *x,
		       const struct catalog_sharding *as)
{
	for (unsigned i = 0; i < as->n_trusted && !x->is_exclusion; i++)
		if (index_holds(x, schema_find_column(r, as->trusted[i])->attnum))
			return true;
	return false;
}

enum status place_check_unique(const struct schema_relation *r, const struct catalog_sharding *as,
			       struct err *err)
{
	enum status st = check_trusted(r, as, err);

	for (unsigned i = 0; i < r->n_indexes && st == STATUS_OK; i++) {
		const struct schema_index *x = &r->indexes[i];

		if ((!x->is_unique && !x->is_exclusion) || is_trusted(r, x, as))
			continue;
		for (unsigned k = 0; k < as->n_columns && st == STATUS_OK; k++) {
			if (index_holds(x, schema_find_column(r, as->columns[k])->attnum))
				continue;
			st = err_set(
				err, STATUS_UNROUTED,
				"unique index \"%s\" does not hold the shard key column \"%s\"",
				x->name, as->columns[k]);
			err_hint(err, "It could not be checked over several shards. Add the column "
				      "to it, or, if a sequence makes it unique, TRUST UNIQUE.");
		}
	}
	return st;
}

/* ---- foreign keys ---- */

static const char foreign_query[] =
	"SELECT f.conname, ns.nspname, s.relname, nt.nspname, t.relname, "
	"(SELECT array_agg(a.attname ORDER BY k.ord) FROM unnest(f.conkey) WITH ORDINALITY k(num, ord) "
	"JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.num)::text, "
	"(SELECT array_agg(a.attname ORDER BY k.ord) FROM unnest(f.confkey) WITH ORDINALITY k(num, ord) "
	"JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.num)::text "
	"FROM pg_catalog.pg_constraint f "
	"JOIN pg_catalog.pg_class s ON s.oid = f.conrelid "
	"JOIN pg_catalog.pg_namespace ns ON ns.oid = s.relnamespace "
	"JOIN pg_catalog.pg_class t ON t.oid = f.confrelid "
	"JOIN pg_catalog.pg_namespace nt ON nt.oid = t.relnamespace "
	"WHERE f.contype = 'f' AND ((ns.nspname = $1 AND s.relname = $2) OR "
	"(nt.nspname = $1 AND t.relname = $2))";

static bool is_table(const struct map_table *t, const char *schema, const char *name)
{
	return strcmp(t->schema, schema) == 0 && strcmp(t->name, name) == 0;
}

/* Each key column of the one side is paired with the same place of the other's key. */
static bool keys_are_paired(const struct map_table *from, const struct map_table *to,
			    const char *const *from_columns, const char *const *to_columns,
			    unsigned n)
{
	for (unsigned k = 0; k < from->n_keys; k++) {
		bool found = false;

		for (unsigned i = 0; i < n; i++)
			found |= strcmp(from_columns[i], from->key_columns[k]) == 0 &&
				 strcmp(to_columns[i], to->key_columns[k]) == 0;
		if (!found)
			return false;
	}
	return true;
}

static bool live_together(const struct map_table *from, const struct map_table *to,
			  const PGresult *res, int row, struct arena *a)
{
	const char *from_columns[32], *to_columns[32];
	unsigned n;

	if (to && to->kind == MAP_REFERENCE)
		return true;
	if (!from || !to || from->kind != MAP_SHARDED || to->kind != MAP_SHARDED ||
	    from->distribution != to->distribution)
		return false;
	n = pq_array(a, PQgetvalue(res, row, 5), from_columns, 32);
	if (pq_array(a, PQgetvalue(res, row, 6), to_columns, 32) != n)
		return false;
	return keys_are_paired(from, to, from_columns, to_columns, n);
}

enum status place_check_foreign(struct pq *home, const struct shard_map *map,
				const struct map_table *as, struct err *err)
{
	PGresult *res = pq_query(home, err, foreign_query, 2, as->schema, as->name);
	enum status st = STATUS_OK;
	struct arena a;

	if (!res)
		return err->status;
	arena_init(&a, 0);
	for (int i = 0; i < PQntuples(res) && st == STATUS_OK; i++) {
		const char *from_schema = PQgetvalue(res, i, 1), *from_name = PQgetvalue(res, i, 2);
		const char *to_schema = PQgetvalue(res, i, 3), *to_name = PQgetvalue(res, i, 4);
		const struct map_table *from =
			is_table(as, from_schema, from_name)
				? as
				: map_find_table(map, from_schema, from_name);
		const struct map_table *to = is_table(as, to_schema, to_name)
						     ? as
						     : map_find_table(map, to_schema, to_name);

		if (live_together(from, to, res, i, &a))
			continue;
		st = err_set(
			err, STATUS_UNROUTED,
			"foreign key \"%s\" of table \"%s\" refers to rows of \"%s\" that may live on "
			"another shard",
			PQgetvalue(res, i, 0), from_name, to_name);
		err_hint(err,
			 "Refer to a reference table, or by the shard key to a table of the same "
			 "distribution. Drop it, place both tables, then add it again.");
	}
	arena_finish(&a);
	PQclear(res);
	return st;
}
