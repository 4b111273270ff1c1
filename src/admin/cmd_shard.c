/* CREATE, ALTER and DROP SHARD. */
#include "command.h"
#include "pgmosaic/catalog/store.h"

#define WEIGHT_MAX 1000000u

struct shard_options {
	const char *dsn, *replicas; /* NULL: not given */
	bool has_weight;
	uint64_t weight;
};

static bool parse_option(struct call *call, struct shard_options *o)
{
	size_t start = call->at;
	const char *name;

	if (!parse_name(call, "dsn, replicas or weight", &name) || !parse_expect(call, "="))
		return false;
	if (strcmp(name, "dsn") == 0)
		return parse_string(call, "a connection string in '…'", &o->dsn);
	if (strcmp(name, "replicas") == 0)
		return parse_string(call, "connection strings in '…'", &o->replicas);
	if (strcmp(name, "weight") == 0) {
		o->has_weight = true;
		return parse_number(call, "a number", WEIGHT_MAX, &o->weight);
	}
	call->at = start;
	parse_fail(call, "dsn, replicas or weight");
	return false;
}

static bool parse_options(struct call *call, struct shard_options *o)
{
	if (!parse_expect(call, "("))
		return false;
	do {
		if (!parse_option(call, o))
			return false;
	} while (parse_punct(call, ','));
	return parse_expect(call, ")");
}

static enum status run_create_shard(struct call *call)
{
	struct shard_options o = { .weight = 1 };
	const char *name;
	enum status status;

	if (!parse_name(call, "a name for the shard", &name) || !parse_expect(call, "WITH") ||
	    !parse_options(call, &o) || !parse_end(call))
		return call->err->status;
	if (!o.dsn) {
		err_set(call->err, STATUS_SYNTAX, "CREATE SHARD needs dsn");
		err_hint(call->err, "Syntax: %s", call->command->syntax);
		return STATUS_SYNTAX;
	}
	status = catalog_create_shard(call->runtime->catalog(call->runtime->ctx), call->user, name,
				      o.dsn, o.replicas, (uint32_t)o.weight, call->err);
	return status == STATUS_OK ? call_publish(call) : status;
}

static enum status run_alter_shard(struct call *call)
{
	struct shard_options o = { .weight = 0 };
	const char *name;
	enum status status;

	if (!parse_name(call, "a shard's name", &name) || !parse_expect(call, "SET") ||
	    !parse_options(call, &o) || !parse_end(call))
		return call->err->status;
	status = catalog_alter_shard(call->runtime->catalog(call->runtime->ctx), call->user, name,
				     o.dsn, o.replicas, o.has_weight ? (int64_t)o.weight : -1,
				     call->err);
	return status == STATUS_OK ? call_publish(call) : status;
}

static enum status run_drop_shard(struct call *call)
{
	const char *name;
	enum status status;

	if (!parse_name(call, "a shard's name", &name) || !parse_end(call))
		return call->err->status;
	status = catalog_drop_shard(call->runtime->catalog(call->runtime->ctx), call->user, name,
				    call->err);
	return status == STATUS_OK ? call_publish(call) : status;
}

static const struct command commands[] = {
	{ "CREATE SHARD", "CREATE SHARD name WITH (dsn = '…' [, weight = 1] [, replicas = '…'])",
	  "add a PostgreSQL server", "CREATE SHARD", NULL, 0, run_create_shard, 0 },
	{ "ALTER SHARD", "ALTER SHARD name SET (dsn = '…' | weight = n | replicas = '…' [, …])",
	  "change a shard's connection string or weight", "ALTER SHARD", NULL, 0, run_alter_shard,
	  false },
	{ "DROP SHARD", "DROP SHARD name", "take an unused shard out of the map", "DROP SHARD",
	  NULL, 0, run_drop_shard, 0 },
};

const struct command_family family_shard = FAMILY(commands);
