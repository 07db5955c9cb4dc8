/* What the sandbox refuses and what it lets through. It cannot be left again: each test is a
 * process of its own, whose exit status tells the line that failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>

#include "node/sandbox.h"
#include "node/sandbox_filter.h"

enum { FAILED = 1, STATUS_BYTES = 4096 };

#define EXPECT(condition)                                            \
  do {                                                               \
    if (!(condition)) {                                              \
      dprintf(STDERR_FILENO, "line %d: %s\n", __LINE__, #condition); \
      _exit(FAILED);                                                 \
    }                                                                \
  } while (0)

static void in_a_process(void (*test)(void)) {
  int status = 0;
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    test();
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void enter(void) {
  struct pm_why why = {""};
  const enum pm_err err = pm_sandbox_enter(PM_SANDBOX_REQUIRE, &why);
  if (err != PM_OK) dprintf(STDERR_FILENO, "%s\n", why.text);
  EXPECT(err == PM_OK);
}

static bool is_refused(long result) {
  return result == -1 && (errno == EPERM || errno == ENOSYS);
}

/* ---- what is refused ---- */

static void other_programs(void) {
  static char name[] = "true";
  char *const arguments[] = {name, NULL};
  enter();
  EXPECT(is_refused(syscall(SYS_execve, "/bin/true", arguments, NULL)));
  EXPECT(is_refused(syscall(SYS_execveat, AT_FDCWD, "/bin/true", arguments, NULL, 0)));
  EXPECT(is_refused(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)));
  EXPECT(is_refused(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)));
#ifdef SYS_fork
  EXPECT(is_refused(syscall(SYS_fork)));
  EXPECT(is_refused(syscall(SYS_vfork)));
#endif
  EXPECT(is_refused(syscall(SYS_ptrace, PTRACE_ATTACH, getppid(), 0, 0)));
  EXPECT(is_refused(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0)));
  EXPECT(is_refused(syscall(SYS_kill, getppid(), 0)));
}

static void test_no_other_programs(void **state) {
  (void)state;
  in_a_process(other_programs);
}

static void the_machine(void) {
  enter();
  EXPECT(is_refused(syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL)));
  EXPECT(is_refused(syscall(SYS_unshare, CLONE_NEWUSER)));
  EXPECT(is_refused(syscall(SYS_setns, 0, 0)));
  EXPECT(is_refused(syscall(SYS_chroot, "/")));
  EXPECT(is_refused(syscall(SYS_setuid, 0)));
  EXPECT(is_refused(syscall(SYS_setresgid, 0, 0, 0)));
  EXPECT(is_refused(syscall(SYS_bpf, 0, NULL, 0)));
  EXPECT(is_refused(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0)));
  EXPECT(is_refused(syscall(SYS_keyctl, 0, 0, 0, 0, 0)));
  EXPECT(is_refused(syscall(SYS_init_module, NULL, 0, "")));
  EXPECT(is_refused(syscall(SYS_clock_settime, CLOCK_REALTIME, NULL)));
  EXPECT(is_refused(syscall(SYS_io_uring_setup, 1, NULL)));
  EXPECT(is_refused(syscall(SYS_userfaultfd, 0)));
  EXPECT(is_refused(syscall(SYS_mknodat, AT_FDCWD, "/tmp/pm-no-such", S_IFCHR | 0600, 0)));
  EXPECT(is_refused(syscall(SYS_seccomp, 0, 0, NULL)));
  EXPECT(is_refused(syscall(100000)));
}

static void test_nothing_of_the_machine(void **state) {
  (void)state;
  in_a_process(the_machine);
}

static void arguments(void) {
  enter();
  EXPECT(is_refused(socket(AF_PACKET, SOCK_RAW, 0)));
  EXPECT(is_refused(socket(AF_VSOCK, SOCK_STREAM, 0)));
  EXPECT(is_refused(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)));
  EXPECT(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
         MAP_FAILED);
  EXPECT(errno == EPERM);
  void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(memory != MAP_FAILED);
  EXPECT(is_refused(mprotect(memory, 4096, PROT_READ | PROT_EXEC)));
  EXPECT(mprotect(memory, 4096, PROT_READ) == 0);
  EXPECT(is_refused(ioctl(0, TIOCSTI, "x")));
  EXPECT(is_refused(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)));
}

static void test_nothing_by_arguments(void **state) {
  (void)state;
  in_a_process(arguments);
}

/* ---- what is in force ---- */

static unsigned long long status_field(const char *path, const char *name) {
  char text[STATUS_BYTES];
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  EXPECT(fd >= 0);
  const ssize_t bytes = read(fd, text, sizeof(text) - 1);
  EXPECT(bytes > 0);
  text[bytes] = '\0';
  close(fd);
  const char *at = strstr(text, name);
  EXPECT(at != NULL);
  return strtoull(at + strlen(name), NULL, strncmp(name, "Cap", 3) == 0 ? 16 : 10);
}

static void check_status(const char *path) {
  EXPECT(status_field(path, "CapEff:") == 0);
  EXPECT(status_field(path, "CapPrm:") == 0);
  EXPECT(status_field(path, "CapInh:") == 0);
  EXPECT(status_field(path, "NoNewPrivs:") == 1);
  EXPECT(status_field(path, "Seccomp:") == 2);
}

static void *wait_for_end(void *end) {
  int *pipe_end = end;
  char byte;
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/task/%ld/status", syscall(SYS_gettid));
  EXPECT(read(*pipe_end, &byte, 1) == 1);
  check_status(path);
  return NULL;
}

static void threads(void) {
  int ends[2];
  pthread_t thread;
  EXPECT(pipe(ends) == 0);
  EXPECT(pthread_create(&thread, NULL, wait_for_end, &ends[0]) == 0);
  enter();
  check_status("/proc/self/status");
  EXPECT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
  EXPECT(write(ends[1], "x", 1) == 1);
  EXPECT(pthread_join(thread, NULL) == 0);
  /* And those that come later. */
  EXPECT(pthread_create(&thread, NULL, wait_for_end, &ends[0]) == 0);
  EXPECT(write(ends[1], "x", 1) == 1);
  EXPECT(pthread_join(thread, NULL) == 0);
}

static void test_all_threads_are_in_it(void **state) {
  (void)state;
  in_a_process(threads);
}

static void nothing(void) {
  struct pm_why why = {""};
  const unsigned long long before = status_field("/proc/self/status", "CapEff:");
  EXPECT(pm_sandbox_enter(PM_SANDBOX_OFF, &why) == PM_OK);
  EXPECT(status_field("/proc/self/status", "NoNewPrivs:") == 0);
  EXPECT(status_field("/proc/self/status", "Seccomp:") == 0);
  EXPECT(status_field("/proc/self/status", "CapEff:") == before);
}

static void test_off_is_off(void **state) {
  (void)state;
  in_a_process(nothing);
}

/* A kernel that has no room for another filter, as far as we can bring one to say no: a process in
 * whose filter the call itself is refused. */
static void twice(void) {
  struct pm_why why = {""};
  enter();
  EXPECT(pm_sandbox_enter(PM_SANDBOX_REQUIRE, &why) == PM_ERR_SYSTEM);
  EXPECT(strlen(why.text) > 0);
}

static void test_what_the_kernel_refuses_is_said(void **state) {
  (void)state;
  in_a_process(twice);
}

/* ---- what goes on ---- */

static void daily_work(void) {
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  char name[] = "/tmp/pm-sandbox-XXXXXX";
  enter();
  const int fd = mkstemp(name);
  EXPECT(fd >= 0);
  EXPECT(write(fd, "x", 1) == 1 && fdatasync(fd) == 0 && ftruncate(fd, 0) == 0);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  EXPECT(fcntl(fd, F_SETLK, &lock) == 0);
  EXPECT(close(fd) == 0 && unlink(name) == 0);
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  EXPECT(server >= 0 && bind(server, (const struct sockaddr *)&any, sizeof(any)) == 0);
  EXPECT(listen(server, 1) == 0);
  EXPECT(if_nametoindex("lo") > 0);
  void *memory = malloc(64 << 20); /* mapped and given back */
  EXPECT(memory != NULL);
  memset(memory, 1, 64 << 20);
  free(memory);
}

static void test_daily_work_goes_on(void **state) {
  (void)state;
  in_a_process(daily_work);
}

/* ---- the program itself ---- */

static void test_the_program_is_short_and_ends(void **state) {
  struct sock_filter program[PM_SANDBOX_FILTER_MAX];
  const size_t count = pm_sandbox_filter_write(program);
  (void)state;
  assert_in_range(count, 100, PM_SANDBOX_FILTER_MAX);
  assert_int_equal(BPF_CLASS(program[count - 1].code), BPF_RET);
  for (size_t i = 0; i < count; i++) {
    if (BPF_CLASS(program[i].code) != BPF_JMP) continue;
    assert_true(i + 1 + program[i].jt < count);
    assert_true(i + 1 + program[i].jf < count);
  }
}

static void test_wishes_are_read(void **state) {
  (void)state;
  assert_int_equal(pm_sandbox_wish_read("off"), PM_SANDBOX_OFF);
  assert_int_equal(pm_sandbox_wish_read("auto"), PM_SANDBOX_AUTO);
  assert_int_equal(pm_sandbox_wish_read("require"), PM_SANDBOX_REQUIRE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_no_other_programs),
      cmocka_unit_test(test_nothing_of_the_machine),
      cmocka_unit_test(test_nothing_by_arguments),
      cmocka_unit_test(test_all_threads_are_in_it),
      cmocka_unit_test(test_off_is_off),
      cmocka_unit_test(test_what_the_kernel_refuses_is_said),
      cmocka_unit_test(test_daily_work_goes_on),
      cmocka_unit_test(test_the_program_is_short_and_ends),
      cmocka_unit_test(test_wishes_are_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
