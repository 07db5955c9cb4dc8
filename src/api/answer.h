/* How answers are dressed: status, content type, caching and the headers that bind a browser. One
 * place, so that no page can lack them.
 *
 * Nothing may be cached, /v1/ping included: a proxy that answered for us would be measured instead.
 *
 * Referrer-Policy is same-origin rather than no-referrer: with the latter a browser sends our own
 * forms with "Origin: null" (Fetch standard, "append a request Origin header"), which cannot be
 * told from a foreign page's. Other sites learn nothing either way.
 */
#ifndef PM_API_ANSWER_H
#define PM_API_ANSWER_H

#include "api/http_message.h"

void pm_answer_html(struct pm_http_response *response, int status);
/* The same in its two halves, for an answer that no browser may be reading: the policies have 190
 * bytes, and nodes ask for one thing all the time. */
void pm_answer_page(struct pm_http_response *response, int status);
void pm_answer_browser_policy(struct pm_http_response *response);
void pm_answer_json(struct pm_http_response *response, int status);
void pm_answer_text(struct pm_http_response *response, int status, const char *text);
/* A header whose value cannot be sent is left out. */
void pm_answer_header(struct pm_http_response *response, const char *name, const char *value);
/* 303 See Other: the browser goes there with GET. path is one of ours. */
void pm_answer_see_other(struct pm_http_response *response, const char *path);

/* Fills an error answer: a page for browsers, application/problem+json (RFC 9457) for programs,
 * replacing whatever the response held, its headers too. detail: one sentence without a full stop,
 * any bytes; may be NULL. */
void pm_answer_problem(const struct pm_http_request *request, struct pm_http_response *response,
                       int status, const char *detail);

#endif
