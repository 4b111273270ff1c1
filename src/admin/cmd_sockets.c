/* SHOW POOLS, CLIENTS, SERVERS, SOCKETS and ACTIVE_SOCKETS: what the workers hold, with the columns
 * of PgBouncer 1.24 in its order; ours stand behind them. */
#include <string.h>

#include "command.h"
#include "pgmosaic/base/check.h"

static const struct admin_column pools_columns[] = {
	{ "database", TYPE_TEXT },
	{ "user", TYPE_TEXT },
	{ "cl_active", TYPE_INTEGER },
	{ "cl_waiting", TYPE_INTEGER },
	{ "cl_active_cancel_req", TYPE_INTEGER },
	{ "cl_waiting_cancel_req", TYPE_INTEGER },
	{ "sv_active", TYPE_INTEGER },
	{ "sv_active_cancel", TYPE_INTEGER },
	{ "sv_being_canceled", TYPE_INTEGER },
	{ "sv_idle", TYPE_INTEGER },
	{ "sv_used", TYPE_INTEGER },
	{ "sv_tested", TYPE_INTEGER },
	{ "sv_login", TYPE_INTEGER },
	{ "maxwait", TYPE_INTEGER },
	{ "maxwait_us", TYPE_INTEGER },
	{ "pool_mode", TYPE_TEXT },
	{ "load_balance_hosts", TYPE_TEXT },
	{ "shard", TYPE_TEXT },
	{ "worker", TYPE_INTEGER },
};

/* An id has more bits than PgBouncer's integer: it is never used again. */
/* clang-format off */
#define SOCKET_COLUMNS                                                                           \
	{ "type", TYPE_TEXT }, { "user", TYPE_TEXT }, { "database", TYPE_TEXT },                 \
	{ "replication", TYPE_TEXT }, { "state", TYPE_TEXT },                                    \
	{ "addr", TYPE_TEXT }, { "port", TYPE_INTEGER },                                         \
	{ "local_addr", TYPE_TEXT }, { "local_port", TYPE_INTEGER },                             \
	{ "connect_time", TYPE_TEXT }, { "request_time", TYPE_TEXT },                            \
	{ "wait", TYPE_INTEGER }, { "wait_us", TYPE_INTEGER }, { "close_needed", TYPE_INTEGER }, \
	{ "ptr", TYPE_TEXT }, { "link", TYPE_TEXT }, { "remote_pid", TYPE_INTEGER },             \
	{ "tls", TYPE_TEXT }, { "application_name", TYPE_TEXT },                                 \
	{ "prepared_statements", TYPE_INTEGER }, { "id", TYPE_BIGINT }
/* clang-format on */
#define N_SOCKET     21
#define N_DEBUG	     7
#define COLUMN_STATE 4

static const struct admin_column clients_columns[] = {
	SOCKET_COLUMNS,
	{ "worker", TYPE_INTEGER },
	{ "pinned", TYPE_TEXT },
};

static const struct admin_column servers_columns[] = {
	SOCKET_COLUMNS,
	{ "shard", TYPE_TEXT },
	{ "worker", TYPE_INTEGER },
};

static const struct admin_column sockets_columns[] = {
	SOCKET_COLUMNS,
	{ "recv_pos", TYPE_INTEGER },
	{ "pkt_pos", TYPE_INTEGER },
	{ "pkt_remain", TYPE_INTEGER },
	{ "send_pos", TYPE_INTEGER },
	{ "send_remain", TYPE_INTEGER },
	{ "pkt_avail", TYPE_INTEGER },
	{ "send_avail", TYPE_INTEGER },
};

_Static_assert(sizeof(pools_columns) / sizeof(pools_columns[0]) == RUNTIME_POOLS_COLUMNS, "");
_Static_assert(sizeof(clients_columns) / sizeof(clients_columns[0]) == RUNTIME_CLIENTS_COLUMNS, "");
_Static_assert(sizeof(servers_columns) / sizeof(servers_columns[0]) == RUNTIME_SERVERS_COLUMNS, "");

const struct admin_column *runtime_columns(enum runtime_table what, unsigned *n)
{
	switch (what) {
	case RUNTIME_POOLS: *n = RUNTIME_POOLS_COLUMNS; return pools_columns;
	case RUNTIME_CLIENTS: *n = RUNTIME_CLIENTS_COLUMNS; return clients_columns;
	case RUNTIME_SERVERS: *n = RUNTIME_SERVERS_COLUMNS; return servers_columns;
	}
	UNREACHABLE("no such runtime table");
}

enum status call_collect(struct call *call, enum runtime_table what, struct admin_result *out)
{
	out->columns = runtime_columns(what, &out->n_columns);
	return call->runtime->collect(call->runtime->ctx, what, out, call->err);
}

static enum status run_show_pools(struct call *call)
{
	return parse_end(call) ? call_collect(call, RUNTIME_POOLS, call->out) : call->err->status;
}

static enum status run_show_clients(struct call *call)
{
	return parse_end(call) ? call_collect(call, RUNTIME_CLIENTS, call->out) : call->err->status;
}

static enum status run_show_servers(struct call *call)
{
	return parse_end(call) ? call_collect(call, RUNTIME_SERVERS, call->out) : call->err->status;
}

/* ---- both in one, as SHOW SOCKETS has them ---- */

/* A row of CLIENTS or SERVERS as one of SOCKETS: the state gets a prefix. PgBouncer's positions
 * in its packet buffers have no counterpart here. */
static void add_socket(struct call *call, const char *const *row, const char *prefix)
{
	const char *values[N_SOCKET + N_DEBUG];

	for (unsigned i = 0; i < N_SOCKET + N_DEBUG; i++)
		values[i] = i < N_SOCKET ? row[i] : "0";
	values[COLUMN_STATE] =
		arena_printf(&call->out->arena, "%s%s", prefix,
			     strcmp(row[COLUMN_STATE], "new") == 0 ? "login" : row[COLUMN_STATE]);
	admin_result_add(call->out, values, N_SOCKET + N_DEBUG);
}

static enum status add_sockets(struct call *call, enum runtime_table what, const char *prefix,
			       bool only_active)
{
	struct admin_result rows;
	enum status status;

	admin_result_init(&rows);
	status = call_collect(call, what, &rows);
	for (unsigned i = 0; status == STATUS_OK && i < rows.n_rows; i++) {
		const char *const *row = rows.values + (size_t)i * rows.n_columns;

		if (!only_active || strcmp(row[COLUMN_STATE], "active") == 0)
			add_socket(call, row, prefix);
	}
	admin_result_finish(&rows);
	return status;
}

static enum status show_sockets(struct call *call, bool only_active)
{
	enum status status;

	if (!parse_end(call))
		return call->err->status;
	status = add_sockets(call, RUNTIME_CLIENTS, "cl_", only_active);
	return status == STATUS_OK ? add_sockets(call, RUNTIME_SERVERS, "sv_", only_active)
				   : status;
}

static enum status run_show_sockets(struct call *call)
{
	return show_sockets(call, false);
}

static enum status run_show_active_sockets(struct call *call)
{
	return show_sockets(call, true);
}

static const struct command commands[] = {
	{ "SHOW POOLS", "SHOW POOLS", "pools of server connections: in use, idle, clients waiting",
	  "SHOW", COLUMNS(pools_columns), run_show_pools, 0 },
	{ "SHOW CLIENTS", "SHOW CLIENTS", "client connections", "SHOW", COLUMNS(clients_columns),
	  run_show_clients, 0 },
	{ "SHOW SERVERS", "SHOW SERVERS", "connections to shards", "SHOW", COLUMNS(servers_columns),
	  run_show_servers, 0 },
	{ "SHOW SOCKETS", "SHOW SOCKETS", "connections of both kinds", "SHOW",
	  COLUMNS(sockets_columns), run_show_sockets, 0 },
	{ "SHOW ACTIVE_SOCKETS", "SHOW ACTIVE_SOCKETS", "those that are in use", "SHOW",
	  COLUMNS(sockets_columns), run_show_active_sockets, 0 },
};

const struct command_family family_sockets = FAMILY(commands);
