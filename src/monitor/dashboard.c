/* The page for people: three tables, no script, refreshed by the browser. */
#include <inttypes.h>
#include <string.h>

#include "pgmosaic/base/clock.h"
#include "render.h"

static const char head[] =
	"<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
	"<meta http-equiv=\"refresh\" content=\"5\"><title>pgmosaic</title><style>"
	"body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em;"
	"color:#1c1c1c;background:#fcfcfb}h1{font-size:1.4em}h2{font-size:1.1em;margin-top:2em}"
	"table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25em .8em .25em 0;"
	"border-bottom:1px solid #e2e2de}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
	".bad{color:#a40000}a{color:#0b5394}</style></head><body>";

static void put_html(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			buf_printf(out, "&lt;");
		else if (*text == '&')
			buf_printf(out, "&amp;");
		else
			buf_append(out, text, 1);
	}
}

static void put_state(struct buf *out, const struct monitor_source *source, uint64_t started_us)
{
	char reason[256] = "";
	bool ready = source->ready(source->ctx, reason, sizeof(reason));
	uint64_t up_s = (clock_wall_us() - started_us) / 1000000;

	buf_printf(out, "<h1>pgmosaic " PGMOSAIC_VERSION "</h1><p>");
	if (ready) {
		buf_printf(out, "Ready");
	} else {
		buf_printf(out, "<strong class=\"bad\">Not ready</strong>: ");
		put_html(out, reason);
	}
	buf_printf(out, "; up %" PRIu64 "h %02u:%02u", up_s / 3600, (unsigned)(up_s / 60 % 60),
		   (unsigned)(up_s % 60));
	if (source->map_epoch)
		buf_printf(out, "; shard map epoch %" PRIu64, source->map_epoch(source->ctx));
	buf_printf(out, ". <a href=\"/metrics\">/metrics</a></p>");
}

static void on_shard(void *arg, const struct monitor_shard *s)
{
	struct buf *out = arg;

	buf_printf(out, "<tr><td>");
	put_html(out, s->name);
	buf_printf(out,
		   "</td><td class=\"n\">%" PRIu64 "</td><td class=\"n\">%" PRIu64
		   "</td><td class=\"n\">%" PRIu64 "</td><td class=\"n\">%" PRIu64 "</td></tr>",
		   s->active, s->idle, s->connecting, s->waiting);
}

static void put_shards(struct buf *out, const struct monitor_source *source)
{
	if (!source->shards)
		return;
	buf_printf(out, "<h2>Shards</h2><table><tr><th>shard</th><th class=\"n\">in use</th>"
			"<th class=\"n\">idle</th><th class=\"n\">connecting</th>"
			"<th class=\"n\">clients waiting</th></tr>");
	source->shards(source->ctx, on_shard, out);
	buf_printf(out, "</table>");
}

/* The bucket's upper end below which the given share of the observations lies. */
static double quantile_ms(const uint64_t *buckets, double share)
{
	uint64_t all = 0, n = 0;

	for (unsigned b = 0; b <= HIST_BUCKETS; b++)
		all += buckets[b];
	for (unsigned b = 0; b <= HIST_BUCKETS && all; b++) {
		n += buckets[b];
		if ((double)n >= share * (double)all)
			return (double)(UINT64_C(1) << b) / 1e3;
	}
	return 0;
}

static void put_latencies(struct buf *out, const struct metrics_total *t)
{
	buf_printf(out, "<h2>Latency, since the start</h2><table><tr><th></th>"
			"<th class=\"n\">half within</th><th class=\"n\">99%% within</th></tr>");
	for (unsigned h = 0; h < HIST_N; h++)
		buf_printf(
			out,
			"<tr><td>%s</td><td class=\"n\">%.3g ms</td><td class=\"n\">%.3g ms</td></tr>",
			hist_infos[h].help, quantile_ms(t->buckets[h], 0.5),
			quantile_ms(t->buckets[h], 0.99));
	buf_printf(out, "</table>");
}

static void put_counters(struct buf *out, const struct metrics_total *t)
{
	buf_printf(out, "<h2>Counters</h2><table>");
	for (unsigned i = 0; i < METRIC_N; i++) {
		const struct metric_info *info = &metric_infos[i];

		buf_printf(out, "<tr><td>%s", info->help);
		if (*info->label)
			buf_printf(out, " (%s)", info->label);
		if (strcmp(info->unit, "seconds") == 0)
			buf_printf(out, "</td><td class=\"n\">%.3f s</td></tr>",
				   (double)t->values[i] / 1e6);
		else
			buf_printf(out, "</td><td class=\"n\">%" PRId64 "</td></tr>", t->values[i]);
	}
	buf_printf(out, "</table>");
}

void render_dashboard(const struct monitor_source *source, uint64_t started_us, struct buf *out)
{
	struct metrics_total total;

	metrics_sum(source->blocks, source->n_blocks, &total);
	buf_append(out, head, sizeof(head) - 1);
	put_state(out, source, started_us);
	put_shards(out, source);
	put_latencies(out, &total);
	put_counters(out, &total);
	buf_printf(out, "</body></html>\n");
}
