/* What the mesh costs a node in CPU, without any network: a round with a full answer, part by part,
 * on both sides; and a settled member of a mesh of a thousand. Every message passes the wire code.
 * Exit 1 if a bar is missed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gossip/gossip.h"

enum {
  MEMBERS = 1000,      /* of the tables that are measured; M is 1024 */
  ROUNDS = 400,        /* the median of which is shown */
  IDLE_S = 600,        /* of simulated time */
  PLAN_MS = 10000,     /* interval of the probe plan */
  ROUND_BAR_US = 500,  /* both sides together */
  IDLE_BAR_PPM = 1000, /* of a core */
};

/* One core and what it talks with: everybody else answers at once. */
struct bench {
  struct pm_gossip *core;
  struct pm_time now;
  struct pm_gossip_update update;
  struct pm_gossip_send pull; /* the last one that the core sent */
  bool has_pull;
  uint64_t *active;
  size_t active_count, active_max;
  uint64_t exchanges;
  struct pm_buf query, header, body;
  struct pm_wire_answer answer;
};

static double cpu_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void must(bool good, const char *what) {
  if (good) return;
  fprintf(stderr, "bench_gossip: %s\n", what);
  abort();
}

/* Neighbours in number are far apart in address: no /16 takes more than its share. */
static struct pm_contact contact_of(uint32_t i) {
  uint8_t bytes[4] = {(uint8_t)(20 + i / 62500), (uint8_t)(i % 250), (uint8_t)(i / 250 % 250), 7};
  struct pm_contact contact = {.ip = pm_ip_from_bytes(PM_IP_V4, bytes), .port = 8080};
  char text[PM_IP_TEXT_BYTES];
  pm_ip_text(&contact.ip, text);
  memcpy(contact.host, text, sizeof text);
  return contact;
}

static struct pm_node_id id_of(const struct pm_contact *contact) {
  struct pm_node_id id = {{1}};
  memcpy(id.bytes + 1, contact->ip.bytes, 4);
  return id;
}

static struct pm_wire_pong pong_of(const struct pm_contact *contact, uint64_t nonce) {
  return (struct pm_wire_pong){.version = PM_WIRE_VERSION,
                               .mesh = "default",
                               .id = id_of(contact),
                               .inc = 1,
                               .nonce = nonce,
                               .has_nonce = true,
                               .your_ip = contact_of(0).ip,
                               .has_coordinate = true,
                               .coordinate = {.at_ms = {12.5f, -3.25f, (float)contact->ip.bytes[2]},
                                              .height_ms = 1.5f,
                                              .error = 0.3f}};
}

/* --- a core and its surroundings -------------------------------------------------------------- */

static void step(struct bench *b, struct pm_gossip_event *event);

static void answer_probe(struct bench *b, const struct pm_gossip_send *send) {
  struct pm_wire_pong pong = pong_of(&send->to, send->request.nonce);
  struct pm_gossip_event event = {.kind = PM_GOSSIP_PONG,
                                  .pong = {send->token, true, &pong, "Paris,FR", 20000}};
  pm_buf_reset(&b->query);
  pm_buf_reset(&b->header);
  pm_wire_request_write(&send->request, &b->query);
  pm_wire_pong_write(&pong, &b->header);
  must(pm_wire_pong_read(b->header.data, &pong) == PM_OK, "a header is not read");
  b->exchanges++;
  step(b, &event);
}

static void take_change(struct bench *b, const struct pm_gossip_change *c) {
  if (c->kind == PM_CHANGE_ACTIVATED && b->active_count < b->active_max)
    b->active[b->active_count++] = c->handle;
  for (size_t i = 0; c->kind == PM_CHANGE_DEACTIVATED && i < b->active_count; i++)
    if (b->active[i] == c->handle) b->active[i] = b->active[--b->active_count];
}

static void step_only(struct bench *b, struct pm_gossip_event *event) {
  event->now = b->now;
  pm_gossip_step(b->core, event, &b->update);
}

/* Answers to what the step sent; of these, pulls are the caller's. */
static void react(struct bench *b) {
  struct pm_gossip_send probes[PM_GOSSIP_SENDS_MAX];
  size_t count = 0;
  for (size_t i = 0; i < b->update.changes_count; i++) take_change(b, &b->update.changes[i]);
  for (size_t i = 0; i < b->update.sends_count; i++) {
    const struct pm_gossip_send *send = &b->update.sends[i];
    if (send->kind == PM_GOSSIP_SEND_PULL) {
      b->pull = *send;
      b->has_pull = true;
    } else if (send->kind == PM_GOSSIP_SEND_PROBE) {
      probes[count++] = *send;
    }
  }
  for (size_t i = 0; i < count; i++) answer_probe(b, &probes[i]);
}

static void step(struct bench *b, struct pm_gossip_event *event) {
  step_only(b, event);
  react(b);
}

static void tick(struct bench *b) {
  struct pm_gossip_event event = {.kind = PM_GOSSIP_TICK};
  struct pm_time due = pm_gossip_deadline(b->core);
  if (pm_time_before(b->now, due)) b->now = due;
  step(b, &event);
}

static struct bench *bench_new(void) {
  static const uint8_t seed[PM_GOSSIP_SEED_BYTES] = {7};
  struct pm_gossip_config config;
  struct bench *b = calloc(1, sizeof *b);
  must(b != NULL, "no memory");
  pm_gossip_config_init(&config, PM_GOSSIP_MEMBERS_DEFAULT);
  struct pm_contact self = contact_of(0);
  config.id = id_of(&self);
  config.self[0] = self;
  config.self_count = 1;
  b->now = (struct pm_time){PM_NS_PER_S};
  void *memory = malloc(pm_gossip_size(&config));
  must(memory != NULL, "no memory");
  b->core = pm_gossip_init(memory, &config, seed, b->now);
  b->active_max = config.active_max;
  b->active = calloc(b->active_max, sizeof *b->active);
  b->answer.entries = calloc(PM_WIRE_ENTRIES_MAX, sizeof *b->answer.entries);
  b->answer.entries_max = PM_WIRE_ENTRIES_MAX;
  must(b->active != NULL && b->answer.entries != NULL, "no memory");
  pm_buf_init(&b->query, PM_WIRE_QUERY_BYTES_MAX);
  pm_buf_init(&b->header, PM_WIRE_PONG_BYTES_MAX);
  pm_buf_init(&b->body, PM_WIRE_ANSWER_BYTES_MAX);
  return b;
}

static void bench_free(struct bench *b) {
  pm_buf_deinit(&b->query);
  pm_buf_deinit(&b->header);
  pm_buf_deinit(&b->body);
  free(b->answer.entries);
  free(b->active);
  free(b->core);
  free(b);
}

static void end_pull(struct bench *b, const struct pm_wire_answer *answer) {
  struct pm_gossip_event event = {.kind = PM_GOSSIP_ANSWER, .answer = {b->pull.token, answer}};
  b->has_pull = false;
  step(b, &event);
}

static void run_for(struct bench *b, int64_t ms) {
  struct pm_time end = pm_time_add_ms(b->now, ms);
  while (pm_time_before(b->now, end) && !pm_time_before(end, pm_gossip_deadline(b->core))) {
    tick(b);
    if (b->has_pull) end_pull(b, NULL);
  }
  b->now = end;
}

/* All members of before a restart, tried and proved; pulls in between bring nothing. */
static struct bench *settled(void) {
  struct bench *b = bench_new();
  for (uint32_t i = 1; i <= MEMBERS; i++) {
    struct pm_contact contact = contact_of(i);
    struct pm_gossip_event event = {.kind = PM_GOSSIP_RESTORE, .restore = &contact};
    step(b, &event);
  }
  run_for(b, (int64_t)IDLE_S * 1000);
  return b;
}

/* --- a round ---------------------------------------------------------------------------------- */

enum part { WRITE_REQUEST, READ_REQUEST, SERVE, WRITE, READ, TAKE, PARTS };
static const char *const part_names[PARTS] = {
    "asker: core and request written", "giver: request read", "giver: core chooses the entries",
    "giver: answer written",           "asker: answer read",  "asker: core takes the answer"};

static void until_pull(struct bench *b) {
  while (!b->has_pull) tick(b);
}

/* The giver's members are none of the asker's, which has asked for as much as there can be. */
static struct pm_wire_request *wanting(struct bench *asker) {
  static struct pm_wire_request request;
  request = asker->pull.request;
  request.limit = PM_WIRE_LIMIT_MAX;
  request.part = 0;
  request.parts = 1;
  request.has_bloom = true;
  pm_bloom_init(&request.bloom, PM_BLOOM_KEYS);
  for (uint32_t i = 0; i < PM_BLOOM_KEYS; i++) {
    struct pm_contact contact = contact_of(100000 + i);
    pm_bloom_add(&request.bloom, pm_bloom_salted(pm_contact_hash(&contact, 0), request.salt));
  }
  return &request;
}

/* Half of what is told is new to the asker, and so goes through all of admission. */
static void make_new(struct pm_wire_answer *answer, uint32_t round) {
  for (size_t i = 0; i < answer->entries_count; i += 2)
    answer->entries[i].contact = contact_of(200000 + round * PM_WIRE_LIMIT_MAX + (uint32_t)i);
}

static void measure_round(struct bench *asker, struct bench *giver, uint32_t round,
                          double us[PARTS]) {
  static const struct pm_peers_head head = {
      .srv_loc = "Paris,FR", .srv_host = "node.example.net", .srv_port = 8080};
  struct pm_wire_request request;
  struct pm_gossip_event event = {.kind = PM_GOSSIP_REQUEST,
                                  .request = {.source = contact_of(0).ip, .request = &request}};
  until_pull(asker);
  const struct pm_wire_request *wants = wanting(asker);
  pm_buf_reset(&asker->query);
  pm_buf_reset(&giver->body);
  double at[PARTS + 1];
  at[WRITE_REQUEST] = cpu_us();
  pm_wire_request_write(wants, &asker->query);
  at[READ_REQUEST] = cpu_us();
  must(pm_wire_request_read(asker->query.data, &request, NULL) == PM_OK, "a request is not read");
  at[SERVE] = cpu_us();
  step_only(giver, &event);
  double served = cpu_us();
  struct pm_wire_answer *reply = &giver->update.reply;
  reply->node = pong_of(&asker->pull.to, asker->pull.request.nonce);
  must(reply->entries_count == PM_WIRE_LIMIT_MAX, "the answer is not full");
  make_new(reply, round);
  double begun = cpu_us();
  pm_wire_answer_write(reply, &head, &giver->body);
  at[READ] = cpu_us();
  must(pm_wire_answer_read(giver->body.data, giver->body.len, &asker->answer, NULL) == PM_OK,
       "an answer is not read");
  must(asker->answer.entries_count == PM_WIRE_LIMIT_MAX, "the answer is not whole");
  at[TAKE] = cpu_us();
  event = (struct pm_gossip_event){.kind = PM_GOSSIP_ANSWER,
                                   .answer = {asker->pull.token, &asker->answer}};
  asker->has_pull = false;
  step_only(asker, &event);
  at[PARTS] = cpu_us();
  us[WRITE_REQUEST] = at[READ_REQUEST] - at[WRITE_REQUEST];
  us[READ_REQUEST] = at[SERVE] - at[READ_REQUEST];
  us[SERVE] = served - at[SERVE];
  us[WRITE] = at[READ] - begun;
  us[READ] = at[TAKE] - at[READ];
  us[TAKE] = at[PARTS] - at[TAKE];
  react(giver);
  react(asker);
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static bool bench_round(void) {
  static double us[PARTS][ROUNDS], totals[ROUNDS];
  struct bench *asker = settled(), *giver = settled();
  for (uint32_t round = 0; round < ROUNDS; round++) {
    double parts[PARTS];
    run_for(giver, 1000);
    measure_round(asker, giver, round, parts);
    for (int p = 0; p < PARTS; p++) {
      us[p][round] = parts[p];
      totals[round] += parts[p];
    }
  }
  printf("a round with a full answer of %d entries (%zu bytes), M = %d, median of %d\n",
         PM_WIRE_LIMIT_MAX, giver->body.len, PM_GOSSIP_MEMBERS_DEFAULT, ROUNDS);
  for (int p = 0; p < PARTS; p++) {
    qsort(us[p], ROUNDS, sizeof us[p][0], by_value);
    printf("  %-34s %8.1f us\n", part_names[p], us[p][ROUNDS / 2]);
  }
  qsort(totals, ROUNDS, sizeof totals[0], by_value);
  double total = totals[ROUNDS / 2];
  printf("  %-34s %8.1f us (bar %d)\n", "both sides", total, ROUND_BAR_US);
  bench_free(asker);
  bench_free(giver);
  return total <= ROUND_BAR_US;
}

/* --- an idle member --------------------------------------------------------------------------- */

/* The plan's pings of the active set, and as many by others to this node. */
static void plan(struct bench *b) {
  static struct pm_gossip_send send;
  for (size_t i = 0; i < b->active_count; i++) {
    if (!pm_gossip_plan_ping(b->core, b->active[i], b->now, &send)) continue;
    answer_probe(b, &send);
    struct pm_wire_request request;
    struct pm_gossip_event event = {.kind = PM_GOSSIP_REQUEST,
                                    .request = {.source = send.to.ip, .request = &request}};
    must(pm_wire_request_read(b->query.data, &request, NULL) == PM_OK, "a request is not read");
    request.self[0] = send.to;
    step_only(b, &event);
    pm_buf_reset(&b->header);
    pm_wire_pong_write(&b->update.reply.node, &b->header);
    react(b);
  }
}

/* What a settled neighbour says: nothing new. */
static void empty_answer(struct bench *b) {
  static const struct pm_peers_head head = {.srv_loc = "Paris,FR", .srv_host = "", .srv_port = 1};
  struct pm_wire_answer answer = {.parts = 1, .node = pong_of(&b->pull.to, b->pull.request.nonce)};
  pm_buf_reset(&b->query);
  pm_buf_reset(&b->body);
  pm_wire_request_write(&b->pull.request, &b->query);
  pm_wire_answer_write(&answer, &head, &b->body);
  must(pm_wire_answer_read(b->body.data, b->body.len, &b->answer, NULL) == PM_OK,
       "an answer is not read");
  end_pull(b, &b->answer);
}

static bool bench_idle(void) {
  struct bench *b = settled();
  struct pm_time end = pm_time_add_ms(b->now, (int64_t)IDLE_S * 1000), next_plan = b->now;
  b->exchanges = 0;
  double begun = cpu_us();
  while (pm_time_before(b->now, end)) {
    if (pm_time_before(next_plan, pm_gossip_deadline(b->core))) {
      b->now = next_plan;
      next_plan = pm_time_add_ms(b->now, PLAN_MS);
      plan(b);
    } else {
      tick(b);
    }
    if (b->has_pull) empty_answer(b);
  }
  double share = (cpu_us() - begun) / (IDLE_S * 1e6);
  printf(
      "an idle member of %d, %zu of them active: %d s with %llu exchanges took %.3f %% of a core "
      "(bar %.1f)\n",
      MEMBERS, b->active_count, IDLE_S, (unsigned long long)b->exchanges, 100 * share,
      IDLE_BAR_PPM / 1e4);
  bench_free(b);
  return share * 1e6 <= IDLE_BAR_PPM;
}

int main(void) {
  bool good = bench_round();
  good &= bench_idle();
  return good ? 0 : 1;
}
