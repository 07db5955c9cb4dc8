#include "fetch.h"

#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* What libcurl's callbacks work on. */
struct transfer {
  const struct avgping_request *request;
  struct pm_buf *body;
  size_t header_bytes;
};

static size_t take_body(char *data, size_t size, size_t count, void *owner) {
  struct transfer *transfer = owner;
  pm_buf_append(transfer->body, data, size * count);
  return pm_buf_status(transfer->body) == PM_OK ? size * count : 0;
}

static size_t take_header(char *data, size_t size, size_t count, void *owner) {
  (void)data;
  struct transfer *transfer = owner;
  transfer->header_bytes += size * count;
  return transfer->header_bytes <= AVGPING_FETCH_HEADER_BYTES_MAX ? size * count : 0;
}

static int check_interrupt(void *owner, curl_off_t down_max, curl_off_t down, curl_off_t up_max,
                           curl_off_t up) {
  (void)down_max, (void)down, (void)up_max, (void)up;
  const struct transfer *transfer = owner;
  return transfer->request->interrupted != NULL && transfer->request->interrupted();
}

static void set_bounds(CURL *easy, const struct pm_buf *body) {
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)AVGPING_FETCH_MS_MAX);
  curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)body->bytes_max);
}

static void set_callbacks(CURL *easy, struct transfer *transfer) {
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, check_interrupt);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, transfer);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
}

/* Not "pingmesh-client", which an old node is: nodes show everything to what they do not know. */
static void set_request(CURL *easy, const struct avgping_request *request) {
  curl_easy_setopt(easy, CURLOPT_URL, request->url);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "avgping/" PM_VERSION);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, request->insecure ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, request->insecure ? 0L : 2L);
  if (request->ca_file == NULL) return;
  curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
  curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}

/* "whatever host, whatever port: this address, the same port", so that Host and SNI stay right. */
static struct curl_slist *connect_to(const struct pm_ip *ip) {
  char address[PM_IP_TEXT_BYTES];
  char rule[PM_IP_TEXT_BYTES + 8];
  if (ip->family == PM_IP_NONE) return NULL;
  pm_ip_text(ip, address);
  snprintf(rule, sizeof(rule), ip->family == PM_IP_V6 ? "::[%s]:" : "::%s:", address);
  return curl_slist_append(NULL, rule);
}

static enum pm_err explain_failure(CURLcode code, const struct transfer *transfer,
                                   const char *detail, struct pm_why *why) {
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return pm_why_set(why, PM_ERR_TIMEOUT, "no whole answer within %d s",
                      AVGPING_FETCH_MS_MAX / 1000);
  }
  if (code == CURLE_ABORTED_BY_CALLBACK) return pm_why_set(why, PM_ERR_CLOSED, "interrupted");
  if (code == CURLE_OUT_OF_MEMORY || pm_buf_status(transfer->body) == PM_ERR_NOMEM) {
    return pm_why_set(why, PM_ERR_NOMEM, "%s", pm_err_text(PM_ERR_NOMEM));
  }
  if (code == CURLE_FILESIZE_EXCEEDED || pm_buf_status(transfer->body) == PM_ERR_FULL) {
    return pm_why_set(why, PM_ERR_TOO_LARGE, "the answer is larger than %zu bytes",
                      transfer->body->bytes_max);
  }
  if (transfer->header_bytes > AVGPING_FETCH_HEADER_BYTES_MAX) {
    return pm_why_set(why, PM_ERR_TOO_LARGE, "the answer's header is larger than %d bytes",
                      AVGPING_FETCH_HEADER_BYTES_MAX);
  }
  return pm_why_set(why, PM_ERR_IO, "%s", detail[0] != '\0' ? detail : curl_easy_strerror(code));
}

static enum pm_err perform(CURL *easy, struct transfer *transfer, struct pm_why *why) {
  char detail[CURL_ERROR_SIZE] = "";
  long status = 0;
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
  CURLcode code = curl_easy_perform(easy);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
  if (code != CURLE_OK) return explain_failure(code, transfer, detail, why);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  if (status == 200) return PM_OK;
  return pm_why_set(why, PM_ERR_IO, "it answered with HTTP status %ld, not 200", status);
}

enum pm_err avgping_fetch(const struct avgping_request *request, struct pm_buf *body,
                          struct pm_why *why) {
  struct transfer transfer = {.request = request, .body = body};
  CURL *easy = curl_easy_init();
  if (easy == NULL) return pm_why_set(why, PM_ERR_NOMEM, "libcurl does not start");
  struct curl_slist *route = connect_to(&request->ip);
  set_bounds(easy, body);
  set_callbacks(easy, &transfer);
  set_request(easy, request);
  curl_easy_setopt(easy, CURLOPT_CONNECT_TO, route);
  enum pm_err err = PM_ERR_NOMEM;
  if (route != NULL || request->ip.family == PM_IP_NONE) {
    err = perform(easy, &transfer, why);
  } else {
    pm_why_set(why, err, "%s", pm_err_text(err));
  }
  curl_easy_cleanup(easy);
  curl_slist_free_all(route);
  return err;
}
