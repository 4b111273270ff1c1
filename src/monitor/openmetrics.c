/* OpenMetrics text: https://openmetrics.io. One family stands together; a counter's
 * sample ends in _total; the text ends with # EOF. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "render.h"

#define PREFIX "pgmosaic_"

static void put_family(struct buf *out, const char *family, const char *type, const char *unit,
		       const char *help)
{
	buf_printf(out, "# TYPE " PREFIX "%s %s\n", family, type);
	if (*unit)
		buf_printf(out, "# UNIT " PREFIX "%s %s\n", family, unit);
	buf_printf(out, "# HELP " PREFIX "%s %s\n", family, help);
}

static void put_label(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			buf_append(out, "\\n", 2);
		else if (*text == '"' || *text == '\\')
			buf_printf(out, "\\%c", *text);
		else
			buf_append(out, text, 1);
	}
}

static void put_metric(struct buf *out, const struct metric_info *info, int64_t value)
{
	buf_printf(out, PREFIX "%s%s%s%s%s ", info->family,
		   info->type == METRIC_TYPE_COUNTER ? "_total" : "", *info->label ? "{" : "",
		   info->label, *info->label ? "}" : "");
	if (strcmp(info->unit, "seconds") == 0) /* counted in microseconds */
		buf_printf(out, "%.6f\n", (double)value / 1e6);
	else
		buf_printf(out, "%" PRId64 "\n", value);
}

static void put_metrics(struct buf *out, const struct metrics_total *total)
{
	for (unsigned i = 0; i < METRIC_N; i++) {
		const struct metric_info *info = &metric_infos[i];

		if (i == 0 || strcmp(metric_infos[i - 1].family, info->family) != 0)
			put_family(out, info->family,
				   info->type == METRIC_TYPE_COUNTER ? "counter" : "gauge",
				   info->unit, info->help);
		put_metric(out, info, total->values[i]);
	}
}

static void put_hist(struct buf *out, const struct hist_info *info, const uint64_t *buckets,
		     uint64_t sum_us)
{
	uint64_t n = 0;

	put_family(out, info->family, "histogram", "seconds", info->help);
	for (unsigned b = 0; b <= HIST_BUCKETS; b++) {
		n += buckets[b];
		if (b < HIST_BUCKETS)
			buf_printf(out, PREFIX "%s_bucket{le=\"%.9g\"} %" PRIu64 "\n", info->family,
				   (double)(UINT64_C(1) << b) / 1e6, n);
		else
			buf_printf(out, PREFIX "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", info->family,
				   n);
	}
	buf_printf(out, PREFIX "%s_count %" PRIu64 "\n", info->family, n);
	buf_printf(out, PREFIX "%s_sum %.6f\n", info->family, (double)sum_us / 1e6);
}

struct shard_pass {
	struct buf *out;
	const char *family;
	size_t offset; /* of the number in struct monitor_shard */
};

static void on_shard(void *arg, const struct monitor_shard *shard)
{
	const struct shard_pass *pass = arg;
	uint64_t n;

	memcpy(&n, (const char *)shard + pass->offset, sizeof(n));
	buf_printf(pass->out, PREFIX "%s{shard=\"", pass->family);
	put_label(pass->out, shard->name);
	buf_printf(pass->out, "\"} %" PRIu64 "\n", n);
}

static void put_shards(struct buf *out, const struct monitor_source *source)
{
	static const struct {
		const char *family, *help;
		size_t offset;
	} gauges[] = {
		{ "shard_servers_active", "Server connections a client is using",
		  offsetof(struct monitor_shard, active) },
		{ "shard_servers_idle", "Server connections that are free",
		  offsetof(struct monitor_shard, idle) },
		{ "shard_servers_connecting", "Server connections being opened",
		  offsetof(struct monitor_shard, connecting) },
		{ "shard_clients_waiting", "Clients waiting for a server connection",
		  offsetof(struct monitor_shard, waiting) },
	};

	for (unsigned i = 0; source->shards && i < sizeof(gauges) / sizeof(gauges[0]); i++) {
		struct shard_pass pass = { out, gauges[i].family, gauges[i].offset };

		put_family(out, gauges[i].family, "gauge", "", gauges[i].help);
		source->shards(source->ctx, on_shard, &pass);
	}
}

static long resident_pages(void)
{
	long size, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%ld %ld", &size, &resident) != 2)
		resident = 0;
	fclose(f);
	return resident;
}

static double cpu_seconds(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void put_process(struct buf *out, uint64_t started_us)
{
	buf_printf(out,
		   "# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds\n"
		   "# HELP process_cpu_seconds CPU time of the proxy\n"
		   "process_cpu_seconds_total %.6f\n",
		   cpu_seconds());
	buf_printf(out,
		   "# TYPE process_resident_memory_bytes gauge\n"
		   "# UNIT process_resident_memory_bytes bytes\n"
		   "# HELP process_resident_memory_bytes Memory in use\n"
		   "process_resident_memory_bytes %ld\n",
		   resident_pages() * sysconf(_SC_PAGESIZE));
	buf_printf(out,
		   "# TYPE process_start_time_seconds gauge\n"
		   "# UNIT process_start_time_seconds seconds\n"
		   "# HELP process_start_time_seconds Start of the proxy, since 1970\n"
		   "process_start_time_seconds %.3f\n",
		   (double)started_us / 1e6);
}

static void put_state(struct buf *out, const struct monitor_source *source)
{
	char reason[256] = "";

	buf_printf(out,
		   "# TYPE pgmosaic info\n# HELP pgmosaic The version that runs\n"
		   "pgmosaic_info{version=\"%s\"} 1\n",
		   PGMOSAIC_VERSION);
	put_family(out, "ready", "gauge", "", "1 when the proxy can serve, as /readyz says");
	buf_printf(out, PREFIX "ready %d\n",
		   source->ready(source->ctx, reason, sizeof(reason)) ? 1 : 0);
	if (source->map_epoch) {
		put_family(out, "map_epoch", "gauge", "", "Epoch of the shard map in use");
		buf_printf(out, PREFIX "map_epoch %" PRIu64 "\n", source->map_epoch(source->ctx));
	}
}

void render_metrics(const struct monitor_source *source, uint64_t started_us, struct buf *out)
{
	struct metrics_total total;

	metrics_sum(source->blocks, source->n_blocks, &total);
	put_state(out, source);
	put_metrics(out, &total);
	for (unsigned h = 0; h < HIST_N; h++)
		put_hist(out, &hist_infos[h], total.buckets[h], total.sum_us[h]);
	put_shards(out, source);
	put_process(out, started_us);
	buf_printf(out, "# EOF\n");
}
