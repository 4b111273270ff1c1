/* Leasing from the catalog's row: it is locked, computed with, moved on, and only then does
 * anybody hand out a value of the block. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sequence_internal.h"
#include "store_internal.h"

struct lease_row {
	struct sequence_rule rule;
	struct sequence_state state;
	uint64_t block;
};

static int64_t number(const PGresult *res, int column)
{
	return strtoll(PQgetvalue(res, 0, column), NULL, 10);
}

static enum status being_changed(struct err *err)
{
	err_set_code(err, STATUS_IN_USE, "40001", "the sequence is being changed");
	err_hint(err, "Try again.");
	return err->status;
}

static enum status lock_row(struct pq *pq, uint32_t id, uint64_t generation, struct lease_row *row,
			    struct err *err)
{
	char id_text[SEQUENCE_INT64_TEXT], generation_text[SEQUENCE_INT64_TEXT];
	PGresult *res;
	bool found;

	snprintf(id_text, sizeof(id_text), "%u", id);
	snprintf(generation_text, sizeof(generation_text), "%" PRIu64, generation);
	res = pq_query(pq, err,
		       "SELECT start, minimum, maximum, increment, cycle, next, is_done, block "
		       "FROM mosaic.sequences WHERE id = $1::int AND state = 'ready' "
		       "AND generation = $2::bigint FOR UPDATE",
		       2, id_text, generation_text);
	if (!res)
		return err->status;
	found = PQntuples(res) == 1;
	if (found) {
		row->rule = (struct sequence_rule){ .start = number(res, 0),
						    .minimum = number(res, 1),
						    .maximum = number(res, 2),
						    .increment = number(res, 3),
						    .cycle = PQgetvalue(res, 0, 4)[0] == 't' };
		row->state = (struct sequence_state){ .next = number(res, 5),
						      .is_done = PQgetvalue(res, 0, 6)[0] == 't' };
		row->block = (uint64_t)number(res, 7);
	}
	PQclear(res);
	return found ? STATUS_OK : being_changed(err);
}

static enum status move_row(struct pq *pq, uint32_t id, const struct sequence_state *state,
			    struct err *err)
{
	char id_text[SEQUENCE_INT64_TEXT], next[SEQUENCE_INT64_TEXT];

	snprintf(id_text, sizeof(id_text), "%u", id);
	snprintf(next, sizeof(next), "%" PRId64, state->next);
	return pq_run(pq, err, NULL,
		      "UPDATE mosaic.sequences SET next = $2::bigint, is_done = $3::bool "
		      "WHERE id = $1::int",
		      3, id_text, next, state->is_done ? "t" : "f");
}

static enum status sequence_lease_on(struct pq *pq, uint32_t id, uint64_t generation,
				     uint64_t wanted, uint64_t floor, struct sequence_rule *rule,
				     struct sequence_block *out, bool *is_out, struct err *err)
{
	struct lease_row row;
	enum status st = pq_exec(
		pq, "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = on", err);

	if (st == STATUS_OK)
		st = lock_row(pq, id, generation, &row, err);
	if (st != STATUS_OK) {
		pq_rollback(pq);
		return st;
	}
	*rule = row.rule;
	wanted = sequence_fair(&row.rule, &row.state, wanted ? wanted : row.block, floor);
	*is_out = !sequence_take(&row.rule, &row.state, wanted, out);
	if (!*is_out)
		st = move_row(pq, id, &row.state, err);
	if (st == STATUS_OK)
		st = pq_exec(pq, "COMMIT", err);
	if (st != STATUS_OK)
		pq_rollback(pq);
	return st;
}

enum status sequence_lease(struct catalog *c, uint32_t id, uint64_t generation, uint64_t wanted,
			   uint64_t floor, struct sequence_rule *rule, struct sequence_block *out,
			   bool *is_out, struct err *err)
{
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	st = sequence_lease_on(&c->pq, id, generation, wanted, floor, rule, out, is_out, err);
	catalog_leave(c);
	return st;
}

enum status sequence_place(struct catalog *c, uint32_t id, struct sequence_state *out,
			   struct err *err)
{
	char text[SEQUENCE_INT64_TEXT];
	PGresult *res;
	enum status st = catalog_enter(c, err);

	if (st != STATUS_OK)
		return st;
	snprintf(text, sizeof(text), "%u", id);
	res = pq_query(&c->pq, err, "SELECT next, is_done FROM mosaic.sequences WHERE id = $1::int",
		       1, text);
	if (res && PQntuples(res) == 1)
		*out = (struct sequence_state){ .next = number(res, 0),
						.is_done = PQgetvalue(res, 0, 1)[0] == 't' };
	else
		st = res ? being_changed(err) : err->status;
	PQclear(res);
	catalog_leave(c);
	return st;
}

enum status sequence_set_block(struct catalog *c, const char *schema, const char *name,
			       uint64_t block, const char *user, struct err *err)
{
	char text[SEQUENCE_INT64_TEXT];
	struct change ch;
	uint64_t n = 0;
	enum status st;

	if (block < 1 || block > 1000000000)
		return err_set(err, STATUS_INVALID, "a block has 1 to 1000000000 values");
	st = change_begin(&ch, c, user, err);
	if (st != STATUS_OK)
		return st;
	snprintf(text, sizeof(text), "%" PRIu64, block);
	st = pq_run(ch.pq, err, &n,
		    "UPDATE mosaic.sequences SET block = $3::bigint "
		    "WHERE schema = $1 AND name = $2",
		    3, schema, name, text);
	if (st == STATUS_OK && n == 0) {
		st = err_set(err, STATUS_UNDEFINED, "\"%s\" is not a shared sequence", name);
		err_hint(err, "SHOW SEQUENCES; lists them.");
	}
	if (st == STATUS_OK)
		return change_commit(&ch, err, "ALTER SEQUENCE %s.%s SET BLOCK %s", schema, name,
				     text);
	change_cancel(&ch);
	return st;
}
