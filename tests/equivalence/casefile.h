/* Reading a case file: SQL statements with directives in comments.
 *
 * A statement ends with a `;` at the end of a line. `-- @multi` … `-- @end`
 * holds several statements that are sent as one simple query (or one statement
 * with a `;` at the end of an inner line). Lines `-- @word …` are directives
 * for the next statement; README.md lists them. After a `COPY … FROM STDIN`
 * the lines up to `\.` are the data that is copied in.
 *
 * Failure: a file that cannot be read, or an unknown directive, ends the run:
 * a mistyped directive must never turn into a weaker check.
 */
#ifndef EQUIVALENCE_CASEFILE_H
#define EQUIVALENCE_CASEFILE_H

#include "text.h"

enum mode { MODE_SIMPLE, MODE_TEXT, MODE_BINARY, MODE_PREPARED, MODE_TXN, N_MODES };
static const char *const mode_names[N_MODES] = { "simple", "text", "binary", "prepared", "txn" };
#define ALL_MODES ((1u << N_MODES) - 1)

enum expectation { EXPECT_EQUAL, EXPECT_REFUSED, EXPECT_EITHER };
enum row_order { ORDER_AUTO, ORDER_KEPT, ORDER_OPEN };
enum side { SIDE_BOTH, SIDE_DIRECT, SIDE_PROXY };

#define MAX_PARAMS 32

struct sql_case {
	int line;
	char *sql;
	enum expectation expect;
	char refused_state[6];
	bool refused_on_one; /* also where one shard holds everything */
	enum row_order order;
	enum side side;
	unsigned modes;
	bool setup;	    /* must succeed on both sides; nothing else is compared */
	bool multi;	    /* simple protocol only */
	bool count_only;    /* which rows is left open; how many is not */
	bool state_only;    /* of an error compare SQLSTATE alone */
	bool rounded;	    /* floats to twelve digits */
	bool by_value;	    /* 1.0 is 1.00, -0 is 0 */
	char *check_tables; /* comma list of tables to compare after the statement */
	char *copy_data;
	char *types;
	char *params; /* NULL: none */
};

struct case_file {
	const char *path;
	unsigned modes;
	struct sql_case *cases;
	int n_cases;
};

struct case_reader {
	FILE *in;
	struct case_file *file;
	struct sql_case next; /* directives collected so far */
	char *param_rows[64];
	int n_param_rows;
	bool all_setup;
	int line;
	char *buf;
	size_t cap;
};

__attribute__((noreturn)) static void case_die(const struct case_reader *r, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", r->file->path, r->line, what);
	exit(2);
}

static char *read_line(struct case_reader *r)
{
	ssize_t n = getline(&r->buf, &r->cap, r->in);

	if (n < 0)
		return NULL;
	r->line++;
	while (n > 0 && (r->buf[n - 1] == '\n' || r->buf[n - 1] == '\r'))
		r->buf[--n] = '\0';
	return r->buf;
}

static unsigned parse_modes(struct case_reader *r, char *list)
{
	unsigned modes = 0;

	for (char *word = strtok(list, " ,"); word != NULL; word = strtok(NULL, " ,")) {
		int m = 0;

		while (m < N_MODES && strcmp(word, mode_names[m]) != 0)
			m++;
		if (m == N_MODES)
			case_die(r, "unknown mode");
		modes |= 1u << m;
	}
	return modes;
}

static void case_reset(struct case_reader *r)
{
	r->next = (struct sql_case){ .modes = ALL_MODES };
	r->n_param_rows = 0;
}

/* Directives that are a flag and nothing else. */
static bool set_flag(struct case_reader *r, const char *word)
{
	struct sql_case *c = &r->next;

	if (strcmp(word, "ordered") == 0)
		c->order = ORDER_KEPT;
	else if (strcmp(word, "unordered") == 0)
		c->order = ORDER_OPEN;
	else if (strcmp(word, "exact-or-refused") == 0)
		c->expect = EXPECT_EITHER;
	else if (strcmp(word, "count-only") == 0)
		c->count_only = true;
	else if (strcmp(word, "sqlstate-only") == 0)
		c->state_only = true;
	else if (strcmp(word, "rounded") == 0)
		c->rounded = true;
	else if (strcmp(word, "by-value") == 0)
		c->by_value = true;
	else if (strcmp(word, "direct-only") == 0)
		c->side = SIDE_DIRECT;
	else if (strcmp(word, "proxy-only") == 0)
		c->side = SIDE_PROXY;
	else if (strcmp(word, "setup") == 0)
		c->setup = true;
	else
		return false;
	return true;
}

static void read_directive(struct case_reader *r, char *line)
{
	struct sql_case *c = &r->next;
	char *word = line + strlen("-- @");
	char *rest = word + strcspn(word, " ");

	if (*rest != '\0')
		*rest++ = '\0';
	if (*rest == '\0' && set_flag(r, word))
		return;
	if (strcmp(word, "setup") == 0)
		r->all_setup = strcmp(rest, "on") == 0;
	else if (strcmp(word, "modes") == 0)
		r->file->modes = parse_modes(r, rest);
	else if (strcmp(word, "only") == 0)
		c->modes = parse_modes(r, rest);
	else if (strcmp(word, "not") == 0)
		c->modes &= ~parse_modes(r, rest);
	else if (strcmp(word, "state") == 0)
		c->check_tables = copy_string(rest);
	else if (strcmp(word, "types") == 0)
		c->types = copy_string(rest);
	else if (strcmp(word, "params") == 0 && r->n_param_rows < 64)
		r->param_rows[r->n_param_rows++] = copy_string(rest);
	else if (strcmp(word, "refused") == 0 || strcmp(word, "refused-always") == 0) {
		c->expect = EXPECT_REFUSED;
		snprintf(c->refused_state, sizeof(c->refused_state), "%.5s",
			 *rest ? rest : "0A000");
		c->refused_on_one = strcmp(word, "refused-always") == 0;
	} else
		case_die(r, "unknown directive");
}

static void push_case(struct case_reader *r, char *params)
{
	struct case_file *f = r->file;

	f->cases = must(realloc(f->cases, (size_t)(f->n_cases + 1) * sizeof(*f->cases)));
	f->cases[f->n_cases] = r->next;
	f->cases[f->n_cases].params = params;
	f->n_cases++;
}

static char *read_until(struct case_reader *r, const char *end)
{
	struct text t = { 0 };
	char *line;

	while ((line = read_line(r)) != NULL && strcmp(line, end) != 0)
		text_addf(&t, "%s\n", line);
	if (line == NULL)
		case_die(r, "the block does not end");
	return t.data != NULL ? t.data : copy_string("");
}

/* One case per row of parameters, or one without any. */
static void finish_case(struct case_reader *r, char *sql, int line)
{
	r->next.sql = sql;
	r->next.line = line;
	r->next.setup = r->next.setup || r->all_setup;
	if (strncasecmp(sql, "copy", 4) == 0 && strcasestr(sql, "from stdin") != NULL)
		r->next.copy_data = read_until(r, "\\.");
	for (int i = 0; i < r->n_param_rows; i++)
		push_case(r, r->param_rows[i]);
	if (r->n_param_rows == 0)
		push_case(r, NULL);
	case_reset(r);
}

static bool ends_statement(const char *line)
{
	size_t n = strlen(line);

	while (n > 0 && line[n - 1] == ' ')
		n--;
	return n > 0 && line[n - 1] == ';';
}

static void read_cases(struct case_reader *r)
{
	struct text sql = { 0 };
	int first = 0;
	char *line;

	while ((line = read_line(r)) != NULL) {
		if (strcmp(line, "-- @multi") == 0) {
			r->next.multi = true;
			first = r->line + 1;
			finish_case(r, read_until(r, "-- @end"), first);
		} else if (strncmp(line, "-- @", 4) == 0) {
			read_directive(r, line);
		} else if (sql.len == 0 && (*line == '\0' || strncmp(line, "-- ", 3) == 0 ||
					    strcmp(line, "--") == 0)) {
			continue;
		} else {
			first = sql.len == 0 ? r->line : first;
			text_addf(&sql, "%s%s", sql.len > 0 ? "\n" : "", line);
			if (ends_statement(line)) {
				finish_case(r, sql.data, first);
				sql = (struct text){ 0 };
			}
		}
	}
	if (sql.len > 0)
		case_die(r, "the last statement does not end with ;");
}

static void case_file_read(struct case_file *f, const char *path)
{
	struct case_reader r = { .file = f };

	*f = (struct case_file){ .path = path, .modes = ALL_MODES };
	r.in = fopen(path, "r");
	if (r.in == NULL)
		case_die(&r, "cannot be opened");
	case_reset(&r);
	read_cases(&r);
	fclose(r.in);
	free(r.buf);
}

static void case_file_free(struct case_file *f)
{
	for (int i = 0; i < f->n_cases; i++) {
		struct sql_case *c = &f->cases[i];

		free(c->params);
		if (i + 1 < f->n_cases && f->cases[i + 1].sql == c->sql)
			continue; /* the same statement with further parameters */
		free(c->sql);
		free(c->copy_data);
		free(c->types);
		free(c->check_tables);
	}
	free(f->cases);
	*f = (struct case_file){ 0 };
}

#endif
