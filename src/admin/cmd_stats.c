/* SHOW STATS, STATS_TOTALS, STATS_AVERAGES and TOTALS, with the columns of PgBouncer 1.24 in its
 * order. Totals are since the start, averages over the last period of a minute; times are
 * microseconds. */
#include <string.h>

#include "command.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/catalog/world.h"

/* What is counted, in PgBouncer's order; how it averages: by second, or by what it belongs to. */
enum stat {
	STAT_ASSIGNMENTS,
	STAT_XACTS,
	STAT_QUERIES,
	STAT_RECEIVED,
	STAT_SENT,
	STAT_XACT_TIME,
	STAT_QUERY_TIME,
	STAT_WAIT_TIME,
	STAT_CLIENT_PARSES,
	STAT_SERVER_PARSES,
	STAT_BINDS,
	STAT_N
};

/* clang-format off */
#define NAMES(X, prefix, in, out) \
	X(prefix "server_assignment_count"), X(prefix "xact_count"), X(prefix "query_count"), \
	X(prefix in), X(prefix out), X(prefix "xact_time"), X(prefix "query_time"), \
	X(prefix "wait_time"), X(prefix "client_parse_count"), X(prefix "server_parse_count"), \
	X(prefix "bind_count")
/* clang-format on */
#define NUMBER_COLUMN(name)        \
	{                          \
		name, TYPE_NUMERIC \
	}
#define JUST_NAME(name) name

static const struct admin_column stats_columns[] = {
	{ "database", TYPE_TEXT },
	NAMES(NUMBER_COLUMN, "total_", "received", "sent"),
	NAMES(NUMBER_COLUMN, "avg_", "recv", "sent"),
};

static const struct admin_column part_columns[] = {
	{ "database", TYPE_TEXT },
	NAMES(NUMBER_COLUMN, "", "bytes_received", "bytes_sent"),
};

static const struct admin_column totals_columns[] = {
	{ "name", TYPE_TEXT },
	{ "value", TYPE_NUMERIC },
};

static const char *const total_names[] = { NAMES(JUST_NAME, "total_", "received", "sent") };
static const char *const average_names[] = { NAMES(JUST_NAME, "avg_", "recv", "sent") };

static uint64_t stat_of(const struct metrics_total *t, enum stat which)
{
	const int64_t *v = t->values;

	switch (which) {
	case STAT_ASSIGNMENTS: return (uint64_t)v[METRIC_SERVER_ASSIGNMENTS];
	case STAT_XACTS: return (uint64_t)v[METRIC_TRANSACTIONS];
	case STAT_QUERIES:
		return (uint64_t)(v[METRIC_QUERIES_ROUTE] + v[METRIC_QUERIES_SCATTER] +
				  v[METRIC_QUERIES_LOCAL]);
	case STAT_RECEIVED: return (uint64_t)v[METRIC_CLIENT_BYTES_IN];
	case STAT_SENT: return (uint64_t)v[METRIC_CLIENT_BYTES_OUT];
	case STAT_XACT_TIME: return (uint64_t)v[METRIC_TRANSACTION_US];
	case STAT_QUERY_TIME: return t->sum_us[HIST_QUERY];
	case STAT_WAIT_TIME: return (uint64_t)v[METRIC_POOL_WAIT_US];
	case STAT_CLIENT_PARSES: return (uint64_t)v[METRIC_CLIENT_PARSES];
	case STAT_SERVER_PARSES: return (uint64_t)v[METRIC_PREPARED_REPARSES];
	case STAT_BINDS: return (uint64_t)v[METRIC_CLIENT_BINDS];
	case STAT_N: break;
	}
	UNREACHABLE("no such statistic");
}

struct period {
	struct metrics_total from, to;
	uint64_t us;
};

static uint64_t grown(const struct period *p, enum stat which)
{
	return stat_of(&p->to, which) - stat_of(&p->from, which);
}

/* Times are for each transaction, query or assignment; everything else is for each second. */
static uint64_t average_of(const struct period *p, enum stat which)
{
	uint64_t by = which == STAT_XACT_TIME	 ? grown(p, STAT_XACTS)
		      : which == STAT_QUERY_TIME ? grown(p, STAT_QUERIES)
		      : which == STAT_WAIT_TIME	 ? grown(p, STAT_ASSIGNMENTS)
						 : 0;
	bool is_time =
		which == STAT_XACT_TIME || which == STAT_QUERY_TIME || which == STAT_WAIT_TIME;

	if (is_time)
		return by ? grown(p, which) / by : 0;
	return p->us ? (uint64_t)((double)grown(p, which) * 1e6 / (double)p->us) : 0;
}

struct stats {
	const char *totals[STAT_N], *averages[STAT_N];
};

static void stats_read(struct call *call, struct stats *out)
{
	struct metrics_total now;
	struct period p;
	uint64_t up_us;

	call->runtime->metrics(call->runtime->ctx, &now, &up_us);
	call->runtime->last_period(call->runtime->ctx, &p.from, &p.to, &p.us);
	for (int i = 0; i < STAT_N; i++) {
		out->totals[i] = call_u64(call, stat_of(&now, (enum stat)i));
		out->averages[i] = call_u64(call, average_of(&p, (enum stat)i));
	}
}

static enum status add_row(struct call *call, const struct stats *s, bool totals, bool averages)
{
	const char *values[1 + 2 * STAT_N];
	struct world *world;
	unsigned n = 1;
	enum status status = call_world(call, &world);

	if (status != STATUS_OK)
		return status;
	values[0] = world->map->n_shards ? world->map->shards[world->map->home].dbname : "";
	for (int i = 0; totals && i < STAT_N; i++)
		values[n++] = s->totals[i];
	for (int i = 0; averages && i < STAT_N; i++)
		values[n++] = s->averages[i];
	admin_result_add(call->out, values, n);
	world_drop(world);
	return STATUS_OK;
}

static enum status show_stats(struct call *call, bool totals, bool averages)
{
	struct stats s;

	if (!parse_end(call))
		return call->err->status;
	stats_read(call, &s);
	return add_row(call, &s, totals, averages);
}

static enum status run_show_stats(struct call *call)
{
	return show_stats(call, true, true);
}

static enum status run_show_stats_totals(struct call *call)
{
	return show_stats(call, true, false);
}

static enum status run_show_stats_averages(struct call *call)
{
	return show_stats(call, false, true);
}

static enum status run_show_totals(struct call *call)
{
	struct stats s;

	if (!parse_end(call))
		return call->err->status;
	stats_read(call, &s);
	for (int i = 0; i < STAT_N; i++)
		admin_result_row(call->out, total_names[i], s.totals[i]);
	for (int i = 0; i < STAT_N; i++)
		admin_result_row(call->out, average_names[i], s.averages[i]);
	return STATUS_OK;
}

static const struct command commands[] = {
	{ "SHOW STATS", "SHOW STATS", "totals since the start, averages of the last minute", "SHOW",
	  COLUMNS(stats_columns), run_show_stats, 0 },
	{ "SHOW STATS_TOTALS", "SHOW STATS_TOTALS", "the totals alone", "SHOW",
	  COLUMNS(part_columns), run_show_stats_totals, 0 },
	{ "SHOW STATS_AVERAGES", "SHOW STATS_AVERAGES", "the averages alone", "SHOW",
	  COLUMNS(part_columns), run_show_stats_averages, 0 },
	{ "SHOW TOTALS", "SHOW TOTALS", "both, a row for each", "SHOW", COLUMNS(totals_columns),
	  run_show_totals, 0 },
};

const struct command_family family_stats = FAMILY(commands);
