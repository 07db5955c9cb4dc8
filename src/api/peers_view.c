#include "api/peers_view.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/html.h"
#include "api/mesh_view.h"
#include "base/json_write.h"
#include "gossip/stats_doc.h"
#include "gossip/view.h"
#include "probe/stats.h"

void pm_peers_view_init(struct pm_peers_view *view, const struct pm_roster *roster,
                        const struct pm_peers_head *head, struct pm_wall now) {
  *view = (struct pm_peers_view){
      .head = *head, .roster = roster, .now = now, .windows = PM_PEERS_VIEW_WINDOWS_DEFAULT};
  size_t count = pm_roster_count(roster);
  for (size_t i = 0; i < count; i++) {
    if (pm_roster_at(roster, i)->state == PM_TARGET_GIVEN_UP) view->given_up++;
  }
  view->head.num_active = (int64_t)(count - view->given_up);
  view->head.num_deleted = (int64_t)(pm_roster_ended_total(roster) + view->given_up);
}

typedef void (*target_visitor)(void *owner, const struct pm_target *target);

static void each_active(const struct pm_peers_view *view, target_visitor visit, void *owner) {
  for (size_t i = 0; i < pm_roster_count(view->roster); i++) {
    const struct pm_target *target = pm_roster_at(view->roster, i);
    if (target->state != PM_TARGET_GIVEN_UP) visit(owner, target);
  }
}

static size_t deleted_shown(const struct pm_peers_view *view) {
  size_t all = pm_roster_ended_count(view->roster) + view->given_up;
  return all < PM_PEERS_VIEW_DELETED_MAX ? all : PM_PEERS_VIEW_DELETED_MAX;
}

/* The last hundred of both lists, one behind the other. */
static void each_deleted(const struct pm_peers_view *view, target_visitor visit, void *owner) {
  size_t ended = pm_roster_ended_count(view->roster);
  size_t skip = ended + view->given_up - deleted_shown(view);
  for (size_t i = skip; i < ended; i++) visit(owner, pm_roster_ended_at(view->roster, i));
  skip = skip > ended ? skip - ended : 0;
  for (size_t i = 0; i < pm_roster_count(view->roster); i++) {
    const struct pm_target *target = pm_roster_at(view->roster, i);
    if (target->state != PM_TARGET_GIVEN_UP) continue;
    if (skip > 0) {
      skip--;
    } else {
      visit(owner, target);
    }
  }
}

/* ---- JSON ---- */

static struct pm_stats_doc_phase phase_of(const struct pm_slot *slot, enum pm_phase phase) {
  const struct pm_slot_phase *from = &slot->phases[phase];
  const struct pm_histogram *h = &from->histogram;
  return (struct pm_stats_doc_phase){
      .count = (int64_t)h->total,
      .mean_ns = pm_slot_mean_ns(slot, phase),
      .p50_ns = pm_slot_quantile_ns(slot, phase, 0.5),
      .p90_ns = pm_slot_quantile_ns(slot, phase, 0.9),
      .p95_ns = pm_slot_quantile_ns(slot, phase, 0.95),
      .p99_ns = pm_slot_quantile_ns(slot, phase, 0.99),
      .max_ns = from->max_ns,
      .jitter_ns = from->jitter_ns,
  };
}

static struct pm_stats_doc_window window_of(const struct pm_slot *slot) {
  const struct pm_loss_estimate loss = pm_loss_estimate(&slot->packets);
  struct pm_stats_doc_window window = {.there = !pm_slot_is_empty(slot),
                                       .sent = slot->sent,
                                       .succeeded = slot->succeeded,
                                       .lost = slot->lost,
                                       .starved = slot->starved,
                                       .retransmitted = slot->retransmitted,
                                       .late = slot->late,
                                       .trials = slot->packets.trials,
                                       .trials_lost = slot->packets.lost,
                                       .loss = loss.rate,
                                       .loss_low = loss.low,
                                       .loss_high = loss.high,
                                       .segments = slot->packets.data_segments,
                                       .segments_resent = slot->packets.data_retransmits};
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    window.phases[phase] = phase_of(slot, (enum pm_phase)phase);
  }
  return window;
}

/* One of a document's entries after the other uses the same slot, and so its memory. */
struct document {
  const struct pm_peers_view *view;
  struct pm_json_writer w;
  struct pm_slot slot;
};

/* False if there is nothing to tell. Without memory a window is left out. */
static bool stats_of(struct document *document, const struct pm_target *target,
                     struct pm_stats_doc *out) {
  const struct pm_peers_view *view = document->view;
  bool any = false;
  *out = (struct pm_stats_doc){0};
  for (int span = 0; span < PM_WINDOW_SPAN_COUNT; span++) {
    if ((view->windows & 1u << span) == 0) continue;
    if (pm_window_query(&target->stats.window, (enum pm_window_span)span, view->now_monotonic,
                        &document->slot) != PM_OK)
      continue;
    out->windows[span] = window_of(&document->slot);
    any = any || out->windows[span].there;
  }
  return any;
}

static struct pm_peer_totals totals_of(const struct pm_target *target, const char *remote) {
  const struct pm_stats *stats = &target->stats;
  bool answered = stats->successes > 0;
  /* As recorded: before the first success all is null or 0, the status too. */
  return (struct pm_peer_totals){
      .start = stats->first_success,
      .dns_ns = stats->phases[PM_PHASE_DNS].sum_ns,
      .tcp_ns = stats->phases[PM_PHASE_TCP].sum_ns,
      .tls_ns = stats->phases[PM_PHASE_TLS].sum_ns,
      .reply_ns = stats->phases[PM_PHASE_FIRST].sum_ns,
      .close_ns = stats->phases[PM_PHASE_LAST].sum_ns,
      .total_ns = stats->phases[PM_PHASE_TOTAL].sum_ns,
      .dest_url = answered ? target->spec.endpoint.url : NULL,
      .location = answered ? pm_target_location(target) : NULL,
      .remote = remote,
      .resp_code = answered ? stats->latest_status : 0,
      .size_bytes = (int64_t)stats->body_bytes,
  };
}

/* Whether the mesh is told of it, too. What the mesh itself brought is no local affair. */
static bool is_shared(const struct pm_gossip *core, const struct pm_target *target,
                      const char *address) {
  const struct pm_target_spec *spec = &target->spec;
  bool by_person = spec->learned == PM_LEARNED_CONFIG || spec->learned == PM_LEARNED_OPERATOR;
  uint64_t handle = spec->member;
  struct pm_gossip_member member;
  struct pm_contact contact;
  if (core == NULL || (handle != 0 && !by_person)) return true;
  if (handle == 0 && pm_contact_from_url(spec->endpoint.url, address, &contact) == PM_OK)
    handle = pm_gossip_find(core, &contact);
  return handle != 0 && pm_gossip_get(core, handle, &member) && member.listed;
}

static void write_entry(void *owner, const struct pm_target *target) {
  struct document *document = owner;
  struct pm_stats_doc stats;
  const struct pm_target_spec *spec = &target->spec;
  const struct pm_ip *address = &target->stats.remote;
  char host[PM_HOST_PORT_BYTES];
  char peer_ip[PM_IP_TEXT_BYTES];
  char remote[PM_IP_TEXT_BYTES];
  pm_endpoint_host_port(&spec->endpoint, host);
  pm_ip_text(&target->stats.remote, remote);
  if (spec->endpoint.ip_override.family != PM_IP_NONE) address = &spec->endpoint.ip_override;
  pm_ip_text(address, peer_ip);
  const struct pm_peer_entry entry = {
      .url = spec->endpoint.url,
      .host = host,
      .limit = spec->limit,
      .delay_s = spec->delay_s,
      .fail_max = spec->fail_max,
      .location = pm_target_location(target),
      .peer_ip = peer_ip,
      .first_ping = target->added,
      .latest_ping = target->stats.latest_success,
      .pings = (int64_t)target->stats.successes,
      .fails = (int64_t)target->stats.failures,
      .totals = totals_of(target, remote),
      .paused = target->paused,
      .unshared = !is_shared(document->view->core, target, peer_ip),
      .stats = stats_of(document, target, &stats) ? &stats : NULL,
  };
  pm_peers_doc_entry(&document->w, &entry);
}

void pm_peers_view_json(const struct pm_peers_view *view, struct pm_buf *out) {
  struct document document = {.view = view};
  struct pm_json_writer *w = &document.w;
  size_t active = (size_t)view->head.num_active;
  size_t deleted = deleted_shown(view);
  pm_json_writer_init(w, out, true);
  pm_peers_doc_begin(w, &view->head);
  pm_peers_doc_list_begin(w, "Peers", active);
  each_active(view, write_entry, &document);
  pm_peers_doc_list_end(w, active);
  pm_peers_doc_middle(w, &view->head);
  pm_peers_doc_list_begin(w, "DelPeers", deleted);
  each_deleted(view, write_entry, &document);
  pm_peers_doc_list_end(w, deleted);
  if (view->mesh != NULL) pm_mesh_view_json(view->mesh, w);
  pm_peers_doc_end(w);
  pm_buf_char(out, '\n');
  pm_slot_deinit(&document.slot);
}

/* ---- HTML ---- */

struct table {
  const struct pm_peers_view *view;
  struct pm_buf *out;
  struct pm_slot slot; /* the last ten minutes of the row's target */
};

static void ms_cell(struct pm_buf *out, double ns) {
  pm_html_element(out, "td class=\"number\"", "%.3f", ns / PM_NS_PER_MS);
}

static void name_cells(struct pm_buf *out, const struct pm_target *target) {
  char remote[PM_IP_TEXT_BYTES];
  pm_ip_text(&target->stats.remote, remote);
  pm_html_element(out, "th scope=\"row\" class=\"long\"", "%s", pm_target_location(target));
  pm_buf_text(out, "<td class=\"long\">");
  pm_html_text(out, "%s", target->spec.endpoint.url);
  if (target->spec.insecure) {
    pm_buf_text(out, " <strong class=\"bad\">insecure: certificate not verified</strong>");
  }
  pm_buf_text(out, "</td>");
  pm_html_element(out, "td class=\"long\"", "%s", remote);
}

static void no_cell(struct pm_buf *out) {
  pm_html_element(out, "td class=\"number\"", "-");
}

static void failed_cell(struct pm_buf *out, const struct pm_slot *slot) {
  if (slot->sent == 0) {
    no_cell(out);
  } else {
    pm_html_element(out, "td class=\"number\"", "%.2f %%", 100.0 * slot->lost / slot->sent);
  }
}

static void loss_cell(struct pm_buf *out, const struct pm_slot *slot) {
  const struct pm_loss_estimate loss = pm_loss_estimate(&slot->packets);
  if (!loss.known) {
    no_cell(out);
  } else {
    pm_html_element(out, "td", "%.2f %% (%.2f to %.2f)", 100 * loss.rate, 100 * loss.low,
                    100 * loss.high);
  }
}

static void latency_cells(struct pm_buf *out, const struct pm_slot *slot) {
  const struct pm_slot_phase *tcp = &slot->phases[PM_PHASE_TCP];
  if (tcp->histogram.total == 0) {
    for (int i = 0; i < 4; i++) no_cell(out);
    return;
  }
  ms_cell(out, (double)pm_slot_quantile_ns(slot, PM_PHASE_TCP, 0.5));
  ms_cell(out, (double)pm_slot_quantile_ns(slot, PM_PHASE_TCP, 0.99));
  ms_cell(out, (double)tcp->jitter_ns);
  ms_cell(out, (double)pm_slot_quantile_ns(slot, PM_PHASE_TOTAL, 0.5));
}

static void last_cell(struct pm_buf *out, struct pm_wall latest, struct pm_wall now) {
  char age[PM_TIME_TEXT_BYTES];
  if (latest.ns == 0) {
    pm_html_element(out, "td", "never");
    return;
  }
  pm_duration_text((now.ns - latest.ns) / PM_NS_PER_S, age);
  pm_html_element(out, "td", "%s ago", age);
}

static void learned_cell(struct pm_buf *out, const struct pm_target_spec *spec) {
  const char *from = spec->learned_from;
  pm_html_element(out, "td class=\"long\"", "%s%s%s", pm_learned_text(spec->learned),
                  from[0] != '\0' ? " from " : "", from);
}

static void window_cells(struct table *table, const struct pm_target *target) {
  const struct pm_window *window = &target->stats.window;
  if (pm_window_query(window, PM_WINDOW_SPAN_10M, table->view->now_monotonic, &table->slot) !=
      PM_OK)
    pm_slot_clear(&table->slot);
  latency_cells(table->out, &table->slot);
  failed_cell(table->out, &table->slot);
  loss_cell(table->out, &table->slot);
  pm_html_element(table->out, "td class=\"number\"", "%" PRIu32, table->slot.starved);
}

static void write_row(void *owner, const struct pm_target *target) {
  struct table *table = owner;
  const struct pm_stats *stats = &target->stats;
  struct pm_buf *out = table->out;
  pm_buf_text(out, "<tr>");
  name_cells(out, target);
  pm_html_element(out, "td class=\"number\"", "%" PRIu64, stats->successes);
  window_cells(table, target);
  last_cell(out, stats->latest_success, table->view->now);
  pm_html_element(out, "td", "%s", target->paused ? "paused" : pm_target_state_text(target->state));
  learned_cell(out, &target->spec);
  pm_buf_text(out, "</tr>\n");
}

static void table_begin(struct pm_buf *out, const char *caption) {
  static const char *const columns[] = {"Location", "URL",         "Address", "Pings",  "TCP p50",
                                        "TCP p99",  "Jitter",      "All p50", "Failed", "Loss",
                                        "Starved",  "Last answer", "State",   "Learned"};
  pm_html_table_begin(out, caption);
  pm_buf_text(out, "<tr>");
  for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
    pm_html_element(out, "th scope=\"col\"", "%s", columns[i]);
  }
  pm_buf_text(out, "</tr>\n");
}

void pm_peers_view_tables(const struct pm_peers_view *view, struct pm_buf *out) {
  struct table table = {.view = view, .out = out};
  table_begin(out, "Being probed; the last ten minutes, times in milliseconds");
  each_active(view, write_row, &table);
  pm_html_table_end(out);
  if (deleted_shown(view) > 0) {
    pm_html_element(out, "h2", "Ended or given up");
    table_begin(out, "The last hundred; their last ten minutes, times in milliseconds");
    each_deleted(view, write_row, &table);
    pm_html_table_end(out);
  }
  pm_slot_deinit(&table.slot);
}

void pm_peers_view_html(const struct pm_peers_view *view, struct pm_buf *out) {
  pm_html_begin(out, "Peers");
  pm_html_element(out, "p",
                  "Measured from %s: %" PRId64 " being probed, %" PRId64 " ended or given up.",
                  view->head.srv_loc, view->head.num_active, view->head.num_deleted);
  pm_html_element(out, "p",
                  "TCP is one round trip to the peer, all is from connecting to the last byte. "
                  "p50 and p99: half, and 99 of 100, took no longer. Jitter: how much one differs "
                  "from the next (RFC 3550). Failed: of the probes. Loss: of the packets of a "
                  "round trip, in per cent, with the interval that holds the true one in 95 of "
                  "100 cases. Starved: probes during which this node got too little processor; "
                  "the times that it took itself then are left out.");
  pm_peers_view_tables(view, out);
  if (view->mesh != NULL) pm_mesh_view_html(view->mesh, out);
  pm_html_end(out);
}
