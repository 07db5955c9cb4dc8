/* How long the loop's turns take: while one runs, everything else that happens waits for it. The
 * longest of the last minute is this node's lag, as its metrics show it.
 */
#ifndef PM_NODE_TURNS_H
#define PM_NODE_TURNS_H

#include <stdint.h>

#include <uv.h>

enum { PM_TURNS_SLOTS = 6 }; /* of 10 s: the last minute, and up to 10 s more */

/* Caller's storage; does not keep the loop alive. */
struct pm_turns {
  uv_prepare_t turn; /* once a turn, before the loop waits */
  int64_t at_ns;     /* when the latest was; 0: none yet */
  uint64_t idle_ns;  /* how long the loop had waited by then, in all */
  int64_t slot;      /* the open one's number */
  int64_t longest_ns[PM_TURNS_SLOTS];
};

/* Before the loop runs for the first time. */
void pm_turns_start(struct pm_turns *turns, uv_loop_t *loop);
/* Its handle is closed when the loop has run once more. */
void pm_turns_close(struct pm_turns *turns);
int64_t pm_turns_longest_ns(struct pm_turns *turns);

#endif
