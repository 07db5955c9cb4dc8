/* Numbers as strings of bits, for rows of which there are millions. Pure. Small numbers are short:
 * Elias' gamma code (of 1: 1 bit, of 2 and 3: 3 bits, …), lowest bits first. Reading checks every
 * bit.
 */
#ifndef PM_STORE_BITS_H
#define PM_STORE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  PM_BITS_WIDTH_MAX = 52, /* of a number: nanoseconds of 52 days */
  PM_BITS_GAMMA_MAX = 40, /* bits of a number in gamma code */
};

struct pm_bit_writer {
  uint8_t *bytes;
  size_t count, bytes_max;
  uint64_t waiting;
  unsigned waiting_bits;
  bool full; /* sticks: something was left out */
};

void pm_bit_writer_init(struct pm_bit_writer *w, uint8_t *bytes, size_t bytes_max);
/* width: at most PM_BITS_WIDTH_MAX; the value is below 2^width. */
void pm_bits_put(struct pm_bit_writer *w, uint64_t value, unsigned width);
/* value: 1 to 2^PM_BITS_GAMMA_MAX - 1. */
void pm_bits_put_gamma(struct pm_bit_writer *w, uint64_t value);
/* Its width, then its bits below the highest; what is wider becomes the widest. */
void pm_bits_put_number(struct pm_bit_writer *w, uint64_t value);
/* Fills the last byte with zeroes. Bytes written. */
size_t pm_bit_writer_finish(struct pm_bit_writer *w);

struct pm_bit_reader {
  const uint8_t *at, *end;
  uint64_t waiting;
  unsigned waiting_bits;
  bool bad; /* sticks: there was no such number; all further ones read 0 */
};

void pm_bit_reader_init(struct pm_bit_reader *r, const uint8_t *bytes, size_t count);
uint64_t pm_bits_take(struct pm_bit_reader *r, unsigned width);
uint64_t pm_bits_take_gamma(struct pm_bit_reader *r);
uint64_t pm_bits_take_number(struct pm_bit_reader *r);
/* Whether nothing but the zeroes of the last byte is left. */
bool pm_bit_reader_at_end(const struct pm_bit_reader *r);

#endif
