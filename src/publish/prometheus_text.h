/* Writing Prometheus' text format (version 0.0.4): families of samples, each a line. Pure.
 *
 *   pm_prometheus_family(out, "pingmesh_late_probes_total", "counter", "Turns that …");
 *   pm_prometheus_sample(out, "pingmesh_late_probes_total", labels);
 *   pm_prometheus_uint(out, 3);
 *
 * Labels are handed in as written text, without braces, so that those of a thousand series can be
 * made once and used for every family: pm_prometheus_label makes one.
 */
#ifndef PM_PUBLISH_PROMETHEUS_TEXT_H
#define PM_PUBLISH_PROMETHEUS_TEXT_H

#include <stdint.h>

#include "base/buf.h"

#define PM_PROMETHEUS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* type: "counter", "gauge" or "histogram". */
void pm_prometheus_family(struct pm_buf *out, const char *name, const char *type, const char *help);
/* name="value", after a comma if out has something already. Any bytes become a valid value. */
void pm_prometheus_label(struct pm_buf *out, const char *name, const char *value);
/* The line up to the value. more: another label in written form, NULL for none; suffix: of the
 * name ("_bucket"), "" for none. */
void pm_prometheus_sample(struct pm_buf *out, const char *name, const char *suffix,
                          const char *labels, const char *more);
/* The value, and the line's end. Seconds have no more digits than they need. */
void pm_prometheus_uint(struct pm_buf *out, uint64_t value);
void pm_prometheus_double(struct pm_buf *out, double value);
void pm_prometheus_seconds(struct pm_buf *out, int64_t ns);

/* What pm_prometheus_seconds writes, without the line's end. */
enum { PM_PROMETHEUS_SECONDS_BYTES = 32 };
void pm_prometheus_seconds_text(int64_t ns, char out[PM_PROMETHEUS_SECONDS_BYTES]);

#endif
