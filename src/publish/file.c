#include "publish/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/escape.h"
#include "publish/console_line.h"
#include "publish/line_writer.h"

enum {
  /* A pipe without a reader is an error at once instead of a wait; to files it means nothing. */
  OPEN_FLAGS = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
  OPEN_MODE = 0644,
  OLD_FLUSH_MS = 5000, /* for what is queued to a file that was moved away */
};

/* An open file and its writer. */
struct channel {
  struct file *file;
  struct pm_line_writer *writer;
  uv_fs_t closing;
  int fd;
};

struct file {
  struct pm_sink sink; /* first */
  uv_loop_t *loop;
  const struct pm_log *log;
  char *path;
  char location[PM_LOCATION_BYTES];
  struct pm_buf line; /* reused */
  struct channel *channel;
  uv_fs_t opening;
  bool is_opening, opens_again;
  uint64_t taken, unmade;
  uint64_t dropped_before, failed_before; /* by the writers of files that were moved away */
  uint64_t told_failed;                   /* failed when the log heard of it */
  bool unwell;                            /* and the log knows */
  size_t channels;                        /* the one in use and those that are closing */
  bool closing;
  int64_t flush_ms;
  void (*closed)(void *owner);
  void *owner;
};

static struct file *from_sink(struct pm_sink *sink) {
  return (struct file *)sink;
}

/* --- one file after another ---------------------------------------------------------------------
 */

static void free_file(struct file *file) {
  pm_buf_deinit(&file->line);
  free(file->path);
  free(file);
}

static void end_if_done(struct file *file) {
  if (!file->closing || file->channels > 0 || file->is_opening) return;
  void (*closed)(void *owner) = file->closed;
  void *owner = file->owner;
  free_file(file);
  closed(owner);
}

static void on_fd_closed(uv_fs_t *request) {
  struct channel *channel = request->data;
  struct file *file = channel->file;
  uv_fs_req_cleanup(request);
  free(channel);
  file->channels--;
  end_if_done(file);
}

static void on_writer_closed(void *owner) {
  struct channel *channel = owner;
  channel->closing.data = channel;
  uv_fs_close(channel->file->loop, &channel->closing, channel->fd, on_fd_closed);
}

static void close_channel(struct channel *channel, int64_t flush_ms) {
  struct file *file = channel->file;
  file->channel = NULL;
  file->dropped_before += pm_line_writer_dropped(channel->writer);
  file->failed_before += pm_line_writer_failed(channel->writer);
  pm_line_writer_close(channel->writer, flush_ms, on_writer_closed, channel);
}

/* Takes over fd on success. */
static enum pm_err new_channel(struct file *file, int fd, struct channel **out) {
  struct channel *channel = calloc(1, sizeof(*channel));
  if (channel == NULL) return PM_ERR_NOMEM;
  enum pm_err err = pm_line_writer_open(file->loop, fd, PM_LINE_WRITER_BYTES_MAX, &channel->writer);
  if (err != PM_OK) {
    free(channel);
    return err;
  }
  channel->file = file;
  channel->fd = fd;
  file->channels++;
  *out = channel;
  return PM_OK;
}

static void close_now(struct file *file, int fd) {
  uv_fs_t request;
  uv_fs_close(file->loop, &request, fd, NULL);
  uv_fs_req_cleanup(&request);
}

static void take_over(struct file *file, int fd) {
  struct channel *channel = NULL;
  enum pm_err err = fd < 0 ? PM_ERR_SYSTEM : new_channel(file, fd, &channel);
  if (err != PM_OK) {
    pm_log(file->log, PM_LOG_ALWAYS, "%s: %s; the file of before goes on", file->path,
           fd < 0 ? uv_strerror(fd) : pm_err_text(err));
    if (fd >= 0) close_now(file, fd);
    return;
  }
  if (file->channel != NULL) close_channel(file->channel, OLD_FLUSH_MS);
  file->channel = channel;
}

static void on_reopen(struct pm_sink *sink);

static void on_opened(uv_fs_t *request) {
  struct file *file = request->data;
  int fd = (int)request->result;
  uv_fs_req_cleanup(request);
  file->is_opening = false;
  if (file->closing) {
    if (fd >= 0) close_now(file, fd);
    end_if_done(file);
    return;
  }
  take_over(file, fd);
  if (file->opens_again) on_reopen(&file->sink);
}

static void on_reopen(struct pm_sink *sink) {
  struct file *file = from_sink(sink);
  file->opens_again = file->is_opening;
  if (file->is_opening) return;
  file->opening.data = file;
  file->is_opening =
      uv_fs_open(file->loop, &file->opening, file->path, OPEN_FLAGS, OPEN_MODE, on_opened) == 0;
}

/* --- the sink ----------------------------------------------------------------------------------
 */

static uint64_t failed_so_far(const struct file *file) {
  return file->failed_before + (file->channel ? pm_line_writer_failed(file->channel->writer) : 0);
}

static void tell(struct file *file) {
  int error = pm_line_writer_error(file->channel->writer);
  if ((error != 0) == file->unwell) return;
  file->unwell = error != 0;
  if (file->unwell)
    pm_log(file->log, PM_LOG_ALWAYS, "%s: %s; measuring goes on, lines are lost", file->path,
           strerror(error));
  else
    pm_log(file->log, PM_LOG_ALWAYS, "%s: writing goes on, %llu lines were lost", file->path,
           (unsigned long long)(failed_so_far(file) - file->told_failed));
  if (!file->unwell) file->told_failed = failed_so_far(file);
}

static void on_sample(struct pm_sink *sink, const struct pm_target *target,
                      const struct pm_sample *sample) {
  struct file *file = from_sink(sink);
  file->taken++;
  pm_console_line_json(&file->line, file->location, target, sample);
  if (pm_buf_status(&file->line) == PM_OK)
    pm_line_writer_put(file->channel->writer, file->line.data, file->line.len);
  else
    file->unmade++;
  pm_buf_reset(&file->line);
  tell(file);
}

static void on_counts(const struct pm_sink *sink, struct pm_sink_counts *out) {
  const struct file *file = (const struct file *)sink;
  out->taken = file->taken;
  out->dropped = file->dropped_before + file->unmade;
  if (file->channel) out->dropped += pm_line_writer_dropped(file->channel->writer);
  out->failed = failed_so_far(file);
}

static void on_close(struct pm_sink *sink, int64_t flush_ms, void (*closed)(void *owner),
                     void *owner) {
  struct file *file = from_sink(sink);
  file->closing = true;
  file->closed = closed;
  file->owner = owner;
  close_channel(file->channel, flush_ms);
}

static const struct pm_sink_ops ops = {
    .name = "file",
    .sample = on_sample,
    .counts = on_counts,
    .reopen = on_reopen,
    .close = on_close,
};

/* --- opening -----------------------------------------------------------------------------------
 */

/* Before anything is measured, so it may wait. */
static enum pm_err open_first(struct file *file, struct pm_why *why) {
  uv_fs_t request;
  int fd = uv_fs_open(file->loop, &request, file->path, OPEN_FLAGS, OPEN_MODE, NULL);
  uv_fs_req_cleanup(&request);
  if (fd < 0) return pm_why_set(why, PM_ERR_SYSTEM, "%s: %s", file->path, uv_strerror(fd));
  enum pm_err err = new_channel(file, fd, &file->channel);
  if (err == PM_OK) return PM_OK;
  close_now(file, fd);
  return pm_why_set(why, err, "%s: %s", file->path, pm_err_text(err));
}

enum pm_err pm_file_open(struct uv_loop_s *loop, const struct pm_file_config *config,
                         struct pm_sink **out, struct pm_why *why) {
  struct file *file = calloc(1, sizeof(*file));
  if (file == NULL) return pm_why_set(why, PM_ERR_NOMEM, "no memory to publish with");
  file->sink.ops = &ops;
  file->loop = loop;
  file->log = config->log;
  file->path = strdup(config->path);
  snprintf(file->location, sizeof(file->location), "%s", config->location);
  pm_utf8_trim_cut(file->location);
  pm_buf_init(&file->line, PM_CONSOLE_LINE_BYTES_MAX);
  enum pm_err err = file->path == NULL ? pm_why_set(why, PM_ERR_NOMEM, "no memory to publish with")
                                       : open_first(file, why);
  if (err != PM_OK) {
    free_file(file);
    return err;
  }
  *out = &file->sink;
  return PM_OK;
}
