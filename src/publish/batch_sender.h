/* The frame of a sink that sends what an interval brought: at its end the sink hands over a batch,
 * which becomes one or more bodies on libuv's pool (encoding and compressing take milliseconds that
 * the loop does not have), and these go to publish/delivery.
 */
#ifndef PM_PUBLISH_BATCH_SENDER_H
#define PM_PUBLISH_BATCH_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "publish/delivery.h"
#include "publish/sink.h"

struct uv_loop_s;
struct pm_batch_sender;

enum {
  /* On the pool at the same time; more means that the pool does not get on, and is dropped. */
  PM_BATCHES_MAX = 8,
};

/* The first member of a sink's batch, which nobody else touches from put to free. */
struct pm_batch {
  uint64_t units; /* samples in it */
  /* On the pool: the next body, and how many units are in it. PM_ERR_MISSING: there are no more. */
  enum pm_err (*encode)(struct pm_batch *batch, struct pm_buf *out, uint64_t *out_units);
  void (*free)(struct pm_batch *batch); /* on the loop */
};

struct pm_batch_sender_config {
  struct pm_delivery_config delivery;
  int64_t interval_ms;
  size_t body_bytes_max; /* before compression */
  bool gzip;             /* delivery's prepare says so in a header */
  /* At an interval's end and at the sink's: what is there to send, NULL if nothing. */
  struct pm_batch *(*flush)(void *owner);
  void *owner;
  uint64_t seed;
};

enum pm_err pm_batch_sender_open(struct uv_loop_s *loop,
                                 const struct pm_batch_sender_config *config,
                                 struct pm_batch_sender **out) PM_MUST_USE;
/* Takes over the batch, also between the intervals' ends. */
void pm_batch_sender_put(struct pm_batch_sender *sender, struct pm_batch *batch);
/* dropped and failed, in units; taken is left alone. */
void pm_batch_sender_counts(const struct pm_batch_sender *sender, struct pm_sink_counts *out);
/* Flushes, goes on for at most flush_ms, calls closed from the loop and frees. */
void pm_batch_sender_close(struct pm_batch_sender *sender, int64_t flush_ms,
                           void (*closed)(void *owner), void *owner);

#endif
