/* A server on a random loopback port and clients on plain sockets, all on the test's thread:
 * nothing sleeps, every wait is a poll over the server's loop and one client's socket.
 */
#ifndef PM_TEST_SERVER_FIXTURE_H
#define PM_TEST_SERVER_FIXTURE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "api/later.h"
#include "api/server.h"
#include "api/stream.h"

enum {
  PATIENCE_MS = 20 * 1000, /* no wait of a test that passes comes near it */
  STEP_MS = 5,
};

struct fixture {
  uv_loop_t loop;
  struct pm_server_config config;
  struct pm_server *server;
  struct pm_ip client; /* of the last request */
  unsigned handled;
  bool tls; /* of the last request */
  bool certified;
  bool closed;
  /* Of the paths that are answered later. */
  const struct pm_later *later;
  uint64_t later_id; /* the last one's */
  enum pm_err later_err;
  unsigned cancelled;
  /* Of the paths whose answers go on. */
  const struct pm_streams *streams;
  uint64_t stream_id; /* the last one's */
  enum pm_err stream_err;
  unsigned gone;
};

static inline void on_cancelled(void *owner) {
  ((struct fixture *)owner)->cancelled++;
}

static inline void on_stream_gone(void *owner) {
  ((struct fixture *)owner)->gone++;
}

static inline void on_server_closed(void *owner) {
  struct fixture *f = owner;
  f->closed = true;
  f->server = NULL;
}

/* What the paths of the test's server answer. */
static inline void handle(void *owner, const struct pm_http_request *request,
                          struct pm_http_response *response) {
  struct fixture *f = owner;
  f->handled++;
  f->client = request->client;
  f->tls = request->tls;
  f->certified = request->certified;
  response->content_type = "text/plain";
  if (strcmp(request->path, "/echo") == 0) {
    pm_buf_append(&response->body, request->body, request->body_bytes);
  } else if (strcmp(request->path, "/big") == 0) { /* ?BYTES: "0123456789abcde\n" again and again */
    const size_t bytes = strtoul(request->query, NULL, 10);
    while (response->body.len < bytes) pm_buf_text(&response->body, "0123456789abcde\n");
  } else if (strcmp(request->path, "/none") == 0) {
    response->status = 204;
  } else if (strcmp(request->path, "/empty") == 0) {
    response->content_type = NULL;
  } else if (strcmp(request->path, "/broken") == 0) {
    response->body.err = PM_ERR_NOMEM;
  } else if (strcmp(request->path, "/close") == 0) {
    response->close = true;
  } else if (strcmp(request->path, "/later") == 0) {
    f->later = request->later;
    f->later_err = f->later->begin(f->later->owner, on_cancelled, f, &f->later_id);
    if (f->later_err == PM_ERR_FULL) response->status = 503;
    pm_buf_text(&response->body, "at once\n");
  } else if (strncmp(request->path, "/stream", 7) == 0) {
    f->streams = request->streams;
    f->stream_err = f->streams->begin(f->streams->owner, on_stream_gone, f, &f->stream_id);
    if (f->stream_err == PM_ERR_FULL) response->status = 503;
    response->endless = strcmp(request->path, "/stream") == 0 && f->stream_err == PM_OK;
    pm_buf_text(&response->body, "begins\n");
  } else if (strcmp(request->path, "/lent") == 0) {
    response->lent = "lent by the process\n";
    response->lent_bytes = 20;
  } else if (strcmp(request->path, "/quit") == 0) {
    pm_server_close(f->server, PATIENCE_MS, on_server_closed, f);
    pm_buf_text(&response->body, "bye\n");
  } else {
    assert_int_equal(pm_http_response_header(response, "Pingmesh-Test", "yes"), PM_OK);
    pm_buf_text(&response->body, "hello\n");
  }
}

/* Defaults on 127.0.0.1; change f->config, then start. */
static inline void fixture_init(struct fixture *f) {
  memset(f, 0, sizeof(*f));
  signal(SIGPIPE, SIG_IGN);
  assert_int_equal(uv_loop_init(&f->loop), 0);
  pm_server_config_default(&f->config);
  assert_int_equal(pm_ip_parse("127.0.0.1", &f->config.bind), PM_OK);
}

static inline void fixture_start(struct fixture *f) {
  struct pm_why why = {""};
  const enum pm_err err = pm_server_open(&f->loop, &f->config, handle, f, &f->server, &why);
  if (err != PM_OK) print_error("%s\n", why.text);
  assert_int_equal(err, PM_OK);
}

/* One turn of the loop, then a wait for the server or for fd (-1: none) to have something. */
static inline void step(struct fixture *f, int fd) {
  uv_run(&f->loop, UV_RUN_NOWAIT);
  struct pollfd polled[] = {{uv_backend_fd(&f->loop), POLLIN, 0}, {fd, POLLIN, 0}};
  int timeout_ms = uv_backend_timeout(&f->loop);
  if (timeout_ms < 0 || timeout_ms > STEP_MS) timeout_ms = STEP_MS;
  poll(polled, 2, timeout_ms);
}

/* Runs the loop while the condition is false, and fails when patience ends. */
#define STEP_UNTIL(f, fd, condition)                                         \
  do {                                                                       \
    const uint64_t begin_ns = uv_hrtime();                                   \
    while (!(condition)) {                                                   \
      step(f, fd);                                                           \
      assert_true(uv_hrtime() - begin_ns < (uint64_t)PATIENCE_MS * 1000000); \
    }                                                                        \
  } while (0)

static inline struct pm_server_counts counts_of(const struct fixture *f) {
  struct pm_server_counts counts;
  pm_server_counts(f->server, &counts);
  return counts;
}

/* Closes the server if the test has not, and checks that the loop is empty. */
static inline void fixture_end(struct fixture *f) {
  if (!f->closed) pm_server_close(f->server, 0, on_server_closed, f);
  STEP_UNTIL(f, -1, f->closed);
  assert_int_equal(uv_run(&f->loop, UV_RUN_NOWAIT), 0);
  assert_int_equal(uv_loop_close(&f->loop), 0);
}

/* A connected, non-blocking socket; the server has not seen it yet. */
static inline int client_connect(const struct fixture *f) {
  const struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons(pm_server_port(f->server)),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
  assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  return fd;
}

/* A connection that the server has taken, too. */
static inline int client_settle(struct fixture *f) {
  const uint64_t before = counts_of(f).connections;
  const int fd = client_connect(f);
  STEP_UNTIL(f, -1, counts_of(f).connections == before + 1);
  return fd;
}

static inline void client_send_bytes(struct fixture *f, int fd, const char *bytes, size_t count) {
  size_t at = 0;
  while (at < count) {
    const ssize_t sent = send(fd, bytes + at, count - at, MSG_NOSIGNAL);
    if (sent > 0) {
      at += (size_t)sent;
    } else {
      assert_int_equal(errno, EAGAIN);
      step(f, -1);
    }
  }
}

static inline void client_send(struct fixture *f, int fd, const char *text) {
  client_send_bytes(f, fd, text, strlen(text));
}

/* What a client has read. */
struct reading {
  char *text; /* NUL-terminated */
  size_t bytes, room;
  size_t answer_bytes; /* of the first answer, once its head has come */
  bool ended;          /* in good order */
  bool reset;
};

static inline void reading_free(struct reading *reading) {
  free(reading->text);
  memset(reading, 0, sizeof(*reading));
}

/* Adds what has come. */
static inline void client_read(int fd, struct reading *reading) {
  if (reading->room - reading->bytes < 65536) {
    reading->room = reading->room * 2 + 131072;
    reading->text = realloc(reading->text, reading->room);
    assert_non_null(reading->text);
  }
  const ssize_t count = recv(fd, reading->text + reading->bytes, 65535, 0);
  if (count > 0) reading->bytes += (size_t)count;
  reading->text[reading->bytes] = '\0';
  if (count == 0) reading->ended = true;
  if (count < 0 && errno != EAGAIN) reading->reset = true;
}

/* The length of the first answer in the reading, 0 if it is not whole. */
static inline size_t answer_bytes(struct reading *reading, bool head_only) {
  if (reading->answer_bytes == 0) {
    const char *end = reading->bytes > 0 ? strstr(reading->text, "\r\n\r\n") : NULL;
    if (end == NULL) return 0;
    const char *length = strstr(reading->text, "Content-Length: ");
    reading->answer_bytes = (size_t)(end - reading->text) + 4;
    if (!head_only && length != NULL && length < end) {
      reading->answer_bytes += strtoul(length + 16, NULL, 10);
    }
  }
  return reading->bytes >= reading->answer_bytes ? reading->answer_bytes : 0;
}

/* Reads one whole answer, and asserts that nothing follows it. */
static inline struct reading client_answer(struct fixture *f, int fd) {
  struct reading reading = {0};
  STEP_UNTIL(f, fd, (client_read(fd, &reading), answer_bytes(&reading, false) > 0));
  assert_int_equal(reading.bytes, answer_bytes(&reading, false));
  return reading;
}

static inline struct reading client_read_to_end(struct fixture *f, int fd) {
  struct reading reading = {0};
  STEP_UNTIL(f, fd, (client_read(fd, &reading), reading.ended || reading.reset));
  return reading;
}

static inline const char *body_of(const struct reading *reading) {
  const char *end = strstr(reading->text, "\r\n\r\n");
  return end != NULL ? end + 4 : "";
}

#define assert_has(text, part)     assert_non_null(strstr(text, part))
#define assert_has_not(text, part) assert_null(strstr(text, part))

/* Sends and checks that the answer begins with "HTTP/1.1 STATUS ". */
static inline void expect_answer(struct fixture *f, int fd, const char *request, const char *status,
                                 const char *body) {
  char begin[32];
  snprintf(begin, sizeof(begin), "HTTP/1.1 %s ", status);
  client_send(f, fd, request);
  struct reading reading = client_answer(f, fd);
  assert_has(reading.text, begin);
  if (body != NULL) assert_string_equal(body_of(&reading), body);
  reading_free(&reading);
}

/* Sends and checks that the answer comes whole, then the connection's end in good order. */
static inline void expect_last_answer(struct fixture *f, int fd, const char *request,
                                      const char *status) {
  char begin[32];
  snprintf(begin, sizeof(begin), "HTTP/1.1 %s ", status);
  client_send(f, fd, request);
  struct reading reading = client_read_to_end(f, fd);
  assert_true(reading.ended);
  assert_has(reading.text, begin);
  assert_has(reading.text, "\r\nConnection: close\r\n");
  assert_int_equal(reading.bytes, answer_bytes(&reading, false));
  reading_free(&reading);
}

/* The server ended the connection without a word. */
static inline void expect_silent_end(struct fixture *f, int fd) {
  struct reading reading = client_read_to_end(f, fd);
  assert_int_equal(reading.bytes, 0);
  reading_free(&reading);
}

#endif
