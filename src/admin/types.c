#include "types.h"

#include <stddef.h>

static const struct {
	uint32_t oid;
	const char *name;
} types[] = {
	{ 16, "boolean" },     { 17, "bytea" },
	{ 20, "bigint" },      { 21, "smallint" },
	{ 23, "integer" },     { 25, "text" },
	{ 1042, "character" }, { 1043, "character varying" },
	{ 1082, "date" },      { 1114, "timestamp without time zone" },
	{ 1700, "numeric" },   { 1184, "timestamp with time zone" },
	{ 2950, "uuid" },
};

const char *type_name(struct arena *a, uint32_t oid)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].oid == oid)
			return types[i].name;
	return arena_printf(a, "%u", oid);
}
