#include "node/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "node/sandbox_filter.h"

#if defined(__SANITIZE_ADDRESS__)
#define TRACED_BY_OWN_TOOLS true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TRACED_BY_OWN_TOOLS true
#endif
#endif
#ifndef TRACED_BY_OWN_TOOLS
#define TRACED_BY_OWN_TOOLS false
#endif

enum {
  CAPABILITIES = 64,     /* as many as the kernel has places for */
  THREADS_MAX = 1024,    /* libuv makes as many at the most */
  THREAD_WAIT_MS = 1000, /* a thread handles a signal at its next turn of a processor */
};

enum pm_sandbox_wish pm_sandbox_wish_read(const char *text) {
  if (strcmp(text, "off") == 0) return PM_SANDBOX_OFF;
  return strcmp(text, "require") == 0 ? PM_SANDBOX_REQUIRE : PM_SANDBOX_AUTO;
}

static bool is_whole(enum pm_sandbox_wish wish) {
  return wish == PM_SANDBOX_REQUIRE || !TRACED_BY_OWN_TOOLS;
}

void pm_sandbox_prepare(enum pm_sandbox_wish wish) {
  if (wish == PM_SANDBOX_OFF) return;
  /* Both fail on kernels only that are older than all that we run on; the filter would say so. */
  (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (is_whole(wish)) (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* ---- capabilities ---- */

/* The C library has no name for it. */
static bool drop_own_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
  return syscall(SYS_capset, &header, none) == 0;
}

/* The kernel keeps capabilities by thread, and libuv's have begun with all that we had. A thread
 * can only give up its own: a signal makes each do so. Here alone is something global, for a
 * signal's handler is given nothing. */
static atomic_int threads_done;
static atomic_bool thread_failed;

static void on_told(int number) {
  const int error = errno;
  (void)number;
  if (!drop_own_capabilities()) atomic_store(&thread_failed, true);
  atomic_fetch_add(&threads_done, 1);
  errno = error;
}

/* How many threads besides this one were told; -1 if they cannot be listed. */
static int tell_threads(int number) {
  const pid_t process = getpid();
  const pid_t own = (pid_t)syscall(SYS_gettid);
  int told = 0;
  DIR *tasks = opendir("/proc/self/task");
  if (tasks == NULL) return -1;
  for (const struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
    const long thread = strtol(task->d_name, NULL, 10);
    if (thread <= 0 || thread == own) continue;
    if (syscall(SYS_tgkill, process, (pid_t)thread, number) == 0 && ++told == THREADS_MAX) break;
  }
  closedir(tasks);
  return told;
}

static bool drop_capabilities_of_threads(void) {
  const struct timespec pause = {.tv_nsec = 1000000};
  const struct sigaction handler = {.sa_handler = on_told, .sa_flags = SA_RESTART};
  struct sigaction before;
  const int number = SIGRTMAX;
  atomic_store(&threads_done, 0);
  atomic_store(&thread_failed, false);
  if (sigaction(number, &handler, &before) != 0) return false;
  const int told = tell_threads(number);
  for (int ms = 0; ms < THREAD_WAIT_MS && atomic_load(&threads_done) < told; ms++)
    nanosleep(&pause, NULL);
  const bool all = told >= 0 && atomic_load(&threads_done) == told;
  /* Who was not reached may yet be: the handler then stays. */
  if (all) sigaction(number, &before, NULL);
  return all && !atomic_load(&thread_failed);
}

static enum pm_err drop_capabilities(struct pm_why *why) {
  /* Allowed to the privileged only, who need it: others have nothing there to be had. */
  for (unsigned long i = 0; i < CAPABILITIES; i++) (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
  (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (!drop_own_capabilities())
    return pm_why_set(why, PM_ERR_SYSTEM, "capabilities cannot be given up: %s", strerror(errno));
  if (!drop_capabilities_of_threads())
    return pm_why_set(why, PM_ERR_SYSTEM, "capabilities cannot be given up by all threads");
  return PM_OK;
}

/* ---- the filter ---- */

static enum pm_err filter_calls(struct pm_why *why) {
  struct sock_filter program[PM_SANDBOX_FILTER_MAX];
  struct sock_fprog filter = {.filter = program};
  filter.len = (unsigned short)pm_sandbox_filter_write(program);
  if (filter.len == 0)
    return pm_why_set(why, PM_ERR_SYSTEM,
                      "system calls cannot be filtered: not written for this kind of processor");
  /* Positive: the number of a thread that has a filter of its own. */
  const long failed =
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
  if (failed == 0) return PM_OK;
  return pm_why_set(why, PM_ERR_SYSTEM, "system calls cannot be filtered: %s",
                    failed > 0 ? "a thread has another filter" : strerror(errno));
}

enum pm_err pm_sandbox_enter(enum pm_sandbox_wish wish, struct pm_why *why) {
  if (wish == PM_SANDBOX_OFF) return PM_OK;
  pm_sandbox_prepare(wish); /* a change of identity makes a process dumpable again */
  enum pm_err err = drop_capabilities(why);
  if (err != PM_OK && wish == PM_SANDBOX_REQUIRE) return err;
  if (!is_whole(wish)) return err;
  const enum pm_err filtered = filter_calls(why);
  return filtered != PM_OK ? filtered : err;
}
