#include "gossip/wire_row.h"

#include <stdlib.h>
#include <string.h>

#include "gossip/wire_text.h"

enum {
  FLAG_MORE = 1,
  HEAD_BYTES = 1 + 1 + 8,
  VARINT_BYTES_MAX = 10,
  /* to, state, every, sent, lost, p50, four differences, jitter, the mask and the phases. */
  CELL_BYTES_MAX = 8 + 1 + 3 + 5 + 5 + 2 + 4 * 2 + 2 + 1 + PM_CELL_PHASE_COUNT * 2,
  ROW_BYTES_MAX = HEAD_BYTES + 3 * VARINT_BYTES_MAX + PM_MATRIX_ROW_CELLS_MAX * CELL_BYTES_MAX,
  PREFIX_BYTES_MAX = 64, /* of a relayed row's text: id, age, hops and dots */

  PLACE_BITS = 6, /* 64 steps in a power of two */
  PLACE_LOW = 9,
  PLACE_HIGH = 44, /* 2^45 ns are ten hours: no probe runs as long */
  PLACES = (PLACE_HIGH - PLACE_LOW + 1) << PLACE_BITS,

  EVERY_S_MAX = 86400, /* no node probes more rarely */
  AGE_S_MAX = 86400,   /* of a relayed row; it counts for nothing long before */
  PHASES_READ_MAX = 8, /* bits of the mask: later versions may know more phases */
};

_Static_assert((ROW_BYTES_MAX + 2) / 3 * 4 <= PM_WIRE_ROW_BYTES_MAX, "a full row fits");

/* --- places of times -------------------------------------------------------------------------- */

static uint32_t place_of(int64_t ns) {
  if (ns <= 0) return 0;
  if (ns < INT64_C(1) << PLACE_LOW) return 1;
  int octave = 63 - __builtin_clzll((uint64_t)ns);
  if (octave > PLACE_HIGH) return PLACES;
  uint32_t step = (uint32_t)(ns >> (octave - PLACE_BITS)) & ((1u << PLACE_BITS) - 1);
  return 1 + ((uint32_t)(octave - PLACE_LOW) << PLACE_BITS) + step;
}

/* The middle of the step, which is in the same place again. */
static int64_t time_at(uint32_t place) {
  if (place == 0) return 0;
  uint32_t octave = ((place - 1) >> PLACE_BITS) + PLACE_LOW;
  int64_t step = (place - 1) & ((1u << PLACE_BITS) - 1);
  return ((((INT64_C(1) << PLACE_BITS) + step) << 1) + 1) << (octave - PLACE_BITS - 1);
}

/* --- writing ---------------------------------------------------------------------------------- */

struct writer {
  uint8_t *at;
};

static void put(struct writer *w, uint32_t byte) {
  *w->at++ = (uint8_t)byte;
}

static void put_varint(struct writer *w, uint64_t value) {
  for (; value > 0x7f; value >>= 7) put(w, 0x80 | (value & 0x7f));
  put(w, (uint32_t)value);
}

static void put_fixed64(struct writer *w, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) put(w, value >> shift & 0xff);
}

static void put_quantiles(struct writer *w, const struct pm_cell *cell) {
  uint32_t p50 = place_of(cell->rtt_ns[PM_CELL_P50]), p25 = place_of(cell->rtt_ns[PM_CELL_P25]);
  put(w, p50 >> 8);
  put(w, p50 & 0xff);
  if (p50 == 0) return;
  if (p25 == 0 || p25 > p50) p25 = p50;
  put_varint(w, p50 - p25);
  uint32_t before = p50;
  for (int q = PM_CELL_P75; q < PM_CELL_QUANTILE_COUNT; q++) {
    uint32_t place = place_of(cell->rtt_ns[q]);
    if (place < before) place = before;
    put_varint(w, place - before);
    before = place;
  }
}

static void put_phases(struct writer *w, const struct pm_cell *cell) {
  uint32_t mask = 0;
  for (int p = 0; p < PM_CELL_PHASE_COUNT; p++)
    if (place_of(cell->phase_ns[p]) > 0) mask |= 1u << p;
  put(w, mask);
  for (int p = 0; p < PM_CELL_PHASE_COUNT; p++)
    if (mask >> p & 1) put_varint(w, place_of(cell->phase_ns[p]));
}

static void put_cell(struct writer *w, uint64_t to, const struct pm_cell *cell) {
  put_fixed64(w, to);
  put(w, cell->state);
  if (cell->state == PM_CELL_UNKNOWN) return;
  put_varint(w, cell->every_s < EVERY_S_MAX ? cell->every_s : EVERY_S_MAX);
  put_varint(w, cell->sent);
  put_varint(w, cell->lost < cell->sent ? cell->lost : cell->sent);
  put_quantiles(w, cell);
  if (cell->rtt_ns[PM_CELL_P50] <= 0) return;
  put_varint(w, place_of(cell->jitter_ns));
  put_phases(w, cell);
}

static void put_head(struct writer *w, uint64_t inc, uint64_t since, uint64_t upto, bool more,
                     size_t count) {
  put(w, PM_WIRE_ROW_VERSION);
  put(w, more ? FLAG_MORE : 0);
  put_fixed64(w, inc);
  put_varint(w, since);
  put_varint(w, upto);
  put_varint(w, count);
}

/* One cell of ours as it is sent. */
struct piece {
  uint64_t to;
  uint32_t at, bytes; /* in the text of pieces */
};

struct pieces {
  size_t count, bytes;
  struct piece list[PM_OWN_ROW_CELLS_MAX];
  uint8_t text[PM_OWN_ROW_CELLS_MAX * CELL_BYTES_MAX];
};

static int by_to(const void *a, const void *b) {
  const struct piece *x = a, *y = b;
  return x->to < y->to ? -1 : x->to > y->to;
}

/* The earliest first, as many as fit: the revision of the last one is how far the asker then is. */
static size_t cut(const struct pm_own_row_cell *cells, size_t count, bool whole, size_t bytes_max,
                  struct pieces *out) {
  size_t i = 0;
  for (; i < count; i++) {
    const struct pm_own_row_cell *cell = &cells[i];
    if (whole && cell->cell.state == PM_CELL_UNKNOWN) continue;
    struct writer w = {.at = out->text + out->bytes};
    uint64_t to = pm_matrix_short(&cell->to);
    put_cell(&w, to, &cell->cell);
    size_t bytes = (size_t)(w.at - out->text) - out->bytes;
    if (out->bytes + bytes > bytes_max) break;
    out->list[out->count++] =
        (struct piece){.to = to, .at = (uint32_t)out->bytes, .bytes = (uint32_t)bytes};
    out->bytes += bytes;
  }
  qsort(out->list, out->count, sizeof out->list[0], by_to);
  return i;
}

void pm_wire_row_write_own(const struct pm_own_row *row, uint64_t inc, uint64_t since,
                           size_t bytes_max, struct pm_buf *out) {
  const struct pm_own_row_cell *cells;
  struct pieces pieces;
  uint8_t head[HEAD_BYTES + 3 * VARINT_BYTES_MAX];
  uint8_t bytes[sizeof head + sizeof pieces.text];
  size_t room = bytes_max / 4 * 3;
  if (room < sizeof head) return;
  size_t count = pm_own_row_since(row, &since, &cells);
  pieces.count = pieces.bytes = 0;
  size_t told = cut(cells, count, since == 0, room - sizeof head, &pieces);
  if (told == 0 && count > 0) return;
  bool more = told < count;
  struct writer w = {.at = bytes};
  put_head(&w, inc, since, more ? cells[told - 1].revision : pm_own_row_revision(row), more,
           pieces.count);
  for (size_t i = 0; i < pieces.count; i++) {
    memcpy(w.at, pieces.text + pieces.list[i].at, pieces.list[i].bytes);
    w.at += pieces.list[i].bytes;
  }
  pm_wire_base64(out, bytes, (size_t)(w.at - bytes));
}

size_t pm_wire_row_bytes_max(size_t cells) {
  return PREFIX_BYTES_MAX +
         (HEAD_BYTES + 3 * VARINT_BYTES_MAX + cells * CELL_BYTES_MAX + 2) / 3 * 4;
}

void pm_wire_row_write_relayed(const struct pm_matrix_row *row, int64_t age_s, struct pm_buf *out) {
  uint8_t bytes[ROW_BYTES_MAX];
  char id[PM_NODE_ID_TEXT_BYTES];
  struct writer w = {.at = bytes};
  put_head(&w, row->inc, 0, row->revision, false, row->count);
  for (size_t i = 0; i < row->count; i++) put_cell(&w, row->cells[i].to, &row->cells[i].cell);
  pm_wire_hex(row->from.bytes, sizeof row->from.bytes, id);
  pm_buf_text(out, id);
  pm_buf_char(out, '.');
  pm_wire_put_number(out, age_s > 0 ? (uint64_t)age_s : 0);
  pm_buf_char(out, '.');
  pm_wire_put_number(out, row->hops);
  pm_buf_char(out, '.');
  pm_wire_base64(out, bytes, (size_t)(w.at - bytes));
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Past the end it reads zeros, and says so at the end. */
struct reader {
  const uint8_t *at, *end;
  bool bad;
};

static uint32_t get(struct reader *r) {
  if (r->at < r->end) return *r->at++;
  r->bad = true;
  return 0;
}

static uint64_t get_varint(struct reader *r, uint64_t high) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    uint64_t byte = get(r), bits = byte & 0x7f;
    if (bits << shift >> shift != bits) r->bad = true;
    value |= bits << shift;
    if (byte < 0x80) break;
    if (shift == 63) r->bad = true;
  }
  if (value > high) r->bad = true;
  return r->bad ? 0 : value;
}

static uint64_t get_fixed64(struct reader *r) {
  uint64_t value = 0;
  for (int i = 0; i < 8; i++) value = value << 8 | get(r);
  return value;
}

static void get_quantiles(struct reader *r, struct pm_cell *cell) {
  uint32_t p50 = get(r) << 8;
  p50 |= get(r);
  if (p50 > PLACES) r->bad = true;
  if (r->bad || p50 == 0) return;
  uint32_t place = p50;
  cell->rtt_ns[PM_CELL_P25] = time_at(p50 - (uint32_t)get_varint(r, p50 - 1));
  cell->rtt_ns[PM_CELL_P50] = time_at(p50);
  for (int q = PM_CELL_P75; q < PM_CELL_QUANTILE_COUNT; q++) {
    place += (uint32_t)get_varint(r, PLACES - place);
    cell->rtt_ns[q] = time_at(place);
  }
}

static void get_phases(struct reader *r, struct pm_cell *cell) {
  uint32_t mask = get(r);
  for (int p = 0; p < PHASES_READ_MAX; p++) {
    if ((mask >> p & 1) == 0) continue;
    int64_t ns = time_at((uint32_t)get_varint(r, PLACES));
    if (p < PM_CELL_PHASE_COUNT) cell->phase_ns[p] = ns;
  }
}

static void get_cell(struct reader *r, struct pm_cell *cell) {
  uint32_t state = get(r);
  *cell = (struct pm_cell){.state = PM_CELL_UNKNOWN};
  if (state >= PM_CELL_STATE_COUNT) r->bad = true;
  if (r->bad || state == PM_CELL_UNKNOWN) return;
  cell->state = (enum pm_cell_state)state;
  cell->every_s = (uint32_t)get_varint(r, EVERY_S_MAX);
  cell->sent = (uint32_t)get_varint(r, UINT32_MAX);
  cell->lost = (uint32_t)get_varint(r, cell->sent);
  get_quantiles(r, cell);
  if (r->bad || cell->rtt_ns[PM_CELL_P50] == 0) return;
  cell->jitter_ns = time_at((uint32_t)get_varint(r, PLACES));
  get_phases(r, cell);
}

static enum pm_err get_row(struct reader *r, struct pm_wire_row *out) {
  if (get(r) != PM_WIRE_ROW_VERSION) return PM_ERR_RANGE;
  out->more = (get(r) & FLAG_MORE) != 0;
  out->inc = get_fixed64(r);
  out->since = get_varint(r, UINT64_MAX);
  out->upto = get_varint(r, UINT64_MAX);
  size_t count = (size_t)get_varint(r, PM_MATRIX_ROW_CELLS_MAX);
  if (r->bad || out->upto < out->since) return PM_ERR_RANGE;
  for (size_t i = 0; i < count && !r->bad; i++) {
    struct pm_matrix_cell *cell = &out->cells[i];
    cell->to = get_fixed64(r);
    if (i > 0 && cell->to <= cell[-1].to) return PM_ERR_RANGE;
    get_cell(r, &cell->cell);
  }
  out->count = count;
  if (r->bad) return PM_ERR_RANGE;
  return r->at == r->end ? PM_OK : PM_ERR_SYNTAX;
}

enum pm_err pm_wire_row_read(const char *text, size_t bytes, struct pm_wire_row *out) {
  char copy[PM_WIRE_ROW_BYTES_MAX + 1];
  uint8_t data[PM_WIRE_ROW_BYTES_MAX / 4 * 3];
  if (bytes > PM_WIRE_ROW_BYTES_MAX) return PM_ERR_TOO_LARGE;
  memcpy(copy, text, bytes);
  copy[bytes] = '\0';
  size_t data_bytes = bytes * 3 / 4;
  if (strlen(copy) != bytes || !pm_wire_unbase64(copy, data, data_bytes)) return PM_ERR_SYNTAX;
  struct reader r = {.at = data, .end = data + data_bytes};
  return get_row(&r, out);
}

static bool read_prefix(char *prefix, struct pm_wire_relayed *out) {
  uint64_t age_s, hops;
  char *rest = prefix;
  const char *id = strsep(&rest, "."), *age = strsep(&rest, "."), *hop = rest;
  if (!age || !hop || !pm_wire_unhex(id, out->from.bytes, sizeof out->from.bytes)) return false;
  if (!pm_wire_number(age, AGE_S_MAX, &age_s) || !pm_wire_number(hop, UINT8_MAX, &hops))
    return false;
  out->age_s = (int64_t)age_s;
  out->hops = (unsigned)hops;
  return pm_node_id_is_set(&out->from);
}

enum pm_err pm_wire_row_read_relayed(const char *text, size_t bytes, struct pm_wire_relayed *out) {
  char prefix[PREFIX_BYTES_MAX];
  const char *row = bytes > 0 ? memrchr(text, '.', bytes) : NULL;
  size_t prefix_bytes = row ? (size_t)(row - text) : sizeof prefix;
  if (prefix_bytes >= sizeof prefix) return PM_ERR_SYNTAX;
  memcpy(prefix, text, prefix_bytes);
  prefix[prefix_bytes] = '\0';
  if (strlen(prefix) != prefix_bytes || !read_prefix(prefix, out)) return PM_ERR_SYNTAX;
  enum pm_err err = pm_wire_row_read(row + 1, bytes - prefix_bytes - 1, &out->row);
  if (err != PM_OK) return err;
  return out->row.since == 0 && !out->row.more ? PM_OK : PM_ERR_RANGE;
}
