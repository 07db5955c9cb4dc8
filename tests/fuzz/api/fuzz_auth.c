/* Headers from anybody, one a line ("name: value"; "host" is Host): nobody who does not know the
 * token is an operator from elsewhere, and a cookie that was given is found among whatever else the
 * browser sends. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/auth.h"

enum { INPUT_BYTES_MAX = 4096 };

#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct pm_wall now = {(int64_t)1795343569 * PM_NS_PER_S};
static const struct pm_auth fresh = {.token = "what no fuzzer guesses: 6f1d2c", .secret = "secret"};
static const struct pm_ip elsewhere = {PM_IP_V4, {192, 0, 2, 7}};
static const struct pm_ip here = {PM_IP_V4, {127, 0, 0, 1}};

/* The lines of text, which is cut, as headers; names in lower case, as the parser gives them. */
static struct pm_http_request request_of(char *text) {
  struct pm_http_request request = {.path = "/", .query = "", .host = "", .body = ""};
  request.client = elsewhere;
  request.received.ns = (int64_t)1000 * PM_NS_PER_S;
  for (char *line = strtok_r(text, "\n", &text); line; line = strtok_r(NULL, "\n", &text)) {
    char *colon = strstr(line, ": ");
    if (!colon || request.headers_count + 1 == PM_HTTP_HEADERS_MAX) continue;
    *colon = '\0';
    for (char *at = line; *at; at++) *at |= *at >= 'A' && *at <= 'Z' ? 0x20 : 0;
    request.headers[request.headers_count++] = (struct pm_http_header){line, colon + 2};
    if (strcmp(line, "host") == 0) request.host = colon + 2;
  }
  return request;
}

static enum pm_auth_verdict judge(const struct pm_http_request *request, bool token_only) {
  struct pm_auth auth = fresh;
  auth.token_only = token_only;
  return pm_auth_operator(&auth, request, now);
}

static void check_strangers(const struct pm_http_request *request) {
  struct pm_http_request local = *request;
  local.client = here;
  CHECK(judge(request, false) != PM_AUTH_OK);
  CHECK(judge(&local, true) != PM_AUTH_OK);
  if (pm_auth_origin(request) != PM_AUTH_ORIGIN_FOREIGN) return;
  CHECK(judge(&local, false) == PM_AUTH_CROSS_SITE);
  CHECK(!pm_auth_get_may_act(request));
}

/* A cookie of ours behind those that the browser has of others. */
static void check_cookie(const struct pm_http_request *request, const char *given) {
  char cookies[INPUT_BYTES_MAX + PM_AUTH_COOKIE_BYTES];
  const char *others = pm_http_request_header(request, "cookie");
  const int own = (int)strcspn(given, "=;"), length = (int)strcspn(given, ";");
  if (pm_http_request_header_count(request, "cookie") != 1 || strstr(others, "pingmesh_")) return;
  struct pm_http_request again = *request;
  (void)snprintf(cookies, sizeof cookies, "%s; %.*s", others, length, given);
  for (size_t i = 0; i < again.headers_count; i++)
    if (strcmp(again.headers[i].name, "cookie") == 0) again.headers[i].value = cookies;
  const enum pm_auth_verdict verdict = judge(&again, false);
  const bool other_way = pm_auth_origin(request) == PM_AUTH_ORIGIN_FOREIGN ||
                         pm_http_request_header(request, "authorization") != NULL;
  CHECK(own > 0 && (verdict == PM_AUTH_OK || other_way));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char text[INPUT_BYTES_MAX] = "", cookie[PM_AUTH_COOKIE_BYTES];
  if (size >= sizeof text) return 0;
  if (size > 0) memcpy(text, data, size);
  const struct pm_http_request request = request_of(text);
  struct pm_auth auth = fresh;
  CHECK(pm_auth_login(&auth, &request, fresh.token, now, cookie) == PM_OK);
  check_strangers(&request);
  check_cookie(&request, cookie);
  return 0;
}
