/* Names as PostgreSQL resolves them: search path, schemas, built-in types, operators. */
#include <stdio.h>
#include <string.h>
#include "internal.h"

static void add_schema(struct build *b, const char *name)
{
	b->path[b->n_path++] = name;
}

/* One entry of the setting: quoted or not, folded when not. */
static const char *next_entry(struct arena *a, const char **at)
{
	const char *p = *at;
	while (*p == ' ' || *p == ',' || *p == '\t' || *p == '\n')
		p++;
	if (!*p)
		return NULL;
	char *out = arena_alloc(a, strlen(p) + 1), *o = out;
	if (*p == '"') {
		for (p++; *p && (*p != '"' || p[1] == '"'); p++) {
			if (*p == '"')
				p++;
			*o++ = *p;
		}
		if (*p == '"')
			p++;
	} else {
		for (; *p && *p != ',' && *p != ' '; p++)
			*o++ = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
	}
	*o = '\0';
	*at = p;
	return out;
}

void names_setup(struct build *b)
{
	const char *at = b->req->search_path, *name;
	if (!at || !*at)
		at = b->schema->default_search_path ? b->schema->default_search_path
						    : "\"$user\", public";
	b->path = arena_array(b->a, const char *, strlen(at) + 3);
	bool has_catalog = strstr(at, "pg_catalog") != NULL;
	if (strstr(at, "pg_temp") == NULL)
		add_schema(b, "pg_temp");
	if (!has_catalog)
		add_schema(b, "pg_catalog");
	for (bool first = true; (name = next_entry(b->a, &at)) != NULL; first = false) {
		if (strcmp(name, "$user") == 0)
			name = b->req->user ? b->req->user : "";
		b->path_makes_temp |= first && strcmp(name, "pg_temp") == 0;
		if (*name)
			add_schema(b, name);
	}
	/* For functions, operators and types, pg_temp is not searched. */
	unsigned at_first = b->n_path > 0 && strcmp(b->path[0], "pg_temp") == 0;
	b->path_shadows_catalog =
		b->n_path > at_first && strcmp(b->path[at_first], "pg_catalog") != 0;
}

static bool is_temp_schema(const char *schema)
{
	return strncmp(schema, "pg_temp", 7) == 0 && (schema[7] == '\0' || schema[7] == '_');
}

static const struct schema_relation *find_in(struct build *b, const char *schema, const char *name)
{
	if (!is_temp_schema(schema))
		return schema_find(b->schema, schema, name);
	const struct schema_relation *r =
		b->req->temporary ? schema_find(b->req->temporary, "pg_temp", name) : NULL;
	b->uses_temp |= r != NULL;
	return r;
}

const struct schema_relation *names_find(struct build *b, const char *schema, const char *name)
{
	if (schema && *schema)
		return find_in(b, schema, name);
	for (unsigned i = 0; i < b->n_path; i++) {
		const struct schema_relation *r = find_in(b, b->path[i], name);
		if (r)
			return r;
	}
	return NULL;
}

const struct schema_relation *names_of(struct build *b, const struct node *range_var)
{
	return names_find(b, node_text(range_var, "schemaname"), node_text(range_var, "relname"));
}

bool names_is_temp(const struct build *b, const struct node *range_var)
{
	const char *schema = node_text(range_var, "schemaname");
	return strcmp(node_text(range_var, "relpersistence"), "t") == 0 || is_temp_schema(schema) ||
	       (!*schema && b->path_makes_temp);
}

static const struct {
	const char *name;
	uint32_t oid;
} builtin_types[] = {
	{ "bool", OID_BOOL },
	{ "bytea", OID_BYTEA },
	{ "int8", OID_INT8 },
	{ "int2", OID_INT2 },
	{ "int4", OID_INT4 },
	{ "text", OID_TEXT },
	{ "oid", OID_OID },
	{ "json", OID_JSON },
	{ "float4", OID_FLOAT4 },
	{ "float8", OID_FLOAT8 },
	{ "bpchar", OID_BPCHAR },
	{ "varchar", OID_VARCHAR },
	{ "date", OID_DATE },
	{ "time", OID_TIME },
	{ "timestamp", OID_TIMESTAMP },
	{ "timestamptz", OID_TIMESTAMPTZ },
	{ "interval", OID_INTERVAL },
	{ "timetz", OID_TIMETZ },
	{ "numeric", OID_NUMERIC },
	{ "uuid", OID_UUID },
	{ "inet", 869 },
	{ "cidr", 650 },
	{ "regclass", 2205 },
	{ "regproc", 24 },
	{ "regprocedure", 2202 },
	{ "regoper", 2203 },
	{ "regoperator", 2204 },
	{ "regtype", 2206 },
	{ "regrole", 4096 },
	{ "regnamespace", 4089 },
	{ "regconfig", 3734 },
	{ "regdictionary", 3769 },
	{ "regcollation", 4191 },
	{ "jsonb", 3802 },
};

uint32_t names_type(struct build *b, const struct node *type_name, bool *is_array)
{
	const struct node_list *names = node_list(type_name, "names");
	bool array = node_list(type_name, "array_bounds")->n > 0;
	if (is_array)
		*is_array = array;
	if ((array && !is_array) || node_int(type_name, "setof") || node_int(type_name, "pct_type"))
		return 0;
	if (names->n == 0 || names->n > 2)
		return 0;
	const char *name = node_string(names->items[names->n - 1]);
	const char *schema = names->n == 2 ? node_string(names->items[0]) : NULL;
	if (schema && strcmp(schema, "pg_catalog") != 0)
		return 0;
	if (!schema && (b->path_shadows_catalog || schema_has_user_type(b->schema, name) ||
			(b->req->temporary && schema_find(b->req->temporary, "pg_temp", name))))
		return 0; /* a temporary table's row type hides the built-in one */
	for (unsigned i = 0; i < sizeof(builtin_types) / sizeof(builtin_types[0]); i++)
		if (strcmp(builtin_types[i].name, name) == 0)
			return builtin_types[i].oid;
	return 0;
}

const char *names_operator(struct build *b, const struct node_list *name)
{
	if (name->n == 1 && !b->path_shadows_catalog)
		return node_string(name->items[0]);
	if (name->n == 2 && strcmp(node_string(name->items[0]), "pg_catalog") == 0)
		return node_string(name->items[1]);
	return NULL;
}

char *names_quote(struct arena *a, const char *name)
{
	char *out = arena_alloc(a, 2 * strlen(name) + 3), *o = out;
	*o++ = '"';
	for (; *name; name++) {
		if (*name == '"')
			*o++ = '"';
		*o++ = *name;
	}
	*o++ = '"';
	*o = '\0';
	return out;
}

static bool is_system_schema(const char *schema)
{
	return strcmp(schema, "pg_catalog") == 0 || strcmp(schema, "information_schema") == 0 ||
	       strcmp(schema, "pg_toast") == 0;
}

enum rel_kind names_place(struct build *b, const struct schema_relation *r,
			  const struct map_table **mapped)
{
	*mapped = NULL;
	if (r->persistence == 't') /* on the home shard, views as well */
		return REL_SINGLE;
	if (is_system_schema(r->schema))
		return REL_SYSTEM;
	*mapped = map_find_table(b->map, r->schema, r->name);
	if (*mapped && (*mapped)->kind == MAP_SHARDED)
		return REL_SHARDED;
	if (*mapped && (*mapped)->kind == MAP_REFERENCE)
		return REL_REFERENCE;
	return r->kind == 'v' ? REL_VIEW : REL_SINGLE;
}

uint16_t names_home(const struct build *b, const struct map_table *mapped)
{
	return mapped && mapped->kind == MAP_SINGLE ? mapped->home : b->map->home;
}
