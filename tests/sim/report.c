#include <fnmatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "scenario.h"

/* What the design's throw-away simulator reached, and ours beside it. Two rows at a time, each in a
 * process of its own; a row is printed when it is done. */

enum { REPORT_PROCESSES = 2, QUICK_NODES_MAX = 100 };

struct row {
  const char *name, *scenario;
  uint32_t nodes, attackers, members_max;
  double minutes, loss, old_share, churn;
  bool keyed, whole;
  bool named; /* takes 8 GB: only when --rows asks for it */
  /* Promised; 0: nothing was. All but known are at most. */
  double t99_s, t100_s, pulls, kb, seed_rps, forget_p50_s, forget_p99_s;
  double victim, victim_worst, known, dead, share;
};

static const struct row rows[] = {
    {.name = "converge-10",
     .scenario = "converge",
     .nodes = 10,
     .t99_s = 9,
     .t100_s = 9,
     .pulls = 4,
     .kb = 3.5,
     .seed_rps = 6},
    {.name = "converge-100",
     .scenario = "converge",
     .nodes = 100,
     .t99_s = 14,
     .t100_s = 17,
     .pulls = 7,
     .kb = 18,
     .seed_rps = 51},
    {.name = "converge-1000",
     .scenario = "converge",
     .nodes = 1000,
     .t99_s = 101,
     .t100_s = 158,
     .pulls = 29,
     .kb = 273,
     .seed_rps = 460},
    {.name = "converge-10000",
     .scenario = "converge",
     .nodes = 10000,
     .whole = true,
     .t99_s = 120,
     .pulls = 25,
     .kb = 366,
     .seed_rps = 3316},
    {.name = "converge-100000",
     .scenario = "converge",
     .nodes = 100000,
     .members_max = 32, /* as small as the memory asks; the promise was made for 512 */
     .named = true,
     .t99_s = 60,
     .t100_s = 180,
     .pulls = 27,
     .kb = 418,
     .seed_rps = 33837},
    {.name = "loss-10", .scenario = "loss", .nodes = 1000, .loss = 0.1, .t99_s = 140},
    {.name = "loss-30", .scenario = "loss", .nodes = 1000, .loss = 0.3, .t99_s = 229},
    {.name = "churn-1", .scenario = "churn", .nodes = 1000, .churn = 0.01},
    {.name = "churn-5",
     .scenario = "churn",
     .nodes = 1000,
     .churn = 0.05,
     .known = 0.87,
     .dead = 0.11,
     .forget_p50_s = 150},
    {.name = "kill-300",
     .scenario = "kill",
     .nodes = 1000,
     .forget_p50_s = 155,
     .forget_p99_s = 389},
    {.name = "partition", .scenario = "partition", .nodes = 1000, .t99_s = 120},
    {.name = "seed-death", .scenario = "seed-death", .nodes = 1000, .t99_s = 101},
    {.name = "victim-1", .scenario = "attack-victim", .nodes = 1000, .attackers = 1, .victim = 240},
    {.name = "victim-50",
     .scenario = "attack-victim",
     .nodes = 1000,
     .attackers = 50,
     .victim = 2008},
    {.name = "victim-200",
     .scenario = "attack-victim",
     .nodes = 1000,
     .attackers = 200,
     .victim = 2084},
    {.name = "blackholes-1",
     .scenario = "attack-blackholes",
     .nodes = 1000,
     .attackers = 1,
     .victim_worst = 6},
    {.name = "blackholes-50",
     .scenario = "attack-blackholes",
     .nodes = 1000,
     .attackers = 50,
     .victim_worst = 25},
    {.name = "blackholes-200",
     .scenario = "attack-blackholes",
     .nodes = 1000,
     .attackers = 200,
     .victim_worst = 38},
    /* Nothing was promised but the bound: two tries of each node. */
    {.name = "claims-1",
     .scenario = "attack-claims",
     .nodes = 1000,
     .attackers = 1,
     .victim = 2002},
    {.name = "claims-50",
     .scenario = "attack-claims",
     .nodes = 1000,
     .attackers = 50,
     .victim = 2100},
    {.name = "claims-200",
     .scenario = "attack-claims",
     .nodes = 1000,
     .attackers = 200,
     .victim = 2400},
    {.name = "chorus-1",
     .scenario = "attack-chorus",
     .nodes = 1000,
     .attackers = 1,
     .victim_worst = 2000},
    {.name = "chorus-50",
     .scenario = "attack-chorus",
     .nodes = 1000,
     .attackers = 50,
     .victim_worst = 2000},
    {.name = "chorus-200",
     .scenario = "attack-chorus",
     .nodes = 1000,
     .attackers = 200,
     .victim_worst = 2000},
    {.name = "sybil-200", .scenario = "sybil", .nodes = 100, .attackers = 200, .share = 0.5},
    {.name = "sybil-200-key",
     .scenario = "sybil",
     .nodes = 100,
     .attackers = 200,
     .keyed = true,
     .share = 1e-9},
    {.name = "nat-20", .scenario = "nat", .nodes = 1000},
    {.name = "old-30", .scenario = "old-nodes", .nodes = 1000},
    {.name = "lan", .scenario = "lan", .nodes = 300, .t99_s = 60},
    {.name = "one-ip", .scenario = "one-ip", .nodes = 300, .t99_s = 60},
    {.name = "ingress", .scenario = "ingress", .nodes = 300, .t99_s = 60},
    {.name = "lb-seed", .scenario = "lb-seed", .nodes = 300, .t99_s = 60},
    {.name = "mixed", .scenario = "mixed", .nodes = 60},
    {.name = "restart", .scenario = "restart", .nodes = 100},
    {.name = "rule-pace", .scenario = "pace", .nodes = 100},
    {.name = "rule-brake", .scenario = "brake", .nodes = 400},
    {.name = "rule-reach", .scenario = "reach", .nodes = 100},
    {.name = "rule-depth", .scenario = "depth", .nodes = 100},
    {.name = "flapping", .scenario = "attack-flapping", .nodes = 100, .attackers = 50},
    {.name = "rule-network", .scenario = "attack-network", .nodes = 100},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* --- one row ---------------------------------------------------------------------------------- */

/* A row's text while it grows: figures, and the names of those that are worse than promised. */
struct line {
  char misses[160];
  bool good;
};

static void miss(struct line *line, const char *name) {
  size_t used = strlen(line->misses);
  snprintf(line->misses + used, sizeof line->misses - used, "%s%s", used ? ", " : "", name);
}

/* Compared as printed. */
static void figure(struct line *line, const char *name, double measured, double promised,
                   int decimals) {
  double unit = decimals == 0 ? 0.5 : 0.05;
  char text[40];
  if (promised > 0) {
    snprintf(text, sizeof text, "%.*f (%.*f)", decimals, measured, decimals, promised);
    if (measured < 0 || measured >= promised + unit) miss(line, name);
  } else {
    snprintf(text, sizeof text, "%.*f", decimals, measured);
  }
  printf(" %15s", text);
}

static void remark(struct line *line, const char *name, const char *unit, double measured,
                   double promised, bool at_least) {
  if (promised <= 0) return;
  printf(" %s %.0f%s (%.0f)", name, measured, unit, promised);
  if (at_least ? measured < promised - 0.5 : measured > promised + 0.5) miss(line, name);
}

static struct sim_options options_of(const struct sim_options *base, const struct row *row) {
  struct sim_options o = *base;
  o.scenario = sim_scenario_find(row->scenario);
  o.nodes = row->nodes;
  o.attackers = row->attackers;
  if (row->members_max > 0) o.members_max = row->members_max;
  o.minutes = row->minutes;
  o.loss = row->loss;
  o.churn = row->churn;
  o.old_share = row->old_share;
  o.keyed = row->keyed;
  o.whole = row->whole;
  o.label = row->name;
  sim_options_complete(&o);
  return o;
}

static void print_figures(const struct row *row, const struct sim_world *w,
                          const struct sim_outcome *out, struct line *line) {
  printf("%-15s %6u %3u", row->name, w->options.nodes, w->options.attackers);
  figure(line, "target", out->t99_s, row->t99_s, 0);
  figure(line, "all", out->t100_s, row->t100_s, 0);
  figure(line, "pulls", out->pulls_per_node, row->pulls, 1);
  figure(line, "kB", out->kb_per_node, row->kb, 1);
  figure(line, "seed", (double)w->stats.seed_peak_rps, row->seed_rps, 0);
  figure(line, "p50", out->forget_p50_s, row->forget_p50_s, 0);
  figure(line, "p99", out->forget_p99_s, row->forget_p99_s, 0);
  remark(line, "known", " %", 100 * out->coverage, 100 * row->known, true);
  remark(line, "dead", " %", 100 * out->dead_share, 100 * row->dead, false);
  remark(line, "victim", "", (double)w->stats.victim_probes, row->victim, false);
  remark(line, "worst victim", "", (double)w->stats.victim_worst, row->victim_worst, false);
  remark(line, "liars in a table", " %", 100 * out->attacker_share, 100 * row->share, false);
}

static bool run_row(const struct sim_options *base, const struct row *row) {
  struct sim_options o = options_of(base, row);
  struct line line = {.good = true};
  struct sim_world *w = sim_world_new(&o, &o.scenario->hooks);
  struct sim_outcome out = sim_scenario_run(w);
  print_figures(row, w, &out, &line);
  if (line.misses[0] != '\0')
    printf("  MISSES %s", line.misses);
  else
    printf("  meets");
  if (!out.good) {
    printf("; NOT GOOD: %" PRIu64 " violations, %" PRIu64 " refused by cores, %" PRIu64
           " zombies, known %.2f %%\n    ",
           out.violations, out.refused_by_core, out.zombies, 100 * out.coverage);
    sim_print_replay(stdout, &w->options);
  } else {
    printf("\n");
  }
  sim_world_free(w);
  return out.good;
}

/* --- two at a time ---------------------------------------------------------------------------- */

struct worker {
  pid_t pid; /* 0: none */
  FILE *out;
};

static bool start(struct worker *worker, const struct sim_options *base, const struct row *row) {
  fflush(NULL);
  worker->out = tmpfile();
  if (!worker->out) return false;
  worker->pid = fork();
  if (worker->pid < 0) {
    worker->pid = 0;
    fclose(worker->out);
    return false;
  }
  if (worker->pid > 0) return true;
  if (dup2(fileno(worker->out), STDOUT_FILENO) < 0) _exit(1);
  bool good = run_row(base, row);
  fflush(stdout);
  _exit(good ? 0 : 1);
}

static void print_file(FILE *file) {
  char text[512];
  rewind(file);
  while (fgets(text, sizeof text, file)) fputs(text, stdout);
  fflush(stdout);
  fclose(file);
}

/* Waits for one of the workers and prints its row; false if it was not good. */
static bool finish_one(struct worker workers[REPORT_PROCESSES]) {
  int status = 0;
  pid_t pid = wait(&status);
  if (pid < 0) return false;
  for (int i = 0; i < REPORT_PROCESSES; i++) {
    if (workers[i].pid != pid) continue;
    print_file(workers[i].out);
    workers[i].pid = 0;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static struct worker *idle(struct worker workers[REPORT_PROCESSES]) {
  for (int i = 0; i < REPORT_PROCESSES; i++)
    if (workers[i].pid == 0) return &workers[i];
  return NULL;
}

static bool is_wanted(const struct sim_options *options, const struct row *row) {
  if (options->quick && row->nodes > QUICK_NODES_MAX) return false;
  if (row->named && !options->rows) return false;
  return !options->rows || fnmatch(options->rows, row->name, 0) == 0;
}

static void print_head(void) {
  printf("measured (promised)\n%-15s %6s %3s %15s %15s %15s %15s %15s %15s %15s\n", "row", "nodes",
         "att", "target s", "all s", "pulls/node", "kB/node", "seed peak/s", "forgotten p50",
         "forgotten p99");
}

int sim_run_report(const struct sim_options *options) {
  struct worker workers[REPORT_PROCESSES] = {0};
  bool good = true;
  unsigned wanted = 0, running = 0;
  print_head();
  for (size_t i = 0; i < ROWS; i++) {
    if (!is_wanted(options, &rows[i])) continue;
    if (!idle(workers)) good &= finish_one(workers), running--;
    if (!start(idle(workers), options, &rows[i])) return 1;
    wanted++;
    running++;
  }
  for (; running > 0; running--) good &= finish_one(workers);
  if (wanted > 0) return good ? 0 : 1;
  fprintf(stderr, "pingmesh-sim: no row is named like that; there are:");
  for (size_t i = 0; i < ROWS; i++) fprintf(stderr, " %s", rows[i].name);
  fprintf(stderr, "\n");
  return 2;
}
