/* libpg_query's tree into nodes, by protobuf-c's own description of the messages.
 *
 * The parser recurses once a level; past PARSE_MAX_LEVELS (measured: 64 MB of stack
 * hold about 20,000) the text is refused before it is parsed. */
#include <stdlib.h>
#include <string.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>
#include "pgmosaic/base/check.h"
#include "pgmosaic/sql/parse.h"

#define PARSE_MAX_LEVELS  8000
#define PARSE_MAX_TOKENS  1000000
#define PARSE_FLAT_TOKENS 2000 /* fewer tokens cannot nest too deeply */

union node_slot {
	const struct node *node;
	const struct node_list *list;
	const char *text;
	int64_t number;
};

static const struct node_list empty_list = { 0, NULL };

static const struct {
	const ProtobufCMessageDescriptor *type;
	enum node_kind kind;
} kinds[] = {
#define KIND_OF(name, lower)                                  \
	{                                                     \
		&pg_query__##lower##__descriptor, NODE_##name \
	}
	KIND_OF(SelectStmt, select_stmt),
	KIND_OF(InsertStmt, insert_stmt),
	KIND_OF(UpdateStmt, update_stmt),
	KIND_OF(DeleteStmt, delete_stmt),
	KIND_OF(MergeStmt, merge_stmt),
	KIND_OF(RangeVar, range_var),
	KIND_OF(RangeSubselect, range_subselect),
	KIND_OF(RangeFunction, range_function),
	KIND_OF(RangeTableSample, range_table_sample),
	KIND_OF(RangeTableFunc, range_table_func),
	KIND_OF(JoinExpr, join_expr),
	KIND_OF(ColumnRef, column_ref),
	KIND_OF(ParamRef, param_ref),
	KIND_OF(A_Const, a__const),
	KIND_OF(TypeCast, type_cast),
	KIND_OF(TypeName, type_name),
	KIND_OF(A_Expr, a__expr),
	KIND_OF(BoolExpr, bool_expr),
	KIND_OF(SubLink, sub_link),
	KIND_OF(FuncCall, func_call),
	KIND_OF(ResTarget, res_target),
	KIND_OF(SortBy, sort_by),
	KIND_OF(WindowDef, window_def),
	KIND_OF(WithClause, with_clause),
	KIND_OF(CommonTableExpr, common_table_expr),
	KIND_OF(SetToDefault, set_to_default),
	KIND_OF(MultiAssignRef, multi_assign_ref),
	KIND_OF(SQLValueFunction, sqlvalue_function),
	KIND_OF(NullTest, null_test),
	KIND_OF(BooleanTest, boolean_test),
	KIND_OF(CaseExpr, case_expr),
	KIND_OF(CaseWhen, case_when),
	KIND_OF(CoalesceExpr, coalesce_expr),
	KIND_OF(MinMaxExpr, min_max_expr),
	KIND_OF(A_ArrayExpr, a__array_expr),
	KIND_OF(RowExpr, row_expr),
	KIND_OF(A_Star, a__star),
	KIND_OF(A_Indirection, a__indirection),
	KIND_OF(A_Indices, a__indices),
	KIND_OF(CollateClause, collate_clause),
	KIND_OF(GroupingSet, grouping_set),
	KIND_OF(GroupingFunc, grouping_func),
	KIND_OF(CurrentOfExpr, current_of_expr),
	KIND_OF(NamedArgExpr, named_arg_expr),
	KIND_OF(XmlExpr, xml_expr),
	KIND_OF(XmlSerialize, xml_serialize),
	KIND_OF(LockingClause, locking_clause),
	KIND_OF(ColumnDef, column_def),
	KIND_OF(Constraint, constraint),
	KIND_OF(TableLikeClause, table_like_clause),
	KIND_OF(DefElem, def_elem),
	KIND_OF(IndexElem, index_elem),
	KIND_OF(String, string),
	KIND_OF(Integer, integer),
	KIND_OF(Float, float),
	KIND_OF(Boolean, boolean),
	KIND_OF(BitString, bit_string),
	KIND_OF(List, list),
#undef KIND_OF
};

_Static_assert((int)EXPR_IN == PG_QUERY__A__EXPR__KIND__AEXPR_IN, "expr_kind");
_Static_assert((int)EXPR_NOT_BETWEEN_SYM == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM,
	       "expr_kind");
_Static_assert((int)BOOL_NOT == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR, "bool_kind");
_Static_assert((int)SUBLINK_ARRAY == PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK, "sublink_kind");
_Static_assert((int)JOIN_RIGHT == PG_QUERY__JOIN_TYPE__JOIN_RIGHT, "join_kind");
_Static_assert((int)SETOP_EXCEPT == PG_QUERY__SET_OPERATION__SETOP_EXCEPT, "setop_kind");
_Static_assert((int)LIMIT_WITH_TIES == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES, "limit");
_Static_assert((int)SORT_USING == PG_QUERY__SORT_BY_DIR__SORTBY_USING, "sort_dir");
_Static_assert((int)NULLS_LAST == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST, "sort_nulls");
_Static_assert((int)CONFLICT_UPDATE == PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_UPDATE, "conflict");
_Static_assert((int)OVERRIDE_SYSTEM == PG_QUERY__OVERRIDING_KIND__OVERRIDING_SYSTEM_VALUE, "over");
_Static_assert((int)TXN_ROLLBACK_PREPARED ==
		       PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK_PREPARED,
	       "txn_kind");
_Static_assert((int)SET_RESET_ALL == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL, "set_kind");

static enum node_kind kind_of(const ProtobufCMessageDescriptor *type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].type == type)
			return kinds[i].kind;
	return NODE_OTHER;
}

static bool is_set(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	if (!(f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
		return true;
	uint32_t which;
	memcpy(&which, (const char *)m + f->quantifier_offset, sizeof(which));
	return which == f->id;
}

static const struct node *convert(struct arena *a, const ProtobufCMessage *m);

static const struct node_list *convert_list(struct arena *a, ProtobufCMessage *const *items,
					    size_t n)
{
	struct node_list *list = arena_new(a, struct node_list);
	const struct node **copy = arena_array(a, const struct node *, n ? n : 1);
	for (size_t i = 0; i < n; i++)
		copy[i] = convert(a, items[i]);
	list->n = (unsigned)n;
	list->items = copy;
	return list;
}

static union node_slot convert_field(struct arena *a, const ProtobufCMessage *m,
				     const ProtobufCFieldDescriptor *f)
{
	union node_slot slot = { .number = 0 };
	const char *at = (const char *)m + f->offset;
	bool is_repeated = f->label == PROTOBUF_C_LABEL_REPEATED;

	if (f->type == PROTOBUF_C_TYPE_MESSAGE && is_repeated) {
		size_t n;
		memcpy(&n, (const char *)m + f->quantifier_offset, sizeof(n));
		slot.list =
			n ? convert_list(a, *(ProtobufCMessage *const *const *)at, n) : &empty_list;
	} else if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
		const ProtobufCMessage *child = *(const ProtobufCMessage *const *)at;
		slot.node = is_set(m, f) && child ? convert(a, child) : NULL;
	} else if (f->type == PROTOBUF_C_TYPE_STRING && !is_repeated) {
		const char *text = *(const char *const *)at;
		slot.text = is_set(m, f) && text && *text ? arena_strdup(a, text) : "";
	} else if (!is_repeated) {
		int32_t number;
		memcpy(&number, at, sizeof(number));
		slot.number = is_set(m, f) ? number : 0;
	}
	return slot;
}

/* The message inside the wrapper of alternatives; NULL for an empty one. */
static const ProtobufCMessage *unwrap(const ProtobufCMessage *m)
{
	while (m && m->descriptor == &pg_query__node__descriptor) {
		const PgQuery__Node *wrapper = (const PgQuery__Node *)m;
		if (wrapper->node_case == PG_QUERY__NODE__NODE__NOT_SET)
			return NULL;
		m = (const ProtobufCMessage *)wrapper->select_stmt; /* all are pointers */
	}
	return m;
}

static const struct node *convert(struct arena *a, const ProtobufCMessage *m)
{
	m = unwrap(m);
	if (!m)
		return NULL;
	const ProtobufCMessageDescriptor *type = m->descriptor;
	struct node *n = arena_new(a, struct node);
	n->kind = kind_of(type);
	n->type = type;
	n->at = -1;
	n->slots = arena_array(a, union node_slot, type->n_fields ? type->n_fields : 1);
	for (unsigned i = 0; i < type->n_fields; i++) {
		n->slots[i] = convert_field(a, m, &type->fields[i]);
		if (strcmp(type->fields[i].name, "location") == 0)
			n->at = (int)n->slots[i].number;
	}
	return n;
}

static enum status check_depth(struct str text, const struct scan *scan, struct err *err)
{
	if (scan->n_tokens > PARSE_MAX_TOKENS)
		return err_set(err, STATUS_TOO_DEEP, "the statement has more than %d tokens",
			       PARSE_MAX_TOKENS);
	if (scan->n_tokens < PARSE_FLAT_TOKENS)
		return STATUS_OK;
	struct arena scratch;
	struct token_list tokens;
	struct err ignored = ERR_INIT;
	unsigned depth = scan->max_depth;
	arena_init(&scratch, 0);
	if (parse_tokens(&scratch, text, &tokens, &ignored) == STATUS_OK)
		depth += token_chain_depth(text, &tokens);
	arena_finish(&scratch);
	if (depth <= PARSE_MAX_LEVELS)
		return STATUS_OK;
	err_set(err, STATUS_TOO_DEEP, "the statement is nested too deeply");
	err_hint(err, "Shorten chains of operators or split the statement; %d levels are safe.",
		 PARSE_MAX_LEVELS);
	return STATUS_TOO_DEEP;
}

static enum status take_tree(struct arena *a, const PgQueryProtobufParseResult *r,
			     const struct node **tree, struct err *err)
{
	PgQuery__ParseResult *parsed = pg_query__parse_result__unpack(
		NULL, r->parse_tree.len, (const uint8_t *)r->parse_tree.data);
	if (!parsed)
		return err_set(err, STATUS_INTERNAL, "the parse tree could not be read");
	*tree = NULL;
	enum status st = STATUS_OK;
	if (parsed->n_stmts > 1)
		st = err_set(err, STATUS_SYNTAX,
			     "cannot insert multiple commands into a prepared statement");
	else if (parsed->n_stmts == 1)
		*tree = convert(a, (const ProtobufCMessage *)parsed->stmts[0]->stmt);
	pg_query__parse_result__free_unpacked(parsed, NULL);
	return st;
}

enum status parse_statement(struct arena *a, struct str text, const struct scan *scan,
			    const struct node **tree, struct err *err)
{
	enum status st = check_depth(text, scan, err);
	if (st != STATUS_OK)
		return st;
	char *copy = strndup(text.p, text.n);
	if (!copy)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	PgQueryProtobufParseResult r = pg_query_parse_protobuf(copy);
	if (r.error) {
		st = err_set(err, STATUS_SYNTAX, "%s", r.error->message);
		err->position = r.error->cursorpos;
	} else {
		st = take_tree(a, &r, tree, err);
	}
	pg_query_free_protobuf_parse_result(r);
	free(copy);
	return st;
}

static unsigned field_index(const struct node *n, const char *field, ProtobufCType type,
			    bool is_list)
{
	const ProtobufCMessageDescriptor *d = n->type;
	const ProtobufCFieldDescriptor *f =
		protobuf_c_message_descriptor_get_field_by_name(d, field);
	if (!f)
		check_failed("field of this node", field, d->short_name, 0);
	PRE((f->label == PROTOBUF_C_LABEL_REPEATED) == is_list);
	PRE((f->type == PROTOBUF_C_TYPE_MESSAGE) == (type == PROTOBUF_C_TYPE_MESSAGE));
	PRE((f->type == PROTOBUF_C_TYPE_STRING) == (type == PROTOBUF_C_TYPE_STRING));
	return (unsigned)(f - d->fields);
}

const char *node_type_name(const struct node *n)
{
	const ProtobufCMessageDescriptor *d = n->type;
	return d->short_name;
}

const struct node *node_child(const struct node *n, const char *field)
{
	return n->slots[field_index(n, field, PROTOBUF_C_TYPE_MESSAGE, false)].node;
}

const struct node_list *node_list(const struct node *n, const char *field)
{
	return n->slots[field_index(n, field, PROTOBUF_C_TYPE_MESSAGE, true)].list;
}

const char *node_text(const struct node *n, const char *field)
{
	return n->slots[field_index(n, field, PROTOBUF_C_TYPE_STRING, false)].text;
}

int64_t node_int(const struct node *n, const char *field)
{
	return n->slots[field_index(n, field, PROTOBUF_C_TYPE_INT32, false)].number;
}

void node_each(const struct node *n, void (*visit)(const struct node *child, void *arg), void *arg)
{
	const ProtobufCMessageDescriptor *d = n->type;
	for (unsigned i = 0; i < d->n_fields; i++) {
		if (d->fields[i].type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		if (d->fields[i].label != PROTOBUF_C_LABEL_REPEATED) {
			if (n->slots[i].node)
				visit(n->slots[i].node, arg);
			continue;
		}
		const struct node_list *list = n->slots[i].list;
		for (unsigned j = 0; j < list->n; j++)
			if (list->items[j])
				visit(list->items[j], arg);
	}
}

const char *node_string(const struct node *n)
{
	return node_is(n, NODE_String) ? node_text(n, "sval") : NULL;
}

static bool slot_equal(const ProtobufCFieldDescriptor *f, union node_slot a, union node_slot b)
{
	if (f->type == PROTOBUF_C_TYPE_MESSAGE && f->label == PROTOBUF_C_LABEL_REPEATED) {
		if (a.list->n != b.list->n)
			return false;
		for (unsigned i = 0; i < a.list->n; i++)
			if (!node_equal(a.list->items[i], b.list->items[i]))
				return false;
		return true;
	}
	if (f->type == PROTOBUF_C_TYPE_MESSAGE)
		return node_equal(a.node, b.node);
	if (f->label == PROTOBUF_C_LABEL_REPEATED || strcmp(f->name, "location") == 0)
		return true;
	if (f->type == PROTOBUF_C_TYPE_STRING)
		return strcmp(a.text, b.text) == 0;
	return a.number == b.number;
}

bool node_equal(const struct node *a, const struct node *b)
{
	if (!a || !b)
		return a == b;
	if (a->type != b->type)
		return false;
	const ProtobufCMessageDescriptor *d = a->type;
	for (unsigned i = 0; i < d->n_fields; i++)
		if (!slot_equal(&d->fields[i], a->slots[i], b->slots[i]))
			return false;
	return true;
}
