/* What a node tells about itself: the index, the counts and the memory, the settings. Plain
 * structs, each rendered as JSON or as a page from here. Pure.
 */
#ifndef PM_API_NODE_VIEW_H
#define PM_API_NODE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/memory.h"
#include "api/route.h"
#include "base/buf.h"
#include "base/clock.h"

struct pm_setting;

/* The original's /v1/metrics: AppStart, NumPeers, NumActive, NumDeleted, and MemStats with
 * - Active: KiB in live allocations. The original counted live objects, which glibc cannot tell;
 *   this, too, is a figure that rises if something leaks.
 * - AllocMB: the same in MiB, SystemMB: RAM in MiB (the original: what Go had got from the system),
 *   both cut as of old.
 * - NumGC: 0, for nothing is collected. */
struct pm_metrics_view {
  struct pm_wall app_start;
  uint64_t peers, active, deleted;
  struct pm_memory memory;
};
void pm_metrics_view_json(const struct pm_metrics_view *view, struct pm_buf *out);
void pm_metrics_view_html(const struct pm_metrics_view *view, struct pm_buf *out);

struct pm_env_view {
  const struct pm_setting *settings;
  size_t settings_count;
  const char *location, *host;
  uint16_t port;
  uint64_t requests;
  bool ready;
  struct pm_metrics_view metrics;
};
void pm_env_view_json(const struct pm_env_view *view, struct pm_buf *out);
void pm_env_view_html(const struct pm_env_view *view, struct pm_buf *out);

struct pm_index_view {
  const char *location;
  struct pm_wall start, now;
  uint64_t active, deleted;
  bool ready;
  const struct pm_route *routes;
  size_t routes_count;
};
/* A list of { Path, Methods, Operator, Summary }. */
void pm_index_view_json(const struct pm_index_view *view, struct pm_buf *out);
void pm_index_view_html(const struct pm_index_view *view, struct pm_buf *out);

#endif
