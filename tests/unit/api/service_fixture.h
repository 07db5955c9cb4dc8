/* A service on a roster of its own, driven by hand-made requests: what the tests of routes, pages
 * and forms share. The node is a recorder of what it was asked to do.
 */
#ifndef PM_TEST_API_SERVICE_FIXTURE_H
#define PM_TEST_API_SERVICE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "api/service.h"
#include "base/node_id.h"
#include "probe/roster.h"

struct fixture {
  struct pm_service_config config;
  struct pm_service *service;
  struct pm_roster *roster;
  struct pm_http_request request;
  struct pm_http_response response;
  /* What the node was asked to do, and what it answers. */
  int adds, quits;
  struct pm_target_spec added;
  bool with_peers, ready;
  enum pm_err add_err;
  int removes, pauses, resumes;
  uint64_t acted_target, acted_member;
  enum pm_err act_err;
  /* What it knows of the mesh. */
  const struct pm_matrix *matrix;
  struct pm_node_id id;
  struct pm_time now; /* for a test's clock */
};

static inline enum pm_err fixture_add_peer(void *owner, const struct pm_target_spec *spec,
                                           bool with_peers, uint64_t *out_id, struct pm_why *why) {
  struct fixture *f = owner;
  f->adds++;
  f->added = *spec;
  f->with_peers = with_peers;
  if (f->add_err == PM_OK) *out_id = 7;
  return f->add_err == PM_OK ? PM_OK : pm_why_set(why, f->add_err, "the node <says> no");
}

static inline enum pm_err fixture_remove_peer(void *owner, uint64_t target, uint64_t member,
                                              struct pm_why *why) {
  struct fixture *f = owner;
  f->removes++;
  f->acted_target = target;
  f->acted_member = member;
  return f->act_err == PM_OK ? PM_OK : pm_why_set(why, f->act_err, "the node <says> no");
}

static inline enum pm_err fixture_pause_peer(void *owner, uint64_t target, bool paused,
                                             struct pm_why *why) {
  struct fixture *f = owner;
  *(paused ? &f->pauses : &f->resumes) += 1;
  f->acted_target = target;
  return f->act_err == PM_OK ? PM_OK : pm_why_set(why, f->act_err, "the node <says> no");
}

static inline const struct pm_node_id *fixture_id(void *owner) {
  return &((struct fixture *)owner)->id;
}

static inline const struct pm_matrix *fixture_matrix(void *owner) {
  return ((struct fixture *)owner)->matrix;
}

static inline void fixture_quit(void *owner) {
  ((struct fixture *)owner)->quits++;
}

static inline const struct pm_roster *fixture_roster(void *owner) {
  return ((struct fixture *)owner)->roster;
}

static inline bool fixture_ready(void *owner) {
  return ((struct fixture *)owner)->ready;
}

static inline uint64_t fixture_requests(void *owner) {
  (void)owner;
  return 9;
}

/* The next request: GET from this machine, as curl sends it. */
static inline void fixture_request(struct fixture *f, enum pm_http_method method, const char *path,
                                   const char *query) {
  f->request = (struct pm_http_request){.method = method,
                                        .path = path,
                                        .query = query,
                                        .host = "127.0.0.1:8080",
                                        .body = "",
                                        .received = {(int64_t)100 * PM_NS_PER_S}};
  assert_int_equal(pm_ip_parse("127.0.0.1", &f->request.client), PM_OK);
}

static inline void fixture_from(struct fixture *f, const char *client, const char *host) {
  assert_int_equal(pm_ip_parse(client, &f->request.client), PM_OK);
  f->request.host = host;
}

static inline void fixture_header(struct fixture *f, const char *name, const char *value) {
  f->request.headers[f->request.headers_count++] = (struct pm_http_header){name, value};
}

static inline void fixture_browser(struct fixture *f) {
  fixture_header(f, "accept", "text/html,application/xhtml+xml,*/*;q=0.8");
  fixture_header(f, "user-agent", "Mozilla/5.0");
}

static inline void fixture_body(struct fixture *f, const char *body) {
  f->request.body = body;
  f->request.body_bytes = strlen(body);
  fixture_header(f, "content-type", "application/x-www-form-urlencoded");
}

/* Sends it; returns the body, until the next request. */
static inline const char *fixture_send(struct fixture *f) {
  pm_buf_deinit(&f->response.body);
  f->response = (struct pm_http_response){.status = 200};
  pm_buf_init(&f->response.body, PM_HTTP_RESPONSE_BYTES_MAX);
  pm_service_handle(f->service, &f->request, &f->response);
  assert_int_equal(pm_buf_status(&f->response.body), PM_OK);
  return f->response.body.data;
}

static inline const char *fixture_get(struct fixture *f, const char *path, const char *query) {
  fixture_request(f, PM_HTTP_GET, path, query);
  return fixture_send(f);
}

/* A response header; "" if it is not there. It may be there once at most. */
static inline const char *fixture_answered(const struct fixture *f, const char *name) {
  const char *found = "";
  for (size_t i = 0; i < f->response.headers_count; i++) {
    if (strcmp(f->response.headers[i].name, name) != 0) continue;
    assert_string_equal(found, "");
    found = f->response.headers[i].value;
  }
  return found;
}

static inline void fixture_open(struct fixture *f) {
  assert_int_equal(pm_service_new(&f->config, &f->service), PM_OK);
}

static inline void fixture_reopen(struct fixture *f) {
  pm_service_free(f->service);
  fixture_open(f);
}

static inline struct fixture *fixture_new(void) {
  static struct fixture f;
  f = (struct fixture){.ready = true};
  f.config = (struct pm_service_config){
      .location = "Sunnyvale,US",
      .host = "localhost",
      .port_reported = 8080,
      .fail_max = 100,
      .delay_s = 10,
      .auth = {.token = "correct horse", .secret = "0123456789abcdef0123456789abcde"},
      .owner = &f,
      .add_peer = fixture_add_peer,
      .remove_peer = fixture_remove_peer,
      .pause_peer = fixture_pause_peer,
      .id = fixture_id,
      .matrix = fixture_matrix,
      .quit = fixture_quit,
      .roster = fixture_roster,
      .ready = fixture_ready,
      .requests = fixture_requests,
  };
  pm_buf_init(&f.response.body, PM_HTTP_RESPONSE_BYTES_MAX);
  assert_int_equal(pm_wall_parse("2026-11-22T10:32:49Z", &f.config.start), PM_OK);
  assert_int_equal(pm_roster_new(1, &f.roster), PM_OK);
  fixture_open(&f);
  return &f;
}

static inline void fixture_free(struct fixture *f) {
  pm_service_free(f->service);
  pm_roster_free(f->roster);
  pm_buf_deinit(&f->response.body);
}

static inline int fixture_setup(void **state) {
  *state = fixture_new();
  return 0;
}

static inline int fixture_teardown(void **state) {
  fixture_free(*state);
  return 0;
}

/* A target with three answers of 1, 2 and 3 ms and one failure. */
static inline struct pm_target *fixture_target(struct fixture *f, const char *url) {
  struct pm_target_spec spec = {.learned = PM_LEARNED_PEER, .delay_s = 10, .fail_max = 100};
  struct pm_target *target;
  assert_int_equal(pm_endpoint_parse(url, NULL, &spec.endpoint, NULL), PM_OK);
  assert_int_equal(pm_roster_add(f->roster, &spec, f->config.start, &target), PM_OK);
  struct pm_sample sample = {
      .at = f->config.start, .ended = pm_clock_now(), .http_status = 200, .body_bytes = 10};
  for (int i = 1; i <= 4; i++) {
    sample.outcome = i < 4 ? PM_OUTCOME_SUCCESS : PM_OUTCOME_CONNECT;
    sample.phase_ns[PM_PHASE_TCP] = i * PM_NS_PER_MS;
    pm_target_record(target, &sample, NULL);
  }
  return target;
}

#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

#endif
