/* Hex, base64url, numbers and identities: any bytes come back from what they are written as, and
 * any text that is taken means what is written back. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/wire_text.h"

enum { INPUT_BYTES_MAX = 512 };

#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_bytes(const uint8_t *data, size_t size) {
  char hex[2 * INPUT_BYTES_MAX + 1];
  uint8_t back[INPUT_BYTES_MAX];
  struct pm_buf text;
  pm_wire_hex(data, size, hex);
  CHECK(pm_wire_unhex(hex, back, size) && memcmp(back, data, size) == 0);
  CHECK(size == 0 || !pm_wire_unhex(hex, back, size - 1));

  pm_buf_init(&text, 2 * INPUT_BYTES_MAX);
  pm_wire_base64(&text, data, size);
  CHECK(pm_buf_status(&text) == PM_OK &&
        strspn(text.data, "-_0123456789abcdefghijklmnopqrstuvwxyz"
                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == text.len);
  CHECK(pm_wire_unbase64(text.data, back, size) && memcmp(back, data, size) == 0);
  CHECK(!pm_wire_unbase64(text.data, back, size + 1));
  pm_buf_deinit(&text);
}

static void check_id(const char *text) {
  struct pm_node_id id, again;
  char written[PM_WIRE_ID_BYTES];
  if (!pm_wire_read_id(text, &id)) return;
  CHECK(strlen(text) == 22 || strlen(text) == 32);
  pm_wire_id(&id, written);
  CHECK(strlen(written) == 22 && pm_wire_read_id(written, &again));
  CHECK(memcmp(&id, &again, sizeof id) == 0);
}

/* As strtoull(3) reads it, where that is no wider. */
static void check_number(const char *text) {
  static const uint64_t highs[] = {0, 5, 10, UINT32_MAX, UINT64_MAX};
  for (size_t i = 0; i < sizeof highs / sizeof *highs; i++) {
    uint64_t number;
    if (!pm_wire_number(text, highs[i], &number)) continue;
    struct pm_buf written;
    pm_buf_init(&written, 32);
    pm_wire_put_number(&written, number);
    const char *digits = text + strspn(text, "0");
    CHECK(strcmp(written.data, number == 0 ? "0" : digits) == 0 && number <= highs[i]);
    pm_buf_deinit(&written);
  }
}

static void check_fixed(const uint8_t *data, size_t size) {
  double value;
  char text[PM_WIRE_FIXED_BYTES];
  if (size < sizeof value + 1) return;
  memcpy(&value, data, sizeof value);
  const unsigned decimals = 1 + data[sizeof value] % 3;
  const double half = 0.5 * pow(10, -(double)decimals);
  pm_wire_fixed(value, decimals, text);
  const double read = strtod(text, NULL);
  CHECK(strlen(text) == strcspn(text, ".") + 1 + decimals);
  CHECK(fabs(value) < 1e9 ? fabs(read - value) <= half + 1e-6 : read == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char text[INPUT_BYTES_MAX] = "";
  uint64_t value;
  char written[17];
  if (size >= sizeof text) return 0;
  if (size > 0) memcpy(text, data, size);
  check_bytes((const uint8_t *)text, size);
  check_id(text);
  check_number(text);
  check_fixed((const uint8_t *)text, size);
  if (pm_wire_unhex64(text, &value)) {
    pm_wire_hex64(value, written);
    CHECK(strcasecmp(written, text) == 0);
  }
  return 0;
}
