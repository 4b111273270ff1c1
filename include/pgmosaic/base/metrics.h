/* Counters, gauges and latency histograms: one block a worker, read by any thread.
 *
 * Happy path: the wiring makes one block a thread with metrics_create(); a worker adds to
 * its own with metrics_add(m, METRIC_ROWS, n); the HTTP thread and SHOW STATS take
 * metrics_sum() over all blocks.
 * Cost: an add is a plain load and store (no locked instruction), right because each
 * block has one writing thread. Readers may see one counter newer than another.
 * A gauge is a counter that also goes down: metrics_sub(). Sums stay right when one
 * thread adds and another subtracts.
 * Threads: a block is written by its owner only; read by any.
 *
 * Each row of METRIC_MAP: name, type, OpenMetrics family, label pair or "", unit or "",
 * help. Rows of one family stand together and differ in their label. */
#ifndef PGMOSAIC_BASE_METRICS_H
#define PGMOSAIC_BASE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

/* clang-format off */
#define METRIC_MAP(X)                                                                                                                 \
	X(CLIENTS, GAUGE, "clients", "", "", "Clients connected now")                                                                 \
	X(CLIENTS_ACCEPTED, COUNTER, "clients_accepted", "", "", "Client connections accepted since the start")                       \
	X(CLIENTS_REFUSED, COUNTER, "clients_refused", "", "", "Client connections refused because limits.clients was reached")       \
	X(AUTH_FAILURES, COUNTER, "auth_failures", "", "", "Log-ins that failed")                                                     \
	X(QUERIES_ROUTE, COUNTER, "queries", "tier=\"route\"", "", "Statements by the way they ran")                                  \
	X(QUERIES_SCATTER, COUNTER, "queries", "tier=\"scatter\"", "", "Statements by the way they ran")                              \
	X(QUERIES_LOCAL, COUNTER, "queries", "tier=\"local\"", "", "Statements by the way they ran")                                  \
	X(QUERIES_REFUSED, COUNTER, "queries", "tier=\"refused\"", "", "Statements by the way they ran")                              \
	X(QUERY_ERRORS, COUNTER, "query_errors", "", "", "Statements that ended with an error of a shard or of the proxy")            \
	X(SLOW_QUERIES, COUNTER, "slow_queries", "", "", "Statements slower than log.slow_query")                                     \
	X(ROWS, COUNTER, "rows", "", "", "Rows sent to clients")                                                                      \
	X(COPY_ROWS, COUNTER, "copy_rows", "", "", "Rows copied in by COPY FROM")                                                     \
	X(CLIENT_BYTES_IN, COUNTER, "client_received_bytes", "", "bytes", "Bytes received from clients")                              \
	X(CLIENT_BYTES_OUT, COUNTER, "client_sent_bytes", "", "bytes", "Bytes sent to clients")                                       \
	X(SERVER_BYTES_IN, COUNTER, "server_received_bytes", "", "bytes", "Bytes received from shards")                               \
	X(SERVER_BYTES_OUT, COUNTER, "server_sent_bytes", "", "bytes", "Bytes sent to shards")                                        \
	X(PLAN_CACHE_HITS, COUNTER, "plan_cache", "result=\"hit\"", "", "Look-ups in the plan cache")                                 \
	X(PLAN_CACHE_MISSES, COUNTER, "plan_cache", "result=\"miss\"", "", "Look-ups in the plan cache")                              \
	X(PLANS, GAUGE, "plans", "", "", "Plans in the cache now")                                                                    \
	X(PREPARED, GAUGE, "prepared_statements", "", "", "Prepared statements of clients now")                                       \
	X(PREPARED_REPARSES, COUNTER, "prepared_reparses", "", "", "Prepared statements sent again to a server that lacked them")     \
	X(SERVERS, GAUGE, "servers", "", "", "Server connections open now")                                                           \
	X(SERVERS_OPENED, COUNTER, "servers_opened", "", "", "Server connections opened")                                             \
	X(SERVERS_CLOSED, COUNTER, "servers_closed", "", "", "Server connections closed")                                             \
	X(SERVERS_FAILED, COUNTER, "servers_failed", "", "", "Server connections that could not be opened or broke")                  \
	X(SERVER_ASSIGNMENTS, COUNTER, "server_assignments", "", "", "Times a server connection was lent to a client")               \
	X(CLIENT_PARSES, COUNTER, "client_parses", "", "", "Parse messages of clients")                                              \
	X(CLIENT_BINDS, COUNTER, "client_binds", "", "", "Bind messages of clients")                                                 \
	X(POOL_WAITS, COUNTER, "pool_waits", "", "", "Leases that had to wait for a server connection")                               \
	X(POOL_WAITING, GAUGE, "pool_waiting", "", "", "Clients waiting for a server connection now")                                 \
	X(POOL_TIMEOUTS, COUNTER, "pool_timeouts", "", "", "Leases given up after timeouts.queue")                                    \
	X(POOL_WAIT_US, COUNTER, "pool_wait_seconds", "", "seconds", "Time clients waited for a server connection")                   \
	X(TRANSACTIONS, COUNTER, "transactions", "", "", "Transactions ended, single statements outside a block included")            \
	X(TRANSACTION_US, COUNTER, "transaction_seconds", "", "seconds", "Time clients spent in transactions")                          \
	X(TWO_PHASE_COMMITS, COUNTER, "two_phase", "outcome=\"commit\"", "", "Transactions over several shards by their end")         \
	X(TWO_PHASE_ABORTS, COUNTER, "two_phase", "outcome=\"abort\"", "", "Transactions over several shards by their end")           \
	X(TWO_PHASE_RECOVERED, COUNTER, "two_phase", "outcome=\"recovered\"", "", "Transactions over several shards by their end")    \
	X(TWO_PHASE_UNKNOWN, COUNTER, "two_phase", "outcome=\"unknown\"", "", "Transactions over several shards by their end")        \
	X(CANCELS, COUNTER, "cancels", "", "", "Cancel requests of clients")                                                          \
	X(PROTOCOL_ERRORS, COUNTER, "protocol_errors", "", "", "Connections closed because the bytes were not the protocol")          \
	X(WORLD_RELOADS, COUNTER, "world_reloads", "", "", "Shard maps and schema snapshots published")
/* clang-format on */

#define HIST_MAP(X)                                                                  \
	X(QUERY, "query_duration_seconds", "Time from a statement to its last byte") \
	X(POOL_WAIT, "pool_wait_duration_seconds", "Time a lease waited, when it had to")

enum metric_type { METRIC_TYPE_COUNTER, METRIC_TYPE_GAUGE };

enum metric {
#define METRIC_ENUM(name, ...) METRIC_##name,
	METRIC_MAP(METRIC_ENUM)
#undef METRIC_ENUM
		METRIC_N
};

enum hist {
#define HIST_ENUM(name, ...) HIST_##name,
	HIST_MAP(HIST_ENUM)
#undef HIST_ENUM
		HIST_N
};

#define HIST_BUCKETS 26 /* bucket i counts up to 2^i µs (1 µs … 33 s); the last one is the rest */

struct metric_info {
	enum metric_type type;
	const char *family, *label, *unit, *help;
};

struct hist_info {
	const char *family, *help;
};

extern const struct metric_info metric_infos[METRIC_N];
extern const struct hist_info hist_infos[HIST_N];

struct metrics_hist {
	_Atomic uint64_t buckets[HIST_BUCKETS + 1];
	_Atomic uint64_t sum_us;
};

struct metrics {
	_Alignas(64) _Atomic uint64_t values[METRIC_N];
	struct metrics_hist hists[HIST_N];
};

/* A reader's copy. */
struct metrics_total {
	int64_t values[METRIC_N];
	uint64_t buckets[HIST_N][HIST_BUCKETS + 1];
	uint64_t sum_us[HIST_N];
};

struct metrics *metrics_create(void);
void metrics_destroy(struct metrics *m); /* NULL is fine */
void metrics_observe(struct metrics *m, enum hist id, uint64_t us);
void metrics_sum(struct metrics *const *blocks, unsigned n, struct metrics_total *out);

static inline void metrics_bump(_Atomic uint64_t *v, uint64_t n)
{
	atomic_store_explicit(v, atomic_load_explicit(v, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline void metrics_add(struct metrics *m, enum metric id, uint64_t n)
{
	metrics_bump(&m->values[id], n);
}

static inline void metrics_sub(struct metrics *m, enum metric id, uint64_t n)
{
	metrics_bump(&m->values[id], (uint64_t)0 - n);
}

#endif
