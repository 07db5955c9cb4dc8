#include "probe/address_choice.h"

#include <stdbool.h>

enum pm_address_origin pm_address_origin_of(const struct pm_endpoint *endpoint,
                                            const struct pm_ip **out) {
  if (endpoint->ip_override.family != PM_IP_NONE) {
    *out = &endpoint->ip_override;
    return PM_ADDRESS_ORIGIN_OVERRIDE;
  }
  *out = endpoint->host_is_ip ? &endpoint->host_ip : NULL;
  return endpoint->host_is_ip ? PM_ADDRESS_ORIGIN_HOST : PM_ADDRESS_ORIGIN_LOOKUP;
}

static enum pm_policy_verdict judge(const struct pm_address_choice *choice,
                                    const struct pm_ip *ip) {
  return choice->origin == PM_ADDRESS_ORIGIN_OVERRIDE
             ? pm_policy_check_override(choice->policy, choice->learned, choice->source,
                                        choice->host, ip)
             : pm_policy_check(choice->policy, choice->learned, choice->source, choice->host, ip);
}

static bool is_in_reach(const struct pm_address_choice *choice, const struct pm_ip *ip) {
  const struct pm_ip *bind = choice->bind;
  return !bind || bind->family == PM_IP_NONE || bind->family == ip->family;
}

static enum pm_err say_refused(const struct pm_address_choice *choice, const struct pm_ip *ip,
                               enum pm_policy_verdict verdict, struct pm_why *why) {
  char text[PM_IP_TEXT_BYTES];
  pm_ip_text(ip, text);
  return pm_why_set(why, PM_ERR_DENIED, "%s (%s) may not be probed: %s", choice->called, text,
                    pm_policy_text(verdict));
}

static enum pm_err say_out_of_reach(const struct pm_address_choice *choice, struct pm_why *why) {
  char text[PM_IP_TEXT_BYTES];
  pm_ip_text(choice->bind, text);
  return pm_why_set(why, PM_ERR_MISSING,
                    "connect to %s: it has no address of the family of %s, our source",
                    choice->called, text);
}

enum pm_err pm_address_choose(const struct pm_address_choice *choice, const struct pm_ip *addresses,
                              size_t count, const struct pm_ip **out, struct pm_why *why) {
  const struct pm_ip *refused = NULL;
  enum pm_policy_verdict reason = PM_POLICY_ALLOWED;
  for (const struct pm_ip *ip = addresses; ip < addresses + count; ip++) {
    enum pm_policy_verdict verdict = judge(choice, ip);
    if (verdict == PM_POLICY_ALLOWED && is_in_reach(choice, ip)) {
      *out = ip;
      return PM_OK;
    }
    if (verdict == PM_POLICY_ALLOWED || refused) continue;
    refused = ip;
    reason = verdict;
  }
  return refused ? say_refused(choice, refused, reason, why) : say_out_of_reach(choice, why);
}
