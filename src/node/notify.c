#include "node/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

/* A line that does not fit is left out whole, for its rest would be a line of its own. */
static void tell(const struct pm_notify *notify, const char *format, ...) PM_PRINTF(2, 3);

static void tell(const struct pm_notify *notify, const char *format, ...) {
  char text[PM_NOTIFY_BYTES_MAX];
  va_list args;
  if (notify->fd < 0) return;
  va_start(args, format);
  int length = vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  if (length <= 0 || (size_t)length >= sizeof(text)) return;
  /* To the address each time: a connected socket would miss a manager that started anew. */
  while (sendto(notify->fd, text, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT,
                (const struct sockaddr *)&notify->address, notify->address_bytes) < 0 &&
         errno == EINTR)
    continue;
}

static void on_beat(uv_timer_t *timer) {
  tell(timer->data, "WATCHDOG=1");
}

/* "@name" is an abstract address: its first byte is NUL, and its length says where it ends. */
static enum pm_err read_address(struct pm_notify *notify, const char *name, struct pm_why *why) {
  size_t bytes = strlen(name);
  if ((name[0] != '/' && name[0] != '@') || bytes < 2 || bytes >= sizeof(notify->address.sun_path))
    return pm_why_set(why, PM_ERR_SYNTAX,
                      "NOTIFY_SOCKET: \"%s\" is no socket's path and no abstract name after @",
                      name);
  bool is_path = name[0] == '/';
  notify->address.sun_family = AF_UNIX;
  memcpy(notify->address.sun_path, name, bytes);
  if (!is_path) notify->address.sun_path[0] = '\0';
  notify->address_bytes =
      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes + (is_path ? 1 : 0));
  return PM_OK;
}

static bool read_number(const char *text, uint64_t *out) {
  char *end;
  if (!text || *text < '0' || *text > '9') return false;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (errno || *end) return false;
  *out = value;
  return true;
}

/* Half of WATCHDOG_USEC, if that is meant for this process. */
static enum pm_err read_watchdog(struct pm_notify *notify, pm_options_env env, void *env_owner,
                                 struct pm_why *why) {
  const char *interval = env(env_owner, "WATCHDOG_USEC"), *pid = env(env_owner, "WATCHDOG_PID");
  uint64_t usec, meant;
  if (!interval) return PM_OK;
  if (pid && read_number(pid, &meant) && meant != (uint64_t)getpid()) return PM_OK;
  if (!read_number(interval, &usec) || usec == 0)
    return pm_why_set(why, PM_ERR_SYNTAX, "WATCHDOG_USEC: \"%s\" is no number of microseconds",
                      interval);
  notify->beat_ms = usec / 2000;
  if (notify->beat_ms < PM_NOTIFY_BEAT_MS_MIN) notify->beat_ms = PM_NOTIFY_BEAT_MS_MIN;
  return PM_OK;
}

enum pm_err pm_notify_open(struct pm_notify *notify, uv_loop_t *loop, pm_options_env env,
                           void *env_owner, struct pm_why *why) {
  *notify = (struct pm_notify){.fd = -1};
  uv_timer_init(loop, &notify->beat);
  notify->beat.data = notify;
  uv_unref((uv_handle_t *)&notify->beat);
  const char *name = env(env_owner, "NOTIFY_SOCKET");
  if (!name || !*name) return PM_OK;
  enum pm_err err = read_address(notify, name, why);
  if (err == PM_OK) err = read_watchdog(notify, env, env_owner, why);
  if (err != PM_OK) return err;
  notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (notify->fd < 0)
    return pm_why_set(why, PM_ERR_SYSTEM, "NOTIFY_SOCKET: no socket: %s", strerror(errno));
  if (notify->beat_ms) uv_timer_start(&notify->beat, on_beat, notify->beat_ms, notify->beat_ms);
  return PM_OK;
}

void pm_notify_close(struct pm_notify *notify) {
  if (notify->fd >= 0) close(notify->fd);
  notify->fd = -1;
  uv_close((uv_handle_t *)&notify->beat, NULL);
}

void pm_notify_ready(struct pm_notify *notify, const char *status) {
  tell(notify, "READY=1\nSTATUS=%s", status);
}

/* The time is for managers that want to tell this reload from an earlier one (Type=notify-reload).
 */
void pm_notify_reloading(struct pm_notify *notify) {
  tell(notify, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(pm_clock_now().ns / PM_NS_PER_US));
}

void pm_notify_stopping(struct pm_notify *notify) {
  tell(notify, "STOPPING=1\nSTATUS=ending");
}

void pm_notify_status(struct pm_notify *notify, const char *status) {
  tell(notify, "STATUS=%s", status);
}
