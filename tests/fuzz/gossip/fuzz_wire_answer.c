/* A list from anybody, taken by a core that asked for it: no fault, and no bound of the core
 * broken. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/core.h"
#include "gossip/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pm_gossip_update update;
static struct pm_wire_entry entries[PM_WIRE_ENTRIES_MAX];
static struct pm_wire_old old[PM_WIRE_ENTRIES_MAX];

/* As if the answer were some member's. */
static void take_sums(struct pm_rows *rows, const struct pm_gossip *g,
                      const struct pm_wire_answer *answer) {
  struct pm_gossip_member member;
  uint32_t cursor = 0;
  if (answer->node.version == 0 && pm_gossip_next(g, &cursor, &member))
    pm_rows_take_old(rows, g, member.handle, answer, g->now);
  if (pm_rows_bytes(rows) > pm_rows_bytes_max(4)) abort();
}

static void step(struct pm_gossip *g, struct pm_gossip_event event) {
  pm_gossip_step(g, &event, &update);
}

/* A core with one seed, proved and asked. */
static struct pm_gossip *asking(void) {
  static const uint8_t seed[PM_GOSSIP_SEED_BYTES];
  struct pm_gossip_config config;
  struct pm_contact contact;
  pm_gossip_config_init(&config, 16);
  config.id.bytes[0] = 1;
  struct pm_gossip *g =
      pm_gossip_init(malloc(pm_gossip_size(&config)), &config, seed, (struct pm_time){1});
  if (pm_contact_from_text("8.8.8.8:80|8.8.8.8", &contact) != PM_OK) abort();
  step(g, (struct pm_gossip_event){.now = {2}, .kind = PM_GOSSIP_LOCAL_ADD, .local = &contact});
  step(g, (struct pm_gossip_event){.now = {3},
                                   .kind = PM_GOSSIP_PONG,
                                   .pong = {update.sends[0].token, true, NULL, "Old", 1}});
  for (int64_t t = 1; !g->round.pulling && t < 100; t++)
    step(g, (struct pm_gossip_event){.now = {t * PM_NS_PER_S}, .kind = PM_GOSSIP_TICK});
  return g;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct pm_rows *rows;
  const struct pm_rows_config config = {.id = {{1}}, .rows_max = 4};
  if (!rows && pm_rows_new(&config, &rows) != PM_OK) return 0;
  struct pm_wire_answer answer = {.entries = entries,
                                  .entries_max = PM_WIRE_ENTRIES_MAX,
                                  .old = old,
                                  .rows = pm_rows_inbox(rows)};
  if (pm_wire_answer_read((const char *)data, size, &answer, NULL) != PM_OK) return 0;
  struct pm_gossip *g = asking();
  answer.node.nonce = g->round.token.nonce; /* what no fuzzer can guess */
  step(g, (struct pm_gossip_event){
              .now = g->now, .kind = PM_GOSSIP_ANSWER, .answer = {g->round.token, &answer}});
  take_sums(rows, g, &answer);
  for (int64_t t = 0; t < 5; t++) {
    for (size_t i = 0; i < update.sends_count; i++)
      if (pm_ip_classify(&update.sends[i].to.ip) != PM_IP_CLASS_PUBLIC &&
          update.sends[i].kind != PM_GOSSIP_SEND_RESOLVE)
        abort();
    step(g, (struct pm_gossip_event){.now = pm_time_add_ms(g->now, 2000), .kind = PM_GOSSIP_TICK});
  }
  for (int b = 0; b < PM_BOUND_COUNT; b++)
    if (g->bounds.refused[b] > 0) abort();
  free(g);
  return 0;
}
