#include "matrix.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/json_read.h"

enum {
  CELL_COLUMNS = 7,
  CELL_BYTES = 16,
  NUMBER_COLUMNS = 4,
  NAME_COLUMNS = 26,
  LABEL_COLUMNS = NUMBER_COLUMNS + 1 + NAME_COLUMNS,
  /* The fields of a cell that are drawn, in the order in which a node writes them. */
  AT_TO = 0,
  AT_STATE = 1,
  AT_SENT = 3,
  AT_LOST = 4,
  AT_P50 = 6,
};

enum state { UNKNOWN, MEASURED, FAILED, STALE, PREDICTED, SELF, STATES };

struct cell {
  uint8_t state; /* enum state */
  bool lossy;
  float ms; /* 0: none */
};

struct node {
  const char *key, *host, *location; /* in one of the documents */
  bool self; /* the node that was asked, which may not know what others call it */
  bool has_coordinate;
  double at_ms[4]; /* the last is the height */
};

struct avgping_matrix {
  struct pm_json_doc *pages[AVGPING_MATRIX_PAGES_MAX];
  size_t pages_count;
  const char *next;
  struct node nodes[AVGPING_MATRIX_NODES_MAX];
  size_t count;
};

enum pm_err avgping_matrix_new(struct avgping_matrix **out) {
  *out = calloc(1, sizeof(**out));
  return *out ? PM_OK : PM_ERR_NOMEM;
}

void avgping_matrix_free(struct avgping_matrix *matrix) {
  if (matrix == NULL) return;
  for (size_t i = 0; i < matrix->pages_count; i++) pm_json_free(matrix->pages[i]);
  free(matrix);
}

/* --- reading -----------------------------------------------------------------------------------
 */

static const char *text_of(const struct pm_json *value) {
  const char *text = "";
  return pm_json_string(value, &text) == PM_OK ? text : "";
}

static void read_coordinate(const struct pm_json *value, struct node *out) {
  const struct pm_json *child = pm_json_first(value);
  int count = 0;
  for (; child != NULL && count < 4; child = pm_json_next(child))
    if (pm_json_double(child, &out->at_ms[count++]) != PM_OK) return;
  out->has_coordinate = count == 4 && child == NULL;
}

/* Its number; a new one's is the last. -1: there is no room. */
static int node_of(struct avgping_matrix *matrix, const struct pm_json *value) {
  struct node node = {.key = text_of(pm_json_member(value, "key")),
                      .host = text_of(pm_json_member(value, "host")),
                      .location = text_of(pm_json_member(value, "location"))};
  for (size_t i = 0; i < matrix->count; i++)
    if (strcmp(matrix->nodes[i].key, node.key) == 0) return (int)i;
  if (matrix->count == AVGPING_MATRIX_NODES_MAX) return -1;
  read_coordinate(pm_json_member(value, "coordinate"), &node);
  node.self = strcmp(text_of(pm_json_member(value, "state")), "self") == 0;
  matrix->nodes[matrix->count] = node;
  return (int)matrix->count++;
}

/* Of a page, the numbers that its own numbers stand for. */
struct numbers {
  int of[AVGPING_MATRIX_NODES_MAX];
  size_t count;
};

static void read_nodes(struct avgping_matrix *matrix, const struct pm_json *root,
                       struct numbers *out) {
  const struct pm_json *node = pm_json_first(pm_json_member(root, "nodes"));
  out->count = 0;
  for (; node != NULL && out->count < AVGPING_MATRIX_NODES_MAX; node = pm_json_next(node))
    out->of[out->count++] = node_of(matrix, node);
}

static int number_at(const struct numbers *numbers, const struct pm_json *value) {
  int64_t at;
  if (numbers->count == 0 || pm_json_int(value, 0, (int64_t)numbers->count - 1, &at) != PM_OK)
    return -1;
  return numbers->of[at];
}

/* The key of the last row, if the node has more of them. */
static void find_next(struct avgping_matrix *matrix, const struct pm_json *root,
                      const struct numbers *numbers) {
  bool more = false;
  int last = -1;
  const struct pm_json *row = pm_json_first(pm_json_member(root, "rows"));
  matrix->next = NULL;
  if (pm_json_bool(pm_json_member(root, "more"), &more) != PM_OK || !more) return;
  for (; row != NULL; row = pm_json_next(row))
    last = number_at(numbers, pm_json_member(row, "from"));
  if (last >= 0) matrix->next = matrix->nodes[last].key;
}

enum pm_err avgping_matrix_take(struct avgping_matrix *matrix, const struct pm_buf *body,
                                struct pm_why *why) {
  static const struct pm_json_limits limits = {.bytes_max = AVGPING_DOC_BYTES_MAX,
                                               .depth_max = 8,
                                               .items_max = AVGPING_DOC_ITEMS_MAX * 5,
                                               .string_bytes_max = 8192};
  struct pm_json_doc *doc;
  struct numbers numbers;
  if (matrix->pages_count == AVGPING_MATRIX_PAGES_MAX)
    return pm_why_set(why, PM_ERR_TOO_LARGE, "it has more than %d pages", AVGPING_MATRIX_PAGES_MAX);
  enum pm_err err = pm_json_parse(body->data, body->len, &limits, &doc, why);
  if (err != PM_OK) return err;
  const struct pm_json *root = pm_json_root(doc);
  if (!pm_json_is_array(pm_json_member(root, "nodes")) ||
      !pm_json_is_array(pm_json_member(root, "rows"))) {
    pm_json_free(doc);
    return pm_why_set(why, PM_ERR_TYPE, "it is no matrix: an older node has none");
  }
  matrix->pages[matrix->pages_count++] = doc;
  read_nodes(matrix, root, &numbers);
  find_next(matrix, root, &numbers);
  return PM_OK;
}

const char *avgping_matrix_next(const struct avgping_matrix *matrix) {
  return matrix->next;
}

/* --- cells -------------------------------------------------------------------------------------
 */

static struct cell read_cell(const struct pm_json *fields, const struct numbers *numbers,
                             int *out_to) {
  int64_t state = UNKNOWN, sent = 0, lost = 0, p50_ns = 0;
  int at = 0;
  *out_to = -1;
  for (const struct pm_json *field = pm_json_first(fields); field != NULL;
       field = pm_json_next(field), at++) {
    enum pm_err err = PM_OK;
    if (at == AT_TO) *out_to = number_at(numbers, field);
    if (at == AT_STATE) err = pm_json_int(field, UNKNOWN, STALE, &state);
    if (at == AT_SENT) err = pm_json_int(field, 0, UINT32_MAX, &sent);
    if (at == AT_LOST) err = pm_json_int(field, 0, UINT32_MAX, &lost);
    if (at == AT_P50) err = pm_json_int(field, 0, INT64_C(3600) * PM_NS_PER_S, &p50_ns);
    if (err == PM_ERR_TYPE || err == PM_ERR_RANGE) *out_to = -1;
  }
  return (struct cell){(uint8_t)state, lost > 0, (float)p50_ns / PM_NS_PER_MS};
}

static double predicted_ms(const struct node *a, const struct node *b) {
  double square = 0;
  for (int i = 0; i < 3; i++) square += (a->at_ms[i] - b->at_ms[i]) * (a->at_ms[i] - b->at_ms[i]);
  return sqrt(square) + a->at_ms[3] + b->at_ms[3];
}

static void predict(const struct avgping_matrix *matrix, struct cell *cells) {
  for (size_t a = 0; a < matrix->count; a++)
    for (size_t b = 0; b < matrix->count; b++) {
      const struct node *from = &matrix->nodes[a], *to = &matrix->nodes[b];
      struct cell *cell = &cells[a * matrix->count + b];
      if (a == b) cell->state = SELF;
      if (a == b || !from->has_coordinate || !to->has_coordinate) continue;
      *cell = (struct cell){PREDICTED, false, (float)predicted_ms(from, to)};
    }
}

static void read_rows(struct avgping_matrix *matrix, const struct pm_json *root,
                      struct cell *cells) {
  struct numbers numbers;
  read_nodes(matrix, root, &numbers);
  const struct pm_json *row = pm_json_first(pm_json_member(root, "rows"));
  for (; row != NULL; row = pm_json_next(row)) {
    int to, from = number_at(&numbers, pm_json_member(row, "from"));
    const struct pm_json *fields = pm_json_first(pm_json_member(row, "cells"));
    for (; fields != NULL && from >= 0; fields = pm_json_next(fields)) {
      struct cell cell = read_cell(fields, &numbers, &to);
      if (to < 0 || to == from || cell.state == UNKNOWN) continue;
      cells[(size_t)from * matrix->count + (size_t)to] = cell;
    }
  }
}

/* --- drawing -----------------------------------------------------------------------------------
 */

struct drawing {
  const struct avgping_matrix *matrix;
  const struct avgping_terminal *terminal;
  const struct cell *cells;
  size_t order[AVGPING_MATRIX_NODES_MAX]; /* by location, then host */
  size_t count[STATES];
};

static void put_colour(struct pm_buf *out, const struct avgping_terminal *terminal,
                       const char *code) {
  if (terminal->colour) pm_buf_printf(out, "\033[%sm", code);
}

/* Blue, teal, amber, vermilion: they differ in brightness, too (Okabe and Ito). */
static const char *colour_of(const struct cell *cell) {
  switch ((enum state)cell->state) {
  case FAILED:
    return "1;37;41";
  case MEASURED:
    return cell->ms < 20    ? "38;5;39"
           : cell->ms < 80  ? "38;5;36"
           : cell->ms < 200 ? "38;5;214"
                            : "38;5;202";
  case UNKNOWN:
  case STALE:
  case PREDICTED:
  case SELF:
  case STATES:
    break;
  }
  return "2";
}

static void ms_text(double ms, char out[CELL_BYTES]) {
  if (ms >= 999.5)
    snprintf(out, CELL_BYTES, "%.1fs", ms / 1000);
  else
    snprintf(out, CELL_BYTES, ms < 1 ? "%.2f" : ms < 10 ? "%.1f" : "%.0f", ms);
}

static void cell_text(const struct cell *cell, char out[CELL_BYTES + 4]) {
  char ms[CELL_BYTES];
  ms_text(cell->ms, ms);
  bool known = cell->ms > 0;
  switch ((enum state)cell->state) {
  case MEASURED:
    snprintf(out, CELL_BYTES + 4, "%s%s", known ? ms : "0", cell->lossy ? "!" : "");
    return;
  case STALE:
    snprintf(out, CELL_BYTES + 4, "(%s)", known ? ms : "?");
    return;
  case PREDICTED:
    snprintf(out, CELL_BYTES + 4, "~%s", ms);
    return;
  case FAILED:
    snprintf(out, CELL_BYTES + 4, "FAIL");
    return;
  case UNKNOWN:
  case SELF:
  case STATES:
    snprintf(out, CELL_BYTES + 4, "%s", cell->state == SELF ? "-" : ".");
    return;
  }
}

/* Padding stands outside the colour, so that a background covers the text alone. */
static void put_cell(struct pm_buf *out, const struct avgping_terminal *terminal,
                     const struct cell *cell) {
  char text[CELL_BYTES + 4];
  cell_text(cell, text);
  int blanks = CELL_COLUMNS - (int)strlen(text);
  pm_buf_printf(out, "%*s", blanks > 1 ? blanks : 1, "");
  put_colour(out, terminal, colour_of(cell));
  pm_buf_text(out, text);
  put_colour(out, terminal, "0");
}

/* "Paris,FR a.example:8080", cut to its column and filled up to it. */
static void put_label(struct pm_buf *out, size_t number, const struct node *node) {
  struct pm_buf name;
  pm_buf_init(&name, 4096);
  const char *called = node->host[0] != '\0' ? node->host : node->self ? "(asked)" : node->key;
  pm_escape_line(&name, node->location, strlen(node->location));
  if (node->location[0] != '\0') pm_buf_char(&name, ' ');
  pm_escape_line(&name, called, strlen(called));
  size_t bytes = 0, columns = 0;
  uint32_t code;
  for (size_t one; columns < NAME_COLUMNS && bytes < name.len; bytes += one, columns++)
    if ((one = pm_utf8_next(name.data + bytes, name.len - bytes, &code)) == 0) break;
  pm_buf_printf(out, "%*zu ", NUMBER_COLUMNS, number);
  if (name.len > 0) pm_buf_append(out, name.data, bytes);
  pm_buf_printf(out, "%*s", (int)(NAME_COLUMNS - columns), "");
  pm_buf_deinit(&name);
}

static void put_block(struct pm_buf *out, const struct drawing *drawing, size_t first, size_t end) {
  size_t count = drawing->matrix->count;
  pm_buf_printf(out, "%*s", LABEL_COLUMNS, "from \\ to");
  for (size_t column = first; column < end; column++)
    pm_buf_printf(out, "%*zu", CELL_COLUMNS, column + 1);
  pm_buf_char(out, '\n');
  for (size_t row = 0; row < count; row++) {
    size_t from = drawing->order[row];
    put_label(out, row + 1, &drawing->matrix->nodes[from]);
    for (size_t column = first; column < end; column++)
      put_cell(out, drawing->terminal, &drawing->cells[from * count + drawing->order[column]]);
    pm_buf_char(out, '\n');
  }
}

static void put_legend(struct pm_buf *out, const struct avgping_terminal *terminal) {
  static const struct {
    struct cell cell;
    const char *text;
  } entries[] = {{{MEASURED, false, 12}, "median of ten minutes in ms"},
                 {{MEASURED, true, 12}, "probes were lost"},
                 {{FAILED, false, 0}, "the latest failed"},
                 {{STALE, false, 12}, "stale"},
                 {{PREDICTED, false, 12}, "predicted, not measured"},
                 {{UNKNOWN, false, 0}, "unknown"}};
  for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
    put_cell(out, terminal, &entries[i].cell);
    pm_buf_printf(out, " %s%s", entries[i].text, i % 3 == 2 ? "\n" : "");
  }
  if (!terminal->colour) return;
  static const float from_ms[] = {1, 20, 80, 200};
  static const char *const texts[] = {"below 20 ms", "below 80 ms", "below 200 ms", "more"};
  for (size_t i = 0; i < 4; i++) {
    struct cell cell = {MEASURED, false, from_ms[i]};
    pm_buf_text(out, "  ");
    put_colour(out, terminal, colour_of(&cell));
    pm_buf_text(out, texts[i]);
    put_colour(out, terminal, "0");
  }
  pm_buf_char(out, '\n');
}

static int compare(const void *x, const void *y, void *owner) {
  const struct node *nodes = owner;
  size_t one = *(const size_t *)x, other = *(const size_t *)y;
  int order = strcmp(nodes[one].location, nodes[other].location);
  if (order == 0) order = strcmp(nodes[one].host, nodes[other].host);
  if (order == 0) order = strcmp(nodes[one].key, nodes[other].key);
  return order;
}

static void draw(struct drawing *drawing, struct pm_buf *out) {
  size_t count = drawing->matrix->count, fit = count;
  for (size_t i = 0; i < count * count; i++) drawing->count[drawing->cells[i].state]++;
  pm_buf_printf(
      out, "%zu nodes, %zu paths: %zu measured, %zu failed, %zu stale, %zu not measured\n", count,
      count * (count > 0 ? count - 1 : 0), drawing->count[MEASURED], drawing->count[FAILED],
      drawing->count[STALE], drawing->count[PREDICTED] + drawing->count[UNKNOWN]);
  if (drawing->terminal->columns > 0)
    fit = (size_t)(drawing->terminal->columns - LABEL_COLUMNS) / CELL_COLUMNS;
  if (fit == 0) fit = 1;
  for (size_t first = 0; first < count; first += fit) {
    if (first > 0) pm_buf_char(out, '\n');
    put_block(out, drawing, first, first + fit < count ? first + fit : count);
  }
  if (count > 0) put_legend(out, drawing->terminal);
}

enum pm_err avgping_matrix_draw(const struct avgping_matrix *matrix,
                                const struct avgping_terminal *terminal, struct pm_buf *out) {
  struct avgping_matrix *copy = malloc(sizeof(*copy)); /* reading again finds the same nodes */
  struct cell *cells = calloc(matrix->count * matrix->count + 1, sizeof(*cells));
  struct drawing *drawing = calloc(1, sizeof(*drawing));
  bool memory = copy && cells && drawing;
  if (memory) {
    *copy = *matrix;
    predict(copy, cells);
    for (size_t i = 0; i < copy->pages_count; i++)
      read_rows(copy, pm_json_root(copy->pages[i]), cells);
    drawing->matrix = copy;
    drawing->terminal = terminal;
    drawing->cells = cells;
    for (size_t i = 0; i < copy->count; i++) drawing->order[i] = i;
    qsort_r(drawing->order, copy->count, sizeof(drawing->order[0]), compare, copy->nodes);
    draw(drawing, out);
  }
  free(copy);
  free(cells);
  free(drawing);
  return memory ? PM_OK : PM_ERR_NOMEM;
}
