#include <stdio.h>
#include <stdlib.h>

#include "base/escape.h"
#include "publish/console.h"
#include "publish/console_line.h"
#include "publish/line_writer.h"

struct console_json {
  struct pm_sink sink; /* first */
  struct pm_line_writer *writer;
  struct pm_buf line; /* reused */
  char location[PM_LOCATION_BYTES];
  uint64_t taken;
  uint64_t unmade; /* for want of memory */
  void (*closed)(void *owner);
  void *owner;
};

static struct console_json *from_sink(struct pm_sink *sink) {
  return (struct console_json *)sink;
}

static void on_sample(struct pm_sink *sink, const struct pm_target *target,
                      const struct pm_sample *sample) {
  struct console_json *console = from_sink(sink);
  console->taken++;
  pm_console_line_json(&console->line, console->location, target, sample);
  if (pm_buf_status(&console->line) == PM_OK) {
    pm_line_writer_put(console->writer, console->line.data, console->line.len);
  } else {
    console->unmade++;
  }
  pm_buf_reset(&console->line);
}

static void on_counts(const struct pm_sink *sink, struct pm_sink_counts *out) {
  const struct console_json *console = (const struct console_json *)sink;
  out->taken = console->taken;
  out->dropped = pm_line_writer_dropped(console->writer) + console->unmade;
  out->failed = pm_line_writer_failed(console->writer);
}

static void on_writer_closed(void *owner) {
  struct console_json *console = owner;
  void (*closed)(void *owner) = console->closed;
  void *closed_owner = console->owner;
  pm_buf_deinit(&console->line);
  free(console);
  closed(closed_owner);
}

static void on_close(struct pm_sink *sink, int64_t flush_ms, void (*closed)(void *owner),
                     void *owner) {
  struct console_json *console = from_sink(sink);
  console->closed = closed;
  console->owner = owner;
  pm_line_writer_close(console->writer, flush_ms, on_writer_closed, console);
}

static const struct pm_sink_ops ops = {
    .name = "json",
    .sample = on_sample,
    .counts = on_counts,
    .close = on_close,
};

enum pm_err pm_console_json_open(struct uv_loop_s *loop, const struct pm_console_config *config,
                                 struct pm_sink **out) {
  struct console_json *console = calloc(1, sizeof(*console));
  if (console == NULL) return PM_ERR_NOMEM;
  enum pm_err err =
      pm_line_writer_open(loop, config->fd, PM_LINE_WRITER_BYTES_MAX, &console->writer);
  if (err != PM_OK) {
    free(console);
    return err;
  }
  console->sink.ops = &ops;
  if (config->location != NULL) {
    snprintf(console->location, sizeof(console->location), "%s", config->location);
    pm_utf8_trim_cut(console->location);
  }
  pm_buf_init(&console->line, PM_CONSOLE_LINE_BYTES_MAX);
  *out = &console->sink;
  return PM_OK;
}
