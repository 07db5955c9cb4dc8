/* What the process gives up once it has begun, so that a fault in it is worth less to whoever finds
 * it. Acts on the whole process, for good.
 *
 * - no new privileges: no program with the set-user-id bit can give any back
 * - all capabilities, from every set: the port is bound by then
 * - not dumpable: no core file and no debugger of the same user sees the keys and tokens
 * - a seccomp filter on all threads: system calls that neither we nor our libraries need are
 * refused
 *
 * The filter is a list of what is allowed. Any other call is answered with ENOSYS, as a kernel does
 * that is older than the call: the C library and all others have a way for that, so a newer one of
 * them goes on working. What is allowed only in part (new threads, but no processes; internet
 * sockets, but no raw ones; memory that is executable, but not writable as well) is answered with
 * EPERM. Nothing kills: a wrong guess of ours must not end a node, and who is refused gains as
 * little as who is killed.
 *
 * A build with sanitizers gets no filter and stays dumpable, unless it is required: their leak
 * check traces the process from another one.
 */
#ifndef PM_NODE_SANDBOX_H
#define PM_NODE_SANDBOX_H

#include "base/err.h"

enum pm_sandbox_wish {
  PM_SANDBOX_OFF,
  PM_SANDBOX_AUTO,    /* as far as the kernel allows */
  PM_SANDBOX_REQUIRE, /* all of it, or an error */
};

/* "off", "auto", "require"; anything else is AUTO. */
enum pm_sandbox_wish pm_sandbox_wish_read(const char *text);

/* At the very beginning: secrets are about to be read. Only what needs no second step: no new
 * privileges, not dumpable. */
void pm_sandbox_prepare(enum pm_sandbox_wish wish);

/* After the last thing that needs a privilege. PM_ERR_SYSTEM with a sentence about what the kernel
 * refused: under AUTO the rest is in force, and it is for the log; under REQUIRE it is an error. */
enum pm_err pm_sandbox_enter(enum pm_sandbox_wish wish, struct pm_why *why) PM_MUST_USE;

#endif
