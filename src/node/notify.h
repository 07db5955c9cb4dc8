/* Tells the service manager how the node is: systemd's notification protocol (sd_notify(3)), which
 * is a datagram of lines to the socket that NOTIFY_SOCKET names, written here by hand so that no
 * library is needed. Without that variable nobody is told, and every call does nothing.
 *
 *   READY=1 once the node serves · RELOADING=1 and READY=1 around what SIGHUP does · STOPPING=1
 * when it begins to end · WATCHDOG=1 from the loop, at half the interval that WATCHDOG_USEC asks
 * for: a loop that hangs stops saying so, and the manager starts the node anew.
 *
 * A datagram for which the manager has no room is lost, as sd_notify's would be; it never waits.
 */
#ifndef PM_NODE_NOTIFY_H
#define PM_NODE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <uv.h>

#include "base/err.h"
#include "node/options.h"

enum {
  PM_NOTIFY_BYTES_MAX = 512, /* of one datagram: its longest line is a status */
  /* Systemd never asks for less than milliseconds; this keeps a wrong value from being a load. */
  PM_NOTIFY_BEAT_MS_MIN = 5,
};

/* Caller's storage; does not keep the loop alive. */
struct pm_notify {
  int fd; /* -1: nobody is told */
  struct sockaddr_un address;
  socklen_t address_bytes;
  uint64_t beat_ms; /* 0: no watchdog */
  uv_timer_t beat;
};

/* Reads NOTIFY_SOCKET (a path, or "@" and an abstract name), WATCHDOG_USEC and WATCHDOG_PID, and
 * starts the watchdog's beat. Always to be given to pm_notify_close. What is wrong with the
 * environment is an error with why, and then nobody is told: PM_ERR_SYNTAX, PM_ERR_SYSTEM. */
enum pm_err pm_notify_open(struct pm_notify *notify, uv_loop_t *loop, pm_options_env env,
                           void *env_owner, struct pm_why *why) PM_MUST_USE;
/* Closes the socket; the timer's handle is closed when the loop has run once more. */
void pm_notify_close(struct pm_notify *notify);

/* status: what `systemctl status` shows, one line. */
void pm_notify_ready(struct pm_notify *notify, const char *status);
void pm_notify_reloading(struct pm_notify *notify);
void pm_notify_stopping(struct pm_notify *notify);
/* The status alone: while the node is not ready yet, for instance. */
void pm_notify_status(struct pm_notify *notify, const char *status);

#endif
