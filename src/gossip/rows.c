#include "gossip/rows.h"

#include <stdlib.h>
#include <string.h>

enum { NEWCOMER_S = PM_MATRIX_DIRECT_S /* so long a new member has to tell its row itself */ };

struct pm_rows {
  struct pm_rows_config config;
  struct pm_own_row *own;
  struct pm_matrix *matrix;
  struct pm_buf texts;         /* of an answer, coming or going */
  uint64_t relay_place;        /* in the circle of rows */
  bool wanted;                 /* by the pull that is under way: there is one at a time */
  struct pm_wire_relayed read; /* the row that is being read */
};

enum pm_err pm_rows_new(const struct pm_rows_config *config, struct pm_rows **out) {
  struct pm_rows *rows = calloc(1, sizeof *rows);
  if (!rows) return PM_ERR_NOMEM;
  rows->config = *config;
  pm_buf_init(&rows->texts, PM_WIRE_ROWS_BYTES_MAX);
  enum pm_err err = pm_own_row_new(&rows->own);
  if (err == PM_OK) err = pm_matrix_new(config->rows_max, &rows->matrix);
  if (err == PM_OK)
    *out = rows;
  else
    pm_rows_free(rows);
  return err;
}

void pm_rows_free(struct pm_rows *rows) {
  if (!rows) return;
  pm_matrix_free(rows->matrix);
  pm_own_row_free(rows->own);
  pm_buf_deinit(&rows->texts);
  free(rows);
}

struct pm_own_row *pm_rows_own(struct pm_rows *rows) {
  return rows->own;
}

const struct pm_matrix *pm_rows_matrix(const struct pm_rows *rows) {
  return rows->matrix;
}

size_t pm_rows_bytes(const struct pm_rows *rows) {
  return sizeof *rows + pm_own_row_bytes() + pm_matrix_bytes(rows->matrix) + rows->texts.cap;
}

/* A buffer that grows may have room for twice its contents. */
size_t pm_rows_bytes_max(size_t rows_max) {
  return sizeof(struct pm_rows) + pm_own_row_bytes() + pm_matrix_bytes_max(rows_max) +
         (size_t)2 * PM_WIRE_ROWS_BYTES_MAX;
}

/* --- taking ----------------------------------------------------------------------------------- */

/* What the matrix does not take is as if it had not come. */
static void take(struct pm_rows *rows, const struct pm_matrix_news *news, struct pm_time now) {
  enum pm_err err = pm_matrix_take(rows->matrix, news, now);
  (void)err;
}

static struct pm_matrix_news news_of(const struct pm_node_id *from, const struct pm_wire_row *row,
                                     struct pm_time now) {
  return (struct pm_matrix_news){.from = *from,
                                 .inc = row->inc,
                                 .since = row->since,
                                 .upto = row->upto,
                                 .as_of = now,
                                 .source = PM_ROW_DIRECT,
                                 .hops = 1,
                                 .more = row->more,
                                 .cells = row->cells,
                                 .count = row->count};
}

void pm_rows_take(struct pm_rows *rows, const struct pm_node_id *from, const char *header,
                  struct pm_time now) {
  struct pm_wire_row *row = &rows->read.row;
  if (header[0] == '\0' || !pm_node_id_is_set(from)) return;
  if (pm_wire_row_read(header, strlen(header), row) != PM_OK) return;
  struct pm_matrix_news news = news_of(from, row, now);
  take(rows, &news, now);
}

struct pm_buf *pm_rows_inbox(struct pm_rows *rows) {
  return &rows->texts;
}

/* A teller's own row is its own word. */
static void take_relayed(struct pm_rows *rows, const struct pm_gossip *core,
                         const struct pm_node_id *via, const char *text, struct pm_time now) {
  struct pm_wire_relayed *read = &rows->read;
  if (pm_wire_row_read_relayed(text, strlen(text), read) != PM_OK) return;
  struct pm_matrix_news news = news_of(&read->from, &read->row, now);
  if (!pm_node_id_equal(&read->from, via)) {
    if (!pm_gossip_is_member(core, &read->from)) return;
    news.source = PM_ROW_RELAYED;
    news.hops = read->hops + 1;
    news.via = *via;
    news.as_of = pm_time_add_ns(now, -read->age_s * PM_NS_PER_S);
  }
  take(rows, &news, now);
}

void pm_rows_take_relayed(struct pm_rows *rows, const struct pm_gossip *core,
                          const struct pm_node_id *via, struct pm_time now) {
  const struct pm_buf *texts = &rows->texts;
  bool wanted = rows->wanted;
  rows->wanted = false;
  if (!wanted || !pm_node_id_is_set(via) || pm_buf_status(texts) != PM_OK) return;
  for (size_t at = 0; at < texts->len; at += strlen(texts->data + at) + 1)
    take_relayed(rows, core, via, texts->data + at, now);
}

/* --- old nodes -------------------------------------------------------------------------------- */

struct pm_node_id pm_rows_old_id(const struct pm_contact *contact) {
  struct pm_node_id id = {{0}};
  uint64_t hash = pm_contact_hash(contact, 0);
  for (int i = 0; i < 8; i++) id.bytes[i] = (uint8_t)(hash >> (56 - 8 * i));
  return id;
}

/* Of true ones, one in 2^64 would look so. */
bool pm_rows_is_old_id(const struct pm_node_id *id) {
  static const uint8_t none[8];
  return memcmp(id->bytes + 8, none, sizeof none) == 0;
}

static bool member_at(const struct pm_rows *rows, const struct pm_gossip *core,
                      const struct pm_contact *contact, uint64_t *out) {
  struct pm_gossip_member member;
  if (!pm_gossip_get(core, pm_gossip_find(core, contact), &member)) return false;
  const struct pm_node_id *id = member.state == PM_MEMBER_SELF ? &rows->config.id : &member.id;
  *out = pm_matrix_short(id);
  return pm_node_id_is_set(id);
}

/* It does not say when it failed last: silence after its last success is all that there is. */
static struct pm_cell old_cell(const struct pm_wire_old *old, uint32_t age_s) {
  static const enum pm_wire_old_sum sums[PM_CELL_PHASE_COUNT] = {
      [PM_CELL_PHASE_DNS] = PM_WIRE_OLD_DNS,
      [PM_CELL_PHASE_TLS] = PM_WIRE_OLD_TLS,
      [PM_CELL_PHASE_FIRST] = PM_WIRE_OLD_REPLY,
      [PM_CELL_PHASE_TOTAL] = PM_WIRE_OLD_TOTAL,
  };
  int64_t sent = old->pings + old->fails;
  struct pm_cell cell = {.state = PM_CELL_MEASURED,
                         .every_s = (uint32_t)old->delay_s,
                         .sent = sent > UINT32_MAX ? UINT32_MAX : (uint32_t)sent,
                         .lost = old->fails > UINT32_MAX ? UINT32_MAX : (uint32_t)old->fails};
  if (age_s > 3 * (int64_t)old->delay_s + 10) cell.state = PM_CELL_FAILED;
  for (int q = 0; q < PM_CELL_QUANTILE_COUNT; q++)
    cell.rtt_ns[q] = old->sum_ns[PM_WIRE_OLD_TCP] / old->pings;
  for (int p = 0; p < PM_CELL_PHASE_COUNT; p++)
    cell.phase_ns[p] = old->sum_ns[sums[p]] / old->pings;
  return cell;
}

/* Of several entries that lead to one member the first counts. */
static void put_old(struct pm_wire_row *row, uint64_t to, const struct pm_cell *cell) {
  size_t at = row->count;
  while (at > 0 && row->cells[at - 1].to > to) at--;
  if (at > 0 && row->cells[at - 1].to == to) return;
  if (row->count == PM_MATRIX_ROW_CELLS_MAX) return;
  memmove(&row->cells[at + 1], &row->cells[at], (row->count - at) * sizeof row->cells[0]);
  row->cells[at] = (struct pm_matrix_cell){.to = to, .cell = *cell};
  row->count++;
}

void pm_rows_take_old(struct pm_rows *rows, const struct pm_gossip *core, uint64_t teller,
                      const struct pm_wire_answer *answer, struct pm_time now) {
  struct pm_wire_row *row = &rows->read.row;
  struct pm_gossip_member member;
  if (teller == 0 || !answer->old || !pm_gossip_get(core, teller, &member)) return;
  row->count = 0;
  row->inc = row->since = row->upto = 0;
  row->more = false;
  for (size_t i = 0; i < answer->entries_count; i++) {
    uint64_t to;
    if (answer->old[i].pings == 0) continue;
    if (!member_at(rows, core, &answer->entries[i].contact, &to)) continue;
    struct pm_cell cell = old_cell(&answer->old[i], answer->entries[i].age_s);
    put_old(row, to, &cell);
  }
  struct pm_node_id from = pm_rows_old_id(&member.contact);
  struct pm_matrix_news news = news_of(&from, row, now);
  news.source = PM_ROW_OLD_NODE;
  take(rows, &news, now);
}

/* --- our own ---------------------------------------------------------------------------------- */

/* Through the bytes that others get, so that everybody sees the same. */
static void take_own(struct pm_rows *rows, struct pm_time now) {
  const struct pm_rows_config *config = &rows->config;
  uint64_t inc, revision;
  pm_matrix_have(rows->matrix, &config->id, &inc, &revision);
  pm_buf_reset(&rows->texts);
  pm_wire_row_write_own(rows->own, config->inc, revision, PM_WIRE_ROW_BYTES_MAX, &rows->texts);
  if (pm_wire_row_read(rows->texts.data, rows->texts.len, &rows->read.row) != PM_OK) return;
  struct pm_matrix_news news = news_of(&config->id, &rows->read.row, now);
  news.source = PM_ROW_SELF;
  news.hops = 0;
  take(rows, &news, now);
}

void pm_rows_leave(struct pm_rows *rows, const struct pm_node_id *id, bool lost,
                   struct pm_time now) {
  if (!lost) {
    pm_own_row_remove(rows->own, id);
    return;
  }
  pm_own_row_fail(rows->own, id, now);
  pm_matrix_doubt(rows->matrix, id, now);
}

void pm_rows_advance(struct pm_rows *rows, struct pm_time now) {
  pm_own_row_advance(rows->own, now);
  pm_matrix_advance(rows->matrix, now);
  take_own(rows, now);
}

/* --- asking ----------------------------------------------------------------------------------- */

static bool lacks_row(const struct pm_rows *rows, const struct pm_gossip_member *member,
                      struct pm_time now) {
  if (member->state != PM_MEMBER_VERIFIED || !pm_node_id_is_set(&member->id)) return false;
  if (member->active || member->state_s < NEWCOMER_S) return false;
  const struct pm_matrix_row *row = pm_matrix_find(rows->matrix, &member->id);
  return !row || pm_time_since_ns(now, row->as_of) > (int64_t)PM_MATRIX_DIRECT_S * PM_NS_PER_S;
}

static bool lacks_rows(const struct pm_rows *rows, const struct pm_gossip *core,
                       struct pm_time now) {
  struct pm_gossip_member member;
  for (uint32_t cursor = 0; pm_gossip_next(core, &cursor, &member);)
    if (lacks_row(rows, &member, now)) return true;
  return false;
}

void pm_rows_ask(struct pm_rows *rows, const struct pm_gossip *core,
                 const struct pm_gossip_member *member, struct pm_time now,
                 struct pm_wire_request *request) {
  if (request->pull) {
    request->rows = rows->wanted = lacks_rows(rows, core, now);
  } else if (member && pm_node_id_is_set(&member->id)) {
    request->has_row = true;
    pm_matrix_have(rows->matrix, &member->id, &request->row_inc, &request->row_revision);
  }
}

/* --- answering -------------------------------------------------------------------------------- */

void pm_rows_answer(const struct pm_rows *rows, const struct pm_wire_request *request,
                    struct pm_buf *out) {
  if (!request->has_row) return;
  uint64_t since = request->row_inc == rows->config.inc ? request->row_revision : 0;
  pm_wire_row_write_own(rows->own, rows->config.inc, since, PM_WIRE_ROW_HEADER_BYTES_MAX, out);
}

struct pm_buf *pm_rows_pass_on(struct pm_rows *rows, const struct pm_wire_request *request,
                               struct pm_time now) {
  const struct pm_matrix_row *chosen[PM_WIRE_ROWS_MAX];
  if (!request->rows) return NULL;
  uint64_t place = rows->relay_place;
  size_t count = pm_matrix_relay(rows->matrix, &request->id, now, &place, chosen, PM_WIRE_ROWS_MAX);
  pm_buf_reset(&rows->texts);
  for (size_t i = 0; i < count; i++) {
    const struct pm_matrix_row *row = chosen[i];
    if (rows->texts.len + pm_wire_row_bytes_max(row->count) > PM_WIRE_ROWS_BYTES_MAX) break;
    int64_t age_s = pm_time_since_ns(now, row->as_of) / PM_NS_PER_S;
    pm_wire_row_write_relayed(row, age_s, &rows->texts);
    pm_buf_char(&rows->texts, '\0');
    rows->relay_place = pm_matrix_short(&row->from);
  }
  return &rows->texts;
}
