/* An entry's statistics: written and read again, and what is malformed is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gossip/stats_doc.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* Every number another one. */
static struct pm_stats_doc numbered(void) {
  struct pm_stats_doc stats = {0};
  int64_t n = 1;
  for (int i = 0; i < PM_STATS_DOC_WINDOWS; i++) {
    struct pm_stats_doc_window *window = &stats.windows[i];
    *window = (struct pm_stats_doc_window){.there = true,
                                           .sent = n,
                                           .succeeded = n + 1,
                                           .lost = n + 2,
                                           .starved = n + 3,
                                           .late = n + 4,
                                           .retransmitted = n + 5,
                                           .trials = n + 6,
                                           .trials_lost = n + 7,
                                           .segments = n + 8,
                                           .segments_resent = n + 9,
                                           .loss = 0.25,
                                           .loss_low = 0.125,
                                           .loss_high = 0.5};
    n += 10;
    for (int k = 0; k < PM_STATS_DOC_PHASES; k++, n += 8) {
      window->phases[k] =
          (struct pm_stats_doc_phase){n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7};
    }
  }
  return stats;
}

static void write_mesh(const struct pm_stats_doc *stats, bool indent, struct pm_buf *out) {
  struct pm_json_writer w;
  pm_buf_init(out, 1 << 16);
  pm_json_writer_init(&w, out, indent);
  pm_json_object_begin(&w, NULL);
  pm_stats_doc_write(&w, stats);
  pm_json_put_int(&w, "Later", 1);
  pm_json_object_end(&w);
  assert_int_equal(pm_buf_status(out), PM_OK);
}

static bool read_mesh(const char *text, struct pm_stats_doc *out) {
  static const struct pm_json_limits limits = {
      .bytes_max = 1 << 16, .depth_max = 8, .items_max = 1000, .string_bytes_max = 100};
  struct pm_json_doc *doc;
  struct pm_why why;
  if (pm_json_parse(text, strlen(text), &limits, &doc, &why) != PM_OK) fail_msg("%s", why.text);
  bool any = pm_stats_doc_read(pm_json_root(doc), out);
  pm_json_free(doc);
  return any;
}

static void what_is_written_is_read_again(void **state) {
  (void)state;
  const struct pm_stats_doc stats = numbered();
  struct pm_stats_doc read;
  struct pm_buf text;
  write_mesh(&stats, false, &text);
  assert_true(read_mesh(text.data, &read));
  assert_memory_equal(&read, &stats, sizeof(stats));
  pm_buf_deinit(&text);
}

static void what_is_not_there_is_not_written(void **state) {
  (void)state;
  struct pm_stats_doc stats = {0};
  struct pm_stats_doc read;
  struct pm_buf text;
  stats.windows[1] = (struct pm_stats_doc_window){.there = true, .sent = 3, .lost = 3};
  write_mesh(&stats, true, &text);
  assert_string_equal(text.data,
                      "{\n"
                      "  \"Stats\": {\"10m\":{\"Sent\":3,\"Succeeded\":0,\"Lost\":3,\"Starved\":0,"
                      "\"Retransmitted\":0,\"Late\":0,\"Segments\":0,\"SegmentsResent\":0,"
                      "\"Trials\":0,\"TrialsLost\":0,"
                      "\"Loss\":null,\"LossLow\":null,\"LossHigh\":null}},\n"
                      "  \"Later\": 1\n"
                      "}");
  assert_true(read_mesh(text.data, &read));
  assert_memory_equal(&read, &stats, sizeof(stats));
  pm_buf_deinit(&text);
}

static void malformed_windows_are_not_there(void **state) {
  (void)state;
  static const char *const texts[] = {"{}",
                                      "7",
                                      "[]",
                                      "{\"Stats\":null}",
                                      "{\"Stats\":[1]}",
                                      "{\"Stats\":{\"10m\":7}}",
                                      "{\"Stats\":{\"10m\":{}}}",
                                      "{\"Stats\":{\"10m\":{\"Sent\":1}}}",
                                      "{\"stats\":{}}"};
  struct pm_stats_doc read;
  for (size_t i = 0; i < COUNT(texts); i++) assert_false(read_mesh(texts[i], &read));
  assert_false(pm_stats_doc_read(NULL, &read));
}

/* Each value of a good window in turn is replaced by one of the wrong type. */
static void one_wrong_value_costs_its_window_only(void **state) {
  (void)state;
  static const char *const wrong[] = {"\"x\"", "[]", "{}", "true"};
  const struct pm_stats_doc stats = numbered();
  struct pm_buf text;
  int replaced = 0;
  write_mesh(&stats, false, &text);
  const char *ten = strstr(text.data, "\"10m\":{");
  const char *end = strstr(text.data, "\"1h\":{");
  for (const char *at = ten + 7; (at = strchr(at, ':')) != NULL && at < end; at++) {
    char changed[1 << 13];
    struct pm_stats_doc read;
    if (at[1] == '{') continue;
    const char *rest = at + 1 + strcspn(at + 1, ",}");
    const char *with = wrong[replaced % 4];
    snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at + 1 - text.data), text.data, with,
             rest);
    assert_true(read_mesh(changed, &read));
    assert_true(read.windows[0].there && read.windows[2].there);
    assert_false(read.windows[1].there);
    replaced++;
  }
  assert_int_equal(replaced, 13 + 6 * 8);
  pm_buf_deinit(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_is_read_again),
      cmocka_unit_test(what_is_not_there_is_not_written),
      cmocka_unit_test(malformed_windows_are_not_there),
      cmocka_unit_test(one_wrong_value_costs_its_window_only),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
