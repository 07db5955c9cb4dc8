/* /v1/history and /v1/profile against a past that answers when the test says so. */
#include "service_fixture.h"

#include "api/later.h"
#include "api/past.h"

/* What the server lends and what the node keeps, one question at a time. */
struct past_fixture {
  struct fixture *service;
  struct pm_later later;
  struct pm_past past;
  void (*cancelled)(void *of);
  void *of;
  enum pm_err begin_err, ask_err;
  struct pm_past_ask ask;
  pm_past_done done;
  void *done_owner;
  int asked, cancels;
};

static enum pm_err begin(void *owner, void (*cancelled)(void *of), void *of, uint64_t *out_id) {
  struct past_fixture *p = owner;
  if (p->begin_err != PM_OK) return p->begin_err;
  p->cancelled = cancelled;
  p->of = of;
  *out_id = 7;
  return PM_OK;
}

static void answer(void *owner, uint64_t id, pm_http_handler handler, void *handler_owner) {
  struct past_fixture *p = owner;
  struct pm_http_response *response = &p->service->response;
  assert_int_equal(id, 7);
  pm_buf_reset(&response->body);
  response->headers_count = 0;
  response->status = 200;
  handler(handler_owner, &p->service->request, response);
  assert_int_equal(pm_buf_status(&response->body), PM_OK);
}

static enum pm_err take(void *owner, const struct pm_past_ask *ask, pm_past_done done,
                        void *done_owner, uint64_t *out_id) {
  struct past_fixture *p = owner;
  if (p->ask_err != PM_OK) return p->ask_err;
  p->asked++;
  p->ask = *ask;
  p->done = done;
  p->done_owner = done_owner;
  *out_id = 11;
  return PM_OK;
}

static void cancel(void *owner, uint64_t id) {
  assert_int_equal(id, 11);
  ((struct past_fixture *)owner)->cancels++;
}

static int setup(void **state) {
  static struct past_fixture p;
  p = (struct past_fixture){.service = fixture_new()};
  p.later = (struct pm_later){&p, begin, answer};
  p.past = (struct pm_past){&p, take, cancel};
  p.service->config.past = &p.past;
  fixture_reopen(p.service);
  *state = &p;
  return 0;
}

static int teardown(void **state) {
  fixture_free(((struct past_fixture *)*state)->service);
  return 0;
}

static void send_get(struct past_fixture *p, const char *path, const char *query) {
  fixture_request(p->service, PM_HTTP_GET, path, query);
  p->service->request.later = &p->later;
  fixture_send(p->service);
}

/* Tells the answer; what the client gets. */
static const char *tell(struct past_fixture *p, enum pm_err err,
                        const struct pm_past_answer *told) {
  assert_int_equal(p->asked, 1);
  p->done(p->done_owner, err, told);
  return p->service->response.body.data;
}

static void expect_status(const struct past_fixture *p, int status) {
  assert_int_equal(p->service->response.status, status);
}

static const struct pm_past_row ROWS[] = {
    {.time_s = 1795200000,
     .sent = 6,
     .figures = {6, 2000000, 1000000, 1500000, 3000000, 4000000, 5000000},
     .mean_ns = {[PM_PHASE_TCP] = 2000000}},
    {.time_s = 1795200060, .sent = 6, .lost = 6},
};

static struct pm_past_answer series(void) {
  return (struct pm_past_answer){
      .from = "me", .to = "<script>&\"", .rows = ROWS, .rows_count = 2, .step_s = 60};
}

#define assert_has(text, part)     assert_non_null(strstr(text, part))
#define assert_has_not(text, part) assert_null(strstr(text, part))
#define SPAN                       "&since=2026-11-20T18:40:00Z&until=2026-11-20T18:50:00Z"

static void a_series_as_json(void **state) {
  struct past_fixture *p = *state;
  const struct pm_past_answer told = series();
  send_get(p, "/v1/history", "to=http://a/v1/ping&phase=total" SPAN);
  assert_string_equal(p->ask.to, "http://a/v1/ping");
  assert_int_equal(p->ask.phase, PM_PHASE_TOTAL);
  const char *text = tell(p, PM_OK, &told);
  expect_status(p, 200);
  assert_string_equal(p->service->response.content_type, "application/json");
  assert_string_equal(text, "{\n"
                            "  \"from\": \"me\",\n"
                            "  \"to\": \"\\u003cscript\\u003e\\u0026\\\"\",\n"
                            "  \"source\": \"measured\",\n"
                            "  \"phase\": \"total\",\n"
                            "  \"since\": \"2026-11-20T18:40:00Z\",\n"
                            "  \"until\": \"2026-11-20T18:50:00Z\",\n"
                            "  \"step_s\": 60,\n"
                            "  \"rows\": [\n"
                            "    {\n"
                            "      \"t\": \"2026-11-20T18:40:00Z\",\n"
                            "      \"sent\": 6,\n"
                            "      \"lost\": 0,\n"
                            "      \"n\": 6,\n"
                            "      \"p10_ns\": 1000000,\n"
                            "      \"p50_ns\": 1500000,\n"
                            "      \"p90_ns\": 3000000,\n"
                            "      \"p99_ns\": 4000000,\n"
                            "      \"max_ns\": 5000000,\n"
                            "      \"mean_ns\": 2000000,\n"
                            "      \"mean_ns_by_phase\": {\n"
                            "        \"dns\": null,\n"
                            "        \"tcp\": 2000000,\n"
                            "        \"tls\": null,\n"
                            "        \"first\": null,\n"
                            "        \"last\": null,\n"
                            "        \"total\": null\n"
                            "      }\n"
                            "    },\n"
                            "    {\n"
                            "      \"t\": \"2026-11-20T18:41:00Z\",\n"
                            "      \"sent\": 6,\n"
                            "      \"lost\": 6,\n"
                            "      \"n\": 0,\n"
                            "      \"p10_ns\": null,\n"
                            "      \"p50_ns\": null,\n"
                            "      \"p90_ns\": null,\n"
                            "      \"p99_ns\": null,\n"
                            "      \"max_ns\": null,\n"
                            "      \"mean_ns\": null,\n"
                            "      \"mean_ns_by_phase\": {\n"
                            "        \"dns\": null,\n"
                            "        \"tcp\": null,\n"
                            "        \"tls\": null,\n"
                            "        \"first\": null,\n"
                            "        \"last\": null,\n"
                            "        \"total\": null\n"
                            "      }\n"
                            "    }\n"
                            "  ]\n"
                            "}\n");
}

static void a_series_as_a_page(void **state) {
  struct past_fixture *p = *state;
  const struct pm_past_answer told = series();
  send_get(p, "/v1/history", "to=a&format=html" SPAN);
  const char *text = tell(p, PM_OK, &told);
  expect_status(p, 200);
  assert_has(fixture_answered(p->service, "Content-Security-Policy"), "default-src 'none'");
  assert_has(text, "role=\"img\" aria-labelledby=\"plot-title plot-desc\"");
  assert_has(text, "<title id=\"plot-title\">tcp to &lt;script&gt;&amp;&#34;</title>");
  assert_has(text, "<desc id=\"plot-desc\">2 steps of 60 s.");
  /* The scale ends at 5 ms; a step is a tenth of the width. */
  assert_has(text, "<rect class=\"b2\" x=\"70.0\" y=\"59.6\" width=\"88.0\" height=\"47.6\"/>");
  assert_has(text, "<rect class=\"b1\" x=\"70.0\" y=\"107.2\" width=\"88.0\" height=\"95.2\"/>");
  assert_has(text, "<rect class=\"l0\" x=\"70.0\" y=\"177.6\" width=\"88.0\" height=\"2.0\"/>");
  assert_has(text, "<rect class=\"l3\" x=\"158.0\" y=\"258.0\" width=\"88.0\" height=\"24.0\"/>");
  assert_has(text, "<th scope=\"row\">2026-11-20 18:40</th><td class=\"number\">6</td>"
                   "<td class=\"number\">0</td><td class=\"number\">1.000</td>"
                   "<td class=\"number\">1.500</td>");
  assert_has(text, "/v1/profile?format=html&amp;to=%3Cscript%3E%26%22\"");
  assert_has_not(text, "<script");
  assert_has_not(text, "style=");
}

static void nothing_known_is_a_page_without_a_plot(void **state) {
  struct past_fixture *p = *state;
  const struct pm_past_answer told = {.from = "me", .to = "a", .step_s = 60};
  send_get(p, "/v1/history", "to=a&format=html");
  const char *text = tell(p, PM_OK, &told);
  assert_has(text, "Nothing is known of that time.");
  assert_has_not(text, "<svg");
}

static struct pm_past_answer week(struct pm_past_cell *cells) {
  static const struct pm_pattern pattern = {.daily = true,
                                            .p_day = 0.0005,
                                            .p_week = 1,
                                            .slower_by = {[25] = 0.6},
                                            .slow = {[25] = true}};
  memset(cells, 0, PM_PAST_WEEK_HOURS * sizeof(*cells));
  for (int i = 0; i < PM_PAST_WEEK_HOURS - 1; i++)
    cells[i] = (struct pm_past_cell){.hours = 4, .sent = 24, .figures = {.count = 24}};
  for (int i = 0; i < PM_PAST_WEEK_HOURS - 1; i++) cells[i].figures.p50_ns = 10 * PM_NS_PER_MS;
  cells[25].figures.p50_ns = 16 * PM_NS_PER_MS; /* Tuesday, 1 o'clock */
  cells[25].lost = 12;
  return (struct pm_past_answer){.from = "me",
                                 .to = "a",
                                 .reported = true,
                                 .cells = cells,
                                 .all = {.count = 4008, .p50_ns = 10 * PM_NS_PER_MS},
                                 .pattern = &pattern};
}

static void a_week_has_168_cells(void **state) {
  struct past_fixture *p = *state;
  struct pm_past_cell cells[PM_PAST_WEEK_HOURS];
  const struct pm_past_answer told = week(cells);
  int count = 0;
  send_get(p, "/v1/profile", "to=a&zone=-05:30");
  assert_int_equal(p->ask.kind, PM_PAST_WEEK);
  assert_int_equal(p->ask.zone.min, -330);
  const char *text = tell(p, PM_OK, &told);
  assert_has(text, "\"zone\": \"-05:30\"");
  assert_has(text, "\"weekday\": 2,\n      \"hour\": 1,\n      \"hours\": 4,\n      \"sent\": 24,\n"
                   "      \"lost\": 12,\n      \"n\": 24,\n");
  assert_has(text, "\"source\": \"reported\"");
  assert_has(text, "\"daily\": true,\n    \"weekly\": false,\n    \"p_day\": 0.000500,\n"
                   "    \"p_week\": 1.000000\n");
  assert_has(text, "\"slower_by\": 0.6000,\n      \"slow\": true");
  assert_has(text, "\"slower_by\": null,\n      \"slow\": false"); /* Sunday, 23 o'clock */
  for (const char *at = text; (at = strstr(at, "\"weekday\"")) != NULL; at++) count++;
  assert_int_equal(count, 168);
}

static void a_week_as_a_page(void **state) {
  struct past_fixture *p = *state;
  struct pm_past_cell cells[PM_PAST_WEEK_HOURS];
  const struct pm_past_answer told = week(cells);
  send_get(p, "/v1/profile", "to=a&format=html&zone=+01:00");
  const char *text = tell(p, PM_OK, &told);
  assert_has(text, "at UTC+01:00. Over all: 10.000 ms of 4008.");
  assert_has(text, "<th scope=\"row\">01:00</th><td class=\"number h0\">10.000"
                   "<small>24 sent</small></td><td class=\"number h4\"><strong>16.000</strong>"
                   "<small>24 sent</small><small>50 % lost</small></td>");
  assert_has(text, "<td class=\"number\">-</td></tr>"); /* Sunday, 23 o'clock */
}

static void the_pairs(void **state) {
  struct past_fixture *p = *state;
  const struct pm_past_pair pair = {.id = 5,
                                    .from = "me",
                                    .to = "k&y",
                                    .to_url = "http://a/<b>",
                                    .to_location = "",
                                    .first_s = 1795200000,
                                    .last_s = 1795203600};
  const struct pm_past_answer told = {
      .from = "me", .to = "", .pairs = &pair, .pairs_count = 1, .more = true};
  send_get(p, "/v1/history", "");
  assert_int_equal(p->ask.kind, PM_PAST_PAIRS);
  const char *text = tell(p, PM_OK, &told);
  assert_has(text, "\"id\": 5,\n      \"from\": \"me\",\n      \"to\": \"k\\u0026y\",");
  assert_has(text, "\"location\": null");
  assert_has(text, "\"more\": true");

  p->asked = 0;
  send_get(p, "/v1/history", "format=html");
  text = tell(p, PM_OK, &told);
  assert_has(text, "<a href=\"/v1/history?format=html&amp;to=k%26y\">http://a/&lt;b&gt;</a>");
  assert_has(text, "<a href=\"/v1/history?format=html&amp;after=5\">More</a>");
}

static void bad_input_is_not_asked(void **state) {
  struct past_fixture *p = *state;
  static const char *const queries[] = {"to=a&step=7", "to=a&phase=x", "to=%zz", "to=a&since=x"};
  for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
    send_get(p, "/v1/history", queries[i]);
    expect_status(p, 400);
    assert_string_equal(p->service->response.content_type, "application/problem+json");
  }
  send_get(p, "/v1/profile", "");
  expect_status(p, 400);
  assert_int_equal(p->asked, 0);
}

static void errors_have_their_status(void **state) {
  static const struct {
    enum pm_err err;
    int status;
  } cases[] = {{PM_ERR_MISSING, 404}, {PM_ERR_CLOSED, 404}, {PM_ERR_FULL, 503}, {PM_ERR_IO, 503}};
  struct past_fixture *p = *state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    p->asked = 0;
    p->ask_err = PM_OK;
    send_get(p, "/v1/history", "to=a");
    tell(p, cases[i].err, NULL);
    expect_status(p, cases[i].status);
    p->ask_err = cases[i].err;
    send_get(p, "/v1/history", "to=a");
    expect_status(p, cases[i].status);
  }
}

static void too_many_waiting_is_503_and_asks_no_more(void **state) {
  struct past_fixture *p = *state;
  p->begin_err = PM_ERR_FULL;
  send_get(p, "/v1/history", "to=a");
  expect_status(p, 503);
  assert_int_equal(p->cancels, 1);
}

static void a_client_that_goes_cancels_the_question(void **state) {
  struct past_fixture *p = *state;
  send_get(p, "/v1/history", "to=a");
  p->cancelled(p->of);
  assert_int_equal(p->cancels, 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_series_as_json),
      TEST(a_series_as_a_page),
      TEST(nothing_known_is_a_page_without_a_plot),
      TEST(a_week_has_168_cells),
      TEST(a_week_as_a_page),
      TEST(the_pairs),
      TEST(bad_input_is_not_asked),
      TEST(errors_have_their_status),
      TEST(too_many_waiting_is_503_and_asks_no_more),
      TEST(a_client_that_goes_cancels_the_question),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
