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

/* All chunks in one statement: four arrays. Splits NULL: of the hash. */
static enum status insert_chunks(struct pq *pq, const char *distribution, uint32_t n,
				 const struct dealing *d, const uint16_t *owners,
				 const char *const *splits, struct err *err)
{
	size_t size = (size_t)n * 24 + 3;
	char *lo = mem_alloc(size), *hi = mem_alloc(size), *shard = mem_alloc(size);
	int a = 0, b = 0, c = 0;
	struct arena arena;
	enum status st;

	arena_init(&arena, 0);
	for (uint32_t i = 0; i < n; i++) {
		char comma = i ? ',' : '{';

		a += splits ? sprintf(lo + a, "%cNULL", comma)
			    : sprintf(lo + a, "%c%lld", comma, (long long)chunk_lo(i, n));
		b += splits ? sprintf(hi + b, "%cNULL", comma)
			    : sprintf(hi + b, "%c%lld", comma, (long long)chunk_hi(i, n));
		c += sprintf(shard + c, "%c%u", comma, d->ids[owners[i]]);
	}
	strcpy(lo + a, "}");
	strcpy(hi + b, "}");
	strcpy(shard + c, "}");
	st = pq_run(pq, err, NULL,
		    "INSERT INTO mosaic.chunks (distribution, id, lo, hi, shard, bound) "
		    "SELECT $1::int, ord, lo, hi, shard, ($5::text[])[ord - 1] FROM "
		    "unnest($2::bigint[], $3::bigint[], $4::int[]) WITH ORDINALITY "
		    "AS c(lo, hi, shard, ord)",
		    5, distribution, lo, hi, shard,
		    splits ? pq_make_array(&arena, splits, n - 1) : "{}");
	arena_finish(&arena);
	free(lo);
	free(hi);
	free(shard);
	return st;
}

static enum status deal_chunks(struct pq *pq, const char *distribution, uint32_t n,
			       const char *const *splits, struct err *err)
{
	struct dealing d;
	uint16_t *owners;
	enum status st = read_shards(pq, &d, err);

	if (st != STATUS_OK)
		return st;
	owners = mem_alloc(n * sizeof(*owners));
	if (chunks_deal(n, d.weights, d.n_shards, owners)) {
		st = insert_chunks(pq, distribution, n, &d, owners, splits, err);
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

static enum status check_hash(const struct catalog_distribution *d, struct err *err)
{
	if (d->n_chunks == 0 || d->n_chunks > CHUNKS_MAX)
		return err_set(err, STATUS_INVALID, "a distribution has 1 to %d chunks",
			       CHUNKS_MAX);
	if (strcmp(d->function, "pg") == 0 || strcmp(d->function, "xxh3") == 0)
		return STATUS_OK;
	err_set(err, STATUS_INVALID, "hash function \"%s\" is not known", d->function);
	err_hint(err, "Known: pg, which PostgreSQL itself can compute, and xxh3.");
	return err->status;
}

static enum status check_range(const struct catalog_distribution *d, const uint32_t *types,
			       struct err *err)
{
	const struct key_type *t = key_type_of(types[0]);

	if (d->n_types != 1)
		return err_set(err, STATUS_UNROUTED, "a RANGE distribution has one key column");
	if (!t || !t->has_range) {
		err_set(err, STATUS_UNROUTED, "a RANGE distribution cannot be over %s",
			t ? t->names[0] : "this type");
		err_hint(err, "Use integers, numeric, date, timestamp, timestamptz, uuid, or text, "
			      "which is ordered by its bytes.");
		return err->status;
	}
	if (d->n_splits >= CHUNKS_MAX)
		return err_set(err, STATUS_INVALID, "a distribution has 1 to %d chunks",
			       CHUNKS_MAX);
	return STATUS_OK;
}

static enum status check_spec(const struct catalog_distribution *d, const uint32_t *types,
			      struct err *err)
{
	if (!*d->name || strlen(d->name) > 63)
		return err_set(err, STATUS_INVALID, "a distribution's name has 1 to 63 bytes");
	if (d->n_types == 0 || d->n_types > MAP_MAX_KEYS)
		return err_set(err, STATUS_INVALID, "a distribution has 1 to %d key types",
			       MAP_MAX_KEYS);
	return d->method == MAP_HASH	? check_hash(d, err)
	       : d->method == MAP_RANGE ? check_range(d, types, err)
					: STATUS_OK;
}

/* Policy and its shard, for a directory. */
static enum status put_policy(struct pq *pq, const char *id, const struct catalog_distribution *d,
			      struct err *err)
{
	static const char *const names[] = { "round_robin", "least_loaded", "on_shard" };
	uint64_t rows = 0;
	enum status st = pq_run(
		pq, err, &rows,
		"UPDATE mosaic.distributions SET policy = $2, policy_shard = (SELECT id FROM "
		"mosaic.shards WHERE name = $3) WHERE id = $1::int AND ($3::text IS NULL OR "
		"EXISTS (SELECT FROM mosaic.shards WHERE name = $3))",
		3, id, names[d->policy], d->policy_shard);

	if (st != STATUS_OK || rows == 1)
		return st;
	return err_set(err, STATUS_UNDEFINED, "shard \"%s\" does not exist", d->policy_shard);
}

static enum status put_places(struct pq *pq, const char *id, const struct catalog_distribution *d,
			      const uint32_t *types, struct err *err)
{
	const char **splits;
	struct arena a;
	enum status st;

	if (d->method == MAP_DIRECTORY)
		return put_policy(pq, id, d, err);
	if (d->method == MAP_HASH)
		return deal_chunks(pq, id, d->n_chunks, NULL, err);
	arena_init(&a, 0);
	splits = arena_array(&a, const char *, d->n_splits + 1u);
	st = range_splits_read(&a, types[0], d->splits, d->n_splits, splits, err);
	if (st == STATUS_OK)
		st = deal_chunks(pq, id, d->n_splits + 1, splits, err);
	arena_finish(&a);
	return st;
}

enum status distribution_insert(struct pq *pq, const struct catalog_distribution *d,
				const uint32_t *types, struct err *err)
{
	static const char *const methods[] = { "hash", "range", "directory" };
	struct arena a;
	uint64_t n;
	char id[24];
	enum status st = check_spec(d, types, err);

	if (st != STATUS_OK)
		return st;
	if (pq_u64(pq, err, &n, "SELECT count(*) FROM mosaic.distributions WHERE name = $1", 1,
		   d->name))
		return err->status;
	if (n)
		return err_set(err, STATUS_DUPLICATE, "distribution \"%s\" exists already",
			       d->name);
	arena_init(&a, 0);
	st = pq_u64(pq, err, &n,
		    "INSERT INTO mosaic.distributions (name, method, function, types) "
		    "VALUES ($1, $2, $3, $4::oid[]) RETURNING id",
		    4, d->name, methods[d->method], d->method == MAP_HASH ? d->function : "pg",
		    types_text(&a, types, d->n_types));
	arena_finish(&a);
	if (st != STATUS_OK)
		return st;
	snprintf(id, sizeof(id), "%llu", (unsigned long long)n);
	return put_places(pq, id, d, types, err);
}

enum status distribution_types(const struct catalog_distribution *d, uint32_t *out, struct err *err)
{
	for (unsigned i = 0; i < d->n_types && i < MAP_MAX_KEYS; i++) {
		const struct key_type *t = key_type_named(d->types[i]);

		if (!t) {
			err_set_code(err, STATUS_UNROUTED, "0A000",
				     "type %s cannot be a shard key: %s", d->types[i],
				     key_type_name_refusal(d->types[i]));
			err_hint(err, KEY_TYPES_HINT);
			return err->status;
		}
		out[i] = t->klass;
	}
	return STATUS_OK;
}

enum status catalog_create_distribution(struct catalog *c, const char *user,
					const struct catalog_distribution *d, bool if_not_exists,
					bool *made, struct err *err)
{
	uint32_t types[MAP_MAX_KEYS] = { 0 };
	struct err why = ERR_INIT;
	struct change ch;
	enum status st = distribution_types(d, types, err);

	if (st == STATUS_OK)
		st = change_begin(&ch, c, user, err);
	if (st != STATUS_OK)
		return st;
	st = distribution_insert(ch.pq, d, types, &why);
	if (made)
		*made = st == STATUS_OK;
	if (st == STATUS_OK)
		return change_commit(&ch, err, "CREATE DISTRIBUTION %s", d->name);
	change_cancel(&ch);
	if (st == STATUS_DUPLICATE && if_not_exists)
		return STATUS_OK;
	*err = why;
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
	struct err why = ERR_INIT; /* a distribution that is made now is no error */
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
	st = check_types(pq, name, types_text(&a, classes, n_types), &why);
	arena_finish(&a);
	is_new = st == STATUS_UNDEFINED && strncmp(name, "default_", 8) == 0;
	if (is_new) {
		struct catalog_distribution d = { .name = name,
						  .n_types = n_types,
						  .n_chunks = DEFAULT_CHUNKS,
						  .function = "pg" };

		st = distribution_insert(pq, &d, classes, err);
	} else if (st != STATUS_OK)
		*err = why;
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
