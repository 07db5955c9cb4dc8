/* What a delivery does on real sockets: with an endpoint that is well, and with every sort that is
 * not. Nothing here waits longer than its deadline. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../probe/loopback_server.h"
#include "publish/delivery.h"

static const char TAKEN[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
static const char BUSY[] =
    "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy";
static const char REFUSED[] =
    "HTTP/1.1 400 Bad\r\nContent-Length: 5\r\nConnection: close\r\n\r\nnever";

struct fixture {
  uv_loop_t loop;
  struct loopback_server server;
  struct pm_http_client *client;
  struct pm_delivery *delivery;
  uv_timer_t patience;
  FILE *log_file;
  struct pm_log log;
  enum pm_delivery_prepared prepared;
  const char *header;
  int prepares;
  int ticks; /* of a timer that runs beside: the loop never blocked */
  bool client_closed, delivery_closed;
};

static enum pm_delivery_prepared prepare(void *owner, struct pm_http_call_config *call) {
  struct fixture *f = owner;
  f->prepares++;
  call->headers[0] = f->header;
  return f->prepared;
}

static void on_tick(uv_timer_t *timer) {
  ((struct fixture *)timer->data)->ticks++;
}

static int setup(void **state) {
  static const struct pm_http_client_config config = {.ca_file = NULL};
  struct fixture *f = calloc(1, sizeof(*f));
  struct pm_why why;
  uv_loop_init(&f->loop);
  loopback_server_bind(&f->server, &f->loop, "127.0.0.1", 0);
  f->server.text = TAKEN;
  f->server.more = "x";
  f->log_file = tmpfile();
  f->log = (struct pm_log){.level = PM_LOG_INFO, .fd = fileno(f->log_file)};
  assert_int_equal(pm_http_client_open(&f->loop, &config, &f->client, &why), PM_OK);
  uv_timer_init(&f->loop, &f->patience);
  f->patience.data = f;
  uv_timer_start(&f->patience, on_tick, 10, 10);
  *state = f;
  return 0;
}

static void note(void *owner) {
  *(bool *)owner = true;
}

static void close_delivery(struct fixture *f, int64_t flush_ms) {
  pm_delivery_close(f->delivery, flush_ms, note, &f->delivery_closed);
  while (!f->delivery_closed) uv_run(&f->loop, UV_RUN_ONCE);
  f->delivery = NULL;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  if (f->delivery != NULL) close_delivery(f, 0);
  pm_http_client_close(f->client, note, &f->client_closed);
  uv_close((uv_handle_t *)&f->patience, NULL);
  loopback_server_close(&f->server);
  uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_true(f->client_closed);
  assert_int_equal(uv_loop_close(&f->loop), 0);
  fclose(f->log_file);
  free(f);
  return 0;
}

static void open_delivery(struct fixture *f) {
  char url[64];
  snprintf(url, sizeof(url), "http://127.0.0.1:%u/", f->server.port);
  struct pm_delivery_config config = {
      .name = "test",
      .url = url,
      .limits = {.bodies_max = 10,
                 .bytes_max = 1000,
                 .age_ms_max = 3600 * 1000,
                 .backoff = {.base_ms = 10, .cap_ms = 50}},
      .total_ms = 200,
      .hooks = {.prepare = prepare},
      .owner = f,
      .client = f->client,
      .log = &f->log,
      .seed = 3,
  };
  assert_int_equal(pm_delivery_open(&f->loop, &config, &f->delivery), PM_OK);
}

static void put(struct fixture *f, const char *text, int64_t delay_ms) {
  pm_delivery_put(f->delivery, strdup(text), strlen(text), delay_ms);
}

static struct pm_delivery_counts counts_of(const struct fixture *f) {
  struct pm_delivery_counts counts;
  pm_delivery_counts(f->delivery, &counts);
  return counts;
}

#define RUN_UNTIL(f, condition)                                   \
  do {                                                            \
    int ticks = (f)->ticks;                                       \
    while (!(condition)) {                                        \
      uv_run(&(f)->loop, UV_RUN_ONCE);                            \
      assert_true((f)->ticks - ticks < 3000); /* half a minute */ \
    }                                                             \
  } while (0)

/* How often the log has these words. */
static int logged(const struct fixture *f, const char *words) {
  char text[8192] = "";
  ssize_t bytes = pread(fileno(f->log_file), text, sizeof(text) - 1, 0);
  int count = 0;
  text[bytes > 0 ? bytes : 0] = '\0';
  for (const char *at = text; (at = strstr(at, words)) != NULL; at++) count++;
  return count;
}

static void test_bodies_arrive_with_what_prepare_adds(void **state) {
  struct fixture *f = *state;
  f->header = "X-Test: of prepare";
  loopback_server_listen(&f->server);
  open_delivery(f);
  put(f, "hello", 0);
  RUN_UNTIL(f, counts_of(f).sent == 1);
  assert_non_null(strstr(f->server.request, "POST / HTTP/1.1\r\n"));
  assert_non_null(strstr(f->server.request, "X-Test: of prepare\r\n"));
  assert_non_null(strstr(f->server.request, "\r\n\r\nhello"));
  assert_null(strstr(f->server.request, "Expect"));
  put(f, "again", 0);
  RUN_UNTIL(f, counts_of(f).sent == 2);
  assert_int_equal(f->prepares, 2); /* each try */
  assert_int_equal(counts_of(f).waiting_bytes, 0);
}

static void test_an_endpoint_that_comes_up_later_gets_everything(void **state) {
  struct fixture *f = *state;
  open_delivery(f);
  for (int i = 0; i < 5; i++) put(f, "body", 0);
  RUN_UNTIL(f, counts_of(f).retries == 3); /* nobody listens */
  assert_int_equal(counts_of(f).sent, 0);
  loopback_server_listen(&f->server);
  RUN_UNTIL(f, counts_of(f).sent == 5);
  assert_int_equal(counts_of(f).dropped, 0);
  assert_int_equal(logged(f, "trying again"), 1);
  assert_int_equal(logged(f, "well again after"), 1);
}

/* Each keeps the one body, however often it is tried. */
static void check_unwell(struct fixture *f, enum loopback_manner manner, const char *text) {
  f->server.manner = manner;
  f->server.text = text;
  loopback_server_listen(&f->server);
  open_delivery(f);
  put(f, "body", 0);
  RUN_UNTIL(f, counts_of(f).retries == 3);
  assert_int_equal(counts_of(f).waiting_bodies, 1);
  assert_int_equal(counts_of(f).sent + counts_of(f).failed + counts_of(f).dropped, 0);
  assert_int_equal(logged(f, "trying again"), 1);
}

static void test_errors(void **state) {
  check_unwell(*state, LOOPBACK_ANSWERS, BUSY);
}

static void test_silence(void **state) {
  struct fixture *f = *state;
  check_unwell(f, LOOPBACK_SILENT, "");
  assert_true(f->ticks >= 30); /* three times 200 ms, and the loop went on all the while */
}

static void test_a_byte_at_a_time(void **state) {
  check_unwell(*state, LOOPBACK_DRIPS, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
}

static void test_garbage(void **state) {
  check_unwell(*state, LOOPBACK_ANSWERS, "nothing of HTTP\r\n\r\n");
}

static void test_hanging_up(void **state) {
  check_unwell(*state, LOOPBACK_HANGS_UP, "");
}

static void test_a_reset(void **state) {
  check_unwell(*state, LOOPBACK_RESETS, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
}

static void test_an_endless_header(void **state) {
  struct fixture *f = *state;
  f->server.more = "X-Padding: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n";
  check_unwell(f, LOOPBACK_REPEATS, "HTTP/1.1 200 OK\r\n");
}

static void test_an_endless_answer_is_cut_and_its_status_counts(void **state) {
  struct fixture *f = *state;
  f->server.manner = LOOPBACK_REPEATS;
  f->server.text = "HTTP/1.1 200 OK\r\n\r\n";
  f->server.more = "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy";
  loopback_server_listen(&f->server);
  open_delivery(f);
  put(f, "body", 0);
  RUN_UNTIL(f, counts_of(f).sent == 1);
}

static void test_a_refused_body_does_not_hold_up_the_others(void **state) {
  struct fixture *f = *state;
  f->server.text = REFUSED;
  loopback_server_listen(&f->server);
  open_delivery(f);
  put(f, "one", 0);
  put(f, "two", 0);
  RUN_UNTIL(f, counts_of(f).failed == 2);
  assert_int_equal(counts_of(f).retries, 0);
  assert_int_equal(logged(f, "HTTP status 400: never"), 1); /* told once */
}

static void test_waits_until_kicked(void **state) {
  struct fixture *f = *state;
  loopback_server_listen(&f->server);
  f->prepared = PM_DELIVERY_WAIT;
  open_delivery(f);
  put(f, "body", 0);
  RUN_UNTIL(f, f->prepares == 1);
  assert_int_equal(f->server.accepted, 0);
  f->prepared = PM_DELIVERY_READY;
  pm_delivery_kick(f->delivery);
  RUN_UNTIL(f, counts_of(f).sent == 1);
}

static void test_closing_sends_what_waits_at_once(void **state) {
  struct fixture *f = *state;
  loopback_server_listen(&f->server);
  open_delivery(f);
  put(f, "one", 60000);
  put(f, "two", 60000);
  close_delivery(f, 5000);
  assert_int_equal(f->server.accepted, 2);
  assert_int_equal(logged(f, "not delivered"), 0);
}

static void test_closing_ends_within_its_limit(void **state) {
  struct fixture *f = *state;
  f->server.manner = LOOPBACK_SILENT;
  loopback_server_listen(&f->server);
  open_delivery(f);
  put(f, "one", 0);
  put(f, "two", 0);
  uint64_t before_ms = uv_hrtime() / 1000000;
  close_delivery(f, 300);
  assert_in_range(uv_hrtime() / 1000000 - before_ms, 290, 5000);
  assert_int_equal(logged(f, "2 requests were not delivered"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_bodies_arrive_with_what_prepare_adds),
      TEST(test_an_endpoint_that_comes_up_later_gets_everything),
      TEST(test_errors),
      TEST(test_silence),
      TEST(test_a_byte_at_a_time),
      TEST(test_garbage),
      TEST(test_hanging_up),
      TEST(test_a_reset),
      TEST(test_an_endless_header),
      TEST(test_an_endless_answer_is_cut_and_its_status_counts),
      TEST(test_a_refused_body_does_not_hold_up_the_others),
      TEST(test_waits_until_kicked),
      TEST(test_closing_sends_what_waits_at_once),
      TEST(test_closing_ends_within_its_limit),
  };
  signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
