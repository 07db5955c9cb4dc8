#include "probe/window.h"

#include <math.h>
#include <stdlib.h>

enum {
  SLOT_S = 10,
  SLOTS_A_MINUTE = 6,
  MINUTES_A_TEN = 10,
};

void pm_window_init(struct pm_window *window) {
  *window = (struct pm_window){0};
}

static void free_ring(struct pm_window_packed *ring, size_t places) {
  for (size_t i = 0; i < places; i++) free(ring[i].bytes);
}

void pm_window_deinit(struct pm_window *window) {
  pm_slot_deinit(&window->open);
  free_ring(window->slots, PM_WINDOW_SLOTS);
  free_ring(window->minutes, PM_WINDOW_MINUTES);
  free_ring(window->tens, PM_WINDOW_TENS);
  pm_window_init(window);
}

static int32_t slot_at(struct pm_time t) {
  int64_t at = t.ns / ((int64_t)SLOT_S * PM_NS_PER_S);
  if (at < 0) return 0;
  return at < INT32_MAX ? (int32_t)at : INT32_MAX;
}

static int32_t minute_of(int32_t slot) {
  return slot / SLOTS_A_MINUTE;
}

static int32_t ten_of(int32_t minute) {
  return minute / MINUTES_A_TEN;
}

/* ---- closing ---- */

/* Takes its place in the ring, of which it frees what was there. */
static enum pm_err keep(struct pm_window_packed *ring, int32_t places, int32_t at,
                        const struct pm_slot *slot) {
  struct pm_window_packed *place = &ring[at % places];
  size_t count = 0;
  free(place->bytes);
  *place = (struct pm_window_packed){.at = at};
  if (pm_slot_is_empty(slot)) return PM_OK;
  enum pm_err err = pm_slot_pack(slot, &place->bytes, &count);
  place->count = (uint32_t)count;
  return err;
}

/* Those of a ring that lie in [first, last], earliest first. */
static void add_ring(const struct pm_window_packed *ring, int32_t places, int32_t first,
                     int32_t last, struct pm_slot_sum *sum) {
  if (first < 0) first = 0;
  for (int32_t at = first; at <= last; at++) {
    const struct pm_window_packed *packed = &ring[at % places];
    if (packed->at != at || packed->bytes == NULL) continue;
    enum pm_err err = pm_slot_sum_add_packed(sum, packed->bytes, packed->count);
    (void)err; /* we packed it ourselves */
  }
}

static enum pm_err keep_sum(struct pm_window_packed *ring, int32_t places, int32_t at,
                            const struct pm_slot_sum *sum) {
  struct pm_slot slot = {0};
  enum pm_err err = pm_slot_sum_take(sum, &slot);
  if (err == PM_OK) err = keep(ring, places, at, &slot);
  pm_slot_deinit(&slot);
  return err;
}

static enum pm_err close_minute(struct pm_window *window, int32_t minute) {
  struct pm_slot_sum sum;
  int32_t first = minute * SLOTS_A_MINUTE;
  pm_slot_sum_init(&sum);
  add_ring(window->slots, PM_WINDOW_SLOTS, first, first + SLOTS_A_MINUTE - 1, &sum);
  return keep_sum(window->minutes, PM_WINDOW_MINUTES, minute, &sum);
}

static enum pm_err close_ten(struct pm_window *window, int32_t ten) {
  struct pm_slot_sum sum;
  int32_t first = ten * MINUTES_A_TEN;
  pm_slot_sum_init(&sum);
  add_ring(window->minutes, PM_WINDOW_MINUTES, first, first + MINUTES_A_TEN - 1, &sum);
  return keep_sum(window->tens, PM_WINDOW_TENS, ten, &sum);
}

/* Whatever fails, time goes on: the open slot is then empty, and at its new place. Between the old
 * and the new one nothing happened, so that no more than one of each length is to be closed. */
static enum pm_err advance_to(struct pm_window *window, int32_t at) {
  int32_t from = window->open_at;
  if (!window->begun || at <= from) {
    if (!window->begun) window->open_at = at;
    window->begun = true;
    return PM_OK;
  }
  enum pm_err err = keep(window->slots, PM_WINDOW_SLOTS, from, &window->open);
  int32_t minute = minute_of(from);
  if (minute_of(at) > minute) {
    enum pm_err closed = close_minute(window, minute);
    if (err == PM_OK) err = closed;
  }
  if (ten_of(minute_of(at)) > ten_of(minute)) {
    enum pm_err closed = close_ten(window, ten_of(minute));
    if (err == PM_OK) err = closed;
  }
  pm_slot_clear(&window->open);
  window->open_at = at;
  return err;
}

enum pm_err pm_window_advance(struct pm_window *window, struct pm_time now) {
  return window->begun ? advance_to(window, slot_at(now)) : PM_OK;
}

/* ---- adding ---- */

static void update_jitter(struct pm_window *window, const struct pm_sample *sample) {
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    struct pm_window_jitter *jitter = &window->jitter[phase];
    int64_t ns = sample->phase_ns[phase];
    if (!pm_slot_takes_phase(sample, (enum pm_phase)phase)) continue;
    if (jitter->previous_ns > 0) {
      double difference_ns = fabs((double)(ns - jitter->previous_ns));
      jitter->jitter_ns += (difference_ns - jitter->jitter_ns) / 16;
    }
    jitter->previous_ns = ns;
    window->open.phases[phase].jitter_ns = (int64_t)jitter->jitter_ns;
  }
}

enum pm_err pm_window_add(struct pm_window *window, const struct pm_sample *sample) {
  enum pm_err err = advance_to(window, slot_at(sample->ended));
  enum pm_err added = pm_slot_add(&window->open, sample);
  update_jitter(window, sample);
  return err == PM_OK ? added : err;
}

enum pm_err pm_window_add_late(struct pm_window *window, struct pm_time now, uint64_t count) {
  if (count == 0) return PM_OK;
  enum pm_err err = advance_to(window, slot_at(now));
  uint32_t room = UINT32_MAX - window->open.late;
  window->open.late += count < room ? (uint32_t)count : room;
  return err;
}

/* ---- asking ---- */

/* The part of the open minute that lies at first or later: its closed slots, and the open one. */
static void add_open_minute(const struct pm_window *window, int32_t first,
                            struct pm_slot_sum *sum) {
  int32_t last = window->open_at;
  if (last < first) return;
  add_ring(window->slots, PM_WINDOW_SLOTS, first, last - 1, sum);
  pm_slot_sum_add(sum, &window->open);
}

/* Each from the ring whose slots are whole within, and what has not become one of those from the
 * shorter ones. */
static void add_span(const struct pm_window *window, enum pm_window_span span, int32_t slot_now,
                     struct pm_slot_sum *sum) {
  int32_t open_minute = minute_of(window->open_at);
  int32_t open_ten = ten_of(open_minute);
  int32_t first_minute = minute_of(slot_now) - PM_WINDOW_MINUTES;
  if (span == PM_WINDOW_SPAN_1M) {
    add_open_minute(window, slot_now - PM_WINDOW_SLOTS, sum);
    return;
  }
  if (span == PM_WINDOW_SPAN_1H) {
    int32_t first_ten = ten_of(minute_of(slot_now)) - PM_WINDOW_TENS;
    add_ring(window->tens, PM_WINDOW_TENS, first_ten, open_ten - 1, sum);
    first_minute = (first_ten > open_ten ? first_ten : open_ten) * MINUTES_A_TEN;
  }
  add_ring(window->minutes, PM_WINDOW_MINUTES, first_minute, open_minute - 1, sum);
  if (first_minute <= open_minute) add_open_minute(window, open_minute * SLOTS_A_MINUTE, sum);
}

enum pm_err pm_window_query(const struct pm_window *window, enum pm_window_span span,
                            struct pm_time now, struct pm_slot *out) {
  struct pm_slot_sum sum;
  int32_t slot_now = slot_at(now);
  pm_slot_clear(out);
  if (!window->begun) return PM_OK;
  if (slot_now < window->open_at) slot_now = window->open_at;
  pm_slot_sum_init(&sum);
  add_span(window, span, slot_now, &sum);
  return pm_slot_sum_take(&sum, out);
}

bool pm_window_next_minute(const struct pm_window *window, int64_t after,
                           struct pm_window_minute *out) {
  const struct pm_window_packed *earliest = NULL;
  for (size_t i = 0; i < PM_WINDOW_MINUTES; i++) {
    const struct pm_window_packed *minute = &window->minutes[i];
    if (minute->bytes == NULL || minute->at <= after) continue;
    if (earliest == NULL || minute->at < earliest->at) earliest = minute;
  }
  if (earliest == NULL) return false;
  *out = (struct pm_window_minute){earliest->at, earliest->bytes, earliest->count};
  return true;
}

enum pm_err pm_window_open_minute(const struct pm_window *window, int64_t *out_minute,
                                  struct pm_slot *out) {
  struct pm_slot_sum sum;
  int32_t minute = minute_of(window->open_at);
  pm_slot_clear(out);
  if (!window->begun) return PM_ERR_MISSING;
  pm_slot_sum_init(&sum);
  add_open_minute(window, minute * SLOTS_A_MINUTE, &sum);
  if (pm_slot_is_empty(&sum.numbers)) return PM_ERR_MISSING;
  enum pm_err err = pm_slot_sum_take(&sum, out);
  if (err == PM_OK) *out_minute = minute;
  return err;
}

static size_t ring_bytes(const struct pm_window_packed *ring, size_t places) {
  size_t bytes = 0;
  for (size_t i = 0; i < places; i++) bytes += ring[i].bytes != NULL ? ring[i].count : 0;
  return bytes;
}

size_t pm_window_bytes(const struct pm_window *window) {
  size_t bytes = sizeof(*window) + ring_bytes(window->slots, PM_WINDOW_SLOTS) +
                 ring_bytes(window->minutes, PM_WINDOW_MINUTES) +
                 ring_bytes(window->tens, PM_WINDOW_TENS);
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    bytes += window->open.phases[phase].histogram.cap * sizeof(struct pm_histogram_bucket);
  }
  return bytes;
}
