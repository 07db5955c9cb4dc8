#include "publish/sink.h"

void pm_publisher_init(struct pm_publisher *publisher) {
  *publisher = (struct pm_publisher){0};
}

enum pm_err pm_publisher_add(struct pm_publisher *publisher, struct pm_sink *sink) {
  if (publisher->count == PM_PUBLISHER_SINKS_MAX) return PM_ERR_FULL;
  publisher->sinks[publisher->count++] = sink;
  return PM_OK;
}

void pm_publisher_sample(struct pm_publisher *publisher, const struct pm_target *target,
                         const struct pm_sample *sample) {
  for (size_t i = 0; i < publisher->count; i++) {
    struct pm_sink *sink = publisher->sinks[i];
    if (sink->ops->sample != NULL) sink->ops->sample(sink, target, sample);
  }
}

void pm_publisher_ended(struct pm_publisher *publisher, const struct pm_target *target) {
  for (size_t i = 0; i < publisher->count; i++) {
    struct pm_sink *sink = publisher->sinks[i];
    if (sink->ops->ended != NULL) sink->ops->ended(sink, target);
  }
}

void pm_publisher_notice(struct pm_publisher *publisher, const char *line) {
  for (size_t i = 0; i < publisher->count; i++) {
    struct pm_sink *sink = publisher->sinks[i];
    if (sink->ops->notice != NULL) sink->ops->notice(sink, line);
  }
}

void pm_publisher_reopen(struct pm_publisher *publisher) {
  for (size_t i = 0; i < publisher->count; i++) {
    struct pm_sink *sink = publisher->sinks[i];
    if (sink->ops->reopen != NULL) sink->ops->reopen(sink);
  }
}

static void on_sink_closed(void *owner) {
  struct pm_publisher *publisher = owner;
  if (--publisher->closing == 0) publisher->closed(publisher->owner);
}

void pm_publisher_close(struct pm_publisher *publisher, void (*closed)(void *owner), void *owner) {
  size_t count = publisher->count;
  publisher->count = 0; /* the sinks are on their way out: nothing more goes to them */
  publisher->closing = count;
  publisher->closed = closed;
  publisher->owner = owner;
  if (count == 0) {
    closed(owner);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    struct pm_sink *sink = publisher->sinks[i];
    sink->ops->close(sink, PM_PUBLISHER_FLUSH_MS, on_sink_closed, publisher);
  }
}
