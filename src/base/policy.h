/* Address policy: which addresses a target may have, by how it was learned. Pure. Checked on the
 * address that is about to be connected to, after the lookup, so that a name cannot change its
 * meaning in between.
 *
 * | class of address                | config | operator | peer, contact                       |
 * |---------------------------------|--------|----------|-------------------------------------|
 * | public                          | yes    | yes      | yes                                 |
 * | loopback, private               | yes    | yes      | if the source is of the same class  |
 * | link-local, reserved            | yes    | yes      | no                                  |
 * | metadata                        | yes    | no       | no                                  |
 * | multicast, unspecified          | no     | no       | no                                  |
 *
 * The class is that of the address that is reached in the end: an IPv6 address that carries an IPv4
 * one counts as what it carries (base/ip.h).
 *
 * A deny rule refuses whatever the way it was learned. An allow rule lets a target have a class it
 * could not have otherwise, but never multicast or unspecified, and a metadata service only by an
 * address rule: whoever runs a zone below an allowed domain may point its names anywhere.
 *
 * A domain rule matches the name itself and every name below it, in any case. Which rule counts:
 *
 * - among the address ranges that hold the address, the longest prefix (ranges of one family only
 *   ever compete with each other: IPv4 counts in its own 32 bits), deny on a tie;
 * - among the domains that match the name, the longest, deny on a tie;
 * - among the ranges that hold the IPv4 address which the address carries, likewise; but there only
 *   a deny rule has an effect, so that a translator opens nothing;
 * - where these disagree, deny wins.
 */
#ifndef PM_BASE_POLICY_H
#define PM_BASE_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/host.h"
#include "base/ip.h"

/* How this node came to know a target. */
#define PM_LEARNED_MAP(X)                                       \
  X(CONFIG, "config")     /* command line, environment, file */ \
  X(OPERATOR, "operator") /* added over HTTP by who may */      \
  X(PEER, "peer")         /* read in another node's list */     \
  X(CONTACT, "contact")   /* it contacted us */

enum pm_learned {
#define X(name, text) PM_LEARNED_##name,
  PM_LEARNED_MAP(X)
#undef X
      PM_LEARNED_COUNT
};
const char *pm_learned_text(enum pm_learned learned);

#define PM_POLICY_MAP(X)                                                     \
  X(ALLOWED, "allowed")                                                      \
  X(DENY_RULE, "refused by a deny rule")                                     \
  X(CLASS, "an address of a class that no target learned this way may have") \
  X(SCOPE, "learned from a source outside the address's own network")        \
  X(METADATA, "a cloud metadata service")

enum pm_policy_verdict {
#define X(name, text) PM_POLICY_##name,
  PM_POLICY_MAP(X)
#undef X
      PM_POLICY_COUNT
};
const char *pm_policy_text(enum pm_policy_verdict verdict);

/* More is a firewall's task; each rule is tried at each connect. */
enum { PM_POLICY_RULES_MAX = 64 };

struct pm_policy_rule {
  bool allow;
  bool is_suffix; /* a domain suffix, else an address range */
  struct pm_cidr cidr;
  char suffix[PM_HOST_BYTES]; /* "example.net": itself and every name below it */
};

/* All zero: no rules. */
struct pm_policy {
  struct pm_policy_rule rules[PM_POLICY_RULES_MAX];
  size_t count;
};

/* text: an address, a range ("10.0.0.0/8", "fd00::/8") or a domain ("example.net"). PM_ERR_SYNTAX,
 * PM_ERR_RANGE (a prefix length), PM_ERR_TOO_LARGE (a name), PM_ERR_FULL. */
enum pm_err pm_policy_add(struct pm_policy *policy, bool allow, const char *text,
                          struct pm_why *why) PM_MUST_USE;

/* For an address that a lookup of host gave just now, or that is the host itself.
 *
 * source: the address that named the target (a peer's, or the contact's own); NULL or family NONE
 * if none did. host: the name as written, for domain rules; NULL if there is none. */
enum pm_policy_verdict pm_policy_check(const struct pm_policy *policy, enum pm_learned learned,
                                       const struct pm_ip *source, const char *host,
                                       const struct pm_ip *address) PM_MUST_USE;

/* The same for an address that came with the target (an override), where host is only a claim:
 * domain rules may refuse it, but never allow it. Otherwise a peer could reach any address by
 * putting an allowed name beside it. */
enum pm_policy_verdict pm_policy_check_override(const struct pm_policy *policy,
                                                enum pm_learned learned, const struct pm_ip *source,
                                                const char *host,
                                                const struct pm_ip *address) PM_MUST_USE;

#endif
