/* The delay laboratory's cable: delays, loses and cuts what the hosts of a bridge send to each
 * other.
 *
 *   iptables -A FORWARD -j NFQUEUE --queue-balance 0:1
 *   pm_delayer --queues 2 --record handshakes.tsv --seed 1 --priority 50
 *
 * Where it runs, packets that the bridge forwards wait in netfilter's queues for its verdict. It is
 * told by lines on its standard input what to do, and answers each with one line:
 *
 *   link FROM TO DELAY_US JITTER_US LOSS_PPM CUT   "ok"; this direction, from now on; CUT is 0 or 1
 *   counts FROM TO                                 struct pm_link_counts' fields, in its order
 *   flush                                          "ok", when the record is written out
 *
 * A line that is none of these is answered by "error …". It ends when its input does, so that it
 * does not outlive a test that breaks.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "queue.h"

enum {
  QUEUES_MAX = 8,
  RECORD_BUFFER_BYTES = 1 << 20, /* a queue's thread seldom waits for the disk */
  DELAY_US_MAX = 60 * 1000 * 1000,
  PPM_MAX = 1000000,
};

struct delayer {
  struct pm_queue *queues[QUEUES_MAX];
  size_t queues_count;
  FILE *record;
  int stamper;
};

struct settings {
  size_t queues;
  const char *record;
  uint64_t seed;
  int priority;
};

/* The kernel stamps packets on their arrival while any socket asks for it. */
static int open_stamper(void) {
  int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
  return fd;
}

static bool has_host_numbers(uint32_t from, uint32_t to) {
  return from < PM_LAB_HOSTS && to < PM_LAB_HOSTS;
}

static bool is_valid(const struct pm_link_settings *settings) {
  return settings->delay_us >= 0 && settings->delay_us <= DELAY_US_MAX &&
         settings->jitter_us >= 0 && settings->jitter_us <= DELAY_US_MAX &&
         settings->loss_ppm >= 0 && settings->loss_ppm <= PPM_MAX;
}

static bool run_link(struct delayer *delayer, const char *line) {
  struct pm_link_settings settings = {0};
  uint32_t from, to, cut;
  if (sscanf(line, "link %" SCNu32 " %" SCNu32 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNu32,
             &from, &to, &settings.delay_us, &settings.jitter_us, &settings.loss_ppm, &cut) != 6) {
    return false;
  }
  settings.cut = cut != 0;
  if (!has_host_numbers(from, to) || !is_valid(&settings)) return false;
  for (size_t i = 0; i < delayer->queues_count; i++) {
    pm_queue_set(delayer->queues[i], from, to, &settings);
  }
  puts("ok");
  return true;
}

static bool run_counts(struct delayer *delayer, const char *line) {
  struct pm_link_counts sum = {0};
  uint32_t from, to;
  if (sscanf(line, "counts %" SCNu32 " %" SCNu32, &from, &to) != 2 || !has_host_numbers(from, to)) {
    return false;
  }
  for (size_t i = 0; i < delayer->queues_count; i++) {
    pm_queue_counts_add(delayer->queues[i], from, to, &sum);
  }
  printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " ", sum.packets, sum.lost, sum.cut,
         sum.overflowed);
  printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 "\n", sum.syns, sum.syns_lost,
         sum.synacks, sum.synacks_lost, sum.late_ns_max);
  return true;
}

static bool run_flush(struct delayer *delayer, const char *line) {
  if (strcmp(line, "flush\n") != 0) return false;
  fflush(delayer->record);
  puts("ok");
  return true;
}

static void run_commands(struct delayer *delayer) {
  char *line = NULL;
  size_t size = 0;
  while (getline(&line, &size, stdin) > 0) {
    if (!run_link(delayer, line) && !run_counts(delayer, line) && !run_flush(delayer, line)) {
      printf("error: not understood: %s", line);
    }
    fflush(stdout);
  }
  free(line);
}

static bool read_settings(int argc, char **argv, struct settings *out) {
  static const struct option options[] = {{"queues", required_argument, NULL, 'q'},
                                          {"record", required_argument, NULL, 'r'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"priority", required_argument, NULL, 'p'},
                                          {NULL, 0, NULL, 0}};
  int option;
  *out = (struct settings){.queues = 1};
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    switch (option) {
    case 'q':
      out->queues = strtoul(optarg, NULL, 10);
      break;
    case 'r':
      out->record = optarg;
      break;
    case 's':
      out->seed = strtoull(optarg, NULL, 10);
      break;
    case 'p':
      out->priority = (int)strtol(optarg, NULL, 10);
      break;
    default:
      return false;
    }
  }
  return optind == argc && out->record != NULL && out->queues >= 1 && out->queues <= QUEUES_MAX;
}

static bool open_record(struct delayer *delayer, const char *path) {
  delayer->record = fopen(path, "we");
  if (delayer->record == NULL) {
    perror(path);
    return false;
  }
  setvbuf(delayer->record, NULL, _IOFBF, RECORD_BUFFER_BYTES);
  pm_handshakes_header(delayer->record);
  return true;
}

static bool open_queues(struct delayer *delayer, const struct settings *settings) {
  while (delayer->queues_count < settings->queues) {
    struct pm_queue_config config = {.number = (uint16_t)delayer->queues_count,
                                     .seed = settings->seed,
                                     .priority = settings->priority,
                                     .record = delayer->record};
    struct pm_queue *queue = pm_queue_open(&config);
    if (queue == NULL) return false;
    delayer->queues[delayer->queues_count++] = queue;
  }
  return true;
}

static void close_all(struct delayer *delayer) {
  for (size_t i = 0; i < delayer->queues_count; i++) pm_queue_close(delayer->queues[i]);
  if (delayer->record != NULL) fclose(delayer->record);
  if (delayer->stamper >= 0) close(delayer->stamper);
}

int main(int argc, char **argv) {
  struct delayer delayer = {.stamper = -1};
  struct settings settings;
  if (!read_settings(argc, argv, &settings)) {
    fputs("pm_delayer --record FILE [--queues N] [--seed N] [--priority 1…99]\n", stderr);
    return 2;
  }
  delayer.stamper = open_stamper();
  bool opened = open_record(&delayer, settings.record) && open_queues(&delayer, &settings);
  if (opened) {
    puts(pm_queue_has_priority(delayer.queues[0]) ? "ready, real-time" : "ready");
    fflush(stdout);
    run_commands(&delayer);
  }
  close_all(&delayer);
  return opened ? 0 : 1;
}
