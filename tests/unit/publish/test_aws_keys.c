/* Credentials from a shared file and from a service, well and badly written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "publish/aws_keys.h"

static const char CREDENTIALS[] = "# made up\n"
                                  "[default]\n"
                                  "aws_access_key_id = AKIDDEFAULT\r\n"
                                  "aws_secret_access_key=one/secret+=\n"
                                  "[ work ]\n"
                                  "aws_access_key_id=AKIDWORK\n"
                                  "aws_secret_access_key = two\n"
                                  "aws_session_token = token==\n"
                                  "[half]\n"
                                  "aws_access_key_id = AKIDHALF\n"
                                  "[empty]";
static const char CONFIG[] = "[default]\n"
                             "region = eu-central-1\n"
                             "[profile work]\n"
                             "region=us-west-2\n"
                             "s3 =\n"
                             "  region = nested-1\n"
                             "endpoint_url = http://127.0.0.1:9\n"
                             "[work]\n"
                             "region = not-this-1\n";

static struct pm_aws_profile profile_of(const char *text, const char *name, bool config,
                                        bool found) {
  struct pm_aws_profile profile = {.region = ""};
  assert_int_equal(pm_aws_profile_read(text, strlen(text), name, config, &profile), found);
  return profile;
}

static void test_profiles_of_the_credentials_file(void **state) {
  (void)state;
  static const struct {
    const char *name, *key_id, *secret, *token;
    bool found;
  } rows[] = {
      {"default", "AKIDDEFAULT", "one/secret+=", "", true},
      {"work", "AKIDWORK", "two", "token==", true},
      {"half", "", "", "", true},
      {"empty", "", "", "", true},
      {"none", "", "", "", false},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct pm_aws_profile profile = profile_of(CREDENTIALS, rows[i].name, false, rows[i].found);
    assert_string_equal(profile.keys.key_id, rows[i].key_id);
    assert_string_equal(profile.keys.secret, rows[i].secret);
    assert_string_equal(profile.keys.token, rows[i].token);
  }
}

static void test_profiles_of_the_config_file(void **state) {
  (void)state;
  assert_string_equal(profile_of(CONFIG, "default", true, true).region, "eu-central-1");
  struct pm_aws_profile work = profile_of(CONFIG, "work", true, true);
  assert_string_equal(work.region, "us-west-2");
  assert_string_equal(work.endpoint_url, "http://127.0.0.1:9");
}

static void test_values_that_could_split_a_header_are_none(void **state) {
  (void)state;
  static const char text[] = "[default]\naws_access_key_id = AK ID\naws_secret_access_key = x\n"
                             "region = eu\001central\n";
  struct pm_aws_profile profile = profile_of(text, "default", false, true);
  assert_string_equal(profile.keys.key_id, "");
  assert_string_equal(profile.keys.secret, ""); /* half a pair is none */
  assert_string_equal(profile.region, "");
}

static void test_documents(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum pm_err err;
    const char *token;
    int64_t expires_s;
  } rows[] = {
      {"{\"Code\":\"Success\",\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
       "\"Expiration\":\"1970-01-01T00:00:09Z\",\"RoleArn\":\"arn\"}",
       PM_OK, "t", 9},
      {"{\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"s\"}", PM_OK, "", 0},
      {"{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"AccessKeyId\":\"AKID\","
       "\"SecretAccessKey\":\"s\"}",
       PM_ERR_MISSING, NULL, 0},
      {"{\"AccessKeyId\":\"AKID\"}", PM_ERR_MISSING, NULL, 0},
      {"{\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":7}", PM_ERR_MISSING, NULL, 0},
      {"{\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"s\",\"Expiration\":\"soon\"}",
       PM_ERR_SYNTAX, NULL, 0},
      {"[]", PM_ERR_MISSING, NULL, 0},
      {"<html>", PM_ERR_SYNTAX, NULL, 0},
      {"", PM_ERR_SYNTAX, NULL, 0},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct pm_aws_keys keys = {.key_id = "before"};
    struct pm_why why = {""};
    assert_int_equal(pm_aws_keys_parse(rows[i].text, strlen(rows[i].text), &keys, &why),
                     rows[i].err);
    if (rows[i].err != PM_OK) {
      assert_string_equal(keys.key_id, "before");
      assert_true(why.text[0] != '\0');
      continue;
    }
    assert_string_equal(keys.key_id, "AKID");
    assert_string_equal(keys.secret, "s");
    assert_string_equal(keys.token, rows[i].token);
    assert_int_equal(keys.expires.ns, rows[i].expires_s * PM_NS_PER_S);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_profiles_of_the_credentials_file),
      cmocka_unit_test(test_profiles_of_the_config_file),
      cmocka_unit_test(test_values_that_could_split_a_header_are_none),
      cmocka_unit_test(test_documents),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
