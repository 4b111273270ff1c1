/* Commands of the design that this version does not have: known, and refused by name. */
#include "command.h"

static enum status run_later(struct call *call)
{
	err_set(call->err, STATUS_UNROUTED, "%s is not in this version", call->command->words);
	call->err->position = 1;
	err_hint(call->err, "%s", call->command->help);
	return STATUS_UNROUTED;
}

#define LATER(words, hint)                                    \
	{                                                     \
		words, words, hint, "", NULL, 0, run_later, 0 \
	}
#define NO_MOVES "Data stays on the shard it is on; SHOW CHUNKS; tells which."
#define SEE_HELP "SHOW HELP; lists every command of this version."

static const struct command commands[] = {
	LATER("DRAIN SHARD", NO_MOVES),
	LATER("MOVE", NO_MOVES),
	LATER("REBALANCE", NO_MOVES),
	LATER("SHOW MOVES", NO_MOVES),
	LATER("PAUSE MOVE", NO_MOVES),
	LATER("RESUME MOVE", NO_MOVES),
	LATER("CANCEL MOVE", NO_MOVES),
	LATER("SHOW LOCKS", "Ask pg_locks on the shards."),
	LATER("SHOW PLANS", "EXPLAIN ROUTE shows the plan of one statement."),
	LATER("SHOW QUERIES", "Ask pg_stat_activity on the shards."),
	LATER("SHOW SCHEMA DRIFT", SEE_HELP),
};

const struct command_family family_later = FAMILY(commands);
