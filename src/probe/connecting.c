#include "probe/connecting.h"

#include <stddef.h>

#include "probe/trace.h"

void pm_connecting_init(struct pm_connecting_list *list) {
  *list = (struct pm_connecting_list){.patience_ns_min = INT64_MAX};
}

bool pm_connecting_is_empty(const struct pm_connecting_list *list) {
  return list->first == NULL;
}

void pm_connecting_join(struct pm_connecting_list *list, struct pm_connecting *connecting,
                        struct pm_trace *trace) {
  if (connecting->trace) return;
  *connecting = (struct pm_connecting){.trace = trace, .prev = list->last};
  if (connecting->prev)
    connecting->prev->next = connecting;
  else
    list->first = connecting;
  list->last = connecting;
  if (trace->patience_ns < list->patience_ns_min) list->patience_ns_min = trace->patience_ns;
}

void pm_connecting_leave(struct pm_connecting_list *list, struct pm_connecting *connecting) {
  if (!connecting->trace) return;
  connecting->trace = NULL;
  if (connecting->prev)
    connecting->prev->next = connecting->next;
  else
    list->first = connecting->next;
  if (connecting->next)
    connecting->next->prev = connecting->prev;
  else
    list->last = connecting->prev;
}

/* Only who is older than the least patient one may be can be overdue, and the oldest are at the
 * beginning. */
void pm_connecting_end_overdue(struct pm_connecting_list *list, struct pm_time now) {
  struct pm_connecting *next;
  for (struct pm_connecting *c = list->first; c; c = next) {
    next = c->next;
    struct pm_trace *trace = c->trace;
    int64_t age_ns = pm_time_since_ns(now, trace->begun);
    if (age_ns < list->patience_ns_min - PM_NS_PER_MS) return;
    if (!pm_trace_is_overdue(trace, now)) continue;
    pm_connecting_leave(list, c);
    pm_trace_ending(trace);
  }
}
