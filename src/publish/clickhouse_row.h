/* What ClickHouse is told and what it answers: a sample as a row (JSONEachRow), the URL of an
 * INSERT, and what to make of a reply. Pure. The columns are those of deploy/clickhouse/; all of it
 * is within what the server has taken since 18.16.
 *
 * A request whose answer was lost is sent again, so a row may arrive twice. node and seq together
 * are the sample's name; the tables keep one row of each (deploy/clickhouse/single.sql says how).
 */
#ifndef PM_PUBLISH_CLICKHOUSE_ROW_H
#define PM_PUBLISH_CLICKHOUSE_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "probe/target.h"
#include "publish/delivery.h"

enum {
  /* Names of columns and numbers; two locations, an address and a URL, each byte as an escape. */
  PM_CLICKHOUSE_ROW_BYTES_MAX = 2048 + 6 * (PM_URL_BYTES + 2 * PM_LOCATION_BYTES),
};

struct pm_clickhouse_origin {
  uint64_t node; /* random, of this process */
  uint64_t seq;  /* of the sample, from 1 */
  const char *from;
};

/* One line. Failures stick in the buffer. */
void pm_clickhouse_row(const struct pm_clickhouse_origin *origin, const struct pm_target *target,
                       const struct pm_sample *sample, struct pm_buf *out);

/* base: http://host:8123, with a path and a query if need be; table: "database.table" of letters,
 * digits and underscores. PM_ERR_SYNTAX (table). */
enum pm_err pm_clickhouse_url(const char *base, const char *table, struct pm_buf *out,
                              struct pm_why *why) PM_MUST_USE;

/* What only a person can mend at the server (no such table, a wrong password) is tried again until
 * the queue is full; rows that it cannot read are refused. */
enum pm_delivery_verdict pm_clickhouse_judge(int status, const char *body, struct pm_why *words);

#endif
