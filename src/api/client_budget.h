/* What one client address may take of the server: so many connections at a time, and so many
 * requests a second. A table of fixed size by address, decided without I/O: the time is handed in.
 * Pure.
 *
 * - IPv4 counts by address; IPv6 by /64, since that is what one customer is given at the least.
 * - A connection costs one token when it comes, and that is its first request; each further request
 *   on it costs one. Tokens come back evenly, up to a burst.
 * - 127.0.0.1 and ::1 are counted, but never refused: an operator at the machine is not to be
 * locked out, and a proxy there speaks for everybody and has limits of its own.
 * - Addresses with connections are always in the table, which therefore has room for more of them
 *   than there are connections. Of the others those seen longest ago are forgotten first: their
 *   budgets are full again, or nearly so. Who has more addresses than that is bounded by what
 * bounds all clients together, not by this.
 */
#ifndef PM_API_CLIENT_BUDGET_H
#define PM_API_CLIENT_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/ip.h"

struct pm_clients; /* the table */
struct pm_client;  /* one address in it */

struct pm_clients_config {
  size_t connections_max; /* of the server, all clients together */
  size_t share_max;       /* of these for one client */
  uint32_t requests_per_s;
  uint32_t burst;   /* requests at once, after a pause */
  uint64_t seed[2]; /* a secret of the process, or the table could be flooded at one place */
};

/* Embedded in a connection: its place among those of its client, the longest unused first. */
struct pm_client_place {
  struct pm_client *client; /* NULL: none */
  struct pm_client_place *before, *after;
  bool paid; /* the first request, by coming */
};

/* PM_ERR_NOMEM. requests_per_s 0: no limit on requests. A share or a burst of 0 counts as 1. */
enum pm_err pm_clients_new(const struct pm_clients_config *config,
                           struct pm_clients **out) PM_MUST_USE;
void pm_clients_free(struct pm_clients *clients);

enum pm_client_verdict {
  PM_CLIENT_WELCOME,
  PM_CLIENT_SHARE, /* it has its share already: the longest unused of its connections may give way
                    */
  PM_CLIENT_RATE,  /* no token is left */
};
/* A connection from ip wants to come in, at most connections_max being there. If welcome it takes
 * its place, at the end, and pays. */
enum pm_client_verdict pm_clients_enter(struct pm_clients *clients, const struct pm_ip *ip,
                                        struct pm_time now, struct pm_client_place *place);
/* Nothing happens if it has no place. */
void pm_clients_leave(struct pm_clients *clients, struct pm_client_place *place);
/* The longest unused place of ip's, after which follow the others by `after`; NULL if it has none.
 */
struct pm_client_place *pm_clients_longest(struct pm_clients *clients, const struct pm_ip *ip);

/* A request on a connection: pays, unless it is the first, and moves to the end. False: no token is
 * left. */
bool pm_clients_request(struct pm_clients *clients, struct pm_client_place *place,
                        struct pm_time now);

/* How many connections its client has open; 0 without a place. */
size_t pm_clients_open_of(const struct pm_client_place *place);
/* Addresses remembered. */
size_t pm_clients_count(const struct pm_clients *clients);

#endif
