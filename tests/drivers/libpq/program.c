/* libpq: the scenario with parameters in text and results in both formats; pipeline mode,
 * single-row mode, COPY, prepared statements described, cancel. */
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static PGconn *conn;

static void put(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n')
			fputs("\\n", stdout);
		else if (p[i] == '\\')
			fputs("\\\\", stdout);
		else if ((unsigned char)p[i] < 32)
			printf("\\x%02x", p[i]);
		else
			putchar(p[i]);
	}
}

static void say(const char *name, const char *format, ...)
{
	va_list args;

	printf("%s: ", name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

static void put_field(const PGresult *r, const char *name, int code)
{
	const char *value = PQresultErrorField(r, code);

	if (value)
		printf(" %s=%s", name, value);
}

/* All of a result, binary values in hex. */
static void put_result(PGresult *r)
{
	printf("%s %s", PQresStatus(PQresultStatus(r)), PQcmdStatus(r));
	put_field(r, "code", PG_DIAG_SQLSTATE);
	put_field(r, "message", PG_DIAG_MESSAGE_PRIMARY);
	put_field(r, "detail", PG_DIAG_MESSAGE_DETAIL);
	put_field(r, "position", PG_DIAG_STATEMENT_POSITION);
	put_field(r, "constraint", PG_DIAG_CONSTRAINT_NAME);
	for (int f = 0; f < PQnfields(r); f++)
		printf(" %s/%u/%d/%d", PQfname(r, f), PQftype(r, f) < 16384 ? PQftype(r, f) : 0,
		       PQfmod(r, f), PQfformat(r, f));
	for (int row = 0; row < PQntuples(r); row++) {
		fputs(" (", stdout);
		for (int f = 0; f < PQnfields(r); f++) {
			fputs(f ? "," : "", stdout);
			if (PQgetisnull(r, row, f))
				fputs("NULL", stdout);
			else if (PQfformat(r, f) == 0)
				put(PQgetvalue(r, row, f), (size_t)PQgetlength(r, row, f));
			else
				for (int i = 0; i < PQgetlength(r, row, f); i++)
					printf("%02x", (unsigned char)PQgetvalue(r, row, f)[i]);
		}
		putchar(')');
	}
}

static void say_result(const char *name, PGresult *r)
{
	printf("%s: ", name);
	put_result(r);
	putchar('\n');
	PQclear(r);
}

static void must(PGresult *r)
{
	if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK) {
		say_result("failed", r);
		exit(1);
	}
	PQclear(r);
}

static FILE *scenario(const char *name)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", getenv("SCENARIO"), name);
	f = fopen(path, "r");
	if (!f) {
		perror(path);
		exit(1);
	}
	return f;
}

static void migrate(void)
{
	FILE *f = scenario("schema.sql");
	char line[4096], sql[65536] = "";

	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "--", 2) == 0)
			continue;
		strcat(sql, line);
		if (strcmp(line + strlen(line) - 2, ";\n") != 0)
			continue;
		must(PQexec(conn, sql));
		*sql = 0;
	}
	fclose(f);
	say("migrate", "done");
}

/* "kind:value|kind:value" in place; arrays become '{…}'. */
static int split_params(char *text, const char **values)
{
	int n = 0;

	for (char *part = strsep(&text, "|"); part && *part; part = strsep(&text, "|")) {
		char *value = strchr(part, ':') + 1, *array;

		if (strncmp(part, "null", 4) == 0) {
			value = NULL;
		} else if (strncmp(part, "int8[]", 6) == 0) {
			array = malloc(strlen(value) + 3);
			sprintf(array, "{%s}", value);
			value = array;
		}
		values[n++] = value;
	}
	return n;
}

static void statements(int binary)
{
	FILE *f = scenario("statements.tsv");
	char line[8192], label[256];

	while (fgets(line, sizeof(line), f)) {
		char *at = line, *name, *sql;
		const char *values[16];
		int n;

		line[strcspn(line, "\n")] = 0;
		name = strsep(&at, "\t");
		sql = strsep(&at, "\t");
		n = split_params(at, values);
		snprintf(label, sizeof(label), "%s %s", name, binary ? "binary" : "text");
		if (n == 0 && !binary)
			say_result(label, PQexec(conn, sql));
		else
			say_result(label,
				   PQexecParams(conn, sql, n, NULL, values, NULL, NULL, binary));
	}
	fclose(f);
}

/* The server's binary form goes back as a binary parameter. */
static void round_trip(int number, const char *column)
{
	char sql[400], key[20], label[100];
	const char *values[2] = { key, NULL };
	int lengths[2] = { 0 }, formats[2] = { 0, 1 };
	PGresult *r;

	snprintf(key, sizeof(key), "%d", number);
	snprintf(sql, sizeof(sql), "SELECT \"%s\" FROM samples WHERE user_id = $1", column);
	r = PQexecParams(conn, sql, 1, NULL, values, NULL, NULL, 1);
	printf("value %d %s: ", number, column);
	put_result(r);
	if (PQntuples(r) == 1 && !PQgetisnull(r, 0, 0)) {
		values[1] = PQgetvalue(r, 0, 0);
		lengths[1] = PQgetlength(r, 0, 0);
	}
	putchar('\n');
	snprintf(sql, sizeof(sql), "UPDATE samples SET \"%s\" = $2 WHERE user_id = $1", column);
	snprintf(label, sizeof(label), "value %d sent back", number);
	say_result(label, PQexecParams(conn, sql, 2, NULL, values, lengths, formats, 0));
	PQclear(r);
	snprintf(sql, sizeof(sql), "SELECT \"%s\"::text FROM samples WHERE user_id = %d", column,
		 number);
	snprintf(label, sizeof(label), "value %d as text", number);
	say_result(label, PQexec(conn, sql));
}

static void values(void)
{
	FILE *f = scenario("values.tsv");
	char line[8192], sql[400], key[20];
	int number = 0;

	while (fgets(line, sizeof(line), f)) {
		char *literal = line, *column = strsep(&literal, "\t");
		const char *params[2] = { key, literal };

		number++;
		literal[strcspn(literal, "\n")] = 0;
		if (strcmp(literal, "\\N") == 0)
			params[1] = NULL;
		snprintf(key, sizeof(key), "%d", number);
		snprintf(sql, sizeof(sql), "INSERT INTO samples (user_id, \"%s\") VALUES ($1, $2)",
			 column);
		must(PQexecParams(conn, sql, 2, NULL, params, NULL, NULL, 0));
		round_trip(number, column);
	}
	fclose(f);
	say_result("all values over shards",
		   PQexecParams(conn, "SELECT * FROM samples ORDER BY user_id", 0, NULL, NULL, NULL,
				NULL, 1));
}

static void prepared(void)
{
	char key[20];
	const char *params[1] = { key };

	say_result("prepare",
		   PQprepare(conn, "by key", "SELECT email, score FROM users WHERE user_id = $1", 0,
			     NULL));
	say_result("describe", PQdescribePrepared(conn, "by key"));
	for (int i = 0; i < 40; i++) {
		snprintf(key, sizeof(key), "%d", i);
		say_result("prepared many times",
			   PQexecPrepared(conn, "by key", 1, params, NULL, NULL, i % 2));
	}
	say_result("prepared twice", PQprepare(conn, "by key", "SELECT 1", 0, NULL));
	say_result("deallocate", PQexec(conn, "DEALLOCATE \"by key\""));
	say_result("gone", PQexecPrepared(conn, "by key", 1, params, NULL, NULL, 0));
}

static void drain_pipeline(const char *label, int n_syncs)
{
	while (n_syncs > 0) {
		PGresult *r = PQgetResult(conn);

		if (!r)
			continue;
		n_syncs -= PQresultStatus(r) == PGRES_PIPELINE_SYNC;
		say_result(label, r);
	}
}

static void queue(const char *sql, int key)
{
	char text[20];
	const char *params[1] = { text };

	snprintf(text, sizeof(text), "%d", key);
	PQsendQueryParams(conn, sql, 1, NULL, params, NULL, NULL, 0);
}

static void pipeline(void)
{
	PQenterPipelineMode(conn);
	for (int i = 100; i < 140; i++)
		queue("INSERT INTO users (user_id, email) VALUES ($1, 'pipe') RETURNING user_id, email",
		      i);
	PQpipelineSync(conn);
	for (int i = 100; i < 120; i++) {
		queue("SELECT user_id, email FROM users WHERE user_id = $1", i);
		if (i % 5 == 0)
			PQpipelineSync(conn);
	}
	PQpipelineSync(conn);
	drain_pipeline("pipeline", 6);
	queue("UPDATE users SET score = 900 WHERE user_id = $1", 100);
	queue("UPDATE users SET score = 900 WHERE user_id = $1", 101);
	queue("INSERT INTO users (user_id, email) VALUES ($1, 'twice')", 100);
	queue("UPDATE users SET score = 900 WHERE user_id = $1", 102);
	PQpipelineSync(conn);
	queue("SELECT count(*) FROM users WHERE score = 900 AND user_id > $1", 0);
	PQpipelineSync(conn);
	drain_pipeline("error in a pipeline", 2);
	queue("BEGIN", 0); /* one parameter too many */
	PQsendQueryParams(conn, "BEGIN", 0, NULL, NULL, NULL, NULL, 0);
	PQpipelineSync(conn);
	PQsendQueryParams(conn, "BEGIN", 0, NULL, NULL, NULL, NULL, 0);
	queue("UPDATE users SET score = 901 WHERE user_id = $1", 100);
	queue("UPDATE users SET score = 901 WHERE user_id = $1", 101);
	PQsendQueryParams(conn, "COMMIT", 0, NULL, NULL, NULL, NULL, 0);
	queue("SELECT count(*) FROM users WHERE score = 901 AND user_id > $1", 0);
	PQpipelineSync(conn);
	drain_pipeline("transaction in a pipeline", 2);
	PQsendPrepare(conn, "in pipe", "SELECT email FROM users WHERE user_id = $1", 0, NULL);
	PQsendDescribePrepared(conn, "in pipe");
	for (int i = 1; i < 8; i++) {
		char key[20];
		const char *params[1] = { key };

		snprintf(key, sizeof(key), "%d", i);
		PQsendQueryPrepared(conn, "in pipe", 1, params, NULL, NULL, 0);
		if (i == 4)
			PQsendFlushRequest(conn);
	}
	PQpipelineSync(conn);
	drain_pipeline("prepared in a pipeline", 1);
	PQexitPipelineMode(conn);
}

static void single_row(void)
{
	PGresult *r;

	PQsendQuery(conn,
		    "SELECT user_id FROM users ORDER BY user_id LIMIT 12; SELECT nosuch; SELECT 2");
	PQsetSingleRowMode(conn);
	while ((r = PQgetResult(conn)))
		say_result("single-row mode", r);
	say_result(
		"transaction of several statements",
		PQexec(conn, "INSERT INTO users (user_id, email) VALUES (500, 'x'); SELECT 1 / 0"));
	say_result("nothing left of it",
		   PQexec(conn, "SELECT count(*) FROM users WHERE user_id = 500"));
	say_result("empty query", PQexec(conn, ""));
	say_result("only a comment", PQexec(conn, "-- nothing"));
}

static void copy(void)
{
	char line[100], *row;
	PGresult *r = PQexec(conn, "COPY users (user_id, email) FROM STDIN");
	int n;

	say_result("copy in begins", r);
	for (int i = 200; i < 300; i++) {
		n = snprintf(line, sizeof(line), "%d\tcopy\\t%d\n", i, i);
		PQputCopyData(conn, line, n);
	}
	PQputCopyEnd(conn, NULL);
	while ((r = PQgetResult(conn)))
		say_result("copy in", r);
	must(PQexec(conn, "BEGIN"));
	PQclear(PQexec(conn, "COPY users (user_id, email) FROM STDIN (FORMAT csv)"));
	PQputCopyData(conn, "400,x\n", 6);
	PQputCopyEnd(conn, "the client gave up");
	while ((r = PQgetResult(conn)))
		say_result("copy in that fails", r);
	say_result("after it", PQexec(conn, "ROLLBACK"));
	PQclear(PQexec(conn,
		       "COPY (SELECT user_id, email FROM users WHERE user_id = 204) TO STDOUT"));
	while ((n = PQgetCopyData(conn, &row, 0)) > 0) {
		fputs("copy out: ", stdout);
		put(row, (size_t)n);
		putchar('\n');
		PQfreemem(row);
	}
	while ((r = PQgetResult(conn)))
		say_result("copy out ends", r);
}

static void cancel(void)
{
	char error[256];
	PGcancel *c = PQgetCancel(conn);
	PGresult *r;

	PQsendQuery(conn, "SELECT pg_sleep(20)");
	usleep(300000);
	say("cancel sent", "%d", PQcancel(c, error, sizeof(error)));
	while ((r = PQgetResult(conn)))
		say_result("cancel", r);
	PQfreeCancel(c);
	say_result("after cancel", PQexec(conn, "SELECT email FROM users WHERE user_id = 7"));
}

static void failed_connection(const char *name, const char *options)
{
	PGconn *other = PQconnectdb(options);
	const char *error = PQerrorMessage(other), *fatal = strstr(error, "FATAL:");

	printf("%s: %d ", name, PQstatus(other));
	put(fatal ? fatal : error, strlen(fatal ? fatal : error));
	putchar('\n');
	PQfinish(other);
}

static void connections(void)
{
	PQreset(conn);
	say("reset", "%d %s", PQstatus(conn), PQparameterStatus(conn, "client_encoding"));
	say_result("after reset", PQexec(conn, "SELECT email FROM users WHERE user_id = 7"));
	PQfinish(conn);
	failed_connection("wrong password", "password=wrong");
	failed_connection("unknown database", "dbname=nosuch");
	conn = PQconnectdb(
		"options='-c statement_timeout=300ms -c search_path=public' application_name=again");
	say_result("settings at the start", PQexec(conn, "SHOW statement_timeout"));
	say_result("statement timeout", PQexec(conn, "SELECT pg_sleep(20)"));
	PQfinish(conn);
}

static void no_notice(void *arg, const PGresult *r)
{
	(void)arg;
	printf("notice: %s %s\n", PQresultErrorField(r, PG_DIAG_SQLSTATE),
	       PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
}

int main(void)
{
	conn = PQconnectdb("");
	if (PQstatus(conn) != CONNECTION_OK) {
		fputs(PQerrorMessage(conn), stderr);
		return 1;
	}
	PQsetNoticeReceiver(conn, no_notice, NULL);
	say("connect", "%s %s %s", PQparameterStatus(conn, "server_encoding"),
	    PQparameterStatus(conn, "DateStyle"), PQparameterStatus(conn, "is_superuser"));
	migrate();
	statements(0);
	values();
	prepared();
	pipeline();
	single_row();
	copy();
	must(PQexec(conn, "DROP TABLE items, orders, users, samples, countries"));
	migrate();
	statements(1);
	cancel();
	connections();
	return 0;
}
