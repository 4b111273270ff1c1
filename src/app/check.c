/* "pgmosaic check": what would go wrong, before it does. The configuration itself has been
 * read without a fault when this begins. */
#include <stdio.h>

#include "pgmosaic/catalog/shard.h"
#include "process.h"

static unsigned report(const char *what, const struct err *err)
{
	printf("%s: %s\n", what, err->message);
	if (err->detail[0])
		printf("    %s\n", err->detail);
	if (err->hint[0])
		printf("    cure: %s\n", err->hint);
	return 1;
}

static unsigned check_shard(const char *name, const char *dsn)
{
	struct shard_faults faults;
	char what[100];
	unsigned n;

	snprintf(what, sizeof(what), "shard %s", name);
	shard_check(dsn, &faults);
	for (unsigned i = 0; i < faults.n; i++)
		report(what, &faults.items[i]);
	n = faults.n;
	shard_faults_finish(&faults);
	if (n == 0)
		printf("shard %s: ok\n", name);
	return n;
}

static unsigned check_map(struct catalog *c)
{
	struct shard_map *map;
	struct err err = ERR_INIT;
	unsigned n = 0;

	if (catalog_load_map(c, &map, &err) != STATUS_OK)
		return report("catalog", &err);
	for (uint16_t i = 0; i < map->n_shards; i++)
		n += check_shard(map->shards[i].name, map->shards[i].dsn);
	map_destroy(map);
	return n;
}

static unsigned check_bootstrap(const struct config *cfg)
{
	unsigned n = 0;

	for (unsigned i = 0; i < cfg->n_shards; i++)
		n += check_shard(cfg->shards[i].name, cfg->shards[i].dsn);
	return n;
}

int check_run(const struct config *cfg)
{
	struct catalog *c;
	struct err err = ERR_INIT;
	bool is_made = false;
	unsigned n = 0;

	printf("configuration: ok\n");
	if (catalog_open(cfg->catalog_dsn, 5, &c, &err) != STATUS_OK) {
		n += report("catalog", &err);
		n += check_bootstrap(cfg);
	} else {
		if (catalog_is_prepared(c, &is_made, &err) != STATUS_OK)
			n += report("catalog", &err);
		else
			printf("catalog: %s\n",
			       is_made ? "ok" : "ok, empty: bootstrap will fill it");
		n += is_made ? check_map(c) : check_bootstrap(cfg);
		catalog_close(c);
	}
	if (n)
		fprintf(stderr, "pgmosaic: %u fault%s found\n", n, n == 1 ? "" : "s");
	return n ? 1 : 0;
}
