#include "api/mesh_view.h"

#include <inttypes.h>
#include <string.h>

#include "api/html.h"

/* ---- what both encoders show of an endpoint ---- */

struct row {
  struct pm_gossip_member member;
  char contact[PM_CONTACT_TEXT_BYTES];
  char from[PM_CONTACT_TEXT_BYTES]; /* who named it; "" if nobody, or gone */
  double rtt_ms;
};

static void fill_row(const struct pm_gossip *core, struct row *row) {
  struct pm_gossip_member teacher;
  pm_contact_text(&row->member.contact, row->contact);
  row->from[0] = '\0';
  if (row->member.source != 0 && pm_gossip_get(core, row->member.source, &teacher)) {
    pm_contact_host_port(&teacher.contact, row->from);
  }
  row->rtt_ms = row->member.rtt_us / 1000.0;
}

/* ---- JSON ---- */

static void put_row(struct pm_json_writer *w, const struct row *row) {
  const struct pm_gossip_member *member = &row->member;
  pm_json_object_begin(w, NULL);
  pm_json_put_string(w, "Contact", row->contact);
  pm_json_put_string(w, "State", pm_member_state_text(member->state));
  pm_json_put_bool(w, "Active", member->active);
  pm_json_put_bool(w, "Listed", member->listed);
  pm_json_put_string(w, "Learned", pm_dial_text(member->learned));
  pm_json_put_string_or_null(w, "From", row->from);
  pm_json_put_uint(w, "Depth", member->depth);
  pm_json_put_uint(w, "Fails", member->fails);
  pm_json_put_int(w, "StateSeconds", member->state_s);
  pm_json_put_int(w, "LastOkSeconds", member->last_ok_s);
  pm_json_put_string_or_null(w, "Place", member->location);
  pm_json_put_double(w, "RttMs", row->rtt_ms, 3);
  pm_json_put_bool(w, "OldNode", member->old_node);
  pm_json_object_end(w);
}

static void put_members(const struct pm_gossip *core, struct pm_json_writer *w) {
  struct row row;
  uint32_t cursor = 0;
  pm_json_array_begin(w, "Members");
  while (pm_gossip_next(core, &cursor, &row.member)) {
    fill_row(core, &row);
    put_row(w, &row);
  }
  pm_json_array_end(w);
}

static void put_budgets(const struct pm_gossip_status *status, struct pm_json_writer *w) {
  pm_json_object_begin(w, "Budgets");
  for (size_t i = 0; i < PM_GOSSIP_BUDGETS; i++) {
    const struct pm_gossip_budget *budget = &status->budgets[i];
    pm_json_object_begin(w, budget->name);
    pm_json_put_int(w, "Left", budget->left);
    pm_json_put_int(w, "Burst", budget->burst);
    pm_json_put_uint(w, "Taken", budget->taken);
    pm_json_put_uint(w, "Refused", budget->refused);
    pm_json_object_end(w);
  }
  pm_json_object_end(w);
}

static void put_counts(const struct pm_gossip_status *status, struct pm_json_writer *w) {
  pm_json_object_begin(w, "Changes");
  for (int i = 0; i < PM_CHANGE_COUNT; i++)
    pm_json_put_uint(w, pm_change_text((enum pm_change)i), status->changes[i]);
  pm_json_object_end(w);
  pm_json_object_begin(w, "Refusals");
  for (int i = 1; i < PM_REFUSAL_COUNT; i++) /* 0 is none */
    pm_json_put_uint(w, pm_refusal_text((enum pm_refusal_reason)i), status->refusals[i]);
  pm_json_object_end(w);
  pm_json_object_begin(w, "Bounds");
  for (int i = 0; i < PM_BOUND_COUNT; i++)
    pm_json_put_uint(w, pm_bound_code((enum pm_bound)i), status->bounds[i]);
  pm_json_object_end(w);
}

void pm_mesh_view_json(const struct pm_gossip *core, struct pm_json_writer *w) {
  struct pm_gossip_status status;
  pm_gossip_status(core, &status);
  pm_json_object_begin(w, "Mesh");
  pm_json_put_uint(w, "Verified", status.verified);
  pm_json_put_uint(w, "Active", status.active);
  pm_json_put_uint(w, "Candidates", status.candidates);
  pm_json_put_uint(w, "Heard", status.heard);
  pm_json_put_uint(w, "Lost", status.lost);
  pm_json_put_double(w, "NodesEstimate", status.nodes_estimate, 1);
  pm_json_put_int(w, "PullIntervalMs", status.interval_ms);
  pm_json_put_bool(w, "Silent", status.silent);
  pm_json_put_double(w, "TransientLoss", status.loss, 4);
  pm_json_put_uint(w, "FailsToLose", status.fails_to_lose);
  put_budgets(&status, w);
  put_counts(&status, w);
  put_members(core, w);
  pm_json_object_end(w);
}

/* ---- HTML ---- */

static void table_begin(struct pm_buf *out, const char *caption, const char *const *columns,
                        size_t count) {
  pm_html_table_begin(out, caption);
  pm_buf_text(out, "<tr>");
  for (size_t i = 0; i < count; i++) pm_html_element(out, "th scope=\"col\"", "%s", columns[i]);
  pm_buf_text(out, "</tr>\n");
}

static void seconds_cell(struct pm_buf *out, int64_t seconds) {
  char text[PM_TIME_TEXT_BYTES];
  if (seconds < 0) {
    pm_html_element(out, "td", "never");
    return;
  }
  pm_duration_text(seconds, text);
  pm_html_element(out, "td", "%s ago", text);
}

static void write_row(struct pm_buf *out, const struct row *row) {
  const struct pm_gossip_member *member = &row->member;
  pm_buf_text(out, "<tr>");
  pm_html_element(out, "th scope=\"row\" class=\"long\"", "%s", row->contact);
  pm_html_element(out, "td", "%s%s%s", pm_member_state_text(member->state),
                  member->active ? ", active" : "", member->listed ? ", listed" : "");
  pm_html_element(out, "td class=\"long\"", "%s%s%s", pm_dial_text(member->learned),
                  row->from[0] != '\0' ? " from " : "", row->from);
  pm_html_element(out, "td class=\"number\"", "%u", member->depth);
  seconds_cell(out, member->last_ok_s);
  pm_html_element(out, "td class=\"number\"", "%u", member->fails);
  pm_buf_text(out, "</tr>\n");
}

static void write_members(const struct pm_gossip *core, struct pm_buf *out) {
  static const char *const columns[] = {"Endpoint", "State",    "Learned",
                                        "Hops",     "Answered", "Failures in a row"};
  struct row row;
  uint32_t cursor = 0;
  table_begin(out, "Every endpoint that this node has heard of", columns, 6);
  while (pm_gossip_next(core, &cursor, &row.member)) {
    fill_row(core, &row);
    write_row(out, &row);
  }
  pm_html_table_end(out);
}

static void write_budgets(const struct pm_gossip_status *status, struct pm_buf *out) {
  static const char *const columns[] = {"Budget", "Left", "Of", "Taken", "Refused"};
  table_begin(out, "What limits its growth", columns, 5);
  for (size_t i = 0; i < PM_GOSSIP_BUDGETS; i++) {
    const struct pm_gossip_budget *budget = &status->budgets[i];
    pm_buf_text(out, "<tr>");
    pm_html_element(out, "th scope=\"row\"", "%s", budget->name);
    pm_html_element(out, "td class=\"number\"", "%" PRId64, budget->left);
    pm_html_element(out, "td class=\"number\"", "%" PRId64, budget->burst);
    pm_html_element(out, "td class=\"number\"", "%" PRIu64, budget->taken);
    pm_html_element(out, "td class=\"number\"", "%" PRIu64, budget->refused);
    pm_buf_text(out, "</tr>\n");
  }
  pm_html_table_end(out);
}

static void write_refusals(const struct pm_gossip_status *status, struct pm_buf *out) {
  static const char *const columns[] = {"Refused because it …", "Times"};
  table_begin(out, "What it did not take", columns, 2);
  for (int i = 1; i < PM_REFUSAL_COUNT; i++) {
    if (status->refusals[i] == 0) continue;
    pm_buf_text(out, "<tr>");
    pm_html_element(out, "th scope=\"row\"", "%s", pm_refusal_text((enum pm_refusal_reason)i));
    pm_html_element(out, "td class=\"number\"", "%" PRIu64, status->refusals[i]);
    pm_buf_text(out, "</tr>\n");
  }
  pm_html_table_end(out);
}

void pm_mesh_view_html(const struct pm_gossip *core, struct pm_buf *out) {
  struct pm_gossip_status status;
  pm_gossip_status(core, &status);
  pm_html_element(out, "h2", "The mesh");
  pm_html_element(out, "p",
                  "%u nodes verified, %u probed at every interval, %u heard of, %u lost; about "
                  "%.0f in all were ever met.",
                  status.verified, status.active, status.heard + status.candidates, status.lost,
                  status.nodes_estimate);
  if (status.silent) {
    pm_html_element(out, "p", "Nobody reaches this node, so it does not announce itself.");
  }
  write_members(core, out);
  write_budgets(&status, out);
  write_refusals(&status, out);
}
