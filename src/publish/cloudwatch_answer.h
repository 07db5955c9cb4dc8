/* What CloudWatch answers, and what follows from it. Pure.
 */
#ifndef PM_PUBLISH_CLOUDWATCH_ANSWER_H
#define PM_PUBLISH_CLOUDWATCH_ANSWER_H

#include <stddef.h>

#include "base/err.h"

#define PM_CLOUDWATCH_VERDICT_MAP(X)                                       \
  X(TAKEN)                                                                 \
  X(LATER)       /* throttled, or the service is unwell: the same again */ \
  X(CREDENTIALS) /* these credentials will not do: with others */          \
  X(NEVER)       /* this request will be refused whenever it comes */

enum pm_cloudwatch_verdict {
#define X(name) PM_CLOUDWATCH_##name,
  PM_CLOUDWATCH_VERDICT_MAP(X)
#undef X
      PM_CLOUDWATCH_VERDICT_COUNT
};

/* body: <ErrorResponse><Error><Type/><Code/><Message/></Error>… of the query protocol, or anything
 * else, from anybody; NUL-terminated. words: AWS's own code and message, else the beginning of what
 * came; not touched if taken. */
enum pm_cloudwatch_verdict pm_cloudwatch_judge(int http_status, const char *body,
                                               struct pm_why *words);

#endif
