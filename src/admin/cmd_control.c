/* RELOAD and SHUTDOWN. */
#include "command.h"

static enum status run_reload(struct call *call)
{
	enum status status;

	if (!parse_end(call))
		return call->err->status;
	status = call->runtime->reload_config(call->runtime->ctx, call->err);
	if (status != STATUS_OK)
		return status;
	return call_publish(call);
}

static enum status run_shutdown(struct call *call)
{
	bool wait = parse_word(call, "WAIT");

	if (!parse_end(call))
		return call->err->status;
	call->runtime->shutdown(call->runtime->ctx, wait);
	return STATUS_OK;
}

static const struct command commands[] = {
	{ "RELOAD", "RELOAD", "read the configuration file, the catalog and the schema again",
	  "RELOAD", NULL, 0, run_reload, false },
	{ "SHUTDOWN", "SHUTDOWN [WAIT]", "stop the proxy; WAIT lets open transactions end first",
	  "SHUTDOWN", NULL, 0, run_shutdown, false },
};

const struct command_family family_control = FAMILY(commands);
