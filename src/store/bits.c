#include "store/bits.h"

enum { NUMBER_WIDTH_BITS = 6 };

void pm_bit_writer_init(struct pm_bit_writer *w, uint8_t *bytes, size_t bytes_max) {
  *w = (struct pm_bit_writer){.bytes = bytes, .bytes_max = bytes_max};
}

static void flush(struct pm_bit_writer *w, unsigned keep_bits) {
  while (w->waiting_bits > keep_bits) {
    if (w->count == w->bytes_max) {
      w->full = true;
      w->waiting_bits = 0;
      w->waiting = 0;
      return;
    }
    w->bytes[w->count++] = (uint8_t)w->waiting;
    w->waiting >>= 8;
    w->waiting_bits -= w->waiting_bits < 8 ? w->waiting_bits : 8;
  }
}

void pm_bits_put(struct pm_bit_writer *w, uint64_t value, unsigned width) {
  w->waiting |= value << w->waiting_bits;
  w->waiting_bits += width;
  flush(w, 7);
}

static unsigned width_of(uint64_t value) {
  return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

void pm_bits_put_gamma(struct pm_bit_writer *w, uint64_t value) {
  unsigned rest = value > 1 ? width_of(value) - 1 : 0;
  pm_bits_put(w, UINT64_C(1) << rest, rest + 1);
  pm_bits_put(w, value & ((UINT64_C(1) << rest) - 1), rest);
}

void pm_bits_put_number(struct pm_bit_writer *w, uint64_t value) {
  uint64_t widest = (UINT64_C(1) << PM_BITS_WIDTH_MAX) - 1;
  if (value > widest) value = widest;
  unsigned width = width_of(value);
  pm_bits_put(w, width, NUMBER_WIDTH_BITS);
  if (width > 1) pm_bits_put(w, value & ((UINT64_C(1) << (width - 1)) - 1), width - 1);
}

size_t pm_bit_writer_finish(struct pm_bit_writer *w) {
  flush(w, 0);
  return w->count;
}

void pm_bit_reader_init(struct pm_bit_reader *r, const uint8_t *bytes, size_t count) {
  *r = (struct pm_bit_reader){.at = bytes, .end = bytes + count};
}

static void fill(struct pm_bit_reader *r) {
  while (r->waiting_bits <= 56 && r->at < r->end) {
    r->waiting |= (uint64_t)*r->at++ << r->waiting_bits;
    r->waiting_bits += 8;
  }
}

static void drop(struct pm_bit_reader *r, unsigned width) {
  r->waiting >>= width;
  r->waiting_bits -= width;
}

uint64_t pm_bits_take(struct pm_bit_reader *r, unsigned width) {
  if (r->waiting_bits < width) fill(r);
  r->bad |= r->waiting_bits < width;
  if (r->bad) return 0;
  uint64_t value = r->waiting & ((UINT64_C(1) << width) - 1);
  drop(r, width);
  return value;
}

uint64_t pm_bits_take_gamma(struct pm_bit_reader *r) {
  fill(r);
  unsigned rest = r->waiting == 0 ? PM_BITS_GAMMA_MAX : (unsigned)__builtin_ctzll(r->waiting);
  r->bad |= rest >= PM_BITS_GAMMA_MAX;
  if (r->bad) return 0;
  drop(r, rest + 1);
  uint64_t low = pm_bits_take(r, rest);
  return r->bad ? 0 : (UINT64_C(1) << rest) | low;
}

uint64_t pm_bits_take_number(struct pm_bit_reader *r) {
  unsigned width = (unsigned)pm_bits_take(r, NUMBER_WIDTH_BITS);
  r->bad |= width > PM_BITS_WIDTH_MAX;
  if (r->bad || width == 0) return 0;
  uint64_t low = pm_bits_take(r, width - 1);
  return r->bad ? 0 : (UINT64_C(1) << (width - 1)) | low;
}

bool pm_bit_reader_at_end(const struct pm_bit_reader *r) {
  return r->at == r->end && r->waiting_bits < 8 && r->waiting == 0;
}
