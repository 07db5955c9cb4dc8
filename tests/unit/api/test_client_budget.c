/* What one client address may take: connections, requests, and a place in the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/client_budget.h"

enum { PLACES = 4096 };

static struct pm_clients *open_clients(size_t connections, size_t share, uint32_t rate,
                                       uint32_t burst) {
  const struct pm_clients_config config = {.connections_max = connections,
                                           .share_max = share,
                                           .requests_per_s = rate,
                                           .burst = burst,
                                           .seed = {1, 2}};
  struct pm_clients *clients;
  assert_int_equal(pm_clients_new(&config, &clients), PM_OK);
  return clients;
}

static struct pm_ip ip_of(const char *text) {
  struct pm_ip ip;
  assert_int_equal(pm_ip_parse(text, &ip), PM_OK);
  return ip;
}

static struct pm_time at_ms(int64_t ms) {
  return (struct pm_time){(1000000 + ms) * PM_NS_PER_MS};
}

/* Enters, and leaves again if it was welcome. */
static enum pm_client_verdict visit(struct pm_clients *clients, const char *ip, int64_t ms) {
  const struct pm_ip client = ip_of(ip);
  struct pm_client_place place;
  const enum pm_client_verdict verdict = pm_clients_enter(clients, &client, at_ms(ms), &place);
  pm_clients_leave(clients, &place);
  return verdict;
}

static unsigned welcomes(struct pm_clients *clients, const char *ip, unsigned tries, int64_t ms) {
  unsigned count = 0;
  for (unsigned i = 0; i < tries; i++) count += visit(clients, ip, ms) == PM_CLIENT_WELCOME;
  return count;
}

static void a_burst_and_then_the_rate(void **state) {
  struct pm_clients *clients = open_clients(8, 8, 10, 20);
  (void)state;
  assert_int_equal(welcomes(clients, "192.0.2.1", 100, 0), 20);
  assert_int_equal(visit(clients, "192.0.2.1", 99), PM_CLIENT_RATE);
  assert_int_equal(welcomes(clients, "192.0.2.1", 100, 100), 1);
  assert_int_equal(welcomes(clients, "192.0.2.1", 100, 1100), 10);
  assert_int_equal(welcomes(clients, "192.0.2.2", 100, 1100), 20); /* another one's is his own */
  assert_int_equal(welcomes(clients, "192.0.2.1", 100, 60 * 1000), 20); /* no more than a burst */
  pm_clients_free(clients);
}

static void further_requests_pay_as_well(void **state) {
  struct pm_clients *clients = open_clients(8, 8, 10, 20);
  const struct pm_ip ip = ip_of("192.0.2.1");
  struct pm_client_place place;
  unsigned paid = 0;
  (void)state;
  assert_int_equal(pm_clients_enter(clients, &ip, at_ms(0), &place), PM_CLIENT_WELCOME);
  for (int i = 0; i < 100; i++) paid += pm_clients_request(clients, &place, at_ms(0));
  assert_int_equal(paid, 20); /* the first was paid for by coming */
  assert_int_equal(visit(clients, "192.0.2.1", 0), PM_CLIENT_RATE);
  pm_clients_leave(clients, &place);
  pm_clients_leave(clients, &place); /* twice is as once */
  pm_clients_free(clients);
}

static void a_share_of_the_connections(void **state) {
  struct pm_clients *clients = open_clients(8, 2, 0, 0);
  const struct pm_ip ip = ip_of("192.0.2.1");
  struct pm_client_place places[3];
  (void)state;
  for (int i = 0; i < 2; i++)
    assert_int_equal(pm_clients_enter(clients, &ip, at_ms(0), &places[i]), PM_CLIENT_WELCOME);
  assert_int_equal(pm_clients_enter(clients, &ip, at_ms(0), &places[2]), PM_CLIENT_SHARE);
  assert_null(places[2].client);
  assert_int_equal(visit(clients, "192.0.2.2", 0), PM_CLIENT_WELCOME);
  /* The longest unused is the first, until it is used. */
  assert_ptr_equal(pm_clients_longest(clients, &ip), &places[0]);
  assert_true(pm_clients_request(clients, &places[0], at_ms(0)));
  assert_ptr_equal(pm_clients_longest(clients, &ip), &places[1]);
  assert_ptr_equal(places[1].after, &places[0]);
  pm_clients_leave(clients, &places[1]);
  assert_int_equal(pm_clients_enter(clients, &ip, at_ms(0), &places[2]), PM_CLIENT_WELCOME);
  pm_clients_leave(clients, &places[0]);
  pm_clients_leave(clients, &places[2]);
  assert_null(pm_clients_longest(clients, &ip));
  pm_clients_free(clients);
}

static void the_machine_itself_is_never_refused(void **state) {
  static const char *const own[] = {"127.0.0.1", "::1", "::ffff:127.0.0.1"};
  struct pm_clients *clients = open_clients(4, 1, 1, 1);
  (void)state;
  for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
    const struct pm_ip ip = ip_of(own[i]);
    struct pm_client_place places[3];
    assert_int_equal(welcomes(clients, own[i], 100, 0), 100);
    for (int p = 0; p < 3; p++) {
      assert_int_equal(pm_clients_enter(clients, &ip, at_ms(0), &places[p]), PM_CLIENT_WELCOME);
      assert_true(pm_clients_request(clients, &places[p], at_ms(0)));
    }
    for (int p = 0; p < 3; p++) pm_clients_leave(clients, &places[p]);
  }
  /* Other addresses of the loopback network are as anybody's. */
  assert_int_equal(welcomes(clients, "127.0.0.2", 100, 0), 1);
  pm_clients_free(clients);
}

static void ipv6_counts_by_its_network(void **state) {
  struct pm_clients *clients = open_clients(8, 8, 1, 5);
  (void)state;
  assert_int_equal(welcomes(clients, "2001:db8:0:1::1", 3, 0), 3);
  assert_int_equal(welcomes(clients, "2001:db8:0:1:ffff::9", 9, 0), 2);
  assert_int_equal(welcomes(clients, "2001:db8:0:2::1", 9, 0), 5);
  assert_int_equal(welcomes(clients, "::2", 9, 0), 5); /* not ::1, though of its network */
  assert_int_equal(pm_clients_count(clients), 3);
  pm_clients_free(clients);
}

/* Any number of addresses: those with connections stay, the table does not grow. */
static void the_table_forgets_who_was_there_longest_ago(void **state) {
  struct pm_clients *clients = open_clients(4, 1, 1, 1);
  const struct pm_ip holder = ip_of("192.0.2.1");
  struct pm_client_place held;
  (void)state;
  assert_int_equal(pm_clients_enter(clients, &holder, at_ms(0), &held), PM_CLIENT_WELCOME);
  for (uint32_t i = 0; i < PLACES; i++) {
    const uint8_t bytes[] = {10, 0, (uint8_t)(i >> 8), (uint8_t)i};
    const struct pm_ip ip = pm_ip_from_bytes(PM_IP_V4, bytes);
    struct pm_client_place place;
    assert_int_equal(pm_clients_enter(clients, &ip, at_ms(0), &place), PM_CLIENT_WELCOME);
    pm_clients_leave(clients, &place);
  }
  assert_int_equal(pm_clients_count(clients), 4 + 512);
  assert_int_equal(visit(clients, "10.0.15.255", 0), PM_CLIENT_RATE); /* the latest: known */
  assert_int_equal(visit(clients, "10.0.0.0", 0), PM_CLIENT_WELCOME); /* the first: forgotten */
  assert_int_equal(visit(clients, "192.0.2.1", 0), PM_CLIENT_SHARE);
  assert_ptr_equal(pm_clients_longest(clients, &holder), &held);
  pm_clients_leave(clients, &held);
  pm_clients_free(clients);
}

/* As many addresses with a connection each as the table was made for. */
static void every_connection_may_be_of_another_address(void **state) {
  struct pm_clients *clients = open_clients(PLACES, 1, 0, 0);
  struct pm_client_place *places = calloc(PLACES, sizeof(*places));
  (void)state;
  assert_non_null(places);
  for (int round = 0; round < 2; round++) {
    for (uint32_t i = 0; i < PLACES; i++) {
      const uint8_t bytes[] = {(uint8_t)(10 + round), 1, (uint8_t)(i >> 8), (uint8_t)i};
      const struct pm_ip ip = pm_ip_from_bytes(PM_IP_V4, bytes);
      assert_int_equal(pm_clients_enter(clients, &ip, at_ms(0), &places[i]), PM_CLIENT_WELCOME);
    }
    for (uint32_t i = 0; i < PLACES; i++) pm_clients_leave(clients, &places[i]);
  }
  free(places);
  pm_clients_free(clients);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_burst_and_then_the_rate),
      cmocka_unit_test(further_requests_pay_as_well),
      cmocka_unit_test(a_share_of_the_connections),
      cmocka_unit_test(the_machine_itself_is_never_refused),
      cmocka_unit_test(ipv6_counts_by_its_network),
      cmocka_unit_test(the_table_forgets_who_was_there_longest_ago),
      cmocka_unit_test(every_connection_may_be_of_another_address),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
