/* What the map says of tables: rows of mosaic.tables. */
#include "store_internal.h"

enum status table_put_sharded(struct pq *pq, const char *schema, const char *name,
			      const char *distribution, const char *const *columns, unsigned n,
			      struct err *err)
{
	struct arena a;
	uint64_t rows = 0;
	enum status st;

	arena_init(&a, 0);
	st = pq_run(pq, err, &rows,
		    "INSERT INTO mosaic.tables (schema, name, kind, distribution, key_columns) "
		    "SELECT $1, $2, 'sharded', id, $4::text[] FROM mosaic.distributions "
		    "WHERE name = $3 AND cardinality(types) = cardinality($4::text[]) "
		    "ON CONFLICT (schema, name) DO UPDATE SET kind = 'sharded', home = NULL, "
		    "distribution = excluded.distribution, key_columns = excluded.key_columns",
		    4, schema, name, distribution, pq_make_array(&a, columns, n));
	arena_finish(&a);
	if (st != STATUS_OK || rows == 1)
		return st;
	err_set(err, STATUS_UNDEFINED, "distribution \"%s\" with %u key columns does not exist",
		distribution, n);
	err_hint(err, "SHOW DISTRIBUTIONS; on the control port lists them.");
	return err->status;
}

enum status table_put_reference(struct pq *pq, const char *schema, const char *name,
				struct err *err)
{
	return pq_run(pq, err, NULL,
		      "INSERT INTO mosaic.tables (schema, name, kind) VALUES ($1, $2, 'reference') "
		      "ON CONFLICT (schema, name) DO UPDATE SET kind = 'reference', home = NULL, "
		      "distribution = NULL, key_columns = NULL",
		      2, schema, name);
}

enum status table_put_single(struct pq *pq, const char *schema, const char *name, const char *shard,
			     struct err *err)
{
	uint64_t rows = 0;
	enum status st = pq_run(
		pq, err, &rows,
		"INSERT INTO mosaic.tables (schema, name, kind, home) "
		"SELECT $1, $2, 'single', id FROM mosaic.shards WHERE name = $3 "
		"ON CONFLICT (schema, name) DO UPDATE SET kind = 'single', home = excluded.home, "
		"distribution = NULL, key_columns = NULL",
		3, schema, name, shard);

	if (st != STATUS_OK || rows == 1)
		return st;
	return err_set(err, STATUS_UNDEFINED, "shard \"%s\" does not exist", shard);
}

enum status table_drop(struct pq *pq, const char *schema, const char *name, struct err *err)
{
	return pq_run(pq, err, NULL, "DELETE FROM mosaic.tables WHERE schema = $1 AND name = $2", 2,
		      schema, name);
}

enum status table_rename(struct pq *pq, const char *schema, const char *name,
			 const char *new_schema, const char *new_name, struct err *err)
{
	return pq_run(pq, err, NULL,
		      "UPDATE mosaic.tables SET schema = coalesce($3, schema), "
		      "name = coalesce($4, name) WHERE schema = $1 AND name = $2",
		      4, schema, name, new_schema, new_name);
}
