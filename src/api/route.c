#include "api/route.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/accept.h"
#include "api/answer.h"
#include "api/login_page.h"

enum { SHOWN_BYTES_MAX = 200 }; /* of a path that leads nowhere */

static bool leads_to(const char *route, const char *path) {
  const size_t bytes = strlen(route);
  if (bytes > 1 && route[bytes - 1] == '/') return strncmp(route, path, bytes) == 0;
  return strcmp(route, path) == 0;
}

const struct pm_route *pm_route_find(const struct pm_route *routes, size_t count,
                                     const char *path) {
  for (size_t i = 0; i < count; i++) {
    if (leads_to(routes[i].path, path)) return &routes[i];
  }
  return NULL;
}

void pm_route_methods_text(unsigned methods, char out[PM_ROUTE_METHODS_BYTES]) {
  const char *get = methods & PM_HTTP_GET ? "GET, HEAD" : "";
  const char *post = methods & PM_HTTP_POST ? "POST" : "";
  const char *between = get[0] != '\0' && post[0] != '\0' ? ", " : "";
  snprintf(out, PM_ROUTE_METHODS_BYTES, "%s%s%s", get, between, post);
}

static bool is_allowed(const struct pm_route *route, enum pm_http_method method) {
  if (method == PM_HTTP_HEAD) return (route->methods & PM_HTTP_GET) != 0;
  return method != PM_HTTP_OTHER && (route->methods & method) != 0;
}

static void answer_not_found(const struct pm_http_request *request,
                             struct pm_http_response *response) {
  struct pm_why why;
  pm_why_set(&why, PM_ERR_MISSING, "there is nothing at \"%.*s\": \"/\" lists what there is",
             SHOWN_BYTES_MAX, request->path);
  pm_answer_problem(request, response, 404, why.text);
}

static void answer_method(const struct pm_route *route, const struct pm_http_request *request,
                          struct pm_http_response *response) {
  char allow[PM_ROUTE_METHODS_BYTES];
  struct pm_why why;
  pm_route_methods_text(route->methods, allow);
  pm_why_set(&why, PM_ERR_DENIED, "%s takes %s", route->path, allow);
  pm_answer_problem(request, response, 405, why.text);
  pm_answer_header(response, "Allow", allow);
}

void pm_route_unauthorized(const struct pm_http_request *request, struct pm_http_response *response,
                           const char *next, const char *detail) {
  pm_answer_problem(request, response, 401, detail);
  if (pm_accept_format(request, PM_FORMAT_JSON) == PM_FORMAT_HTML) {
    pm_buf_reset(&response->body);
    pm_login_page(&response->body, next, detail);
  }
  pm_answer_header(response, "WWW-Authenticate", "Bearer realm=\"pingmesh\"");
}

void pm_route_too_many(const struct pm_auth *auth, const struct pm_http_request *request,
                       struct pm_http_response *response) {
  char seconds[24];
  snprintf(seconds, sizeof(seconds), "%" PRId64, pm_auth_retry_after_s(auth, request->received));
  pm_answer_problem(request, response, 429,
                    "too many wrong tokens were tried: none is looked at for a while");
  pm_answer_header(response, "Retry-After", seconds);
}

/* Whether the request may pass; if not, it has been answered. */
static bool admit(struct pm_auth *auth, const struct pm_http_request *request,
                  struct pm_http_response *response) {
  switch (pm_auth_operator(auth, request, pm_clock_wall())) {
  case PM_AUTH_OK:
    return true;
  case PM_AUTH_CROSS_SITE:
    pm_answer_problem(request, response, 403,
                      "another site's page asked for this: open it from a page of this node, or "
                      "let the proxy before it keep the Host header");
    return false;
  case PM_AUTH_TOKEN_NEEDED:
    pm_route_unauthorized(request, response, request->path,
                          "this is for operators: the admin token is needed");
    return false;
  case PM_AUTH_TOKEN_WRONG:
    pm_route_unauthorized(request, response, request->path, "that is not the admin token");
    return false;
  case PM_AUTH_TOO_MANY:
    pm_route_too_many(auth, request, response);
    return false;
  case PM_AUTH_LOCAL_ONLY:
    break;
  }
  pm_answer_problem(request, response, 403,
                    "this is for operators: ask from the node's own machine by a loopback address, "
                    "or start the node with PINGMESH_ADMIN_TOKEN to use it from elsewhere");
  return false;
}

bool pm_route_may_read(struct pm_auth *auth, const struct pm_http_request *request,
                       struct pm_http_response *response) {
  return !auth->read_closed || admit(auth, request, response);
}

static bool may_pass(const struct pm_route *route, struct pm_auth *auth,
                     const struct pm_http_request *request, struct pm_http_response *response) {
  switch (route->role) {
  case PM_ROLE_ANYONE:
  case PM_ROLE_PEER:
    return true;
  case PM_ROLE_READER:
    return pm_route_may_read(auth, request, response);
  case PM_ROLE_OPERATOR:
    break;
  }
  return admit(auth, request, response);
}

void pm_route_dispatch(const struct pm_route *routes, size_t count, struct pm_service *service,
                       struct pm_auth *auth, const struct pm_http_request *request,
                       struct pm_http_response *response) {
  const struct pm_route *route = pm_route_find(routes, count, request->path);
  if (route == NULL) {
    answer_not_found(request, response);
  } else if (!is_allowed(route, request->method)) {
    answer_method(route, request, response);
  } else if (may_pass(route, auth, request, response)) {
    route->handle(service, request, response);
  }
}
