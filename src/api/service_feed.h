/* What the node tells the service as it happens, for those who watch and for what is shown of
 * single samples. A node without a server tells nothing.
 */
#ifndef PM_API_SERVICE_FEED_H
#define PM_API_SERVICE_FEED_H

#include "api/service.h"
#include "gossip/change.h"
#include "probe/target.h"

/* A probe has ended. */
void pm_service_feed_sample(struct pm_service *service, const struct pm_target *target,
                            const struct pm_sample *sample);
/* The target has: given up, done or removed. */
void pm_service_feed_ended(struct pm_service *service, const struct pm_target *target);
/* Something became of an endpoint of the mesh. */
void pm_service_feed_change(struct pm_service *service, const struct pm_gossip_change *change);

enum { PM_SERVICE_TICK_MS = 1000 };
/* To be called that often. */
void pm_service_feed_tick(struct pm_service *service);

#endif
