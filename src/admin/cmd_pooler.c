/* SHOW POOLS, CLIENTS, SERVERS, STATS, DATABASES, USERS, LISTS, MEM, CONFIG, VERSION:
 * PgBouncer's columns, so that its tools work; ours stand behind them. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/catalog/world.h"
#include "pgmosaic/config/config.h"

static const struct admin_column pools_columns[] = {
	{ "database", TYPE_TEXT },
	{ "user", TYPE_TEXT },
	{ "cl_active", TYPE_BIGINT },
	{ "cl_waiting", TYPE_BIGINT },
	{ "cl_active_cancel_req", TYPE_BIGINT },
	{ "cl_waiting_cancel_req", TYPE_BIGINT },
	{ "sv_active", TYPE_BIGINT },
	{ "sv_active_cancel", TYPE_BIGINT },
	{ "sv_being_canceled", TYPE_BIGINT },
	{ "sv_idle", TYPE_BIGINT },
	{ "sv_used", TYPE_BIGINT },
	{ "sv_tested", TYPE_BIGINT },
	{ "sv_login", TYPE_BIGINT },
	{ "maxwait", TYPE_BIGINT },
	{ "maxwait_us", TYPE_BIGINT },
	{ "pool_mode", TYPE_TEXT },
	{ "shard", TYPE_TEXT },
	{ "worker", TYPE_INTEGER },
};

#define SOCKET_COLUMNS                                                                         \
	{ "type", TYPE_TEXT }, { "user", TYPE_TEXT }, { "database", TYPE_TEXT },               \
		{ "state", TYPE_TEXT }, { "addr", TYPE_TEXT }, { "port", TYPE_INTEGER },       \
		{ "local_addr", TYPE_TEXT }, { "local_port", TYPE_INTEGER },                   \
		{ "connect_time", TYPE_TEXT }, { "request_time", TYPE_TEXT },                  \
		{ "wait", TYPE_INTEGER }, { "wait_us", TYPE_INTEGER },                         \
		{ "close_needed", TYPE_INTEGER }, { "ptr", TYPE_TEXT }, { "link", TYPE_TEXT }, \
		{ "remote_pid", TYPE_INTEGER }, { "tls", TYPE_TEXT },                          \
		{ "application_name", TYPE_TEXT },                                             \
	{                                                                                      \
		"prepared_statements", TYPE_INTEGER                                            \
	}

static const struct admin_column clients_columns[] = {
	SOCKET_COLUMNS,
	{ "id", TYPE_TEXT },
	{ "worker", TYPE_INTEGER },
	{ "pinned", TYPE_TEXT },
};

static const struct admin_column servers_columns[] = {
	SOCKET_COLUMNS,
	{ "shard", TYPE_TEXT },
	{ "worker", TYPE_INTEGER },
};

_Static_assert(sizeof(pools_columns) / sizeof(pools_columns[0]) == RUNTIME_POOLS_COLUMNS, "");
_Static_assert(sizeof(clients_columns) / sizeof(clients_columns[0]) == RUNTIME_CLIENTS_COLUMNS, "");
_Static_assert(sizeof(servers_columns) / sizeof(servers_columns[0]) == RUNTIME_SERVERS_COLUMNS, "");

#define SERVERS_SHARD_COLUMN (RUNTIME_SERVERS_COLUMNS - 2)

static const struct admin_column stats_columns[] = {
	{ "database", TYPE_TEXT },
	{ "total_xact_count", TYPE_BIGINT },
	{ "total_query_count", TYPE_BIGINT },
	{ "total_received", TYPE_BIGINT },
	{ "total_sent", TYPE_BIGINT },
	{ "total_xact_time", TYPE_BIGINT },
	{ "total_query_time", TYPE_BIGINT },
	{ "total_wait_time", TYPE_BIGINT },
	{ "avg_xact_count", TYPE_BIGINT },
	{ "avg_query_count", TYPE_BIGINT },
	{ "avg_recv", TYPE_BIGINT },
	{ "avg_sent", TYPE_BIGINT },
	{ "avg_xact_time", TYPE_BIGINT },
	{ "avg_query_time", TYPE_BIGINT },
	{ "avg_wait_time", TYPE_BIGINT },
};

static const struct admin_column databases_columns[] = {
	{ "name", TYPE_TEXT },
	{ "host", TYPE_TEXT },
	{ "port", TYPE_INTEGER },
	{ "database", TYPE_TEXT },
	{ "force_user", TYPE_TEXT },
	{ "pool_size", TYPE_INTEGER },
	{ "min_pool_size", TYPE_INTEGER },
	{ "reserve_pool", TYPE_INTEGER },
	{ "pool_mode", TYPE_TEXT },
	{ "max_connections", TYPE_INTEGER },
	{ "current_connections", TYPE_INTEGER },
	{ "paused", TYPE_INTEGER },
	{ "disabled", TYPE_INTEGER },
	{ "shard", TYPE_TEXT },
};

static const struct admin_column users_columns[] = {
	{ "name", TYPE_TEXT },
	{ "pool_mode", TYPE_TEXT },
	{ "admin", TYPE_BOOL },
};

static const struct admin_column lists_columns[] = {
	{ "list", TYPE_TEXT },
	{ "items", TYPE_BIGINT },
};

static const struct admin_column mem_columns[] = {
	{ "name", TYPE_TEXT },	 { "size", TYPE_BIGINT },     { "used", TYPE_BIGINT },
	{ "free", TYPE_BIGINT }, { "memtotal", TYPE_BIGINT },
};

static const struct admin_column config_columns[] = {
	{ "key", TYPE_TEXT },
	{ "value", TYPE_TEXT },
	{ "default", TYPE_TEXT },
	{ "changeable", TYPE_TEXT },
};

static const struct admin_column state_columns[] = {
	{ "key", TYPE_TEXT },
	{ "value", TYPE_TEXT },
};

static const struct admin_column version_columns[] = { { "version", TYPE_TEXT } };

const struct admin_column *runtime_columns(enum runtime_table what, unsigned *n)
{
	switch (what) {
	case RUNTIME_POOLS: *n = RUNTIME_POOLS_COLUMNS; return pools_columns;
	case RUNTIME_CLIENTS: *n = RUNTIME_CLIENTS_COLUMNS; return clients_columns;
	case RUNTIME_SERVERS: *n = RUNTIME_SERVERS_COLUMNS; return servers_columns;
	}
	UNREACHABLE("no such runtime table");
}

static enum status collect(struct call *call, enum runtime_table what, struct admin_result *out)
{
	out->columns = runtime_columns(what, &out->n_columns);
	return call->runtime->collect(call->runtime->ctx, what, out, call->err);
}

static enum status run_show_pools(struct call *call)
{
	return parse_end(call) ? collect(call, RUNTIME_POOLS, call->out) : call->err->status;
}

static enum status run_show_clients(struct call *call)
{
	return parse_end(call) ? collect(call, RUNTIME_CLIENTS, call->out) : call->err->status;
}

static enum status run_show_servers(struct call *call)
{
	return parse_end(call) ? collect(call, RUNTIME_SERVERS, call->out) : call->err->status;
}

static uint64_t queries_of(const struct metrics_total *t)
{
	return (uint64_t)(t->values[METRIC_QUERIES_ROUTE] + t->values[METRIC_QUERIES_SCATTER] +
			  t->values[METRIC_QUERIES_LOCAL]);
}

static uint64_t per(uint64_t total, uint64_t n)
{
	return n ? total / n : 0;
}

/* Averages are over the whole life of the process: totals divided by seconds, or by
 * the count of what is averaged. */
static void add_stats(struct call *call, const char *database)
{
	struct metrics_total t;
	uint64_t up_us, seconds, xacts, queries, received, sent, query_us, xact_us, wait_us;

	call->runtime->metrics(call->runtime->ctx, &t, &up_us);
	seconds = up_us / 1000000;
	xacts = (uint64_t)t.values[METRIC_TRANSACTIONS];
	queries = queries_of(&t);
	received = (uint64_t)t.values[METRIC_CLIENT_BYTES_IN];
	sent = (uint64_t)t.values[METRIC_CLIENT_BYTES_OUT];
	query_us = t.sum_us[HIST_QUERY];
	xact_us = (uint64_t)t.values[METRIC_TRANSACTION_US];
	wait_us = (uint64_t)t.values[METRIC_POOL_WAIT_US];
	admin_result_row(call->out, database, call_u64(call, xacts), call_u64(call, queries),
			 call_u64(call, received), call_u64(call, sent), call_u64(call, xact_us),
			 call_u64(call, query_us), call_u64(call, wait_us),
			 call_u64(call, per(xacts, seconds)), call_u64(call, per(queries, seconds)),
			 call_u64(call, per(received, seconds)), call_u64(call, per(sent, seconds)),
			 call_u64(call, per(xact_us, xacts)),
			 call_u64(call, per(query_us, queries)),
			 call_u64(call, per(wait_us, xacts)));
}

static enum status run_show_stats(struct call *call)
{
	struct world *world;
	enum status status;

	if (!parse_end(call))
		return call->err->status;
	status = call_world(call, &world);
	if (status != STATUS_OK)
		return status;
	add_stats(call, world->map->n_shards ? world->map->shards[world->map->home].dbname : "");
	world_drop(world);
	return STATUS_OK;
}

static unsigned servers_on(const struct admin_result *servers, const char *shard)
{
	unsigned n = 0;

	for (unsigned i = 0; i < servers->n_rows; i++) {
		const char *on = servers->values[i * servers->n_columns + SERVERS_SHARD_COLUMN];

		n += on && strcmp(on, shard) == 0;
	}
	return n;
}

static void add_databases(struct call *call, const struct shard_map *map,
			  const struct admin_result *servers)
{
	const struct config *cfg = call->runtime->config(call->runtime->ctx);
	struct arena *a = &call->out->arena;

	for (unsigned i = 0; i < map->n_shards; i++) {
		const struct map_shard *s = &map->shards[i];
		const char *host = dsn_value(a, s->dsn, "host"),
			   *port = dsn_value(a, s->dsn, "port");

		admin_result_row(call->out, map->shards[map->home].dbname, host,
				 port ? port : "5432", s->dbname, NULL,
				 call_u64(call, cfg->pool.size), call_u64(call, cfg->pool.min_size),
				 call_u64(call, cfg->pool.reserve),
				 config_mode_name(cfg->pool.mode), "0",
				 call_u64(call, servers_on(servers, s->name)), "0", "0", s->name);
	}
}

static enum status run_show_databases(struct call *call)
{
	struct admin_result servers;
	struct world *world;
	enum status status;

	if (!parse_end(call))
		return call->err->status;
	status = call_world(call, &world);
	if (status != STATUS_OK)
		return status;
	admin_result_init(&servers);
	status = collect(call, RUNTIME_SERVERS, &servers);
	if (status == STATUS_OK)
		add_databases(call, world->map, &servers);
	admin_result_finish(&servers);
	world_drop(world);
	return status;
}

static enum status run_show_users(struct call *call)
{
	const struct config *cfg = call->runtime->config(call->runtime->ctx);

	if (!parse_end(call))
		return call->err->status;
	for (unsigned i = 0; i < cfg->n_users; i++)
		admin_result_row(call->out, cfg->users[i].name,
				 config_mode_name(config_mode_of(cfg, cfg->users[i].name)),
				 cfg->users[i].admin ? "t" : "f");
	return STATUS_OK;
}

static enum status count_rows(struct call *call, enum runtime_table what, unsigned *n)
{
	struct admin_result rows;
	enum status status;

	admin_result_init(&rows);
	status = collect(call, what, &rows);
	*n = rows.n_rows;
	admin_result_finish(&rows);
	return status;
}

static enum status run_show_lists(struct call *call)
{
	static const char *const names[] = { "pools", "used_clients", "used_servers" };
	static const enum runtime_table tables[] = { RUNTIME_POOLS, RUNTIME_CLIENTS,
						     RUNTIME_SERVERS };
	const struct config *cfg = call->runtime->config(call->runtime->ctx);

	if (!parse_end(call))
		return call->err->status;
	admin_result_row(call->out, "databases", "1");
	admin_result_row(call->out, "users", call_u64(call, cfg->n_users));
	for (unsigned i = 0; i < 3; i++) {
		unsigned n;
		enum status status = count_rows(call, tables[i], &n);

		if (status != STATUS_OK)
			return status;
		admin_result_row(call->out, names[i], call_u64(call, n));
	}
	return STATUS_OK;
}

static enum status run_show_mem(struct call *call)
{
	struct mallinfo2 m = mallinfo2();

	if (!parse_end(call))
		return call->err->status;
	admin_result_row(call->out, "heap", "1", call_u64(call, m.uordblks),
			 call_u64(call, m.fordblks), call_u64(call, m.arena));
	admin_result_row(call->out, "mapped", "1", call_u64(call, m.hblkhd), "0",
			 call_u64(call, m.hblkhd));
	return STATUS_OK;
}

static void on_config_row(void *ctx, const struct config_row *row)
{
	struct call *call = ctx;

	admin_result_row(call->out, row->key, row->value, row->default_value,
			 row->is_reloadable ? "yes" : "no");
}

static enum status run_show_config(struct call *call)
{
	if (!parse_end(call))
		return call->err->status;
	config_show(call->runtime->config(call->runtime->ctx), on_config_row, call);
	return STATUS_OK;
}

static enum status run_show_version(struct call *call)
{
	if (!parse_end(call))
		return call->err->status;
	admin_result_row(call->out, "pgmosaic " PGMOSAIC_VERSION);
	return STATUS_OK;
}

static enum status run_show_state(struct call *call)
{
	bool is_paused = call->runtime->is_paused(call->runtime->ctx);

	if (!parse_end(call))
		return call->err->status;
	admin_result_row(call->out, "active", is_paused ? "no" : "yes");
	admin_result_row(call->out, "paused", is_paused ? "yes" : "no");
	admin_result_row(call->out, "suspended", "no");
	return STATUS_OK;
}

static const struct command commands[] = {
	{ "SHOW STATE", "SHOW STATE", "active or paused", "SHOW", COLUMNS(state_columns),
	  run_show_state, 0 },
	{ "SHOW POOLS", "SHOW POOLS", "pools of server connections: in use, idle, clients waiting",
	  "SHOW", COLUMNS(pools_columns), run_show_pools, 0 },
	{ "SHOW CLIENTS", "SHOW CLIENTS", "client connections", "SHOW", COLUMNS(clients_columns),
	  run_show_clients, 0 },
	{ "SHOW SERVERS", "SHOW SERVERS", "connections to shards", "SHOW", COLUMNS(servers_columns),
	  run_show_servers, 0 },
	{ "SHOW STATS", "SHOW STATS", "totals and averages since the start (times in microseconds)",
	  "SHOW", COLUMNS(stats_columns), run_show_stats, 0 },
	{ "SHOW DATABASES", "SHOW DATABASES", "the database as each shard serves it", "SHOW",
	  COLUMNS(databases_columns), run_show_databases, 0 },
	{ "SHOW USERS", "SHOW USERS", "users of the configuration", "SHOW", COLUMNS(users_columns),
	  run_show_users, 0 },
	{ "SHOW LISTS", "SHOW LISTS", "how many of everything", "SHOW", COLUMNS(lists_columns),
	  run_show_lists, 0 },
	{ "SHOW MEM", "SHOW MEM", "memory of the process, bytes", "SHOW", COLUMNS(mem_columns),
	  run_show_mem, 0 },
	{ "SHOW CONFIG", "SHOW CONFIG",
	  "every configuration key, its default and whether RELOAD can change it", "SHOW",
	  COLUMNS(config_columns), run_show_config, 0 },
	{ "SHOW VERSION", "SHOW VERSION", "the proxy's version", "SHOW", COLUMNS(version_columns),
	  run_show_version, 0 },
};

const struct command_family family_pooler = FAMILY(commands);
