/* What the parser takes, what it refuses and how; and that the result does not depend on how the
 * bytes come in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/http_parser.h"

/* Feeds the text in pieces of piece_bytes. Returns the last result and how much was used. */
static enum pm_http_parsed feed(struct pm_http_parser *parser, const char *text, size_t bytes,
                                size_t piece_bytes, size_t *out_used) {
  enum pm_http_parsed result = PM_HTTP_NEED_MORE;
  size_t at = 0;
  while (at < bytes && (result == PM_HTTP_NEED_MORE || result == PM_HTTP_NEED_MORE_CONTINUE)) {
    size_t used;
    const size_t count = bytes - at < piece_bytes ? bytes - at : piece_bytes;
    result = pm_http_parser_feed(parser, text + at, count, &used);
    assert_true(used <= count);
    at += used;
  }
  *out_used = at;
  return result == PM_HTTP_NEED_MORE_CONTINUE ? PM_HTTP_NEED_MORE : result;
}

static const size_t PIECES[] = {SIZE_MAX, 1, 2, 3, 7, 61};
enum { PIECES_COUNT = sizeof(PIECES) / sizeof(PIECES[0]) };

/* Checks the status (0: needs more, 1: a whole request) for every way to cut the text. */
static void expect_status(const char *what, const char *text, size_t bytes, int status) {
  for (size_t i = 0; i < PIECES_COUNT; i++) {
    struct pm_http_parser *parser;
    size_t used;
    const char *why = "";
    assert_int_equal(pm_http_parser_new(&parser), PM_OK);
    const enum pm_http_parsed result = feed(parser, text, bytes, PIECES[i], &used);
    const int got = result == PM_HTTP_BAD       ? pm_http_parser_status(parser, &why)
                    : result == PM_HTTP_REQUEST ? 1
                                                : 0;
    if (got != status) {
      print_error("%s, in pieces of %zu: %d instead of %d (%s)\n", what, PIECES[i], got, status,
                  why);
    }
    assert_int_equal(got, status);
    assert_true(result != PM_HTTP_BAD || strlen(why) > 0);
    pm_http_parser_free(parser);
  }
}

struct status_case {
  int status; /* 1: taken */
  const char *text;
};

static void check_all(const struct status_case *cases, size_t count) {
  for (size_t i = 0; i < count; i++) {
    expect_status(cases[i].text, cases[i].text, strlen(cases[i].text), cases[i].status);
  }
}
#define CHECK_ALL(cases) check_all(cases, sizeof(cases) / sizeof((cases)[0]))

#define H "Host: a\r\n"

static void test_request_line(void **state) {
  (void)state;
  static const struct status_case cases[] = {
      {1, "GET / HTTP/1.1\r\n" H "\r\n"},
      {1, "GET / HTTP/1.0\r\n\r\n"},
      {1, "PUT /x HTTP/1.1\r\n" H "\r\n"},
      {1, "OPTIONS /x HTTP/1.1\r\n" H "\r\n"},
      {1, "\r\nGET / HTTP/1.1\r\n" H "\r\n"}, /* one empty line before */
      {400, "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n"},
      {400, "\nGET / HTTP/1.1\r\n" H "\r\n"},
      {400, "\rGET / HTTP/1.1\r\n" H "\r\n"},
      {400, "GET  / HTTP/1.1\r\n" H "\r\n"}, /* two blanks */
      {400, "GET /  HTTP/1.1\r\n" H "\r\n"},
      {400, "GET / HTTP/1.1 \r\n" H "\r\n"},
      {400, " GET / HTTP/1.1\r\n" H "\r\n"},
      {400, "GET\t/ HTTP/1.1\r\n" H "\r\n"},
      {400, "GET / HTTP/1.1\n" H "\r\n"}, /* bare LF */
      {400, "GET / HTTP/1.1\r" H "\r\n"}, /* bare CR */
      {400, "GET / http/1.1\r\n" H "\r\n"},
      {400, "GET / RTSP/1.0\r\n" H "\r\n"}, /* llhttp speaks these two as well */
      {400, "SOURCE / ICE/1.0\r\n" H "\r\n"},
      {400, "GET /\r\n\r\n"}, /* HTTP/0.9 */
      {400, "GET\r\n\r\n"},
      {400, "GET / HTTP/1\r\n" H "\r\n"},
      {400, "GET / HTTP/1.10\r\n" H "\r\n"},
      {400, "GET / HTTP/11.1\r\n" H "\r\n"},
      {505, "GET / HTTP/0.9\r\n" H "\r\n"},
      {505, "GET / HTTP/1.2\r\n" H "\r\n"},
      {505, "GET / HTTP/2.0\r\n" H "\r\n"},
      {505, "GET / HTTP/3.0\r\n" H "\r\n"},
      {505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}, /* the preface of HTTP/2 */
      {501, "FROB / HTTP/1.1\r\n" H "\r\n"},
      {501, "get / HTTP/1.1\r\n" H "\r\n"},
      {400, "\x16\x03\x01\x02"}, /* TLS */
      {0, "GET / HTTP/1.1\r\n" H},
      {0, ""},
  };
  CHECK_ALL(cases);
}

static void test_target(void **state) {
  (void)state;
  static const struct status_case cases[] = {
      {1, "GET /a%20b HTTP/1.1\r\n" H "\r\n"},
      {1, "GET /..a/b.. HTTP/1.1\r\n" H "\r\n"},
      {1, "GET /?a=%00&b=%zz HTTP/1.1\r\n" H "\r\n"}, /* the query stays as sent */
      {400, "GET /%00 HTTP/1.1\r\n" H "\r\n"},
      {400, "GET /a%0d%0ab HTTP/1.1\r\n" H "\r\n"},
      {400, "GET /%7f HTTP/1.1\r\n" H "\r\n"},
      {400, "GET /% HTTP/1.1\r\n" H "\r\n"},
      {400, "GET /%2 HTTP/1.1\r\n" H "\r\n"},
      {400, "GET /%2g HTTP/1.1\r\n" H "\r\n"},
      {400, "GET /.. HTTP/1.1\r\n" H "\r\n"},
      {400, "GET /a/../b HTTP/1.1\r\n" H "\r\n"},
      {400, "GET /%2e%2e/b HTTP/1.1\r\n" H "\r\n"},
      {400, "GET /%2E. HTTP/1.1\r\n" H "\r\n"},
      {400, "GET /a%2f..%2fb HTTP/1.1\r\n" H "\r\n"},
      {400, "GET /a#b HTTP/1.1\r\n" H "\r\n"},
      {400, "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n"},
      {1, "GET http://a/ HTTP/1.1\r\n" H "\r\n"}, /* absolute-form */
      {1, "GET HTTP://A HTTP/1.1\r\n" H "\r\n"},
      {1, "GET https://a?q HTTP/1.1\r\n" H "\r\n"},
      {1, "GET http://b/ HTTP/1.0\r\n\r\n"},
      {400, "GET http://b/ HTTP/1.1\r\n" H "\r\n"},
      {400, "GET http://a:80/ HTTP/1.1\r\n" H "\r\n"},
      {400, "GET http://u@a/ HTTP/1.1\r\nHost: u@a\r\n\r\n"},
      {400, "GET http:///x HTTP/1.1\r\nHost:\r\n\r\n"},
      {400, "GET http://a/ HTTP/1.1\r\n\r\n"},
      {400, "GET ftp://a/ HTTP/1.1\r\n" H "\r\n"},
      {400, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"}, /* authority-form */
      {400, "OPTIONS * HTTP/1.1\r\n" H "\r\n"},               /* asterisk-form */
  };
  CHECK_ALL(cases);
}

static void test_host(void **state) {
  (void)state;
  static const struct status_case cases[] = {
      {1, "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
      {1, "GET / HTTP/1.1\r\nhost: [::1]:7777\r\n\r\n"},
      {1, "GET / HTTP/1.1\r\nHOST: xn--bcher-kva.example:80\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" H H "\r\n"},
      {400, "GET / HTTP/1.0\r\n" H "Host: b\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
  };
  CHECK_ALL(cases);
}

static void test_header_lines(void **state) {
  (void)state;
  static const struct status_case cases[] = {
      {1, "GET / HTTP/1.1\r\n" H "X:\r\nY: \t b \t\r\nZ: a\tb\r\n\r\n"},
      {1, "GET / HTTP/1.1\r\n" H "X: caf\xc3\xa9\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" H "X: a\n\r\n"},         /* bare LF */
      {400, "GET / HTTP/1.1\r\n" H "X: a\rY: b\r\n\r\n"}, /* bare CR */
      {400, "GET / HTTP/1.1\r\n" H "X: a\r\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" H "\n"},
      {400, "GET / HTTP/1.1\r\n" H "\rX"},
      {400, "GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n"}, /* folding */
      {400, "GET / HTTP/1.1\r\n" H "X:\r\n\tb\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n X: a\r\n" H "\r\n"},
      {400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"}, /* a blank before the colon */
      {400, "GET / HTTP/1.1\r\n" H "X Y: a\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" H "Content-Length\t: 0\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" H ": a\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" H "X\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" H "X(: a\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" H "\xc3\xa4: a\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" H "X: a\x01\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n"},
  };
  CHECK_ALL(cases);
}

static void test_nul(void **state) {
  (void)state;
#define EXPECT_400(text) expect_status(text, text, sizeof(text) - 1, 400)
  EXPECT_400("GET /\0 HTTP/1.1\r\n" H "\r\n");
  EXPECT_400("GET / HTTP/1.1\r\n" H "X: \0\r\n\r\n");
  EXPECT_400("GET / HTTP/1.1\r\n" H "X\0: a\r\n\r\n");
  EXPECT_400("\0");
#undef EXPECT_400
}

#define POST "POST /f HTTP/1.1\r\n" H
#define TE   "Transfer-Encoding: chunked\r\n"

static void test_content_length(void **state) {
  (void)state;
  static const struct status_case cases[] = {
      {1, POST "Content-Length: 3\r\n\r\nabc"},
      {1, POST "Content-Length: 003 \r\n\r\nabc"},
      {1, POST "Content-Length: 0\r\n\r\n"},
      {1, POST "\r\n"},
      {0, POST "Content-Length: 3\r\n\r\nab"},
      {400, POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"},
      {400, POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"},
      {400, POST "Content-Length: 3, 3\r\n\r\nabc"},
      {400, POST "Content-Length: +3\r\n\r\nabc"},
      {400, POST "Content-Length: -3\r\n\r\nabc"},
      {400, POST "Content-Length: 3 3\r\n\r\nabc"},
      {400, POST "Content-Length: 0x3\r\n\r\nabc"},
      {400, POST "Content-Length:\r\n\r\nabc"},
      {400, POST "Content-Length: 18446744073709551619\r\n\r\nabc"}, /* 2^64 + 3 */
      {400, POST "Content-Length: 3\r\n" TE "\r\n0\r\n\r\n"},
      {400, POST TE "Content-Length: 3\r\n\r\n0\r\n\r\n"},
      {413, POST "Content-Length: 16385\r\n\r\n"},
      {413, POST "Content-Length: 18446744073709551615\r\n\r\n"},
  };
  CHECK_ALL(cases);
}

static void test_transfer_encoding(void **state) {
  (void)state;
  static const struct status_case cases[] = {
      {1, POST TE "\r\n3\r\nabc\r\n0\r\n\r\n"},
      {1, POST "transfer-encoding: CHUNKED\r\n\r\n0\r\n\r\n"},
      {501, POST "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n"},
      {501, POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
      {501, POST "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n"},
      {501, POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
      {501, POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n"},
      {501, POST "Transfer-Encoding: gzip\r\n" TE "\r\n0\r\n\r\n"},
      {400, POST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"},
      {400, POST TE TE "\r\n0\r\n\r\n"},
      {400, POST TE "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n"},
      {400, "POST /f HTTP/1.0\r\n" H TE "\r\n0\r\n\r\n"},
  };
  CHECK_ALL(cases);
}

static void test_chunks(void **state) {
  (void)state;
#define CHUNKED POST TE "\r\n"
  static const struct status_case cases[] = {
      {1, CHUNKED "0\r\n\r\n"},
      {1, CHUNKED "A\r\n0123456789\r\n00\r\n\r\n"},
      {1, CHUNKED "1;a;b=\"d;e\"\r\nx\r\n0;z=1\r\n\r\n"},
      {1, CHUNKED "0\r\nX: y\r\nZ: 1\r\n\r\n"},
      {0, CHUNKED "0\r\nX: y\r\n"},
      {400, CHUNKED "\r\n\r\n"},
      {400, CHUNKED "g\r\n\r\n"},
      {400, CHUNKED "-1\r\n\r\n"},
      {400, CHUNKED " 1\r\nx\r\n0\r\n\r\n"},
      {400, CHUNKED "0x1\r\nx\r\n0\r\n\r\n"},
      {400, CHUNKED "1\nx\r\n0\r\n\r\n"},  /* bare LF after the size */
      {400, CHUNKED "1\rax\r\n0\r\n\r\n"}, /* llhttp 8 by default skips what follows the CR */
      {400, CHUNKED "1\r\nxab0\r\n\r\n"},  /* … and two bytes after the data */
      {400, CHUNKED "1\r\nx\n0\r\n\r\n"},
      {400, CHUNKED "0\r\n\n"}, /* … and lets trailers end so */
      {400, CHUNKED "0\r\nX: y\r\n z\r\n\r\n"},
      {400, CHUNKED "0\r\nX : y\r\n\r\n"},
      {400, CHUNKED "0\r\n: y\r\n\r\n"},
      {400, CHUNKED "1; \nx\r\n0\r\n\r\n"},
      {400, CHUNKED "10000000000000000\r\nx\r\n0\r\n\r\n"},
      {413, CHUNKED "4001\r\n"},
      {413, CHUNKED "ffffffffffffffff\r\n"},
  };
  CHECK_ALL(cases);
}

static void test_expectation(void **state) {
  (void)state;
  static const struct status_case cases[] = {
      {417, POST "Expect: tea\r\nContent-Length: 1\r\n\r\nx"},
      {1, "POST / HTTP/1.0\r\nExpect: tea\r\n\r\n"},
  };
  CHECK_ALL(cases);

  static const char head[] = POST "Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n";
  struct pm_http_parser *parser;
  size_t used;
  assert_int_equal(pm_http_parser_new(&parser), PM_OK);
  assert_int_equal(pm_http_parser_feed(parser, head, 10, &used), PM_HTTP_NEED_MORE);
  assert_false(pm_http_parser_in_body(parser));
  assert_int_equal(pm_http_parser_feed(parser, head + 10, sizeof(head) - 11, &used),
                   PM_HTTP_NEED_MORE_CONTINUE);
  assert_true(pm_http_parser_in_body(parser));
  assert_int_equal(pm_http_parser_feed(parser, "a", 1, &used), PM_HTTP_NEED_MORE); /* only once */
  assert_int_equal(pm_http_parser_feed(parser, "bc", 2, &used), PM_HTTP_REQUEST);

  /* Who sends the body at once does not wait. */
  pm_http_parser_reset(parser);
  static const char eager[] = POST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nab";
  assert_int_equal(pm_http_parser_feed(parser, eager, sizeof(eager) - 1, &used), PM_HTTP_NEED_MORE);
  pm_http_parser_free(parser);
}

/* A head of the given request line and headers until it has head_bytes. Free it. */
static char *long_head(size_t target_bytes, size_t headers, size_t head_bytes) {
  char *text = malloc(65536);
  assert_non_null(text);
  int at = snprintf(text, 65536, "GET /");
  memset(text + at, 'a', target_bytes - 1);
  at += (int)target_bytes - 1;
  at += snprintf(text + at, 64, " HTTP/1.1\r\nHost: a\r\n");
  for (size_t i = 1; i < headers; i++) at += snprintf(text + at, 64, "X-%zu: y\r\n", i);
  if (head_bytes > 0) {
    at += snprintf(text + at, 64, "Fill: ");
    while ((size_t)at < head_bytes - 4) text[at++] = 'z';
    at += snprintf(text + at, 8, "\r\n");
  }
  snprintf(text + at, 8, "\r\n");
  return text;
}

static void expect_long(size_t target_bytes, size_t headers, size_t head_bytes, int status) {
  char what[64];
  snprintf(what, sizeof(what), "target %zu, %zu headers, head %zu", target_bytes, headers,
           head_bytes);
  char *text = long_head(target_bytes, headers, head_bytes);
  if (head_bytes > 0) assert_int_equal(strlen(text), head_bytes);
  expect_status(what, text, strlen(text), status);
  free(text);
}

static void test_head_caps(void **state) {
  (void)state;
  enum { AROUND_TARGET = sizeof("GET  HTTP/1.1") - 1 };
  expect_long(8192 - AROUND_TARGET, 1, 0, 1);
  expect_long(8193 - AROUND_TARGET, 1, 0, 414);
  expect_long(20000, 1, 0, 414);
  expect_long(1, PM_HTTP_HEADERS_MAX, 0, 1);
  expect_long(1, PM_HTTP_HEADERS_MAX + 1, 0, 431);
  expect_long(1, 1, PM_HTTP_HEAD_BYTES_MAX, 1);
  expect_long(1, 1, PM_HTTP_HEAD_BYTES_MAX + 1, 431);
  expect_long(8000, 2, PM_HTTP_HEAD_BYTES_MAX, 1);
}

/* A chunked body of count times what, then the last chunk with these trailers. */
static void expect_repeated(const char *what, size_t count, const char *trailers, size_t repeat,
                            int status) {
  char *text = malloc(256 * 1024);
  assert_non_null(text);
  int at = snprintf(text, 256, "%s", CHUNKED);
  for (size_t i = 0; i < count; i++) at += snprintf(text + at, 64, "%s", what);
  at += snprintf(text + at, 64, "0\r\n");
  for (size_t i = 0; i < repeat; i++) at += snprintf(text + at, 64, "%s", trailers);
  at += snprintf(text + at, 64, "\r\n");
  expect_status(what, text, (size_t)at, status);
  free(text);
}

static void test_chunked_caps(void **state) {
  (void)state;
  expect_repeated("10\r\n0123456789abcdef\r\n", 1024, "", 0, 1); /* exactly the cap */
  expect_repeated("10\r\n0123456789abcdef\r\n", 1025, "", 0, 413);
  expect_repeated("1\r\nx\r\n", 5000, "", 0, 1);
  expect_repeated("1\r\nx\r\n", 6000, "", 0, 413); /* six bytes on the wire for each */
  expect_repeated("1;extension=\"of some length\"\r\nx\r\n", 1100, "", 0, 413);
  expect_repeated("1\r\nx\r\n", 1, "X-Trailer: 1\r\n", 290, 1);
  expect_repeated("1\r\nx\r\n", 1, "X-Trailer: 1\r\n", 300, 431);
}

struct whole_case {
  const char *text, *surplus;
  const char *path, *query, *host, *body;
  enum pm_http_method method;
  bool keep_alive;
};

static void test_request_content(void **state) {
  (void)state;
  static const struct whole_case cases[] = {
      {"GET / HTTP/1.1\r\n" H "\r\n", "", "/", "", "a", "", PM_HTTP_GET, true},
      {"HEAD /a%2Fb%20c?x=%41?y HTTP/1.1\r\nHost: A:1\r\nConnection: x, close\r\n\r\n", "",
       "/a/b c", "x=%41?y", "A:1", "", PM_HTTP_HEAD, false},
      {"GET / HTTP/1.0\r\n\r\n", "", "/", "", "", "", PM_HTTP_GET, false},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "", "/", "", "", "", PM_HTTP_GET, true},
      {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "", "/", "", "", "", PM_HTTP_GET,
       false},
      {"GET http://B:8/p?q HTTP/1.1\r\nHost: b:8\r\n\r\n", "", "/p", "q", "B:8", "", PM_HTTP_GET,
       true},
      {"GET http://b?q HTTP/1.0\r\n\r\n", "", "/", "q", "b", "", PM_HTTP_GET, false},
      {POST "Content-Length: 5\r\n\r\nab\r\nc", "GET", "/f", "", "a", "ab\r\nc", PM_HTTP_POST,
       true},
      {CHUNKED "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX: y\r\n\r\n", "\r\n", "/f", "", "a", "abcde",
       PM_HTTP_POST, true},
      {"GET / HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n", "more", "/", "", "a",
       "", PM_HTTP_GET, true},
      {"DELETE /d HTTP/1.1\r\n" H "\r\n", "", "/d", "", "a", "", PM_HTTP_OTHER, true},
  };
  struct pm_http_parser *parser;
  assert_int_equal(pm_http_parser_new(&parser), PM_OK);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    const struct whole_case *c = &cases[i];
    char text[512];
    const int bytes = snprintf(text, sizeof(text), "%s%s", c->text, c->surplus);
    for (size_t j = 0; j < PIECES_COUNT; j++) {
      size_t used;
      pm_http_parser_reset(parser);
      assert_false(pm_http_parser_started(parser));
      assert_int_equal(feed(parser, text, (size_t)bytes, PIECES[j], &used), PM_HTTP_REQUEST);
      assert_true(pm_http_parser_started(parser));
      assert_int_equal(used, strlen(c->text));
      const struct pm_http_request *request = pm_http_parser_request(parser);
      assert_int_equal(request->method, c->method);
      assert_string_equal(request->path, c->path);
      assert_string_equal(request->query, c->query);
      assert_string_equal(request->host, c->host);
      assert_string_equal(request->body, c->body);
      assert_int_equal(request->body_bytes, strlen(c->body));
      assert_int_equal(pm_http_parser_keep_alive(parser), c->keep_alive);
    }
  }
  pm_http_parser_free(parser);
}

static void test_headers(void **state) {
  (void)state;
  static const char text[] =
      "GET / HTTP/1.1\r\n" H "X-One:  a b\t \r\nEmpty:\r\nX-ONE: second\r\nEmpty2:   \r\n\r\n";
  for (size_t i = 0; i < PIECES_COUNT; i++) {
    struct pm_http_parser *parser;
    size_t used;
    assert_int_equal(pm_http_parser_new(&parser), PM_OK);
    assert_int_equal(feed(parser, text, sizeof(text) - 1, PIECES[i], &used), PM_HTTP_REQUEST);
    const struct pm_http_request *request = pm_http_parser_request(parser);
    assert_int_equal(request->headers_count, 5);
    assert_string_equal(request->headers[1].name, "x-one");
    assert_string_equal(pm_http_request_header(request, "x-one"), "a b");
    assert_int_equal(pm_http_request_header_count(request, "x-one"), 2);
    assert_string_equal(pm_http_request_header(request, "empty"), "");
    assert_string_equal(pm_http_request_header(request, "empty2"), "");
    assert_null(pm_http_request_header(request, "x-two"));
    assert_int_equal(pm_http_request_header_count(request, "x-two"), 0);
    pm_http_parser_free(parser);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_request_line),
      cmocka_unit_test(test_target),
      cmocka_unit_test(test_host),
      cmocka_unit_test(test_header_lines),
      cmocka_unit_test(test_nul),
      cmocka_unit_test(test_content_length),
      cmocka_unit_test(test_transfer_encoding),
      cmocka_unit_test(test_chunks),
      cmocka_unit_test(test_expectation),
      cmocka_unit_test(test_head_caps),
      cmocka_unit_test(test_chunked_caps),
      cmocka_unit_test(test_request_content),
      cmocka_unit_test(test_headers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
