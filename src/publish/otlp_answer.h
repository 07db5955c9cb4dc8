/* What an OTLP receiver answers (opentelemetry-proto's docs/specification.md, "OTLP/HTTP"): all
 * taken, part of it refused ("partial success"), later, or never. Pure.
 */
#ifndef PM_PUBLISH_OTLP_ANSWER_H
#define PM_PUBLISH_OTLP_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "publish/delivery.h"

/* Only 429, 502, 503 and 504 may be tried again. A success whose body is neither empty nor JSON is
 * no receiver's, and refused. *out_rejected: data points that were refused of what was taken.
 * words: why, where there is something to say; with a partial success, too. */
enum pm_delivery_verdict pm_otlp_judge(int status, const char *body, size_t bytes,
                                       uint64_t *out_rejected, struct pm_why *words);

#endif
