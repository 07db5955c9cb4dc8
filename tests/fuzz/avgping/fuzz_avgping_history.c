/* A history from whatever node was asked, drawn for a person: no fault, no line that is wider than
 * it may be, and nothing in it that a terminal would obey. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"

#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct pm_buf *body, const struct avgping_terminal *terminal) {
  struct pm_why why = {""};
  struct pm_buf out;
  pm_buf_init(&out, 1 << 20);
  if (avgping_history_draw(body, terminal, &out, &why) == PM_OK) {
    CHECK(pm_buf_status(&out) == PM_OK && out.len > 0 && out.data[out.len - 1] == '\n');
    for (size_t i = 0; i < out.len; i++) {
      const unsigned char byte = (unsigned char)out.data[i];
      CHECK(byte >= ' ' || byte == '\n' || (byte == '\033' && terminal->colour));
    }
  } else {
    CHECK(why.text[0] != '\0' && out.len == 0);
  }
  pm_buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct avgping_terminal plain = {false, false, 0}, rich = {true, true, 100};
  struct pm_buf body;
  pm_buf_init(&body, 1 << 24);
  pm_buf_append(&body, size > 0 ? (const char *)data : "", size);
  check(&body, &plain);
  check(&body, &rich);
  pm_buf_deinit(&body);
  return 0;
}
