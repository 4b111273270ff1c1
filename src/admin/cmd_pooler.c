/* SHOW DATABASES, USERS, LISTS, MEM, CONFIG, STATE, VERSION and what PgBouncer has besides, with
 * the columns of PgBouncer 1.24 in its order; ours stand behind them. */
#include <malloc.h>
#include <string.h>

#include "command.h"
#include "pgmosaic/catalog/world.h"
#include "pgmosaic/config/config.h"

#define CLIENTS_DATABASE     2
#define SOCKET_USER	     1
#define SOCKET_STATE	     4
#define SERVERS_SHARD_COLUMN (RUNTIME_SERVERS_COLUMNS - 2)

static const struct admin_column databases_columns[] = {
	{ "name", TYPE_TEXT },
	{ "host", TYPE_TEXT },
	{ "port", TYPE_INTEGER },
	{ "database", TYPE_TEXT },
	{ "force_user", TYPE_TEXT },
	{ "pool_size", TYPE_INTEGER },
	{ "min_pool_size", TYPE_INTEGER },
	{ "reserve_pool_size", TYPE_INTEGER },
	{ "server_lifetime", TYPE_INTEGER },
	{ "pool_mode", TYPE_TEXT },
	{ "load_balance_hosts", TYPE_TEXT },
	{ "max_connections", TYPE_INTEGER },
	{ "current_connections", TYPE_INTEGER },
	{ "max_client_connections", TYPE_INTEGER },
	{ "current_client_connections", TYPE_INTEGER },
	{ "paused", TYPE_INTEGER },
	{ "disabled", TYPE_INTEGER },
	{ "shard", TYPE_TEXT },
};

static const struct admin_column users_columns[] = {
	{ "name", TYPE_TEXT },
	{ "pool_size", TYPE_TEXT },
	{ "reserve_pool_size", TYPE_TEXT },
	{ "pool_mode", TYPE_TEXT },
	{ "max_user_connections", TYPE_INTEGER },
	{ "current_connections", TYPE_INTEGER },
	{ "max_user_client_connections", TYPE_INTEGER },
	{ "current_client_connections", TYPE_INTEGER },
	{ "admin", TYPE_BOOL },
};

static const struct admin_column lists_columns[] = {
	{ "list", TYPE_TEXT },
	{ "items", TYPE_INTEGER },
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

static const struct admin_column dns_hosts_columns[] = {
	{ "hostname", TYPE_TEXT },
	{ "ttl", TYPE_BIGINT },
	{ "addrs", TYPE_TEXT },
};

static const struct admin_column dns_zones_columns[] = {
	{ "zonename", TYPE_TEXT },
	{ "serial", TYPE_BIGINT },
	{ "count", TYPE_INTEGER },
};

static const struct admin_column peers_columns[] = {
	{ "peer_id", TYPE_INTEGER },
	{ "host", TYPE_TEXT },
	{ "port", TYPE_INTEGER },
	{ "pool_size", TYPE_INTEGER },
};

static const struct admin_column peer_pools_columns[] = {
	{ "peer_id", TYPE_INTEGER },
	{ "cl_active_cancel_req", TYPE_INTEGER },
	{ "cl_waiting_cancel_req", TYPE_INTEGER },
	{ "sv_active_cancel", TYPE_INTEGER },
	{ "sv_login", TYPE_INTEGER },
};

/* ---- counting rows of CLIENTS and SERVERS ---- */

static unsigned count_where(const struct admin_result *rows, unsigned column, const char *text)
{
	unsigned n = 0;

	for (unsigned i = 0; i < rows->n_rows; i++) {
		const char *value = rows->values[(size_t)i * rows->n_columns + column];

		n += value && strcmp(value, text) == 0;
	}
	return n;
}

struct sockets {
	struct admin_result clients, servers;
};

static enum status sockets_read(struct call *call, struct sockets *s)
{
	enum status status;

	admin_result_init(&s->clients);
	admin_result_init(&s->servers);
	status = call_collect(call, RUNTIME_CLIENTS, &s->clients);
	return status == STATUS_OK ? call_collect(call, RUNTIME_SERVERS, &s->servers) : status;
}

static void sockets_finish(struct sockets *s)
{
	admin_result_finish(&s->clients);
	admin_result_finish(&s->servers);
}

/* ---- DATABASES, USERS, LISTS ---- */

static void add_database(struct call *call, const struct shard_map *map, uint16_t shard,
			 const struct sockets *sockets)
{
	const struct config *cfg = call->runtime->config(call->runtime->ctx);
	const struct map_shard *s = &map->shards[shard];
	const char *name = map->shards[map->home].dbname;
	struct arena *a = &call->out->arena;
	const char *port = dsn_value(a, s->dsn, "port");

	admin_result_row(
		call->out, name, dsn_value(a, s->dsn, "host"), port ? port : "5432", s->dbname,
		NULL, call_u64(call, cfg->pool.size), call_u64(call, cfg->pool.min_size),
		call_u64(call, cfg->pool.reserve), call_u64(call, cfg->pool.max_lifetime_ms / 1000),
		config_mode_name(cfg->pool.mode), NULL, "0",
		call_u64(call, count_where(&sockets->servers, SERVERS_SHARD_COLUMN, s->name)),
		call_u64(call, cfg->limits.clients),
		call_u64(call, count_where(&sockets->clients, CLIENTS_DATABASE, name)),
		call->runtime->is_paused(call->runtime->ctx) ? "1" : "0", "0", s->name);
}

static enum status run_show_databases(struct call *call)
{
	struct sockets sockets;
	struct world *world;
	enum status status;

	if (!parse_end(call))
		return call->err->status;
	status = call_world(call, &world);
	if (status != STATUS_OK)
		return status;
	status = sockets_read(call, &sockets);
	for (uint16_t i = 0; i < world->map->n_shards && status == STATUS_OK; i++)
		add_database(call, world->map, i, &sockets);
	sockets_finish(&sockets);
	world_drop(world);
	return status;
}

static enum status run_show_users(struct call *call)
{
	const struct config *cfg = call->runtime->config(call->runtime->ctx);
	struct sockets sockets;
	enum status status;

	if (!parse_end(call))
		return call->err->status;
	status = sockets_read(call, &sockets);
	for (unsigned i = 0; i < cfg->n_users && status == STATUS_OK; i++) {
		const char *name = cfg->users[i].name;

		admin_result_row(
			call->out, name, NULL, NULL, config_mode_name(config_mode_of(cfg, name)),
			"0", call_u64(call, count_where(&sockets.servers, SOCKET_USER, name)), "0",
			call_u64(call, count_where(&sockets.clients, SOCKET_USER, name)),
			cfg->users[i].admin ? "t" : "f");
	}
	sockets_finish(&sockets);
	return status;
}

static enum status count_pools(struct call *call, unsigned *n)
{
	struct admin_result pools;
	enum status status;

	admin_result_init(&pools);
	status = call_collect(call, RUNTIME_POOLS, &pools);
	*n = pools.n_rows;
	admin_result_finish(&pools);
	return status;
}

static void add_lists(struct call *call, const struct sockets *s, unsigned n_pools)
{
	const struct config *cfg = call->runtime->config(call->runtime->ctx);
	unsigned n_logins = count_where(&s->clients, SOCKET_STATE, "login");
	const struct {
		const char *name;
		unsigned n;
	} lists[] = {
		{ "databases", 1 },
		{ "users", cfg->n_users },
		{ "peers", 0 },
		{ "pools", n_pools },
		{ "peer_pools", 0 },
		{ "free_clients", 0 },
		{ "used_clients", s->clients.n_rows - n_logins },
		{ "login_clients", n_logins },
		{ "free_servers", 0 },
		{ "used_servers", s->servers.n_rows },
		{ "dns_names", 0 },
		{ "dns_zones", 0 },
		{ "dns_queries", 0 },
		{ "dns_pending", 0 },
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		admin_result_row(call->out, lists[i].name, call_u64(call, lists[i].n));
}

static enum status run_show_lists(struct call *call)
{
	struct sockets sockets;
	unsigned n_pools = 0;
	enum status status;

	if (!parse_end(call))
		return call->err->status;
	status = sockets_read(call, &sockets);
	if (status == STATUS_OK)
		status = count_pools(call, &n_pools);
	if (status == STATUS_OK)
		add_lists(call, &sockets, n_pools);
	sockets_finish(&sockets);
	return status;
}

/* ---- the process ---- */

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

/* What PgBouncer lists and this proxy does not have: no row. */
static enum status run_show_nothing(struct call *call)
{
	return parse_end(call) ? STATUS_OK : call->err->status;
}

static enum status run_show_fds(struct call *call)
{
	err_set(call->err, STATUS_UNROUTED, "SHOW FDS is not answered: it would hand out sockets");
	call->err->position = 1;
	err_hint(call->err, "For a restart without a refused connection start the new process with "
			    "--takeover. SHOW SOCKETS; lists the connections.");
	return STATUS_UNROUTED;
}

#define NOTHING(name, columns)                                                        \
	{                                                                             \
		"SHOW " name, "SHOW " name, "for PgBouncer's tools: no rows", "SHOW", \
			COLUMNS(columns), run_show_nothing, 0                         \
	}

static const struct command commands[] = {
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
	{ "SHOW STATE", "SHOW STATE", "active or paused", "SHOW", COLUMNS(state_columns),
	  run_show_state, 0 },
	{ "SHOW VERSION", "SHOW VERSION", "the proxy's version", "SHOW", COLUMNS(version_columns),
	  run_show_version, 0 },
	NOTHING("DNS_HOSTS", dns_hosts_columns),
	NOTHING("DNS_ZONES", dns_zones_columns),
	NOTHING("PEERS", peers_columns),
	NOTHING("PEER_POOLS", peer_pools_columns),
	{ "SHOW FDS", "SHOW FDS", "refused: PgBouncer's way to hand sockets over", "SHOW", NULL, 0,
	  run_show_fds, 0 },
};

const struct command_family family_pooler = FAMILY(commands);
