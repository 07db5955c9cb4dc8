/* Whatever is taken for an address or a range is printed as text that means the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "base/ip.h"

enum { INPUT_BYTES_MAX = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* assert(3) is gone from optimised builds. */
static void require(bool condition) {
  if (!condition) abort();
}

static void check_address(const char *text) {
  struct pm_ip ip;
  if (pm_ip_parse(text, &ip) != PM_OK) return;
  char printed[PM_IP_TEXT_BYTES];
  char printed_again[PM_IP_TEXT_BYTES];
  struct pm_ip again;
  pm_ip_text(&ip, printed);
  require(pm_ip_parse(printed, &again) == PM_OK);
  require(pm_ip_equal(&ip, &again));
  pm_ip_text(&again, printed_again);
  require(strcmp(printed, printed_again) == 0);
  require(pm_ip_classify(&ip) < PM_IP_CLASS_COUNT);
  require(pm_host_is_numeric(printed) || ip.family == PM_IP_V6);
}

static void check_range(const char *text) {
  struct pm_cidr range;
  if (pm_cidr_parse(text, &range, NULL) != PM_OK) return;
  require(range.prefix_bits <= (range.ip.family == PM_IP_V4 ? 32 : 128));
  require(pm_cidr_contains(&range, &range.ip));

  char address[PM_IP_TEXT_BYTES];
  char printed[PM_IP_TEXT_BYTES + 4];
  struct pm_cidr again;
  pm_ip_text(&range.ip, address);
  (void)snprintf(printed, sizeof(printed), "%s/%u", address, (unsigned)range.prefix_bits);
  require(pm_cidr_parse(printed, &again, NULL) == PM_OK);
  require(pm_ip_equal(&range.ip, &again.ip) && range.prefix_bits == again.prefix_bits);
}

/* All 16-byte inputs are addresses too. */
static void check_bytes(const uint8_t *data, size_t size) {
  if (size != 16) return;
  char printed[PM_IP_TEXT_BYTES];
  struct pm_ip again;
  const struct pm_ip ip = pm_ip_from_bytes(PM_IP_V6, data);
  pm_ip_text(&ip, printed);
  require(pm_ip_parse(printed, &again) == PM_OK);
  require(pm_ip_equal(&ip, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size >= INPUT_BYTES_MAX) return 0;
  char text[INPUT_BYTES_MAX] = "";
  if (size > 0) memcpy(text, data, size);
  check_address(text);
  check_range(text);
  check_bytes(data, size);
  return 0;
}
