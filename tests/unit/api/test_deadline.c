/* Deadline queues: the first is the next one due, whoever leaves in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/deadline.h"

static void test_order(void **state) {
  struct pm_deadline_queue queue = {.length_ms = 100};
  struct pm_deadline a = {0};
  struct pm_deadline b = {0};
  struct pm_deadline c = {0};
  (void)state;
  assert_true(pm_deadline_next_ms(&queue) == INT64_MAX);
  pm_deadline_arm(&queue, &a, 1);
  pm_deadline_arm(&queue, &b, 2);
  pm_deadline_arm(&queue, &c, 3);
  assert_ptr_equal(queue.first, &a);
  assert_int_equal(pm_deadline_next_ms(&queue), 101);
  pm_deadline_disarm(&b); /* from the middle */
  pm_deadline_disarm(&b); /* and once more, which does nothing */
  assert_ptr_equal(a.after, &c);
  assert_ptr_equal(c.before, &a);
  pm_deadline_arm(&queue, &a, 4); /* to the end */
  assert_ptr_equal(queue.first, &c);
  assert_int_equal(pm_deadline_next_ms(&queue), 103);
  pm_deadline_disarm(&a);
  assert_ptr_equal(queue.last, &c);
  pm_deadline_disarm(&c);
  assert_null(queue.first);
  assert_null(queue.last);
}

static void test_moving_between_queues(void **state) {
  struct pm_deadline_queue shorter = {.length_ms = 5};
  struct pm_deadline_queue longer = {.length_ms = INT64_MAX};
  struct pm_deadline a = {0};
  (void)state;
  pm_deadline_arm(&shorter, &a, 10);
  pm_deadline_arm(&longer, &a, 10);
  assert_null(shorter.first);
  assert_ptr_equal(longer.first, &a);
  assert_true(pm_deadline_next_ms(&longer) == INT64_MAX); /* saturates */
  pm_deadline_disarm(&a);
  assert_null(longer.first);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_order),
      cmocka_unit_test(test_moving_between_queues),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
