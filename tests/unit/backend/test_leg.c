#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "pgmosaic/backend/leg.h"
#include "pgmosaic/wire/build.h"

/* A leg on a connection that has sent one batch and waits for its ReadyForQuery. */
struct exchange {
	struct leg_party party;
	struct leg leg;
	struct conn conn;
	struct buf answer;
};

static void exchange_begin(struct exchange *x)
{
	memset(x, 0, sizeof(*x));
	leg_init(&x->leg, &x->party, 0, 1, "s1");
	buf_init(&x->answer, 1 << 16);
	x->conn.state = CONN_LEASED;
	x->conn.n_pending = 1;
	leg_attach(&x->leg, &x->conn);
	leg_begin(&x->leg, LEG_ROWS_DROP);
}

static void exchange_end(struct exchange *x)
{
	x->leg.conn = NULL;
	leg_finish(&x->leg);
	buf_finish(&x->answer);
}

static void put_shutdown(struct buf *b)
{
	struct err err = ERR_INIT;

	err_set_code(&err, STATUS_SHUTDOWN, "57P01",
		     "terminating connection due to administrator command");
	wire_put_error(b, &err, "FATAL");
}

static void deliver(struct exchange *x)
{
	x->conn.user->on_messages(x->conn.owner, &x->conn, buf_head(&x->answer),
				  buf_len(&x->answer));
}

/* A server that is stopped right after it has committed says so in the same packet. Who took
 * that for a failed COMMIT would undo the other half of the transaction. */
static void a_fatal_behind_ready_for_query_does_not_fail_the_statement(void **state)
{
	struct exchange x;

	(void)state;
	exchange_begin(&x);
	wire_put_command_complete(&x.answer, "COMMIT");
	wire_put_ready(&x.answer, 'I');
	put_shutdown(&x.answer);
	deliver(&x);
	assert_false(leg_is_busy(&x.leg));
	assert_false(x.leg.failed);
	assert_string_equal(x.leg.tag, "COMMIT");
	assert_true(x.conn.is_doomed);
	x.conn.user->on_lost(x.conn.owner, &x.conn);
	assert_true(x.leg.lost);
	assert_string_equal(x.leg.err.code, "57P01"); /* the server's words, for who comes next */
	exchange_end(&x);
}

static void a_fatal_before_ready_for_query_fails_the_statement(void **state)
{
	struct exchange x;

	(void)state;
	exchange_begin(&x);
	put_shutdown(&x.answer);
	deliver(&x);
	assert_true(leg_is_busy(&x.leg)); /* until the connection is lost */
	assert_true(x.leg.failed);
	assert_string_equal(x.leg.err.code, "57P01");
	exchange_end(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fatal_behind_ready_for_query_does_not_fail_the_statement),
		cmocka_unit_test(a_fatal_before_ready_for_query_fails_the_statement),
	};

	return cmocka_run_group_tests_name("leg", tests, NULL, NULL);
}
