/* The simulated world: nodes that each run the real core, one clock, and a network between them
 * that carries the real wire formats as bytes, with delay, loss and partitions. Nothing here knows
 * a scenario: those are in scenario.c and set the knobs below.
 *
 * Everything happens in one queue of events, ordered by time and then by when it was put in, so
 * that one seed gives one history.
 */
#ifndef PM_SIM_WORLD_H
#define PM_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/rng.h"
#include "gossip/gossip.h"
#include "options.h"

enum {
  SIM_PORT = 8080,
  SIM_TIMEOUT_MS = 3000, /* of an exchange that gets no answer */
  SIM_REFUSED_MS = 1,    /* on top of the round trip, where nobody listens */
  SIM_PLAN_MS = 10000,   /* interval of the probe plan */
  SIM_FORGET_S_MAX = 2048,
  SIM_WIRE_NODES_MAX = 1000, /* above, the plan's pings take a short cut past the bytes */
};
#define SIM_NOBODY UINT32_MAX

enum sim_kind { SIM_HONEST, SIM_OLD, SIM_ATTACKER };

struct sim_node {
  struct pm_gossip *core; /* NULL: not running, or no node of ours */
  enum sim_kind kind;
  bool alive;
  bool nat;                  /* nobody reaches it */
  bool twin;                 /* another one runs with its Id and Inc */
  bool keeps_state;          /* finds its members again after a restart */
  uint8_t side;              /* of a partition */
  uint8_t ttl;               /* 0: as configured by default */
  uint32_t pace_s;           /* the shortest interval between probes that it asks for */
  int64_t clock_ns;          /* its clock is ahead of the world's */
  uint32_t runs;             /* how often it was started */
  struct pm_contact contact; /* where it is reached */
  struct pm_ip source;       /* what others see when it calls */
  struct pm_node_id id;
  uint64_t inc;
  float x, y, access_ms; /* synthetic geography */
  char location[24];
  int64_t wake_ns; /* the wake-up that is in the queue; INT64_MAX: none */
  int64_t plan_ns; /* the plan's turn that is in the queue */
  int64_t died_ns;
  struct pm_contact *saved; /* members that it finds again */
  uint32_t saved_count;
  uint64_t *active; /* handles the plan pings */
  uint32_t active_count;
  uint32_t verified; /* members in its table, of any kind */
  uint32_t known;    /* of these: honest, reachable nodes */
  uint64_t pulls, bytes, probes;
  uint32_t second_requests; /* served in the running second */
  int64_t second;
};

struct sim_stats {
  uint64_t requests, bytes;
  uint64_t seed_peak_rps;
  uint64_t victim_probes;               /* probes at scenario-marked addresses */
  uint64_t victim_worst;                /* most at one of them */
  uint64_t dead_dials;                  /* probes at nodes dead for long, on others' word */
  uint64_t forgotten[SIM_FORGET_S_MAX]; /* losses of the dead, by seconds after death */
  uint64_t digest;                      /* of all actions: same seed, same digest */
};

struct sim_event;
struct sim_faults;
struct sim_message;
struct sim_check;
struct sim_rows;
struct sim_world;

/* What a scenario may put its hands on. All optional. */
struct sim_hooks {
  /* The world exists, nobody has started: change nodes, schedule hooks. */
  void (*prepare)(struct sim_world *w);
  /* Once a simulated second. */
  void (*second)(struct sim_world *w, int64_t second);
  /* An attacker's list: fills reply, whose entries have room for PM_WIRE_LIMIT_MAX. */
  void (*attack_reply)(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply);
  /* An attacker's answer as bytes; NULL: as attack_reply says. The text is the caller's. */
  char *(*attack_body)(struct sim_world *w, uint32_t attacker, const struct pm_wire_pong *node,
                       size_t *out_bytes);
  /* An attacker's announcements. */
  void (*attack_self)(struct sim_world *w, uint32_t attacker, struct pm_wire_request *request);
  /* At the end: false if what the scenario asks for has not come about. */
  bool (*judge)(struct sim_world *w);
};

struct sim_world {
  struct sim_options options;
  struct sim_hooks hooks;
  struct sim_node *nodes;
  uint32_t count;   /* honest and old ones come first, attackers last */
  uint32_t members; /* count without the attackers */
  struct pm_rng rng;
  int64_t now_ns, end_ns;
  struct sim_event *queue;
  size_t queue_count, queue_max;
  uint64_t queue_seq;
  uint32_t *by_address; /* open addressing: node */
  size_t by_address_mask;
  uint8_t *knows; /* bit (i, j): i has verified j; NULL for very large worlds */
  uint64_t known_pairs;
  double loss;
  bool partitioned;
  bool lb_seed; /* the seed's address leads to any member */
  struct pm_contact seed_contact;
  struct pm_ip victim; /* probes there are counted; family NONE: every unused address is one */
  uint32_t *victim_counts;
  float *matrix;
  uint32_t matrix_size;
  uint32_t members_max;
  struct pm_gossip_update *update;
  struct pm_buf text;            /* what is being written; grows once, not for each message */
  struct pm_wire_answer *answer; /* decoded, with room for all entries */
  struct sim_stats stats;
  struct sim_faults *faults;
  struct sim_check *check;
  struct sim_rows *rows; /* NULL: the scenario is about other things */
  bool rows_detours;     /* one pair in ten is slower in one direction */
  struct sim_rows_judge *judge;
  unsigned active_max; /* members that a node pings; 0: as many as the daemon */
  size_t core_bytes;
  uint8_t *cores; /* of a large world, side by side in large pages; NULL: each core by itself */
  size_t cores_bytes;
};

struct sim_world *sim_world_new(const struct sim_options *options, const struct sim_hooks *hooks);
void sim_world_free(struct sim_world *w);
/* Runs until the given simulated time (or the end); false at the end. */
bool sim_world_run(struct sim_world *w, int64_t until_ns);

void sim_world_start(struct sim_world *w, uint32_t i);
void sim_world_start_at(struct sim_world *w, uint32_t node, int64_t at_ns);
void sim_world_kill(struct sim_world *w, uint32_t i);
/* The node at an address, SIM_NOBODY if none. */
uint32_t sim_world_find(const struct sim_world *w, const struct pm_ip *ip, uint16_t port);
void sim_world_index(struct sim_world *w);
/* What the node's own clock shows. */
int64_t sim_world_clock(const struct sim_world *w, uint32_t node);
bool sim_world_knows(const struct sim_world *w, uint32_t who, uint32_t whom);
/* A node that others ought to know: honest or old, alive, reachable. */
bool sim_world_counts(const struct sim_world *w, uint32_t node);
/* Of all pairs that could know each other, how many do; of full tables, how full they are. */
double sim_world_coverage(const struct sim_world *w);
/* Members that are nodes dead for more than 15 minutes. */
uint64_t sim_world_zombies(const struct sim_world *w);
struct pm_ip sim_public_ip(uint32_t group, uint32_t host);

#endif
