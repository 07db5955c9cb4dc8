/* Which address of a target to connect to: the first that the policy allows and that our own source
 * address can reach. Pure.
 */
#ifndef PM_PROBE_ADDRESS_CHOICE_H
#define PM_PROBE_ADDRESS_CHOICE_H

#include <stddef.h>

#include "base/endpoint.h"
#include "base/err.h"
#include "base/ip.h"
#include "base/policy.h"

/* Where a target's address comes from. */
enum pm_address_origin {
  PM_ADDRESS_ORIGIN_LOOKUP,   /* its host is a name, which may have several */
  PM_ADDRESS_ORIGIN_HOST,     /* its host is that address */
  PM_ADDRESS_ORIGIN_OVERRIDE, /* it came beside a host, which is then only a claim */
};

/* out: the address that is written in the endpoint, and in its storage; NULL with a lookup. */
enum pm_address_origin pm_address_origin_of(const struct pm_endpoint *endpoint,
                                            const struct pm_ip **out);

/* For whom to choose, and by what; all borrowed. */
struct pm_address_choice {
  const struct pm_policy *policy;
  const struct pm_ip *bind; /* our source; NULL or family NONE: the kernel's choice */
  const char *host;         /* for the policy's rules on names */
  const char *called;       /* what a refusal calls the target: its host, its URL */
  enum pm_address_origin origin;
  enum pm_learned learned;
  const struct pm_ip *source; /* who named the target; NULL or family NONE: nobody */
};

/* count: 1 at least. out: one of addresses. PM_ERR_DENIED: the policy refuses, and the sentence
 * tells of the first that it refuses; PM_ERR_MISSING: it refuses none, but none is of our source's
 * family. */
enum pm_err pm_address_choose(const struct pm_address_choice *choice, const struct pm_ip *addresses,
                              size_t count, const struct pm_ip **out,
                              struct pm_why *why) PM_MUST_USE;

#endif
