#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json_write.h"
#include "check.h"
#include "explain.h"
#include "scenario.h"

void sim_options_complete(struct sim_options *o) {
  if (o->minutes <= 0) o->minutes = o->scenario->minutes;
  if (o->loss <= 0 && strcmp(o->scenario->name, "loss") == 0) o->loss = 0.1;
  if (o->attackers == 0) o->attackers = sim_scenario_attackers(o->scenario);
  if (o->churn <= 0) o->churn = SIM_CHURN_USUAL;
}

static void print_json(const struct sim_world *w, const struct sim_outcome *out) {
  struct pm_buf buf;
  struct pm_json_writer j;
  pm_buf_init(&buf, 8192);
  pm_json_writer_init(&j, &buf, true);
  pm_json_object_begin(&j, NULL);
  pm_json_put_string(&j, "scenario", w->options.scenario->name);
  pm_json_put_uint(&j, "nodes", w->options.nodes);
  pm_json_put_uint(&j, "attackers", w->options.attackers);
  pm_json_put_uint(&j, "seed", w->options.seed);
  pm_json_put_uint(&j, "table", w->members_max);
  pm_json_put_double(&j, "t99_s", out->t99_s, 1);
  pm_json_put_double(&j, "t100_s", out->t100_s, 1);
  pm_json_put_double(&j, "coverage", out->coverage, 4);
  pm_json_put_double(&j, "pulls_per_node", out->pulls_per_node, 1);
  pm_json_put_double(&j, "kb_per_node", out->kb_per_node, 1);
  pm_json_put_uint(&j, "seed_peak_rps", w->stats.seed_peak_rps);
  pm_json_put_uint(&j, "zombies", out->zombies);
  pm_json_put_double(&j, "forget_p50_s", out->forget_p50_s, 0);
  pm_json_put_double(&j, "forget_p99_s", out->forget_p99_s, 0);
  pm_json_put_uint(&j, "victim_probes", w->stats.victim_probes);
  pm_json_put_uint(&j, "victim_worst", w->stats.victim_worst);
  pm_json_put_uint(&j, "victim_bound", out->victim_bound);
  pm_json_put_double(&j, "attacker_share", out->attacker_share, 4);
  pm_json_put_uint(&j, "core_bytes", w->core_bytes);
  pm_json_put_bool(&j, "reached", out->reached);
  pm_json_put_uint(&j, "violations", out->violations);
  pm_json_object_end(&j);
  printf("%s\n", buf.data);
  pm_buf_deinit(&buf);
}

static void print_table(const struct sim_world *w, const struct sim_outcome *out) {
  printf("%-18s %8s %6s %8s %8s %8s %8s %9s %9s %8s %8s %10s\n", "scenario", "nodes", "table",
         "target s", "all s", "known %", "pulls", "kB", "seed r/s", "zombies", "victim",
         "violations");
  printf("%-18s %8u %6u %8.0f %8.0f %8.2f %8.1f %9.1f %9" PRIu64 " %8" PRIu64 " %8" PRIu64
         " %10" PRIu64 "\n",
         w->options.scenario->name, w->options.nodes, w->members_max, out->t99_s, out->t100_s,
         100 * out->coverage, out->pulls_per_node, out->kb_per_node, w->stats.seed_peak_rps,
         out->zombies, w->stats.victim_probes, out->violations);
  if (out->forget_p99_s > 0)
    printf("the dead were forgotten after %.0f s (p50), %.0f s (p99)\n", out->forget_p50_s,
           out->forget_p99_s);
  if (w->options.attackers > 0)
    printf("attackers: worst victim %" PRIu64 " probes, bound %" PRIu64
           " in the first hour; at most %.1f %% of a table\n",
           w->stats.victim_worst, out->victim_bound, 100 * out->attacker_share);
  if (w->count > SIM_WIRE_NODES_MAX || w->options.model_pings)
    printf("routine pings of the probe plan were modelled, not sent as bytes\n");
  if (w->count > SIM_CHECK_NODES_MAX)
    printf("only I1, I6, I7, I9 and I10 were checked (more than %d nodes)\n", SIM_CHECK_NODES_MAX);
  printf("one core takes %.2f MB; digest %016" PRIx64 "\n", (double)w->core_bytes / 1e6,
         w->stats.digest);
}

int sim_run_one(const struct sim_options *options) {
  struct sim_world *w = sim_world_new(options, &options->scenario->hooks);
  struct sim_outcome out = sim_scenario_run(w);
  if (options->json)
    print_json(w, &out);
  else
    print_table(w, &out);
  if (!out.good) {
    sim_explain(w, stderr);
    fprintf(stderr, "NOT REACHED; replay: ");
    sim_print_replay(stderr, &w->options);
  }
  sim_world_free(w);
  return out.good ? 0 : 1;
}

/* --- many seeds ------------------------------------------------------------------------------- */

int sim_run_soak(const struct sim_options *options, uint32_t runs) {
  uint32_t bad = 0;
  double least = 1, sum = 0;
  struct sim_options o = *options;
  o.scenario = sim_scenario_find("mixed");
  o.nodes = 60;
  o.minutes = o.scenario->minutes;
  o.attackers = o.scenario->attackers;
  o.quiet = true;
  o.model_pings = !o.keyed;
  for (uint32_t run = 0; run < runs; run++) {
    o.seed = options->seed + run;
    struct sim_world *w = sim_world_new(&o, &o.scenario->hooks);
    struct sim_outcome out = sim_scenario_run(w);
    if (out.coverage < least) least = out.coverage;
    sum += out.coverage;
    if (!out.good) {
      bad++;
      printf("\nseed %" PRIu64 ": %" PRIu64 " violations, %" PRIu64
             " zombies, known %.2f %%; replay: ",
             o.seed, out.violations + out.refused_by_core, out.zombies, 100 * out.coverage);
      sim_print_replay(stdout, &o);
    }
    sim_world_free(w);
    if (!options->quiet) fprintf(stderr, "\r%u of %u, %u bad ", run + 1, runs, bad);
  }
  if (!options->quiet) fprintf(stderr, "\n");
  printf(
      "%u runs of mixed faults at %u nodes: %u bad; known at the end %.2f %% on average, %.2f %% at "
      "least\n",
      runs, o.nodes, bad, 100 * sum / runs, 100 * least);
  return bad == 0 ? 0 : 1;
}
