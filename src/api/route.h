/* The route table: which path and method leads where, and who may go there.
 */
#ifndef PM_API_ROUTE_H
#define PM_API_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "api/auth.h"
#include "api/http_message.h"

struct pm_service;

struct pm_route {
  const char *path;  /* exact; one that ends in '/' and is more than that: all below it */
  unsigned methods;  /* enum pm_http_method, or'ed; HEAD is implied by GET */
  enum pm_role role; /* the least that may use it */
  /* For HEAD as for GET: the server leaves the body out. A GET that changes something asks
   * pm_auth_get_may_act, and that the method is not HEAD. */
  void (*handle)(struct pm_service *service, const struct pm_http_request *request,
                 struct pm_http_response *response);
  const char *summary; /* for the index page and documents; NULL: not listed */
};

/* Finds the route, checks method and role, and calls it; answers 404, 405 (with Allow), 401 (with
 * WWW-Authenticate; a browser gets the form that asks for the token), 403 and 429 itself. */
void pm_route_dispatch(const struct pm_route *routes, size_t count, struct pm_service *service,
                       struct pm_auth *auth, const struct pm_http_request *request,
                       struct pm_http_response *response);

/* For a handler of the role PEER, when no peer asks: whether the request may read. If not, it has
 * been answered. */
bool pm_route_may_read(struct pm_auth *auth, const struct pm_http_request *request,
                       struct pm_http_response *response);

/* The route of that path; NULL if there is none. */
const struct pm_route *pm_route_find(const struct pm_route *routes, size_t count, const char *path);

/* Answers 401; a browser gets the login form, which leads to the path next. */
void pm_route_unauthorized(const struct pm_http_request *request, struct pm_http_response *response,
                           const char *next, const char *detail);
/* Answers 429 with Retry-After. */
void pm_route_too_many(const struct pm_auth *auth, const struct pm_http_request *request,
                       struct pm_http_response *response);

enum { PM_ROUTE_METHODS_BYTES = 32 };
/* "GET, HEAD, POST", as Allow wants it. */
void pm_route_methods_text(unsigned methods, char out[PM_ROUTE_METHODS_BYTES]);

#endif
