/* The process: RELOAD, PAUSE, RESUME, RECONNECT, KILL and SHUTDOWN. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "pgmosaic/catalog/world.h"

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

/* PgBouncer's commands may name the database: there is one. */
static bool parse_database(struct call *call)
{
	size_t at = call->at;
	const char *name;
	struct world *world;
	bool ok;

	if (parse_peek(call).kind != TOKEN_WORD && parse_peek(call).kind != TOKEN_QUOTED)
		return parse_end(call);
	if (!parse_name(call, "the database's name", &name) ||
	    call_world(call, &world) != STATUS_OK)
		return false;
	ok = world->map->n_shards && strcmp(world->map->shards[world->map->home].dbname, name) == 0;
	world_drop(world);
	if (ok)
		return parse_end(call);
	err_set_code(call->err, STATUS_UNDEFINED, "3D000", "database \"%s\" does not exist", name);
	call->err->position = (int)at + 2;
	err_hint(call->err, "SHOW DATABASES; tells the one there is.");
	return false;
}

static enum status run_pause(struct call *call)
{
	if (!parse_database(call))
		return call->err->status;
	return call->runtime->pause(call->runtime->ctx, call->err);
}

static enum status run_resume(struct call *call)
{
	if (!parse_database(call))
		return call->err->status;
	if (!call->runtime->is_paused(call->runtime->ctx)) {
		err_set(call->err, STATUS_IN_USE, "the proxy is not paused");
		return STATUS_IN_USE;
	}
	call->runtime->resume(call->runtime->ctx);
	return STATUS_OK;
}

static enum status run_reconnect(struct call *call)
{
	if (!parse_database(call))
		return call->err->status;
	call->runtime->renew_servers(call->runtime->ctx);
	return STATUS_OK;
}

static bool read_id(const char *text, uint64_t *id)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*id = strtoull(text, &end, 10);
	return *end == 0;
}

static enum status run_kill(struct call *call)
{
	struct token t = parse_peek(call);
	const char *text = NULL;
	uint64_t id = 0;
	bool ok = t.kind == TOKEN_STRING ? parse_string(call, "a client's id", &text)
					 : parse_number(call, "a client's id", UINT64_MAX - 1, &id);

	if (!ok || !parse_end(call))
		return call->err->status;
	ok = (!text || read_id(text, &id)) && call->runtime->kill(call->runtime->ctx, id);
	if (ok)
		return STATUS_OK;
	err_set(call->err, STATUS_UNDEFINED, "no client has the id %.*s",
		(int)(t.text.n < 64 ? t.text.n : 64), t.text.p);
	call->err->position = token_position(call->sql, t.at);
	err_hint(call->err, "SHOW CLIENTS; lists the ids of those that are connected.");
	return STATUS_UNDEFINED;
}

/* WAIT, or PgBouncer's two words for it. */
static enum status run_shutdown(struct call *call)
{
	bool wait = parse_word(call, "WAIT") || parse_word(call, "WAIT_FOR_SERVERS") ||
		    parse_word(call, "WAIT_FOR_CLIENTS");

	if (!parse_end(call))
		return call->err->status;
	call->runtime->shutdown(call->runtime->ctx, wait);
	return STATUS_OK;
}

#define FREE(words, syntax, help, run)                                 \
	{                                                              \
		words, syntax, help, words, NULL, 0, run, COMMAND_FREE \
	}

static const struct command commands[] = {
	{ "RELOAD", "RELOAD", "read the configuration file, the catalog and the schema again",
	  "RELOAD", NULL, 0, run_reload, 0 },
	FREE("PAUSE", "PAUSE [database]",
	     "hold clients at their next transaction; returns when every server connection is closed",
	     run_pause),
	FREE("RESUME", "RESUME [database]", "end a PAUSE", run_resume),
	FREE("RECONNECT", "RECONNECT [database]", "replace server connections as they become free",
	     run_reconnect),
	FREE("KILL", "KILL 'client id'",
	     "end one client's connection; its transaction is rolled back", run_kill),
	FREE("KILL_CLIENT", "KILL_CLIENT 'client id'", "the same, as PgBouncer spells it",
	     run_kill),
	{ "SHUTDOWN", "SHUTDOWN [WAIT]", "stop the proxy; WAIT lets open transactions end first",
	  "SHUTDOWN", NULL, 0, run_shutdown, COMMAND_FREE },
};

const struct command_family family_control = FAMILY(commands);
