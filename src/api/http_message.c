#include "api/http_message.h"

#include <string.h>

const char *pm_http_request_header(const struct pm_http_request *request, const char *name) {
  for (size_t i = 0; i < request->headers_count; i++) {
    if (strcmp(request->headers[i].name, name) == 0) return request->headers[i].value;
  }
  return NULL;
}

size_t pm_http_request_header_count(const struct pm_http_request *request, const char *name) {
  size_t count = 0;
  for (size_t i = 0; i < request->headers_count; i++) {
    if (strcmp(request->headers[i].name, name) == 0) count++;
  }
  return count;
}

/* RFC 9110 5.5: visible characters, blanks and tabs; bytes past ASCII are opaque but harmless. */
static bool is_field_value(const char *value) {
  for (const char *at = value; *at != '\0'; at++) {
    const unsigned char c = (unsigned char)*at;
    if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
  }
  return true;
}

enum pm_err pm_http_response_header(struct pm_http_response *response, const char *name,
                                    const char *value) {
  if (!is_field_value(value)) return PM_ERR_SYNTAX;
  const size_t bytes = strlen(value) + 1;
  if (bytes > PM_HTTP_HEADER_VALUE_BYTES) return PM_ERR_TOO_LARGE;
  if (response->headers_count == PM_HTTP_RESPONSE_HEADERS_MAX) return PM_ERR_TOO_LARGE;
  response->headers[response->headers_count].name = name;
  memcpy(response->headers[response->headers_count].value, value, bytes);
  response->headers_count++;
  return PM_OK;
}

size_t pm_http_response_bytes(const struct pm_http_response *response) {
  if (response->content_type == NULL) return 0;
  return response->lent != NULL ? response->lent_bytes : response->body.len;
}

const char *pm_http_status_text(int status) {
  static const struct {
    int status;
    const char *text;
  } texts[] = {
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Content"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
      {507, "Insufficient Storage"},
  };
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    if (texts[i].status == status) return texts[i].text;
  }
  return "Unknown";
}
