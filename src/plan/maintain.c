/* VACUUM, LOCK, GRANT, EXPLAIN, views and other statements about tables. */
#include <string.h>
#include "utility.h"

static bool option_is_set(const struct node_list *options, const char *name)
{
	for (unsigned i = 0; i < options->n; i++) {
		const struct node *d = options->items[i], *arg = node_child(d, "arg");
		if (strcasecmp(node_text(d, "defname"), name) != 0)
			continue;
		const char *text = node_is(arg, NODE_String) ? node_string(arg) : "true";
		if (node_is(arg, NODE_Integer))
			return node_int(arg, "ival") != 0;
		if (node_is(arg, NODE_Boolean))
			return node_int(arg, "boolval") != 0;
		return strcasecmp(text, "false") != 0 && strcasecmp(text, "off") != 0;
	}
	return false;
}

enum status plan_vacuum(struct build *b, const struct node *stmt)
{
	const struct node_list *rels = node_list(stmt, "rels");
	bool vacuum = node_int(stmt, "is_vacuumcmd") != 0;
	const char *tag = vacuum ? "VACUUM" : "ANALYZE";
	struct places p = { 0 };
	for (unsigned i = 0; i < rels->n; i++)
		places_add_var(b, &p, node_child(rels->items[i], "relation"));
	enum status st = rels->n ? places_run(b, &p, tag, false) : utility_run(b, tag, true, false);
	b->plan->no_txn_block = vacuum;
	return st;
}

enum status plan_reindex(struct build *b, const struct node *stmt)
{
	enum { REINDEX_INDEX = 1, REINDEX_TABLE = 2, REINDEX_SCHEMA = 3 };
	int64_t kind = node_int(stmt, "kind");
	struct places p = { 0 };
	enum status st;
	if (kind == REINDEX_INDEX || kind == REINDEX_TABLE) {
		const struct schema_relation *r = names_of(b, node_child(stmt, "relation"));
		places_add(b, &p, r && r->kind == 'i' ? relation_by_oid(b, r->index_of) : r);
		st = places_run(b, &p, "REINDEX", false);
		b->plan->no_txn_block = option_is_set(node_list(stmt, "params"), "concurrently");
		return st;
	}
	if (kind != REINDEX_SCHEMA)
		return build_refuse(b, "Use REINDEX SCHEMA or REINDEX TABLE.",
				    "REINDEX DATABASE or SYSTEM");
	st = utility_run(b, "REINDEX", true, false);
	b->plan->no_txn_block = true;
	return st;
}

enum status plan_cluster(struct build *b, const struct node *stmt)
{
	struct places p = { 0 };
	if (node_child(stmt, "relation")) {
		places_add_var(b, &p, node_child(stmt, "relation"));
		return places_run(b, &p, "CLUSTER", false);
	}
	enum status st = utility_run(b, "CLUSTER", true, false);
	b->plan->no_txn_block = true;
	return st;
}

enum status plan_lock(struct build *b, const struct node *stmt)
{
	const struct node_list *list = node_list(stmt, "relations");
	struct places p = { 0 };
	for (unsigned i = 0; i < list->n; i++)
		places_add_var(b, &p, list->items[i]);
	return places_run(b, &p, "LOCK TABLE", false);
}

enum status plan_grant(struct build *b, const struct node *stmt)
{
	enum { GRANT_OBJECTS = 1 };
	const struct node_list *objects = node_list(stmt, "objects");
	const char *tag = node_int(stmt, "is_grant") ? "GRANT" : "REVOKE";
	int64_t type = node_int(stmt, "objtype");
	struct places p = { 0 };
	if ((type != OBJECT_TABLE && type != OBJECT_SEQUENCE) ||
	    node_int(stmt, "targtype") != GRANT_OBJECTS)
		return utility_run(b, tag, true, false);
	for (unsigned i = 0; i < objects->n; i++)
		if (node_is(objects->items[i], NODE_RangeVar))
			places_add_var(b, &p, objects->items[i]);
	return places_run(b, &p, tag, false);
}

enum status plan_comment(struct build *b, const struct node *stmt)
{
	int64_t type = node_int(stmt, "objtype");
	const struct node *object = node_child(stmt, "object");
	struct places p = { 0 };
	bool on_table = type == OBJECT_TABLE || type == OBJECT_COLUMN ||
			type == OBJECT_TABCONSTRAINT || type == OBJECT_TRIGGER ||
			type == OBJECT_POLICY || type == OBJECT_INDEX || type == OBJECT_SEQUENCE ||
			type == OBJECT_MATVIEW;
	if (!on_table || !node_is(object, NODE_List))
		return utility_run(b, "COMMENT", true, false);
	bool has_sub = type == OBJECT_COLUMN || type == OBJECT_TABCONSTRAINT ||
		       type == OBJECT_TRIGGER || type == OBJECT_POLICY;
	const struct schema_relation *r = relation_of_names(b, node_list(object, "items"), has_sub);
	places_add(b, &p, r && r->kind == 'i' ? relation_by_oid(b, r->index_of) : r);
	return places_run(b, &p, "COMMENT", false);
}

enum status plan_alter_owner(struct build *b, const struct node *stmt)
{
	struct places p = { 0 };
	if (!node_child(stmt, "relation"))
		return utility_run(b, "ALTER", true, true);
	places_add_var(b, &p, node_child(stmt, "relation"));
	return places_run(b, &p, "ALTER TABLE", true);
}

/* ---- what hangs on a table ---- */
enum status plan_trigger(struct build *b, const struct node *stmt)
{
	struct places p = { 0 };
	places_add_var(b, &p, node_child(stmt, "relation"));
	if (p.n_spread && b->map->n_shards > 1)
		return build_refuse(b, "Do the work in the application, or keep the table single.",
				    "CREATE TRIGGER on a sharded or reference table");
	return places_run(b, &p, "CREATE TRIGGER", true);
}

enum status plan_on_table(struct build *b, const struct node *stmt)
{
	struct places p = { 0 };
	places_add_var(b, &p, node_child(stmt, "table"));
	if (p.n_spread && b->map->n_shards > 1)
		return build_refuse(b, "Use privileges, or keep the table single.",
				    "row-level policies on a sharded or reference table");
	return places_run(b, &p, "CREATE POLICY", true);
}

enum status plan_statistics(struct build *b, const struct node *stmt)
{
	const struct node_list *rels = node_list(stmt, "relations");
	struct places p = { 0 };
	for (unsigned i = 0; i < rels->n; i++)
		if (node_is(rels->items[i], NODE_RangeVar))
			places_add_var(b, &p, rels->items[i]);
	return places_run(b, &p, "CREATE STATISTICS", true);
}

enum status plan_opaque(struct build *b, const struct node *stmt)
{
	const char *tag = strcmp(node_type_name(stmt), "DoStmt") == 0 ? "DO" : "CALL";
	if (b->map->n_shards == 1) {
		b->plan->ties |= TIE_UNSEEN;
		return utility_run(b, tag, false, true);
	}
	return build_refuse(b, "Send its statements one by one.",
			    "%s may read tables on other shards", tag);
}

/* ---- statements around a query ---- */
/* It is temporary, too, when a table of it is. */
static enum status temporary_view(struct build *b, const struct census *c)
{
	bool elsewhere = c->two_homes || (c->n_single > 0 && c->home != b->map->home);
	if (b->map->n_shards > 1 && (c->n_sharded > 0 || c->n_view > 0 || elsewhere))
		return build_refuse(b, "Use a WITH query.",
				    "a temporary view over tables on other shards");
	utility_run(b, "CREATE VIEW", false, false);
	temporary_made(b);
	return STATUS_OK;
}

enum status plan_view(struct build *b, const struct node *stmt)
{
	struct census c;
	scope_statement(b, node_child(stmt, "query"), NULL, LEVEL_TOP, NULL);
	query_census(b, &c);
	if (names_is_temp(b, node_child(stmt, "view")) || b->uses_temp)
		return temporary_view(b, &c);
	if (c.n_single > 0 && b->map->n_shards > 1)
		return build_refuse(b, "Query the table itself.",
				    "a view over single-shard table \"%s\"", c.single->name);
	return utility_run(b, "CREATE VIEW", true, true);
}

enum status plan_create_as(struct build *b, const struct node *stmt)
{
	struct plan *p = b->plan;
	const struct node *into = node_child(stmt, "into");
	bool is_temp = names_is_temp(b, node_child(into, "rel"));
	if (node_is(node_child(stmt, "query"), NODE_SelectStmt)) {
		enum status st = plan_query(b, node_child(stmt, "query"));
		if (st != STATUS_OK || p->judge)
			return st;
	} else if (b->map->n_shards > 1 ||
		   strcmp(node_type_name(node_child(stmt, "query")), "ExecuteStmt") == 0) {
		return build_refuse(b, "Use CREATE TABLE … AS SELECT.",
				    "CREATE TABLE AS of this statement");
	}
	bool home =
		p->target == TARGET_ANY || (p->target == TARGET_SHARD && p->shard == b->map->home);
	if (!home)
		return build_refuse(b, "CREATE TABLE, then INSERT … SELECT.",
				    "CREATE TABLE AS over sharded tables");
	p->returns_rows = false;
	utility_run(b,
		    node_int(stmt, "objtype") == OBJECT_MATVIEW ? "CREATE MATERIALIZED VIEW"
								: "CREATE TABLE AS",
		    false, true);
	b->makes_permanent = !is_temp;
	if (is_temp)
		temporary_made(b);
	return STATUS_OK;
}

static enum status explain_several(struct build *b)
{
	return build_refuse(b, "Use EXPLAIN ROUTE on the control port.",
			    "EXPLAIN of a statement over several shards");
}

enum status plan_explain(struct build *b, const struct node *stmt)
{
	struct plan *p = b->plan;
	const struct node *query = node_child(stmt, "query");
	bool analyze = option_is_set(node_list(stmt, "options"), "analyze");
	if (!node_is(query, NODE_SelectStmt) && !node_is(query, NODE_InsertStmt) &&
	    !node_is(query, NODE_UpdateStmt) && !node_is(query, NODE_DeleteStmt) &&
	    !node_is(query, NODE_MergeStmt)) {
		if (strcmp(node_type_name(query), "ExecuteStmt") == 0)
			return build_refuse(b, "Explain the prepared query.", "EXPLAIN EXECUTE");
		if (b->map->n_shards > 1)
			return build_refuse(b, "Explain its query.", "EXPLAIN of this statement");
		p->ties |= TIE_UNSEEN; /* EXPLAIN ANALYZE CREATE TABLE AS makes it */
		return utility_run(b, "EXPLAIN", false, false);
	}
	enum status st = plan_query(b, query);
	p->tag = "EXPLAIN";
	if (st != STATUS_OK || p->judge)
		return st;
	if (p->class != PLAN_QUERY)
		return build_refuse(b, "Explain a query.", "EXPLAIN of this statement");
	p->returns_rows = true;
	p->n_output = 1;
	p->writes = p->writes && analyze;
	p->exact_text = true;
	p->text = NULL;
	p->n_splices = 0;
	p->n_sort = 0;
	p->limit = p->offset = (struct plan_count){ 0 };
	if (p->target == TARGET_EVERY && !analyze) {
		p->target = TARGET_ANY;
		p->lock_reference = false;
	} else if (p->target == TARGET_EVERY || p->target == TARGET_OWNERS) {
		return explain_several(b);
	}
	p->merge = MERGE_REFUSED;
	err_set(&p->refusal, STATUS_UNROUTED, "EXPLAIN of a statement over several shards");
	err_hint(&p->refusal, "Use EXPLAIN ROUTE on the control port.");
	return STATUS_OK;
}
