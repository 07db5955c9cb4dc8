#include "node/sandbox_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#endif

/* Calls of x86's second ABI (x32) have this bit and are none that we make. */
enum { X32_BIT = 0x40000000, LONG_JUMP_MAX = 255 };

/* Allowed whatever their arguments. In groups as manuals have them; older names are missing on
 * newer processors. */
static const int ALLOWED[] = {
    /* memory */
    SYS_brk,
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    SYS_mlock,
    SYS_munlock,
    SYS_msync,
    SYS_mincore,
    SYS_membarrier,
    SYS_get_mempolicy,
    /* descriptors */
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_pwrite64,
    SYS_preadv,
    SYS_pwritev,
    SYS_preadv2,
    SYS_pwritev2,
    SYS_close,
    SYS_lseek,
    SYS_dup,
    SYS_dup3,
    SYS_fcntl,
    SYS_flock,
    SYS_pipe2,
    SYS_sendfile,
    SYS_splice,
    SYS_copy_file_range,
    SYS_eventfd2,
    SYS_close_range,
    /* files */
    SYS_openat,
    SYS_fstat,
    SYS_newfstatat,
    SYS_statx,
    SYS_statfs,
    SYS_fstatfs,
    SYS_faccessat,
    SYS_readlinkat,
    SYS_getcwd,
    SYS_getdents64,
    SYS_mkdirat,
    SYS_unlinkat,
    SYS_renameat2,
    SYS_ftruncate,
    SYS_truncate,
    SYS_fallocate,
    SYS_fsync,
    SYS_fdatasync,
    SYS_sync_file_range,
    SYS_fadvise64,
    SYS_fchmod,
    SYS_fchmodat,
    SYS_fchown,
    SYS_utimensat,
    SYS_umask,
    SYS_linkat,
    SYS_symlinkat,
    /* waiting */
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_ppoll,
    SYS_pselect6,
    SYS_futex,
    SYS_nanosleep,
    SYS_clock_nanosleep,
    SYS_timerfd_create,
    SYS_timerfd_settime,
    SYS_timerfd_gettime,
    SYS_signalfd4,
    SYS_restart_syscall,
    SYS_inotify_init1,
    SYS_inotify_add_watch,
    SYS_inotify_rm_watch,
    /* sockets; which kinds: see SOCKETS */
    SYS_connect,
    SYS_bind,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    SYS_getsockname,
    SYS_getpeername,
    SYS_setsockopt,
    SYS_getsockopt,
    SYS_sendto,
    SYS_recvfrom,
    SYS_sendmsg,
    SYS_recvmsg,
    SYS_sendmmsg,
    SYS_recvmmsg,
    SYS_shutdown,
    /* signals */
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigpending,
    SYS_rt_sigtimedwait,
    SYS_sigaltstack,
    SYS_tgkill,
    /* threads and the process itself */
    SYS_exit,
    SYS_exit_group,
    SYS_set_robust_list,
    SYS_get_robust_list,
    SYS_set_tid_address,
    SYS_gettid,
    SYS_getpid,
    SYS_getppid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getresuid,
    SYS_getresgid,
    SYS_getgroups,
    SYS_getpgid,
    SYS_getsid,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_sched_setaffinity,
    SYS_sched_getparam,
    SYS_sched_getscheduler,
    SYS_getpriority,
    SYS_getrusage,
    SYS_times,
    SYS_getrlimit,
    SYS_prlimit64,
    SYS_capget,
    SYS_uname,
    SYS_sysinfo,
    SYS_getcpu,
    SYS_rseq,
    /* clocks and random bytes */
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_gettimeofday,
    SYS_getrandom,
/* names that only the first processors have */
#ifdef SYS_open
    SYS_open,
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
    SYS_mkdir,
    SYS_rmdir,
    SYS_unlink,
    SYS_rename,
    SYS_chmod,
    SYS_dup2,
    SYS_pipe,
    SYS_poll,
    SYS_select,
    SYS_epoll_wait,
    SYS_epoll_create,
    SYS_eventfd,
    SYS_signalfd,
    SYS_time,
    SYS_getdents,
    SYS_utime,
    SYS_utimes,
    SYS_link,
    SYS_symlink,
    SYS_inotify_init,
    SYS_arch_prctl,
    SYS_pause,
    SYS_alarm,
#endif
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef SYS_faccessat2
    SYS_faccessat2,
#endif
#ifdef SYS_epoll_pwait2
    SYS_epoll_pwait2,
#endif
#ifdef SYS_futex_waitv
    SYS_futex_waitv,
#endif
#ifdef SYS_riscv_flush_icache
    SYS_riscv_flush_icache,
#endif
};
enum { ALLOWED_COUNT = sizeof(ALLOWED) / sizeof(ALLOWED[0]) };

/* Kinds of sockets: what we speak, what programs on this machine do among themselves, and what the
 * C library asks about network interfaces with. */
static const unsigned SOCKETS[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK};
enum { SOCKETS_COUNT = sizeof(SOCKETS) / sizeof(SOCKETS[0]) };

/* What libuv and the C library ask of descriptors and interfaces. Putting words into a terminal is
 * not in it. */
static const unsigned IOCTLS[] = {SIOCGIFINDEX, SIOCGIFNAME,         FIONBIO, FIONREAD, FIOCLEX,
                                  FIONCLEX,     0x5401 /* TCGETS */, 0x5413 /* TIOCGWINSZ */};
enum { IOCTLS_COUNT = sizeof(IOCTLS) / sizeof(IOCTLS[0]) };

static const unsigned PRCTLS[] = {PR_SET_NAME,         PR_GET_NAME,    PR_GET_DUMPABLE,
                                  PR_GET_NO_NEW_PRIVS, PR_GET_SECCOMP, PR_CAPBSET_READ,
                                  0x53564d41 /* PR_SET_VMA */};
enum { PRCTLS_COUNT = sizeof(PRCTLS) / sizeof(PRCTLS[0]) };

struct program {
  struct sock_filter *out;
  size_t count;
};

static void emit(struct program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no) {
  if (p->count < PM_SANDBOX_FILTER_MAX) {
    p->out[p->count] = (struct sock_filter){.code = code, .jt = yes, .jf = no, .k = k};
  }
  p->count++;
}

static void load(struct program *p, size_t offset) {
  emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void load_number(struct program *p) {
  load(p, offsetof(struct seccomp_data, nr));
}

/* The lower half of an argument: flags and small numbers; where an upper half could matter the
 * kernel looks at the lower one alone, too. */
static void load_argument(struct program *p, unsigned number) {
  size_t offset = offsetof(struct seccomp_data, args) + number * sizeof(uint64_t);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  offset += sizeof(uint32_t);
#endif
  load(p, offset);
}

static void answer(struct program *p, uint32_t value) {
  emit(p, BPF_RET | BPF_K, value, 0, 0);
}

static void refuse(struct program *p, int error) {
  answer(p, SECCOMP_RET_ERRNO | ((uint32_t)error & SECCOMP_RET_DATA));
}

/* The next count instructions are for this call alone; they end with an answer. */
static void only_for(struct program *p, int number, uint8_t count) {
  emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, count);
}

/* Answers for a call whose argument is to be one of the values. */
static void one_of(struct program *p, int number, unsigned argument, const unsigned *values,
                   size_t count) {
  only_for(p, number, (uint8_t)(count + 3));
  load_argument(p, argument);
  for (size_t i = 0; i < count; i++) {
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, values[i], (uint8_t)(count - i), 0);
  }
  refuse(p, EPERM);
  answer(p, SECCOMP_RET_ALLOW);
}

/* Answers for a call of whose argument's bits not all may be set. */
static void not_all_bits(struct program *p, int number, unsigned argument, uint32_t bits) {
  only_for(p, number, 5);
  load_argument(p, argument);
  emit(p, BPF_ALU | BPF_AND | BPF_K, bits, 0, 0);
  emit(p, BPF_JMP | BPF_JEQ | BPF_K, bits, 0, 1);
  refuse(p, EPERM);
  answer(p, SECCOMP_RET_ALLOW);
}

/* Answers for a call of whose argument's bits all must be set. */
static void all_bits(struct program *p, int number, unsigned argument, uint32_t bits) {
  only_for(p, number, 5);
  load_argument(p, argument);
  emit(p, BPF_ALU | BPF_AND | BPF_K, bits, 0, 0);
  emit(p, BPF_JMP | BPF_JEQ | BPF_K, bits, 1, 0);
  refuse(p, EPERM);
  answer(p, SECCOMP_RET_ALLOW);
}

/* Another machine's calls have other numbers. */
static void check_architecture(struct program *p, uint32_t architecture) {
  load(p, offsetof(struct seccomp_data, arch));
  emit(p, BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0);
  refuse(p, ENOSYS);
  load_number(p);
#if defined(__x86_64__)
  emit(p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
  refuse(p, ENOSYS);
#endif
}

/* Memory is never both written and executed, and none that was written becomes executable. Threads,
 * but no processes. clone3 hides its flags in memory: the C library then takes clone. */
static void check_arguments(struct program *p) {
  not_all_bits(p, SYS_mmap, 2, PROT_WRITE | PROT_EXEC);
  not_all_bits(p, SYS_mprotect, 2, PROT_EXEC);
  all_bits(p, SYS_clone, 0, CLONE_VM | CLONE_THREAD);
  one_of(p, SYS_socket, 0, SOCKETS, SOCKETS_COUNT);
  one_of(p, SYS_socketpair, 0, SOCKETS, SOCKETS_COUNT);
  one_of(p, SYS_ioctl, 1, IOCTLS, IOCTLS_COUNT);
  one_of(p, SYS_prctl, 0, PRCTLS, PRCTLS_COUNT);
}

size_t pm_sandbox_filter_write(struct sock_filter *out) {
#ifdef ARCHITECTURE
  struct program p = {.out = out};
  check_architecture(&p, ARCHITECTURE);
  check_arguments(&p); /* first: for these alone the program is always run */
  for (size_t i = 0; i < ALLOWED_COUNT; i++) {
    only_for(&p, ALLOWED[i], 1);
    answer(&p, SECCOMP_RET_ALLOW);
  }
  refuse(&p, ENOSYS);
  return p.count <= PM_SANDBOX_FILTER_MAX ? p.count : 0;
#else
  (void)out;
  return 0;
#endif
}
