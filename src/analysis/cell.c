#include "analysis/cell.h"

const char *pm_cell_state_text(enum pm_cell_state state) {
  switch (state) {
#define X(name, text)  \
  case PM_CELL_##name: \
    return text;
    PM_CELL_STATE_MAP(X)
#undef X
  case PM_CELL_STATE_COUNT:
    break;
  }
  return "unknown";
}
