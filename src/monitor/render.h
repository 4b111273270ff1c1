/* What the pages say: counters → text. Pure but for clocks and /proc/self. */
#ifndef MONITOR_RENDER_H
#define MONITOR_RENDER_H

#include "pgmosaic/base/buf.h"
#include "pgmosaic/monitor/monitor.h"

/* OpenMetrics text, "# EOF" included. started_us: clock_wall_us() of the start. */
void render_metrics(const struct monitor_source *source, uint64_t started_us, struct buf *out);
/* The page for people: tables, refreshed every few seconds, nothing from elsewhere. */
void render_dashboard(const struct monitor_source *source, uint64_t started_us, struct buf *out);

#endif
