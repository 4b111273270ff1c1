#include "pgmosaic/loop/fiber.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "pgmosaic/base/check.h"
#include "pgmosaic/base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif
#ifdef FIBER_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

#define POOL_MAX 64

struct fiber {
	ucontext_t context, resumer;
	struct loop *loop;
	void (*body)(void *);
	void *arg;
	void (*call)(void *); /* to run on the thread's stack */
	void *call_arg;
	char *stack;
	struct list woken_node;
	bool is_done, is_running;
	void *fake_stack; /* ASan's */
	const void *thread_stack;
	size_t thread_stack_bytes;
	void *tsan_self, *tsan_resumer;
};

static _Thread_local struct fiber *current;
static _Thread_local struct list woken;
static _Thread_local bool woken_ready;
static _Thread_local char *pool[POOL_MAX];
static _Thread_local unsigned pool_n;

static char *stack_take(void)
{
	char *p;

	if (pool_n)
		return pool[--pool_n];
	p = mmap(NULL, FIBER_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		 0);
	INVARIANT(p != MAP_FAILED);
	INVARIANT(mprotect(p, (size_t)sysconf(_SC_PAGESIZE), PROT_NONE) == 0);
	return p;
}

static void stack_give(char *p)
{
	if (pool_n < POOL_MAX)
		pool[pool_n++] = p;
	else
		munmap(p, FIBER_STACK_BYTES);
}

void fiber_release_stacks(void)
{
	while (pool_n)
		munmap(pool[--pool_n], FIBER_STACK_BYTES);
}

/* ---- the two switches, with what the sanitizers must know ---- */

static void switch_to_fiber(struct fiber *f)
{
	struct fiber *before = current;

	PRE(before == NULL); /* fibers do not resume each other */
	current = f;
	f->is_running = true;
#if defined(__SANITIZE_THREAD__)
	f->tsan_resumer = __tsan_get_current_fiber();
	__tsan_switch_to_fiber(f->tsan_self, 0);
#endif
#ifdef FIBER_ASAN
	void *fake = NULL;
	__sanitizer_start_switch_fiber(&fake, f->stack, FIBER_STACK_BYTES);
#endif
	swapcontext(&f->resumer, &f->context);
#ifdef FIBER_ASAN
	__sanitizer_finish_switch_fiber(fake, NULL, NULL);
#endif
	f->is_running = false;
	current = NULL;
}

static void switch_to_thread(struct fiber *f)
{
#if defined(__SANITIZE_THREAD__)
	__tsan_switch_to_fiber(f->tsan_resumer, 0);
#endif
#ifdef FIBER_ASAN
	__sanitizer_start_switch_fiber(f->is_done ? NULL : &f->fake_stack, f->thread_stack,
				       f->thread_stack_bytes);
#endif
	swapcontext(&f->context, &f->resumer);
#ifdef FIBER_ASAN
	__sanitizer_finish_switch_fiber(f->fake_stack, &f->thread_stack, &f->thread_stack_bytes);
#endif
}

static void fiber_main(void)
{
	struct fiber *f = current;

#ifdef FIBER_ASAN
	__sanitizer_finish_switch_fiber(NULL, &f->thread_stack, &f->thread_stack_bytes);
#endif
	f->body(f->arg);
	f->is_done = true;
	switch_to_thread(f);
	UNREACHABLE("a finished fiber was resumed");
}

static void fiber_free(struct fiber *f)
{
	list_remove(&f->woken_node);
#if defined(__SANITIZE_THREAD__)
	__tsan_destroy_fiber(f->tsan_self);
#endif
	stack_give(f->stack);
	free(f);
}

static void fiber_run(struct fiber *f)
{
	for (;;) {
		void (*call)(void *);

		switch_to_fiber(f);
		if (f->is_done) {
			fiber_free(f);
			return;
		}
		call = f->call;
		if (!call)
			return;
		f->call = NULL;
		call(f->call_arg);
	}
}

struct fiber *fiber_start(struct loop *l, void (*body)(void *), void *arg)
{
	struct fiber *f = mem_zero(1, sizeof(*f));

	f->loop = l;
	f->body = body;
	f->arg = arg;
	f->stack = stack_take();
	list_init(&f->woken_node);
	getcontext(&f->context);
	f->context.uc_stack.ss_sp = f->stack;
	f->context.uc_stack.ss_size = FIBER_STACK_BYTES;
	f->context.uc_link = NULL;
	makecontext(&f->context, fiber_main, 0);
#if defined(__SANITIZE_THREAD__)
	f->tsan_self = __tsan_create_fiber(0);
#endif
	fiber_wake(f); /* runs when the present callback ends */
	return f;
}

void fiber_wait(void)
{
	PRE(current != NULL);
	switch_to_thread(current);
}

void fiber_wake(struct fiber *f)
{
	if (!f || f->is_running)
		return;
	if (!woken_ready) {
		list_init(&woken);
		woken_ready = true;
	}
	if (list_is_empty(&f->woken_node))
		list_push_back(&woken, &f->woken_node);
}

void fiber_on_thread_stack(void (*call)(void *), void *arg)
{
	PRE(current != NULL);
	current->call = call;
	current->call_arg = arg;
	switch_to_thread(current);
}

struct fiber *fiber_self(void)
{
	return current;
}

void fiber_run_woken(void)
{
	if (current || !woken_ready)
		return;
	while (!list_is_empty(&woken)) {
		struct fiber *f = list_entry(woken.next, struct fiber, woken_node);

		list_remove(&f->woken_node);
		fiber_run(f);
	}
}
