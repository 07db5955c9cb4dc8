#include "api/asymmetry_view.h"

#include <stdlib.h>

#include "analysis/asymmetry.h"
#include "api/html.h"

struct ranking {
  struct pm_asymmetry *pairs;
  size_t count, judged;
};

/* False without memory. */
static bool rank(const struct pm_mesh_source *source, size_t limit, struct ranking *out) {
  *out = (struct ranking){0};
  if (limit > PM_ASYMMETRY_PAIRS_MAX) limit = PM_ASYMMETRY_PAIRS_MAX;
  if (source->matrix == NULL || limit == 0) return true;
  out->pairs = malloc(limit * sizeof(*out->pairs));
  if (out->pairs == NULL) return false;
  out->count = pm_asymmetry_rank(source->matrix, source->now, out->pairs, limit, &out->judged);
  return true;
}

/* ---- JSON ---- */

static void put_nanoseconds(struct pm_json_writer *w, const char *name, int64_t value) {
  if (value == 0)
    pm_json_put_null(w, name);
  else
    pm_json_put_int(w, name, value);
}

static void put_side(struct pm_json_writer *w, const char *name,
                     const struct pm_mesh_source *source, const struct pm_matrix_row *row,
                     const struct pm_cell *cell) {
  pm_json_object_begin(w, name);
  put_nanoseconds(w, "p25_ns", cell->rtt_ns[PM_CELL_P25]);
  put_nanoseconds(w, "p50_ns", cell->rtt_ns[PM_CELL_P50]);
  put_nanoseconds(w, "p75_ns", cell->rtt_ns[PM_CELL_P75]);
  pm_json_put_uint(w, "sent", cell->sent);
  pm_json_put_uint(w, "lost", cell->lost);
  pm_json_put_int(w, "age_s", pm_time_since_ns(source->now, row->as_of) / PM_NS_PER_S);
  pm_json_object_end(w);
}

static void put_pair(struct pm_json_writer *w, const struct pm_mesh_source *source,
                     const struct pm_asymmetry *pair) {
  struct pm_mesh_node_view a, b;
  pm_mesh_id_view(source, &pair->row_a->from, &a);
  pm_mesh_id_view(source, &pair->row_b->from, &b);
  pm_json_object_begin(w, NULL);
  pm_json_put_string(w, "a", a.key);
  pm_json_put_string(w, "b", b.key);
  pm_json_put_string(w, "a_location", a.location);
  pm_json_put_string(w, "b_location", b.location);
  put_side(w, "ab", source, pair->row_a, pair->ab);
  put_side(w, "ba", source, pair->row_b, pair->ba);
  pm_json_put_int(w, "difference_ns", pair->difference_ns);
  pm_json_put_int(w, "noise_ns", pair->noise_ns);
  pm_json_put_bool(w, "beyond_noise", pair->beyond_noise);
  pm_json_put_double(w, "loss_difference", pair->loss_difference, 4);
  pm_json_put_bool(w, "loss_beyond_noise", pair->loss_beyond_noise);
  pm_json_object_end(w);
}

void pm_asymmetry_view_json(const struct pm_mesh_source *source, size_t limit, struct pm_buf *out) {
  struct pm_mesh_node_view self;
  struct pm_json_writer w;
  struct ranking ranking;
  if (!rank(source, limit, &ranking)) {
    out->err = PM_ERR_NOMEM;
    return;
  }
  pm_mesh_id_view(source, &source->self, &self);
  pm_json_writer_init(&w, out, false);
  pm_json_object_begin(&w, NULL);
  pm_json_put_wall(&w, "time", source->wall, true);
  pm_json_put_string(&w, "self", self.key);
  pm_json_put_uint(&w, "judged", ranking.judged);
  pm_json_array_begin(&w, "pairs");
  for (size_t i = 0; i < ranking.count; i++) put_pair(&w, source, &ranking.pairs[i]);
  pm_json_array_end(&w);
  pm_json_object_end(&w);
  pm_buf_char(out, '\n');
  free(ranking.pairs);
}

/* ---- HTML ---- */

static void html_side(struct pm_buf *out, const struct pm_cell *cell) {
  pm_html_element(out, "td class=\"number\"", "%.3f",
                  (double)cell->rtt_ns[PM_CELL_P50] / PM_NS_PER_MS);
  pm_html_element(out, "td class=\"number\"", "%u of %u", cell->lost, cell->sent);
}

static void html_pair(struct pm_buf *out, const struct pm_mesh_source *source,
                      const struct pm_asymmetry *pair) {
  struct pm_mesh_node_view a, b;
  pm_mesh_id_view(source, &pair->row_a->from, &a);
  pm_mesh_id_view(source, &pair->row_b->from, &b);
  pm_buf_text(out, "<tr>");
  pm_html_element(out, "th scope=\"row\" class=\"long\"", "%s", pm_mesh_node_label(&a));
  pm_html_element(out, "td class=\"long\"", "%s", pm_mesh_node_label(&b));
  html_side(out, pair->ab);
  html_side(out, pair->ba);
  pm_html_element(out, "td class=\"number\"", "%+.3f", (double)pair->difference_ns / PM_NS_PER_MS);
  pm_html_element(out, "td class=\"number\"", "%.3f", (double)pair->noise_ns / PM_NS_PER_MS);
  pm_html_element(out, "td", "%s%s%s", pair->beyond_noise ? "time" : "",
                  pair->beyond_noise && pair->loss_beyond_noise ? ", " : "",
                  pair->loss_beyond_noise ? "loss" : "");
  pm_buf_text(out, "</tr>\n");
}

static void html_table(struct pm_buf *out, const struct pm_mesh_source *source,
                       const struct ranking *ranking) {
  static const char *const columns[] = {"A",      "B",          "A to B", "Failed",      "B to A",
                                        "Failed", "Difference", "Noise",  "Beyond noise"};
  pm_html_table_begin(out, "Medians of ten minutes, in milliseconds");
  pm_buf_text(out, "<tr>");
  for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
    pm_html_element(out, "th scope=\"col\"", "%s", columns[i]);
  pm_buf_text(out, "</tr>\n");
  for (size_t i = 0; i < ranking->count; i++) html_pair(out, source, &ranking->pairs[i]);
  pm_html_table_end(out);
}

void pm_asymmetry_view_html(const struct pm_mesh_source *source, size_t limit, struct pm_buf *out) {
  struct ranking ranking;
  if (!rank(source, limit, &ranking)) {
    out->err = PM_ERR_NOMEM;
    return;
  }
  pm_html_begin(out, "Direction");
  pm_html_element(out, "p",
                  "%zu pairs of nodes measure each other now. A round trip crosses the path both "
                  "ways: a difference beyond noise says that the two ends are routed, shaped or "
                  "served differently, depending on who calls.",
                  ranking.judged);
  if (ranking.count > 0)
    html_table(out, source, &ranking);
  else
    pm_html_element(out, "p", "No two nodes are known to measure each other.");
  pm_html_end(out);
  free(ranking.pairs);
}
