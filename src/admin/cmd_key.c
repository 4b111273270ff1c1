/* PLACE KEY, SHOW KEYS, VERIFY TABLE, SHOW AUDIT. */
#include "command.h"
#include "pgmosaic/catalog/map.h"
#include "pgmosaic/catalog/store.h"

static const struct admin_column key_columns[] = {
	{ "distribution", TYPE_TEXT },
	{ "key", TYPE_TEXT },
	{ "shard", TYPE_TEXT },
	{ "placed_at", TYPE_TIMESTAMPTZ },
};

static const struct admin_column verify_columns[] = {
	{ "shard", TYPE_TEXT },
	{ "rows", TYPE_BIGINT },
	{ "misplaced", TYPE_BIGINT },
	{ "finding", TYPE_TEXT },
};

static const struct admin_column audit_columns[] = {
	{ "at", TYPE_TIMESTAMPTZ },
	{ "user", TYPE_TEXT },
	{ "epoch", TYPE_BIGINT },
	{ "what", TYPE_TEXT },
};

static enum status run_place_key(struct call *call)
{
	const char *name, *shard, *const *values = NULL;
	unsigned n = 0;
	enum status status;

	if (!parse_values(call, &values, &n, MAP_MAX_KEYS, true) || !parse_expect(call, "OF") ||
	    !parse_name(call, "a distribution's name", &name) || !parse_expect(call, "ON") ||
	    !parse_expect(call, "SHARD") || !parse_name(call, "a shard's name", &shard) ||
	    !parse_end(call))
		return call->err->status;
	status = catalog_place_key(call->runtime->catalog(call->runtime->ctx), call->user, name,
				   values, n, shard, call->err);
	return status == STATUS_OK ? call_publish(call) : status;
}

static void add_row(void *ctx, const char *const values[4])
{
	struct call *call = ctx;
	struct arena *a = &call->out->arena;

	admin_result_row(call->out, arena_strdup(a, values[0]), arena_strdup(a, values[1]),
			 arena_strdup(a, values[2]), arena_strdup(a, values[3]));
}

static enum status run_show_keys(struct call *call)
{
	const char *name = NULL;

	if (parse_word(call, "OF") && !parse_name(call, "a distribution's name", &name))
		return call->err->status;
	if (!parse_end(call))
		return call->err->status;
	return catalog_list_keys(call->runtime->catalog(call->runtime->ctx), name, add_row, call,
				 call->err);
}

static void add_verified(void *ctx, const struct catalog_verified *v)
{
	struct call *call = ctx;

	admin_result_row(call->out, arena_strdup(&call->out->arena, v->shard),
			 call_u64(call, v->rows), call_u64(call, v->misplaced),
			 v->finding ? v->finding : "ok");
}

static enum status run_verify_table(struct call *call)
{
	const char *schema, *name;

	if (!parse_table(call, &schema, &name) || !parse_end(call))
		return call->err->status;
	return catalog_verify_table(call->runtime->catalog(call->runtime->ctx), schema, name,
				    add_verified, call, call->err);
}

static enum status run_show_audit(struct call *call)
{
	if (!parse_end(call))
		return call->err->status;
	return catalog_list_audit(call->runtime->catalog(call->runtime->ctx), add_row, call,
				  call->err);
}

static const struct command commands[] = {
	{ "PLACE KEY", "PLACE KEY (value [, …]) OF distribution ON SHARD shard",
	  "pin a key; its rows must lie there, or nowhere", "PLACE KEY", NULL, 0, run_place_key,
	  0 },
	{ "SHOW KEYS", "SHOW KEYS [OF distribution]", "keys with a place of their own", "SHOW",
	  COLUMNS(key_columns), run_show_keys, 0 },
	{ "VERIFY TABLE", "VERIFY TABLE table",
	  "rows on the wrong shard; copies of a reference table that differ", "VERIFY TABLE",
	  COLUMNS(verify_columns), run_verify_table, 0 },
	{ "SHOW AUDIT", "SHOW AUDIT", "the last 1000 changes of placement: when, who, what", "SHOW",
	  COLUMNS(audit_columns), run_show_audit, 0 },
};

const struct command_family family_key = FAMILY(commands);
