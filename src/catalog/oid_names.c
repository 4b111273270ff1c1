/* Asking a server for the names and OIDs of its tables and types, in one query. Quoted names,
 * so that they are equal exactly when they mean the same thing. */
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/mem.h"
#include "pgmosaic/catalog/oids.h"
#include "pgmosaic/catalog/pq.h"
#include "shard_internal.h"

#define USER_SCHEMAS                                                       \
	"n.nspname NOT IN ('pg_catalog', 'information_schema', 'mosaic') " \
	"AND n.nspname !~ '^pg_(toast|temp)'"

/* typcategory A with a varying length: a true array, not name or point. */
static const char names_query[] =
	"SELECT 'r', pg_catalog.format('%I.%I', n.nspname, c.relname), c.oid, '', 0, "
	"(SELECT pg_catalog.string_agg(a.attnum || ' ' || a.attname || E'\\n', '' ORDER BY a.attnum) "
	"FROM pg_catalog.pg_attribute a "
	"WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) "
	"FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
	"WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND " USER_SCHEMAS " "
	"UNION ALL "
	"SELECT 't', pg_catalog.format('%I.%I', n.nspname, t.typname), t.oid, "
	"CASE WHEN t.typtype = 'c' THEN 'c' WHEN t.typtype = 'd' THEN 'd' "
	"WHEN t.typcategory = 'A' AND t.typelem <> 0 AND t.typlen = -1 THEN 'a' ELSE '' END, "
	"CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END, NULL "
	"FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace "
	"WHERE " USER_SCHEMAS;

static int compare(const void *a, const void *b)
{
	const struct oid_name *x = a, *y = b;

	return x->kind != y->kind ? x->kind - y->kind : strcmp(x->name, y->name);
}

static enum oid_form form_of(const char *text)
{
	return *text == 'a'   ? FORM_ARRAY
	       : *text == 'c' ? FORM_COMPOSITE
	       : *text == 'd' ? FORM_DOMAIN
			      : FORM_PLAIN;
}

static uint32_t oid_at(const PGresult *res, int row, int column)
{
	return (uint32_t)strtoul(PQgetvalue(res, row, column), NULL, 10);
}

static struct oid_names *keep(const PGresult *res)
{
	struct oid_names *names = mem_zero(1, sizeof(*names));

	arena_init(&names->arena, 0);
	names->n = (uint32_t)PQntuples(res);
	names->all = arena_array(&names->arena, struct oid_name, names->n + 1);
	for (int i = 0; i < PQntuples(res); i++)
		names->all[i] = (struct oid_name){
			.kind = *PQgetvalue(res, i, 0),
			.name = arena_strdup(&names->arena, PQgetvalue(res, i, 1)),
			.oid = oid_at(res, i, 2),
			.form = form_of(PQgetvalue(res, i, 3)),
			.element = oid_at(res, i, 4),
			.columns = arena_strdup(&names->arena, PQgetvalue(res, i, 5)),
		};
	qsort(names->all, names->n, sizeof(*names->all), compare);
	return names;
}

struct oid_names *oid_names_load(const char *dsn, struct err *err)
{
	struct pq pq = { .pg = NULL };
	struct oid_names *names = NULL;
	PGresult *res;

	if (pq_open(&pq, NULL, dsn, SHARD_CONNECT_TIMEOUT_S, err) != STATUS_OK)
		return NULL;
	res = pq_query(&pq, err, names_query, 0);
	if (res)
		names = keep(res);
	PQclear(res);
	pq_close(&pq);
	return names;
}

void oid_names_destroy(struct oid_names *names)
{
	if (!names)
		return;
	arena_finish(&names->arena);
	free(names);
}
