/* The command line and the environment, as the original's users write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/options.h"

enum { WORDS_MAX = 16 };

/* A NULL-terminated list of name, value, name, value, … */
static const char *lookup(void *owner, const char *name) {
  for (const char **pair = owner; pair && *pair; pair += 2)
    if (strcmp(pair[0], name) == 0) return pair[1];
  return NULL;
}

struct parsed {
  struct pm_options options;
  struct pm_why why;
  enum pm_options_action action;
  char *words[WORDS_MAX];
};

/* args: words separated by single blanks. */
static struct parsed *parse(const char *args, const char **env) {
  struct parsed *p = calloc(1, sizeof(*p));
  int count = 0;
  p->words[count++] = strdup("pingmesh");
  for (const char *at = args; *at;) {
    size_t length = strcspn(at, " ");
    assert_true(count < WORDS_MAX);
    p->words[count++] = strndup(at, length);
    at += length + (at[length] == ' ');
  }
  p->action = pm_options_parse(count, p->words, lookup, env, &p->options, &p->why);
  return p;
}

static void done(struct parsed *p) {
  pm_options_deinit(&p->options);
  for (size_t i = 0; i < WORDS_MAX; i++) free(p->words[i]);
  free(p);
}

static void test_go_style_flags(void **state) {
  (void)state;
  static const char *const ways[] = {"-n 5 -d 2 -s 8080", "-n=5 -d=2 -s=8080",
                                     "--n=5 --d 2 --s=8080"};
  for (size_t i = 0; i < 3; i++) {
    struct parsed *p = parse(ways[i], NULL);
    assert_int_equal(p->action, PM_OPTIONS_RUN);
    assert_int_equal(p->options.limit, 5);
    assert_int_equal(p->options.delay_s, 2);
    assert_int_equal(p->options.listen_port, 8080);
    assert_int_equal(p->options.fail_max, 100);
    done(p);
  }
}

static void test_parsing_stops_at_first_argument(void **state) {
  (void)state;
  struct parsed *p = parse("-d 2 one.example -n 5", NULL);
  assert_int_equal(p->action, PM_OPTIONS_WRONG); /* "-n" is no endpoint */
  done(p);
  p = parse("-d 2 -- one.example two.example:81", NULL);
  assert_int_equal(p->action, PM_OPTIONS_RUN);
  assert_int_equal(p->options.targets_count, 2);
  assert_int_equal(p->options.targets[1].endpoint.port, 81);
  done(p);
}

static void test_verbosity(void **state) {
  (void)state;
  static const struct {
    const char *args;
    int verbosity;
  } rows[] = {{"-s 1", 1},          {"-q -s 1", 0},    {"-v -s 1", 2},  {"-V -s 1", 3},
              {"-v=false -s 1", 1}, {"-v -V -s 1", 3}, {"-v=T -s 1", 2}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct parsed *p = parse(rows[i].args, NULL);
    assert_int_equal(p->options.verbosity, rows[i].verbosity);
    done(p);
  }
}

static void test_environment_wins_for_three(void **state) {
  (void)state;
  const char *env[] = {"PINGMESH_DELAY", "1", "PINGMESH_LIMIT", "2", "PINGMESH_MAXFAIL", "7", NULL};
  struct parsed *p = parse("-s 1 -d 3 -n 4 -f 9", env);
  assert_int_equal(p->options.delay_s, 1);
  assert_int_equal(p->options.limit, 2);
  assert_int_equal(p->options.fail_max, 7);
  assert_non_null(
      strstr(p->options.notes.data, "Note: PINGMESH_DELAY from environment, 1 overrides -d 3\n"));
  assert_non_null(
      strstr(p->options.notes.data, "Note: PINGMESH_MAXFAIL from environment, 7 overrides -f 9\n"));
  done(p);
}

static void test_bad_environment_keeps_the_flag(void **state) {
  (void)state;
  const char *env[] = {
      "PINGMESH_DELAY", "x", "PINGMESH_LIMIT", "0", "PINGMESH_MAXFAIL", "-1", NULL};
  struct parsed *p = parse("-s 1 -d 1 -n 1", env);
  assert_int_equal(p->action, PM_OPTIONS_RUN);
  assert_int_equal(p->options.delay_s, 1);
  assert_int_equal(p->options.limit, 1);
  assert_int_equal(p->options.fail_max, 100);
  assert_string_equal(p->options.notes.data,
                      "Warning: PINGMESH_DELAY environment is x -- value must be int > 0.  Using "
                      "-d 1 instead\n"
                      "Warning: PINGMESH_LIMIT from environment is 0 -- value must be int > 0.  "
                      "Using -n 1 instead\n"
                      "Warning: PINGMESH_MAXFAIL from environment is -1 -- value must be int > 0.  "
                      "Using -f 100 instead\n");
  done(p);
}

static void test_flag_wins_for_the_rest(void **state) {
  (void)state;
  const char *env[] = {"PINGMESH_HOSTNAME", "env.example", "PINGMESH_TIMEOUT", "3", NULL};
  struct parsed *p = parse("-s 1 -H flag.example", env);
  assert_string_equal(p->options.hostname, "flag.example");
  assert_int_equal(p->options.timeout_s, 3);
  done(p);
  p = parse("-s 1 --timeout 4", env);
  assert_string_equal(p->options.hostname, "env.example");
  assert_int_equal(p->options.timeout_s, 4);
  done(p);
}

static void test_location(void **state) {
  (void)state;
  const char *both[] = {"REP_CITY", "Sunnyvale", "REP_COUNTRY", "US", NULL};
  const char *city[] = {"REP_CITY", "Sunnyvale", NULL};
  const char *all[] = {"REP_LOCATION", "Lab 3", "REP_CITY", "Sunnyvale", NULL};
  struct parsed *p = parse("-s 1", both);
  assert_string_equal(p->options.location, "Sunnyvale,US");
  done(p);
  p = parse("-s 1", city);
  assert_string_equal(p->options.location, "Sunnyvale");
  done(p);
  p = parse("-s 1", all);
  assert_string_equal(p->options.location, "Lab 3");
  done(p);
  p = parse("-s 1 -L Paris,FR", all);
  assert_string_equal(p->options.location, "Paris,FR");
  done(p);
}

static void test_seeds_from_environment(void **state) {
  (void)state;
  const char *env[] = {"PINGMESH_URL",
                       "http://a.example/v1/ping#Paris,FR,https://b.example c.example:81, "
                       "https+insecure://d.example/x",
                       NULL};
  struct parsed *p = parse("-I 192.0.2.1 arg.example", env);
  assert_int_equal(p->action, PM_OPTIONS_RUN);
  assert_int_equal(p->options.targets_count, 5);
  assert_string_equal(p->options.targets[0].endpoint.host, "arg.example");
  assert_int_equal(p->options.targets[0].endpoint.ip_override.family, PM_IP_V4);
  assert_string_equal(p->options.targets[1].endpoint.location, "Paris,FR");
  assert_int_equal(p->options.targets[1].endpoint.ip_override.family, PM_IP_NONE);
  assert_true(p->options.targets[2].endpoint.https);
  assert_false(p->options.targets[2].insecure);
  assert_int_equal(p->options.targets[3].endpoint.port, 81);
  assert_true(p->options.targets[4].insecure);
  assert_string_equal(p->options.targets[4].endpoint.url, "https://d.example/x");
  done(p);
}

static void test_nothing_to_do_and_actions(void **state) {
  (void)state;
  static const struct {
    const char *args;
    enum pm_options_action action;
  } rows[] = {{"", PM_OPTIONS_NOTHING_TO_DO},
              {"-d 5", PM_OPTIONS_NOTHING_TO_DO},
              {"-s 0", PM_OPTIONS_NOTHING_TO_DO},
              {"--help", PM_OPTIONS_HELP},
              {"-h", PM_OPTIONS_HELP},
              {"--version", PM_OPTIONS_VERSION},
              {"-s 1", PM_OPTIONS_RUN},
              {"--print-config", PM_OPTIONS_PRINT_CONFIG}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct parsed *p = parse(rows[i].args, NULL);
    assert_int_equal(p->action, rows[i].action);
    done(p);
  }
}

/* One sentence each that names the thing, the value, and what would be right. */
static void test_wrong_use(void **state) {
  (void)state;
  static const struct {
    const char *args, *thing, *right;
  } rows[] = {
      {"-x", "-x", "--help"},
      {"-d", "-d", "seconds"},
      {"-d ten", "-d: \"ten\"", "from 0 to 86400"},
      {"-d 5s", "-d: \"5s\"", "whole number"},
      {"-d 86401", "-d: \"86401\"", "from 0 to 86400"},
      {"-d 99999999999999999999", "-d: \"99999999999999999999\"", "from 0 to 86400"},
      {"-f 0", "-f: \"0\"", "from 1"},
      {"-n -1", "-n: \"-1\"", "from 0"},
      {"-s 65536", "-s: \"65536\"", "to 65535"},
      {"-v=maybe -s 1", "-v: \"maybe\"", "true or false"},
      {"--output xml -s 1", "--output: \"xml\"", "text|tsv|json"},
      {"--output= -s 1", "--output: \"\"", "text|tsv|json"},
      {"--bind 1.2.3 -s 1", "--bind: \"1.2.3\"", "address"},
      {"--tls-cert a.pem -s 1", "--tls-cert and --tls-key", "missing"},
      {"-H a<b -s 1", "-H: \"a<b\"", "letters"},
      {"-I nonsense -s 1", "-I: \"nonsense\"", "address"},
      {"-L a\tb -s 1", "-L: ", "control character"},
      {"-L \xff -s 1", "-L: ", "UTF-8"},
      {"--token-only -s 1", "--token-only", "PINGMESH_ADMIN_TOKEN"},
      {"http://user@host/", "user", ""},
      {"ftp://host/", "ftp", "http"},
      {"host:0", "0", ""},
      {"-I nowhere host", "nowhere", ""},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct parsed *p = parse(rows[i].args, NULL);
    assert_int_equal(p->action, PM_OPTIONS_WRONG);
    if (!strstr(p->why.text, rows[i].thing) || !strstr(p->why.text, rows[i].right))
      fail_msg("%s: %s", rows[i].args, p->why.text);
    done(p);
  }
}

static void test_wrong_environment_is_named(void **state) {
  (void)state;
  const char *env[] = {"PINGMESH_TIMEOUT", "soon", NULL};
  struct parsed *p = parse("-s 1", env);
  assert_int_equal(p->action, PM_OPTIONS_WRONG);
  assert_non_null(strstr(p->why.text, "PINGMESH_TIMEOUT: \"soon\""));
  done(p);
}

struct seen {
  bool token;
  char timeout_origin[32];
};

static void see(void *owner, const char *name, const char *value, const char *origin) {
  struct seen *seen = owner;
  assert_null(strstr(value, "s3cret-token"));
  if (strcmp(name, "PINGMESH_ADMIN_TOKEN") == 0) {
    assert_string_equal(value, "(set)");
    seen->token = true;
  }
  if (strcmp(name, "timeout") == 0)
    snprintf(seen->timeout_origin, sizeof(seen->timeout_origin), "%s", origin);
}

static void test_secrets_are_never_shown(void **state) {
  (void)state;
  const char *env[] = {"PINGMESH_ADMIN_TOKEN", "s3cret-token", "PINGMESH_TIMEOUT", "3", NULL};
  struct parsed *p = parse("-s 1", env);
  struct seen seen = {0};
  pm_options_visit(&p->options, see, &seen);
  assert_true(seen.token);
  assert_string_equal(seen.timeout_origin, "PINGMESH_TIMEOUT");
  struct pm_buf text;
  pm_buf_init(&text, 1 << 16);
  pm_options_print(&p->options, &text);
  pm_options_usage(&text);
  assert_null(strstr(text.data, "s3cret-token"));
  pm_buf_deinit(&text);
  done(p);
}

/* Every line of --print-config is 'one quoted argument'. */
static char *unquote(const char *line, size_t length) {
  assert_true(length >= 2 && line[0] == '\'' && line[length - 1] == '\'');
  return strndup(line + 1, length - 2);
}

static void test_printed_configuration_parses_again(void **state) {
  (void)state;
  const char *env[] = {"PINGMESH_DELAY", "7", "REP_CITY", "Oslo", NULL};
  struct parsed *p =
      parse("-s 81 -n 3 -V --deny 10.0.0.0/8 --deny example.net --insecure "
            "--output json [::1]:8080 https+insecure://b.example/p?q=1#Paris,FR c.example#50%25",
            env);
  assert_int_equal(p->action, PM_OPTIONS_RUN);
  struct pm_buf first, second;
  pm_buf_init(&first, 1 << 16);
  pm_buf_init(&second, 1 << 16);
  pm_options_print(&p->options, &first);
  char *words[64] = {strdup("pingmesh")};
  int count = 1;
  for (const char *at = first.data; *at;) {
    size_t length = strcspn(at, "\n");
    assert_true(count < 64);
    words[count++] = unquote(at, length);
    at += length + 1;
  }
  struct pm_options again;
  struct pm_why why;
  assert_int_equal(pm_options_parse(count, words, lookup, NULL, &again, &why), PM_OPTIONS_RUN);
  pm_options_print(&again, &second);
  assert_string_equal(first.data, second.data);
  assert_int_equal(again.delay_s, 7);
  assert_int_equal(again.verbosity, 3);
  assert_int_equal(again.deny.count, 2);
  assert_string_equal(again.location, "Oslo");
  assert_true(again.targets[1].insecure);
  assert_string_equal(again.targets[2].endpoint.location, "50%");
  pm_options_deinit(&again);
  for (int i = 0; i < count; i++) free(words[i]);
  pm_buf_deinit(&first);
  pm_buf_deinit(&second);
  done(p);
}

/* A number may follow, an endpoint is none. */
static void test_forecast_takes_a_number(void **state) {
  (void)state;
  static const struct {
    const char *args;
    enum pm_options_action action;
    int64_t nodes;
    size_t targets;
  } rows[] = {
      {"--cloudwatch-forecast", PM_OPTIONS_FORECAST, 0, 0},
      {"--cloudwatch-forecast 50", PM_OPTIONS_FORECAST, 50, 0},
      {"--cloudwatch-forecast=50 one.example", PM_OPTIONS_FORECAST, 50, 1},
      {"--cloudwatch-forecast one.example", PM_OPTIONS_FORECAST, 0, 1},
      {"--cloudwatch-forecast 50 -d 5", PM_OPTIONS_FORECAST, 50, 0},
      {"--cloudwatch-forecast 0", PM_OPTIONS_WRONG, 0, 0},
      {"--cloudwatch-forecast=x", PM_OPTIONS_WRONG, 0, 0},
      {"--cloudwatch-dashboard", PM_OPTIONS_DASHBOARD, 0, 0},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct parsed *p = parse(rows[i].args, NULL);
    assert_int_equal(p->action, rows[i].action);
    assert_int_equal(p->options.forecast_nodes, rows[i].nodes);
    assert_int_equal(p->options.targets_count, rows[i].targets);
    done(p);
  }
}

static void test_what_is_published_to(void **state) {
  (void)state;
  static const struct {
    const char *args;
    enum pm_options_action action;
    bool cloudwatch;
  } rows[] = {
      {"-s 1", PM_OPTIONS_RUN, false},
      {"-s 1 -c", PM_OPTIONS_RUN, true},
      {"-s 1 -c=false", PM_OPTIONS_RUN, false},
      {"-s 1 --publish cloudwatch", PM_OPTIONS_RUN, true},
      {"-s 1 --publish ,cloudwatch,cloudwatch", PM_OPTIONS_RUN, true},
      {"-s 1 --publish cloudwatch,nowhere", PM_OPTIONS_WRONG, false},
      {"-s 1 --publish cloud", PM_OPTIONS_WRONG, false},
      {"-s 1 --cloudwatch-max-metrics 12", PM_OPTIONS_WRONG, false},
      {"-s 1 --cloudwatch-max-metrics 13", PM_OPTIONS_RUN, false},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct parsed *p = parse(rows[i].args, NULL);
    assert_int_equal(p->action, rows[i].action);
    if (p->action == PM_OPTIONS_RUN)
      assert_int_equal(pm_options_publishes(&p->options, "cloudwatch"), rows[i].cloudwatch);
    assert_string_equal(p->options.cloudwatch_legacy, "on");
    done(p);
  }
}

/* An address switches its sink on; a name alone needs one, but for otlp, which has a default. */
static void test_sinks(void **state) {
  (void)state;
  static const struct {
    const char *args, *env[3], *sinks; /* those that are on */
  } rows[] = {
      {"a", {NULL}, ""},
      {"--publish otlp,file --publish-file x a", {NULL}, "otlp file "},
      {"--otlp-url http://x a", {NULL}, "otlp "},
      {"--clickhouse-url http://x a", {"PINGMESH_WEBHOOK_URL", "http://x"}, "clickhouse webhook "},
      {"-c a", {"SENTRY_DSN", "http://k@x/1"}, "cloudwatch sentry "},
  };
  static const char *const names[] = {"cloudwatch", "otlp",    "clickhouse",
                                      "file",       "webhook", "sentry"};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const char *env[] = {rows[i].env[0], rows[i].env[1], NULL};
    struct parsed *p = parse(rows[i].args, env);
    char on[128] = "";
    size_t at = 0;
    assert_int_equal(p->action, PM_OPTIONS_RUN);
    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
      if (pm_options_publishes(&p->options, names[n]))
        at += (size_t)snprintf(on + at, sizeof(on) - at, "%s ", names[n]);
    assert_string_equal(on, rows[i].sinks);
    done(p);
  }
}

/* A webhook's URL may be given as a flag, but is a secret all the same. */
static void test_secret_addresses_are_not_printed(void **state) {
  (void)state;
  const char *env[] = {"SENTRY_DSN", "http://secret@x/1", NULL};
  struct parsed *p = parse("--webhook-url http://x/secret a", env);
  struct pm_buf out;
  pm_buf_init(&out, 1 << 16);
  pm_options_print(&p->options, &out);
  assert_null(strstr(out.data, "secret"));
  assert_null(strstr(out.data, "webhook"));
  pm_buf_deinit(&out);
  done(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sinks),
      cmocka_unit_test(test_secret_addresses_are_not_printed),
      cmocka_unit_test(test_go_style_flags),
      cmocka_unit_test(test_parsing_stops_at_first_argument),
      cmocka_unit_test(test_verbosity),
      cmocka_unit_test(test_environment_wins_for_three),
      cmocka_unit_test(test_bad_environment_keeps_the_flag),
      cmocka_unit_test(test_flag_wins_for_the_rest),
      cmocka_unit_test(test_location),
      cmocka_unit_test(test_seeds_from_environment),
      cmocka_unit_test(test_nothing_to_do_and_actions),
      cmocka_unit_test(test_wrong_use),
      cmocka_unit_test(test_wrong_environment_is_named),
      cmocka_unit_test(test_secrets_are_never_shown),
      cmocka_unit_test(test_printed_configuration_parses_again),
      cmocka_unit_test(test_forecast_takes_a_number),
      cmocka_unit_test(test_what_is_published_to),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
