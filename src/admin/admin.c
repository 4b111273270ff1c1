/* The control port's front: find the command, run it under the mutex, tidy the result. */
#include "pgmosaic/admin/admin.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "command.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/base/clock.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/catalog/world.h"

#define STATEMENT_MAX_BYTES (1u << 20)

struct admin {
	struct admin_runtime runtime;
	pthread_mutex_t one_at_a_time;
};

const struct command_family *const command_families[] = {
	&family_shard,	 &family_distribution, &family_table,  &family_map,
	&family_explain, &family_transaction,  &family_pooler, &family_control,
	&family_help,	 &family_session,      &family_later,  &family_sockets,
	&family_stats,	 &family_proxies,      &family_key,    &family_sequence,
};
const unsigned command_n_families = sizeof(command_families) / sizeof(command_families[0]);

struct admin *admin_create(const struct admin_runtime *runtime)
{
	struct admin *admin = mem_zero(1, sizeof(*admin));

	admin->runtime = *runtime;
	INVARIANT(pthread_mutex_init(&admin->one_at_a_time, NULL) == 0);
	return admin;
}

void admin_destroy(struct admin *admin)
{
	pthread_mutex_destroy(&admin->one_at_a_time);
	free(admin);
}

/* How many of the command's words stand at the start; all of them: *end is behind. */
static unsigned words_match(struct call *call, const char *words, bool *all)
{
	struct call probe = *call;
	unsigned n = 0;

	probe.at = 0;
	*all = false;
	while (*words) {
		size_t length = strcspn(words, " ");
		struct token t = parse_peek(&probe);

		if (t.kind != TOKEN_WORD || t.text.n != length ||
		    strncasecmp(t.text.p, words, length) != 0)
			break;
		token_read(probe.sql, probe.at, &probe.at);
		words += length + (words[length] == ' ');
		n++;
	}
	*all = *words == 0;
	call->at = probe.at;
	return n;
}

const struct command *command_find(struct call *call)
{
	const struct command *best = NULL;
	unsigned most = 0;
	size_t behind = 0, furthest = 0;

	for (unsigned f = 0; f < command_n_families; f++) {
		for (unsigned i = 0; i < command_families[f]->n; i++) {
			const struct command *c = &command_families[f]->commands[i];
			bool all;
			unsigned n = words_match(call, c->words, &all);

			if (all && n > most) {
				best = c;
				most = n;
				behind = call->at;
			}
			if (call->at > furthest)
				furthest = call->at;
		}
	}
	call->at = best ? behind : furthest;
	return best;
}

static enum status call_start(struct call *call)
{
	if (call->sql.n > STATEMENT_MAX_BYTES)
		return err_set(call->err, STATUS_LIMIT,
			       "a control statement may have at most %u bytes",
			       STATEMENT_MAX_BYTES);
	call->command = command_find(call);
	if (call->command)
		return STATUS_OK;
	return parse_fail(call, "a command of the control port");
}

static enum status call_run(struct call *call)
{
	const struct command *c = call->command;
	enum status status;

	call->out->columns = c->columns;
	call->out->n_columns = c->n_columns;
	call->out->tag = c->tag;
	status = c->run(call);
	return status;
}

enum status admin_execute(struct admin *admin, const char *user, struct str sql,
			  struct admin_result *out, struct err *err)
{
	struct call call = {
		.runtime = &admin->runtime, .user = user, .sql = sql, .out = out, .err = err
	};
	uint64_t start = clock_us();
	enum status status = call_start(&call);
	const struct command *command = call.command; /* may be disowned while it runs */

	if (status != STATUS_OK)
		return status;
	if (!(command->flags & COMMAND_FREE))
		pthread_mutex_lock(&admin->one_at_a_time);
	status = call_run(&call);
	if (!(command->flags & COMMAND_FREE))
		pthread_mutex_unlock(&admin->one_at_a_time);
	log_event(LOG_DEBUG, "control statement", LOG_STR("command", command->words),
		  LOG_STR("user", user), LOG_MS("ms", clock_us() - start),
		  LOG_STR("sqlstate", status == STATUS_OK ? "00000" : err->code));
	return status;
}

enum status admin_describe(struct admin *admin, struct str sql, struct admin_result *out,
			   struct err *err)
{
	struct call call = {
		.runtime = &admin->runtime, .user = "", .sql = sql, .out = out, .err = err
	};
	enum status status = call_start(&call);

	if (status != STATUS_OK)
		return status;
	if (call.command->flags & COMMAND_DESCRIBE_BY_RUNNING)
		return call_run(&call);
	out->columns = call.command->columns;
	out->n_columns = call.command->n_columns;
	return STATUS_OK;
}

struct str admin_next_statement(struct str *rest)
{
	size_t at = 0, start = rest->n, next;

	for (;;) {
		struct token t = token_read(*rest, at, &next);
		struct str piece;

		if (t.kind != TOKEN_END && start == rest->n)
			start = t.at;
		if (t.kind != TOKEN_END && !(t.kind == TOKEN_PUNCT && *t.text.p == ';')) {
			at = next;
			continue;
		}
		piece = (struct str){ rest->p + start, t.at - start };
		*rest = (struct str){ rest->p + next, rest->n - next };
		if (piece.n || t.kind == TOKEN_END)
			return piece;
		at = 0;
		start = rest->n;
	}
}

enum status call_world(struct call *call, struct world **out)
{
	*out = call->runtime->world(call->runtime->ctx);
	if (*out)
		return STATUS_OK;
	err_set(call->err, STATUS_CATALOG, "the shard map has not been loaded yet");
	err_hint(call->err, "See the log for the reason, and try again.");
	return STATUS_CATALOG;
}

enum status call_publish(struct call *call)
{
	return call->runtime->reload_world(call->runtime->ctx, call->err);
}

enum status call_done(struct call *call, const char *tag)
{
	call->out->tag = tag;
	return STATUS_OK;
}

const char *call_u64(struct call *call, uint64_t n)
{
	return arena_printf(&call->out->arena, "%" PRIu64, n);
}

const char *call_i64(struct call *call, int64_t n)
{
	return arena_printf(&call->out->arena, "%" PRId64, n);
}
