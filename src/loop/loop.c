#include "pgmosaic/loop/loop.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "pgmosaic/base/check.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/loop/fiber.h"
#include "pgmosaic/loop/stream.h"

struct loop *loop_create(void)
{
	struct loop *l = mem_zero(1, sizeof(*l));

	INVARIANT(uv_loop_init(&l->uv) == 0);
	list_init(&l->dirty);
	return l;
}

void loop_destroy(struct loop *l)
{
	INVARIANT(uv_loop_close(&l->uv) == 0); /* a handle was forgotten */
	free(l);
}

void loop_run(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

uint64_t loop_now_ms(const struct loop *l)
{
	return uv_now(&l->uv);
}

void loop_flush(struct loop *l)
{
	fiber_run_woken();
	while (!list_is_empty(&l->dirty)) {
		struct stream *s = list_entry(l->dirty.next, struct stream, dirty_node);

		list_remove(&s->dirty_node);
		stream_flush(s);
	}
}

/* ---- timers ---- */

static void on_uv_timer(uv_timer_t *uv)
{
	struct timer *t = container_of(uv, struct timer, uv);
	struct loop *l = t->loop;

	t->on_time(t->owner); /* may close t: `l` was read before */
	loop_flush(l);
}

void timer_init(struct timer *t, struct loop *l, void (*on_time)(void *), void *owner)
{
	*t = (struct timer){ .loop = l, .on_time = on_time, .owner = owner };
	uv_timer_init(&l->uv, &t->uv);
}

void timer_start(struct timer *t, uint64_t delay_ms, uint64_t repeat_ms)
{
	uv_timer_start(&t->uv, on_uv_timer, delay_ms, repeat_ms);
}

void timer_stop(struct timer *t)
{
	uv_timer_stop(&t->uv);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct timer *t = container_of((uv_timer_t *)handle, struct timer, uv);

	if (t->on_gone)
		t->on_gone(t->owner);
}

void timer_close(struct timer *t, void (*on_gone)(void *owner))
{
	t->on_gone = on_gone;
	uv_close((uv_handle_t *)&t->uv, on_timer_closed);
}

/* ---- jobs ---- */

struct job {
	uv_work_t uv;
	struct loop *loop;
	void (*work)(void *);
	void (*done)(void *);
	void *arg;
};

static void on_job_work(uv_work_t *uv)
{
	struct job *job = container_of(uv, struct job, uv);

	job->work(job->arg);
}

static void on_job_done(uv_work_t *uv, int status)
{
	struct job *job = container_of(uv, struct job, uv);
	struct loop *l = job->loop;

	INVARIANT(status == 0); /* jobs are never canceled */
	job->done(job->arg);
	free(job);
	loop_flush(l);
}

void job_run(struct loop *l, void (*work)(void *), void (*done)(void *), void *arg)
{
	struct job *job = mem_zero(1, sizeof(*job));

	*job = (struct job){ .loop = l, .work = work, .done = done, .arg = arg };
	INVARIANT(uv_queue_work(&l->uv, &job->uv, on_job_work, on_job_done) == 0);
}

void job_set_threads(unsigned n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	setenv("UV_THREADPOOL_SIZE", text, 0);
}

/* ---- signals ---- */

static void on_uv_signal(uv_signal_t *uv, int number)
{
	struct signal_watch *w = container_of(uv, struct signal_watch, uv);

	w->on_signal(w->owner, number);
	loop_flush(w->loop);
}

void signal_watch_start(struct signal_watch *w, struct loop *l, int number,
			void (*on_signal)(void *, int), void *owner)
{
	*w = (struct signal_watch){ .loop = l, .on_signal = on_signal, .owner = owner };
	uv_signal_init(&l->uv, &w->uv);
	uv_signal_start(&w->uv, on_uv_signal, number);
}

void signal_watch_close(struct signal_watch *w)
{
	uv_close((uv_handle_t *)&w->uv, NULL); /* static storage: outlives the loop */
}

/* ---- threads ---- */

#define THREAD_STACK_BYTES (64u << 20)

void loop_thread_start(loop_thread *t, void (*run)(void *), void *arg)
{
	uv_thread_options_t options = { .flags = UV_THREAD_HAS_STACK_SIZE,
					.stack_size = THREAD_STACK_BYTES };

	INVARIANT(uv_thread_create_ex(t, &options, run, arg) == 0);
}

void loop_thread_batch(void)
{
	struct sched_param none = { .sched_priority = 0 };

	sched_setscheduler(0, SCHED_BATCH, &none); /* refused: nothing is lost but a little CPU */
}

void loop_thread_join(loop_thread *t)
{
	uv_thread_join(t);
}
