/* The listening socket: binds, accepts, and does not spin when descriptors run out.
 */
#ifndef PM_API_LISTENER_H
#define PM_API_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"
#include "base/log.h"

struct uv_loop_s;
struct pm_listener;

struct pm_listener_events {
  void *owner;
  /* fd is non-blocking and the owner's from now on. */
  void (*accepted)(void *owner, int fd, const struct pm_ip *client);
  /* Descriptors or memory are short: closes something that can be spared, or returns false. */
  bool (*make_room)(void *owner);
};

/* bind: family NONE for all addresses: one IPv6 socket that takes IPv4 too, or an IPv4 one where
 * the machine has no IPv6. PM_ERR_SYSTEM. log may be NULL. */
enum pm_err pm_listener_open(struct uv_loop_s *loop, const struct pm_ip *bind, uint16_t port,
                             const struct pm_listener_events *events, const struct pm_log *log,
                             struct pm_listener **out, struct pm_why *why) PM_MUST_USE;
/* No event comes any more; closed is called from the loop, then the listener is gone. */
void pm_listener_close(struct pm_listener *listener, void (*closed)(void *owner), void *owner);
uint16_t pm_listener_port(const struct pm_listener *listener);

#endif
