/* When a peer's state changes so that a person should hear of it. Pure: a sample goes in, events
 * come out; time is the sample's, random numbers come from a generator that is handed in.
 *
 * Three kinds of incident, each open at most once per target:
 *   down  opens after down_after failures in a row, closes after PM_INCIDENT_UP_IN_A_ROW successes
 *         in a row
 *   loss  opens when in at least windows_bad of the latest windows_count windows loss_percent of
 * the probes or more failed rtt   opens when in as many of them more than half of the successes
 * (so, the median) took longer than rtt_ns for the TCP handshake
 *
 * Hysteresis: loss and rtt close after windows_bad windows in a row that are clearly well (at most
 * half of loss_percent; the median within four fifths of rtt_ns). A window between the two limits
 * keeps an incident open and opens none. While a target is down no window is counted, so that one
 * outage is one incident; when it is up again the windows begin anew.
 *
 * What says nothing of the path says nothing here: a starved failure, a policy's refusal, a fault
 * of ours (INTERNAL); nor does the time of a starved success, unless the kernel took it. A window
 * without anything that says something is none.
 *
 * The event that opens and the one that closes carry the same incident, 128 random bits.
 */
#ifndef PM_PUBLISH_INCIDENT_H
#define PM_PUBLISH_INCIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/rng.h"
#include "probe/sample.h"

#define PM_INCIDENT_MAP(X) \
  X(DOWN, "down")          \
  X(LOSS, "loss")          \
  X(RTT, "rtt")

enum pm_incident_kind {
#define X(name, text) PM_INCIDENT_##name,
  PM_INCIDENT_MAP(X)
#undef X
      PM_INCIDENT_KIND_COUNT
};
const char *pm_incident_kind_text(enum pm_incident_kind kind);

enum {
  PM_INCIDENT_UP_IN_A_ROW = 2, /* one answer out of an outage is not its end */
  PM_INCIDENT_WINDOWS_MAX = 32,
  PM_INCIDENT_ID_BYTES = 33, /* 32 hexadecimal digits */
};

struct pm_incident_config {
  unsigned down_after;                 /* failures in a row; 0: no incident of that kind */
  int64_t loss_percent;                /* of a window's probes; 0: none */
  int64_t rtt_ns;                      /* 0: none */
  int64_t window_s;                    /* at least 1 */
  unsigned windows_bad, windows_count; /* 1 <= bad <= count <= PM_INCIDENT_WINDOWS_MAX */
};

/* A window's or an outage's figures. */
struct pm_incident_figures {
  uint32_t failures_in_a_row;
  uint32_t probes, failed;  /* of the window that decided */
  uint32_t timed, over_rtt; /* successes whose time counts; of these, those above rtt_ns */
  int64_t rtt_sum_ns;
};

struct pm_incident_event {
  enum pm_incident_kind kind;
  bool opened;                    /* else closed */
  bool removed;                   /* closed because the target is measured no longer */
  char id[PM_INCIDENT_ID_BYTES];  /* of the incident */
  char own[PM_INCIDENT_ID_BYTES]; /* of the event; the incident's for the one that opens it */
  struct pm_wall at, opened_at;
  struct pm_incident_figures figures;
};

/* Of one target. Of all zeroes: nothing seen. */
struct pm_incident_watch {
  struct pm_incident_figures now; /* the open window */
  struct pm_wall window_at;       /* its beginning; 0: none is open */
  uint32_t successes_in_a_row;
  struct pm_incident_state {
    uint32_t bad;             /* bit i: the window i before the latest one was bad */
    uint8_t well;             /* windows in a row that were clearly well */
    struct pm_wall opened_at; /* 0: not open */
    char id[PM_INCIDENT_ID_BYTES];
  } states[PM_INCIDENT_KIND_COUNT];
};

/* Returns how many events it wrote. */
size_t pm_incident_add(struct pm_incident_watch *watch, const struct pm_incident_config *config,
                       const struct pm_sample *sample, struct pm_rng *rng,
                       struct pm_incident_event out[PM_INCIDENT_KIND_COUNT]) PM_MUST_USE;
/* The target is measured no longer: closes what is open. */
size_t pm_incident_end(struct pm_incident_watch *watch, struct pm_wall now, struct pm_rng *rng,
                       struct pm_incident_event out[PM_INCIDENT_KIND_COUNT]) PM_MUST_USE;
bool pm_incident_is_open(const struct pm_incident_watch *watch, enum pm_incident_kind kind);

#endif
