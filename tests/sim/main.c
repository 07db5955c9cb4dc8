/* pingmesh-sim: a mesh of any size on one machine, in simulated time. The nodes run the same core
 * as the daemon, the messages between them are the daemon's own bytes.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "scenario.h"

enum sim_mode { SIM_ONE, SIM_REPORT, SIM_SOAK, SIM_MUTANTS };

static void usage(FILE *out) {
  fprintf(
      out,
      "usage: pingmesh-sim [--scenario NAME] [--nodes N] [--seed N] [--minutes M] [--loss SHARE]\n"
      "                    [--attackers N] [--max-peers N] [--old SHARE] [--nat SHARE] [--key]\n"
      "                    [--churn SHARE-A-MINUTE]\n"
      "                    [--matrix FILE] [--whole] [--model-pings] [--json] [--quiet]\n"
      "       pingmesh-sim --report [--rows PATTERN] [--quick]\n"
      "                                        what the design promises, measured again\n"
      "       pingmesh-sim --soak RUNS         mixed faults at 60 nodes, seeds from --seed on\n"
      "       pingmesh-sim-mutant --mutants [--rows PATTERN]\n"
      "                                        deliberate faults, each to be caught\n\nscenarios:\n");
  sim_scenario_list(out);
}

static const struct option long_options[] = {{"scenario", required_argument, NULL, 's'},
                                             {"nodes", required_argument, NULL, 'n'},
                                             {"seed", required_argument, NULL, 'r'},
                                             {"minutes", required_argument, NULL, 'm'},
                                             {"loss", required_argument, NULL, 'l'},
                                             {"attackers", required_argument, NULL, 'a'},
                                             {"max-peers", required_argument, NULL, 'p'},
                                             {"old", required_argument, NULL, 'o'},
                                             {"nat", required_argument, NULL, 't'},
                                             {"matrix", required_argument, NULL, 'x'},
                                             {"key", no_argument, NULL, 'k'},
                                             {"json", no_argument, NULL, 'j'},
                                             {"quiet", no_argument, NULL, 'q'},
                                             {"help", no_argument, NULL, 'h'},
                                             {"report", no_argument, NULL, 'R'},
                                             {"rows", required_argument, NULL, 'w'},
                                             {"quick", no_argument, NULL, 'u'},
                                             {"whole", no_argument, NULL, 'W'},
                                             {"churn", required_argument, NULL, 'c'},
                                             {"soak", required_argument, NULL, 'S'},
                                             {"mutants", no_argument, NULL, 'M'},
                                             {"model-pings", no_argument, NULL, 'P'},
                                             {NULL, 0, NULL, 0}};

static double number(const char *name, const char *text, double low, double high) {
  char *end = NULL;
  double value = strtod(text, &end);
  if (end != text && *end == '\0' && value >= low && value <= high) return value;
  fprintf(stderr, "pingmesh-sim: --%s takes a number from %g to %g, not \"%s\"\n", name, low, high,
          text);
  exit(2);
}

static const struct sim_scenario *scenario(const char *name) {
  const struct sim_scenario *found = sim_scenario_find(name);
  if (found) return found;
  fprintf(stderr, "pingmesh-sim: there is no scenario \"%s\"; there are:\n", name);
  sim_scenario_list(stderr);
  exit(2);
}

static void take_option(int c, struct sim_options *o, enum sim_mode *mode, uint32_t *runs) {
  switch (c) {
  case 'R':
    *mode = SIM_REPORT;
    break;
  case 'S':
    *mode = SIM_SOAK;
    *runs = (uint32_t)number("soak", optarg, 1, 1e6);
    break;
  case 'M':
    *mode = SIM_MUTANTS;
    break;
  case 's':
    o->scenario = scenario(optarg);
    break;
  case 'n':
    o->nodes = (uint32_t)number("nodes", optarg, 2, 200000);
    break;
  case 'r':
    o->seed = (uint64_t)number("seed", optarg, 0, 1e15);
    break;
  case 'm':
    o->minutes = number("minutes", optarg, 0.01, 1e5);
    break;
  case 'l':
    o->loss = number("loss", optarg, 0, 0.99);
    break;
  case 'a':
    o->attackers = (uint32_t)number("attackers", optarg, 0, 10000);
    break;
  case 'p':
    o->members_max = (uint32_t)number("max-peers", optarg, 8, 16384);
    break;
  case 'o':
    o->old_share = number("old", optarg, 0, 0.9);
    break;
  case 't':
    o->nat_share = number("nat", optarg, 0, 0.9);
    break;
  case 'c':
    o->churn = number("churn", optarg, 0.0001, 1);
    break;
  case 'w':
    o->rows = optarg;
    break;
  case 'u':
    o->quick = true;
    break;
  case 'W':
    o->whole = true;
    break;
  case 'x':
    o->matrix = optarg;
    break;
  case 'k':
    o->keyed = true;
    break;
  case 'P':
    o->model_pings = true;
    break;
  case 'j':
    o->json = true;
    break;
  case 'q':
    o->quiet = true;
    break;
  case 'h':
    usage(stdout);
    exit(0);
  default:
    usage(stderr);
    exit(2);
  }
}

static void read_options(int argc, char **argv, struct sim_options *o, enum sim_mode *mode,
                         uint32_t *runs) {
  *o = (struct sim_options){.nodes = 100, .seed = 1, .scenario = sim_scenario_find("converge")};
  for (int c; (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1;)
    take_option(c, o, mode, runs);
  if (optind < argc) {
    usage(stderr);
    exit(2);
  }
  sim_options_complete(o);
}

int main(int argc, char **argv) {
  struct sim_options options;
  enum sim_mode mode = SIM_ONE;
  uint32_t runs = 0;
  read_options(argc, argv, &options, &mode, &runs);
  switch (mode) {
  case SIM_ONE:
    return sim_run_one(&options);
  case SIM_REPORT:
    return sim_run_report(&options);
  case SIM_SOAK:
    return sim_run_soak(&options, runs);
  case SIM_MUTANTS:
    return sim_run_mutants(&options);
  }
  return 2;
}
