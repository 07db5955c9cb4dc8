/* Answers questions of the past: reads the query, asks, and answers when the answer has come.
 */
#ifndef PM_API_PAST_ANSWER_H
#define PM_API_PAST_ANSWER_H

#include "api/http_message.h"
#include "api/past.h"

/* past lives until the request's answer has been given or given up; NULL: none is kept, 404. JSON,
 * unless the query says format=html. */
void pm_past_answer(const struct pm_past *past, enum pm_past_kind kind,
                    const struct pm_http_request *request, struct pm_http_response *response);

#endif
