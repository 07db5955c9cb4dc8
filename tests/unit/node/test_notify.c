/* What a service manager gets to read, on a datagram socket of the kind that it makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "node/notify.h"

enum { NAME_BYTES = 128, TEXT_BYTES = 600 };

struct manager {
  int fd;
  char directory[32];
  char name[NAME_BYTES]; /* as NOTIFY_SOCKET has it */
  const char *watchdog_usec, *watchdog_pid;
  uv_loop_t loop;
  struct pm_notify notify;
  struct pm_why why;
};

static const char *lookup(void *owner, const char *name) {
  const struct manager *manager = owner;
  if (strcmp(name, "NOTIFY_SOCKET") == 0) return manager->name[0] ? manager->name : NULL;
  if (strcmp(name, "WATCHDOG_USEC") == 0) return manager->watchdog_usec;
  if (strcmp(name, "WATCHDOG_PID") == 0) return manager->watchdog_pid;
  return NULL;
}

/* A path in a directory of its own, or an abstract name that no other process has. */
static struct manager *manager_new(bool is_abstract) {
  struct manager *manager = calloc(1, sizeof(*manager));
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  socklen_t bytes = sizeof(address);
  snprintf(manager->directory, sizeof(manager->directory), "/tmp/pm-notify-XXXXXX");
  assert_non_null(mkdtemp(manager->directory));
  snprintf(manager->name, sizeof(manager->name), "%s%s/socket", is_abstract ? "@" : "",
           manager->directory);
  memcpy(address.sun_path, manager->name, strlen(manager->name));
  if (is_abstract) {
    address.sun_path[0] = '\0';
    bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(manager->name));
  }
  manager->fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  assert_int_equal(bind(manager->fd, (struct sockaddr *)&address, bytes), 0);
  assert_int_equal(uv_loop_init(&manager->loop), 0);
  return manager;
}

static enum pm_err open_notify(struct manager *manager) {
  return pm_notify_open(&manager->notify, &manager->loop, lookup, manager, &manager->why);
}

static void manager_free(struct manager *manager) {
  pm_notify_close(&manager->notify);
  uv_run(&manager->loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&manager->loop), 0);
  close(manager->fd);
  if (manager->name[0] == '/') unlink(manager->name);
  rmdir(manager->directory);
  free(manager);
}

/* The next datagram that has come already; "" if none has. */
static const char *next(struct manager *manager) {
  static char text[TEXT_BYTES];
  ssize_t bytes = recv(manager->fd, text, sizeof(text) - 1, MSG_DONTWAIT);
  text[bytes > 0 ? bytes : 0] = '\0';
  return text;
}

static void test_states(void **state) {
  (void)state;
  for (int is_abstract = 0; is_abstract < 2; is_abstract++) {
    struct manager *manager = manager_new(is_abstract);
    assert_int_equal(open_notify(manager), PM_OK);
    assert_string_equal(next(manager), "");
    pm_notify_status(&manager->notify, "port 80: taken");
    assert_string_equal(next(manager), "STATUS=port 80: taken");
    pm_notify_ready(&manager->notify, "serving on port 80");
    assert_string_equal(next(manager), "READY=1\nSTATUS=serving on port 80");
    pm_notify_stopping(&manager->notify);
    assert_string_equal(next(manager), "STOPPING=1\nSTATUS=ending");
    assert_string_equal(next(manager), "");
    manager_free(manager);
  }
}

/* Type=notify-reload takes a READY for this reload's only if the time is not before its signal. */
static void test_reloading_says_when(void **state) {
  (void)state;
  struct manager *manager = manager_new(false);
  long long usec = 0;
  char rest;
  assert_int_equal(open_notify(manager), PM_OK);
  int64_t before_ns = pm_clock_now().ns;
  pm_notify_reloading(&manager->notify);
  int64_t after_ns = pm_clock_now().ns;
  assert_int_equal(sscanf(next(manager), "RELOADING=1\nMONOTONIC_USEC=%lld%c", &usec, &rest), 1);
  assert_in_range(usec, before_ns / PM_NS_PER_US, after_ns / PM_NS_PER_US);
  manager_free(manager);
}

/* A status that would not fit is not sent in part: its end could read as a line of its own. */
static void test_too_long_is_not_cut(void **state) {
  (void)state;
  struct manager *manager = manager_new(false);
  char status[PM_NOTIFY_BYTES_MAX];
  memset(status, 'x', sizeof(status));
  status[sizeof(status) - 1] = '\0';
  assert_int_equal(open_notify(manager), PM_OK);
  pm_notify_status(&manager->notify, status);
  assert_string_equal(next(manager), "");
  manager_free(manager);
}

/* A manager that does not read is not waited for. */
static void test_a_full_socket_does_not_hold_up(void **state) {
  (void)state;
  struct manager *manager = manager_new(false);
  assert_int_equal(open_notify(manager), PM_OK);
  for (int i = 0; i < 10000; i++) pm_notify_status(&manager->notify, "again");
  assert_string_equal(next(manager), "STATUS=again");
  manager_free(manager);
}

static void on_spare(uv_timer_t *timer) {
  *(bool *)timer->data = true;
}

/* Turns the loop until a datagram has come, for five seconds at most. */
static const char *await(struct manager *manager) {
  uv_timer_t spare;
  bool is_over = false;
  const char *text = "";
  uv_timer_init(&manager->loop, &spare);
  spare.data = &is_over;
  uv_timer_start(&spare, on_spare, 5000, 0);
  while (!is_over && !*text) {
    uv_run(&manager->loop, UV_RUN_ONCE);
    text = next(manager);
  }
  uv_close((uv_handle_t *)&spare, NULL);
  uv_run(&manager->loop, UV_RUN_NOWAIT);
  return text;
}

static void test_watchdog_beats_at_half_the_interval(void **state) {
  (void)state;
  struct manager *manager = manager_new(true);
  char pid[16];
  snprintf(pid, sizeof(pid), "%d", (int)getpid());
  manager->watchdog_usec = "200000";
  manager->watchdog_pid = pid;
  assert_int_equal(open_notify(manager), PM_OK);
  assert_int_equal(manager->notify.beat_ms, 100);
  int64_t before_ns = pm_clock_now().ns;
  for (int beat = 1; beat <= 3; beat++) {
    assert_string_equal(await(manager), "WATCHDOG=1");
    assert_true(pm_clock_now().ns - before_ns > beat * 95LL * PM_NS_PER_MS);
  }
  manager_free(manager);
}

/* The beat comes from the loop: while that does not turn, none does. */
static void test_no_beat_without_the_loop(void **state) {
  (void)state;
  struct manager *manager = manager_new(true);
  manager->watchdog_usec = "20000";
  assert_int_equal(open_notify(manager), PM_OK);
  assert_int_equal(manager->notify.beat_ms, 10);
  usleep(50000); /* five beats' time, in which the loop hangs */
  assert_string_equal(next(manager), "");
  assert_string_equal(await(manager), "WATCHDOG=1");
  manager_free(manager);
}

static void test_whom_the_watchdog_is_for(void **state) {
  (void)state;
  static const struct {
    const char *usec, *pid;
    uint64_t beat_ms;
    enum pm_err err;
  } rows[] = {
      {NULL, NULL, 0, PM_OK},
      {"30000000", NULL, 15000, PM_OK},
      {"30000000", "1", 0, PM_OK}, /* another process's */
      {"1", NULL, PM_NOTIFY_BEAT_MS_MIN, PM_OK},
      {"0", NULL, 0, PM_ERR_SYNTAX},
      {"soon", NULL, 0, PM_ERR_SYNTAX},
      {"-1", NULL, 0, PM_ERR_SYNTAX},
      {"99999999999999999999999", NULL, 0, PM_ERR_SYNTAX},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct manager *manager = manager_new(false);
    manager->watchdog_usec = rows[i].usec;
    manager->watchdog_pid = rows[i].pid;
    assert_int_equal(open_notify(manager), rows[i].err);
    if (rows[i].err == PM_OK) assert_int_equal(manager->notify.beat_ms, rows[i].beat_ms);
    if (rows[i].err != PM_OK) assert_non_null(strstr(manager->why.text, "WATCHDOG_USEC"));
    manager_free(manager);
  }
}

static void test_nobody_to_tell(void **state) {
  (void)state;
  static const struct {
    const char *name;
    enum pm_err err;
  } rows[] = {
      {"", PM_OK},
      {"vsock:2:1234", PM_ERR_SYNTAX},
      {"relative/path", PM_ERR_SYNTAX},
      {"@", PM_ERR_SYNTAX},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct manager *manager = manager_new(false);
    unlink(manager->name);
    snprintf(manager->name, sizeof(manager->name), "%s", rows[i].name);
    manager->watchdog_usec = "1000";
    assert_int_equal(open_notify(manager), rows[i].err);
    assert_int_equal(manager->notify.fd, -1);
    pm_notify_ready(&manager->notify, "nobody hears it");
    assert_string_equal(next(manager), "");
    assert_false(uv_is_active((uv_handle_t *)&manager->notify.beat));
    manager_free(manager);
  }
}

/* 107 bytes and a NUL are the longest path that an address holds. */
static void test_the_longest_path(void **state) {
  (void)state;
  static const struct {
    size_t bytes;
    enum pm_err err;
  } rows[] = {{107, PM_OK}, {108, PM_ERR_SYNTAX}};
  for (size_t i = 0; i < 2; i++) {
    struct manager *manager = manager_new(false);
    unlink(manager->name);
    memset(manager->name, 'x', rows[i].bytes);
    manager->name[0] = '/';
    manager->name[rows[i].bytes] = '\0';
    assert_int_equal(open_notify(manager), rows[i].err);
    manager_free(manager);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_states),
      cmocka_unit_test(test_reloading_says_when),
      cmocka_unit_test(test_too_long_is_not_cut),
      cmocka_unit_test(test_a_full_socket_does_not_hold_up),
      cmocka_unit_test(test_watchdog_beats_at_half_the_interval),
      cmocka_unit_test(test_no_beat_without_the_loop),
      cmocka_unit_test(test_whom_the_watchdog_is_for),
      cmocka_unit_test(test_nobody_to_tell),
      cmocka_unit_test(test_the_longest_path),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
