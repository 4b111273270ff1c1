/* One event loop, its timers, jobs and mailboxes. The only user of libuv besides
 * loop/stream.h and loop/listener.h.
 *
 * Happy path: loop_create(); timers, streams and listeners start on it;
 * loop_run() until loop_stop(); everything is closed; loop_destroy().
 * After every callback the loop sends what the streams have queued meanwhile, so
 * that several small answers leave in one system call.
 * Ownership: handles embedded in an object (struct timer) must stay in place until
 * their close callback; loop_destroy() asserts that none is left.
 * Threads: a loop belongs to the thread that runs it. mailbox_post() is the one
 * call that other threads may make; jobs run elsewhere and end here. */
#ifndef PGMOSAIC_LOOP_LOOP_H
#define PGMOSAIC_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>
#include "pgmosaic/base/list.h"

struct loop {
	uv_loop_t uv;
	struct list dirty; /* streams with bytes to send before the loop waits again */
};

struct loop *loop_create(void);
void loop_destroy(struct loop *l);
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* Milliseconds of the loop's own coarse clock; cheap. */
uint64_t loop_now_ms(const struct loop *l);
/* Send what streams have queued. Every callback of this module ends with it. */
void loop_flush(struct loop *l);

/* ---- timers ---- */
struct timer {
	uv_timer_t uv;
	struct loop *loop;
	void (*on_time)(void *owner);
	void (*on_gone)(void *owner);
	void *owner;
};

void timer_init(struct timer *t, struct loop *l, void (*on_time)(void *), void *owner);
/* repeat_ms == 0: once. Starting a running timer moves it. */
void timer_start(struct timer *t, uint64_t delay_ms, uint64_t repeat_ms);
void timer_stop(struct timer *t);
void timer_close(struct timer *t, void (*on_gone)(void *owner));

/* ---- jobs: blocking work on libuv's thread pool ---- */
/* `work` runs on a pool thread, `done` on the loop's thread afterwards, exactly once. */
void job_run(struct loop *l, void (*work)(void *arg), void (*done)(void *arg), void *arg);
/* Threads for jobs; before the first job. */
void job_set_threads(unsigned n);

/* ---- mailbox: calls from other threads ---- */
struct mailbox;
struct mailbox *mailbox_create(struct loop *l);
/* Run `call(arg)` on the loop's thread, in the order of posting. Any thread. */
void mailbox_post(struct mailbox *m, void (*call)(void *arg), void *arg);
/* Calls still queued are run first. The memory goes when the loop has closed the handle. */
void mailbox_close(struct mailbox *m);

/* ---- signals ---- */
struct signal_watch {
	uv_signal_t uv;
	struct loop *loop;
	void (*on_signal)(void *owner, int number);
	void *owner;
};

void signal_watch_start(struct signal_watch *w, struct loop *l, int number,
			void (*on_signal)(void *, int), void *owner);
void signal_watch_close(struct signal_watch *w);

/* ---- threads ---- */
typedef uv_thread_t loop_thread;
/* A thread with room for a deep parse tree: 64 MB of stack, touched only when used. */
void loop_thread_start(loop_thread *t, void (*run)(void *arg), void *arg);
/* The calling thread gives way to whom it wakes: on a machine shared with the servers, a thread
 * that interrupts them for each answer pays a switch for each, and finds one event instead of many.
 */
void loop_thread_batch(void);
void loop_thread_join(loop_thread *t);

#endif
