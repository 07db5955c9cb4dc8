#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exchange.h"
#include "rows_paths.h"

enum {
  /* Of the daemon's own pings, without query and without the lines counted beside them. */
  PING_REQUEST_BYTES = 110,
  PING_ANSWER_BYTES = 615,
  LINE_BYTES = 4, /* ": " and the line's end */
};

struct sim_rows {
  struct pm_rows **nodes; /* NULL: not running */
  struct sim_path *paths; /* from × to */
  struct sim_rows_account account;
  struct pm_wire_request request;
  int64_t cpu_from_ns;
};

static void *need(void *memory) {
  if (memory) return memory;
  fprintf(stderr, "pingmesh-sim: out of memory\n");
  exit(1);
}

static int64_t cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void begin(struct sim_rows *r) {
  r->cpu_from_ns = cpu_ns();
}

static void end(struct sim_rows *r) {
  r->account.row_cpu_ns += (uint64_t)(cpu_ns() - r->cpu_from_ns);
}

static struct pm_rows *rows_of(const struct sim_world *w, uint32_t i) {
  return w->rows ? w->rows->nodes[i] : NULL;
}

static struct pm_time now_of(const struct sim_world *w, uint32_t i) {
  return (struct pm_time){sim_world_clock(w, i)};
}

void sim_rows_enable(struct sim_world *w) {
  w->rows = need(calloc(1, sizeof *w->rows));
  w->rows->nodes = need(calloc(w->count, sizeof(struct pm_rows *)));
  w->rows->paths = need(calloc((size_t)w->count * w->count, sizeof *w->rows->paths));
}

void sim_rows_free(struct sim_world *w) {
  if (!w->rows) return;
  for (uint32_t i = 0; i < w->count; i++) pm_rows_free(w->rows->nodes[i]);
  free(w->rows->nodes);
  free(w->rows->paths);
  free(w->rows);
}

struct sim_rows_account sim_rows_account(const struct sim_world *w) {
  struct sim_rows_account account = w->rows->account;
  for (uint32_t i = 0; i < w->members; i++) account.pull_bytes += w->nodes[i].bytes;
  return account;
}

const struct pm_matrix *sim_rows_matrix(const struct sim_world *w, uint32_t node) {
  struct pm_rows *rows = rows_of(w, node);
  return rows ? pm_rows_matrix(rows) : NULL;
}

/* --- life ------------------------------------------------------------------------------------- */

void sim_rows_start(struct sim_world *w, uint32_t i) {
  if (!w->rows) return;
  const struct pm_rows_config config = {
      .id = w->nodes[i].id, .inc = w->nodes[i].inc, .rows_max = PM_MATRIX_ROWS_DEFAULT};
  memset(&w->rows->paths[(size_t)i * w->count], 0, w->count * sizeof *w->rows->paths);
  if (pm_rows_new(&config, &w->rows->nodes[i]) != PM_OK) need(NULL);
}

void sim_rows_stop(struct sim_world *w, uint32_t i) {
  if (!w->rows) return;
  pm_rows_free(w->rows->nodes[i]);
  w->rows->nodes[i] = NULL;
}

void sim_rows_second(struct sim_world *w) {
  begin(w->rows);
  for (uint32_t i = 0; i < w->members; i++)
    if (rows_of(w, i)) pm_rows_advance(rows_of(w, i), now_of(w, i));
  end(w->rows);
}

/* --- what is measured ------------------------------------------------------------------------- */

static void measured(struct sim_world *w, uint32_t i, const struct sim_message *m) {
  uint32_t j = sim_world_find(w, &m->to.ip, m->to.port);
  struct pm_gossip_member member;
  struct pm_cell cell;
  if (j == SIM_NOBODY) return;
  struct sim_path *path = &w->rows->paths[(size_t)i * w->count + j];
  sim_path_add(path, m->ok, sim_path_draw_ms(w, i, j));
  if (!pm_gossip_get(w->nodes[i].core, m->token.handle, &member)) return;
  if (!pm_node_id_is_set(&member.id) || member.shadow || !sim_path_cell(path, &cell)) return;
  if (pm_own_row_set(pm_rows_own(rows_of(w, i)), &member.id, &cell, now_of(w, i)) != PM_OK) return;
}

void sim_rows_leave(struct sim_world *w, uint32_t i, uint64_t handle,
                    const struct pm_contact *contact) {
  struct pm_rows *rows = rows_of(w, i);
  uint32_t j = sim_world_find(w, &contact->ip, contact->port);
  struct pm_gossip_member member;
  if (!rows || j == SIM_NOBODY) return;
  bool there = pm_gossip_get(w->nodes[i].core, handle, &member) &&
               (member.state == PM_MEMBER_VERIFIED || member.state == PM_MEMBER_SUSPECT);
  pm_rows_leave(rows, &w->nodes[j].id, !there, now_of(w, i));
}

/* --- messages --------------------------------------------------------------------------------- */

const struct pm_wire_request *sim_rows_ask(struct sim_world *w, uint32_t i,
                                           const struct pm_gossip_send *send) {
  struct pm_rows *rows = rows_of(w, i);
  struct pm_gossip_member member;
  if (!rows) return &send->request;
  begin(w->rows);
  const struct pm_gossip *core = w->nodes[i].core;
  bool known = pm_gossip_get(core, send->token.handle, &member);
  w->rows->request = send->request;
  pm_rows_ask(rows, core, known ? &member : NULL, now_of(w, i), &w->rows->request);
  end(w->rows);
  return &w->rows->request;
}

void sim_rows_answer(struct sim_world *w, uint32_t i, struct sim_message *m,
                     const struct pm_wire_request *request) {
  struct pm_rows *rows = rows_of(w, i);
  if (!rows || !request || !w->update->asked_by_peer) return;
  begin(w->rows);
  if (m->kind == PM_GOSSIP_SEND_PROBE) {
    struct pm_buf row;
    pm_buf_init(&row, PM_WIRE_ROW_HEADER_BYTES_MAX);
    pm_rows_answer(rows, request, &row);
    if (row.len > 0) m->row = need(strdup(row.data));
    pm_buf_deinit(&row);
  } else {
    w->update->reply.rows = pm_rows_pass_on(rows, request, now_of(w, i));
  }
  end(w->rows);
}

struct pm_buf *sim_rows_inbox(struct sim_world *w, uint32_t i) {
  struct pm_rows *rows = rows_of(w, i);
  return rows ? pm_rows_inbox(rows) : NULL;
}

static size_t line_bytes(const char *name, const char *value) {
  return value ? strlen(name) + strlen(value) + LINE_BYTES : 0;
}

static void count(struct sim_rows_account *account, const struct sim_message *m) {
  const char *asked = m->query ? strstr(m->query, "&row=") : NULL;
  size_t row_bytes =
      (asked ? strcspn(asked + 1, "&") + 1 : 0) + line_bytes(PM_WIRE_ROW_HEADER, m->row);
  size_t query_bytes = m->query ? strlen(m->query) : 0;
  account->pings++;
  account->row_bytes += row_bytes;
  account->ping_bytes += PING_REQUEST_BYTES + query_bytes;
  if (!m->ok) return;
  account->ping_bytes += PING_ANSWER_BYTES + line_bytes(PM_WIRE_PONG_HEADER, m->header) +
                         line_bytes(PM_WIRE_ROW_HEADER, m->row);
}

void sim_rows_pong(struct sim_world *w, struct sim_message *m) {
  struct pm_rows *rows = rows_of(w, m->from);
  if (!rows || m->echo) return;
  struct pm_node_id proved = w->update->proved;
  count(&w->rows->account, m);
  if (m->why == PM_DIAL_PLANNED) measured(w, m->from, m);
  begin(w->rows);
  if (m->row) pm_rows_take(rows, &proved, m->row, now_of(w, m->from));
  end(w->rows);
}

void sim_rows_pulled(struct sim_world *w, struct sim_message *m) {
  struct pm_rows *rows = rows_of(w, m->from);
  if (!rows || m->echo) return;
  struct pm_node_id proved = w->update->proved;
  begin(w->rows);
  pm_rows_take_relayed(rows, w->nodes[m->from].core, &proved, now_of(w, m->from));
  end(w->rows);
}
