#include "api/http_head.h"

#include "base/json_write.h"

const char *pm_http_date_text(struct pm_http_date *date, struct pm_wall now) {
  const int64_t second = now.ns / PM_NS_PER_S;
  if (date->second != second || date->text[0] == '\0') {
    date->second = second;
    pm_wall_format(now, "%a, %d %b %Y %H:%M:%S GMT", date->text, sizeof(date->text));
  }
  return date->text;
}

bool pm_http_status_has_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

static void put_header(struct pm_buf *out, const char *name, const char *value) {
  pm_buf_text(out, name);
  pm_buf_append(out, ": ", 2);
  pm_buf_text(out, value);
  pm_buf_append(out, "\r\n", 2);
}

static void put_number(struct pm_buf *out, size_t number) {
  char digits[24];
  char *at = digits + sizeof(digits);
  do {
    *--at = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  pm_buf_append(out, at, (size_t)(digits + sizeof(digits) - at));
}

void pm_http_head_write(struct pm_buf *out, const struct pm_http_response *response,
                        bool keep_alive, const char *date) {
  pm_buf_text(out, "HTTP/1.1 ");
  put_number(out, (size_t)response->status);
  pm_buf_char(out, ' ');
  pm_buf_text(out, pm_http_status_text(response->status));
  pm_buf_text(out, "\r\nServer: pingmesh\r\nX-Content-Type-Options: nosniff\r\n");
  put_header(out, "Date", date);
  put_header(out, "Connection", keep_alive ? "keep-alive" : "close");
  if (pm_http_status_has_body(response->status)) {
    if (response->content_type != NULL) put_header(out, "Content-Type", response->content_type);
    if (!response->endless) {
      pm_buf_text(out, "Content-Length: ");
      put_number(out, pm_http_response_bytes(response));
      pm_buf_append(out, "\r\n", 2);
    }
  }
  for (size_t i = 0; i < response->headers_count; i++) {
    put_header(out, response->headers[i].name, response->headers[i].value);
  }
  pm_buf_append(out, "\r\n", 2);
}

void pm_http_head_problem(struct pm_http_response *response, int status, const char *detail) {
  struct pm_json_writer w;
  response->status = status;
  response->content_type = "application/problem+json";
  response->headers_count = 0;
  response->lent = NULL;
  response->endless = false;
  pm_buf_reset(&response->body);
  pm_json_writer_init(&w, &response->body, true);
  pm_json_object_begin(&w, NULL);
  pm_json_put_string(&w, "title", pm_http_status_text(status));
  pm_json_put_int(&w, "status", status);
  pm_json_put_string(&w, "detail", detail);
  pm_json_object_end(&w);
  pm_buf_char(&response->body, '\n');
}
