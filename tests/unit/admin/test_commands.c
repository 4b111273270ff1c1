/* Commands of the control port, with a world made by hand and no server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/command.h"
#include "pgmosaic/admin/runtime.h"
#include "pgmosaic/catalog/world.h"
#include "pgmosaic/config/config.h"

struct fixture {
	struct world *world;
	struct config *cfg;
	struct admin *admin;
	struct admin_result out;
	struct err err;
	unsigned n_reloads, n_world_reloads, n_shutdowns;
	bool waited, is_paused;
	unsigned n_renewed;
	uint64_t killed;
};

static struct world *get_world(void *ctx)
{
	struct fixture *f = ctx;

	return f->world ? world_hold(f->world) : NULL;
}

static enum status reload_world(void *ctx, struct err *err)
{
	(void)err;
	((struct fixture *)ctx)->n_world_reloads++;
	return STATUS_OK;
}

static struct catalog *get_catalog(void *ctx)
{
	(void)ctx;
	return NULL;
}

static const struct config *get_config(void *ctx)
{
	return ((struct fixture *)ctx)->cfg;
}

static enum status reload_config(void *ctx, struct err *err)
{
	(void)err;
	((struct fixture *)ctx)->n_reloads++;
	return STATUS_OK;
}

static enum status collect(void *ctx, enum runtime_table what, struct admin_result *out,
			   struct err *err)
{
	(void)ctx;
	(void)err;
	if (what == RUNTIME_SERVERS)
		admin_result_row(out, "S", "app", "app", "none", "idle", "127.0.0.1", "7001", "",
				 "0", NULL, NULL, "0", "0", "0", "s3", "", "7", "", "", "0", "3",
				 "s2", "0");
	if (what == RUNTIME_CLIENTS)
		admin_result_row(out, "C", "app", "app", "none", "active", "127.0.0.1", "50000", "",
				 "0", NULL, NULL, "0", "0", "0", "c9", "s3", "0", "", "psql", "0",
				 "9", "0", "");
	return STATUS_OK;
}

static void get_metrics(void *ctx, struct metrics_total *out, uint64_t *uptime_us)
{
	(void)ctx;
	memset(out, 0, sizeof(*out));
	out->values[METRIC_QUERIES_ROUTE] = 90;
	out->values[METRIC_QUERIES_SCATTER] = 10;
	out->sum_us[HIST_QUERY] = 5000;
	*uptime_us = 10000000;
}

static void get_last_period(void *ctx, struct metrics_total *from, struct metrics_total *to,
			    uint64_t *us)
{
	memset(from, 0, sizeof(*from));
	get_metrics(ctx, to, us);
}

static void do_shutdown(void *ctx, bool wait)
{
	struct fixture *f = ctx;

	f->n_shutdowns++;
	f->waited = wait;
}

static enum status do_pause(void *ctx, struct err *err)
{
	(void)err;
	((struct fixture *)ctx)->is_paused = true;
	return STATUS_OK;
}

static void do_resume(void *ctx)
{
	((struct fixture *)ctx)->is_paused = false;
}

static bool is_paused(void *ctx)
{
	return ((struct fixture *)ctx)->is_paused;
}

static void renew_servers(void *ctx)
{
	((struct fixture *)ctx)->n_renewed++;
}

static bool do_kill(void *ctx, uint64_t id)
{
	((struct fixture *)ctx)->killed = id;
	return id == 7;
}

#define ADD(query, ...)                                                     \
	add_schema_row(schema, query, (const char *const[]){ __VA_ARGS__ }, \
		       sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void add_schema_row(struct schema *schema, unsigned query, const char *const *values,
			   size_t n)
{
	struct err err = ERR_INIT;

	if (schema_add_row(schema, query, values, (unsigned)n, &err) != STATUS_OK)
		fail_msg("%s", err.message);
}

/* orders(id bigint, note text) and audit(id bigint), as the queries of schema_query.c tell. */
static struct schema *make_schema(void)
{
	struct schema *schema = schema_create();

	ADD(0, "150000", "UTF8", "c", "C.UTF-8", NULL, "\"$user\", public");
	ADD(1, "pg_catalog");
	ADD(1, "public");
	ADD(2, "count", "i", "a", "f");
	ADD(4, "public", "orders", "16001", "r", "p", "2", "f", "f", "f", "f", "f", "f", "f", "0");
	ADD(4, "public", "audit", "16002", "r", "p", "1", "f", "f", "f", "f", "f", "f", "f", "0");
	ADD(5, "16001", "id", "20", "-1", "0", "1", "t", "", "f", NULL, "f");
	ADD(5, "16001", "note", "25", "-1", "100", "2", "f", "", "f", NULL, "f");
	ADD(5, "16002", "id", "20", "-1", "0", "1", "t", "", "f", NULL, "f");
	schema_seal(schema);
	return schema;
}

/* Two shards; by_id: chunk 1 the negative hashes on s1, chunk 2 the others on s2. */
static struct world *make_world(void)
{
	struct shard_map *map = map_create();
	struct arena *a = &map->arena;
	struct err err = ERR_INIT;

	map->epoch = 5;
	map->cluster = "c";
	map->n_shards = 2;
	map->shards = arena_array(a, struct map_shard, 2);
	map->shards[0] =
		(struct map_shard){ 1, "s1", "host=h1 port=7001 password=x", NULL, "app", 1 };
	map->shards[1] = (struct map_shard){ 2, "s2", "host=h2 port=7002", NULL, "app", 1 };
	map->n_distributions = 1;
	map->distributions = arena_array(a, struct map_distribution, 1);
	map->distributions[0] = (struct map_distribution){
		.id = 1, .name = "by_id", .n_keys = 1, .key_types = { 20 }, .n_chunks = 2
	};
	map->distributions[0].chunks = arena_array(a, struct map_chunk, 2);
	map->distributions[0].chunks[0] =
		(struct map_chunk){ .id = 1, .lo = INT64_MIN, .hi = -1, .shard = 0 };
	map->distributions[0].chunks[1] =
		(struct map_chunk){ .id = 2, .lo = 0, .hi = INT64_MAX, .shard = 1 };
	map->n_tables = 2;
	map->tables = arena_array(a, struct map_table, 2);
	map->tables[0] = (struct map_table){ "public", "orders", MAP_SHARDED, 0, 0, 1, { "id" } };
	map->tables[1] = (struct map_table){ .schema = "public",
					     .name = "countries",
					     .kind = MAP_REFERENCE };
	if (map_seal(map, &err) != STATUS_OK)
		fail_msg("%s", err.message);
	return world_create(map, make_schema(), NULL);
}

static int setup(void **state)
{
	static const char text[] =
		"catalog: { dsn: dbname=x }\n"
		"auth: { users: [ { name: boss, password: hush, admin: true } ] }\n";
	struct fixture *f = calloc(1, sizeof(*f));
	struct admin_runtime runtime = { .ctx = f,
					 .world = get_world,
					 .reload_world = reload_world,
					 .catalog = get_catalog,
					 .config = get_config,
					 .reload_config = reload_config,
					 .collect = collect,
					 .metrics = get_metrics,
					 .last_period = get_last_period,
					 .pause = do_pause,
					 .resume = do_resume,
					 .is_paused = is_paused,
					 .renew_servers = renew_servers,
					 .kill = do_kill,
					 .shutdown = do_shutdown };
	struct config_faults faults;

	config_faults_init(&faults);
	assert_int_equal(config_parse_text(text, strlen(text), "t", &f->cfg, &faults), STATUS_OK);
	f->world = make_world();
	f->admin = admin_create(&runtime);
	admin_result_init(&f->out);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	admin_result_finish(&f->out);
	admin_destroy(f->admin);
	world_drop(f->world);
	config_destroy(f->cfg);
	free(f);
	return 0;
}

static enum status run(struct fixture *f, const char *sql)
{
	admin_result_finish(&f->out);
	admin_result_init(&f->out);
	f->err = (struct err)ERR_INIT;
	return admin_execute(f->admin, "boss", str_of(sql), &f->out, &f->err);
}

static void run_ok(struct fixture *f, const char *sql)
{
	if (run(f, sql) != STATUS_OK)
		fail_msg("%s: %s", sql, f->err.message);
}

static const char *value(const struct fixture *f, unsigned row, const char *column)
{
	assert_true(row < f->out.n_rows);
	for (unsigned i = 0; i < f->out.n_columns; i++)
		if (strcmp(f->out.columns[i].name, column) == 0)
			return f->out.values[row * f->out.n_columns + i];
	fail_msg("no column %s", column);
	return NULL;
}

static void expect_error(struct fixture *f, const char *sql, const char *code, int position)
{
	if (run(f, sql) == STATUS_OK)
		fail_msg("%s: no error", sql);
	if (strcmp(f->err.code, code) != 0 || f->err.position != position)
		fail_msg("%s: %s at %d: %s", sql, f->err.code, f->err.position, f->err.message);
}

static void shards_are_shown_without_passwords(void **state)
{
	struct fixture *f = *state;

	run_ok(f, "show SHARDS;");
	assert_int_equal(f->out.n_rows, 2);
	assert_string_equal(f->out.tag, "SHOW");
	assert_string_equal(value(f, 0, "dsn"), "host=h1 port=7001 password=********");
	assert_string_equal(value(f, 0, "is_home"), "t");
	assert_string_equal(value(f, 1, "chunks"), "1");
	assert_null(value(f, 1, "replicas"));
}

static void the_map_is_shown_as_it_is(void **state)
{
	struct fixture *f = *state;

	run_ok(f, "SHOW DISTRIBUTIONS");
	assert_int_equal(f->out.n_rows, 1);
	assert_string_equal(value(f, 0, "types"), "bigint");
	assert_string_equal(value(f, 0, "tables"), "1");
	run_ok(f, "SHOW CHUNKS OF by_id");
	assert_int_equal(f->out.n_rows, 2);
	assert_string_equal(value(f, 0, "lower"), "-9223372036854775808");
	assert_string_equal(value(f, 0, "shard"), "s1");
	assert_string_equal(value(f, 1, "upper"), "9223372036854775807");
	run_ok(f, "SHOW TABLES");
	assert_int_equal(f->out.n_rows, 3);
	assert_string_equal(value(f, 2, "name"), "audit");
	assert_string_equal(value(f, 2, "kind"), "single");
	assert_string_equal(value(f, 2, "shard"), "s1");
	expect_error(f, "SHOW CHUNKS OF nope", "42704", 0);
}

static void without_a_world_the_map_is_an_error_and_the_rest_works(void **state)
{
	struct fixture *f = *state;

	world_drop(f->world);
	f->world = NULL;
	expect_error(f, "SHOW SHARDS", "58000", 0);
	run_ok(f, "SHOW VERSION");
	run_ok(f, "SHOW CONFIG");
}

static void unknown_commands_point_at_the_word_and_at_show_help(void **state)
{
	struct fixture *f = *state;

	expect_error(f, "FROBNICATE;", "42601", 1);
	assert_string_equal(f->err.hint, "SHOW HELP; lists every command.");
	expect_error(f, "  SHOW nonsense;", "42601", 8);
	assert_string_equal(f->err.hint, "SHOW HELP; lists every command.");
	expect_error(f, "CREATE ELEPHANT;", "42601", 8);
	expect_error(f, "", "42601", 1);
	expect_error(f, "SHOW SHARDS x", "42601", 13);
	assert_string_equal(f->err.hint, "Syntax: SHOW SHARDS");
	expect_error(f, "SHOW CHUNKS OF", "42601", 15);
	expect_error(f, "SHOW CHUNKS OF 'x'", "42601", 16);
	expect_error(f, "SHOW 'open", "42601", 6);
}

static void commands_of_later_versions_say_so(void **state)
{
	static const char *const later[] = {
		"DRAIN SHARD s1;",
		"MOVE CHUNK 17 OF d TO SHARD s2;",
		"MOVE KEY ('a') OF d TO SHARD s3;",
		"REBALANCE;",
		"REBALANCE d DRY RUN;",
		"SHOW MOVES;",
		"PAUSE MOVE 5;",
		"RESUME MOVE 5;",
		"CANCEL MOVE 5;",
		"SHOW LOCKS;",
		"SHOW PLANS;",
		"SHOW QUERIES;",
		"SHOW SCHEMA DRIFT;",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		expect_error(f, later[i], "0A000", 1);
		assert_non_null(strstr(f->err.message, "is not in this version"));
	}
}

static void set_is_accepted_but_not_for_configuration_keys(void **state)
{
	struct fixture *f = *state;

	run_ok(f, "SET extra_float_digits = 3;");
	assert_string_equal(f->out.tag, "SET");
	assert_int_equal(f->out.n_columns, 0);
	run_ok(f, "SET SESSION TimeZone TO 'UTC'");
	run_ok(f, "set client_encoding to 'utf8'; ");
	expect_error(f, "SET pool.size = 5", "0A000", 0);
	assert_non_null(strstr(f->err.hint, "RELOAD"));
	expect_error(f, "SET x = 1; SHOW SHARDS", "42601", 12);
}

static void a_connection_can_be_checked(void **state)
{
	struct fixture *f = *state;

	run_ok(f, "SELECT 1");
	assert_string_equal(f->out.tag, "SELECT 1");
	assert_string_equal(f->out.values[0], "1");
	assert_int_equal(f->out.columns[0].type_oid, 23);
	run_ok(f, "select pg_catalog.version() AS v, current_user, current_database(), 'it''s';");
	assert_int_equal(f->out.n_columns, 4);
	assert_non_null(strstr(value(f, 0, "v"), "pgmosaic"));
	assert_string_equal(value(f, 0, "current_user"), "boss");
	assert_string_equal(value(f, 0, "current_database"), "pgmosaic");
	assert_string_equal(f->out.values[3], "it's");
	run_ok(f, "SHOW server_version");
	run_ok(f, "SHOW TRANSACTION ISOLATION LEVEL");
	assert_string_equal(f->out.values[0], "read committed");
	run_ok(f, "BEGIN ISOLATION LEVEL SERIALIZABLE");
	run_ok(f, "COMMIT");
	run_ok(f, "DISCARD ALL");
	expect_error(f, "SELECT * FROM orders", "42601", 8);
	assert_non_null(strstr(f->err.hint, "main port"));
}

static void describe_gives_the_columns_and_runs_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(admin_describe(f->admin, str_of("SHUTDOWN WAIT;"), &f->out, &f->err),
			 STATUS_OK);
	assert_int_equal(f->out.n_columns, 0);
	assert_int_equal(f->n_shutdowns, 0);
	assert_int_equal(admin_describe(f->admin, str_of("SHOW POOLS"), &f->out, &f->err),
			 STATUS_OK);
	assert_int_equal(f->out.n_columns, RUNTIME_POOLS_COLUMNS);
	assert_int_equal(f->out.n_rows, 0);
	assert_int_equal(admin_describe(f->admin, str_of("SELECT 1, 2"), &f->out, &f->err),
			 STATUS_OK);
	assert_int_equal(f->out.n_columns, 2);
	assert_int_equal(admin_describe(f->admin, str_of("NOPE"), &f->out, &f->err), STATUS_SYNTAX);
}

static void reload_and_shutdown_reach_the_process(void **state)
{
	struct fixture *f = *state;

	run_ok(f, "RELOAD;");
	assert_int_equal(f->n_reloads, 1);
	assert_int_equal(f->n_world_reloads, 1);
	assert_string_equal(f->out.tag, "RELOAD");
	run_ok(f, "SHUTDOWN WAIT");
	assert_true(f->waited);
	run_ok(f, "SHUTDOWN");
	assert_false(f->waited);
	assert_int_equal(f->n_shutdowns, 2);
	expect_error(f, "SHUTDOWN NOW", "42601", 10);
	assert_int_equal(f->n_shutdowns, 2);
}

static void pause_resume_reconnect_and_kill_reach_the_process(void **state)
{
	struct fixture *f = *state;

	expect_error(f, "RESUME", "55006", 0);
	run_ok(f, "PAUSE");
	assert_string_equal(f->out.tag, "PAUSE");
	assert_true(f->is_paused);
	run_ok(f, "SHOW STATE");
	assert_string_equal(value(f, 1, "value"), "yes");
	run_ok(f, "RESUME app;");
	assert_false(f->is_paused);
	expect_error(f, "PAUSE nosuch", "3D000", 7);
	run_ok(f, "RECONNECT");
	assert_int_equal(f->n_renewed, 1);
	run_ok(f, "KILL '7'");
	run_ok(f, "KILL_CLIENT 7");
	assert_int_equal(f->killed, 7);
	expect_error(f, "KILL '8'", "42704", 6);
	expect_error(f, "KILL 'x'", "42704", 6);
	expect_error(f, "KILL", "42601", 5);
}

static void stats_and_databases_have_pgbouncers_columns(void **state)
{
	struct fixture *f = *state;

	run_ok(f, "SHOW STATS");
	assert_string_equal(value(f, 0, "database"), "app");
	assert_string_equal(value(f, 0, "total_query_count"), "100");
	assert_string_equal(value(f, 0, "avg_query_count"), "10");
	assert_string_equal(value(f, 0, "avg_query_time"), "50");
	run_ok(f, "SHOW DATABASES");
	assert_int_equal(f->out.n_rows, 2);
	assert_string_equal(value(f, 0, "host"), "h1");
	assert_string_equal(value(f, 0, "current_connections"), "0");
	assert_string_equal(value(f, 1, "port"), "7002");
	assert_string_equal(value(f, 1, "current_connections"), "1");
	run_ok(f, "SHOW LISTS");
	run_ok(f, "SHOW MEM");
	run_ok(f, "SHOW USERS");
	assert_string_equal(value(f, 0, "name"), "boss");
}

static void configuration_is_shown_without_secrets(void **state)
{
	struct fixture *f = *state;
	bool found = false;

	run_ok(f, "SHOW CONFIG;");
	for (unsigned i = 0; i < f->out.n_rows; i++) {
		assert_string_not_equal(value(f, i, "value"), "hush");
		if (strcmp(value(f, i, "key"), "pool.size") == 0) {
			assert_string_equal(value(f, i, "value"), "20");
			assert_string_equal(value(f, i, "changeable"), "yes");
			found = true;
		}
	}
	assert_true(found);
}

static void help_lists_every_command_and_each_has_a_syntax_that_it_accepts(void **state)
{
	struct fixture *f = *state;
	unsigned n = 0;

	for (unsigned i = 0; i < command_n_families; i++)
		if (command_families[i] != &family_later)
			n += command_families[i]->n;
	run_ok(f, "SHOW HELP;");
	assert_int_equal(f->out.n_rows, n);
	for (unsigned i = 0; i < command_n_families; i++) {
		for (unsigned k = 0; k < command_families[i]->n; k++) {
			const struct command *c = &command_families[i]->commands[k];
			struct call call = { .sql = str_of(c->syntax) };

			assert_ptr_equal(command_find(&call), c);
			assert_true(strlen(c->help) > 0);
		}
	}
}

static char *read_docs(void)
{
	const char *top = strstr(__FILE__, "tests/unit/");
	char path[4096], *text = calloc(1, 1 << 20);
	FILE *file;

	snprintf(path, sizeof(path), "%.*sdocs/user/admin.md", (int)(top - __FILE__), __FILE__);
	file = fopen(path, "r");
	if (!file)
		fail_msg("cannot open %s", path);
	assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
	fclose(file);
	return text;
}

static void every_command_is_in_the_docs(void **state)
{
	char *docs = read_docs();

	(void)state;
	for (unsigned i = 0; i < command_n_families; i++)
		for (unsigned k = 0; k < command_families[i]->n; k++)
			if (!strstr(docs, command_families[i]->commands[k].words))
				fail_msg("docs/user/admin.md does not mention %s",
					 command_families[i]->commands[k].words);
	free(docs);
}

static void explain_route_names_the_tier_and_the_shards(void **state)
{
	struct fixture *f = *state;

	run_ok(f, "EXPLAIN ROUTE SELECT 1;");
	assert_string_equal(f->out.tag, "EXPLAIN");
	assert_string_equal(value(f, 0, "property"), "statement");
	assert_string_equal(value(f, 0, "value"), "SELECT");
	assert_string_equal(value(f, 1, "property"), "tier");
	assert_string_equal(value(f, 1, "value"), "route");
	run_ok(f, "EXPLAIN ROUTE BEGIN");
	assert_string_equal(value(f, 1, "value"), "local");
	expect_error(f, "EXPLAIN ROUTE", "42601", 14);
	expect_error(f, "EXPLAIN ROUTE SELECT 1; SELECT 2", "42601", 0);
}

/* The value of a property of EXPLAIN ROUTE; "" when it is not there. */
static const char *property(const struct fixture *f, const char *name)
{
	for (unsigned i = 0; i < f->out.n_rows; i++)
		if (strcmp(value(f, i, "property"), name) == 0)
			return value(f, i, "value");
	return "";
}

static void explain_route_tells_one_shard_from_several_and_from_refused(void **state)
{
	struct fixture *f = *state;

	run_ok(f, "EXPLAIN ROUTE SELECT * FROM orders WHERE id = 1;");
	assert_string_equal(property(f, "tier"), "route");
	assert_true(strcmp(property(f, "shards"), "s1") == 0 ||
		    strcmp(property(f, "shards"), "s2") == 0);
	run_ok(f, "EXPLAIN ROUTE SELECT * FROM orders WHERE id = $1");
	assert_string_equal(property(f, "tier"), "route");
	assert_string_equal(property(f, "shards"), "known when the parameters are");
	run_ok(f, "EXPLAIN ROUTE TRUNCATE orders");
	assert_string_equal(property(f, "tier"), "scatter");
	run_ok(f, "EXPLAIN ROUTE SELECT * FROM orders ORDER BY id LIMIT 3");
	assert_string_equal(property(f, "tier"), "scatter");
	assert_string_equal(property(f, "shards"), "s1, s2");
	assert_string_equal(property(f, "merge"), "k-way merge of sorted rows");
	run_ok(f, "EXPLAIN ROUTE INSERT INTO orders VALUES (1,'a'),(2,'b'),(3,'c'),(4,'d')");
	assert_string_equal(property(f, "tier"), "scatter");
	assert_string_not_equal(property(f, "rows"), "");
	run_ok(f, "EXPLAIN ROUTE SELECT * FROM orders a JOIN orders b ON a.note = b.note");
	assert_string_equal(property(f, "tier"), "gather");
	assert_string_not_equal(property(f, "not merged, because"), "");
	run_ok(f, "EXPLAIN ROUTE SELECT a, count(*) FROM orders a GROUP BY a");
	assert_string_equal(property(f, "tier"), "refused");
	assert_string_equal(property(f, "sqlstate"), "0A000");
	assert_string_not_equal(property(f, "reason"), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(shards_are_shown_without_passwords),
		TEST(the_map_is_shown_as_it_is),
		TEST(without_a_world_the_map_is_an_error_and_the_rest_works),
		TEST(unknown_commands_point_at_the_word_and_at_show_help),
		TEST(commands_of_later_versions_say_so),
		TEST(set_is_accepted_but_not_for_configuration_keys),
		TEST(a_connection_can_be_checked),
		TEST(describe_gives_the_columns_and_runs_nothing),
		TEST(reload_and_shutdown_reach_the_process),
		TEST(pause_resume_reconnect_and_kill_reach_the_process),
		TEST(stats_and_databases_have_pgbouncers_columns),
		TEST(configuration_is_shown_without_secrets),
		TEST(help_lists_every_command_and_each_has_a_syntax_that_it_accepts),
		TEST(every_command_is_in_the_docs),
		TEST(explain_route_names_the_tier_and_the_shards),
		TEST(explain_route_tells_one_shard_from_several_and_from_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
