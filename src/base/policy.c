#include "base/policy.h"

#include <string.h>

enum {
  SHOWN_BYTES_MAX = 80, /* of a wrong value, so that the rest of the sentence has its place */
};

/* The most specific rule of one kind that matches. */
struct ruling {
  const struct pm_policy_rule *rule; /* NULL: none matches */
  size_t specificity;
};

struct rulings {
  struct ruling address;
  struct ruling carried;
  struct ruling name;
};

const char *pm_learned_text(enum pm_learned learned) {
  static const char *const texts[PM_LEARNED_COUNT] = {
#define X(name, text) text,
      PM_LEARNED_MAP(X)
#undef X
  };
  return (unsigned)learned < PM_LEARNED_COUNT ? texts[learned] : "unknown";
}

const char *pm_policy_text(enum pm_policy_verdict verdict) {
  static const char *const texts[PM_POLICY_COUNT] = {
#define X(name, text) text,
      PM_POLICY_MAP(X)
#undef X
  };
  return (unsigned)verdict < PM_POLICY_COUNT ? texts[verdict] : "unknown";
}

static enum pm_err parse_domain(const char *text, struct pm_policy_rule *rule, struct pm_why *why) {
  const enum pm_err err = pm_host_normalise(text, strnlen(text, PM_HOST_BYTES), rule->suffix, NULL);
  if (err == PM_OK) {
    rule->is_suffix = true;
    return PM_OK;
  }
  return pm_why_set(why, err,
                    "rule \"%.*s\" is wrong: write an address, a range as in 10.0.0.0/8, or a "
                    "domain as in example.net, which covers itself and every name below it",
                    SHOWN_BYTES_MAX, text);
}

enum pm_err pm_policy_add(struct pm_policy *policy, bool allow, const char *text,
                          struct pm_why *why) {
  if (policy->count >= PM_POLICY_RULES_MAX) {
    return pm_why_set(why, PM_ERR_FULL,
                      "rule \"%.*s\" is one too many: at most %d rules are possible, write wider "
                      "ranges",
                      SHOWN_BYTES_MAX, text, PM_POLICY_RULES_MAX);
  }
  struct pm_policy_rule rule = {.allow = allow};
  const bool is_range = strpbrk(text, "/:") != NULL || pm_host_is_numeric(text);
  const enum pm_err err =
      is_range ? pm_cidr_parse(text, &rule.cidr, why) : parse_domain(text, &rule, why);
  if (err == PM_OK) policy->rules[policy->count++] = rule;
  return err;
}

static void consider(struct ruling *ruling, const struct pm_policy_rule *rule, size_t specificity) {
  const bool wins = ruling->rule == NULL || specificity > ruling->specificity ||
                    (specificity == ruling->specificity && !rule->allow);
  if (wins) *ruling = (struct ruling){rule, specificity};
}

static struct rulings apply_rules(const struct pm_policy *policy, const char *host,
                                  const struct pm_ip *address) {
  struct rulings rulings = {0};
  struct pm_ip carried = {0};
  (void)pm_ip_carried(address, &carried);
  for (size_t i = 0; i < policy->count; i++) {
    const struct pm_policy_rule *rule = &policy->rules[i];
    if (rule->is_suffix) {
      if (host != NULL && pm_host_is_below(host, rule->suffix)) {
        consider(&rulings.name, rule, strlen(rule->suffix));
      }
      continue;
    }
    const size_t bits = rule->cidr.prefix_bits;
    if (pm_cidr_contains(&rule->cidr, address)) consider(&rulings.address, rule, bits);
    if (pm_cidr_contains(&rule->cidr, &carried)) consider(&rulings.carried, rule, bits);
  }
  return rulings;
}

static bool denies(const struct ruling *ruling) {
  return ruling->rule != NULL && !ruling->rule->allow;
}

static bool allows(const struct ruling *ruling) {
  return ruling->rule != NULL && ruling->rule->allow;
}

static bool same_class(const struct pm_ip *source, enum pm_ip_class class) {
  return source != NULL && source->family != PM_IP_NONE && pm_ip_classify(source) == class;
}

/* The table in the header, for who may not name every address. */
static enum pm_policy_verdict check_learned(const struct pm_ip *source, enum pm_ip_class class) {
  switch (class) {
  case PM_IP_CLASS_PUBLIC:
    return PM_POLICY_ALLOWED;
  case PM_IP_CLASS_LOOPBACK:
  case PM_IP_CLASS_PRIVATE:
    return same_class(source, class) ? PM_POLICY_ALLOWED : PM_POLICY_SCOPE;
  case PM_IP_CLASS_METADATA:
    return PM_POLICY_METADATA;
  case PM_IP_CLASS_LINK_LOCAL:
  case PM_IP_CLASS_MULTICAST:
  case PM_IP_CLASS_UNSPECIFIED:
  case PM_IP_CLASS_RESERVED:
  case PM_IP_CLASS_COUNT:
    break;
  }
  return PM_POLICY_CLASS;
}

static enum pm_policy_verdict check(const struct pm_policy *policy, enum pm_learned learned,
                                    const struct pm_ip *source, const char *host,
                                    bool host_is_proven, const struct pm_ip *address) {
  const struct rulings rulings = apply_rules(policy, host, address);
  if (denies(&rulings.address) || denies(&rulings.carried) || denies(&rulings.name)) {
    return PM_POLICY_DENY_RULE;
  }
  const enum pm_ip_class class = pm_ip_classify(address);
  if (class == PM_IP_CLASS_MULTICAST || class == PM_IP_CLASS_UNSPECIFIED) return PM_POLICY_CLASS;
  if (learned == PM_LEARNED_CONFIG || allows(&rulings.address)) return PM_POLICY_ALLOWED;
  if (class == PM_IP_CLASS_METADATA) return PM_POLICY_METADATA;
  if (learned == PM_LEARNED_OPERATOR) return PM_POLICY_ALLOWED;
  if (host_is_proven && allows(&rulings.name)) return PM_POLICY_ALLOWED;
  return check_learned(source, class);
}

enum pm_policy_verdict pm_policy_check(const struct pm_policy *policy, enum pm_learned learned,
                                       const struct pm_ip *source, const char *host,
                                       const struct pm_ip *address) {
  return check(policy, learned, source, host, true, address);
}

enum pm_policy_verdict pm_policy_check_override(const struct pm_policy *policy,
                                                enum pm_learned learned, const struct pm_ip *source,
                                                const char *host, const struct pm_ip *address) {
  return check(policy, learned, source, host, false, address);
}
