/* What CloudWatch's answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "publish/cloudwatch_answer.h"

static void test_verdicts(void **state) {
  (void)state;
  static const struct {
    int status;
    const char *code;
    enum pm_cloudwatch_verdict verdict;
  } rows[] = {
      {200, "", PM_CLOUDWATCH_TAKEN},
      {400, "Throttling", PM_CLOUDWATCH_LATER},
      {400, "RequestLimitExceeded", PM_CLOUDWATCH_LATER},
      {503, "ServiceUnavailable", PM_CLOUDWATCH_LATER},
      {500, "anything", PM_CLOUDWATCH_LATER},
      {429, "", PM_CLOUDWATCH_LATER},
      {403, "ExpiredToken", PM_CLOUDWATCH_CREDENTIALS},
      {403, "SignatureDoesNotMatch", PM_CLOUDWATCH_CREDENTIALS},
      {403, "InvalidClientTokenId", PM_CLOUDWATCH_CREDENTIALS},
      {403, "AccessDenied", PM_CLOUDWATCH_NEVER},
      {400, "InvalidParameterValue", PM_CLOUDWATCH_NEVER},
      {413, "", PM_CLOUDWATCH_NEVER},
      {302, "", PM_CLOUDWATCH_NEVER},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char body[512];
    struct pm_why words = {"before"};
    snprintf(body, sizeof(body),
             "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code>"
             "<Message>said so</Message></Error></ErrorResponse>",
             rows[i].code);
    assert_int_equal(pm_cloudwatch_judge(rows[i].status, body, &words), rows[i].verdict);
    if (rows[i].verdict == PM_CLOUDWATCH_TAKEN) {
      assert_string_equal(words.text, "before");
      continue;
    }
    char expected[256];
    snprintf(expected, sizeof(expected), "HTTP status %d, %s: said so", rows[i].status,
             rows[i].code);
    if (rows[i].code[0] != '\0') assert_string_equal(words.text, expected);
  }
}

static void test_words_of_strangers(void **state) {
  (void)state;
  static const struct {
    const char *body, *words;
  } rows[] = {
      {"nginx\nsays no", "HTTP status 404: nginx?says no"},
      {"", "HTTP status 404: "},
      {"<Code>", "HTTP status 404: <Code>"},
      {"<Code>Half", "HTTP status 404, Half: "},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct pm_why words = {""};
    assert_int_equal(pm_cloudwatch_judge(404, rows[i].body, &words), PM_CLOUDWATCH_NEVER);
    assert_string_equal(words.text, rows[i].words);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_verdicts),
      cmocka_unit_test(test_words_of_strangers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
