/* A whole file: what it gives, and what each kind of mistake says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "pgmosaic/config/config.h"

#define BASE                                                   \
	"catalog: { dsn: \"host=127.0.0.1 dbname=mosaic\" }\n" \
	"auth: { users: [ { name: app, password: secret } ] }\n"

/* The repository's top, wherever the test is started. */
#define SOURCE_PATH(file) source_path(__FILE__, file)

static const char *source_path(const char *this_file, const char *file)
{
	static char path[4096];
	const char *top = strstr(this_file, "tests/unit/");

	assert_non_null(top);
	snprintf(path, sizeof(path), "%.*s%s", (int)(top - this_file), this_file, file);
	return path;
}

static struct config *parse_good(const char *text)
{
	struct config_faults faults;
	struct config *cfg = NULL;

	config_faults_init(&faults);
	if (config_parse_text(text, strlen(text), "t.yaml", &cfg, &faults) != STATUS_OK)
		fail_msg("%s", faults.items[0].text);
	assert_int_equal(faults.n, 0);
	return cfg;
}

/* Exactly this one fault, word for word at the start. */
static void expect_fault(const char *text, const char *expected)
{
	struct config_faults faults;
	struct config *cfg = NULL;

	config_faults_init(&faults);
	assert_int_equal(config_parse_text(text, strlen(text), "t.yaml", &cfg, &faults),
			 STATUS_CONFIG);
	assert_null(cfg);
	if (faults.n != 1 || strncmp(faults.items[0].text, expected, strlen(expected)) != 0)
		fail_msg("expected \"%s\", got %u: \"%s\"", expected, faults.n,
			 faults.items[0].text);
	config_faults_finish(&faults);
}

static void defaults_are_as_documented(void **state)
{
	struct config *cfg = parse_good(BASE);

	(void)state;
	assert_int_equal(cfg->listen.n, 1);
	assert_int_equal(cfg->listen.items[0].port, 6432);
	assert_int_equal(cfg->admin.items[0].port, 6433);
	assert_int_equal(cfg->http.items[0].port, 6434);
	assert_true(cfg->workers >= 1);
	assert_int_equal(cfg->pool.size, 20);
	assert_int_equal(cfg->pool.max_lifetime_ms, 3600000);
	assert_int_equal(cfg->timeouts.connect_ms, 5000);
	assert_int_equal(cfg->timeouts.query_ms, 0);
	assert_int_equal(cfg->timeouts.shutdown_ms, 30000);
	assert_int_equal(cfg->limits.clients, 10000);
	assert_int_equal(cfg->limits.message_bytes, 256 << 20);
	assert_int_equal(cfg->limits.merge_rows, 1000000);
	assert_int_equal(cfg->aggregation.memory_bytes, 64 << 20);
	assert_int_equal(cfg->log.slow_query_ms, 1000);
	assert_int_equal(cfg->default_shard_key.n, 0);
	assert_string_equal(cfg->users[0].server_password, "secret");
	config_destroy(cfg);
}

static void every_part_of_a_full_file_is_read(void **state)
{
	struct config *cfg = parse_good(
		"listen: [ 127.0.0.1:1, \"*:2\", \"/tmp:3\" ]\n"
		"admin: []\n"
		"workers: 2\n"
		"catalog:\n  dsn: host=c\n"
		"auth:\n"
		"  users:\n"
		"    - { name: app, password: secret }\n"
		"    - { name: v, password: \"SCRAM-SHA-256$4096:a$b:c\", server_password: x }\n"
		"    - { name: boss, password: md50123456789abcdef0123456789abcdef, admin: true }\n"
		"  rules:\n"
		"    - { type: local, database: [a, b], user: app, method: trust }\n"
		"pool: { mode: transaction, size: 3, idle_timeout: 90s }\n"
		"log: { level: debug, format: json, slow_query: 0s }\n"
		"default_shard_key: [aid, bid]\n"
		"bootstrap:\n"
		"  shards: [ { name: s1, dsn: dbname=a }, { name: s2, dsn: dbname=b, weight: 2 } ]\n"
		"  distributions: [ { name: d, types: bigint, chunks: 8, function: xxh3 } ]\n"
		"  tables:\n"
		"    - { name: public.orders, shard_key: [a, b], distribution: d }\n"
		"    - { name: countries, reference: true }\n"
		"    - { name: audit, single: s2 }\n");

	(void)state;
	assert_int_equal(cfg->listen.n, 3);
	assert_string_equal(cfg->listen.items[2].unix_dir, "/tmp");
	assert_int_equal(cfg->admin.n, 0);
	assert_int_equal(cfg->workers, 2);
	assert_int_equal(cfg->n_users, 3);
	assert_string_equal(cfg->users[1].server_password, "x");
	assert_int_equal(cfg->users[2].password_kind, PASSWORD_MD5);
	assert_true(cfg->users[2].admin);
	assert_int_equal(cfg->rules[0].type, RULE_LOCAL);
	assert_int_equal(cfg->rules[0].databases.n, 2);
	assert_int_equal(cfg->rules[0].method, METHOD_TRUST);
	assert_int_equal(cfg->pool.idle_timeout_ms, 90000);
	assert_int_equal(cfg->log.level, LOG_DEBUG);
	assert_int_equal(cfg->log.format, LOG_FORMAT_JSON);
	assert_string_equal(cfg->default_shard_key.items[1], "bid");
	assert_int_equal(cfg->shards[1].weight, 2);
	assert_string_equal(cfg->distributions[0].types.items[0], "bigint");
	assert_string_equal(cfg->distributions[0].function, "xxh3");
	assert_int_equal(cfg->tables[0].shard_key.n, 2);
	assert_true(cfg->tables[1].reference);
	assert_string_equal(cfg->tables[2].single, "s2");
	assert_int_equal(cfg->tables[2].line, 22);
	config_destroy(cfg);
}

static void each_mistake_is_named_with_its_line(void **state)
{
	(void)state;
	expect_fault(BASE "admn: x\n", "t.yaml:3: admn: unknown key; write one of listen");
	expect_fault(BASE "pool: { colour: red }\n", "t.yaml:3: pool.colour: unknown key");
	expect_fault(BASE "workers: lots\n", "t.yaml:3: workers: is not a whole number");
	expect_fault(BASE "workers: 999\n", "t.yaml:3: workers: is too big");
	expect_fault(BASE "workers:\n", "t.yaml:3: workers: has no value");
	expect_fault(BASE "workers: [1]\n", "t.yaml:3: workers: is a list");
	expect_fault(BASE "workers: { a: 1 }\n", "t.yaml:3: workers: is a mapping");
	expect_fault(BASE "pool: 5\n", "t.yaml:3: pool: is not a mapping");
	expect_fault(BASE "timeouts: { connect: 5 }\n",
		     "t.yaml:3: timeouts.connect: is not a duration");
	expect_fault(BASE "limits: { message: 5 }\n", "t.yaml:3: limits.message: is not a size");
	expect_fault(BASE "limits: { message: 9TB }\n", "t.yaml:3: limits.message: is too big");
	expect_fault(BASE "log: { level: loud }\n", "t.yaml:3: log.level: has a value that is not");
	expect_fault(BASE "pool:\n  size: 1\n  size: 2\n", "t.yaml:5: pool.size: duplicate key");
	expect_fault(BASE "listen: 127.0.0.1\n", "t.yaml:3: listen: has no port");
	expect_fault(BASE "listen: []\n", "t.yaml:3: listen: is an empty list");
	expect_fault(BASE "http: /tmp:1\n", "t.yaml:3: http: is a unix socket");
	expect_fault(BASE "pool: { min_size: 21 }\n", "t.yaml:3: pool.min_size: is greater than");
	expect_fault(BASE "workers: \"1\\0\"\n", "t.yaml:3: workers: holds a NUL byte");
	expect_fault(BASE "---\na: 1\n", "t.yaml:4: (file): has a second YAML document");
	expect_fault("- a\n", "t.yaml:1: (file): is not a mapping");
	expect_fault("auth: [\n", "t.yaml:2: ");
}

static void what_is_for_a_later_version_says_so(void **state)
{
	(void)state;
	expect_fault(BASE "rebalance: 1\n",
		     "t.yaml:3: rebalance: is not supported by this version");
	expect_fault(BASE "consistency: { mode: eventual }\n",
		     "t.yaml:3: consistency.mode: has a value that is not supported");
	expect_fault(BASE "consistency: { read_snapshot: shared }\n",
		     "t.yaml:3: consistency.read_snapshot: has a value that is not supported");
}

static void missing_keys_are_named(void **state)
{
	(void)state;
	expect_fault("auth: { users: [ { name: a, password: b } ] }\n",
		     "t.yaml:1: catalog.dsn: missing required key");
	expect_fault("catalog: { dsn: dbname=x }\n", "t.yaml:1: auth.users: missing required key");
	expect_fault("catalog: { dsn: dbname=x }\nauth: { users: [] }\n",
		     "t.yaml:2: auth.users: is an empty list");
	expect_fault("catalog: { dsn: dbname=x }\nauth: { users: [ { password: b } ] }\n",
		     "t.yaml:2: auth.users[0].name: missing required key");
}

static void users_and_rules_are_checked(void **state)
{
	(void)state;
	expect_fault("catalog: { dsn: dbname=x }\nauth:\n  users:\n    - { name: a, password: b }\n"
		     "    - { name: a, password: c }\n",
		     "t.yaml:5: auth.users[1].name: is a user that stands above already");
	expect_fault("catalog: { dsn: dbname=x }\nauth:\n  users: [ { name: a, password: b } ]\n"
		     "  rules: [ { method: md5, address: 1.2.3.4 } ]\n",
		     "t.yaml:4: auth.rules[0].address: has no prefix length");
	expect_fault("catalog: { dsn: dbname=x }\nauth:\n  users: [ { name: a, password: b } ]\n"
		     "  rules: [ { type: local, method: md5, address: 1.2.3.4/32 } ]\n",
		     "t.yaml:4: auth.rules[0].address: does not go with type local");
}

#define RULE(rule)                                                      \
	"catalog: { dsn: dbname=x }\nauth:\n  users: [ { name: a } ]\n" \
	"  rules: [ { " rule " } ]\n"
#define TLS "tls: { mode: allow, cert: c, key: k, ca: x }\n"

static void methods_stand_only_where_they_can_work(void **state)
{
	(void)state;
	expect_fault(RULE("type: host, method: peer"),
		     "t.yaml:4: auth.rules[0].method: peer works on unix sockets only");
	expect_fault(RULE("type: host, method: cert") TLS,
		     "t.yaml:4: auth.rules[0].method: cert needs type hostssl and tls.ca");
	expect_fault(RULE("type: hostssl, method: cert") "tls: { mode: allow, cert: c, key: k }\n",
		     "t.yaml:4: auth.rules[0].method: cert needs type hostssl and tls.ca");
	expect_fault(RULE("type: hostnossl, method: password") TLS,
		     "t.yaml:4: auth.rules[0].method: password would send the password in clear");
	expect_fault(RULE("type: hostssl, method: md5"),
		     "t.yaml:4: auth.rules[0].type: hostssl never matches without TLS");
	config_destroy(parse_good(RULE("type: hostssl, method: cert") TLS));
	config_destroy(parse_good(RULE("type: local, method: peer")));
	config_destroy(parse_good(
		RULE("type: hostnossl, method: password") "  password_without_tls: true\n"));
}

static void tls_needs_its_files(void **state)
{
	struct config *cfg;

	(void)state;
	expect_fault(BASE "tls: { mode: allow, key: k }\n", "t.yaml:3: tls.cert: is missing");
	expect_fault(BASE "tls: { mode: allow, cert: c }\n", "t.yaml:3: tls.key: is missing");
	expect_fault(BASE "tls: { mode: verify-ca, cert: c, key: k }\n",
		     "t.yaml:3: tls.ca: is missing");
	expect_fault(BASE "tls: { min_version: TLSv1.1 }\n",
		     "t.yaml:3: tls.min_version: has a value that is not known");
	cfg = parse_good(BASE
			 "tls: { mode: verify-full, cert: c, key: k, ca: a, min_version: TLSv1.3, "
			 "direct: false }\n");
	assert_int_equal(cfg->tls.mode, TLS_VERIFY_FULL);
	assert_string_equal(cfg->tls.ca, "a");
	assert_int_equal(cfg->tls.min_version, TLS_VERSION_1_3);
	assert_false(cfg->tls.direct);
	config_destroy(cfg);
	cfg = parse_good(BASE);
	assert_int_equal(cfg->tls.mode, TLS_DISABLE);
	assert_true(cfg->tls.direct);
	config_destroy(cfg);
}

static void an_auth_query_needs_its_user(void **state)
{
	struct config *cfg;

	(void)state;
	expect_fault("catalog: { dsn: dbname=x }\nauth:\n  users: [ { name: a } ]\n"
		     "  query: { password: b }\n",
		     "t.yaml:4: auth.query.user: is missing");
	cfg = parse_good("catalog: { dsn: dbname=x }\nauth:\n  users: [ { name: a } ]\n"
			 "  query: { user: u, cache: 1s }\n");
	assert_string_equal(cfg->auth_query.user, "u");
	assert_string_equal(cfg->auth_query.sql, "SELECT * FROM mosaic_auth.find_user($1)");
	assert_int_equal(cfg->auth_query.cache_ms, 1000);
	config_destroy(cfg);
}

static void bootstrap_must_fit_together(void **state)
{
#define SHARDS BASE "bootstrap:\n  shards: [ { name: s1, dsn: dbname=x } ]\n"
	(void)state;
	expect_fault(SHARDS "  tables: [ { name: t, single: s9 } ]\n",
		     "t.yaml:5: bootstrap.tables[0].single: names a shard");
	expect_fault(SHARDS "  tables: [ { name: t, shard_key: a, distribution: d } ]\n",
		     "t.yaml:5: bootstrap.tables[0].distribution: names a distribution");
	expect_fault(SHARDS "  tables: [ { name: t } ]\n",
		     "t.yaml:5: bootstrap.tables[0]: has none of");
	expect_fault(SHARDS "  tables: [ { name: t, reference: true, single: s1 } ]\n",
		     "t.yaml:5: bootstrap.tables[0]: has more than one of");
	expect_fault(SHARDS "  distributions: [ { name: d, types: [bigint], method: list } ]\n",
		     "t.yaml:5: bootstrap.distributions[0].method: has a value that is not known");
	expect_fault(SHARDS
		     "  distributions: [ { name: d, types: [bigint], split_at: [\"5\"] } ]\n",
		     "t.yaml:5: bootstrap.distributions[0].split_at: is for method range");
	expect_fault(SHARDS "  distributions: [ { name: d, types: [text], method: directory, "
			    "new_keys_on: nowhere } ]\n",
		     "t.yaml:5: bootstrap.distributions[0].new_keys_on: names a shard");
	expect_fault(BASE "bootstrap:\n  shards: [ { name: s1, dsn: dbname=x nonsense } ]\n",
		     "t.yaml:4: bootstrap.shards[0].dsn: is not a connection string");
	expect_fault(
		SHARDS "  distributions: [ { name: d, types: [float8] } ]\n",
		"t.yaml:5: bootstrap.distributions[0].types: names a type that cannot be a shard "
		"key");
	expect_fault(
		BASE
		"bootstrap:\n  shards: [ { name: s, dsn: dbname=x }, { name: s, dsn: dbname=y } ]\n",
		"t.yaml:4: bootstrap.shards[1].name: is a shard that stands above");
	expect_fault(BASE "bootstrap:\n  tables: [ { name: t, reference: true } ]\n",
		     "t.yaml:4: bootstrap.shards: missing required key");
}

static void all_faults_come_in_one_go_in_line_order(void **state)
{
	static const char text[] = "nope: 1\nworkers: x\npool: { size: y, mode: z }\n";
	struct config_faults faults;
	struct config *cfg = NULL;

	(void)state;
	config_faults_init(&faults);
	assert_int_equal(config_parse_text(text, strlen(text), "t.yaml", &cfg, &faults),
			 STATUS_CONFIG);
	assert_int_equal(faults.n, 6);
	for (unsigned i = 1; i < faults.n; i++)
		assert_true(faults.items[i - 1].line <= faults.items[i].line);
	config_faults_finish(&faults);
}

static void a_file_that_is_not_there_is_a_fault(void **state)
{
	struct config_faults faults;
	struct config *cfg = NULL;

	(void)state;
	config_faults_init(&faults);
	assert_int_equal(config_load("/nonexistent/x.yaml", &cfg, &faults), STATUS_CONFIG);
	assert_int_equal(faults.n, 1);
	assert_non_null(strstr(faults.items[0].text, "/nonexistent/x.yaml: cannot be read"));
	config_faults_finish(&faults);
}

static void the_first_rule_that_matches_decides(void **state)
{
	struct config *cfg =
		parse_good("catalog: { dsn: dbname=x }\n"
			   "auth:\n"
			   "  users: [ { name: a, password: b } ]\n"
			   "  rules:\n"
			   "    - { address: 10.1.0.0/15, user: bad, method: reject }\n"
			   "    - { address: 10.1.0.0/15, database: d, method: md5 }\n"
			   "    - { type: local, method: trust }\n"
			   "    - { address: \"fe80::/10\", method: scram-sha-256 }\n");
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	(void)state;
	inet_pton(AF_INET, "10.1.2.3", &v4.sin_addr);
	assert_ptr_equal(config_find_rule(cfg, (void *)&v4, false, "d", "bad"), &cfg->rules[0]);
	assert_ptr_equal(config_find_rule(cfg, (void *)&v4, false, "d", "a"), &cfg->rules[1]);
	assert_null(config_find_rule(cfg, (void *)&v4, false, "other", "a"));
	inet_pton(AF_INET, "10.2.2.3", &v4.sin_addr);
	assert_null(config_find_rule(cfg, (void *)&v4, false, "d", "a"));
	assert_ptr_equal(config_find_rule(cfg, NULL, false, "d", "bad"), &cfg->rules[2]);
	inet_pton(AF_INET6, "::ffff:10.1.2.3", &v6.sin6_addr);
	assert_ptr_equal(config_find_rule(cfg, (void *)&v6, false, "d", "a"), &cfg->rules[1]);
	inet_pton(AF_INET6, "febf::1", &v6.sin6_addr);
	assert_ptr_equal(config_find_rule(cfg, (void *)&v6, false, "d", "a"), &cfg->rules[3]);
	inet_pton(AF_INET6, "::1", &v6.sin6_addr);
	assert_null(config_find_rule(cfg, (void *)&v6, false, "d", "a"));
	config_destroy(cfg);
}

static void rules_look_at_tls_and_at_masks(void **state)
{
	struct config *cfg =
		parse_good("catalog: { dsn: dbname=x }\n"
			   "auth:\n"
			   "  users: [ { name: a, password: b } ]\n"
			   "  rules:\n"
			   "    - { type: hostssl, method: md5 }\n"
			   "    - { type: hostnossl, user: a, method: reject }\n"
			   "    - { address: 10.1.0.0/255.255.128.0, method: md5 }\n" TLS);
	struct sockaddr_in v4 = { .sin_family = AF_INET };

	(void)state;
	inet_pton(AF_INET, "10.1.2.3", &v4.sin_addr);
	assert_ptr_equal(config_find_rule(cfg, (void *)&v4, true, "d", "a"), &cfg->rules[0]);
	assert_ptr_equal(config_find_rule(cfg, (void *)&v4, false, "d", "a"), &cfg->rules[1]);
	assert_ptr_equal(config_find_rule(cfg, (void *)&v4, false, "d", "b"), &cfg->rules[2]);
	assert_null(config_find_rule(cfg, NULL, false, "d", "b"));
	assert_null(config_find_rule(cfg, NULL, true, "d", "b"));
	inet_pton(AF_INET, "10.1.128.3", &v4.sin_addr);
	assert_null(config_find_rule(cfg, (void *)&v4, false, "d", "b"));
	config_destroy(cfg);
	expect_fault(RULE("address: 10.0.0.0/255.0.255.0, method: md5"),
		     "t.yaml:4: auth.rules[0].address: has a prefix length that does not fit");
	expect_fault(RULE("address: 10.0.0.0/, method: md5"),
		     "t.yaml:4: auth.rules[0].address: has a prefix length that does not fit");
}

static void without_rules_everyone_needs_scram(void **state)
{
	struct config *cfg = parse_good(BASE);
	const struct config_rule *rule = config_find_rule(cfg, NULL, false, "d", "u");

	(void)state;
	assert_non_null(rule);
	assert_int_equal(rule->method, METHOD_SCRAM);
	assert_string_equal(config_method_name(rule->method), "scram-sha-256");
	config_destroy(cfg);
}

static char *read_all(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	if (!f)
		fail_msg("cannot open %s", path);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
	fclose(f);
	return text;
}

static void the_shipped_file_is_good(void **state)
{
	struct config_faults faults;
	struct config *cfg = NULL;

	(void)state;
	config_faults_init(&faults);
	if (config_load(SOURCE_PATH("conf/pgmosaic.yaml"), &cfg, &faults) != STATUS_OK)
		fail_msg("%s", faults.items[0].text);
	assert_int_equal(cfg->n_shards, 3);
	config_destroy(cfg);
	config_faults_finish(&faults);
}

/* Every value the shipped file writes down as a default is the default. */
static void on_row_check(void *ctx, const struct config_row *row)
{
	(void)ctx;
	if (!strchr(row->key, '[') && row->default_value && strcmp(row->key, "workers") != 0 &&
	    strcmp(row->value, row->default_value) != 0)
		fail_msg("%s: the file says %s, the default is %s", row->key, row->value,
			 row->default_value);
}

static void the_shipped_file_shows_the_defaults(void **state)
{
	struct config_faults faults;
	struct config *cfg = NULL;

	(void)state;
	config_faults_init(&faults);
	assert_int_equal(config_load(SOURCE_PATH("conf/pgmosaic.yaml"), &cfg, &faults), STATUS_OK);
	config_show(cfg, on_row_check, NULL);
	config_destroy(cfg);
}

/* The last part of a key's path, as one writes it. */
static bool mentions(const char *text, const char *path, const char *mark)
{
	const char *leaf = strrchr(path, '.');
	char wanted[128];

	snprintf(wanted, sizeof(wanted), "%s%s", leaf ? leaf + 1 : path, mark);
	return strstr(text, wanted) != NULL;
}

static void every_key_is_in_the_shipped_file_and_the_docs(void **state)
{
	char *conf = read_all(SOURCE_PATH("conf/pgmosaic.yaml"));
	char *docs = read_all(SOURCE_PATH("docs/user/configuration.md"));
	char wanted[160];

	(void)state;
	for (unsigned i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];

		snprintf(wanted, sizeof(wanted), "`%s`", key->path);
		if (!strstr(docs, wanted))
			fail_msg("docs/user/configuration.md does not explain %s", wanted);
		if (key->type != KEY_LATER && !mentions(conf, key->path, ":"))
			fail_msg("conf/pgmosaic.yaml does not mention %s", key->path);
	}
	free(conf);
	free(docs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_as_documented),
		cmocka_unit_test(every_part_of_a_full_file_is_read),
		cmocka_unit_test(each_mistake_is_named_with_its_line),
		cmocka_unit_test(what_is_for_a_later_version_says_so),
		cmocka_unit_test(missing_keys_are_named),
		cmocka_unit_test(users_and_rules_are_checked),
		cmocka_unit_test(bootstrap_must_fit_together),
		cmocka_unit_test(all_faults_come_in_one_go_in_line_order),
		cmocka_unit_test(a_file_that_is_not_there_is_a_fault),
		cmocka_unit_test(methods_stand_only_where_they_can_work),
		cmocka_unit_test(tls_needs_its_files),
		cmocka_unit_test(an_auth_query_needs_its_user),
		cmocka_unit_test(rules_look_at_tls_and_at_masks),
		cmocka_unit_test(the_first_rule_that_matches_decides),
		cmocka_unit_test(without_rules_everyone_needs_scram),
		cmocka_unit_test(the_shipped_file_is_good),
		cmocka_unit_test(the_shipped_file_shows_the_defaults),
		cmocka_unit_test(every_key_is_in_the_shipped_file_and_the_docs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
