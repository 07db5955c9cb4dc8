/* What is costly to write is given as it is for a multiple of what it cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/kept.h"

static struct pm_time at_ms(int64_t ms) {
  return (struct pm_time){1000 * (int64_t)PM_NS_PER_S + ms * PM_NS_PER_MS};
}

static void it_is_fresh_for_forty_times_what_it_took(void **state) {
  (void)state;
  struct pm_kept kept;
  pm_kept_init(&kept);
  assert_false(pm_kept_is_fresh(&kept, (struct pm_time){0}));
  pm_buf_text(&kept.text, "written");
  pm_kept_written(&kept, at_ms(5), INT64_C(5) * PM_NS_PER_MS);
  assert_true(pm_kept_is_fresh(&kept, at_ms(5)));
  assert_true(pm_kept_is_fresh(&kept, at_ms(5 + 40 * 5 - 1)));
  assert_string_equal(kept.text.data, "written");
  assert_false(pm_kept_is_fresh(&kept, at_ms(5 + 40 * 5)));
  assert_int_equal(kept.text.len, 0);
  pm_kept_deinit(&kept);
}

static void it_answers_with_the_text_or_its_failure(void **state) {
  (void)state;
  struct pm_kept kept;
  struct pm_http_response response = {.status = 200};
  pm_kept_init(&kept);
  pm_buf_init(&response.body, PM_HTTP_RESPONSE_BYTES_MAX);
  pm_buf_text(&kept.text, "written");
  pm_kept_answer(&kept, &response);
  assert_string_equal(response.body.data, "written");
  kept.text.err = PM_ERR_FULL;
  pm_kept_answer(&kept, &response);
  assert_int_equal(pm_buf_status(&response.body), PM_ERR_FULL);
  pm_buf_deinit(&response.body);
  pm_kept_deinit(&kept);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_is_fresh_for_forty_times_what_it_took),
      cmocka_unit_test(it_answers_with_the_text_or_its_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
