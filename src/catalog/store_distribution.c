/* Distributions and their chunks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chunks.h"
#include "pgmosaic/key/type.h"
#include "pgmosaic/base/mem.h"
#include "store_internal.h"

#define DEFAULT_CHUNKS 64
#define CHUNKS_MAX     65536

struct dealing {
	unsigned n_shards;
	uint32_t ids[MAP_MAX_SHARDS], weights[MAP_MAX_SHARDS];
};

static enum status read_shards(struct pq *pq, struct dealing *d, struct err *err)
{
	PGresult *res = pq_query(pq, err, "SELECT id, weight FROM mosaic.shards ORDER BY id", 0);

	if (!res)
		return err->status;
	d->n_shards = (unsigned)PQntuples(res);
	if (d->n_shards > MAP_MAX_SHARDS)
		d->n_shards = MAP_MAX_SHARDS;
	for (unsigned i = 0; i < d->n_shards; i++) {
		d->ids[i] = (uint32_t)strtoul(PQgetvalue(res, (int)i, 0), NULL, 10);
		d->weights[i] = (uint32_t)strtoul(PQgetvalue(res, (int)i, 1), NULL, 10);
	}
	PQclear(res);
	if (d->n_shards)
		return STATUS_OK;
	err_set_code(err, STATUS_INVALID, "55000", "there is no shard to own the chunks");
	err_hint(err, "CREATE SHARD name WITH (dsn = '…') on the control port first.");
	return err->status;
}

/* All chunks in one statement: three arrays. */
static enum status insert_chunks(struct pq *pq, const char *distribution, uint32_t n,
				 const struct dealing *d, const uint16_t *owners, struct err *err)
{
	size_t size = (size_t)n * 24 + 3;
	char *lo = mem_alloc(size), *hi = mem_alloc(size), *shard = mem_alloc(size);
	int a = 0, b = 0, c = 0;
	enum status st;

	for (uint32_t i = 0; i < n; i++) {
		char comma = i ? ',' : '{';

		a += sprintf(lo + a, "%c%lld", comma, (long long)chunk_lo(i, n));
		b += sprintf(hi + b, "%c%lld", comma, (long long)chunk_hi(i, n));
		c += sprintf(shard + c, "%c%u", comma, d->ids[owners[i]]);
	}
	strcpy(lo + a, "}");
	strcpy(hi + b, "}");
	strcpy(shard + c, "}");
	st = pq_run(pq, err, NULL,
		    "INSERT INTO mosaic.chunks (distribution, id, lo, hi, shard) "
		    "SELECT $1::int, ord, lo, hi, shard FROM "
		    "unnest($2::bigint[], $3::bigint[], $4::int[]) WITH ORDINALITY "
		    "AS c(lo, hi, shard, ord)",
		    4, distribution, lo, hi, shard);
	free(lo);
	free(hi);
	free(shard);
	return st;
}

static enum status deal_chunks(struct pq *pq, const char *distribution, uint32_t n, struct err *err)
{
	struct dealing d;
	uint16_t *owners;
	enum status st = read_shards(pq, &d, err);

	if (st != STATUS_OK)
		return st;
	owners = mem_alloc(n * sizeof(*owners));
	if (chunks_deal(n, d.weights, d.n_shards, owners)) {
		st = insert_chunks(pq, distribution, n, &d, owners, err);
	} else {
		st = err_set(err, STATUS_INVALID, "every shard has weight 0");
		err_hint(err, "ALTER SHARD name SET (weight = 1) for those that may own rows.");
	}
	free(owners);
	return st;
}

static const char *types_text(struct arena *a, const uint32_t *types, unsigned n)
{
	const char *text = "{";

	for (unsigned i = 0; i < n; i++)
		text = arena_printf(a, "%s%s%u", text, i ? "," : "", types[i]);
	return arena_printf(a, "%s}", text);
}

static enum status check_spec(const char *name, unsigned n_types, uint32_t n_chunks,
			      const char *function, struct err *err)
{
	if (!*name || strlen(name) > 63)
		return err_set(err, STATUS_INVALID, "a distribution's name has 1 to 63 bytes");
	if (n_types == 0 || n_types > MAP_MAX_KEYS)
		return err_set(err, STATUS_INVALID, "a distribution has 1 to %d key types",
			       MAP_MAX_KEYS);
	if (n_chunks == 0 || n_chunks > CHUNKS_MAX)
		return err_set(err, STATUS_INVALID, "a distribution has 1 to %d chunks",
			       CHUNKS_MAX);
	if (strcmp(function, "pg") == 0 || strcmp(function, "xxh3") == 0)
		return STATUS_OK;
	err_set(err, STATUS_INVALID, "hash function \"%s\" is not known", function);
	err_hint(err, "Known: pg, which PostgreSQL itself can compute, and xxh3.");
	return err->status;
}

enum status distribution_insert(struct pq *pq, const char *name, const uint32_t *types,
				unsigned n_types, uint32_t n_chunks, const char *function,
				struct err *err)
{
	struct arena a;
	uint64_t n;
	char id[24];
	enum status st = check_spec(name, n_types, n_chunks, function, err);

	if (st != STATUS_OK)
		return st;
	if (pq_u64(pq, err, &n, "SELECT count(*) FROM mosaic.distributions WHERE name = $1", 1,
		   name))
		return err->status;
	if (n)
		return err_set(err, STATUS_DUPLICATE, "distribution \"%s\" exists already", name);
	arena_init(&a, 0);
	st = pq_u64(pq, err, &n,
		    "INSERT INTO mosaic.distributions (name, method, function, types) "
		    "VALUES ($1, 'hash', $2, $3::oid[]) RETURNING id",
		    3, name, function, types_text(&a, types, n_types));
	arena_finish(&a);
	if (st != STATUS_OK)
		return st;
	snprintf(id, sizeof(id), "%llu", (unsigned long long)n);
	return deal_chunks(pq, id, n_chunks, err);
}

static enum status type_class(const char *name, uint32_t *out, struct err *err)
{
	const struct key_type *t = key_type_named(name);

	if (t) {
		*out = t->klass;
		return STATUS_OK;
	}
	err_set_code(err, STATUS_UNROUTED, "0A000", "type %s cannot be a shard key: %s", name,
		     key_type_name_refusal(name));
	err_hint(err, KEY_TYPES_HINT);
	return err->status;
}

enum status catalog_create_distribution(struct catalog *c, const char *user, const char *name,
					const char *const *types, unsigned n_types,
					uint32_t n_chunks, const char *function, struct err *err)
{
	uint32_t oids[MAP_MAX_KEYS];
	struct change ch;
	enum status st = STATUS_OK;

	for (unsigned i = 0; i < n_types && i < MAP_MAX_KEYS && st == STATUS_OK; i++)
		st = type_class(types[i], &oids[i], err);
	if (st == STATUS_OK)
		st = change_begin(&ch, c, user, err);
	if (st != STATUS_OK)
		return st;
	st = distribution_insert(ch.pq, name, oids, n_types, n_chunks, function, err);
	if (st == STATUS_OK)
		return change_commit(&ch, err, "CREATE DISTRIBUTION %s", name);
	change_cancel(&ch);
	return st;
}

/* ---- the default distributions ---- */

const char *distribution_default_name(struct arena *a, const uint32_t *types, unsigned n)
{
	const char *name = "default";

	for (unsigned i = 0; i < n; i++) {
		const struct key_type *t = key_type_of(types[i]);
		const struct key_type *k = t ? key_type_of(t->klass) : NULL;

		name = arena_printf(a, "%s_%s", name, k ? k->names[0] : "unknown");
	}
	for (char *p = (char *)(uintptr_t)name; *p; p++)
		if (*p == ' ')
			*p = '_';
	return name;
}

static enum status check_types(struct pq *pq, const char *name, const char *types, struct err *err)
{
	PGresult *res = pq_query(
		pq, err, "SELECT types = $2::oid[] FROM mosaic.distributions WHERE name = $1", 2,
		name, types);
	enum status st = STATUS_OK;

	if (!res)
		return err->status;
	if (PQntuples(res) == 0)
		st = err_set(err, STATUS_UNDEFINED, "distribution \"%s\" does not exist", name);
	else if (PQgetvalue(res, 0, 0)[0] != 't')
		st = err_set_code(err, STATUS_INVALID, "42804",
				  "distribution \"%s\" has keys of other types", name);
	PQclear(res);
	return st;
}

enum status distribution_ensure(struct pq *pq, const char *name, const uint32_t *types,
				unsigned n_types, bool *made, struct err *err)
{
	uint32_t classes[MAP_MAX_KEYS];
	struct arena a;
	enum status st;
	bool is_new;

	if (n_types == 0 || n_types > MAP_MAX_KEYS)
		return err_set(err, STATUS_INVALID, "a shard key has 1 to %d columns",
			       MAP_MAX_KEYS);
	for (unsigned i = 0; i < n_types; i++) {
		const struct key_type *t = key_type_of(types[i]);

		if (!t)
			return err_set_code(err, STATUS_UNROUTED, "0A000",
					    "type %u cannot be a shard key", types[i]);
		classes[i] = t->klass;
	}
	arena_init(&a, 0);
	st = check_types(pq, name, types_text(&a, classes, n_types), err);
	arena_finish(&a);
	is_new = st == STATUS_UNDEFINED && strncmp(name, "default_", 8) == 0;
	if (is_new)
		st = distribution_insert(pq, name, classes, n_types, DEFAULT_CHUNKS, "pg", err);
	if (st == STATUS_UNDEFINED)
		err_hint(err, "CREATE DISTRIBUTION %s HASH (…) on the control port.", name);
	if (made)
		*made = is_new && st == STATUS_OK;
	return st;
}

enum status catalog_ensure_distribution(struct catalog *c, const char *name,
					const uint32_t *key_types, unsigned n_keys,
					const char *user, struct err *err)
{
	struct change ch;
	bool made = false;
	enum status st = change_begin(&ch, c, user, err);

	if (st != STATUS_OK)
		return st;
	st = distribution_ensure(ch.pq, name, key_types, n_keys, &made, err);
	if (st == STATUS_OK && made)
		return change_commit(&ch, err, "CREATE DISTRIBUTION %s (default)", name);
	change_cancel(&ch);
	return st;
}
