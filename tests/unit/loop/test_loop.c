#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pgmosaic/loop/fiber.h"
#include "pgmosaic/loop/stream.h"

struct journey {
	struct fiber *fiber;
	int step;
	bool may_go;
	char trace[32];
};

static void deep_call(void *arg)
{
	char big[256 << 10]; /* twice a fiber's stack */
	struct journey *j = arg;

	memset(big, j->step, sizeof(big));
	strcat(j->trace, big[sizeof(big) - 1] == j->step ? "d" : "!");
}

static void travel(void *arg)
{
	struct journey *j = arg;

	strcat(j->trace, "a");
	while (!j->may_go)
		fiber_wait();
	strcat(j->trace, "b");
	fiber_on_thread_stack(deep_call, j);
	strcat(j->trace, "c");
}

static void fiber_waits_until_its_condition_holds_and_borrows_the_thread_stack(void **state)
{
	struct loop *l = loop_create();
	struct journey j = { .step = 7 };

	(void)state;
	j.fiber = fiber_start(l, travel, &j);
	fiber_run_woken();
	assert_string_equal(j.trace, "a");
	fiber_wake(j.fiber); /* woken for nothing: waits again */
	fiber_run_woken();
	assert_string_equal(j.trace, "a");
	j.may_go = true;
	fiber_wake(j.fiber);
	fiber_wake(j.fiber); /* twice is once */
	fiber_run_woken();
	assert_string_equal(j.trace, "abdc");
	fiber_release_stacks();
	loop_destroy(l);
}

static void add_one(void *arg)
{
	++*(int *)arg;
}

static void letters_posted_before_close_are_delivered(void **state)
{
	struct loop *l = loop_create();
	struct mailbox *m = mailbox_create(l);
	int n = 0;

	(void)state;
	mailbox_post(m, add_one, &n);
	mailbox_post(m, add_one, &n);
	mailbox_close(m);
	loop_run(l);
	assert_int_equal(n, 2);
	loop_destroy(l);
}

struct echo {
	struct stream stream;
	char got[64];
	size_t n;
	bool gone;
};

static void echo_readable(struct stream *s)
{
	struct echo *e = s->owner;
	ssize_t n = stream_read(s, e->got + e->n, sizeof(e->got) - e->n);

	if (n > 0) {
		e->n += (size_t)n;
		stream_write(s, e->got, e->n);
	} else if (n < 0) {
		stream_close(s);
	}
}

static void echo_gone(struct stream *s)
{
	((struct echo *)s->owner)->gone = true;
}

static const struct stream_ops echo_ops = { .on_readable = echo_readable, .on_gone = echo_gone };

static void stream_answers_and_ends_with_its_peer(void **state)
{
	struct loop *l = loop_create();
	struct echo e = { .n = 0 };
	int pair[2];
	char back[8] = "";

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	stream_open(&e.stream, l, pair[0], &echo_ops, &e, 1000);
	assert_int_equal(write(pair[1], "ping", 4), 4);
	uv_run(&l->uv, UV_RUN_ONCE);
	assert_int_equal(read(pair[1], back, sizeof(back)), 4);
	assert_string_equal(back, "ping");
	close(pair[1]);
	loop_run(l);
	assert_true(e.gone);
	loop_destroy(l);
}

static void a_queue_past_its_limit_breaks_the_stream_not_the_proxy(void **state)
{
	struct loop *l = loop_create();
	struct echo e = { .n = 0 };
	int pair[2];
	char much[200] = "";

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	stream_open(&e.stream, l, pair[0], &echo_ops, &e, 100);
	stream_write(&e.stream, much, sizeof(much));
	assert_true(e.stream.broken);
	stream_close(&e.stream);
	loop_run(l);
	close(pair[1]);
	loop_destroy(l);
}

struct sink {
	struct stream stream;
	unsigned n_drained;
};

static void sink_readable(struct stream *s)
{
	stream_close(s);
}

static void sink_drained(struct stream *s)
{
	((struct sink *)s->owner)->n_drained++;
}

static const struct stream_ops sink_ops = { .on_readable = sink_readable,
					    .on_drained = sink_drained };

static void swallow(int fd)
{
	static char scratch[64 << 10];

	while (read(fd, scratch, sizeof(scratch)) > 0)
		;
}

/* The queue is seen full, then sent by a flush that no writable event asked for, part of it
 * before it ever stood above the mark: whoever waits must hear of it all the same. */
static void a_queue_seen_full_tells_when_it_has_drained_whoever_sent_it(void **state)
{
	static char much[STREAM_HIGH_BYTES + 5000];
	int room = 40 << 10; /* for less than the queue, for more than its last 5000 bytes */
	struct loop *l = loop_create();
	struct sink sink = { .n_drained = 0 };
	struct stream *s = &sink.stream;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
	stream_open(s, l, pair[0], &sink_ops, &sink, (size_t)1 << 20);
	assert_true(buf_append(&s->out, much, sizeof(much)));
	assert_true(stream_is_full(s));
	stream_flush(s);
	assert_false(stream_is_full(s)); /* a socket's buffer took some, not all */
	assert_true(buf_len(&s->out) > STREAM_LOW_BYTES);
	assert_int_equal(sink.n_drained, 0);
	for (unsigned i = 0; i < 20 && buf_len(&s->out); i++) {
		swallow(pair[1]);
		stream_flush(s);
	}
	assert_int_equal(buf_len(&s->out), 0);
	assert_int_equal(sink.n_drained, 1);
	close(pair[1]);
	loop_run(l);
	loop_destroy(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			fiber_waits_until_its_condition_holds_and_borrows_the_thread_stack),
		cmocka_unit_test(letters_posted_before_close_are_delivered),
		cmocka_unit_test(stream_answers_and_ends_with_its_peer),
		cmocka_unit_test(a_queue_past_its_limit_breaks_the_stream_not_the_proxy),
		cmocka_unit_test(a_queue_seen_full_tells_when_it_has_drained_whoever_sent_it),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
