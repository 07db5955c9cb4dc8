/* AWS credentials, region and endpoint, found where the AWS tools look, and kept fresh.
 *
 *   credentials  environment; profile in the shared credentials file, then in the config file; a
 *                container's endpoint; the instance role of EC2 (IMDSv2)
 *   region       AWS_REGION, AWS_DEFAULT_REGION, the profile, the instance
 *   endpoint     AWS_ENDPOINT_URL_CLOUDWATCH, AWS_ENDPOINT_URL, the profile's endpoint_url, else
 *                the region's
 *
 * Also heard: AWS_PROFILE, AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE, AWS_EC2_METADATA_DISABLED
 * and AWS_EC2_METADATA_SERVICE_ENDPOINT. Not supported: credential_process, SSO, assumed roles of a
 * profile. Files are read on the thread pool, services asked on the loop; nothing ever waits.
 * Credentials with an end are renewed five minutes before it.
 */
#ifndef PM_PUBLISH_AWS_CREDENTIALS_H
#define PM_PUBLISH_AWS_CREDENTIALS_H

#include "base/err.h"
#include "base/log.h"
#include "publish/aws_keys.h"
#include "publish/http_client.h"

struct uv_loop_s;
struct pm_aws_credentials;

typedef const char *(*pm_aws_env)(void *owner, const char *name);

struct pm_aws_credentials_config {
  struct pm_http_client *client; /* borrowed; outlives it */
  const struct pm_log *log;
  pm_aws_env env; /* values are borrowed for as long as the credentials live */
  void *env_owner;
  /* A search has ended, with keys or without. From the loop, never from within a call to here. */
  void (*changed)(void *owner);
  void *owner;
};

struct pm_aws_access {
  const struct pm_aws_keys *keys;
  const char *region;
  const char *url; /* of CloudWatch, ended by its path "/" */
};

enum pm_err pm_aws_credentials_open(struct uv_loop_s *loop,
                                    const struct pm_aws_credentials_config *config,
                                    struct pm_aws_credentials **out) PM_MUST_USE;
/* Credentials that hold now, with a region; borrowed until the next call. PM_ERR_MISSING while
 * there are none: a search has been started, unless the last one began less than ten seconds ago.
 */
enum pm_err pm_aws_credentials_get(struct pm_aws_credentials *credentials,
                                   struct pm_aws_access *out) PM_MUST_USE;
/* Whether a search is under way; changed tells of its end. */
bool pm_aws_credentials_searching(const struct pm_aws_credentials *credentials);
/* The service took these for expired or unknown: forgotten, so that the next get searches again
 * (at most every ten seconds). */
void pm_aws_credentials_reject(struct pm_aws_credentials *credentials);
/* Cancels a search under way, calls closed (maybe at once) and frees. */
void pm_aws_credentials_close(struct pm_aws_credentials *credentials, void (*closed)(void *owner),
                              void *owner);

#endif
