/* A sink: where measurements go. One interface, many outputs; each sink copies what it needs of a
 * borrowed sample into a bounded queue of its own, drops the oldest when full, counts what it
 * dropped, and never blocks the loop.
 */
#ifndef PM_PUBLISH_SINK_H
#define PM_PUBLISH_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "probe/sample.h"
#include "probe/target.h"

struct pm_sink;

struct pm_sink_counts {
  uint64_t taken, dropped, failed;
};

/* A hook that does not apply is NULL. */
struct pm_sink_ops {
  const char *name;
  void (*sample)(struct pm_sink *sink, const struct pm_target *target,
                 const struct pm_sample *sample);
  void (*ended)(struct pm_sink *sink, const struct pm_target *target);
  /* Words of our own for people (the console's), without the last line end. */
  void (*notice)(struct pm_sink *sink, const char *line);
  void (*counts)(const struct pm_sink *sink, struct pm_sink_counts *out);
  /* A file that was moved away is left alone, and one of the same name begun. */
  void (*reopen)(struct pm_sink *sink);
  /* Writes out what is queued, for at most flush_ms, then frees the sink and calls closed, from the
   * loop and never from within this call. Never NULL. */
  void (*close)(struct pm_sink *sink, int64_t flush_ms, void (*closed)(void *owner), void *owner);
};

/* The first member of every sink. */
struct pm_sink {
  const struct pm_sink_ops *ops;
};

enum { PM_PUBLISHER_SINKS_MAX = 16, PM_PUBLISHER_FLUSH_MS = 5000 };

/* Fans out to several sinks. Caller's storage. */
struct pm_publisher {
  struct pm_sink *sinks[PM_PUBLISHER_SINKS_MAX];
  size_t count;
  size_t closing;
  void (*closed)(void *owner);
  void *owner;
};

void pm_publisher_init(struct pm_publisher *publisher);
/* Takes over the sink. PM_ERR_FULL. */
enum pm_err pm_publisher_add(struct pm_publisher *publisher, struct pm_sink *sink) PM_MUST_USE;
void pm_publisher_sample(struct pm_publisher *publisher, const struct pm_target *target,
                         const struct pm_sample *sample);
void pm_publisher_ended(struct pm_publisher *publisher, const struct pm_target *target);
void pm_publisher_notice(struct pm_publisher *publisher, const char *line);
void pm_publisher_reopen(struct pm_publisher *publisher);
/* What comes from here on is ignored. closed comes when all sinks are, from the loop; at once if
 * there are none. */
void pm_publisher_close(struct pm_publisher *publisher, void (*closed)(void *owner), void *owner);

#endif
