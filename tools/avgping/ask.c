#include "ask.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "fetch.h"

static const struct pm_log log_to_stderr = {.level = PM_LOG_INFO, .fd = STDERR_FILENO};

/* Which statistics a node of ours is to send along. */
static const char ALL_WINDOWS[] = "?stats=all";

static enum pm_err fetch_and_read(const struct avgping_request *request, struct pm_peers_doc *out,
                                  struct pm_why *why) {
  static const struct pm_peers_doc_limits limits = {.bytes_max = AVGPING_DOC_BYTES_MAX,
                                                    .entries_max = AVGPING_ENTRIES_MAX,
                                                    .items_max = AVGPING_DOC_ITEMS_MAX};
  struct pm_buf body;
  pm_buf_init(&body, AVGPING_DOC_BYTES_MAX);
  enum pm_err err = avgping_fetch(request, &body, why);
  if (err == PM_OK) err = pm_peers_doc_read_within(&limits, body.data, body.len, out, why);
  pm_buf_deinit(&body);
  return err;
}

static enum pm_err ask_endpoint(const struct avgping_options *options,
                                const struct pm_endpoint *endpoint, bool (*interrupted)(void),
                                struct pm_peers_doc *out) {
  char url[PM_URL_BYTES + sizeof(ALL_WINDOWS)];
  /* Old nodes pass over what they do not know. */
  snprintf(url, sizeof(url), "%s%s", endpoint->url, options->percentiles ? ALL_WINDOWS : "");
  const struct avgping_request request = {.url = url,
                                          .ip = endpoint->ip_override,
                                          .ca_file = options->ca_file,
                                          .insecure = options->insecure,
                                          .interrupted = interrupted};
  struct pm_why why = {""};
  if (endpoint->https && options->insecure) {
    pm_log(&log_to_stderr, PM_LOG_ALWAYS, "not verifying the certificate of %s", endpoint->url);
  }
  enum pm_err err = fetch_and_read(&request, out, &why);
  if (err != PM_OK && err != PM_ERR_CLOSED) {
    pm_log(&log_to_stderr, PM_LOG_ALWAYS, "cannot get %s: %s", endpoint->url, why.text);
  }
  if (err == PM_OK && out->skipped > 0) {
    pm_log(&log_to_stderr, PM_LOG_ALWAYS, "left out %zu malformed or surplus entries of %s",
           out->skipped, endpoint->url);
  }
  return err;
}

/* The same document over https, at https's port unless the person wrote one. */
static enum pm_err with_https(const struct avgping_options *options, struct pm_endpoint *out) {
  char url[PM_URL_BYTES + 8];
  snprintf(url, sizeof(url), "https%s", options->endpoint.url + strlen("http"));
  struct pm_why why = {""};
  enum pm_err err = pm_endpoint_parse(url, options->ip, out, &why);
  if (err != PM_OK) pm_log(&log_to_stderr, PM_LOG_ALWAYS, "%s", why.text);
  return err;
}

static enum pm_err ask_over_https(struct avgping_options *options, bool (*interrupted)(void),
                                  struct pm_peers_doc *out) {
  struct pm_endpoint endpoint;
  enum pm_err err = with_https(options, &endpoint);
  if (err != PM_OK) return err;
  puts("Trying with https:// protocol");
  err = ask_endpoint(options, &endpoint, interrupted, out);
  if (err == PM_OK) options->endpoint = endpoint;
  return err;
}

enum pm_err avgping_ask(struct avgping_options *options, bool (*interrupted)(void),
                        struct pm_peers_doc *out) {
  enum pm_err err = ask_endpoint(options, &options->endpoint, interrupted, out);
  if (err != PM_OK && err != PM_ERR_CLOSED && options->any_scheme) {
    err = ask_over_https(options, interrupted, out);
  }
  if (err == PM_OK) options->any_scheme = false;
  return err;
}
