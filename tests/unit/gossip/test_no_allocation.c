/* After init the core allocates nothing: not in a step, a planned ping or a question for the
 * deadline, over thousands of events of all kinds. The linker leads every allocation of this
 * program to the counters below (--wrap, see tests/CMakeLists.txt), the sanitizers' still behind
 * them. qsort counts as one: glibc's allocates when its input is large. */
#include "core_fixture.h"

#include "base/rng.h"
#include "gossip/view.h"

static bool watching;
static unsigned allocations;

#define WRAPPED(result, name, parameters, arguments) \
  result __real_##name parameters;                   \
  result __wrap_##name parameters;                   \
  result __wrap_##name parameters {                  \
    allocations += watching;                         \
    return __real_##name arguments;                  \
  }
/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
WRAPPED(void *, malloc, (size_t bytes), (bytes))
WRAPPED(void *, calloc, (size_t count, size_t bytes), (count, bytes))
WRAPPED(void *, realloc, (void *at, size_t bytes), (at, bytes))
WRAPPED(void *, aligned_alloc, (size_t alignment, size_t bytes), (alignment, bytes))
WRAPPED(int, posix_memalign, (void **out, size_t alignment, size_t bytes), (out, alignment, bytes))
WRAPPED(char *, strdup, (const char *text), (text))
WRAPPED(char *, strndup, (const char *text, size_t bytes), (text, bytes))
WRAPPED(void, qsort,
        (void *at, size_t count, size_t bytes, int (*compare)(const void *, const void *)),
        (at, count, bytes, compare))
/* NOLINTEND(bugprone-reserved-identifier) */

enum { EVENTS = 40000, NODES = 400, PENDING = 256 };

struct busy {
  struct fixture *f;
  struct pm_rng rng;
  struct pm_gossip_send pending[PENDING]; /* the latest sends; each is answered at most once */
  size_t pending_at;
  bool open[PENDING];
};

static uint64_t below(struct busy *b, uint64_t n) {
  return pm_rng_below(&b->rng, n);
}

static struct pm_contact somebody(struct busy *b) {
  return node((unsigned)below(b, NODES));
}

static void remember(struct busy *b, const struct pm_gossip_send *send) {
  b->pending[b->pending_at] = *send;
  b->open[b->pending_at] = true;
  b->pending_at = (b->pending_at + 1) % PENDING;
}

static void do_step(struct busy *b, struct pm_gossip_event event) {
  struct fixture *f = b->f;
  event.now = f->now;
  watching = true;
  pm_gossip_step(f->g, &event, &f->update);
  struct pm_time due = pm_gossip_deadline(f->g);
  watching = false;
  assert_true(due.ns > 0);
  for (size_t i = 0; i < f->update.sends_count; i++) remember(b, &f->update.sends[i]);
}

static void ask(struct busy *b) {
  static struct pm_wire_request r;
  struct pm_contact from = somebody(b), announced = below(b, 8) ? from : somebody(b);
  r = (struct pm_wire_request){.version = 1, .nonce = 9, .has_nonce = true, .parts = 1};
  memcpy(r.mesh, b->f->config.mesh, sizeof r.mesh);
  r.id = id_of(&from);
  r.self[0] = announced;
  r.self_count = 1;
  r.pull = below(b, 2);
  r.limit = PM_WIRE_LIMIT_MAX;
  struct pm_gossip_event event = {.kind = PM_GOSSIP_REQUEST};
  event.request.source = from.ip;
  event.request.request = below(b, 10) ? &r : NULL;
  do_step(b, event);
}

static struct pm_wire_pong pong_of(struct busy *b, const struct pm_gossip_send *send) {
  struct pm_wire_pong p = {.version = 1,
                           .inc = 1 + below(b, 2),
                           .nonce = send->request.nonce,
                           .has_nonce = true,
                           .you_reach = (enum pm_wire_reach)below(b, 3),
                           .pace_s = (uint32_t)below(b, 3)};
  struct pm_contact shared = node(2); /* some are one node under several addresses */
  p.id = id_of(send->to.ip.bytes[1] % 8 == 2 ? &shared : &send->to);
  p.coordinate = b->f->g->coordinate;
  p.has_coordinate = true;
  memcpy(p.mesh, b->f->config.mesh, sizeof p.mesh);
  return p;
}

static void end_probe(struct busy *b, const struct pm_gossip_send *send) {
  struct pm_wire_pong p = pong_of(b, send);
  uint64_t era = (uint64_t)b->f->now.ns / (600 * (uint64_t)PM_NS_PER_S); /* they come and go */
  bool dead = (send->to.ip.bytes[1] + era) % 4 == 0, old = send->to.ip.bytes[1] % 8 == 1;
  bool ok = !dead && below(b, 20) != 0;
  do_step(b, (struct pm_gossip_event){.kind = PM_GOSSIP_PONG,
                                      .pong = {.token = send->token,
                                               .ok = ok,
                                               .pong = ok && !old ? &p : NULL,
                                               .location = old ? "Paris,FR" : "Here",
                                               .rtt_us = 20000}});
}

static void end_pull(struct busy *b, const struct pm_gossip_send *send) {
  static struct pm_wire_entry entries[PM_WIRE_LIMIT_MAX];
  struct pm_wire_answer a = {.entries = entries, .entries_count = below(b, 100), .parts = 1};
  a.node = pong_of(b, send);
  for (size_t i = 0; i < a.entries_count; i++)
    entries[i] = (struct pm_wire_entry){
        .contact = somebody(b), .has_mesh = true, .depth = 1, .age_s = (uint32_t)below(b, 700)};
  for (a.lost_count = 0; a.lost_count < 20; a.lost_count++) {
    struct pm_contact c = somebody(b);
    a.lost[a.lost_count].salted = pm_bloom_salted(pm_contact_hash(&c, 0), send->request.salt);
  }
  if (send->plain) a.node.version = 0;
  do_step(b, (struct pm_gossip_event){.kind = PM_GOSSIP_ANSWER,
                                      .answer = {.token = send->token, .answer = &a}});
}

static void end_lookup(struct busy *b, const struct pm_gossip_send *send) {
  struct pm_ip ips[2] = {somebody(b).ip, somebody(b).ip};
  do_step(b, (struct pm_gossip_event){
                 .kind = PM_GOSSIP_RESOLVED,
                 .resolved = {.token = send->token, .ips = ips, .count = below(b, 3)}});
}

static void end_something(struct busy *b) {
  size_t at = (size_t)below(b, PENDING);
  if (!b->open[at]) return;
  b->open[at] = false;
  struct pm_gossip_send send = b->pending[at];
  if (send.kind == PM_GOSSIP_SEND_PROBE)
    end_probe(b, &send);
  else if (send.kind == PM_GOSSIP_SEND_PULL)
    end_pull(b, &send);
  else
    end_lookup(b, &send);
}

static void restore(struct busy *b) {
  struct pm_contact c = somebody(b);
  struct pm_gossip_tombstone lost = {.contact = c, .lost_s = 50, .last_ok_s = 100};
  struct pm_gossip_refused refused = {.key = 1 + below(b, 1000), .wait_s = 60};
  do_step(b, (struct pm_gossip_event){.kind = PM_GOSSIP_RESTORE, .restore = &c});
  do_step(b, (struct pm_gossip_event){.kind = PM_GOSSIP_RESTORE_LOST, .lost = &lost});
  do_step(b, (struct pm_gossip_event){.kind = PM_GOSSIP_RESTORE_REFUSED, .refused = &refused});
}

static void change_locals(struct busy *b) {
  struct pm_contact c = somebody(b);
  if (below(b, 2)) { /* a name to be looked up */
    snprintf(c.host, sizeof c.host, "n%u.example", (unsigned)below(b, 20));
    c.ip = (struct pm_ip){.family = PM_IP_NONE};
  }
  do_step(b, (struct pm_gossip_event){
                 .kind = below(b, 2) ? PM_GOSSIP_LOCAL_ADD : PM_GOSSIP_LOCAL_REMOVE, .local = &c});
}

static void plan_a_ping(struct busy *b) {
  struct pm_contact c = somebody(b);
  struct pm_gossip_send send;
  bool member = state_of(b->f, &c) == PM_MEMBER_VERIFIED;
  uint64_t handle = member ? pm_gossip_find(b->f->g, &c) : 0;
  watching = true;
  bool planned = handle != 0 && pm_gossip_plan_ping(b->f->g, handle, b->f->now, &send);
  watching = false;
  if (planned) remember(b, &send);
}

static void something_happens(struct busy *b) {
  switch (below(b, 40)) {
  case 0:
    restore(b);
    break;
  case 1:
    change_locals(b);
    break;
  case 2:
    do_step(b, (struct pm_gossip_event){.kind = PM_GOSSIP_FORGET,
                                        .forget = pm_gossip_find(b->f->g, &b->pending[0].to)});
    break;
  case 3:
  case 4:
  case 5:
    ask(b);
    break;
  case 6:
  case 7:
    plan_a_ping(b);
    break;
  case 8:
  case 9:
    b->f->now = pm_time_add_ms(b->f->now, (int64_t)below(b, 4000));
    do_step(b, (struct pm_gossip_event){.kind = PM_GOSSIP_TICK});
    break;
  default:
    end_something(b);
  }
}

static void no_event_allocates(void **state) {
  (void)state;
  struct busy *b = calloc(1, sizeof *b);
  b->f = fixture_new();
  pm_rng_seed(&b->rng, 11);
  fixture_start(b->f);
  allocations = 0;
  for (int i = 0; i < EVENTS; i++) something_happens(b);
  assert_int_equal(allocations, 0);
  const uint64_t *changes = b->f->g->counts.changes;
  for (int kind = 0; kind < PM_CHANGE_COUNT; kind++)
    if (kind != PM_CHANGE_SELF && changes[kind] == 0)
      fail_msg("nothing was %s: not busy enough", pm_change_text((enum pm_change)kind));
  for (int bound = 0; bound < PM_BOUND_COUNT; bound++)
    if (b->f->g->bounds.refused[bound] != 0) fail_msg("%s", pm_bound_code((enum pm_bound)bound));
  fixture_free(b->f);
  free(b);
}

/* The counter counts: else all of this would prove nothing. */
static void an_allocation_would_be_seen(void **state) {
  (void)state;
  allocations = 0;
  watching = true;
  void *volatile one = malloc(16);
  void *volatile two = calloc(2, 8);
  void *volatile three = realloc(NULL, 8);
  watching = false;
  free(one), free(two), free(three);
  assert_int_equal(allocations, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_allocation_would_be_seen),
      cmocka_unit_test(no_event_allocates),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
