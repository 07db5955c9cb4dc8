/* Server-sent events: what a watcher is told, in which form, and what not. The streams are the
 * test's: what is sent lies in a buffer, unless the test says that its reader is slow.
 */
#include "mesh_fixture.h"

#include "api/events.h"
#include "api/service_feed.h"

enum { HELD_BYTES_MAX = 1 << 20 };

struct stream {
  uint64_t id; /* 0: not open */
  void (*gone)(void *of);
  void *of;
  struct pm_buf sent;
  size_t waiting; /* what queued() says */
};

struct watch {
  struct pm_events *events;
  struct stream streams[PM_STREAMS_MAX];
  size_t count;
  uint64_t ids;
  struct pm_streams lent;
  struct pm_node_names names;
  struct pm_mesh_source source;
  struct pm_matrix *matrix;
  struct pm_http_request request;
  struct pm_http_response response;
};

static struct stream *find(struct watch *w, uint64_t id) {
  for (size_t i = 0; i < w->count; i++)
    if (w->streams[i].id == id) return &w->streams[i];
  return NULL;
}

static enum pm_err begin(void *owner, void (*gone)(void *of), void *of, uint64_t *out_id) {
  struct watch *w = owner;
  if (w->count == PM_STREAMS_MAX) return PM_ERR_FULL;
  struct stream *stream = &w->streams[w->count++];
  *stream = (struct stream){.id = *out_id = ++w->ids, .gone = gone, .of = of};
  pm_buf_init(&stream->sent, HELD_BYTES_MAX);
  return PM_OK;
}

static enum pm_err send_bytes(void *owner, uint64_t id, const char *bytes, size_t count) {
  struct stream *stream = find(owner, id);
  if (stream == NULL) return PM_ERR_MISSING;
  pm_buf_append(&stream->sent, bytes, count);
  return PM_OK;
}

static size_t queued(void *owner, uint64_t id) {
  const struct stream *stream = find(owner, id);
  return stream != NULL ? stream->waiting : 0;
}

static void end(void *owner, uint64_t id) {
  struct stream *stream = find(owner, id);
  assert_non_null(stream);
  stream->id = 0;
  stream->gone(stream->of);
}

static int setup(void **state) {
  static struct watch w;
  w = (struct watch){.lent = {&w, begin, send_bytes, queued, end}};
  assert_int_equal(pm_events_new(&w.events), PM_OK);
  pm_node_names_init(&w.names);
  pm_buf_init(&w.response.body, HELD_BYTES_MAX);
  w.request = (struct pm_http_request){.method = PM_HTTP_GET, .query = "", .streams = &w.lent};
  w.source = (struct pm_mesh_source){.names = &w.names,
                                     .self = mesh_id(1),
                                     .self_host = "localhost:8080",
                                     .self_location = "Sunnyvale,US",
                                     .now = {(int64_t)5000 * PM_NS_PER_S},
                                     .wall = {(int64_t)1770000000 * PM_NS_PER_S}};
  *state = &w;
  return 0;
}

static int teardown(void **state) {
  struct watch *w = *state;
  for (size_t i = 0; i < w->count; i++) {
    if (w->streams[i].id != 0) end(w, w->streams[i].id);
    pm_buf_deinit(&w->streams[i].sent);
  }
  assert_int_equal(pm_events_count(w->events), 0);
  pm_events_free(w->events);
  pm_node_names_deinit(&w->names);
  pm_buf_deinit(&w->response.body);
  if (w->matrix != NULL) pm_matrix_free(w->matrix);
  return 0;
}

static void open_stream(struct watch *w) {
  w->response.headers_count = 0;
  pm_buf_reset(&w->response.body);
  pm_events_open(w->events, &w->source, &w->request, &w->response);
}

/* What the first stream was sent since the last time. */
static const char *told(struct watch *w) {
  static char text[65536];
  struct pm_buf *sent = &w->streams[0].sent;
  assert_true(sent->len < sizeof(text));
  memcpy(text, sent->data, sent->len + 1);
  pm_buf_reset(sent);
  return text;
}

static void tick_after(struct watch *w, int64_t seconds) {
  w->source.now.ns += seconds * PM_NS_PER_S;
  pm_events_tick(w->events, &w->source);
}

static const struct pm_sample SAMPLE = {.at = {(int64_t)1770000001 * PM_NS_PER_S},
                                        .ended = {(int64_t)5001 * PM_NS_PER_S},
                                        .outcome = PM_OUTCOME_TIMEOUT,
                                        .verdict = PM_VERDICT_RETRANSMITTED,
                                        .phase_ns = {[PM_PHASE_TCP] = 7, [PM_PHASE_TOTAL] = 9}};

static void a_stream_begins_with_who_speaks(void **state) {
  struct watch *w = *state;
  char expected[256], key[PM_WIRE_ID_BYTES];
  open_stream(w);
  assert_int_equal(w->response.status, 200);
  assert_string_equal(w->response.content_type, "text/event-stream");
  assert_true(w->response.endless);
  snprintf(expected, sizeof(expected),
           "retry: 2000\n\nid: 1\nevent: hello\ndata: {\"time\":\"2026-02-02T02:40:00Z\",\"self\":"
           "\"%s\",\"version\":\"%s\"}\n\n",
           mesh_key(1, key), PM_VERSION);
  assert_string_equal(w->response.body.data, expected);
  assert_int_equal(pm_events_count(w->events), 1);
}

static void head_opens_none(void **state) {
  struct watch *w = *state;
  w->request.method = PM_HTTP_HEAD;
  open_stream(w);
  assert_int_equal(w->response.status, 200);
  assert_true(w->response.endless);
  assert_int_equal(w->response.body.len, 0);
  assert_int_equal(pm_events_count(w->events), 0);
}

static void beyond_the_most_one_has_to_wait(void **state) {
  struct watch *w = *state;
  for (int i = 0; i < PM_STREAMS_MAX; i++) open_stream(w);
  assert_int_equal(pm_events_count(w->events), PM_STREAMS_MAX);
  open_stream(w);
  assert_int_equal(w->response.status, 503);
  assert_false(w->response.endless);
  bool retry = false;
  for (size_t i = 0; i < w->response.headers_count; i++)
    retry = retry || strcmp(w->response.headers[i].name, "Retry-After") == 0;
  assert_true(retry);
  assert_int_equal(pm_events_count(w->events), PM_STREAMS_MAX);
}

static void a_sample_is_one_line(void **state) {
  struct watch *w = *state;
  open_stream(w);
  pm_events_sample(w->events, "http://h/\n\"<script>", &SAMPLE);
  assert_string_equal(
      told(w), "id: 2\nevent: sample\ndata: {\"to\":\"http://h/\\n\\\"\\u003cscript\\u003e\","
               "\"t\":\"2026-02-02T02:40:01Z\",\"outcome\":\"timeout\",\"verdict\":"
               "\"retransmitted\",\"tcp_ns\":7,\"total_ns\":9}\n\n");
}

static void a_busy_node_tells_some_samples(void **state) {
  struct watch *w = *state;
  open_stream(w);
  for (int second = 0; second < 2; second++) {
    size_t count = 0;
    for (int i = 0; i < 100; i++) pm_events_sample(w->events, "k", &SAMPLE);
    for (const char *at = told(w); (at = strstr(at, "event: sample")) != NULL; at++) count++;
    assert_int_equal(count, PM_EVENTS_SAMPLES_MAX);
    tick_after(w, 1);
  }
}

static void a_change_of_a_member(void **state) {
  struct watch *w = *state;
  struct pm_gossip_change change = {.kind = PM_CHANGE_REFUSED, .reason = PM_REFUSAL_OTHER_MESH};
  assert_int_equal(pm_contact_from_text("h.example:8080|192.0.2.1", &change.contact), PM_OK);
  open_stream(w);
  pm_events_member(w->events, "KEY", &change, w->source.now);
  assert_string_equal(told(w),
                      "id: 2\nevent: member\ndata: {\"change\":\"refused\",\"key\":\"KEY\","
                      "\"url\":\"http://h.example:8080/v1/ping\",\"reason\":\"belongs to "
                      "another mesh\"}\n\n");
}

/* ---- rows ---- */

static void take_row(struct watch *w, unsigned from, unsigned to, int64_t p50_ns) {
  static struct mesh_row row;
  const struct pm_cell cell = mesh_cell(p50_ns);
  const struct pm_cell same = mesh_cell(PM_NS_PER_MS);
  mesh_row_begin(&row, from, PM_ROW_DIRECT, w->source.now);
  for (unsigned n = 1; n <= 3; n++)
    if (n != from) mesh_row_add(&row, n, n == to ? &cell : &same);
  mesh_row_take(&row, w->matrix, w->source.now);
}

static void watch_matrix(struct watch *w) {
  assert_int_equal(pm_matrix_new(8, &w->matrix), PM_OK);
  w->source.matrix = w->matrix;
  take_row(w, 2, 1, PM_NS_PER_MS);
  take_row(w, 3, 1, PM_NS_PER_MS);
  open_stream(w);
}

/* What is there when the stream begins is to be asked for. */
static void cells_are_told_when_they_change(void **state) {
  struct watch *w = *state;
  char expected[512], from[PM_WIRE_ID_BYTES], to[PM_WIRE_ID_BYTES];
  watch_matrix(w);
  tick_after(w, 1);
  assert_string_equal(told(w), "");
  take_row(w, 2, 3, 2 * PM_NS_PER_MS);
  tick_after(w, 1);
  snprintf(expected, sizeof(expected),
           "id: 2\nevent: row\ndata: {\"from\":\"%s\",\"source\":\"direct\",\"hops\":1,\"age_s\":1,"
           "\"cells\":[[\"%s\",1,11,60,1,1800000,2000000,2200000,4000000,6000000,100000,1000,0,"
           "2000005,4000005]]}\n\n",
           mesh_key(2, from), mesh_key(3, to));
  assert_string_equal(told(w), expected);
  tick_after(w, 1);
  assert_string_equal(told(w), "");
}

/* So that a page does not take them for stale. */
static void rows_are_confirmed_now_and_then(void **state) {
  struct watch *w = *state;
  size_t rows = 0;
  watch_matrix(w);
  for (int second = 0; second < 40; second++) {
    take_row(w, 2, 1, PM_NS_PER_MS);
    tick_after(w, 1);
    const char *text = told(w);
    if (strstr(text, "event: row") == NULL) continue;
    rows++;
    assert_non_null(strstr(text, "\"cells\":[]"));
  }
  assert_int_equal(rows, 40 / PM_EVENTS_CONFIRM_S);
}

static void going_stale_is_a_change(void **state) {
  struct watch *w = *state;
  watch_matrix(w);
  tick_after(w, PM_MATRIX_STALE_S);
  assert_null(strstr(told(w), "event: row"));
  tick_after(w, 1);
  const char *text = told(w);
  char key[PM_WIRE_ID_BYTES], cell[64];
  snprintf(cell, sizeof(cell), "[\"%s\",%d,", mesh_key(1, key), PM_CELL_STALE);
  assert_non_null(strstr(text, cell));
  tick_after(w, 1);
  assert_null(strstr(told(w), "event: row"));
}

static void new_rows_are_told_whole_and_gone_ones_forgotten(void **state) {
  struct watch *w = *state;
  char key[PM_WIRE_ID_BYTES];
  watch_matrix(w);
  take_row(w, 1, 2, 5 * PM_NS_PER_MS);
  tick_after(w, 0);
  const char *text = told(w);
  assert_non_null(strstr(text, mesh_key(2, key)));
  assert_non_null(strstr(text, mesh_key(3, key)));
  w->source.now.ns += (PM_MATRIX_FORGET_S + 1) * (int64_t)PM_NS_PER_S;
  pm_matrix_advance(w->matrix, w->source.now);
  assert_int_equal(pm_matrix_count(w->matrix), 0);
  tick_after(w, 0);
  assert_null(strstr(told(w), "event: row"));
}

/* ---- slow readers ---- */

static void a_slow_reader_is_told_how_much_it_missed(void **state) {
  struct watch *w = *state;
  open_stream(w);
  w->streams[0].waiting = PM_EVENTS_WAITING_BYTES_MAX + 1;
  for (int i = 0; i < 3; i++) pm_events_sample(w->events, "k", &SAMPLE);
  assert_string_equal(told(w), "");
  w->streams[0].waiting = PM_EVENTS_WAITING_BYTES_MAX;
  pm_events_sample(w->events, "k", &SAMPLE);
  const char *text = told(w);
  const char *dropped = strstr(text, "event: dropped\ndata: {\"events\":3}\n\n");
  assert_non_null(dropped);
  assert_true(strstr(text, "event: sample") > dropped);
  pm_events_sample(w->events, "k", &SAMPLE);
  assert_null(strstr(told(w), "event: dropped"));
}

static void silence_is_broken_by_a_comment(void **state) {
  struct watch *w = *state;
  open_stream(w);
  for (int second = 1; second < 2 * PM_EVENTS_BEAT_S; second++) {
    tick_after(w, 1);
    assert_string_equal(told(w), second == PM_EVENTS_BEAT_S ? ":\n\n" : "");
  }
}

/* ---- the service ---- */

static void anyone_may_watch(void **state) {
  struct watch *w = *state;
  struct fixture *f = fixture_new();
  f->id = mesh_id(1);
  fixture_reopen(f);
  fixture_request(f, PM_HTTP_GET, "/v1/events", "");
  fixture_from(f, "192.0.2.9", "node.example");
  f->request.streams = &w->lent;
  fixture_send(f);
  assert_int_equal(f->response.status, 200);
  assert_string_equal(fixture_answered(f, "Cache-Control"), "no-store");
  struct pm_target *target = fixture_target(f, "http://h.example/v1/ping");
  pm_service_feed_sample(f->service, target, &SAMPLE);
  assert_non_null(strstr(told(w), "\"to\":\"http://h.example/v1/ping\""));
  end(w, w->streams[0].id);
  fixture_free(f);
}

/* As for a request that is not to be answered by a server. */
static void without_streams_there_are_none(void **state) {
  struct watch *w = *state;
  w->request.streams = NULL;
  open_stream(w);
  assert_int_equal(w->response.status, 503);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_stream_begins_with_who_speaks),
      TEST(head_opens_none),
      TEST(beyond_the_most_one_has_to_wait),
      TEST(a_sample_is_one_line),
      TEST(a_busy_node_tells_some_samples),
      TEST(a_change_of_a_member),
      TEST(cells_are_told_when_they_change),
      TEST(rows_are_confirmed_now_and_then),
      TEST(going_stale_is_a_change),
      TEST(new_rows_are_told_whole_and_gone_ones_forgotten),
      TEST(a_slow_reader_is_told_how_much_it_missed),
      TEST(silence_is_broken_by_a_comment),
      TEST(anyone_may_watch),
      TEST(without_streams_there_are_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
