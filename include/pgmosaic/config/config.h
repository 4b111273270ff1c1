/* The configuration file (YAML) as plain structs. Every key, its unit, default and
 * reason is in docs/user/configuration.md; the parser's table is src/config/keys.c.
 *
 * Happy path: config_load("pgmosaic.yaml", &cfg, &faults); read fields;
 * config_destroy(cfg).
 * Failure: STATUS_CONFIG, *out untouched, and `faults` holds every fault of the file,
 * in line order, as "FILE:LINE: key: what is wrong; what to write".
 * Ownership: the config owns all it points to. Faults belong to the caller:
 * config_faults_init() before, config_faults_finish() after.
 * Units: in the field's name. A time limit of 0 means none. Threads: read-only once
 * loaded. Never log a password: dsn_mask() hides the ones inside a DSN. */
#ifndef PGMOSAIC_CONFIG_CONFIG_H
#define PGMOSAIC_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "pgmosaic/base/arena.h"
#include "pgmosaic/base/err.h"
#include "pgmosaic/base/log.h"

struct sockaddr;

struct config_address {
	const char *text;     /* as written */
	const char *host;     /* numeric or a name, without brackets; NULL: every interface ("*") */
	const char *unix_dir; /* not NULL: a socket DIR/.s.PGSQL.PORT; host is NULL then */
	uint16_t port;
};

struct config_addresses {
	struct config_address *items;
	unsigned n; /* 0: switched off */
};

struct config_strings {
	const char **items;
	unsigned n;
};

/* When a client's server connections go back. POOL_DEFAULT: of a user, what pool.mode says. */
enum config_pool_mode { POOL_TRANSACTION, POOL_SESSION, POOL_STATEMENT, POOL_DEFAULT };

enum config_password { PASSWORD_NONE, PASSWORD_PLAIN, PASSWORD_SCRAM, PASSWORD_MD5 };

struct config_user {
	int line;
	const char *name;
	const char *password; /* NULL: may only come in by a trust rule */
	enum config_password password_kind;
	/* What the proxy logs in to shards with: server_password, else a plain password; NULL: what
	 * the log-in itself gives (a password in clear, SCRAM keys), or nothing */
	const char *server_password;
	bool admin; /* may use the control port */
	enum config_pool_mode pool_mode;
};

/* host: TCP, with TLS or without; hostssl, hostnossl: only with, only without; local: unix socket
 */
enum config_rule_type { RULE_HOST, RULE_LOCAL, RULE_HOSTSSL, RULE_HOSTNOSSL };
enum config_method {
	METHOD_SCRAM,
	METHOD_MD5,
	METHOD_PASSWORD, /* in clear */
	METHOD_CERT,	 /* the client certificate's common name is the user */
	METHOD_PEER,	 /* the operating system's user at the other end is the user */
	METHOD_TRUST,
	METHOD_REJECT
};

struct config_rule {
	int line;
	enum config_rule_type type;
	struct config_strings databases, users; /* "all" matches any */
	const char *address;			/* as written: CIDR, or "all" */
	int family;				/* AF_INET, AF_INET6; 0: any */
	uint8_t network[16];
	uint32_t prefix_bits;
	enum config_method method;
};

/* Names of users that are not in the file are looked up on the home shard. */
struct config_auth_query {
	const char *user;     /* NULL: no look-ups */
	const char *password; /* NULL: none */
	const char *sql;      /* one parameter, the name; answers name and password or verifier */
	uint64_t cache_ms;
};

enum config_tls_mode {
	TLS_DISABLE,
	TLS_ALLOW,	/* who asks for it gets it */
	TLS_REQUIRE,	/* over TCP nobody gets in without */
	TLS_VERIFY_CA,	/* nor without a certificate signed by `ca` */
	TLS_VERIFY_FULL /* whose common name must be the user's name */
};
enum config_tls_version { TLS_VERSION_1_2, TLS_VERSION_1_3 };

/* For clients; TLS towards servers is part of their DSN. */
struct config_tls {
	enum config_tls_mode mode;
	const char *cert, *key, *ca; /* PEM files */
	enum config_tls_version min_version;
	bool direct; /* TLS from the first byte, without SSLRequest */
};

/* Sizes are per worker, shard, database and user. */
struct config_pool {
	enum config_pool_mode mode;
	uint32_t size, min_size, reserve;
	uint64_t max_lifetime_ms, idle_timeout_ms;
};

struct config_timeouts {
	uint64_t connect_ms, login_ms, queue_ms, query_ms, idle_transaction_ms, client_idle_ms,
		cancel_ms, phase_two_ms, shutdown_ms;
};

/* Of connections by TCP, to clients and to servers. 0: the system's default. */
struct config_tcp {
	uint64_t keepalive_idle_ms, keepalive_interval_ms, user_timeout_ms;
	uint32_t keepalive_count;
};

struct config_limits {
	uint32_t clients, logins;
	uint64_t message_bytes, memory_bytes, merge_rows, statement_length_bytes;
};

enum config_consistency_mode { CONSISTENCY_STRONG, CONSISTENCY_EVENTUAL };
enum config_read_snapshot { SNAPSHOT_PER_SHARD, SNAPSHOT_SHARED };
enum config_strategy { STRATEGY_PARALLEL, STRATEGY_SEQUENTIAL };

struct config_aggregation {
	enum config_strategy strategy;
	uint64_t timeout_ms;
	uint32_t retry_count;
	uint64_t memory_bytes;
};

enum config_log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct config_log {
	enum log_level level;
	enum config_log_format format;
	uint64_t slow_query_ms; /* 0: log no statement as slow */
};

struct config_shard {
	int line;
	const char *name, *dsn;
	uint32_t weight;
};

struct config_distribution {
	int line;
	const char *name;
	const char *method; /* "hash", "range" or "directory" */
	struct config_strings types;
	uint32_t chunks;
	const char *function;		/* "pg" or "xxh3" */
	struct config_strings split_at; /* range */
	const char *new_keys;		/* directory: "round robin" or "least loaded" */
	const char *new_keys_on;	/* directory: a shard; NULL: any */
};

/* Exactly one of: shard_key.n > 0, reference, single. */
struct config_table {
	int line;
	const char *name; /* as in SQL: table, or schema.table */
	struct config_strings shard_key;
	const char *distribution; /* NULL: the default one of the key's type */
	bool reference;
	const char *single; /* name of the home shard */
};

struct config_lease {
	uint64_t duration_ms;
};

struct config {
	struct arena arena;
	const char *path; /* NULL: not from a file */
	struct config_addresses listen, admin, http;
	uint32_t workers; /* never 0 after loading: "0" became the number of cores */
	const char *name; /* NULL: none of its own */
	const char *catalog_dsn;
	struct config_lease lease;
	struct config_user *users;
	unsigned n_users;
	struct config_rule *rules; /* never empty after loading */
	unsigned n_rules;
	bool password_without_tls; /* method password may send it in clear over TCP */
	struct config_auth_query auth_query;
	struct config_tls tls;
	struct config_pool pool;
	struct config_timeouts timeouts;
	struct config_limits limits;
	struct config_tcp tcp;
	enum config_consistency_mode consistency_mode;
	enum config_read_snapshot read_snapshot;
	struct config_aggregation aggregation;
	struct config_strings default_shard_key;
	struct config_log log;
	struct config_shard *shards;
	unsigned n_shards;
	struct config_distribution *distributions;
	unsigned n_distributions;
	struct config_table *tables;
	unsigned n_tables;
};

struct config_fault {
	int line;   /* 0: the file as a whole */
	char *text; /* "FILE:LINE: key: what is wrong; what to write" */
};

struct config_faults {
	struct config_fault *items;
	unsigned n;
};

void config_faults_init(struct config_faults *faults);
void config_faults_finish(struct config_faults *faults);

enum status config_load(const char *path, struct config **out, struct config_faults *faults);
/* The same from text; `name` stands where the file's name would. */
enum status config_parse_text(const char *text, size_t n, const char *name, struct config **out,
			      struct config_faults *faults);
/* Every default and nothing else: no catalog, no users. For tests. */
struct config *config_defaults(void);
void config_destroy(struct config *cfg); /* NULL is fine */

/* NULL: no such user. */
const struct config_user *config_find_user(const struct config *cfg, const char *name);
/* The user's own mode, else pool.mode. */
enum config_pool_mode config_mode_of(const struct config *cfg, const char *user);
const char *config_mode_name(enum config_pool_mode mode);
/* The first rule that matches; NULL: none, which means reject. peer: NULL for a unix socket. */
const struct config_rule *config_find_rule(const struct config *cfg, const struct sockaddr *peer,
					   bool is_tls, const char *database, const char *user);

/* One row a key, list items as auth.users[0].name; secrets are shown as ********. */
struct config_row {
	const char *key, *value, *default_value; /* default_value NULL: has none */
	bool is_reloadable;			 /* takes effect on RELOAD, without a restart */
};
typedef void (*config_row_cb)(void *ctx, const struct config_row *row);
void config_show(const struct config *cfg, config_row_cb on_row, void *ctx);
/* Keys that differ and cannot be changed by RELOAD: one call a key, with the new value. */
void config_diff_fixed(const struct config *now, const struct config *next, config_row_cb on_row,
		       void *ctx);

/* keyword = value pairs, or a postgresql:// URI; what libpq makes of them shows when it connects.
 */
bool dsn_is_well_formed(const char *dsn);
/* A DSN (keywords or URI) with its passwords replaced by ********. */
char *dsn_mask(struct arena *a, const char *dsn);
/* One keyword's value of a DSN in keyword form; NULL: not there, or a URI. */
char *dsn_value(struct arena *a, const char *dsn, const char *keyword);
bool config_is_key(const char *path);
const char *config_method_name(enum config_method method);

#endif
