#include "percentiles.h"

#include <inttypes.h>
#include <stdlib.h>

#include "table.h"

enum { TEN_MINUTES = 1 }; /* of the windows in gossip/stats_doc.h */

void avgping_percentiles_names(struct pm_buf *out) {
  pm_buf_printf(out, "%20s\t%s\t%s\t%9s\t%9s\t%9s\t%9s\t%9s\t%9s\t%s\t%s\t%s\n", "Location",
                "Phase", "Count", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "max ms", "jitter ms",
                "Loss %", "95% within", "PeerIP or URL");
}

static void write_ms(struct pm_buf *out, int64_t ns) {
  pm_buf_printf(out, "\t%9.3f", (double)ns / PM_NS_PER_MS);
}

static void write_loss(struct pm_buf *out, const struct pm_stats_doc_window *window) {
  if (window->trials <= 0) {
    pm_buf_text(out, "\t-\t-\t");
    return;
  }
  pm_buf_printf(out, "\t%.2f\t%.2f-%.2f\t", 100 * window->loss, 100 * window->loss_low,
                100 * window->loss_high);
}

static void write_phase(struct pm_buf *out, const struct pm_peer_entry *peer,
                        const struct pm_stats_doc_window *window, int index) {
  const struct pm_stats_doc_phase *phase = &window->phases[index];
  avgping_table_location(out, peer);
  pm_buf_printf(out, "\t%s\t%" PRId64, pm_stats_doc_phase_name(index), phase->count);
  write_ms(out, phase->p50_ns);
  write_ms(out, phase->p90_ns);
  write_ms(out, phase->p95_ns);
  write_ms(out, phase->p99_ns);
  write_ms(out, phase->max_ns);
  write_ms(out, phase->jitter_ns);
  write_loss(out, window);
  avgping_table_address(out, peer);
  pm_buf_char(out, '\n');
}

/* No phase was measured: nothing is known at all, or of the packets only. */
static void write_dashes(struct pm_buf *out, const struct pm_peer_entry *peer,
                         const struct pm_stats_doc_window *window) {
  avgping_table_location(out, peer);
  pm_buf_text(out, "\t-\t-");
  for (int i = 0; i < 6; i++) pm_buf_printf(out, "\t%9s", "-");
  write_loss(out, window);
  avgping_table_address(out, peer);
  pm_buf_char(out, '\n');
}

void avgping_percentiles_row(struct pm_buf *out, const struct pm_peer_entry *peer) {
  struct pm_stats_doc stats;
  bool any = false;
  pm_stats_doc_read(peer->mesh, &stats);
  const struct pm_stats_doc_window *window = &stats.windows[TEN_MINUTES];
  for (int i = 0; i < PM_STATS_DOC_PHASES; i++) {
    if (window->phases[i].count <= 0) continue;
    write_phase(out, peer, window, i);
    any = true;
  }
  if (!any) write_dashes(out, peer, window);
}

bool avgping_percentiles_there(const struct pm_peer_entry *peer) {
  struct pm_stats_doc stats;
  return pm_stats_doc_read(peer->mesh, &stats) && stats.windows[TEN_MINUTES].there;
}

/* Each entry gets what was read of it, for the writer to find. */
static void attach(struct pm_peer_entry *entries, size_t count, struct pm_stats_doc *stats) {
  for (size_t i = 0; i < count; i++) {
    if (pm_stats_doc_read(entries[i].mesh, &stats[i])) entries[i].stats = &stats[i];
  }
}

void avgping_percentiles_write_json(const struct pm_peers_doc *doc, struct pm_buf *out) {
  struct pm_peers_doc with = *doc; /* its lists are the document's own */
  size_t count = doc->peers_count + doc->deleted_count;
  struct pm_stats_doc *stats = calloc(count + 1, sizeof(*stats));
  struct pm_peer_entry *entries = calloc(count + 1, sizeof(*entries));
  if (stats != NULL && entries != NULL) {
    with.peers = entries;
    with.deleted = entries + doc->peers_count;
    for (size_t i = 0; i < doc->peers_count; i++) with.peers[i] = doc->peers[i];
    for (size_t i = 0; i < doc->deleted_count; i++) with.deleted[i] = doc->deleted[i];
    attach(entries, count, stats);
    avgping_table_write_json(&with, out);
  } else {
    out->err = PM_ERR_NOMEM;
  }
  free(stats);
  free(entries);
}
