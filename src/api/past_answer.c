#include "api/past_answer.h"

#include <stdlib.h>
#include <string.h>

#include "api/accept.h"
#include "api/answer.h"
#include "api/form.h"
#include "api/later.h"
#include "api/past_ask.h"
#include "api/past_view.h"

/* A question under way. */
struct asked {
  const struct pm_past *past;
  const struct pm_later *later;
  struct pm_past_ask ask;
  uint64_t question, later_id;
  /* While its answer is being written. */
  enum pm_err err;
  const struct pm_past_answer *answer;
};

static void refuse(const struct pm_http_request *request, struct pm_http_response *response,
                   enum pm_err err) {
  switch (err) {
  case PM_ERR_MISSING:
    pm_answer_problem(request, response, 404, "nothing is known of that pair");
    break;
  case PM_ERR_CLOSED:
    pm_answer_problem(request, response, 404, "this node keeps no history");
    break;
  case PM_ERR_RANGE:
    pm_answer_problem(request, response, 400, "nothing can be kept for such times");
    break;
  case PM_ERR_FULL:
    pm_answer_problem(request, response, 503, "too many questions wait for an answer");
    break;
  default:
    pm_answer_problem(request, response, 503, "the history cannot be read");
    break;
  }
}

/* A pm_http_handler. */
static void write_answer(void *owner, const struct pm_http_request *request,
                         struct pm_http_response *response) {
  const struct asked *asked = owner;
  if (asked->err != PM_OK) {
    refuse(request, response, asked->err);
  } else if (pm_accept_query(request, PM_FORMAT_JSON) == PM_FORMAT_JSON) {
    pm_answer_json(response, 200);
    pm_past_view_json(&asked->ask, asked->answer, &response->body);
  } else {
    pm_answer_html(response, 200);
    pm_past_view_html(&asked->ask, asked->answer, &response->body);
  }
}

static void on_answer(void *owner, enum pm_err err, const struct pm_past_answer *answer) {
  struct asked *asked = owner;
  asked->err = err;
  asked->answer = answer;
  asked->later->answer(asked->later->owner, asked->later_id, write_answer, asked);
  free(asked);
}

static void on_cancelled(void *owner) {
  struct asked *asked = owner;
  asked->past->cancel(asked->past->owner, asked->question);
  free(asked);
}

static enum pm_err begin(struct asked *asked) {
  const struct pm_past *past = asked->past;
  const struct pm_later *later = asked->later;
  enum pm_err err = past->ask(past->owner, &asked->ask, on_answer, asked, &asked->question);
  if (err != PM_OK) return err;
  err = later->begin(later->owner, on_cancelled, asked, &asked->later_id);
  if (err != PM_OK) past->cancel(past->owner, asked->question);
  return err;
}

static void ask(const struct pm_past *past, const struct pm_past_ask *ask,
                const struct pm_http_request *request, struct pm_http_response *response) {
  struct asked *asked = calloc(1, sizeof(*asked));
  enum pm_err err = PM_ERR_NOMEM;
  if (asked != NULL) {
    asked->past = past;
    asked->later = request->later;
    asked->ask = *ask;
    err = begin(asked);
  }
  if (err == PM_OK) return;
  free(asked);
  refuse(request, response, err);
}

void pm_past_answer(const struct pm_past *past, enum pm_past_kind kind,
                    const struct pm_http_request *request, struct pm_http_response *response) {
  struct pm_form form;
  struct pm_past_ask read;
  struct pm_why why;
  if (past == NULL || request->later == NULL) {
    refuse(request, response, PM_ERR_CLOSED);
    return;
  }
  enum pm_err err = pm_form_parse(request->query, strlen(request->query), &form, &why);
  if (err == PM_OK) err = pm_past_ask_read(&form, kind, pm_clock_wall(), &read, &why);
  if (err != PM_OK) {
    pm_answer_problem(request, response, 400, why.text);
    return;
  }
  ask(past, &read, request, response);
}
