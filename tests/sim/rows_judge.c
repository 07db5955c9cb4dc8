#include "rows_judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/asymmetry.h"
#include "rows.h"
#include "rows_paths.h"
#include "scenario.h"

enum {
  LOOK_S = 10,
  FRESH_S = 60,
  FAILED_S = 60, /* after death: nobody shows a path to the dead as measured any more … */
  STALE_S = 150, /* … and nobody shows anything of them but stale cells */
  AGAIN_S = 30,  /* after the death of half, the rest is whole again */
  LIARS_PING = 12,
  PINGED_SHARE = 500, /* forged rows among those of pinged nodes: one in so many at most */
  SIDES_MAX = 20000,
};
static const double share_min = 0.99, bytes_a_second_max = 12000, loss_usual = 0.002;
#define LIE_NS INT64_C(77000000000) /* no path here is as slow */

/* One stretch of time, over all nodes that live. */
struct stretch {
  const char *name;
  double least, sum; /* share of fresh cells: of the worst node at the worst moment */
  uint64_t looks;
  struct sim_rows_account at_start, at_end;
  double seconds, nodes;
};

struct sim_rows_judge {
  struct stretch grown, halved;
  struct sim_rows_account last;
  double worst_bytes;              /* a second, of LOOK_S */
  uint64_t undead, unstale;        /* cells of the dead that are shown as alive, or too long */
  int64_t measured_s, not_stale_s; /* after death, the last time that such a cell was seen */
  uint64_t forged_direct, forged_relayed, strangers, looks;
  uint64_t pinged, forged_pinged; /* rows of those whom the node pings itself */
  double relayed_share;
};

static void *need(void *memory) {
  if (memory) return memory;
  exit(1);
}

/* --- looking ---------------------------------------------------------------------------------- */

/* Of all directed pairs of living nodes: which share this node knows as of now. */
static double fresh_share(const struct sim_world *w, uint32_t i) {
  const struct pm_matrix *matrix = sim_rows_matrix(w, i);
  struct pm_time now = {sim_world_clock(w, i)};
  uint64_t pairs = 0, fresh = 0;
  for (uint32_t a = 0; a < w->members; a++) {
    if (!sim_world_counts(w, a)) continue;
    const struct pm_matrix_row *row = pm_matrix_find(matrix, &w->nodes[a].id);
    for (uint32_t b = 0; b < w->members; b++) {
      if (a == b || !sim_world_counts(w, b)) continue;
      pairs++;
      int64_t age_s;
      uint64_t to = pm_matrix_short(&w->nodes[b].id);
      const struct pm_matrix_cell *cell = row ? pm_matrix_cell_of(row, to) : NULL;
      if (!cell || pm_matrix_state(row, cell, now, &age_s) == PM_CELL_STALE) continue;
      fresh += age_s < FRESH_S;
    }
  }
  return pairs == 0 ? 1 : (double)fresh / (double)pairs;
}

static void look(struct sim_world *w, struct stretch *stretch) {
  for (uint32_t i = 0; i < w->members; i++) {
    if (!w->nodes[i].core) continue;
    double share = fresh_share(w, i);
    if (stretch->looks++ == 0 || share < stretch->least) stretch->least = share;
    stretch->sum += share;
  }
  stretch->at_end = sim_rows_account(w);
}

static void begin(struct sim_world *w, struct stretch *stretch, const char *name, int64_t second) {
  *stretch = (struct stretch){.name = name, .at_start = sim_rows_account(w)};
  stretch->seconds = -(double)second;
  for (uint32_t i = 0; i < w->members; i++) stretch->nodes += w->nodes[i].core != NULL;
}

/* A node's view of cells from or to the dead. */
static void look_at_dead(struct sim_world *w, uint32_t i, int64_t dead_s) {
  struct sim_rows_judge *judge = w->judge;
  const struct pm_matrix *matrix = sim_rows_matrix(w, i);
  struct pm_time now = {sim_world_clock(w, i)};
  for (uint32_t a = 0; a < w->members; a++) {
    const struct pm_matrix_row *row = pm_matrix_find(matrix, &w->nodes[a].id);
    for (uint32_t b = 0; row && b < w->members; b++) {
      if (a == b || (w->nodes[a].alive && w->nodes[b].alive)) continue;
      const struct pm_matrix_cell *cell = pm_matrix_cell_of(row, pm_matrix_short(&w->nodes[b].id));
      enum pm_cell_state state = cell ? pm_matrix_state(row, cell, now, NULL) : PM_CELL_UNKNOWN;
      bool measured = state == PM_CELL_MEASURED && w->nodes[a].alive;
      bool not_stale = state == PM_CELL_MEASURED || state == PM_CELL_FAILED;
      if (measured) judge->measured_s = dead_s;
      if (not_stale) judge->not_stale_s = dead_s;
      judge->undead += measured && dead_s > FAILED_S;
      judge->unstale += not_stale && dead_s > STALE_S;
    }
  }
}

/* --- the usual scenario ----------------------------------------------------------------------- */

void sim_rows_prepare(struct sim_world *w) {
  sim_rows_enable(w);
  w->judge = need(calloc(1, sizeof *w->judge));
  if (w->loss <= 0) w->loss = loss_usual;
  sim_prepare_plain(w);
}

void sim_rows_prepare_detours(struct sim_world *w) {
  w->rows_detours = true;
  sim_rows_prepare(w);
}

static void kill_half(struct sim_world *w) {
  for (uint32_t left = w->members / 2; left > 0;) {
    uint32_t i = (uint32_t)pm_rng_below(&w->rng, w->members);
    if (!w->nodes[i].alive) continue;
    sim_world_kill(w, i);
    left--;
  }
}

static double gossip_bytes(const struct sim_rows_account *from, const struct sim_rows_account *to) {
  return (double)(to->row_bytes + to->pull_bytes) - (double)(from->row_bytes + from->pull_bytes);
}

static void note_worst(struct sim_world *w) {
  struct sim_rows_judge *judge = w->judge;
  struct sim_rows_account now = sim_rows_account(w);
  double rate = gossip_bytes(&judge->last, &now) / LOOK_S / w->members;
  if (rate > judge->worst_bytes) judge->worst_bytes = rate;
  judge->last = now;
}

void sim_rows_judge_second(struct sim_world *w, int64_t second) {
  struct sim_rows_judge *judge = w->judge;
  const int64_t again_s = SIM_ROWS_KILL_S + AGAIN_S;
  sim_rows_second(w);
  if (second == SIM_ROWS_SETTLED_S) begin(w, &judge->grown, "all nodes", second);
  if (second == again_s) begin(w, &judge->halved, "half of them dead", second);
  if (second % LOOK_S != 0) return;
  note_worst(w);
  if (second >= SIM_ROWS_SETTLED_S && second <= SIM_ROWS_KILL_S) look(w, &judge->grown);
  if (second == SIM_ROWS_KILL_S) {
    judge->grown.seconds += (double)second;
    kill_half(w);
  }
  if (second >= again_s) look(w, &judge->halved);
  if (second > SIM_ROWS_KILL_S)
    for (uint32_t i = 0; i < w->members; i++)
      if (w->nodes[i].core) look_at_dead(w, i, second - SIM_ROWS_KILL_S);
}

static bool tell(const struct stretch *s) {
  double each = s->nodes * s->seconds;
  const struct sim_rows_account *from = &s->at_start, *to = &s->at_end;
  double rows = (double)(to->row_bytes - from->row_bytes) / each;
  double pulls = (double)(to->pull_bytes - from->pull_bytes) / each;
  double pings = (double)(to->ping_bytes - from->ping_bytes) / each;
  double cpu_us = (double)(to->row_cpu_ns - from->row_cpu_ns) / each / 1e3;
  bool good = s->least >= share_min && rows + pulls <= bytes_a_second_max;
  printf("rows, %s: cells younger than %d s at a node: %.2f %% at least, %.2f %% on average\n",
         s->name, FRESH_S, 100 * s->least, 100 * s->sum / (double)s->looks);
  printf("  bytes a second and node, sent (as many are received): rows %.0f + pulls %.0f = %.0f; "
         "with all of the pings' HTTP %.0f\n",
         rows, pulls, rows + pulls, pulls + pings);
  printf("  CPU of rows: %.0f us a second and node, advancing, asking, answering and taking\n",
         cpu_us);
  return good;
}

/* --- directions ------------------------------------------------------------------------------- */

static uint32_t node_of(const struct sim_world *w, uint64_t name) {
  uint32_t i = 0;
  while (i < w->members && pm_matrix_short(&w->nodes[i].id) != name) i++;
  return i;
}

/* As any survivor sees it: every detour that both ends measured long enough is found, in its
 * direction, and nothing else is. */
static bool judge_directions(const struct sim_world *w) {
  static struct pm_asymmetry pairs[SIDES_MAX];
  uint64_t right = 0, wrong = 0, missed = 0;
  size_t total, count = 0;
  uint32_t viewer = 0;
  while (viewer < w->members && !w->nodes[viewer].core) viewer++;
  if (viewer == w->members) return false;
  count = pm_asymmetry_rank(sim_rows_matrix(w, viewer),
                            (struct pm_time){sim_world_clock(w, viewer)}, pairs, SIDES_MAX, &total);
  for (size_t p = 0; p < count; p++) {
    uint32_t a = node_of(w, pairs[p].a), b = node_of(w, pairs[p].b);
    bool there = sim_path_is_detour(w, a, b), back = sim_path_is_detour(w, b, a);
    if (!pairs[p].beyond_noise)
      missed += there || back;
    else if ((there && pairs[p].difference_ns > 0) || (back && pairs[p].difference_ns < 0))
      right++;
    else
      wrong++;
  }
  printf("directions, as one node sees them: %zu pairs judged; detours found %" PRIu64
         ", missed %" PRIu64 ", found where there is none %" PRIu64 "\n",
         total, right, missed, wrong);
  return right > 0 && missed * 50 <= right && wrong * 200 <= total;
}

bool sim_rows_judge(struct sim_world *w) {
  struct sim_rows_judge *judge = w->judge;
  judge->halved.seconds += (double)w->now_ns / 1e9;
  bool good = tell(&judge->grown);
  good &= tell(&judge->halved);
  printf("  the worst %d s: %.0f bytes of rows and pulls a second and node\n", LOOK_S,
         judge->worst_bytes);
  printf("paths to the dead: shown as measured until %" PRId64
         " s after it, anything but stale until %" PRId64 " s\n",
         judge->measured_s, judge->not_stale_s);
  good &= judge->undead == 0 && judge->unstale == 0;
  if (w->rows_detours) good &= judge_directions(w);
  return good;
}

/* --- liars ------------------------------------------------------------------------------------ */

void sim_rows_prepare_liars(struct sim_world *w) {
  w->active_max = LIARS_PING;
  sim_rows_prepare(w);
}

static void forge(struct sim_world *w, const struct pm_node_id *from, struct pm_buf *out) {
  struct pm_matrix_cell cells[8];
  struct pm_matrix_row row = {
      .from = *from, .inc = UINT64_MAX, .revision = UINT64_MAX, .hops = 1, .cells = cells};
  uint64_t to = 0;
  for (; row.count < sizeof cells / sizeof cells[0]; row.count++) {
    struct pm_matrix_cell *cell = &cells[row.count];
    to += 1 + pm_rng_next(&w->rng) / 16;
    *cell = (struct pm_matrix_cell){.to = to, .cell = {.state = PM_CELL_MEASURED, .sent = 60}};
    for (int q = 0; q < PM_CELL_QUANTILE_COUNT; q++) cell->cell.rtt_ns[q] = LIE_NS;
  }
  pm_wire_row_write_relayed(&row, 0, out);
  pm_buf_char(out, '\0');
}

/* Rows of honest nodes, always as fresh as can be, and rows of nodes that there are not. */
void sim_rows_lie(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply) {
  static struct pm_buf rows;
  (void)attacker;
  pm_buf_deinit(&rows);
  pm_buf_init(&rows, PM_WIRE_ROWS_BYTES_MAX);
  for (int i = 0; i < PM_WIRE_ROWS_MAX; i++) {
    struct pm_node_id from = w->nodes[pm_rng_below(&w->rng, w->members)].id;
    if (i % 4 == 3) from.bytes[0] ^= (uint8_t)(1 + pm_rng_below(&w->rng, 255));
    forge(w, &from, &rows);
  }
  reply->rows = &rows;
}

static bool is_forged(const struct pm_matrix_row *row) {
  for (size_t c = 0; c < row->count; c++)
    if (row->cells[c].cell.rtt_ns[PM_CELL_P50] > LIE_NS / 2) return true;
  return false;
}

/* Who is pinged speaks for itself, but for the first interval or two. */
static void look_at_pinged(struct sim_world *w, uint32_t i) {
  const struct sim_node *n = &w->nodes[i];
  for (uint32_t a = 0; a < n->active_count; a++) {
    struct pm_gossip_member member;
    if (!pm_gossip_get(n->core, n->active[a], &member)) continue;
    const struct pm_matrix_row *row = pm_matrix_find(sim_rows_matrix(w, i), &member.id);
    w->judge->pinged++;
    w->judge->forged_pinged += row && is_forged(row);
  }
}

static void look_for_lies(struct sim_world *w, uint32_t i) {
  struct sim_rows_judge *judge = w->judge;
  const struct pm_matrix *matrix = sim_rows_matrix(w, i);
  for (size_t r = 0; r < pm_matrix_count(matrix); r++) {
    const struct pm_matrix_row *row = pm_matrix_at(matrix, r);
    bool forged = is_forged(row);
    judge->strangers += node_of(w, pm_matrix_short(&row->from)) == w->members;
    judge->forged_direct += forged && row->source != PM_ROW_RELAYED;
    judge->forged_relayed += forged && row->source == PM_ROW_RELAYED;
    judge->relayed_share += row->source == PM_ROW_RELAYED;
    judge->looks++;
  }
  look_at_pinged(w, i);
}

void sim_rows_lies_second(struct sim_world *w, int64_t second) {
  sim_rows_second(w);
  if (second % LOOK_S != 0) return;
  if (second == SIM_ROWS_SETTLED_S) begin(w, &w->judge->grown, "each pings few", second);
  if (second >= SIM_ROWS_SETTLED_S) look(w, &w->judge->grown);
  for (uint32_t i = 0; i < w->members; i++)
    if (w->nodes[i].core) look_for_lies(w, i);
}

bool sim_rows_judge_lies(struct sim_world *w) {
  struct sim_rows_judge *judge = w->judge;
  judge->grown.seconds += (double)w->now_ns / 1e9;
  (void)tell(&judge->grown); /* for people: nothing is promised of a mesh with liars */
  printf("rows seen: %" PRIu64 ", %.1f %% of them relayed; forged: %" PRIu64
         " of nodes' own word, %" PRIu64 " relayed; of nodes that there are not: %" PRIu64 "\n"
         "of those whom the node pings itself: %" PRIu64 " of %" PRIu64 " forged\n",
         judge->looks, 100 * judge->relayed_share / (double)judge->looks, judge->forged_direct,
         judge->forged_relayed, judge->strangers, judge->forged_pinged, judge->pinged);
  return judge->forged_pinged * PINGED_SHARE <= judge->pinged && judge->forged_direct == 0 &&
         judge->strangers == 0 && judge->forged_relayed > 0 && judge->relayed_share > 0;
}
