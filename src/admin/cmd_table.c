/* SHARD, REFERENCE, SINGLE and UNSHARD TABLE. */
#include "command.h"
#include "pgmosaic/catalog/map.h"
#include "pgmosaic/catalog/store.h"

static bool parse_columns(struct call *call, const char **columns, unsigned *n)
{
	if (!parse_expect(call, "("))
		return false;
	do {
		if (*n == MAP_MAX_KEYS) {
			parse_fail(call, "at most 4 columns");
			return false;
		}
		if (!parse_name(call, "a column's name", &columns[(*n)++]))
			return false;
	} while (parse_punct(call, ','));
	return parse_expect(call, ")");
}

static enum status run_shard_table(struct call *call)
{
	const char *schema, *name, *columns[MAP_MAX_KEYS], *trusted[MAP_MAX_KEYS];
	struct catalog_sharding as = { .columns = columns, .trusted = trusted };
	enum status status;

	if (!parse_table(call, &schema, &name) || !parse_expect(call, "BY") ||
	    !parse_columns(call, columns, &as.n_columns))
		return call->err->status;
	if (parse_word(call, "USING") &&
	    !parse_name(call, "a distribution's name", &as.distribution))
		return call->err->status;
	if (parse_word(call, "TRUST") &&
	    (!parse_expect(call, "UNIQUE") || !parse_columns(call, trusted, &as.n_trusted)))
		return call->err->status;
	if (!parse_end(call))
		return call->err->status;
	status = catalog_shard_table(call->runtime->catalog(call->runtime->ctx), call->user, schema,
				     name, &as, call->err);
	return status == STATUS_OK ? call_publish(call) : status;
}

static enum status run_reference_table(struct call *call)
{
	const char *schema, *name;
	enum status status;

	if (!parse_table(call, &schema, &name) || !parse_end(call))
		return call->err->status;
	status = catalog_reference_table(call->runtime->catalog(call->runtime->ctx), call->user,
					 schema, name, call->err);
	return status == STATUS_OK ? call_publish(call) : status;
}

static enum status run_single_table(struct call *call)
{
	const char *schema, *name, *shard;
	enum status status;

	if (!parse_table(call, &schema, &name) || !parse_expect(call, "ON") ||
	    !parse_expect(call, "SHARD") || !parse_name(call, "a shard's name", &shard) ||
	    !parse_end(call))
		return call->err->status;
	status = catalog_single_table(call->runtime->catalog(call->runtime->ctx), call->user,
				      schema, name, shard, call->err);
	return status == STATUS_OK ? call_publish(call) : status;
}

static enum status run_unshard_table(struct call *call)
{
	const char *schema, *name;
	enum status status;

	if (!parse_table(call, &schema, &name) || !parse_end(call))
		return call->err->status;
	status = catalog_unshard_table(call->runtime->catalog(call->runtime->ctx), call->user,
				       schema, name, call->err);
	return status == STATUS_OK ? call_publish(call) : status;
}

static const struct command commands[] = {
	{ "SHARD TABLE",
	  "SHARD TABLE table BY (column [, …]) [USING distribution] [TRUST UNIQUE (column [, …])]",
	  "spread a table over the shards by its key", "SHARD TABLE", NULL, 0, run_shard_table,
	  false },
	{ "REFERENCE TABLE", "REFERENCE TABLE table", "a full copy on every shard",
	  "REFERENCE TABLE", NULL, 0, run_reference_table, 0 },
	{ "SINGLE TABLE", "SINGLE TABLE table ON SHARD shard", "a table that lives on one shard",
	  "SINGLE TABLE", NULL, 0, run_single_table, 0 },
	{ "UNSHARD TABLE", "UNSHARD TABLE table", "back to a single table on the home shard",
	  "UNSHARD TABLE", NULL, 0, run_unshard_table, 0 },
};

const struct command_family family_table = FAMILY(commands);
