#include <string.h>

#include "api/answer.h"
#include "api/html.h"
#include "api/service_parts.h"
#include "base/escape.h"
#include "base/service_time.h"
#include "gossip/wire_pong.h"
#include "gossip/wire_row.h"

enum {
  PING_BYTES_MAX = 4096, /* a location is at most 127 bytes, escaped at most six times that */
};

/* To a node of ours, which asks with a query. False: it is none. */
static bool say_who_we_are(struct pm_service *service, const struct pm_http_request *request,
                           struct pm_http_response *response) {
  const struct pm_service_config *config = &service->config;
  struct pm_buf pong, row;
  if (config->pong == NULL || request->query[0] == '\0') return false;
  pm_buf_init(&pong, PM_WIRE_PONG_BYTES_MAX);
  pm_buf_init(&row, PM_WIRE_ROW_HEADER_BYTES_MAX);
  bool told = config->pong(config->owner, request, &pong, &row) && pm_buf_status(&pong) == PM_OK;
  if (told) {
    pm_answer_header(response, PM_WIRE_PONG_HEADER, pong.data);
    if (row.len > 0 && pm_buf_status(&row) == PM_OK)
      pm_answer_header(response, PM_WIRE_ROW_HEADER, row.data);
  }
  pm_buf_deinit(&pong);
  pm_buf_deinit(&row);
  return told;
}

/* To whoever measures us, so that our own slowness is not taken for the network's. */
static void say_service_time(const struct pm_http_request *request,
                             struct pm_http_response *response) {
  char text[PM_SERVICE_TIME_BYTES];
  struct pm_wall now = pm_clock_wall();
  if (request->arrived.ns == 0 || request->arrived.ns > now.ns) return; /* the calendar was set */
  const struct pm_service_time time = {
      .spent_us = (now.ns - request->arrived.ns) / PM_NS_PER_US,
      .received_us = request->arrived.ns / PM_NS_PER_US,
      .sent_us = now.ns / PM_NS_PER_US,
  };
  pm_service_time_write(&time, text);
  pm_answer_header(response, PM_SERVICE_TIME_HEADER, text);
}

void pm_service_ping(struct pm_service *service, const struct pm_http_request *request,
                     struct pm_http_response *response) {
  pm_answer_page(response, 200);
  if (!say_who_we_are(service, request, response)) pm_answer_browser_policy(response);
  pm_buf_append(&response->body, service->ping.data, service->ping.len);
  say_service_time(request, response);
}

/* The location's line ends before any tag: old readers take all of it. */
enum pm_err pm_service_build_ping(struct pm_service *service) {
  const char *location = service->config.location;
  struct pm_buf *out = &service->ping;
  pm_buf_init(out, PING_BYTES_MAX);
  pm_buf_text(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
  pm_html_element(out, "title", "pingmesh %s", location);
  pm_buf_text(out, "</head><body>\n<p>Served from ");
  pm_escape_html(out, location, strlen(location));
  pm_buf_text(out, "\n</body></html>\n");
  return pm_buf_status(out);
}
