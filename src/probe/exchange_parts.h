/* What the files behind probe/exchange.h share, and nobody else sees: the exchanger, and one
 * exchange.
 *
 *   exchange.c       one exchange, from its start to its callback
 *   exchange_pool.c  those in flight and those at rest
 *   exchanger.c      the life of the whole, and what it says without an exchange
 */
#ifndef PM_PROBE_EXCHANGE_PARTS_H
#define PM_PROBE_EXCHANGE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/clock.h"
#include "probe/address_choice.h"
#include "probe/connecting.h"
#include "probe/curl_multi.h"
#include "probe/exchange.h"
#include "probe/exchange_pool.h"
#include "probe/resolver.h"
#include "probe/run_delay.h"
#include "probe/transfer.h"

enum pm_exchange_state {
  PM_EXCHANGE_RESTING,
  PM_EXCHANGE_LOOKING_UP,
  PM_EXCHANGE_TRANSFERRING,
  PM_EXCHANGE_FAILED, /* before anything was sent; the callback is due */
  PM_EXCHANGE_TELLING,
};

struct pm_exchange {
  struct pm_exchanger *exchanger;
  uint64_t id; /* 0 while it rests or its callback runs */
  uint32_t index;
  enum pm_exchange_state state;
  struct pm_transfer transfer;
  struct pm_lookup lookup;
  struct pm_connecting connecting;
  struct pm_exchange *next; /* of the resting or of the failed ones */
  pm_exchange_cb cb;
  void *owner;

  /* of the request */
  char host[PM_HOST_BYTES];
  uint16_t port;
  enum pm_address_origin origin;
  enum pm_learned learned;
  struct pm_ip source;
  struct pm_exchange_limits limits;

  struct pm_time started;
  bool timeout_is_ours;
  int64_t run_delay_ns_before; /* of our thread, when it started */
  struct pm_sample sample;
  struct pm_why why;
};

struct pm_exchanger {
  struct pm_exchanger_config config;
  struct pm_transfer_config transfer_config;
  struct pm_curl_multi *multi;
  struct pm_resolver *resolver;
  struct pm_exchange_pool pool;
  struct pm_connecting_list connecting;
  struct pm_run_delay run_delay;
  int stamping_fd;            /* keeps the kernel's receive stamps switched on */
  uv_timer_t soon;            /* ends failed exchanges outside of their start */
  struct pm_exchange *failed; /* in the order of failing; a tick may bring thousands */
  struct pm_exchange **failed_end;
  bool closing;
  int parts; /* not yet closed */
  void (*closed)(void *owner);
  void *closed_owner;
};

/* For the binding of libcurl, whose owner is the exchanger. looking: at connections as well. */
const struct pm_curl_multi_hooks *pm_exchange_hooks(bool looking);

#endif
