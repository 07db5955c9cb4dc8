/* The past for the service: asks the history's store what api/past.h asks, and tells it what that
 * answered. What this node measures itself comes with the minute that is still open.
 */
#ifndef PM_NODE_PAST_H
#define PM_NODE_PAST_H

#include "api/later.h"
#include "api/past.h"
#include "node/history.h"

enum {
  PM_PAST_QUESTIONS_MAX = PM_LATER_MAX, /* under way: one for each answer that the server awaits */
};

struct pm_past_source {
  struct pm_past past; /* what the service gets */
  struct pm_history_feed *feed;
  struct pm_past_question {
    struct pm_past_source *source;
    uint64_t id; /* in the store; 0: free */
    pm_past_done done;
    void *owner;
    char from[PM_STORE_KEY_BYTES], to[PM_STORE_KEY_BYTES];
    bool known;     /* both ends are: then nothing is kept of them yet, at the worst */
    bool others;    /* another node's path */
    int64_t step_s; /* that was asked for */
  } questions[PM_PAST_QUESTIONS_MAX];
};

/* In the caller's storage, which stays where it is; feed is set once it is open, and NULL before
 * and after. */
void pm_past_source_init(struct pm_past_source *source);

struct pm_prometheus_history;
/* What the store counts, for the metrics; false if no history is kept. */
bool pm_past_counts(const struct pm_past_source *source, struct pm_prometheus_history *out);

#endif
