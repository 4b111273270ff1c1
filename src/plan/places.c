/* Where the tables named by a utility statement live, and DDL's changes of the map. */
#include <string.h>
#include "utility.h"

void places_add(struct build *b, struct places *p, const struct schema_relation *r)
{
	const struct map_table *m = NULL;
	if (!r) {
		p->n_missing++;
		return;
	}
	enum rel_kind kind = names_place(b, r, &m);
	if (r->kind == 'S' && sequence_is_spread(b, r)) {
		p->n_spread++;
		return;
	}
	if (kind == REL_SHARDED || kind == REL_REFERENCE || kind == REL_VIEW) {
		p->n_spread++;
		p->n_sharded += kind == REL_SHARDED;
		p->n_reference += kind == REL_REFERENCE;
		return;
	}
	uint16_t home = names_home(b, m);
	p->two_homes |= p->n_single > 0 && p->home != home;
	p->home = home;
	p->name = r->name;
	p->n_single++;
	p->n_temp += r->persistence == 't';
}

void places_add_var(struct build *b, struct places *p, const struct node *range_var)
{
	places_add(b, p, names_of(b, range_var));
}

enum status places_run(struct build *b, const struct places *p, const char *tag, bool is_ddl)
{
	if (b->map->n_shards > 1 && p->n_single > 0 && (p->n_spread > 0 || p->two_homes))
		return build_refuse(
			b, "Name tables of one kind in one statement.",
			"%s of single-shard table \"%s\" together with tables on other shards", tag,
			p->name);
	if (is_ddl && p->n_temp > 0 && p->n_temp < p->n_single)
		return build_refuse(b, "Name them in statements of their own.",
				    "%s of temporary and permanent tables together", tag);
	enum status st = utility_run(b, tag, p->n_spread > 0, is_ddl);
	if (p->n_single > 0)
		b->plan->shard = p->home;
	return st;
}

const struct schema_relation *relation_by_oid(const struct build *b, uint32_t oid)
{
	const struct schema *all[] = { b->schema, b->req->temporary };
	for (unsigned k = 0; k < 2; k++)
		for (unsigned i = 0; all[k] && i < all[k]->n_relations; i++)
			if (all[k]->relations[i].oid == oid)
				return &all[k]->relations[i];
	return NULL;
}

const struct schema_relation *relation_of_names(struct build *b, const struct node_list *names,
						unsigned drop)
{
	unsigned n = names->n > drop ? names->n - drop : 0;
	const char *name = n > 0 ? node_string(names->items[n - 1]) : NULL;
	const char *schema = n > 1 ? node_string(names->items[n - 2]) : NULL;
	return name ? names_find(b, schema, name) : NULL;
}

void change_add(struct build *b, struct plan_change change)
{
	struct plan *p = b->plan;
	struct plan_change *all = arena_array(&p->arena, struct plan_change, p->n_changes + 1u);
	if (p->n_changes)
		memcpy(all, p->changes, sizeof(change) * p->n_changes);
	change.schema = arena_strdup(&p->arena, change.schema);
	change.name = arena_strdup(&p->arena, change.name);
	if (change.new_schema)
		change.new_schema = arena_strdup(&p->arena, change.new_schema);
	if (change.new_name)
		change.new_name = arena_strdup(&p->arena, change.new_name);
	if (change.distribution)
		change.distribution = arena_strdup(&p->arena, change.distribution);
	for (unsigned i = 0; i < change.n_keys; i++)
		change.key_columns[i] = arena_strdup(&p->arena, change.key_columns[i]);
	all[p->n_changes++] = change;
	p->changes = all;
}
