#include "explain.h"

#include "gossip/view.h"

enum { LINES_MAX = 12 };

static const char *kind_of(const struct sim_node *n) {
  return n->nat ? "unreachable" : n->kind == SIM_OLD ? "old" : n->twin ? "twin" : "honest";
}

static uint32_t known_to(const struct sim_world *w, uint32_t node, uint32_t *out_of) {
  uint32_t known = 0;
  *out_of = 0;
  for (uint32_t i = 0; i < w->members; i++) {
    if (i == node || !w->nodes[i].core) continue;
    known += sim_world_knows(w, i, node);
    ++*out_of;
  }
  return known;
}

/* What the others' cores think of it, by state. */
static void print_states(const struct sim_world *w, uint32_t node, FILE *out) {
  unsigned states[PM_MEMBER_STATE_COUNT] = {0};
  for (uint32_t i = 0; i < w->members; i++) {
    struct pm_gossip_member m;
    uint64_t handle =
        w->nodes[i].core ? pm_gossip_find(w->nodes[i].core, &w->nodes[node].contact) : 0;
    if (i == node || !w->nodes[i].core) continue;
    states[handle && pm_gossip_get(w->nodes[i].core, handle, &m) ? m.state : PM_MEMBER_FREE]++;
  }
  for (int s = 0; s < PM_MEMBER_STATE_COUNT; s++)
    if (states[s] > 0)
      fprintf(out, " %s %u", s == PM_MEMBER_FREE ? "unknown" : pm_member_state_text(s), states[s]);
}

static bool print_unknown(const struct sim_world *w, uint32_t node, FILE *out) {
  const struct sim_node *n = &w->nodes[node];
  uint32_t of, known = known_to(w, node, &of);
  if (!sim_world_counts(w, node) || (uint64_t)known * 20 >= (uint64_t)of * 19) return false;
  fprintf(out, "  node %u (%s, run %u) is known to %u of %u:", node, kind_of(n), n->runs, known,
          of);
  print_states(w, node, out);
  fprintf(out, "\n");
  return true;
}

static bool print_ignorant(const struct sim_world *w, uint32_t node, FILE *out) {
  const struct sim_node *n = &w->nodes[node];
  uint32_t known = 0, of = 0;
  for (uint32_t j = 0; n->core && j < w->members; j++) {
    if (j == node || !sim_world_counts(w, j)) continue;
    known += sim_world_knows(w, node, j);
    of++;
  }
  if ((uint64_t)known * 20 >= (uint64_t)of * 19) return false;
  struct pm_gossip_status status;
  pm_gossip_status(n->core, &status);
  fprintf(out,
          "  node %u (%s, run %u, clock %+.0f s) knows %u of %u: %u heard, %u candidates, %u lost;",
          node, kind_of(n), n->runs, (double)n->clock_ns / 1e9, known, of, status.heard,
          status.candidates, status.lost);
  for (int b = 0; b < PM_GOSSIP_BUDGETS; b++)
    if (status.budgets[b].name && status.budgets[b].left == 0)
      fprintf(out, " no %s budget left", status.budgets[b].name);
  fprintf(out, "\n");
  return true;
}

void sim_explain(const struct sim_world *w, FILE *out) {
  unsigned ignorant = 0, unknown = 0;
  for (uint32_t i = 0; i < w->members && ignorant < LINES_MAX; i++)
    ignorant += print_ignorant(w, i, out);
  for (uint32_t i = 0; i < w->members && unknown < LINES_MAX; i++)
    unknown += print_unknown(w, i, out);
}
