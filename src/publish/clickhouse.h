/* The sink "clickhouse": every sample as a row, in batches, over ClickHouse's HTTP interface.
 * Tables and example queries are in deploy/clickhouse/ and docs/publishing.md.
 */
#ifndef PM_PUBLISH_CLICKHOUSE_H
#define PM_PUBLISH_CLICKHOUSE_H

#include "base/err.h"
#include "base/log.h"
#include "publish/sink.h"

struct uv_loop_s;
struct pm_http_client;

#define PM_CLICKHOUSE_TABLE_DEFAULT "pingmesh.samples"

enum {
  /* The server makes a part of every INSERT: a thousand nodes at this pace are a hundred a second,
   * spread over its shards. */
  PM_CLICKHOUSE_INTERVAL_S_DEFAULT = 10,
  PM_CLICKHOUSE_INTERVAL_S_MAX = 300,
  /* A thousand peers at 10 s write 100 rows a second, 60 bytes each in gzip: an hour of an outage
   * and half of another one. */
  PM_CLICKHOUSE_QUEUE_BYTES_MAX = 32 << 20,
  PM_CLICKHOUSE_QUEUE_BODIES_MAX = 4000,
};

struct pm_clickhouse_config {
  const char *url, *table;
  const char *user, *password; /* NULL: the server's default; all are copied */
  const char *location;        /* ours; copied */
  int64_t interval_s;
  struct pm_http_client *client;
  const struct pm_log *log;
  uint64_t seed; /* also the node's name in the rows: of a secret, never 0 */
};

/* PM_ERR_SYNTAX (table); PM_ERR_NOMEM. */
enum pm_err pm_clickhouse_open(struct uv_loop_s *loop, const struct pm_clickhouse_config *config,
                               struct pm_sink **out, struct pm_why *why) PM_MUST_USE;

#endif
