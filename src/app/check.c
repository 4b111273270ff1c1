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

static unsigned check_shard(const char *name, const char *dsn, const char *home_dsn)
{
	struct shard_faults faults = { .n = 0 };
	char what[100];
	unsigned n;

	shard_check(dsn, &faults);
	if (home_dsn && faults.n == 0)
		shard_compare(dsn, home_dsn, &faults);
	snprintf(what, sizeof(what), "shard %s: error", name);
	for (unsigned i = 0; i < faults.n; i++)
		report(what, &faults.items[i]);
	snprintf(what, sizeof(what), "shard %s: warning", name);
	for (unsigned i = 0; i < faults.n_warnings; i++)
		report(what, &faults.warnings[i]);
	if (faults.n + faults.n_warnings == 0)
		printf("shard %s: ok\n", name);
	n = faults.n;
	shard_faults_finish(&faults);
	return n;
}

static unsigned check_map(const struct shard_map *map)
{
	const char *home = map->shards[map->home].dsn;
	unsigned n = 0;

	for (uint16_t i = 0; i < map->n_shards; i++)
		n += check_shard(map->shards[i].name, map->shards[i].dsn,
				 i == map->home ? NULL : home);
	return n;
}

static unsigned check_bootstrap(const struct config *cfg)
{
	unsigned n = 0;

	for (unsigned i = 0; i < cfg->n_shards; i++)
		n += check_shard(cfg->shards[i].name, cfg->shards[i].dsn,
				 i ? cfg->shards[0].dsn : NULL);
	return n;
}

/* The shards that the catalog knows; before the first start, those of the configuration. */
static unsigned check_catalog(const struct config *cfg)
{
	struct shard_map *map = NULL;
	struct catalog *c;
	struct err err = ERR_INIT;
	bool is_made = false;
	unsigned n;

	if (catalog_open(cfg->catalog_dsn, TIMEOUT_S, &c, &err) != STATUS_OK)
		return report("catalog", &err) + check_bootstrap(cfg);
	if (catalog_is_prepared(c, &is_made, &err) != STATUS_OK ||
	    (is_made && catalog_load_map(c, &map, &err) != STATUS_OK)) {
		n = report("catalog", &err);
	} else if (!map || map->n_shards == 0) {
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

static unsigned check_tls(const struct config *cfg)
{
	struct tls_server *tls = NULL;
	struct err err = ERR_INIT;

	if (cfg->tls.mode == TLS_DISABLE)
		return 0;
	if (book_load_tls(cfg, &tls, &err) != STATUS_OK)
		return report("tls", &err);
	tls_server_destroy(tls);
	printf("tls: ok\n");
	return 0;
}

int check_run(const struct config *cfg)
{
	unsigned n;

	printf("configuration: ok\n");
	n = check_tls(cfg) + check_catalog(cfg);
	if (n)
		fprintf(stderr, "pgmosaic: %u fault%s found\n", n, n == 1 ? "" : "s");
	return n ? 1 : 0;
}
