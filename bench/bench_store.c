/* What history costs: 30 days of 100 peers, written minute by minute as a node does, with what each
 * of the peers reports of its paths to the others every ten minutes, then looked at. Prints the
 * size of the store, without reports and with, the CPU of a 30-day view of a pair, of a profile,
 * and of writing as a share of a core. Exit 1 if a bar is missed. Arguments: a directory, days,
 * peers. Rows measured here come first, then the reports: so the file's size is known without them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/rng.h"
#include "probe/slot.h"
#include "store/archive.h"

enum {
  SAMPLES_A_MINUTE = 6,
  SIZE_BAR_MB = 250,
  SIZE_ALL_BAR_MB = 512, /* --state-max-mb without being told */
  VIEW_BAR_MS = 150,
  INGEST_BAR_PERCENT = 2,
  MINUTE_0 = 29000040,
  MAX_MB = 2048,
  PACKED_MINUTES = 512, /* different ones, used again and again */
};

struct packed {
  uint8_t *bytes;
  size_t count;
};

static void must(bool good, const char *what) {
  if (good) return;
  fprintf(stderr, "bench_store: %s\n", what);
  abort();
}

static double cpu_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* About what a path across a continent shows: a floor, and a tail above it that is a tenth of it.
 */
static int64_t length_ns(struct pm_rng *rng, double floor_ms) {
  double tail = -log(1 - pm_rng_unit(rng));
  return (int64_t)((floor_ms + tail * floor_ms / 10) * PM_NS_PER_MS);
}

static struct packed make_minute(struct pm_rng *rng) {
  static const double FLOORS_MS[PM_PHASE_COUNT] = {1, 30, 40, 32, 0.05, 105};
  struct pm_slot slot = {0};
  struct packed packed;
  for (int i = 0; i < SAMPLES_A_MINUTE; i++) {
    struct pm_sample sample = {.connection = {.known = true, .syns_sent = 1, .syn_answered = true}};
    sample.outcome = pm_rng_below(rng, 200) == 0 ? PM_OUTCOME_TIMEOUT : PM_OUTCOME_SUCCESS;
    for (int phase = 0; phase < PM_PHASE_COUNT; phase++)
      sample.phase_ns[phase] = length_ns(rng, FLOORS_MS[phase]);
    must(pm_slot_add(&slot, &sample) == PM_OK, "a sample");
  }
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++)
    slot.phases[phase].jitter_ns = length_ns(rng, 1);
  must(pm_slot_pack(&slot, &packed.bytes, &packed.count) == PM_OK, "a slot");
  pm_slot_deinit(&slot);
  return packed;
}

static void write_minute(struct pm_archive *archive, int64_t minute, int peers, char (*urls)[32],
                         const struct packed *packed, struct pm_rng *rng,
                         struct pm_archive_minute *list) {
  for (int i = 0; i < peers; i++) {
    const struct packed *one = &packed[pm_rng_below(rng, PACKED_MINUTES)];
    list[i] = (struct pm_archive_minute){.next = i + 1 < peers ? &list[i + 1] : NULL,
                                         .minute = {.from = {"self", "", "Here"},
                                                    .to = {urls[i], urls[i], "There"},
                                                    .minute = minute,
                                                    .bytes = one->bytes,
                                                    .count = one->count}};
  }
  struct pm_wall now = {(minute + 1) * 60 * PM_NS_PER_S};
  must(pm_archive_write(archive, list, now) == PM_OK, "a write");
  while (pm_archive_upkeep(archive, now)) {
  }
}

static double view_ms(struct pm_archive *archive, const char *from, const char *to, int64_t since,
                      int64_t until, int64_t step_s, size_t *out_rows) {
  struct pm_history_query query = {.from = from,
                                   .to = to,
                                   .since_s = since * 60,
                                   .until_s = until * 60,
                                   .step_s = step_s,
                                   .phase = PM_PHASE_TOTAL};
  struct pm_history history;
  double before = cpu_ms();
  must(pm_archive_history(archive, &query, NULL, &history) == PM_OK, "a view");
  double took = cpu_ms() - before;
  *out_rows = history.count;
  pm_archive_history_free(&history);
  return took;
}

static double profile_ms(struct pm_archive *archive, const char *from, const char *to,
                         int64_t since, int64_t until) {
  struct pm_profile_query query = {.from = from,
                                   .to = to,
                                   .since_s = since * 60,
                                   .until_s = until * 60,
                                   .phase = PM_PHASE_TOTAL};
  struct pm_profile *profile = malloc(sizeof(*profile));
  double before = cpu_ms();
  must(profile && pm_archive_profile(archive, &query, NULL, profile) == PM_OK, "a profile");
  double took = cpu_ms() - before;
  free(profile);
  return took;
}

/* --- reports ---------------------------------------------------------------------------------- */

static struct pm_cell make_cell(struct pm_rng *rng, int path) {
  int64_t p50 = (5 + path) * PM_NS_PER_MS + length_ns(rng, 0.5);
  return (struct pm_cell){
      .state = PM_CELL_MEASURED,
      .every_s = 10,
      .sent = 60,
      .lost = pm_rng_below(rng, 20) == 0,
      .rtt_ns = {p50 * 98 / 100, p50, p50 * 103 / 100, p50 * 110 / 100, p50 * 140 / 100},
      .jitter_ns = length_ns(rng, 0.3),
      .phase_ns = {PM_NS_PER_MS, 2 * p50, p50 * 12 / 10, 5 * p50}};
}

/* Ten minutes of a mesh: each of the peers of each other one. */
static double write_reports(struct pm_archive *archive, int64_t minute, int peers, char (*keys)[40],
                            struct pm_rng *rng, struct pm_store_report_path *paths) {
  struct pm_archive_minute *list = calloc((size_t)peers, sizeof(*list));
  struct pm_store_report *reports = calloc((size_t)peers, sizeof(*reports));
  must(list && reports, "memory");
  for (int from = 0; from < peers; from++) {
    struct pm_store_report_path *own = &paths[from * peers];
    size_t count = 0;
    for (int to = 0; to < peers; to++)
      if (to != from)
        own[count++] = (struct pm_store_report_path){{keys[to], "", ""}, make_cell(rng, to)};
    reports[from] = (struct pm_store_report){{keys[from], "", ""}, minute, own, count};
    list[from] = (struct pm_archive_minute){.next = from + 1 < peers ? &list[from + 1] : NULL,
                                            .report = &reports[from]};
  }
  struct pm_wall now = {(minute + 10) * 60 * PM_NS_PER_S};
  double before = cpu_ms();
  must(pm_archive_write(archive, list, now) == PM_OK, "a write of reports");
  while (pm_archive_upkeep(archive, now)) {
  }
  double took = cpu_ms() - before;
  free(list);
  free(reports);
  return took;
}

static double file_mb(const char *dir, const char *name) {
  char path[512];
  struct stat there;
  snprintf(path, sizeof(path), "%s/%s", dir, name);
  return stat(path, &there) == 0 ? (double)there.st_size / (1 << 20) : 0;
}

static void print_views(struct pm_archive *archive, const char *from, const char *to, int64_t end,
                        double *out_30_days_ms) {
  static const struct {
    const char *name;
    int64_t minutes, step_s;
  } views[] = {{"6 h by the minute", 360, 60},
               {"24 h by the minute", 1440, 60},
               {"7 d by ten minutes", 10080, 600},
               {"30 d by ten minutes", 43200, 600},
               {"30 d by the hour", 43200, 3600}};
  for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
    size_t rows;
    double ms = view_ms(archive, from, to, end - views[i].minutes, end, views[i].step_s, &rows);
    printf("view, %-20s %7.1f ms of CPU, %zu rows\n", views[i].name, ms, rows);
    if (views[i].minutes == 43200 && ms > *out_30_days_ms) *out_30_days_ms = ms;
  }
}

int main(int argc, char **argv) {
  const char *dir = argc > 1 ? argv[1] : ".";
  int days = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 30;
  int peers = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 100;
  struct pm_rng rng;
  struct packed packed[PACKED_MINUTES];
  struct pm_archive *archive;
  char(*urls)[32] = calloc((size_t)peers, sizeof(*urls));
  struct pm_archive_minute *list = calloc((size_t)peers, sizeof(*list));
  char(*keys)[40] = calloc((size_t)peers, sizeof(*keys));
  struct pm_store_report_path *paths = calloc((size_t)peers * (size_t)peers, sizeof(*paths));
  must(keys && paths && urls && list && pm_archive_new(dir, MAX_MB, &archive) == PM_OK, "memory");
  pm_rng_seed(&rng, 1);
  size_t bytes = 0;
  for (int i = 0; i < PACKED_MINUTES; i++) {
    packed[i] = make_minute(&rng);
    bytes += packed[i].count;
  }
  for (int i = 0; i < peers; i++) snprintf(urls[i], sizeof(urls[i]), "http://10.0.0.%d:8080", i);
  for (int i = 0; i < peers; i++) snprintf(keys[i], sizeof(keys[i]), "%032x", i + 1);
  int64_t end = MINUTE_0 + (int64_t)days * 1440;
  double before = cpu_ms();
  for (int64_t minute = MINUTE_0; minute < end; minute++)
    write_minute(archive, minute, peers, urls, packed, &rng, list);
  double share = (cpu_ms() - before) / ((double)days * 1440 * 60 * 1000) * 100;
  double mb = file_mb(dir, "history.db") + file_mb(dir, "history.db-wal"), view_30_days_ms = 0;
  printf("%d days of %d peers, packed minutes of %zu bytes in the mean\n", days, peers,
         bytes / PACKED_MINUTES);
  printf("store                    %7.1f MB (bar %d)\n", mb, SIZE_BAR_MB);
  printf("writing, upkeep included %7.3f %% of a core (bar %d)\n", share, INGEST_BAR_PERCENT);
  print_views(archive, "self", "http://10.0.0.3:8080", end, &view_30_days_ms);
  printf("profile of %d days       %7.1f ms of CPU\n", days,
         profile_ms(archive, "self", "http://10.0.0.3:8080", MINUTE_0, end));
  double reports_ms = 0;
  for (int64_t minute = MINUTE_0; minute < end; minute += 10)
    reports_ms += write_reports(archive, minute, peers, keys, &rng, paths);
  double reports_share = reports_ms / ((double)days * 1440 * 60 * 1000) * 100;
  double all_mb = file_mb(dir, "history.db") + file_mb(dir, "history.db-wal");
  printf("reports of %d pairs: %.1f MB more, %.3f %% of a core, %.0f ms at once\n",
         peers * (peers - 1), all_mb - mb, reports_share, reports_ms / (days * 144.0));
  printf("all of the store         %7.1f MB (bar %d)\n", all_mb, SIZE_ALL_BAR_MB);
  print_views(archive, keys[1], keys[peers - 1], end, &view_30_days_ms);
  printf("profile of %d days       %7.1f ms of CPU\n", days,
         profile_ms(archive, keys[1], keys[peers - 1], MINUTE_0, end));
  pm_archive_free(archive);
  for (int i = 0; i < PACKED_MINUTES; i++) free(packed[i].bytes);
  free(urls);
  free(list);
  free(keys);
  free(paths);
  return mb > SIZE_BAR_MB || all_mb > SIZE_ALL_BAR_MB ||
         share + reports_share > INGEST_BAR_PERCENT || view_30_days_ms > VIEW_BAR_MS;
}
