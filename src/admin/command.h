/* Inside the control port: the table of commands and what a command's function gets.
 *
 * A command is a row in one of the families (cmd_*.c): the words it starts with, its
 * syntax and help for SHOW HELP, the columns of its answer and its function, which reads
 * the rest of the statement with the parse_* functions and fills call->out.
 * A parse_* function sets 42601 with the position and gives false. */
#ifndef ADMIN_COMMAND_H
#define ADMIN_COMMAND_H

#include "pgmosaic/admin/admin.h"
#include "pgmosaic/admin/runtime.h"
#include "token.h"

struct call {
	const struct admin_runtime *runtime;
	const char *user;
	struct str sql;
	size_t at; /* byte after what has been read */
	const struct command *command;
	struct admin_result *out;
	struct err *err;
};

#define COMMAND_DESCRIBE_BY_RUNNING 1u /* columns depend on the text; running has no effect */
#define COMMAND_FREE		    2u /* runs beside others: it may wait for what they do */

struct command {
	const char *words; /* "CREATE SHARD" */
	const char *syntax, *help;
	const char *tag;
	const struct admin_column *columns;
	unsigned n_columns;
	enum status (*run)(struct call *call);
	unsigned flags;
};

struct command_family {
	const struct command *commands;
	unsigned n;
};

#define FAMILY(table)                                       \
	{                                                   \
		(table), sizeof(table) / sizeof((table)[0]) \
	}
#define COLUMNS(table)	 (table), sizeof(table) / sizeof((table)[0])
#define TYPE_BOOL	 16u
#define TYPE_BIGINT	 20u
#define TYPE_INTEGER	 23u
#define TYPE_TEXT	 25u
#define TYPE_TIMESTAMPTZ 1184u
#define TYPE_NUMERIC	 1700u

extern const struct command_family family_shard, family_transaction, family_distribution,
	family_table, family_sequence, family_map, family_pooler, family_explain, family_control,
	family_session, family_later, family_help, family_sockets, family_stats, family_proxies,
	family_key;
extern const struct command_family *const command_families[];
extern const unsigned command_n_families;

/* The command with the longest match at the start of call->sql; call->at behind its
 * words. NULL: none, and call->at is the first token that fits nothing. */
const struct command *command_find(struct call *call);

/* ---- reading the rest of a statement (parse.c) ---- */
struct token parse_peek(struct call *call);
bool parse_word(struct call *call, const char *word); /* true and past it, or untouched */
bool parse_punct(struct call *call, char c);
bool parse_expect(struct call *call, const char *word_or_punct);
bool parse_end(struct call *call); /* nothing but a ';' may follow */
/* An identifier, as PostgreSQL reads it: folded unless quoted. */
bool parse_name(struct call *call, const char *what, const char **out);
/* table or schema.table → both parts; schema "public" when not written. */
bool parse_table(struct call *call, const char **schema, const char **name);
bool parse_string(struct call *call, const char *what, const char **out);
bool parse_number(struct call *call, const char *what, uint64_t max, uint64_t *out);
/* (value, ...): strings and numbers as texts; NULL, when allowed, as NULL. */
bool parse_values(struct call *call, const char *const **out, unsigned *n, unsigned most,
		  bool takes_null);
/* Words up to ',' or ')', joined by blanks: a type's name. */
bool parse_type_name(struct call *call, const char **out);
enum status parse_fail(struct call *call, const char *expected);

/* The world, or an error that says the shards could not be read yet. Drop it. */
enum status call_world(struct call *call, struct world **out);
/* Reload the world after a change, so that it is in force when the client gets its tag. */
enum status call_publish(struct call *call);
/* Rows that live in the workers; the columns are set, too. */
enum status call_collect(struct call *call, enum runtime_table what, struct admin_result *out);
enum status call_done(struct call *call, const char *tag);
const char *call_u64(struct call *call, uint64_t n);
const char *call_i64(struct call *call, int64_t n);

#endif
