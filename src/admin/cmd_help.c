/* SHOW HELP: every command of this version, from the table itself. */
#include "command.h"

static const struct admin_column columns[] = {
	{ "command", TYPE_TEXT },
	{ "help", TYPE_TEXT },
};

static enum status run_show_help(struct call *call)
{
	if (!parse_end(call))
		return call->err->status;
	for (unsigned f = 0; f < command_n_families; f++) {
		if (command_families[f] == &family_later)
			continue;
		for (unsigned i = 0; i < command_families[f]->n; i++) {
			const struct command *c = &command_families[f]->commands[i];

			admin_result_row(call->out,
					 arena_printf(&call->out->arena, "%s;", c->syntax),
					 c->help);
		}
	}
	return STATUS_OK;
}

static const struct command commands[] = {
	{ "SHOW HELP", "SHOW HELP", "this list", "SHOW", COLUMNS(columns), run_show_help, 0 },
};

const struct command_family family_help = FAMILY(commands);
