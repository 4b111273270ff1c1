/* One error convention for the whole program.
 *
 * A function that can fail returns `enum status` and takes `struct err *` last.
 * On success the error is untouched. On failure it carries all that a client is
 * told: SQLSTATE, message, detail, hint and the position in the statement.
 *
 *	return err_set(err, STATUS_UNROUTED, "LIMIT in a sub-query of a sharded table");
 *
 * err_set() always returns the status it was given. A SQLSTATE other than the
 * status's own is set with err_set_code(). err_hint() and err_detail() add to an
 * error already set. All text is cut, never overrun.
 * Ownership: plain values; copy freely. Threads: none. */
#ifndef PGMOSAIC_BASE_ERR_H
#define PGMOSAIC_BASE_ERR_H

#define STATUS_MAP(X)                                                                   \
	X(OK, "00000", "success")                                                       \
	X(PROTOCOL, "08P01", "the message breaks the protocol")                         \
	X(UNROUTED, "0A000", "the statement cannot be run exactly over several shards") \
	X(SYNTAX, "42601", "syntax error")                                              \
	X(UNDEFINED, "42704", "the named object does not exist")                        \
	X(DUPLICATE, "42710", "the named object exists already")                        \
	X(INVALID, "22023", "the value is not valid here")                              \
	X(IN_USE, "55006", "the object is in use")                                      \
	X(AUTH, "28P01", "authentication failed")                                       \
	X(PRIVILEGE, "42501", "permission denied")                                      \
	X(POOL_FULL, "53300", "no server connection became free in time")               \
	X(LIMIT, "54000", "a configured limit was exceeded")                            \
	X(TOO_DEEP, "54001", "the statement is nested too deeply")                      \
	X(NO_MEMORY, "53200", "out of memory")                                          \
	X(BACKEND, "08006", "a server connection was lost")                             \
	X(CATALOG, "58000", "the catalog could not be read or written")                 \
	X(CONFIG, "F0000", "the configuration is not valid")                            \
	X(CANCELED, "57014", "canceled")                                                \
	X(SHUTDOWN, "57P01", "the proxy is shutting down")                              \
	X(UNKNOWN_KEY, "0A000", "the key's place is not known yet")                     \
	X(UNKNOWN_OUTCOME, "08007", "the outcome of the transaction is not known")      \
	X(INTERNAL, "XX000", "internal error")

enum status {
#define STATUS_ENUM(name, code, text) STATUS_##name,
	STATUS_MAP(STATUS_ENUM)
#undef STATUS_ENUM
};

struct err {
	enum status status;
	char code[6]; /* SQLSTATE */
	int position; /* 1-based character of the statement; 0: none */
	char message[384];
	char detail[384];
	char hint[256];
	const char *routine; /* PostgreSQL's function, where drivers look at it; NULL: none */
};

#define ERR_INIT                    \
	{                           \
		.status = STATUS_OK \
	}

enum status err_set(struct err *err, enum status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
enum status err_set_code(struct err *err, enum status status, const char *code, const char *format,
			 ...) __attribute__((format(printf, 4, 5)));
void err_detail(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
void err_hint(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The SQLSTATE and the one-line meaning of a status. */
const char *status_code(enum status status);
const char *status_text(enum status status);

#endif
