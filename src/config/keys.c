#include "keys.h"

#include <string.h>

static const struct key_word pool_modes[] = {
	{ "transaction", POOL_TRANSACTION, false },
	{ "session", POOL_SESSION, false },
	{ "statement", POOL_STATEMENT, false },
	{ NULL, 0, false },
};

static const struct key_word user_pool_modes[] = {
	{ "default", POOL_DEFAULT, false },
	{ "transaction", POOL_TRANSACTION, false },
	{ "session", POOL_SESSION, false },
	{ "statement", POOL_STATEMENT, false },
	{ NULL, 0, false },
};

static const struct key_word consistency_modes[] = {
	{ "strong", CONSISTENCY_STRONG, false },
	{ "eventual", CONSISTENCY_EVENTUAL, true },
	{ NULL, 0, false },
};

static const struct key_word snapshots[] = {
	{ "per_shard", SNAPSHOT_PER_SHARD, false },
	{ "shared", SNAPSHOT_SHARED, true },
	{ NULL, 0, false },
};

static const struct key_word strategies[] = {
	{ "parallel", STRATEGY_PARALLEL, false },
	{ "sequential", STRATEGY_SEQUENTIAL, true },
	{ NULL, 0, false },
};

static const struct key_word levels[] = {
	{ "debug", LOG_DEBUG, false },
	{ "info", LOG_INFO, false },
	{ "warning", LOG_WARNING, false },
	{ "error", LOG_ERROR, false },
	{ NULL, 0, false },
};

static const struct key_word formats[] = {
	{ "text", LOG_FORMAT_TEXT, false },
	{ "json", LOG_FORMAT_JSON, false },
	{ NULL, 0, false },
};

static const struct key_word rule_types[] = {
	{ "host", RULE_HOST, false },
	{ "local", RULE_LOCAL, false },
	{ "hostssl", RULE_HOSTSSL, false },
	{ "hostnossl", RULE_HOSTNOSSL, false },
	{ NULL, 0, false },
};

static const struct key_word methods[] = {
	{ "scram-sha-256", METHOD_SCRAM, false }, { "md5", METHOD_MD5, false },
	{ "password", METHOD_PASSWORD, false },	  { "cert", METHOD_CERT, false },
	{ "peer", METHOD_PEER, false },		  { "trust", METHOD_TRUST, false },
	{ "reject", METHOD_REJECT, false },	  { NULL, 0, false },
};

static const struct key_word tls_modes[] = {
	{ "disable", TLS_DISABLE, false },	   { "allow", TLS_ALLOW, false },
	{ "require", TLS_REQUIRE, false },	   { "verify-ca", TLS_VERIFY_CA, false },
	{ "verify-full", TLS_VERIFY_FULL, false }, { NULL, 0, false },
};

static const struct key_word tls_versions[] = {
	{ "TLSv1.2", TLS_VERSION_1_2, false },
	{ "TLSv1.3", TLS_VERSION_1_3, false },
	{ NULL, 0, false },
};

#define CFG(field)   offsetof(struct config, field)
#define USER(field)  offsetof(struct config_user, field)
#define RULE(field)  offsetof(struct config_rule, field)
#define SHARD(field) offsetof(struct config_shard, field)
#define DIST(field)  offsetof(struct config_distribution, field)
#define TABLE(field) offsetof(struct config_table, field)
#define SECTION(name)                                                                    \
	{                                                                                \
		.path = name, .type = KEY_SECTION, .help = "write a mapping: key: value" \
	}
#define LATER(name)                                                       \
	{                                                                 \
		.path = name, .type = KEY_LATER,                          \
		.help = "remove the key: " name " is for a later version" \
	}
#define LIST(name, array, count, type_, flags_, help_)                                            \
	{                                                                                         \
		.path = name, .type = KEY_LIST, .offset = CFG(array), .item_size = sizeof(type_), \
		.count_offset = CFG(count), .max = 100000, .flags = flags_, .help = help_         \
	}

#define KB	      1024ull
#define MB	      (1024 * KB)
#define GB	      (1024 * MB)
#define HOURS	      (3600ull * 1000)
#define DURATION_MAX  (366 * 24 * HOURS)
#define RELOADABLE    KEY_RELOADABLE
#define DURATION_HELP "write a duration such as 500ms, 10s, 5m or 1h"
#define LIMIT_HELP    DURATION_HELP "; 0s means no limit"
#define SYSTEM_HELP   DURATION_HELP "; 0s means the system's default"
#define ADDRESS_HELP \
	"write host:port, [::1]:port, *:port, /socket/directory:port, or a list of them"

static const char timeout_help[] = LIMIT_HELP;

#define TIMEOUT(name, default_)                                                                   \
	{                                                                                         \
		.path = "timeouts." #name, .type = KEY_DURATION,                                  \
		.offset = CFG(timeouts.name##_ms), .default_text = default_, .max = DURATION_MAX, \
		.flags = RELOADABLE, .help = timeout_help                                         \
	}

/* clang-format off */
const struct config_key config_keys[] = {
	{ "listen", KEY_ADDRESSES, CFG(listen), "127.0.0.1:6432", 1, 64, NULL, 0, ADDRESS_HELP, 0, 0 },
	{ "admin", KEY_ADDRESSES, CFG(admin), "127.0.0.1:6433", 0, 64, NULL, 0, ADDRESS_HELP, 0, 0 },
	{ "http", KEY_ADDRESSES, CFG(http), "127.0.0.1:6434", 0, 1, NULL, 0,
	  "write host:port, or [] for none", 0, 0 },
	{ "workers", KEY_INT, CFG(workers), "0", 0, 256, NULL, 0,
	  "write a number of threads, or 0 for one a core", 0, 0 },

	SECTION("catalog"),
	{ "catalog.dsn", KEY_STRING, CFG(catalog_dsn), NULL, 0, 0, NULL, KEY_REQUIRED | KEY_DSN,
	  "write catalog: { dsn: \"host=… port=… dbname=… user=…\" }", 0, 0 },

	{ "name", KEY_STRING, CFG(name), NULL, 0, 63, NULL, 0, "write a name of your choice", 0, 0 },
	SECTION("lease"),
	{ "lease.duration", KEY_DURATION, CFG(lease.duration_ms), "10s", 1000, HOURS, NULL, RELOADABLE,
	  "write a duration from 1s to 1h", 0, 0 },

	SECTION("auth"),
	LIST("auth.users", users, n_users, struct config_user, RELOADABLE | KEY_REQUIRED,
	     "write a list of { name: …, password: … }"),
	{ "auth.users[].name", KEY_STRING, USER(name), NULL, 0, 63, NULL, KEY_REQUIRED | RELOADABLE,
	  "write the name of a PostgreSQL role", 0, 0 },
	{ "auth.users[].password", KEY_STRING, USER(password), NULL, 0, 0, NULL, KEY_SECRET | RELOADABLE,
	  "write the password, a SCRAM-SHA-256$… verifier or an md5… hash", 0, 0 },
	{ "auth.users[].server_password", KEY_STRING, USER(server_password), NULL, 0, 0, NULL,
	  KEY_SECRET | RELOADABLE, "write the plain password for the shards", 0, 0 },
	{ "auth.users[].admin", KEY_BOOL, USER(admin), "false", 0, 0, NULL, RELOADABLE,
	  "write true or false", 0, 0 },
	{ "auth.users[].pool_mode", KEY_WORD, USER(pool_mode), "default", 0, 0, user_pool_modes,
	  RELOADABLE, "write default, transaction, session or statement", 0, 0 },
	LIST("auth.rules", rules, n_rules, struct config_rule, RELOADABLE,
	     "write a list of { type: host, database: all, user: all, address: …, method: … }"),
	{ "auth.rules[].type", KEY_WORD, RULE(type), "host", 0, 0, rule_types, RELOADABLE,
	  "write host (TCP), hostssl, hostnossl or local (unix socket)", 0, 0 },
	{ "auth.rules[].database", KEY_STRINGS, RULE(databases), "all", 1, 1000, NULL, RELOADABLE,
	  "write all, a database name, or a list of names", 0, 0 },
	{ "auth.rules[].user", KEY_STRINGS, RULE(users), "all", 1, 10000, NULL, RELOADABLE,
	  "write all, a user name, or a list of names", 0, 0 },
	{ "auth.rules[].address", KEY_STRING, RULE(address), "all", 0, 0, NULL, RELOADABLE,
	  "write all, or an address with its prefix or mask such as 10.0.0.0/8 or ::1/128", 0, 0 },
	{ "auth.rules[].method", KEY_WORD, RULE(method), NULL, 0, 0, methods, KEY_REQUIRED | RELOADABLE,
	  "write scram-sha-256, md5, password, cert, peer, trust or reject", 0, 0 },
	{ "auth.password_without_tls", KEY_BOOL, CFG(password_without_tls), "false", 0, 0, NULL, RELOADABLE,
	  "write true or false", 0, 0 },
	SECTION("auth.query"),
	{ "auth.query.user", KEY_STRING, CFG(auth_query.user), NULL, 0, 63, NULL, RELOADABLE,
	  "write the name of a role that may run the query", 0, 0 },
	{ "auth.query.password", KEY_STRING, CFG(auth_query.password), NULL, 0, 0, NULL,
	  KEY_SECRET | RELOADABLE, "write that role's password", 0, 0 },
	{ "auth.query.sql", KEY_STRING, CFG(auth_query.sql), "SELECT * FROM mosaic_auth.find_user($1)", 0, 0,
	  NULL, RELOADABLE, "write a SELECT of name and password with $1 for the name", 0, 0 },
	{ "auth.query.cache", KEY_DURATION, CFG(auth_query.cache_ms), "10s", 0, HOURS, NULL, RELOADABLE,
	  DURATION_HELP "; 0s asks each time", 0, 0 },

	SECTION("tls"),
	{ "tls.mode", KEY_WORD, CFG(tls.mode), "disable", 0, 0, tls_modes, RELOADABLE,
	  "write disable, allow, require, verify-ca or verify-full", 0, 0 },
	{ "tls.cert", KEY_STRING, CFG(tls.cert), NULL, 0, 0, NULL, RELOADABLE,
	  "write the path of a PEM file", 0, 0 },
	{ "tls.key", KEY_STRING, CFG(tls.key), NULL, 0, 0, NULL, RELOADABLE,
	  "write the path of a PEM file", 0, 0 },
	{ "tls.ca", KEY_STRING, CFG(tls.ca), NULL, 0, 0, NULL, RELOADABLE,
	  "write the path of a PEM file", 0, 0 },
	{ "tls.min_version", KEY_WORD, CFG(tls.min_version), "TLSv1.2", 0, 0, tls_versions, RELOADABLE,
	  "write TLSv1.2 or TLSv1.3", 0, 0 },
	{ "tls.direct", KEY_BOOL, CFG(tls.direct), "true", 0, 0, NULL, RELOADABLE,
	  "write true or false", 0, 0 },

	SECTION("pool"),
	{ "pool.mode", KEY_WORD, CFG(pool.mode), "transaction", 0, 0, pool_modes, RELOADABLE,
	  "write transaction, session or statement", 0, 0 },
	{ "pool.size", KEY_INT, CFG(pool.size), "20", 1, 10000, NULL, RELOADABLE,
	  "write a number of connections", 0, 0 },
	{ "pool.min_size", KEY_INT, CFG(pool.min_size), "0", 0, 10000, NULL, RELOADABLE,
	  "write a number of connections, at most pool.size", 0, 0 },
	{ "pool.reserve", KEY_INT, CFG(pool.reserve), "5", 0, 10000, NULL, RELOADABLE,
	  "write a number of connections", 0, 0 },
	{ "pool.max_lifetime", KEY_DURATION, CFG(pool.max_lifetime_ms), "1h", 0, DURATION_MAX, NULL,
	  RELOADABLE, LIMIT_HELP, 0, 0 },
	{ "pool.idle_timeout", KEY_DURATION, CFG(pool.idle_timeout_ms), "10m", 0, DURATION_MAX, NULL,
	  RELOADABLE, LIMIT_HELP, 0, 0 },

	SECTION("timeouts"),
	TIMEOUT(connect, "5s"),
	TIMEOUT(login, "15s"),
	TIMEOUT(queue, "10s"),
	TIMEOUT(query, "0s"),
	TIMEOUT(idle_transaction, "0s"),
	TIMEOUT(client_idle, "0s"),
	TIMEOUT(cancel, "5s"),
	TIMEOUT(phase_two, "5s"),
	TIMEOUT(shutdown, "30s"),

	SECTION("limits"),
	{ "limits.clients", KEY_INT, CFG(limits.clients), "10000", 1, 1000000, NULL, RELOADABLE,
	  "write a number of clients", 0, 0 },
	{ "limits.logins", KEY_INT, CFG(limits.logins), "10000", 1, 1000000, NULL, RELOADABLE,
	  "write a number of log-ins", 0, 0 },
	{ "limits.message", KEY_SIZE, CFG(limits.message_bytes), "256MB", 64 * KB, GB, NULL, RELOADABLE,
	  "write a size such as 256MB", 0, 0 },
	{ "limits.memory", KEY_SIZE, CFG(limits.memory_bytes), "64MB", MB, 1024 * GB, NULL, RELOADABLE,
	  "write a size such as 64MB", 0, 0 },
	{ "limits.merge_rows", KEY_COUNT, CFG(limits.merge_rows), "1000000", 1, 1000000000000ull, NULL,
	  RELOADABLE, "write a number of rows", 0, 0 },
	{ "limits.statement_length", KEY_SIZE, CFG(limits.statement_length_bytes), "64MB", KB, GB, NULL,
	  RELOADABLE, "write a size such as 64MB", 0, 0 },

	SECTION("tcp"),
	{ "tcp.keepalive_idle", KEY_DURATION, CFG(tcp.keepalive_idle_ms), "1m", 0, DURATION_MAX, NULL,
	  RELOADABLE, SYSTEM_HELP, 0, 0 },
	{ "tcp.keepalive_interval", KEY_DURATION, CFG(tcp.keepalive_interval_ms), "10s", 0,
	  DURATION_MAX, NULL, RELOADABLE, SYSTEM_HELP, 0, 0 },
	{ "tcp.keepalive_count", KEY_INT, CFG(tcp.keepalive_count), "6", 0, 127, NULL, RELOADABLE,
	  "write a number of probes, or 0 for the system's default", 0, 0 },
	{ "tcp.user_timeout", KEY_DURATION, CFG(tcp.user_timeout_ms), "2m", 0, DURATION_MAX, NULL,
	  RELOADABLE, SYSTEM_HELP, 0, 0 },

	SECTION("consistency"),
	{ "consistency.mode", KEY_WORD, CFG(consistency_mode), "strong", 0, 0, consistency_modes,
	  RELOADABLE, "write strong", 0, 0 },
	{ "consistency.read_snapshot", KEY_WORD, CFG(read_snapshot), "per_shard", 0, 0, snapshots,
	  RELOADABLE, "write per_shard", 0, 0 },

	SECTION("aggregation"),
	{ "aggregation.strategy", KEY_WORD, CFG(aggregation.strategy), "parallel", 0, 0, strategies,
	  RELOADABLE, "write parallel", 0, 0 },
	{ "aggregation.timeout", KEY_DURATION, CFG(aggregation.timeout_ms), "0s", 0, DURATION_MAX, NULL,
	  RELOADABLE, LIMIT_HELP, 0, 0 },
	{ "aggregation.retry_count", KEY_INT, CFG(aggregation.retry_count), "0", 0, 10, NULL, RELOADABLE,
	  "write a number of attempts", 0, 0 },
	{ "aggregation.memory", KEY_SIZE, CFG(aggregation.memory_bytes), "64MB", MB, 1024 * GB, NULL,
	  RELOADABLE, "write a size such as 64MB", 0, 0 },

	{ "default_shard_key", KEY_STRINGS, CFG(default_shard_key), "[]", 0, 64, NULL, RELOADABLE,
	  "write a column name or a list of them", 0, 0 },

	SECTION("log"),
	{ "log.level", KEY_WORD, CFG(log.level), "info", 0, 0, levels, RELOADABLE,
	  "write debug, info, warning or error", 0, 0 },
	{ "log.format", KEY_WORD, CFG(log.format), "text", 0, 0, formats, RELOADABLE,
	  "write text or json", 0, 0 },
	{ "log.slow_query", KEY_DURATION, CFG(log.slow_query_ms), "1s", 0, DURATION_MAX, NULL, RELOADABLE,
	  DURATION_HELP "; 0s switches it off", 0, 0 },

	SECTION("bootstrap"),
	LIST("bootstrap.shards", shards, n_shards, struct config_shard, 0,
	     "write a list of { name: …, dsn: … }"),
	{ "bootstrap.shards[].name", KEY_STRING, SHARD(name), NULL, 0, 63, NULL, KEY_REQUIRED,
	  "write a name of your choice", 0, 0 },
	{ "bootstrap.shards[].dsn", KEY_STRING, SHARD(dsn), NULL, 0, 0, NULL, KEY_REQUIRED | KEY_DSN,
	  "write \"host=… port=… dbname=… user=…\"", 0, 0 },
	{ "bootstrap.shards[].weight", KEY_INT, SHARD(weight), "1", 0, 1000000, NULL, 0,
	  "write a number; 0 places no chunk there", 0, 0 },
	LIST("bootstrap.distributions", distributions, n_distributions, struct config_distribution, 0,
	     "write a list of { name: …, method: hash, types: [bigint] }"),
	{ "bootstrap.distributions[].name", KEY_STRING, DIST(name), NULL, 0, 63, NULL, KEY_REQUIRED,
	  "write a name of your choice", 0, 0 },
	{ "bootstrap.distributions[].method", KEY_STRING, DIST(method), "hash", 0, 0, NULL, 0,
	  "write hash, range or directory", 0, 0 },
	{ "bootstrap.distributions[].types", KEY_STRINGS, DIST(types), NULL, 1, 4, NULL, KEY_REQUIRED,
	  "write the key's type, such as [bigint], [text] or [uuid]", 0, 0 },
	{ "bootstrap.distributions[].chunks", KEY_INT, DIST(chunks), "64", 1, 65536, NULL, 0,
	  "write a number of chunks", 0, 0 },
	{ "bootstrap.distributions[].function", KEY_STRING, DIST(function), "pg", 0, 0, NULL, 0,
	  "write pg or xxh3", 0, 0 },
	{ "bootstrap.distributions[].split_at", KEY_STRINGS, DIST(split_at), NULL, 1, 65535, NULL, 0,
	  "write keys in ascending order, such as [\"2026-01-01\"]", 0, 0 },
	{ "bootstrap.distributions[].new_keys", KEY_STRING, DIST(new_keys), "round robin", 0, 0, NULL, 0,
	  "write round robin or least loaded", 0, 0 },
	{ "bootstrap.distributions[].new_keys_on", KEY_STRING, DIST(new_keys_on), NULL, 0, 63, NULL, 0,
	  "write the name of a shard", 0, 0 },
	LIST("bootstrap.tables", tables, n_tables, struct config_table, 0,
	     "write a list of { name: …, shard_key: … }"),
	{ "bootstrap.tables[].name", KEY_STRING, TABLE(name), NULL, 0, 0, NULL, KEY_REQUIRED,
	  "write table or schema.table", 0, 0 },
	{ "bootstrap.tables[].shard_key", KEY_STRINGS, TABLE(shard_key), NULL, 1, 4, NULL, 0,
	  "write a column name or a list of up to 4", 0, 0 },
	{ "bootstrap.tables[].distribution", KEY_STRING, TABLE(distribution), NULL, 0, 0, NULL, 0,
	  "write the name of a distribution", 0, 0 },
	{ "bootstrap.tables[].reference", KEY_BOOL, TABLE(reference), "false", 0, 0, NULL, 0,
	  "write true or false", 0, 0 },
	{ "bootstrap.tables[].single", KEY_STRING, TABLE(single), NULL, 0, 0, NULL, 0,
	  "write the name of a shard", 0, 0 },

	LATER("rebalance"),
};
/* clang-format on */

const unsigned config_n_keys = sizeof(config_keys) / sizeof(config_keys[0]);

const struct config_key *key_find(const char *path)
{
	for (unsigned i = 0; i < config_n_keys; i++)
		if (strcmp(config_keys[i].path, path) == 0)
			return &config_keys[i];
	return NULL;
}
