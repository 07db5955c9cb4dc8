/* The table of names: who is in it, who gives way, and which of a name's addresses come first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>

#include "base/rng.h"
#include "probe/name_cache.h"

static const struct pm_time NOW = {1000};

/* What an owner of the table puts around an entry. */
struct owned {
  struct pm_name_entry entry;
  uint64_t number;
};

static struct pm_name_cache *cache_new(size_t names_max) {
  struct pm_name_cache *cache = NULL;
  assert_int_equal(pm_name_cache_new(7, names_max, sizeof(struct owned), &cache), PM_OK);
  return cache;
}

static struct pm_name_entry *take(struct pm_name_cache *cache, const char *host) {
  struct pm_name_entry *entry = NULL;
  assert_int_equal(pm_name_cache_take(cache, host, &entry), PM_OK);
  assert_string_equal(entry->host, host);
  return entry;
}

/* "abc" if these of a to e are there. */
static void assert_there(const struct pm_name_cache *cache, const char *expected) {
  static const char *const names[] = {"a", "b", "c", "d", "e"};
  char there[8] = "";
  size_t count = 0;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (pm_name_cache_find(cache, names[i])) there[count++] = names[i][0];
  assert_string_equal(there, expected);
}

/* Addresses of a name are written as digits: "31" is 192.0.2.3, then 192.0.2.1. */
static struct pm_ip ip_of(char digit) {
  return pm_ip_from_bytes(PM_IP_V4, (uint8_t[]){192, 0, 2, (uint8_t)(digit - '0')});
}

static void fill(struct pm_name_entry *entry, const char *digits) {
  struct pm_ip ips[16];
  size_t count = 0;
  for (; digits[count]; count++) ips[count] = ip_of(digits[count]);
  pm_name_entry_fill(entry, ips, count, 60, NOW);
}

static void avoid(struct pm_name_entry *entry, char digit) {
  struct pm_ip ip = ip_of(digit);
  pm_name_entry_avoid(entry, &ip);
}

static void assert_addresses(const struct pm_name_entry *entry, const char *expected) {
  char digits[16] = "";
  for (size_t i = 0; i < entry->count; i++) digits[i] = (char)('0' + entry->addresses[i].bytes[3]);
  assert_string_equal(digits, expected);
}

/* ---- who is in it ---- */

static void a_name_is_there_once_it_was_taken(void **state) {
  (void)state;
  struct pm_name_cache *cache = cache_new(10);
  assert_null(pm_name_cache_find(cache, "one.test"));
  struct owned *one = (struct owned *)take(cache, "one.test");
  assert_int_equal(one->number, 0); /* the owner's part is as zero as the table's */
  assert_int_equal(one->entry.count, 0);
  one->number = 42;
  assert_ptr_equal(pm_name_cache_find(cache, "one.test"), one);
  assert_ptr_equal(take(cache, "one.test"), one);
  assert_int_equal(one->number, 42);
  assert_string_equal(one->entry.host, "one.test");
  assert_null(pm_name_cache_find(cache, "one.tes"));
  assert_null(pm_name_cache_find(cache, ""));
  pm_name_cache_free(cache);
  pm_name_cache_free(NULL);
}

static void who_was_used_least_recently_gives_way(void **state) {
  (void)state;
  struct pm_name_cache *cache = cache_new(3);
  take(cache, "a");
  take(cache, "b");
  take(cache, "c");
  assert_there(cache, "abc"); /* to be found is no use */
  take(cache, "a");
  take(cache, "d");
  assert_there(cache, "acd");
  pm_name_cache_use(cache, pm_name_cache_find(cache, "c"));
  take(cache, "e");
  assert_there(cache, "cde");
  pm_name_cache_free(cache);
}

static void who_is_waited_for_stays(void **state) {
  (void)state;
  struct pm_name_cache *cache = cache_new(3);
  struct pm_name_entry *a = take(cache, "a"), *b = take(cache, "b"), *c = take(cache, "c"), *d;
  pm_name_entry_hold(a);
  pm_name_entry_hold(a);
  d = take(cache, "d");
  assert_there(cache, "acd"); /* b went, though a is older */
  pm_name_entry_hold(c);
  pm_name_entry_hold(d);
  assert_int_equal(pm_name_cache_take(cache, "b", &b), PM_ERR_FULL);
  assert_ptr_equal(take(cache, "c"), c); /* who is there is not refused */
  pm_name_entry_release(a);
  assert_int_equal(pm_name_cache_take(cache, "b", &b), PM_ERR_FULL);
  pm_name_entry_release(a);
  take(cache, "b");
  assert_there(cache, "bcd");
  pm_name_cache_free(cache);
}

/* More names than the table has chains, against what an order of uses says: nobody is lost from a
 * chain or found in another's place. */
static void random_uses_agree_with_an_order(void **state) {
  (void)state;
  enum { HOSTS = 12000, NAMES = 6000, STEPS = 60000 };
  static uint64_t used[HOSTS]; /* the step of the last use; 0: never */
  struct pm_name_cache *cache = cache_new(NAMES);
  struct pm_rng rng;
  pm_rng_seed(&rng, 11);
  char host[32];
  for (uint64_t step = 1; step <= STEPS; step++) {
    size_t n = pm_rng_below(&rng, HOSTS);
    snprintf(host, sizeof host, "host-%zu.test", n);
    struct owned *owned = (struct owned *)take(cache, host);
    if (owned->number != 0) assert_int_equal(owned->number, used[n]); /* it was there all along */
    owned->number = used[n] = step;
  }
  size_t there = 0;
  uint64_t oldest_there = UINT64_MAX, youngest_gone = 0;
  for (size_t n = 0; n < HOSTS; n++) {
    snprintf(host, sizeof host, "host-%zu.test", n);
    const struct owned *owned = (const struct owned *)pm_name_cache_find(cache, host);
    if (owned) assert_int_equal(owned->number, used[n]);
    if (owned) there++;
    if (owned && used[n] < oldest_there) oldest_there = used[n];
    if (!owned && used[n] > youngest_gone) youngest_gone = used[n];
  }
  assert_int_equal(there, NAMES);
  assert_true(youngest_gone < oldest_there);
  pm_name_cache_free(cache);
}

/* ---- its addresses ---- */

static void an_answer_is_fresh_for_its_ttl_within_bounds(void **state) {
  (void)state;
  static const struct {
    int ttl_s;
    int64_t fresh_s;
  } rows[] = {{-1, 10}, {0, 10},    {9, 10},    {10, 10},
              {11, 11}, {300, 300}, {301, 300}, {INT_MAX, 300}};
  struct pm_name_cache *cache = cache_new(1);
  struct pm_name_entry *entry = take(cache, "a");
  struct pm_ip ip = ip_of('1');
  assert_false(pm_name_entry_is_fresh(entry, NOW));
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    pm_name_entry_fill(entry, &ip, 1, rows[i].ttl_s, NOW);
    struct pm_time end = pm_time_add_ms(NOW, rows[i].fresh_s * 1000);
    assert_true(pm_name_entry_is_fresh(entry, pm_time_add_ns(end, -1)));
    assert_false(pm_name_entry_is_fresh(entry, end));
  }
  pm_name_entry_fill(entry, &ip, 0, 60, NOW);
  assert_false(pm_name_entry_is_fresh(entry, NOW)); /* nothing to connect to */
  pm_name_cache_free(cache);
}

static void the_one_in_use_stays_first_until_it_is_avoided(void **state) {
  (void)state;
  static const struct {
    const char *answer, *expected;
    char avoid; /* first; 0: none */
  } steps[] = {
      {"123", "123", 0},
      {"321", "132", 0},   /* 1 is in use */
      {"231", "321", '1'}, /* 3 took its place */
      {"231", "321", '2'}, /* not in use: nothing to avoid */
      {"12", "12", 0},     /* 3 is gone */
      {"21", "12", 0},
      {"1", "1", 0},
      {"12", "12", '1'}, /* the only one is kept */
      {"45", "45", 0},
      {"", "", 0},
      {"54", "54", 0}, /* none was in use */
      {"45", "45", '5'},
      {"12345678", "41235678", 0},
      {"1235678944", "12356789", 0}, /* more than there is room for: 4 is cut, and no longer used */
  };
  struct pm_name_cache *cache = cache_new(1);
  struct pm_name_entry *entry = take(cache, "a");
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    if (steps[i].avoid) avoid(entry, steps[i].avoid);
    fill(entry, steps[i].answer);
    assert_addresses(entry, steps[i].expected);
  }
  pm_name_cache_free(cache);
}

static void an_avoided_address_comes_last(void **state) {
  (void)state;
  struct pm_name_cache *cache = cache_new(1);
  struct pm_name_entry *entry = take(cache, "a");
  fill(entry, "1");
  fill(entry, "");
  avoid(entry, '1'); /* of a name without addresses */
  assert_addresses(entry, "");
  fill(entry, "123");
  avoid(entry, '2');
  avoid(entry, '9');
  assert_addresses(entry, "123");
  avoid(entry, '1');
  assert_addresses(entry, "231");
  pm_name_entry_avoid(entry, &entry->addresses[0]); /* by the entry's own storage */
  assert_addresses(entry, "312");
  pm_name_cache_free(cache);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_name_is_there_once_it_was_taken),
      cmocka_unit_test(who_was_used_least_recently_gives_way),
      cmocka_unit_test(who_is_waited_for_stays),
      cmocka_unit_test(random_uses_agree_with_an_order),
      cmocka_unit_test(an_answer_is_fresh_for_its_ttl_within_bounds),
      cmocka_unit_test(the_one_in_use_stays_first_until_it_is_avoided),
      cmocka_unit_test(an_avoided_address_comes_last),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
