/* The HTTP port, asked over real sockets. */
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
#include <sys/socket.h>
#include <unistd.h>

#include "pgmosaic/monitor/monitor.h"

struct fixture {
	struct metrics *block;
	struct monitor *monitor;
	struct config_address address;
	bool is_ready;
	char answer[1 << 18];
};

static bool ready(void *ctx, char *reason, size_t size)
{
	const struct fixture *f = ctx;

	if (!f->is_ready)
		snprintf(reason, size, "shard <s1> is down");
	return f->is_ready;
}

static void shards(void *ctx, monitor_shard_cb add, void *arg)
{
	struct monitor_shard s1 = { "s1", 1, 2, 3, 4 }, odd = { "a\"b\\c", 5, 6, 7, 8 };

	(void)ctx;
	add(arg, &s1);
	add(arg, &odd);
}

static uint64_t map_epoch(void *ctx)
{
	(void)ctx;
	return 42;
}

static uint16_t free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (void *)&at, sizeof(at)), 0);
	getsockname(fd, (void *)&at, &n);
	close(fd);
	return ntohs(at.sin_port);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct monitor_source source = { f, &f->block, 1, ready, shards, map_epoch, 0 };
	struct err err = ERR_INIT;

	f->block = metrics_create();
	f->is_ready = true;
	f->address = (struct config_address){ "127.0.0.1", "127.0.0.1", NULL, free_port() };
	if (monitor_start(&f->address, &source, &f->monitor, &err) != STATUS_OK)
		fail_msg("%s", err.message);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	monitor_stop(f->monitor);
	metrics_destroy(f->block);
	free(f);
	return 0;
}

/* Send bytes, read to the end. */
static const char *ask(struct fixture *f, const char *request)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(f->address.port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	size_t n = 0;
	ssize_t got;

	assert_int_equal(connect(fd, (void *)&at, sizeof(at)), 0);
	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	while ((got = read(fd, f->answer + n, sizeof(f->answer) - 1 - n)) > 0)
		n += (size_t)got;
	f->answer[n] = 0;
	close(fd);
	return f->answer;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static void healthz_says_ok_while_the_process_serves(void **state)
{
	const char *answer = ask(*state, GET("/healthz"));

	assert_non_null(strstr(answer, "HTTP/1.1 200"));
	assert_non_null(strstr(answer, "\r\n\r\nok\n"));
}

static void readyz_is_503_with_the_reason_until_ready(void **state)
{
	struct fixture *f = *state;

	assert_non_null(strstr(ask(f, GET("/readyz")), "HTTP/1.1 200"));
	f->is_ready = false;
	assert_non_null(strstr(ask(f, GET("/readyz")), "HTTP/1.1 503"));
	assert_non_null(strstr(f->answer, "not ready: shard <s1> is down"));
	assert_non_null(strstr(ask(f, GET("/healthz")), "HTTP/1.1 200"));
}

static void metrics_are_openmetrics_text(void **state)
{
	struct fixture *f = *state;
	const char *a;

	metrics_add(f->block, METRIC_QUERIES_ROUTE, 5);
	metrics_add(f->block, METRIC_POOL_WAIT_US, 1500000);
	metrics_observe(f->block, HIST_QUERY, 3);
	metrics_observe(f->block, HIST_QUERY, 1000);
	a = ask(f, GET("/metrics"));
	assert_non_null(strstr(
		a, "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8"));
	assert_non_null(strstr(a, "# TYPE pgmosaic_queries counter\n"));
	assert_non_null(strstr(a, "pgmosaic_queries_total{tier=\"route\"} 5\n"));
	assert_non_null(strstr(a, "pgmosaic_queries_total{tier=\"scatter\"} 0\n"));
	assert_non_null(strstr(a, "# UNIT pgmosaic_pool_wait_seconds seconds\n"));
	assert_non_null(strstr(a, "pgmosaic_pool_wait_seconds_total 1.500000\n"));
	assert_non_null(strstr(a, "query_duration_seconds_bucket{le=\"2e-06\"} 0\n"));
	assert_non_null(strstr(a, "query_duration_seconds_bucket{le=\"4e-06\"} 1\n"));
	assert_non_null(strstr(a, "query_duration_seconds_bucket{le=\"0.001024\"} 2\n"));
	assert_non_null(strstr(a, "query_duration_seconds_bucket{le=\"+Inf\"} 2\n"));
	assert_non_null(strstr(a, "query_duration_seconds_count 2\n"));
	assert_non_null(strstr(a, "query_duration_seconds_sum 0.001003\n"));
	assert_non_null(strstr(a, "pgmosaic_shard_servers_idle{shard=\"s1\"} 2\n"));
	assert_non_null(strstr(a, "pgmosaic_shard_servers_idle{shard=\"a\\\"b\\\\c\"} 6\n"));
	assert_non_null(strstr(a, "pgmosaic_map_epoch 42\n"));
	assert_string_equal(a + strlen(a) - 6, "# EOF\n");
	assert_null(strstr(strstr(a, "# EOF\n") + 1, "# EOF\n"));
}

/* No family is declared twice, and every sample stands under its own family. */
static void every_sample_stands_under_its_family(void **state)
{
	char *body = strstr(ask(*state, GET("/metrics")), "\r\n\r\n"), *save, *line;
	char family[128] = "?";

	assert_non_null(body);
	for (line = strtok_r(body + 4, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "# TYPE %127s", family) == 1 || *line == '#')
			continue;
		if (strncmp(line, family, strlen(family)) != 0)
			fail_msg("%s stands under %s", line, family);
	}
}

static void the_page_shows_state_and_escapes_text(void **state)
{
	struct fixture *f = *state;

	f->is_ready = false;
	ask(f, GET("/"));
	assert_non_null(strstr(f->answer, "Content-Type: text/html; charset=utf-8"));
	assert_non_null(strstr(f->answer, "shard &lt;s1> is down"));
	assert_non_null(strstr(f->answer, "<td>s1</td>"));
	assert_non_null(strstr(f->answer, "</body></html>"));
}

static void head_sends_no_body(void **state)
{
	const char *a =
		ask(*state, "HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

	assert_non_null(strstr(a, "HTTP/1.1 200"));
	assert_null(strstr(a, "# EOF"));
}

static void other_paths_are_404_and_other_methods_405(void **state)
{
	struct fixture *f = *state;

	assert_non_null(strstr(ask(f, GET("/etc/passwd")), "HTTP/1.1 404"));
	assert_non_null(strstr(ask(f, GET("/metrics/")), "HTTP/1.1 404"));
	ask(f,
	    "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	assert_non_null(strstr(f->answer, "HTTP/1.1 405"));
	assert_non_null(strstr(f->answer, "Allow: GET, HEAD"));
}

static void garbage_does_no_harm(void **state)
{
	struct fixture *f = *state;

	ask(f, "\r\n\r\n\x01\x02\x03 nonsense\r\n\r\n");
	assert_non_null(strstr(ask(f, GET("/healthz")), "HTTP/1.1 200"));
}

static void an_address_in_use_is_a_clear_error(void **state)
{
	struct fixture *f = *state;
	struct monitor_source source = { f, &f->block, 1, ready, NULL, NULL, 0 };
	struct monitor *second = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(monitor_start(&f->address, &source, &second, &err), STATUS_CONFIG);
	assert_null(second);
	assert_string_equal(err.message, "cannot serve HTTP on 127.0.0.1: Address already in use");
	monitor_stop(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(healthz_says_ok_while_the_process_serves, setup,
						teardown),
		cmocka_unit_test_setup_teardown(readyz_is_503_with_the_reason_until_ready, setup,
						teardown),
		cmocka_unit_test_setup_teardown(metrics_are_openmetrics_text, setup, teardown),
		cmocka_unit_test_setup_teardown(every_sample_stands_under_its_family, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_page_shows_state_and_escapes_text, setup,
						teardown),
		cmocka_unit_test_setup_teardown(head_sends_no_body, setup, teardown),
		cmocka_unit_test_setup_teardown(other_paths_are_404_and_other_methods_405, setup,
						teardown),
		cmocka_unit_test_setup_teardown(garbage_does_no_harm, setup, teardown),
		cmocka_unit_test_setup_teardown(an_address_in_use_is_a_clear_error, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
