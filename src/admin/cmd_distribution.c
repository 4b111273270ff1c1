/* CREATE and DROP DISTRIBUTION, SPLIT CHUNK, MERGE CHUNKS. */
#include "command.h"
#include "pgmosaic/catalog/map.h"
#include "pgmosaic/catalog/store.h"

#define CHUNKS_MAX 65536u

static bool parse_method(struct call *call, enum map_method *out)
{
	static const char *const words[] = { "HASH", "RANGE", "DIRECTORY" };

	for (int i = 0; i < 3; i++) {
		if (!parse_word(call, words[i]))
			continue;
		*out = (enum map_method)i;
		return true;
	}
	parse_fail(call, "HASH, RANGE or DIRECTORY");
	return false;
}

static bool parse_types(struct call *call, struct catalog_distribution *d, const char **types)
{
	if (!parse_expect(call, "("))
		return false;
	d->types = types;
	do {
		if (d->n_types == MAP_MAX_KEYS) {
			parse_fail(call, "at most 4 types");
			return false;
		}
		if (!parse_type_name(call, &types[d->n_types++]))
			return false;
	} while (parse_punct(call, ','));
	return parse_expect(call, ")");
}

/* PLACE NEW KEYS ROUND ROBIN | LEAST LOADED | ON SHARD name, from behind PLACE. */
static bool parse_policy(struct call *call, struct catalog_distribution *d)
{
	if (!parse_expect(call, "NEW") || !parse_expect(call, "KEYS"))
		return false;
	if (parse_word(call, "ROUND")) {
		d->policy = MAP_ROUND_ROBIN;
		return parse_expect(call, "ROBIN");
	}
	if (parse_word(call, "LEAST")) {
		d->policy = MAP_LEAST_LOADED;
		return parse_expect(call, "LOADED");
	}
	if (!parse_word(call, "ON")) {
		parse_fail(call, "ROUND ROBIN, LEAST LOADED or ON SHARD");
		return false;
	}
	d->policy = MAP_ON_SHARD;
	return parse_expect(call, "SHARD") && parse_name(call, "a shard's name", &d->policy_shard);
}

static bool parse_detail(struct call *call, struct catalog_distribution *d, bool *found)
{
	uint64_t n;

	*found = true;
	if (d->method == MAP_HASH && parse_word(call, "CHUNKS")) {
		if (!parse_number(call, "a number of chunks", CHUNKS_MAX, &n))
			return false;
		d->n_chunks = (uint32_t)n;
		return true;
	}
	if (d->method == MAP_HASH && parse_word(call, "FUNCTION"))
		return parse_name(call, "pg or xxh3", &d->function);
	if (d->method == MAP_RANGE && parse_word(call, "SPLIT"))
		return parse_expect(call, "AT") &&
		       parse_values(call, &d->splits, &d->n_splits, CHUNKS_MAX - 1, false);
	if (d->method == MAP_DIRECTORY && parse_word(call, "PLACE"))
		return parse_policy(call, d);
	*found = false;
	return parse_end(call);
}

static bool parse_if(struct call *call, bool negated, bool *out)
{
	*out = parse_word(call, "IF");
	if (!*out)
		return true;
	return (!negated || parse_expect(call, "NOT")) && parse_expect(call, "EXISTS");
}

static enum status run_create_distribution(struct call *call)
{
	struct catalog_distribution d = { .n_chunks = 64, .function = "pg" };
	const char *types[MAP_MAX_KEYS];
	bool if_not_exists, found = true, made = false;
	enum status status;

	if (!parse_if(call, true, &if_not_exists) ||
	    !parse_name(call, "a name for the distribution", &d.name) ||
	    !parse_method(call, &d.method) || !parse_types(call, &d, types))
		return call->err->status;
	while (found)
		if (!parse_detail(call, &d, &found))
			return call->err->status;
	status = catalog_create_distribution(call->runtime->catalog(call->runtime->ctx), call->user,
					     &d, if_not_exists, &made, call->err);
	return status == STATUS_OK && made ? call_publish(call) : status;
}

static enum status run_drop_distribution(struct call *call)
{
	const char *name;
	bool if_exists;
	enum status status;

	if (!parse_if(call, false, &if_exists) ||
	    !parse_name(call, "a distribution's name", &name) || !parse_end(call))
		return call->err->status;
	status = catalog_drop_distribution(call->runtime->catalog(call->runtime->ctx), call->user,
					   name, if_exists, call->err);
	return status == STATUS_OK ? call_publish(call) : status;
}

static bool parse_chunk(struct call *call, uint32_t *out)
{
	uint64_t n;

	if (!parse_number(call, "a chunk's number", UINT32_MAX, &n))
		return false;
	*out = (uint32_t)n;
	return true;
}

static enum status run_split_chunk(struct call *call)
{
	const char *name, *const *at = NULL;
	uint32_t chunk;
	unsigned n = 0;
	enum status status;

	if (!parse_chunk(call, &chunk) || !parse_expect(call, "OF") ||
	    !parse_name(call, "a distribution's name", &name) || !parse_expect(call, "AT") ||
	    !parse_values(call, &at, &n, CHUNKS_MAX - 1, false) || !parse_end(call))
		return call->err->status;
	status = catalog_split_chunk(call->runtime->catalog(call->runtime->ctx), call->user, name,
				     chunk, at, n, call->err);
	return status == STATUS_OK ? call_publish(call) : status;
}

static enum status run_merge_chunks(struct call *call)
{
	const char *name;
	uint32_t a, b;
	enum status status;

	if (!parse_chunk(call, &a) || !parse_expect(call, ",") || !parse_chunk(call, &b) ||
	    !parse_expect(call, "OF") || !parse_name(call, "a distribution's name", &name) ||
	    !parse_end(call))
		return call->err->status;
	status = catalog_merge_chunks(call->runtime->catalog(call->runtime->ctx), call->user, name,
				      a, b, call->err);
	return status == STATUS_OK ? call_publish(call) : status;
}

static const struct command commands[] = {
	{ "CREATE DISTRIBUTION",
	  "CREATE DISTRIBUTION [IF NOT EXISTS] name HASH (type [, …]) [CHUNKS 64] [FUNCTION pg|xxh3] "
	  "| RANGE (type) [SPLIT AT (key [, …])] | DIRECTORY (type [, …]) [PLACE NEW KEYS ROUND ROBIN "
	  "| LEAST LOADED | ON SHARD shard]",
	  "a rule that places keys: by their hash, by ranges, or one by one", "CREATE DISTRIBUTION",
	  NULL, 0, run_create_distribution, 0 },
	{ "DROP DISTRIBUTION", "DROP DISTRIBUTION [IF EXISTS] name",
	  "forget one that no table uses", "DROP DISTRIBUTION", NULL, 0, run_drop_distribution, 0 },
	{ "SPLIT CHUNK", "SPLIT CHUNK number OF distribution AT (bound [, …])",
	  "cut a chunk at hashes or keys; no row moves", "ALTER DISTRIBUTION", NULL, 0,
	  run_split_chunk, 0 },
	{ "MERGE CHUNKS", "MERGE CHUNKS number, number OF distribution",
	  "two neighbours on one shard become one chunk", "ALTER DISTRIBUTION", NULL, 0,
	  run_merge_chunks, 0 },
};

const struct command_family family_distribution = FAMILY(commands);
