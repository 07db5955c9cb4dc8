/* Shared files and credentials documents: any bytes, no more than a field's worth comes out. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "publish/aws_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text, size_t bytes) {
  assert(strlen(text) < bytes);
  for (; *text; text++) assert(*text > ' ' && *text < 0x7f);
}

static void check_keys(const struct pm_aws_keys *keys) {
  check(keys->key_id, sizeof(keys->key_id));
  check(keys->secret, sizeof(keys->secret));
  check(keys->token, sizeof(keys->token));
  assert(!keys->key_id[0] == !keys->secret[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  for (int config = 0; config < 2; config++) {
    struct pm_aws_profile profile = {.region = ""};
    (void)pm_aws_profile_read((const char *)data, size, "default", config, &profile);
    (void)pm_aws_profile_read((const char *)data, size, "work", config, &profile);
    check_keys(&profile.keys);
    check(profile.region, sizeof(profile.region));
    check(profile.endpoint_url, sizeof(profile.endpoint_url));
  }
  struct pm_aws_keys keys = {.key_id = ""};
  struct pm_why why = {""};
  if (pm_aws_keys_parse((const char *)data, size, &keys, &why) != PM_OK) assert(why.text[0]);
  check_keys(&keys);
  return 0;
}
