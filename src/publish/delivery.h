/* Delivers bodies to one HTTP endpoint: what publish/delivery_queue decides, over
 * publish/http_client. A sink makes bodies and hands them over; it never waits, whatever the
 * endpoint does: unreachable, slow, answering garbage or errors for an hour.
 *
 * The log hears of an endpoint that becomes unwell once (and once more if it turns out to refuse
 * us, with a 4xx, which may be for us to mend), and once when it is well again; of a body refused
 * for good once for each new reason.
 */
#ifndef PM_PUBLISH_DELIVERY_H
#define PM_PUBLISH_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "publish/delivery_queue.h"
#include "publish/http_client.h"

struct uv_loop_s;
struct pm_delivery;

enum {
  PM_DELIVERY_CONNECT_MS = 5000,
  /* A megabyte at 300 kbit/s; and what a try costs a slow endpoint's queue at the most. */
  PM_DELIVERY_TOTAL_MS = 30000,
  PM_DELIVERY_ANSWER_BYTES_MAX = 16 * 1024, /* enough for any service's words of an error */
};

enum pm_delivery_prepared {
  PM_DELIVERY_READY,
  /* Not now: what is needed (credentials) is not there yet. It is asked again after 5 s, or
   * when pm_delivery_kick is called. */
  PM_DELIVERY_WAIT,
  /* The same, and nothing is on its way that could help: who is closing gives up now. */
  PM_DELIVERY_HOPELESS,
};

enum pm_delivery_verdict {
  PM_DELIVERY_SENT,
  PM_DELIVERY_RETRY,  /* the endpoint is unwell, or we are: later, the same body */
  PM_DELIVERY_REFUSED /* this body will never be taken */
};

/* A hook that does not apply is NULL. */
struct pm_delivery_hooks {
  /* Before each try. call comes filled with method POST, url, body and deadlines; the hook adds
   * headers, signature, a fresh URL. What it puts there must live until it is called again. */
  enum pm_delivery_prepared (*prepare)(void *owner, struct pm_http_call_config *call);
  /* After each answer with a status. words: why, for people; empty if there is nothing to add to
   * the status. Without the hook: 2xx sent; 408, 429 and 5xx retried; all others refused. */
  enum pm_delivery_verdict (*judge)(void *owner, const struct pm_http_reply *reply,
                                    struct pm_why *words);
};

struct pm_delivery_config {
  const char *name; /* for the log: "cloudwatch"; static */
  const char *url;  /* copied; prepare may put another in its place */
  struct pm_delivery_limits limits;
  int64_t total_ms; /* a try may take; 0: PM_DELIVERY_TOTAL_MS */
  struct pm_delivery_hooks hooks;
  void *owner;
  struct pm_http_client *client; /* borrowed; outlives the delivery */
  const struct pm_log *log;
  uint64_t seed; /* of the backoff's jitter */
};

/* The default judgement of a status. */
enum pm_delivery_verdict pm_delivery_judge_status(int status);

enum pm_err pm_delivery_open(struct uv_loop_s *loop, const struct pm_delivery_config *config,
                             struct pm_delivery **out) PM_MUST_USE;
/* Takes over data (from malloc); its first try comes after delay_ms, sooner when closing. */
void pm_delivery_put(struct pm_delivery *delivery, char *data, size_t bytes, int64_t delay_ms);
/* The same for a body that holds so many units (samples, events), which the counts tell. */
void pm_delivery_put_units(struct pm_delivery *delivery, char *data, size_t bytes, int64_t delay_ms,
                           uint64_t units);
/* What prepare waited for is there. */
void pm_delivery_kick(struct pm_delivery *delivery);
void pm_delivery_counts(const struct pm_delivery *delivery, struct pm_delivery_counts *out);
/* Goes on for at most flush_ms, without waiting for delays; a body that fails now is tried again
 * soon. What is left is dropped; then calls closed from the loop and frees. */
void pm_delivery_close(struct pm_delivery *delivery, int64_t flush_ms, void (*closed)(void *owner),
                       void *owner);

#endif
