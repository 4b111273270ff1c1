/* DECLARE, FETCH, MOVE, CLOSE: cursors live on the one shard that their query runs on. */
#include <string.h>
#include "internal.h"

enum { OPTION_HOLD = 1 << 5 };

static enum status refuse_spread(struct build *b)
{
	return build_refuse(b,
			    "Restrict the query to one shard key, or use a portal of the protocol "
			    "with a row limit.",
			    "a cursor over several shards");
}

enum status plan_declare(struct build *b, const struct node *stmt)
{
	struct plan *p = b->plan;
	const struct node *query = node_child(stmt, "query");
	if (!node_is(query, NODE_SelectStmt))
		return build_refuse(b, "Declare it for a SELECT.", "DECLARE CURSOR of this form");
	enum status st = plan_query(b, query);
	p->tag = "DECLARE CURSOR";
	p->exact_text = true;
	if (st != STATUS_OK || p->judge)
		return st;
	if (p->class != PLAN_QUERY || p->n_configs)
		return build_refuse(b, "Declare it for a query.",
				    "DECLARE CURSOR of this statement");
	if (p->target == TARGET_OWNERS || p->target == TARGET_EVERY) {
		st = refuse_spread(b);
		query_judge(b, b->err);
		return STATUS_OK;
	}
	p->text = NULL;
	p->n_splices = p->n_sort = 0;
	p->limit = p->offset = (struct plan_count){ 0 };
	p->merge = MERGE_REFUSED;
	refuse_spread(b);
	p->refusal = *b->err;
	p->returns_rows = false;
	p->ties |= TIE_CURSOR;
	p->cursor.name = arena_strdup(&p->arena, node_text(stmt, "portalname"));
	p->cursor.holds = (node_int(stmt, "options") & OPTION_HOLD) != 0;
	return STATUS_OK;
}

void plan_fetch(struct build *b, const struct node *stmt)
{
	struct plan *p = b->plan;
	bool moves = node_int(stmt, "ismove") != 0;
	p->tag = moves ? "MOVE" : "FETCH";
	p->returns_rows = !moves;
	p->local.kind = LOCAL_FETCH;
	p->local.name = arena_strdup(&p->arena, node_text(stmt, "portalname"));
}

void plan_close(struct build *b, const struct node *stmt)
{
	struct plan *p = b->plan;
	const char *name = node_text(stmt, "portalname");
	p->tag = *name ? "CLOSE CURSOR" : "CLOSE CURSOR ALL";
	p->local.kind = LOCAL_CLOSE;
	p->local.name = *name ? arena_strdup(&p->arena, name) : NULL;
}
