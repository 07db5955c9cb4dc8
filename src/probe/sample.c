#include "probe/sample.h"

const char *pm_phase_text(enum pm_phase phase) {
  switch (phase) {
#define X(name, text)   \
  case PM_PHASE_##name: \
    return text;
    PM_PHASE_MAP(X)
#undef X
  case PM_PHASE_COUNT:
    break;
  }
  return "unknown";
}

const char *pm_outcome_text(enum pm_outcome outcome) {
  switch (outcome) {
#define X(name, text)     \
  case PM_OUTCOME_##name: \
    return text;
    PM_OUTCOME_MAP(X)
#undef X
  case PM_OUTCOME_COUNT:
    break;
  }
  return "unknown";
}

const char *pm_verdict_text(enum pm_verdict verdict) {
  switch (verdict) {
#define X(name, text)     \
  case PM_VERDICT_##name: \
    return text;
    PM_VERDICT_MAP(X)
#undef X
  case PM_VERDICT_COUNT:
    break;
  }
  return "unknown";
}

bool pm_sample_publishes(const struct pm_sample *sample, enum pm_phase phase) {
  if (sample->outcome != PM_OUTCOME_SUCCESS) return false;
  return sample->phase_timed_by[phase] == PM_TIMED_BY_KERNEL ||
         sample->verdict != PM_VERDICT_STARVED;
}
