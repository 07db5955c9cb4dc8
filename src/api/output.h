/* What a connection has to send, over TLS or plainly: straight into the socket while the kernel
 * takes it, the rest kept in order. Knows no loop: after BLOCKED the caller sends what is pending
 * and calls again.
 */
#ifndef PM_API_OUTPUT_H
#define PM_API_OUTPUT_H

#include <stddef.h>
#include <sys/uio.h>

#include "api/tls.h"
#include "base/buf.h"

struct pm_output {
  struct pm_buf head, body; /* the answer */
  struct iovec lent;        /* sent in the body's place, if it has any bytes; others own it */
  size_t sent;              /* of all: to the kernel, or to TLS */
  struct pm_buf wire;       /* encrypted bytes that the kernel did not take yet */
};

enum pm_output_state {
  PM_OUTPUT_DONE,
  PM_OUTPUT_BLOCKED, /* something is pending */
  PM_OUTPUT_FAILED,
};

enum { PM_OUTPUT_PENDING_MAX = 2 };

/* Empty; the head takes up to head_bytes_max, the body up to body_bytes_max. */
void pm_output_init(struct pm_output *output, size_t head_bytes_max, size_t body_bytes_max);
void pm_output_deinit(struct pm_output *output);

/* Sends as much as the kernel takes. tls: NULL for a plain connection; what TLS itself has to say
 * is sent too, with or without an answer. */
enum pm_output_state pm_output_flush(struct pm_output *output, int fd, struct pm_tls *tls);
/* After BLOCKED: what is to be sent next; it lives until pm_output_pending_sent. */
size_t pm_output_pending(const struct pm_output *output, struct iovec out[PM_OUTPUT_PENDING_MAX]);
/* All of it was sent. Flush again. */
void pm_output_pending_sent(struct pm_output *output, const struct pm_tls *tls);

#endif
