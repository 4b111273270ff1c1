/* A client's temporary relations: which there are, on the connection to the home shard that the
 * session keeps for them.
 *
 * After each statement that may have made, changed or dropped one, and at the end of a transaction
 * with such a statement, the server is asked; the planner gets the answer as a schema of its own.
 * Names mean something else then, so the session's context changes with it. When none is left and
 * no transaction could bring one back, the connection is free again. */
#include "internal.h"
#include "pgmosaic/base/mem.h"

static struct leg *home_leg(struct session *s)
{
	return session_leg(s, session_world(s)->map->home);
}

/* ---- asking ---- */

static struct schema *load(struct leg *leg, struct err *err)
{
	struct schema *schema = schema_create();

	for (unsigned q = 0; q < SCHEMA_N_QUERIES; q++) {
		if (!schema_temporary_query(q))
			continue;
		if (!ddl_load_rows(schema, q, schema_temporary_query(q), leg, err)) {
			schema_destroy(schema);
			return NULL;
		}
	}
	schema_seal(schema);
	return schema;
}

static uint64_t hash_relation(const struct schema_relation *r, uint64_t hash)
{
	hash = hash_bytes(&r->oid, sizeof(r->oid), hash);
	hash = hash_bytes(r->name, strlen(r->name) + 1, hash);
	for (uint16_t i = 0; i < r->n_columns; i++) {
		hash = hash_bytes(r->columns[i].name, strlen(r->columns[i].name) + 1, hash);
		hash = hash_bytes(&r->columns[i].type_oid, sizeof(uint32_t), hash);
		hash = hash_bytes(&r->columns[i].typmod, sizeof(int32_t), hash);
	}
	return hash;
}

/* Object identifiers of the server and of the session: no other client has the same. */
static uint64_t hash_of(const struct session *s, const struct schema *schema)
{
	uint64_t hash = hash_bytes(&s->id, sizeof(s->id), 1);

	for (uint32_t i = 0; i < schema->n_relations; i++)
		hash = hash_relation(&schema->relations[i], hash);
	return hash;
}

static void use(struct session *s, struct schema *schema)
{
	schema_destroy(s->temp.schema);
	s->temp.schema = NULL;
	s->temp.hash = 0;
	if (schema && schema->n_relations) {
		s->temp.schema = schema;
		s->temp.hash = hash_of(s, schema);
	} else {
		schema_destroy(schema);
	}
	session_set_path(s, s->search_path, s->role);
}

void temp_forget(struct session *s)
{
	s->temp.is_stale = s->temp.is_changed = false;
	if (s->temp.schema)
		use(s, NULL);
}

static void doom(struct session *s, struct leg *leg)
{
	leg_drop(leg); /* pinned, so that the client is told the end */
	temp_forget(s);
}

void temp_refresh(struct session *s)
{
	struct err err = ERR_INIT;
	struct leg *leg = home_leg(s);
	struct schema *schema;

	if (!s->temp.is_stale || s->txn.status == 'E' || s->party.is_gone)
		return;
	s->temp.is_stale = false;
	if (!leg->conn) {
		temp_forget(s);
		return;
	}
	schema = load(leg, &err);
	if (!schema) {
		doom(s, leg);
		return;
	}
	use(s, schema);
	if (s->txn.status == 'I' && !s->temp.schema)
		leg->pins &= ~(unsigned)PIN_TEMP;
}

/* ---- what a statement may have done ---- */

void temp_begin(struct session *s, const struct plan *plan, struct leg *leg)
{
	bool is_home = leg->shard == session_world(s)->map->home;

	leg->no_prepare |= is_home && plan->uses_temp && leg->in_txn;
	if (!(plan->ties & TIE_TEMP))
		return;
	session_pin(leg, PIN_TEMP);
	s->temp.is_stale = true;
	s->temp.is_changed |= s->txn.status != 'I';
}

void temp_end_txn(struct session *s)
{
	s->temp.is_stale |= s->temp.is_changed;
	s->temp.is_changed = false;
}

void temp_rolled_back(struct session *s)
{
	s->temp.is_stale |= s->temp.is_changed;
}
