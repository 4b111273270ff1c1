#include "pgmosaic/key/type.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define SEED	     "8816678312871386365"
#define INTEGER_HASH "pg_catalog.hashint8extended(%s::pg_catalog.int8, " SEED ")"
#define TEXT_HASH    "pg_catalog.hashtextextended(%s::pg_catalog.text, " SEED ")"
#define INET_HASH    "pg_catalog.hashinetextended(%s::pg_catalog.inet, " SEED ")"

/* hash_array_extended() of one element is 31 + the element's hash, and wraps. */
#define BYTEA_HASH                                                                  \
	"(pg_catalog.mod(pg_catalog.hash_array_extended(ARRAY[%s], " SEED           \
	")::pg_catalog.numeric - 31 + 9223372036854775808 + 18446744073709551616, " \
	"18446744073709551616) - 9223372036854775808)::pg_catalog.int8"

static const struct key_type types[] = {
	{ 20, { "bigint", "int8" }, 20, 1016, true, INTEGER_HASH },
	{ 21, { "smallint", "int2" }, 20, 1005, true, INTEGER_HASH },
	{ 23, { "integer", "int", "int4" }, 20, 1007, true, INTEGER_HASH },
	{ 25, { "text" }, 25, 1009, true, TEXT_HASH },
	{ 1043, { "character varying", "varchar" }, 25, 1015, true, TEXT_HASH },
	{ 1042,
	  { "character", "char", "bpchar" },
	  1042,
	  1014,
	  false,
	  "pg_catalog.hashbpcharextended(%s, " SEED ")" },
	{ 2950, { "uuid" }, 2950, 2951, true, "pg_catalog.uuid_hash_extended(%s, " SEED ")" },
	{ 16,
	  { "boolean", "bool" },
	  16,
	  1000,
	  false,
	  "pg_catalog.hashcharextended((%s::pg_catalog.int4)::pg_catalog.\"char\", " SEED ")" },
	{ 1082,
	  { "date" },
	  1082,
	  1182,
	  true,
	  "pg_catalog.hashint4extended((SELECT CASE WHEN d = 'infinity' THEN 2147483647 WHEN d = "
	  "'-infinity' THEN -2147483648 ELSE d - '2000-01-01'::pg_catalog.date END FROM (SELECT "
	  "%s) k(d)), " SEED ")" },
	{ 1114,
	  { "timestamp without time zone", "timestamp" },
	  1114,
	  1115,
	  true,
	  "pg_catalog.timestamp_hash_extended(%s, " SEED ")" },
	{ 1184,
	  { "timestamp with time zone", "timestamptz" },
	  1184,
	  1185,
	  true,
	  "pg_catalog.timestamp_hash_extended(%s AT TIME ZONE 'UTC', " SEED ")" },
	{ 17, { "bytea" }, 17, 1001, false, BYTEA_HASH },
	{ 1700,
	  { "numeric", "decimal" },
	  1700,
	  1231,
	  true,
	  "pg_catalog.hash_numeric_extended(%s, " SEED ")" },
	{ 869, { "inet" }, 869, 1041, false, INET_HASH },
	{ 650, { "cidr" }, 869, 651, false, INET_HASH },
};

#define N_TYPES (sizeof(types) / sizeof(types[0]))

const struct key_type *key_type_named(const char *name)
{
	size_t n = strcspn(name, "("); /* varchar(20), numeric(10, 2) */

	while (n && name[n - 1] == ' ')
		n--;
	for (size_t i = 0; i < N_TYPES; i++)
		for (int k = 0; k < 4 && types[i].names[k]; k++)
			if (strlen(types[i].names[k]) == n &&
			    strncasecmp(types[i].names[k], name, n) == 0)
				return &types[i];
	return NULL;
}

const struct key_type *key_type_of(uint32_t oid)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if (types[i].oid == oid)
			return &types[i];
	return NULL;
}

const struct key_type *key_type_of_array(uint32_t array)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if (types[i].array == array)
			return &types[i];
	return NULL;
}

uint32_t key_type_class(uint32_t oid)
{
	const struct key_type *t = key_type_of(oid);

	return t ? t->klass : 0;
}

static const struct {
	uint32_t oid;
	const char *names[3];
	const char *why;
} refused[] = {
	{ 700, { "real", "float4" }, "equal numbers are not spelled alike" },
	{ 701, { "double precision", "float8", "float" }, "equal numbers are not spelled alike" },
	{ 114, { "json" }, "json has no equality" },
	{ 3802, { "jsonb" }, "jsonb values are not single values" },
	{ 142, { "xml" }, "xml has no equality" },
	{ 1186, { "interval" }, "equal intervals are not spelled alike" },
	{ 790, { "money" }, "its text depends on the locale" },
};

const char *key_type_refusal(uint32_t oid)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (refused[i].oid == oid)
			return refused[i].why;
	return oid >= 16384
		       ? "an enum, domain or other type of the database differs in its OID, and so "
			 "in its hash, from server to server"
		       : "it has no hash that the proxy knows";
}

const char *key_type_name_refusal(const char *name)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		for (int k = 0; k < 3 && refused[i].names[k]; k++)
			if (strcasecmp(refused[i].names[k], name) == 0)
				return refused[i].why;
	return "it is no type whose hash the proxy knows";
}
