/* SHOW SHARDS, DISTRIBUTIONS, CHUNKS, TABLES: the shard map as every worker sees it. */
#include <string.h>

#include "command.h"
#include "pgmosaic/catalog/world.h"
#include "pgmosaic/config/config.h"
#include "types.h"

static const struct admin_column shard_columns[] = {
	{ "id", TYPE_INTEGER },	    { "name", TYPE_TEXT },     { "dsn", TYPE_TEXT },
	{ "replicas", TYPE_TEXT },  { "database", TYPE_TEXT }, { "weight", TYPE_INTEGER },
	{ "chunks", TYPE_INTEGER }, { "is_home", TYPE_BOOL },
};

static const struct admin_column distribution_columns[] = {
	{ "id", TYPE_INTEGER },	    { "name", TYPE_TEXT },	{ "method", TYPE_TEXT },
	{ "function", TYPE_TEXT },  { "types", TYPE_TEXT },	{ "chunks", TYPE_INTEGER },
	{ "shards", TYPE_INTEGER }, { "tables", TYPE_INTEGER }, { "keys", TYPE_BIGINT },
	{ "new_keys", TYPE_TEXT },
};

static const struct admin_column chunk_columns[] = {
	{ "distribution", TYPE_TEXT }, { "id", TYPE_INTEGER }, { "lower", TYPE_TEXT },
	{ "upper", TYPE_TEXT },	       { "shard", TYPE_TEXT },
};

static const struct admin_column table_columns[] = {
	{ "schema", TYPE_TEXT },    { "name", TYPE_TEXT },	   { "kind", TYPE_TEXT },
	{ "shard_key", TYPE_TEXT }, { "distribution", TYPE_TEXT }, { "shard", TYPE_TEXT },
};

static unsigned chunks_on(const struct shard_map *map, uint16_t shard)
{
	unsigned n = 0;

	for (unsigned d = 0; d < map->n_distributions; d++)
		for (uint32_t c = 0; c < map->distributions[d].n_chunks; c++)
			n += map->distributions[d].chunks[c].shard == shard;
	return n;
}

static void add_shards(struct call *call, const struct world *world)
{
	const struct shard_map *map = world->map;
	struct arena *a = &call->out->arena;

	for (uint16_t i = 0; i < map->n_shards; i++) {
		const struct map_shard *s = &map->shards[i];

		admin_result_row(call->out, call_u64(call, s->id), s->name, dsn_mask(a, s->dsn),
				 s->replicas && *s->replicas ? dsn_mask(a, s->replicas) : NULL,
				 s->dbname, call_u64(call, s->weight),
				 call_u64(call, chunks_on(map, i)), i == map->home ? "t" : "f");
	}
}

static unsigned shards_of(const struct shard_map *map, const struct map_distribution *dist)
{
	bool seen[MAP_MAX_SHARDS];
	unsigned n = 0;

	map_owners(map, dist, seen);
	for (unsigned i = 0; i < map->n_shards; i++)
		n += seen[i];
	return n;
}

static unsigned tables_of(const struct shard_map *map, unsigned dist)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < map->n_tables; i++)
		n += map->tables[i].kind == MAP_SHARDED && map->tables[i].distribution == dist;
	return n;
}

static const char *join(struct arena *a, const char *so_far, const char *item)
{
	return *so_far ? arena_printf(a, "%s, %s", so_far, item) : item;
}

static const char *new_keys_of(struct call *call, const struct shard_map *map,
			       const struct map_distribution *d)
{
	if (d->method != MAP_DIRECTORY)
		return NULL;
	if (d->policy == MAP_ON_SHARD && d->policy_shard < map->n_shards)
		return arena_printf(&call->out->arena, "on shard %s",
				    map->shards[d->policy_shard].name);
	return d->policy == MAP_LEAST_LOADED ? "least loaded" : "round robin";
}

static void add_distributions(struct call *call, const struct world *world)
{
	static const char *const methods[] = { "hash", "range", "directory" };
	static const char *const functions[] = { "pg", "xxh3" };
	const struct shard_map *map = world->map;

	for (unsigned i = 0; i < map->n_distributions; i++) {
		const struct map_distribution *d = &map->distributions[i];
		const char *types = "";

		for (unsigned k = 0; k < d->n_keys; k++)
			types = join(&call->out->arena, types,
				     type_name(&call->out->arena, d->key_types[k]));
		admin_result_row(call->out, call_u64(call, d->id), d->name, methods[d->method],
				 d->method == MAP_HASH ? functions[d->function] : NULL, types,
				 call_u64(call, d->n_chunks), call_u64(call, shards_of(map, d)),
				 call_u64(call, tables_of(map, i)), call_u64(call, d->n_placed),
				 new_keys_of(call, map, d));
	}
}

static void add_chunks(struct call *call, const struct shard_map *map,
		       const struct map_distribution *d)
{
	bool is_range = d->method == MAP_RANGE;

	for (uint32_t i = 0; i < d->n_chunks; i++) {
		const struct map_chunk *c = &d->chunks[i];
		const char *from = i > 0 ? c->from_text : NULL;
		const char *below = i + 1 < d->n_chunks ? d->chunks[i + 1].from_text : NULL;

		admin_result_row(call->out, d->name, call_u64(call, c->id),
				 is_range ? from : call_i64(call, c->lo),
				 is_range ? below : call_i64(call, c->hi),
				 map->shards[c->shard].name);
	}
}

static void add_map_table(struct call *call, const struct shard_map *map, const struct map_table *t)
{
	const char *keys = "";

	for (unsigned k = 0; k < t->n_keys && t->kind == MAP_SHARDED; k++)
		keys = join(&call->out->arena, keys, t->key_columns[k]);
	admin_result_row(call->out, t->schema, t->name,
			 t->kind == MAP_SHARDED	    ? "sharded"
			 : t->kind == MAP_REFERENCE ? "reference"
						    : "single",
			 t->kind == MAP_SHARDED ? keys : NULL,
			 t->kind == MAP_SHARDED ? map->distributions[t->distribution].name : NULL,
			 t->kind == MAP_SINGLE ? map->shards[t->home].name : NULL);
}

static bool is_system_schema(const char *name)
{
	return strncmp(name, "pg_", 3) == 0 || strcmp(name, "information_schema") == 0 ||
	       strcmp(name, "mosaic") == 0;
}

/* Tables without an entry in the map live on the home shard. */
static void add_home_tables(struct call *call, const struct world *world)
{
	const struct shard_map *map = world->map;

	for (uint32_t i = 0; map->n_shards && i < world->schema->n_relations; i++) {
		const struct schema_relation *r = &world->schema->relations[i];

		if ((r->kind != 'r' && r->kind != 'p') || r->persistence == 't' ||
		    is_system_schema(r->schema) || map_find_table(map, r->schema, r->name))
			continue;
		admin_result_row(call->out, r->schema, r->name, "single", NULL, NULL,
				 map->shards[map->home].name);
	}
}

static void add_tables(struct call *call, const struct world *world)
{
	for (uint32_t i = 0; i < world->map->n_tables; i++)
		add_map_table(call, world->map, &world->map->tables[i]);
	if (world->schema)
		add_home_tables(call, world);
}

static enum status show_with(struct call *call, void (*add)(struct call *, const struct world *))
{
	struct world *world;
	enum status status;

	if (!parse_end(call))
		return call->err->status;
	status = call_world(call, &world);
	if (status != STATUS_OK)
		return status;
	add(call, world);
	world_drop(world);
	return STATUS_OK;
}

static enum status run_show_shards(struct call *call)
{
	return show_with(call, add_shards);
}

static enum status run_show_distributions(struct call *call)
{
	return show_with(call, add_distributions);
}

static enum status run_show_tables(struct call *call)
{
	return show_with(call, add_tables);
}

static enum status fill_chunks(struct call *call, const struct shard_map *map, const char *name)
{
	int wanted = name ? map_find_distribution(map, name) : -1;

	if (name && wanted < 0) {
		err_set(call->err, STATUS_UNDEFINED, "distribution \"%s\" does not exist", name);
		err_hint(call->err, "SHOW DISTRIBUTIONS; lists them.");
		return STATUS_UNDEFINED;
	}
	for (int d = 0; d < map->n_distributions; d++)
		if (wanted < 0 || d == wanted)
			add_chunks(call, map, &map->distributions[d]);
	return STATUS_OK;
}

static enum status run_show_chunks(struct call *call)
{
	const char *name = NULL;
	struct world *world;
	enum status status;

	if (parse_word(call, "OF") && !parse_name(call, "a distribution's name", &name))
		return call->err->status;
	if (!parse_end(call))
		return call->err->status;
	status = call_world(call, &world);
	if (status != STATUS_OK)
		return status;
	status = fill_chunks(call, world->map, name);
	world_drop(world);
	return status;
}

static const struct command commands[] = {
	{ "SHOW SHARDS", "SHOW SHARDS", "shards, their servers and how many chunks each owns",
	  "SHOW", COLUMNS(shard_columns), run_show_shards, 0 },
	{ "SHOW DISTRIBUTIONS", "SHOW DISTRIBUTIONS", "how keys are spread", "SHOW",
	  COLUMNS(distribution_columns), run_show_distributions, 0 },
	{ "SHOW CHUNKS", "SHOW CHUNKS [OF distribution]",
	  "ranges of hashes (both bounds included) or of keys (below upper), and their shards",
	  "SHOW", COLUMNS(chunk_columns), run_show_chunks, 0 },
	{ "SHOW TABLES", "SHOW TABLES", "tables: sharded, reference or single, and where they live",
	  "SHOW", COLUMNS(table_columns), run_show_tables, 0 },
};

const struct command_family family_map = FAMILY(commands);
