/* SHOW TRANSACTIONS: parts of distributed transactions that are prepared and not yet ended. */
#include "command.h"
#include "pgmosaic/catalog/world.h"
#include "pgmosaic/txn/recovery.h"

static const struct admin_column columns[] = {
	{ "gid", TYPE_TEXT },	   { "shard", TYPE_TEXT },   { "owner", TYPE_TEXT },
	{ "prepared", TYPE_TEXT }, { "decider", TYPE_TEXT }, { "decision", TYPE_TEXT },
};

static void add_items(struct call *call, const struct recovery_list *list)
{
	for (unsigned i = 0; i < list->n; i++) {
		const struct recovery_item *t = &list->items[i];

		admin_result_row(call->out, t->gid, t->shard, t->owner, t->prepared_at, t->decider,
				 t->decision);
	}
	if (list->n_unreachable)
		admin_result_row(call->out, NULL,
				 arena_printf(&call->out->arena, "%u shards could not be asked",
					      list->n_unreachable),
				 NULL, NULL, NULL, NULL);
}

static enum status run_show_transactions(struct call *call)
{
	struct recovery_list list;
	struct world *world;
	enum status status;

	if (!parse_end(call))
		return call->err->status;
	status = call_world(call, &world);
	if (status != STATUS_OK)
		return status;
	status = recovery_list(world->map, &list, call->err);
	if (status == STATUS_OK) {
		add_items(call, &list);
		recovery_list_finish(&list);
	}
	world_drop(world);
	return status;
}

static const struct command commands[] = {
	{ "SHOW TRANSACTIONS", "SHOW TRANSACTIONS",
	  "prepared parts of transactions over several shards, and how recovery will end them",
	  "SHOW", COLUMNS(columns), run_show_transactions, 0 },
};

const struct command_family family_transaction = FAMILY(commands);
