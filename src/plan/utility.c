/* Statements other than queries: where each kind runs, or why it is refused. */
#include <string.h>
#include "utility.h"

struct rule {
	const char *type, *tag;
	enum { RUN_EVERY, RUN_HOME, REFUSE } what;
	bool is_ddl;
	const char *hint;
};

static const char admin_hint[] = "Run it on the servers themselves.";

static const struct rule rules[] = {
	{ "CreateSchemaStmt", "CREATE SCHEMA", RUN_EVERY, true, NULL },
	{ "CreateDomainStmt", "CREATE DOMAIN", RUN_EVERY, true, NULL },
	{ "AlterDomainStmt", "ALTER DOMAIN", RUN_EVERY, true, NULL },
	{ "CompositeTypeStmt", "CREATE TYPE", RUN_EVERY, true, NULL },
	{ "CreateEnumStmt", "CREATE TYPE", RUN_EVERY, true, NULL },
	{ "AlterEnumStmt", "ALTER TYPE", RUN_EVERY, true, NULL },
	{ "CreateRangeStmt", "CREATE TYPE", RUN_EVERY, true, NULL },
	{ "AlterTypeStmt", "ALTER TYPE", RUN_EVERY, true, NULL },
	{ "DefineStmt", "CREATE", RUN_EVERY, true, NULL },
	{ "CreateExtensionStmt", "CREATE EXTENSION", RUN_EVERY, true, NULL },
	{ "AlterExtensionStmt", "ALTER EXTENSION", RUN_EVERY, true, NULL },
	{ "CreateFunctionStmt", "CREATE FUNCTION", RUN_EVERY, true, NULL },
	{ "AlterFunctionStmt", "ALTER FUNCTION", RUN_EVERY, true, NULL },
	{ "CreateCastStmt", "CREATE CAST", RUN_EVERY, true, NULL },
	{ "CreateOpClassStmt", "CREATE OPERATOR CLASS", RUN_EVERY, true, NULL },
	{ "CreateOpFamilyStmt", "CREATE OPERATOR FAMILY", RUN_EVERY, true, NULL },
	{ "AlterOpFamilyStmt", "ALTER OPERATOR FAMILY", RUN_EVERY, true, NULL },
	{ "AlterOperatorStmt", "ALTER OPERATOR", RUN_EVERY, true, NULL },
	{ "CreateConversionStmt", "CREATE CONVERSION", RUN_EVERY, true, NULL },
	{ "CreatePLangStmt", "CREATE LANGUAGE", RUN_EVERY, true, NULL },
	{ "AlterCollationStmt", "ALTER COLLATION", RUN_EVERY, true, NULL },
	{ "AlterTSDictionaryStmt", "ALTER TEXT SEARCH DICTIONARY", RUN_EVERY, true, NULL },
	{ "AlterTSConfigurationStmt", "ALTER TEXT SEARCH CONFIGURATION", RUN_EVERY, true, NULL },
	{ "CreateRoleStmt", "CREATE ROLE", RUN_EVERY, true, NULL },
	{ "AlterRoleStmt", "ALTER ROLE", RUN_EVERY, true, NULL },
	{ "AlterRoleSetStmt", "ALTER ROLE", RUN_EVERY, true, NULL },
	{ "DropRoleStmt", "DROP ROLE", RUN_EVERY, true, NULL },
	{ "GrantRoleStmt", "GRANT ROLE", RUN_EVERY, true, NULL },
	{ "AlterDefaultPrivilegesStmt", "ALTER DEFAULT PRIVILEGES", RUN_EVERY, true, NULL },
	{ "RefreshMatViewStmt", "REFRESH MATERIALIZED VIEW", RUN_HOME, false, NULL },
	{ "NotifyStmt", "NOTIFY", RUN_HOME, false, NULL },
	{ "LoadStmt", "LOAD", REFUSE, false, "Set session_preload_libraries on the servers." },
	{ "ConstraintsSetStmt", "SET CONSTRAINTS", REFUSE, false,
	  "Declare the constraint INITIALLY DEFERRED." },
	{ "CreatedbStmt", "CREATE DATABASE", REFUSE, false, admin_hint },
	{ "DropdbStmt", "DROP DATABASE", REFUSE, false, admin_hint },
	{ "AlterDatabaseStmt", "ALTER DATABASE", REFUSE, false, admin_hint },
	{ "AlterDatabaseSetStmt", "ALTER DATABASE", REFUSE, false, admin_hint },
	{ "AlterSystemStmt", "ALTER SYSTEM", REFUSE, false, admin_hint },
	{ "CheckPointStmt", "CHECKPOINT", REFUSE, false, admin_hint },
	{ "RuleStmt", "CREATE RULE", REFUSE, false, "Rules and shards do not go together." },
	{ NULL, NULL, REFUSE, false, NULL },
};

static const struct rule *find_rule(const char *type)
{
	for (const struct rule *r = rules; r->type; r++)
		if (strcmp(r->type, type) == 0)
			return r;
	return NULL;
}

enum status utility_run(struct build *b, const char *tag, bool every, bool is_ddl)
{
	struct plan *p = b->plan;
	p->class = PLAN_UTILITY;
	p->tag = tag;
	p->writes = true;
	p->is_ddl = is_ddl;
	p->target = every ? TARGET_EVERY : TARGET_SHARD;
	p->shard = b->map->home;
	build_explain(b, every ? "every shard" : "home shard");
	return STATUS_OK;
}

static enum status by_rule(struct build *b, const struct rule *r)
{
	bool session_state = r->what == REFUSE && r->hint != admin_hint;
	if (r->what == REFUSE && (session_state || b->map->n_shards > 1))
		return build_refuse(b, r->hint, "%s is not supported through the proxy", r->tag);
	b->plan->notifies = strcmp(r->tag, "NOTIFY") == 0;
	return utility_run(b, r->tag, r->what == RUN_EVERY, r->is_ddl);
}

enum status plan_utility(struct build *b, const struct node *stmt)
{
	static const struct {
		const char *type;
		enum status (*plan)(struct build *b, const struct node *stmt);
	} handlers[] = {
		{ "CreateStmt", plan_create_table },
		{ "CreateSeqStmt", plan_create_sequence },
		{ "AlterSeqStmt", plan_alter_sequence },
		{ "CopyStmt", plan_copy },
		{ "DropStmt", plan_drop_objects },
		{ "AlterTableStmt", plan_alter_table },
		{ "IndexStmt", plan_create_index },
		{ "RenameStmt", plan_rename },
		{ "AlterObjectSchemaStmt", plan_set_schema },
		{ "TruncateStmt", plan_truncate },
		{ "VacuumStmt", plan_vacuum },
		{ "ReindexStmt", plan_reindex },
		{ "ClusterStmt", plan_cluster },
		{ "LockStmt", plan_lock },
		{ "ExplainStmt", plan_explain },
		{ "CreateTableAsStmt", plan_create_as },
		{ "GrantStmt", plan_grant },
		{ "CommentStmt", plan_comment },
		{ "ViewStmt", plan_view },
		{ "CreateTrigStmt", plan_trigger },
		{ "AlterOwnerStmt", plan_alter_owner },
		{ "CreatePolicyStmt", plan_on_table },
		{ "AlterPolicyStmt", plan_on_table },
		{ "CreateStatsStmt", plan_statistics },
		{ "DoStmt", plan_opaque },
		{ "CallStmt", plan_opaque },
		{ "DeclareCursorStmt", plan_declare },
	};
	const char *type = node_type_name(stmt);
	const struct rule *r = find_rule(type);
	if (r)
		return by_rule(b, r);
	for (unsigned i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (strcmp(handlers[i].type, type) == 0)
			return handlers[i].plan(b, stmt);
	if (b->map->n_shards == 1)
		return utility_run(b, type, false, true);
	return build_refuse(b, "Run it on the servers themselves.", "statements of kind %s", type);
}
