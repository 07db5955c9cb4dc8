/* The resolver: names to addresses by c-ares on a libuv loop, with a small cache. It knows the
 * hosts file and the search domains of the system (c-ares reads /etc/nsswitch.conf, /etc/hosts and
 * /etc/resolv.conf); localhost is loopback even without a hosts file. It is not asked about
 * addresses: who has one needs no lookup.
 *
 * - An answer is used again for its TTL, but at least 10 s and at most 300 s. A failure is not
 * kept.
 * - Lookups of one name at one time share one query.
 * - Addresses come in the order of RFC 6724, the one in use first for as long as the name has it,
 * so that a series of probes measures one path. pm_resolver_avoid puts it last after it failed.
 */
#ifndef PM_PROBE_RESOLVER_H
#define PM_PROBE_RESOLVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/ip.h"

enum {
  PM_RESOLVER_ADDRESSES_MAX = 8, /* of a name; more are cut: nobody walks through more than a few */
  PM_RESOLVER_NAMES_MAX = 16384, /* as many as there can be targets; some 6 MB */
  PM_RESOLVER_REUSE_S_MIN = 10,  /* below it, every probe of a name would ask again */
  PM_RESOLVER_REUSE_S_MAX = 300, /* above it, a moved service would be missed for long */
};

struct uv_loop_s;
struct pm_resolver;
struct pm_name; /* an entry of the cache */

struct pm_resolver_answer {
  enum pm_err err; /* OK; MISSING: no such name or address; TIMEOUT; IO: no server helped; NOMEM */
  const struct pm_ip *addresses;
  size_t count;
  int64_t took_ns;    /* since pm_resolver_start */
  const char *reason; /* of a failure, a few words in lower case; "" for a success */
};

/* answer is borrowed for the call. */
typedef void (*pm_resolver_cb)(void *owner, const struct pm_resolver_answer *answer);

/* One waiting lookup, in its owner's storage; all zeroes before its first use. It must stay where
 * it is until its callback has run or it was cancelled. Fields are the resolver's. */
struct pm_lookup {
  struct pm_name *name;                    /* NULL: not under way */
  struct pm_lookup *prev, *next;           /* by deadline, over all names */
  struct pm_lookup *name_prev, *name_next; /* of the same name */
  uint64_t serial;
  struct pm_time started, deadline;
  pm_resolver_cb cb;
  void *owner;
};

/* key_seed: a secret, so that nobody can prepare names that collide. name_servers: "ip[:port],…",
 * borrowed for the resolver's life; NULL: the system's. PM_ERR_SYSTEM. */
enum pm_err pm_resolver_open(struct uv_loop_s *loop, uint64_t key_seed, const char *name_servers,
                             struct pm_resolver **out, struct pm_why *why) PM_MUST_USE;
/* Forgets all lookups without callbacks, then calls closed from the loop and frees. */
void pm_resolver_close(struct pm_resolver *resolver, void (*closed)(void *owner), void *owner);

/* The addresses in the cache, valid until the loop goes on; NULL if there is no fresh answer. host
 * is in lower case and has no final dot (base/endpoint.h). */
const struct pm_ip *pm_resolver_cached(struct pm_resolver *resolver, const char *host,
                                       size_t *out_count);
/* cb runs once, from the loop and never from inside, at the latest after timeout_ms. PM_ERR_FULL:
 * more names are being asked for than the table holds. PM_ERR_NOMEM. */
enum pm_err pm_resolver_start(struct pm_resolver *resolver, struct pm_lookup *lookup,
                              const char *host, int64_t timeout_ms, pm_resolver_cb cb,
                              void *owner) PM_MUST_USE;
/* Without a callback; ignored if it is not under way. The query itself goes on for who comes next.
 */
void pm_resolver_cancel(struct pm_resolver *resolver, struct pm_lookup *lookup);
/* A connection to this address failed: the name's next user gets the other ones first. */
void pm_resolver_avoid(struct pm_resolver *resolver, const char *host, const struct pm_ip *ip);

#endif
