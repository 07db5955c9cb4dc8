#include <string.h>
#include <strings.h>

#include "api/answer.h"
#include "api/form.h"
#include "api/login_page.h"
#include "api/service_parts.h"

bool pm_service_read_body(const struct pm_http_request *request, struct pm_http_response *response,
                          struct pm_form *out) {
  static const char form_type[] = "application/x-www-form-urlencoded";
  const char *type = pm_http_request_header(request, "content-type");
  size_t type_bytes = type != NULL ? strcspn(type, "; \t") : 0;
  struct pm_why why;
  if (type != NULL &&
      (type_bytes != sizeof(form_type) - 1 || strncasecmp(type, form_type, type_bytes) != 0)) {
    pm_answer_problem(request, response, 415,
                      "the body is of another kind: send application/x-www-form-urlencoded");
    return false;
  }
  enum pm_err err = pm_form_parse(request->body, request->body_bytes, out, &why);
  if (err != PM_OK) {
    pm_answer_problem(request, response, err == PM_ERR_TOO_LARGE ? 413 : 400, why.text);
  }
  return err == PM_OK;
}

static bool refuse_foreign(const struct pm_http_request *request,
                           struct pm_http_response *response) {
  if (pm_auth_origin(request) != PM_AUTH_ORIGIN_FOREIGN) return false;
  pm_answer_problem(request, response, 403, "another site's page asked for this");
  return true;
}

static void refuse_token(struct pm_service *service, const struct pm_http_request *request,
                         struct pm_http_response *response, enum pm_err err, const char *next) {
  if (err == PM_ERR_MISSING) {
    pm_answer_problem(request, response, 403,
                      "this node has no admin token: start it with PINGMESH_ADMIN_TOKEN, or ask "
                      "from its own machine by a loopback address");
  } else if (err == PM_ERR_FULL) {
    pm_route_too_many(&service->config.auth, request, response);
  } else {
    pm_route_unauthorized(request, response, next, "that is not the admin token");
  }
}

static void login(struct pm_service *service, const struct pm_http_request *request,
                  struct pm_http_response *response) {
  struct pm_form form;
  char cookie[PM_AUTH_COOKIE_BYTES];
  if (refuse_foreign(request, response) || !pm_service_read_body(request, response, &form)) return;
  const char *next = pm_service_own_path(pm_form_value(&form, "next"));
  enum pm_err err = pm_auth_login(&service->config.auth, request, pm_form_value(&form, "token"),
                                  pm_clock_wall(), cookie);
  if (err != PM_OK) {
    refuse_token(service, request, response, err, next);
    return;
  }
  pm_answer_see_other(response, next);
  pm_answer_header(response, "Set-Cookie", cookie);
}

void pm_service_login(struct pm_service *service, const struct pm_http_request *request,
                      struct pm_http_response *response) {
  struct pm_auth *auth = &service->config.auth;
  if (request->method == PM_HTTP_POST) {
    login(service, request, response);
    return;
  }
  pm_answer_html(response, 200);
  if (pm_auth_operator(auth, request, pm_clock_wall()) == PM_AUTH_OK) {
    pm_login_done_page(&response->body);
  } else {
    pm_login_page(&response->body, "/", NULL);
  }
}

void pm_service_logout(struct pm_service *service, const struct pm_http_request *request,
                       struct pm_http_response *response) {
  char cookie[PM_AUTH_COOKIE_BYTES];
  if (refuse_foreign(request, response)) return;
  if (pm_auth_logout(&service->config.auth, request->tls, cookie) != PM_OK) {
    pm_answer_problem(request, response, 500, NULL);
    return;
  }
  pm_answer_see_other(response, "/");
  pm_answer_header(response, "Set-Cookie", cookie);
}
