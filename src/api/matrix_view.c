#include "api/matrix_view.h"

#include <string.h>

#include "api/html.h"
#include "gossip/wire_text.h"

/* ---- what is asked for ---- */

enum pm_err pm_matrix_limit_read(const struct pm_form *form, size_t fallback, size_t max,
                                 size_t *out, struct pm_why *why) {
  const char *text = pm_form_value(form, "limit");
  uint64_t value = fallback;
  if (text[0] != '\0' && (!pm_wire_number(text, max, &value) || value == 0))
    return pm_why_set(why, PM_ERR_RANGE, "limit is no number from 1 to %zu", max);
  *out = (size_t)value;
  return PM_OK;
}

enum pm_err pm_matrix_ask_read(const struct pm_form *form, const struct pm_mesh_source *source,
                               struct pm_matrix_ask *out, struct pm_why *why) {
  const char *from = pm_form_value(form, "from");
  const char *after = pm_form_value(form, "after");
  struct pm_matrix_ask ask = {.one = from[0] != '\0', .later = after[0] != '\0'};
  if (ask.one && !pm_mesh_key_read(source, from, &ask.from)) ask.from = (struct pm_node_id){{0}};
  if (ask.later && !pm_mesh_key_read(source, after, &ask.after))
    return pm_why_set(why, PM_ERR_SYNTAX, "after is no node's key");
  enum pm_err err = pm_matrix_limit_read(form, PM_MATRIX_VIEW_ROWS_DEFAULT, PM_MATRIX_VIEW_ROWS_MAX,
                                         &ask.limit, why);
  if (err == PM_OK) *out = ask;
  return err;
}

/* The rows that were asked for are those from *begin to before *end. */
static void rows_of(const struct pm_matrix *matrix, const struct pm_matrix_ask *ask, size_t *begin,
                    size_t *end) {
  const size_t count = matrix != NULL ? pm_matrix_count(matrix) : 0;
  size_t at = 0;
  if (ask->later)
    while (at < count &&
           memcmp(pm_matrix_at(matrix, at)->from.bytes, ask->after.bytes, PM_NODE_ID_BYTES) <= 0)
      at++;
  if (ask->one)
    while (at < count && !pm_node_id_equal(&pm_matrix_at(matrix, at)->from, &ask->from)) at++;
  const size_t most = ask->one ? 1 : ask->limit;
  *begin = at;
  *end = count - at > most ? at + most : count;
}

/* ---- cells, by hand ---- */

static char *put_number(char *at, uint64_t value) {
  static const char pairs[] =
      "0001020304050607080910111213141516171819202122232425262728293031323334"
      "3536373839404142434445464748495051525354555657585960616263646566676869"
      "707172737475767778798081828384858687888990919293949596979899";
  char digits[20];
  size_t first = sizeof(digits);
  while (value >= 100) {
    first -= 2;
    memcpy(digits + first, pairs + value % 100 * 2, 2);
    value /= 100;
  }
  if (value >= 10) {
    first -= 2;
    memcpy(digits + first, pairs + value * 2, 2);
  } else {
    digits[--first] = (char)('0' + value);
  }
  memcpy(at, digits + first, sizeof(digits) - first);
  return at + sizeof(digits) - first;
}

/* What is below 0 would be a fault: shown as 0. */
static char *put_field(char *at, int64_t value) {
  *at++ = ',';
  return put_number(at, value > 0 ? (uint64_t)value : 0);
}

static char *put_null(char *at) {
  static const char text[] = {',', 'n', 'u', 'l', 'l'};
  memcpy(at, text, sizeof(text));
  return at + sizeof(text);
}

char *pm_matrix_cell_text(char *at, enum pm_cell_state state, int64_t age_s,
                          const struct pm_cell *cell) {
  const bool answered = cell->rtt_ns[PM_CELL_P99] != 0;
  at = put_field(at, state);
  at = put_field(at, age_s);
  at = put_field(at, cell->sent);
  at = put_field(at, cell->lost);
  for (int i = 0; i < PM_CELL_QUANTILE_COUNT; i++)
    at = answered ? put_field(at, cell->rtt_ns[i]) : put_null(at);
  at = put_field(at, cell->jitter_ns);
  for (int i = 0; i < PM_CELL_PHASE_COUNT; i++) at = put_field(at, cell->phase_ns[i]);
  return at;
}

static void put_cells(const struct pm_mesh_nodes *nodes, const struct pm_matrix_row *row,
                      struct pm_time now, struct pm_buf *out) {
  char text[PM_MATRIX_CELL_BYTES_MAX + 32];
  size_t node = 0;
  bool first = true;
  for (size_t i = 0; i < row->count; i++) { /* both ascend */
    const struct pm_matrix_cell *cell = &row->cells[i];
    while (node < nodes->named && nodes->items[node].short_id < cell->to) node++;
    if (node == nodes->named) return;
    if (nodes->items[node].short_id != cell->to) continue;
    int64_t age_s;
    const enum pm_cell_state state = pm_matrix_state(row, cell, now, &age_s);
    char *at = text;
    if (!first) *at++ = ',';
    first = false;
    *at++ = '[';
    at = put_number(at, node);
    at = pm_matrix_cell_text(at, state, age_s, &cell->cell);
    *at++ = ']';
    pm_buf_append(out, text, (size_t)(at - text));
  }
}

/* ---- JSON ---- */

static void put_row(const struct pm_mesh_source *source, const struct pm_mesh_nodes *nodes,
                    const struct pm_matrix_row *row, struct pm_json_writer *w) {
  pm_json_object_begin(w, NULL);
  pm_json_put_uint(w, "from", pm_mesh_nodes_find(nodes, pm_matrix_short(&row->from)));
  pm_json_put_string(w, "source", pm_row_source_text(row->source));
  pm_json_put_uint(w, "hops", row->hops);
  const size_t via = row->source == PM_ROW_RELAYED
                         ? pm_mesh_nodes_find(nodes, pm_matrix_short(&row->via))
                         : nodes->count;
  if (via < nodes->count)
    pm_json_put_uint(w, "via", via);
  else
    pm_json_put_null(w, "via");
  pm_json_put_int(w, "age_s", pm_time_since_ns(source->now, row->as_of) / PM_NS_PER_S);
  pm_json_array_begin(w, "cells");
  put_cells(nodes, row, source->now, w->out);
  pm_json_array_end(w);
  pm_json_object_end(w);
}

static void put_coordinate(struct pm_json_writer *w, const struct pm_mesh_node_view *view) {
  if (!view->has_coordinate) {
    pm_json_put_null(w, "coordinate");
    pm_json_put_null(w, "coordinate_error");
    return;
  }
  pm_json_array_begin(w, "coordinate");
  for (int i = 0; i < PM_VIVALDI_DIMENSIONS; i++)
    pm_json_put_double(w, NULL, (double)view->coordinate.at_ms[i], 3);
  pm_json_put_double(w, NULL, (double)view->coordinate.height_ms, 3);
  pm_json_array_end(w);
  pm_json_put_double(w, "coordinate_error", (double)view->coordinate.error, 3);
}

static void put_node(const struct pm_mesh_source *source, const struct pm_mesh_node *node,
                     struct pm_json_writer *w) {
  struct pm_mesh_node_view view;
  pm_mesh_node_view(source, node, &view);
  pm_json_object_begin(w, NULL);
  pm_json_put_string(w, "key", view.key);
  pm_json_put_string(w, "host", view.host);
  pm_json_put_string(w, "url", view.url);
  pm_json_put_string(w, "location", view.location);
  pm_json_put_string(w, "state", view.state);
  put_coordinate(w, &view);
  pm_json_object_end(w);
}

static void put_names(struct pm_json_writer *w) {
  static const char *const fields[] = {"to",        "state",  "age_s",  "sent",     "lost",
                                       "p25_ns",    "p50_ns", "p75_ns", "p90_ns",   "p99_ns",
                                       "jitter_ns", "dns_ns", "tls_ns", "first_ns", "total_ns"};
  pm_json_array_begin(w, "fields");
  for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
    pm_json_put_string(w, NULL, fields[i]);
  pm_json_array_end(w);
  pm_json_array_begin(w, "states");
  for (int i = 0; i < PM_CELL_STATE_COUNT; i++)
    pm_json_put_string(w, NULL, pm_cell_state_text((enum pm_cell_state)i));
  pm_json_array_end(w);
}

void pm_matrix_view_json(const struct pm_mesh_source *source, const struct pm_matrix_ask *ask,
                         struct pm_buf *out) {
  struct pm_mesh_nodes nodes;
  struct pm_json_writer w;
  struct pm_mesh_node_view self;
  size_t at, end;
  if (pm_mesh_nodes_init(&nodes, source) != PM_OK) {
    out->err = PM_ERR_NOMEM;
    return;
  }
  rows_of(source->matrix, ask, &at, &end);
  pm_mesh_id_view(source, &source->self, &self);
  pm_json_writer_init(&w, out, false);
  pm_json_object_begin(&w, NULL);
  pm_json_put_wall(&w, "time", source->wall, true);
  pm_json_put_string(&w, "self", self.key);
  pm_json_put_int(&w, "stale_after_s", PM_MATRIX_STALE_S);
  put_names(&w);
  pm_json_array_begin(&w, "nodes");
  for (size_t i = 0; i < nodes.count; i++) put_node(source, &nodes.items[i], &w);
  pm_json_array_end(&w);
  pm_json_array_begin(&w, "rows");
  for (; at < end; at++) put_row(source, &nodes, pm_matrix_at(source->matrix, at), &w);
  pm_json_array_end(&w);
  const bool more = source->matrix != NULL && !ask->one && end < pm_matrix_count(source->matrix);
  pm_json_put_bool(&w, "more", more);
  pm_json_object_end(&w);
  pm_buf_char(out, '\n');
  pm_mesh_nodes_deinit(&nodes);
}

/* ---- HTML ---- */

static void html_cell(const struct pm_mesh_source *source, const struct pm_matrix_row *row,
                      const struct pm_mesh_node *to, struct pm_buf *out) {
  const struct pm_matrix_cell *cell = pm_matrix_cell_of(row, to->short_id);
  int64_t age_s;
  if (cell == NULL) {
    pm_html_element(
        out, "td", "%s",
        row->from.bytes[0] == to->id.bytes[0] && pm_node_id_equal(&row->from, &to->id) ? "-" : "");
    return;
  }
  const enum pm_cell_state state = pm_matrix_state(row, cell, source->now, &age_s);
  const double p50_ms = (double)cell->cell.rtt_ns[PM_CELL_P50] / PM_NS_PER_MS;
  switch (state) {
  case PM_CELL_MEASURED:
    pm_html_element(out, "td class=\"number\"", "%.2f", p50_ms);
    break;
  case PM_CELL_FAILED:
    pm_html_element(out, "td class=\"bad\"", "failed");
    break;
  default:
    pm_html_element(out, "td", "%s", pm_cell_state_text(state));
    break;
  }
}

static void html_head(const struct pm_mesh_source *source, const struct pm_mesh_nodes *nodes,
                      size_t columns, struct pm_buf *out) {
  struct pm_mesh_node_view view;
  pm_buf_text(out, "<tr><th scope=\"col\">From, to</th>");
  for (size_t i = 0; i < columns; i++) {
    pm_mesh_node_view(source, &nodes->items[i], &view);
    pm_html_element(out, "th scope=\"col\"", "%s", pm_mesh_node_label(&view));
  }
  pm_buf_text(out, "<th scope=\"col\">Source</th><th scope=\"col\">Age, s</th></tr>\n");
}

static void html_row(const struct pm_mesh_source *source, const struct pm_mesh_nodes *nodes,
                     const struct pm_matrix_row *row, size_t columns, struct pm_buf *out) {
  struct pm_mesh_node_view view;
  const size_t from = pm_mesh_nodes_find(nodes, pm_matrix_short(&row->from));
  if (from == nodes->count) return;
  pm_mesh_node_view(source, &nodes->items[from], &view);
  pm_buf_text(out, "<tr>");
  pm_html_element(out, "th scope=\"row\"", "%s", pm_mesh_node_label(&view));
  for (size_t i = 0; i < columns; i++) html_cell(source, row, &nodes->items[i], out);
  pm_html_element(out, "td", "%s", pm_row_source_text(row->source));
  pm_html_element(out, "td class=\"number\"", "%lld",
                  (long long)(pm_time_since_ns(source->now, row->as_of) / PM_NS_PER_S));
  pm_buf_text(out, "</tr>\n");
}

static void html_table(const struct pm_mesh_source *source, const struct pm_mesh_nodes *nodes,
                       size_t at, size_t end, struct pm_buf *out) {
  const size_t columns =
      nodes->named < PM_MATRIX_VIEW_HTML_MAX ? nodes->named : PM_MATRIX_VIEW_HTML_MAX;
  pm_html_table_begin(out, "Median of TCP's round trip over ten minutes, in milliseconds");
  html_head(source, nodes, columns, out);
  for (; at < end; at++) html_row(source, nodes, pm_matrix_at(source->matrix, at), columns, out);
  pm_html_table_end(out);
}

void pm_matrix_view_html(const struct pm_mesh_source *source, const struct pm_matrix_ask *ask,
                         struct pm_buf *out) {
  struct pm_mesh_nodes nodes;
  size_t at, end;
  if (pm_mesh_nodes_init(&nodes, source) != PM_OK) {
    out->err = PM_ERR_NOMEM;
    return;
  }
  rows_of(source->matrix, ask, &at, &end);
  pm_html_begin(out, "Matrix");
  pm_html_element(
      out, "p",
      "How each node of the mesh sees the path to each other, as it says of itself: "
      "%zu nodes, %zu rows. Failed: the latest probes did. Stale: nothing was heard for "
      "%d s. Empty: nobody measures it.",
      nodes.count, source->matrix != NULL ? pm_matrix_count(source->matrix) : 0, PM_MATRIX_STALE_S);
  if (end - at > PM_MATRIX_VIEW_HTML_MAX || nodes.named > PM_MATRIX_VIEW_HTML_MAX) {
    if (end - at > PM_MATRIX_VIEW_HTML_MAX) end = at + PM_MATRIX_VIEW_HTML_MAX;
    pm_html_element(out, "p", "Only the first %d of each are shown here.", PM_MATRIX_VIEW_HTML_MAX);
  }
  if (end > at)
    html_table(source, &nodes, at, end, out);
  else
    pm_html_element(out, "p", "No row is known yet.");
  pm_html_end(out);
  pm_mesh_nodes_deinit(&nodes);
}
