#include "ask.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/json_read.h"
#include "base/log.h"
#include "fetch.h"

static const struct pm_log log_to_stderr = {.level = PM_LOG_INFO, .fd = STDERR_FILENO};

/* What is asked for, and who reads it. */
struct question {
  const char *page;
  bool (*interrupted)(void);
  avgping_reader read;
  void *owner;
};

/* A node of ours says in words why it refused: PM_ERR_DENIED, for it was reached. */
static enum pm_err with_detail(const struct pm_buf *body, struct pm_why *why) {
  static const struct pm_json_limits limits = {
      .bytes_max = 4096, .depth_max = 4, .items_max = 64, .string_bytes_max = 1024};
  struct pm_json_doc *doc;
  const char *detail;
  struct pm_why said = *why;
  enum pm_err err = PM_ERR_IO;
  if (body->len == 0 || pm_json_parse(body->data, body->len, &limits, &doc, NULL) != PM_OK)
    return err;
  if (pm_json_string(pm_json_member(pm_json_root(doc), "detail"), &detail) == PM_OK)
    err = pm_why_set(why, PM_ERR_DENIED, "%s: %s", said.text, detail);
  pm_json_free(doc);
  return err;
}

static enum pm_err fetch_and_read(const struct avgping_request *request,
                                  const struct question *question, struct pm_why *why) {
  struct pm_buf body;
  pm_buf_init(&body, AVGPING_DOC_BYTES_MAX);
  enum pm_err err = avgping_fetch(request, &body, why);
  if (err == PM_ERR_IO) err = with_detail(&body, why);
  if (err == PM_OK) err = question->read(question->owner, &body, why);
  pm_buf_deinit(&body);
  return err;
}

static enum pm_err ask_endpoint(const struct avgping_options *options,
                                const struct pm_endpoint *endpoint,
                                const struct question *question) {
  static const char document[] = "peers"; /* what every endpoint here ends with */
  char url[2 * PM_URL_BYTES + 4096];
  size_t base = strlen(endpoint->url) - strlen(document);
  snprintf(url, sizeof(url), "%.*s%s", (int)base, endpoint->url, question->page);
  const struct avgping_request request = {.url = url,
                                          .ip = endpoint->ip_override,
                                          .ca_file = options->ca_file,
                                          .insecure = options->insecure,
                                          .interrupted = question->interrupted};
  struct pm_why why = {""};
  if (endpoint->https && options->insecure) {
    pm_log(&log_to_stderr, PM_LOG_ALWAYS, "not verifying the certificate of %s", endpoint->url);
  }
  enum pm_err err = fetch_and_read(&request, question, &why);
  if (err != PM_OK && err != PM_ERR_CLOSED) {
    size_t shown = base + strcspn(question->page, "?");
    pm_log(&log_to_stderr, PM_LOG_ALWAYS, "cannot get %.*s: %s", (int)shown, url, why.text);
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

static enum pm_err ask_over_https(struct avgping_options *options,
                                  const struct question *question) {
  struct pm_endpoint endpoint;
  enum pm_err err = with_https(options, &endpoint);
  if (err != PM_OK) return err;
  puts("Trying with https:// protocol");
  err = ask_endpoint(options, &endpoint, question);
  if (err == PM_OK) options->endpoint = endpoint;
  return err;
}

enum pm_err avgping_ask_page(struct avgping_options *options, const char *page,
                             bool (*interrupted)(void), avgping_reader read, void *owner) {
  const struct question question = {page, interrupted, read, owner};
  enum pm_err err = ask_endpoint(options, &options->endpoint, &question);
  bool answered = err == PM_OK || err == PM_ERR_DENIED;
  if (!answered && err != PM_ERR_CLOSED && options->any_scheme) {
    err = ask_over_https(options, &question);
  }
  if (err == PM_OK) options->any_scheme = false;
  return err;
}

/* --- peers -------------------------------------------------------------------------------------
 */

static enum pm_err read_peers(void *owner, const struct pm_buf *body, struct pm_why *why) {
  static const struct pm_peers_doc_limits limits = {.bytes_max = AVGPING_DOC_BYTES_MAX,
                                                    .entries_max = AVGPING_ENTRIES_MAX,
                                                    .items_max = AVGPING_DOC_ITEMS_MAX};
  return pm_peers_doc_read_within(&limits, body->data, body->len, owner, why);
}

enum pm_err avgping_ask(struct avgping_options *options, bool (*interrupted)(void),
                        struct pm_peers_doc *out) {
  /* Old nodes pass over what they do not know. */
  const char *page = options->percentiles ? "peers?stats=all" : "peers";
  enum pm_err err = avgping_ask_page(options, page, interrupted, read_peers, out);
  if (err == PM_OK && out->skipped > 0) {
    pm_log(&log_to_stderr, PM_LOG_ALWAYS, "left out %zu malformed or surplus entries of %s",
           out->skipped, options->endpoint.url);
  }
  return err;
}
