/* A journey of many waits, written as straight code.
 *
 * What takes several round trips (a scatter, a two-phase commit, a log-in) runs in a
 * fiber: a function on a stack of its own that gives the thread back while it waits.
 * Callbacks only note what happened and wake the fiber; the fiber looks at its
 * condition again:
 *
 *	while (leg->n_pending && !leg->lost)
 *		fiber_wait();
 *
 * Happy path: fiber_start() runs `body` until its first fiber_wait(); fiber_wake()
 * runs it on from there; when the body returns, the stack goes back to the pool.
 * Waking twice before it runs is the same as waking once; a wake never runs the
 * fiber inside another fiber: it is put off to the end of the callback.
 * Stacks are FIBER_STACK_BYTES with a guard page. What recurses without a bound (the
 * parser, the planner) runs by fiber_on_thread_stack().
 * Threads: a fiber lives on the thread that started it. */
#ifndef PGMOSAIC_LOOP_FIBER_H
#define PGMOSAIC_LOOP_FIBER_H

#include <stdbool.h>
#include "pgmosaic/loop/loop.h"

#define FIBER_STACK_BYTES (128u << 10)

struct fiber;

struct fiber *fiber_start(struct loop *l, void (*body)(void *arg), void *arg);
/* In a fiber: give the thread back until woken. */
void fiber_wait(void);
/* Mark as runnable; it runs when the present callback ends. NULL is fine. */
void fiber_wake(struct fiber *f);
/* In a fiber: run `call(arg)` on the thread's own, large stack. */
void fiber_on_thread_stack(void (*call)(void *arg), void *arg);
struct fiber *fiber_self(void); /* NULL outside of fibers */
/* Run the fibers woken on this thread. loop_flush() calls it. */
void fiber_run_woken(void);
/* Free the pooled stacks of this thread. */
void fiber_release_stacks(void);

#endif
