#include "api/peers_view.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/html.h"
#include "api/mesh_view.h"
#include "base/json_write.h"
#include "probe/stats.h"

void pm_peers_view_init(struct pm_peers_view *view, const struct pm_roster *roster,
                        const struct pm_peers_head *head, struct pm_wall now) {
  *view = (struct pm_peers_view){.head = *head, .roster = roster, .now = now};
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

static void write_entry(void *owner, const struct pm_target *target) {
  struct pm_json_writer *w = owner;
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
  };
  pm_peers_doc_entry(w, &entry);
}

void pm_peers_view_json(const struct pm_peers_view *view, struct pm_buf *out) {
  struct pm_json_writer w;
  size_t active = (size_t)view->head.num_active;
  size_t deleted = deleted_shown(view);
  pm_json_writer_init(&w, out, true);
  pm_peers_doc_begin(&w, &view->head);
  pm_peers_doc_list_begin(&w, "Peers", active);
  each_active(view, write_entry, &w);
  pm_peers_doc_list_end(&w, active);
  pm_peers_doc_middle(&w, &view->head);
  pm_peers_doc_list_begin(&w, "DelPeers", deleted);
  each_deleted(view, write_entry, &w);
  pm_peers_doc_list_end(&w, deleted);
  if (view->mesh != NULL) pm_mesh_view_json(view->mesh, &w);
  pm_peers_doc_end(&w);
  pm_buf_char(out, '\n');
}

/* ---- HTML ---- */

struct table {
  struct pm_buf *out;
  struct pm_wall now;
};

static void ms_cell(struct pm_buf *out, double ns) {
  pm_html_element(out, "td class=\"number\"", "%.3f", ns / PM_NS_PER_MS);
}

static void quantile_cell(struct pm_buf *out, const struct pm_phase_stats *phase, double q) {
  ms_cell(out, (double)pm_histogram_quantile_ns(&phase->histogram, q));
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
  pm_html_element(out, "td", "%s", remote);
}

static void latency_cells(struct pm_buf *out, const struct pm_stats *stats) {
  const struct pm_phase_stats *tcp = &stats->phases[PM_PHASE_TCP];
  if (stats->successes == 0) {
    for (int i = 0; i < 4; i++) pm_html_element(out, "td class=\"number\"", "-");
    return;
  }
  ms_cell(out, (double)pm_stats_mean_ns(stats, PM_PHASE_TCP));
  quantile_cell(out, tcp, 0.5);
  quantile_cell(out, tcp, 0.99);
  ms_cell(out, tcp->jitter_ns);
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

static void write_row(void *owner, const struct pm_target *target) {
  const struct table *table = owner;
  const struct pm_stats *stats = &target->stats;
  struct pm_buf *out = table->out;
  pm_buf_text(out, "<tr>");
  name_cells(out, target);
  pm_html_element(out, "td class=\"number\"", "%" PRIu64, stats->successes);
  pm_html_element(out, "td class=\"number\"", "%.2f %%", 100 * pm_stats_loss(stats));
  latency_cells(out, stats);
  last_cell(out, stats->latest_success, table->now);
  pm_html_element(out, "td", "%s", pm_target_state_text(target->state));
  learned_cell(out, &target->spec);
  pm_buf_text(out, "</tr>\n");
}

static void table_begin(struct pm_buf *out, const char *caption) {
  static const char *const columns[] = {"Location", "URL",         "Address", "Pings",
                                        "Loss",     "TCP mean",    "p50",     "p99",
                                        "Jitter",   "Last answer", "State",   "Learned"};
  pm_html_table_begin(out, caption);
  pm_buf_text(out, "<tr>");
  for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
    pm_html_element(out, "th scope=\"col\"", "%s", columns[i]);
  }
  pm_buf_text(out, "</tr>\n");
}

void pm_peers_view_tables(const struct pm_peers_view *view, struct pm_buf *out) {
  struct table table = {out, view->now};
  table_begin(out, "Being probed; times in milliseconds");
  each_active(view, write_row, &table);
  pm_html_table_end(out);
  if (deleted_shown(view) == 0) return;
  pm_html_element(out, "h2", "Ended or given up");
  table_begin(out, "The last hundred; times in milliseconds");
  each_deleted(view, write_row, &table);
  pm_html_table_end(out);
}

void pm_peers_view_html(const struct pm_peers_view *view, struct pm_buf *out) {
  pm_html_begin(out, "Peers");
  pm_html_element(out, "p",
                  "Measured from %s: %" PRId64 " being probed, %" PRId64 " ended or given up.",
                  view->head.srv_loc, view->head.num_active, view->head.num_deleted);
  pm_html_element(out, "p",
                  "TCP is one round trip to the peer. p50 and p99: half, and 99 of 100, "
                  "took no longer. Jitter: how much one differs from the next (RFC 3550).");
  pm_peers_view_tables(view, out);
  if (view->mesh != NULL) pm_mesh_view_html(view->mesh, out);
  pm_html_end(out);
}
