/* SHOW SEQUENCES and ALTER SEQUENCE … SET BLOCK. */
#include "command.h"
#include "pgmosaic/catalog/sequence.h"
#include "pgmosaic/catalog/world.h"

static const struct admin_column sequence_columns[] = {
	{ "schema", TYPE_TEXT },  { "name", TYPE_TEXT },	 { "increment", TYPE_BIGINT },
	{ "block", TYPE_BIGINT }, { "generation", TYPE_BIGINT }, { "next", TYPE_BIGINT },
	{ "state", TYPE_TEXT },
};

static enum status add_rows(struct call *call, const struct world *world)
{
	const struct shard_map *map = world->map;
	struct catalog *c = call->runtime->catalog(call->runtime->ctx);

	for (uint32_t i = 0; i < map->n_sequences; i++) {
		const struct map_sequence *s = &map->sequences[i];
		struct sequence_state state;
		enum status st = sequence_place(c, s->id, &state, call->err);

		if (st != STATUS_OK)
			return st;
		admin_result_row(call->out, s->schema, s->name, call_i64(call, s->increment),
				 call_u64(call, s->block), call_u64(call, s->generation),
				 state.is_done ? NULL : call_i64(call, state.next),
				 !s->is_ready	 ? "changing"
				 : state.is_done ? "all leased"
						 : "ready");
	}
	return STATUS_OK;
}

static enum status run_show_sequences(struct call *call)
{
	struct world *world;
	enum status st;

	if (!parse_end(call))
		return call->err->status;
	st = call_world(call, &world);
	if (st != STATUS_OK)
		return st;
	st = add_rows(call, world);
	world_drop(world);
	return st;
}

static enum status run_set_block(struct call *call)
{
	const char *schema, *name;
	uint64_t block;
	enum status st;

	if (!parse_table(call, &schema, &name) || !parse_expect(call, "SET") ||
	    !parse_expect(call, "BLOCK") ||
	    !parse_number(call, "a number of values", 1000000000, &block) || !parse_end(call))
		return call->err->status;
	st = sequence_set_block(call->runtime->catalog(call->runtime->ctx), schema, name, block,
				call->user, call->err);
	return st == STATUS_OK ? call_publish(call) : st;
}

static const struct command commands[] = {
	{ "SHOW SEQUENCES", "SHOW SEQUENCES", "sequences that all shards share, and where they are",
	  "SHOW", COLUMNS(sequence_columns), run_show_sequences, false },
	{ "ALTER SEQUENCE", "ALTER SEQUENCE sequence SET BLOCK n",
	  "how many values a shard gets at once", "ALTER SEQUENCE", NULL, 0, run_set_block, false },
};

const struct command_family family_sequence = FAMILY(commands);
