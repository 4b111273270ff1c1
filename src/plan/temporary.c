/* Temporary relations: on the home shard, on the connection that the session keeps there.
 *
 * The session tells which ones it has. They count as tables of the home shard alone, and hide
 * others of their names, as PostgreSQL searches pg_temp first. */
#include <string.h>
#include "utility.h"

static const char mixed_hint[] =
	"Restrict the sharded tables to one key of the home shard, or copy the rows first.";

void temporary_made(struct build *b)
{
	b->plan->ties |= TIE_TEMP;
	b->plan->uses_temp = true;
	b->plan->is_ddl = false; /* nobody else's schema changes */
}

enum status temporary_table(struct build *b, const struct node *stmt)
{
	const struct node_list *options = node_list(stmt, "options");
	for (unsigned i = 0; i < options->n; i++)
		if (strcmp(node_text(options->items[i], "defnamespace"), "mosaic") == 0)
			return build_refuse(b, "Leave the mosaic options out.",
					    "a temporary table that is sharded or on every shard");
	if (node_list(stmt, "inh_relations")->n > 0 && !node_child(stmt, "partbound"))
		return build_refuse(b, "Use LIKE.", "a temporary table that inherits");
	utility_run(b, "CREATE TABLE", false, false);
	temporary_made(b);
	return STATUS_OK;
}

/* CREATE of something else in pg_temp would leave it on a connection that others get. */
static bool names_pg_temp(struct build *b)
{
	if (!text_tokens(b))
		return true;
	for (unsigned i = 0; i < b->tokens.n; i++) {
		const struct token *t = &b->tokens.items[i];
		const char *word = b->req->text.p + t->start;
		unsigned quote = *word == '"';
		if (t->end - t->start >= 7 + quote && strncasecmp(word + quote, "pg_temp", 7) == 0)
			return true;
	}
	return false;
}

static enum status finish_ddl(struct build *b, const struct node *stmt)
{
	struct plan *p = b->plan;
	static const char *const makers[] = { "Create", "Define", "Composite" };
	bool makes = false;
	for (unsigned i = 0; i < 3; i++)
		makes |= strncmp(node_type_name(stmt), makers[i], strlen(makers[i])) == 0;
	if (!b->uses_temp) {
		if (makes && !(p->ties & TIE_TEMP) && (b->path_makes_temp || names_pg_temp(b)))
			return build_refuse(b, "Create it in another schema.",
					    "CREATE in pg_temp of this kind");
		return STATUS_OK;
	}
	if (b->makes_permanent || !p->is_ddl)
		return STATUS_OK;
	p->n_changes = 0;
	temporary_made(b);
	return STATUS_OK;
}

enum status temporary_finish(struct build *b, const struct node *stmt)
{
	struct plan *p = b->plan;
	if (b->req->temporary && p->target == TARGET_ANY && p->class != PLAN_LOCAL)
		p->target = TARGET_SHARD;
	if (p->judge)
		return STATUS_OK;
	if (p->class == PLAN_UTILITY) {
		enum status st = finish_ddl(b, stmt);
		if (st != STATUS_OK)
			return st;
	}
	if (!b->uses_temp && !(p->ties & TIE_TEMP))
		return STATUS_OK;
	p->uses_temp = true;
	bool home = p->target == TARGET_SHARD && p->shard == b->map->home;
	bool keyed = p->target == TARGET_KEYS && p->must_be_shard == (int32_t)b->map->home;
	bool gathered = p->merge == MERGE_GATHER && p->class == PLAN_QUERY && !p->writes;
	if (home || keyed || gathered || p->class == PLAN_LOCAL)
		return STATUS_OK;
	return build_refuse(b, mixed_hint, "temporary tables together with tables on other shards");
}
