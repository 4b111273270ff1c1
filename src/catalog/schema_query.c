/* What is asked of a shard's system catalogs: plain SQL that PostgreSQL 14 and later
 * understand. Columns that only newer versions have are reached through to_jsonb(row), which
 * gives NULL where they are missing. The order matters: functions come before the columns
 * whose defaults call them, relations before columns and indexes (schema_add_row()).
 *
 * The fence of a table that changes its place (place_copy.c) does not count as a user's trigger.
 * Schemas of temporary and TOAST tables are left out; of the system's own schemas no indexes. */
#include "pgmosaic/catalog/schema.h"

#define SHOWN_SCHEMAS "n.nspname !~ '^pg_(toast|temp)'"
#define USER_SCHEMAS                                                                          \
	SHOWN_SCHEMAS " AND n.oid <> 'pg_catalog'::pg_catalog.regnamespace AND n.nspname <> " \
		      "'information_schema'"

static const char server_query[] =
	"SELECT pg_catalog.current_setting('server_version_num'), "
	"pg_catalog.pg_encoding_to_char(d.encoding), "
	"coalesce(j->>'datlocprovider', 'c'), "
	"coalesce(j->>'datlocale', j->>'daticulocale', d.datcollate), "
	"j->>'datcollversion', "
	"(SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'search_path') "
	"FROM pg_catalog.pg_database d, pg_catalog.to_jsonb(d) j "
	"WHERE d.datname = pg_catalog.current_database()";

static const char schemas_query[] = "SELECT n.nspname FROM pg_catalog.pg_namespace n "
				    "WHERE " SHOWN_SCHEMAS;

static const char functions_query[] =
	"SELECT p.proname, max(p.provolatile::text), "
	"CASE WHEN min(p.prokind::text) = max(p.prokind::text) THEN min(p.prokind::text) "
	"ELSE '*' END, bool_or(p.proretset) "
	"FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace "
	"GROUP BY p.proname";

/* f: function, o: operator, t: type. */
static const char user_query[] =
	"SELECT 'f', p.proname, max(p.provolatile::text), "
	"CASE WHEN min(p.prokind::text) = max(p.prokind::text) THEN min(p.prokind::text) "
	"ELSE '*' END, bool_or(p.proretset) "
	"FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace "
	"WHERE " USER_SCHEMAS " GROUP BY p.proname "
	"UNION ALL SELECT DISTINCT 'o', o.oprname, NULL, NULL, false "
	"FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace "
	"WHERE " USER_SCHEMAS " "
	"UNION ALL SELECT DISTINCT 't', t.typname, NULL, NULL, false "
	"FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace "
	"LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid "
	"WHERE " USER_SCHEMAS " AND (t.typrelid = 0 OR c.relkind = 'c') "
	"AND NOT (t.typcategory = 'A' AND t.typelem <> 0)";

/* `schema` is its name as the planner sees it. */
#define RELATIONS(schema, shown)                                                               \
	"SELECT " schema ", c.relname, c.oid, c.relkind, c.relpersistence, c.relnatts, "       \
	"c.oid IN (SELECT inhparent FROM pg_catalog.pg_inherits), c.relispartition, "          \
	"c.oid IN (SELECT tgrelid FROM pg_catalog.pg_trigger WHERE NOT tgisinternal "          \
	"AND tgname <> 'mosaic_map_change'), "                                                 \
	"c.oid IN (SELECT tgrelid FROM pg_catalog.pg_trigger "                                 \
	"WHERE NOT tgisinternal AND tgname <> 'mosaic_map_change' AND tgtype & 1 = 0), "       \
	"c.oid IN (SELECT ev_class FROM pg_catalog.pg_rewrite WHERE rulename <> '_RETURN'), "  \
	"c.relrowsecurity, "                                                                   \
	"c.oid IN (SELECT confrelid FROM pg_catalog.pg_constraint WHERE contype = 'f'), "      \
	"coalesce(i.indrelid, 0) "                                                             \
	"FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace " \
	"LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid "                             \
	"WHERE " shown " ORDER BY c.oid"

#define COLUMNS(shown)                                                                                 \
	"SELECT a.attrelid, a.attname, a.atttypid, a.atttypmod, a.attcollation, a.attnum, "            \
	"a.attnotnull, a.attidentity, a.attgenerated <> '', "                                          \
	"pg_catalog.pg_get_expr(d.adbin, d.adrelid), "                                                 \
	"d.oid IN (SELECT objid FROM pg_catalog.pg_depend "                                            \
	"WHERE classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND refclassid IN "              \
	"('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass)) " \
	"FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "             \
	"JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "                                    \
	"LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "          \
	"WHERE " shown " AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') "                             \
	"AND a.attnum > 0 AND NOT a.attisdropped "                                                     \
	"ORDER BY a.attrelid, a.attnum"

#define INDEXES(shown)                                                                    \
	"SELECT i.indrelid, c.relname, i.indisunique, i.indisprimary, i.indisexclusion, " \
	"i.indexprs IS NOT NULL, i.indpred IS NOT NULL, i.indnkeyatts, i.indkey::text "   \
	"FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid "  \
	"JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "                       \
	"WHERE " shown " AND i.indislive ORDER BY i.indrelid, i.indexrelid"

static const char relations_query[] = RELATIONS(
	"n.nspname", SHOWN_SCHEMAS " AND (c.relkind NOT IN ('i', 'I') OR (" USER_SCHEMAS "))");
static const char columns_query[] = COLUMNS(SHOWN_SCHEMAS);
static const char indexes_query[] = INDEXES(USER_SCHEMAS);

#define OWN_TEMPORARY "n.oid = pg_catalog.pg_my_temp_schema()"

static const char temporary_relations[] = RELATIONS("'pg_temp'", OWN_TEMPORARY);
static const char temporary_columns[] = COLUMNS(OWN_TEMPORARY);
static const char temporary_indexes[] = INDEXES(OWN_TEMPORARY);

const char *schema_temporary_query(unsigned i)
{
	static const char *const queries[SCHEMA_N_QUERIES] = {
		NULL, NULL, NULL, NULL, temporary_relations, temporary_columns, temporary_indexes,
	};

	return i < SCHEMA_N_QUERIES ? queries[i] : NULL;
}

/* What a column draws from: its identity, or the sequences that its default names by oid. */
static const char sequences_query[] =
	"SELECT x.relation, x.attnum, n.nspname, c.relname FROM ("
	"SELECT d.refobjid AS relation, d.refobjsubid AS attnum, d.objid AS sequence "
	"FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass "
	"AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'i' "
	"AND d.refobjsubid > 0 "
	"UNION SELECT a.adrelid, a.adnum, d.refobjid FROM pg_catalog.pg_depend d "
	"JOIN pg_catalog.pg_attrdef a ON a.oid = d.objid "
	"WHERE d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass "
	"AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass"
	") x JOIN pg_catalog.pg_class c ON c.oid = x.sequence AND c.relkind = 'S' "
	"JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ORDER BY 1, 2";

const char *schema_query(unsigned i)
{
	static const char *const queries[SCHEMA_N_QUERIES] = {
		server_query,	 schemas_query, functions_query, user_query,
		relations_query, columns_query, indexes_query,	 sequences_query,
	};

	return i < SCHEMA_N_QUERIES ? queries[i] : NULL;
}
