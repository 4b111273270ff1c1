/* The configuration's `bootstrap`, applied once to a catalog that has no shard.
 *
 * Happy path: check and prepare every server; the second and later ones get the first one's
 * schema; then shards, distributions, the default distributions and the tables that do not
 * exist yet go into the catalog in one transaction. Tables that exist already on the home
 * shard are then placed one by one, as SHARD TABLE & co. would.
 * Failure modes: a server that is down or unfit: nothing is written, and the next call tries
 * again. Two proxies at once: the epoch's row lock lets one through, the other finds shards and
 * is done. A table that cannot be placed: logged; the others are placed, and the command can be
 * given by hand. */
#include <string.h>
#include <strings.h>

#include "pgmosaic/base/log.h"
#include "pgmosaic/catalog/shard.h"
#include "pgmosaic/config/config.h"
#include "store_internal.h"

/* ---- the servers ---- */

static enum status prepare_server(const struct config *cfg, unsigned i, struct err *err)
{
	const char *dsn = cfg->shards[i].dsn;
	struct shard_faults faults;
	enum status st = STATUS_OK;

	shard_check(dsn, &faults);
	if (faults.n == 0 && i > 0)
		shard_compare(dsn, cfg->shards[0].dsn, &faults);
	if (faults.n) {
		*err = faults.items[0];
		st = err->status;
	}
	shard_faults_finish(&faults);
	if (st == STATUS_OK)
		st = shard_install(dsn, err);
	return st;
}

/* A server prepared by hand, or by an earlier try, has its tables already. */
static enum status prepare_schema(const struct config *cfg, unsigned i, struct err *err)
{
	bool same;
	enum status st = shard_has_same_schema(cfg->shards[0].dsn, cfg->shards[i].dsn, &same, err);

	if (st != STATUS_OK || same)
		return st;
	return shard_copy_schema(cfg->shards[0].dsn, cfg->shards[i].dsn, err);
}

static enum status prepare_servers(const struct config *cfg, struct err *err)
{
	enum status st = STATUS_OK;

	for (unsigned i = 0; i < cfg->n_shards && st == STATUS_OK; i++)
		st = prepare_server(cfg, i, err);
	for (unsigned i = 1; i < cfg->n_shards && st == STATUS_OK; i++)
		st = prepare_schema(cfg, i, err);
	return st;
}

/* ---- the catalog's rows ---- */

static enum map_method method_named(const char *name)
{
	return strcasecmp(name, "range") == 0	    ? MAP_RANGE
	       : strcasecmp(name, "directory") == 0 ? MAP_DIRECTORY
						    : MAP_HASH;
}

static enum status put_distribution(struct pq *pq, const struct config_distribution *d,
				    struct err *err)
{
	struct catalog_distribution as = { .name = d->name,
					   .method = method_named(d->method),
					   .types = d->types.items,
					   .n_types = d->types.n,
					   .n_chunks = d->chunks,
					   .function = d->function,
					   .splits = d->split_at.items,
					   .n_splits = d->split_at.n };
	uint32_t types[MAP_MAX_KEYS] = { 0 };
	enum status st = distribution_types(&as, types, err);

	if (d->new_keys && strcasecmp(d->new_keys, "least loaded") == 0)
		as.policy = MAP_LEAST_LOADED;
	if (d->new_keys_on) {
		as.policy = MAP_ON_SHARD;
		as.policy_shard = d->new_keys_on;
	}
	return st == STATUS_OK ? distribution_insert(pq, &as, types, err) : st;
}

/* They exist from the start, so that the first CREATE TABLE need not wait for them. */
static enum status put_defaults(struct pq *pq, struct err *err)
{
	static const struct {
		const char *name;
		uint32_t type;
	} defaults[] = { { "default_bigint", 20 },
			 { "default_text", 25 },
			 { "default_uuid", 2950 } };
	enum status st = STATUS_OK;

	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]) && st == STATUS_OK; i++)
		st = distribution_ensure(pq, defaults[i].name, &defaults[i].type, 1, NULL, err);
	return st;
}

static enum status put_all(struct pq *pq, const struct config *cfg, struct err *err)
{
	enum status st = STATUS_OK;

	for (unsigned i = 0; i < cfg->n_shards && st == STATUS_OK; i++)
		st = shard_insert(pq, cfg->shards[i].name, cfg->shards[i].dsn, NULL,
				  cfg->shards[i].weight, err);
	for (unsigned i = 0; i < cfg->n_distributions && st == STATUS_OK; i++)
		st = put_distribution(pq, &cfg->distributions[i], err);
	return st == STATUS_OK ? put_defaults(pq, err) : st;
}

/* ---- tables ---- */

/* schema.table, or table in public. */
static void split_name(struct arena *a, const char *text, const char **schema, const char **name)
{
	const char *dot = strchr(text, '.');

	*schema = dot ? arena_strndup(a, text, (size_t)(dot - text)) : "public";
	*name = dot ? dot + 1 : text;
}

/* Not there yet: the map knows its place before CREATE TABLE comes. */
static enum status declare_table(struct catalog *c, const struct config_table *t,
				 const char *schema, const char *name, struct err *err)
{
	struct change ch;
	enum status st = change_begin(&ch, c, "bootstrap", err);

	if (st != STATUS_OK)
		return st;
	if (t->reference)
		st = table_put_reference(ch.pq, schema, name, err);
	else if (t->single)
		st = table_put_single(ch.pq, schema, name, t->single, err);
	else if (t->distribution)
		st = table_put_sharded(ch.pq, schema, name, t->distribution, t->shard_key.items,
				       t->shard_key.n, err);
	else
		st = err_set(
			err, STATUS_INVALID,
			"table \"%s\" does not exist yet, so bootstrap must name its distribution",
			t->name);
	if (st == STATUS_OK)
		return change_commit(&ch, err, "bootstrap table %s.%s", schema, name);
	change_cancel(&ch);
	return st;
}

static enum status place_table(struct catalog *c, const struct config_table *t, const char *schema,
			       const char *name, struct err *err)
{
	if (t->reference)
		return catalog_reference_table(c, "bootstrap", schema, name, err);
	if (t->single)
		return catalog_single_table(c, "bootstrap", schema, name, t->single, err);
	return catalog_shard_table(c, "bootstrap", schema, name,
				   &(struct catalog_sharding){ .columns = t->shard_key.items,
							       .n_columns = t->shard_key.n,
							       .distribution = t->distribution },
				   err);
}

static enum status put_tables(struct catalog *c, const struct config *cfg, struct err *err)
{
	struct schema *home = NULL;
	struct arena a;
	enum status st = STATUS_OK;

	if (cfg->n_tables)
		st = shard_load_schema(cfg->shards[0].dsn, &home, err);
	if (st != STATUS_OK)
		return st;
	arena_init(&a, 0);
	for (unsigned i = 0; i < cfg->n_tables; i++) {
		const struct config_table *t = &cfg->tables[i];
		struct err one = ERR_INIT;
		const char *schema, *name;

		split_name(&a, t->name, &schema, &name);
		if (schema_find(home, schema, name))
			place_table(c, t, schema, name, &one);
		else
			declare_table(c, t, schema, name, &one);
		if (one.status != STATUS_OK)
			log_error(LOG_ERROR, "bootstrap could not place a table", &one);
	}
	arena_finish(&a);
	schema_destroy(home);
	return STATUS_OK;
}

/* ---- all of it ---- */

static enum status count_shards(struct catalog *c, uint64_t *n, struct err *err)
{
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	st = pq_u64(&c->pq, err, n, "SELECT count(*) FROM mosaic.shards", 0);
	catalog_leave(c);
	return st;
}

static enum status apply(struct catalog *c, const struct config *cfg, bool *applied,
			 struct err *err)
{
	struct change ch;
	uint64_t n = 0;
	enum status st = change_begin(&ch, c, "bootstrap", err);

	if (st != STATUS_OK)
		return st;
	st = pq_u64(ch.pq, err, &n, "SELECT count(*) FROM mosaic.shards", 0);
	if (st == STATUS_OK && n == 0) {
		st = put_all(ch.pq, cfg, err);
		if (st == STATUS_OK) {
			*applied = true;
			return change_commit(&ch, err, "bootstrap: %u shards, %u distributions",
					     cfg->n_shards, cfg->n_distributions);
		}
	}
	change_cancel(&ch);
	return st;
}

enum status catalog_bootstrap(struct catalog *c, const struct config *cfg, bool *applied,
			      struct err *err)
{
	uint64_t n = 0;
	enum status st;

	*applied = false;
	if (cfg->n_shards == 0)
		return STATUS_OK;
	st = count_shards(c, &n, err);
	if (st != STATUS_OK || n > 0)
		return st;
	st = prepare_servers(cfg, err);
	if (st == STATUS_OK)
		st = apply(c, cfg, applied, err);
	if (st == STATUS_OK && *applied)
		st = put_tables(c, cfg, err);
	return st;
}
