/* The equivalence runner: the same SQL on one PostgreSQL and through the proxy.
 *
 *   equivalence_runner --direct DSN --proxy DSN [--shard-dsn DSN]... [--label TEXT]
 *                      [--modes "simple text"] [--verbose] [--plain] FILE...
 *
 * Happy path: each file is run from top to bottom once per mode, on two fresh
 * connections; every statement's outcomes are rendered to text (compare.h) and
 * must be the same text. README.md has the directives of the files.
 * Failure: a difference is printed with file, line, mode and both sides. After
 * every error the proxy's connection must still answer SELECT 1. A lost
 * connection ends that file and mode. Exit status 0: nothing failed.
 */
#include "compare.h"

struct options {
	const char *direct, *proxy, *label;
	const char *shards[64];
	int n_shards;
	unsigned modes;
	bool verbose;
	bool plain; /* the "proxy" is one more PostgreSQL: a test of these tests */
};

struct totals {
	int passed, refused, failed, skipped;
};

/* One file in one mode: two connections and the counts. */
struct pass {
	const struct options *opt;
	const struct case_file *file;
	enum mode mode;
	struct client direct, proxy;
	struct totals sum;
};

static void report(struct pass *p, const struct sql_case *c, const char *what)
{
	p->sum.failed++;
	printf("not ok - %s:%d %s%s%s: %s\n    %s\n", p->file->path, c->line, mode_names[p->mode],
	       p->opt->label != NULL ? " " : "", p->opt->label != NULL ? p->opt->label : "", what,
	       c->sql);
	if (c->params != NULL)
		printf("    parameters: %s\n", c->params);
}

/* The error a statement ended with, or NULL. In txn mode the COMMIT follows it. */
static const PGresult *find_error(const struct outcome *o)
{
	for (int i = 0; i < o->n_results; i++)
		if (PQresultStatus(o->results[i]) == PGRES_FATAL_ERROR)
			return o->results[i];
	return NULL;
}

static bool is_refusal(const struct outcome *o, const char *state)
{
	const PGresult *err = find_error(o);
	const char *got = err != NULL ? PQresultErrorField(err, PG_DIAG_SQLSTATE) : NULL;
	const char *hint = err != NULL ? PQresultErrorField(err, PG_DIAG_MESSAGE_HINT) : NULL;

	return got != NULL && strcmp(got, state) == 0 && hint != NULL && hint[0] != '\0';
}

/* After an error the connection must answer: 1, or 25P02 in a failed block. */
static bool still_answers(struct client *c)
{
	static const struct sql_case probe = { .modes = ALL_MODES };
	PGTransactionStatusType txn = PQtransactionStatus(c->conn);
	struct outcome o;
	bool ok = false;

	client_run(c, MODE_SIMPLE, &probe, "SELECT 1", &o);
	if (!o.lost && o.n_results == 1 && txn == PQTRANS_INERROR) {
		const char *state = PQresultErrorField(o.results[0], PG_DIAG_SQLSTATE);

		ok = state != NULL && strcmp(state, "25P02") == 0;
	} else if (!o.lost && o.n_results == 1) {
		ok = PQntuples(o.results[0]) == 1 &&
		     strcmp(PQgetvalue(o.results[0], 0, 0), "1") == 0;
	}
	outcome_free(&o);
	return ok;
}

static void leave_transaction(struct client *c)
{
	if (c->conn != NULL && PQtransactionStatus(c->conn) != PQTRANS_IDLE)
		PQclear(PQexec(c->conn, "ROLLBACK"));
}

/* ---- state of tables after a write ---- */

static char *table_text(struct client *c, const char *sql)
{
	struct sql_case probe = { .sql = (char *)(uintptr_t)sql, .order = ORDER_OPEN };
	struct outcome o;
	char *text;

	client_run(c, MODE_SIMPLE, &probe, sql, &o);
	text = render_outcome(&o, &probe);
	outcome_free(&o);
	return text;
}

static void append_rows(struct text *rows, const char *dsn, const char *sql)
{
	PGconn *conn = PQconnectdb(dsn);
	PGresult *res = PQexec(conn, sql);
	struct sql_case probe = { .order = ORDER_OPEN };
	char **lines = rows_as_lines(res, &probe);

	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		text_addf(rows, "%s\n", PQresultErrorMessage(res));
	for (int i = 0; i < PQntuples(res); i++) {
		text_addf(rows, "%s\n", lines[i]);
		free(lines[i]);
	}
	free(lines);
	PQclear(res);
	PQfinish(conn);
}

static char *sorted_lines(struct text *t)
{
	struct text out = { 0 };
	char *lines[65536];
	int n = 0;

	for (char *l = t->data != NULL ? strtok(t->data, "\n") : NULL; l != NULL && n < 65536;
	     l = strtok(NULL, "\n"))
		lines[n++] = l;
	text_adds(&out, "");
	render_lines(&out, lines, n, true);
	text_free(t);
	return out.data;
}

/* The rows on the shards themselves: together (sharded), on each (reference),
 * or on the first, the home shard (single). */
static void check_shards(struct pass *p, const struct sql_case *c, const char *sql,
			 const char *kind)
{
	bool reference = strcmp(kind, "ref") == 0;
	int n = strcmp(kind, "single") == 0 ? 1 : p->opt->n_shards;
	struct text direct = { 0 }, shards = { 0 };
	char *want, *got;

	append_rows(&direct, p->opt->direct, sql);
	want = sorted_lines(&direct);
	for (int i = 0; i < n; i++) {
		append_rows(&shards, p->opt->shards[i], sql);
		if (!reference && i + 1 < n)
			continue;
		got = sorted_lines(&shards);
		if (strcmp(want, got) != 0) {
			report(p, c,
			       reference ? "a shard's copy of the table differs"
					 : "the shards' rows together differ");
			printf("    %s, shard %d\n", sql, i + 1);
			print_difference(want, got);
		}
		free(got);
	}
	free(want);
}

static void check_table(struct pass *p, const struct sql_case *c, char *name)
{
	char *kind = strchr(name, ':');
	char *sql = NULL, *want, *got;

	if (kind != NULL)
		*kind++ = '\0';
	if (asprintf(&sql, "SELECT * FROM %s", name) < 0)
		must(NULL);
	want = table_text(&p->direct, sql);
	got = table_text(&p->proxy, sql);
	if (strcmp(want, got) != 0) {
		report(p, c, "the table differs after it");
		print_difference(want, got);
	} else if (PQtransactionStatus(p->direct.conn) == PQTRANS_IDLE && p->opt->n_shards > 0) {
		check_shards(p, c, sql, kind != NULL ? kind : "");
	}
	free(want);
	free(got);
	free(sql);
}

static void check_tables(struct pass *p, const struct sql_case *c)
{
	char *copy = copy_string(c->check_tables), *save = NULL;

	for (char *name = strtok_r(copy, ", ", &save); name != NULL && p->proxy.conn != NULL;
	     name = strtok_r(NULL, ", ", &save))
		check_table(p, c, name);
	free(copy);
}

/* ---- one case ---- */

static void run_setup(struct pass *p, const struct sql_case *c, struct client *client,
		      const char *sql)
{
	struct outcome o;
	const PGresult *err;

	client_run(client, MODE_SIMPLE, c, sql, &o);
	err = find_error(&o);
	if (o.lost || err != NULL) {
		report(p, c,
		       client == &p->proxy ? "setup failed through the proxy"
					   : "setup failed on PostgreSQL");
		printf("    %s\n", o.lost ? o.lost_why : PQresultErrorMessage(err));
	}
	outcome_free(&o);
}

/* One shard holds everything: it may run what several cannot do together. */
static bool may_answer(const struct pass *p, const struct sql_case *c)
{
	return c->expect == EXPECT_EITHER || (p->opt->n_shards == 1 && !c->refused_on_one);
}

/* Through the proxy first: what it refuses must not happen on the other side. */
static bool run_refusable(struct pass *p, const struct sql_case *c, struct outcome *got)
{
	const char *state = c->expect == EXPECT_REFUSED ? c->refused_state : "0A000";
	bool refused = is_refusal(got, state);
	char *text;

	if (!refused && may_answer(p, c))
		return false;
	if (!refused) {
		report(p, c, "must be refused");
		text = render_outcome(got, c);
		printf("    expected: %s with a hint\n", state);
		print_difference("", text);
		free(text);
	} else if (!still_answers(&p->proxy)) {
		report(p, c, "no proper answer to SELECT 1 after the refusal");
	} else {
		p->sum.passed++;
		p->sum.refused++;
	}
	leave_transaction(&p->proxy);
	return true;
}

static void run_compared(struct pass *p, const struct sql_case *c, const char *plain,
			 struct outcome *got)
{
	struct outcome want;
	char *want_text, *got_text;
	int failed = p->sum.failed;

	client_run(&p->direct, p->mode, c, plain, &want);
	want_text = render_outcome(&want, c);
	got_text = render_outcome(got, c);
	if (strcmp(want_text, got_text) != 0) {
		report(p, c, "differs");
		print_difference(want_text, got_text);
	} else if (find_error(got) != NULL && !still_answers(&p->proxy)) {
		report(p, c, "no proper answer to SELECT 1 after the error");
	}
	if (p->proxy.conn != NULL && p->direct.conn != NULL && c->check_tables != NULL)
		check_tables(p, c);
	p->sum.passed += p->sum.failed == failed;
	if (p->opt->verbose)
		printf("# %s:%d %s\n%s", p->file->path, c->line, mode_names[p->mode], want_text);
	free(want_text);
	free(got_text);
	outcome_free(&want);
}

static void run_case(struct pass *p, const struct sql_case *c)
{
	char *plain = without_mosaic_options(c->sql);
	const char *sql = p->opt->plain ? plain : c->sql;
	struct outcome got;

	if (c->setup || c->side != SIDE_BOTH) {
		if (c->side != SIDE_PROXY)
			run_setup(p, c, &p->direct, plain);
		if (c->side != SIDE_DIRECT)
			run_setup(p, c, &p->proxy, sql);
	} else if (p->opt->plain && c->expect == EXPECT_REFUSED) {
		p->sum.skipped++;
	} else {
		client_run(&p->proxy, p->mode, c, sql, &got);
		if (c->expect == EXPECT_EQUAL || !run_refusable(p, c, &got))
			run_compared(p, c, plain, &got);
		outcome_free(&got);
	}
	free(plain);
}

static bool runs_in(const struct pass *p, const struct sql_case *c)
{
	if (c->setup || c->side != SIDE_BOTH)
		return true;
	if ((c->modes & (1u << p->mode)) == 0 || (c->multi && p->mode != MODE_SIMPLE))
		return false;
	return c->params == NULL || p->mode != MODE_SIMPLE;
}

/* Transaction blocks of the file that are open must end on both sides alike. */
static void realign(struct pass *p)
{
	if (PQtransactionStatus(p->direct.conn) != PQtransactionStatus(p->proxy.conn)) {
		leave_transaction(&p->direct);
		leave_transaction(&p->proxy);
	}
}

static void run_pass(struct pass *p)
{
	bool open = client_open(&p->direct) && client_open(&p->proxy);
	int i;

	for (i = 0; open && i < p->file->n_cases; i++) {
		const struct sql_case *c = &p->file->cases[i];

		if (!runs_in(p, c))
			continue;
		run_case(p, c);
		open = p->direct.conn != NULL && p->proxy.conn != NULL;
		if (open)
			realign(p);
	}
	if (!open) {
		p->sum.failed++;
		printf("not ok - %s %s: the connection is lost, %d cases were not run\n",
		       p->file->path, mode_names[p->mode], p->file->n_cases - i);
	}
	client_close(&p->direct);
	client_close(&p->proxy);
}

static void run_file(const struct options *opt, const char *path, struct totals *total)
{
	struct case_file file;
	struct totals sum = { 0 };

	case_file_read(&file, path);
	for (int m = 0; m < N_MODES; m++) {
		struct pass p = { .opt = opt, .file = &file, .mode = (enum mode)m };

		if ((file.modes & opt->modes & (1u << m)) == 0)
			continue;
		p.direct.dsn = opt->direct;
		p.proxy.dsn = opt->proxy;
		run_pass(&p);
		sum.passed += p.sum.passed;
		sum.refused += p.sum.refused;
		sum.failed += p.sum.failed;
		sum.skipped += p.sum.skipped;
	}
	printf("%s - %s%s%s: %d passed (%d refused as they should or may), %d failed\n",
	       sum.failed == 0 ? "ok" : "not ok", path, opt->label != NULL ? " " : "",
	       opt->label != NULL ? opt->label : "", sum.passed, sum.refused, sum.failed);
	fflush(stdout);
	total->passed += sum.passed;
	total->refused += sum.refused;
	total->failed += sum.failed;
	total->skipped += sum.skipped;
	case_file_free(&file);
}

static unsigned modes_from(const char *list)
{
	struct case_file none = { .path = "--modes" };
	struct case_reader r = { .file = &none };
	char *copy = copy_string(list);
	unsigned modes = parse_modes(&r, copy);

	free(copy);
	return modes;
}

static bool parse_option(struct options *opt, const char *name, const char *value)
{
	if (strcmp(name, "--direct") == 0)
		opt->direct = value;
	else if (strcmp(name, "--proxy") == 0)
		opt->proxy = value;
	else if (strcmp(name, "--label") == 0)
		opt->label = value;
	else if (strcmp(name, "--modes") == 0)
		opt->modes = modes_from(value);
	else if (strcmp(name, "--shard-dsn") == 0 && opt->n_shards < 64)
		opt->shards[opt->n_shards++] = value;
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct options opt = { .modes = ALL_MODES };
	struct totals total = { 0 };
	int i = 1;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		if (strcmp(argv[i], "--verbose") == 0)
			opt.verbose = true;
		else if (strcmp(argv[i], "--plain") == 0)
			opt.plain = true;
		else if (i + 1 < argc && parse_option(&opt, argv[i], argv[i + 1]))
			i++;
		else
			break;
	}
	if (opt.direct == NULL || opt.proxy == NULL || i >= argc || argv[i][0] == '-') {
		fprintf(stderr,
			"usage: equivalence_runner --direct DSN --proxy DSN [--shard-dsn DSN]... "
			"[--label TEXT] [--modes LIST] [--verbose] [--plain] FILE...\n");
		return 2;
	}
	for (; i < argc; i++)
		run_file(&opt, argv[i], &total);
	printf("%d passed, %d failed, %d skipped\n", total.passed, total.failed, total.skipped);
	return total.failed == 0 ? 0 : 1;
}
