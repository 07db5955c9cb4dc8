#include "gossip/change.h"

const char *pm_change_text(enum pm_change change) {
  static const char *const texts[] = {
#define X(name, text) text,
      PM_CHANGE_MAP(X)
#undef X
  };
  return change < PM_CHANGE_COUNT ? texts[change] : "?";
}

const char *pm_refusal_text(enum pm_refusal_reason reason) {
  static const char *const texts[] = {
#define X(name, text) text,
      PM_REFUSAL_MAP(X)
#undef X
  };
  return reason < PM_REFUSAL_COUNT ? texts[reason] : "?";
}
