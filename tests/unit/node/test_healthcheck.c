/* Whom --healthcheck asks. That it asks, and what its status says, is in the end-to-end tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/healthcheck.h"

enum { WORDS_MAX = 8 };

static const char *nothing(void *owner, const char *name) {
  (void)owner;
  (void)name;
  return NULL;
}

/* The words of process 1, and what of them is a node's command. */
static void test_arguments_of_process_1(void **state) {
  (void)state;
  static const struct {
    const char *command; /* with "|" for each word's NUL */
    int count;
    const char *second; /* argv[1] */
  } rows[] = {
      {"pingmesh|-s|8080|", 3, "-s"},
      {"/usr/bin/pingmesh|-c|-s|80|-r|443|", 6, "-c"},
      {"/sbin/docker-init|--|/usr/bin/pingmesh|-s|80|", 3, "-s"},
      {"pingmesh|-L||-s|1|", 5, "-L"},
      {"pingmesh|-s|80", 3, "-s"}, /* the last NUL was cut off */
      {"/sbin/init|splash|", 0, NULL},
      {"/opt/pingmesh-exporter|-s|1|", 0, NULL},
      {"pingmesh|1|2|3|4|5|6|7|", 0, NULL}, /* more than there is room for */
      {"", 0, NULL},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char command[64], *argv[WORDS_MAX];
    size_t bytes = strlen(rows[i].command);
    memcpy(command, rows[i].command, bytes + 1);
    for (char *at = command; (at = strchr(at, '|')); at++) *at = '\0';
    assert_int_equal(pm_healthcheck_arguments(command, bytes, argv, WORDS_MAX), rows[i].count);
    if (!rows[i].count) continue;
    assert_string_equal(argv[1], rows[i].second);
    assert_null(argv[rows[i].count]);
  }
}

static void test_where_a_node_answers(void **state) {
  (void)state;
  static const struct {
    const char *words[WORDS_MAX];
    const char *url; /* NULL: nowhere */
  } rows[] = {
      {{"-s", "80"}, "http://127.0.0.1:80/healthz"},
      {{"-s", "8080", "--bind", "0.0.0.0"}, "http://127.0.0.1:8080/healthz"},
      {{"-s", "8080", "--bind", "::"}, "http://[::1]:8080/healthz"},
      {{"-s", "8080", "--bind", "192.0.2.7"}, "http://192.0.2.7:8080/healthz"},
      {{"-s", "8443", "--bind", "fd00::7", "--tls-cert=c", "--tls-key=k"},
       "https://[fd00::7]:8443/healthz"},
      {{"http://peer.example/"}, NULL},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char name[] = "pingmesh", *argv[WORDS_MAX + 1] = {name};
    int argc = 1;
    for (; argc < WORDS_MAX && rows[i].words[argc - 1]; argc++)
      argv[argc] = (char *)(uintptr_t)rows[i].words[argc - 1];
    struct pm_options options;
    struct pm_endpoint endpoint;
    struct pm_why why = {""};
    assert_int_equal(pm_options_parse(argc, argv, nothing, NULL, &options, &why), PM_OPTIONS_RUN);
    enum pm_err err = pm_healthcheck_endpoint(&options, &endpoint, &why);
    assert_int_equal(err, rows[i].url ? PM_OK : PM_ERR_MISSING);
    if (rows[i].url) assert_string_equal(endpoint.url, rows[i].url);
    if (!rows[i].url) assert_non_null(strstr(why.text, "-s"));
    pm_options_deinit(&options);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_arguments_of_process_1),
      cmocka_unit_test(test_where_a_node_answers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
