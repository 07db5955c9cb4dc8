/* On real sockets of the loopback. Nothing here waits for a fixed time: it polls until the kernel
 * has something to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "probe/kernel.h"

enum { PATIENCE_MS = 10000 };

struct pair {
  int stamping, listener, client, server;
};

static int listen_somewhere(struct sockaddr_in *at, int backlog) {
  socklen_t bytes = sizeof *at;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(bind(fd, (const struct sockaddr *)at, sizeof *at), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)at, &bytes), 0);
  assert_int_equal(listen(fd, backlog), 0);
  return fd;
}

static int connect_to(const struct sockaddr_in *at) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  pm_kernel_stamp_arrivals(fd);
  (void)!connect(fd, (const struct sockaddr *)at, sizeof *at);
  return fd;
}

static void await(int fd, short events) {
  struct pollfd polled = {.fd = fd, .events = events};
  assert_int_equal(poll(&polled, 1, PATIENCE_MS), 1);
}

static int setup(void **state) {
  static struct pair pair;
  struct sockaddr_in at;
  pair.stamping = pm_kernel_stamping_open();
  pair.listener = listen_somewhere(&at, 1);
  pm_kernel_stamp_arrivals(pair.listener);
  pair.client = connect_to(&at);
  await(pair.client, POLLOUT);
  pair.server = accept(pair.listener, NULL, NULL);
  *state = &pair;
  return pair.stamping < 0 || pair.server < 0;
}

static int teardown(void **state) {
  const struct pair *pair = *state;
  close(pair->client);
  close(pair->server);
  close(pair->listener);
  return close(pair->stamping);
}

static void say(int fd, const char *text) {
  assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void a_handshake_is_one_segment_and_its_round_trip(void **state) {
  const struct pair *pair = *state;
  struct pm_kernel_tcp tcp;
  pm_kernel_tcp_read(pair->client, &tcp);
  assert_true(tcp.known && tcp.established);
  assert_int_equal(tcp.segments_received, 1);
  assert_int_equal(tcp.retransmits, 0);
  assert_int_equal(tcp.data_segments_sent, 0);
  assert_true(tcp.rtt_ns > 0 && tcp.rtt_ns == tcp.min_rtt_ns);
}

static void data_is_counted(void **state) {
  const struct pair *pair = *state;
  struct pm_kernel_tcp tcp;
  say(pair->client, "one");
  await(pair->server, POLLIN);
  pm_kernel_tcp_read(pair->client, &tcp);
  assert_int_equal(tcp.data_segments_sent, 1);
  assert_int_equal(tcp.spurious, 0);
}

static void what_is_no_tcp_socket_says_nothing(void **state) {
  const struct pair *pair = *state;
  struct pm_kernel_tcp tcp = {.known = true, .rtt_ns = 5};
  pm_kernel_tcp_read(pair->stamping, &tcp);
  assert_false(tcp.known);
  assert_int_equal(tcp.rtt_ns, 0);
  pm_kernel_tcp_read(-1, &tcp);
  assert_false(tcp.known);
}

/* The stamp is of the arrival, however late one looks. */
static void an_arrival_is_stamped_when_it_came(void **state) {
  const struct pair *pair = *state;
  assert_int_equal(pm_kernel_arrival(pair->client).ns, 0); /* nothing came */
  struct pm_wall before = pm_clock_wall();
  say(pair->server, "answer");
  await(pair->client, POLLIN);
  struct pm_wall after = pm_clock_wall();
  nanosleep(&(struct timespec){.tv_nsec = 5 * PM_NS_PER_MS}, NULL);
  struct pm_wall stamp = pm_kernel_arrival(pair->client);
  assert_true(stamp.ns >= before.ns);
  assert_true(stamp.ns <= after.ns);
  assert_int_equal(pm_kernel_arrival(pair->client).ns, stamp.ns); /* it consumes nothing */
  char text[8] = "";
  struct pm_wall arrived;
  assert_int_equal(pm_kernel_receive(pair->client, text, sizeof text - 1, &arrived), 6);
  assert_string_equal(text, "answer");
  assert_int_equal(arrived.ns, stamp.ns);
}

static void accepted_sockets_are_stamped_as_their_listener(void **state) {
  const struct pair *pair = *state;
  struct pm_wall before = pm_clock_wall();
  say(pair->client, "request");
  await(pair->server, POLLIN);
  assert_true(pm_kernel_arrival(pair->server).ns >= before.ns);
}

static void an_end_has_no_stamp(void **state) {
  const struct pair *pair = *state;
  char text[4];
  struct pm_wall arrived = {5};
  shutdown(pair->server, SHUT_WR);
  await(pair->client, POLLIN);
  assert_int_equal(pm_kernel_arrival(pair->client).ns, 0);
  assert_int_equal(pm_kernel_receive(pair->client, text, sizeof text, &arrived), 0);
  assert_int_equal(arrived.ns, 0);
}

/* A listener without room lets SYNs fall; once there is room the next one is answered. It comes
 * after the kernel's own second, the one thing here that takes time. */
static void a_syn_sent_again_is_counted(void **state) {
  (void)state;
  enum { CLIENTS = 4 };
  struct sockaddr_in at;
  struct pm_kernel_tcp tcp;
  int clients[CLIENTS];
  int listener = listen_somewhere(&at, 0);
  for (int i = 0; i < CLIENTS; i++) clients[i] = connect_to(&at);
  int late = clients[CLIENTS - 1];
  pm_kernel_tcp_read(late, &tcp);
  assert_true(tcp.known && !tcp.established);
  assert_int_equal(tcp.segments_received, 0);
  assert_int_equal(tcp.rtt_ns, 0);
  assert_int_equal(tcp.min_rtt_ns, 0);
  struct pollfd both[2] = {{.fd = late, .events = POLLOUT}, {.fd = listener, .events = POLLIN}};
  int accepted[CLIENTS], count = 0;
  while (!(both[0].revents & POLLOUT)) {
    assert_true(poll(both, 2, PATIENCE_MS) > 0);
    if (both[1].revents & POLLIN) accepted[count++] = accept(listener, NULL, NULL);
  }
  pm_kernel_tcp_read(late, &tcp);
  assert_true(tcp.established);
  assert_true(tcp.retransmits >= 1);
  assert_int_equal(tcp.data_segments_sent, 0);
  /* By the timestamps' milliseconds, or nothing where they are switched off. */
  assert_int_equal(tcp.rtt_ns % PM_NS_PER_MS, 0);
  for (int i = 0; i < count; i++) close(accepted[i]);
  for (int i = 0; i < CLIENTS; i++) close(clients[i]);
  close(listener);
}

static void a_threads_run_delay_never_falls(void **state) {
  (void)state;
  int fd = pm_kernel_run_delay_open();
  if (fd < 0) skip(); /* a kernel that does not tell */
  int64_t first_ns = pm_kernel_run_delay_ns(fd);
  for (int i = 0; i < 20; i++) nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
  int64_t second_ns = pm_kernel_run_delay_ns(fd);
  assert_true(first_ns >= 0 && second_ns >= first_ns);
  assert_true(second_ns > 0); /* nobody is waked 20 times without a nanosecond's wait */
  close(fd);
  assert_int_equal(pm_kernel_run_delay_ns(-1), 0);
}

int main(void) {
#define ON_A_PAIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      ON_A_PAIR(a_handshake_is_one_segment_and_its_round_trip),
      ON_A_PAIR(data_is_counted),
      ON_A_PAIR(what_is_no_tcp_socket_says_nothing),
      ON_A_PAIR(an_arrival_is_stamped_when_it_came),
      ON_A_PAIR(accepted_sockets_are_stamped_as_their_listener),
      ON_A_PAIR(an_end_has_no_stamp),
      cmocka_unit_test(a_syn_sent_again_is_counted),
      cmocka_unit_test(a_threads_run_delay_never_falls),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
