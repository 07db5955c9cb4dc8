/* AWS credentials as values, and the two texts that they come in: a profile of the shared files
 * (~/.aws/credentials, ~/.aws/config) and the JSON document of a container's or an EC2 instance's
 * credentials service. Pure; publish/aws_credentials fetches the texts.
 */
#ifndef PM_PUBLISH_AWS_KEYS_H
#define PM_PUBLISH_AWS_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"

enum {
  PM_AWS_KEY_ID_BYTES = 132,      /* IAM: 16 to 128 characters */
  PM_AWS_SECRET_BYTES = 260,      /* 40 today */
  PM_AWS_TOKEN_BYTES = 4096,      /* STS names no limit; a header line of more is refused by many */
  PM_AWS_REGION_BYTES = 64,       /* "us-gov-west-1" */
  PM_AWS_URL_BYTES = 512,         /* of an endpoint */
  PM_AWS_FILE_BYTES_MAX = 262144, /* of a shared file: hundreds of profiles */
};

struct pm_aws_keys {
  char key_id[PM_AWS_KEY_ID_BYTES]; /* "": there are none */
  char secret[PM_AWS_SECRET_BYTES];
  char token[PM_AWS_TOKEN_BYTES]; /* "": none */
  struct pm_wall expires;         /* 0: never */
};

struct pm_aws_profile {
  struct pm_aws_keys keys;
  char region[PM_AWS_REGION_BYTES];
  char endpoint_url[PM_AWS_URL_BYTES];
};

/* Reads one profile of a shared file and adds what it says to out (a later word for the same thing
 * wins, as in the AWS tools). In the config file sections are called "profile NAME" but for
 * "default". Unknown names, nested lines (blanks before them) and lines that are none are skipped;
 * a value that is too long or holds control characters is as if it were not there. A key without
 * its secret counts as none. Returns whether the file has such a section. */
bool pm_aws_profile_read(const char *text, size_t bytes, const char *name, bool config_file,
                         struct pm_aws_profile *out);

/* {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"}, and "Code": "Success" if there is a
 * code. PM_ERR_SYNTAX, PM_ERR_MISSING, PM_ERR_TOO_LARGE, PM_ERR_NOMEM, with a sentence that holds
 * none of the secrets. */
enum pm_err pm_aws_keys_parse(const char *text, size_t bytes, struct pm_aws_keys *out,
                              struct pm_why *why) PM_MUST_USE;

/* Copies a value that may be a header's or a URL's part: printable ASCII, one character at least.
 * False, and out as it was, if it is not so or does not fit. */
bool pm_aws_value_copy(const char *value, size_t bytes, char *out, size_t out_bytes);

#endif
