#include "publish/http_client.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "probe/curl_multi.h"

enum {
  CA_CACHE_S = 24 * 3600,
  SIGNATURE_SCOPE_BYTES = 160, /* "aws:amz:REGION:SERVICE" */
};

struct pm_http_client {
  struct pm_curl_multi *multi;
  char *ca_file; /* NULL: the system's */
  void (*closed)(void *owner);
  void *owner;
};

struct pm_http_call {
  struct pm_http_client *client;
  CURL *easy;
  struct curl_slist *headers;
  struct pm_buf answer;
  size_t header_bytes;
  bool cut; /* the answer was longer than its cap */
  char reason[CURL_ERROR_SIZE];
  void (*done)(void *owner, const struct pm_http_reply *reply);
  void *owner;
};

/* --- called by libcurl ---------------------------------------------------------------------- */

static size_t on_header(char *data, size_t size, size_t count, void *arg) {
  struct pm_http_call *call = arg;
  (void)data;
  call->header_bytes += size * count;
  return call->header_bytes <= PM_HTTP_CLIENT_HEADER_BYTES_MAX ? size * count : 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg) {
  struct pm_http_call *call = arg;
  size_t bytes = size * count;
  size_t room = call->answer.bytes_max - call->answer.len;
  pm_buf_append(&call->answer, data, bytes < room ? bytes : room);
  if (bytes <= room) return bytes;
  call->cut = true;
  return 0;
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address) {
  struct pm_http_call *call = arg;
  (void)purpose;
  int fd =
      socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  if (pm_curl_multi_socket_opened(call->client->multi, fd, NULL) == PM_OK) return fd;
  close(fd);
  return CURL_SOCKET_BAD;
}

/* --- one request ---------------------------------------------------------------------------- */

#define SET(code, easy, option, value)                                      \
  do {                                                                      \
    if ((code) == CURLE_OK) (code) = curl_easy_setopt(easy, option, value); \
  } while (0)

static CURLcode set_connection(struct pm_http_call *call,
                               const struct pm_http_call_config *config) {
  CURL *easy = call->easy;
  CURLcode code = CURLE_OK;
  SET(code, easy, CURLOPT_NOSIGNAL, 1L);
  /* Whoever cancels a request must not wait for the thread that looks its name up. */
  SET(code, easy, CURLOPT_QUICK_EXIT, 1L);
  SET(code, easy, CURLOPT_PROTOCOLS_STR, "http,https");
  SET(code, easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  SET(code, easy, CURLOPT_FOLLOWLOCATION, 0L);
  SET(code, easy, CURLOPT_CONNECTTIMEOUT_MS, (long)config->connect_ms);
  SET(code, easy, CURLOPT_TIMEOUT_MS, (long)config->total_ms);
  SET(code, easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  SET(code, easy, CURLOPT_OPENSOCKETDATA, call);
  SET(code, easy, CURLOPT_CAPATH, NULL); /* a directory would switch the cache of authorities off */
  SET(code, easy, CURLOPT_CA_CACHE_TIMEOUT, (long)CA_CACHE_S);
  if (call->client->ca_file != NULL) SET(code, easy, CURLOPT_CAINFO, call->client->ca_file);
  if (config->direct) SET(code, easy, CURLOPT_PROXY, "");
  return code;
}

static CURLcode set_callbacks(struct pm_http_call *call) {
  CURL *easy = call->easy;
  CURLcode code = CURLE_OK;
  SET(code, easy, CURLOPT_PRIVATE, call);
  SET(code, easy, CURLOPT_ERRORBUFFER, call->reason);
  SET(code, easy, CURLOPT_HEADERFUNCTION, on_header);
  SET(code, easy, CURLOPT_HEADERDATA, call);
  SET(code, easy, CURLOPT_WRITEFUNCTION, on_body);
  SET(code, easy, CURLOPT_WRITEDATA, call);
  return code;
}

/* The body is one piece that libcurl knows: its signer hashes nothing else right. */
static CURLcode set_body(struct pm_http_call *call, const struct pm_http_call_config *config) {
  CURL *easy = call->easy;
  CURLcode code = CURLE_OK;
  SET(code, easy, CURLOPT_URL, config->url);
  if (strcmp(config->method, "GET") == 0) return code;
  SET(code, easy, CURLOPT_POST, 1L);
  SET(code, easy, CURLOPT_POSTFIELDS, config->body != NULL ? config->body : "");
  SET(code, easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)config->body_bytes);
  if (strcmp(config->method, "POST") != 0) SET(code, easy, CURLOPT_CUSTOMREQUEST, config->method);
  return code;
}

static CURLcode set_headers(struct pm_http_call *call, const struct pm_http_call_config *config) {
  CURLcode code = CURLE_OK;
  for (size_t i = 0; i < PM_HTTP_CLIENT_HEADERS_MAX && config->headers[i] != NULL; i++) {
    struct curl_slist *grown = curl_slist_append(call->headers, config->headers[i]);
    if (grown == NULL) return CURLE_OUT_OF_MEMORY;
    call->headers = grown;
  }
  SET(code, call->easy, CURLOPT_USERAGENT, "pingmesh/" PM_VERSION);
  SET(code, call->easy, CURLOPT_HTTPHEADER, call->headers);
  return code;
}

static CURLcode set_identity(struct pm_http_call *call, const struct pm_http_call_config *config) {
  CURL *easy = call->easy;
  CURLcode code = CURLE_OK;
  const struct pm_http_signing *signing = config->signing;
  if (signing != NULL) {
    char scope[SIGNATURE_SCOPE_BYTES];
    snprintf(scope, sizeof(scope), "aws:amz:%s:%s", signing->region, signing->service);
    SET(code, easy, CURLOPT_AWS_SIGV4, scope);
    SET(code, easy, CURLOPT_USERNAME, signing->key_id);
    SET(code, easy, CURLOPT_PASSWORD, signing->secret);
  } else if (config->user != NULL) {
    SET(code, easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    SET(code, easy, CURLOPT_USERNAME, config->user);
    SET(code, easy, CURLOPT_PASSWORD, config->password);
  }
  return code;
}

static CURLcode set_all(struct pm_http_call *call, const struct pm_http_call_config *config) {
  CURLcode code = set_connection(call, config);
  if (code == CURLE_OK) code = set_callbacks(call);
  if (code == CURLE_OK) code = set_body(call, config);
  if (code == CURLE_OK) code = set_headers(call, config);
  if (code == CURLE_OK) code = set_identity(call, config);
  return code;
}

static void free_call(struct pm_http_call *call) {
  if (call->easy != NULL) curl_easy_cleanup(call->easy);
  curl_slist_free_all(call->headers);
  pm_buf_deinit(&call->answer);
  free(call);
}

static struct pm_http_call *new_call(struct pm_http_client *client,
                                     const struct pm_http_call_config *config) {
  struct pm_http_call *call = calloc(1, sizeof(*call));
  if (call == NULL) return NULL;
  call->client = client;
  pm_buf_init(&call->answer, config->answer_bytes_max);
  call->easy = curl_easy_init();
  if (call->easy != NULL && set_all(call, config) == CURLE_OK &&
      pm_curl_multi_prepare(client->multi, call->easy) == PM_OK)
    return call;
  free_call(call);
  return NULL;
}

static bool is_sane(const struct pm_http_call_config *config) {
  bool method = strcmp(config->method, "GET") == 0 || strcmp(config->method, "PUT") == 0 ||
                strcmp(config->method, "POST") == 0;
  bool url = strncmp(config->url, "http://", 7) == 0 || strncmp(config->url, "https://", 8) == 0;
  return method && url;
}

enum pm_err pm_http_client_send(struct pm_http_client *client,
                                const struct pm_http_call_config *config,
                                void (*done)(void *owner, const struct pm_http_reply *reply),
                                void *owner, struct pm_http_call **out) {
  if (!is_sane(config)) return PM_ERR_SYNTAX;
  struct pm_http_call *call = new_call(client, config);
  if (call == NULL) return PM_ERR_NOMEM;
  call->done = done;
  call->owner = owner;
  enum pm_err err = pm_curl_multi_add(client->multi, 0, call->easy);
  if (err != PM_OK) {
    free_call(call);
    return err;
  }
  *out = call;
  return PM_OK;
}

void pm_http_client_cancel(struct pm_http_call *call) {
  pm_curl_multi_remove(call->client->multi, 0, call->easy);
  free_call(call);
}

/* --- its end --------------------------------------------------------------------------------- */

static int64_t retry_after_ms(CURL *easy) {
  curl_off_t seconds = 0;
  if (curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK || seconds <= 0)
    return -1;
  return seconds < INT32_MAX ? (int64_t)seconds * 1000 : (int64_t)INT32_MAX * 1000;
}

static const char *words_of(const struct pm_http_call *call, CURLcode code) {
  return call->reason[0] != '\0' ? call->reason : curl_easy_strerror(code);
}

static void on_done(void *owner, CURL *easy, CURLcode code) {
  struct pm_http_call *call = NULL;
  (void)owner;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  bool answered = status > 0 && (code == CURLE_OK || call->cut);
  struct pm_http_reply reply = {
      .status = answered ? (int)status : 0,
      .body = call->answer.data,
      .body_bytes = call->answer.len,
      .after_ms = answered ? retry_after_ms(easy) : -1,
      .words = answered ? "" : words_of(call, code),
  };
  call->done(call->owner, &reply);
  free_call(call);
}

/* --- life ----------------------------------------------------------------------------------- */

static void free_client(struct pm_http_client *client) {
  free(client->ca_file);
  free(client);
}

enum pm_err pm_http_client_open(struct uv_loop_s *loop, const struct pm_http_client_config *config,
                                struct pm_http_client **out, struct pm_why *why) {
  static const struct pm_curl_multi_hooks hooks = {.done = on_done};
  struct pm_http_client *client = calloc(1, sizeof(*client));
  if (client == NULL) return pm_why_set(why, PM_ERR_NOMEM, "no memory to publish with");
  if (config->ca_file != NULL && config->ca_file[0] != '\0') {
    client->ca_file = strdup(config->ca_file);
    if (client->ca_file == NULL) {
      free_client(client);
      return pm_why_set(why, PM_ERR_NOMEM, "no memory to publish with");
    }
  }
  enum pm_err err = pm_curl_multi_open(loop, 1, &hooks, client, &client->multi, why);
  if (err != PM_OK) {
    free_client(client);
    return err;
  }
  *out = client;
  return PM_OK;
}

static void on_multi_closed(void *owner) {
  struct pm_http_client *client = owner;
  void (*closed)(void *owner) = client->closed;
  void *closed_owner = client->owner;
  free_client(client);
  closed(closed_owner);
}

void pm_http_client_close(struct pm_http_client *client, void (*closed)(void *owner), void *owner) {
  client->closed = closed;
  client->owner = owner;
  pm_curl_multi_close(client->multi, on_multi_closed, client);
}
