#include "world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xxhash.h>

#include "check.h"
#include "exchange.h"
#include "faults.h"
#include "queue.h"
#include "rows.h"

struct pm_ip sim_public_ip(uint32_t group, uint32_t host) {
  /* 1.x to 223.x without what is not public; a /16 in 7 steps of 31 apart from its neighbour. */
  for (uint32_t g = group % 57000;; g++) {
    uint8_t bytes[4] = {(uint8_t)(1 + g / 256 % 223), (uint8_t)g, (uint8_t)(host >> 8),
                        (uint8_t)host};
    struct pm_ip ip = pm_ip_from_bytes(PM_IP_V4, bytes);
    if (pm_ip_classify(&ip) == PM_IP_CLASS_PUBLIC) return ip;
    g += 4096;
  }
}

static void place_node(struct sim_world *w, uint32_t i) {
  struct sim_node *n = &w->nodes[i];
  char host[PM_IP_TEXT_BYTES];
  n->wake_ns = INT64_MAX;
  n->contact.ip = n->source = sim_public_ip(i, 10 + i / 57000);
  n->contact.port = SIM_PORT;
  pm_ip_text(&n->contact.ip, host);
  snprintf(n->contact.host, sizeof n->contact.host, "%s", host);
  n->x = (float)pm_rng_unit(&w->rng);
  n->y = (float)pm_rng_unit(&w->rng);
  n->access_ms = 1 + 8 * (float)pm_rng_unit(&w->rng);
  snprintf(n->location, sizeof n->location, "Site %u", i % (w->count / 4 + 1));
  for (size_t b = 0; b < PM_NODE_ID_BYTES; b++) n->id.bytes[b] = (uint8_t)pm_rng_next(&w->rng);
}

static void read_matrix(struct sim_world *w, const char *path) {
  FILE *file = fopen(path, "r");
  enum { SIDE_MAX = 2000 };
  if (!file) {
    fprintf(stderr, "pingmesh-sim: cannot read %s\n", path);
    exit(2);
  }
  size_t count = 0, room = 1 << 16;
  float *values = malloc(room * sizeof *values);
  while (values && fscanf(file, "%f", &values[count]) == 1)
    if (++count == room) values = realloc(values, (room *= 2) * sizeof *values);
  fclose(file);
  w->matrix_size = (uint32_t)lround(sqrt((double)count));
  w->matrix = values;
  if (!values || w->matrix_size == 0 || w->matrix_size > SIDE_MAX) {
    fprintf(stderr, "pingmesh-sim: %s is no square matrix\n", path);
    exit(2);
  }
}

void sim_world_index(struct sim_world *w) {
  memset(w->by_address, 0xff, (w->by_address_mask + 1) * sizeof *w->by_address);
  for (uint32_t i = 0; i < w->count; i++) {
    const struct pm_contact *c = &w->nodes[i].contact;
    size_t at = pm_contact_ip_hash(&c->ip, c->port) & w->by_address_mask;
    while (w->by_address[at] != SIM_NOBODY) at = (at + 1) & w->by_address_mask;
    w->by_address[at] = i;
  }
}

uint32_t sim_world_find(const struct sim_world *w, const struct pm_ip *ip, uint16_t port) {
  size_t at = pm_contact_ip_hash(ip, port) & w->by_address_mask;
  for (; w->by_address[at] != SIM_NOBODY; at = (at + 1) & w->by_address_mask) {
    const struct pm_contact *c = &w->nodes[w->by_address[at]].contact;
    if (c->port == port && pm_ip_equal(&c->ip, ip)) return w->by_address[at];
  }
  return SIM_NOBODY;
}

/* Tables hold everyone up to a thousand; beyond that the mesh is sampled, and memory decides. */
static uint32_t default_members(uint32_t nodes) {
  return nodes <= 1024 ? 1024 : nodes <= 20000 ? 512 : 64;
}

static void *need(void *memory) {
  if (memory) return memory;
  fprintf(stderr, "pingmesh-sim: out of memory\n");
  exit(1);
}

struct sim_world *sim_world_new(const struct sim_options *options, const struct sim_hooks *hooks) {
  struct sim_world *w = need(calloc(1, sizeof *w));
  w->options = *options;
  w->hooks = *hooks;
  w->members = options->nodes;
  w->count = options->nodes + options->attackers;
  w->loss = options->loss;
  w->members_max = options->members_max ? options->members_max : default_members(options->nodes);
  w->end_ns = (int64_t)(options->minutes * 60e9);
  pm_rng_seed(&w->rng, options->seed);
  w->nodes = need(calloc(w->count, sizeof *w->nodes));
  w->by_address_mask = 1023;
  while (w->by_address_mask < w->count * 2) w->by_address_mask = w->by_address_mask * 2 + 1;
  w->by_address = need(malloc((w->by_address_mask + 1) * sizeof *w->by_address));
  if (w->count <= 20000) w->knows = need(calloc(((size_t)w->count * w->count + 7) / 8, 1));
  pm_buf_init(&w->text, PM_WIRE_OLD_READ_BYTES_MAX);
  w->update = need(calloc(1, sizeof *w->update));
  w->answer = need(calloc(1, sizeof *w->answer));
  w->answer->entries = need(calloc(PM_WIRE_ENTRIES_MAX, sizeof *w->answer->entries));
  w->answer->entries_max = PM_WIRE_ENTRIES_MAX;
  w->victim_counts = need(calloc(1 << 20, sizeof *w->victim_counts));
  w->faults = sim_faults_new();
  w->check = sim_check_new(w->count);
  if (options->matrix) read_matrix(w, options->matrix);
  for (uint32_t i = 0; i < w->count; i++) {
    place_node(w, i);
    if (i >= w->members) w->nodes[i].kind = SIM_ATTACKER;
  }
  w->seed_contact = w->nodes[0].contact;
  if (hooks->prepare) hooks->prepare(w);
  sim_world_index(w);
  return w;
}

/* --- the cores' memory -------------------------------------------------------------------------
 */

/* Ten thousand cores touched at random miss the processor's table of pages at nearly each access,
 * unless the pages are large. */
static void cores_map(struct sim_world *w) {
  enum { PAGE = 2 << 20 };
  w->cores_bytes = (w->count * w->core_bytes + PAGE - 1) / PAGE * PAGE;
  w->cores = need(aligned_alloc(PAGE, w->cores_bytes));
  (void)madvise(w->cores, w->cores_bytes, MADV_HUGEPAGE);
}

/* In a small world fresh memory for each start, so that sanitizers see who holds on to an old one.
 */
static void *core_memory(struct sim_world *w, uint32_t i) {
  if (w->count <= SIM_WIRE_NODES_MAX) return need(malloc(w->core_bytes));
  if (!w->cores) cores_map(w);
  return w->cores + i * w->core_bytes;
}

static void core_free(struct sim_world *w, uint32_t i) {
  if (!w->cores) free(w->nodes[i].core);
  w->nodes[i].core = NULL;
}

void sim_world_free(struct sim_world *w) {
  sim_queue_free(w);
  sim_rows_free(w);
  free(w->judge);
  for (uint32_t i = 0; i < w->count; i++) {
    core_free(w, i);
    free(w->nodes[i].active);
    free(w->nodes[i].saved);
  }
  sim_faults_free(w->faults);
  sim_check_free(w->check);
  free(w->answer->entries);
  free(w->answer);
  free(w->update);
  pm_buf_deinit(&w->text);
  free(w->victim_counts);
  free(w->matrix);
  free(w->knows);
  free(w->cores);
  free(w->by_address);
  free(w->nodes);
  free(w);
}

/* --- what is known ---------------------------------------------------------------------------- */

bool sim_world_counts(const struct sim_world *w, uint32_t node) {
  const struct sim_node *n = &w->nodes[node];
  return n->alive && !n->nat && !n->twin && n->kind != SIM_ATTACKER;
}

int64_t sim_world_clock(const struct sim_world *w, uint32_t node) {
  return w->now_ns + w->nodes[node].clock_ns;
}

bool sim_world_knows(const struct sim_world *w, uint32_t who, uint32_t whom) {
  size_t bit = (size_t)who * w->count + whom;
  return w->knows && (w->knows[bit / 8] >> (bit % 8) & 1);
}

static double pair_coverage(const struct sim_world *w) {
  uint64_t known = 0, possible = 0;
  for (uint32_t i = 0; i < w->members; i++) {
    if (!w->nodes[i].alive || !w->nodes[i].core) continue;
    for (uint32_t j = 0; j < w->members; j++) {
      if (i == j || !sim_world_counts(w, j)) continue;
      possible++;
      known += sim_world_knows(w, i, j);
    }
  }
  return possible == 0 ? 0 : (double)known / (double)possible;
}

static double table_coverage(const struct sim_world *w) {
  uint64_t known = 0, possible = 0;
  for (uint32_t i = 0; i < w->members; i++) {
    if (!w->nodes[i].alive || !w->nodes[i].core) continue;
    possible += w->members_max;
    known += w->nodes[i].verified;
  }
  return possible == 0 ? 0 : (double)known / (double)possible;
}

double sim_world_coverage(const struct sim_world *w) {
  return w->knows && w->members <= w->members_max ? pair_coverage(w) : table_coverage(w);
}

uint64_t sim_world_zombies(const struct sim_world *w) {
  enum { LONG_S = 900 };
  uint64_t zombies = 0;
  for (uint32_t j = 0; j < w->count; j++) {
    const struct sim_node *dead = &w->nodes[j];
    if (dead->alive || dead->runs == 0) continue;
    if (w->now_ns - dead->died_ns < (int64_t)LONG_S * 1000000000) continue;
    for (uint32_t i = 0; i < w->members; i++)
      zombies += w->nodes[i].core != NULL && sim_world_knows(w, i, j);
  }
  return zombies;
}

/* --- life and death --------------------------------------------------------------------------- */

/* HMAC's stand-in: a keyed hash with the key number in it. */
static void sim_mac(void *ctx, unsigned key, const void *data, size_t bytes,
                    uint8_t out[PM_WIRE_MAC_BYTES]) {
  (void)ctx;
  XXH128_hash_t hash = XXH3_128bits_withSeed(data, bytes, 0x5eed + key);
  memcpy(out, &hash, PM_WIRE_MAC_BYTES);
}

static void configure(struct sim_world *w, uint32_t i, struct pm_gossip_config *config) {
  struct sim_node *n = &w->nodes[i];
  pm_gossip_config_init(config, w->members_max);
  config->id = n->id;
  config->inc = n->inc = n->twin ? 1 : (uint64_t)w->now_ns + 1 + i;
  config->pace_s = n->pace_s;
  if (n->ttl > 0) config->ttl = n->ttl;
  if (w->active_max > 0) config->active_max = w->active_max;
  config->self_count = 1;
  config->self[0] = n->contact;
  bool as_seen = i % 2 == 1 && pm_ip_equal(&n->contact.ip, &n->source);
  if (as_seen) { /* half of the nodes do not know their own address */
    config->self[0].ip = (struct pm_ip){.family = PM_IP_NONE};
    config->self[0].host[0] = '\0';
  }
  if (w->options.keyed) config->auth = (struct pm_gossip_auth){.mac = sim_mac, .keys = 1};
}

static void add_seed(struct sim_world *w, uint32_t i) {
  if (i == 0) return;
  struct pm_gossip_event event = {
      .now = {sim_world_clock(w, i)}, .kind = PM_GOSSIP_LOCAL_ADD, .local = &w->seed_contact};
  sim_check_local(w, i, &w->seed_contact);
  sim_step(w, i, &event);
}

static uint32_t host_of_old(const struct sim_world *w, uint32_t old) {
  enum { STRIDE = 7919 }; /* prime, so that every node comes up, and the hosts are spread */
  uint32_t i = old * STRIDE % w->members;
  while (w->nodes[i].kind != SIM_HONEST) i = (i + STRIDE) % w->members;
  return i;
}

/* Each old node was added by hand at one node of ours: it announces itself to nobody. */
static void add_old_nodes(struct sim_world *w, uint32_t i) {
  for (uint32_t j = 1; j < w->members; j++) {
    if (w->nodes[j].kind != SIM_OLD || host_of_old(w, j) != i) continue;
    struct pm_gossip_event event = {
        .now = {sim_world_clock(w, i)}, .kind = PM_GOSSIP_LOCAL_ADD, .local = &w->nodes[j].contact};
    sim_check_local(w, i, &w->nodes[j].contact);
    sim_step(w, i, &event);
  }
}

static void start_core(struct sim_world *w, uint32_t i) {
  struct sim_node *n = &w->nodes[i];
  struct pm_gossip_config config;
  uint8_t seed[PM_GOSSIP_SEED_BYTES];
  configure(w, i, &config);
  for (size_t b = 0; b < sizeof seed; b++) seed[b] = (uint8_t)pm_rng_next(&w->rng);
  w->core_bytes = (pm_gossip_size(&config) + 63) / 64 * 64;
  n->core = core_memory(w, i);
  if (!n->active) n->active = need(calloc(config.active_max, sizeof *n->active));
  n->active_count = 0;
  n->core = pm_gossip_init(n->core, &config, seed, (struct pm_time){sim_world_clock(w, i)});
  sim_rows_start(w, i);
  add_seed(w, i);
  add_old_nodes(w, i);
  sim_saved_read(w, i);
  n->plan_ns = w->now_ns + pm_rng_between(&w->rng, 0, SIM_PLAN_MS) * 1000000;
  sim_queue_push(w, n->plan_ns, SIM_PLAN, i, NULL);
}

void sim_world_start(struct sim_world *w, uint32_t i) {
  struct sim_node *n = &w->nodes[i];
  if (n->alive) return;
  n->alive = true;
  n->runs++;
  n->verified = n->known = 0;
  sim_check_reset(w, i);
  for (uint32_t j = 0; w->knows && j < w->count; j++) {
    size_t bit = (size_t)i * w->count + j;
    w->knows[bit / 8] &= (uint8_t) ~(1u << (bit % 8));
  }
  if (n->kind == SIM_HONEST) start_core(w, i);
  if (n->kind == SIM_ATTACKER) sim_queue_push(w, w->now_ns, SIM_ATTACK, i, NULL);
}

void sim_world_start_at(struct sim_world *w, uint32_t node, int64_t at_ns) {
  sim_queue_push(w, at_ns, SIM_START, node, NULL);
}

void sim_world_kill(struct sim_world *w, uint32_t i) {
  struct sim_node *n = &w->nodes[i];
  if (!n->alive) return;
  sim_saved_write(w, i);
  sim_rows_stop(w, i);
  n->alive = false;
  n->died_ns = w->now_ns;
  n->wake_ns = INT64_MAX;
  n->active_count = 0;
  core_free(w, i);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void wake(struct sim_world *w, const struct sim_event *e) {
  struct sim_node *n = &w->nodes[e->node];
  if (!n->core || n->wake_ns != e->at_ns) return;
  n->wake_ns = INT64_MAX;
  struct pm_gossip_event tick = {.now = {sim_world_clock(w, e->node)}, .kind = PM_GOSSIP_TICK};
  sim_step(w, e->node, &tick);
}

static void dispatch(struct sim_world *w, struct sim_event *e) {
  switch (e->kind) {
  case SIM_WAKE:
    wake(w, e);
    break;
  case SIM_START:
    sim_world_start(w, e->node);
    break;
  case SIM_PLAN:
    if (w->nodes[e->node].plan_ns == e->at_ns) sim_plan(w, e->node);
    break;
  case SIM_ATTACK:
    sim_attack(w, e->node);
    break;
  case SIM_REQUEST:
    sim_request_arrives(w, e->message);
    break;
  case SIM_RESPONSE:
    sim_response_arrives(w, e->message);
    break;
  case SIM_SECOND:
    if (w->hooks.second) w->hooks.second(w, w->now_ns / 1000000000);
    sim_queue_push(w, w->now_ns + 1000000000, SIM_SECOND, 0, NULL);
    break;
  }
}

/* While one event is dealt with, what the next ones need comes out of memory. */
static void look_ahead(const struct sim_world *w) {
  enum { AHEAD = 5 };
  for (size_t i = 0; i < AHEAD && i < w->queue_count; i++) {
    const struct sim_event *e = &w->queue[i];
    __builtin_prefetch(&w->nodes[e->node]);
    if (e->message) __builtin_prefetch(e->message);
  }
}

bool sim_world_run(struct sim_world *w, int64_t until_ns) {
  if (until_ns > w->end_ns) until_ns = w->end_ns;
  if (w->now_ns == 0) sim_queue_push(w, 0, SIM_SECOND, 0, NULL);
  struct sim_event e;
  while (sim_queue_pop(w, until_ns, &e)) {
    w->now_ns = e.at_ns;
    look_ahead(w);
    dispatch(w, &e);
  }
  w->now_ns = until_ns;
  return until_ns < w->end_ns;
}
