#include "api/output.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

enum {
  TLS_PIECE_BYTES = 16384,              /* one record */
  TLS_BATCH_BYTES = 64 * 1024,          /* encrypted before each send */
  WIRE_BYTES_MAX = 4 * TLS_BATCH_BYTES, /* a batch, a handshake's longest flight, some alerts */
};

void pm_output_init(struct pm_output *output, size_t head_bytes_max, size_t body_bytes_max) {
  output->sent = 0;
  output->lent = (struct iovec){0};
  pm_buf_init(&output->head, head_bytes_max);
  pm_buf_init(&output->body, body_bytes_max);
  pm_buf_init(&output->wire, WIRE_BYTES_MAX);
}

void pm_output_deinit(struct pm_output *output) {
  pm_buf_deinit(&output->head);
  pm_buf_deinit(&output->body);
  pm_buf_deinit(&output->wire);
  output->lent = (struct iovec){0};
  output->sent = 0;
}

static struct iovec body_of(const struct pm_output *output) {
  if (output->lent.iov_len > 0) return output->lent;
  return (struct iovec){output->body.data, output->body.len};
}

static size_t answer_rest(const struct pm_output *output, struct iovec out[2]) {
  const struct iovec parts[] = {{output->head.data, output->head.len}, body_of(output)};
  size_t skip = output->sent;
  size_t count = 0;
  for (size_t i = 0; i < 2; i++) {
    const size_t skipped = skip < parts[i].iov_len ? skip : parts[i].iov_len;
    skip -= skipped;
    if (skipped == parts[i].iov_len) continue;
    out[count++] = (struct iovec){(char *)parts[i].iov_base + skipped, parts[i].iov_len - skipped};
  }
  return count;
}

/* How many bytes the kernel took, 0 if it takes none now; -1: the connection is gone. */
static ssize_t send_some(int fd, struct iovec *parts, size_t count) {
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
  ssize_t sent;
  do {
    sent = count == 1 ? send(fd, parts->iov_base, parts->iov_len, MSG_NOSIGNAL | MSG_DONTWAIT)
                      : sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)) return 0;
  return sent;
}

static enum pm_output_state flush_plain(struct pm_output *output, int fd) {
  struct iovec parts[2];
  for (;;) {
    const size_t count = answer_rest(output, parts);
    if (count == 0) return PM_OUTPUT_DONE;
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++) wanted += parts[i].iov_len;
    const ssize_t sent = send_some(fd, parts, count);
    if (sent < 0) return PM_OUTPUT_FAILED;
    output->sent += (size_t)sent;
    if ((size_t)sent == wanted) return PM_OUTPUT_DONE;
    if (sent == 0) return PM_OUTPUT_BLOCKED;
  }
}

static enum pm_output_state flush_wire(struct pm_output *output, int fd, struct pm_tls *tls) {
  const char *bytes;
  const size_t count = pm_tls_outgoing(tls, &bytes);
  if (count == 0) return PM_OUTPUT_DONE;
  struct iovec part = {(void *)(uintptr_t)bytes, count}; /* nobody writes there */
  const ssize_t sent = send_some(fd, &part, 1);
  if (sent < 0) return PM_OUTPUT_FAILED;
  if ((size_t)sent < count) {
    pm_buf_append(&output->wire, bytes + sent, count - (size_t)sent);
    if (pm_buf_status(&output->wire) != PM_OK) return PM_OUTPUT_FAILED;
  }
  pm_tls_outgoing_clear(tls);
  return (size_t)sent < count ? PM_OUTPUT_BLOCKED : PM_OUTPUT_DONE;
}

static bool encrypt_batch(struct pm_output *output, struct pm_tls *tls) {
  struct iovec parts[2];
  size_t batch = 0;
  while (batch < TLS_BATCH_BYTES && answer_rest(output, parts) > 0) {
    const size_t left = parts[0].iov_len;
    const size_t piece = left < TLS_PIECE_BYTES ? left : TLS_PIECE_BYTES;
    if (pm_tls_write(tls, parts[0].iov_base, piece) != PM_TLS_OK) return false;
    output->sent += piece;
    batch += piece;
  }
  return true;
}

enum pm_output_state pm_output_flush(struct pm_output *output, int fd, struct pm_tls *tls) {
  if (tls == NULL) return flush_plain(output, fd);
  struct iovec parts[2];
  if (output->wire.len > 0) return PM_OUTPUT_BLOCKED;
  for (;;) {
    const enum pm_output_state state = flush_wire(output, fd, tls);
    if (state != PM_OUTPUT_DONE || answer_rest(output, parts) == 0) return state;
    if (!encrypt_batch(output, tls)) return PM_OUTPUT_FAILED;
  }
}

size_t pm_output_pending(const struct pm_output *output, struct iovec out[PM_OUTPUT_PENDING_MAX]) {
  if (output->wire.len == 0) return answer_rest(output, out);
  out[0] = (struct iovec){output->wire.data, output->wire.len};
  return 1;
}

void pm_output_pending_sent(struct pm_output *output, const struct pm_tls *tls) {
  if (tls != NULL) {
    pm_buf_reset(&output->wire);
  } else {
    output->sent = output->head.len + body_of(output).iov_len;
  }
}
