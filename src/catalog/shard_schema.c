/* Reading the schema snapshot over libpq: all queries in one snapshot. */
#include "pgmosaic/catalog/pq.h"
#include "pgmosaic/catalog/shard.h"
#include "shard_internal.h"

#define MAX_COLUMNS 32

static enum status add_rows(struct schema *schema, unsigned query, const PGresult *res,
			    struct err *err)
{
	const char *values[MAX_COLUMNS];
	int n = PQnfields(res) < MAX_COLUMNS ? PQnfields(res) : MAX_COLUMNS;
	enum status st = STATUS_OK;

	for (int row = 0; row < PQntuples(res) && st == STATUS_OK; row++) {
		for (int i = 0; i < n; i++)
			values[i] = pq_value(res, row, i);
		st = schema_add_row(schema, query, values, (unsigned)n, err);
	}
	return st;
}

static enum status read_all(struct pq *pq, struct schema *schema, struct err *err)
{
	enum status st = pq_exec(pq, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);

	for (unsigned i = 0; i < SCHEMA_N_QUERIES && schema_query(i) && st == STATUS_OK; i++) {
		PGresult *res = pq_query(pq, err, schema_query(i), 0);

		st = res ? add_rows(schema, i, res, err) : err->status;
		PQclear(res);
	}
	return st;
}

enum status shard_load_schema(const char *dsn, struct schema **out, struct err *err)
{
	struct pq pq = { .pg = NULL };
	struct schema *schema;
	enum status st = pq_open(&pq, NULL, dsn, SHARD_CONNECT_TIMEOUT_S, err);

	if (st != STATUS_OK)
		return st;
	schema = schema_create();
	st = read_all(&pq, schema, err);
	pq_close(&pq);
	if (st != STATUS_OK) {
		schema_destroy(schema);
		return st;
	}
	schema_seal(schema);
	*out = schema;
	return STATUS_OK;
}

enum status shard_has_same_schema(const char *home_dsn, const char *dsn, bool *same,
				  struct err *err)
{
	struct schema *a = NULL, *b = NULL;
	enum status st = shard_load_schema(home_dsn, &a, err);

	if (st == STATUS_OK)
		st = shard_load_schema(dsn, &b, err);
	*same = st == STATUS_OK && a->n_relations == b->n_relations;
	for (uint32_t i = 0; *same && i < a->n_relations; i++)
		*same = schema_find(b, a->relations[i].schema, a->relations[i].name) != NULL;
	schema_destroy(a);
	schema_destroy(b);
	return st;
}
