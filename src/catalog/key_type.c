#include "key_type.h"

#include <stddef.h>
#include <strings.h>

#define SEED "8816678312871386365"

static const struct key_type types[] = {
	{ 20,
	  { "bigint", "int8" },
	  20,
	  "pg_catalog.hashint8extended(%s::pg_catalog.int8, " SEED ")" },
	{ 21,
	  { "smallint", "int2" },
	  20,
	  "pg_catalog.hashint8extended(%s::pg_catalog.int8, " SEED ")" },
	{ 23,
	  { "integer", "int", "int4" },
	  20,
	  "pg_catalog.hashint8extended(%s::pg_catalog.int8, " SEED ")" },
	{ 25, { "text" }, 25, "pg_catalog.hashtextextended(%s::pg_catalog.text, " SEED ")" },
	{ 1043,
	  { "character varying", "varchar" },
	  25,
	  "pg_catalog.hashtextextended(%s::pg_catalog.text, " SEED ")" },
	{ 1042,
	  { "character", "char", "bpchar" },
	  1042,
	  "pg_catalog.hashbpcharextended(%s, " SEED ")" },
	{ 2950, { "uuid" }, 2950, "pg_catalog.uuid_hash_extended(%s, " SEED ")" },
	{ 16,
	  { "boolean", "bool" },
	  16,
	  "pg_catalog.hashcharextended((%s::pg_catalog.int4)::pg_catalog.\"char\", " SEED ")" },
	{ 1082,
	  { "date" },
	  1082,
	  "pg_catalog.hashint4extended(%s - '2000-01-01'::pg_catalog.date, " SEED ")" },
	{ 1114,
	  { "timestamp without time zone", "timestamp" },
	  1114,
	  "pg_catalog.timestamp_hash_extended(%s, " SEED ")" },
	{ 1184,
	  { "timestamp with time zone", "timestamptz" },
	  1184,
	  "pg_catalog.timestamp_hash_extended(%s AT TIME ZONE 'UTC', " SEED ")" },
	{ 17, { "bytea" }, 17, NULL },
};

const struct key_type *key_type_named(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		for (int k = 0; k < 4 && types[i].names[k]; k++)
			if (strcasecmp(types[i].names[k], name) == 0)
				return &types[i];
	return NULL;
}

const struct key_type *key_type_of(uint32_t oid)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].oid == oid)
			return &types[i];
	return NULL;
}
