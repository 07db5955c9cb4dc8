#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "loopback_server.h"
#include "name_server.h"
#include "probe/exchange.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

enum {
  BODY_BYTES_MAX = 20000,
  BODY_BYTES_KEPT = 1000,
  TOTAL_MS = 150,
  IN_FLIGHT_MAX = 4,
};

/* The name's two addresses, of which one server listens on one. */
static const struct name_record zone[] = {
    {.name = "one.test", .ips = {"127.0.0.1"}, .ttl_s = 60},
    {.name = "two.test", .ips = {"127.0.0.1", "127.0.0.2"}, .ttl_s = 60},
    {.name = "mixed.test", .ips = {"224.0.0.1", "127.0.0.1"}, .ttl_s = 60},
    {.name = "silent.test", .silent = true},
    {.name = NULL},
};

struct fixture {
  uv_loop_t loop;
  struct pm_policy policy;
  struct name_server names;
  struct loopback_server server;
  struct pm_exchanger *exchanger;
  char url[256];
  int64_t total_ms; /* of an exchange(); 0: TOTAL_MS */
};

struct outcome {
  struct fixture *fixture;
  void (*then)(struct outcome *outcome); /* within the callback */
  uint64_t id;
  struct pm_sample sample;
  size_t body_bytes;
  int calls;
  char body[BODY_BYTES_KEPT + 1];
  char detail[PM_WHY_BYTES];
};

static void on_result(void *owner, const struct pm_exchange_result *result) {
  struct outcome *o = owner;
  uv_stop(&o->fixture->loop);
  o->calls++;
  o->sample = result->sample;
  o->body_bytes = result->body_bytes;
  assert_true(result->body_bytes <= BODY_BYTES_KEPT);
  memcpy(o->body, result->body, result->body_bytes + 1);
  snprintf(o->detail, sizeof o->detail, "%s", result->detail);
  if (o->then) o->then(o);
}

static void exchanger_open(struct fixture *f, struct pm_ip bind) {
  struct pm_exchanger_config config = {
      .policy = &f->policy,
      .user_agent = "tester/1",
      .name_servers = f->names.address,
      .bind = bind,
      .in_flight_max = IN_FLIGHT_MAX,
  };
  struct pm_why why;
  assert_int_equal(pm_exchanger_open(&f->loop, &config, &f->exchanger, &why), PM_OK);
}

static int setup(void **state) {
  static struct fixture f;
  f = (struct fixture){0};
  signal(SIGPIPE, SIG_IGN);
  assert_int_equal(uv_loop_init(&f.loop), 0);
  name_server_open(&f.names, &f.loop, zone);
  loopback_server_open(&f.server, &f.loop, "127.0.0.1");
  exchanger_open(&f, (struct pm_ip){.family = PM_IP_NONE});
  *state = &f;
  return 0;
}

static void exchanger_close(struct fixture *f) {
  if (f->exchanger) pm_exchanger_close(f->exchanger, NULL, NULL);
  f->exchanger = NULL;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  exchanger_close(f);
  name_server_close(&f->names);
  loopback_server_close(&f->server);
  while (uv_run(&f->loop, UV_RUN_DEFAULT) != 0) {
  }
  assert_int_equal(f->server.open, 0);
  return uv_loop_close(&f->loop); /* fails if a handle was left */
}

static struct pm_endpoint endpoint(const char *text, const char *override) {
  struct pm_endpoint e;
  struct pm_why why;
  assert_int_equal(pm_endpoint_parse(text, override, &e, &why), PM_OK);
  return e;
}

static struct pm_endpoint endpoint_at(const struct fixture *f, const char *host,
                                      const char *override) {
  char text[256];
  snprintf(text, sizeof text, "http://%s:%u/v1/ping?a=/../b", host, f->server.port);
  return endpoint(text, override);
}

static struct pm_exchange_request request_of(const struct pm_endpoint *e) {
  return (struct pm_exchange_request){
      .endpoint = e,
      .learned = PM_LEARNED_CONFIG,
      .limits = {.lookup_ms = 100,
                 .connect_ms = 100,
                 .total_ms = TOTAL_MS,
                 .body_bytes_max = BODY_BYTES_MAX,
                 .body_bytes_kept = BODY_BYTES_KEPT},
  };
}

static void start(struct fixture *f, struct outcome *o, const struct pm_exchange_request *request) {
  o->fixture = f;
  assert_int_equal(pm_exchange_start(f->exchanger, request, on_result, o, &o->id), PM_OK);
  assert_int_not_equal(o->id, 0);
  assert_int_equal(o->calls, 0); /* never from inside */
}

static void wait_for(struct fixture *f, const struct outcome *o) {
  while (o->calls == 0) uv_run(&f->loop, UV_RUN_DEFAULT);
}

static void exchange(struct fixture *f, struct outcome *o, const struct pm_endpoint *e) {
  struct pm_exchange_request request = request_of(e);
  if (f->total_ms) request.limits.total_ms = f->total_ms;
  *o = (struct outcome){0};
  start(f, o, &request);
  wait_for(f, o);
  assert_int_equal(pm_exchange_in_flight(f->exchanger), 0);
}

static void exchange_with(struct fixture *f, struct outcome *o, enum loopback_manner manner,
                          const char *text, const char *more) {
  f->server.manner = manner;
  f->server.text = text;
  f->server.more = more;
  struct pm_endpoint e = endpoint_at(f, "127.0.0.1", NULL);
  exchange(f, o, &e);
}

/* On a machine that leaves us no processor an exchange says so, and proves nothing here. */
enum { TRIES_WHILE_STARVED = 40 };

static bool is_spoilt(const struct outcome *o) {
  return o->sample.verdict == PM_VERDICT_STARVED && o->sample.outcome == PM_OUTCOME_INTERNAL;
}

static void expect_detail(const struct outcome *o, const char *part) {
  if (strstr(o->detail, part) != NULL && (part[0] != '\0' || o->detail[0] == '\0')) return;
  fail_msg("detail is \"%s\", expected it to hold \"%s\"", o->detail, part);
}

/* --- what comes back ------------------------------------------------------------------------ */

static void test_a_success(void **state) {
  struct fixture *f = *state;
  struct outcome o;
  exchange_with(f, &o, LOOPBACK_ANSWERS, OK_HEAD "Content-Length: 5\r\n\r\nhello", NULL);
  assert_int_equal(o.sample.outcome, PM_OUTCOME_SUCCESS);
  assert_int_equal(o.sample.http_status, 200);
  assert_string_equal(o.body, "hello");
  assert_int_equal(o.sample.body_bytes, 5);
  assert_string_equal(o.detail, "");
  assert_false(o.sample.tls);
  char ip[PM_IP_TEXT_BYTES];
  pm_ip_text(&o.sample.remote, ip);
  assert_string_equal(ip, "127.0.0.1");
  assert_true(o.sample.at.ns > 0);
  assert_true(o.sample.ended.ns > 0);
}

/* Stamps take effect late after they were switched on, and later on a busy machine. */
static bool is_kernel_timed(const struct outcome *o) {
  return o->sample.verdict != PM_VERDICT_STARVED &&
         o->sample.phase_timed_by[PM_PHASE_FIRST] == PM_TIMED_BY_KERNEL;
}

static void test_the_phases_of_a_success(void **state) {
  struct outcome o;
  int tries = 0;
  do exchange_with(*state, &o, LOOPBACK_ANSWERS, OK_HEAD "\r\nhello", NULL);
  while (!is_kernel_timed(&o) && ++tries < TRIES_WHILE_STARVED);
  if (o.sample.verdict == PM_VERDICT_STARVED) skip();
  const int64_t *ns = o.sample.phase_ns;
  assert_int_equal(ns[PM_PHASE_DNS], 0);
  assert_int_equal(ns[PM_PHASE_TLS], 0);
  assert_true(ns[PM_PHASE_TCP] > 0);
  assert_true(ns[PM_PHASE_FIRST] > 0);
  int64_t parts = ns[PM_PHASE_TCP] + ns[PM_PHASE_FIRST] + ns[PM_PHASE_LAST];
  assert_true(ns[PM_PHASE_TOTAL] >= parts);
  assert_true(ns[PM_PHASE_TOTAL] < TOTAL_MS * (int64_t)PM_NS_PER_MS);
  for (int i = 0; i < PM_PHASE_COUNT; i++) {
    bool kernels = i == PM_PHASE_TCP || i == PM_PHASE_FIRST;
    assert_int_equal(o.sample.phase_timed_by[i],
                     kernels ? PM_TIMED_BY_KERNEL : PM_TIMED_BY_LIBCURL);
  }
  assert_true(o.sample.libcurl_tcp_ns >= ns[PM_PHASE_TCP]);
}

static void test_what_the_kernel_says_of_a_connection(void **state) {
  struct outcome o;
  exchange_with(*state, &o, LOOPBACK_ANSWERS, OK_HEAD "\r\nhello", NULL);
  const struct pm_sample_connection *connection = &o.sample.connection;
  assert_true(connection->known);
  assert_int_equal(connection->syns_sent, 1);
  assert_true(connection->syn_answered);
  assert_int_equal(connection->data_segments_sent, 1);
  assert_int_equal(connection->data_retransmits, 0);
  assert_true(connection->min_rtt_ns > 0);
  assert_true(connection->min_rtt_ns <= o.sample.phase_ns[PM_PHASE_TCP]);
}

/* The far end's word on its own share; nonsense, and more than there was in all, are as none. */
static void test_the_far_ends_share(void **state) {
  static const struct {
    const char *header;
    bool known;
    int64_t spent_ns;
  } table[] = {
      {"Pingmesh-Service-Time: 1; rx=1795343367000321; tx=1795343367000322\r\n", true, 1000},
      {"pingmesh-service-time:0\r\n", true, 0},
      {"", false, 0},
      {"Pingmesh-Service-Time: soon\r\n", false, 0},
      {"Pingmesh-Service-Time: 1; rx=-1\r\n", false, 0},
      {"Pingmesh-Service-Time: 9000000000\r\n", false, 0},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct outcome o;
    char answer[256];
    snprintf(answer, sizeof answer, OK_HEAD "%s\r\nhello", table[i].header);
    exchange_with(*state, &o, LOOPBACK_ANSWERS, answer, NULL);
    assert_int_equal(o.sample.far_end.known, table[i].known);
    assert_int_equal(o.sample.far_end.spent_ns, table[i].spent_ns);
  }
}

static void test_the_request(void **state) {
  struct fixture *f = *state;
  struct outcome o;
  exchange_with(f, &o, LOOPBACK_ANSWERS, OK_HEAD "\r\n", NULL);
  char expected[512];
  snprintf(expected, sizeof expected,
           "GET /v1/ping?a=/../b HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: tester/1\r\n"
           "Accept: */*\r\nConnection: close\r\n\r\n",
           f->server.port);
  assert_string_equal(f->server.request, expected);
}

static void test_statuses(void **state) {
  static const struct {
    const char *line;
    int status;
    enum pm_outcome outcome;
    const char *detail;
  } table[] = {
      {"HTTP/1.1 204 No Content\r\n\r\n", 204, PM_OUTCOME_SUCCESS, ""},
      {"HTTP/1.0 200 OK\r\n\r\n", 200, PM_OUTCOME_SUCCESS, ""},
      {"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n", 302, PM_OUTCOME_SUCCESS, ""},
      {"HTTP/1.1 304 Not Modified\r\n\r\n", 304, PM_OUTCOME_SUCCESS, ""},
      {"HTTP/1.1 305 Use Proxy\r\n\r\n", 305, PM_OUTCOME_STATUS, "HTTP status 305"},
      {"HTTP/1.1 404 Not Found\r\n\r\n", 404, PM_OUTCOME_STATUS, "HTTP status 404"},
      {"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno", 503, PM_OUTCOME_STATUS,
       "HTTP status 503"},
  };
  struct fixture *f = *state;
  f->total_ms = 100 * TOTAL_MS; /* none of them is late, however busy the machine */
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct outcome o;
    exchange_with(f, &o, LOOPBACK_ANSWERS, table[i].line, NULL);
    assert_int_equal(o.sample.http_status, table[i].status);
    assert_int_equal(o.sample.outcome, table[i].outcome);
    expect_detail(&o, table[i].detail);
    assert_int_equal(f->server.accepted, i + 1); /* a connection each, and no redirect followed */
  }
}

static void test_servers_that_misbehave(void **state) {
  struct fixture *f = *state;
  static char long_line[200000], long_header[200000], plenty[60000];
  if (!long_line[0]) {
    memset(long_line, 'x', sizeof long_line - 1);
    memset(plenty, 'x', sizeof plenty - 1);
    memcpy(long_line, OK_HEAD "A: ", sizeof OK_HEAD "A: " - 1);
    memcpy(long_header, OK_HEAD, sizeof OK_HEAD - 1);
    while (strlen(long_header) < 150000)
      memcpy(long_header + strlen(long_header), "B: 1234567\r\n", 13);
  }
  const struct {
    enum loopback_manner manner;
    const char *text, *more;
    enum pm_outcome outcome;
    int status;
    const char *detail;
  } table[] = {
      {LOOPBACK_HANGS_UP, "", NULL, PM_OUTCOME_CLOSED, 0, "before the answer was whole"},
      {LOOPBACK_ANSWERS, "", NULL, PM_OUTCOME_CLOSED, 0, "request to 127.0.0.1:"},
      {LOOPBACK_ANSWERS, OK_HEAD "Content-Length: 9\r\n\r\nfour", NULL, PM_OUTCOME_CLOSED, 200,
       "answer from 127.0.0.1:"},
      {LOOPBACK_RESETS, OK_HEAD "Content-Length: 9\r\n\r\nfour", NULL, PM_OUTCOME_CLOSED, 200,
       "before the answer was whole"},
      {LOOPBACK_ANSWERS, "SSH-2.0-OpenSSH_9.2\r\n", NULL, PM_OUTCOME_PROTOCOL, 0, "not HTTP"},
      {LOOPBACK_ANSWERS, "\x16\x03\x01\x02", NULL, PM_OUTCOME_PROTOCOL, 0, "not HTTP"},
      {LOOPBACK_ANSWERS, OK_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n", NULL,
       PM_OUTCOME_PROTOCOL, 200, "not HTTP, or broken"},
      {LOOPBACK_ANSWERS, long_header, NULL, PM_OUTCOME_TOO_LARGE, 200, "header is too large"},
      {LOOPBACK_REPEATS, OK_HEAD, "C: 12345678\r\n", PM_OUTCOME_TOO_LARGE, 200,
       "header is too large"},
      {LOOPBACK_ANSWERS, long_line, NULL, PM_OUTCOME_TOO_LARGE, 200, "header is too large"},
      {LOOPBACK_REPEATS, OK_HEAD "\r\n", "more and more", PM_OUTCOME_TOO_LARGE, 200,
       "body is too large"},
      {LOOPBACK_REPEATS, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1;", plenty,
       PM_OUTCOME_TOO_LARGE, 200, "body is too large"}, /* a chunk's extension: no body at all */
      {LOOPBACK_SILENT, NULL, NULL, PM_OUTCOME_TIMEOUT, 0, "no answer within 150 ms"},
      {LOOPBACK_DRIPS, "HTTP/1.1 2", "0", PM_OUTCOME_TIMEOUT, 0, "not finished within 150 ms"},
      {LOOPBACK_DRIPS, OK_HEAD "Content-Length: 9000\r\n\r\n", ".", PM_OUTCOME_TIMEOUT, 200,
       "not finished within 150 ms"},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct outcome o;
    int tries = 0;
    /* A busy machine needs its time for what is endless. */
    f->total_ms = table[i].outcome == PM_OUTCOME_TIMEOUT ? TOTAL_MS : 100 * TOTAL_MS;
    do exchange_with(f, &o, table[i].manner, table[i].text, table[i].more);
    while (is_spoilt(&o) && ++tries < TRIES_WHILE_STARVED);
    if (table[i].outcome == PM_OUTCOME_TIMEOUT && is_spoilt(&o)) continue; /* as above */
    if (o.sample.outcome != table[i].outcome)
      fail_msg("row %zu: %s (%s)", i, pm_outcome_text(o.sample.outcome), o.detail);
    assert_int_equal(o.sample.http_status, table[i].status);
    expect_detail(&o, table[i].detail);
    assert_true(o.sample.body_bytes <= BODY_BYTES_MAX);
    if (o.sample.outcome != PM_OUTCOME_TIMEOUT) continue;
    assert_in_range(o.sample.phase_ns[PM_PHASE_TOTAL], (TOTAL_MS - 1) * (int64_t)PM_NS_PER_MS,
                    20 * TOTAL_MS * (int64_t)PM_NS_PER_MS);
  }
}

static void test_of_a_body_the_beginning_is_kept(void **state) {
  static char answer[8000];
  struct fixture *f = *state;
  struct outcome o;
  int head = snprintf(answer, sizeof answer, OK_HEAD "\r\nbegin");
  memset(answer + head, '.', 5000);
  answer[head + 5000] = '\0';
  exchange_with(f, &o, LOOPBACK_ANSWERS, answer, NULL);
  assert_int_equal(o.sample.outcome, PM_OUTCOME_SUCCESS);
  assert_int_equal(o.sample.body_bytes, 5005);
  assert_int_equal(o.body_bytes, BODY_BYTES_KEPT);
  assert_memory_equal(o.body, "begin....", 9);
  /* The next one on the same handle starts from nothing. */
  exchange_with(f, &o, LOOPBACK_ANSWERS, OK_HEAD "\r\nnext", NULL);
  assert_string_equal(o.body, "next");
  assert_int_equal(o.sample.body_bytes, 4);
}

/* --- where it connects ---------------------------------------------------------------------- */

static void test_a_refused_connection(void **state) {
  struct fixture *f = *state;
  struct loopback_server refusing = {0};
  loopback_server_bind(&refusing, &f->loop, "127.0.0.1", 0);
  char text[64], expected[128];
  snprintf(text, sizeof text, "127.0.0.1:%u", refusing.port);
  snprintf(expected, sizeof expected, "connect to %s: connection refused", text);
  struct pm_endpoint e = endpoint(text, NULL);
  struct outcome o;
  exchange(f, &o, &e);
  loopback_server_close(&refusing);
  assert_int_equal(o.sample.outcome, PM_OUTCOME_CONNECT);
  assert_string_equal(o.detail, expected);
  assert_true(o.sample.connection.known);
  assert_true(o.sample.connection.syn_answered); /* by a refusal */
  assert_int_equal(o.sample.http_status, 0);
  const int64_t *ns = o.sample.phase_ns;
  assert_true(ns[PM_PHASE_TCP] > 0);
  assert_int_equal(ns[PM_PHASE_FIRST], 0);
  assert_int_equal(ns[PM_PHASE_LAST], 0);
  assert_true(ns[PM_PHASE_TOTAL] >= ns[PM_PHASE_TCP]);
}

enum { FILLERS = 4 };

/* A listener whose queue is full drops what comes, as does a machine that is gone: the kernel's
 * first answer to a connect is then never. */
struct black_hole {
  int fds[1 + FILLERS];
  uint16_t port;
};

static void black_hole_open(struct black_hole *hole) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t bytes = sizeof at;
  for (size_t i = 0; i <= FILLERS; i++)
    hole->fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  assert_int_equal(bind(hole->fds[0], (const struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(getsockname(hole->fds[0], (struct sockaddr *)&at, &bytes), 0);
  assert_int_equal(listen(hole->fds[0], 0), 0);
  hole->port = ntohs(at.sin_port);
  for (size_t i = 1; i <= FILLERS; i++) {
    int err = connect(hole->fds[i], (const struct sockaddr *)&at, sizeof at);
    assert_true(err == 0 || errno == EINPROGRESS);
  }
}

static void black_hole_close(struct black_hole *hole) {
  for (size_t i = 0; i <= FILLERS; i++) close(hole->fds[i]);
}

/* libcurl closes its socket without telling: whoever gets the descriptor next is another one. */
static void test_a_connection_that_nobody_answers(void **state) {
  struct fixture *f = *state;
  struct black_hole hole;
  black_hole_open(&hole);
  char text[64], expected[128];
  snprintf(text, sizeof text, "127.0.0.1:%u", hole.port);
  snprintf(expected, sizeof expected, "connect to %s: no answer within 100 ms", text);
  struct pm_endpoint dead = endpoint(text, NULL);
  struct outcome o;
  for (int round = 0; round < 3; round++) {
    int tries = 0;
    do exchange(f, &o, &dead);
    while (is_spoilt(&o) && ++tries < TRIES_WHILE_STARVED);
    assert_int_equal(o.sample.outcome, PM_OUTCOME_TIMEOUT);
    assert_string_equal(o.detail, expected);
    assert_true(o.sample.connection.known);
    assert_int_equal(o.sample.connection.syns_sent, 1); /* the next would go out after a second */
    assert_false(o.sample.connection.syn_answered);
    for (int i = 0; i < IN_FLIGHT_MAX; i++) {
      exchange_with(f, &o, LOOPBACK_ANSWERS, OK_HEAD "\r\n", NULL);
      assert_int_equal(o.sample.outcome, PM_OUTCOME_SUCCESS);
    }
  }
  black_hole_close(&hole);
}

/* --- when we ourselves are slow --------------------------------------------------------------- */

static void on_stall(uv_timer_t *timer) {
  struct timespec whole = {.tv_nsec = *(const int64_t *)timer->data};
  nanosleep(&whole, NULL);
}

/* The loop stands still for a while just after a probe has begun. The server lives in the same
 * loop, so its answer is as late as our look at it. */
static void exchange_with_stall(struct fixture *f, struct outcome *o, int64_t stall_ns) {
  uv_timer_t stall;
  uv_timer_init(&f->loop, &stall);
  stall.data = &stall_ns;
  f->server.manner = LOOPBACK_ANSWERS;
  f->server.text = OK_HEAD "\r\nhello";
  struct pm_endpoint e = endpoint_at(f, "127.0.0.1", NULL);
  struct pm_exchange_request request = request_of(&e);
  *o = (struct outcome){0};
  start(f, o, &request);
  uv_timer_start(&stall, on_stall, 0, 0); /* after libcurl's, which sends the SYN */
  wait_for(f, o);
  uv_close((uv_handle_t *)&stall, NULL);
  uv_run(&f->loop, UV_RUN_NOWAIT);
}

static void test_a_stall_makes_no_round_trip_longer(void **state) {
  enum { STALL_NS = 40 * PM_NS_PER_MS };
  struct outcome o;
  exchange_with_stall(*state, &o, STALL_NS);
  assert_int_equal(o.sample.outcome, PM_OUTCOME_SUCCESS);
  assert_int_equal(o.sample.verdict, PM_VERDICT_STARVED);
  assert_true(o.sample.loop_lag_ns > STALL_NS / 2);
  assert_int_equal(o.sample.phase_timed_by[PM_PHASE_TCP], PM_TIMED_BY_KERNEL);
  assert_true(o.sample.phase_ns[PM_PHASE_TCP] < STALL_NS / 4);
  assert_true(o.sample.libcurl_tcp_ns > STALL_NS / 2);
  assert_true(pm_sample_publishes(&o.sample, PM_PHASE_TCP));
  assert_false(pm_sample_publishes(&o.sample, PM_PHASE_TOTAL));
}

/* It stands still for longer than a probe may take, and the SYN was answered long since. */
static void test_a_time_out_of_our_own_is_no_loss(void **state) {
  struct outcome o;
  exchange_with_stall(*state, &o, 2 * TOTAL_MS * (int64_t)PM_NS_PER_MS);
  if (o.sample.outcome == PM_OUTCOME_SUCCESS) fail_msg("there was no time-out");
  assert_int_equal(o.sample.outcome, PM_OUTCOME_INTERNAL);
  assert_int_equal(o.sample.verdict, PM_VERDICT_STARVED);
  expect_detail(&o, "this node got no processor in time");
}

static void test_the_policy_refuses_before_anything_is_sent(void **state) {
  struct fixture *f = *state;
  struct pm_endpoint literal = endpoint_at(f, "127.0.0.1", NULL);
  struct pm_endpoint name = endpoint_at(f, "one.test", NULL);
  struct pm_endpoint overridden = endpoint_at(f, "one.test", "127.0.0.1");
  const struct pm_endpoint *all[] = {&literal, &name, &overridden};
  for (size_t i = 0; i < 3; i++) {
    struct pm_exchange_request request = request_of(all[i]);
    request.learned = PM_LEARNED_PEER;
    request.source = pm_ip_from_bytes(PM_IP_V4, (const uint8_t[]){192, 0, 1, 7});
    struct outcome o = {0};
    start(f, &o, &request);
    wait_for(f, &o);
    assert_int_equal(o.sample.outcome, PM_OUTCOME_POLICY);
    expect_detail(&o, "(127.0.0.1) may not be probed");
    assert_int_equal(o.sample.remote.family, PM_IP_NONE);
    assert_int_equal(o.sample.phase_ns[PM_PHASE_TCP], 0);
  }
  for (int i = 0; i < 10; i++) uv_run(&f->loop, UV_RUN_NOWAIT);
  assert_int_equal(f->server.accepted, 0);

  struct pm_why why;
  struct pm_ip source = pm_ip_from_bytes(PM_IP_V4, (const uint8_t[]){192, 0, 1, 7});
  struct pm_exchanger *x = f->exchanger;
  assert_int_equal(pm_exchanger_check(x, &literal, PM_LEARNED_PEER, &source, &why), PM_ERR_DENIED);
  assert_int_equal(pm_exchanger_check(x, &name, PM_LEARNED_PEER, &source, &why), PM_OK);
  assert_int_equal(pm_exchanger_check(x, &overridden, PM_LEARNED_PEER, &source, &why),
                   PM_ERR_DENIED);
  assert_int_equal(pm_exchanger_check(x, &literal, PM_LEARNED_CONFIG, NULL, &why), PM_OK);
}

static void test_the_first_allowed_address_is_taken(void **state) {
  struct fixture *f = *state;
  f->server.text = OK_HEAD "\r\n";
  struct pm_endpoint e = endpoint_at(f, "mixed.test", NULL);
  struct outcome o;
  exchange(f, &o, &e);
  assert_int_equal(o.sample.outcome, PM_OUTCOME_SUCCESS);
  assert_int_equal(o.sample.remote.bytes[0], 127);
}

static void test_an_override_keeps_the_host_and_needs_no_lookup(void **state) {
  struct fixture *f = *state;
  f->server.text = OK_HEAD "\r\n";
  struct pm_endpoint e = endpoint_at(f, "example.test", "127.0.0.1");
  struct outcome o;
  exchange(f, &o, &e);
  assert_int_equal(o.sample.outcome, PM_OUTCOME_SUCCESS);
  assert_int_equal(f->names.a_questions, 0);
  char host[64];
  snprintf(host, sizeof host, "\r\nHost: example.test:%u\r\n", f->server.port);
  assert_non_null(strstr(f->server.request, host));
  /* A literal on the same handle afterwards goes where it says. */
  exchange_with(f, &o, LOOPBACK_ANSWERS, OK_HEAD "\r\n", NULL);
  assert_int_equal(o.sample.outcome, PM_OUTCOME_SUCCESS);
  assert_non_null(strstr(f->server.request, "\r\nHost: 127.0.0.1:"));
}

static bool machine_has_v6(void) {
  const struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  const int fd = socket(AF_INET6, SOCK_STREAM, 0);
  const bool has = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
  if (fd >= 0) close(fd);
  return has;
}

static void test_ipv6_as_a_literal_and_as_an_override(void **state) {
  struct fixture *f = *state;
  if (!machine_has_v6()) {
    print_message("no IPv6 on loopback\n");
    skip();
  }
  struct loopback_server six = {.text = OK_HEAD "\r\n"};
  loopback_server_open(&six, &f->loop, "::1");
  char text[64], host[64];
  snprintf(text, sizeof text, "[::1]:%u", six.port);
  snprintf(host, sizeof host, "\r\nHost: [::1]:%u\r\n", six.port);
  struct pm_endpoint e = endpoint(text, NULL);
  struct outcome o;
  exchange(f, &o, &e);
  assert_int_equal(o.sample.outcome, PM_OUTCOME_SUCCESS);
  assert_int_equal(o.sample.remote.family, PM_IP_V6);
  assert_non_null(strstr(six.request, host));
  snprintf(text, sizeof text, "six.test:%u", six.port);
  e = endpoint(text, "::1");
  exchange(f, &o, &e);
  assert_int_equal(o.sample.outcome, PM_OUTCOME_SUCCESS);
  assert_non_null(strstr(six.request, "\r\nHost: six.test:"));
  loopback_server_close(&six);
}

static void test_a_lookup_is_timed_once(void **state) {
  struct fixture *f = *state;
  f->server.text = OK_HEAD "\r\n";
  struct pm_endpoint e = endpoint_at(f, "one.test", NULL);
  struct outcome o;
  exchange(f, &o, &e);
  assert_int_equal(o.sample.outcome, PM_OUTCOME_SUCCESS);
  assert_true(o.sample.phase_ns[PM_PHASE_DNS] > 0);
  exchange(f, &o, &e);
  assert_int_equal(o.sample.outcome, PM_OUTCOME_SUCCESS);
  assert_int_equal(o.sample.phase_ns[PM_PHASE_DNS], 0);
  assert_int_equal(f->names.a_questions, 1);
}

static void test_a_name_that_does_not_resolve(void **state) {
  struct fixture *f = *state;
  struct pm_endpoint nowhere = endpoint("nowhere.test", NULL);
  struct pm_endpoint silent = endpoint("silent.test", NULL);
  struct outcome o;
  exchange(f, &o, &nowhere);
  assert_int_equal(o.sample.outcome, PM_OUTCOME_LOOKUP);
  assert_string_equal(o.detail, "lookup of nowhere.test: no such name");
  assert_true(o.sample.phase_ns[PM_PHASE_DNS] > 0);
  assert_int_equal(o.sample.phase_ns[PM_PHASE_TOTAL], 0);
  assert_int_equal(o.sample.remote.family, PM_IP_NONE);
  exchange(f, &o, &silent);
  assert_int_equal(o.sample.outcome, PM_OUTCOME_LOOKUP);
  assert_string_equal(o.detail, "lookup of silent.test: no answer in time");
}

/* Which of the two the resolver puts first is its business: the server then listens on the other.
 */
static void test_after_a_refused_connection_the_other_address_is_tried(void **state) {
  struct fixture *f = *state;
  struct loopback_server first = {.text = OK_HEAD "\r\n"}, second = {.text = OK_HEAD "\r\n"};
  loopback_server_bind(&first, &f->loop, "127.0.0.1", 0);
  loopback_server_bind(&second, &f->loop, "127.0.0.2", first.port);
  char text[64];
  snprintf(text, sizeof text, "two.test:%u", first.port);
  struct pm_endpoint e = endpoint(text, NULL);
  struct outcome o;
  exchange(f, &o, &e);
  assert_int_equal(o.sample.outcome, PM_OUTCOME_CONNECT);
  uint8_t refused = o.sample.remote.bytes[3];
  expect_detail(&o, refused == 1 ? "(127.0.0.1): connection refused"
                                 : "(127.0.0.2): connection refused");
  loopback_server_listen(refused == 1 ? &second : &first);
  exchange(f, &o, &e);
  assert_int_equal(o.sample.outcome, PM_OUTCOME_SUCCESS);
  assert_int_equal(o.sample.remote.bytes[3], refused == 1 ? 2 : 1);
  loopback_server_close(&first);
  loopback_server_close(&second);
}

static void test_the_source_address(void **state) {
  struct fixture *f = *state;
  exchanger_close(f);
  exchanger_open(f, pm_ip_from_bytes(PM_IP_V4, (const uint8_t[]){127, 0, 0, 9}));
  struct outcome o;
  exchange_with(f, &o, LOOPBACK_ANSWERS, OK_HEAD "\r\n", NULL);
  assert_int_equal(o.sample.outcome, PM_OUTCOME_SUCCESS);
  assert_string_equal(f->server.latest_client, "127.0.0.9");
  struct pm_endpoint six = endpoint("[::1]:9", NULL);
  exchange(f, &o, &six);
  assert_int_equal(o.sample.outcome, PM_OUTCOME_CONNECT);
  expect_detail(&o, "no address of the family of 127.0.0.9");
}

/* --- starting, cancelling, closing ---------------------------------------------------------- */

static void test_more_than_the_maximum_is_refused(void **state) {
  struct fixture *f = *state;
  f->server.manner = LOOPBACK_SILENT;
  struct pm_endpoint e = endpoint_at(f, "127.0.0.1", NULL);
  struct pm_exchange_request request = request_of(&e);
  struct outcome o[IN_FLIGHT_MAX + 1] = {0};
  for (int i = 0; i < IN_FLIGHT_MAX; i++) start(f, &o[i], &request);
  assert_int_equal(pm_exchange_in_flight(f->exchanger), IN_FLIGHT_MAX);
  uint64_t id;
  assert_int_equal(pm_exchange_start(f->exchanger, &request, on_result, &o[IN_FLIGHT_MAX], &id),
                   PM_ERR_FULL);
  pm_exchange_cancel(f->exchanger, o[1].id);
  start(f, &o[IN_FLIGHT_MAX], &request);
  pm_exchange_cancel(f->exchanger, o[1].id); /* ended already: the new one is not meant */
  assert_int_equal(pm_exchange_in_flight(f->exchanger), IN_FLIGHT_MAX);
  wait_for(f, &o[IN_FLIGHT_MAX]);
  assert_int_equal(o[1].calls, 0);
}

static void test_cancelled_in_every_state(void **state) {
  struct fixture *f = *state;
  f->server.manner = LOOPBACK_SILENT;
  struct pm_endpoint literal = endpoint_at(f, "127.0.0.1", NULL);
  struct pm_endpoint name = endpoint_at(f, "silent.test", NULL);
  struct pm_endpoint denied = endpoint("224.0.0.1", NULL);
  struct pm_exchange_request transferring = request_of(&literal), looking_up = request_of(&name),
                             failed = request_of(&denied);
  struct outcome o[4] = {0};
  start(f, &o[0], &transferring);
  while (f->server.request_bytes == 0) uv_run(&f->loop, UV_RUN_ONCE);
  start(f, &o[1], &looking_up);
  start(f, &o[2], &failed);
  start(f, &o[3], &failed);
  for (int i = 0; i < 3; i++) pm_exchange_cancel(f->exchanger, o[i].id);
  assert_int_equal(pm_exchange_in_flight(f->exchanger), 1);
  wait_for(f, &o[3]);
  assert_int_equal(o[0].calls + o[1].calls + o[2].calls, 0);
}

static void start_again(struct outcome *o) {
  if (o->calls == 3) return;
  struct pm_endpoint e = endpoint(o->fixture->url, NULL);
  struct pm_exchange_request request = request_of(&e);
  char body[sizeof o->body];
  memcpy(body, o->body, sizeof body);
  pm_exchange_cancel(o->fixture->exchanger, o->id); /* its own, which has ended */
  assert_int_equal(pm_exchange_start(o->fixture->exchanger, &request, on_result, o, &o->id), PM_OK);
  assert_string_equal(o->body, body);
}

static void test_a_callback_may_start_the_next(void **state) {
  struct fixture *f = *state;
  f->server.text = OK_HEAD "\r\nhello";
  snprintf(f->url, sizeof f->url, "127.0.0.1:%u", f->server.port);
  struct pm_endpoint e = endpoint(f->url, NULL);
  struct pm_exchange_request request = request_of(&e);
  struct outcome all[IN_FLIGHT_MAX]; /* also with every place taken */
  for (int i = 0; i < IN_FLIGHT_MAX; i++) {
    all[i] = (struct outcome){.then = start_again};
    start(f, &all[i], &request);
  }
  for (int i = 0; i < IN_FLIGHT_MAX; i++)
    while (all[i].calls < 3) uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_int_equal(f->server.accepted, 3 * IN_FLIGHT_MAX);
}

static void test_a_callback_may_start_what_fails_at_once(void **state) {
  struct fixture *f = *state;
  snprintf(f->url, sizeof f->url, "224.0.0.1");
  struct pm_endpoint e = endpoint(f->url, NULL);
  struct pm_exchange_request request = request_of(&e);
  struct outcome o = {.then = start_again};
  start(f, &o, &request);
  while (o.calls < 3) uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_int_equal(o.sample.outcome, PM_OUTCOME_POLICY);
}

static void on_closed(void *owner) {
  ++*(int *)owner;
}

static void close_all(struct outcome *o) {
  exchanger_close(o->fixture);
}

static void test_a_callback_may_close_the_exchanger(void **state) {
  struct fixture *f = *state;
  f->server.text = OK_HEAD "\r\nhello";
  struct pm_endpoint e = endpoint_at(f, "127.0.0.1", NULL);
  struct pm_exchange_request request = request_of(&e);
  struct outcome o[3] = {{.then = close_all}, {.then = close_all}, {.then = close_all}};
  for (int i = 0; i < 3; i++) start(f, &o[i], &request);
  while (f->exchanger) uv_run(&f->loop, UV_RUN_DEFAULT);
  for (int i = 0; i < 20; i++) uv_run(&f->loop, UV_RUN_NOWAIT);
  assert_int_equal(o[0].calls + o[1].calls + o[2].calls, 1);
}

static void test_closing_cancels_without_callbacks(void **state) {
  struct fixture *f = *state;
  f->server.manner = LOOPBACK_SILENT;
  struct pm_endpoint literal = endpoint_at(f, "127.0.0.1", NULL);
  struct pm_endpoint name = endpoint_at(f, "silent.test", NULL);
  struct pm_exchange_request requests[] = {request_of(&literal), request_of(&name)};
  struct outcome o[2] = {0};
  for (int i = 0; i < 2; i++) start(f, &o[i], &requests[i]);
  while (f->server.request_bytes == 0) uv_run(&f->loop, UV_RUN_ONCE);
  int closed = 0;
  struct pm_exchanger *x = f->exchanger;
  f->exchanger = NULL;
  pm_exchanger_close(x, on_closed, &closed);
  assert_int_equal(closed, 0); /* from the loop */
  uint64_t id;
  assert_int_equal(pm_exchange_start(x, &requests[0], on_result, &o[0], &id), PM_ERR_CLOSED);
  while (closed == 0) uv_run(&f->loop, UV_RUN_ONCE);
  assert_int_equal(o[0].calls + o[1].calls, 0);
}

static void test_a_wrong_configuration(void **state) {
  struct fixture *f = *state;
  struct pm_exchanger *x;
  struct pm_why why;
  struct pm_exchanger_config config = {.policy = &f->policy, .user_agent = "t"};
  assert_int_equal(pm_exchanger_open(&f->loop, &config, &x, &why), PM_ERR_RANGE);
  config.in_flight_max = 1;
  config.ca_file = "/nonexistent/ca.pem";
  assert_int_equal(pm_exchanger_open(&f->loop, &config, &x, &why), PM_ERR_MISSING);
  assert_string_equal(why.text, "the file of certificate authorities /nonexistent/ca.pem cannot be "
                                "read: No such file or directory");
  config.ca_file = "/dev/null";
  assert_int_equal(pm_exchanger_open(&f->loop, &config, &x, &why), PM_ERR_SYNTAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_success),
      TEST(test_the_phases_of_a_success),
      TEST(test_what_the_kernel_says_of_a_connection),
      TEST(test_the_far_ends_share),
      TEST(test_the_request),
      TEST(test_statuses),
      TEST(test_servers_that_misbehave),
      TEST(test_of_a_body_the_beginning_is_kept),
      TEST(test_a_refused_connection),
      TEST(test_a_connection_that_nobody_answers),
      TEST(test_a_stall_makes_no_round_trip_longer),
      TEST(test_a_time_out_of_our_own_is_no_loss),
      TEST(test_the_policy_refuses_before_anything_is_sent),
      TEST(test_the_first_allowed_address_is_taken),
      TEST(test_an_override_keeps_the_host_and_needs_no_lookup),
      TEST(test_ipv6_as_a_literal_and_as_an_override),
      TEST(test_a_lookup_is_timed_once),
      TEST(test_a_name_that_does_not_resolve),
      TEST(test_after_a_refused_connection_the_other_address_is_tried),
      TEST(test_the_source_address),
      TEST(test_more_than_the_maximum_is_refused),
      TEST(test_cancelled_in_every_state),
      TEST(test_a_callback_may_start_the_next),
      TEST(test_a_callback_may_start_what_fails_at_once),
      TEST(test_a_callback_may_close_the_exchanger),
      TEST(test_closing_cancels_without_callbacks),
      TEST(test_a_wrong_configuration),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
