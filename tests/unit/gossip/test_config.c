/* What the core's configuration may be, and what is refused before a core is made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gossip/config.h"

static void mac(void *ctx, unsigned key, const void *data, size_t bytes,
                uint8_t out[PM_WIRE_MAC_BYTES]) {
  (void)ctx, (void)key, (void)data, (void)bytes;
  memset(out, 0, PM_WIRE_MAC_BYTES);
}

static struct pm_gossip_config right(void) {
  struct pm_gossip_config config;
  pm_gossip_config_init(&config, 64);
  config.id.bytes[0] = 1;
  return config;
}

static void check(const struct pm_gossip_config *config, enum pm_err expected, const char *says) {
  struct pm_why why = {""};
  assert_int_equal(pm_gossip_config_check(config, &why), expected);
  assert_string_equal(why.text, says);
}

static void what_is_wrong_is_said(void **state) {
  (void)state;
  struct pm_gossip_config config = right();
  check(&config, PM_OK, "");
  config.id.bytes[0] = 0;
  check(&config, PM_ERR_MISSING, "the gossip core needs a node identity");
  config = right();
  snprintf(config.mesh, sizeof config.mesh, "a mesh");
  check(&config, PM_ERR_SYNTAX,
        "a mesh name has 1 to 63 letters, digits, '-', '_' or '.', not \"a mesh\"");
  config = right();
  config.members_max = PM_GOSSIP_MEMBERS_MIN - 1;
  check(&config, PM_ERR_RANGE, "the member table takes 8 to 16384 members, not 7");
  config.members_max = PM_GOSSIP_MEMBERS_MAX + 1;
  check(&config, PM_ERR_RANGE, "the member table takes 8 to 16384 members, not 16385");
  config = right();
  config.active_max = 0;
  check(&config, PM_ERR_RANGE, "the active set takes 1 to 64 members, not 0");
  config.active_max = 65;
  check(&config, PM_ERR_RANGE, "the active set takes 1 to 64 members, not 65");
}

static void a_mesh_with_keys_has_some(void **state) {
  (void)state;
  struct pm_gossip_config config = right();
  config.auth.keys = PM_GOSSIP_KEYS_MAX + 1; /* nothing asks for them */
  check(&config, PM_OK, "");
  config.auth.mac = mac;
  check(&config, PM_ERR_RANGE, "a mesh has 1 to 4 keys, not 5");
  config.auth.keys = 0;
  check(&config, PM_ERR_RANGE, "a mesh has 1 to 4 keys, not 0");
  config.auth.keys = PM_GOSSIP_KEYS_MAX;
  check(&config, PM_OK, "");
}

/* Whatever is asked for, the tables are of a size that may be, in proportion to the members. */
static void sizes_are_bounded(void **state) {
  (void)state;
  static const struct {
    unsigned asked, members, active;
  } rows[] = {{0, 8, 8},         {16, 16, 8},         {1000, 1000, 125},    {1024, 1024, 128},
              {5000, 5000, 128}, {16384, 16384, 128}, {1000000, 16384, 128}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct pm_gossip_config config;
    pm_gossip_config_init(&config, rows[i].asked);
    config.id.bytes[0] = 1;
    assert_int_equal(config.members_max, rows[i].members);
    assert_int_equal(config.active_max, rows[i].active);
    assert_int_equal(config.candidates_max, 2 * rows[i].members);
    assert_int_equal(config.lost_max, rows[i].members);
    check(&config, PM_OK, "");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_wrong_is_said),
      cmocka_unit_test(a_mesh_with_keys_has_some),
      cmocka_unit_test(sizes_are_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
