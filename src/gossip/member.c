#include "gossip/member.h"

#include "base/err.h"

const char *pm_member_state_text(enum pm_member_state state) {
  static const char *const texts[] = {
#define X(name, text) text,
      PM_MEMBER_STATE_MAP(X)
#undef X
  };
  return state < PM_MEMBER_STATE_COUNT ? texts[state] : "?";
}

const char *pm_dial_text(enum pm_dial dial) {
  static const char *const texts[] = {
#define X(name, text) text,
      PM_DIAL_MAP(X)
#undef X
  };
  return dial < PM_DIAL_COUNT ? texts[dial] : "?";
}

bool pm_dial_is_third_party(enum pm_dial dial) {
  switch (dial) {
  case PM_DIAL_CLAIM:
  case PM_DIAL_WORD:
  case PM_DIAL_SPECULATIVE:
  case PM_DIAL_REVIVAL:
    return true;
  case PM_DIAL_LOCAL:
  case PM_DIAL_SAVED:
  case PM_DIAL_CONSENT:
  case PM_DIAL_LOST_RETRY:
  case PM_DIAL_REFRESH:
  case PM_DIAL_SUSPECT:
  case PM_DIAL_HINT:
  case PM_DIAL_PLANNED:
  case PM_DIAL_COUNT:
    break;
  }
  return false;
}
