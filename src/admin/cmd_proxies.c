/* SHOW PROXIES: every proxy of the cluster, as the catalog knows it. */
#include <stdlib.h>

#include "command.h"
#include "pgmosaic/catalog/store.h"

static const struct admin_column columns[] = {
	{ "incarnation", TYPE_BIGINT },	   { "name", TYPE_TEXT },
	{ "version", TYPE_TEXT },	   { "started_at", TYPE_TIMESTAMPTZ },
	{ "heartbeat", TYPE_TIMESTAMPTZ }, { "age_s", TYPE_NUMERIC },
	{ "acked_epoch", TYPE_BIGINT },	   { "is_alive", TYPE_BOOL },
	{ "is_this", TYPE_BOOL },
};

static void add_proxy(void *ctx, const char *const *v)
{
	struct call *call = ctx;
	uint64_t own = call->runtime->incarnation(call->runtime->ctx);

	admin_result_row(call->out, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7],
			 strtoull(v[0], NULL, 10) == own ? "t" : "f");
}

static enum status run_show_proxies(struct call *call)
{
	struct catalog *catalog;

	if (!parse_end(call))
		return call->err->status;
	catalog = call->runtime->catalog(call->runtime->ctx);
	if (catalog)
		return catalog_list_proxies(catalog, add_proxy, call, call->err);
	return err_set(call->err, STATUS_CATALOG, "the catalog has not been reached yet");
}

static const struct command commands[] = {
	{ "SHOW PROXIES", "SHOW PROXIES",
	  "every proxy of the cluster: its heartbeat, and the epoch of the map it has taken over",
	  "SHOW", COLUMNS(columns), run_show_proxies, 0 },
};

const struct command_family family_proxies = FAMILY(commands);
