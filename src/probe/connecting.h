/* The connections that are not known to stand yet, in the order of their beginnings. When libcurl's
 * timer has fired, those that it may be about to give up are looked at first: after that their
 * sockets are gone, and with them what the kernel knows (probe/trace.h).
 */
#ifndef PM_PROBE_CONNECTING_H
#define PM_PROBE_CONNECTING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct pm_trace;

/* One of them, in its owner's storage; all zeroes before its first use. Fields are the list's. */
struct pm_connecting {
  struct pm_trace *trace; /* NULL: it is not in the list */
  struct pm_connecting *prev, *next;
};

/* Fields are its own. */
struct pm_connecting_list {
  struct pm_connecting *first, *last;
  int64_t patience_ns_min; /* the least that any of them ever had */
};

void pm_connecting_init(struct pm_connecting_list *list);
bool pm_connecting_is_empty(const struct pm_connecting_list *list);

/* trace has begun and is on; it must stay where it is until the leave. Ignored if it is in the
 * list. */
void pm_connecting_join(struct pm_connecting_list *list, struct pm_connecting *connecting,
                        struct pm_trace *trace);
/* It stands, or has failed. Ignored if it is not in the list. */
void pm_connecting_leave(struct pm_connecting_list *list, struct pm_connecting *connecting);
/* Ends the traces of those that are overdue; these leave. */
void pm_connecting_end_overdue(struct pm_connecting_list *list, struct pm_time now);

#endif
