/* One client address among others: its share of connections, and how fast it may ask. 127.0.0.2 and
 * so on are other machines here; 127.0.0.1 is this one, which is never refused. */
#include "server_fixture.h"

#define REQUEST "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

/* Connected from 127.0.0.NUMBER; the server has seen it. */
static int connect_from(struct fixture *f, uint8_t number) {
  const uint64_t before = counts_of(f).connections;
  const struct sockaddr_in from = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(0x7f000000u + number)};
  const struct sockaddr_in to = {.sin_family = AF_INET,
                                 .sin_port = htons(pm_server_port(f->server)),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (const struct sockaddr *)&from, sizeof(from)), 0);
  assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
  assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  STEP_UNTIL(f, -1, counts_of(f).connections == before + 1);
  return fd;
}

static void close_all(const int *fds, size_t count) {
  for (size_t i = 0; i < count; i++) close(fds[i]);
}

static void a_clients_longest_unused_gives_way(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  f.config.connections_max = 8;
  f.config.client_connections_max = 2;
  fixture_start(&f);
  const int other = connect_from(&f, 3);
  const int first = connect_from(&f, 2);
  const int second = connect_from(&f, 2);
  expect_answer(&f, first, REQUEST, "200", "hello\n"); /* used later than the second */
  const int third = connect_from(&f, 2);
  expect_silent_end(&f, second);
  expect_answer(&f, third, REQUEST, "200", "hello\n");
  expect_answer(&f, first, REQUEST, "200", "hello\n");
  expect_answer(&f, other, REQUEST, "200", "hello\n");
  assert_int_equal(counts_of(&f).open, 3);
  assert_int_equal(counts_of(&f).gave_way, 1);
  assert_int_equal(counts_of(&f).refused_share, 0);
  const int all[] = {other, first, second, third};
  close_all(all, 4);
  fixture_end(&f);
}

/* When all places are taken: although the single one has waited longest. */
static void a_crowd_pushes_out_its_own(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  f.config.connections_max = 4;
  f.config.client_connections_max = 4;
  fixture_start(&f);
  const int single = connect_from(&f, 3);
  int crowd[6];
  for (int i = 0; i < 6; i++) crowd[i] = connect_from(&f, 2);
  assert_int_equal(counts_of(&f).gave_way, 3);
  for (int i = 0; i < 3; i++) expect_silent_end(&f, crowd[i]);
  expect_answer(&f, single, REQUEST, "200", "hello\n");
  expect_answer(&f, crowd[5], REQUEST, "200", "hello\n");
  close(single);
  close_all(crowd, 6);
  fixture_end(&f);
}

/* Those with half a request, too, before the one that has had no time to begin. */
static void a_crowd_of_half_requests_pushes_out_its_own(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  f.config.connections_max = 4;
  f.config.client_connections_max = 4;
  fixture_start(&f);
  int crowd[5];
  for (int i = 0; i < 3; i++) {
    crowd[i] = connect_from(&f, 2);
    client_send(&f, crowd[i], "GET / HT");
  }
  step(&f, -1);
  step(&f, -1);
  const int single = connect_from(&f, 3);
  for (int i = 3; i < 5; i++) crowd[i] = connect_from(&f, 2);
  assert_int_equal(counts_of(&f).gave_way, 2);
  expect_answer(&f, single, REQUEST, "200", "hello\n");
  close(single);
  close_all(crowd, 5);
  fixture_end(&f);
}

/* Who does not read his answers cannot begin anew; others can. */
static void a_client_whose_answers_wait_is_turned_away(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  f.config.connections_max = 8;
  f.config.client_connections_max = 2;
  fixture_start(&f);
  int all[4];
  for (int i = 0; i < 2; i++) {
    all[i] = connect_from(&f, 2);
    client_send(&f, all[i], "GET /big?30000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    STEP_UNTIL(&f, -1, f.handled == (unsigned)i + 1);
  }
  all[2] = connect_from(&f, 2);
  expect_silent_end(&f, all[2]);
  assert_int_equal(counts_of(&f).refused_share, 1);
  all[3] = connect_from(&f, 3);
  expect_answer(&f, all[3], REQUEST, "200", "hello\n");
  close_all(all, 4);
  fixture_end(&f);
}

static void a_client_that_is_too_fast_is_told_or_reset(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  f.config.client_requests_per_s = 1;
  f.config.client_burst = 3;
  fixture_start(&f);
  const int kept = connect_from(&f, 2);
  for (int i = 0; i < 3; i++) expect_answer(&f, kept, REQUEST, "200", "hello\n");
  client_send(&f, kept, REQUEST);
  struct reading reading = client_read_to_end(&f, kept);
  assert_has(reading.text, "HTTP/1.1 429 ");
  assert_has(reading.text, "\r\nRetry-After: 1\r\n");
  assert_has(reading.text, "\r\nConnection: close\r\n");
  reading_free(&reading);
  const int next = connect_from(&f, 2);
  expect_silent_end(&f, next);
  assert_int_equal(counts_of(&f).refused_rate, 2);
  assert_int_equal(f.handled, 3);
  const int other = connect_from(&f, 3);
  expect_answer(&f, other, REQUEST, "200", "hello\n");
  const int own = client_settle(&f);
  for (int i = 0; i < 10; i++) expect_answer(&f, own, REQUEST, "200", "hello\n");
  const int all[] = {kept, next, other, own};
  close_all(all, 4);
  fixture_end(&f);
}

/* Places come back with the end of a connection, whatever ended it. */
static void places_come_back(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  f.config.client_connections_max = 1;
  fixture_start(&f);
  for (int i = 0; i < 20; i++) {
    const int fd = connect_from(&f, 2);
    if (i % 2 == 0) expect_answer(&f, fd, REQUEST, "200", "hello\n");
    close(fd);
    STEP_UNTIL(&f, -1, counts_of(&f).open == 0);
  }
  assert_int_equal(counts_of(&f).gave_way, 0);
  assert_int_equal(counts_of(&f).refused_share, 0);
  fixture_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_clients_longest_unused_gives_way),
      cmocka_unit_test(a_crowd_pushes_out_its_own),
      cmocka_unit_test(a_crowd_of_half_requests_pushes_out_its_own),
      cmocka_unit_test(a_client_whose_answers_wait_is_turned_away),
      cmocka_unit_test(a_client_that_is_too_fast_is_told_or_reset),
      cmocka_unit_test(places_come_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
