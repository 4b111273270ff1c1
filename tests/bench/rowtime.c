/* rowtime CONNINFO QUERY: run one query in libpq's single-row mode and print a JSON fragment with
 * the milliseconds to the first row and to the last, rows and bytes. */
#include <libpq-fe.h>
#include <stdio.h>
#include <time.h>

struct timing {
	double first_ms, total_ms;
	long rows, bytes;
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void count_row(struct timing *timing, const PGresult *row, double start)
{
	if (timing->rows++ == 0)
		timing->first_ms = now_ms() - start;
	for (int i = 0; i < PQnfields(row); i++)
		timing->bytes += PQgetlength(row, 0, i);
}

/* False when the server reports an error; it is printed. */
static int read_rows(PGconn *conn, struct timing *timing, double start)
{
	PGresult *result;
	int ok = 1;

	while ((result = PQgetResult(conn)) != NULL) {
		if (PQresultStatus(result) == PGRES_SINGLE_TUPLE)
			count_row(timing, result, start);
		else if (PQresultStatus(result) != PGRES_TUPLES_OK)
			ok = 0, fputs(PQresultErrorMessage(result), stderr);
		PQclear(result);
	}
	timing->total_ms = now_ms() - start;
	return ok;
}

int main(int argc, char **argv)
{
	struct timing timing = { 0 };
	PGconn *conn = PQconnectdb(argc > 2 ? argv[1] : "");
	int ok = argc > 2 && PQstatus(conn) == CONNECTION_OK;
	double start = now_ms();

	ok = ok && PQsendQuery(conn, argv[2]) && PQsetSingleRowMode(conn);
	if (!ok)
		fprintf(stderr, "rowtime: %s", PQerrorMessage(conn));
	ok = ok && read_rows(conn, &timing, start);
	printf("{\"first_ms\": %.2f, \"total_ms\": %.1f, \"rows\": %ld, \"bytes\": %ld}\n",
	       timing.first_ms, timing.total_ms, timing.rows, timing.bytes);
	PQfinish(conn);
	return !ok;
}
