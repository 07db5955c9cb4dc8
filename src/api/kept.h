/* A document that anyone may ask for and that is costly to write: it is given as it is for some
 * time, a multiple of the processor's time that writing it took, so that asking costs a bounded
 * share of the processor whatever its length. Pure; the times come with each call.
 */
#ifndef PM_API_KEPT_H
#define PM_API_KEPT_H

#include <stdbool.h>

#include "api/http_message.h"
#include "base/buf.h"
#include "base/clock.h"

enum {
  PM_KEPT_TIMES = 40, /* one of these, asked for all the time, costs 1/41 of a core */
};

struct pm_kept {
  struct pm_buf text;
  struct pm_time until;
};

void pm_kept_init(struct pm_kept *kept);
void pm_kept_deinit(struct pm_kept *kept);
/* False: write the text anew (it has been emptied), and call pm_kept_written. */
bool pm_kept_is_fresh(struct pm_kept *kept, struct pm_time now);
/* cost_ns: of this thread's processor time, so that what others took of it keeps nothing longer. */
void pm_kept_written(struct pm_kept *kept, struct pm_time ended, int64_t cost_ns);
/* Appends the text, or fails the body as the writing failed. */
void pm_kept_answer(const struct pm_kept *kept, struct pm_http_response *response);

#endif
