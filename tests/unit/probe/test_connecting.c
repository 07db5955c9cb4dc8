/* Who of those that are connecting is looked at before libcurl gives it up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "probe/connecting.h"
#include "probe/trace.h"

enum { TRACES = 4 };

/* Connections whose sockets have not even begun: the kernel says so when it is asked. */
struct fixture {
  struct pm_connecting_list list;
  struct pm_connecting connecting[TRACES];
  struct pm_trace traces[TRACES];
  int fd;
};

static int setup(void **state) {
  static struct fixture f;
  f = (struct fixture){.fd = socket(AF_INET, SOCK_STREAM, 0)};
  if (f.fd < 0) return -1;
  pm_connecting_init(&f.list);
  *state = &f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  return close(f->fd);
}

static struct pm_time at_ms(int64_t ms) {
  return (struct pm_time){ms * PM_NS_PER_MS};
}

static void join(struct fixture *f, size_t i, int64_t begun_ms, int64_t patience_ms) {
  f->traces[i] = (struct pm_trace){
      .on = true, .fd = f->fd, .begun = at_ms(begun_ms), .patience_ns = patience_ms * PM_NS_PER_MS};
  pm_connecting_join(&f->list, &f->connecting[i], &f->traces[i]);
}

static void leave(struct fixture *f, size_t i) {
  pm_connecting_leave(&f->list, &f->connecting[i]);
}

/* "02" if the traces 0 and 2 have ended. */
static void assert_ended(const struct fixture *f, const char *expected) {
  char ended[TRACES + 1] = "";
  size_t count = 0;
  for (size_t i = 0; i < TRACES; i++)
    if (f->traces[i].on && f->traces[i].fd < 0) ended[count++] = (char)('0' + i);
  assert_string_equal(ended, expected);
}

/* A millisecond early, for libcurl's timer counts in these. */
static void whose_patience_is_over_is_ended(void **state) {
  struct fixture *f = *state;
  join(f, 0, 0, 100);
  join(f, 1, 10, 100);
  join(f, 2, 20, 100);
  pm_connecting_end_overdue(&f->list, at_ms(98));
  assert_ended(f, "");
  pm_connecting_end_overdue(&f->list, at_ms(99));
  assert_ended(f, "0");
  assert_true(f->traces[0].ended.known);
  pm_connecting_end_overdue(&f->list, at_ms(119));
  assert_ended(f, "012");
  assert_true(pm_connecting_is_empty(&f->list));
}

static void the_less_patient_are_found_behind_the_patient(void **state) {
  struct fixture *f = *state;
  join(f, 0, 0, 1000);
  join(f, 1, 10, 50);
  join(f, 2, 20, 1000);
  join(f, 3, 30, 100);
  pm_connecting_end_overdue(&f->list, at_ms(59));
  assert_ended(f, "1");
  pm_connecting_end_overdue(&f->list, at_ms(129));
  assert_ended(f, "13");
  assert_false(pm_connecting_is_empty(&f->list));
  pm_connecting_end_overdue(&f->list, at_ms(1100));
  assert_ended(f, "0123");
}

static void who_has_left_is_left_alone(void **state) {
  struct fixture *f = *state;
  for (size_t i = 0; i < TRACES; i++) join(f, i, 0, 100);
  leave(f, 0);
  leave(f, 1);
  leave(f, 0); /* twice is fine, though its neighbour has gone, too */
  pm_connecting_join(&f->list, &f->connecting[2], &f->traces[2]); /* so is this */
  leave(f, 3);
  pm_connecting_end_overdue(&f->list, at_ms(1000));
  assert_ended(f, "2");
  join(f, 3, 1000, 100); /* who has left may come again */
  pm_connecting_end_overdue(&f->list, at_ms(2000));
  assert_ended(f, "23");
}

static void an_empty_list_is_empty(void **state) {
  struct fixture *f = *state;
  assert_true(pm_connecting_is_empty(&f->list));
  leave(f, 0);
  pm_connecting_end_overdue(&f->list, at_ms(1000));
  join(f, 0, 0, 100);
  assert_false(pm_connecting_is_empty(&f->list));
  leave(f, 0);
  assert_true(pm_connecting_is_empty(&f->list));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(whose_patience_is_over_is_ended),
      TEST(the_less_patient_are_found_behind_the_patient),
      TEST(who_has_left_is_left_alone),
      TEST(an_empty_list_is_empty),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
