/* What a function call means for a statement that may meet several servers.
 *
 * Built-in names are judged by pg_catalog's volatility and by the lists below; a name
 * that a user's function shares counts as the user's. */
#include <string.h>
#include "internal.h"

static bool in_list(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(name, *list) == 0)
			return true;
	return false;
}

static bool has_prefix(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (strncmp(name, *list, strlen(*list)) == 0)
			return true;
	return false;
}

static const char *const clocks[] = { "now", "transaction_timestamp", "statement_timestamp", NULL };
static const char *const sequences[] = { "nextval", "setval", NULL };
/* What this session drew before, on a server connection that it may not have now. */
static const char *const session_values[] = { "currval", "lastval", "pg_listening_channels", NULL };
/* Volatile, yet each row may have its own value. */
static const char *const per_row[] = { "random",   "gen_random_uuid", "clock_timestamp",
				       "pg_sleep", "pg_sleep_for",    "timeofday",
				       NULL };
/* Locks that outlive the transaction. */
static const char *const session_locks[] = {
	"pg_advisory_lock",	  "pg_advisory_lock_shared",
	"pg_try_advisory_lock",	  "pg_try_advisory_lock_shared",
	"pg_advisory_unlock",	  "pg_advisory_unlock_shared",
	"pg_advisory_unlock_all", NULL
};
/* They run queries of their own, over whatever tables. */
static const char *const readers[] = { "query_to_xml",	"table_to_xml",
				       "schema_to_xml", "database_to_xml",
				       "cursor_to_xml", "ts_stat",
				       "ts_rewrite",	NULL };
/* Of one server's files. */
static const char *const sizes[] = { "pg_relation_size", "pg_total_relation_size", "pg_table_size",
				     "pg_indexes_size",	 "pg_database_size",	   NULL };
/* State of one server, or reading what the proxy cannot see: never with sharded tables. */
static const char *const forbidden[] = { "set_config",
					 "pg_export_snapshot",
					 "ts_stat",
					 "ts_rewrite",
					 "setseed",
					 "pg_relation_size",
					 "pg_total_relation_size",
					 "pg_table_size",
					 "pg_indexes_size",
					 "pg_database_size",
					 "pg_tablespace_size",
					 "pg_terminate_backend",
					 "pg_cancel_backend",
					 "pg_reload_conf",
					 "pg_rotate_logfile",
					 "pg_switch_wal",
					 "pg_prewarm",
					 "pg_my_temp_schema",
					 "currtid2",
					 "pg_get_serial_sequence",
					 "cursor_to_xml",
					 "cursor_to_xmlschema",
					 "loread",
					 "lowrite",
					 "pg_sequence_last_value",
					 NULL };
static const char *const forbidden_prefixes[] = { "query_to_xml",
						  "table_to_xml",
						  "schema_to_xml",
						  "database_to_xml",
						  "lo_",
						  "dblink",
						  "txid_",
						  "pg_current_xact",
						  "pg_current_snapshot",
						  "pg_snapshot_",
						  "pg_xact_",
						  "pg_advisory_",
						  "pg_try_advisory_",
						  "pg_logical_",
						  "pg_create_",
						  "pg_drop_",
						  "pg_copy_",
						  "pg_read_",
						  "pg_ls_",
						  "pg_stat_",
						  "pg_replication_",
						  "pg_wal",
						  "pg_walfile",
						  "pg_lock",
						  "pg_import_",
						  "pg_stop_",
						  "pg_start_",
						  "pg_backup_",
						  "pg_promote",
						  "pg_file_",
						  "pg_log",
						  "pg_current_wal",
						  "pg_blocking_",
						  "pg_safe_snapshot_",
						  NULL };
/* They run SQL that they are given as text, or read a table that they are given by name. */
static const char *const sql_runners[] = { "query_to_xml",
					   "query_to_xmlschema",
					   "query_to_xml_and_xmlschema",
					   "cursor_to_xml",
					   "table_to_xml",
					   "table_to_xml_and_xmlschema",
					   "schema_to_xml",
					   "schema_to_xml_and_xmlschema",
					   "database_to_xml",
					   "database_to_xml_and_xmlschema",
					   "ts_stat",
					   NULL };
/* The same question has another answer on another server. */
static const char *const shard_bound[] = {
	"current_database",	    "pg_backend_pid",	  "inet_server_addr",
	"inet_server_port",	    "inet_client_addr",	  "inet_client_port",
	"pg_postmaster_start_time", "pg_conf_load_time",  "version",
	"pg_is_in_recovery",	    "pg_current_logfile", "current_setting",
	"pg_control_system",	    "pg_trigger_depth",	  NULL
};
/* Results that depend on the order in which rows arrive. */
static const char *const order_free[] = { "count",   "min",   "max",	 "bool_and",
					  "bool_or", "every", "bit_and", "bit_or",
					  "bit_xor", "sum",   "avg",	 NULL };

static const char *call_name(struct build *b, const struct node *call, bool *is_user)
{
	const struct node_list *parts = node_list(call, "funcname");
	const char *name = node_string(parts->items[parts->n - 1]);
	const char *schema = parts->n > 1 ? node_string(parts->items[parts->n - 2]) : NULL;
	bool is_exact = !b->path_shadows_catalog && node_list(call, "args")->n == 0 &&
			(in_list(name, per_row) || in_list(name, clocks));
	if (schema)
		*is_user = strcmp(schema, "pg_catalog") != 0;
	else if (is_exact) /* pg_catalog's own comes first, whatever an extension adds */
		*is_user = false;
	else
		*is_user = schema_find_user_function(b->schema, name) != NULL ||
			   b->path_shadows_catalog;
	return name;
}

const struct schema_function *functions_builtin(struct build *b, const struct node *call,
						const char **name)
{
	bool is_user;
	*name = call_name(b, call, &is_user);
	return is_user ? NULL : schema_find_function(b->schema, *name);
}

bool functions_is_aggregate(struct build *b, const struct node *call)
{
	bool is_user;
	const char *name = call_name(b, call, &is_user);
	if (node_child(call, "over"))
		return false;
	const struct schema_function *f = is_user ? schema_find_user_function(b->schema, name)
						  : schema_find_function(b->schema, name);
	if (node_int(call, "agg_star") || node_int(call, "agg_distinct") ||
	    node_int(call, "agg_within_group") || node_child(call, "agg_filter") ||
	    node_list(call, "agg_order")->n > 0)
		return true;
	return f && (f->kind == 'a' || f->kind == '*');
}

static void note(bool *flag, char *where, const char *name)
{
	if (!*flag) {
		strncpy(where, name, 63);
		where[63] = '\0';
	}
	*flag = true;
}

static void judge_user(struct build *b, struct level *l, const char *name)
{
	const struct schema_function *f = schema_find_user_function(b->schema, name);
	if (f && f->kind == 'a') /* its transition function may be anything, in any order */
		l->order_dependent = true;
	if (f && f->returns_set)
		l->has_srf = true;
	if (!f || f->volatility != 'i')
		note(&b->calls.opaque, b->calls.opaque_name, name);
}

static bool is_information_schema(const struct node *call)
{
	const struct node_list *parts = node_list(call, "funcname");
	return parts->n > 1 &&
	       strcmp(node_string(parts->items[parts->n - 2]), "information_schema") == 0;
}

/* They read the catalogs only, as what the drivers ask about keys and indexes does. */
static void judge_information_schema(struct build *b, struct level *l, const char *name)
{
	l->has_srf = true;
	b->calls.home_only = true;
	note(&b->calls.forbidden, b->calls.forbidden_name, name);
}

static void judge_builtin(struct build *b, struct level *l, const struct node *call,
			  const char *name, const struct schema_function *f)
{
	struct calls *c = &b->calls;
	if (in_list(name, sql_runners)) { /* it may read any table, unseen */
		note(&c->opaque, c->opaque_name, name);
		return;
	}
	if (in_list(name, clocks) ||
	    (strcmp(name, "age") == 0 && node_list(call, "args")->n == 1)) {
		c->clock = true;
	} else if (in_list(name, sequences)) {
		c->sequence = c->home_only = true;
		if (strcmp(name, "setval") == 0)
			c->setval = call;
		else if (c->n_nextval++ < sizeof(c->nextval) / sizeof(c->nextval[0]))
			c->nextval[c->n_nextval - 1] = call;
		note(&c->forbidden, c->forbidden_name, name);
	} else if (in_list(name, session_values)) {
		note(&c->session_value, c->session_value_name, name);
	} else if (in_list(name, session_locks)) {
		note(&c->session_lock, c->session_name, name);
		note(&c->forbidden, c->forbidden_name, name);
		c->session_unlock |= strstr(name, "unlock") || strncmp(name, "pg_try", 6) == 0;
		c->advisory = c->home_only = true;
	} else if (has_prefix(name, readers)) {
		note(&c->reads_tables, c->reads_tables_name, name);
		note(&c->forbidden, c->forbidden_name, name);
		c->home_only = true;
	} else if (in_list(name, sizes)) {
		note(&c->sizes, c->sizes_name, name);
		note(&c->forbidden, c->forbidden_name, name);
		c->home_only = true;
	} else if (strcmp(name, "pg_notify") == 0) {
		c->notifies = c->home_only = true;
		note(&c->forbidden, c->forbidden_name, name);
	} else if (in_list(name, forbidden) || has_prefix(name, forbidden_prefixes)) {
		note(&c->forbidden, c->forbidden_name, name);
		c->advisory |= strstr(name, "_advisory_") != NULL;
		c->home_only = true;
	} else if (in_list(name, shard_bound)) {
		note(&c->shard_bound, c->shard_bound_name, name);
		c->home_only = true;
	} else if (in_list(name, per_row)) {
		c->row_random = true;
		l->has_volatile = true;
	} else if (!f || f->volatility == 'v') {
		note(&c->forbidden, c->forbidden_name, name);
		l->has_volatile = true;
		c->home_only = true;
	}
}

void functions_judge(struct build *b, struct level *l, const struct node *call)
{
	bool is_user;
	const char *name = call_name(b, call, &is_user);
	const struct schema_function *f = is_user ? NULL : schema_find_function(b->schema, name);

	if (node_child(call, "over"))
		l->has_window = true;
	if (functions_is_aggregate(b, call)) {
		l->has_aggregate = true;
		if (is_user || !in_list(name, order_free))
			l->order_dependent = true;
	}
	if (f && f->returns_set)
		l->has_srf = true;
	if (is_information_schema(call))
		judge_information_schema(b, l, name);
	else if (is_user || (!f && !schema_find_function(b->schema, name)))
		judge_user(b, l, name);
	else
		judge_builtin(b, l, call, name, f);
}
