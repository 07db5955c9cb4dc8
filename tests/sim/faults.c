#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "gossip/view.h"
#include "queue.h"

enum { REORDER_MS = 2000, LATE_MS_MIN = 4000, LATE_MS_MAX = 30000 };
#define S 1000000000ll

static void *need(void *memory) {
  if (memory) return memory;
  fprintf(stderr, "pingmesh-sim: out of memory\n");
  exit(1);
}

struct sim_faults *sim_faults_new(void) {
  return need(calloc(1, sizeof(struct sim_faults)));
}

void sim_faults_free(struct sim_faults *faults) {
  for (size_t i = 0; i < SIM_REPLAYS_KEPT; i++) sim_message_free(faults->kept[i]);
  free(faults);
}

void sim_faults_calm(struct sim_world *w) {
  struct sim_faults *f = w->faults;
  w->partitioned = false;
  w->loss = 0;
  f->duplicated = f->replayed = f->reordered = f->dripped = f->late = f->one_way = 0;
}

/* No draw where there is nothing to draw for: a scenario without faults keeps its history. */
static bool happens(struct sim_world *w, double share) {
  return share > 0 && pm_rng_unit(&w->rng) < share;
}

/* --- the network ------------------------------------------------------------------------------ */

bool sim_faults_pass(const struct sim_world *w, uint32_t from, uint32_t to) {
  const struct sim_faults *f = w->faults;
  if (w->partitioned && w->nodes[from].side != w->nodes[to].side) return false;
  if (f->one_way <= 0) return true;
  uint64_t pair[3] = {f->one_way_salt, from, to};
  return (double)(XXH3_64bits(pair, sizeof pair) >> 11) / (double)(1ull << 53) >= f->one_way;
}

int64_t sim_faults_delay_ns(struct sim_world *w) {
  if (!happens(w, w->faults->reordered)) return 0;
  return pm_rng_between(&w->rng, 0, REORDER_MS) * 1000000;
}

static char *copy_text(const char *text, size_t bytes) {
  if (!text) return NULL;
  char *copy = need(malloc(bytes + 1));
  memcpy(copy, text, bytes);
  copy[bytes] = '\0';
  return copy;
}

static struct sim_message *copy_message(const struct sim_message *m) {
  struct sim_message *copy = need(malloc(sizeof *copy));
  *copy = *m;
  copy->echo = true;
  copy->query = copy_text(m->query, m->query ? strlen(m->query) : 0);
  copy->header = copy_text(m->header, m->header ? strlen(m->header) : 0);
  copy->body = copy_text(m->body, m->body_bytes);
  return copy;
}

static void keep(struct sim_faults *f, const struct sim_message *m, int64_t at_ns) {
  struct sim_message **place = &f->kept[f->kept_count++ % SIM_REPLAYS_KEPT];
  sim_message_free(*place);
  *place = copy_message(m);
  (*place)->arrives_ns = at_ns;
}

/* Half of the replays are the network's own; the others come from somebody who listened in. */
static void replay(struct sim_world *w, int64_t at_ns) {
  struct sim_faults *f = w->faults;
  uint64_t count = f->kept_count < SIM_REPLAYS_KEPT ? f->kept_count : SIM_REPLAYS_KEPT;
  if (count == 0) return;
  const struct sim_message *kept = f->kept[pm_rng_below(&w->rng, count)];
  if (kept->arrives_ns >= at_ns) return; /* what overtakes the first is no replay */
  struct sim_message *m = copy_message(kept);
  if (m->answered) {
    sim_queue_push(w, at_ns, SIM_RESPONSE, m->from, m);
    return;
  }
  bool stranger = w->count > w->members && pm_rng_below(&w->rng, 2) == 0;
  if (stranger) m->source = w->nodes[w->count - 1].source;
  sim_queue_push(w, at_ns, SIM_REQUEST, m->from, m);
}

static void echo(struct sim_world *w, const struct sim_message *m, enum sim_event_kind kind,
                 uint32_t node, int64_t at_ns) {
  struct sim_faults *f = w->faults;
  if (happens(w, f->duplicated))
    sim_queue_push(w, at_ns + sim_faults_delay_ns(w) + 1, kind, node, copy_message(m));
  if (!happens(w, f->replayed)) return;
  replay(w, at_ns);
  keep(f, m, at_ns);
}

void sim_faults_echo_request(struct sim_world *w, const struct sim_message *m, uint32_t to,
                             int64_t at_ns) {
  if (!m->echo) echo(w, m, SIM_REQUEST, to, at_ns);
}

void sim_faults_echo_response(struct sim_world *w, const struct sim_message *m, int64_t at_ns) {
  if (!m->echo) echo(w, m, SIM_RESPONSE, m->from, at_ns);
}

bool sim_faults_spoil(struct sim_world *w, struct sim_message *m, int64_t *out_at_ns) {
  bool late = happens(w, w->faults->late);
  if (!late && !happens(w, w->faults->dripped)) return false;
  int64_t late_ns = pm_rng_between(&w->rng, LATE_MS_MIN, LATE_MS_MAX) * 1000000;
  if (late) sim_queue_push(w, w->now_ns + late_ns, SIM_RESPONSE, m->from, copy_message(m));
  m->ok = false;
  *out_at_ns = m->sent_ns + SIM_TIMEOUT_MS * 1000000ll;
  return true;
}

void sim_faults_split(struct sim_world *w) {
  uint32_t kind = (uint32_t)pm_rng_below(&w->rng, 3);
  uint32_t alone = (uint32_t)pm_rng_below(&w->rng, w->members);
  double share = kind == 0 ? 0.5 : 0.05 + 0.4 * pm_rng_unit(&w->rng);
  for (uint32_t i = 0; i < w->count; i++)
    w->nodes[i].side = kind == 1 ? i == alone : pm_rng_unit(&w->rng) < share;
}

/* --- machines --------------------------------------------------------------------------------- */

void sim_faults_jump(struct sim_world *w, uint32_t node, int64_t by_ns) {
  struct sim_node *n = &w->nodes[node];
  n->clock_ns += by_ns;
  if (!n->core) return;
  struct pm_gossip_event tick = {.now = {sim_world_clock(w, node)}, .kind = PM_GOSSIP_TICK};
  sim_step(w, node, &tick);
}

void sim_faults_clone(struct sim_world *w, uint32_t node, uint32_t of, bool same_inc) {
  w->nodes[node].id = w->nodes[of].id;
  if (!same_inc) return;
  /* Two that look like one: others know either of them. */
  w->nodes[node].twin = w->nodes[of].twin = true;
}

void sim_faults_mass_restart(struct sim_world *w, double share, int64_t within_s) {
  for (uint32_t i = 1; i < w->members; i++) {
    if (!w->nodes[i].alive || pm_rng_unit(&w->rng) >= share) continue;
    sim_world_kill(w, i);
    sim_world_start_at(w, i, w->now_ns + pm_rng_between(&w->rng, 0, within_s * 1000) * 1000000);
  }
}

/* --- what a restart finds --------------------------------------------------------------------- */

void sim_saved_write(struct sim_world *w, uint32_t node) {
  struct sim_node *n = &w->nodes[node];
  if (!n->keeps_state || !n->core) return;
  if (!n->saved) n->saved = need(calloc(SIM_SAVED_MAX, sizeof *n->saved));
  struct pm_gossip_member member;
  uint32_t cursor = 0, count = 0;
  while (count < SIM_SAVED_MAX && pm_gossip_next(n->core, &cursor, &member))
    if (member.state == PM_MEMBER_VERIFIED) n->saved[count++] = member.contact;
  if (count > 0) n->saved_count = count; /* one that died young keeps what it had */
}

void sim_saved_read(struct sim_world *w, uint32_t node) {
  const struct sim_node *n = &w->nodes[node];
  for (uint32_t i = 0; i < n->saved_count; i++) {
    struct pm_gossip_event event = {
        .now = {sim_world_clock(w, node)}, .kind = PM_GOSSIP_RESTORE, .restore = &n->saved[i]};
    sim_step(w, node, &event);
  }
}
