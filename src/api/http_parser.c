#include "api/http_parser.h"

#include <llhttp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/http_lines.h"
#include "api/http_target.h"

enum {
  KEPT_BYTES_MAX = 4096, /* of each buffer, over a reset: a page */
  VERSION_BYTES = 4,     /* "1.1" */
};

/* Where a header's strings begin in text, while text may still move. */
struct header_at {
  size_t name, value;
};

struct pm_http_parser {
  llhttp_t llhttp;
  struct pm_http_lines lines;
  struct pm_buf text; /* target, then names and values, each with its NUL */
  struct pm_buf body;
  struct header_at headers_at[PM_HTTP_HEADERS_MAX];
  struct pm_http_request request;
  char version[VERSION_BYTES];
  size_t version_bytes;
  size_t chunked_bytes; /* of the body as it comes over the wire */
  bool started;
  bool in_name;     /* of a header */
  bool in_body;     /* the head is complete */
  bool in_trailers; /* the last chunk was read */
  bool chunked;
  bool complete;
  bool keep_alive;
  bool expects_continue; /* and nobody has answered yet */
  int status;            /* after BAD, else 0 */
  const char *why;
};

/* llhttp stops with an error when a callback returns this. */
static int refuse(struct pm_http_parser *parser, int status, const char *why) {
  parser->status = status;
  parser->why = why;
  return -1;
}

static int on_url(llhttp_t *llhttp, const char *at, size_t count) {
  struct pm_http_parser *parser = llhttp->data;
  pm_buf_append(&parser->text, at, count);
  return 0;
}

static int on_url_complete(llhttp_t *llhttp) {
  struct pm_http_parser *parser = llhttp->data;
  pm_buf_char(&parser->text, '\0');
  return 0;
}

static int on_version(llhttp_t *llhttp, const char *at, size_t count) {
  struct pm_http_parser *parser = llhttp->data;
  for (size_t i = 0; i < count && parser->version_bytes < VERSION_BYTES; i++) {
    parser->version[parser->version_bytes++] = at[i];
  }
  return 0;
}

static int on_version_complete(llhttp_t *llhttp) {
  struct pm_http_parser *parser = llhttp->data;
  parser->request.http_1_0 = llhttp->http_minor == 0;
  if (llhttp->http_major == 1) return 0;
  return refuse(parser, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
}

static int on_header_field(llhttp_t *llhttp, const char *at, size_t count) {
  struct pm_http_parser *parser = llhttp->data;
  if (parser->in_trailers) return 0;
  const size_t index = parser->request.headers_count;
  if (index == PM_HTTP_HEADERS_MAX) return 0; /* refused when the name is complete */
  if (!parser->in_name) {
    parser->in_name = true;
    parser->headers_at[index].name = parser->text.len;
  }
  for (size_t i = 0; i < count; i++) {
    const char c = at[i];
    pm_buf_char(&parser->text, (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
  }
  return 0;
}

static int on_header_field_complete(llhttp_t *llhttp) {
  struct pm_http_parser *parser = llhttp->data;
  if (parser->in_trailers) return 0;
  if (parser->request.headers_count == PM_HTTP_HEADERS_MAX) {
    return refuse(parser, 431, "There are too many headers.");
  }
  pm_buf_char(&parser->text, '\0');
  parser->in_name = false;
  parser->headers_at[parser->request.headers_count].value = parser->text.len;
  return 0;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t count) {
  struct pm_http_parser *parser = llhttp->data;
  if (!parser->in_trailers) pm_buf_append(&parser->text, at, count);
  return 0;
}

static int on_header_value_complete(llhttp_t *llhttp) {
  struct pm_http_parser *parser = llhttp->data;
  if (parser->in_trailers) return 0;
  struct pm_buf *text = &parser->text;
  const size_t begin = parser->headers_at[parser->request.headers_count].value;
  while (text->len > begin &&
         (text->data[text->len - 1] == ' ' || text->data[text->len - 1] == '\t')) {
    text->len--;
  }
  pm_buf_char(text, '\0');
  parser->request.headers_count++;
  return 0;
}

/* RFC 9112 6: a length that two parties could read differently is how requests are smuggled. */
static int check_framing(struct pm_http_parser *parser) {
  const struct pm_http_request *request = &parser->request;
  const char *coding = pm_http_request_header(request, "transfer-encoding");
  const bool has_length = pm_http_request_header(request, "content-length") != NULL;
  if (coding != NULL) {
    if (has_length)
      return refuse(parser, 400, "Content-Length and Transfer-Encoding are both set.");
    if (parser->llhttp.http_minor == 0) {
      return refuse(parser, 400, "HTTP/1.0 has no Transfer-Encoding.");
    }
    if (pm_http_request_header_count(request, "transfer-encoding") != 1 ||
        strcasecmp(coding, "chunked") != 0) {
      return refuse(parser, 501, "The only transfer coding taken is \"chunked\".");
    }
    parser->chunked = true;
  }
  if (has_length && parser->llhttp.content_length > PM_HTTP_BODY_BYTES_MAX) {
    return refuse(parser, 413, "The body is too large.");
  }
  return 0;
}

/* A host name or address with an optional port; a list, a path or a user name is neither. */
static bool is_authority(const char *text) {
  for (const char *at = text; *at != '\0'; at++) {
    const char c = *at;
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!alphanumeric && strchr("-._~:[]%", c) == NULL) return false;
  }
  return true;
}

static int check_target(struct pm_http_parser *parser) {
  struct pm_http_request *request = &parser->request;
  struct pm_http_target target;
  if (parser->llhttp.method == HTTP_CONNECT) {
    return refuse(parser, 400, "This is no proxy.");
  }
  if (pm_http_target_split(parser->text.data, &target, &parser->why) != PM_OK) {
    return refuse(parser, 400, parser->why);
  }
  const size_t hosts = pm_http_request_header_count(request, "host");
  const char *host = pm_http_request_header(request, "host");
  if (hosts > 1) return refuse(parser, 400, "There are two Host headers.");
  if (host == NULL && parser->llhttp.http_minor > 0) {
    return refuse(parser, 400, "The Host header is missing.");
  }
  if (target.authority != NULL) {
    if (target.authority[0] == '\0' || !is_authority(target.authority) ||
        (host != NULL && strcasecmp(host, target.authority) != 0)) {
      return refuse(parser, 400, "The target's host is not the Host header's.");
    }
    host = target.authority;
  }
  if (host != NULL && !is_authority(host)) {
    return refuse(parser, 400, "The Host header is not a host and a port.");
  }
  request->path = target.path;
  request->query = target.query;
  request->host = host != NULL ? host : "";
  return 0;
}

static int check_expectation(struct pm_http_parser *parser) {
  const char *expect = pm_http_request_header(&parser->request, "expect");
  if (expect == NULL || parser->llhttp.http_minor == 0) return 0;
  if (strcasecmp(expect, "100-continue") != 0) {
    return refuse(parser, 417, "The only expectation met is 100-continue.");
  }
  parser->expects_continue = true;
  return 0;
}

static enum pm_http_method method_of(uint8_t method) {
  switch (method) {
  case HTTP_GET:
    return PM_HTTP_GET;
  case HTTP_HEAD:
    return PM_HTTP_HEAD;
  case HTTP_POST:
    return PM_HTTP_POST;
  default:
    return PM_HTTP_OTHER;
  }
}

/* In HTTP/1.0 llhttp overlooks a "close" beside a "keep-alive"; here it wins. */
static bool wants_keep_alive(const llhttp_t *llhttp) {
  return llhttp_should_keep_alive(llhttp) != 0 && (llhttp->flags & F_CONNECTION_CLOSE) == 0;
}

static int on_headers_complete(llhttp_t *llhttp) {
  struct pm_http_parser *parser = llhttp->data;
  struct pm_http_request *request = &parser->request;
  if (pm_buf_status(&parser->text) != PM_OK) return refuse(parser, 503, "Memory is short.");
  for (size_t i = 0; i < request->headers_count; i++) {
    request->headers[i].name = parser->text.data + parser->headers_at[i].name;
    request->headers[i].value = parser->text.data + parser->headers_at[i].value;
  }
  request->method = method_of(llhttp->method);
  parser->in_body = true;
  parser->keep_alive = wants_keep_alive(llhttp);
  if (check_framing(parser) != 0) return -1;
  if (check_target(parser) != 0) return -1;
  return check_expectation(parser);
}

/* content_length is the chunk's size here. The pause before the trailers lets feed put the line
 * discipline in front of them. */
static int on_chunk_header(llhttp_t *llhttp) {
  struct pm_http_parser *parser = llhttp->data;
  if (llhttp->content_length > PM_HTTP_BODY_BYTES_MAX - parser->body.len) {
    return refuse(parser, 413, "The body is too large.");
  }
  if (llhttp->content_length > 0) return 0;
  parser->in_trailers = true;
  pm_http_lines_init(&parser->lines, PM_HTTP_LINES_TRAILERS, PM_HTTP_TRAILER_BYTES_MAX);
  return HPE_PAUSED;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t count) {
  struct pm_http_parser *parser = llhttp->data;
  pm_buf_append(&parser->body, at, count);
  return 0;
}

static int on_message_complete(llhttp_t *llhttp) {
  struct pm_http_parser *parser = llhttp->data;
  if (pm_buf_status(&parser->body) != PM_OK) return refuse(parser, 503, "Memory is short.");
  parser->request.body = parser->body.data;
  parser->request.body_bytes = parser->body.len;
  parser->complete = true;
  return HPE_PAUSED;
}

static const llhttp_settings_t SETTINGS = {
    .on_url = on_url,
    .on_url_complete = on_url_complete,
    .on_version = on_version,
    .on_version_complete = on_version_complete,
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_chunk_header = on_chunk_header,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* "2.0" and the like, well formed but not ours. */
static bool is_foreign_version(const struct pm_http_parser *parser) {
  const char *v = parser->version;
  if (parser->version_bytes != 3 || v[1] != '.') return false;
  return v[0] != '1' || (v[2] != '0' && v[2] != '1');
}

static void refuse_for_llhttp(struct pm_http_parser *parser, llhttp_errno_t error) {
  switch (error) {
  case HPE_INVALID_METHOD:
    refuse(parser, 501, "The method is not known here.");
    break;
  case HPE_INVALID_VERSION:
    if (is_foreign_version(parser)) {
      refuse(parser, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    } else {
      refuse(parser, 400, "The version is not well formed.");
    }
    break;
  case HPE_INVALID_URL:
    refuse(parser, 400, "The target is not well formed.");
    break;
  case HPE_INVALID_CONTENT_LENGTH:
  case HPE_UNEXPECTED_CONTENT_LENGTH:
    refuse(parser, 400, "The Content-Length is wrong or not alone.");
    break;
  case HPE_INVALID_TRANSFER_ENCODING:
    refuse(parser, 400, "The Transfer-Encoding does not end with one \"chunked\".");
    break;
  case HPE_INVALID_CHUNK_SIZE:
    refuse(parser, 400, "A chunk's size is not well formed.");
    break;
  default:
    refuse(parser, 400,
           parser->in_body ? "The body is not well formed." : "The head is not well formed.");
    break;
  }
}

/* Hands bytes to llhttp. Returns how many it took: fewer than count only if the request is complete
 * or the trailers begin. */
static size_t execute(struct pm_http_parser *parser, const char *bytes, size_t count) {
  if (count == 0) return 0;
  const llhttp_errno_t error = llhttp_execute(&parser->llhttp, bytes, count);
  if (error == HPE_OK) return count;
  if (error != HPE_PAUSED) {
    if (parser->status == 0) refuse_for_llhttp(parser, error);
    return count;
  }
  const size_t used = (size_t)(llhttp_get_error_pos(&parser->llhttp) - bytes);
  if (!parser->complete) llhttp_resume(&parser->llhttp);
  return used;
}

/* The head or the trailers: only lines that are in order reach llhttp. */
static size_t feed_lines(struct pm_http_parser *parser, const char *bytes, size_t count) {
  enum pm_http_lines_state state;
  const size_t ordered = pm_http_lines_scan(&parser->lines, bytes, count, &state);
  const size_t used = execute(parser, bytes, ordered);
  if (parser->status == 0 && state == PM_HTTP_LINES_BAD) {
    refuse(parser, parser->lines.status, parser->lines.why);
  }
  return used;
}

/* A body's data, and a chunked one's framing up to the trailers. */
static size_t feed_body(struct pm_http_parser *parser, const char *bytes, size_t count) {
  if (!parser->chunked) return execute(parser, bytes, count);
  const size_t room = PM_HTTP_CHUNKED_BYTES_MAX - parser->chunked_bytes;
  if (room == 0) {
    refuse(parser, 413, "The body's chunks are too many or too wordy.");
    return 0;
  }
  const size_t used = execute(parser, bytes, count < room ? count : room);
  parser->chunked_bytes += used;
  return used;
}

enum pm_http_parsed pm_http_parser_feed(struct pm_http_parser *parser, const char *bytes,
                                        size_t count, size_t *out_used) {
  size_t used = 0;
  if (count > 0) parser->started = true;
  while (used < count && !parser->complete && parser->status == 0) {
    const bool lines = !parser->in_body || parser->in_trailers;
    if (parser->in_body) parser->expects_continue = false; /* the client did not wait */
    used += (lines ? feed_lines : feed_body)(parser, bytes + used, count - used);
  }
  *out_used = used;
  if (parser->status != 0) return PM_HTTP_BAD;
  if (parser->complete) return PM_HTTP_REQUEST;
  if (!parser->in_body || !parser->expects_continue) return PM_HTTP_NEED_MORE;
  parser->expects_continue = false;
  return PM_HTTP_NEED_MORE_CONTINUE;
}

enum pm_err pm_http_parser_new(struct pm_http_parser **out) {
  struct pm_http_parser *parser = malloc(sizeof(*parser));
  if (parser == NULL) return PM_ERR_NOMEM;
  /* Every header takes at least three bytes more on the wire than in text. */
  pm_buf_init(&parser->text, PM_HTTP_HEAD_BYTES_MAX);
  pm_buf_init(&parser->body, PM_HTTP_BODY_BYTES_MAX);
  llhttp_init(&parser->llhttp, HTTP_REQUEST, &SETTINGS);
  parser->llhttp.data = parser;
  pm_http_parser_reset(parser);
  *out = parser;
  return PM_OK;
}

void pm_http_parser_free(struct pm_http_parser *parser) {
  if (parser == NULL) return;
  pm_buf_deinit(&parser->text);
  pm_buf_deinit(&parser->body);
  free(parser);
}

static void empty(struct pm_buf *buf) {
  if (buf->cap > KEPT_BYTES_MAX) {
    pm_buf_deinit(buf);
  } else {
    pm_buf_reset(buf);
  }
}

/* The arrays keep their old content: headers_count says what of them counts. */
void pm_http_parser_reset(struct pm_http_parser *parser) {
  llhttp_reset(&parser->llhttp);
  pm_http_lines_init(&parser->lines, PM_HTTP_LINES_REQUEST, PM_HTTP_HEAD_BYTES_MAX);
  empty(&parser->text);
  empty(&parser->body);
  struct pm_http_request *request = &parser->request;
  request->method = PM_HTTP_OTHER;
  request->path = request->query = request->host = request->body = "";
  request->headers_count = request->body_bytes = 0;
  request->client = (struct pm_ip){0};
  request->tls = request->http_1_0 = false;
  request->received = (struct pm_time){0};
  parser->version_bytes = 0;
  parser->chunked_bytes = 0;
  parser->started = parser->in_name = parser->in_body = parser->in_trailers = false;
  parser->chunked = parser->complete = parser->keep_alive = parser->expects_continue = false;
  parser->status = 0;
  parser->why = "";
}

struct pm_http_request *pm_http_parser_request(struct pm_http_parser *parser) {
  return &parser->request;
}

bool pm_http_parser_keep_alive(const struct pm_http_parser *parser) {
  return parser->keep_alive;
}

bool pm_http_parser_started(const struct pm_http_parser *parser) {
  return parser->started;
}

bool pm_http_parser_in_body(const struct pm_http_parser *parser) {
  return parser->in_body;
}

int pm_http_parser_status(const struct pm_http_parser *parser, const char **out_why) {
  *out_why = parser->why;
  return parser->status;
}
