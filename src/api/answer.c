#include "api/answer.h"

#include "api/accept.h"
#include "api/html.h"
#include "base/json_write.h"

void pm_answer_header(struct pm_http_response *response, const char *name, const char *value) {
  if (pm_http_response_header(response, name, value) != PM_OK) return;
}

static void dress(struct pm_http_response *response, int status, const char *content_type) {
  response->status = status;
  response->content_type = content_type;
  pm_answer_header(response, "Cache-Control", "no-store");
}

void pm_answer_page(struct pm_http_response *response, int status) {
  dress(response, status, "text/html; charset=utf-8");
}

void pm_answer_browser_policy(struct pm_http_response *response) {
  pm_answer_header(response, "Content-Security-Policy", PM_HTML_CSP);
  pm_answer_header(response, "Referrer-Policy", "same-origin");
}

void pm_answer_html(struct pm_http_response *response, int status) {
  pm_answer_page(response, status);
  pm_answer_browser_policy(response);
}

void pm_answer_json(struct pm_http_response *response, int status) {
  dress(response, status, "application/json");
}

void pm_answer_text(struct pm_http_response *response, int status, const char *text) {
  dress(response, status, "text/plain; charset=utf-8");
  pm_buf_text(&response->body, text);
}

void pm_answer_see_other(struct pm_http_response *response, const char *path) {
  dress(response, 303, NULL);
  pm_answer_header(response, "Location", path);
}

static void problem_page(struct pm_http_response *response, int status, const char *detail) {
  struct pm_buf *out = &response->body;
  pm_answer_html(response, status);
  pm_html_begin(out, pm_http_status_text(status));
  if (detail != NULL) pm_html_alert(out, detail);
  pm_html_end(out);
}

static void problem_json(struct pm_http_response *response, int status, const char *detail) {
  struct pm_json_writer w;
  dress(response, status, "application/problem+json");
  pm_json_writer_init(&w, &response->body, true);
  pm_json_object_begin(&w, NULL);
  pm_json_put_string(&w, "type", "about:blank");
  pm_json_put_string(&w, "title", pm_http_status_text(status));
  pm_json_put_int(&w, "status", status);
  if (detail != NULL) pm_json_put_string(&w, "detail", detail);
  pm_json_object_end(&w);
  pm_buf_char(&response->body, '\n');
}

void pm_answer_problem(const struct pm_http_request *request, struct pm_http_response *response,
                       int status, const char *detail) {
  pm_buf_reset(&response->body);
  response->lent = NULL;
  response->endless = false;
  response->headers_count = 0;
  if (pm_accept_format(request, PM_FORMAT_JSON) == PM_FORMAT_HTML) {
    problem_page(response, status, detail);
  } else {
    problem_json(response, status, detail);
  }
}
