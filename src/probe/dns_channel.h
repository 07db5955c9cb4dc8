/* c-ares on a libuv loop: asks name servers for the addresses of a name, on their sockets and
 * within their time-outs. It keeps no answers and shares none: probe/resolver does.
 *
 * - It reads the system's hosts file, search domains and name servers, but reads them only once. As
 *   the machine may have moved to another network when no server answers, it then starts anew now
 *   and then, once no query is under way.
 * - It has no timer of its own: its owner calls pm_dns_channel_process after
 *   pm_dns_channel_wait_ms.
 */
#ifndef PM_PROBE_DNS_CHANNEL_H
#define PM_PROBE_DNS_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"
#include "probe/resolver.h" /* how many addresses a name has */

struct uv_loop_s;
struct pm_dns_channel;

struct pm_dns_answer {
  enum pm_err err;    /* as pm_resolver_answer's; OK means one address at least */
  const char *reason; /* likewise; never freed */
  size_t count;       /* of addresses; 0 for a failure */
  int ttl_s;          /* of the address that has the least; of a success only */
  struct pm_ip addresses[PM_RESOLVER_ADDRESSES_MAX]; /* each once, in the order of RFC 6724 */
};

/* One query, in its owner's storage. It must stay where it is until it is answered or the channel
 * is closed. Fields are the channel's. */
struct pm_dns_query {
  struct pm_dns_channel *channel;
  void *owner;
};

/* owner is the channel's. */
struct pm_dns_channel_hooks {
  /* Once for each query, perhaps from inside pm_dns_channel_ask (hosts file, malformed names), and
   * always from inside c-ares: the answer, which is borrowed, is to be taken down, no more. */
  void (*answered)(void *owner, void *query_owner, const struct pm_dns_answer *answer);
  /* Its sockets had events and were seen to: there may be answers, and another wait. From the loop
   * and outside of c-ares, so it may ask again and close the channel. */
  void (*worked)(void *owner);
};

/* name_servers: "ip[:port],…"; NULL: the system's. It and the hooks are borrowed for the channel's
 * life. PM_ERR_SYSTEM, PM_ERR_NOMEM. */
enum pm_err pm_dns_channel_open(struct uv_loop_s *loop, const char *name_servers,
                                const struct pm_dns_channel_hooks *hooks, void *owner,
                                struct pm_dns_channel **out, struct pm_why *why) PM_MUST_USE;
/* Forgets its queries, and frees itself when its last socket is closed. Then it calls closed: from
 * the loop, or from inside if it has no socket. */
void pm_dns_channel_close(struct pm_dns_channel *channel, void (*closed)(void *owner), void *owner);

/* host is borrowed for the call. Whatever fails, fails as an answer. */
void pm_dns_channel_ask(struct pm_dns_channel *channel, struct pm_dns_query *query,
                        const char *host, void *query_owner);
/* Sees to servers that took too long. Does not call worked. */
void pm_dns_channel_process(struct pm_dns_channel *channel);
/* Until process is due; INT64_MAX: no query is under way. */
int64_t pm_dns_channel_wait_ms(const struct pm_dns_channel *channel);

#endif
