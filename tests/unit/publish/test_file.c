/* The file sink: a line a sample, a rotation loses none, a full disk is said once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "publish/file.h"
#include "sinks_fixture.h"

struct fixture {
  uv_loop_t loop;
  struct pm_sink *sink;
  struct pm_target target;
  FILE *log_file;
  struct pm_log log;
  char directory[64], path[96], moved[96];
  bool closed;
};

static int set_up(void **state) {
  static struct fixture f;
  f = (struct fixture){.directory = "/tmp/pingmesh-file-XXXXXX", .log_file = tmpfile()};
  if (mkdtemp(f.directory) == NULL || uv_loop_init(&f.loop) != 0) return -1;
  snprintf(f.path, sizeof(f.path), "%s/samples.json", f.directory);
  snprintf(f.moved, sizeof(f.moved), "%s/samples.json.1", f.directory);
  f.log = (struct pm_log){.fd = fileno(f.log_file)};
  sinks_target(&f.target, 1, "http://192.0.2.9/v1/ping", "Tokyo,JP");
  *state = &f;
  return 0;
}

static int tear_down(void **state) {
  struct fixture *f = *state;
  unlink(f->path);
  unlink(f->moved);
  rmdir(f->directory);
  fclose(f->log_file);
  return uv_loop_close(&f->loop);
}

static enum pm_err open_file(struct fixture *f, const char *path, struct pm_why *why) {
  struct pm_file_config config = {.path = path, .location = "Paris,FR", .log = &f->log};
  return pm_file_open(&f->loop, &config, &f->sink, why);
}

static void on_closed(void *owner) {
  *(bool *)owner = true;
}

static void close_sink(struct fixture *f) {
  f->sink->ops->close(f->sink, 20000, on_closed, &f->closed);
  assert_false(f->closed);
  uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_true(f->closed);
}

static void give(struct fixture *f, int count) {
  struct pm_sample sample = sinks_success();
  for (int i = 0; i < count; i++) f->sink->ops->sample(f->sink, &f->target, &sample);
}

/* Lines of a file that are whole objects; -1 if it is not there. */
static int lines_in(const char *path) {
  char line[4096];
  int count = 0;
  FILE *file = fopen(path, "r");
  if (file == NULL) return -1;
  while (fgets(line, sizeof(line), file) != NULL) {
    assert_int_equal(strncmp(line, "{\"time\":\"2026-11-22T23:00:20.000000005Z\"", 40), 0);
    assert_string_equal(line + strlen(line) - 2, "}\n");
    count++;
  }
  fclose(file);
  return count;
}

static int said(struct fixture *f, const char *words) {
  char text[8192];
  int count = 0;
  rewind(f->log_file);
  size_t bytes = fread(text, 1, sizeof(text) - 1, f->log_file);
  text[bytes] = '\0';
  for (const char *at = text; (at = strstr(at, words)) != NULL; at++) count++;
  return count;
}

static void test_appends(void **state) {
  struct fixture *f = *state;
  for (int round = 1; round <= 2; round++) {
    f->closed = false;
    assert_int_equal(open_file(f, f->path, NULL), PM_OK);
    give(f, 3);
    close_sink(f);
    assert_int_equal(lines_in(f->path), 3 * round);
  }
}

static void test_a_rotation_loses_nothing(void **state) {
  struct fixture *f = *state;
  assert_int_equal(open_file(f, f->path, NULL), PM_OK);
  give(f, 2);
  assert_int_equal(rename(f->path, f->moved), 0);
  f->sink->ops->reopen(f->sink);
  f->sink->ops->reopen(f->sink); /* impatient hands */
  give(f, 2);
  while (lines_in(f->path) < 0) uv_run(&f->loop, UV_RUN_ONCE);
  uv_run(&f->loop, UV_RUN_ONCE); /* the open's end, if it was not there yet */
  uv_run(&f->loop, UV_RUN_NOWAIT);
  give(f, 5);
  struct pm_sink_counts counts;
  f->sink->ops->counts(f->sink, &counts);
  assert_int_equal(counts.taken, 9);
  assert_int_equal(counts.dropped + counts.failed, 0);
  close_sink(f);
  assert_int_equal(lines_in(f->path) + lines_in(f->moved), 9);
  assert_in_range(lines_in(f->moved), 4, 9);
}

static void test_what_cannot_be_opened_again_goes_on(void **state) {
  struct fixture *f = *state;
  assert_int_equal(open_file(f, f->path, NULL), PM_OK);
  assert_int_equal(rename(f->path, f->moved), 0);
  assert_int_equal(mkdir(f->path, 0700), 0);
  f->sink->ops->reopen(f->sink);
  while (said(f, "the file of before goes on") == 0) uv_run(&f->loop, UV_RUN_ONCE);
  give(f, 4);
  close_sink(f);
  assert_int_equal(rmdir(f->path), 0);
  assert_int_equal(lines_in(f->moved), 4);
}

static void test_closing_while_it_opens(void **state) {
  struct fixture *f = *state;
  assert_int_equal(open_file(f, f->path, NULL), PM_OK);
  give(f, 1);
  f->sink->ops->reopen(f->sink);
  close_sink(f);
  assert_int_equal(lines_in(f->path), 1);
}

static void test_a_full_disk_is_said_once(void **state) {
  struct fixture *f = *state;
  struct pm_sink_counts counts = {0};
  assert_int_equal(open_file(f, "/dev/full", NULL), PM_OK);
  for (uint64_t i = 1; i <= 20; i++) {
    give(f, 1);
    while (counts.failed < i) {
      uv_run(&f->loop, UV_RUN_ONCE);
      f->sink->ops->counts(f->sink, &counts);
    }
  }
  assert_int_equal(counts.taken, 20);
  assert_int_equal(counts.failed, 20);
  assert_int_equal(counts.dropped, 0);
  assert_int_equal(said(f, "No space left on device"), 1);
  close_sink(f);
}

static void test_no_such_directory(void **state) {
  struct fixture *f = *state;
  struct pm_why why = {""};
  assert_int_equal(open_file(f, "/nonexistent/samples.json", &why), PM_ERR_SYSTEM);
  assert_string_equal(why.text, "/nonexistent/samples.json: no such file or directory");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(test_appends),
      TEST(test_a_rotation_loses_nothing),
      TEST(test_what_cannot_be_opened_again_goes_on),
      TEST(test_closing_while_it_opens),
      TEST(test_a_full_disk_is_said_once),
      TEST(test_no_such_directory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
