/* The seccomp filter itself, as a program for the kernel's classic BPF machine. Pure: it only
 * writes instructions. See node/sandbox.h for what it is to do.
 */
#ifndef PM_NODE_SANDBOX_FILTER_H
#define PM_NODE_SANDBOX_FILTER_H

#include <stddef.h>

struct sock_filter;

enum {
  /* Instructions; the kernel's own limit is 4,096, and each call costs as many steps as come before
   * its own (kernels since 5.11 remember those that need no look at their arguments). */
  PM_SANDBOX_FILTER_MAX = 512,
};

/* out: room for PM_SANDBOX_FILTER_MAX. How many instructions were written; 0: not on this kind of
 * processor. */
size_t pm_sandbox_filter_write(struct sock_filter *out);

#endif
