/* Which endpoints are ourselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/identity.h"

static struct pm_identity make(const char *bind) {
  struct pm_options options = {.hostname = "node.example",
                               .listen_port = 8080,
                               .report_port = 443,
                               .location = "Lab",
                               .bind = bind};
  struct pm_identity identity;
  pm_identity_init(&identity, &options, (struct pm_wall){1});
  return identity;
}

static bool is_self(const struct pm_identity *identity, const char *url) {
  struct pm_endpoint endpoint;
  assert_int_equal(pm_endpoint_parse(url, NULL, &endpoint, NULL), PM_OK);
  return pm_identity_is_self(identity, &endpoint);
}

static void test_listening_everywhere(void **state) {
  (void)state;
  struct pm_identity identity = make(NULL);
  assert_string_equal(identity.location, "Lab");
  assert_int_equal(identity.report_port, 443);
  assert_true(is_self(&identity, "http://127.0.0.1:8080/v1/ping"));
  assert_true(is_self(&identity, "http://127.3.2.1:8080/v1/ping"));
  assert_true(is_self(&identity, "http://[::1]:8080/v1/ping"));
  assert_true(is_self(&identity, "http://localhost:8080/v1/ping"));
  assert_true(is_self(&identity, "https://node.example/v1/ping"));
  assert_false(is_self(&identity, "http://127.0.0.1:8081/v1/ping"));
  assert_false(is_self(&identity, "http://node.example/v1/ping"));
  assert_false(is_self(&identity, "http://192.0.2.1:8080/v1/ping"));
}

static void test_bound_to_one_address(void **state) {
  (void)state;
  struct pm_identity identity = make("127.0.0.2");
  assert_true(is_self(&identity, "http://127.0.0.2:8080/v1/ping"));
  assert_false(is_self(&identity, "http://127.0.0.3:8080/v1/ping"));
  assert_false(is_self(&identity, "http://localhost:8080/v1/ping"));
}

static void test_an_override_counts_more_than_the_name(void **state) {
  (void)state;
  struct pm_identity identity = make(NULL);
  struct pm_endpoint endpoint;
  assert_int_equal(
      pm_endpoint_parse("http://other.example:8080/v1/ping", "127.0.0.1", &endpoint, NULL), PM_OK);
  assert_true(pm_identity_is_self(&identity, &endpoint));
}

static void test_without_a_server_nothing_is(void **state) {
  (void)state;
  struct pm_options options = {.hostname = "node.example"};
  struct pm_identity identity;
  pm_identity_init(&identity, &options, (struct pm_wall){1});
  assert_true(identity.location[0]); /* an address, or "localhost" */
  assert_false(is_self(&identity, "http://localhost/v1/ping"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_listening_everywhere),
      cmocka_unit_test(test_bound_to_one_address),
      cmocka_unit_test(test_an_override_counts_more_than_the_name),
      cmocka_unit_test(test_without_a_server_nothing_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
