/* The planner's own structures: one build, its query levels, relation instances,
 * and the graph of equalities between columns.
 *
 * plan.c parses and dispatches. For a query, scope.c turns the tree into levels
 * and relation instances, terms.c collects equalities into the graph (graph.c),
 * functions.c judges what is called; route.c then asks: is every sharded instance
 * restricted to given keys? and scatter.c: is every one tied to one anchor, and can
 * the answers be merged?
 *
 * An edge from → to says: whatever restricts `from` restricts the rows of `to` that
 * matter. Equality in WHERE and inner ON goes both ways; an outer ON and a
 * correlated sub-query only inwards (SQL_TRAPS of outer joins are all in this).
 *
 * Everything lives on `a` (dies with the build) but what hangs on the plan. */
#ifndef PGMOSAIC_PLAN_INTERNAL_H
#define PGMOSAIC_PLAN_INTERNAL_H

#include "pgmosaic/plan/plan.h"
#include "pgmosaic/sql/parse.h"

enum { /* pg_type OIDs, the same in every PostgreSQL */
       OID_BOOL = 16,
       OID_BYTEA = 17,
       OID_INT8 = 20,
       OID_INT2 = 21,
       OID_INT4 = 23,
       OID_TEXT = 25,
       OID_OID = 26,
       OID_JSON = 114,
       OID_FLOAT4 = 700,
       OID_UNKNOWN = 705,
       OID_FLOAT8 = 701,
       OID_BPCHAR = 1042,
       OID_VARCHAR = 1043,
       OID_DATE = 1082,
       OID_TIME = 1083,
       OID_TIMESTAMP = 1114,
       OID_TIMESTAMPTZ = 1184,
       OID_INTERVAL = 1186,
       OID_TIMETZ = 1266,
       OID_NUMERIC = 1700,
       OID_UUID = 2950,
};

enum { COLLATION_DEFAULT = 100, COLLATION_C = 950, COLLATION_POSIX = 951 };

/* Types whose equality the proxy may use for routing (trap R10). */
enum family { /* the class of a key type (key/type.h) */
	      FAMILY_NONE = 0,
	      FAMILY_BOOL = 16,
	      FAMILY_BYTEA = 17,
	      FAMILY_INT = 20,
	      FAMILY_TEXT = 25,
	      FAMILY_INET = 869,
	      FAMILY_BPCHAR = 1042,
	      FAMILY_DATE = 1082,
	      FAMILY_TIMESTAMP = 1114,
	      FAMILY_TIMESTAMPTZ = 1184,
	      FAMILY_NUMERIC = 1700,
	      FAMILY_UUID = 2950,
};

enum rel_kind { REL_SHARDED, REL_REFERENCE, REL_SINGLE, REL_SYSTEM, REL_DERIVED, REL_VIEW };

struct level;
struct cte;
struct census;

struct column {
	const char *name;
	int var;		  /* -1: none */
	uint32_t type, collation; /* 0: not known / not collatable */
	int32_t typmod;
	bool merged; /* hidden behind a column of USING */
	bool used;   /* the statement names it */
};

struct rel {
	enum rel_kind kind;
	const char *name;   /* alias or table name */
	const char *schema; /* for schema.table.column; NULL when aliased */
	const struct schema_relation *table;
	const struct map_table *mapped;
	struct column *columns;
	unsigned n_columns;
	bool columns_unknown; /* a function's, an XMLTABLE's … */
	bool hidden;	      /* behind a join's alias */
	bool nullable;	      /* on the nullable side of an outer join */
	bool is_target, only, sampled;
	const struct node *range; /* of a table: its RangeVar */
	struct level *level;	  /* where it stands */
	struct level *sub;	  /* REL_DERIVED: the sub-query */
	struct cte *cte;
};

struct merged {
	struct column column;
	bool hidden;
};

enum level_kind { LEVEL_TOP, LEVEL_FROM, LEVEL_CTE, LEVEL_EXPR, LEVEL_SETOP };

/* One SELECT (or write) with its own FROM. */
struct level {
	enum level_kind kind;
	struct level *parent; /* where names not found here are looked up */
	struct level *next;   /* all levels of the build */
	const struct node *stmt;
	struct cte *ctes; /* visible here, innermost first */
	struct rel **rels;
	unsigned n_rels, rels_size;
	struct merged *merged;
	unsigned n_merged, merged_size;
	struct column *output;
	unsigned n_output;
	bool output_unknown;
	struct level *left, *right; /* set operation */
	struct level *owner;	    /* the INSERT that this SELECT feeds */
	struct level *source;	    /* of an INSERT */
	bool has_aggregate, has_window, has_srf, has_volatile, has_limit, has_outer_aggregate;
	bool is_grouped, has_grouping_sets, has_having, has_distinct, has_distinct_on, has_locking;
	bool has_sublink, has_full_join, has_outer_reference;
	bool order_dependent; /* an aggregate whose result depends on the order of its input */
	bool writes;
};

struct cte {
	struct cte *next;
	const char *name;
	struct level *level;
	struct column *output;
	unsigned n_output;
	bool output_unknown, is_recursive, writes;
	unsigned n_refs;
};

struct edge {
	int from, to;
	const struct cte *only_if_once;
};

struct set {
	int var;
	unsigned n;
	struct key_source *sources;
};

/* A comparison that rows of the variable's instance obey: column op source. */
struct bound {
	int var;
	struct key_bound of;
};

struct var {
	struct rel *rel;
	const char *column;
	bool is_ordered; /* by the order of its distribution's ranges: text by bytes */
	enum family family;
	uint32_t type;
};

/* What is called anywhere in the statement. */
struct calls {
	bool clock, volatile_any, sequence, home_only, row_random, notifies;
	const struct node *setval;     /* the last call */
	const struct node *nextval[8]; /* the first calls */
	unsigned n_nextval;
	bool opaque; /* a user function that is not immutable */
	char opaque_name[64];
	bool forbidden; /* state of a server or of a session: never over shards */
	char forbidden_name[64];
	bool session_value; /* depends on earlier statements of the session */
	char session_value_name[64];
	bool reads_tables, sizes;
	char reads_tables_name[64], sizes_name[64];
	bool advisory;	   /* advisory locks of any kind: the home shard's */
	bool session_lock; /* advisory lock held by the session */
	bool session_unlock;
	char session_name[64];
	bool shard_bound; /* differs by shard: current_database() … */
	char shard_bound_name[64];
	bool system_column, regclass, whole_row, date_cast, string_literal;
	bool schema_qualified; /* a column named schema.table.column */
	bool user_operator;
};

struct splice_note {
	struct splice_note *next; /* ascending */
	uint32_t at, removed;
	const char *insert;
};

struct build {
	const struct plan_request *req;
	const struct shard_map *map;
	const struct schema *schema;
	const struct node *tree;
	struct arena *a; /* scratch */
	struct plan *plan;
	struct err *err;
	enum status status; /* first hard failure inside a walk */
	const char **path;  /* schemas, in order, pg_catalog where it stands */
	unsigned n_path;
	bool path_shadows_catalog; /* pg_catalog is not first */
	bool path_makes_temp;	   /* pg_temp is first by name: unqualified CREATE goes there */
	bool uses_temp;		   /* a name was found there */
	bool makes_permanent;	   /* a new relation that is not temporary */

	struct level *levels;
	struct rel **all; /* every instance of the statement */
	unsigned n_all, all_size;
	struct var *vars;
	unsigned n_vars, vars_size;
	struct edge *edges;
	unsigned n_edges, edges_size;
	struct set *sets;
	unsigned n_sets, sets_size;
	struct bound *bounds;
	unsigned n_bounds, bounds_size;
	unsigned *param_uses; /* [n], from 1 */
	unsigned n_param_uses;
	struct calls calls;
	bool unresolved; /* a name was not found: PostgreSQL will say what is wrong */
	bool unknown_relation;
	const char *unknown_name;
	bool has_locking;
	const char *sets_key; /* a SET changes this key column */
	bool merge_inserts;
	struct err scatter; /* first reason against several shards */
	struct token_list tokens;
	bool have_tokens;
	struct splice_note *splices;
};

/* ---- plan.c ---- */
enum status build_refuse(struct build *b, const char *hint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Note why several shards will not do; the first reason stays. */
void scatter_refuse(struct build *b, const char *hint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void build_explain(struct build *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum status plan_query(struct build *b, const struct node *stmt);
#define grow(b, array, n, size)                                                               \
	do {                                                                                  \
		if ((n) == (size)) {                                                          \
			unsigned grow_size_ = (size) ? (size)*2 : 8;                          \
			void *grow_new_ = arena_alloc((b)->a, sizeof(*(array)) * grow_size_); \
			if (n)                                                                \
				memcpy(grow_new_, (array), sizeof(*(array)) * (n));           \
			(array) = grow_new_;                                                  \
			(size) = grow_size_;                                                  \
		}                                                                             \
	} while (0)

/* ---- names.c ---- */
void names_setup(struct build *b);
const struct schema_relation *names_find(struct build *b, const char *schema, const char *name);
const struct schema_relation *names_of(struct build *b, const struct node *range_var);
/* Of a built-in type; 0 for any other. `is_array` may be NULL (then arrays give 0). */
uint32_t names_type(struct build *b, const struct node *type_name, bool *is_array);
/* Last part of a (qualified) name when it can only be pg_catalog's; else NULL. */
const char *names_operator(struct build *b, const struct node_list *name);
/* A relation to be created there. */
bool names_is_temp(const struct build *b, const struct node *range_var);
char *names_quote(struct arena *a, const char *name);
/* What the map says of it; NULL map_table with REL_SINGLE: home shard. */
enum rel_kind names_place(struct build *b, const struct schema_relation *r,
			  const struct map_table **mapped);
uint16_t names_home(const struct build *b, const struct map_table *mapped);

/* ---- types.c ---- */
enum family type_family(uint32_t oid);
/* May a constant of `type` be compared with the column by PostgreSQL's own rules of equality
 * within the class? */
bool type_is_comparable(uint32_t type, uint32_t column_type);
bool type_is_int(uint32_t oid);
bool collation_is_plain(uint32_t collation);
struct type_info {
	uint32_t oid, collation;
};
/* False: not provable here. */
bool type_of(struct build *b, struct level *l, const struct node *expr, struct type_info *out);

/* ---- scope.c ---- */
struct level *scope_statement(struct build *b, const struct node *stmt, struct level *parent,
			      enum level_kind kind, struct cte *ctes);
/* NULL: not found or ambiguous. */
struct column *scope_column(struct build *b, struct level *l, const struct node *ref,
			    struct rel **rel, struct level **found_at);
void scope_expr(struct build *b, struct level *l, const struct node *expr);
struct rel *scope_add_table(struct build *b, struct level *l, const struct node *range_var);
void scope_add_unknown(struct build *b, struct level *l, const char *name);
void scope_with(struct build *b, struct level *l, const struct node *with);
void scope_from(struct build *b, struct level *l, const struct node_list *items);
void scope_output(struct build *b, struct level *l, const struct node_list *targets);
struct level *scope_new_level(struct build *b, const struct node *stmt, struct level *parent,
			      enum level_kind kind, struct cte *ctes);

/* ---- graph.c ---- */
int graph_var(struct build *b, struct rel *rel, struct column *column);
int graph_new_var(struct build *b, struct rel *rel, const char *name, uint32_t type,
		  uint32_t collation);
void graph_edge(struct build *b, int from, int to, const struct cte *only_if_once);
void graph_tie(struct build *b, int x, int y); /* both ways */
void graph_restrict(struct build *b, int var, struct key_source *sources, unsigned n);
bool graph_reaches(const struct build *b, int from, int to);
/* The smallest set that restricts the variable; NULL: none. */
const struct set *graph_set_of(const struct build *b, int var);
void graph_bound(struct build *b, int var, enum plan_bound_op op, const struct key_source *source);
/* Bounds that restrict the variable, on the plan's arena. */
struct key_interval graph_interval_of(const struct build *b, int var);
int graph_key_var(struct build *b, struct rel *rel, unsigned key);

/* ---- terms.c ---- */
enum term_scope { TERM_HARD, TERM_OUTER };
/* The AND-level of a condition; walks all that is in it as well. `nullable`: with TERM_OUTER,
 * the instances of the nullable side (marked by rel->nullable having been set there). */
void terms_collect(struct build *b, struct level *l, const struct node *cond, enum term_scope scope,
		   struct rel *const *inner, unsigned n_inner);

/* ---- constant.c ---- */
/* A constant or parameter that is exactly a value of this family. */
bool constant_source(struct build *b, const struct node *expr, uint32_t column_type,
		     struct key_source *out);
/* For INSERT only: what an assignment makes of a constant of another type: 42.5 → 43, 40 + 2, 5 →
 * '5', 'a'::char(3) → 'a'. */
bool constant_assigned(struct build *b, const struct node *expr, uint32_t column_type,
		       struct key_source *out);
/* Elements of ARRAY[…], '{…}' or an array parameter; 0: not provable. */
unsigned constant_array(struct build *b, const struct node *expr, uint32_t column_type,
			struct key_source **out);
const struct scan_literal *constant_literal(const struct build *b, int at);

/* ---- temporary.c ---- */
/* The statement makes a temporary relation, on the home shard. */
void temporary_made(struct build *b);
/* What holds for every statement that names temporary relations, or whose session has some. */
enum status temporary_finish(struct build *b, const struct node *stmt);
/* CREATE TABLE, and the other things that may be made in pg_temp. */
enum status temporary_table(struct build *b, const struct node *stmt);

/* ---- functions.c ---- */
void functions_judge(struct build *b, struct level *l, const struct node *call);
/* pg_catalog's function of this name, not shadowed by a user's. */
const struct schema_function *functions_builtin(struct build *b, const struct node *call,
						const char **name);
bool functions_is_aggregate(struct build *b, const struct node *call);

/* ---- route.c ---- */
/* True when every sharded instance is restricted: plan->keys is filled. */
bool route_by_key(struct build *b);
/* plan->intervals, when every instance of a RANGE distribution is bounded. */
void range_intervals(struct build *b);
/* k < 5, 5 >= k, k BETWEEN 1 AND 5: into the graph. `var` is the column's. */
void range_bounds(struct build *b, const struct node *e, const struct node *column, int var);
/* What is known of the parameters' types, once plan->keys stands. */
/* set_config.c: true when the statement is one of these. */
bool plan_set_config(struct build *b, const struct node *stmt);
void route_params(struct build *b);
/* The type that Parse gave parameter `param`, from 1; 0: none. */
uint32_t route_declared(const struct build *b, uint16_t param);

/* ---- scatter.c ---- */
/* Sets plan->merge, or leaves MERGE_REFUSED and the reason in b->scatter. */
void scatter_statement(struct build *b, struct level *top);
void scatter_select(struct build *b, struct level *top);
bool scatter_calls_are_safe(struct build *b);
bool scatter_is_plain(const struct level *l);
void scatter_date_literals(struct build *b);
bool scatter_has_clock_literal(const struct build *b);
/* In insert.c and modify.c. */
void scatter_write(struct build *b, struct level *top);
void scatter_insert(struct build *b, struct level *top);
enum status plan_reference_write(struct build *b, const struct node *stmt, struct level *top);
enum status table_is_writable(struct build *b, const struct rel *target);
bool scatter_is_tied(struct build *b, struct level *top);
bool scatter_common(struct build *b, struct level *top);

/* ---- order.c ---- */
bool order_plan(struct build *b, struct level *top);
bool limit_plan(struct build *b, const struct node *stmt);
struct piece {
	uint32_t from, to; /* bytes */
};
/* Where the items of the top SELECT and of its ORDER BY stand. */
struct lists {
	unsigned select, from; /* tokens */
	struct piece targets[256], sorts[32];
	unsigned n_targets, n_sorts;
};
bool order_read_lists(struct build *b, const struct node *stmt, struct lists *l);
struct piece order_target_piece(struct build *b, const struct lists *l, unsigned i,
				const struct node *target);
bool order_is_sortable(uint32_t type);

/* ---- figure.c ---- */
const char *figure_name(const struct node *n);

/* ---- aggregate.c ---- */
bool aggregate_plan(struct build *b, struct level *top);

/* ---- gather.c ---- */
/* After everything else was refused: bring the rows together. False: the refusal stands. */
bool gather_plan(struct build *b, const struct census *c);

/* ---- shipping.c: which types can travel, and how they are written ---- */
struct shipping {
	uint32_t base;	     /* the type that travels */
	const char *type;    /* the column's own, as a cast: pg_catalog.numeric(12,2) */
	const char *travel;  /* the travelling one's */
	const char *collate; /* " COLLATE …" or "" */
};
/* False: a column of this type, typmod or collation cannot travel exactly. */
bool shipping_of(struct build *b, const struct schema_column *column, struct shipping *out);

/* ---- quals.c ---- */
/* " WHERE …": what this instance's rows may be filtered by beforehand; "" when nothing is known. */
const char *quals_of(struct build *b, struct rel *rel);
/* ---- insert.c ---- */
/* Bytes of each row of VALUES into plan->rows. */
bool insert_find_rows(struct build *b, unsigned n_rows);

/* ---- sequence.c ---- */
/* The column's value comes from a sequence when it is not given. */
bool sequence_feeds(const struct schema_column *c);
/* NULL: not shared, or not this very one. */
const struct map_sequence *sequence_managed(const struct build *b, const char *schema,
					    const char *name);
enum status sequence_is_ready(struct build *b, const struct map_sequence *m);
/* The shards may draw this column's value each for itself; plan->draws is set. */
enum status sequence_allows(struct build *b, const struct schema_relation *table,
			    const struct schema_column *c);
void sequence_note(struct build *b, const struct schema_relation *table);
void sequence_release_first(struct build *b, const struct schema_relation *r);
enum status sequence_setval(struct build *b, const struct node *stmt);

/* ---- draw.c ---- */
/* Columns of an INSERT that the proxy must draw: plan->draw is set when there are any. */
enum status draw_plan(struct build *b, const struct node *stmt, const struct rel *target,
		      const struct node_list *rows);

/* ---- text.c ---- */
bool text_tokens(struct build *b);
void text_splice(struct build *b, uint32_t at, uint32_t removed, const char *insert);
void text_apply(struct build *b);
unsigned text_select_token(struct build *b); /* of the top SELECT; UINT_MAX: none */
unsigned text_find(struct build *b, unsigned from, const char *word);
unsigned text_from_token(struct build *b, unsigned after);
uint32_t text_moved(const struct build *b, uint32_t at);
void text_forget(struct build *b);

/* ---- the statements ---- */
enum status plan_insert(struct build *b, const struct node *stmt, const struct census *c,
			struct level *top);
enum status plan_modify(struct build *b, const struct node *stmt, const struct census *c,
			struct level *top);
enum status plan_copy(struct build *b, const struct node *stmt);
enum status plan_utility(struct build *b, const struct node *stmt);
enum status plan_local(struct build *b, const struct node *stmt, bool *is_local);
enum status plan_prepare(struct build *b, const struct node *stmt);
enum status plan_declare(struct build *b, const struct node *stmt);
void plan_fetch(struct build *b, const struct node *stmt);
void plan_close(struct build *b, const struct node *stmt);
enum status plan_execute(struct build *b, const struct node *stmt);
enum status plan_create_table(struct build *b, const struct node *stmt);

/* ---- query.c ---- */
struct census {
	unsigned n_sharded, n_reference, n_single, n_system, n_view;
	uint16_t home; /* of the single tables */
	bool two_homes, two_distributions;
	uint16_t distribution;
	struct rel *sharded, *reference, *single, *view;
};
void query_census(const struct build *b, struct census *c);
/* The rules every statement with tables obeys; then the target when no table is sharded. */
enum status query_rules(struct build *b, const struct census *c);
enum status query_unsharded(struct build *b, const struct census *c);
enum status query_sharded(struct build *b, const struct census *c, struct level *top);
/* A plan that lets the home shard judge, then refuses with this error. */
void query_judge(struct build *b, const struct err *refusal);

#endif
