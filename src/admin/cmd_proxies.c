/* SHOW PROXIES: who shares the catalog. */
#include <stdlib.h>

#include "command.h"
#include "pgmosaic/catalog/proxy.h"

static const struct admin_column columns[] = {
	{ "incarnation", TYPE_BIGINT }, { "name", TYPE_TEXT },
	{ "host", TYPE_TEXT },		{ "pid", TYPE_INTEGER },
	{ "version", TYPE_TEXT },	{ "started_at", TYPE_TIMESTAMPTZ },
	{ "acked_epoch", TYPE_BIGINT }, { "lease_left_ms", TYPE_BIGINT },
	{ "state", TYPE_TEXT },		{ "is_this", TYPE_BOOL },
};

static enum status run_show_proxies(struct call *call)
{
	uint64_t own = call->runtime->incarnation(call->runtime->ctx);
	struct proxy_row *rows;
	struct catalog *catalog;
	unsigned n;

	if (!parse_end(call))
		return call->err->status;
	catalog = call->runtime->catalog(call->runtime->ctx);
	if (!catalog)
		return err_set(call->err, STATUS_CATALOG, "the catalog has not been reached yet");
	if (proxy_list(catalog, &call->out->arena, &rows, &n, call->err) != STATUS_OK)
		return call->err->status;
	for (unsigned i = 0; i < n; i++)
		admin_result_row(call->out, rows[i].incarnation, rows[i].name, rows[i].host,
				 rows[i].pid, rows[i].version, rows[i].started, rows[i].epoch,
				 rows[i].lease_left_ms, rows[i].state,
				 strtoull(rows[i].incarnation, NULL, 10) == own ? "t" : "f");
	return STATUS_OK;
}

static const struct command commands[] = {
	{ "SHOW PROXIES", "SHOW PROXIES",
	  "the proxies on this catalog: their leases, and the epoch of the map each has taken over",
	  "SHOW", COLUMNS(columns), run_show_proxies, 0 },
};

const struct command_family family_proxies = FAMILY(commands);
