#include "api/kept.h"

void pm_kept_init(struct pm_kept *kept) {
  *kept = (struct pm_kept){.until = {INT64_MIN}};
  pm_buf_init(&kept->text, PM_HTTP_RESPONSE_BYTES_MAX);
}

void pm_kept_deinit(struct pm_kept *kept) {
  pm_buf_deinit(&kept->text);
}

bool pm_kept_is_fresh(struct pm_kept *kept, struct pm_time now) {
  if (pm_time_before(now, kept->until)) return true;
  pm_buf_reset(&kept->text);
  return false;
}

void pm_kept_written(struct pm_kept *kept, struct pm_time ended, int64_t cost_ns) {
  kept->until = pm_time_add_ns(ended, cost_ns * PM_KEPT_TIMES);
}

void pm_kept_answer(const struct pm_kept *kept, struct pm_http_response *response) {
  if (pm_buf_status(&kept->text) == PM_OK) {
    pm_buf_append(&response->body, kept->text.data, kept->text.len);
  } else {
    response->body.err = pm_buf_status(&kept->text);
  }
}
