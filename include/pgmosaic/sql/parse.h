/* A statement's parse tree, by PostgreSQL 15's own grammar, without its headers.
 *
 * Happy path: parse_statement(arena, text, scan, &tree, err) gives the tree of the one
 * statement; node_child(), node_list(), node_text(), node_int() read a node's
 * fields by the names of the grammar's own structs in snake case ("where_clause").
 * A wrapper of alternatives ("Node") is never seen, only what it holds.
 * Failure: STATUS_SYNTAX with PostgreSQL's message and position when the grammar
 * rejects the text; STATUS_TOO_DEEP when it is nested past what the parser's
 * recursion stands. A field name that the node's type does not have is a bug and aborts.
 * Ownership: all on the arena. Threads: any. Pure. */
#ifndef PGMOSAIC_SQL_PARSE_H
#define PGMOSAIC_SQL_PARSE_H

#include <stdbool.h>
#include <stdint.h>
#include "pgmosaic/base/arena.h"
#include "pgmosaic/base/err.h"
#include "pgmosaic/base/str.h"
#include "pgmosaic/sql/scan.h"

/* The kinds the program names; every other one is NODE_OTHER and has its type's name. */
#define NODE_KINDS(X)       \
	X(SelectStmt)       \
	X(InsertStmt)       \
	X(UpdateStmt)       \
	X(DeleteStmt)       \
	X(MergeStmt)        \
	X(RangeVar)         \
	X(RangeSubselect)   \
	X(RangeFunction)    \
	X(RangeTableSample) \
	X(RangeTableFunc)   \
	X(JoinExpr)         \
	X(ColumnRef)        \
	X(ParamRef)         \
	X(A_Const)          \
	X(TypeCast)         \
	X(TypeName)         \
	X(A_Expr)           \
	X(BoolExpr)         \
	X(SubLink)          \
	X(FuncCall)         \
	X(ResTarget)        \
	X(SortBy)           \
	X(WindowDef)        \
	X(WithClause)       \
	X(CommonTableExpr)  \
	X(SetToDefault)     \
	X(MultiAssignRef)   \
	X(SQLValueFunction) \
	X(NullTest)         \
	X(BooleanTest)      \
	X(CaseExpr)         \
	X(CaseWhen)         \
	X(CoalesceExpr)     \
	X(MinMaxExpr)       \
	X(A_ArrayExpr)      \
	X(RowExpr)          \
	X(A_Star)           \
	X(A_Indirection)    \
	X(A_Indices)        \
	X(CollateClause)    \
	X(GroupingSet)      \
	X(GroupingFunc)     \
	X(CurrentOfExpr)    \
	X(NamedArgExpr)     \
	X(XmlExpr)          \
	X(XmlSerialize)     \
	X(LockingClause)    \
	X(ColumnDef)        \
	X(Constraint)       \
	X(TableLikeClause)  \
	X(DefElem)          \
	X(IndexElem)        \
	X(String)           \
	X(Integer)          \
	X(Float)            \
	X(Boolean)          \
	X(BitString)        \
	X(List)

enum node_kind {
	NODE_OTHER,
#define NODE_ENUM(name) NODE_##name,
	NODE_KINDS(NODE_ENUM)
#undef NODE_ENUM
};

struct node;

struct node_list {
	unsigned n;
	const struct node *const *items; /* an item may be NULL */
};

struct node {
	enum node_kind kind;
	int at;		  /* byte of the text, -1: not known */
	const void *type; /* private */
	union node_slot *slots;
};

/* The grammar's enums, with the numbers the tree carries. */
enum expr_kind {
	EXPR_OP = 1,
	EXPR_OP_ANY,
	EXPR_OP_ALL,
	EXPR_DISTINCT,
	EXPR_NOT_DISTINCT,
	EXPR_NULLIF,
	EXPR_IN,
	EXPR_LIKE,
	EXPR_ILIKE,
	EXPR_SIMILAR,
	EXPR_BETWEEN,
	EXPR_NOT_BETWEEN,
	EXPR_BETWEEN_SYM,
	EXPR_NOT_BETWEEN_SYM
};
enum bool_kind { BOOL_AND = 1, BOOL_OR, BOOL_NOT };
enum sublink_kind {
	SUBLINK_EXISTS = 1,
	SUBLINK_ALL,
	SUBLINK_ANY,
	SUBLINK_ROWCOMPARE,
	SUBLINK_EXPR,
	SUBLINK_MULTIEXPR,
	SUBLINK_ARRAY
};
enum join_kind { JOIN_INNER = 1, JOIN_LEFT, JOIN_FULL, JOIN_RIGHT };
enum setop_kind { SETOP_NONE = 1, SETOP_UNION, SETOP_INTERSECT, SETOP_EXCEPT };
enum limit_kind { LIMIT_DEFAULT = 1, LIMIT_COUNT, LIMIT_WITH_TIES };
enum sort_dir { SORT_DEFAULT = 1, SORT_ASC, SORT_DESC, SORT_USING };
enum sort_nulls { NULLS_DEFAULT = 1, NULLS_FIRST, NULLS_LAST };
enum conflict_kind { CONFLICT_NOTHING = 2, CONFLICT_UPDATE };
enum override_kind { OVERRIDE_NONE = 1, OVERRIDE_USER, OVERRIDE_SYSTEM };
enum txn_kind {
	TXN_BEGIN = 1,
	TXN_START,
	TXN_COMMIT,
	TXN_ROLLBACK,
	TXN_SAVEPOINT,
	TXN_RELEASE,
	TXN_ROLLBACK_TO,
	TXN_PREPARE,
	TXN_COMMIT_PREPARED,
	TXN_ROLLBACK_PREPARED
};
enum set_kind { SET_VALUE = 1, SET_DEFAULT, SET_CURRENT, SET_MULTI, SET_RESET, SET_RESET_ALL };

enum status parse_statement(struct arena *a, struct str text, const struct scan *scan,
			    const struct node **tree, struct err *err);

const char *node_type_name(const struct node *n);
/* NULL when the field is not set. */
const struct node *node_child(const struct node *n, const char *field);
/* Never NULL; .n == 0 when empty. */
const struct node_list *node_list(const struct node *n, const char *field);
/* Never NULL; "" when not set. */
const char *node_text(const struct node *n, const char *field);
int64_t node_int(const struct node *n, const char *field);
static inline bool node_is(const struct node *n, enum node_kind kind)
{
	return n && n->kind == kind;
}
/* Call visit for every direct child, in the grammar's order of fields. */
void node_each(const struct node *n, void (*visit)(const struct node *child, void *arg), void *arg);
/* The text of a String node; NULL when it is none. */
const char *node_string(const struct node *n);
/* Same tree but for locations. */
bool node_equal(const struct node *a, const struct node *b);

/* ---- tokens, for splicing ---- */
struct token {
	uint32_t start, end; /* bytes */
	int code;
	uint16_t depth; /* of parentheses, before the token */
};

enum { TOKEN_OPEN = 40, TOKEN_CLOSE = 41, TOKEN_COMMA = 44, TOKEN_DOT = 46, TOKEN_SEMICOLON = 59 };

struct token_list {
	struct token *items;
	unsigned n;
};

/* Comments are left out. STATUS_SYNTAX when the lexer rejects the text. */
enum status parse_tokens(struct arena *a, struct str text, struct token_list *out, struct err *err);
/* The token's word is this one (ASCII, any case, not quoted). */
bool token_is(struct str text, const struct token *t, const char *word);
/* How many nested levels the parser may need, at most. */
unsigned token_chain_depth(struct str text, const struct token_list *tokens);

#endif
