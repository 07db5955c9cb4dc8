/* A file of targets: what is taken and written a line each is read as the same targets. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "node/targets.h"
#include "probe/roster.h"

#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_line(const struct pm_options_target *target, struct pm_buf *out) {
  const char *url = target->endpoint.url, *location = target->endpoint.location;
  if (target->insecure) {
    CHECK(strncmp(url, "https://", 8) == 0);
    pm_buf_printf(out, "https+insecure://%s", url + 8);
  } else {
    pm_buf_text(out, url);
  }
  if (location[0] != '\0') {
    pm_buf_char(out, '#');
    pm_escape_query(out, location, strlen(location));
  }
  pm_buf_char(out, '\n');
}

static void check_round_trip(const struct pm_options_target *targets, size_t count) {
  struct pm_options_target *again;
  size_t again_count;
  struct pm_buf text;
  pm_buf_init(&text, 1 << 24);
  pm_buf_text(&text, "# as written\n");
  for (size_t i = 0; i < count; i++) write_line(&targets[i], &text);
  CHECK(pm_buf_status(&text) == PM_OK);
  CHECK(pm_targets_parse(text.data, text.len, &again, &again_count, NULL) == PM_OK);
  CHECK(again_count == count);
  for (size_t i = 0; i < count; i++) {
    CHECK(pm_endpoint_equal(&again[i].endpoint, &targets[i].endpoint));
    CHECK(strcmp(again[i].endpoint.url, targets[i].endpoint.url) == 0);
    CHECK(strcmp(again[i].endpoint.location, targets[i].endpoint.location) == 0);
    CHECK(again[i].insecure == targets[i].insecure);
  }
  free(again);
  pm_buf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct pm_options_target *targets;
  size_t count;
  struct pm_why why = {""};
  const char *text = size > 0 ? (const char *)data : "";
  if (pm_targets_parse(text, size, &targets, &count, &why) == PM_OK) {
    CHECK(count <= PM_ROSTER_TARGETS_MAX && memchr(text, '\0', size) == NULL);
    check_round_trip(targets, count);
    free(targets);
  } else {
    CHECK(strncmp(why.text, "line ", 5) == 0);
  }
  return 0;
}
