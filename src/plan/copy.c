/* COPY: into a sharded table by its key, out of it shard by shard. */
#include <string.h>
#include "pgmosaic/key/type.h"
#include "utility.h"

static const char *text_of(const struct node *arg)
{
	return node_is(arg, NODE_String) ? node_string(arg) : "";
}

static bool flag_of(const struct node *arg)
{
	if (!arg)
		return true;
	if (node_is(arg, NODE_Integer))
		return node_int(arg, "ival") != 0;
	if (node_is(arg, NODE_Boolean))
		return node_int(arg, "boolval") != 0;
	return strcasecmp(text_of(arg), "true") == 0 || strcasecmp(text_of(arg), "on") == 0;
}

struct copy_options {
	struct plan_copy *copy;
	bool has_delimiter, has_null, has_quote, has_escape;
	const char *refused;
	bool unknown; /* an option PostgreSQL does not know either */
};

static void take_option(struct copy_options *o, struct build *b, const char *name,
			const struct node *arg)
{
	struct plan_copy *c = o->copy;
	const char *text = text_of(arg);
	if (strcmp(name, "format") == 0) {
		c->format = strcmp(text, "csv") == 0	  ? COPY_CSV
			    : strcmp(text, "binary") == 0 ? COPY_BINARY
							  : COPY_TEXT;
	} else if (strcmp(name, "delimiter") == 0) {
		c->delimiter = *text;
		o->has_delimiter = true;
	} else if (strcmp(name, "null") == 0) {
		c->null_text = arena_strdup(&b->plan->arena, text);
		o->has_null = true;
	} else if (strcmp(name, "quote") == 0) {
		c->quote = *text;
		o->has_quote = true;
	} else if (strcmp(name, "escape") == 0) {
		c->escape = *text;
		o->has_escape = true;
	} else if (strcmp(name, "header") == 0) {
		if (node_is(arg, NODE_String) && strcasecmp(text, "match") == 0)
			o->refused = "HEADER MATCH";
		c->header = flag_of(arg);
	} else if (strcmp(name, "encoding") == 0) {
		if (strcasecmp(text, "utf8") != 0 && strcasecmp(text, "utf-8") != 0)
			o->refused = "ENCODING other than UTF8";
	} else if (strncmp(name, "force_", 6) == 0) {
		o->refused = name;
	} else if (strcmp(name, "freeze") != 0) {
		o->unknown = true;
	}
}

static void read_options(struct build *b, const struct node *stmt, struct copy_options *o)
{
	const struct node_list *list = node_list(stmt, "options");
	for (unsigned i = 0; i < list->n; i++)
		take_option(o, b, node_text(list->items[i], "defname"),
			    node_child(list->items[i], "arg"));
	struct plan_copy *c = o->copy;
	bool csv = c->format == COPY_CSV;
	if (!o->has_delimiter)
		c->delimiter = csv ? ',' : '\t';
	if (!o->has_null)
		c->null_text = csv ? "" : "\\N";
	if (!o->has_quote)
		c->quote = '"';
	if (!o->has_escape)
		c->escape = c->quote;
}

static int field_of(const struct node *stmt, const struct schema_relation *r, const char *column)
{
	const struct node_list *cols = node_list(stmt, "attlist");
	for (unsigned i = 0; i < cols->n; i++)
		if (strcmp(node_string(cols->items[i]), column) == 0)
			return (int)i;
	int at = 0;
	for (unsigned i = 0; cols->n == 0 && i < r->n_columns; i++) {
		if (r->columns[i].default_kind == DEFAULT_GENERATED)
			continue;
		if (strcmp(r->columns[i].name, column) == 0)
			return at;
		at++;
	}
	return -1;
}

static uint16_t count_fields(const struct node *stmt, const struct schema_relation *r)
{
	const struct node_list *cols = node_list(stmt, "attlist");
	unsigned n = cols->n;
	for (unsigned i = 0; cols->n == 0 && i < r->n_columns; i++)
		n += r->columns[i].default_kind != DEFAULT_GENERATED;
	return (uint16_t)n;
}

/* Columns that are not copied get their default on each shard. */
static enum status check_defaults(struct build *b, const struct node *stmt,
				  const struct schema_relation *r, enum rel_kind kind)
{
	for (unsigned i = 0; i < r->n_columns; i++) {
		const struct schema_column *c = &r->columns[i];
		if (field_of(stmt, r, c->name) >= 0)
			continue;
		bool draws = sequence_feeds(c);
		enum status st =
			draws && kind == REL_SHARDED ? sequence_allows(b, r, c) : STATUS_OK;
		if (st != STATUS_OK)
			return st;
		bool bad = (draws && kind == REL_REFERENCE) ||
			   c->default_kind == DEFAULT_VOLATILE ||
			   (kind == REL_REFERENCE && c->default_kind == DEFAULT_CONST &&
			    (strchr(c->default_text ? c->default_text : "", '(') ||
			     strstr(c->default_text ? c->default_text : "", "CURRENT_")));
		if (bad)
			return build_refuse(
				b, "Copy the column as well.",
				"COPY without column \"%s\", whose default is not a constant",
				c->name);
	}
	return STATUS_OK;
}

static enum status check_target(struct build *b, const struct schema_relation *r)
{
	struct rel target = { .table = r };
	return table_is_writable(b, &target);
}

static enum status copy_in_sharded(struct build *b, const struct node *stmt,
				   const struct schema_relation *r, const struct map_table *m)
{
	struct plan *p = b->plan;
	for (unsigned k = 0; k < m->n_keys; k++) {
		const struct schema_column *c = schema_find_column(r, m->key_columns[k]);
		p->copy.key_field[k] = field_of(stmt, r, m->key_columns[k]);
		if (p->copy.key_field[k] < 0 || !c)
			return build_refuse(b, "Copy the shard key as well.",
					    "COPY without the shard key \"%s\"", m->key_columns[k]);
		p->copy.key_type[k] = c->type_oid;
		p->copy.key_typmod[k] = VALUE_TYPMOD(c->typmod);
	}
	p->keys.n_keys = m->n_keys;
	p->keys.is_insert = true;
	p->distribution = m->distribution;
	p->target = TARGET_OWNERS;
	p->merge = MERGE_WRITE;
	build_explain(b, "rows to the owners of their keys as they stream, atomically");
	return STATUS_OK;
}

static enum status copy_in(struct build *b, const struct node *stmt,
			   const struct schema_relation *r, const char *refused)
{
	struct plan *p = b->plan;
	const struct map_table *m = NULL;
	enum rel_kind kind = names_place(b, r, &m);
	p->class = PLAN_COPY_IN;
	p->writes = true;
	p->copy.n_fields = count_fields(stmt, r);
	for (unsigned k = 0; k < MAP_MAX_KEYS; k++)
		p->copy.key_field[k] = -1;
	if (b->map->n_shards == 1 || (kind != REL_SHARDED && kind != REL_REFERENCE)) {
		p->shard = names_home(b, m);
		p->target = TARGET_SHARD;
		return STATUS_OK;
	}
	if (refused || node_child(stmt, "where_clause"))
		return build_refuse(
			b, "Use the options FORMAT, DELIMITER, NULL, HEADER, QUOTE and ESCAPE.",
			"COPY with %s into a sharded or reference table",
			refused ? refused : "WHERE");
	enum status st = check_target(b, r);
	if (st == STATUS_OK)
		st = check_defaults(b, stmt, r, kind);
	if (st != STATUS_OK || kind == REL_SHARDED)
		return st == STATUS_OK ? copy_in_sharded(b, stmt, r, m) : st;
	const char **names = arena_array(&p->arena, const char *, 1);
	names[0] = arena_printf(&p->arena, "%s.%s", names_quote(b->a, r->schema),
				names_quote(b->a, r->name));
	p->lock_tables = names;
	p->n_lock_tables = 1;
	p->lock_reference = true;
	p->target = TARGET_EVERY;
	p->merge = MERGE_WRITE;
	return STATUS_OK;
}

static enum status copy_table_out(struct build *b, const struct node *stmt,
				  const struct schema_relation *r)
{
	struct plan *p = b->plan;
	const struct map_table *m = NULL;
	enum rel_kind kind = names_place(b, r, &m);
	p->copy.n_fields = count_fields(stmt, r);
	p->shard = names_home(b, m);
	p->target = TARGET_SHARD;
	if (kind == REL_REFERENCE)
		p->target = TARGET_ANY;
	if (kind != REL_SHARDED || b->map->n_shards == 1)
		return STATUS_OK;
	p->target = TARGET_OWNERS;
	p->distribution = m->distribution;
	p->merge = MERGE_CONCAT;
	build_explain(b, "rows of the shards one after the other");
	return STATUS_OK;
}

static enum status copy_query_out(struct build *b, const struct node *query)
{
	struct plan *p = b->plan;
	if (!node_is(query, NODE_SelectStmt)) {
		if (b->map->n_shards == 1)
			return utility_run(b, "COPY", false, false);
		return build_refuse(b, "Run the statement itself.",
				    "COPY of a data-modifying statement");
	}
	enum status st = plan_query(b, query);
	if (st != STATUS_OK || p->judge)
		return st;
	if (p->class == PLAN_LOCAL || p->class == PLAN_UTILITY)
		return build_refuse(b, "Run the statement itself.", "COPY of this statement");
	p->class = PLAN_COPY_OUT;
	p->tag = "COPY";
	p->copy.n_fields = p->n_output > 0 ? (uint16_t)p->n_output : 0;
	bool plain = p->merge == MERGE_CONCAT && !p->text && !p->limit.kind && !p->offset.kind;
	if (p->target == TARGET_OWNERS && !plain)
		return build_refuse(b, "Sort or aggregate with a SELECT, or restrict to one key.",
				    "COPY of a query that must be merged over several shards");
	if (!plain) {
		p->merge = MERGE_REFUSED;
		err_set(&p->refusal, STATUS_UNROUTED,
			"COPY of a query that must be merged over several shards");
		err_hint(&p->refusal, "Restrict it to one key.");
	}
	p->text = NULL;
	p->n_splices = 0;
	return STATUS_OK;
}

static bool names_unknown_column(const struct node *stmt, const struct schema_relation *r)
{
	const struct node_list *cols = node_list(stmt, "attlist");
	for (unsigned i = 0; i < cols->n; i++)
		if (!schema_find_column(r, node_string(cols->items[i])))
			return true;
	return false;
}

/* Elements of arrays and composites stand in binary data with the OIDs of their types. */
static bool binary_differs(const struct build *b, const struct schema_relation *r)
{
	const struct shard_oids *oids = oids_differing(b->req->world->oids);
	if (b->plan->copy.format != COPY_BINARY || !oids)
		return false;
	for (unsigned i = 0; i < r->n_columns; i++)
		if (oids_deep(oids, r->columns[i].type_oid))
			return true;
	return false;
}

enum status plan_copy(struct build *b, const struct node *stmt)
{
	struct plan *p = b->plan;
	const struct node *relation = node_child(stmt, "relation"),
			  *query = node_child(stmt, "query");
	struct copy_options o = { .copy = &p->copy };
	p->tag = "COPY";
	p->exact_text = true;
	if (node_int(stmt, "is_program") || *node_text(stmt, "filename"))
		return build_refuse(b, "Use COPY … FROM STDIN or TO STDOUT (psql: \\copy).",
				    "COPY with a file or program of the server");
	read_options(b, stmt, &o);
	p->class = PLAN_COPY_OUT;
	if (query)
		return copy_query_out(b, query);
	const struct schema_relation *r = names_of(b, relation);
	if (!r) { /* the home shard knows it, or says that it does not exist */
		p->unknown_relation = true;
		p->class = node_int(stmt, "is_from") ? PLAN_COPY_IN : PLAN_COPY_OUT;
		return STATUS_OK;
	}
	const struct map_table *m = NULL;
	if (names_place(b, r, &m) == REL_VIEW && b->map->n_shards > 1)
		return build_refuse(b, "Copy a table.", "COPY of view \"%s\"", r->name);
	if (o.unknown || names_unknown_column(stmt, r)) { /* PostgreSQL says what is wrong */
		p->class = node_int(stmt, "is_from") ? PLAN_COPY_IN : PLAN_COPY_OUT;
		p->shard = b->map->home;
		return STATUS_OK;
	}
	if (binary_differs(b, r))
		return build_refuse(
			b, "Use the text format.",
			"COPY in binary format of arrays or composites whose types have "
			"other OIDs on other shards");
	return node_int(stmt, "is_from") ? copy_in(b, stmt, r, o.refused)
					 : copy_table_out(b, stmt, r);
}
