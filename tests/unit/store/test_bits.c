/* Numbers as bits: what was put is taken, in as many bits as the header says; what is cut or was
 * made up is noticed, and costs nothing but the number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/bits.h"

enum { ROOM = 64 };

static void numbers_come_back_whatever_is_between_them(void **state) {
  static const uint64_t numbers[] = {0, 1, 2, 3, 255, 256, 1000000007, (UINT64_C(1) << 52) - 1};
  enum { COUNT = sizeof(numbers) / sizeof(numbers[0]) };
  (void)state;
  uint8_t bytes[ROOM];
  struct pm_bit_writer w;
  struct pm_bit_reader r;
  pm_bit_writer_init(&w, bytes, sizeof(bytes));
  for (size_t i = 0; i < COUNT; i++) {
    pm_bits_put_number(&w, numbers[i]);
    pm_bits_put(&w, 5, 3);
  }
  size_t count = pm_bit_writer_finish(&w);
  assert_false(w.full);
  pm_bit_reader_init(&r, bytes, count);
  for (size_t i = 0; i < COUNT; i++) {
    assert_true(pm_bits_take_number(&r) == numbers[i]);
    assert_int_equal(pm_bits_take(&r, 3), 5);
  }
  assert_true(pm_bit_reader_at_end(&r));
  assert_false(r.bad);
}

static void gamma_codes_are_short_for_small_numbers(void **state) {
  static const struct {
    uint64_t value;
    unsigned bits;
  } cases[] = {{1, 1}, {2, 3}, {3, 3}, {4, 5}, {255, 15}, {256, 17}, {(UINT64_C(1) << 40) - 1, 79}};
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    uint8_t bytes[ROOM];
    struct pm_bit_writer w;
    struct pm_bit_reader r;
    pm_bit_writer_init(&w, bytes, sizeof(bytes));
    pm_bits_put_gamma(&w, cases[i].value);
    assert_int_equal(8 * w.count + w.waiting_bits, cases[i].bits);
    size_t count = pm_bit_writer_finish(&w);
    assert_int_equal(count, (cases[i].bits + 7) / 8);
    pm_bit_reader_init(&r, bytes, count);
    assert_true(pm_bits_take_gamma(&r) == cases[i].value);
    assert_true(pm_bit_reader_at_end(&r));
  }
}

static void what_is_wider_becomes_the_widest(void **state) {
  (void)state;
  uint8_t bytes[ROOM];
  struct pm_bit_writer w;
  struct pm_bit_reader r;
  pm_bit_writer_init(&w, bytes, sizeof(bytes));
  pm_bits_put_number(&w, UINT64_MAX);
  pm_bit_reader_init(&r, bytes, pm_bit_writer_finish(&w));
  assert_true(pm_bits_take_number(&r) == (UINT64_C(1) << PM_BITS_WIDTH_MAX) - 1);
}

/* Byte for byte up to the room's end, and nothing behind it. */
static void a_full_writer_says_so_and_stays_within_its_room(void **state) {
  (void)state;
  for (size_t room = 0; room < 8; room++) {
    uint8_t bytes[ROOM];
    struct pm_bit_writer w;
    memset(bytes, 0xee, sizeof(bytes));
    pm_bit_writer_init(&w, bytes, room);
    for (int i = 0; i < 8; i++) pm_bits_put(&w, (uint64_t)i + 1, 8);
    assert_int_equal(pm_bit_writer_finish(&w), room);
    assert_true(w.full);
    for (size_t i = 0; i < room; i++) assert_int_equal(bytes[i], i + 1);
    for (size_t i = room; i < sizeof(bytes); i++) assert_int_equal(bytes[i], 0xee);
  }
}

/* A last byte that is only begun counts, too. */
static void one_bit_too_many_is_too_many(void **state) {
  (void)state;
  uint8_t bytes[2] = {0xee, 0xee};
  struct pm_bit_writer w;
  pm_bit_writer_init(&w, bytes, 1);
  pm_bits_put(&w, 0x7f, 8);
  assert_false(w.full);
  pm_bits_put(&w, 1, 1);
  assert_int_equal(pm_bit_writer_finish(&w), 1);
  assert_true(w.full);
  assert_int_equal(bytes[1], 0xee);
}

static void what_is_cut_is_bad_and_stays_so(void **state) {
  (void)state;
  uint8_t bytes[ROOM];
  struct pm_bit_writer w;
  pm_bit_writer_init(&w, bytes, sizeof(bytes));
  pm_bits_put_gamma(&w, 1000000);
  pm_bits_put_number(&w, 1000000);
  size_t count = pm_bit_writer_finish(&w);
  for (size_t cut = 0; cut < count; cut++) {
    struct pm_bit_reader r;
    pm_bit_reader_init(&r, bytes, cut);
    (void)pm_bits_take_gamma(&r);
    assert_int_equal(pm_bits_take_number(&r), 0);
    assert_true(r.bad);
    r.at = bytes; /* more bytes do not mend it */
    r.end = bytes + count;
    assert_int_equal(pm_bits_take(&r, 1), 0);
    assert_int_equal(pm_bits_take_gamma(&r), 0);
    assert_int_equal(pm_bits_take_number(&r), 0);
  }
}

static void what_nobody_writes_is_bad(void **state) {
  static const uint8_t no_gamma[] = {0, 0, 0, 0, 0, 0, 0, 0},
                       too_wide[] = {53, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  (void)state;
  struct pm_bit_reader r;
  pm_bit_reader_init(&r, no_gamma, sizeof(no_gamma));
  assert_int_equal(pm_bits_take_gamma(&r), 0);
  assert_true(r.bad);
  pm_bit_reader_init(&r, too_wide, sizeof(too_wide));
  assert_int_equal(pm_bits_take_number(&r), 0);
  assert_true(r.bad);
}

static void bits_behind_the_last_number_are_no_end(void **state) {
  static const struct {
    uint8_t bytes[2];
    size_t count;
    bool end;
  } cases[] = {{{0x05, 0}, 1, true}, {{0x05, 0}, 2, false}, {{0x0d, 0}, 1, false}};
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct pm_bit_reader r;
    pm_bit_reader_init(&r, cases[i].bytes, cases[i].count);
    assert_int_equal(pm_bits_take(&r, 3), 5);
    assert_int_equal(pm_bit_reader_at_end(&r), cases[i].end);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_come_back_whatever_is_between_them),
      cmocka_unit_test(gamma_codes_are_short_for_small_numbers),
      cmocka_unit_test(what_is_wider_becomes_the_widest),
      cmocka_unit_test(a_full_writer_says_so_and_stays_within_its_room),
      cmocka_unit_test(one_bit_too_many_is_too_many),
      cmocka_unit_test(what_is_cut_is_bad_and_stays_so),
      cmocka_unit_test(what_nobody_writes_is_bad),
      cmocka_unit_test(bits_behind_the_last_number_are_no_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
