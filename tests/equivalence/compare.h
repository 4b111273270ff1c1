/* An outcome as text, so that two of them are compared, and shown, as text.
 *
 * Everything the wire carries that must be equal is in it: columns (name, type,
 * typmod, size, format, whether and which table column it is), rows, command
 * tag, error fields and transaction state. Left out: OIDs of user objects,
 * server pids, source file and line, CONTEXT (but for COPY, whose line numbers
 * are the user's).
 */
#ifndef EQUIVALENCE_COMPARE_H
#define EQUIVALENCE_COMPARE_H

#include "client.h"

#define FIRST_USER_OID 16384
#define NUMERIC_OID    1700

static bool is_float(const PGresult *res, int col)
{
	Oid type = PQftype(res, col);

	return type == 700 || type == 701;
}

static double float_value(const PGresult *res, int row, int col)
{
	const char *bytes = PQgetvalue(res, row, col);
	uint64_t bits8;
	uint32_t bits4;
	double d;
	float f;

	if (PQfformat(res, col) == 0)
		return strtod(bytes, NULL);
	if (PQftype(res, col) == 700) {
		memcpy(&bits4, bytes, 4);
		bits4 = ntohl(bits4);
		memcpy(&f, &bits4, 4);
		return f;
	}
	memcpy(&bits8, bytes, 8);
	bits8 = be64toh(bits8);
	memcpy(&d, &bits8, 8);
	return d;
}

/* Bytes that are the same for equal numbers: without the zeros at the end of a
 * fraction or the display scale, and without the sign of -0. */
static int plain_number(const PGresult *res, int row, int col, unsigned char *out, int size)
{
	const unsigned char *bytes = (const unsigned char *)PQgetvalue(res, row, col);
	int n = PQgetlength(res, row, col);

	if (n >= size || (PQftype(res, col) != NUMERIC_OID && !is_float(res, col)))
		return -1;
	memcpy(out, bytes, (size_t)n);
	if (is_float(res, col)) {
		if (float_value(res, row, col) == 0)
			memset(out, 0, (size_t)n);
	} else if (PQfformat(res, col) == 1) {
		memset(out + 6, 0, 2);
		while (n >= 10 && out[n - 1] == 0 && out[n - 2] == 0)
			n -= 2;
		memset(out, 0, 2);
	} else if (memchr(out, '.', (size_t)n) != NULL) {
		while (out[n - 1] == '0')
			n--;
		n -= out[n - 1] == '.';
	}
	if (PQfformat(res, col) == 0 && is_float(res, col) && out[0] == 0)
		n = 1;
	return n;
}

static void render_value(struct text *t, const PGresult *res, int row, int col,
			 const struct sql_case *c)
{
	const unsigned char *bytes = (const unsigned char *)PQgetvalue(res, row, col);
	int n = PQgetlength(res, row, col);
	unsigned char plain[256];
	int plain_n = c->by_value ? plain_number(res, row, col, plain, sizeof(plain)) : -1;

	if (plain_n >= 0) {
		bytes = plain;
		n = plain_n;
	}
	if (PQgetisnull(res, row, col)) {
		text_adds(t, "\\N");
	} else if (c->rounded && is_float(res, col)) {
		text_addf(t, "%.*g", PQftype(res, col) == 700 ? 6 : 12, float_value(res, row, col));
	} else {
		for (int i = 0; i < n; i++) {
			if (PQfformat(res, col) == 1 || bytes[i] < ' ' || bytes[i] == '\\')
				text_addf(t, "\\%02x", bytes[i]);
			else
				text_add(t, (const char *)&bytes[i], 1);
		}
	}
}

static void render_columns(struct text *t, const PGresult *res)
{
	for (int i = 0; i < PQnfields(res); i++) {
		Oid type = PQftype(res, i);

		text_addf(t, "column %s type ", PQfname(res, i));
		if (type < FIRST_USER_OID)
			text_addf(t, "%u", type);
		else
			text_adds(t, "of the user's");
		text_addf(t, " typmod %d size %d format %d%s", PQfmod(res, i), PQfsize(res, i),
			  PQfformat(res, i), PQftable(res, i) != 0 ? " of a table," : "");
		text_addf(t, " attribute %d\n", PQftablecol(res, i));
	}
}

static void render_lines(struct text *t, char **lines, int n, bool sort)
{
	if (sort && n > 0)
		qsort(lines, (size_t)n, sizeof(*lines), compare_strings);
	for (int i = 0; i < n; i++)
		text_addf(t, "| %s\n", lines[i]);
}

static char **rows_as_lines(const PGresult *res, const struct sql_case *c)
{
	int n = PQntuples(res);
	char **lines = must(calloc((size_t)n + 1, sizeof(*lines)));

	for (int row = 0; row < n; row++) {
		struct text line = { 0 };

		text_adds(&line, "");
		for (int col = 0; col < PQnfields(res); col++) {
			text_adds(&line, col > 0 ? "\t" : "");
			render_value(&line, res, row, col, c);
		}
		lines[row] = line.data;
	}
	return lines;
}

static void render_rows(struct text *t, const PGresult *res, const struct sql_case *c)
{
	bool sort = c->order == ORDER_OPEN ||
		    (c->order == ORDER_AUTO && !has_top_level_order_by(c->sql));
	int n = PQntuples(res);
	char **lines;

	text_addf(t, "%d rows\n", n);
	if (c->count_only)
		return;
	lines = rows_as_lines(res, c);
	render_lines(t, lines, n, sort);
	for (int i = 0; i < n; i++)
		free(lines[i]);
	free(lines);
}

static void render_error(struct text *t, const PGresult *res, const struct sql_case *c)
{
	static const struct {
		int code;
		const char *name;
	} fields[] = {
		{ PG_DIAG_SEVERITY_NONLOCALIZED, "severity" },
		{ PG_DIAG_MESSAGE_PRIMARY, "message" },
		{ PG_DIAG_MESSAGE_DETAIL, "detail" },
		{ PG_DIAG_MESSAGE_HINT, "hint" },
		{ PG_DIAG_STATEMENT_POSITION, "position" },
		{ PG_DIAG_SCHEMA_NAME, "schema" },
		{ PG_DIAG_TABLE_NAME, "table" },
		{ PG_DIAG_COLUMN_NAME, "column" },
		{ PG_DIAG_DATATYPE_NAME, "data type" },
		{ PG_DIAG_CONSTRAINT_NAME, "constraint" },
	};
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	text_addf(t, "error %s\n", state != NULL ? state : "without SQLSTATE");
	if (c->state_only)
		return;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *value = PQresultErrorField(res, fields[i].code);

		if (value != NULL)
			text_addf(t, "  %s: %s\n", fields[i].name, value);
	}
	if (c->copy_data != NULL && PQresultErrorField(res, PG_DIAG_CONTEXT) != NULL)
		text_addf(t, "  context: %s\n", PQresultErrorField(res, PG_DIAG_CONTEXT));
}

static void render_result(struct text *t, const PGresult *res, const struct sql_case *c)
{
	ExecStatusType status = PQresultStatus(res);

	if (status == PGRES_FATAL_ERROR) {
		render_error(t, res, c);
		return;
	}
	text_addf(t, "%s\n", PQresStatus(status));
	for (int i = 0; i < PQnparams(res); i++) {
		Oid type = PQparamtype(res, i);

		text_addf(t, "parameter type %u\n", type < FIRST_USER_OID ? type : FIRST_USER_OID);
	}
	render_columns(t, res);
	if (status == PGRES_TUPLES_OK)
		render_rows(t, res, c);
	text_addf(t, "tag %s\n", PQcmdStatus((PGresult *)(uintptr_t)res));
}

static char *render_outcome(const struct outcome *o, const struct sql_case *c)
{
	static const char *const txn_names[] = { "idle", "active", "in transaction", "in error",
						 "unknown" };
	struct text t = { 0 };

	if (o->lost) {
		text_addf(&t, "connection lost: %s\n", o->lost_why);
		return t.data;
	}
	for (int i = 0; i < o->n_results; i++)
		render_result(&t, o->results[i], c);
	if (c->count_only)
		text_addf(&t, "%d copied rows\n", o->n_copy_rows);
	else
		render_lines(&t, o->copy_rows, o->n_copy_rows,
			     c->order == ORDER_OPEN || (c->order == ORDER_AUTO &&
							strcasestr(c->sql, "order by") == NULL));
	if (o->notices[0] != '\0')
		text_addf(&t, "notices %s\n", o->notices);
	text_addf(&t, "then %s\n", txn_names[o->txn]);
	return t.data;
}

/* Print both sides from the first line that differs on. */
static void print_difference(const char *want, const char *got)
{
	const char *w = want, *g = got;

	while (*w != '\0' && *w == *g) {
		const char *we = strchr(w, '\n'), *ge = strchr(g, '\n');

		if (we == NULL || ge == NULL || we - w != ge - g ||
		    memcmp(w, g, (size_t)(we - w)) != 0)
			break;
		w = we + 1;
		g = ge + 1;
	}
	for (int i = 0; i < 8 && *w != '\0'; i++, w += strcspn(w, "\n"), w += *w == '\n')
		printf("    direct: %.*s\n", (int)strcspn(w, "\n"), w);
	for (int i = 0; i < 8 && *g != '\0'; i++, g += strcspn(g, "\n"), g += *g == '\n')
		printf("    proxy:  %.*s\n", (int)strcspn(g, "\n"), g);
}

#endif
