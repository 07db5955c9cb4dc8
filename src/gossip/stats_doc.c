#include "gossip/stats_doc.h"

#include <stddef.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* The largest integer up to which every one is exact in a double (base/json_read.h). */
static const int64_t integer_max = (int64_t)1 << 53;

/* The members of each object, once: the reader and the writer walk the same lists. */
struct member {
  const char *name;
  size_t at;
};

#define WINDOW(name, field) \
  { name, offsetof(struct pm_stats_doc_window, field) }
static const struct member probe_members[] = {
    WINDOW("Sent", sent),
    WINDOW("Succeeded", succeeded),
    WINDOW("Lost", lost),
    WINDOW("Starved", starved),
    WINDOW("Retransmitted", retransmitted),
    WINDOW("Late", late),
    WINDOW("Segments", segments),
    WINDOW("SegmentsResent", segments_resent),
    WINDOW("Trials", trials),
    WINDOW("TrialsLost", trials_lost),
};
static const struct member loss_members[] = {WINDOW("Loss", loss), WINDOW("LossLow", loss_low),
                                             WINDOW("LossHigh", loss_high)};
#undef WINDOW

#define PHASE(name, field) \
  { name, offsetof(struct pm_stats_doc_phase, field) }
static const struct member phase_members[] = {
    PHASE("Count", count), PHASE("Mean", mean_ns), PHASE("P50", p50_ns), PHASE("P90", p90_ns),
    PHASE("P95", p95_ns),  PHASE("P99", p99_ns),   PHASE("Max", max_ns), PHASE("Jitter", jitter_ns),
};
#undef PHASE

const char *pm_stats_doc_window_name(int window) {
  static const char *const names[PM_STATS_DOC_WINDOWS] = {"1m", "10m", "1h"};
  return names[window];
}

const char *pm_stats_doc_phase_name(int phase) {
  static const char *const names[PM_STATS_DOC_PHASES] = {"Dns",   "Tcp",  "Tls",
                                                         "First", "Last", "Total"};
  return names[phase];
}

/* ---- writing ---- */

static void write_integers(struct pm_json_writer *w, const struct member *members, size_t count,
                           const void *base) {
  for (size_t i = 0; i < count; i++) {
    pm_json_put_int(w, members[i].name, *(const int64_t *)((const char *)base + members[i].at));
  }
}

static void write_loss(struct pm_json_writer *w, const struct pm_stats_doc_window *window) {
  for (size_t i = 0; i < COUNT(loss_members); i++) {
    double value = *(const double *)((const char *)window + loss_members[i].at);
    if (window->trials > 0) {
      pm_json_put_double(w, loss_members[i].name, value, 6);
    } else {
      pm_json_put_null(w, loss_members[i].name);
    }
  }
}

static void write_window(struct pm_json_writer *w, const char *name,
                         const struct pm_stats_doc_window *window) {
  pm_json_object_begin(w, name);
  write_integers(w, probe_members, COUNT(probe_members), window);
  write_loss(w, window);
  for (int i = 0; i < PM_STATS_DOC_PHASES; i++) {
    if (window->phases[i].count == 0) continue;
    pm_json_object_begin(w, pm_stats_doc_phase_name(i));
    write_integers(w, phase_members, COUNT(phase_members), &window->phases[i]);
    pm_json_object_end(w);
  }
  pm_json_object_end(w);
}

void pm_stats_doc_write(struct pm_json_writer *w, const struct pm_stats_doc *stats) {
  pm_json_object_begin(w, "Stats");
  bool indent = w->indent;
  w->indent = false;
  for (int i = 0; i < PM_STATS_DOC_WINDOWS; i++) {
    if (!stats->windows[i].there) continue;
    write_window(w, pm_stats_doc_window_name(i), &stats->windows[i]);
  }
  pm_json_object_end(w);
  w->indent = indent;
}

/* ---- reading ---- */

static bool read_integers(const struct pm_json *object, const struct member *members, size_t count,
                          void *base) {
  for (size_t i = 0; i < count; i++) {
    const struct pm_json *json = pm_json_member(object, members[i].name);
    int64_t *out = (int64_t *)((char *)base + members[i].at);
    if (pm_json_int(json, -integer_max, integer_max, out) != PM_OK) return false;
  }
  return true;
}

/* What is null stays 0: it has no meaning without trials. */
static bool read_loss(const struct pm_json *object, struct pm_stats_doc_window *out) {
  for (size_t i = 0; i < COUNT(loss_members); i++) {
    const struct pm_json *json = pm_json_member(object, loss_members[i].name);
    enum pm_err err = pm_json_double(json, (double *)((char *)out + loss_members[i].at));
    if (err != PM_OK && err != PM_ERR_MISSING) return false;
  }
  return true;
}

static bool read_phases(const struct pm_json *object, struct pm_stats_doc_window *out) {
  for (int i = 0; i < PM_STATS_DOC_PHASES; i++) {
    const struct pm_json *phase = pm_json_member(object, pm_stats_doc_phase_name(i));
    if (pm_json_is_null(phase)) continue;
    if (!read_integers(phase, phase_members, COUNT(phase_members), &out->phases[i])) return false;
  }
  return true;
}

static bool read_window(const struct pm_json *object, struct pm_stats_doc_window *out) {
  struct pm_stats_doc_window window = {.there = true};
  if (!pm_json_is_object(object) ||
      !read_integers(object, probe_members, COUNT(probe_members), &window) ||
      !read_loss(object, &window) || !read_phases(object, &window))
    return false;
  *out = window;
  return true;
}

bool pm_stats_doc_read(const struct pm_json *mesh, struct pm_stats_doc *out) {
  const struct pm_json *stats = pm_json_member(mesh, "Stats");
  bool any = false;
  *out = (struct pm_stats_doc){0};
  for (int i = 0; i < PM_STATS_DOC_WINDOWS; i++) {
    const struct pm_json *window = pm_json_member(stats, pm_stats_doc_window_name(i));
    if (read_window(window, &out->windows[i])) any = true;
  }
  return any;
}
