/* The intrusive list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgmosaic/base/list.h"

struct item {
	int number;
	struct list link;
};

static void expect_order(struct list *head, const int *numbers, int n)
{
	struct list *pos;
	int i = 0;

	list_for_each(pos, head)
	{
		assert_true(i < n);
		assert_int_equal(list_entry(pos, struct item, link)->number, numbers[i++]);
	}
	assert_int_equal(i, n);
}

static void pushes_keep_their_order(void **state)
{
	struct item a = { .number = 1 }, b = { .number = 2 }, c = { .number = 3 };
	struct list head;

	(void)state;
	list_init(&head);
	assert_true(list_is_empty(&head));
	list_push_back(&head, &a.link);
	list_push_back(&head, &b.link);
	list_push_front(&head, &c.link);
	expect_order(&head, (const int[]){ 3, 1, 2 }, 3);
	assert_false(list_is_empty(&head));
}

static void removing_twice_does_no_harm(void **state)
{
	struct item a = { .number = 1 }, b = { .number = 2 };
	struct list head;

	(void)state;
	list_init(&head);
	list_push_back(&head, &a.link);
	list_push_back(&head, &b.link);
	list_remove(&a.link);
	list_remove(&a.link);
	expect_order(&head, (const int[]){ 2 }, 1);
	list_push_back(&head, &a.link);
	expect_order(&head, (const int[]){ 2, 1 }, 2);
}

static void the_safe_walk_may_remove_as_it_goes(void **state)
{
	struct item items[5];
	struct list head, *pos, *next;

	(void)state;
	list_init(&head);
	for (int i = 0; i < 5; i++) {
		items[i].number = i;
		list_push_back(&head, &items[i].link);
	}
	list_for_each_safe(pos, next, &head)
	{
		if (list_entry(pos, struct item, link)->number % 2 == 0)
			list_remove(pos);
	}
	expect_order(&head, (const int[]){ 1, 3 }, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pushes_keep_their_order),
		cmocka_unit_test(removing_twice_does_no_harm),
		cmocka_unit_test(the_safe_walk_may_remove_as_it_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
