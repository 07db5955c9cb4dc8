/* The windows of one target: what its probes found in the last minute, ten minutes and hour. Pure;
 * the time comes with each call.
 *
 * Time is cut into slots of 10 s. The open one takes samples; once its time is over it is packed
 * (probe/slot.h), six packed ones become a minute, ten minutes a slot of ten, and each length keeps
 * a ring of as many as its window needs. Nothing is computed before somebody asks: a query merges
 * what lies within. Histograms are kept, not quantiles, so what is merged is as exact as what was
 * measured (1 %).
 *
 *   1 min:  6 slots of 10 s      10 min: 10 of 1 min       1 h: 6 of 10 min     and the open rest
 *
 * A window reaches back to a slot's beginning, so it covers its length and up to one slot more.
 *
 * For a store: a finished minute stays to be taken for the ten minutes after its end. Ask
 * pm_window_next_minute for each after the last one taken, about once a minute; call
 * pm_window_advance before, for a target that brings no more samples closes nothing by itself.
 */
#ifndef PM_PROBE_WINDOW_H
#define PM_PROBE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "probe/sample.h"
#include "probe/slot.h"

enum {
  PM_WINDOW_SLOTS = 6,
  PM_WINDOW_MINUTES = 10,
  PM_WINDOW_TENS = 6,
  /* What the windows of a target take at most, struct included, over http at these intervals; a
     test measures 5.6 and 11.2 KB, and holds them to this. */
  PM_WINDOW_BYTES_AT_10_S = 6 << 10,
  PM_WINDOW_BYTES_AT_1_S = 12 << 10,
};

#define PM_WINDOW_SPAN_MAP(X) \
  X(1M, "1m")                 \
  X(10M, "10m")               \
  X(1H, "1h")

enum pm_window_span {
#define X(name, text) PM_WINDOW_SPAN_##name,
  PM_WINDOW_SPAN_MAP(X)
#undef X
      PM_WINDOW_SPAN_COUNT
};

/* Of one length: its place in time in that length, and what it holds; NULL: nothing happened. */
struct pm_window_packed {
  int32_t at;
  uint32_t count;
  uint8_t *bytes;
};

struct pm_window_jitter {
  int64_t previous_ns; /* what the next one's difference is taken from; 0: none yet */
  double jitter_ns;    /* RFC 3550, section 6.4.1: J += (|D| - J) / 16 */
};

struct pm_window {
  bool begun;
  int32_t open_at; /* the open slot's place in time, in slots of 10 s */
  struct pm_slot open;
  struct pm_window_jitter jitter[PM_PHASE_COUNT];
  struct pm_window_packed slots[PM_WINDOW_SLOTS];
  struct pm_window_packed minutes[PM_WINDOW_MINUTES];
  struct pm_window_packed tens[PM_WINDOW_TENS];
};

void pm_window_init(struct pm_window *window);
void pm_window_deinit(struct pm_window *window);

/* By the time at which the sample ended; one from before the open slot counts in that.
 * PM_ERR_NOMEM: part of the sample, or of a slot that was to be closed, is missing; the counts of
 * the open slot are right. */
enum pm_err pm_window_add(struct pm_window *window, const struct pm_sample *sample) PM_MUST_USE;
/* Turns that were passed over at that time. PM_ERR_NOMEM as above. */
enum pm_err pm_window_add_late(struct pm_window *window, struct pm_time now,
                               uint64_t count) PM_MUST_USE;
/* Closes what has ended by then. PM_ERR_NOMEM: a slot that was to be closed is missing. */
enum pm_err pm_window_advance(struct pm_window *window, struct pm_time now) PM_MUST_USE;

/* out: initialised by the caller, who may use it again and again; it is emptied first. The jitter
 * of a phase is RFC 3550's running one as of the window's latest sample. PM_ERR_NOMEM. */
enum pm_err pm_window_query(const struct pm_window *window, enum pm_window_span span,
                            struct pm_time now, struct pm_slot *out) PM_MUST_USE;

struct pm_window_minute {
  int64_t minute;       /* its beginning is minute × 60 s on the monotonic clock */
  const uint8_t *bytes; /* a packed slot; lives until the window is next changed */
  size_t count;
};
/* The earliest finished minute after the given one (INT64_MIN: any) in which anything happened;
 * false if there is none. */
bool pm_window_next_minute(const struct pm_window *window, int64_t after,
                           struct pm_window_minute *out);

/* The minute that is still open, as far as it has come; its slots may be over all the same, for a
 * target that brings no more samples. out: as of pm_window_query. PM_ERR_MISSING: nothing happened
 * in it; PM_ERR_NOMEM. */
enum pm_err pm_window_open_minute(const struct pm_window *window, int64_t *out_minute,
                                  struct pm_slot *out) PM_MUST_USE;

/* What it takes, the struct included; not the allocator's own. */
size_t pm_window_bytes(const struct pm_window *window);

#endif
