#include "publish/line_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <uv.h>

enum {
  BATCH_LINES_MAX = 128, /* one write; a pipe takes 64 KiB at most */
  BATCH_BYTES_MAX = 64 << 10,
  RETRY_MS_MIN = 10,
  RETRY_MS_MAX = 250, /* to a reader that does not read, four tries a second cost nothing */
  HANDLES = 2,
};

/* How to write without waiting, whatever the flags of a descriptor that others share. */
enum channel {
  DIRECT, /* a file, or a non-blocking descriptor of our own */
  SOCKET, /* asks so with each call */
  POLLED, /* neither can be had: small pieces, when poll(2) says that there is room */
};

struct line {
  struct line *next;
  size_t bytes;
  char text[];
};

struct line_list {
  struct line *first, *last;
  size_t bytes, count;
};

struct pm_line_writer {
  uv_loop_t *loop;
  uv_work_t work;
  uv_timer_t retry, deadline;
  unsigned handles_open;

  enum channel channel;
  int fd;
  bool own_fd;

  struct line_list waiting; /* at most bytes_max */
  size_t bytes_max;
  struct line_list writing; /* one batch; not touched while working */
  size_t written;           /* bytes of its first line */
  bool torn;                /* a failure left half a line behind: end it before the next */
  bool working;
  struct iovec pieces[BATCH_LINES_MAX + 1];
  int pieces_count;
  ssize_t result; /* of the write: bytes, or a negative errno */
  uint64_t retry_ms;

  uint64_t dropped, failed;
  int error; /* of the latest write */
  bool closing;
  void (*closed)(void *owner);
  void *owner;
};

/* ---- lists ---- */

static void push_line(struct line_list *list, struct line *line) {
  line->next = NULL;
  if (list->last != NULL) {
    list->last->next = line;
  } else {
    list->first = line;
  }
  list->last = line;
  list->bytes += line->bytes;
  list->count++;
}

static struct line *pop_line(struct line_list *list) {
  struct line *line = list->first;
  if (line == NULL) return NULL;
  list->first = line->next;
  if (list->first == NULL) list->last = NULL;
  list->bytes -= line->bytes;
  list->count--;
  return line;
}

/* Returns how many there were. */
static size_t free_lines(struct line_list *list) {
  size_t count = list->count;
  struct line *line;
  while ((line = pop_line(list)) != NULL) free(line);
  return count;
}

/* ---- writing, on a thread of the pool ---- */

static ssize_t write_polled(const struct pm_line_writer *writer) {
  struct pollfd room = {.fd = writer->fd, .events = POLLOUT};
  const struct iovec *piece = &writer->pieces[0];
  if (poll(&room, 1, 0) <= 0) return -EAGAIN;
  /* What poll calls writable takes this much at once. */
  size_t bytes = piece->iov_len < PIPE_BUF ? piece->iov_len : PIPE_BUF;
  ssize_t result = write(writer->fd, piece->iov_base, bytes);
  return result >= 0 ? result : -errno;
}

static ssize_t write_pieces(struct pm_line_writer *writer) {
  struct msghdr message = {.msg_iov = writer->pieces, .msg_iovlen = (size_t)writer->pieces_count};
  ssize_t result = -1;
  switch (writer->channel) {
  case DIRECT:
    result = writev(writer->fd, writer->pieces, writer->pieces_count);
    break;
  case SOCKET:
    result = sendmsg(writer->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    break;
  case POLLED:
    return write_polled(writer);
  }
  return result >= 0 ? result : -errno;
}

static void work(uv_work_t *request) {
  struct pm_line_writer *writer = request->data;
  writer->result = write_pieces(writer);
}

/* ---- what to write next, on the loop ---- */

static void take_batch(struct pm_line_writer *writer) {
  if (writer->writing.count > 0) return;
  while (writer->waiting.count > 0 && writer->writing.count < BATCH_LINES_MAX) {
    size_t bytes = writer->writing.bytes + writer->waiting.first->bytes;
    if (writer->writing.count > 0 && bytes > BATCH_BYTES_MAX) return;
    push_line(&writer->writing, pop_line(&writer->waiting));
  }
}

static void list_pieces(struct pm_line_writer *writer) {
  static char line_end[] = "\n";
  int count = 0;
  size_t skipped = writer->written;
  if (writer->torn) writer->pieces[count++] = (struct iovec){line_end, 1};
  for (struct line *line = writer->writing.first; line != NULL; line = line->next) {
    writer->pieces[count++] = (struct iovec){line->text + skipped, line->bytes - skipped};
    skipped = 0;
  }
  writer->pieces_count = count;
}

static void after_work(uv_work_t *request, int status);
static void finish(struct pm_line_writer *writer);

static void advance(struct pm_line_writer *writer) {
  if (writer->working || uv_is_active((uv_handle_t *)&writer->retry)) return;
  take_batch(writer);
  if (writer->writing.count == 0) {
    if (writer->closing) finish(writer);
    return;
  }
  list_pieces(writer);
  writer->working = true;
  uv_queue_work(writer->loop, &writer->work, work, after_work);
}

static void on_retry(uv_timer_t *timer) {
  advance(timer->data);
}

static void count_written(struct pm_line_writer *writer, size_t bytes) {
  if (writer->torn && bytes > 0) {
    writer->torn = false;
    bytes--;
  }
  bytes += writer->written;
  while (writer->writing.count > 0 && bytes >= writer->writing.first->bytes) {
    struct line *line = pop_line(&writer->writing);
    bytes -= line->bytes;
    free(line);
  }
  writer->written = bytes;
}

static void give_up_batch(struct pm_line_writer *writer, uint64_t *counter) {
  if (writer->written > 0) writer->torn = true;
  writer->written = 0;
  *counter += free_lines(&writer->writing);
}

static void retry_later(struct pm_line_writer *writer) {
  uv_timer_start(&writer->retry, on_retry, writer->retry_ms, 0);
  writer->retry_ms *= 2;
  if (writer->retry_ms > RETRY_MS_MAX) writer->retry_ms = RETRY_MS_MAX;
}

static bool deadline_passed(const struct pm_line_writer *writer) {
  return writer->closing && !uv_is_active((const uv_handle_t *)&writer->deadline);
}

static void after_work(uv_work_t *request, int status) {
  (void)status; /* never cancelled */
  struct pm_line_writer *writer = request->data;
  ssize_t result = writer->result;
  writer->working = false;
  if (result > 0) {
    writer->retry_ms = RETRY_MS_MIN;
    writer->error = 0;
    count_written(writer, (size_t)result);
  } else if (result == 0 || result == -EAGAIN || result == -EINTR) {
    retry_later(writer);
  } else {
    writer->error = (int)-result;
    give_up_batch(writer, &writer->failed);
  }
  if (deadline_passed(writer)) {
    uv_timer_stop(&writer->retry);
    give_up_batch(writer, &writer->dropped);
  }
  advance(writer);
}

/* ---- opening and closing ---- */

/* A second, non-blocking descriptor of the same pipe or terminal: O_NONBLOCK on the caller's own
 * would change it for every process that shares it, the shell among them. */
static int open_twin(int fd) {
  char path[32];
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

static enum pm_err choose_channel(struct pm_line_writer *writer, int fd) {
  struct stat stat;
  if (fstat(fd, &stat) != 0) return PM_ERR_SYSTEM;
  writer->fd = fd;
  writer->channel = S_ISSOCK(stat.st_mode) ? SOCKET : DIRECT;
  if (!S_ISFIFO(stat.st_mode) && !S_ISCHR(stat.st_mode)) return PM_OK;
  int twin = open_twin(fd);
  if (twin < 0) {
    writer->channel = POLLED;
    return PM_OK;
  }
  writer->fd = twin;
  writer->own_fd = true;
  return PM_OK;
}

enum pm_err pm_line_writer_open(struct uv_loop_s *loop, int fd, size_t bytes_max,
                                struct pm_line_writer **out) {
  struct pm_line_writer *writer = calloc(1, sizeof(*writer));
  if (writer == NULL) return PM_ERR_NOMEM;
  enum pm_err err = choose_channel(writer, fd);
  if (err != PM_OK) {
    free(writer);
    return err;
  }
  writer->loop = loop;
  writer->bytes_max = bytes_max;
  writer->retry_ms = RETRY_MS_MIN;
  uv_timer_init(loop, &writer->retry);
  uv_timer_init(loop, &writer->deadline);
  writer->handles_open = HANDLES;
  writer->work.data = writer;
  writer->retry.data = writer;
  writer->deadline.data = writer;
  *out = writer;
  return PM_OK;
}

static void on_handle_closed(uv_handle_t *handle) {
  struct pm_line_writer *writer = handle->data;
  if (--writer->handles_open > 0) return;
  void (*closed)(void *owner) = writer->closed;
  void *owner = writer->owner;
  if (writer->own_fd) close(writer->fd);
  free(writer);
  closed(owner);
}

static void finish(struct pm_line_writer *writer) {
  uv_close((uv_handle_t *)&writer->retry, on_handle_closed);
  uv_close((uv_handle_t *)&writer->deadline, on_handle_closed);
}

static void on_deadline(uv_timer_t *timer) {
  struct pm_line_writer *writer = timer->data;
  writer->dropped += free_lines(&writer->waiting);
  if (writer->working) return; /* its end will see that the deadline has passed */
  uv_timer_stop(&writer->retry);
  give_up_batch(writer, &writer->dropped);
  advance(writer);
}

void pm_line_writer_close(struct pm_line_writer *writer, int64_t flush_ms,
                          void (*closed)(void *owner), void *owner) {
  writer->closing = true;
  writer->closed = closed;
  writer->owner = owner;
  uv_update_time(writer->loop); /* whoever called us may have worked for a while */
  uv_timer_start(&writer->deadline, on_deadline, flush_ms > 0 ? (uint64_t)flush_ms : 0, 0);
  advance(writer);
}

/* ---- the queue ---- */

static void make_room(struct pm_line_writer *writer, size_t bytes) {
  while (writer->waiting.bytes + bytes > writer->bytes_max) {
    free(pop_line(&writer->waiting));
    writer->dropped++;
  }
}

static struct line *new_line(const char *text, size_t bytes) {
  struct line *line = malloc(sizeof(*line) + bytes);
  if (line == NULL) return NULL;
  line->bytes = bytes;
  memcpy(line->text, text, bytes);
  return line;
}

void pm_line_writer_put(struct pm_line_writer *writer, const char *line, size_t bytes) {
  if (bytes == 0) return;
  bool takes = !writer->closing && bytes <= writer->bytes_max;
  struct line *copy = takes ? new_line(line, bytes) : NULL;
  if (copy == NULL) {
    writer->dropped++;
    return;
  }
  make_room(writer, bytes);
  push_line(&writer->waiting, copy);
  advance(writer);
}

uint64_t pm_line_writer_dropped(const struct pm_line_writer *writer) {
  return writer->dropped;
}

uint64_t pm_line_writer_failed(const struct pm_line_writer *writer) {
  return writer->failed;
}

int pm_line_writer_error(const struct pm_line_writer *writer) {
  return writer->error;
}
