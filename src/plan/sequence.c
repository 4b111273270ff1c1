/* Which sequence a statement may draw from, and whether all shards share it.
 *
 * Each shard's object holds a block of its own (docs/internals/sequences.md), so a default that is
 * evaluated on the shard is right as it is. What must be the same on every shard, or known before
 * the shard is, is drawn by the proxy: draw.c. */
#include <string.h>
#include "internal.h"

static const char changing_hint[] = "Try again.";

const struct map_sequence *sequence_managed(const struct build *b, const char *schema,
					    const char *name)
{
	const struct map_sequence *m = schema ? map_find_sequence(b->map, schema, name) : NULL;
	const struct schema_relation *r = m ? schema_find(b->schema, schema, name) : NULL;
	return r && r->oid == m->home_oid ? m : NULL;
}

bool sequence_feeds(const struct schema_column *c)
{
	return c->identity || c->default_kind == DEFAULT_SEQUENCE;
}

enum status sequence_is_ready(struct build *b, const struct map_sequence *m)
{
	if (m->is_ready)
		return STATUS_OK;
	err_set_code(b->err, STATUS_IN_USE, "40001", "sequence \"%s\" is being changed", m->name);
	err_hint(b->err, "%s", changing_hint);
	return STATUS_IN_USE;
}

static void draws_from(struct build *b, const struct map_sequence *m)
{
	struct plan *p = b->plan;
	struct plan_slot *all = arena_array(&p->arena, struct plan_slot, p->n_draws_from + 1u);
	if (p->n_draws_from)
		memcpy(all, p->draws_from, sizeof(*all) * p->n_draws_from);
	all[p->n_draws_from++] = (struct plan_slot){ arena_strdup(&p->arena, m->schema),
						     arena_strdup(&p->arena, m->name) };
	p->draws_from = all;
	p->draws = true;
}

enum status sequence_allows(struct build *b, const struct schema_relation *table,
			    const struct schema_column *c)
{
	const struct map_sequence *m = sequence_managed(b, c->sequence_schema, c->sequence);
	if (b->map->n_shards == 1)
		return STATUS_OK;
	if (!m)
		return build_refuse(
			b,
			"Give the value; the sequence is shared once the transaction that made it "
			"has been committed. SHOW SEQUENCES on the control port lists those that are.",
			"column \"%s\" of table \"%s\" draws from a sequence that the shards do "
			"not share",
			c->name, table->name);
	draws_from(b, m);
	return sequence_is_ready(b, m);
}

/* ---- calls ---- */

static const char *text_of(const struct node *n)
{
	while (node_is(n, NODE_TypeCast))
		n = node_child(n, "arg");
	const struct node *sval = node_is(n, NODE_A_Const) ? node_child(n, "sval") : NULL;
	return sval ? node_text(sval, "sval") : NULL;
}

/* name, schema.name, "Quoted"."Name": the parts of a text that becomes a regclass. */
static unsigned name_parts(struct arena *a, const char *text, const char **parts, unsigned max)
{
	unsigned n = 0;
	while (*text && n < max) {
		char *out = arena_alloc(a, strlen(text) + 1), *o = out;
		bool quoted = *text == '"';
		for (text += quoted; *text && (quoted || *text != '.'); text++) {
			if (quoted && *text == '"' && *++text != '"')
				break;
			*o++ = !quoted && *text >= 'A' && *text <= 'Z' ? (char)(*text + 32) : *text;
		}
		*o = '\0';
		parts[n++] = out;
		if (*text == '.')
			text++;
		else if (*text)
			return 0;
	}
	return *text ? 0 : n;
}

static const struct schema_relation *relation_of_text(struct build *b, const char *text)
{
	const char *parts[2];
	unsigned n = text ? name_parts(b->a, text, parts, 2) : 0;
	return n == 0 ? NULL : names_find(b, n == 2 ? parts[0] : NULL, parts[n - 1]);
}

/* The sequence that an argument names: a constant, or pg_get_serial_sequence('table', 'column'). */
static const struct schema_relation *sequence_of_argument(struct build *b, const struct node *arg)
{
	while (node_is(arg, NODE_TypeCast))
		arg = node_child(arg, "arg");
	if (!node_is(arg, NODE_FuncCall))
		return relation_of_text(b, text_of(arg));
	const char *name;
	const struct node_list *args = node_list(arg, "args");
	if (!functions_builtin(b, arg, &name) || strcmp(name, "pg_get_serial_sequence") != 0 ||
	    args->n != 2)
		return NULL;
	const struct schema_relation *t = relation_of_text(b, text_of(args->items[0]));
	const char *column = text_of(args->items[1]);
	const struct schema_column *c = t && column ? schema_find_column(t, column) : NULL;
	return c && c->sequence ? schema_find(b->schema, c->sequence_schema, c->sequence) : NULL;
}

static const struct map_sequence *sequence_of_call(struct build *b, const struct node *call)
{
	const struct node_list *args = node_list(call, "args");
	const struct schema_relation *r =
		args->n == 1 ? sequence_of_argument(b, args->items[0]) : NULL;
	return r ? sequence_managed(b, r->schema, r->name) : NULL;
}

/* nextval() of constants: these; of anything else: any. */
static void note_calls(struct build *b)
{
	const unsigned most = sizeof(b->calls.nextval) / sizeof(b->calls.nextval[0]);
	unsigned n = b->calls.n_nextval, n_known = 0;
	for (unsigned i = 0; i < n && n <= most; i++)
		n_known += sequence_of_call(b, b->calls.nextval[i]) != NULL;
	for (unsigned i = 0; i < n && n_known == n; i++)
		draws_from(b, sequence_of_call(b, b->calls.nextval[i]));
	b->plan->draws = b->plan->exact_text =
		true; /* the same words with another name: another plan */
}

/* Statements of one shard that call nextval(), or whose table has such a default. */
void sequence_note(struct build *b, const struct schema_relation *table)
{
	if (b->map->n_shards == 1 || b->map->n_sequences == 0)
		return;
	if (b->calls.sequence)
		note_calls(b);
	for (unsigned i = 0; table && i < table->n_columns; i++)
		if (sequence_managed(b, table->columns[i].sequence_schema,
				     table->columns[i].sequence))
			draws_from(b, sequence_managed(b, table->columns[i].sequence_schema,
						       table->columns[i].sequence));
}

/* ---- setval() ---- */
static bool is_constant(const struct node *n)
{
	while (node_is(n, NODE_TypeCast))
		n = node_child(n, "arg");
	return node_is(n, NODE_A_Const) || node_is(n, NODE_ParamRef);
}

void sequence_release_first(struct build *b, const struct schema_relation *r)
{
	struct plan *p = b->plan;
	p->releases_schema = arena_strdup(&p->arena, r->schema);
	p->releases = arena_strdup(&p->arena, r->name);
	p->exact_text = true;
}

enum status sequence_setval(struct build *b, const struct node *stmt)
{
	const struct node *call = b->calls.setval;
	if (!call || b->map->n_shards == 1 || b->map->n_sequences == 0)
		return STATUS_OK;
	b->plan->exact_text = true;
	const struct node_list *args = node_list(call, "args"), *targets;
	const struct schema_relation *r = args->n ? sequence_of_argument(b, args->items[0]) : NULL;
	if (r && !sequence_managed(b, r->schema, r->name))
		return STATUS_OK;
	targets = node_is(stmt, NODE_SelectStmt) ? node_list(stmt, "target_list") : NULL;
	bool is_alone = targets && targets->n == 1 && node_list(stmt, "from_clause")->n == 0 &&
			node_child(targets->items[0], "val") == call;
	for (unsigned i = 1; i < args->n; i++)
		is_alone &= is_constant(args->items[i]);
	if (!r || !is_alone)
		return build_refuse(
			b,
			"Write SELECT setval('name', value) with constants, as a statement of its own.",
			"setval() of this form on a sequence that all shards share");
	sequence_release_first(b, r);
	return sequence_is_ready(b, map_find_sequence(b->map, r->schema, r->name));
}
