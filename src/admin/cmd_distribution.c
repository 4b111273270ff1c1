/* CREATE DISTRIBUTION … HASH. */
#include "command.h"
#include "pgmosaic/catalog/map.h"
#include "pgmosaic/catalog/store.h"

#define CHUNKS_MAX 65536u

struct distribution_spec {
	const char *name;
	const char *types[MAP_MAX_KEYS];
	unsigned n_types;
	uint64_t chunks;
	const char *function;
};

static bool parse_method(struct call *call)
{
	struct token t = parse_peek(call);

	if (parse_word(call, "HASH"))
		return true;
	if (!parse_word(call, "RANGE") && !parse_word(call, "DIRECTORY")) {
		parse_fail(call, "HASH");
		return false;
	}
	err_set(call->err, STATUS_UNROUTED, "%.*s distributions are not in this version",
		STR_ARG(t.text));
	err_hint(call->err, "Write HASH.");
	call->err->position = token_position(call->sql, t.at);
	return false;
}

static bool parse_types(struct call *call, struct distribution_spec *spec)
{
	if (!parse_expect(call, "("))
		return false;
	do {
		if (spec->n_types == MAP_MAX_KEYS) {
			parse_fail(call, "at most 4 types");
			return false;
		}
		if (!parse_type_name(call, &spec->types[spec->n_types++]))
			return false;
	} while (parse_punct(call, ','));
	return parse_expect(call, ")");
}

static bool parse_details(struct call *call, struct distribution_spec *spec)
{
	for (;;) {
		if (parse_word(call, "CHUNKS")) {
			if (!parse_number(call, "a number of chunks", CHUNKS_MAX, &spec->chunks))
				return false;
		} else if (parse_word(call, "FUNCTION")) {
			if (!parse_name(call, "pg or xxh3", &spec->function))
				return false;
		} else {
			return parse_end(call);
		}
	}
}

static enum status run_create_distribution(struct call *call)
{
	struct distribution_spec s = { .chunks = 64, .function = "pg" };
	enum status status;

	if (!parse_name(call, "a name for the distribution", &s.name) || !parse_method(call) ||
	    !parse_types(call, &s) || !parse_details(call, &s))
		return call->err->status;
	status = catalog_create_distribution(call->runtime->catalog(call->runtime->ctx), call->user,
					     s.name, s.types, s.n_types, (uint32_t)s.chunks,
					     s.function, call->err);
	return status == STATUS_OK ? call_publish(call) : status;
}

static const struct command commands[] = {
	{ "CREATE DISTRIBUTION",
	  "CREATE DISTRIBUTION name HASH (type [, …]) [CHUNKS 64] [FUNCTION pg|xxh3]",
	  "a rule that places keys, in chunks dealt to the shards", "CREATE DISTRIBUTION", NULL, 0,
	  run_create_distribution, 0 },
};

const struct command_family family_distribution = FAMILY(commands);
