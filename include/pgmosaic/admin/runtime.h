/* What the control port needs of the running process: one vtable, filled by the wiring.
 *
 * Every function is called on the job thread that runs the statement and may block.
 * Nothing here is called by two threads at once, because admin_execute() holds its mutex; but
 * for pause, resume, is_paused, renew_servers and kill, which are made for it. */
#ifndef PGMOSAIC_ADMIN_RUNTIME_H
#define PGMOSAIC_ADMIN_RUNTIME_H

#include "pgmosaic/admin/admin.h"
#include "pgmosaic/base/metrics.h"

struct catalog;
struct config;
struct world;

/* Tables that live in the workers. The columns are set before collect() is called; it
 * adds rows with admin_result_row(out, …), in the order of the columns. */
enum runtime_table { RUNTIME_POOLS, RUNTIME_CLIENTS, RUNTIME_SERVERS };

struct admin_runtime {
	void *ctx;
	/* The current world, held: the caller drops it. NULL: none loaded yet. */
	struct world *(*world)(void *ctx);
	/* Read catalog and schema again, publish, return when every worker uses it. */
	enum status (*reload_world)(void *ctx, struct err *err);
	struct catalog *(*catalog)(void *ctx);
	/* The current configuration; it stays valid until the statement has ended. */
	const struct config *(*config)(void *ctx);
	enum status (*reload_config)(void *ctx, struct err *err);
	enum status (*collect)(void *ctx, enum runtime_table what, struct admin_result *out,
			       struct err *err);
	/* The sum over all workers, and how long the process has been up. */
	void (*metrics)(void *ctx, struct metrics_total *out, uint64_t *uptime_us);
	/* The same at both ends of the last full period of statistics, and its length; before
	 * the first one is over, since the start. */
	void (*last_period)(void *ctx, struct metrics_total *from, struct metrics_total *to,
			    uint64_t *us);
	/* Of this process, in the catalog's table of proxies; 0: not yet. */
	uint64_t (*incarnation)(void *ctx);
	/* Hold clients at their next transaction; returns when no server connection is open, or
	 * with 57014 when somebody resumes meanwhile. */
	enum status (*pause)(void *ctx, struct err *err);
	void (*resume)(void *ctx);
	bool (*is_paused)(void *ctx);
	/* Replace server connections as they become free. */
	void (*renew_servers)(void *ctx);
	/* False: no client has this id. */
	bool (*kill)(void *ctx, uint64_t id);
	/* Begin to stop, and return; wait: let open transactions end first. */
	void (*shutdown)(void *ctx, bool wait);
};

/* PgBouncer's columns in its order, then ours.
 * POOLS:   database, user, cl_active, cl_waiting, cl_active_cancel_req,
 *          cl_waiting_cancel_req, sv_active, sv_active_cancel, sv_being_canceled, sv_idle,
 *          sv_used, sv_tested, sv_login, maxwait, maxwait_us, pool_mode,
 *          load_balance_hosts; shard, worker
 * CLIENTS: type, user, database, replication, state, addr, port, local_addr, local_port,
 *          connect_time, request_time, wait, wait_us, close_needed, ptr, link, remote_pid,
 *          tls, application_name, prepared_statements, id; worker, pinned
 * SERVERS: the same up to id; shard, worker */
const struct admin_column *runtime_columns(enum runtime_table what, unsigned *n);
#define RUNTIME_POOLS_COLUMNS	19
#define RUNTIME_CLIENTS_COLUMNS 23
#define RUNTIME_SERVERS_COLUMNS 23

#endif
