/* SELECT and the rules that all queries share: which tables, which target. */
#include <string.h>
#include "internal.h"

static void count_rel(const struct build *b, struct census *c, struct rel *r)
{
	switch (r->kind) {
	case REL_SHARDED:
		if (c->n_sharded++ == 0) {
			c->distribution = r->mapped->distribution;
			c->sharded = r;
		}
		c->two_distributions |= c->distribution != r->mapped->distribution;
		return;
	case REL_REFERENCE:
		c->n_reference++;
		c->reference = r;
		return;
	case REL_SINGLE: {
		uint16_t home = names_home(b, r->mapped);
		c->two_homes |= c->n_single > 0 && c->home != home;
		c->home = home;
		c->n_single++;
		c->single = r;
		return;
	}
	case REL_SYSTEM: c->n_system++; return;
	case REL_VIEW:
		c->n_view++;
		c->view = r;
		return;
	case REL_DERIVED: return;
	}
}

void query_census(const struct build *b, struct census *c)
{
	*c = (struct census){ .home = b->map->home };
	for (unsigned i = 0; i < b->n_all; i++)
		count_rel(b, c, b->all[i]);
}

/* A partition or child named by itself, whose parent may be sharded. */
static const struct rel *find_partition(const struct build *b)
{
	for (unsigned i = 0; i < b->n_all; i++) {
		const struct rel *r = b->all[i];
		if (r->kind == REL_SINGLE && r->table && r->table->is_partition && !r->mapped)
			return r;
		if (r->kind == REL_SHARDED && r->table->has_children && r->table->kind != 'p')
			return r;
	}
	return NULL;
}

static bool has_sharded_parents(const struct build *b)
{
	for (unsigned i = 0; i < b->map->n_tables; i++) {
		const struct map_table *t = &b->map->tables[i];
		const struct schema_relation *r = schema_find(b->schema, t->schema, t->name);
		if (t->kind != MAP_SINGLE && r && (r->kind == 'p' || r->has_children))
			return true;
	}
	return false;
}

static enum status rules_calls(struct build *b, const struct census *c)
{
	const struct calls *k = &b->calls;
	bool one = b->map->n_shards == 1;
	if (k->session_value)
		return build_refuse(
			b, "Use INSERT … RETURNING, or keep what nextval() gave.",
			"%s() asks for a value of this session, and server connections are shared",
			k->session_value_name);
	if (k->forbidden && strcmp(k->forbidden_name, "set_config") == 0)
		return build_refuse(b,
				    "Use SET, or SELECT set_config('name', …, false) without FROM.",
				    "set_config() inside a query");
	if (k->forbidden && strcmp(k->forbidden_name, "WHERE CURRENT OF") == 0)
		return build_refuse(b, "Name the row by its key.", "WHERE CURRENT OF a cursor");
	if (one)
		return STATUS_OK;
	if (k->forbidden && c->n_sharded + c->n_reference > 0)
		return build_refuse(
			b, "Call it in a statement that reads no sharded or reference table.",
			"%s() in a statement over sharded or reference tables", k->forbidden_name);
	if (k->reads_tables)
		return build_refuse(b, "Send the query itself.",
				    "%s() runs a query that the proxy does not see",
				    k->reads_tables_name);
	if (k->sizes && c->n_system == 0)
		return build_refuse(b, "Ask each server, or sum over pg_class on each.",
				    "%s() knows one server only", k->sizes_name);
	if (k->opaque)
		return build_refuse(b, "Declare the function IMMUTABLE if it reads no table.",
				    "function %s() may read tables on other shards",
				    k->opaque_name);
	return STATUS_OK;
}

static enum status rules_tables(struct build *b, const struct census *c)
{
	if (c->n_view > 0)
		return build_refuse(b, "Query the tables of the view instead.",
				    "view \"%s\" over several shards", c->view->name);
	const struct rel *child = find_partition(b);
	if (child && (child->kind == REL_SHARDED || has_sharded_parents(b)))
		return build_refuse(b, "Name the partitioned parent table.",
				    "table \"%s\" is part of an inheritance tree", child->name);
	if (c->n_sharded > 0 && c->n_system > 0)
		return build_refuse(b, "Read the catalog in a statement of its own.",
				    "system catalogs joined with sharded tables");
	if (c->two_homes)
		return build_refuse(b, "Make one of them a reference table, or move it.",
				    "single tables of two shards in one statement");
	if (c->n_system > 0 && c->n_single > 0 && c->home != b->map->home)
		return build_refuse(b, "Read the catalog in a statement of its own.",
				    "system catalogs joined with a table of another shard");
	return STATUS_OK;
}

/* Writes inside WITH: what their own statement would check must hold here as well. */
static enum status rules_targets(struct build *b)
{
	static const char hint[] = "Write to it in a statement of its own.";
	for (unsigned i = 0; i < b->n_all; i++) {
		const struct rel *r = b->all[i];
		if (!r->is_target || (r->kind != REL_SHARDED && r->kind != REL_REFERENCE))
			continue;
		enum status st = table_is_writable(b, r);
		if (st != STATUS_OK)
			return st;
		if (r->level->kind == LEVEL_TOP)
			continue;
		if (r->kind == REL_REFERENCE)
			return build_refuse(
				b, hint, "a write to reference table \"%s\" inside WITH", r->name);
		if (node_is(r->level->stmt, NODE_InsertStmt))
			return build_refuse(b, hint, "INSERT into sharded table \"%s\" inside WITH",
					    r->name);
	}
	return STATUS_OK;
}

static void note_ties(struct build *b)
{
	const struct calls *k = &b->calls;
	struct plan *p = b->plan;
	if (k->session_lock)
		p->ties |= TIE_LOCK;
	if (k->session_unlock)
		p->ties |= TIE_UNLOCK;
	if (k->opaque)
		p->ties |= TIE_UNSEEN;
}

enum status query_rules(struct build *b, const struct census *c)
{
	enum status st = rules_calls(b, c);
	note_ties(b);
	if (st != STATUS_OK || b->map->n_shards == 1)
		return st;
	st = rules_tables(b, c);
	return st == STATUS_OK ? rules_targets(b) : st;
}

enum status query_unsharded(struct build *b, const struct census *c)
{
	struct plan *p = b->plan;
	p->uses_clock = b->calls.clock;
	sequence_note(b, NULL);
	p->target = TARGET_SHARD;
	p->shard = c->n_single > 0 ? c->home : b->map->home;
	if (c->n_single > 0) {
		if (b->calls.notifies && p->shard != b->map->home)
			return build_refuse(
				b, "Notify in a statement of its own.",
				"pg_notify() with a table of another than the home shard");
		if (b->calls.sequence && p->shard != b->map->home)
			return build_refuse(b, "Draw the value in a statement of its own.",
					    "a sequence of the home shard with a table of another");
		if (b->calls.advisory && p->shard != b->map->home)
			return build_refuse(b, "Take the lock in a statement of its own.",
					    "an advisory lock with a table of another shard");
		build_explain(b, "single-shard table: shard %s", b->map->shards[p->shard].name);
		return STATUS_OK;
	}
	if (c->n_system > 0 || b->calls.home_only || b->has_locking || p->writes) {
		build_explain(b, "home shard %s", b->map->shards[p->shard].name);
		return STATUS_OK;
	}
	p->target = TARGET_ANY;
	build_explain(b,
		      c->n_reference ? "reference tables only: any shard" : "no table: any shard");
	return STATUS_OK;
}

/* Row locks on a reference table must all meet on the home shard. */
static bool locks_reference(const struct build *b, const struct census *c)
{
	if (!b->has_locking || c->n_reference == 0)
		return false;
	for (struct level *l = b->levels; l; l = l->next) {
		const struct node_list *clauses =
			l->has_locking ? node_list(l->stmt, "locking_clause") : NULL;
		for (unsigned i = 0; clauses && i < clauses->n; i++) {
			const struct node_list *of = node_list(clauses->items[i], "locked_rels");
			if (of->n == 0)
				return true;
			for (unsigned j = 0; j < of->n; j++)
				for (unsigned k = 0; k < l->n_rels; k++)
					if (l->rels[k]->kind != REL_SHARDED &&
					    strcmp(l->rels[k]->name,
						   node_text(of->items[j], "relname")) == 0)
						return true;
		}
	}
	return false;
}

static bool several_values(const struct plan *p)
{
	return p->keys.n_rows > 1 || p->keys.sources[0].kind == KEY_PARAM_ARRAY;
}

enum status query_sharded(struct build *b, const struct census *c, struct level *top)
{
	struct plan *p = b->plan;
	if (locks_reference(b, c))
		return build_refuse(
			b, "Lock the sharded table only: FOR UPDATE OF it.",
			"FOR UPDATE or FOR SHARE of a reference table with a sharded one");
	bool keyed = route_by_key(b) && !c->two_distributions;
	if (c->two_distributions) {
		scatter_refuse(b, "Attach both tables to one distribution.",
			       "a statement over tables of two distributions");
		p->keys = (struct key_set){ 0 };
		if (!node_is(top->stmt, NODE_SelectStmt)) {
			*b->err = b->scatter;
			return b->scatter.status;
		}
	}
	if (b->sets_key)
		return build_refuse(b, "Delete the row and insert it with its new key.",
				    "a change of the shard key \"%s\"", b->sets_key);
	if (b->merge_inserts)
		return build_refuse(b, "Use INSERT … ON CONFLICT with the key in VALUES.",
				    "MERGE with INSERT into a sharded table");
	p->uses_clock = b->calls.clock;
	p->distribution = c->distribution;
	p->target = keyed ? TARGET_KEYS : TARGET_OWNERS;
	if (c->n_single > 0)
		p->must_be_shard = c->home;
	else if (!keyed && !c->two_distributions)
		range_intervals(b);
	if (keyed)
		build_explain(b, "routed by %s(%s): %u key value%s",
			      b->map->distributions[c->distribution].name,
			      c->sharded->mapped->key_columns[0], p->keys.n_rows,
			      p->keys.n_rows == 1 ? "" : "s");
	if (keyed && !several_values(p))
		return STATUS_OK;
	if (c->n_single > 0)
		scatter_refuse(b, "Restrict every sharded table to one key of that shard.",
			       "single-shard table \"%s\" with sharded tables", c->single->name);
	scatter_statement(b, top);
	if (p->merge == MERGE_REFUSED && b->scatter.status == STATUS_UNROUTED && gather_plan(b, c))
		return STATUS_OK;
	if (p->merge == MERGE_REFUSED)
		p->refusal = b->scatter;
	if (keyed || p->n_intervals || p->merge != MERGE_REFUSED ||
	    b->scatter.status != STATUS_UNROUTED)
		return STATUS_OK; /* an error of PostgreSQL's own belongs to the execution */
	*b->err = b->scatter;
	return b->scatter.status;
}

static void describe(struct build *b, struct level *top, const struct node *stmt)
{
	struct plan *p = b->plan;
	static const struct {
		enum node_kind kind;
		const char *tag;
	} tags[] = { { NODE_SelectStmt, "SELECT" },
		     { NODE_InsertStmt, "INSERT" },
		     { NODE_UpdateStmt, "UPDATE" },
		     { NODE_DeleteStmt, "DELETE" },
		     { NODE_MergeStmt, "MERGE" } };
	for (unsigned i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (tags[i].kind == stmt->kind)
			p->tag = tags[i].tag;
	for (struct level *l = b->levels; l; l = l->next)
		p->writes |= l->writes;
	p->writes |= b->calls.sequence || b->calls.notifies;
	p->notifies = b->calls.notifies;
	p->locks_rows = b->has_locking;
	p->returns_rows =
		stmt->kind == NODE_SelectStmt ||
		(stmt->kind != NODE_MergeStmt && node_list(stmt, "returning_list")->n > 0);
	p->n_output = top->output_unknown ? -1 : (int)top->n_output;
}

static void judge_unknown(struct build *b)
{
	struct err refusal = ERR_INIT;
	err_set_code(&refusal, STATUS_UNROUTED, "0A000", "table \"%s\" is not known to the proxy",
		     b->unknown_name ? b->unknown_name : "?");
	err_hint(&refusal, "Its schema snapshot may be old: run RELOAD on the control port.");
	query_judge(b, &refusal);
	b->plan->unknown_relation = true;
}

static enum status plan_by_kind(struct build *b, struct level *top, const struct node *stmt)
{
	struct census c;
	query_census(b, &c);
	enum status st = query_rules(b, &c);
	if (st != STATUS_OK)
		return st;
	if (b->map->n_shards == 1) {
		b->plan->uses_clock = b->calls.clock;
		build_explain(b, "the only shard");
		return STATUS_OK;
	}
	st = sequence_setval(b, stmt);
	if (st != STATUS_OK)
		return st;
	if (stmt->kind == NODE_InsertStmt)
		return plan_insert(b, stmt, &c, top);
	if (stmt->kind == NODE_UpdateStmt || stmt->kind == NODE_DeleteStmt)
		return plan_modify(b, stmt, &c, top);
	if (stmt->kind == NODE_MergeStmt && top->rels[0]->kind == REL_REFERENCE)
		return build_refuse(b, "Use INSERT, UPDATE and DELETE.",
				    "MERGE into a reference table");
	return c.n_sharded > 0 ? query_sharded(b, &c, top) : query_unsharded(b, &c);
}

/* SELECT … INTO is CREATE TABLE AS: a new single table. */
static enum status select_into(struct build *b, const struct node *stmt)
{
	struct plan *p = b->plan;
	bool home =
		p->target == TARGET_ANY || (p->target == TARGET_SHARD && p->shard == b->map->home);
	if (!home)
		return build_refuse(b, "CREATE TABLE, then INSERT … SELECT.",
				    "SELECT INTO over sharded tables");
	p->target = TARGET_SHARD;
	p->shard = b->map->home;
	p->class = PLAN_UTILITY;
	p->writes = p->is_ddl = p->exact_text = true;
	p->returns_rows = false;
	if (names_is_temp(b, node_child(node_child(stmt, "into_clause"), "rel")))
		temporary_made(b);
	else
		b->makes_permanent = true;
	return STATUS_OK;
}

enum status plan_query(struct build *b, const struct node *stmt)
{
	if (plan_set_config(b, stmt))
		return STATUS_OK;
	struct level *top = scope_statement(b, stmt, NULL, LEVEL_TOP, NULL);
	describe(b, top, stmt);
	if (b->unknown_relation) {
		judge_unknown(b);
		return STATUS_OK;
	}
	enum status st = plan_by_kind(b, top, stmt);
	route_params(b);
	if (st == STATUS_OK && stmt->kind == NODE_SelectStmt && node_child(stmt, "into_clause"))
		st = select_into(b, stmt);
	if (st == STATUS_UNROUTED) { /* PostgreSQL's own error, if there is one, comes first */
		struct err refusal = *b->err;
		query_judge(b, &refusal);
		return STATUS_OK;
	}
	return st;
}
