#include "node/history_reports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/wire_text.h"

/* A node by the short name that rows have for it. */
struct known {
  uint64_t name;
  struct pm_node_id id;
  char key[PM_WIRE_ID_BYTES];
  char url[PM_CONTACT_URL_BYTES];
  char location[PM_LOCATION_BYTES];
};

/* Ascending by name; of one that is there twice, the one with a URL comes first. */
struct names {
  struct known *all;
  size_t count, max;
};

static int by_name(const void *x, const void *y) {
  const struct known *a = x, *b = y;
  if (a->name != b->name) return a->name < b->name ? -1 : 1;
  return strcmp(b->url, a->url);
}

static void add_name(struct names *names, const struct pm_node_id *id,
                     const struct pm_contact *contact, const char *location) {
  if (names->count == names->max || !pm_node_id_is_set(id)) return;
  struct known *known = &names->all[names->count++];
  *known = (struct known){.name = pm_matrix_short(id), .id = *id};
  pm_wire_id(id, known->key);
  if (contact != NULL) pm_contact_url(contact, known->url);
  snprintf(known->location, sizeof(known->location), "%s", location);
}

static size_t count_members(const struct pm_gossip *core) {
  struct pm_gossip_member member;
  uint32_t cursor = 0;
  size_t count = 0;
  while (core != NULL && pm_gossip_next(core, &cursor, &member)) count++;
  return count;
}

static bool collect(struct names *names, const struct pm_matrix *matrix,
                    const struct pm_gossip *core, const struct pm_node_id *own) {
  struct pm_gossip_member member;
  uint32_t cursor = 0;
  *names = (struct names){.max = count_members(core) + pm_matrix_count(matrix) + 1};
  names->all = calloc(names->max, sizeof(*names->all));
  if (names->all == NULL) return false;
  while (core != NULL && pm_gossip_next(core, &cursor, &member))
    add_name(names, &member.id, &member.contact, member.location);
  for (size_t i = 0; i < pm_matrix_count(matrix); i++)
    add_name(names, &pm_matrix_at(matrix, i)->from, NULL, "");
  add_name(names, own, NULL, "");
  qsort(names->all, names->count, sizeof(*names->all), by_name);
  return true;
}

/* NULL: nobody, or two nodes have that short name. */
static const struct known *find(const struct names *names, uint64_t name) {
  size_t low = 0;
  for (size_t high = names->count; low < high;) {
    size_t middle = low + (high - low) / 2;
    if (names->all[middle].name < name)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == names->count || names->all[low].name != name) return NULL;
  for (size_t i = low + 1; i < names->count && names->all[i].name == name; i++)
    if (!pm_node_id_equal(&names->all[i].id, &names->all[low].id)) return NULL;
  return &names->all[low];
}

static struct pm_store_name name_of(const struct known *known) {
  return (struct pm_store_name){known->key, known->url, known->location};
}

static bool is_of_others(const struct pm_matrix_row *row, const struct pm_node_id *own) {
  return (row->source == PM_ROW_DIRECT || row->source == PM_ROW_RELAYED) &&
         !pm_node_id_equal(&row->from, own);
}

static size_t fill_paths(const struct names *names, const struct pm_matrix_row *row,
                         struct pm_time now, struct pm_store_report_path *paths) {
  size_t count = 0;
  for (size_t i = 0; i < row->count && count < PM_MATRIX_ROW_CELLS_MAX; i++) {
    const struct pm_matrix_cell *cell = &row->cells[i];
    enum pm_cell_state state = pm_matrix_state(row, cell, now, NULL);
    const struct known *to = find(names, cell->to);
    bool says = (state == PM_CELL_MEASURED || state == PM_CELL_FAILED) && cell->cell.sent > 0;
    if (to == NULL || !says) continue;
    paths[count++] = (struct pm_store_report_path){name_of(to), cell->cell};
  }
  return count;
}

size_t pm_history_reports_put(struct pm_store *store, const struct pm_matrix *matrix,
                              const struct pm_gossip *core, const struct pm_node_id *own,
                              struct pm_time now, int64_t minute) {
  struct names names;
  struct pm_store_report_path *paths = calloc(PM_MATRIX_ROW_CELLS_MAX, sizeof(*paths));
  size_t put = 0;
  if (paths != NULL && collect(&names, matrix, core, own)) {
    for (size_t i = 0; i < pm_matrix_count(matrix); i++) {
      const struct pm_matrix_row *row = pm_matrix_at(matrix, i);
      const struct known *from = find(&names, pm_matrix_short(&row->from));
      if (from == NULL || !is_of_others(row, own)) continue;
      struct pm_store_report report = {.from = name_of(from), .minute = minute, .paths = paths};
      report.count = fill_paths(&names, row, now, paths);
      if (report.count > 0) put += pm_store_put_report(store, &report) == PM_OK;
    }
    free(names.all);
  }
  free(paths);
  return put;
}
