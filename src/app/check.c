/* "pgmosaic check": what would go wrong, before it does. The configuration itself has been
 * read without a fault when this begins. */
#include <stdio.h>

#include "pgmosaic/catalog/shard.h"
#include "process.h"

#define TIMEOUT_S 5

static unsigned report(const char *what, const struct err *err)
{
	printf("%s: %s\n", what, err->message);
	if (err->detail[0])
		printf("    %s\n", err->detail);
	if (err->hint[0])
		printf("    cure: %s\n", err->hint);
	return 1;
}

static unsigned check_shard(struct shard_server server, const struct shard_server *home,
			    bool is_one_of_many)
{
	struct shard_faults faults = { .first = NULL };
	unsigned n;

	arena_init(&faults.arena, 0);
	shard_check(&server, home, is_one_of_many, &faults);
	for (struct shard_fault *f = faults.first; f; f = f->next)
		printf("shard %s: %s: %s\n    cure: %s\n", server.who,
		       f->level == FAULT_ERROR ? "error" : "warning", f->text, f->fix);
	if (!faults.first)
		printf("shard %s: ok\n", server.who);
	n = faults.n_errors;
	arena_finish(&faults.arena);
	return n;
}

static unsigned check_map(const struct shard_map *map)
{
	struct shard_server home = { .who = map->shards[map->home].name,
				     .dsn = map->shards[map->home].dsn,
				     .connect_timeout_s = TIMEOUT_S };
	unsigned n = 0;

	for (uint16_t i = 0; i < map->n_shards; i++) {
		struct shard_server server = { .who = map->shards[i].name,
					       .dsn = map->shards[i].dsn,
					       .connect_timeout_s = TIMEOUT_S };

		n += check_shard(server, i == map->home ? NULL : &home, map->n_shards > 1);
	}
	return n;
}

static unsigned check_bootstrap(const struct config *cfg)
{
	struct shard_server home = { 0 };
	unsigned n = 0;

	for (unsigned i = 0; i < cfg->n_shards; i++) {
		struct shard_server server = { .who = cfg->shards[i].name,
					       .dsn = cfg->shards[i].dsn,
					       .connect_timeout_s = TIMEOUT_S };

		n += check_shard(server, i ? &home : NULL, cfg->n_shards > 1);
		if (i == 0)
			home = server;
	}
	return n;
}

/* The shards that the catalog knows; before the first start, those of the configuration. */
static unsigned check_catalog(const struct config *cfg)
{
	struct shard_map *map = NULL;
	struct catalog *c;
	struct err err = ERR_INIT;
	unsigned n;

	if (catalog_open(cfg->catalog_dsn, TIMEOUT_S, &c, &err) != STATUS_OK)
		return report("catalog", &err) + check_bootstrap(cfg);
	if (catalog_load_map(c, &map, &err) != STATUS_OK || map->n_shards == 0) {
		printf("catalog: ok, empty: bootstrap will fill it\n");
		n = check_bootstrap(cfg);
	} else {
		printf("catalog: ok\n");
		n = check_map(map);
	}
	if (map)
		map_destroy(map);
	catalog_close(c);
	return n;
}

int check_run(const struct config *cfg)
{
	unsigned n;

	printf("configuration: ok\n");
	n = check_catalog(cfg);
	if (n)
		fprintf(stderr, "pgmosaic: %u fault%s found\n", n, n == 1 ? "" : "s");
	return n ? 1 : 0;
}
