/* What goes into a step of the core: what happened, and when.
 */
#ifndef PM_GOSSIP_EVENT_H
#define PM_GOSSIP_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "gossip/contact.h"
#include "gossip/saved.h"
#include "gossip/wire_answer.h"
#include "gossip/wire_pong.h"
#include "gossip/wire_request.h"

enum { PM_GOSSIP_RESOLVED_MAX = 16 /* addresses of one name that are taken */ };

enum pm_gossip_event_kind {
  PM_GOSSIP_TICK,            /* nothing but the time */
  PM_GOSSIP_REQUEST,         /* somebody asks us: a ping or a pull */
  PM_GOSSIP_PONG,            /* a probe ended */
  PM_GOSSIP_ANSWER,          /* a pull ended */
  PM_GOSSIP_LOCAL_ADD,       /* a seed, or an endpoint that the operator added */
  PM_GOSSIP_LOCAL_REMOVE,    /* it is no longer wanted: forgotten, until gossip finds it again */
  PM_GOSSIP_RESOLVED,        /* a lookup ended */
  PM_GOSSIP_RESTORE,         /* a member that was saved before a restart */
  PM_GOSSIP_RESTORE_LOST,    /* one that was lost before it: old word does not revive it */
  PM_GOSSIP_RESTORE_REFUSED, /* one that was refused before it (only under the same key_seed) */
  PM_GOSSIP_FORGET,          /* the operator wants a member dropped */
};

/* Names one send; its end must quote it. */
struct pm_gossip_token {
  uint64_t handle;
  uint64_t nonce;
};

/* All pointers are read during the step only. */
struct pm_gossip_event {
  struct pm_time now; /* an earlier one than before is taken as that */
  enum pm_gossip_event_kind kind;
  union {
    struct {
      struct pm_ip source;   /* of the TCP connection */
      struct pm_ip local_ip; /* its other end, ours; family NONE: unknown */
      uint16_t local_port;
      const struct pm_wire_request *request; /* NULL: an old node's pull */
    } request;
    struct {
      struct pm_gossip_token token;
      bool ok;                         /* an answer with a status of success came in time */
      const struct pm_wire_pong *pong; /* NULL: none, or a broken one */
      const char *location;            /* from the body; "" or NULL: it named none */
      uint32_t rtt_us;                 /* 0: unknown */
    } pong;
    struct {
      struct pm_gossip_token token;
      const struct pm_wire_answer *answer; /* NULL: none came, or a broken one */
    } answer;
    const struct pm_contact *local; /* address NONE: the core asks for a lookup */
    struct {
      struct pm_gossip_token token;
      const struct pm_ip *ips;
      size_t count; /* 0: failed */
    } resolved;
    const struct pm_contact *restore;
    const struct pm_gossip_tombstone *lost;
    const struct pm_gossip_refused *refused;
    uint64_t forget; /* a handle */
  };
};

#endif
