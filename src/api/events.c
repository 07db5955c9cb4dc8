#include "api/events.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/answer.h"
#include "api/event_rows.h"
#include "api/matrix_view.h"

enum { SHORT_BYTES_MAX = 256 }; /* of an event that says how many were dropped */

struct watcher {
  struct pm_events *events;
  const struct pm_streams *streams;
  uint64_t id;         /* 0: free */
  uint64_t dropped;    /* not told yet */
  struct pm_time last; /* when it was sent anything */
};

struct pm_events {
  struct watcher watchers[PM_STREAMS_MAX];
  size_t count;
  uint64_t ids; /* given so far */
  struct pm_event_rows rows;
  size_t place; /* where the next look at the rows begins */
  int samples_left, members_left;
  struct pm_buf text; /* of the event that is being sent */
};

enum pm_err pm_events_new(struct pm_events **out) {
  struct pm_events *events = calloc(1, sizeof(*events));
  if (events == NULL) return PM_ERR_NOMEM;
  pm_event_rows_init(&events->rows);
  pm_buf_init(&events->text, PM_STREAM_QUEUE_BYTES_MAX);
  events->samples_left = PM_EVENTS_SAMPLES_MAX;
  events->members_left = PM_EVENTS_MEMBERS_MAX;
  *out = events;
  return PM_OK;
}

void pm_events_free(struct pm_events *events) {
  if (events == NULL) return;
  pm_event_rows_deinit(&events->rows);
  pm_buf_deinit(&events->text);
  free(events);
}

size_t pm_events_count(const struct pm_events *events) {
  return events->count;
}

/* ---- writing ---- */

static void begin(struct pm_events *events, struct pm_buf *out, const char *name,
                  struct pm_json_writer *w) {
  pm_buf_printf(out, "id: %" PRIu64 "\nevent: %s\ndata: ", ++events->ids, name);
  pm_json_writer_init(w, out, false); /* one line: it escapes line ends */
  pm_json_object_begin(w, NULL);
}

static void end(struct pm_json_writer *w) {
  pm_json_object_end(w);
  pm_buf_append(w->out, "\n\n", 2);
}

/* ---- sending ---- */

static enum pm_err send_to(struct watcher *watcher, const struct pm_buf *text, struct pm_time now) {
  const enum pm_err err =
      watcher->streams->send(watcher->streams->owner, watcher->id, text->data, text->len);
  if (err == PM_OK) watcher->last = now;
  return err;
}

/* What it missed, now that it reads again. */
static bool tell_dropped(struct watcher *watcher, struct pm_time now) {
  struct pm_buf text;
  struct pm_json_writer w;
  if (watcher->dropped == 0) return true;
  pm_buf_init(&text, SHORT_BYTES_MAX);
  begin(watcher->events, &text, "dropped", &w);
  pm_json_put_uint(&w, "events", watcher->dropped);
  end(&w);
  const bool told = pm_buf_status(&text) == PM_OK && send_to(watcher, &text, now) == PM_OK;
  pm_buf_deinit(&text);
  if (told) watcher->dropped = 0;
  return told;
}

static void deliver(struct watcher *watcher, const struct pm_buf *text, struct pm_time now) {
  const size_t waiting = watcher->streams->queued(watcher->streams->owner, watcher->id);
  if (waiting > PM_EVENTS_WAITING_BYTES_MAX || !tell_dropped(watcher, now) ||
      send_to(watcher, text, now) == PM_ERR_FULL)
    watcher->dropped++;
}

/* Streams may end meanwhile. */
static void send_to_all(struct pm_events *events, struct pm_time now) {
  if (pm_buf_status(&events->text) != PM_OK) return; /* memory is short */
  for (size_t i = 0; i < PM_STREAMS_MAX; i++)
    if (events->watchers[i].id != 0) deliver(&events->watchers[i], &events->text, now);
}

/* ---- streams ---- */

static void on_gone(void *of) {
  struct watcher *watcher = of;
  struct pm_events *events = watcher->events;
  watcher->id = 0;
  if (--events->count == 0) pm_event_rows_deinit(&events->rows);
}

static struct watcher *free_place(struct pm_events *events) {
  for (size_t i = 0; i < PM_STREAMS_MAX; i++)
    if (events->watchers[i].id == 0) return &events->watchers[i];
  return NULL;
}

/* For the first watcher: what is there is for him to ask for. */
static void look_at_all(struct pm_events *events, const struct pm_mesh_source *source) {
  uint16_t changed[PM_MATRIX_ROW_CELLS_MAX];
  bool confirmed;
  const size_t count = source->matrix != NULL ? pm_matrix_count(source->matrix) : 0;
  for (size_t i = 0; i < count; i++)
    pm_event_rows_look(&events->rows, pm_matrix_at(source->matrix, i), source->now, changed,
                       &confirmed);
}

static void write_hello(struct pm_events *events, const struct pm_mesh_source *source,
                        struct pm_buf *out) {
  struct pm_mesh_node_view self;
  struct pm_json_writer w;
  pm_mesh_id_view(source, &source->self, &self);
  pm_buf_text(out, "retry: 2000\n\n");
  begin(events, out, "hello", &w);
  pm_json_put_wall(&w, "time", source->wall, true);
  pm_json_put_string(&w, "self", self.key);
  pm_json_put_string(&w, "version", PM_VERSION);
  end(&w);
}

static enum pm_err watch(struct pm_events *events, const struct pm_mesh_source *source,
                         const struct pm_http_request *request) {
  struct watcher *watcher = free_place(events);
  const struct pm_streams *streams = request->streams;
  if (watcher == NULL || streams == NULL) return PM_ERR_FULL;
  *watcher = (struct watcher){.events = events, .streams = streams, .last = source->now};
  const enum pm_err err = streams->begin(streams->owner, on_gone, watcher, &watcher->id);
  if (err != PM_OK) return err;
  if (events->count++ == 0) look_at_all(events, source);
  return PM_OK;
}

void pm_events_open(struct pm_events *events, const struct pm_mesh_source *source,
                    const struct pm_http_request *request, struct pm_http_response *response) {
  if (request->method != PM_HTTP_HEAD && watch(events, source, request) != PM_OK) {
    pm_answer_problem(request, response, 503, "too many watch already: try again in a while");
    pm_answer_header(response, "Retry-After", "5");
    return;
  }
  response->status = 200;
  response->content_type = "text/event-stream";
  response->endless = true;
  pm_answer_header(response, "Cache-Control", "no-store");
  pm_answer_header(response, "X-Accel-Buffering", "no"); /* nginx would keep events back */
  if (request->method != PM_HTTP_HEAD) write_hello(events, source, &response->body);
}

/* ---- what happens ---- */

void pm_events_sample(struct pm_events *events, const char *key, const struct pm_sample *sample) {
  struct pm_json_writer w;
  if (events->count == 0 || events->samples_left == 0) return;
  events->samples_left--;
  pm_buf_reset(&events->text);
  begin(events, &events->text, "sample", &w);
  pm_json_put_string(&w, "to", key);
  pm_json_put_wall(&w, "t", sample->at, true);
  pm_json_put_string(&w, "outcome", pm_outcome_text(sample->outcome));
  pm_json_put_string(&w, "verdict", pm_verdict_text(sample->verdict));
  pm_json_put_int(&w, "tcp_ns", sample->phase_ns[PM_PHASE_TCP]);
  pm_json_put_int(&w, "total_ns", sample->phase_ns[PM_PHASE_TOTAL]);
  end(&w);
  send_to_all(events, sample->ended);
}

void pm_events_member(struct pm_events *events, const char *key,
                      const struct pm_gossip_change *change, struct pm_time now) {
  char url[PM_CONTACT_URL_BYTES];
  struct pm_json_writer w;
  if (events->count == 0 || events->members_left == 0) return;
  events->members_left--;
  pm_contact_url(&change->contact, url);
  pm_buf_reset(&events->text);
  begin(events, &events->text, "member", &w);
  pm_json_put_string(&w, "change", pm_change_text(change->kind));
  pm_json_put_string(&w, "key", key);
  pm_json_put_string(&w, "url", url);
  pm_json_put_string(&w, "reason", pm_refusal_text(change->reason));
  end(&w);
  send_to_all(events, now);
}

/* ---- rows ---- */

struct look {
  const struct pm_mesh_source *source;
  const struct pm_matrix_row *row;
  const uint16_t *changed;
  size_t count;
};

/* ["KEY",state,…] */
static void put_cell(struct pm_json_writer *w, const struct pm_mesh_node *to,
                     const struct look *look, const struct pm_matrix_cell *cell) {
  char text[PM_MATRIX_CELL_BYTES_MAX];
  char key[PM_MESH_NODE_KEY_BYTES];
  int64_t age_s;
  pm_mesh_node_key(look->source, to, key);
  const enum pm_cell_state state = pm_matrix_state(look->row, cell, look->source->now, &age_s);
  const char *end_of_text = pm_matrix_cell_text(text, state, age_s, &cell->cell);
  pm_json_array_begin(w, NULL);
  pm_json_put_string(w, NULL, key);
  pm_buf_append(w->out, text, (size_t)(end_of_text - text));
  pm_json_array_end(w);
}

/* False if its node has no place among them. */
static bool write_row(struct pm_events *events, const struct pm_mesh_nodes *nodes,
                      const struct look *look) {
  char key[PM_MESH_NODE_KEY_BYTES];
  struct pm_json_writer w;
  const struct pm_matrix_row *row = look->row;
  const size_t from = pm_mesh_nodes_find(nodes, pm_matrix_short(&row->from));
  if (from == nodes->count) return false;
  pm_mesh_node_key(look->source, &nodes->items[from], key);
  pm_buf_reset(&events->text);
  begin(events, &events->text, "row", &w);
  pm_json_put_string(&w, "from", key);
  pm_json_put_string(&w, "source", pm_row_source_text(row->source));
  pm_json_put_uint(&w, "hops", row->hops);
  pm_json_put_int(&w, "age_s", pm_time_since_ns(look->source->now, row->as_of) / PM_NS_PER_S);
  pm_json_array_begin(&w, "cells");
  for (size_t i = 0; i < look->count; i++) {
    const struct pm_matrix_cell *cell = &row->cells[look->changed[i]];
    const size_t to = pm_mesh_nodes_find(nodes, cell->to);
    if (to < nodes->count) put_cell(&w, &nodes->items[to], look, cell);
  }
  pm_json_array_end(&w);
  end(&w);
  return true;
}

/* Whether there is something to tell of the row; it counts as told then. */
static bool is_news(struct pm_events *events, struct look *look, uint16_t *changed) {
  bool confirmed;
  const struct pm_time now = look->source->now;
  look->changed = changed;
  look->count = pm_event_rows_look(&events->rows, look->row, now, changed, &confirmed);
  struct pm_event_row *told = pm_event_rows_find(&events->rows, &look->row->from);
  if (told == NULL) return false;
  const bool due = pm_time_since_ns(now, told->told) >= (int64_t)PM_EVENTS_CONFIRM_S * PM_NS_PER_S;
  if (look->count == 0 && !(confirmed && due)) return false;
  told->told = now;
  return true;
}

static void tell_rows(struct pm_events *events, const struct pm_mesh_source *source) {
  uint16_t changed[PM_MATRIX_ROW_CELLS_MAX];
  struct pm_mesh_nodes nodes = {0}; /* made once there is news: in most seconds there is none */
  const size_t count = pm_matrix_count(source->matrix);
  int left = PM_EVENTS_ROWS_MAX;
  pm_event_rows_follow(&events->rows, source->matrix);
  for (size_t i = 0; i < count && left > 0 && events->count > 0; i++) {
    events->place = (events->place + 1) % count;
    struct look look = {.source = source, .row = pm_matrix_at(source->matrix, events->place)};
    if (!is_news(events, &look, changed)) continue;
    left--;
    if (nodes.items == NULL && pm_mesh_nodes_init(&nodes, source) != PM_OK) return;
    if (write_row(events, &nodes, &look)) send_to_all(events, source->now);
  }
  pm_mesh_nodes_deinit(&nodes);
}

/* A comment, which readers pass over. */
static void beat(struct pm_events *events, struct pm_time now) {
  static const char comment[] = ":\n\n";
  for (size_t i = 0; i < PM_STREAMS_MAX; i++) {
    struct watcher *watcher = &events->watchers[i];
    if (watcher->id == 0) continue;
    if (pm_time_since_ns(now, watcher->last) < (int64_t)PM_EVENTS_BEAT_S * PM_NS_PER_S) continue;
    watcher->last = now;
    if (watcher->streams->queued(watcher->streams->owner, watcher->id) > 0) continue;
    if (watcher->streams->send(watcher->streams->owner, watcher->id, comment,
                               sizeof(comment) - 1) != PM_OK)
      continue; /* it has ended */
  }
}

void pm_events_tick(struct pm_events *events, const struct pm_mesh_source *source) {
  events->samples_left = PM_EVENTS_SAMPLES_MAX;
  events->members_left = PM_EVENTS_MEMBERS_MAX;
  if (events->count > 0 && source->matrix != NULL) tell_rows(events, source);
  beat(events, source->now);
}
