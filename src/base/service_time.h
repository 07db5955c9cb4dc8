/* Pingmesh-Service-Time: what a node says of the time that a request spent there, so that who asked
 * can tell the network from the remote host. Pure.
 *
 *   Pingmesh-Service-Time: 137; rx=1795343367000321; tx=1795343367000458
 *
 * 137 µs from the request's arrival to the answer's writing, and both moments in µs since 1970 by
 * the node's own clock. No two nodes' clocks agree, so their difference says nothing of one
 * direction.
 */
#ifndef PM_BASE_SERVICE_TIME_H
#define PM_BASE_SERVICE_TIME_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define PM_SERVICE_TIME_HEADER "Pingmesh-Service-Time"

enum { PM_SERVICE_TIME_BYTES = 72 }; /* with its NUL, and three numbers of 20 characters */

struct pm_service_time {
  int64_t spent_us;
  int64_t received_us, sent_us; /* since 1970; 0: not said */
};

void pm_service_time_write(const struct pm_service_time *time, char out[PM_SERVICE_TIME_BYTES]);
/* Parameters of other names, and all of a parameter's absence, are let pass. PM_ERR_SYNTAX,
 * PM_ERR_RANGE (a number past 16 digits), PM_ERR_TOO_LARGE (a value of
 * PM_SERVICE_TIME_VALUE_BYTES_MAX or more). */
enum pm_err pm_service_time_read(const char *value, size_t bytes,
                                 struct pm_service_time *out) PM_MUST_USE;

enum { PM_SERVICE_TIME_VALUE_BYTES_MAX = 256 }; /* room for parameters of a later version */

#endif
