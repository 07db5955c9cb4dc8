#include "node/turns.h"

#include <stdbool.h>

#include "base/clock.h"

static const int64_t SLOT_NS = 10LL * PM_NS_PER_S;

/* Slots that have passed since the latest turn hold nothing. */
static void advance(struct pm_turns *turns, int64_t now_ns) {
  int64_t slot = now_ns / SLOT_NS;
  if (slot - turns->slot > PM_TURNS_SLOTS) turns->slot = slot - PM_TURNS_SLOTS;
  while (turns->slot < slot) turns->longest_ns[++turns->slot % PM_TURNS_SLOTS] = 0;
}

/* What was not spent waiting since the turn before. Callbacks of sockets run inside the loop's
 * wait, so only libuv itself can tell the one from the other. */
static void on_turn(uv_prepare_t *handle) {
  struct pm_turns *turns = handle->data;
  int64_t now_ns = pm_clock_now().ns;
  uint64_t idle_ns = uv_metrics_idle_time(handle->loop);
  int64_t took_ns = now_ns - turns->at_ns - (int64_t)(idle_ns - turns->idle_ns);
  bool first = turns->at_ns == 0;
  turns->at_ns = now_ns;
  turns->idle_ns = idle_ns;
  if (first) return;
  advance(turns, now_ns);
  int64_t *longest_ns = &turns->longest_ns[turns->slot % PM_TURNS_SLOTS];
  if (took_ns > *longest_ns) *longest_ns = took_ns;
}

void pm_turns_start(struct pm_turns *turns, uv_loop_t *loop) {
  *turns = (struct pm_turns){.slot = pm_clock_now().ns / SLOT_NS};
  uv_loop_configure(loop, UV_METRICS_IDLE_TIME);
  uv_prepare_init(loop, &turns->turn);
  turns->turn.data = turns;
  uv_prepare_start(&turns->turn, on_turn);
  uv_unref((uv_handle_t *)&turns->turn);
}

void pm_turns_close(struct pm_turns *turns) {
  uv_close((uv_handle_t *)&turns->turn, NULL);
}

int64_t pm_turns_longest_ns(struct pm_turns *turns) {
  int64_t longest_ns = 0;
  advance(turns, pm_clock_now().ns);
  for (int i = 0; i < PM_TURNS_SLOTS; i++)
    if (turns->longest_ns[i] > longest_ns) longest_ns = turns->longest_ns[i];
  return longest_ns;
}
