/* Types whose values can travel from the shards to the one that finishes a gathered query.
 *
 * A column travels in its type's binary form, as an array parameter, and is cast back to its own
 * typmod and collation. Arrays cannot travel inside arrays: they go as text, where their elements'
 * text is exact whatever the session has set. What is not listed here is refused. */
#include <string.h>
#include "internal.h"

enum typmod_form { MOD_NONE, MOD_LENGTH, MOD_BITS, MOD_NUMERIC, MOD_PRECISION };

static const struct {
	uint32_t oid;
	const char *name;
	enum typmod_form form;
} bases[] = {
	{ OID_BOOL, "bool", MOD_NONE },
	{ OID_BYTEA, "bytea", MOD_NONE },
	{ OID_INT8, "int8", MOD_NONE },
	{ OID_INT2, "int2", MOD_NONE },
	{ OID_INT4, "int4", MOD_NONE },
	{ OID_TEXT, "text", MOD_NONE },
	{ OID_OID, "oid", MOD_NONE },
	{ OID_JSON, "json", MOD_NONE },
	{ 3802, "jsonb", MOD_NONE },
	{ OID_FLOAT4, "float4", MOD_NONE },
	{ OID_FLOAT8, "float8", MOD_NONE },
	{ OID_BPCHAR, "bpchar", MOD_LENGTH },
	{ OID_VARCHAR, "varchar", MOD_LENGTH },
	{ 19, "name", MOD_NONE },
	{ OID_DATE, "date", MOD_NONE },
	{ OID_TIME, "time", MOD_PRECISION },
	{ OID_TIMETZ, "timetz", MOD_PRECISION },
	{ OID_TIMESTAMP, "timestamp", MOD_PRECISION },
	{ OID_TIMESTAMPTZ, "timestamptz", MOD_PRECISION },
	{ OID_INTERVAL, "interval", MOD_NONE },
	{ OID_NUMERIC, "numeric", MOD_NUMERIC },
	{ OID_UUID, "uuid", MOD_NONE },
	{ 1560, "bit", MOD_BITS },
	{ 1562, "varbit", MOD_BITS },
	{ 869, "inet", MOD_NONE },
	{ 650, "cidr", MOD_NONE },
	{ 829, "macaddr", MOD_NONE },
	{ 790, "money", MOD_NONE },
};

/* Arrays whose text form reads back as the same value under any setting. */
static const struct {
	uint32_t oid;
	const char *name;
} arrays[] = {
	{ 1000, "bool[]" }, { 1005, "int2[]" },	   { 1007, "int4[]" }, { 1016, "int8[]" },
	{ 1009, "text[]" }, { 1015, "varchar[]" }, { 2951, "uuid[]" }, { 1231, "numeric[]" },
	{ 199, "json[]" },  { 3807, "jsonb[]" },
};

/* NULL: this typmod cannot be written. */
static const char *with_typmod(struct arena *a, const char *name, enum typmod_form form,
			       int32_t typmod)
{
	if (typmod < 0)
		return arena_printf(a, "pg_catalog.%s", name);
	switch (form) {
	case MOD_LENGTH: return arena_printf(a, "pg_catalog.%s(%d)", name, typmod - 4);
	case MOD_BITS: return arena_printf(a, "pg_catalog.\"%s\"(%d)", name, typmod);
	case MOD_PRECISION: return arena_printf(a, "pg_catalog.%s(%d)", name, typmod);
	case MOD_NUMERIC:
		if (((typmod - 4) & 0x7ff) >= 1024) /* a negative scale */
			return NULL;
		return arena_printf(a, "pg_catalog.%s(%d,%d)", name, ((typmod - 4) >> 16) & 0xffff,
				    (typmod - 4) & 0x7ff);
	case MOD_NONE: break;
	}
	return NULL;
}

static const char *collate_clause(uint32_t collation)
{
	switch (collation) {
	case 0:
	case COLLATION_DEFAULT: return "";
	case COLLATION_C: return " COLLATE pg_catalog.\"C\"";
	case COLLATION_POSIX: return " COLLATE pg_catalog.\"POSIX\"";
	default: return NULL;
	}
}

bool shipping_of(struct build *b, const struct schema_column *column, struct shipping *out)
{
	uint32_t oid = column->type_oid;
	const char *collate = collate_clause(oid == 19 ? 0 : column->collation_oid);

	for (unsigned i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		if (bases[i].oid != oid)
			continue;
		const char *travel = arena_printf(b->a, "pg_catalog.%s", bases[i].name);
		*out = (struct shipping){
			oid, with_typmod(b->a, bases[i].name, bases[i].form, column->typmod),
			travel, collate
		};
		return out->type && collate;
	}
	for (unsigned i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++) {
		if (arrays[i].oid != oid || column->typmod >= 0)
			continue;
		*out = (struct shipping){ OID_TEXT,
					  arena_printf(b->a, "pg_catalog.%s", arrays[i].name),
					  "pg_catalog.text", collate };
		return collate != NULL;
	}
	return false;
}
