#include "publish/aws_credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

#include "base/buf.h"
#include "base/endpoint.h"

enum {
  RENEW_BEFORE_S = 300,      /* AWS hands out new ones at least five minutes before the end */
  SEARCH_AGAIN_S = 10,       /* after one that found nothing, or whose keys were rejected */
  SERVICE_CONNECT_MS = 1000, /* on the same host or none: whoever is not on EC2 waits in vain */
  SERVICE_TOTAL_MS = 5000,
  SERVICE_BYTES_MAX = 16 * 1024,
  HEADER_BYTES = PM_AWS_TOKEN_BYTES + 64,
};

static const char CONTAINER_HOST[] = "http://169.254.170.2";
static const char INSTANCE_HOST[] = "http://169.254.169.254";
static const char ROLES_PATH[] = "/latest/meta-data/iam/security-credentials/";

/* What a thread of the pool reads; the loop does not touch it meanwhile. */
struct files {
  char credentials_path[PATH_MAX], config_path[PATH_MAX], token_path[PATH_MAX];
  struct pm_buf credentials, config, token;
};

struct pm_aws_credentials {
  struct pm_aws_credentials_config config;
  uv_loop_t *loop;
  uv_work_t work;
  struct files files;
  struct pm_http_call *call;

  struct pm_aws_profile found;   /* by the search under way */
  struct pm_aws_profile current; /* what get gives out */
  char url[PM_AWS_URL_BYTES + 64];
  char instance_token[HEADER_BYTES]; /* the header that carries it */
  struct pm_why trouble;             /* of a service that was configured and failed */

  bool searching, reading;
  bool told_missing;
  struct pm_time search_not_before;
  bool closing;
  void (*closed)(void *owner);
  void *owner;
};

static const char *env(const struct pm_aws_credentials *credentials, const char *name) {
  const char *value = credentials->config.env(credentials->config.env_owner, name);
  return value != NULL ? value : "";
}

/* The first that is set. */
static const char *env_either(const struct pm_aws_credentials *credentials, const char *name,
                              const char *other) {
  const char *value = env(credentials, name);
  return *value != '\0' ? value : env(credentials, other);
}

static bool env_is_true(const struct pm_aws_credentials *credentials, const char *name) {
  return strcasecmp(env(credentials, name), "true") == 0;
}

/* --- the end of a search ---------------------------------------------------------------------- */

static bool has_keys(const struct pm_aws_profile *profile) {
  return profile->keys.key_id[0] != '\0';
}

/* The old program's words, for its users know them; ours say what else there is. */
static void tell_missing(struct pm_aws_credentials *credentials) {
  if (credentials->told_missing) return;
  credentials->told_missing = true;
  const struct pm_log *log = credentials->config.log;
  pm_log(log, PM_LOG_ALWAYS,
         "CloudWatch requires in environment: AWS_REGION, AWS_ACCESS_KEY_ID, "
         "AWS_SECRET_ACCESS_KEY");
  pm_log(log, PM_LOG_ALWAYS,
         "no %s there, in the AWS profile, the container's or the instance's service%s%s; nothing "
         "is published to CloudWatch until there is",
         has_keys(&credentials->found) ? "region" : "credentials",
         credentials->trouble.text[0] ? ": " : "", credentials->trouble.text);
}

static void set_url(struct pm_aws_credentials *credentials) {
  const char *given = env_either(credentials, "AWS_ENDPOINT_URL_CLOUDWATCH", "AWS_ENDPOINT_URL");
  if (*given == '\0' && !env_is_true(credentials, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))
    given = credentials->current.endpoint_url;
  const char *region = credentials->current.region;
  size_t bytes = sizeof(credentials->url);
  if (*given != '\0') {
    bool slash = given[strlen(given) - 1] == '/';
    snprintf(credentials->url, bytes, "%s%s", given, slash ? "" : "/");
  } else {
    snprintf(credentials->url, bytes, "https://monitoring.%s.amazonaws.com%s/", region,
             strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
  }
}

static void end_search(struct pm_aws_credentials *credentials) {
  struct pm_aws_profile *found = &credentials->found;
  credentials->searching = false;
  if (has_keys(found) && found->region[0] != '\0') {
    credentials->current = *found;
    credentials->told_missing = false;
    set_url(credentials);
  } else {
    tell_missing(credentials);
  }
  if (credentials->config.changed != NULL) credentials->config.changed(credentials->config.owner);
}

/* --- services --------------------------------------------------------------------------------- */

typedef void (*reply_handler)(void *owner, const struct pm_http_reply *reply);

static void ask(struct pm_aws_credentials *credentials, const char *method, const char *url,
                const char *header, reply_handler then) {
  struct pm_http_call_config call = {
      .method = method,
      .url = url,
      .headers = {header},
      .connect_ms = SERVICE_CONNECT_MS,
      .total_ms = SERVICE_TOTAL_MS,
      .answer_bytes_max = SERVICE_BYTES_MAX,
      .direct = true,
  };
  enum pm_err err =
      pm_http_client_send(credentials->config.client, &call, then, credentials, &credentials->call);
  if (err == PM_OK) return;
  pm_why_set(&credentials->trouble, err, "%s: %s", url, pm_err_text(err));
  end_search(credentials);
}

/* Notes what was wrong with a service that should be there; false if it was. */
static bool succeeded(struct pm_aws_credentials *credentials, const struct pm_http_reply *reply,
                      const char *what) {
  if (reply->status == 200) return true;
  if (reply->status != 0)
    pm_why_set(&credentials->trouble, PM_ERR_IO, "%s: HTTP status %d", what, reply->status);
  else
    pm_why_set(&credentials->trouble, PM_ERR_IO, "%s: %s", what, reply->words);
  return false;
}

static void instance_ask(struct pm_aws_credentials *credentials, const char *path,
                         reply_handler then) {
  const char *host = env(credentials, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (*host == '\0') host = INSTANCE_HOST;
  size_t bytes = strlen(host);
  while (bytes > 0 && host[bytes - 1] == '/') bytes--;
  char url[PM_AWS_URL_BYTES];
  snprintf(url, sizeof(url), "%.*s%s", (int)bytes, host, path);
  bool first = credentials->instance_token[0] == '\0';
  ask(credentials, first ? "PUT" : "GET", url,
      first ? "X-aws-ec2-metadata-token-ttl-seconds: 21600" : credentials->instance_token, then);
}

static void on_instance_region(void *owner, const struct pm_http_reply *reply) {
  struct pm_aws_credentials *credentials = owner;
  credentials->call = NULL;
  if (succeeded(credentials, reply, "the instance's region"))
    pm_aws_value_copy(reply->body, reply->body_bytes, credentials->found.region,
                      sizeof(credentials->found.region));
  end_search(credentials);
}

static void end_with_region(struct pm_aws_credentials *credentials) {
  if (has_keys(&credentials->found) && credentials->found.region[0] == '\0')
    instance_ask(credentials, "/latest/meta-data/placement/region", on_instance_region);
  else
    end_search(credentials);
}

static void on_instance_keys(void *owner, const struct pm_http_reply *reply) {
  struct pm_aws_credentials *credentials = owner;
  credentials->call = NULL;
  if (succeeded(credentials, reply, "the instance's credentials") &&
      pm_aws_keys_parse(reply->body, reply->body_bytes, &credentials->found.keys,
                        &credentials->trouble) != PM_OK)
    memset(&credentials->found.keys, 0, sizeof(credentials->found.keys));
  end_with_region(credentials);
}

static void on_instance_role(void *owner, const struct pm_http_reply *reply) {
  struct pm_aws_credentials *credentials = owner;
  credentials->call = NULL;
  char role[PM_AWS_KEY_ID_BYTES];
  size_t bytes = strcspn(reply->body, "\r\n");
  if (!succeeded(credentials, reply, "the instance's role") ||
      !pm_aws_value_copy(reply->body, bytes, role, sizeof(role))) {
    end_search(credentials);
    return;
  }
  char path[sizeof(ROLES_PATH) + PM_AWS_KEY_ID_BYTES];
  snprintf(path, sizeof(path), "%s%s", ROLES_PATH, role);
  instance_ask(credentials, path, on_instance_keys);
}

static void on_instance_token(void *owner, const struct pm_http_reply *reply) {
  struct pm_aws_credentials *credentials = owner;
  char token[PM_AWS_TOKEN_BYTES];
  credentials->call = NULL;
  /* No word about one that does not answer: most machines are no EC2 instances. */
  if (reply->status != 200 ||
      !pm_aws_value_copy(reply->body, reply->body_bytes, token, sizeof(token))) {
    end_search(credentials);
    return;
  }
  snprintf(credentials->instance_token, sizeof(credentials->instance_token),
           "X-aws-ec2-metadata-token: %s", token);
  if (has_keys(&credentials->found))
    end_with_region(credentials);
  else
    instance_ask(credentials, ROLES_PATH, on_instance_role);
}

static void search_instance(struct pm_aws_credentials *credentials) {
  credentials->instance_token[0] = '\0';
  if (env_is_true(credentials, "AWS_EC2_METADATA_DISABLED"))
    end_search(credentials);
  else
    instance_ask(credentials, "/latest/api/token", on_instance_token);
}

static void search_region(struct pm_aws_credentials *credentials) {
  if (credentials->found.region[0] != '\0')
    end_search(credentials);
  else
    search_instance(credentials);
}

static void on_container_keys(void *owner, const struct pm_http_reply *reply) {
  struct pm_aws_credentials *credentials = owner;
  credentials->call = NULL;
  if (succeeded(credentials, reply, "the container's credentials") &&
      pm_aws_keys_parse(reply->body, reply->body_bytes, &credentials->found.keys,
                        &credentials->trouble) == PM_OK)
    search_region(credentials);
  else
    end_search(credentials);
}

/* A full URI with plain http may only lead to this host or to the container services' addresses, as
 * in the AWS tools: a token goes there. */
static bool may_ask(const char *url) {
  static const char *const services[] = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23"};
  struct pm_endpoint endpoint;
  if (pm_endpoint_parse(url, NULL, &endpoint, NULL) != PM_OK) return false;
  if (endpoint.https || strcmp(endpoint.host, "localhost") == 0) return true;
  if (!endpoint.host_is_ip) return false;
  for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
    if (strcmp(endpoint.host, services[i]) == 0) return true;
  return pm_ip_classify(&endpoint.host_ip) == PM_IP_CLASS_LOOPBACK;
}

static void ask_container(struct pm_aws_credentials *credentials, const char *url) {
  char header[HEADER_BYTES];
  const char *token = env(credentials, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
  size_t bytes = strlen(token);
  if (credentials->files.token.len > 0) {
    token = credentials->files.token.data;
    bytes = strcspn(token, "\r\n");
  }
  snprintf(header, sizeof(header), "Authorization: %.*s", (int)bytes, token);
  ask(credentials, "GET", url, bytes > 0 ? header : NULL, on_container_keys);
}

static void search_container(struct pm_aws_credentials *credentials) {
  const char *relative = env(credentials, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const char *full = env(credentials, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  char url[PM_AWS_URL_BYTES];
  if (*relative != '\0') {
    snprintf(url, sizeof(url), "%s%s", CONTAINER_HOST, relative);
    ask_container(credentials, url);
  } else if (*full == '\0') {
    search_instance(credentials);
  } else if (may_ask(full)) {
    ask_container(credentials, full);
  } else {
    pm_why_set(&credentials->trouble, PM_ERR_DENIED,
               "AWS_CONTAINER_CREDENTIALS_FULL_URI: %s is neither https nor on this host", full);
    end_search(credentials);
  }
}

/* --- environment and files -------------------------------------------------------------------- */

static void take_environment(struct pm_aws_credentials *credentials) {
  struct pm_aws_profile *found = &credentials->found;
  const char *key_id = env(credentials, "AWS_ACCESS_KEY_ID");
  const char *secret = env(credentials, "AWS_SECRET_ACCESS_KEY");
  const char *token = env(credentials, "AWS_SESSION_TOKEN");
  struct pm_aws_keys keys = {.key_id = ""};
  if (pm_aws_value_copy(key_id, strlen(key_id), keys.key_id, sizeof(keys.key_id)) &&
      pm_aws_value_copy(secret, strlen(secret), keys.secret, sizeof(keys.secret))) {
    pm_aws_value_copy(token, strlen(token), keys.token, sizeof(keys.token));
    found->keys = keys;
  }
  const char *region = env_either(credentials, "AWS_REGION", "AWS_DEFAULT_REGION");
  pm_aws_value_copy(region, strlen(region), found->region, sizeof(found->region));
}

static void take_files(struct pm_aws_credentials *credentials) {
  const struct files *files = &credentials->files;
  struct pm_aws_profile *found = &credentials->found;
  struct pm_aws_profile own = {.region = ""};
  const char *name = env_either(credentials, "AWS_PROFILE", "AWS_DEFAULT_PROFILE");
  if (*name == '\0') name = "default";
  bool known = pm_aws_profile_read(files->config.data, files->config.len, name, true, found);
  if (pm_aws_profile_read(files->credentials.data, files->credentials.len, name, false, &own)) {
    known = true;
    if (has_keys(&own)) found->keys = own.keys;
  }
  if (!known && strcmp(name, "default") != 0)
    pm_why_set(&credentials->trouble, PM_ERR_MISSING, "there is no profile \"%s\"", name);
}

static void read_file(const char *path, struct pm_buf *out) {
  char piece[4096];
  FILE *file = path[0] != '\0' ? fopen(path, "re") : NULL;
  if (file == NULL) return;
  size_t bytes;
  while ((bytes = fread(piece, 1, sizeof(piece), file)) > 0) pm_buf_append(out, piece, bytes);
  fclose(file);
}

static void work(uv_work_t *request) {
  struct pm_aws_credentials *credentials = request->data;
  struct files *files = &credentials->files;
  read_file(files->credentials_path, &files->credentials);
  read_file(files->config_path, &files->config);
  read_file(files->token_path, &files->token);
}

static void free_files(struct files *files) {
  pm_buf_deinit(&files->credentials);
  pm_buf_deinit(&files->config);
  pm_buf_deinit(&files->token);
}

static void finish_close(struct pm_aws_credentials *credentials);

static void after_work(uv_work_t *request, int status) {
  struct pm_aws_credentials *credentials = request->data;
  credentials->reading = false;
  if (credentials->closing) {
    finish_close(credentials);
    return;
  }
  memset(&credentials->found, 0, sizeof(credentials->found));
  credentials->trouble.text[0] = '\0';
  if (status == 0) take_files(credentials);
  take_environment(credentials);
  if (has_keys(&credentials->found))
    search_region(credentials);
  else
    search_container(credentials);
}

static void set_path(const struct pm_aws_credentials *credentials, const char *name,
                     const char *fallback, char out[PATH_MAX]) {
  const char *path = env(credentials, name);
  const char *home = env(credentials, "HOME");
  if (*path != '\0')
    snprintf(out, PATH_MAX, "%s", path);
  else if (*home != '\0' && fallback != NULL)
    snprintf(out, PATH_MAX, "%s/%s", home, fallback);
  else
    out[0] = '\0';
}

static void search(struct pm_aws_credentials *credentials) {
  struct files *files = &credentials->files;
  credentials->searching = credentials->reading = true;
  credentials->search_not_before = pm_time_add_ms(pm_clock_now(), SEARCH_AGAIN_S * 1000);
  free_files(files);
  set_path(credentials, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", files->credentials_path);
  set_path(credentials, "AWS_CONFIG_FILE", ".aws/config", files->config_path);
  set_path(credentials, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", NULL, files->token_path);
  uv_queue_work(credentials->loop, &credentials->work, work, after_work);
}

/* --- what the sink calls ---------------------------------------------------------------------- */

enum pm_err pm_aws_credentials_get(struct pm_aws_credentials *credentials,
                                   struct pm_aws_access *out) {
  struct pm_aws_profile *current = &credentials->current;
  int64_t left_ns = INT64_MAX;
  if (!has_keys(current))
    left_ns = -1;
  else if (current->keys.expires.ns != 0)
    left_ns = current->keys.expires.ns - pm_clock_wall().ns;
  if (left_ns < RENEW_BEFORE_S * (int64_t)PM_NS_PER_S && !credentials->searching &&
      !pm_time_before(pm_clock_now(), credentials->search_not_before))
    search(credentials);
  if (left_ns <= 0) return PM_ERR_MISSING;
  *out = (struct pm_aws_access){
      .keys = &current->keys, .region = current->region, .url = credentials->url};
  return PM_OK;
}

bool pm_aws_credentials_searching(const struct pm_aws_credentials *credentials) {
  return credentials->searching;
}

void pm_aws_credentials_reject(struct pm_aws_credentials *credentials) {
  memset(&credentials->current.keys, 0, sizeof(credentials->current.keys));
}

enum pm_err pm_aws_credentials_open(struct uv_loop_s *loop,
                                    const struct pm_aws_credentials_config *config,
                                    struct pm_aws_credentials **out) {
  struct pm_aws_credentials *credentials = calloc(1, sizeof(*credentials));
  if (credentials == NULL) return PM_ERR_NOMEM;
  credentials->config = *config;
  credentials->loop = loop;
  credentials->work.data = credentials;
  pm_buf_init(&credentials->files.credentials, PM_AWS_FILE_BYTES_MAX);
  pm_buf_init(&credentials->files.config, PM_AWS_FILE_BYTES_MAX);
  pm_buf_init(&credentials->files.token, PM_AWS_TOKEN_BYTES);
  *out = credentials;
  return PM_OK;
}

static void finish_close(struct pm_aws_credentials *credentials) {
  void (*closed)(void *owner) = credentials->closed;
  void *owner = credentials->owner;
  free_files(&credentials->files);
  explicit_bzero(credentials, sizeof(*credentials));
  free(credentials);
  closed(owner);
}

void pm_aws_credentials_close(struct pm_aws_credentials *credentials, void (*closed)(void *owner),
                              void *owner) {
  credentials->closing = true;
  credentials->closed = closed;
  credentials->owner = owner;
  if (credentials->call != NULL) pm_http_client_cancel(credentials->call);
  credentials->call = NULL;
  if (!credentials->reading) finish_close(credentials);
}
